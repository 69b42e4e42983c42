package dispatch

import (
	"regexp"
	"strings"
	"time"

	"yixian/dispatch/rule"
)

// keptFacts are what the rules saw of a case when they were asked, as it is kept with the trace for a replay. No words of
// the reporter: Said lists those words of the set's own text conditions that occurred. Answers are kept where they are a
// choice (true, false or a short code); what somebody typed is not.
type keptFacts struct {
	Matter    string            `json:"matter"`
	Grid      string            `json:"grid"`
	Community string            `json:"community"`
	Street    string            `json:"street"`
	LandUse   string            `json:"land_use,omitempty"`
	Lon       float64           `json:"lon"`
	Lat       float64           `json:"lat"`
	Source    string            `json:"source"`
	Mode      string            `json:"mode"`
	Reporters int               `json:"reporters"`
	Hour      int               `json:"hour"`
	IsWorkday bool              `json:"is_workday"`
	Priority  rule.Priority     `json:"priority,omitempty"`
	Facets    map[string]any    `json:"facets,omitempty"`
	Said      []string          `json:"said,omitempty"`
	Component map[string]string `json:"component,omitempty"` // id, owner, maintainer
	Device    string            `json:"device,omitempty"`
	Level     int               `json:"level,omitempty"`
}

var choice = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,40}$`)

// keep reduces facts to what may be kept.
func keep(f rule.Facts, s *rule.Set) keptFacts {
	k := keptFacts{Matter: f.Matter, Grid: f.Grid, Community: f.Community, Street: f.Street, LandUse: f.LandUse, Lon: f.Lon, Lat: f.Lat, Source: f.Source, Mode: f.Mode,
		Reporters: f.ReporterCount, Hour: f.Hour, IsWorkday: f.IsWorkday, Priority: f.Priority, Said: s.Said(f.Text), Device: f.DeviceKind, Level: f.AlertLevel}
	for key, v := range f.Facets {
		if text, ok := v.(string); ok && !(choice.MatchString(text) && strings.Trim(text, "0123456789") != "") {
			continue // typed, or a number such as a phone's
		}
		if k.Facets == nil {
			k.Facets = map[string]any{}
		}
		k.Facets[key] = v
	}
	if f.Component != "" {
		k.Component = map[string]string{"id": f.Component, "owner": f.ComponentOwner, "maintainer": f.ComponentMaintainer}
	}
	return k
}

// facts are kept facts as the rules take them, at an instant.
func (k keptFacts) facts(at time.Time) rule.Facts {
	return rule.Facts{Matter: k.Matter, Grid: k.Grid, Community: k.Community, Street: k.Street, LandUse: k.LandUse, HasPoint: true, Lon: k.Lon, Lat: k.Lat, Source: k.Source, Mode: k.Mode,
		ReporterCount: k.Reporters, Hour: k.Hour, IsWorkday: k.IsWorkday, Priority: k.Priority, Facets: k.Facets, Text: strings.Join(k.Said, "\n"), DeviceKind: k.Device, AlertLevel: k.Level,
		Component: k.Component["id"], ComponentOwner: k.Component["owner"], ComponentMaintainer: k.Component["maintainer"], At: at}
}

// routed is a decision as it is kept: with the facts it was made of.
type routed struct {
	rule.Decision
	Facts keptFacts `json:"facts"`
}

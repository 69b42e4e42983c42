package dispatch

import (
	"slices"
	"time"

	"yixian/dispatch/rule"
	"yixian/dispatch/score"
	"yixian/grid"
	"yixian/internal/fault"
	"yixian/internal/worktime"
)

// Limits are the tenant's numbers with the defaults of domain 4b.
type Limits struct {
	PresenceM       float64 // check-in: how near to the agreed place
	AccuracyCreditM float64 // how much of the accuracy is taken off the distance
	WorstAccuracyM  float64 // a worse position proves nothing
	CheckM          float64 // check: how near to the case
	MaxReopen       int
	ReportsPerDay   int
	FloodAddress    int // residents' reports of one address in an hour before the next ones wait for a dispatcher
	FloodNet        int // of its network (/24)
	FloodGrid       int // of one grid
	DuplicateM      float64
	DuplicateAge    time.Duration
	QRValid         time.Duration
	RevealsPerDay   int           // per officer
	PrecedentFor    time.Duration // how long a drafted precedent holds unless it is confirmed or ended
}

// DefaultLimits are the figures of domain 4b.
var DefaultLimits = Limits{PresenceM: 300, AccuracyCreditM: 100, WorstAccuracyM: 500, CheckM: 200, MaxReopen: 2, ReportsPerDay: 10, FloodAddress: 600, FloodNet: 3000, FloodGrid: 600,
	DuplicateM: 100, DuplicateAge: 72 * time.Hour, QRValid: 60 * time.Second, RevealsPerDay: 30, PrecedentFor: 365 * 24 * time.Hour}

// World is one district's configuration as decisions see it: immutable, swapped as a whole when it changes.
type World struct {
	District string
	Name     string
	Calendar *worktime.Calendar
	Units    map[string]grid.OrgUnit
	ByArea   map[string]string // area code → unit that answers for it
	Catalog  *rule.Catalog
	Rules    *rule.Set
	Stages   Stages
	Limits   Limits
	Index    *grid.Index
	Workers  map[string]bool // grids that have a worker
	Ledger   bool            // the district has a ledger of components

	RiskSteps score.RiskSteps // points from which the levels of a grid begin

	Incidents []Incident // not over, earliest first

	dir rule.Directory // the units as rules see them
}

// UnitOf is the unit that answers for an area (street or community); "" when nobody does.
func (w *World) UnitOf(area string) string { return w.ByArea[area] }

// UnitName is the short name shown to people; an unknown code is shown as it is.
func (w *World) UnitName(code string) string {
	if u, ok := w.Units[code]; ok {
		return u.ShortName
	}
	return code
}

// Grid describes a grid by its code, also one that has ended and on which cases still stand.
func (w *World) Grid(code string) (grid.Place, bool) {
	if p, ok := w.Index.Place(code); ok {
		return p, true
	}
	return w.Index.Former(code)
}

func (w *World) checkUnit(pointer, code string) error {
	u, ok := w.Units[code]
	switch {
	case !ok:
		return fault.Invalid(pointer, "没有单位 %s", code)
	case !u.Active:
		return fault.Invalid(pointer, "单位 %s 已停用", u.ShortName)
	}
	return nil
}

// checkUnits refuses a lead or an assisting unit that does not exist, and one unit in both parts.
func (w *World) checkUnits(lead string, assists []string) error {
	if err := w.checkUnit("/lead", lead); err != nil {
		return err
	}
	for _, u := range assists {
		if err := w.checkUnit("/assists", u); err != nil {
			return err
		}
		if u == lead {
			return fault.Invalid("/assists", "协办单位不能与主办单位相同")
		}
	}
	return nil
}

// checkUnitFor is the default check task (domain 4b): department handled → the grid's community; street handled →
// a community; community handled → another community of the street, else the street.
func (w *World) checkUnitFor(c *Case, handled string) string {
	own := w.UnitOf(c.CommunityCode)
	if handled != own {
		if own != "" {
			return own
		}
		return w.UnitOf(c.StreetCode)
	}
	var others []string
	for code, u := range w.Units {
		if u.Kind == "COMMUNITY" && u.Active && code != handled && len(u.AreaCode) == 12 && u.AreaCode[:9] == c.StreetCode && w.hasGrid(u.AreaCode) {
			others = append(others, code)
		}
	}
	if len(others) > 0 {
		return slices.Min(others)
	}
	return w.UnitOf(c.StreetCode)
}

func (w *World) hasGrid(community string) bool { return len(w.Index.Children(community)) > 0 }

// facts are what the rules may ask about a case.
func (w *World) facts(s *Snapshot, now time.Time) rule.Facts {
	c := &s.Case
	local := now.In(w.Calendar.Location())
	facets := map[string]any{}
	words := ""
	if len(s.Reports) > 0 {
		words = s.Reports[0].Words
		for k, v := range s.Reports[0].Facets {
			switch v {
			case "true", "false":
				facets[k] = v == "true"
			default:
				facets[k] = v
			}
		}
	}
	kind, level := "", 0
	if len(s.Reports) > 0 && s.Reports[0].Alert != nil {
		alert := s.Reports[0].Alert
		if kind, level = alert.Kind, alert.Level; alert.BuildingAlarms > 0 {
			facets["building_alarms"] = alert.BuildingAlarms
		}
	}
	out := rule.Facts{Matter: c.Matter, Grid: c.GridCode, Community: c.CommunityCode, Street: c.StreetCode, LandUse: c.LandUse, HasPoint: true, Lon: c.Lon, Lat: c.Lat,
		Source: c.Source, DeviceKind: kind, AlertLevel: level, Facets: facets, Text: words, Mode: c.Mode, ReporterCount: c.ReporterCount, Hour: local.Hour(), IsWorkday: w.Calendar.IsWorkingDay(local), At: now}
	if s.Component != nil {
		out.Component, out.ComponentOwner, out.ComponentMaintainer = s.Component.ID, s.Component.Owner, s.Component.Maintainer
	}
	return out
}

// requiredLevel is the least call level that the case's rule demands; "" when any will do.
func (s *Snapshot) requiredLevel() string {
	if s.Proposed == nil || !s.Proposed.Required {
		return ""
	}
	return string(s.Proposed.Level)
}

// Proposal is the call that the case's rule proposes to the street; nil when there is none to propose. It is what the rules said when
// the case was routed: neither a set published since nor the hour of asking changes it.
func (s *Snapshot) Proposal() *rule.Call {
	if s.Case.State != Handling && s.Case.State != Dispatched && s.Case.State != Calling {
		return nil
	}
	return s.Proposed
}

// Remaining is what is left of a clock's budget, in its own (working or natural) seconds; negative when overdue.
func (w *World) Remaining(c *Clock, now time.Time) int64 { return w.remaining(c, now) }

// RouteAt asks the rules about a matter at a place without a case, for `yixian route` and dry runs.
func (w *World) RouteAt(place grid.Place, p grid.Point, matter, source, words string, facets map[string]string, at time.Time) rule.Decision {
	return w.Rules.Route(w.factsAt(place, p, matter, source, words, facets, at), nil)
}

// ExplainAt is RouteAt with every condition of every rule that was examined.
func (w *World) ExplainAt(place grid.Place, p grid.Point, matter, source, words string, facets map[string]string, at time.Time) (rule.Decision, []rule.Examined) {
	return w.Rules.Explain(w.factsAt(place, p, matter, source, words, facets, at), nil)
}

func (w *World) factsAt(place grid.Place, p grid.Point, matter, source, words string, facets map[string]string, at time.Time) rule.Facts {
	if source == "" {
		source = "RESIDENT"
	}
	s := Snapshot{Case: Case{Matter: matter, GridCode: place.GridCode, CommunityCode: place.CommunityCode, StreetCode: place.StreetCode, LandUse: place.LandUse,
		Lon: p.Lon, Lat: p.Lat, Source: source, Mode: "NORMAL", ReporterCount: 1}, Reports: []ReportRef{{Words: words, Facets: facets}}}
	return w.facts(&s, at)
}

// Hops counts how often the lead of the case changed hands from one unit to another; between a calling street and the
// called department lies one at most (domain 1.1, C26).
func (s *Snapshot) Hops() int {
	n, last := 0, ""
	for _, a := range s.Assignments {
		if a.Kind == "ASSIST" || a.Unit == last {
			continue
		}
		if last != "" {
			n++
		}
		last = a.Unit
	}
	return n
}

package web

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"yixian/api"
	"yixian/dispatch"
	"yixian/internal/auth"
	"yixian/internal/seal"
)

// some is nil for a zero value: optional members are left out.
func some[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func idText(id *uuid.UUID) *string {
	if id == nil {
		return nil
	}
	return new(id.String())
}

// mediaURL is a link to a photo for this viewer, valid for ten minutes.
func (s *server) mediaURL(a auth.Actor, id, size string) string {
	if id == "" {
		return ""
	}
	exp := strconv.FormatInt(s.realNow().Add(10*time.Minute).Unix(), 36)
	return fmt.Sprintf("/api/v1/media/%s?size=%s&e=%s&s=%s", id, size, exp, s.mediaSignature(a, id, size, exp))
}

func (s *server) mediaRefs(a auth.Actor, ids []string) []api.MediaRef {
	out := make([]api.MediaRef, 0, len(ids))
	for _, id := range ids {
		out = append(out, api.MediaRef{Id: id, Url: s.mediaURL(a, id, "full"), ThumbUrl: s.mediaURL(a, id, "thumb")})
	}
	return out
}

func lightOf(c *dispatch.Case, now time.Time) string {
	switch {
	case c.DueAt != nil && now.Truncate(time.Second).After(*c.DueAt):
		return "red"
	case c.YellowAt != nil && !now.Before(*c.YellowAt):
		return "yellow"
	}
	return "green"
}

// summary is a case in a list.
func (s *server) summary(ctx context.Context, a auth.Actor, w *dispatch.World, c *dispatch.Case, thumb string, now time.Time) api.CaseSummary {
	place, _ := w.Grid(c.GridCode)
	return api.CaseSummary{Id: c.ID.String(), CaseNo: c.CaseNo, State: string(c.State), StateText: new(dispatch.StateText(c.State, lang(ctx))), Version: c.Version,
		Matter: c.Matter, MatterName: some(w.MatterNameIn(c.Matter, lang(ctx))), Priority: string(c.Priority), Mode: c.Mode, Source: c.Source, Street: c.StreetCode, StreetName: some(place.StreetName),
		GridCode: c.GridCode, GridName: some(place.GridName), Address: some(c.Address), Component: some(c.Component), OwnerUnit: c.OwnerUnit, LeadUnit: c.LeadUnit, LeadUnitName: some(w.UnitName(c.LeadUnit)),
		Light: api.CaseSummaryLight(lightOf(c, now)), DueAt: c.DueAt, DueKind: some(c.DueKind), PromiseAt: c.PromiseAt, Round: c.Round, ReporterCount: new(c.ReporterCount),
		ThumbUrl: some(s.mediaURL(a, thumb, "thumb")), Point: &api.Point{Lon: c.Lon, Lat: c.Lat, Datum: "WGS84"}, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, Drill: new(c.Drill), Held: some(c.Held)}
}

// caseView is a case with everything the caller may see and do.
func (s *server) caseView(ctx context.Context, a auth.Actor, o *dispatch.Outcome, reports []dispatch.ReportView) api.Case {
	sn, w, now := o.Snapshot, o.World, o.Now
	c := &sn.Case
	sum := s.summary(ctx, a, w, c, "", now)
	place, _ := w.Grid(c.GridCode)
	v := api.Case{Id: sum.Id, CaseNo: sum.CaseNo, State: sum.State, StateText: sum.StateText, Version: sum.Version, Matter: sum.Matter, MatterName: sum.MatterName, Priority: sum.Priority, Mode: sum.Mode,
		Source: sum.Source, Street: sum.Street, StreetName: sum.StreetName, GridCode: sum.GridCode, GridName: sum.GridName, Address: sum.Address, Component: sum.Component, OwnerUnit: sum.OwnerUnit, LeadUnit: sum.LeadUnit,
		LeadUnitName: sum.LeadUnitName, Light: api.CaseLight(sum.Light), DueAt: sum.DueAt, DueKind: sum.DueKind, PromiseAt: sum.PromiseAt, Round: sum.Round, ReporterCount: sum.ReporterCount,
		Point: sum.Point, CreatedAt: sum.CreatedAt, UpdatedAt: sum.UpdatedAt,
		GridVersion: new(c.GridVersion), Community: some(c.CommunityCode), CommunityName: some(place.CommunityName), ReturnCount: c.ReturnCount, ReopenCount: c.ReopenCount, ReworkCount: c.ReworkCount, HopCount: new(sn.Hops()), SelfHandled: some(c.SelfHandled), MasterCaseId: idText(c.MasterCaseID),
		Outcome: c.Outcome, Drill: new(c.Drill), Held: some(c.Held), IncidentId: idText(c.IncidentID), CheckUnit: some(c.CheckUnit), CheckUnitName: some(w.UnitName(c.CheckUnit)), FirstReceiver: some(c.FirstReceiver), FilingCondition: some(c.FilingCondition), ItemVersion: new(c.ItemVersion),
		ApproxBoundary: new(place.Approx), ServerTime: &now, Assignments: []api.Assignment{}, Clocks: []api.Clock{}, Requests: []api.CaseRequest{}, Reports: []api.CaseReport{}}
	if item, ok := w.Catalog.Matter(c.Matter); ok {
		v.ClosingCondition = some(item.ClosingCondition)
	}
	for i := range reports {
		r := &reports[i]
		text := seal.MaskText(r.Text) // a number in the words is as personal as the one in its field
		who := api.Reporter{Name: some(r.Name), Phone: some(r.Phone), Anonymous: new(r.Anonymous), NoContact: new(r.NoContact)}
		v.Reports = append(v.Reports, api.CaseReport{Id: r.ID.String(), Text: some(text), Source: some(r.Source), ReceivedAt: r.ReceivedAt, OccurredAt: &r.OccurredAt, Media: new(s.mediaRefs(a, r.Media)), Reporter: &who})
		if i == 0 {
			v.Reporter, v.Text = who, some(text)
			if len(r.Media) > 0 {
				v.ThumbUrl = some(s.mediaURL(a, r.Media[0], "thumb"))
			}
		}
	}
	for i := range sn.Assignments {
		v.Assignments = append(v.Assignments, assignmentView(w, sn, &sn.Assignments[i]))
	}
	for i := range sn.Clocks {
		k := &sn.Clocks[i]
		v.Clocks = append(v.Clocks, api.Clock{Kind: string(k.Kind), Unit: some(k.Unit), DueAt: k.DueAt, State: api.ClockState(k.State), Light: api.ClockLight(w.Light(k, now)), Budget: k.Budget,
			RemainingS: w.Remaining(k, now), StartedAt: &k.StartedAt, StoppedAt: k.StoppedAt})
	}
	for _, r := range sn.Requests {
		v.Requests = append(v.Requests, api.CaseRequest{Id: r.ID.String(), Kind: r.Kind, State: r.State, Unit: some(r.Unit), UnitName: some(w.UnitName(r.Unit)), Reason: some(r.Reason), Budget: some(r.Budget), ResumeAt: r.ResumeAt, CreatedAt: &r.CreatedAt})
	}
	if n := len(sn.Calls); n > 0 {
		v.Call = new(callView(w, &sn.Calls[n-1], sn.Targets))
	}
	if n := len(sn.Results); n > 0 {
		r := &sn.Results[n-1]
		v.Result = &api.CaseResult{Outcome: some(r.Outcome), AcceptedAt: r.AcceptedAt, TalkedTo: some(seal.MaskText(r.TalkedTo)), Measures: some(seal.MaskText(r.Measures)), TimeLimit: some(r.TimeLimit), Media: new(s.mediaRefs(a, r.Media)), ResolvedByUnit: some(w.UnitName(r.Unit))}
	}
	v.Proposal = proposalView(w, o)
	for _, act := range dispatch.AllowedActions(sn, a) {
		v.AllowedActions = append(v.AllowedActions, actionView(act, sn, a, lang(ctx)))
	}
	if v.AllowedActions == nil {
		v.AllowedActions = []api.AllowedAction{}
	}
	return v
}

func assignmentView(w *dispatch.World, sn *dispatch.Snapshot, x *dispatch.Assignment) api.Assignment {
	returnUntil := x.ReturnUntil
	if x.Kind != "LEAD" || !x.Active() {
		returnUntil = nil // nothing left to return
	}
	var handler *api.PersonRef
	if x.Handler != nil {
		if p := sn.Person(*x.Handler); p != nil {
			handler = &api.PersonRef{AccountId: p.ID.String(), Name: p.Name, Left: some(!p.WorksFor(x.Unit))}
		}
	}
	return api.Assignment{Handler: handler, Id: x.ID.String(), Unit: x.Unit, UnitName: some(w.UnitName(x.Unit)), Kind: api.AssignmentKind(x.Kind), Round: x.Round, State: api.AssignmentState(x.State), DueAt: x.DueAt,
		ReceivedAt: &x.ReceivedAt, SignedAt: x.SignedAt, ContactedAt: x.ContactedAt, ResolvedAt: x.ResolvedAt, ReturnUntil: returnUntil, Binding: x.Binding, ReworkCount: new(x.ReworkCount)}
}

func targetView(w *dispatch.World, t *dispatch.CallTarget) api.CallTarget {
	v := api.CallTarget{Unit: t.Unit, UnitName: some(w.UnitName(t.Unit)), Lead: t.IsLead, AckDue: t.AckDue, AckedAt: t.AckedAt, CheckinDue: t.CheckinDue, CheckedInAt: t.CheckedInAt, DistanceM: t.DistanceM,
		Late: t.Late, Withdrawn: t.Withdrawn, Released: new(t.Released)}
	if t.Mode != "" {
		v.Mode = new(api.CallTargetMode(t.Mode))
	}
	return v
}

func callView(w *dispatch.World, k *dispatch.Call, targets []dispatch.CallTarget) api.Call {
	v := api.Call{Id: k.ID.String(), Level: api.CallLevel(k.Level), State: api.CallState(k.State), Reason: k.Reason, CallerUnit: some(k.CallerUnit), CallerUnitName: some(w.UnitName(k.CallerUnit)), CalledAt: &k.CalledAt,
		AgreedTime: k.AgreedTime, RemoteAllowed: new(k.RemoteAllowed), MeetAt: &api.Point{Lon: k.Lon, Lat: k.Lat, Datum: "WGS84"}, Targets: []api.CallTarget{}}
	for i := range targets {
		if targets[i].CallID == k.ID {
			v.Targets = append(v.Targets, targetView(w, &targets[i]))
		}
	}
	return v
}

// proposalView is what the rules propose to call, while a call is possible.
func proposalView(w *dispatch.World, o *dispatch.Outcome) *api.Proposal {
	return proposedView(w, o.Snapshot.Proposal())
}

// actionView describes an action with the form it needs.
func actionView(act dispatch.Action, sn *dispatch.Snapshot, a auth.Actor, lang string) api.AllowedAction {
	v := api.AllowedAction{Action: string(act), Label: dispatch.ActionText(act, lang), Primary: new(dispatch.Primary(act)), Fields: []api.ActionField{}}
	for _, f := range dispatch.FieldsOf(act) {
		field := api.ActionField{Name: f.Name, Label: new(dispatch.FieldText(f.Name, lang)), Type: api.ActionFieldType(f.Type), Required: f.Required}
		type option = struct {
			Label string `json:"label"`
			Value string `json:"value"`
		}
		options := []option{}
		if f.Type == "request" {
			for _, r := range sn.Requests {
				if sn.Decidable(&r, a) && (act != dispatch.ActApprove || r.Kind != "REOPEN") {
					options = append(options, option{dispatch.OptionText(r.Kind, lang), r.ID.String()})
				}
			}
			field.Options = &options
		}
		if f.Type == "report" { // whose data, where there is more than one reporter
			if len(sn.Reports) < 2 {
				continue
			}
			for i, r := range sn.Reports {
				options = append(options, option{fmt.Sprint(i + 1), r.ID.String()})
			}
			field.Options = &options
		}
		if len(f.Options) > 0 {
			for _, o := range f.Options {
				if f.Name == "level" && o > sn.CallLevel(a) || f.Name == "outcome" && !dispatch.OutcomeFits(sn.Case.Matter, o) {
					continue
				}
				options = append(options, option{dispatch.OptionText(o, lang), o})
			}
			field.Options = &options
		}
		v.Fields = append(v.Fields, field)
	}
	return v
}

// residentView is a report as its reporter sees it: plain words, unit names, no other person.
func (s *server) residentView(ctx context.Context, a auth.Actor, t *dispatch.Tracked, mine bool) api.ResidentView {
	c, w, l := &t.Case, t.World, lang(ctx)
	text, step := w.ResidentStatus(c, l)
	place, _ := w.Grid(c.GridCode)
	v := api.ResidentView{ReceiptCode: t.Report.ReceiptCode, CaseNo: c.CaseNo, State: string(c.State), StatusText: text, StatusStep: step, Text: some(t.Report.Text), UnitName: some(w.UnitName(c.LeadUnit)), Reply: some(t.WrittenAnswer()),
		Media: s.mediaRefs(a, t.Report.Media), AfterMedia: []api.MediaRef{}, PromiseAt: c.PromiseAt, CreatedAt: t.Report.ReceivedAt, Round: new(c.Round), Timeline: []api.TimelineEntry{}, Can: []api.ResidentViewCan{},
		Overdue: new(c.PromiseAt != nil && t.Now.After(*c.PromiseAt) && c.ClosedAt == nil)}
	v.Place.GridCode, v.Place.GridName, v.Place.StreetName, v.Place.CommunityName, v.Place.Address = c.GridCode, some(place.GridName), place.StreetName, some(place.CommunityName), some(c.Address)
	if mine {
		v.TrackToken = some(t.Track)
	}
	if c.Matter != "" {
		v.Matter = &struct {
			Code string `json:"code"`
			Name string `json:"name"`
		}{c.Matter, w.MatterNameIn(c.Matter, l)}
	}
	for _, e := range w.Timeline(t.Events, l) {
		v.Timeline = append(v.Timeline, api.TimelineEntry{At: e.At, Kind: e.Kind, Text: e.Text, UnitName: some(e.UnitName)})
	}
	if n := len(t.Results); n > 0 && (c.State == dispatch.Closed || c.State == dispatch.Archived || c.State == dispatch.Resolved) {
		r := &t.Results[n-1]
		v.AfterMedia = s.mediaRefs(a, r.Media)
		v.Result = &struct {
			Measures *string `json:"measures,omitempty"`
			Outcome  *string `json:"outcome,omitempty"`
		}{some(seal.MaskText(r.Measures)), some(r.Outcome)}
	}
	if !mine && t.MayFollow(a) {
		v.Can = append(v.Can, api.ResidentViewCan(dispatch.ActFollow))
	}
	for _, can := range t.Can() {
		v.Can = append(v.Can, api.ResidentViewCan(can))
	}
	if n := len(t.Ratings); n > 0 {
		r := t.Ratings[n-1]
		v.Rating = &struct {
			At        time.Time `json:"at"`
			Contacted *bool     `json:"contacted,omitempty"`
			Grade     int       `json:"grade"`
			Resolved  bool      `json:"resolved"`
			Round     *int      `json:"round,omitempty"`
		}{r.RatedAt, r.Contacted, r.Grade, r.Resolved, &r.Round}
	}
	return v
}

func commaList(s *string) []string {
	if s == nil || *s == "" {
		return nil
	}
	return strings.Split(*s, ",")
}

func deref[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

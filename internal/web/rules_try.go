package web

import (
	"context"
	"time"

	"yixian/api"
	"yixian/dispatch"
	"yixian/dispatch/rule"
)

func (s *server) SimulateRules(ctx context.Context, r api.SimulateRulesRequestObject) (api.SimulateRulesResponseObject, error) {
	a, b := actorOf(ctx), r.Body
	in := dispatch.Trial{Version: setVersion(b.Version), CaseNo: deref(b.CaseNo), Matter: deref(b.Matter), Grid: deref(b.Grid), Point: pointIn(b.Point), LandUse: b.LandUse, Source: deref(b.Source), Mode: string(deref(b.Mode)), Text: deref(b.Text),
		Facets: deref(b.Facets), Device: deref(b.DeviceKind), Level: deref(b.Level), Reporters: deref(b.ReporterCount), At: b.At}
	if c := b.Component; c != nil {
		in.Component, in.Owner, in.Maintain = deref(c.Id), deref(c.Owner), deref(c.Maintainer)
	}
	t, err := s.Desk.Simulate(ctx, a, in)
	if err != nil {
		return nil, err
	}
	w, d := s.world(a.District), &t.Decision
	out := api.RuleTried{RuleSet: d.RuleSet, Rule: d.Rule, Source: some(string(d.Source)), Tier: some(string(d.Tier)), Lead: d.Lead, LeadName: some(w.UnitName(d.Lead)), Owner: some(d.Owner), Assists: &d.Assists, Path: some(string(d.Path)),
		Priority: some(string(d.Priority)), Sla: some(d.SLA.Handle()), Grid: t.Grid, Fallback: d.Fallback, NeedsCatalogReview: d.NeedsCatalogReview, Queue: d.Queue, Proposal: proposedView(w, d.Proposed), Examined: []api.RuleExamined{}}
	if err := reshape(t.Examined, &out.Examined); err != nil {
		return nil, err
	}
	return api.SimulateRules200JSONResponse(out), nil
}

// proposedView is a proposed call with the names of its units; nil without one.
func proposedView(w *dispatch.World, p *rule.Call) *api.Proposal {
	if p == nil {
		return nil
	}
	type target = struct {
		Lead     bool    `json:"lead"`
		Unit     string  `json:"unit"`
		UnitName *string `json:"unit_name,omitempty"`
	}
	list := []target{}
	if p.Lead != "" {
		list = append(list, target{true, p.Lead, some(w.UnitName(p.Lead))})
	}
	for _, u := range p.Targets {
		list = append(list, target{false, u, some(w.UnitName(u))})
	}
	return &api.Proposal{Level: some(string(p.Level)), Required: new(p.Required), Targets: &list}
}

func (s *server) ReplayRules(ctx context.Context, r api.ReplayRulesRequestObject) (api.ReplayRulesResponseObject, error) {
	a := actorOf(ctx)
	in := dispatch.Replayed{Version: "current", Against: "current"}
	if b := r.Body; b != nil {
		in = dispatch.Replayed{Version: setVersion(b.Version), Against: setVersion(b.Against), Last: deref(b.Last), From: b.From, To: b.To}
	}
	d, err := s.Desk.Replay(ctx, a, in)
	if err != nil {
		return nil, err
	}
	w := s.world(a.District)
	out := api.RuleDiff{Version: d.Version, Against: d.Against, Cases: d.Cases, Moved: d.Moved, OtherRule: d.OtherRule, Queued: d.Queued, Fallback: d.Fallback, FromRow: d.FromRow, Truncated: d.Truncated, NewWords: d.NewWords, ReadsText: d.ReadsText,
		Items: []api.RuleMoved{}, Units: []api.RuleUnitLoad{}}
	for _, m := range d.Items {
		out.Items = append(out.Items, api.RuleMoved{CaseNo: m.CaseNo, Matter: m.Matter, Grid: m.Grid, From: m.From, To: m.To, FromName: some(w.UnitName(m.From)), ToName: some(w.UnitName(m.To)),
			FromCall: some(m.FromCall), ToCall: some(m.ToCall), FromRule: some(m.FromRule), ToRule: some(m.ToRule)})
	}
	for _, u := range d.Units {
		out.Units = append(out.Units, api.RuleUnitLoad{Unit: u.Unit, Name: w.UnitName(u.Unit), Before: u.Before, After: u.After, Gained: u.Gained, Lost: u.Lost})
	}
	return api.ReplayRules200JSONResponse(out), nil
}

func (s *server) ListPrecedents(ctx context.Context, r api.ListPrecedentsRequestObject) (api.ListPrecedentsResponseObject, error) {
	a := actorOf(ctx)
	list, next, err := s.Desk.Precedents(ctx, a, string(deref(r.Params.State)), limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	out := api.PrecedentList{Items: []api.Precedent{}, NextCursor: some(next)}
	for i := range list {
		out.Items = append(out.Items, s.precedentView(a.District, &list[i]))
	}
	return api.ListPrecedents200JSONResponse(out), nil
}

func (s *server) ConfirmPrecedent(ctx context.Context, r api.ConfirmPrecedentRequestObject) (api.ConfirmPrecedentResponseObject, error) {
	a := actorOf(ctx)
	var until *time.Time
	if r.Body != nil {
		until = r.Body.Until
	}
	p, err := s.Desk.ConfirmPrecedent(ctx, a, r.Id, until)
	if err != nil {
		return nil, err
	}
	return api.ConfirmPrecedent200JSONResponse(s.precedentView(a.District, p)), nil
}

func (s *server) EndPrecedent(ctx context.Context, r api.EndPrecedentRequestObject) (api.EndPrecedentResponseObject, error) {
	a := actorOf(ctx)
	p, err := s.Desk.EndPrecedent(ctx, a, r.Id, r.Body.Reason)
	if err != nil {
		return nil, err
	}
	return api.EndPrecedent200JSONResponse(s.precedentView(a.District, p)), nil
}

func (s *server) precedentView(district string, p *dispatch.Precedent) api.Precedent {
	w := s.world(district)
	matter, lon, lat, metres, placed := p.Place()
	lead := p.Lead()
	out := api.Precedent{Id: p.Rule.ID, Version: &p.Rule.Version, State: api.PrecedentState(p.State), Title: p.Rule.Title, Matter: some(matter), MatterName: some(w.MatterName(matter)), Lead: lead, LeadName: some(w.UnitName(lead)),
		ValidFrom: p.Rule.ValidFrom, ValidTo: p.Rule.ValidTo, CreatedAt: p.CreatedAt, ConfirmedByName: some(p.Confirmer), ConfirmedAt: p.ConfirmedAt, EndedByName: some(p.Ender), EndedAt: p.EndedAt, EndReason: some(p.EndReason)}
	if placed {
		out.Place = &struct {
			Datum  string  `json:"datum"`
			Lat    float64 `json:"lat"`
			Lon    float64 `json:"lon"`
			Metres float64 `json:"metres"`
		}{"WGS84", lat, lon, metres}
	}
	return out
}

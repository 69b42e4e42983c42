package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"yixian/api"
	"yixian/dispatch"
	"yixian/internal/auth"
)

// once names a repeatable request by its key and what it says.
func once(key *string, what string, body any) dispatch.Once {
	if key == nil {
		return dispatch.Once{}
	}
	raw, _ := json.Marshal(body) //nolint:errchkjson // a decoded body always encodes
	sum := sha256.Sum256(append([]byte(what+"\n"), raw...))
	return dispatch.Once{Key: *key, Hash: sum[:]}
}

func (s *server) ListIncidents(ctx context.Context, r api.ListIncidentsRequestObject) (api.ListIncidentsResponseObject, error) {
	a := actorOf(ctx)
	list, next, err := s.Desk.Incidents(ctx, a, string(deref(r.Params.State)), limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	out := api.IncidentList{Items: []api.Incident{}, NextCursor: some(next)}
	for i := range list {
		out.Items = append(out.Items, s.incidentView(a, &list[i]))
	}
	return api.ListIncidents200JSONResponse(out), nil
}

func (s *server) DeclareIncident(ctx context.Context, r api.DeclareIncidentRequestObject) (api.DeclareIncidentResponseObject, error) {
	a, b := actorOf(ctx), r.Body
	in := dispatch.Declaration{Name: b.Name, Drill: deref(b.Drill), Units: deref(b.Units), Matters: deref(b.Matters), From: b.From, Until: b.Until}
	for _, areas := range []*[]string{b.Streets, b.Communities, b.Grids} {
		in.Areas = append(in.Areas, deref(areas)...)
	}
	for _, p := range deref(b.Polygon) {
		in.Ring = append(in.Ring, [2]float64{p[0], p[1]}) // the contract asks for two numbers
	}
	i, err := s.Desk.Declare(ctx, a, in, once(r.Params.IdempotencyKey, "declare", b))
	if err != nil {
		return nil, err
	}
	return api.DeclareIncident201JSONResponse(s.incidentView(a, i)), nil
}

func (s *server) GetIncident(ctx context.Context, r api.GetIncidentRequestObject) (api.GetIncidentResponseObject, error) {
	a := actorOf(ctx)
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	d, err := s.Desk.IncidentOf(ctx, a, id)
	if err != nil {
		return nil, err
	}
	out := s.incidentView(a, &d.Incident)
	out.Attached, out.Open, out.Deferred = &d.Attached, &d.Open, &d.Deferred
	if out.Events, err = officeActs(d.Events); err != nil {
		return nil, err
	}
	return api.GetIncident200JSONResponse(out), nil
}

func (s *server) ConfirmIncident(ctx context.Context, r api.ConfirmIncidentRequestObject) (api.ConfirmIncidentResponseObject, error) {
	a := actorOf(ctx)
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	i, err := s.Desk.Confirm(ctx, a, id, once(r.Params.IdempotencyKey, "confirm", id))
	if err != nil {
		return nil, err
	}
	return api.ConfirmIncident200JSONResponse(s.incidentView(a, i)), nil
}

func (s *server) StandDown(ctx context.Context, r api.StandDownRequestObject) (api.StandDownResponseObject, error) {
	a := actorOf(ctx)
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	note := ""
	if r.Body != nil {
		note = deref(r.Body.Note)
	}
	i, err := s.Desk.StandDown(ctx, a, id, note, once(r.Params.IdempotencyKey, "stand_down", id.String()+note))
	if err != nil {
		return nil, err
	}
	return api.StandDown200JSONResponse(s.incidentView(a, i)), nil
}

func (s *server) incidentView(a auth.Actor, i *dispatch.Incident) api.Incident {
	w := s.world(a.District)
	out := api.Incident{Id: i.ID.String(), Name: i.Name, Drill: i.Drill, State: api.IncidentState(i.State), Areas: i.Areas, AreaNames: []string{}, Units: i.Units, UnitNames: &[]string{}, Matters: i.Matters,
		From: i.FromAt, Until: i.UntilAt, DeclaredAt: i.DeclaredAt, DeclaredByName: i.Names[i.DeclaredBy.String()], ConfirmBy: i.ConfirmBy, ConfirmedAt: i.ConfirmedAt, EndedAt: i.EndedAt, Note: some(i.Note), AllowedActions: i.Can(a, a.Now)}
	for _, code := range i.Areas {
		name := code
		if area, ok := w.Index.ByCode(code); ok {
			name = area.Name
		}
		out.AreaNames = append(out.AreaNames, name)
	}
	for _, code := range i.Units {
		*out.UnitNames = append(*out.UnitNames, w.UnitName(code))
	}
	if len(i.Ring) > 0 {
		ring := make([][]float64, len(i.Ring))
		for n, p := range i.Ring {
			ring[n] = p[:]
		}
		out.Polygon = &ring
	}
	if i.ConfirmedBy != nil {
		out.ConfirmedByName = some(i.Names[i.ConfirmedBy.String()])
	}
	if i.EndedBy != nil {
		out.EndedByName = some(i.Names[i.EndedBy.String()])
	}
	if i.EndReason != "" {
		out.EndReason = new(api.IncidentEndReason(i.EndReason))
	}
	return out
}

func officeActs(events []dispatch.OfficeEvent) (*[]api.OfficeAct, error) {
	out := []api.OfficeAct{}
	for _, e := range events {
		var fact dispatch.Fact
		var data map[string]any
		if err := json.Unmarshal([]byte(e.Fact), &fact); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(fact.Data, &data); err != nil {
			return nil, err
		}
		out = append(out, api.OfficeAct{Seq: e.Seq, At: e.At, Action: e.Action, Actor: &e.Actor, ActorName: e.ActorName, Role: e.Role, Data: &data, Hash: hex.EncodeToString(e.Hash)})
	}
	return &out, nil
}

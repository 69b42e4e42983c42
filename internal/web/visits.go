package web

import (
	"context"

	"yixian/api"
	"yixian/dispatch"
	"yixian/internal/auth"
	"yixian/internal/fault"
)

func (s *server) visitView(a auth.Actor, v *dispatch.VisitPlan) api.VisitPlan {
	place, _ := s.world(a.District).Grid(v.Grid)
	return api.VisitPlan{Id: v.ID.String(), GridCode: v.Grid, GridName: some(place.GridName), Name: v.Name, Phone: some(v.Phone), Address: v.Address, Point: &api.Point{Lon: v.Lon, Lat: v.Lat, Datum: "WGS84"},
		EveryDays: v.EveryDays, DueAt: v.DueAt, Overdue: !v.DueAt.After(a.Now), LastOutcome: some(v.LastOutcome), LastAt: v.LastAt, Version: v.Version}
}

func (s *server) ListVisits(ctx context.Context, r api.ListVisitsRequestObject) (api.ListVisitsResponseObject, error) {
	a := actorOf(ctx)
	page, next, err := s.Desk.Visits(ctx, a, deref(r.Params.Due), limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	out := api.ListVisits200JSONResponse{Items: []api.VisitPlan{}, NextCursor: some(next)}
	for i := range page {
		out.Items = append(out.Items, s.visitView(a, &page[i]))
	}
	return out, nil
}

func (s *server) PlanVisits(ctx context.Context, r api.PlanVisitsRequestObject) (api.PlanVisitsResponseObject, error) {
	a, b := actorOf(ctx), r.Body
	v, err := s.Desk.PlanVisits(ctx, a, dispatch.VisitNew{Name: b.Name, Phone: deref(b.Phone), Address: b.Address, Point: *pointIn(&b.Point), EveryDays: b.EveryDays, First: b.FirstAt})
	if err != nil {
		return nil, err
	}
	return api.PlanVisits201JSONResponse(s.visitView(a, v)), nil
}

func (s *server) Visited(ctx context.Context, r api.VisitedRequestObject) (api.VisitedResponseObject, error) {
	a := actorOf(ctx)
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	v, receipt, err := s.Desk.Visited(ctx, a, id, dispatch.VisitDone{Outcome: string(r.Body.Outcome), Note: deref(r.Body.Note), Version: r.Body.Version})
	if err != nil {
		return nil, err
	}
	out := api.Visited200JSONResponse{Visit: s.visitView(a, v)}
	if receipt != nil {
		out.CaseId = some(receipt.CaseID.String())
	}
	return out, nil
}

func (s *server) EndVisits(ctx context.Context, r api.EndVisitsRequestObject) (api.EndVisitsResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, fault.NotFound()
	}
	return api.EndVisits204Response{}, s.Desk.EndVisits(ctx, actorOf(ctx), id, r.Body.Version)
}

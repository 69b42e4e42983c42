package web

import (
	"context"

	"github.com/google/uuid"

	"yixian/api"
	"yixian/dispatch"
	"yixian/grid"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

func (s *server) DeskViews(ctx context.Context, _ api.DeskViewsRequestObject) (api.DeskViewsResponseObject, error) {
	list, err := s.Desk.DeskViews(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	out := api.DeskViews200JSONResponse{Items: []api.DeskView{}}
	for i := range list {
		out.Items = append(out.Items, deskView(&list[i]))
	}
	return out, nil
}

func deskView(v *dispatch.DeskView) api.DeskView {
	return api.DeskView{Id: v.ID.String(), Name: v.Name, Query: v.Query, Shared: v.Shared, Mine: v.Mine, Owner: some(v.Owner), At: v.At}
}

func (s *server) KeepDeskView(ctx context.Context, r api.KeepDeskViewRequestObject) (api.KeepDeskViewResponseObject, error) {
	v, err := s.Desk.KeepView(ctx, actorOf(ctx), r.Body.Name, r.Body.Query, deref(r.Body.Shared))
	if err != nil {
		return nil, err
	}
	return api.KeepDeskView201JSONResponse(deskView(v)), nil
}

func (s *server) DropDeskView(ctx context.Context, r api.DropDeskViewRequestObject) (api.DropDeskViewResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	return api.DropDeskView204Response{}, s.Desk.DropView(ctx, actorOf(ctx), id)
}

// LookAtCase tells who else has the case open. Nothing of it is recorded, and without Redis a process tells of its own people.
func (s *server) LookAtCase(ctx context.Context, r api.LookAtCaseRequestObject) (api.LookAtCaseResponseObject, error) {
	a := actorOf(ctx)
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	if err := s.Desk.Sees(ctx, a, id); err != nil {
		return nil, err
	}
	out := api.LookAtCase200JSONResponse{Items: []api.Watcher{}}
	var others []uuid.UUID
	for _, x := range s.Presence.Look(ctx, a.District+":"+id.String(), a.ID(), r.Body != nil && deref(r.Body.Left)) {
		if one, err := uuid.Parse(x); err == nil {
			others = append(others, one)
		}
	}
	if len(others) == 0 {
		return out, nil
	}
	people, err := s.Auth.Named(ctx, a.District, others)
	if err != nil {
		return nil, err
	}
	w := s.world(a.District)
	for _, p := range people {
		out.Items = append(out.Items, api.Watcher{Name: p.Name, UnitName: some(w.UnitName(p.Unit))})
	}
	return out, nil
}

func (s *server) UnitCrew(ctx context.Context, r api.UnitCrewRequestObject) (api.UnitCrewResponseObject, error) {
	list, err := s.Desk.Crew(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	out := api.UnitCrew200JSONResponse{Items: []api.CrewMember{}}
	for i := range list {
		m := &list[i]
		out.Items = append(out.Items, api.CrewMember{AccountId: m.Account.String(), Username: some(m.Username), Name: m.Name, Roles: m.Roles, OnDuty: m.OnDuty, Until: m.Until, Duties: m.Duties, Calls: m.Calls, NextDue: m.NextDue, HasPhone: &m.HasPhone})
	}
	return out, nil
}

func (s *server) UnitRoster(ctx context.Context, r api.UnitRosterRequestObject) (api.UnitRosterResponseObject, error) {
	roster, err := s.Office.Roster(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	return api.UnitRoster200JSONResponse(s.rosterView(ctx, roster)), nil
}

func (s *server) ChangeUnitRoster(ctx context.Context, r api.ChangeUnitRosterRequestObject) (api.ChangeUnitRosterResponseObject, error) {
	roster, err := s.setRoster(ctx, r.Id, r.Body, r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	return api.ChangeUnitRoster200JSONResponse(s.rosterView(ctx, roster)), nil
}

// DutyPhone opens the number of somebody who is on duty at this moment: who is called must be reachable, and only then.
func (s *server) DutyPhone(ctx context.Context, r api.DutyPhoneRequestObject) (api.DutyPhoneResponseObject, error) {
	a := actorOf(ctx)
	list, err := grid.OnDuty(pg.WithDistrict(ctx, a.District), s.DB.Pool, []string{a.District}, []string{r.Body.Unit}, a.Now, a.Now)
	if err != nil {
		return nil, pg.Fault(err)
	}
	for i := range list {
		if list[i].Account == r.Body.AccountId {
			phone, err := s.Auth.RingPhone(ctx, a, r.Body.Unit, list[i].Account)
			return api.DutyPhone200JSONResponse{Phone: phone}, err
		}
	}
	return nil, fault.NotFound()
}

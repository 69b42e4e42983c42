package web

import (
	"context"

	"github.com/google/uuid"

	"yixian/api"
	"yixian/dispatch"
	"yixian/internal/auth"
)

func (s *server) ListCards(ctx context.Context, r api.ListCardsRequestObject) (api.ListCardsResponseObject, error) {
	a, p := actorOf(ctx), r.Params
	list, next, err := s.Desk.Cards(ctx, a, dispatch.CardFilter{State: string(deref(p.State)), Unit: deref(p.Unit), Color: string(deref(p.Color))}, limitOf(p.Limit), deref(p.Cursor))
	if err != nil {
		return nil, err
	}
	out := api.CardList{Items: []api.Card{}, NextCursor: some(next)}
	for i := range list {
		out.Items = append(out.Items, s.cardView(ctx, a, &list[i]))
	}
	return api.ListCards200JSONResponse(out), nil
}

func (s *server) RaiseCard(ctx context.Context, r api.RaiseCardRequestObject) (api.RaiseCardResponseObject, error) {
	a := actorOf(ctx)
	var about *uuid.UUID
	if r.Body.CaseId != nil {
		about = new(*r.Body.CaseId)
	}
	c, err := s.Desk.RaiseBreach(ctx, a, r.Body.Unit, r.Body.Reason, about, once(r.Params.IdempotencyKey, "card", r.Body))
	if err != nil {
		return nil, err
	}
	return api.RaiseCard201JSONResponse(s.cardView(ctx, a, c)), nil
}

func (s *server) GetCard(ctx context.Context, r api.GetCardRequestObject) (api.GetCardResponseObject, error) {
	a := actorOf(ctx)
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	c, events, err := s.Desk.CardOf(ctx, a, id)
	if err != nil {
		return nil, err
	}
	out := s.cardView(ctx, a, c)
	if out.Events, err = officeActs(events); err != nil {
		return nil, err
	}
	return api.GetCard200JSONResponse(out), nil
}

func (s *server) ActOnCard(ctx context.Context, r api.ActOnCardRequestObject) (api.ActOnCardResponseObject, error) {
	a := actorOf(ctx)
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	in := dispatch.CardAct{Verb: string(r.Verb)}
	if r.Body != nil {
		in.Reason, in.Upheld = deref(r.Body.Reason), r.Body.Upheld
	}
	c, err := s.Desk.ActOnCard(ctx, a, id, in, once(r.Params.IdempotencyKey, "card "+id.String(), in))
	if err != nil {
		return nil, err
	}
	return api.ActOnCard200JSONResponse(s.cardView(ctx, a, c)), nil
}

func (s *server) ListSystemicProblems(ctx context.Context, r api.ListSystemicProblemsRequestObject) (api.ListSystemicProblemsResponseObject, error) {
	a := actorOf(ctx)
	list, next, err := s.Desk.SystemicProblems(ctx, a, limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	w := s.world(a.District)
	out := api.ListSystemicProblems200JSONResponse{Items: []api.SystemicProblem{}, NextCursor: some(next)}
	for _, p := range list {
		name := ""
		if at, ok := w.Grid(p.GridCode); ok {
			name = at.GridName
		}
		out.Items = append(out.Items, api.SystemicProblem{Id: p.ID.String(), Grid: p.GridCode, GridName: some(name), Matter: p.Matter, MatterName: some(w.MatterName(p.Matter)),
			StreetUnit: some(p.StreetUnit), StreetName: some(w.UnitName(p.StreetUnit)), Count: p.Count, FoundAt: p.FoundAt})
	}
	return out, nil
}

func (s *server) cardView(ctx context.Context, a auth.Actor, c *dispatch.Card) api.Card {
	w := s.world(a.District)
	out := api.Card{Id: c.ID.String(), Unit: c.Unit, UnitName: w.UnitName(c.Unit), Color: api.CardColor(c.Color), Kind: c.Kind, KindText: dispatch.CardText(c.Kind, lang(ctx)), CaseId: idText(c.CaseID), Reason: some(c.Reason),
		State: api.CardState(c.State), CreatedAt: c.CreatedAt, DecideBy: c.DecideBy, DecidedAt: c.DecidedAt, DecidedByName: some(c.DeciderName), Decision: some(c.Decision),
		ObjectedAt: c.ObjectedAt, Objection: some(c.Objection), AnsweredAt: c.AnsweredAt, Answer: some(c.Answer), Upheld: c.Upheld, AllowedActions: c.Can(a, a.Now)}
	if c.Count > 0 {
		out.Count = &c.Count
	}
	return out
}

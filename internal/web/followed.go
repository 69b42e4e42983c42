package web

import (
	"context"

	"yixian/api"
	"yixian/dispatch"
)

// FollowNearby lets a resident hear of somebody else's case.
func (s *server) FollowNearby(ctx context.Context, r api.FollowNearbyRequestObject) (api.FollowNearbyResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	var cmd dispatch.Command
	cmd.Action = dispatch.ActFollow
	keyed(&cmd, []byte(id.String()), r.Params.IdempotencyKey)
	t, err := s.Desk.FollowNearby(ctx, actorOf(ctx), id, cmd)
	if err != nil {
		return nil, err
	}
	return api.FollowNearby200JSONResponse(followedView(ctx, t)), nil
}

// MyFollowed are the cases a resident follows.
func (s *server) MyFollowed(ctx context.Context, r api.MyFollowedRequestObject) (api.MyFollowedResponseObject, error) {
	list, err := s.Desk.Followed(ctx, actorOf(ctx), limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	out := api.MyFollowed200JSONResponse{Items: []api.FollowedCase{}}
	for _, t := range list {
		out.Items = append(out.Items, followedView(ctx, t))
	}
	return out, nil
}

// followedView is how a case goes on, without anything of its reports: neither words nor photos nor the exact place.
func followedView(ctx context.Context, t *dispatch.Tracked) api.FollowedCase {
	c, w, l := &t.Case, t.World, lang(ctx)
	text, step := w.ResidentStatus(c, l)
	place, _ := w.Grid(c.GridCode)
	v := api.FollowedCase{CaseId: c.ID.String(), CaseNo: c.CaseNo, MatterName: some(w.MatterNameIn(c.Matter, l)), State: string(c.State), StatusText: text, StatusStep: step, StreetName: place.StreetName,
		CommunityName: some(place.CommunityName), UnitName: some(w.UnitName(c.LeadUnit)), PromiseAt: c.PromiseAt, CreatedAt: c.CreatedAt, Timeline: []api.TimelineEntry{}}
	for _, e := range w.Timeline(t.Events, l) {
		v.Timeline = append(v.Timeline, api.TimelineEntry{At: e.At, Kind: e.Kind, Text: e.Text, UnitName: some(e.UnitName)})
	}
	return v
}

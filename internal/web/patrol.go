package web

import (
	"context"

	"yixian/api"
	"yixian/grid"
	"yixian/internal/seal"
)

func (s *server) Patrol(ctx context.Context, _ api.PatrolRequestObject) (api.PatrolResponseObject, error) {
	a := actorOf(ctx)
	list, err := s.Office.Patrol(ctx, a)
	if err != nil {
		return nil, err
	}
	w := s.world(a.District)
	out := api.Patrol200JSONResponse{Items: []api.CheckPoint{}, ServerTime: a.Now}
	for _, p := range list {
		v := api.CheckPoint{Token: p.Token, Kind: p.Kind, Name: p.Name, Grid: p.Grid, Address: some(p.Address), Point: point(p.Lon, p.Lat), CheckedAt: p.At}
		if place, ok := w.Grid(p.Grid); ok {
			v.GridName = some(place.GridName)
		}
		out.Items = append(out.Items, v)
	}
	return out, nil
}

func (s *server) PatrolCheckIn(ctx context.Context, r api.PatrolCheckInRequestObject) (api.PatrolCheckInResponseObject, error) {
	a := actorOf(ctx)
	at, err := pointIn(&r.Body.Point).WGS84()
	if err != nil {
		return nil, err
	}
	key := deref(r.Params.IdempotencyKey)
	if key == "" {
		key = seal.ShortToken()
	}
	limits := s.world(a.District).Limits
	v, err := s.Office.CheckIn(ctx, a, grid.Visit{Token: r.Body.PlaceCode, Key: key, Point: at, Accuracy: deref(r.Body.Point.AccuracyM), At: r.Body.HappenedAt},
		grid.Presence{Within: limits.CheckM, Credit: limits.AccuracyCreditM, Worst: limits.WorstAccuracyM})
	if err != nil {
		return nil, err
	}
	return api.PatrolCheckIn201JSONResponse{PlaceCode: v.Token, At: v.At, DistanceM: v.DistanceM, Replayed: v.Again}, nil
}

package web

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"yixian/api"
	"yixian/grid"
	"yixian/internal/fault"
)

func (s *server) AdminGrids(ctx context.Context, r api.AdminGridsRequestObject) (api.AdminGridsResponseObject, error) {
	f := grid.Filter{Level: string(deref(r.Params.Level)), Parent: deref(r.Params.Parent), State: string(deref(r.Params.State))}
	list, now, next, err := s.Maps.Versions(ctx, actorOf(ctx), f, limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	out := api.AdminGrids200JSONResponse{Items: []api.AreaVersion{}, NextCursor: some(next)}
	for i := range list {
		out.Items = append(out.Items, areaVersion(&list[i], list[i].StateAt(now)))
	}
	return out, nil
}

// mostVersions of one code are shown; a grid that changes every month for sixteen years has them.
const mostVersions = 200

func (s *server) AdminGrid(ctx context.Context, r api.AdminGridRequestObject) (api.AdminGridResponseObject, error) {
	list, now, _, err := s.Maps.Versions(ctx, actorOf(ctx), grid.Filter{Code: r.Code, State: "all"}, mostVersions, "")
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fault.NotFound()
	}
	out := api.AdminGrid200JSONResponse{Items: []api.AreaVersion{}}
	for i := range list {
		v := areaVersion(&list[i], list[i].StateAt(now))
		if list[i].Polygon.Known() {
			raw, err := json.Marshal(list[i].Polygon)
			if err != nil {
				return nil, err
			}
			if v.Geometry, err = object(raw); err != nil {
				return nil, err
			}
		}
		out.Items = append(out.Items, v)
	}
	return out, nil
}

func areaVersion(a *grid.Area, state string) api.AreaVersion {
	v := api.AreaVersion{Code: a.Code, Version: a.Version, Level: api.AreaVersionLevel(a.Level), Kind: some(a.Kind), Name: a.Name, Parent: some(a.Parent), LandUse: some(a.LandUse), Approx: new(a.Approx),
		State: api.AreaVersionState(state), ValidFrom: a.ValidFrom, ValidTo: a.ValidTo}
	if a.BegunBy != nil {
		v.BegunBy = new(a.BegunBy.String())
	}
	if a.EndedBy != nil {
		v.EndedBy = new(a.EndedBy.String())
	}
	if a.Polygon.Known() {
		v.SquareMetres, v.Corners = new(float32(a.Polygon.SquareMetres())), new(a.Polygon.Vertices())
	}
	return v
}

func (s *server) MapChanges(ctx context.Context, r api.MapChangesRequestObject) (api.MapChangesResponseObject, error) {
	list, next, err := s.Maps.Changes(ctx, actorOf(ctx), limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	out := api.MapChanges200JSONResponse{Items: []api.MapChange{}, NextCursor: some(next)}
	for i := range list {
		c := &list[i]
		report, err := mapReport(&c.Report)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, api.MapChange{Id: c.ID.String(), Kind: api.MapChangeKind(c.Kind), At: c.At, Effective: c.Effective, Actor: c.Actor, ActorName: some(c.Name), Note: some(c.Note), Report: report})
	}
	return out, nil
}

// mapReport has the same members in the domain and in the contract.
func mapReport(r *grid.Report) (out api.MapReport, err error) {
	raw, err := json.Marshal(r)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(raw, &out)
}

func (s *server) ImportGrids(ctx context.Context, r api.ImportGridsRequestObject) (api.ImportGridsResponseObject, error) {
	in := grid.Import{DryRun: deref(r.Params.DryRun), Repair: deref(r.Params.Repair), Accept: strings.FieldsFunc(deref(r.Params.Accept), func(c rune) bool { return c == ',' })}
	var err error
	if r.Params.Datum != nil {
		if in.Datum, err = grid.ParseDatum(string(*r.Params.Datum)); err != nil {
			return nil, err
		}
	}
	if r.Params.Effective != nil {
		if in.Effective, err = grid.ParseEffective(r.Params.Effective.String()); err != nil {
			return nil, err
		}
	}
	body := ginOf(ctx).Request.Body
	if ginOf(ctx).Request.ContentLength > grid.MaxMapBytes {
		return nil, fault.New(http.StatusRequestEntityTooLarge, "TOO_LARGE", "文件超过 %d MB，请分批导入", grid.MaxMapBytes>>20)
	}
	// The key stands for the file and how it was asked for.
	sum := sha256.New()
	fmt.Fprintf(sum, "import\n%v\n%v\n%s\n%v\n%v\n", in.DryRun, in.Repair, in.Datum, in.Effective, in.Accept)
	in.Once = grid.Once{Key: deref(r.Params.IdempotencyKey)}
	in.Seal = func() []byte { return sum.Sum(nil) }
	report, err := s.Maps.Import(ctx, actorOf(ctx), io.TeeReader(body, sum), in)
	if err != nil {
		return nil, err
	}
	out, err := s.mapDone(ctx, report)
	return api.ImportGrids200JSONResponse(out), err
}

// mapDone takes the changed map into force here before the answer goes out; other processes see it within a second.
func (s *server) mapDone(ctx context.Context, r *grid.Report) (api.MapReport, error) {
	if r.Change != "" {
		if err := s.Desk.Worlds().LoadMap(context.WithoutCancel(ctx)); err != nil {
			return api.MapReport{}, err
		}
	}
	return mapReport(r)
}

func (s *server) SplitGrid(ctx context.Context, r api.SplitGridRequestObject) (api.SplitGridResponseObject, error) {
	b := r.Body
	in := grid.Split{Code: b.Code, Version: deref(b.Version), Datum: grid.WGS84, DryRun: deref(r.Params.DryRun), Note: deref(b.Note), Once: mapOnce(r.Params.IdempotencyKey, "split", b)}
	var err error
	if b.Datum != nil {
		if in.Datum, err = grid.ParseDatum(string(*b.Datum)); err != nil {
			return nil, err
		}
	}
	if b.Effective != nil {
		if in.Effective, err = grid.ParseEffective(b.Effective.String()); err != nil {
			return nil, err
		}
	}
	for _, p := range deref(b.Line) {
		in.Line = append(in.Line, grid.Point{Lon: p[0], Lat: p[1]}) // the contract asks for two numbers
	}
	for _, p := range deref(b.Parts) {
		part := grid.Part{Code: deref(p.Code), Name: deref(p.Name), LandUse: deref(p.LandUse)}
		if p.Polygon != nil {
			if part.Polygon, err = json.Marshal(p.Polygon); err != nil {
				return nil, err
			}
		}
		in.Parts = append(in.Parts, part)
	}
	report, err := s.Maps.Split(ctx, actorOf(ctx), in)
	if err != nil {
		return nil, err
	}
	out, err := s.mapDone(ctx, report)
	return api.SplitGrid200JSONResponse(out), err
}

func (s *server) MergeGrids(ctx context.Context, r api.MergeGridsRequestObject) (api.MergeGridsResponseObject, error) {
	b := r.Body
	in := grid.Merge{Codes: b.Codes, Into: b.Into, Name: deref(b.Name), DryRun: deref(r.Params.DryRun), Note: deref(b.Note), Once: mapOnce(r.Params.IdempotencyKey, "merge", b)}
	var err error
	if b.Effective != nil {
		if in.Effective, err = grid.ParseEffective(b.Effective.String()); err != nil {
			return nil, err
		}
	}
	report, err := s.Maps.Merge(ctx, actorOf(ctx), in)
	if err != nil {
		return nil, err
	}
	out, err := s.mapDone(ctx, report)
	return api.MergeGrids200JSONResponse(out), err
}

func (s *server) RetireGrid(ctx context.Context, r api.RetireGridRequestObject) (api.RetireGridResponseObject, error) {
	b := r.Body
	in := grid.Retire{Code: b.Code, Version: deref(b.Version), AbsorbedBy: deref(b.AbsorbedBy), DryRun: deref(r.Params.DryRun), Note: deref(b.Note), Once: mapOnce(r.Params.IdempotencyKey, "retire", b)}
	var err error
	if b.Effective != nil {
		if in.Effective, err = grid.ParseEffective(b.Effective.String()); err != nil {
			return nil, err
		}
	}
	report, err := s.Maps.Retire(ctx, actorOf(ctx), in)
	if err != nil {
		return nil, err
	}
	out, err := s.mapDone(ctx, report)
	return api.RetireGrid200JSONResponse(out), err
}

func mapOnce(key *string, what string, body any) grid.Once {
	o := once(key, what, body)
	return grid.Once{Key: o.Key, Hash: o.Hash}
}

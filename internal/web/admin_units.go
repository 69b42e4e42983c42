package web

import (
	"context"
	"io"

	"yixian/api"
	"yixian/grid"
	"yixian/internal/fault"
	tables "yixian/internal/sheet"
)

func adminUnit(u *grid.OrgUnit) api.AdminUnit {
	return api.AdminUnit{Code: u.Code, Name: u.Name, ShortName: u.ShortName, Kind: api.AdminUnitKind(u.Kind), Line: u.Line, Parent: u.Parent, AreaCode: u.AreaCode, Posts: append([]string{}, u.Posts...),
		Axis: api.AdminUnitAxis(u.Axis()), Active: u.Active, RetiredAt: u.RetiredAt, Version: u.Version}
}

func unitIn(b *api.AdminUnitIn) grid.OrgUnit {
	return grid.OrgUnit{Code: deref(b.Code), Name: b.Name, ShortName: b.ShortName, Kind: string(b.Kind), Line: deref(b.Line), Parent: deref(b.Parent), AreaCode: deref(b.AreaCode), Posts: append([]string{}, deref(b.Posts)...)}
}

func (s *server) ListAdminUnits(ctx context.Context, r api.ListAdminUnitsRequestObject) (api.ListAdminUnitsResponseObject, error) {
	p := r.Params
	list, next, err := s.Office.Units(ctx, actorOf(ctx), grid.UnitFilter{Kind: deref(p.Kind), Parent: deref(p.Parent), Under: deref(p.Under), Words: deref(p.Q), Retired: p.Retired}, limitOf(p.Limit), deref(p.Cursor))
	if err != nil {
		return nil, err
	}
	return api.ListAdminUnits200JSONResponse{Items: viewsOf(list, adminUnit), NextCursor: some(next)}, nil
}

func (s *server) CreateUnit(ctx context.Context, r api.CreateUnitRequestObject) (api.CreateUnitResponseObject, error) {
	u, err := s.Office.NewUnit(ctx, actorOf(ctx), unitIn(r.Body))
	if err != nil {
		return nil, err
	}
	return api.CreateUnit201JSONResponse(adminUnit(u)), nil
}

func (s *server) GetUnit(ctx context.Context, r api.GetUnitRequestObject) (api.GetUnitResponseObject, error) {
	u, err := s.Office.Unit(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	return api.GetUnit200JSONResponse(adminUnit(u)), nil
}

func (s *server) ChangeUnit(ctx context.Context, r api.ChangeUnitRequestObject) (api.ChangeUnitResponseObject, error) {
	version, err := versionOf(r.Body.Version, r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	u, err := s.Office.ChangeUnit(ctx, actorOf(ctx), r.Id, version, unitIn(r.Body))
	if err != nil {
		return nil, err
	}
	return api.ChangeUnit200JSONResponse(adminUnit(u)), nil
}

func (s *server) ActUnit(ctx context.Context, r api.ActUnitRequestObject) (api.ActUnitResponseObject, error) {
	body := deref(r.Body)
	version, err := versionOf(body.Version, r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	var u *grid.OrgUnit
	switch a := actorOf(ctx); string(r.Verb) {
	case "retire":
		u, err = s.Office.RetireUnit(ctx, a, r.Id, version, deref(body.Successor))
	case "restore":
		u, err = s.Office.RestoreUnit(ctx, a, r.Id, version)
	default:
		err = fault.NotFound()
	}
	if err != nil {
		return nil, err
	}
	return api.ActUnit200JSONResponse(adminUnit(u)), nil
}

func (s *server) UnitHolders(ctx context.Context, r api.UnitHoldersRequestObject) (api.UnitHoldersResponseObject, error) {
	list, err := s.Office.Holders(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	out := api.UnitHolders200JSONResponse{Items: []api.Blocker{}}
	for _, b := range list {
		out.Items = append(out.Items, api.Blocker{Kind: b.Kind, Count: b.Count, Items: b.Items})
	}
	return out, nil
}

func (s *server) ExportAdminUnits(ctx context.Context, r api.ExportAdminUnitsRequestObject) (api.ExportAdminUnitsResponseObject, error) {
	return tableOf("units", string(deref(r.Params.Format)), func(w io.Writer, f tables.Format) error { return s.Office.ExportUnits(ctx, actorOf(ctx), w, f) })
}

func (s *server) ImportAdminUnits(ctx context.Context, r api.ImportAdminUnitsRequestObject) (api.ImportAdminUnitsResponseObject, error) {
	return takeIn(ctx, r.Body, r.Params.DryRun, s.Office.ImportUnits)
}

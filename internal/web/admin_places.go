package web

import (
	"context"
	"io"

	"yixian/api"
	"yixian/grid"
	"yixian/internal/fault"
	tables "yixian/internal/sheet"
)

func (s *server) placeView(p *grid.PlaceCode) api.PlaceCode {
	return api.PlaceCode{Token: p.Token, Kind: api.PlaceCodeKind(p.Kind), Name: p.Name, Grid: p.Grid, Component: some(p.Component), Address: some(p.Address), Point: point(p.Lon, p.Lat), Disabled: p.DisabledAt != nil,
		Reports: p.Reports, Url: s.placeLink(p.Token), Version: p.Version}
}

// placeLink is what a sticker's QR code holds.
func (s *server) placeLink(token string) string { return s.Post.Link("p/" + token) }

func placeIn(b *api.PlaceCodeIn) (p grid.PlaceCode, err error) {
	p = grid.PlaceCode{Kind: string(b.Kind), Name: deref(b.Name), Grid: deref(b.Grid), Component: deref(b.Component), Address: deref(b.Address)}
	p.Lon, p.Lat, err = stored(b.Point)
	return p, err
}

func (s *server) ListPlaceCodes(ctx context.Context, r api.ListPlaceCodesRequestObject) (api.ListPlaceCodesResponseObject, error) {
	p := r.Params
	list, next, err := s.Office.PlaceCodes(ctx, actorOf(ctx), grid.PlaceFilter{Kind: deref(p.Kind), Area: deref(p.Area), Words: deref(p.Q), Disabled: p.Disabled}, limitOf(p.Limit), deref(p.Cursor))
	if err != nil {
		return nil, err
	}
	return api.ListPlaceCodes200JSONResponse{Items: viewsOf(list, s.placeView), NextCursor: some(next)}, nil
}

func (s *server) CreatePlaceCode(ctx context.Context, r api.CreatePlaceCodeRequestObject) (api.CreatePlaceCodeResponseObject, error) {
	in, err := placeIn(r.Body)
	if err != nil {
		return nil, err
	}
	p, err := s.Office.NewPlaceCode(ctx, actorOf(ctx), in)
	if err != nil {
		return nil, err
	}
	return api.CreatePlaceCode201JSONResponse(s.placeView(p)), nil
}

func (s *server) GetPlaceCode(ctx context.Context, r api.GetPlaceCodeRequestObject) (api.GetPlaceCodeResponseObject, error) {
	p, err := s.Office.PlaceCode(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	return api.GetPlaceCode200JSONResponse(s.placeView(p)), nil
}

func (s *server) ChangePlaceCode(ctx context.Context, r api.ChangePlaceCodeRequestObject) (api.ChangePlaceCodeResponseObject, error) {
	version, in, err := changeOf(r.Body, r.Body.Version, r.Params.IfMatch, placeIn)
	if err != nil {
		return nil, err
	}
	p, err := s.Office.ChangePlaceCode(ctx, actorOf(ctx), r.Id, version, in)
	if err != nil {
		return nil, err
	}
	return api.ChangePlaceCode200JSONResponse(s.placeView(p)), nil
}

func (s *server) ActPlaceCode(ctx context.Context, r api.ActPlaceCodeRequestObject) (api.ActPlaceCodeResponseObject, error) {
	version, err := versionOf(deref(r.Body).Version, r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	if r.Verb != "disable" && r.Verb != "enable" {
		return nil, fault.NotFound()
	}
	p, err := s.Office.ShutPlaceCode(ctx, actorOf(ctx), r.Id, version, r.Verb == "disable")
	if err != nil {
		return nil, err
	}
	return api.ActPlaceCode200JSONResponse(s.placeView(p)), nil
}

func (s *server) ExportPlaceCodes(ctx context.Context, r api.ExportPlaceCodesRequestObject) (api.ExportPlaceCodesResponseObject, error) {
	return tableOf("place_codes", string(deref(r.Params.Format)), func(w io.Writer, f tables.Format) error { return s.Office.ExportPlaceCodes(ctx, actorOf(ctx), w, f) })
}

func (s *server) ImportPlaceCodes(ctx context.Context, r api.ImportPlaceCodesRequestObject) (api.ImportPlaceCodesResponseObject, error) {
	return takeIn(ctx, r.Body, r.Params.DryRun, s.Office.ImportPlaceCodes)
}

// ScanPlaceCode fills in the report form. The place is another district's when the token says so: a code is read everywhere.
func (s *server) ScanPlaceCode(ctx context.Context, r api.ScanPlaceCodeRequestObject) (api.ScanPlaceCodeResponseObject, error) {
	p, err := grid.Scanned(ctx, s.DB, r.Id)
	if err == nil && s.world(p.District) == nil {
		err = fault.NotFound()
	}
	if err != nil {
		return nil, err
	}
	out := api.ScannedPlace{Token: p.Token, Kind: p.Kind, Name: p.Name, Grid: p.Grid, Address: some(p.Address), Component: some(p.Component), Point: point(p.Lon, p.Lat)}
	w := s.world(p.District)
	if place, ok := w.Grid(p.Grid); ok {
		out.GridName, out.CommunityName, out.StreetName = some(place.GridName), some(place.CommunityName), some(place.StreetName)
	}
	if p.Kind == grid.PlaceComponent {
		if item, ok := w.Catalog.Matter(p.Component[6:11]); ok {
			out.Matter, out.MatterName = &item.Code, &item.Name
		}
	}
	return api.ScanPlaceCode200JSONResponse(out), nil
}

package web

import (
	"context"
	"io"

	"yixian/api"
	"yixian/grid"
	"yixian/internal/fault"
	tables "yixian/internal/sheet"
)

func componentView(c *grid.Component) api.Component {
	return api.Component{Id: c.ID, Item: c.Item, Name: c.Name, OwnerUnit: c.OwnerUnit, MaintainerUnit: c.MaintainerUnit, Point: point(c.Lon, c.Lat), Grid: c.Grid, Address: some(c.Address),
		Status: api.ComponentStatus(c.Status), Version: c.Version, UpdatedAt: c.UpdatedAt}
}

func componentIn(b *api.ComponentIn) (c grid.Component, err error) {
	c = grid.Component{ID: deref(b.Id), Name: b.Name, OwnerUnit: b.OwnerUnit, MaintainerUnit: deref(b.MaintainerUnit), Address: deref(b.Address), Status: string(deref(b.Status))}
	c.Lon, c.Lat, err = stored(&b.Point)
	return c, err
}

func (s *server) ListComponents(ctx context.Context, r api.ListComponentsRequestObject) (api.ListComponentsResponseObject, error) {
	p := r.Params
	list, next, err := s.Office.Components(ctx, actorOf(ctx), grid.ComponentFilter{Item: deref(p.Item), Unit: deref(p.Unit), Grid: deref(p.Grid), Status: deref(p.Status), Words: deref(p.Q)}, limitOf(p.Limit), deref(p.Cursor))
	if err != nil {
		return nil, err
	}
	return api.ListComponents200JSONResponse{Items: viewsOf(list, componentView), NextCursor: some(next)}, nil
}

func (s *server) CreateComponent(ctx context.Context, r api.CreateComponentRequestObject) (api.CreateComponentResponseObject, error) {
	in, err := componentIn(r.Body)
	if err != nil {
		return nil, err
	}
	c, err := s.Office.NewComponent(ctx, actorOf(ctx), in)
	if err != nil {
		return nil, err
	}
	return api.CreateComponent201JSONResponse(componentView(c)), nil
}

func (s *server) GetComponent(ctx context.Context, r api.GetComponentRequestObject) (api.GetComponentResponseObject, error) {
	c, err := s.Office.Component(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	return api.GetComponent200JSONResponse(componentView(c)), nil
}

func (s *server) ChangeComponent(ctx context.Context, r api.ChangeComponentRequestObject) (api.ChangeComponentResponseObject, error) {
	version, in, err := changeOf(r.Body, r.Body.Version, r.Params.IfMatch, componentIn)
	if err != nil {
		return nil, err
	}
	c, err := s.Office.ChangeComponent(ctx, actorOf(ctx), r.Id, version, in)
	if err != nil {
		return nil, err
	}
	return api.ChangeComponent200JSONResponse(componentView(c)), nil
}

func (s *server) ExportComponents(ctx context.Context, r api.ExportComponentsRequestObject) (api.ExportComponentsResponseObject, error) {
	return tableOf("components", string(deref(r.Params.Format)), func(w io.Writer, f tables.Format) error { return s.Office.ExportComponents(ctx, actorOf(ctx), w, f) })
}

func (s *server) ImportComponents(ctx context.Context, r api.ImportComponentsRequestObject) (api.ImportComponentsResponseObject, error) {
	return takeIn(ctx, r.Body, r.Params.DryRun, s.Office.ImportComponents)
}

func deviceView(d *grid.Device) api.Device {
	return api.Device{Id: d.ID, Kind: d.Kind, Name: d.Name, Component: d.Component, Building: d.Building, Point: point(d.Lon, d.Lat), Disabled: d.DisabledAt != nil, HasKey: d.KeyHash != nil, KeyAt: d.KeyAt, Version: d.Version}
}

func deviceIn(b *api.DeviceIn) (d grid.Device, err error) {
	d = grid.Device{ID: deref(b.Id), Kind: b.Kind, Name: deref(b.Name), Component: deref(b.Component), Building: deref(b.Building)}
	d.Lon, d.Lat, err = stored(&b.Point)
	return d, err
}

func (s *server) ListDevices(ctx context.Context, r api.ListDevicesRequestObject) (api.ListDevicesResponseObject, error) {
	p := r.Params
	list, next, err := s.Office.Devices(ctx, actorOf(ctx), grid.DeviceFilter{Kind: deref(p.Kind), Building: deref(p.Building), Component: deref(p.Component), Disabled: p.Disabled}, limitOf(p.Limit), deref(p.Cursor))
	if err != nil {
		return nil, err
	}
	return api.ListDevices200JSONResponse{Items: viewsOf(list, deviceView), NextCursor: some(next)}, nil
}

func (s *server) CreateDevice(ctx context.Context, r api.CreateDeviceRequestObject) (api.CreateDeviceResponseObject, error) {
	in, err := deviceIn(r.Body)
	if err != nil {
		return nil, err
	}
	d, key, err := s.Office.NewDevice(ctx, actorOf(ctx), in)
	if err != nil {
		return nil, err
	}
	return api.CreateDevice201JSONResponse{Device: deviceView(d), Key: &key}, nil
}

func (s *server) GetDevice(ctx context.Context, r api.GetDeviceRequestObject) (api.GetDeviceResponseObject, error) {
	d, err := s.Office.Device(ctx, actorOf(ctx), r.Id)
	if err != nil {
		return nil, err
	}
	return api.GetDevice200JSONResponse(deviceView(d)), nil
}

func (s *server) ChangeDevice(ctx context.Context, r api.ChangeDeviceRequestObject) (api.ChangeDeviceResponseObject, error) {
	version, in, err := changeOf(r.Body, r.Body.Version, r.Params.IfMatch, deviceIn)
	if err != nil {
		return nil, err
	}
	d, err := s.Office.ChangeDevice(ctx, actorOf(ctx), r.Id, version, in)
	if err != nil {
		return nil, err
	}
	return api.ChangeDevice200JSONResponse(deviceView(d)), nil
}

func (s *server) ActDevice(ctx context.Context, r api.ActDeviceRequestObject) (api.ActDeviceResponseObject, error) {
	a := actorOf(ctx)
	version, err := versionOf(deref(r.Body).Version, r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	var d *grid.Device
	key := ""
	switch string(r.Verb) {
	case "key":
		d, key, err = s.Office.DeviceKey(ctx, a, r.Id, version)
	case "disable", "enable":
		d, err = s.Office.ShutDevice(ctx, a, r.Id, version, r.Verb == "disable")
	default:
		err = fault.NotFound()
	}
	if err != nil {
		return nil, err
	}
	return api.ActDevice200JSONResponse{Device: deviceView(d), Key: some(key)}, nil
}

func (s *server) ExportDevices(ctx context.Context, r api.ExportDevicesRequestObject) (api.ExportDevicesResponseObject, error) {
	return tableOf("devices", string(deref(r.Params.Format)), func(w io.Writer, f tables.Format) error { return s.Office.ExportDevices(ctx, actorOf(ctx), w, f) })
}

func (s *server) ImportDevices(ctx context.Context, r api.ImportDevicesRequestObject) (api.ImportDevicesResponseObject, error) {
	return takeIn(ctx, r.Body, r.Params.DryRun, s.Office.ImportDevices)
}

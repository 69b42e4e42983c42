package grid

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
	"yixian/internal/sheet"
)

// Device is a sensor that may raise alerts: table device, key (district, id). The id is its maker's. It signs in with a key
// that is shown once; KeyHash is what is kept of it. It stands at a component or in a building; WGS-84.
type Device struct {
	District   string     `json:"district"`
	ID         string     `json:"id"`
	Kind       string     `json:"kind"` // SMOKE, MANHOLE, LAMP …: device.kind of the rules
	Name       string     `json:"name"`
	Component  string     `json:"component"`
	Building   string     `json:"building"` // what counts as one building for alarms that come together
	Lon        float64    `json:"lon"`
	Lat        float64    `json:"lat"`
	KeyHash    *string    `json:"key_hash"`
	KeyAt      *time.Time `json:"key_at"`
	DisabledAt *time.Time `json:"disabled_at"`
	Version    int        `json:"version"`

	Datum string `json:"-"`
}

var (
	deviceID   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$`)
	deviceKind = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,31}$`)
)

func deviceRegister(o *Office) register[Device] {
	return register[Device]{
		kind: "device", table: "device", key: "id", columns: []string{"kind", "name", "component", "building", "lon", "lat", "disabled_at"},
		id: func(d *Device) string { return d.ID }, version: func(d *Device) *int { return &d.Version },
		sheet: deviceSheet, check: o.checkDevices,
		audit: func(d *Device) any {
			return map[string]any{"kind": d.Kind, "name": d.Name, "component": d.Component, "building": d.Building, "lon": d.Lon, "lat": d.Lat, "disabled": d.DisabledAt != nil}
		},
	}
}

var deviceSheet = sheet.Table[Device]{
	Name: "设备", ID: func(d *Device) string { return d.ID },
	Columns: []sheet.Column[Device]{
		{Key: "id", Name: "设备编号", Required: true, Get: func(d *Device) string { return d.ID }, Set: func(d *Device, s string) error { d.ID = s; return nil }},
		{Key: "kind", Name: "类型", Required: true, Get: func(d *Device) string { return d.Kind }, Set: func(d *Device, s string) error { d.Kind = s; return nil }},
		{Key: "name", Name: "名称", Get: func(d *Device) string { return d.Name }, Set: func(d *Device, s string) (err error) { d.Name, err = sheet.Text(s, 60); return err }},
		{Key: "component", Name: "部件编号", Get: func(d *Device) string { return d.Component }, Set: func(d *Device, s string) (err error) { d.Component, err = sheet.Digits(s, 17); return err }},
		{Key: "building", Name: "楼栋", Get: func(d *Device) string { return d.Building }, Set: func(d *Device, s string) (err error) { d.Building, err = sheet.Text(s, 60); return err }},
		{Key: "lon", Name: "经度", Required: true, Get: func(d *Device) string { return degreeText(d.Lon) }, Set: func(d *Device, s string) (err error) { d.Lon, err = sheet.Degrees(s, -180, 180); return err }},
		{Key: "lat", Name: "纬度", Required: true, Get: func(d *Device) string { return degreeText(d.Lat) }, Set: func(d *Device, s string) (err error) { d.Lat, err = sheet.Degrees(s, -90, 90); return err }},
		{Key: "datum", Name: "坐标系", Get: func(*Device) string { return string(WGS84) }, Set: func(d *Device, s string) (err error) { d.Datum, err = datumCell(s); return err }},
	},
}

func (o *Office) checkDevices(ctx context.Context, tx pgx.Tx, a auth.Actor, items []item[Device], say func(i int, key, what, mend string)) error {
	known, err := componentsNamed(ctx, tx, a.District, items, func(d *Device) string { return d.Component })
	if err != nil {
		return err
	}
	for i := range items {
		d := &items[i].New
		d.District = a.District
		if !deviceID.MatchString(d.ID) {
			say(i, "id", fmt.Sprintf("设备编号 %q 不符合要求", d.ID), "用 1–64 位字母、数字、点、横线、冒号或下划线")
		}
		if !deviceKind.MatchString(d.Kind) {
			say(i, "kind", fmt.Sprintf("设备类型 %q 不符合要求", d.Kind), "用大写字母、数字或下划线，例如 SMOKE")
		}
		if d.Component != "" && !known[d.Component] {
			say(i, "component", "没有部件 "+d.Component, "先导入部件，或清空该列")
		}
		o.placed(a.District, d.Lon, d.Lat, func(what, mend string) { say(i, "lon", what, mend) })
	}
	return nil
}

// componentsNamed tells which of the named components there are.
func componentsNamed[T any](ctx context.Context, tx pgx.Tx, district string, items []item[T], of func(*T) string) (map[string]bool, error) {
	ids := []string{}
	for i := range items {
		if id := of(&items[i].New); id != "" {
			ids = append(ids, id)
		}
	}
	rows, err := tx.Query(ctx, "select id from component where district = $1 and id = any($2) and status <> 'REMOVED' order by id for key share", district, ids)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	var id string
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error { out[id] = true; return nil })
	return out, err
}

// DeviceFilter narrows a list of devices; empty members do not.
type DeviceFilter struct {
	Kind, Building, Component string
	Disabled                  *bool
}

// Devices lists devices by id.
func (o *Office) Devices(ctx context.Context, a auth.Actor, f DeviceFilter, limit int, cursor string) ([]Device, string, error) {
	return o.devices.list(ctx, o, a, `($3 = '' or x.kind = $3) and ($4 = '' or x.building = $4) and ($5 = '' or x.component = $5) and ($6::bool is null or (x.disabled_at is not null) = $6)`,
		[]any{f.Kind, f.Building, f.Component, f.Disabled}, limit, cursor)
}

// Device is one device.
func (o *Office) Device(ctx context.Context, a auth.Actor, id string) (*Device, error) {
	return o.devices.get(ctx, o, a, id)
}

// NewDevice registers a device and gives its key, which is never shown again.
func (o *Office) NewDevice(ctx context.Context, a auth.Actor, d Device) (*Device, string, error) {
	d.DisabledAt = nil
	made, err := o.devices.create(ctx, o, a, d)
	if err != nil {
		return nil, "", err
	}
	return o.DeviceKey(ctx, a, made.ID, made.Version)
}

// DeviceKey gives a device a new key; the former one ends at once.
func (o *Office) DeviceKey(ctx context.Context, a auth.Actor, id string, version int) (made *Device, key string, err error) {
	if err := admin(a); err != nil {
		return nil, "", err
	}
	key = seal.Token()
	err = o.devices.begin(ctx, o, a, func(tx pgx.Tx) error {
		items := []item[Device]{{New: Device{ID: id}}}
		if err := o.devices.fill(ctx, tx, a.District, items); err != nil {
			return err
		}
		switch old := items[0].Old; {
		case old == nil:
			return fault.NotFound()
		case old.Version != version:
			return fault.Conflict("STALE", "其他人刚刚修改过，请刷新后再改").With("version", old.Version)
		}
		if _, err := tx.Exec(ctx, "update device set key_hash = $3, key_at = yx_now(), version = version + 1 where district = $1 and id = $2", a.District, id, seal.TokenHash(key)); err != nil {
			return err
		}
		c, err := auth.AuditChange("key", "device", id, nil, nil)
		if err != nil {
			return err
		}
		if err := auth.Audit(ctx, tx, a, c); err != nil {
			return err
		}
		list, err := o.devices.rows(ctx, tx, "x.district = $1 and x.id = $2", 1, a.District, id)
		if err != nil {
			return err
		}
		made = &list[0]
		return nil
	})
	return made, key, err
}

// ChangeDevice changes everything but the id, the key and whether it is disabled.
func (o *Office) ChangeDevice(ctx context.Context, a auth.Actor, id string, version int, d Device) (*Device, error) {
	return o.devices.change(ctx, o, a, "change", id, version, func(old Device) (Device, error) {
		d.District, d.ID, d.DisabledAt = old.District, old.ID, old.DisabledAt
		return d, nil
	})
}

// ShutDevice refuses a device's alerts from now on, or takes them again.
func (o *Office) ShutDevice(ctx context.Context, a auth.Actor, id string, version int, shut bool) (*Device, error) {
	return o.devices.shut(ctx, o, a, id, version, shut, func(x *Device) **time.Time { return &x.DisabledAt })
}

// ImportDevices takes a file of devices in. New ones get their key one by one (DeviceKey): a file of keys would lie about.
func (o *Office) ImportDevices(ctx context.Context, a auth.Actor, file io.Reader, dry bool) (*Imported, error) {
	return o.devices.load(ctx, o, a, file, dry, func(old, d *Device) {
		toWGS84(&d.Lon, &d.Lat, d.Datum)
		if old != nil {
			d.DisabledAt = old.DisabledAt
		}
	})
}

// ExportDevices writes the file that ImportDevices finds nothing to change in. It holds no keys.
func (o *Office) ExportDevices(ctx context.Context, a auth.Actor, to io.Writer, format sheet.Format) error {
	return o.devices.export(ctx, o, a, to, format)
}

// DeviceByKey finds the device that a key belongs to: UNAUTHENTICATED for an unknown device, a wrong key, one that is disabled.
func DeviceByKey(ctx context.Context, db *pg.DB, district, id, key string) (*Device, error) {
	var d Device
	err := db.Pool.QueryRow(pg.WithDistrict(ctx, district), "select to_jsonb(x) from device x where x.district = $1 and x.id = $2 and x.key_hash = $3 and x.disabled_at is null", district, id, seal.TokenHash(key)).Scan(&d)
	if err == pgx.ErrNoRows { //nolint:errorlint // pgx gives it as it is
		return nil, fault.Unauthorized()
	}
	return &d, pg.Fault(err)
}

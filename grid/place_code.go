package grid

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
	"yixian/internal/sheet"
)

// The kinds of place that a code may stand for.
const (
	PlaceGrid      = "GRID"
	PlaceComponent = "COMPONENT"
	PlaceShop      = "SHOP"
	PlaceKiosk     = "KIOSK" // a terminal that stands there; reports made at it have this as their source
)

var placeKinds = []string{PlaceGrid, "网格", PlaceComponent, "部件", PlaceShop, "店铺", PlaceKiosk, "自助终端"}

// PlaceCode is a sticker's code: table place_code, key (district, token). Whoever scans it gets the report form with the
// place filled in. The token begins with the district, so that every installation knows whose it is. WGS-84.
type PlaceCode struct {
	District   string     `json:"district"`
	Token      string     `json:"token"`
	Kind       string     `json:"kind"`
	Name       string     `json:"name"`
	Grid       string     `json:"grid"`
	Component  string     `json:"component"`
	Address    string     `json:"address"`
	Lon        float64    `json:"lon"`
	Lat        float64    `json:"lat"`
	DisabledAt *time.Time `json:"disabled_at"`
	Version    int        `json:"version"`

	Reports int    `json:"reports"` // made with it; only PlaceCodes and PlaceCode count them
	Datum   string `json:"-"`
}

// PlaceToken is the form of a place code's token.
var PlaceToken = regexp.MustCompile(`^([0-9]{6})-[0-9A-HJKMNP-TV-Z]{10}$`)

func newPlaceToken(district string) string {
	return district + "-" + seal.ReceiptCode() + seal.ReceiptCode()[:2] // 50 random bits: guessed by nobody, typed in if need be
}

func placeRegister(o *Office) register[PlaceCode] {
	return register[PlaceCode]{
		kind: "place_code", table: "place_code", key: "token", columns: []string{"kind", "name", "grid", "component", "address", "lon", "lat", "disabled_at"},
		id: func(p *PlaceCode) string { return p.Token }, version: func(p *PlaceCode) *int { return &p.Version },
		sheet: placeSheet, check: o.checkPlaces,
	}
}

var placeSheet = sheet.Table[PlaceCode]{
	Name: "场所码", ID: func(p *PlaceCode) string { return p.Token },
	Columns: []sheet.Column[PlaceCode]{
		{Key: "token", Name: "场所码", Get: func(p *PlaceCode) string { return p.Token }, Set: func(p *PlaceCode, s string) error { p.Token = strings.ToUpper(s); return nil }},
		{Key: "kind", Name: "类型", Required: true, Get: func(p *PlaceCode) string { return sheet.NameOf(p.Kind, placeKinds...) }, Set: func(p *PlaceCode, s string) (err error) { p.Kind, err = sheet.OneOf(s, placeKinds...); return err }},
		{Key: "name", Name: "名称", Get: func(p *PlaceCode) string { return p.Name }, Set: func(p *PlaceCode, s string) (err error) { p.Name, err = sheet.Text(s, 40); return err }},
		{Key: "grid", Name: "网格编码", Get: func(p *PlaceCode) string { return p.Grid }, Set: func(p *PlaceCode, s string) (err error) { p.Grid, err = sheet.Digits(s, 15); return err }},
		{Key: "component", Name: "部件编号", Get: func(p *PlaceCode) string { return p.Component }, Set: func(p *PlaceCode, s string) (err error) { p.Component, err = sheet.Digits(s, 17); return err }},
		{Key: "lon", Name: "经度", Get: func(p *PlaceCode) string { return degreeText(p.Lon) }, Set: func(p *PlaceCode, s string) (err error) { p.Lon, err = sheet.Degrees(s, -180, 180); return err }},
		{Key: "lat", Name: "纬度", Get: func(p *PlaceCode) string { return degreeText(p.Lat) }, Set: func(p *PlaceCode, s string) (err error) { p.Lat, err = sheet.Degrees(s, -90, 90); return err }},
		{Key: "datum", Name: "坐标系", Get: func(*PlaceCode) string { return string(WGS84) }, Set: func(p *PlaceCode, s string) (err error) { p.Datum, err = datumCell(s); return err }},
		{Key: "address", Name: "地址", Get: func(p *PlaceCode) string { return p.Address }, Set: func(p *PlaceCode, s string) (err error) { p.Address, err = sheet.Text(s, 120); return err }},
	},
}

// checkPlaces fills in what the place itself tells (a grid's name and middle, a component's name and point) and refuses the
// second code for one place.
func (o *Office) checkPlaces(ctx context.Context, tx pgx.Tx, a auth.Actor, items []item[PlaceCode], say func(i int, key, what, mend string)) error {
	ids := []string{}
	for i := range items {
		ids = append(ids, items[i].New.Component)
	}
	components, err := o.components.rows(ctx, tx, "x.district = $1 and x.id = any($2) and x.status <> 'REMOVED'", len(ids), a.District, ids)
	if err != nil {
		return err
	}
	known := map[string]*Component{}
	for i := range components {
		known[components[i].ID] = &components[i]
	}
	for i := range items {
		p := &items[i].New
		if p.District = a.District; p.Token == "" {
			p.Token = newPlaceToken(a.District)
		} else if items[i].Old == nil && items[i].Line > 0 {
			say(i, "token", "没有场所码 "+p.Token, "新的场所码不填该列，由系统生成")
			continue
		}
		switch p.Kind {
		case PlaceGrid:
			place, ok := o.index().Place(p.Grid)
			if !ok || place.DistrictCode != a.District {
				say(i, "grid", "没有网格 "+p.Grid, "核对 15 位网格编码")
				continue
			}
			if p.Component = ""; p.Name == "" {
				p.Name = place.GridName
			}
			if middle, ok := o.index().Centre(p.Grid); ok && p.Lon == 0 && p.Lat == 0 {
				p.Lon, p.Lat = middle.Lon, middle.Lat
			}
		case PlaceComponent:
			c := known[p.Component]
			if c == nil {
				say(i, "component", "没有部件 "+p.Component, "先导入部件，或核对编号")
				continue
			}
			p.Lon, p.Lat = c.Lon, c.Lat
			if p.Name == "" {
				p.Name = c.Name
			}
			if p.Address == "" {
				p.Address = c.Address
			}
		case PlaceShop, PlaceKiosk:
			if p.Component = ""; p.Name == "" {
				say(i, "name", "名称为空", "填写店铺或自助终端的名称")
			}
		default:
			say(i, "kind", fmt.Sprintf("类型 %q 不存在", p.Kind), "应为网格、部件、店铺或自助终端")
			continue
		}
		_, at := o.placed(a.District, p.Lon, p.Lat, func(what, mend string) { say(i, "lon", what, mend) })
		if p.Kind != PlaceGrid {
			p.Grid = at
		} else if at != "" && at != p.Grid {
			say(i, "lon", "位置不在网格 "+p.Grid+" 内", "清空经纬度，由系统取网格中心")
		}
	}
	return o.samePlace(ctx, tx, a.District, items, say)
}

func (o *Office) samePlace(ctx context.Context, tx pgx.Tx, district string, items []item[PlaceCode], say func(i int, key, what, mend string)) error {
	target := func(p *PlaceCode) string { return strings.Join([]string{p.Kind, p.Grid, p.Component, p.Name}, "\x00") }
	grids := []string{}
	for i := range items {
		grids = append(grids, items[i].New.Grid)
	}
	there, err := o.places.rows(ctx, tx, "x.district = $1 and x.grid = any($2) and x.disabled_at is null", sheet.MaxRows, district, grids)
	if err != nil {
		return err
	}
	taken := map[string]string{}
	for i := range there {
		taken[target(&there[i])] = there[i].Token
	}
	for i := range items {
		p := &items[i].New
		if other := taken[target(p)]; other != "" && other != p.Token && p.DisabledAt == nil && p.Grid != "" {
			say(i, "token", "该处已有场所码 "+other, "在场所码一列填写它，或先停用它")
		}
		if p.DisabledAt == nil {
			taken[target(p)] = p.Token
		}
	}
	return nil
}

// PlaceFilter narrows a list of place codes; empty members do not. Area is the code of a street, community or grid.
type PlaceFilter struct {
	Kind, Area, Words string
	Disabled          *bool
	Tokens            []string
}

// PlaceCodes lists place codes by token, with how many reports were made with each.
func (o *Office) PlaceCodes(ctx context.Context, a auth.Actor, f PlaceFilter, limit int, cursor string) ([]PlaceCode, string, error) {
	list, next, err := o.places.list(ctx, o, a, `($3 = '' or x.kind = $3) and ($4 = '' or starts_with(x.grid, $4)) and ($5 = '' or strpos(x.name || ' ' || x.address || ' ' || x.token, $5) > 0)
		and ($6::bool is null or (x.disabled_at is not null) = $6) and ($7::text[] is null or x.token = any($7))`, []any{f.Kind, f.Area, f.Words, f.Disabled, f.Tokens}, limit, cursor)
	if err != nil {
		return nil, "", err
	}
	return list, next, o.countReports(ctx, a.District, list)
}

// PlaceCode is one place code.
func (o *Office) PlaceCode(ctx context.Context, a auth.Actor, token string) (*PlaceCode, error) {
	p, err := o.places.get(ctx, o, a, token)
	if err != nil {
		return nil, err
	}
	list := []PlaceCode{*p}
	return &list[0], o.countReports(ctx, a.District, list)
}

func (o *Office) countReports(ctx context.Context, district string, list []PlaceCode) error {
	tokens := make([]string, len(list))
	for i := range list {
		tokens[i] = list[i].Token
	}
	rows, err := o.db.Pool.Query(pg.WithDistrict(ctx, district), "select place_code, count(*) from report where district = $1 and place_code = any($2) and place_code <> '' group by 1", district, tokens)
	if err != nil {
		return pg.Fault(err)
	}
	counts := map[string]int{}
	var token string
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&token, &n}, func() error { counts[token] = n; return nil }); err != nil {
		return pg.Fault(err)
	}
	for i := range list {
		list[i].Reports = counts[list[i].Token]
	}
	return nil
}

// NewPlaceCode makes a code for a place; the token is drawn here.
func (o *Office) NewPlaceCode(ctx context.Context, a auth.Actor, p PlaceCode) (*PlaceCode, error) {
	p.Token, p.DisabledAt = newPlaceToken(a.District), nil
	return o.places.create(ctx, o, a, p)
}

// ChangePlaceCode changes what a code stands for; stickers with it stay good.
func (o *Office) ChangePlaceCode(ctx context.Context, a auth.Actor, token string, version int, p PlaceCode) (*PlaceCode, error) {
	return o.places.change(ctx, o, a, "change", token, version, func(old PlaceCode) (PlaceCode, error) {
		p.District, p.Token, p.DisabledAt = old.District, old.Token, old.DisabledAt
		return p, nil
	})
}

// ShutPlaceCode takes a code out of use (a shop that closed), or back into it.
func (o *Office) ShutPlaceCode(ctx context.Context, a auth.Actor, token string, version int, shut bool) (*PlaceCode, error) {
	return o.places.shut(ctx, o, a, token, version, shut, func(x *PlaceCode) **time.Time { return &x.DisabledAt })
}

// ImportPlaceCodes takes a file of place codes in; lines without a token get a new one.
func (o *Office) ImportPlaceCodes(ctx context.Context, a auth.Actor, file io.Reader, dry bool) (*Imported, error) {
	return o.places.load(ctx, o, a, file, dry, func(old, p *PlaceCode) {
		toWGS84(&p.Lon, &p.Lat, p.Datum)
		if old != nil {
			p.DisabledAt = old.DisabledAt
		}
	})
}

// ExportPlaceCodes writes the file that ImportPlaceCodes finds nothing to change in.
func (o *Office) ExportPlaceCodes(ctx context.Context, a auth.Actor, to io.Writer, format sheet.Format) error {
	return o.places.export(ctx, o, a, to, format)
}

// Scanned is what a place code fills in: 404 for an unknown one, 410 PLACE_CODE_DISABLED for one out of use.
func Scanned(ctx context.Context, db *pg.DB, token string) (*PlaceCode, error) {
	m := PlaceToken.FindStringSubmatch(token)
	if m == nil {
		return nil, fault.NotFound()
	}
	var p PlaceCode
	err := db.Pool.QueryRow(pg.WithDistrict(ctx, m[1]), "select to_jsonb(x) from place_code x where x.district = $1 and x.token = $2", m[1], token).Scan(&p)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, fault.NotFound()
	case err != nil:
		return nil, pg.Fault(err)
	case p.DisabledAt != nil:
		return nil, fault.New(410, "PLACE_CODE_DISABLED", "该场所码已停用，请直接在地图上选择位置")
	}
	return &p, nil
}

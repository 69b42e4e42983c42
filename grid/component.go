package grid

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/pg"
	"yixian/internal/sheet"
)

// componentStates are what a component may be in, code and name in turn (GB/T 47678.5: 完好, 破损, 丢失, 废弃, 移除).
var componentStates = []string{"INTACT", "完好", "BROKEN", "破损", "LOST", "丢失", "ABANDONED", "废弃", "REMOVED", "移除"}

// Component is a managed thing with an owner: table component, key (district, id). ID has 17 digits: division 6, major 2,
// minor 3, sequence 6; Item is its class, digits 7 to 11. The maintainer is the owner when none is named. WGS-84.
type Component struct {
	District       string    `json:"district"`
	ID             string    `json:"id"`
	Item           string    `json:"item"`
	Name           string    `json:"name"`
	OwnerUnit      string    `json:"owner_unit"`
	MaintainerUnit string    `json:"maintainer_unit"`
	Lon            float64   `json:"lon"`
	Lat            float64   `json:"lat"`
	Cell           int64     `json:"cell"`
	Grid           string    `json:"grid"` // worked out from the point
	Address        string    `json:"address"`
	Status         string    `json:"status"`
	Version        int       `json:"version"`
	UpdatedAt      time.Time `json:"updated_at"`

	Datum string `json:"-"` // of a file's line; "" is WGS-84
}

// ComponentID is the form of a component's id.
var ComponentID = regexp.MustCompile(`^[0-9]{17}$`)

func componentRegister(o *Office) register[Component] {
	return register[Component]{
		kind: "component", table: "component", key: "id", columns: []string{"name", "owner_unit", "maintainer_unit", "lon", "lat", "cell", "grid", "address", "status"},
		id: func(c *Component) string { return c.ID }, version: func(c *Component) *int { return &c.Version },
		sheet: componentSheet, check: o.checkComponents,
	}
}

var componentSheet = sheet.Table[Component]{
	Name: "部件", ID: func(c *Component) string { return c.ID },
	Columns: []sheet.Column[Component]{
		{Key: "id", Name: "部件编号", Required: true, Get: func(c *Component) string { return c.ID }, Set: func(c *Component, s string) (err error) { c.ID, err = sheet.Digits(s, 17); return err }},
		{Key: "name", Name: "名称", Required: true, Get: func(c *Component) string { return c.Name }, Set: func(c *Component, s string) (err error) { c.Name, err = sheet.Text(s, 60); return err }},
		{Key: "owner_unit", Name: "权属单位", Required: true, Get: func(c *Component) string { return c.OwnerUnit }, Set: func(c *Component, s string) error { c.OwnerUnit = s; return nil }},
		{Key: "maintainer_unit", Name: "养护单位", Get: func(c *Component) string { return c.MaintainerUnit }, Set: func(c *Component, s string) error { c.MaintainerUnit = s; return nil }},
		{Key: "lon", Name: "经度", Required: true, Get: func(c *Component) string { return degreeText(c.Lon) }, Set: func(c *Component, s string) (err error) { c.Lon, err = sheet.Degrees(s, -180, 180); return err }},
		{Key: "lat", Name: "纬度", Required: true, Get: func(c *Component) string { return degreeText(c.Lat) }, Set: func(c *Component, s string) (err error) { c.Lat, err = sheet.Degrees(s, -90, 90); return err }},
		{Key: "datum", Name: "坐标系", Get: func(*Component) string { return string(WGS84) }, Set: func(c *Component, s string) (err error) { c.Datum, err = datumCell(s); return err }},
		{Key: "status", Name: "状态", Get: func(c *Component) string { return sheet.NameOf(c.Status, componentStates...) }, Set: func(c *Component, s string) (err error) {
			c.Status, err = sheet.OneOf(s, componentStates...)
			return err
		}},
		{Key: "address", Name: "地址", Get: func(c *Component) string { return c.Address }, Set: func(c *Component, s string) (err error) { c.Address, err = sheet.Text(s, 120); return err }},
	},
}

func degreeText(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func datumCell(s string) (string, error) {
	return sheet.OneOf(s, string(WGS84), "WGS84", string(GCJ02), "GCJ02", string(BD09), "BD09", string(WGS84), "EPSG:4490", string(WGS84), "CGCS2000")
}

// toWGS84 converts a line's point to the datum that is stored.
func toWGS84(lon, lat *float64, datum string) {
	if datum != "" && datum != string(WGS84) {
		p := ToWGS84(Point{Lon: *lon, Lat: *lat}, Datum(datum))
		*lon, *lat = p.Lon, p.Lat
	}
}

// ComponentFilter narrows a list of components; empty members do not.
type ComponentFilter struct{ Item, Unit, Grid, Status, Words string }

// Components lists components by id.
func (o *Office) Components(ctx context.Context, a auth.Actor, f ComponentFilter, limit int, cursor string) ([]Component, string, error) {
	return o.components.list(ctx, o, a, `($3 = '' or starts_with(x.item, $3)) and ($4 = '' or x.owner_unit = $4 or x.maintainer_unit = $4) and ($5 = '' or starts_with(x.grid, $5)) and ($6 = '' or x.status = $6)
		and ($7 = '' or strpos(x.name || ' ' || x.id || ' ' || x.address, $7) > 0)`, []any{f.Item, f.Unit, f.Grid, f.Status, f.Words}, limit, cursor)
}

// Component is one component.
func (o *Office) Component(ctx context.Context, a auth.Actor, id string) (*Component, error) {
	return o.components.get(ctx, o, a, id)
}

// NewComponent adds a component to the ledger.
func (o *Office) NewComponent(ctx context.Context, a auth.Actor, c Component) (*Component, error) {
	return o.components.create(ctx, o, a, c)
}

// ChangeComponent changes everything but the id. A component that is gone gets the status REMOVED: rows are kept.
func (o *Office) ChangeComponent(ctx context.Context, a auth.Actor, id string, version int, c Component) (*Component, error) {
	return o.components.change(ctx, o, a, "change", id, version, func(old Component) (Component, error) {
		c.District, c.ID = old.District, old.ID
		return c, nil
	})
}

// ImportComponents takes a file of components in; those that it does not name stay as they are.
func (o *Office) ImportComponents(ctx context.Context, a auth.Actor, file io.Reader, dry bool) (*Imported, error) {
	return o.components.load(ctx, o, a, file, dry, func(_, c *Component) { toWGS84(&c.Lon, &c.Lat, c.Datum) })
}

// ExportComponents writes the file that ImportComponents finds nothing to change in.
func (o *Office) ExportComponents(ctx context.Context, a auth.Actor, to io.Writer, format sheet.Format) error {
	return o.components.export(ctx, o, a, to, format)
}

func (o *Office) checkComponents(ctx context.Context, tx pgx.Tx, a auth.Actor, items []item[Component], say func(i int, key, what, mend string)) error {
	units, err := o.unitsNamed(ctx, tx, a.District, func(yield func(string)) {
		for i := range items {
			yield(items[i].New.OwnerUnit)
			yield(items[i].New.MaintainerUnit)
		}
	})
	if err != nil {
		return err
	}
	for i := range items {
		c := &items[i].New
		if c.District = a.District; c.Status == "" {
			c.Status = "INTACT"
		}
		if len(c.ID) == 17 {
			c.Item = c.ID[6:11]
		}
		switch {
		case !ComponentID.MatchString(c.ID):
			say(i, "id", "部件编号应为 17 位数字", "6 位区划 + 2 位大类 + 3 位小类 + 6 位顺序号")
		case !strings.HasPrefix(c.ID, a.District):
			say(i, "id", "部件编号不属于本区", "应以 "+a.District+" 开头")
		}
		if c.Name == "" {
			say(i, "name", "名称为空", "填写部件名称")
		}
		checkUnitNamed(units, "owner_unit", c.OwnerUnit, true, func(key, what, mend string) { say(i, key, what, mend) })
		checkUnitNamed(units, "maintainer_unit", c.MaintainerUnit, false, func(key, what, mend string) { say(i, key, what, mend) })
		if sheet.NameOf(c.Status, componentStates...) == c.Status {
			say(i, "status", fmt.Sprintf("状态 %q 不存在", c.Status), "应为完好、破损、丢失、废弃或移除")
		}
		c.Cell, c.Grid = o.placed(a.District, c.Lon, c.Lat, func(what, mend string) { say(i, "lon", what, mend) })
	}
	return nil
}

// placed finds the grid of a thing; say is told when it lies in none of the district's.
func (o *Office) placed(district string, lon, lat float64, say func(what, mend string)) (cell int64, grid string) {
	p := Point{Lon: lon, Lat: lat}
	place, ok := o.index().Locate(p)
	if !ok || place.DistrictCode != district {
		say(fmt.Sprintf("位置 %s,%s 不在本区网格内", degreeText(lon), degreeText(lat)), "核对经纬度是否写反，以及坐标系是否正确")
		return Cell(p), ""
	}
	return Cell(p), place.GridCode
}

// unitsNamed reads the units that something names; nobody retires them meanwhile.
func (o *Office) unitsNamed(ctx context.Context, tx pgx.Tx, district string, each func(yield func(string))) (map[string]*OrgUnit, error) {
	names := map[string]bool{}
	each(func(code string) { names[code] = true })
	delete(names, "")
	list := make([]string, 0, len(names))
	for n := range names {
		list = append(list, n)
	}
	rows, err := tx.Query(ctx, "select to_jsonb(u) from org_unit u where u.district = $1 and u.code = any($2) order by u.code for key share", district, list)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[OrgUnit])
	out := map[string]*OrgUnit{}
	for i := range found {
		out[found[i].Code] = &found[i]
	}
	return out, err
}

func checkUnitNamed(units map[string]*OrgUnit, key, code string, needed bool, say func(key, what, mend string)) {
	u := units[code]
	switch {
	case code == "" && needed:
		say(key, "没有填写单位", "填写单位编码")
	case code == "":
	case u == nil:
		say(key, "没有单位 "+code, "先导入单位，或核对编码")
	case !u.Active:
		say(key, "单位 "+u.ShortName+" 已停用", "改为启用的单位")
	}
}

// ComponentRef is what routing needs to know of a component.
type ComponentRef struct {
	ID         string `json:"id"`
	Item       string `json:"item"`
	Name       string `json:"name"`
	Owner      string `json:"owner"`
	Maintainer string `json:"maintainer"`
}

// nearM is how near a component of the reported class must lie to be meant, when it is the only one there.
const nearM = 15.0

// ComponentNear finds the component that a report is about: the one of that id, else the only one of the class (5 digits)
// within 15 m of the point. nil when there is none, or more than one, which a person has to tell apart.
func ComponentNear(ctx context.Context, db *pg.DB, district, id, item string, p Point) (*ComponentRef, error) {
	const columns = "select x.id, x.item, x.name, x.owner_unit, coalesce(nullif(x.maintainer_unit, ''), x.owner_unit), x.lon, x.lat from component x where x.district = $1 and x.status <> 'REMOVED' and "
	sql, args := columns+"x.id = $2", []any{district, id}
	if id == "" {
		sql, args = columns+"x.cell = any($2) and x.item = $3", []any{district, CellsAround(p, nearM), item}
	}
	rows, err := db.Pool.Query(pg.WithDistrict(ctx, district), sql, args...)
	if err != nil {
		return nil, pg.Fault(err)
	}
	var found []ComponentRef
	var c ComponentRef
	var at Point
	if _, err := pgx.ForEachRow(rows, []any{&c.ID, &c.Item, &c.Name, &c.Owner, &c.Maintainer, &at.Lon, &at.Lat}, func() error {
		if id != "" || Distance(p, at) <= nearM {
			found = append(found, c)
		}
		return nil
	}); err != nil {
		return nil, pg.Fault(err)
	}
	if len(found) != 1 {
		return nil, nil
	}
	return &found[0], nil
}

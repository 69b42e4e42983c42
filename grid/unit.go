package grid

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/sheet"
)

func unitRegister(o *Office) register[OrgUnit] {
	return register[OrgUnit]{
		kind: "unit", table: "org_unit", key: "code", columns: []string{"name", "short_name", "kind", "line", "parent", "area_code", "active", "posts", "retired_at"},
		id: func(u *OrgUnit) string { return u.Code }, version: func(u *OrgUnit) *int { return &u.Version },
		sheet: unitSheet, check: o.checkUnits, first: func(u *OrgUnit) bool { return !u.Active },
	}
}

// unitSheet are the columns of a file of units.
var unitSheet = sheet.Table[OrgUnit]{
	Name: "单位", ID: func(u *OrgUnit) string { return u.Code },
	Columns: []sheet.Column[OrgUnit]{
		{Key: "code", Name: "单位编码", Required: true, Get: func(u *OrgUnit) string { return u.Code }, Set: func(u *OrgUnit, c string) error { u.Code = c; return nil }},
		{Key: "name", Name: "单位名称", Required: true, Get: func(u *OrgUnit) string { return u.Name }, Set: func(u *OrgUnit, c string) (err error) { u.Name, err = sheet.Text(c, 60); return err }},
		{Key: "short_name", Name: "简称", Required: true, Get: func(u *OrgUnit) string { return u.ShortName }, Set: func(u *OrgUnit, c string) (err error) { u.ShortName, err = sheet.Text(c, 20); return err }},
		{Key: "kind", Name: "类型", Required: true, Get: func(u *OrgUnit) string { return sheet.NameOf(u.Kind, unitKindNames...) }, Set: func(u *OrgUnit, c string) (err error) {
			u.Kind, err = sheet.OneOf(c, unitKindNames...)
			return err
		}},
		{Key: "line", Name: "条线", Get: func(u *OrgUnit) string { return u.Line }, Set: func(u *OrgUnit, c string) (err error) { u.Line, err = sheet.Text(c, 32); return err }},
		{Key: "parent", Name: "上级编码", Get: func(u *OrgUnit) string { return u.Parent }, Set: func(u *OrgUnit, c string) error { u.Parent = c; return nil }},
		{Key: "area_code", Name: "辖区编码", Get: func(u *OrgUnit) string { return u.AreaCode }, Set: func(u *OrgUnit, c string) (err error) {
			u.AreaCode, err = sheet.Digits(c, 6, 9, 12, 15)
			return err
		}},
		{Key: "posts", Name: "岗位", Get: func(u *OrgUnit) string { return sheet.Join(u.Posts) }, Set: func(u *OrgUnit, c string) error { u.Posts = sheet.List(c); return nil }},
		{Key: "active", Name: "启用", Required: true, Get: func(u *OrgUnit) string { return sheet.YesNo(u.Active) }, Set: func(u *OrgUnit, c string) (err error) {
			u.Active, err = sheet.Bool(c)
			return err
		}},
	},
}

// UnitFilter narrows a list of units; empty members do not. Under is a unit whose whole branch is listed.
type UnitFilter struct {
	Kind, Parent, Under, Words string
	Retired                    *bool
}

// Units lists units by code.
func (o *Office) Units(ctx context.Context, a auth.Actor, f UnitFilter, limit int, cursor string) ([]OrgUnit, string, error) {
	cond := `($3 = '' or x.kind = $3) and ($4 = '' or x.parent = $4) and ($5 = '' or strpos(x.name || ' ' || x.short_name || ' ' || x.code, $5) > 0) and ($6::bool is null or x.active <> $6)
		and ($7 = '' or x.code in (with recursive b as (select $7::text as code union select u.code from org_unit u join b on u.parent = b.code where u.district = $1) select code from b))`
	return o.units.list(ctx, o, a, cond, []any{f.Kind, f.Parent, f.Words, f.Retired, f.Under}, limit, cursor)
}

// Unit is one unit, retired ones included.
func (o *Office) Unit(ctx context.Context, a auth.Actor, code string) (*OrgUnit, error) {
	return o.units.get(ctx, o, a, code)
}

// NewUnit adds a unit to the tree.
func (o *Office) NewUnit(ctx context.Context, a auth.Actor, u OrgUnit) (*OrgUnit, error) {
	u.District, u.Active, u.RetiredAt = a.District, true, nil
	return o.units.create(ctx, o, a, u)
}

// ChangeUnit changes everything but the code and whether the unit is retired.
func (o *Office) ChangeUnit(ctx context.Context, a auth.Actor, code string, version int, u OrgUnit) (*OrgUnit, error) {
	return o.units.change(ctx, o, a, "change", code, version, func(old OrgUnit) (OrgUnit, error) {
		u.District, u.Code, u.Active, u.RetiredAt = old.District, old.Code, old.Active, old.RetiredAt
		return u, nil
	})
}

// RetireUnit takes a unit out of service: nothing new is sent to it and its roster ends, its code and its past stay. Whatever
// still holds it refuses it: 409 UNIT_IN_USE with the list. successor, of the same kind and without ground of its own, takes
// over a street's or community's ground; without one the ground must be gone.
func (o *Office) RetireUnit(ctx context.Context, a auth.Actor, code string, version int, successor string) (*OrgUnit, error) {
	return o.shutUnit(ctx, a, code, version, successor, true)
}

// RestoreUnit puts a retired unit back into service.
func (o *Office) RestoreUnit(ctx context.Context, a auth.Actor, code string, version int) (*OrgUnit, error) {
	return o.shutUnit(ctx, a, code, version, "", false)
}

func (o *Office) shutUnit(ctx context.Context, a auth.Actor, code string, version int, successor string, retire bool) (*OrgUnit, error) {
	var out *OrgUnit
	r := &o.units
	err := r.begin(ctx, o, a, func(tx pgx.Tx) error {
		items := []item[OrgUnit]{{New: OrgUnit{Code: code}}}
		if successor != "" {
			items = append(items, item[OrgUnit]{New: OrgUnit{Code: successor}})
		}
		if err := r.fill(ctx, tx, a.District, items); err != nil {
			return err
		}
		old := items[0].Old
		switch {
		case old == nil:
			return fault.NotFound()
		case old.Version != version:
			return fault.Conflict("STALE", "其他人刚刚修改过，请刷新后再改").With("version", old.Version)
		case old.Active != retire:
			return fault.Conflict("WRONG_STATE", "单位 %s 已经是该状态", old.ShortName)
		}
		items[0].New = *old
		items[0].New.Active = !retire
		if successor != "" {
			heir := items[1].Old
			if heir == nil || !heir.Active || heir.Kind != old.Kind || heir.AreaCode != "" || successor == code {
				return fault.Invalid("/successor", "接替单位应为另一个启用的同类单位，且没有自己的辖区")
			}
			items[1].New = *heir
			items[1].New.AreaCode = old.AreaCode
			items[0].New.AreaCode = ""
		}
		if err := stamp(ctx, tx, items); err != nil {
			return err
		}
		held := map[string][]Blocker{}
		if err := o.findUnits(ctx, tx, a, items, held, func(i int, key, what, mend string) error {
			return fault.Invalid("/"+key, "%s；%s", what, mend)
		}); err != nil {
			return err
		}
		if b := held[code]; len(b) > 0 {
			return inUse(old, b)
		}
		if err := r.write(ctx, tx, a, items); err != nil {
			return err
		}
		action := map[bool]string{true: "retire", false: "restore"}[retire]
		if err := r.tell(ctx, tx, a, action, items); err != nil {
			return err
		}
		list, err := r.rows(ctx, tx, "x.district = $1 and x.code = $2", 1, a.District, code)
		if err != nil {
			return err
		}
		out = &list[0]
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, o.changed(ctx)
}

func inUse(u *OrgUnit, list []Blocker) error {
	return fault.Conflict("UNIT_IN_USE", "单位 %s 还不能停用：%s", u.ShortName, blockerText(list)).With("blockers", list)
}

// blockerNames are the words for what holds a unit, in the order in which they are mended.
var blockerNames = map[string]string{
	"ASSIGNMENT": "未办结的任务", "CALL": "未完成的呼叫", "REQUEST": "待答复的事项", "CHECK": "待核查的案件", "TERRITORY": "属地未办结的案件", "RULE": "指向它的规则", "CATALOG": "清单中的事项",
	"STAFF": "在岗人员", "CHILD": "下级单位", "COMPONENT": "名下的部件", "AREA": "仍有效的辖区（请先指定接替单位）",
}

func blockerText(list []Blocker) string {
	var out []string
	for _, b := range list {
		name := blockerNames[b.Kind]
		if name == "" {
			name = b.Kind
		}
		out = append(out, fmt.Sprintf("%s %d 项（%s）", name, b.Count, strings.Join(b.Items, "、")))
	}
	return strings.Join(out, "；")
}

// stamp sets when a unit was retired: the domain's instant.
func stamp(ctx context.Context, tx pgx.Tx, items []item[OrgUnit]) error {
	for i := range items {
		u, old := &items[i].New, items[i].Old
		switch {
		case u.Active:
			u.RetiredAt = nil
		case old != nil && !old.Active:
			u.RetiredAt = old.RetiredAt
		default:
			if err := tx.QueryRow(ctx, "select yx_now()").Scan(&u.RetiredAt); err != nil {
				return err
			}
		}
	}
	return nil
}

// unitHoldersSQL is what of this package, and of the people, holds a unit that is to be retired.
const unitHoldersSQL = `select k.unit, x.kind, x.n, x.items from unnest($2::text[]) k(unit) cross join lateral (
  select 'CHILD' as kind, count(*) as n, (array_agg(c.code order by c.code))[1:20] as items from org_unit c where c.district = $1 and c.parent = k.unit and c.active and c.code <> all($2)
  union all select 'STAFF', count(distinct w.id), (array_agg(distinct w.username))[1:20] from role_binding b join account w on w.district = b.district and w.id = b.account_id
    where b.district = $1 and b.unit = k.unit and w.disabled_at is null
  union all select 'COMPONENT', count(*), (array_agg(c.id order by c.id))[1:20] from component c where c.district = $1 and (c.owner_unit = k.unit or c.maintainer_unit = k.unit) and c.status <> 'REMOVED'
  union all select 'AREA', count(*), array_agg(r.code) from org_unit u join area r on r.district = u.district and r.code = u.area_code and (r.valid_to is null or r.valid_to > yx_now())
    where u.district = $1 and u.code = k.unit and u.kind in ('STREET','COMMUNITY') and not (u.code = any($3))
) x where x.n > 0 order by 1, 2`

// holders lists what holds units; relieved are those whose ground another unit takes over.
func (o *Office) holders(ctx context.Context, tx pgx.Tx, district string, units, relieved []string) (map[string][]Blocker, error) {
	out := map[string][]Blocker{}
	if len(units) == 0 {
		return out, nil
	}
	if o.inUse != nil {
		work, err := o.inUse(ctx, tx, district, units)
		if err != nil {
			return nil, err
		}
		out = work
	}
	rows, err := tx.Query(ctx, unitHoldersSQL, district, units, relieved)
	if err != nil {
		return nil, err
	}
	var unit string
	var b Blocker
	_, err = pgx.ForEachRow(rows, []any{&unit, &b.Kind, &b.Count, &b.Items}, func() error {
		out[unit] = append(out[unit], b)
		b.Items = nil
		return nil
	})
	return out, err
}

// checkUnits is the register's check: a unit that a file retires must be free of work.
func (o *Office) checkUnits(ctx context.Context, tx pgx.Tx, a auth.Actor, items []item[OrgUnit], say func(i int, key, what, mend string)) error {
	if err := stamp(ctx, tx, items); err != nil {
		return err
	}
	held := map[string][]Blocker{}
	if err := o.findUnits(ctx, tx, a, items, held, func(i int, key, what, mend string) error { say(i, key, what, mend); return nil }); err != nil {
		return err
	}
	for i := range items {
		if b := held[items[i].New.Code]; len(b) > 0 {
			say(i, "active", "还不能停用："+blockerText(b), "先办结、改派或解除后再停用")
		}
	}
	return nil
}

// findUnits checks units together with all that are there: the tree has no circle, parents are there and in service, a street
// and a community have one unit each. held gets what still holds those that are being retired.
func (o *Office) findUnits(ctx context.Context, tx pgx.Tx, a auth.Actor, items []item[OrgUnit], held map[string][]Blocker, say func(i int, key, what, mend string) error) error {
	all, err := o.units.rows(ctx, tx, "x.district = $1", sheet.MaxRows, a.District)
	if err != nil {
		return err
	}
	tree := map[string]*OrgUnit{}
	for i := range all {
		tree[all[i].Code] = &all[i]
	}
	for i := range items {
		u := &items[i].New
		if u.District = a.District; u.Posts == nil {
			u.Posts = []string{}
		}
		tree[u.Code] = u
	}
	ground := map[string]string{}
	for _, u := range tree {
		if u.Active && u.AreaCode != "" && (u.Kind == UnitStreet || u.Kind == UnitCommunity) {
			ground[u.Kind+u.AreaCode] = max(ground[u.Kind+u.AreaCode], u.Code)
		}
	}
	var retiring, relieved []string
	for i := range items {
		u, old := &items[i].New, items[i].Old
		for _, f := range u.findings() {
			if err := say(i, f.key, f.what, f.mend); err != nil {
				return err
			}
		}
		up := tree[u.Parent]
		switch {
		case u.Parent == "":
		case up == nil:
			err = say(i, "parent", fmt.Sprintf("没有上级单位 %s", u.Parent), "先添加上级单位，或核对编码")
		case !up.Active && u.Active:
			err = say(i, "parent", fmt.Sprintf("上级单位 %s 已停用", up.ShortName), "改为启用的上级单位")
		case !mayStandUnder(u.Kind, up.Kind):
			err = say(i, "parent", fmt.Sprintf("%s不能隶属于%s", sheet.NameOf(u.Kind, unitKindNames...), sheet.NameOf(up.Kind, unitKindNames...)), "核对类型和上级单位")
		case circle(tree, u):
			err = say(i, "parent", "上下级关系成了环："+u.Code+" 是自己的上级", "核对上级编码")
		}
		if err != nil {
			return err
		}
		if other := ground[u.Kind+u.AreaCode]; u.Active && other != "" && other != u.Code {
			if err := say(i, "area_code", fmt.Sprintf("辖区 %s 已由 %s 负责", u.AreaCode, other), "一个街镇或社区只能有一个单位"); err != nil {
				return err
			}
		}
		if old != nil && old.Kind != u.Kind && old.Active {
			if err := say(i, "kind", "启用中的单位不能改变类型", "停用后另建单位"); err != nil {
				return err
			}
		}
		if old != nil && old.Active && !u.Active {
			retiring = append(retiring, u.Code)
			if ground[old.Kind+old.AreaCode] != "" && ground[old.Kind+old.AreaCode] != u.Code {
				relieved = append(relieved, u.Code)
			}
		}
	}
	found, err := o.holders(ctx, tx, a.District, retiring, relieved)
	if err != nil {
		return err
	}
	maps.Copy(held, found)
	return nil
}

// circle reports whether a unit stands above itself.
func circle(tree map[string]*OrgUnit, u *OrgUnit) bool {
	seen := []string{u.Code}
	for up := tree[u.Parent]; up != nil; up = tree[up.Parent] {
		if slices.Contains(seen, up.Code) {
			return true
		}
		seen = append(seen, up.Code)
	}
	return false
}

// ImportUnits takes a file of units in: those it names are made or changed, the others stay as they are.
func (o *Office) ImportUnits(ctx context.Context, a auth.Actor, file io.Reader, dry bool) (*Imported, error) {
	return o.units.load(ctx, o, a, file, dry, func(old, u *OrgUnit) {
		if u.Posts == nil {
			u.Posts = []string{}
		}
		if old != nil && !old.Active && !u.Active {
			u.RetiredAt = old.RetiredAt
		}
	})
}

// ExportUnits writes the file that ImportUnits finds nothing to change in.
func (o *Office) ExportUnits(ctx context.Context, a auth.Actor, to io.Writer, format sheet.Format) error {
	return o.units.export(ctx, o, a, to, format)
}

// Holders tells what holds a unit now, for the page that retires it.
func (o *Office) Holders(ctx context.Context, a auth.Actor, code string) (list []Blocker, err error) {
	if err := admin(a); err != nil {
		return nil, err
	}
	err = pgx.BeginFunc(pg.WithDistrict(ctx, a.District), o.db.Pool, func(tx pgx.Tx) error {
		found, err := o.holders(ctx, tx, a.District, []string{code}, nil)
		list = found[code]
		return err
	})
	return list, pg.Fault(err)
}

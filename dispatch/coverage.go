package dispatch

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"yixian/dispatch/rule"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/sheet"
)

// CoverageFilter narrows the items of a coverage report, not its totals; empty members do not.
type CoverageFilter struct {
	Street, Major string
	Gap           rule.Lack
}

// CoverageReport is matter × street: the totals over all pairs, and one page of the pairs that have a gap.
type CoverageReport struct {
	Pairs, Covered int
	Gaps           map[rule.Lack]int
	Items          []rule.Cover
}

// Coverage asks the compiled rules about every matter in every street. limit 0 lists all pairs with a gap.
func (k *Desk) Coverage(ctx context.Context, a auth.Actor, f CoverageFilter, limit int, cursor string) (r *CoverageReport, next string, err error) {
	if err := mayConfigure(a); err != nil {
		return nil, "", err
	}
	w, err := k.configured(a.District)
	if err != nil {
		return nil, "", err
	}
	var last [3]string
	if cursor != "" {
		if last, err = readKey(cursor); err != nil {
			return nil, "", err
		}
	}
	now, err := k.now(ctx)
	if err != nil {
		return nil, "", err
	}
	r = &CoverageReport{Gaps: map[rule.Lack]int{}}
	for _, street := range w.streets() {
		var communities []string
		for _, c := range w.Index.Children(street) {
			communities = append(communities, c.Code)
		}
		for _, it := range w.Catalog.Matters() {
			c, ok := w.Rules.Cover(it.Code, street, communities, now)
			if !ok {
				continue
			}
			r.Pairs++
			if len(c.Gaps) == 0 {
				r.Covered++
				continue
			}
			for _, g := range c.Gaps {
				r.Gaps[g]++
			}
			switch {
			case f.Street != "" && f.Street != street, f.Major != "" && f.Major != it.Major, f.Gap != "" && !slices.Contains(c.Gaps, f.Gap):
			case cmp.Or(strings.Compare(street, last[0]), strings.Compare(it.Code, last[1])) <= 0:
			case limit > 0 && len(r.Items) == limit:
				e := &r.Items[limit-1]
				next = writeKey(e.Street, e.Item.Code, "")
			case next == "":
				r.Items = append(r.Items, c)
			}
		}
	}
	return r, next, nil
}

// streets lists the district's streets on the map and those that a unit answers for, by code.
func (w *World) streets() (out []string) {
	for _, a := range w.Index.Children(w.District) {
		if a.Level == grid.LevelStreet {
			out = append(out, a.Code)
		}
	}
	for code := range w.ByArea {
		if len(code) == 9 {
			out = append(out, code)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// AreaName is the name of a street or community; the code when the map does not know it.
func (w *World) AreaName(code string) string {
	if a, ok := w.Index.ByCode(code); ok {
		return a.Name
	}
	return code
}

// CoverageSheet is the report as a table for people.
func (w *World) CoverageSheet() sheet.Table[rule.Cover] {
	named := map[rule.Lack]string{rule.LackRule: "无规则（街镇托底）", rule.LackUnit: "无对应单位", rule.LackSLA: "无时限", rule.LackBasis: "无法律依据"}
	return sheet.Table[rule.Cover]{Name: "清单覆盖情况", Columns: []sheet.Column[rule.Cover]{
		{Key: "street", Name: "街镇编码", Get: func(c *rule.Cover) string { return c.Street }},
		{Key: "street_name", Name: "街镇", Get: func(c *rule.Cover) string { return w.AreaName(c.Street) }},
		{Key: "code", Name: "事项编码", Get: func(c *rule.Cover) string { return c.Item.Code }},
		{Key: "name", Name: "事项", Get: func(c *rule.Cover) string { return c.Item.Name }},
		{Key: "gaps", Name: "缺口", Get: func(c *rule.Cover) string {
			var out []string
			for _, g := range c.Gaps {
				out = append(out, named[g])
			}
			return sheet.Join(out)
		}},
		{Key: "decided_by", Name: "决定规则", Get: func(c *rule.Cover) string { return c.Rule }},
		{Key: "lead", Name: "主办单位", Get: func(c *rule.Cover) string { return w.UnitName(c.Lead) }},
	}}
}

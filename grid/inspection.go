package grid

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// check finds everything that can only be seen together with the rest of the map.
func (b *batch) check(c *change) {
	at, planned := c.standing()
	outlines := map[string]*strips{}
	outline := func(code string) *strips { // of an area, from the file or in force; nil when it is not known
		if s, ok := outlines[code]; ok {
			return s
		}
		var s *shape
		if in := b.byCode[code]; in != nil && in.s != nil {
			s = in.s
		} else if a := at[code]; a != nil && in == nil {
			s = a.Polygon.s
		}
		var x *strips
		if s != nil {
			x = newStrips(s)
		}
		outlines[code] = x
		return x
	}
	for _, n := range b.list {
		b.inherit(n, at)
		if n.Name == "" {
			b.found.add(n.finding(FindName, "/properties/name", "没有名称"))
		}
		if len(planned[n.Code]) > 0 {
			p := planned[n.Code][len(planned[n.Code])-1]
			day := p.ValidFrom
			if !day.After(c.effective) {
				day = *p.ValidTo
			}
			b.found.add(n.finding(FindPlanned, "/properties/code", "该编码已安排在 %s 变更（第 %d 版），导入会取代这项安排", day.In(demoFrom.Location()).Format(time.DateOnly), p.Version))
		}
		if n.Level == LevelDistrict {
			continue
		}
		if b.byCode[n.Parent] == nil && at[n.Parent] == nil {
			b.found.add(n.finding(FindParent, "/properties/code", "上级 %s 不在文件中，也不在现行地图中", n.Parent))
			continue
		}
		if n.s == nil || n.Level == LevelGrid && n.Kind != KindUnit {
			continue
		}
		if whole := outline(n.Parent); whole != nil {
			b.inside(n, whole)
		}
	}
	b.datum(at)
	for _, level := range []string{LevelStreet, LevelCommunity, LevelGrid} {
		b.level(level, at)
	}
	b.filled(at, outline)
}

// inherit takes over from the version in force what the file does not say.
func (b *batch) inherit(n *candidate, at map[string]*Area) {
	old := at[n.Code]
	if old != nil {
		n.Name, n.Kind, n.LandUse = cmp.Or(n.Name, old.Name), cmp.Or(n.Kind, old.Kind), cmp.Or(n.LandUse, old.LandUse)
		if n.s == nil && !n.broken {
			n.s, n.Polygon, n.kept = old.Polygon.s, old.Polygon, old.Polygon.Known()
		}
	}
	if n.Level != LevelGrid {
		n.Kind = ""
	} else if n.Kind == "" {
		n.Kind = KindUnit
	}
}

// inside wants every corner in the area one level up, give or take a sliver.
func (b *batch) inside(n *candidate, whole *strips) {
	out, first := 0, vertex{}
	for _, rings := range n.s.polygons {
		for _, v := range rings[0] {
			if !whole.about(v) {
				if out++; out == 1 {
					first = v
				}
			}
		}
	}
	if out > 0 {
		f := n.finding(FindOutsideParent, "/geometry/coordinates", "%d 个坐标在上级 %s 的边界之外，例如 %s", out, n.Parent, first).at(first)
		f.Other = n.Parent
		b.found.add(f)
	}
}

// datum compares the file with outlines that it does not bring itself.
func (b *batch) datum(at map[string]*Area) {
	known := map[string]*strips{}
	known[""] = nil
	look := func(code string) *strips {
		if x, ok := known[code]; ok {
			return x
		}
		var x *strips
		if a := at[code]; a != nil && a.Polygon.Known() {
			x = newStrips(a.Polygon.s)
		}
		known[code] = x
		return x
	}
	var list []measured
	for _, n := range b.list {
		if n.s == nil || n.broken || n.kept {
			continue
		}
		var x *strips
		for code := n.Parent; code != "" && x == nil; code = ParentOf(code) {
			if in := b.byCode[code]; in == nil || in.kept {
				x = look(code)
			}
		}
		if x == nil {
			x = look(n.Code)
		}
		if x != nil {
			list = append(list, measured{n.s, x})
		}
	}
	if len(list) == 0 {
		if len(b.list) > 0 {
			b.found.add(Finding{Code: FindNoReference, Feature: -1, Detail: "现行地图中没有可对照的边界，无法核对坐标系：请在地图上抽查几个网格"})
		}
		return
	}
	if better, given, then := misread(list); better != "" {
		b.found.add(Finding{Code: FindDatum, Feature: -1, Pointer: "/datum", Detail: fmt.Sprintf("坐标系可能不对：%.0f%% 的坐标落在所属边界之外；%s，只有 %.0f%%。请用 --datum 指明坐标系", given*100, better, then*100)}.at(list[0].s.polygons[0][0][0]))
	}
}

// level compares the borders of one level: the file's areas and those in force beside them.
func (b *batch) level(level string, at map[string]*Area) {
	box := newShape(nil)
	var members []*member
	for _, n := range b.list {
		if n.Level != level || level == LevelGrid && n.Kind != KindUnit || n.s == nil || n.broken {
			continue
		}
		members = append(members, &member{code: n.Code, s: n.s, c: n})
		box.low, box.top = vertex{min(box.low.x, n.s.low.x), min(box.low.y, n.s.low.y)}, vertex{max(box.top.x, n.s.top.x), max(box.top.y, n.s.top.y)}
	}
	if len(members) == 0 {
		return
	}
	var replaced []*strips
	for _, a := range at {
		if a.Level != level || level == LevelGrid && a.Kind != KindUnit || !a.Polygon.Known() {
			continue
		}
		if n := b.byCode[a.Code]; n != nil {
			if n.s != nil && !n.broken && !sameGround(n.s, a.Polygon.s) {
				replaced = append(replaced, newStrips(a.Polygon.s))
			}
			continue
		}
		s := a.Polygon.s
		if s.low.x <= box.top.x+sliverWidth && s.top.x >= box.low.x-sliverWidth && s.low.y <= box.top.y+sliverWidth && s.top.y >= box.low.y-sliverWidth {
			members = append(members, &member{code: a.Code, s: s, fixed: true})
		}
	}
	all := newBorders(members)
	faults := all.faults()
	if b.found.repair && slices.ContainsFunc(faults, func(f borderFault) bool { return f.code == FindSliver }) {
		before := faults
		for _, reach := range mendReaches {
			next := all.mended(faults, reach)
			if then := next.faults(); weigh(then) < weigh(faults) {
				all, faults = next, then
			}
		}
		b.mended(all, before, faults)
	}
	for _, f := range faults {
		b.found.add(all.say(f))
	}
	for _, f := range all.abandoned(replaced) {
		b.found.add(all.say(f))
	}
}

// weigh makes a repair worth its while: fewer slivers, and nothing worse for it.
func weigh(list []borderFault) (n int) {
	for _, f := range list {
		n++
		if f.code != FindSliver {
			n += 1000
		}
	}
	return n
}

// mended takes over the shapes that a repair of slivers changed, and says which slivers are gone.
func (b *batch) mended(all *borders, before, after []borderFault) {
	left := map[[2]int32]bool{}
	for _, f := range after {
		left[[2]int32{f.a, f.b}] = true
	}
	for _, m := range all.members {
		if m.c != nil && m.s != m.c.s {
			m.c.s, m.c.Polygon = m.s, Polygon{m.s}
		}
	}
	for _, f := range before {
		if f.code == FindSliver && !left[[2]int32{f.a, f.b}] {
			said := all.say(f)
			said.Repaired = true
			b.found.add(said)
		}
	}
}

// filled warns of areas that their parts leave uncovered for more than a fiftieth.
func (b *batch) filled(at map[string]*Area, outline func(string) *strips) {
	sum, touched := map[string]float64{}, map[string]*candidate{}
	add := func(a *Area, p Polygon) {
		if a.Level != LevelDistrict && p.Known() && (a.Level != LevelGrid || a.Kind == KindUnit) {
			sum[a.Parent] += p.SquareMetres()
		}
	}
	for _, n := range b.list {
		add(&n.Area, Polygon{n.s})
		if n.Level != LevelDistrict && touched[n.Parent] == nil {
			touched[n.Parent] = n
		}
	}
	for code, a := range at {
		if b.byCode[code] == nil {
			add(a, a.Polygon)
		}
	}
	for _, n := range b.list {
		if n.Level == LevelDistrict || touched[n.Parent] != n || sum[n.Parent] == 0 {
			continue
		}
		if whole := outline(n.Parent); whole != nil {
			if size := (Polygon{whole.s}).SquareMetres(); sum[n.Parent] < 0.98*size {
				f := n.finding(FindNotFilled, "", "%s 的下级只覆盖了它的 %.0f%%", n.Parent, 100*sum[n.Parent]/size)
				f.Other = n.Parent
				b.found.add(f)
			}
		}
	}
}

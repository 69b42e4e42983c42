package grid

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// say puts a fault of borders into words, about the feature of the file.
func (b *borders) say(f borderFault) Finding {
	m, other := b.members[f.a], (*member)(nil)
	if f.b >= 0 {
		other = b.members[f.b]
		if m.c == nil {
			m, other = other, m
		}
	}
	var what string
	switch {
	case f.code == FindGap && other != nil:
		what = fmt.Sprintf("与 %s 之间有 %.1f 平方米不属于任何网格，位于 %s", other.code, f.area, f.at)
	case other == nil && f.area > 0:
		what = fmt.Sprintf("旁边有 %.1f 平方米不属于任何网格，位于 %s", f.area, f.at)
	case other == nil:
		what = fmt.Sprintf("原来有归属的地面不再属于任何网格，位于 %s", f.at)
	case f.code == FindOverlap && f.area >= 0:
		what = fmt.Sprintf("与 %s 重叠 %.1f 平方米，位于 %s", other.code, f.area, f.at)
	case f.code == FindOverlap:
		what = fmt.Sprintf("与 %s 重叠，位于 %s", other.code, f.at)
	case f.width > 0:
		what = fmt.Sprintf("与 %s 之间有约 %.2f 米宽的缝隙，位于 %s", other.code, f.width*metresPerDegree/units, f.at)
	default:
		what = fmt.Sprintf("与 %s 的边界有细条重叠，位于 %s", other.code, f.at)
	}
	out := m.c.finding(f.code, "/geometry/coordinates", "%s", what).at(f.at)
	if other != nil {
		out.Other = other.code
		if other.fixed {
			out.Detail += "（现行网格，文件没有替换它）"
		}
	}
	return out
}

// abandoned finds ground that belonged to a version which the file replaces and that now belongs to nobody.
func (b *borders) abandoned(replaced []*strips) []borderFault {
	if len(replaced) == 0 {
		return nil
	}
	var boxes tree
	for i, x := range replaced {
		boxes.add(x.s, int32(i))
	}
	told := map[int32]bool{}
	var out []borderFault
	for _, e := range b.free {
		if b.members[e.owner].fixed && len(b.members) == 1 {
			continue
		}
		dx, dy := float64(e.b.x)-float64(e.a.x), float64(e.b.y)-float64(e.a.y)
		length := math.Hypot(dx, dy)
		// Just outside, in the middle of the edge: a metre away, so that drawing by hand does not count.
		v := vertex{int32(math.Round((float64(e.a.x)+float64(e.b.x))/2 + dy/length*sliverWidth)), int32(math.Round((float64(e.a.y)+float64(e.b.y))/2 - dx/length*sliverWidth))}
		was := false
		low, top := [2]float64{float64(v.x), float64(v.y)}, [2]float64{float64(v.x), float64(v.y)}
		boxes.Search(low, top, func(_, _ [2]float64, i int32) bool {
			inside, edge := replaced[i].side(v)
			was = inside && !edge
			return !was
		})
		if !was || b.held(v) {
			continue
		}
		owner := e.owner
		if b.members[owner].fixed {
			owner = b.nearestOurs(v)
		}
		if owner >= 0 && !told[owner] {
			told[owner] = true
			out = append(out, borderFault{code: FindGap, a: owner, b: -1, at: v})
		}
	}
	return out
}

// held tells whether any area holds v.
func (b *borders) held(v vertex) bool {
	found := false
	at := [2]float64{float64(v.x), float64(v.y)}
	b.boxes.Search(at, at, func(_, _ [2]float64, i int32) bool {
		found = b.lines(i).holds(v)
		return !found
	})
	return found
}

// nearestOurs is the area of the file whose box lies nearest, -1 without one.
func (b *borders) nearestOurs(v vertex) int32 {
	best, at := math.Inf(1), int32(-1)
	for _, m := range b.members {
		if m.fixed {
			continue
		}
		c := m.s.middle()
		if d := math.Hypot(float64(c.x)-float64(v.x), float64(c.y)-float64(v.y)); d < best {
			best, at = d, m.at
		}
	}
	return at
}

// mendReaches are how far a corner may be moved to close a sliver, in one round after another: 20 cm, half a metre, a metre. What
// a small move has closed needs no larger one.
var mendReaches = []int32{sliverWidth / 5, sliverWidth / 2, sliverWidth}

// mended draws the free borders of the file's areas through the corners of their neighbours: a corner near another one moves onto
// it, an edge near a corner is led through it. Corners of areas in force never move; of two in the file the one with the lower code
// stays. A shape that would become invalid, or change by more than its border times half a metre, is left as it was.
func (b *borders) mended(faults []borderFault, reach int32) *borders {
	against := map[int32][]int32{} // with whom an area is at odds
	for _, f := range faults {
		if f.b >= 0 {
			against[f.a], against[f.b] = append(against[f.a], f.b), append(against[f.b], f.a)
		}
	}
	loose := map[vertex]bool{} // corners of free borders beside somebody at odds
	for _, e := range b.free {
		for _, v := range [2]vertex{e.a, e.b} {
			if !loose[v] && b.beside(v, against[e.owner], reach) {
				loose[v] = true
			}
		}
	}
	var fixed tree
	var points []vertex
	var owners []int32
	anchor := func(v vertex, owner int32) {
		owners = append(owners, owner)
		fixed.Insert([2]float64{float64(v.x), float64(v.y)}, [2]float64{float64(v.x), float64(v.y)}, int32(len(points)))
		points = append(points, v)
	}
	moved := map[vertex]vertex{}
	order := slices.Clone(b.members)
	slices.SortStableFunc(order, func(x, y *member) int {
		return cmp.Or(boolOrder(y.fixed)-boolOrder(x.fixed), cmp.Compare(x.code, y.code))
	})
	for _, m := range order {
		for _, rings := range m.s.polygons {
			for _, r := range rings {
				for _, v := range r {
					if _, done := moved[v]; done || !loose[v] {
						continue
					}
					to := v
					if !m.fixed {
						to = b.onto(v, reach)
						best := math.Inf(1)
						low, top := edgeBox(edge{v, v}, float64(reach))
						fixed.Search(low, top, func(_, _ [2]float64, i int32) bool {
							d := math.Hypot(float64(points[i].x)-float64(v.x), float64(points[i].y)-float64(v.y))
							if owners[i] != m.at && d <= float64(reach) && (d < best || d == best && (points[i].x < to.x || points[i].x == to.x && points[i].y < to.y)) {
								best, to = d, points[i]
							}
							return true
						})
					}
					moved[v] = to
					anchor(to, m.at)
				}
			}
		}
	}
	out := make([]*member, len(b.members))
	for i, m := range b.members {
		n := *m
		n.lines = nil
		if !m.fixed {
			if s := m.redrawn(moved, &fixed, points, float64(reach)); s != nil {
				n.s = s
			}
		}
		out[i] = &n
	}
	return newBorders(out)
}

// beside tells whether one of the areas lies within reach of v.
func (b *borders) beside(v vertex, areas []int32, reach int32) bool {
	return slices.ContainsFunc(areas, func(i int32) bool { return b.lines(i).within(v, reach) })
}

// onto is the nearest place on a border of an area in force within reach, for that border cannot be led through v; v without one.
func (b *borders) onto(v vertex, reach int32) vertex {
	best, to := float64(reach), v
	low, top := edgeBox(edge{v, v}, float64(reach))
	b.boxes.Search(low, top, func(_, _ [2]float64, i int32) bool {
		if !b.members[i].fixed {
			return true
		}
		lines := b.lines(i)
		for k := lines.band(v.y - reach); k <= lines.band(v.y+reach); k++ {
			for _, e := range lines.bands[k] {
				dx, dy := float64(e.b.x)-float64(e.a.x), float64(e.b.y)-float64(e.a.y)
				u := ((float64(v.x)-float64(e.a.x))*dx + (float64(v.y)-float64(e.a.y))*dy) / (dx*dx + dy*dy)
				if u < 0 || u > 1 {
					continue
				}
				px, py := float64(e.a.x)+u*dx, float64(e.a.y)+u*dy
				if d := math.Hypot(px-float64(v.x), py-float64(v.y)); d < best {
					best, to = d, vertex{int32(math.Round(px)), int32(math.Round(py))}
				}
			}
		}
		return true
	})
	return to
}

// redrawn is the shape led through the anchors, nil when it stays or when that would not be safe.
func (m *member) redrawn(moved map[vertex]vertex, anchors *tree, points []vertex, reach float64) *shape {
	polygons := make([][]ring, len(m.s.polygons))
	same := true
	for i, rings := range m.s.polygons {
		for _, r := range rings {
			var next ring
			for j, a := range r {
				from, ok := moved[a]
				if !ok {
					from = a
				}
				c := r[(j+1)%len(r)]
				to, ok := moved[c]
				if !ok {
					to = c
				}
				next = append(next, from)
				if from != to {
					next = append(next, stops(edge{from, to}, anchors, points, reach)...)
				}
			}
			next = tidy(next)
			if len(next) < 3 {
				return nil
			}
			same = same && slices.Equal(next, r)
			polygons[i] = append(polygons[i], next)
		}
	}
	if same {
		return nil
	}
	s := newShape(polygons)
	border := 0.0
	for _, rings := range m.s.polygons {
		for _, r := range rings {
			border += perimeter(r)
		}
	}
	before, after := Polygon{m.s}.SquareMetres(), Polygon{s}.SquareMetres()
	if math.Abs(after-before) > border/2 {
		return nil
	}
	trial := *m.c
	quiet := newFindings(false, nil)
	if !trial.form(s, quiet) {
		return nil
	}
	return s
}

func boolOrder(b bool) int {
	if b {
		return 1
	}
	return 0
}

package grid

import (
	"cmp"
	"fmt"
	"slices"

	"yixian/internal/fault"
)

// givenParts checks that parts make up the whole: each valid, inside, none over another, nothing left over but a strip of centimetres.
func givenParts(whole *shape, parts []Part, d Datum) ([]*shape, error) {
	if len(parts) < 2 {
		return nil, fault.Invalid("/parts", "请给出切分线 line，或至少两个部分 parts")
	}
	lines := newStrips(whole)
	shapes := make([]*shape, len(parts))
	sum := 0.0
	for i, p := range parts {
		pointer := fmt.Sprintf("/parts/%d/polygon", i)
		s, err := parseGeometry(p.Polygon, cmp.Or(d, WGS84))
		if err != nil {
			return nil, pointedAt(err, pointer)
		}
		if s == nil {
			return nil, fault.Invalid(pointer, "缺少边界")
		}
		s.orient()
		c := &candidate{}
		found := newFindings(false, nil)
		if !c.form(s, found) {
			return nil, fault.Invalid(pointer, "%s", found.list[0].Detail)
		}
		for _, e := range s.edges() {
			if !lines.about(e.a) {
				return nil, fault.Invalid(pointer, "坐标 %s 在原网格之外", e.a)
			}
		}
		shapes[i] = s
		sum += Polygon{s}.SquareMetres()
	}
	for i := range shapes {
		for k := range i {
			if area := overlapArea(shapes[i], shapes[k]); area > sliverArea(shapes[i], shapes[k]) {
				return nil, fault.Invalid(fmt.Sprintf("/parts/%d/polygon", i), "与第 %d 部分重叠 %.1f 平方米", k+1, area)
			}
		}
	}
	around := 0.0
	for _, rings := range whole.polygons {
		for _, r := range rings {
			around += perimeter(r)
		}
	}
	if rest := (Polygon{whole}).SquareMetres() - sum; rest > max(1, around*0.05) || rest < -max(1, around*0.05) {
		return nil, fault.Invalid("/parts", "各部分合计与原网格相差 %.1f 平方米，应恰好铺满", rest)
	}
	return shapes, nil
}

// orient turns every ring as RFC 7946 wants.
func (s *shape) orient() {
	for _, rings := range s.polygons {
		for i, r := range rings {
			if (r.twiceArea() > 0) != (i == 0) {
				slices.Reverse(r)
			}
		}
	}
}

// joinShapes is the union of shapes that touch: edges that two of them walk in opposite directions fall away, the others are chained
// into rings. Corners stay where they are, so that no neighbour's border moves.
func joinShapes(shapes []*shape) (*shape, error) {
	members := make([]*member, len(shapes))
	for i, s := range shapes {
		members[i] = &member{code: fmt.Sprintf("%03d", i), s: s}
	}
	b := newBorders(members)
	if twins := b.strike(); len(twins) > 0 {
		return nil, fault.Invalid("/codes", "网格互相重叠，请先修正边界")
	}
	rings, err := chain(b.free)
	if err != nil {
		return nil, err
	}
	joined := assemble(rings)
	before := 0.0
	for _, s := range shapes {
		before += Polygon{s}.SquareMetres()
	}
	after := Polygon{joined}.SquareMetres()
	c := &candidate{}
	if found := newFindings(false, nil); !c.form(joined, found) || after < before*0.999 || after > before*1.001 {
		return nil, fault.Invalid("/codes", "网格之间有缝隙或重叠，不能直接合并，请先用导入修正边界")
	}
	if len(joined.polygons) > 1 && len(joined.polygons) >= countParts(shapes) {
		return nil, fault.Invalid("/codes", "这些网格不相邻，不能合并")
	}
	return joined, nil
}

func countParts(shapes []*shape) (n int) {
	for _, s := range shapes {
		n += len(s.polygons)
	}
	return n
}

// chain links directed edges into rings; where several leave a corner, the sharpest left turn keeps rings apart that only touch there.
func chain(free []freeEdge) ([]ring, error) {
	from := make(map[vertex][]int, len(free))
	for i, e := range free {
		from[e.a] = append(from[e.a], i)
	}
	used := make([]bool, len(free))
	var rings []ring
	for start := range free {
		if used[start] {
			continue
		}
		var r ring
		for i := start; ; {
			used[i] = true
			r = append(r, free[i].a)
			next, best := -1, -10.0
			for _, k := range from[free[i].b] {
				if turn := turnOf(free[i].edge, free[k].edge); (!used[k] || k == start) && turn > best {
					best, next = turn, k
				}
			}
			if next == start {
				break
			}
			if next < 0 {
				return nil, fault.Invalid("/codes", "边界不闭合，请先用导入修正边界")
			}
			i = next
		}
		rings = append(rings, r)
	}
	return rings, nil
}

// assemble sorts rings into polygons: counter-clockwise ones are outlines, a clockwise one is a hole of the smallest outline around it.
func assemble(rings []ring) *shape {
	var outlines, holes []ring
	for _, r := range rings {
		if r = tidy(r); len(r) < 3 {
			continue
		}
		switch turn := r.twiceArea(); {
		case turn > 0:
			outlines = append(outlines, r)
		case turn < 0:
			holes = append(holes, r)
		}
	}
	slices.SortStableFunc(outlines, func(a, b ring) int { return cmp.Compare(a.twiceArea(), b.twiceArea()) })
	polygons := make([][]ring, len(outlines))
	for i, r := range outlines {
		polygons[i] = []ring{r}
	}
	for _, h := range holes {
		for i, r := range outlines {
			if h.within(r) >= 0 {
				polygons[i] = append(polygons[i], h)
				break
			}
		}
	}
	return newShape(polygons)
}

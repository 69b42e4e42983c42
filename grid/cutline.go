package grid

import (
	"cmp"
	"math"
	"slices"

	"yixian/internal/fault"
)

// cutAlong splits a shape along a line that begins and ends outside of it or on its border. Where the line meets the border a corner
// is put on the border, to the nearest unit: nothing else moves, so that neighbours stay edge to edge and the parts together are
// the whole. Parts come from the west, then from the south.
func (s *shape) cutAlong(line []vertex) ([]*shape, error) {
	line = tidyLine(line)
	if len(line) < 2 {
		return nil, fault.Invalid("/line", "切分线至少要有两个不同的点")
	}
	if len(line) > 10_000 {
		return nil, fault.Invalid("/line", "切分线最多 10000 个点")
	}
	for i := range line[:len(line)-1] {
		for k := i + 2; k < len(line)-1; k++ {
			if meets(edge{line[i], line[i+1]}, edge{line[k], line[k+1]}) {
				return nil, fault.Invalid("/line", "切分线在 %s 附近自相交", line[k])
			}
		}
	}
	lines := newStrips(s)
	for _, v := range [2]vertex{line[0], line[len(line)-1]} {
		if inside, on := lines.side(v); inside && !on {
			return nil, fault.Invalid("/line", "切分线应从网格外（或边界上）开始和结束，%s 在网格内", v)
		}
	}
	border, cuts := s.nodes(line)
	var inner []edge
	for i := 1; i < len(cuts); i++ {
		a, b := cuts[i-1], cuts[i]
		if a == b {
			continue
		}
		middle := vertex{a.x + (b.x-a.x)/2, a.y + (b.y-a.y)/2}
		if inside, on := lines.side(middle); inside && !on {
			inner = append(inner, edge{a, b})
		}
	}
	if len(inner) == 0 {
		return nil, fault.Invalid("/line", "切分线没有穿过网格")
	}
	// The border once, as the area walks it; the line there and back. Faces to the left are the parts.
	free := make([]freeEdge, 0, len(border)+2*len(inner))
	for _, e := range border {
		free = append(free, freeEdge{edge: e})
	}
	for _, e := range inner {
		free = append(free, freeEdge{edge: e}, freeEdge{edge: edge{e.b, e.a}})
	}
	rings, err := chain(free)
	if err != nil {
		return nil, err
	}
	whole := assemble(rings)
	if len(whole.polygons) <= len(s.polygons) {
		return nil, fault.Invalid("/line", "切分线没有把网格分开")
	}
	parts := make([]*shape, 0, len(whole.polygons))
	for _, rings := range whole.polygons {
		part := newShape([][]ring{rings})
		c := &candidate{}
		if found := newFindings(false, nil); !c.form(part, found) {
			return nil, fault.Invalid("/line", "切分后的一块形状无效（%s），请换一条线", found.list[0].Detail)
		}
		if (Polygon{part}).SquareMetres() < 1 {
			return nil, fault.Invalid("/line", "切分后有一块不足 1 平方米，请换一条线")
		}
		parts = append(parts, part)
	}
	slices.SortFunc(parts, func(a, b *shape) int { return cmp.Or(cmp.Compare(a.low.x, b.low.x), cmp.Compare(a.low.y, b.low.y)) })
	return parts, nil
}

func tidyLine(line []vertex) []vertex { return slices.Compact(slices.Clone(line)) }

// nodes puts corners where line and border meet: the border's edges, cut there, and the line's corners in order.
func (s *shape) nodes(line []vertex) (border []edge, cuts []vertex) {
	type stop struct {
		v     vertex
		along float64
	}
	onLine := make([][]stop, len(line))
	for _, e := range s.edges() {
		var onEdge []stop
		for i := range len(line) - 1 {
			l := edge{line[i], line[i+1]}
			v, ok := joint(e, l)
			if !ok {
				continue
			}
			onEdge = append(onEdge, stop{v, alongOf(e, v)})
			onLine[i] = append(onLine[i], stop{v, alongOf(l, v)})
		}
		slices.SortFunc(onEdge, func(a, b stop) int { return cmp.Compare(a.along, b.along) })
		last := e.a
		for _, st := range onEdge {
			if st.v != last && st.v != e.b {
				border = append(border, edge{last, st.v})
				last = st.v
			}
		}
		border = append(border, edge{last, e.b})
	}
	for i, v := range line {
		cuts = append(cuts, v)
		slices.SortFunc(onLine[i], func(a, b stop) int { return cmp.Compare(a.along, b.along) })
		for _, st := range onLine[i] {
			cuts = append(cuts, st.v)
		}
	}
	return border, slices.Compact(cuts)
}

// joint is where an edge of the border and one of the line meet: a corner of the border where the line passes it within a unit, a
// corner of the line that lies on the border, or the crossing, rounded.
func joint(e, l edge) (vertex, bool) {
	for _, v := range [2]vertex{e.a, e.b} {
		if beside(l, v) {
			return v, true
		}
	}
	for _, v := range [2]vertex{l.a, l.b} {
		if beside(e, v) {
			return v, true
		}
	}
	if !properlyCross(e, l) {
		return vertex{}, false
	}
	s, t := float64(cross(l.a, l.b, e.a)), float64(cross(l.a, l.b, e.b))
	u := s / (s - t)
	return vertex{int32(math.Round(float64(e.a.x) + u*(float64(e.b.x)-float64(e.a.x)))), int32(math.Round(float64(e.a.y) + u*(float64(e.b.y)-float64(e.a.y))))}, true
}

// beside tells whether v lies on the edge, to a unit, as shape.holds sees it.
func beside(e edge, v vertex) bool {
	if v.y < min(e.a.y, e.b.y)-1 || v.y > max(e.a.y, e.b.y)+1 {
		return false
	}
	return onEdge(e.a, e.b, v, cross(e.a, e.b, v))
}

func alongOf(e edge, v vertex) float64 {
	dx, dy := float64(e.b.x)-float64(e.a.x), float64(e.b.y)-float64(e.a.y)
	return (float64(v.x)-float64(e.a.x))*dx + (float64(v.y)-float64(e.a.y))*dy
}

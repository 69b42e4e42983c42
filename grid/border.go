package grid

import (
	"cmp"
	"math"
	"slices"
)

// member is one area of a level while its borders are compared. Those of the file (fixed false) are what the findings are about;
// areas in force that the file does not replace only lie beside them.
type member struct {
	code  string
	s     *shape
	fixed bool
	at    int32 // position in borders.members
	lines *strips
	c     *candidate // nil when fixed
}

// borders compares the edges of all areas of one level, which should cover the ground without gap and overlap. Where two areas
// meet, each edge of one is an edge of the other walked backwards, perhaps cut into shorter ones; those are struck off first
// and cost nothing more. What remains is the rim of the whole and what is wrong.
type borders struct {
	members []*member
	boxes   tree // members by bounding box
	free    []freeEdge
}

type freeEdge struct {
	edge
	owner int32
}

func newBorders(members []*member) *borders {
	b := &borders{members: members}
	slices.SortStableFunc(members, func(x, y *member) int { return cmp.Compare(x.code, y.code) })
	for i, m := range members {
		m.at = int32(i)
		b.boxes.add(m.s, m.at)
	}
	return b
}

// strike leaves in free the edges that no neighbour walks backwards, cut where corners of others lie on them. twins are pairs of
// areas that walk the same edge the same way: they lie on each other.
func (b *borders) strike() (twins [][2]int32) {
	total := 0
	for _, m := range b.members {
		total += Polygon{m.s}.Vertices()
	}
	left := make(map[edge]int32, total)
	put := func(e edge, owner int32) {
		back := edge{e.b, e.a}
		if other, ok := left[back]; ok && other != owner {
			delete(left, back)
			return
		}
		if other, ok := left[e]; ok && other != owner {
			twins = append(twins, [2]int32{min(other, owner), max(other, owner)})
			return
		}
		left[e] = owner
	}
	for _, m := range b.members {
		for _, e := range m.s.edges() {
			put(e, m.at)
		}
	}
	var corners tree
	seen := make(map[vertex]bool, 2*len(left))
	points := make([]vertex, 0, 2*len(left))
	whole := make([]freeEdge, 0, len(left))
	for e, owner := range left {
		whole = append(whole, freeEdge{e, owner})
		for _, v := range [2]vertex{e.a, e.b} {
			if !seen[v] {
				seen[v] = true
				points = append(points, v)
			}
		}
	}
	// A map has no order; everything that is reported or repaired must come out the same each time.
	slices.SortFunc(whole, func(x, y freeEdge) int {
		return cmp.Or(cmp.Compare(x.owner, y.owner), cmp.Compare(x.a.x, y.a.x), cmp.Compare(x.a.y, y.a.y), cmp.Compare(x.b.x, y.b.x), cmp.Compare(x.b.y, y.b.y))
	})
	slices.SortFunc(points, func(v, w vertex) int { return cmp.Or(cmp.Compare(v.x, w.x), cmp.Compare(v.y, w.y)) })
	for i, v := range points {
		corners.Insert([2]float64{float64(v.x), float64(v.y)}, [2]float64{float64(v.x), float64(v.y)}, int32(i))
	}
	clear(left)
	for _, e := range whole {
		last := e.a
		for _, v := range stops(e.edge, &corners, points, 1) {
			put(edge{last, v}, e.owner)
			last = v
		}
		put(edge{last, e.b}, e.owner)
	}
	b.free = b.free[:0]
	for e, owner := range left {
		b.free = append(b.free, freeEdge{e, owner})
	}
	slices.SortFunc(b.free, func(x, y freeEdge) int {
		return cmp.Or(cmp.Compare(x.owner, y.owner), cmp.Compare(x.a.x, y.a.x), cmp.Compare(x.a.y, y.a.y), cmp.Compare(x.b.x, y.b.x), cmp.Compare(x.b.y, y.b.y))
	})
	return twins
}

// stops lists the corners within reach units beside the edge, between its ends, in its direction.
func stops(e edge, corners *tree, points []vertex, reach float64) []vertex {
	low := [2]float64{float64(min(e.a.x, e.b.x)) - reach, float64(min(e.a.y, e.b.y)) - reach}
	top := [2]float64{float64(max(e.a.x, e.b.x)) + reach, float64(max(e.a.y, e.b.y)) + reach}
	dx, dy := float64(e.b.x)-float64(e.a.x), float64(e.b.y)-float64(e.a.y)
	length := math.Hypot(dx, dy)
	type stop struct {
		v     vertex
		along float64
	}
	var list []stop
	corners.Search(low, top, func(_, _ [2]float64, i int32) bool {
		v := points[i]
		along := ((float64(v.x)-float64(e.a.x))*dx + (float64(v.y)-float64(e.a.y))*dy) / length
		if v != e.a && v != e.b && along > 0 && along < length && math.Abs(float64(cross(e.a, e.b, v)))/length <= reach {
			list = append(list, stop{v, along})
		}
		return true
	})
	slices.SortFunc(list, func(s, t stop) int {
		return cmp.Or(cmp.Compare(s.along, t.along), cmp.Compare(s.v.x, t.v.x), cmp.Compare(s.v.y, t.v.y))
	})
	out := make([]vertex, len(list))
	for i, s := range list {
		out[i] = s.v
	}
	return out
}

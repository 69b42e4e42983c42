package grid

import (
	"cmp"
	"math"
	"slices"

	"github.com/peterstace/simplefeatures/geom"
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
		corners.Insert([2]float64{float64(v.x), float64(v.y)}, [2]float64{float64(v.x), float64(v.y)}, int32(i)) //nolint:gosec // at most MaxMapCorners
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

// sliverWidth is what counts as a fault of drawing rather than of meaning: 90 units, about a metre.
const sliverWidth = 90

// fault of a border: two areas, or one and nobody, with the place.
type borderFault struct {
	code  string
	a, b  int32 // b is -1 for enclosed ground of nobody
	at    vertex
	width float64 // units, of a gap; 0 when not known
	area  float64 // square metres, of an overlap or an enclosed gap
}

// faults finds overlaps, narrow gaps between two areas and enclosed ground of nobody. Only what concerns an area of the file is
// listed, each pair once for each kind.
func (b *borders) faults() []borderFault {
	type pair struct {
		a, b    int32
		overlap bool
	}
	known := map[pair]int{}
	var out []borderFault
	note := func(f borderFault, overlap bool) {
		p := pair{min(f.a, f.b), max(f.a, f.b), overlap}
		if b.members[f.a].fixed && b.members[f.b].fixed {
			return
		}
		if i, ok := known[p]; ok {
			out[i].width = max(out[i].width, f.width)
			return
		}
		known[p] = len(out)
		f.a, f.b = p.a, p.b
		out = append(out, f)
	}
	for _, t := range b.strike() {
		note(borderFault{code: FindOverlap, a: t[0], b: t[1], at: b.members[t[1]].s.polygons[0][0][0]}, true)
	}
	var loose []freeEdge
	for _, e := range b.free {
		covered := false
		low, top := edgeBox(e.edge, sliverWidth)
		var near []int32
		b.boxes.Search(low, top, func(_, _ [2]float64, i int32) bool {
			if i != e.owner {
				near = append(near, i)
			}
			return true
		})
		slices.Sort(near)
		for _, i := range near {
			if at, through := b.lines(i).through(e.edge); through {
				note(borderFault{code: FindOverlap, a: e.owner, b: i, at: at}, true)
				covered = true
			}
		}
		if covered {
			continue
		}
		loose = append(loose, e)
		if i, width := b.facing(e, near); i >= 0 {
			note(borderFault{code: FindSliver, a: e.owner, b: i, at: e.a, width: width}, false)
		}
	}
	for i := range out {
		f := &out[i]
		if f.code == FindOverlap {
			f.area = overlapArea(b.members[f.a].s, b.members[f.b].s)
			if f.area >= 0 && f.area < sliverArea(b.members[f.a].s, b.members[f.b].s) {
				f.code = FindSliver
			}
		}
	}
	return append(out, b.enclosed(loose, func(f borderFault) bool {
		_, known := known[pair{min(f.a, f.b), max(f.a, f.b), false}]
		return known && f.code == FindSliver
	})...)
}

func (b *borders) lines(i int32) *strips {
	m := b.members[i]
	if m.lines == nil {
		m.lines = newStrips(m.s)
	}
	return m.lines
}

// facing looks from the middle of a free edge outwards for another area within sliverWidth.
func (b *borders) facing(e freeEdge, near []int32) (int32, float64) {
	dx, dy := float64(e.b.x)-float64(e.a.x), float64(e.b.y)-float64(e.a.y)
	length := math.Hypot(dx, dy)
	mx, my := (float64(e.a.x)+float64(e.b.x))/2, (float64(e.a.y)+float64(e.b.y))/2
	middle := vertex{int32(math.Round(mx)), int32(math.Round(my))}
	// Where the border of the other area is the same line there is no gap, whatever else lies there.
	near = slices.DeleteFunc(near, func(i int32) bool { return b.lines(i).holds(middle) })
	// The area lies left of its edges, so outwards is to the right.
	for width := 3.0; width <= sliverWidth; width += 3 {
		v := vertex{int32(math.Round(mx + dy/length*width)), int32(math.Round(my - dx/length*width))}
		if b.lines(e.owner).holds(v) {
			return -1, 0 // its own ground again: a bay of the same area
		}
		for _, i := range near {
			if b.lines(i).holds(v) {
				return i, width
			}
		}
	}
	return -1, 0
}

// enclosed chains the loose edges into loops; one that turns clockwise is the rim of ground that nobody has and that areas surround.
func (b *borders) enclosed(loose []freeEdge, told func(borderFault) bool) []borderFault {
	from := make(map[vertex][]int, len(loose))
	for i, e := range loose {
		from[e.a] = append(from[e.a], i)
	}
	used := make([]bool, len(loose))
	var out []borderFault
	for start := range loose {
		if used[start] {
			continue
		}
		var loop ring
		owners := map[int32]bool{}
		closed := false
		for i := start; ; {
			used[i] = true
			loop = append(loop, loose[i].a)
			owners[loose[i].owner] = true
			next := -1
			// Where several edges leave a corner, the sharpest right turn keeps to the rim of this piece of free ground.
			best := math.Inf(1)
			for _, k := range from[loose[i].b] {
				if k == start {
					closed = true
				}
				if used[k] {
					continue
				}
				if turn := turnOf(loose[i].edge, loose[k].edge); turn < best {
					best, next = turn, k
				}
			}
			if closed || next < 0 {
				break
			}
			i = next
		}
		if !closed || len(loop) < 3 || loop.twiceArea() >= 0 {
			continue
		}
		ours := int32(-1)
		inOrder := make([]int32, 0, len(owners))
		for o := range owners {
			inOrder = append(inOrder, o)
		}
		slices.Sort(inOrder)
		for _, o := range inOrder {
			if !b.members[o].fixed {
				ours = o
				break
			}
		}
		if ours < 0 || len(owners) == 1 && b.filled(loop, ours) {
			continue
		}
		area := math.Abs(float64(loop.twiceArea())) / 2 * squareMetres(loop[0])
		f := borderFault{code: FindGap, a: ours, b: -1, at: loop[0], area: area}
		if area < 1 || area < perimeter(loop)*0.5 {
			f.code = FindSliver
		}
		if len(inOrder) == 2 {
			f.a, f.b = inOrder[0], inOrder[1]
			if told(f) {
				continue // the same strip, seen from its edges
			}
		}
		out = append(out, f)
	}
	return out
}

// filled tells whether the loop is a hole of one area that other areas fill though their corners differ: then something else was
// found there already.
func (b *borders) filled(loop ring, owner int32) bool {
	s := newShape([][]ring{{loop}})
	low, top := s.box(1)
	any := false
	b.boxes.Search(low, top, func(_, _ [2]float64, i int32) bool {
		any = any || i != owner && b.members[i].s.low.x >= s.low.x-sliverWidth && b.members[i].s.top.x <= s.top.x+sliverWidth &&
			b.members[i].s.low.y >= s.low.y-sliverWidth && b.members[i].s.top.y <= s.top.y+sliverWidth
		return !any
	})
	return any
}

func perimeter(r ring) float64 {
	var sum float64
	for i, a := range r {
		sum += Distance(a.point(), r[(i+1)%len(r)].point())
	}
	return sum
}

// turnOf is the angle from e to f: the sharper to the right, the smaller.
func turnOf(e, f edge) float64 {
	in := math.Atan2(float64(e.b.y)-float64(e.a.y), float64(e.b.x)-float64(e.a.x))
	out := math.Atan2(float64(f.b.y)-float64(f.a.y), float64(f.b.x)-float64(f.a.x))
	turn := math.Mod(out-in+3*math.Pi, 2*math.Pi) - math.Pi
	return turn
}

func edgeBox(e edge, reach float64) (low, top [2]float64) {
	return [2]float64{float64(min(e.a.x, e.b.x)) - reach, float64(min(e.a.y, e.b.y)) - reach},
		[2]float64{float64(max(e.a.x, e.b.x)) + reach, float64(max(e.a.y, e.b.y)) + reach}
}

// overlapArea is the common ground in square metres, -1 when the library cannot say.
func overlapArea(a, b *shape) float64 {
	origin := vertex{min(a.low.x, b.low.x), min(a.low.y, b.low.y)}
	common, err := geom.Intersection(a.geometryFrom(origin), b.geometryFrom(origin))
	if err != nil {
		return -1
	}
	return common.Area() * squareMetres(a.middle())
}

// sliverArea is what an overlap of a quarter of a metre along half of the shorter border comes to, but no more than 20 m².
func sliverArea(a, b *shape) float64 {
	var around [2]float64
	for i, s := range [2]*shape{a, b} {
		for _, rings := range s.polygons {
			around[i] += perimeter(rings[0])
		}
	}
	return min(20, min(around[0], around[1])/2*0.25)
}

// strips hold the edges of one shape in bands of latitude, so that a question about a place looks at few of them.
type strips struct {
	s      *shape
	height int64
	bands  [][]edge
}

func newStrips(s *shape) *strips {
	edges := s.edges()
	n := int64(max(1, len(edges)/8))
	x := &strips{s: s, height: (int64(s.top.y)-int64(s.low.y))/n + 1}
	x.bands = make([][]edge, n)
	for _, e := range edges {
		for k := x.band(min(e.a.y, e.b.y) - 1); k <= x.band(max(e.a.y, e.b.y)+1); k++ {
			x.bands[k] = append(x.bands[k], e)
		}
	}
	return x
}

func (x *strips) band(y int32) int64 {
	return min(max((int64(y)-int64(x.s.low.y))/x.height, 0), int64(len(x.bands))-1)
}

// side is evenOdd over the edges of one band.
func (x *strips) side(v vertex) (inside, edge bool) {
	if !x.s.near(v, 1) {
		return false, false
	}
	for _, e := range x.bands[x.band(v.y)] {
		a, b := e.a, e.b
		if low, top := min(a.y, b.y), max(a.y, b.y); v.y < low-1 || v.y > top+1 {
			continue
		}
		s := cross(a, b, v)
		if onEdge(a, b, v, s) {
			return true, true
		}
		if (a.y > v.y) != (b.y > v.y) && (s > 0) == (b.y > a.y) {
			inside = !inside
		}
	}
	return inside, false
}

// holds is shape.holds.
func (x *strips) holds(v vertex) bool {
	inside, edge := x.side(v)
	return inside || edge
}

// through tells whether the edge runs through the inside of the shape, and names a place there. Running along its border does not
// count, nor what is within a unit of it.
func (x *strips) through(e edge) (vertex, bool) {
	if min(e.a.x, e.b.x) > x.s.top.x || max(e.a.x, e.b.x) < x.s.low.x || min(e.a.y, e.b.y) > x.s.top.y || max(e.a.y, e.b.y) < x.s.low.y {
		return vertex{}, false
	}
	marks := []float64{0, 1}
	dx, dy := float64(e.b.x)-float64(e.a.x), float64(e.b.y)-float64(e.a.y)
	length2 := dx*dx + dy*dy
	for k := x.band(min(e.a.y, e.b.y)); k <= x.band(max(e.a.y, e.b.y)); k++ {
		for _, f := range x.bands[k] {
			if max(f.a.x, f.b.x) < min(e.a.x, e.b.x)-1 || min(f.a.x, f.b.x) > max(e.a.x, e.b.x)+1 {
				continue
			}
			if properlyCross(e, f) {
				s, t := float64(cross(e.a, e.b, f.a)), float64(cross(e.a, e.b, f.b))
				u := s / (s - t)
				px, py := float64(f.a.x)+u*(float64(f.b.x)-float64(f.a.x)), float64(f.a.y)+u*(float64(f.b.y)-float64(f.a.y))
				marks = append(marks, ((px-float64(e.a.x))*dx+(py-float64(e.a.y))*dy)/length2)
				continue
			}
			for _, v := range [2]vertex{f.a, f.b} {
				if u := ((float64(v.x)-float64(e.a.x))*dx + (float64(v.y)-float64(e.a.y))*dy) / length2; u > 0 && u < 1 &&
					math.Abs(float64(cross(e.a, e.b, v))) <= 2*math.Sqrt(length2) {
					marks = append(marks, u)
				}
			}
		}
	}
	slices.Sort(marks)
	for i := 1; i < len(marks); i++ {
		u := (marks[i-1] + marks[i]) / 2
		v := vertex{int32(math.Round(float64(e.a.x) + u*dx)), int32(math.Round(float64(e.a.y) + u*dy))}
		if inside, edge := x.side(v); inside && !edge {
			return v, true
		}
	}
	return vertex{}, false
}

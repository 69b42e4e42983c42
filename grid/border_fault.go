package grid

import (
	"math"
	"slices"

	"github.com/peterstace/simplefeatures/geom"
)

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
	found := false
	b.boxes.Search(low, top, func(_, _ [2]float64, i int32) bool {
		found = found || i != owner && b.members[i].s.low.x >= s.low.x-sliverWidth && b.members[i].s.top.x <= s.top.x+sliverWidth &&
			b.members[i].s.low.y >= s.low.y-sliverWidth && b.members[i].s.top.y <= s.top.y+sliverWidth
		return !found
	})
	return found
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

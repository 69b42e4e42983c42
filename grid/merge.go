package grid

import (
	"cmp"
	"math"
	"slices"
)

// mergeSlivers joins every piece smaller than least (twice its area, square units) to the piece with
// which it shares the longest border, smallest first. A join that would leave a hole or a pinched corner
// is passed over for the next neighbour.
func mergeSlivers(pieces []piece, least int64) []piece {
	pieces = slices.Clone(pieces)
	for {
		at := -1
		for i, p := range pieces {
			if area := p.outline.twiceArea(); area < least && !p.alone &&
				(at < 0 || area < pieces[at].outline.twiceArea()) {
				at = i
			}
		}
		if at < 0 {
			return pieces
		}
		if !mergeInto(pieces, at) {
			pieces[at].alone = true
			continue
		}
		pieces = slices.Delete(pieces, at, at+1)
	}
}

// mergeInto joins pieces[at] to its best neighbour in place; the neighbour keeps its row and column.
func mergeInto(pieces []piece, at int) bool {
	type candidate struct {
		i      int
		shared float64
	}
	var candidates []candidate
	for i, p := range pieces {
		if shared := sharedLength(pieces[at].outline, p.outline); i != at && shared > 0 {
			candidates = append(candidates, candidate{i, shared})
		}
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int { return cmp.Compare(b.shared, a.shared) })
	for _, c := range candidates {
		if joined, ok := union(pieces[at].outline, pieces[c.i].outline); ok {
			pieces[c.i].outline = joined
			return true
		}
	}
	return false
}

func (r ring) edgeSet() map[edge]bool {
	set := make(map[edge]bool, len(r))
	for i, a := range r {
		set[edge{a, r[(i+1)%len(r)]}] = true
	}
	return set
}

// sharedLength is how much border two pieces have in common: edges that one walks forth and the other back.
func sharedLength(a, b ring) float64 {
	var sum float64
	back := b.edgeSet()
	for e := range a.edgeSet() {
		if back[edge{e.b, e.a}] {
			sum += math.Hypot(float64(e.a.x-e.b.x), float64(e.a.y-e.b.y))
		}
	}
	return sum
}

// union joins two counter-clockwise rings along their common edges; false unless one ring comes out
// that passes each vertex once.
func union(a, b ring) (ring, bool) {
	next := map[vertex]vertex{}
	inA, inB := a.edgeSet(), b.edgeSet()
	count := 0
	for _, walk := range []struct {
		r     ring
		other map[edge]bool
	}{{a, inB}, {b, inA}} {
		for i, from := range walk.r {
			to := walk.r[(i+1)%len(walk.r)]
			if walk.other[edge{to, from}] {
				continue
			}
			if _, twice := next[from]; twice {
				return nil, false
			}
			next[from] = to
			count++
		}
	}
	for _, start := range b {
		if _, ok := next[start]; !ok {
			continue
		}
		out := ring{start}
		for v := next[start]; v != start; v = next[v] {
			out = append(out, v)
			if len(out) > count {
				return nil, false
			}
		}
		return out, len(out) == count
	}
	return nil, false
}

// stitch makes polygons that were rounded separately meet edge to edge: where a vertex of one lies within
// reach units of an edge of another, the edge is led through that vertex. What lay between them, a gap
// or an overlap of a few centimetres, disappears.
func stitch(rings []ring, reach float64) []ring {
	var corners []vertex
	for _, r := range rings {
		corners = append(corners, r...)
	}
	slices.SortFunc(corners, func(a, b vertex) int { return cmp.Or(cmp.Compare(a.x, b.x), cmp.Compare(a.y, b.y)) })
	corners = slices.Compact(corners)
	out := make([]ring, len(rings))
	for i, r := range rings {
		for j, a := range r {
			out[i] = append(append(out[i], a), between(a, r[(j+1)%len(r)], corners, reach)...)
		}
	}
	return out
}

// between lists the corners beside the edge a→b, in its direction.
func between(a, b vertex, corners []vertex, reach float64) []vertex {
	type stop struct {
		v     vertex
		along float64
	}
	var stops []stop
	dx, dy := float64(b.x-a.x), float64(b.y-a.y)
	length := math.Hypot(dx, dy)
	for _, v := range corners {
		along := (float64(v.x-a.x)*dx + float64(v.y-a.y)*dy) / length
		off := math.Abs(float64(cross(a, b, v))) / length
		if v != a && v != b && off <= reach && along > 0 && along < length {
			stops = append(stops, stop{v, along})
		}
	}
	slices.SortFunc(stops, func(s, t stop) int { return cmp.Compare(s.along, t.along) })
	list := make([]vertex, len(stops))
	for i, s := range stops {
		list[i] = s.v
	}
	return list
}

package grid

import (
	"math"
	"slices"
)

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

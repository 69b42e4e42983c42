package grid

import (
	"math"
	"slices"
	"strconv"
)

// units is the resolution of stored coordinates: 1e-7 degree, about 1.1 cm. Whole numbers make every
// side-of-line test exact, so that a point can never fall between two grids that share an edge.
const units = 1e7

// vertex is a position in units; x is the longitude.
type vertex struct{ x, y int32 }

func snap(p Point) vertex {
	return vertex{int32(math.Round(p.Lon * units)), int32(math.Round(p.Lat * units))}
}

func (v vertex) point() Point { return Point{float64(v.x) / units, float64(v.y) / units} }

func (v vertex) String() string { return string(appendVertex(nil, v)) }

// appendVertex writes "lon,lat" with as many decimals as needed.
func appendVertex(b []byte, v vertex) []byte {
	b = strconv.AppendFloat(b, float64(v.x)/units, 'f', -1, 64)
	return strconv.AppendFloat(append(b, ','), float64(v.y)/units, 'f', -1, 64)
}

// ring is a closed line without the repeated last vertex.
type ring []vertex

// twiceArea is positive for a counter-clockwise ring; in square units.
func (r ring) twiceArea() int64 {
	var sum int64
	for i, b := range r {
		a := r[(i+len(r)-1)%len(r)]
		sum += cross(r[0], a, b)
	}
	return sum
}

// cross is twice the signed area of the triangle o, a, b: positive when b lies left of o→a.
func cross(o, a, b vertex) int64 {
	return (int64(a.x)-int64(o.x))*(int64(b.y)-int64(o.y)) - (int64(a.y)-int64(o.y))*(int64(b.x)-int64(o.x))
}

// shape is the ground of one area: polygons of an outer ring and holes. No shape is wider than 180
// degrees (parseGeometry refuses it), so that cross never overflows for points of its box.
type shape struct {
	polygons [][]ring
	low, top vertex
}

func newShape(polygons [][]ring) *shape {
	s := &shape{
		polygons: polygons,
		low:      vertex{math.MaxInt32, math.MaxInt32},
		top:      vertex{math.MinInt32, math.MinInt32},
	}
	for _, rings := range polygons {
		for _, r := range rings {
			for _, v := range r {
				s.low = vertex{min(s.low.x, v.x), min(s.low.y, v.y)}
				s.top = vertex{max(s.top.x, v.x), max(s.top.y, v.y)}
			}
		}
	}
	return s
}

// holds tells whether v is inside or on a border. "On" means within one unit along an axis: a point
// that was computed to lie on an edge is off it by rounding, and must still count as on it.
func (s *shape) holds(v vertex) bool {
	if s == nil || !s.near(v, 1) {
		return false
	}
	for _, rings := range s.polygons {
		if inside, edge := evenOdd(rings, v); inside || edge {
			return true
		}
	}
	return false
}

func (s *shape) near(v vertex, reach int32) bool {
	return v.x >= s.low.x-reach && v.x <= s.top.x+reach && v.y >= s.low.y-reach && v.y <= s.top.y+reach
}

// evenOdd counts the edges that a ray to the east crosses, over all rings at once, so that holes are out.
func evenOdd(rings []ring, v vertex) (inside, edge bool) {
	for _, r := range rings {
		a := r[len(r)-1]
		for _, b := range r {
			if low, top := min(a.y, b.y), max(a.y, b.y); v.y >= low-1 && v.y <= top+1 {
				side := cross(a, b, v)
				if onEdge(a, b, v, side) {
					return true, true
				}
				if (a.y > v.y) != (b.y > v.y) && (side > 0) == (b.y > a.y) {
					inside = !inside
				}
			}
			a = b
		}
	}
	return inside, false
}

// onEdge takes the caller's cross(a, b, v); v.y is known to be within the edge's reach.
func onEdge(a, b, v vertex, side int64) bool {
	if v.x < min(a.x, b.x)-1 || v.x > max(a.x, b.x)+1 {
		return false
	}
	dx, dy := int64(b.x)-int64(a.x), int64(b.y)-int64(a.y)
	// |side| / max(|dx|,|dy|) is the gap between v and the line, measured along an axis.
	return max(side, -side) <= max(dx, -dx, dy, -dy)
}

// touches tells whether the borders of two shapes meet: a vertex of one lies in or on the other.
func (s *shape) touches(t *shape) bool {
	return s.anyVertex(t.holds) || t.anyVertex(s.holds)
}

func (s *shape) anyVertex(ok func(vertex) bool) bool {
	for _, rings := range s.polygons {
		for _, r := range rings {
			if slices.ContainsFunc(r, ok) {
				return true
			}
		}
	}
	return false
}

type edge struct{ a, b vertex }

// crossing finds two edges that cross in their interiors and names a vertex beside the place. Edges that
// merely touch are allowed, rounding makes them. A sweep by longitude keeps it far from quadratic.
func (s *shape) crossing() (vertex, bool) {
	var edges []edge
	if s != nil {
		edges = s.edges()
	}
	slices.SortFunc(edges, func(e, f edge) int { return int(min(e.a.x, e.b.x)) - int(min(f.a.x, f.b.x)) })
	for i, e := range edges {
		right := max(e.a.x, e.b.x)
		for _, f := range edges[i+1:] {
			if min(f.a.x, f.b.x) > right {
				break
			}
			if properlyCross(e, f) {
				return e.a, true
			}
		}
	}
	return vertex{}, false
}

func (s *shape) edges() []edge {
	var edges []edge
	for _, rings := range s.polygons {
		for _, r := range rings {
			for i := range r {
				edges = append(edges, edge{r[i], r[(i+1)%len(r)]})
			}
		}
	}
	return edges
}

func properlyCross(e, f edge) bool {
	if max(e.a.y, e.b.y) < min(f.a.y, f.b.y) || max(f.a.y, f.b.y) < min(e.a.y, e.b.y) {
		return false
	}
	opposite := func(p, q int64) bool { return p > 0 && q < 0 || p < 0 && q > 0 }
	return opposite(cross(e.a, e.b, f.a), cross(e.a, e.b, f.b)) && opposite(cross(f.a, f.b, e.a), cross(f.a, f.b, e.b))
}

package grid

import "math"

// How a point lies to a grid.
const (
	LiesFilled  = "FILLED"  // the grid fills the whole cell of the raster: no border is near
	LiesInside  = "INSIDE"  // a ray to the east crosses its borders an odd number of times
	LiesOnEdge  = "ON_EDGE" // on the border, to 1e-7 degree
	LiesOutside = "OUTSIDE"
)

// Trial is one area that was looked at for a point.
type Trial struct {
	Code      string
	Name      string
	Version   int
	Lies      string
	Decides   bool     // the first in order of code that holds the point
	Crossings int      // of a ray to the east with its borders
	Edge      [2]Point // the edge on which the point lies, else the nearest one; zero for FILLED
	Metres    float64  // from the point to that edge
}

// Holds tells whether the point is in it, or on its border.
func (t *Trial) Holds() bool { return t.Lies != LiesOutside }

// Explain looks a point up as Locate does and tells of every grid that was compared, in order of code; those after the one that
// decides are compared too, though Locate does not need them. at is the point in the resolution of the map.
func (x *Index) Explain(p Point) (at Point, trials []Trial) {
	if p.Validate() != nil {
		return p, nil
	}
	v := snap(p)
	decided := false
	for _, r := range x.rasters {
		cell := r.cell(v)
		if cell < 0 {
			continue
		}
		k := r.cells[cell]
		for k != 0 {
			e := entry{at: ^k, mark: entryLast | entryFull}
			if k > 0 {
				e = r.lists[k]
			}
			a := &x.areas[e.at]
			t := Trial{Code: a.Code, Name: a.Name, Version: a.Version, Lies: LiesFilled}
			if e.mark&entryFull == 0 {
				t.compare(x.shapes[e.at], v)
			}
			t.Decides = t.Holds() && !decided
			decided = decided || t.Decides
			trials = append(trials, t)
			if e.mark&entryLast != 0 {
				break
			}
			k++
		}
	}
	return v.point(), trials
}

// Explain is that of an Index, for the features of a file whose boxes hold the point.
func (l *Locator) Explain(p Point) (at Point, trials []Trial) {
	if p.Validate() != nil {
		return p, nil
	}
	v := snap(p)
	code, found := l.Locate(p)
	for i := range l.features {
		f := &l.features[i]
		if s := f.Polygon.s; s != nil && s.near(v, 1) {
			t := Trial{Code: f.Code, Name: f.Name}
			t.compare(s, v)
			t.Decides = found && f.Code == code
			trials = append(trials, t)
		}
	}
	return v.point(), trials
}

// compare fills in how v lies to a shape, by the same rules as shape.holds.
func (t *Trial) compare(s *shape, v vertex) {
	t.Lies, t.Metres = LiesOutside, math.Inf(1)
	for _, rings := range s.polygons {
		inside, edge := evenOdd(rings, v)
		if inside && t.Lies == LiesOutside {
			t.Lies = LiesInside
		}
		for _, r := range rings {
			a := r[len(r)-1]
			for _, b := range r {
				side := cross(a, b, v)
				if (a.y > v.y) != (b.y > v.y) && (side > 0) == (b.y > a.y) {
					t.Crossings++
				}
				on := edge && v.y >= min(a.y, b.y)-1 && v.y <= max(a.y, b.y)+1 && onEdge(a, b, v, side)
				if d := metresTo(a, b, v); on && t.Lies != LiesOnEdge || d < t.Metres && (t.Lies != LiesOnEdge || on) {
					t.Edge, t.Metres = [2]Point{a.point(), b.point()}, d
				}
				if on {
					t.Lies = LiesOnEdge
				}
				a = b
			}
		}
	}
}

// metresTo is the distance from v to the edge a–b on the plane that touches the earth at v (radius 6,371,008.8 m).
func metresTo(a, b, v vertex) float64 {
	const metresPerUnit = 6_371_008.8 * math.Pi / 180 / units
	k := math.Cos(v.point().Lat * math.Pi / 180)
	ax, ay := (float64(a.x)-float64(v.x))*k, float64(a.y)-float64(v.y)
	dx, dy := (float64(b.x)-float64(a.x))*k, float64(b.y)-float64(a.y)
	along := 0.0
	if d := dx*dx + dy*dy; d > 0 {
		along = max(0, min(1, -(ax*dx+ay*dy)/d))
	}
	return math.Hypot(ax+along*dx, ay+along*dy) * metresPerUnit
}

package grid

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/peterstace/simplefeatures/geom"
)

// candidate is one feature of a file on its way to become a version of an area.
type candidate struct {
	Area
	feature int // index in the file
	head    string
	s       *shape
	kept    bool // the file gives no ground: that of the version in force goes on
	broken  bool // its geometry cannot be compared with others
}

// finding begins a finding about this feature.
func (c *candidate) finding(code, pointer, format string, args ...any) Finding {
	return Finding{Code: code, Feature: c.feature, Area: c.Code, Pointer: fmt.Sprintf("/features/%d", c.feature) + pointer, Detail: fmt.Sprintf("第 %d 个要素 %s：", c.feature+1, c.head) + fmt.Sprintf(format, args...)}
}

// read turns the corners of a feature into a shape in WGS-84 and mends rings where that is asked for. Everything that is wrong
// with the form is found; a shape that cannot be used is left out.
func (c *candidate) read(raw *rawFeature, d Datum, found *findings) {
	const pointer = "/geometry/coordinates"
	c.broken = true
	switch {
	case raw.kind == "":
		c.broken = false
		if c.Level == LevelGrid {
			found.add(c.finding(FindNoGround, "/geometry", "网格必须有边界"))
			c.broken = true
		}
		return
	case raw.kind == "Polygon" && raw.depth == 3, raw.kind == "MultiPolygon" && raw.depth == 4:
	default:
		found.add(c.finding(FindGeometry, "/geometry/type", "几何 %q 与坐标层数不符；只支持 Polygon 和 MultiPolygon，且不能为空", raw.kind))
		return
	}
	if raw.depth == 3 {
		raw.polygons = []int{len(raw.rings)}
	}
	ok, first := true, 0
	var polygons [][]ring
	for i, end := range raw.polygons {
		var rings []ring
		for k := first; k < end; k++ {
			here := fmt.Sprintf("%s/%d", pointer, k-first)
			if raw.depth == 4 {
				here = fmt.Sprintf("%s/%d/%d", pointer, i, k-first)
			}
			from := 0
			if k > 0 {
				from = raw.rings[k-1]
			}
			r, good := c.ring(raw.positions[from:raw.rings[k]], d, here, k == first, found)
			ok = ok && good
			rings = append(rings, r)
		}
		if len(rings) == 0 {
			found.add(c.finding(FindGeometry, pointer, "第 %d 个多边形没有环", i+1))
			ok = false
		}
		polygons, first = append(polygons, rings), end
	}
	if !ok || len(polygons) == 0 {
		return
	}
	s := newShape(polygons)
	if int64(s.top.x)-int64(s.low.x) > 180*units {
		found.add(c.finding(FindGeometry, pointer, "几何的经度跨度超过 180 度"))
		return
	}
	if c.form(s, found) {
		c.s, c.broken = s, false
		c.Polygon = Polygon{s}
	}
}

// ring reads one ring: degrees, closed, no corner twice in a row, no spike, turning as RFC 7946 wants.
func (c *candidate) ring(line []Point, d Datum, here string, outer bool, found *findings) (ring, bool) {
	for j, p := range line {
		turned := outsideChina(p) && !outsideChina(Point{p.Lat, p.Lon})
		if p.Validate() == nil && !turned {
			continue
		}
		code, why := FindCoordinate, "超出经纬度范围"
		switch {
		case turned, math.Abs(p.Lon) <= 90 && math.Abs(p.Lat) <= 180:
			code, why = FindSwapped, "像是纬度写在经度之前：应为 [经度, 纬度]"
		case math.Abs(p.Lon) > 1000 && math.Abs(p.Lat) > 1000:
			why = "像是投影坐标（米）：请先转换为经纬度"
		}
		found.add(c.finding(code, fmt.Sprintf("%s/%d", here, j), "坐标 [%v, %v] %s", p.Lon, p.Lat, why))
		return nil, false
	}
	if len(line) == 0 {
		found.add(c.finding(FindRingShort, here, "环是空的"))
		return nil, false
	}
	r := make(ring, len(line))
	for j, p := range line {
		r[j] = snap(ToWGS84(p, d))
	}
	if last := len(r) - 1; last > 0 && r[0] == r[last] {
		r = r[:last]
	} else {
		f := c.finding(FindRingOpen, fmt.Sprintf("%s/%d", here, last), "环没有闭合：最后一个坐标应与第一个相同").at(r[last])
		f.Repaired = found.repair
		found.add(f)
	}
	for j := range r {
		if j > 0 && r[j] == r[j-1] {
			f := c.finding(FindDuplicate, fmt.Sprintf("%s/%d", here, j), "坐标 %s 连续重复", r[j]).at(r[j])
			f.Repaired = found.repair
			found.add(f)
		}
	}
	r = tidy(r)
	for j := 0; j < len(r) && len(r) > 2; {
		n := len(r)
		a, v, b := r[(j+n-1)%n], r[j], r[(j+1)%n]
		if cross(a, v, b) != 0 || (int64(v.x)-int64(a.x))*(int64(b.x)-int64(v.x))+(int64(v.y)-int64(a.y))*(int64(b.y)-int64(v.y)) >= 0 {
			j++
			continue
		}
		f := c.finding(FindSpike, here, "边界在 %s 折返成一条没有宽度的尖刺", v).at(v)
		f.Repaired = found.repair
		found.add(f)
		r = tidy(slices.Delete(slices.Clone(r), j, j+1))
		j = max(0, j-2)
	}
	switch turn := r.twiceArea(); {
	case len(r) < 3:
		found.add(c.finding(FindRingShort, here, "环只有 %d 个不同的坐标，至少要 3 个", len(r)))
		return nil, false
	case turn == 0:
		found.add(c.finding(FindRingFlat, here, "环没有面积").at(r[0]))
		return nil, false
	case (turn > 0) != outer:
		f := c.finding(FindRingTurn, here, "环的方向不对：外环应逆时针，孔应顺时针（RFC 7946）").at(r[0])
		f.Repaired = found.repair
		found.add(f)
		slices.Reverse(r)
	}
	return r, true
}

// form checks how the rings lie to each other. It tells whether the shape can be compared with others.
func (c *candidate) form(s *shape, found *findings) bool {
	bad := func(code string, v vertex, format string, args ...any) bool {
		found.add(c.finding(code, "/geometry/coordinates", format, args...).at(v))
		return false
	}
	clash, v, complete := s.clash()
	switch {
	case !complete:
		return bad(FindComplex, s.low, "边界过于密集，无法在限定时间内检查")
	case clash == clashCross:
		return bad(FindCrossing, v, "边界在 %s 附近自相交", v)
	case clash == clashTouch:
		return bad(FindTouch, v, "环在 %s 与自身相接", v)
	}
	for _, rings := range s.polygons {
		for h, hole := range rings[1:] {
			if at := hole.within(rings[0]); at < 0 {
				return bad(FindHoleOutside, hole[0], "第 %d 个孔 %s 在外环之外", h+1, hole[0])
			}
			for o, other := range rings[1:] {
				if o != h && hole.within(other) > 0 {
					return bad(FindHoleOutside, hole[0], "第 %d 个孔 %s 在另一个孔之内", h+1, hole[0])
				}
			}
		}
	}
	for i, rings := range s.polygons {
		for j, other := range s.polygons {
			if i != j && insideOf(rings[0], other) {
				return bad(FindPartsOverlap, rings[0][0], "第 %d 个部分与第 %d 个部分重叠", i+1, j+1)
			}
		}
	}
	if err := s.geometry().Validate(); err != nil {
		return bad(FindGeometry, s.low, "几何无效：%s", strings.TrimPrefix(err.Error(), "invalid geometry: "))
	}
	return true
}

// within tells where a ring that crosses the other nowhere lies: 1 inside, -1 outside, 0 when every corner is on it.
func (r ring) within(other ring) int {
	for _, v := range r {
		if inside, edge := evenOdd([]ring{other}, v); !edge {
			if inside {
				return 1
			}
			return -1
		}
	}
	return 0
}

// insideOf: the outer ring has a corner strictly inside the polygon.
func insideOf(outer ring, rings []ring) bool {
	for _, v := range outer {
		if inside, edge := evenOdd(rings, v); !edge {
			return inside
		}
	}
	return false
}

type clashKind int

const (
	clashNone clashKind = iota
	clashTouch
	clashCross
)

// maxPairs bounds the comparisons of edges for one shape, some seconds of work.
const maxPairs = 300_000_000

// clash finds where edges of a shape cross, or where a ring meets itself; between different rings single points may touch. complete
// is false when there were too many edges beside each other.
func (s *shape) clash() (kind clashKind, at vertex, complete bool) {
	type side struct {
		edge
		ring, i, n int // which ring, which edge of it, of how many
		polygon    int
	}
	var edges []side
	number := 0
	for p, rings := range s.polygons {
		for _, r := range rings {
			for i := range r {
				edges = append(edges, side{edge{r[i], r[(i+1)%len(r)]}, number, i, len(r), p})
			}
			number++
		}
	}
	slices.SortFunc(edges, func(e, f side) int { return cmp.Compare(min(e.a.x, e.b.x), min(f.a.x, f.b.x)) })
	pairs := 0
	for i := range edges {
		e := &edges[i]
		right, low, top := max(e.a.x, e.b.x), min(e.a.y, e.b.y), max(e.a.y, e.b.y)
		for k := i + 1; k < len(edges); k++ {
			f := &edges[k]
			if min(f.a.x, f.b.x) > right {
				break
			}
			if pairs++; pairs > maxPairs {
				return clashNone, vertex{}, false
			}
			if max(f.a.y, f.b.y) < low || min(f.a.y, f.b.y) > top {
				continue
			}
			if properlyCross(e.edge, f.edge) {
				return clashCross, e.a, true
			}
			if e.ring == f.ring {
				step := (e.i - f.i + e.n) % e.n
				if step == 1 || step == e.n-1 {
					continue // neighbours share a corner; a spike was found before
				}
				if meets(e.edge, f.edge) {
					return clashTouch, f.a, true
				}
			} else if v, ok := alongside(e.edge, f.edge); ok {
				return clashCross, v, true
			}
		}
	}
	return clashNone, vertex{}, true
}

// meets tells whether two edges have a point in common, exactly.
func meets(e, f edge) bool {
	if properlyCross(e, f) {
		return true
	}
	on := func(e edge, v vertex) bool {
		return cross(e.a, e.b, v) == 0 && v.x >= min(e.a.x, e.b.x) && v.x <= max(e.a.x, e.b.x) && v.y >= min(e.a.y, e.b.y) && v.y <= max(e.a.y, e.b.y)
	}
	return on(e, f.a) || on(e, f.b) || on(f, e.a) || on(f, e.b)
}

// alongside tells whether two edges lie on one line and share more than a point.
func alongside(e, f edge) (vertex, bool) {
	if cross(e.a, e.b, f.a) != 0 || cross(e.a, e.b, f.b) != 0 {
		return vertex{}, false
	}
	along := func(v vertex) int64 {
		return (int64(v.x)-int64(e.a.x))*(int64(e.b.x)-int64(e.a.x)) + (int64(v.y)-int64(e.a.y))*(int64(e.b.y)-int64(e.a.y))
	}
	low, top := max(0, min(along(f.a), along(f.b))), min(along(e.b), max(along(f.a), along(f.b)))
	return e.a, low < top
}

// geometry gives the shape to the library in units counted from its own corner: up to 6 degrees wide all its arithmetic is exact.
func (s *shape) geometry() geom.Geometry { return s.geometryFrom(s.low) }

func (s *shape) geometryFrom(origin vertex) geom.Geometry {
	parts := make([]geom.Polygon, len(s.polygons))
	for i, rings := range s.polygons {
		lines := make([]geom.LineString, len(rings))
		for k, r := range rings {
			flat := make([]float64, 0, 2*len(r)+2)
			for j := range len(r) + 1 {
				v := r[j%len(r)]
				flat = append(flat, float64(int64(v.x)-int64(origin.x)), float64(int64(v.y)-int64(origin.y)))
			}
			lines[k] = geom.NewLineString(geom.NewSequence(flat, geom.DimXY))
		}
		parts[i] = geom.NewPolygon(lines)
	}
	if len(parts) == 1 {
		return parts[0].AsGeometry()
	}
	return geom.NewMultiPolygon(parts).AsGeometry()
}

package grid

import (
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Polygon is the ground of an area, a polygon with holes or several of them, in WGS-84. It is GeoJSON (RFC 7946) outside and
// TWKB with seven decimals in the database (what was there before: WKB, OGC 06-103r4). The zero value is ground that is not known: null in both. It is immutable.
type Polygon struct{ s *shape }

// ParsePolygon reads a GeoJSON Polygon or MultiPolygon given in datum d; null gives the zero value. Errors are faults that
// point to the coordinate, e.g. /coordinates/0/4.
func ParsePolygon(raw []byte, d Datum) (Polygon, error) {
	s, err := parseGeometry(raw, d)
	return Polygon{s}, err
}

// Known tells whether there is any ground.
func (p Polygon) Known() bool { return p.s != nil }

// Equal tells whether both have the same rings, vertex by vertex.
func (p Polygon) Equal(o Polygon) bool {
	if p.s == nil || o.s == nil {
		return p.s == o.s
	}
	return slices.EqualFunc(p.s.polygons, o.s.polygons, func(a, b []ring) bool { return slices.EqualFunc(a, b, slices.Equal[ring]) })
}

// Vertices counts the corners of all rings.
func (p Polygon) Vertices() int {
	if p.s == nil {
		return 0
	}
	n := 0
	for _, rings := range p.s.polygons {
		for _, r := range rings {
			n += len(r)
		}
	}
	return n
}

// SquareMetres is the surface, holes taken off, on a cylinder through the middle latitude: within 0.1 % for anything up to
// the size of a city.
func (p Polygon) SquareMetres() float64 {
	if p.s == nil {
		return 0
	}
	var twice float64
	for _, rings := range p.s.polygons {
		for i, r := range rings {
			area := math.Abs(float64(r.twiceArea()))
			if i > 0 {
				area = -area
			}
			twice += area
		}
	}
	return twice / 2 * squareMetres(p.s.middle())
}

// squareMetres is the surface of one square unit around v.
func squareMetres(v vertex) float64 {
	side := metresPerDegree / units
	return side * side * math.Cos(v.point().Lat*math.Pi/180)
}

func (s *shape) middle() vertex {
	return vertex{s.low.x + (s.top.x-s.low.x)/2, s.low.y + (s.top.y-s.low.y)/2}
}

// MarshalJSON writes GeoJSON.
func (p Polygon) MarshalJSON() ([]byte, error) { return p.s.geoJSON(), nil }

// UnmarshalJSON reads GeoJSON in WGS-84.
func (p *Polygon) UnmarshalJSON(raw []byte) (err error) {
	*p, err = ParsePolygon(raw, WGS84)
	return err
}

// The kinds of geometry that WKB and TWKB know and that are read.
const (
	wkbPolygon      = 3
	wkbMultiPolygon = 6
)

// Value is the TWKB for the database, nil for the zero value.
func (p Polygon) Value() (driver.Value, error) {
	if p.s == nil {
		return nil, nil
	}
	return p.s.twkb(), nil
}

// GormDataType is the type of the column; gorm does not ask a zero value for it.
func (Polygon) GormDataType() string { return "bytea" }

// Scan reads TWKB, and WKB in either byte order; null gives the zero value.
func (p *Polygon) Scan(from any) error {
	p.s = nil
	raw, ok := from.([]byte)
	switch {
	case from == nil:
		return nil
	case !ok:
		return fmt.Errorf("ground of an area: WKB wanted, not %T", from)
	}
	read := readWKB
	if len(raw) > 0 && raw[0] > 1 { // a byte order is 0 or 1
		read = readTWKB
	}
	s, err := read(raw)
	if err != nil {
		return fmt.Errorf("ground of an area: %w", err)
	}
	p.s = s
	return nil
}

var errShortWKB = errors.New("the WKB ends too early")

// wkbReader takes a WKB apart. All corners of a shape share one array.
type wkbReader struct {
	b       []byte
	order   binary.ByteOrder
	corners []vertex
}

func readWKB(b []byte) (*shape, error) {
	r := &wkbReader{b: b, corners: make([]vertex, 0, len(b)/16)}
	kind, n, err := r.head()
	if err != nil {
		return nil, err
	}
	var polygons [][]ring
	switch kind {
	case wkbPolygon:
		rings, err := r.rings(n)
		if err != nil {
			return nil, err
		}
		polygons = [][]ring{rings}
	case wkbMultiPolygon:
		for range n {
			kind, m, err := r.head()
			if err != nil {
				return nil, err
			}
			if kind != wkbPolygon {
				return nil, fmt.Errorf("WKB of kind %d within a MultiPolygon", kind)
			}
			rings, err := r.rings(m)
			if err != nil {
				return nil, err
			}
			polygons = append(polygons, rings)
		}
	default:
		return nil, fmt.Errorf("WKB of kind %d is neither Polygon nor MultiPolygon", kind)
	}
	if len(polygons) == 0 || len(r.b) > 0 {
		return nil, fmt.Errorf("WKB of %d polygons and %d bytes too many", len(polygons), len(r.b))
	}
	return newShape(polygons), nil
}

func (r *wkbReader) head() (kind uint32, n int, err error) {
	if len(r.b) < 9 {
		return 0, 0, errShortWKB
	}
	r.order = binary.BigEndian
	if r.b[0] == 1 {
		r.order = binary.LittleEndian
	}
	kind, n = r.order.Uint32(r.b[1:]), int(r.order.Uint32(r.b[5:]))
	r.b = r.b[9:]
	return kind, n, nil
}

func (r *wkbReader) rings(n int) ([]ring, error) {
	if n < 1 || n > len(r.b)/4 {
		return nil, errShortWKB
	}
	rings := make([]ring, n)
	for i := range rings {
		if len(r.b) < 4 {
			return nil, errShortWKB
		}
		count := int(r.order.Uint32(r.b))
		r.b = r.b[4:]
		if count < 4 || count > len(r.b)/16 {
			return nil, errShortWKB
		}
		from := len(r.corners)
		for range count - 1 { // the last one repeats the first
			p := Point{math.Float64frombits(r.order.Uint64(r.b)), math.Float64frombits(r.order.Uint64(r.b[8:]))}
			if err := p.Validate(); err != nil {
				return nil, err
			}
			r.corners = append(r.corners, snap(p))
			r.b = r.b[16:]
		}
		r.b = r.b[16:]
		rings[i] = ring(r.corners[from:len(r.corners):len(r.corners)])
	}
	return rings, nil
}

package grid

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// TWKB (tiny WKB) stores coordinates as whole numbers of a fixed decimal, each as its difference from the one before, in as many
// bytes as that needs: a third of WKB, so that a starting process reads a hundred thousand grids in a third of the time. PostGIS and
// others read it. https://github.com/TWKB/Specification/blob/master/twkb.md

// twkbDecimals is the precision in the head, zigzag-coded: seven decimals are the units of a vertex.
const twkbDecimals = 7 << 1 << 4

func (s *shape) twkb() []byte {
	b := make([]byte, 0, 64)
	if len(s.polygons) == 1 {
		b = append(b, wkbPolygon|twkbDecimals, 0)
	} else {
		b = binary.AppendUvarint(append(b, wkbMultiPolygon|twkbDecimals, 0), uint64(len(s.polygons)))
	}
	var last vertex
	for _, rings := range s.polygons {
		b = binary.AppendUvarint(b, uint64(len(rings)))
		for _, r := range rings {
			b = binary.AppendUvarint(b, uint64(len(r)+1))
			for i := range len(r) + 1 { // the first corner again closes the ring
				v := r[i%len(r)]
				b = binary.AppendVarint(b, int64(v.x)-int64(last.x))
				b = binary.AppendVarint(b, int64(v.y)-int64(last.y))
				last = v
			}
		}
	}
	return b
}

var errShortTWKB = errors.New("the TWKB ends too early")

// twkbReader takes a TWKB apart. All corners of a shape share one array.
type twkbReader struct {
	b       []byte
	x, y    int64
	corners []vertex
}

func readTWKB(b []byte) (*shape, error) {
	if len(b) < 2 {
		return nil, errShortTWKB
	}
	if b[0]&^0xf != twkbDecimals || b[1] != 0 {
		return nil, fmt.Errorf("TWKB with head %x: seven decimals without extras are wanted", b[:2])
	}
	r := &twkbReader{b: b[2:], corners: make([]vertex, 0, len(b)/4)}
	n := 1
	switch b[0] & 0xf {
	case wkbPolygon:
	case wkbMultiPolygon:
		var err error
		if n, err = r.count(); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("TWKB of kind %d is neither Polygon nor MultiPolygon", b[0]&0xf)
	}
	polygons := make([][]ring, n)
	for i := range polygons {
		var err error
		if polygons[i], err = r.rings(); err != nil {
			return nil, err
		}
	}
	if len(r.b) > 0 {
		return nil, fmt.Errorf("TWKB with %d bytes too many", len(r.b))
	}
	return newShape(polygons), nil
}

// count reads how many of something follow: at least one, and each takes at least a byte.
func (r *twkbReader) count() (int, error) {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n == 0 || n > uint64(len(r.b)) {
		return 0, errShortTWKB
	}
	r.b = r.b[size:]
	return int(n), nil
}

func (r *twkbReader) rings() ([]ring, error) {
	n, err := r.count()
	if err != nil {
		return nil, err
	}
	rings := make([]ring, n)
	for i := range rings {
		count, err := r.count()
		if err != nil {
			return nil, err
		}
		if count < 4 {
			return nil, fmt.Errorf("TWKB with a ring of %d corners", count)
		}
		from := len(r.corners)
		for range count {
			dx, size := binary.Varint(r.b)
			if size <= 0 {
				return nil, errShortTWKB
			}
			dy, more := binary.Varint(r.b[size:])
			if more <= 0 {
				return nil, errShortTWKB
			}
			r.b = r.b[size+more:]
			if r.x, r.y = r.x+dx, r.y+dy; r.x < -180*units || r.x > 180*units || r.y < -90*units || r.y > 90*units {
				return nil, errors.New("TWKB with a corner off the globe")
			}
			r.corners = append(r.corners, vertex{int32(r.x), int32(r.y)})
		}
		r.corners = r.corners[:len(r.corners)-1] // the last one repeats the first
		rings[i] = ring(r.corners[from:len(r.corners):len(r.corners)])
	}
	return rings, nil
}

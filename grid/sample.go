package grid

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
)

// Sample is a made-up map for benchmarks and tests: unit grids in columns and rows that meet edge to edge along wavy borders, with
// their communities and streets, which have no polygon. The same numbers give the same map.
type Sample struct {
	District string
	Grids    int
	Corners  int   // of each grid, at least 4, rounded to what four equal sides come to
	West     Point // the south-western corner; a grid is about 0.002 degrees wide
}

const (
	sampleCell      = 20_000 // units
	gridsPerPart    = 50     // grids of a community
	partsPerStreet  = 20     // communities of a street
	sampleWaviness  = 6
	sampleWaveUnits = 700
)

// code of the n-th grid.
func (s Sample) code(n int) string {
	part := n / gridsPerPart
	return fmt.Sprintf("%s%03d%03d%03d", s.District, part/partsPerStreet+1, part%partsPerStreet+1, n%gridsPerPart+1)
}

func (s Sample) columns() int { return int(math.Ceil(math.Sqrt(float64(s.Grids)))) }

// node is a corner of the net, moved a little by a number drawn from its place.
func (s Sample) node(col, row int) vertex {
	random := rand.New(rand.NewPCG(uint64(col)+1, uint64(row)+1)) //nolint:gosec // columns and rows are not negative
	origin := snap(s.West)
	return vertex{origin.x + int32(col)*sampleCell + int32(random.IntN(sampleCell/3)), origin.y + int32(row)*sampleCell + int32(random.IntN(sampleCell/3))}
}

// side draws the border between two nodes, without its end; it is the same from both sides.
func (s Sample) side(a, b vertex, steps int, reverse bool) ring {
	line := make(ring, 0, steps+1)
	for i := range steps + 1 {
		u := float64(i) / float64(steps)
		wave := sampleWaveUnits * math.Sin(math.Pi*u*sampleWaviness) * math.Min(1, 4*math.Min(u, 1-u))
		dx, dy := float64(b.x-a.x), float64(b.y-a.y)
		length := math.Hypot(dx, dy)
		line = append(line, vertex{int32(math.Round(float64(a.x) + u*dx - wave*dy/length)), int32(math.Round(float64(a.y) + u*dy + wave*dx/length))})
	}
	line[0], line[steps] = a, b
	if reverse {
		for i, j := 0, len(line)-1; i < j; i, j = i+1, j-1 {
			line[i], line[j] = line[j], line[i]
		}
	}
	return line[:steps]
}

func (s Sample) shape(n int) *shape {
	col, row, steps := n%s.columns(), n/s.columns(), max(1, s.Corners/4)
	sw, se, ne, nw := s.node(col, row), s.node(col+1, row), s.node(col+1, row+1), s.node(col, row+1)
	r := s.side(sw, se, steps, false)
	r = append(r, s.side(se, ne, steps, false)...)
	r = append(r, s.side(nw, ne, steps, true)...)
	r = append(r, s.side(sw, nw, steps, true)...)
	return newShape([][]ring{{r}})
}

// Areas are the district, its streets, communities and grids.
func (s Sample) Areas() []Area {
	list := []Area{demoArea(LevelDistrict, s.District, "示例区", Polygon{})}
	known := map[string]bool{}
	for n := range s.Grids {
		code := s.code(n)
		for _, above := range []string{code[:9], code[:12]} {
			if !known[above] {
				known[above] = true
				list = append(list, demoArea(LevelOf(above), above, "示例"+above[6:], Polygon{}))
			}
		}
		g := demoArea(LevelGrid, code, "示例"+code[6:], Polygon{s.shape(n)})
		g.Kind = KindUnit
		list = append(list, g)
	}
	return list
}

// WriteGeoJSON writes the same as a FeatureCollection in datum d.
func (s Sample) WriteGeoJSON(w io.Writer, d Datum) error {
	b := bufio.NewWriterSize(w, 1<<20)
	fmt.Fprintf(b, `{"type":"FeatureCollection","datum":%q,"features":[`, d)
	areas := s.Areas()
	for i := range areas {
		a := &areas[i]
		if i > 0 {
			_ = b.WriteByte(',')
		}
		ground := a.Polygon.s
		if ground != nil && d != WGS84 {
			moved := make(ring, len(ground.polygons[0][0]))
			for k, v := range ground.polygons[0][0] {
				moved[k] = snap(FromWGS84(v.point(), d))
			}
			ground = newShape([][]ring{{moved}})
		}
		fmt.Fprintf(b, "\n"+`{"type":"Feature","properties":{"code":%q,"name":%q},"geometry":%s}`, a.Code, a.Name, ground.geoJSON())
	}
	_, _ = b.WriteString("]}\n")
	return b.Flush()
}

package grid

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// samples is how many random points a test takes: all of them with YIXIAN_FULL=1, a twentieth by default.
func samples(full int) int {
	if os.Getenv("YIXIAN_FULL") == "1" {
		return full
	}
	return full / 20
}

// reference is an independent even-odd test in floating point. near tells that the point is so close to
// the border (5 cm) that rounding may decide either way.
func reference(lines [][][2]float64, p Point) (inside, nearBorder bool) {
	for _, line := range lines {
		for i := 1; i < len(line); i++ {
			ax, ay, bx, by := line[i-1][0], line[i-1][1], line[i][0], line[i][1]
			if (ay > p.Lat) != (by > p.Lat) && p.Lon < (bx-ax)*(p.Lat-ay)/(by-ay)+ax {
				inside = !inside
			}
			dx, dy := bx-ax, by-ay
			along := math.Max(0, math.Min(1, ((p.Lon-ax)*dx+(p.Lat-ay)*dy)/(dx*dx+dy*dy)))
			if math.Hypot(p.Lon-ax-along*dx, p.Lat-ay-along*dy) < 5e-7 {
				nearBorder = true
			}
		}
	}
	return inside, nearBorder
}

func TestLocateAgreesWithBruteForce(t *testing.T) {
	t.Parallel()
	x, areas := demoIndex(t)
	type plain struct {
		code  string
		lines [][][2]float64
	}
	var grids []plain
	for _, a := range areas {
		if a.Level == LevelGrid {
			var g struct{ Coordinates [][][2]float64 }
			require.NoError(t, json.Unmarshal(a.Polygon.s.geoJSON(), &g))
			grids = append(grids, plain{a.Code, g.Coordinates})
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	inside := 0
	for range samples(20_000) {
		p := Point{119.22 + 0.11*random.Float64(), 26.05 + 0.08*random.Float64()}
		want, border := "", false
		for _, g := range grids {
			in, near := reference(g.lines, p)
			border = border || near
			if in {
				require.True(t, want == "" || border, "two grids hold %v", p)
				want = g.code
			}
		}
		if border {
			continue
		}
		got, ok := x.Locate(p)
		require.Equal(t, want, got.GridCode, "%v", p)
		require.Equal(t, want != "", ok)
		if ok {
			inside++
		}
	}
	require.Greater(t, inside, samples(20_000)/5)
}

// 100,000 points, a third of them on vertices or anywhere along edges: one answer, the same on every repeat, after a restart and
// whatever the order in which the areas came, and never a gap inside the district. On borders the answer is the lowest of all the grids that hold the point.
func TestEveryPointHasOneGrid(t *testing.T) {
	t.Parallel()
	x, areas := demoIndex(t)
	again, err := NewIndex(shuffled(areas))
	require.NoError(t, err)
	d := newMapDistrict(t, DemoDistrict)
	d.load(shuffled(areas))
	restarted := d.index(time.Date(2026, 6, 8, 9, 0, 0, 0, time.UTC))
	var edges []edge
	for i, s := range x.shapes {
		if x.areas[i].Level == LevelGrid {
			edges = append(edges, s.edges()...)
		}
	}
	random := rand.New(rand.NewPCG(3, 4))
	for i := range samples(100_000) {
		p := Point{119.22 + 0.11*random.Float64(), 26.05 + 0.08*random.Float64()}
		e := edges[random.IntN(len(edges))]
		a, b := e.a.point(), e.b.point()
		switch i % 6 {
		case 0:
			p = a
		case 1:
			f := random.Float64()
			p = Point{a.Lon + f*(b.Lon-a.Lon), a.Lat + f*(b.Lat-a.Lat)}
		}
		place, ok := x.Locate(p)
		repeat, okAgain := again.Locate(p)
		require.Equal(t, place, repeat)
		require.Equal(t, ok, okAgain)
		stored, okStored := restarted.Locate(p)
		require.Equal(t, place, stored)
		require.Equal(t, ok, okStored)
		if at, trials := x.Explain(p); ok { // what explains it says the same
			require.Equal(t, snap(p).point(), at)
			first := slices.IndexFunc(trials, func(tr Trial) bool { return tr.Holds() })
			require.Equal(t, place.GridCode, trials[first].Code)
			require.True(t, trials[first].Decides)
			require.True(t, i%6 > 1 || trials[first].Lies == LiesOnEdge && trials[first].Metres < 0.02, "%+v", trials[first])
		}
		if i%6 > 1 {
			continue
		}
		require.True(t, ok, "a border point %v lies in no grid", p)
		for j, s := range x.shapes {
			if x.areas[j].Level == LevelGrid && s.holds(snap(p)) {
				require.Equal(t, x.areas[j].Code, place.GridCode, "not the lowest code at %v", p)
				break
			}
		}
	}
}

func shuffled(areas []Area) []Area {
	out := append([]Area(nil), areas...)
	rand.New(rand.NewPCG(5, 6)).Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// cityOf makes n by n unit grids with the given vertices each, wavy so that edges are slanted.
func cityOf(n, vertices int) []Area {
	const side = 20000
	corner := func(i, j int) vertex { return vertex{1190000000 + int32(i*side), 250000000 + int32(j*side)} }
	along := func(r ring, a, b vertex) ring {
		steps := int32(vertices / 4)
		for k := range steps {
			wave := int32(300 * math.Sin(float64(k)/float64(steps)*2*math.Pi))
			v := vertex{a.x + (b.x-a.x)*k/steps, a.y + (b.y-a.y)*k/steps}
			if a.x == b.x {
				v.x += wave * ((b.y - a.y) / side)
			} else {
				v.y += wave * ((b.x - a.x) / side)
			}
			r = append(r, v)
		}
		return r
	}
	areas := make([]Area, 0, n*n)
	for i := range n {
		for j := range n {
			var r ring
			r = along(r, corner(i, j), corner(i+1, j))
			r = along(r, corner(i+1, j), corner(i+1, j+1))
			r = along(r, corner(i+1, j+1), corner(i, j+1))
			r = along(r, corner(i, j+1), corner(i, j))
			at := i*n + j
			areas = append(areas, demoGridArea(fmt.Sprintf("350102%03d001%03d", at/999, at%999+1), r))
		}
	}
	return areas
}

// Not parallel: allocations are counted for the whole process.
func TestLocateAllocatesNothing(t *testing.T) {
	x, err := NewIndex(cityOf(20, 60))
	require.NoError(t, err)
	p := Point{119.0215, 25.0213}
	_, ok := x.Locate(p)
	require.True(t, ok)
	require.Zero(t, testing.AllocsPerRun(1000, func() { x.Locate(p) }))
}

func BenchmarkLocate30000(b *testing.B) {
	x, err := NewIndex(cityOf(173, 60))
	require.NoError(b, err)
	random := rand.New(rand.NewPCG(7, 8))
	points := make([]Point, 4096)
	for i := range points {
		points[i] = Point{119 + 0.34*random.Float64(), 25 + 0.34*random.Float64()}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		x.Locate(points[i%len(points)])
	}
}

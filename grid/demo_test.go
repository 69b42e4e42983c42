package grid

import (
	"encoding/csv"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// shared opens a file of the shared data folder beside the project, which its users do not have.
func shared(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("../../shared/data/" + name)
	if os.IsNotExist(err) {
		t.Skipf("shared data file %s is not here", name)
	}
	require.NoError(t, err)
	return data
}

func demoIndex(t testing.TB) (*Index, []Area) {
	t.Helper()
	areas, _, err := Demo()
	require.NoError(t, err)
	x, err := NewIndex(areas)
	require.NoError(t, err)
	return x, areas
}

func countLevel(areas []Area) map[string]int {
	counts := map[string]int{}
	for _, a := range areas {
		counts[a.Level]++
	}
	return counts
}

func TestDemoIsWholeAndValid(t *testing.T) {
	t.Parallel()
	areas, units, err := Demo()
	require.NoError(t, err)
	counts := countLevel(areas)
	require.Equal(t, 1, counts[LevelDistrict])
	require.Equal(t, 10, counts[LevelStreet])
	require.Equal(t, 69, counts[LevelCommunity])
	require.Greater(t, counts[LevelGrid], 700)

	bare := 0
	gridsOf := map[string]int{}
	for _, a := range areas {
		require.NoError(t, a.Validate(), a.Code)
		require.Equal(t, a.Level != LevelDistrict, a.Approx, a.Code)
		if a.Level == LevelCommunity && !a.Polygon.Known() {
			bare++
		}
		if a.Level == LevelGrid {
			gridsOf[a.Parent]++
		}
	}
	require.Equal(t, 22, bare)
	require.Len(t, gridsOf, 47)
	t.Logf("%d grids", counts[LevelGrid])

	kinds := map[string]int{}
	codes := map[string]bool{}
	for _, u := range units {
		require.NoError(t, u.Validate(), u.Code)
		require.False(t, codes[u.Code], u.Code)
		codes[u.Code] = true
		kinds[u.Kind]++
	}
	for _, u := range units {
		require.True(t, u.Parent == "" || codes[u.Parent], "%s hangs below %s", u.Code, u.Parent)
	}
	require.Equal(t, 10, kinds[UnitStreet])
	require.Equal(t, 69, kinds[UnitCommunity])
	require.Equal(t, 10, kinds[UnitCityDepartment])
	require.Equal(t, 86, kinds[UnitDepartment]+kinds[UnitUtility]+kinds[UnitProperty]+kinds[UnitNGO])
}

// The grids tile exactly when every directed edge inside has its reverse once: whatever has none is the
// outer border, and it must close around the same area.
func TestDemoGridsTileWithoutGapOrOverlap(t *testing.T) {
	t.Parallel()
	_, areas := demoIndex(t)
	seen := map[edge]bool{}
	var sum, districtArea int64
	for _, a := range areas {
		s := a.Polygon.s
		if a.Level == LevelDistrict {
			districtArea = s.polygons[0][0].twiceArea()
		}
		if a.Level != LevelGrid {
			continue
		}
		require.Len(t, s.polygons, 1)
		require.Len(t, s.polygons[0], 1, "a grid of the demo has no hole: %s", a.Code)
		area := s.polygons[0][0].twiceArea()
		require.Positive(t, area, a.Code)
		sum += area
		for _, e := range s.edges() {
			require.False(t, seen[e], "%s walks an edge of another grid the same way", a.Code)
			seen[e] = true
		}
	}
	next := map[vertex]vertex{}
	for e := range seen {
		if back := (edge{e.b, e.a}); !seen[back] {
			require.NotContains(t, next, e.a, "the border branches at %s", e.a)
			next[e.a] = e.b
		}
	}
	var border ring
	for v := range next { // any vertex will do as the start
		border = ring{v}
		break
	}
	for v := next[border[0]]; v != border[0] && len(border) <= len(next); v = next[v] {
		border = append(border, v)
	}
	require.Len(t, border, len(next), "one border without inner rings")
	require.Equal(t, sum, border.twiceArea(), "no overlap")
	require.InEpsilon(t, districtArea, sum, 1e-5, "the grids fill the district")
}

func TestDemoIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	a, _, err := Demo()
	require.NoError(t, err)
	b, _, err := Demo()
	require.NoError(t, err)
	require.Equal(t, a, b)
}

func TestDemoGridsAreNumberedFromNorthWest(t *testing.T) {
	t.Parallel()
	x, _ := demoIndex(t)
	grids := x.Children("350102002004")
	require.Greater(t, len(grids), 2)
	first, last := x.shapes[x.byCode[grids[0].Code]], x.shapes[x.byCode[grids[len(grids)-1].Code]]
	require.Greater(t, first.top.y, last.top.y)
	for i, g := range grids {
		n, err := strconv.Atoi(g.Code[12:])
		require.NoError(t, err)
		require.Equal(t, i+1, n)
	}
}

func TestEveryKnownStationLiesInAGrid(t *testing.T) {
	t.Parallel()
	rows, err := csv.NewReader(strings.NewReader(string(shared(t, "gulou_poi.csv")))).ReadAll()
	require.NoError(t, err)
	x, _ := demoIndex(t)
	col := func(name string) int { return slices.Index(rows[0], name) }
	number := func(row []string, name string) float64 {
		n, err := strconv.ParseFloat(row[col(name)], 64)
		require.NoError(t, err)
		return n
	}
	require.Len(t, rows, 60)
	for _, row := range rows[1:] {
		place, ok := x.Locate(Point{number(row, "wgs84_lng"), number(row, "wgs84_lat")})
		require.True(t, ok, row[0])
		require.Equal(t, row[col("street_approx")], place.StreetName, row[0])
		baidu, ok := x.Locate(ToWGS84(Point{number(row, "bd09_lng"), number(row, "bd09_lat")}, BD09))
		require.True(t, ok, row[0])
		require.Equal(t, place.DistrictCode, baidu.DistrictCode)
	}
}

func TestFixtureIsTheOneOfTheScenarios(t *testing.T) {
	t.Parallel()
	areas, units := Fixture()
	for _, a := range areas {
		require.NoError(t, a.Validate(), a.Code)
	}
	for _, u := range units {
		require.NoError(t, u.Validate(), u.Code)
	}
	require.Equal(t, map[string]int{LevelDistrict: 1, LevelStreet: 2, LevelCommunity: 3, LevelGrid: 3}, countLevel(areas))
	x, err := NewIndex(areas)
	require.NoError(t, err)

	place, ok := x.Locate(Point{119.3080, 26.0875})
	require.True(t, ok)
	require.Equal(t, Place{
		GridCode: "350102004001001", GridName: "军门社区001网格",
		CommunityCode: "350102004001", CommunityName: "军门社区",
		StreetCode: "350102004", StreetName: "东街街道",
		DistrictCode: "350102", DistrictName: "鼓楼区", LandUse: "道路", GridVersion: 1,
	}, place)

	for name, c := range map[string]struct {
		p    Point
		want string
	}{
		"edge between 军门 and its eastern neighbour": {Point{119.3100, 26.0875}, "350102004001001"},
		"edge between two streets":                  {Point{119.3080, 26.0890}, "350102003001001"},
		"corner of three grids":                     {Point{119.3100, 26.0890}, "350102003001001"},
		"outer border":                              {Point{119.3060, 26.0870}, "350102004001001"},
		"outer corner":                              {Point{119.3140, 26.0860}, "350102004002001"},
		"just outside":                              {Point{119.3120, 26.0891}, ""},
		"far outside":                               {Point{119.4000, 26.2000}, ""},
	} {
		for range 100 {
			got, ok := x.Locate(c.p)
			require.Equal(t, c.want, got.GridCode, name)
			require.Equal(t, c.want != "", ok, name)
		}
	}
}

func TestNeighbouringDistrictIsNamed(t *testing.T) {
	t.Parallel()
	areas, _ := Fixture()
	var d Directory
	_, ok := d.Index().Locate(Point{119.3080, 26.0875})
	require.False(t, ok, "before the first load nothing is known")
	require.NoError(t, d.Set(areas))
	code, name, ok := d.Index().LocateDistrict(Point{119.4000, 26.2000})
	require.True(t, ok)
	require.Equal(t, "350122", code)
	require.Equal(t, "连江县", name)
	_, _, ok = d.Index().LocateDistrict(Point{121.5, 31.2})
	require.False(t, ok)
}

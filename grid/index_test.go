package grid

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A slanted edge between two grids: points computed on it are off it by rounding and still belong to the lower code.
func TestSharedSlantedEdgeGoesToTheLowerCode(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := func(name string, low, high int32) int32 { return rapid.Int32Range(low, high).Draw(t, name) }
		a := vertex{1193000000 + at("ax", 0, 40000), 260800000 + at("ay", 0, 40000)}
		b := vertex{1193100000 + at("bx", 0, 40000), 260900000 + at("by", 0, 40000)}
		left := ring{a, b, {1192000000, 261500000}}
		right := ring{b, a, {1194000000, 259500000}}
		lower, upper := left, right
		if rapid.Bool().Draw(t, "swap") {
			lower, upper = right, left
		}
		x, err := NewIndex([]Area{
			demoGridArea("350102004001001", lower), demoGridArea("350102004001002", upper),
		})
		require.NoError(t, err)
		f := rapid.Float64Range(0, 1).Draw(t, "along")
		p, q := a.point(), b.point()
		place, ok := x.Locate(Point{p.Lon + f*(q.Lon-p.Lon), p.Lat + f*(q.Lat-p.Lat)})
		require.True(t, ok)
		require.Equal(t, "350102004001001", place.GridCode)
	})
}

func demoGridArea(code string, rings ...ring) Area {
	a := demoArea(LevelGrid, code, code, Polygon{newShape([][]ring{rings})})
	a.Kind = KindUnit
	return a
}

func polygonOf(t *testing.T, raw string) Polygon {
	t.Helper()
	p, err := ParsePolygon([]byte(raw), WGS84)
	require.NoError(t, err)
	return p
}

func TestHolesAndManyParts(t *testing.T) {
	t.Parallel()
	raw := `{"type":"MultiPolygon","coordinates":[
		[[[119,26],[119.1,26],[119.1,26.1],[119,26.1],[119,26]],[[119.04,26.04],[119.04,26.06],[119.06,26.06],[119.06,26.04],[119.04,26.04]]],
		[[[119.2,26],[119.3,26],[119.3,26.1],[119.2,26.1],[119.2,26]]]]}`
	outer := demoArea(LevelGrid, "350102004001002", "外", polygonOf(t, raw))
	outer.Kind = KindUnit
	inner := demoGridArea("350102004001003", ring{
		snap(Point{119.04, 26.04}), snap(Point{119.06, 26.04}), snap(Point{119.06, 26.06}), snap(Point{119.04, 26.06})})
	require.NoError(t, outer.Validate())
	x, err := NewIndex([]Area{inner, outer})
	require.NoError(t, err)
	for p, want := range map[Point]string{
		{119.01, 26.01}: outer.Code, {119.25, 26.05}: outer.Code, {119.05, 26.05}: inner.Code,
		{119.04, 26.05}: outer.Code, {119.15, 26.05}: "",
	} {
		got, _ := x.Locate(p)
		require.Equal(t, want, got.GridCode, "%v", p)
	}
	alone, err := NewIndex([]Area{outer})
	require.NoError(t, err)
	_, ok := alone.Locate(Point{119.05, 26.05})
	require.False(t, ok, "a hole is outside")
	require.Len(t, x.Neighbours(inner.Code), 1)
	require.Len(t, x.Children("350102004001"), 2)
}

func TestOnlyUnitGridsDecide(t *testing.T) {
	t.Parallel()
	areas, _ := Fixture()
	patrol := demoGridArea("350102004001000", ring{
		snap(Point{119.30, 26.08}), snap(Point{119.32, 26.08}), snap(Point{119.32, 26.10}), snap(Point{119.30, 26.10})})
	patrol.Kind = KindDuty
	x, err := NewIndex(append(areas, patrol))
	require.NoError(t, err)
	place, ok := x.Locate(Point{119.3080, 26.0875})
	require.True(t, ok)
	require.Equal(t, "350102004001001", place.GridCode)
	_, ok = x.Locate(Point{119.301, 26.081})
	require.False(t, ok)
	require.Nil(t, x.Neighbours(patrol.Code))
	require.Len(t, x.Neighbours("350102004001001"), 2)
}

func TestIndexRefusesBrokenAreas(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil   func(*Area)
		pointer string
	}{
		"level":     {func(a *Area) { a.Level = "village" }, "/level"},
		"length":    {func(a *Area) { a.Code = "35010200400" }, "/code"},
		"letters":   {func(a *Area) { a.Code = "35010200400100X" }, "/code"},
		"district":  {func(a *Area) { a.District = "350103" }, "/district"},
		"parent":    {func(a *Area) { a.Parent = "350102004001" }, "/parent"},
		"version":   {func(a *Area) { a.Version = 0 }, "/version"},
		"kind":      {func(a *Area) { a.Kind = "" }, "/kind"},
		"no ground": {func(a *Area) { a.Polygon = Polygon{} }, "/polygon"},
	} {
		areas, _ := Fixture()
		last := &areas[len(areas)-1]
		c.spoil(last)
		_, err := NewIndex(areas)
		require.Error(t, err, name)
		requireFault(t, err, "/areas/"+last.Code+c.pointer)
	}
	areas, _ := Fixture()
	_, err := NewIndex(append(areas, areas[3]))
	requireFault(t, err, "/areas/"+areas[3].Code+"/code")

	bow := demoArea(LevelStreet, "350102004", "结", polygonOf(t, `{"type":"Polygon","coordinates":[[[1,1],[2,2],[2,1],[1,2],[1,1]]]}`))
	requireFault(t, bow.Validate(), "/areas/350102004/polygon")
}

func TestAreaValidAt(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	to := from.AddDate(0, 6, 0)
	a := Area{ValidFrom: from, ValidTo: &to}
	require.True(t, a.ValidAt(from))
	require.True(t, a.ValidAt(to.Add(-1)))
	require.False(t, a.ValidAt(to))
	require.False(t, a.ValidAt(from.Add(-1)))
	a.ValidTo = nil
	require.True(t, a.ValidAt(to))
}

func TestGeoJSONOfALevel(t *testing.T) {
	t.Parallel()
	x, _ := demoIndex(t)
	body, etag, err := x.GeoJSON("350102", LevelCommunity, World)
	require.NoError(t, err)
	require.Regexp(t, `^"[0-9a-f]{32}"$`, etag)
	features, err := ReadFeatures(strings.NewReader(string(body)), "")
	require.NoError(t, err)
	require.Len(t, features, 69)
	require.Contains(t, string(body), ApproxNotice)

	box, err := ParseBox("119.29,26.08,119.30,26.09")
	require.NoError(t, err)
	part, other, err := x.GeoJSON("", LevelGrid, box)
	require.NoError(t, err)
	require.NotEqual(t, etag, other)
	some, err := ReadFeatures(strings.NewReader(string(part)), "")
	require.NoError(t, err)
	require.NotEmpty(t, some)
	require.Less(t, len(some), 100)

	none, _, err := x.GeoJSON("350103", LevelGrid, World)
	require.NoError(t, err)
	require.JSONEq(t, `{"type":"FeatureCollection","features":[]}`, string(none))
	_, _, err = x.GeoJSON("", "village", World)
	requireFault(t, err, "/level")
	for _, bad := range []string{"1,2,3", "a,b,c,d", "2,1,1,2", "1,1,2,NaN", "0,0,200,1", "1,2,3,4,5"} {
		_, err = ParseBox(bad)
		requireFault(t, err, "/bbox")
	}
	box, err = ParseBox("")
	require.NoError(t, err)
	require.Equal(t, World, box)
}

package grid

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"yixian/internal/fault"
)

const twoSquares = `{"type":"FeatureCollection","features":[
 {"type":"Feature","properties":{"code":"B2"},"geometry":{"type":"Polygon","coordinates":[[[119.31,26.08],[119.32,26.08],[119.32,26.09],[119.31,26.09],[119.31,26.08]]]}},
 {"type":"Feature","properties":{"code":"B1","name":"一","level":"street"},"geometry":{"type":"Polygon","coordinates":[[[119.30,26.08],[119.31,26.08],[119.31,26.09],[119.30,26.09],[119.30,26.08]]]}}]}`

func TestLocatorNeedsOnlyACode(t *testing.T) {
	t.Parallel()
	l, err := ReadLocator(strings.NewReader("\ufeff"+twoSquares), "")
	require.NoError(t, err)
	for p, want := range map[Point]string{
		{119.305, 26.085}: "B1", {119.315, 26.085}: "B2", {119.31, 26.085}: "B1", {119.31, 26.09}: "B1",
		{119.32, 26.08}: "B2", {119.33, 26.08}: "", {119.305 + 1000, 26.085}: "",
	} {
		code, ok := l.Locate(p)
		require.Equal(t, want, code)
		require.Equal(t, want != "", ok)
	}
}

func TestLocatorPrefersTheNarrowestPart(t *testing.T) {
	t.Parallel()
	square := func(code string, west, east float64) string {
		return fmt.Sprintf(`{"type":"Feature","properties":{"code":%s},"geometry":{"type":"Polygon","coordinates":[[[%[2]v,26],[%[3]v,26],[%[3]v,27],[%[2]v,27],[%[2]v,26]]]}}`, code, west, east)
	}
	file := `{"type":"FeatureCollection","features":[` + strings.Join([]string{
		square(`350102`, 119, 121), square(`"350102002"`, 120, 121), square(`"350102001"`, 119, 120),
	}, ",") + `]}`
	l, err := ReadLocator(strings.NewReader(file), "")
	require.NoError(t, err)
	for lon, want := range map[float64]string{119.5: "350102001", 120: "350102001", 120.5: "350102002"} {
		code, _ := l.Locate(Point{lon, 26.5})
		require.Equal(t, want, code)
	}
}

// The same ground given in GCJ-02 answers for the same place: the file's datum is honoured.
func TestFileDatumIsConverted(t *testing.T) {
	t.Parallel()
	gcj := strings.Replace(twoSquares, `{"type"`, `{"datum":"GCJ02","type"`, 1)
	l, err := ReadLocator(strings.NewReader(gcj), "")
	require.NoError(t, err)
	code, _ := l.Locate(ToWGS84(Point{119.3101, 26.085}, GCJ02))
	require.Equal(t, "B2", code)
	code, _ = l.Locate(Point{119.319, 26.085})
	require.Empty(t, code, "600 m further east the squares have ended")

	_, err = ReadFeatures(strings.NewReader(gcj), WGS84)
	requireFault(t, err, "/datum")
	for name, want := range map[string]bool{
		"urn:ogc:def:crs:OGC:1.3:CRS84": true, "urn:ogc:def:crs:EPSG::4490": true, "EPSG:4326": true, "urn:ogc:def:crs:EPSG::4549": false,
	} {
		_, err := ReadFeatures(strings.NewReader(strings.Replace(twoSquares, `{"type"`,
			`{"crs":{"type":"name","properties":{"name":"`+name+`"}},"type"`, 1)), "")
		require.Equal(t, want, err == nil, name)
	}
}

func TestReaderRefusals(t *testing.T) {
	t.Parallel()
	const geometry = "/features/0/geometry"
	one := func(geometry string) string {
		return `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"1"},"geometry":` + geometry + `}]}`
	}
	polygon := func(coordinates string) string { return one(`{"type":"Polygon","coordinates":` + coordinates + `}`) }
	for file, pointer := range map[string]string{
		"":                                               "",
		"GIF89a":                                         "",
		`[]`:                                             "",
		`{"type":"Feature"}`:                             "/type",
		one(`{"type":"Point"}`):                          geometry + "/type",
		polygon(`[]`):                                    geometry + "/coordinates",
		polygon(`[[[1,1],[2,2],[1,1]]]`):                 geometry + "/coordinates/0",
		polygon(`[[[1,1],[2,1],[2,2],[1,2]]]`):           geometry + "/coordinates/0/3",
		polygon(`[[[1,1],[2,1],[200,2],[1,1]]]`):         geometry + "/coordinates/0/2",
		polygon(`[[[1,1],[2,1],[2,95],[1,1]]]`):          geometry + "/coordinates/0/2",
		polygon(`[[[1,1],[2],[2,2],[1,1]]]`):             geometry + "/coordinates/0/1",
		polygon(`[[[1,1],[2,null],[2,2],[1,1]]]`):        geometry + "/coordinates",
		polygon(`[[[1,1],["2",1],[2,2],[1,1]]]`):         geometry + "/coordinates",
		polygon(`[[[1,1],[1e999,1],[2,2],[1,1]]]`):       geometry + "/coordinates",
		polygon(`[[[1,1],[1,1],[1,1],[1,1]]]`):           geometry + "/coordinates/0",
		polygon(`[[[-170,1],[170,1],[170,2],[-170,1]]]`): geometry + "/coordinates",
		one(`{"type":"MultiPolygon","coordinates":[[[[1,1],[2,2],[1,1]]]]}`): geometry + "/coordinates/0/0",
		one(`{"type":"MultiPolygon","coordinates":[]}`):                      geometry + "/coordinates",
		strings.ReplaceAll(twoSquares, "B2", "B1"):                           "/features/1/properties/code",
		strings.ReplaceAll(twoSquares, `"code":"B2"`, `"id":"B2"`):           "/features/0/properties/code",
	} {
		_, err := ReadFeatures(strings.NewReader(file), "")
		requireFault(t, err, pointer)
	}
}

// spaces is an endless file of blanks.
type spaces struct{}

func (spaces) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

func TestReaderStopsAtItsLimit(t *testing.T) {
	t.Parallel()
	_, err := ReadFeatures(io.MultiReader(strings.NewReader("{"), spaces{}), "")
	require.True(t, fault.Is(err, "TOO_LARGE"), "%v", err)
}

// Whatever the bytes: a fault or features that can be written, read again and give the same ground.
func FuzzReadFeatures(f *testing.F) {
	f.Add([]byte(twoSquares))
	f.Add([]byte(`{"type":"FeatureCollection","features":[{"properties":{"code":7},"geometry":null}]}`))
	f.Add([]byte(`{"type":"FeatureCollection","datum":"BD09","features":[{"properties":{"code":"x"},"geometry":{"type":"MultiPolygon","coordinates":[[[[119,26],[120,26],[120,27],[119,26]],[[119.5,26.1],[119.6,26.1],[119.6,26.2],[119.5,26.1]]]]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		features, err := ReadFeatures(strings.NewReader(string(data)), "")
		if err != nil {
			_, ok := fault.As(err)
			require.True(t, ok, "not a fault: %v", err)
			return
		}
		for _, feature := range features {
			s := feature.Polygon.s
			require.True(t, json.Valid(s.geoJSON()))
			again, err := parseGeometry(s.geoJSON(), WGS84)
			require.NoError(t, err)
			require.Equal(t, string(again.geoJSON()), string(s.geoJSON()))
			if s != nil {
				stored, err := readTWKB(s.twkb())
				require.NoError(t, err)
				require.True(t, Polygon{s}.Equal(Polygon{stored}))
			}
			s.crossing()
			if s != nil {
				require.True(t, s.holds(s.polygons[0][0][0]), "a vertex belongs to its polygon")
			}
		}
	})
}

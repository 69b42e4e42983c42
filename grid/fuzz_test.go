package grid

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"yixian/internal/fault"
)

// Whatever a map file holds: it is refused by a code and a place, or what comes of it is a map in which every corner of every unit
// grid lies in a grid.
func FuzzImport(f *testing.F) {
	street, part, g1, g2 := `{"properties":{"code":"350102004","name":"街"},"geometry":null}`, `{"properties":{"code":"350102004001","name":"社区"},"geometry":null}`, feature("350102004001001", box(0, 0, 1000, 1000)), feature("350102004001002", box(1000, 0, 2000, 1000))
	for _, s := range []string{
		twoSquares, collection(street, part, g1, g2), collection(street, part, g1, feature("350102004001002", box(990, 0, 2000, 1000))), collection(g1),
		`{"type":"FeatureCollection","datum":"GCJ02","features":[` + street + "," + part + "," + g1 + `]}`,
		`{"type":"FeatureCollection","crs":{"properties":{"name":"urn:ogc:def:crs:EPSG::4490"}},"features":[]}`,
		`{"type":"FeatureCollection","features":[{"properties":{"code":350102004001001},"geometry":{"type":"MultiPolygon","coordinates":[[[[119,26],[120,26],[120,27],[119,26]],[[119.5,26.1],[119.6,26.1],[119.6,26.2],[119.5,26.1]]]]}}]}`,
		`{"type":"FeatureCollection","features":[{"properties":{"code":"350102004001001","name":"蝴蝶"},"geometry":{"type":"Polygon","coordinates":[[[119,26],[120,27],[120,26],[119,27],[119,26]]]}}]}`,
		`{"type":"FeatureCollection","features":[{"properties":{"code":"350102004001001","name":"反"},"geometry":{"type":"Polygon","coordinates":[[[26,119],[26,120],[27,120],[26,119]]]}}]}`,
		`{"type":"FeatureCollection","features":[{"geometry":{"coordinates":[[[]]]}}]}`, `{"features":[{"geometry":{"coordinates":[1,2]}}]}`, "\ufeff{}", "PK\x03\x04", "[", `{"type":1}`, "\xff",
	} {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, file string, repair bool) {
		b := &batch{found: newFindings(repair, nil), district: DemoDistrict, byCode: map[string]*candidate{}}
		if err := b.read(strings.NewReader(file), ""); err != nil {
			e, ok := fault.As(err)
			require.True(t, ok, "no fault: %v", err)
			require.True(t, e.Status >= 400 && e.Status < 500 && e.Code != "", "%+v", e)
			return
		}
		c := &change{district: DemoDistrict, latest: map[string]int{}, effective: time.Date(2026, 6, 8, 0, 0, 0, 0, time.UTC)}
		b.check(c)
		for _, x := range b.found.sorted() {
			require.True(t, x.Code != "" && (x.Feature < 0 || strings.HasPrefix(x.Pointer, "/")) && x.Detail != "", "%+v", x)
		}
		if b.found.blocking > 0 {
			return
		}
		b.plan(c, &Report{})
		x, err := NewIndex(c.begin)
		require.NoError(t, err)
		for i := range c.begin {
			a := &c.begin[i]
			if a.Level != LevelGrid || a.Kind != KindUnit {
				continue
			}
			for _, e := range a.Polygon.s.edges() {
				for _, v := range []vertex{e.a, {e.a.x + (e.b.x-e.a.x)/2, e.a.y + (e.b.y-e.a.y)/2}} {
					if !a.Polygon.s.holds(v) {
						continue // the middle was rounded off the edge
					}
					place, ok := x.Locate(v.point())
					require.True(t, ok, "%s at %s", a.Code, v)
					require.LessOrEqual(t, place.GridCode, a.Code)
				}
			}
		}
	})
}

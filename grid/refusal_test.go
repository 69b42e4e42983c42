package grid

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"yixian/internal/fault"
)

// square writes one feature: corners in hundred-thousandths of a degree from 119.30, 26.08.
func feature(code string, rings ...[]int) string {
	var lines []string
	for _, r := range rings {
		var corners []string
		for i := 0; i < len(r); i += 2 {
			corners = append(corners, fmt.Sprintf("[%.5f,%.5f]", 119.30+float64(r[i])/1e5, 26.08+float64(r[i+1])/1e5))
		}
		lines = append(lines, "["+strings.Join(corners, ",")+"]")
	}
	return fmt.Sprintf(`{"type":"Feature","properties":{"code":%q,"name":"网格"},"geometry":{"type":"Polygon","coordinates":[%s]}}`, code, strings.Join(lines, ","))
}

func collection(features ...string) string {
	return `{"type":"FeatureCollection","features":[` + strings.Join(features, ",") + `]}`
}

// gulou is a district with a community and two grids in force: 1 | 2, each 1 km wide.
func gulou(t *testing.T) *mapDistrict {
	t.Helper()
	d := newMapDistrict(t, "350102")
	d.load([]Area{demoArea(LevelDistrict, "350102", "鼓楼区", Polygon{}), demoArea(LevelStreet, "350102004", "东街街道", Polygon{}), demoArea(LevelCommunity, "350102004001", "军门社区", Polygon{})})
	d.taken(collection(feature(g1, box(0, 0, 1000, 1000)), feature(g2, box(1000, 0, 2000, 1000))), Import{})
	return d
}

const (
	g1 = "350102004001001"
	g2 = "350102004001002"
	g3 = "350102004001003"
	g4 = "350102004001004"
)

func box(w, s, e, n int) []int  { return []int{w, s, e, s, e, n, w, n, w, s} }
func hole(w, s, e, n int) []int { return []int{w, s, w, n, e, n, e, s, w, s} }

// Every kind of fault is named by its code, its feature and its place, refuses the whole file, and is mended or accepted
// only where that is safe.
func TestImportFindings(t *testing.T) {
	t.Parallel()
	d := gulou(t)
	east := box(2000, 0, 3000, 1000)
	for name, c := range map[string]struct {
		file, code, pointer string
		lon, lat            float64 // 0: not asked
		repaired, accepted  bool
	}{
		"open ring":             {collection(feature(g3, east[:8])), FindRingOpen, "/features/0/geometry/coordinates/0/3", 119.32, 26.09, true, false},
		"turns clockwise":       {collection(feature(g3, hole(2000, 0, 3000, 1000))), FindRingTurn, "/features/0/geometry/coordinates/0", 119.32, 26.08, true, false},
		"hole turns wrongly":    {collection(feature(g3, east, box(2400, 400, 2600, 600)), feature(g4, box(2400, 400, 2600, 600))), FindRingTurn, "/features/0/geometry/coordinates/1", 119.324, 26.084, true, false},
		"corner twice":          {collection(feature(g3, []int{2000, 0, 3000, 0, 3000, 0, 3000, 1000, 2000, 1000, 2000, 0})), FindDuplicate, "/features/0/geometry/coordinates/0/2", 119.33, 26.08, true, false},
		"spike":                 {collection(feature(g3, []int{2000, 0, 3000, 0, 3000, 500, 3500, 500, 3000, 500, 3000, 1000, 2000, 1000, 2000, 0})), FindSpike, "/features/0/geometry/coordinates/0", 119.335, 26.085, true, false},
		"two corners":           {collection(feature(g3, []int{2000, 0, 3000, 0, 2000, 0})), FindRingShort, "/features/0/geometry/coordinates/0", 0, 0, false, false},
		"flat":                  {collection(feature(g3, []int{2000, 0, 2500, 0, 3000, 0, 2000, 0})), FindRingShort, "/features/0/geometry/coordinates/0", 0, 0, false, false},
		"bow":                   {collection(feature(g3, []int{2000, 0, 3000, 1000, 3000, 0, 2000, 900, 2000, 0})), FindCrossing, "/features/0/geometry/coordinates", 0, 0, false, false},
		"pinched":               {collection(feature(g3, []int{2000, 0, 3000, 0, 3000, 1000, 2500, 0, 2000, 1000, 2000, 0})), FindTouch, "/features/0/geometry/coordinates", 0, 0, false, false},
		"hole outside":          {collection(feature(g3, east, hole(4000, 0, 4100, 100))), FindHoleOutside, "/features/0/geometry/coordinates", 119.34, 26.08, false, false},
		"hole across":           {collection(feature(g3, east, hole(2900, 400, 3100, 600))), FindCrossing, "/features/0/geometry/coordinates", 0, 0, false, false},
		"hole in a hole":        {collection(feature(g3, east, hole(2200, 200, 2800, 800), hole(2400, 400, 2600, 600))), FindHoleOutside, "/features/0/geometry/coordinates", 119.324, 26.084, false, false},
		"holes cut it in two":   {collection(feature(g3, east, []int{2000, 0, 2000, 500, 2500, 500, 2000, 0}, []int{2500, 500, 3000, 500, 3000, 1000, 2500, 500})), FindCrossing, "/features/0/geometry/coordinates", 0, 0, false, false},
		"no ground":             {collection(`{"properties":{"code":"` + g3 + `","name":"x"},"geometry":null}`), FindNoGround, "/features/0/geometry", 0, 0, false, false},
		"latitude first":        {collection(`{"properties":{"code":"` + g3 + `","name":"x"},"geometry":{"type":"Polygon","coordinates":[[[26.08,119.32],[26.09,119.32],[26.09,119.33],[26.08,119.32]]]}}`), FindSwapped, "/features/0/geometry/coordinates/0/0", 0, 0, false, false},
		"metres":                {collection(`{"properties":{"code":"` + g3 + `","name":"x"},"geometry":{"type":"Polygon","coordinates":[[[430812,2886012],[430912,2886012],[430912,2886112],[430812,2886012]]]}}`), FindCoordinate, "/features/0/geometry/coordinates/0/0", 0, 0, false, false},
		"a point":               {collection(`{"properties":{"code":"` + g3 + `","name":"x"},"geometry":{"type":"Point","coordinates":[119.3,26.08]}}`), FindGeometry, "/features/0/geometry/type", 0, 0, false, false},
		"code of 14 digits":     {collection(feature("35010200400100", east)), FindCode, "/features/0/properties/code", 0, 0, false, false},
		"code of letters":       {collection(feature("35010200400100x", east)), FindCode, "/features/0/properties/code", 0, 0, false, false},
		"code of zeros":         {collection(feature("350102004001000", east)), FindCode, "/features/0/properties/code", 0, 0, false, false},
		"code and level differ": {strings.Replace(collection(feature(g3, east)), `"name"`, `"level":"street","name"`, 1), FindCode, "/features/0/properties/code", 0, 0, false, false},
		"code twice":            {collection(feature(g3, east), feature(g3, box(3000, 0, 4000, 1000))), FindCodeTwice, "/features/1/properties/code", 0, 0, false, false},
		"another district":      {collection(feature("350103004001003", east)), FindForeign, "/features/0/properties/code", 0, 0, false, false},
		"kind":                  {strings.Replace(collection(feature(g3, east)), `"name"`, `"kind":"big","name"`, 1), FindKind, "/features/0/properties/kind", 0, 0, false, false},
		"no name":               {strings.Replace(collection(feature(g3, east)), `"name":"网格"`, `"name":" "`, 1), FindName, "/features/0/properties/name", 0, 0, false, false},
		"no parent":             {collection(feature("350102004002001", east)), FindParent, "/features/0/properties/code", 0, 0, false, false},
		"overlap in the file":   {collection(feature(g3, east), feature(g4, box(2900, 0, 4000, 1000))), FindOverlap, "/features/0/geometry/coordinates", 119.329, 26.08, false, true},
		"overlap with the map":  {collection(feature(g3, box(1900, 0, 3000, 1000))), FindOverlap, "/features/0/geometry/coordinates", 119.32, 26.08, false, true},
		"the same ground twice": {collection(feature(g3, east), feature(g4, east)), FindOverlap, "/features/0/geometry/coordinates", 0, 0, false, true},
		"within another":        {collection(feature(g3, east), feature(g4, box(2200, 200, 2800, 800))), FindOverlap, "/features/0/geometry/coordinates", 0, 0, false, true},
		"sliver of a gap":       {collection(feature(g3, east), strings.ReplaceAll(feature(g4, box(3000, 0, 4000, 1000)), "119.33000", "119.3300010")), FindSliver, "/features/0/geometry/coordinates", 119.33, 26.085, true, true},
		"gap enclosed":          {collection(feature(g3, east, hole(2400, 400, 2600, 600))), FindGap, "/features/0/geometry/coordinates", 0, 0, false, true},
		"ground given up":       {collection(feature(g2, box(1000, 0, 1500, 1000))), FindGap, "/features/0/geometry/coordinates", 0, 0, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			before := d.rows()
			trial, err := d.imports(c.file, Import{DryRun: true})
			require.NoError(t, err)
			at := slices.IndexFunc(trial.Findings, func(f Finding) bool { return f.Code == c.code && f.blocks() })
			require.GreaterOrEqual(t, at, 0, "%+v", trial.Findings)
			f := trial.Findings[at]
			require.True(t, trial.Refused)
			if c.pointer != "" {
				require.Equal(t, c.pointer, f.Pointer)
			}
			require.Contains(t, f.Detail, fmt.Sprintf("第 %d 个要素", f.Feature+1))
			if c.lon != 0 {
				require.InDelta(t, c.lon, *f.Lon, 6e-3)
				require.InDelta(t, c.lat, *f.Lat, 6e-3)
			}
			_, err = d.imports(c.file, Import{})
			require.True(t, fault.Is(err, "MAP_REFUSED"), "%v", err)
			require.Equal(t, before, d.rows(), "nothing is half imported")

			mended, err := d.imports(c.file, Import{DryRun: true, Repair: true})
			require.NoError(t, err)
			require.Equal(t, c.repaired, !mended.Refused, "%+v", mended.Findings)
			if c.accepted {
				knowingly, err := d.imports(c.file, Import{DryRun: true, Accept: []string{c.code}})
				require.NoError(t, err)
				require.False(t, knowingly.Refused, "%+v", knowingly.Findings)
			} else {
				_, err := d.imports(c.file, Import{DryRun: true, Accept: []string{c.code}})
				require.Equal(t, "/accept", pointerOf(err))
			}
		})
	}
}

func pointerOf(err error) string {
	if e, ok := fault.As(err); ok && len(e.Fields) > 0 {
		return e.Fields[0].Pointer
	}
	return ""
}

// Gaps and overlaps of decimetres between areas drawn separately are closed by a repair, and the ground is complete afterwards.
func TestRepairClosesSlivers(t *testing.T) {
	t.Parallel()
	d := gulou(t)
	random := rand.New(rand.NewPCG(5, 6))
	wobble := func(file string) string { // every corner moves by up to 20 cm
		var doc map[string]any
		require.NoError(t, json.Unmarshal([]byte(file), &doc))
		for _, f := range doc["features"].([]any) {
			for _, r := range f.(map[string]any)["geometry"].(map[string]any)["coordinates"].([]any) {
				line := r.([]any)
				for i := range line[:len(line)-1] {
					p := line[i].([]any)
					p[0], p[1] = p[0].(float64)+(random.Float64()-0.5)*2e-6, p[1].(float64)+(random.Float64()-0.5)*2e-6
				}
				line[len(line)-1] = line[0]
			}
		}
		raw, err := json.Marshal(doc)
		require.NoError(t, err)
		return string(raw)
	}
	file := wobble(collection(feature(g3, box(2000, 0, 3000, 500)), feature(g4, box(2000, 500, 3000, 1000)), feature("350102004001005", box(3000, 0, 4000, 1000))))
	_, err := d.imports(file, Import{})
	require.True(t, fault.Is(err, "MAP_REFUSED"))
	r := d.taken(file, Import{Repair: true})
	require.Positive(t, r.Counts[FindSliver])
	for _, f := range r.Findings {
		require.False(t, f.blocks(), "%+v", f)
	}
	x := d.index(time.Now())
	for range 5_000 {
		p := Point{119.30 + 0.0001 + random.Float64()*0.0398, 26.08 + 0.0001 + random.Float64()*0.0098}
		_, ok := x.Locate(p)
		require.True(t, ok, "%v lies in no grid", p)
	}
	for _, p := range []Point{{119.32, 26.085}, {119.33, 26.085}, {119.325, 26.085}} { // around the seams, centimetre by centimetre
		for i := -60; i <= 60; i++ {
			for _, q := range []Point{{p.Lon + float64(i)*1e-7, p.Lat}, {p.Lon, p.Lat + float64(i)*1e-7}} {
				_, ok := x.Locate(q)
				require.True(t, ok, "%v lies in no grid", q)
			}
		}
	}
}

// What is no map at all is refused in a sentence, and within bounds.
func TestImportOfAnythingElse(t *testing.T) {
	t.Parallel()
	d := gulou(t)
	before := d.rows()
	good := collection(feature(g3, box(2000, 0, 3000, 1000)))
	for name, c := range map[string][2]string{
		"empty":            {"", "NOT_GEOJSON"},
		"picture":          {"GIF89a", "NOT_GEOJSON"},
		"cut":              {good[:len(good)-20], "NOT_GEOJSON"},
		"twice":            {good + good, "NOT_GEOJSON"},
		"feature":          {`{"type":"Feature"}`, "NOT_GEOJSON"},
		"zip":              {"PK\x03\x04........", "ENCODING"},
		"gzip":             {"\x1f\x8b........", "ENCODING"},
		"utf-16":           {"\xff\xfe{\x00", "ENCODING"},
		"gbk":              {strings.Replace(good, "网格", "\xcd\xf8\xb8\xf1", 1), "ENCODING"},
		"deep":             {`{"x":` + strings.Repeat("[", 1_000_000), "TOO_DEEP"},
		"deep coordinates": {`{"features":[{"geometry":{"coordinates":` + strings.Repeat("[", 100), "COORDINATES"},
		"long text":        {`{"x":"` + strings.Repeat("x", 3<<20), "TOO_LARGE"},
		"null corner":      {strings.Replace(good, "[119.32000,", "[null,", 1), "COORDINATES"},
		"text corner":      {strings.Replace(good, "[119.32000,", `["119",`, 1), "COORDINATES"},
		"one number":       {strings.Replace(good, "[119.32000,26.08000]", `[119.32]`, 1), "COORDINATES"},
		"endless number":   {strings.Replace(good, "119.32000", `1e999`, 1), "COORDINATES"},
		"late datum":       {strings.TrimSuffix(good, "}") + `,"datum":"GCJ02"}`, "NOT_GEOJSON"},
		"foreign datum":    {strings.Replace(good, `{"type"`, `{"crs":{"properties":{"name":"urn:ogc:def:crs:EPSG::4549"}},"type"`, 1), "INVALID"},
	} {
		_, err := d.imports(c[0], Import{})
		require.True(t, fault.Is(err, c[1]), "%s: %v", name, err)
	}
	require.Equal(t, before, d.rows())
}

// Real street polygons of a big city: exact in the file, still exact after they went through GCJ-02 and back.
func TestImportOfRealStreets(t *testing.T) {
	t.Parallel()
	raw := shared(t, "shenzhen_streets.geojson")
	var doc map[string]any
	require.NoError(t, json.Unmarshal(raw, &doc))
	for i, f := range doc["features"].([]any) {
		f.(map[string]any)["properties"] = map[string]any{"code": fmt.Sprintf("350199%03d", i+1), "name": fmt.Sprint("街道", i+1)}
	}
	raw, err := json.Marshal(doc)
	require.NoError(t, err)
	d := newMapDistrict(t, "350199")
	d.load([]Area{demoArea(LevelDistrict, "350199", "示例区", Polygon{})})
	r, err := d.imports(string(raw), Import{DryRun: true})
	require.NoError(t, err)
	require.Equal(t, 74, r.Added)
	require.True(t, r.Refused, "the file's decimals leave strips of centimetres")
	require.Positive(t, r.Counts[FindSliver])
	require.Equal(t, 2, r.Counts[FindGap], "56 and 284 square metres that no street has")
	mended := d.taken(string(raw), Import{Repair: true, Accept: []string{FindGap, FindSliver}})
	closed, left := 0, 0
	for _, f := range mended.Findings {
		switch {
		case f.Code == FindSliver && f.Repaired:
			closed++
		case f.Code == FindSliver:
			left++
		}
	}
	require.Greater(t, closed, 10)
	require.LessOrEqual(t, left, 3, "what no safe move of a corner closes is left to a person")
	// What was drawn stays drawn: no street changes by more than a few square metres.
	x := d.index(time.Now())
	features, err := ReadFeatures(bytes.NewReader(raw), "")
	require.NoError(t, err)
	for _, f := range features {
		now, ok := x.ByCode(f.Code)
		require.True(t, ok)
		require.InDelta(t, f.Polygon.SquareMetres(), now.Polygon.SquareMetres(), 100, f.Code)
	}
}

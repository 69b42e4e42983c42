package grid

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"yixian/internal/fault"
)

type pair [2]float64

func (p pair) point() Point { return Point{p[0], p[1]} }

func near(t testing.TB, want, got Point, metres float64, what string) {
	t.Helper()
	require.LessOrEqual(t, Distance(want, got), metres, "%s: want %v, got %v", what, want, got)
}

func TestDatumVectors(t *testing.T) {
	t.Parallel()
	type city struct {
		Name  string
		WGS84 pair
		GCJ02 pair
		BD09  pair
	}
	var v struct {
		Tolerance map[string]float64 `json:"tolerance_m"`
		Cities    []city
		Evil      []city `json:"eviltransform_wgs_to_gcj"`
		Coord     []struct {
			From, To Datum
			In, Out  pair
		} `json:"coordtransform"`
		Outside  []pair `json:"outside_china_identity"`
		Distance []struct {
			A, B   pair
			Metres float64
		} `json:"distance_m"`
		Fuzhou []struct {
			city
			Shift float64 `json:"shift_m_wgs_gcj"`
		} `json:"fuzhou_computed"`
	}
	require.NoError(t, json.Unmarshal(shared(t, "coord_vectors.json"), &v))
	require.Greater(t, len(v.Cities), 600)
	forth, back := v.Tolerance["WGS84->GCJ02"], v.Tolerance["GCJ02->WGS84 (iterative)"]
	toBD, fromBD := v.Tolerance["GCJ02->BD09"], v.Tolerance["BD09->GCJ02"]
	for _, c := range v.Cities {
		near(t, c.GCJ02.point(), FromWGS84(c.WGS84.point(), GCJ02), forth, c.Name+" WGS84→GCJ02")
		near(t, c.WGS84.point(), ToWGS84(c.GCJ02.point(), GCJ02), back, c.Name+" GCJ02→WGS84")
		near(t, c.BD09.point(), gcjToBD(c.GCJ02.point()), toBD, c.Name+" GCJ02→BD09")
		near(t, c.GCJ02.point(), invert(c.BD09.point(), gcjToBD), fromBD, c.Name+" BD09→GCJ02")
		near(t, c.BD09.point(), FromWGS84(c.WGS84.point(), BD09), forth+toBD, c.Name+" WGS84→BD09")
		near(t, c.WGS84.point(), ToWGS84(c.BD09.point(), BD09), back+fromBD, c.Name+" BD09→WGS84")
	}
	for _, c := range v.Evil {
		near(t, c.GCJ02.point(), FromWGS84(c.WGS84.point(), GCJ02), 0.01, "eviltransform")
	}
	for _, c := range v.Coord {
		// Through WGS-84: its round trip is exact to far less than the tolerance.
		near(t, c.Out.point(), FromWGS84(ToWGS84(c.In.point(), c.From), c.To), 1, string(c.From+"→"+c.To))
	}
	for _, p := range v.Outside {
		for _, d := range []Datum{WGS84, GCJ02, BD09} {
			require.Equal(t, p.point(), FromWGS84(p.point(), d))
			require.Equal(t, p.point(), ToWGS84(p.point(), d))
		}
	}
	for _, c := range v.Distance {
		require.InEpsilon(t, c.Metres, Distance(c.A.point(), c.B.point()), 0.002)
	}
	for _, c := range v.Fuzhou {
		gcj := FromWGS84(c.WGS84.point(), GCJ02)
		near(t, c.GCJ02.point(), gcj, 0.01, c.Name)
		near(t, c.BD09.point(), FromWGS84(c.WGS84.point(), BD09), 0.01, c.Name)
		require.InDelta(t, c.Shift, Distance(c.WGS84.point(), gcj), 1, c.Name)
	}
}

// The law: there and back is the same point to a millimetre, everywhere in China.
func TestDatumRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := Point{rapid.Float64Range(73, 137).Draw(t, "lon"), rapid.Float64Range(1.5, 55).Draw(t, "lat")}
		d := rapid.SampledFrom([]Datum{WGS84, GCJ02, BD09}).Draw(t, "datum")
		if got := Distance(p, ToWGS84(FromWGS84(p, d), d)); got > 0.001 {
			t.Fatalf("%v by %s comes back %g m away", p, d, got)
		}
	})
}

func TestParseDatum(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Datum{
		"WGS84": WGS84, "wgs-84": WGS84, "EPSG:4490": WGS84, "CGCS2000": WGS84, "EPSG:4326": WGS84,
		"gcj02": GCJ02, "GCJ-02": GCJ02, " BD09 ": BD09,
	} {
		got, err := ParseDatum(name)
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
	for _, name := range []string{"", "  ", "WGS", "BEIJING54", "EPSG:4549"} {
		_, err := ParseDatum(name)
		requireFault(t, err, "/point/datum")
	}
}

func TestPointValidate(t *testing.T) {
	t.Parallel()
	for _, p := range []Point{{0, 0}, {180, 90}, {-180, -90}, {119.3, 26.08}} {
		require.NoError(t, p.Validate())
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 180.0001, -181} {
		requireFault(t, Point{bad, 0}.Validate(), "/point/lon")
		requireFault(t, Point{0, bad}.Validate(), "/point/lat")
	}
}

// requireFault wants a fault that names one field.
func requireFault(t testing.TB, err error, pointer string) {
	t.Helper()
	f, ok := fault.As(err)
	require.True(t, ok, "not a fault: %v", err)
	require.Len(t, f.Fields, 1)
	require.Equal(t, pointer, f.Fields[0].Pointer, f.Fields[0].Detail)
	require.NotEmpty(t, f.Fields[0].Detail)
}

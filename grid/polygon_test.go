package grid

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/peterstace/simplefeatures/geom"
	"github.com/stretchr/testify/require"
)

// What the migration wrote as WKB and what is written as TWKB are the same ground, and the library reads both alike.
func TestStoredGround(t *testing.T) {
	t.Parallel()
	raw := `{"type":"MultiPolygon","coordinates":[
		[[[119,26],[119.1,26],[119.1,26.1],[119,26.1],[119,26]],[[119.04,26.04],[119.04,26.06],[119.06,26.06],[119.06,26.04],[119.04,26.04]]],
		[[[-0.2,-26],[0.3,-26],[0.3000001,26.1],[-0.2,26.1],[-0.2,-26]]]]}`
	want := polygonOf(t, raw)
	lib, err := geom.UnmarshalGeoJSON([]byte(raw))
	require.NoError(t, err)
	wkb := lib.AsBinary()
	var got Polygon
	require.NoError(t, got.Scan(wkb))
	require.True(t, want.Equal(got))
	for cut := range wkb {
		require.Error(t, new(Polygon).Scan(wkb[:cut]))
	}
	value, err := want.Value()
	require.NoError(t, err)
	twkb := value.([]byte)
	require.NoError(t, got.Scan(twkb))
	require.True(t, want.Equal(got))
	read, err := geom.UnmarshalTWKB(twkb)
	require.NoError(t, err)
	require.Equal(t, lib.Envelope(), read.Envelope())
	for cut := range twkb {
		require.Error(t, new(Polygon).Scan(twkb[:cut]))
	}
	require.NoError(t, got.Scan(nil))
	require.False(t, got.Known())
	require.Error(t, got.Scan("x"))

	// The migration's own byte order.
	big := []byte{0, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 4}
	for _, n := range []float64{1, 2, 3, 2, 3, 4, 1, 2} {
		big = binary.BigEndian.AppendUint64(big, math.Float64bits(n))
	}
	require.NoError(t, got.Scan(big))
	require.Equal(t, 3, got.Vertices())
}

func FuzzStoredGround(f *testing.F) {
	f.Add(Sample{District: "350199", Grids: 1, Corners: 12, West: Point{119, 26}}.shape(0).twkb())
	f.Add([]byte{wkbMultiPolygon | twkbDecimals, 0, 1, 1, 4, 2, 2, 2, 2, 2, 1, 1, 1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var p, again Polygon
		if p.Scan(raw) != nil {
			return
		}
		value, err := p.Value()
		require.NoError(t, err)
		require.NoError(t, again.Scan(value))
		require.True(t, p.Equal(again))
	})
}

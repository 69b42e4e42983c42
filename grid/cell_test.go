package grid

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The law of near-by search: whatever lies within the radius has its cell in the list.
func TestCellsAroundMissNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := Point{rapid.Float64Range(73, 135).Draw(t, "lon"), rapid.Float64Range(3, 54).Draw(t, "lat")}
		metres := rapid.Float64Range(0, 2000).Draw(t, "metres")
		angle := rapid.Float64Range(0, 2*math.Pi).Draw(t, "angle")
		reach := metres * rapid.Float64Range(0, 1).Draw(t, "share") / metresPerDegree
		q := Point{p.Lon + reach*math.Cos(angle)/math.Cos(p.Lat*math.Pi/180), p.Lat + reach*math.Sin(angle)}
		if Distance(p, q) > metres {
			t.Skip("bent out of the circle by the meridians")
		}
		cells := CellsAround(p, metres)
		if !slices.Contains(cells, Cell(q)) {
			t.Fatalf("cell %d of %v is missing around %v, %g m", Cell(q), q, p, metres)
		}
		if !slices.IsSorted(cells) || len(slices.Compact(cells)) != len(cells) {
			t.Fatal("cells are not in rising order")
		}
	})
}

func TestCellsAroundStaysSmall(t *testing.T) {
	t.Parallel()
	p := Point{119.3005, 26.0805}
	require.Equal(t, []int64{Cell(p)}, CellsAround(p, 0))
	require.Equal(t, []int64{Cell(p)}, CellsAround(p, math.NaN()))
	require.Equal(t, []int64{Cell(p)}, CellsAround(p, -5))
	require.LessOrEqual(t, len(CellsAround(p, 50)), 9)
	require.Equal(t, CellsAround(p, MaxNearby), CellsAround(p, math.Inf(1)))
	require.Less(t, len(CellsAround(p, MaxNearby)), 4000)
	require.Equal(t, Cell(p)+1, Cell(Point{p.Lon + 0.001, p.Lat}), "cells of a row are consecutive")
	for _, corner := range []Point{{-180, -90}, {180, 90}, {-180, 90}} {
		require.Contains(t, CellsAround(corner, 100), Cell(corner))
	}
}

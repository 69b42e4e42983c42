package grid

import "math"

// cellUnits is the side of a map cell: 0.001 degree, 111 m north–south and about 100 m east–west in Fuzhou.
const cellUnits = units / 1000

// MaxNearby is the largest radius in metres that CellsAround serves (about 3,000 cells).
const MaxNearby = 3000.0

const cellColumns = 1_000_000

// Cell is the number of the small map cell that holds a valid WGS-84 point. Together with the district it is
// the key of near-by search by btree: cells of one row are consecutive numbers.
func Cell(p Point) int64 {
	v := snap(p)
	return cellAt(row(v.y), column(v.x))
}

func row(y int32) int64           { return (int64(y) + 90*units) / cellUnits }
func column(x int32) int64        { return (int64(x) + 180*units) / cellUnits }
func cellAt(row, col int64) int64 { return row*cellColumns + col }

// CellsAround lists, in rising order, every cell with a point within the given metres of p, and at most a
// rim more: who searches near by still compares Distance. Radii outside 0…MaxNearby are moved to that range.
func CellsAround(p Point, metres float64) []int64 {
	if !(metres > 0) {
		metres = 0
	}
	// One unit of slack covers the rounding of p and of the stored point.
	reach := math.Min(metres, MaxNearby)/metresPerDegree + 2/units
	south, north := p.Lat-reach, p.Lat+reach
	widest := math.Cos(math.Min(89.9, math.Max(math.Abs(south), math.Abs(north))) * math.Pi / 180)
	west, east := p.Lon-reach/widest, p.Lon+reach/widest

	low := snap(Point{math.Max(west, -180), math.Max(south, -90)})
	top := snap(Point{math.Min(east, 180), math.Min(north, 90)})
	var cells []int64
	for r := row(low.y); r <= row(top.y); r++ {
		for c := column(low.x); c <= column(top.x); c++ {
			cells = append(cells, cellAt(r, c))
		}
	}
	return cells
}

const metresPerDegree = EarthRadius * math.Pi / 180

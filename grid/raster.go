package grid

import (
	"math/bits"
	"slices"
)

// raster finds the grids of one district at a place by cells of a fixed size: which grids reach into a cell, and whether one fills it.
// Most places are answered by two reads of memory, however many grids there are; only near a border are corners looked at.
type raster struct {
	low           vertex
	shift         uint // a cell is 1<<shift units wide
	width, height int32
	// cells: 0 nobody, below 0 the one grid (^n) that fills the cell, above 0 where its list ends in lists.
	cells []int32
	// lists hold for each other cell the grids in order of their code, the last one marked; one that fills the cell ends its list.
	lists []entry
}

// entry is a grid in a cell's list.
type entry struct {
	at   int32
	mark uint32 // entryLast, entryFull
}

const (
	entryLast = 1
	entryFull = 2

	cellsPerGrid = 16 // about so many cells a grid, on the average of a district
	mostCells    = 64 // for each grid, where a district has far-flung parts; and some thousands more
)

// newRaster takes the positions of the grids with their shapes, in order of code.
func newRaster(shapes []*shape, grids []int32) *raster {
	box := newShape(nil)
	var extent float64
	for _, i := range grids {
		s := shapes[i]
		box.low, box.top = vertex{min(box.low.x, s.low.x), min(box.low.y, s.low.y)}, vertex{max(box.top.x, s.top.x), max(box.top.y, s.top.y)}
		extent += (float64(s.top.x) - float64(s.low.x) + 1) * (float64(s.top.y) - float64(s.low.y) + 1)
	}
	r := &raster{low: vertex{box.low.x - 1, box.low.y - 1}} // a point a unit beside an edge is still on it
	side := extent / float64(len(grids)) / cellsPerGrid     // square units of a cell
	r.shift = uint(max(4, bits.Len64(uint64(side))/2))
	size := func(from, to int32) int64 { return (int64(to)-int64(from)+2)>>r.shift + 1 }
	for size(box.low.x, box.top.x)*size(box.low.y, box.top.y) > int64(mostCells*len(grids)+4096) {
		r.shift++
	}
	r.width, r.height = int32(size(box.low.x, box.top.x)), int32(size(box.low.y, box.top.y))
	r.cells = make([]int32, int(r.width)*int(r.height))

	type reach struct {
		cell  int32
		entry entry
	}
	all := make([]reach, 0, 3*cellsPerGrid*len(grids))
	count := make([]int32, len(r.cells)+1)
	var touched []bool // cells of the grid's box that its border meets
	for _, i := range grids {
		s := shapes[i]
		w, h := r.span(s.low.x, r.low.x, s.top.x), r.span(s.low.y, r.low.y, s.top.y)
		n := int(w.n) * int(h.n)
		touched = slices.Grow(touched[:0], n)[:n]
		clear(touched)
		for _, rings := range s.polygons {
			for _, line := range rings {
				a := line[len(line)-1]
				for _, b := range line {
					r.walk(a, b, func(col, row int32) { touched[int(row-h.from)*int(w.n)+int(col-w.from)] = true })
					a = b
				}
			}
		}
		for row := range h.n {
			for col := range w.n {
				e := entry{at: i}
				if !touched[int(row)*int(w.n)+int(col)] {
					// No border in this cell: its middle speaks for all of it.
					if !s.holds(vertex{r.low.x + (w.from+col)<<r.shift + 1<<(r.shift-1), r.low.y + (h.from+row)<<r.shift + 1<<(r.shift-1)}) {
						continue
					}
					e.mark = entryFull
				}
				cell := (h.from+row)*r.width + w.from + col
				all = append(all, reach{cell, e})
				count[cell+1]++
			}
		}
	}
	// Sorted by cell by counting; within a cell the order of codes stays.
	for cell := range r.cells {
		count[cell+1] += count[cell]
	}
	sorted := make([]entry, len(all))
	next := slices.Clone(count[:len(r.cells)])
	for _, x := range all {
		sorted[next[x.cell]] = x.entry
		next[x.cell]++
	}
	r.lists = make([]entry, 1, len(all)+1) // 0 is nobody
	for cell := range r.cells {
		here := sorted[count[cell]:count[cell+1]]
		switch {
		case len(here) == 0:
			continue
		case here[0].mark&entryFull != 0:
			r.cells[cell] = ^here[0].at
			continue
		}
		r.cells[cell] = int32(len(r.lists))
		for k, e := range here {
			full := e.mark&entryFull != 0
			if full || k == len(here)-1 {
				e.mark |= entryLast
			}
			r.lists = append(r.lists, e)
			if full {
				break
			}
		}
	}
	return r
}

// columns is a run of cells along one axis.
type columns struct{ from, n int32 }

func (r *raster) span(low, origin, top int32) columns {
	from := int32((int64(low) - 1 - int64(origin)) >> r.shift)
	return columns{from, int32((int64(top)+1-int64(origin))>>r.shift) - from + 1}
}

// walk calls for every cell that the edge, a unit thick, may meet: row by row those between its two crossings of the row.
func (r *raster) walk(a, b vertex, each func(col, row int32)) {
	if a.y > b.y {
		a, b = b, a
	}
	rows := r.span(a.y, r.low.y, b.y)
	across := r.span(min(a.x, b.x), r.low.x, max(a.x, b.x))
	if rows.n == 1 || across.n == 1 {
		for row := range rows.n {
			for col := range across.n {
				each(across.from+col, rows.from+row)
			}
		}
		return
	}
	slope := (float64(b.x) - float64(a.x)) / (float64(b.y) - float64(a.y))
	at := func(y float64) int32 { return int32(float64(a.x) + (y-float64(a.y))*slope) }
	for row := rows.from; row < rows.from+rows.n; row++ {
		south := max(float64(a.y), float64(int64(r.low.y)+int64(row)<<r.shift)-2)
		north := min(float64(b.y), float64(int64(r.low.y)+int64(row+1)<<r.shift)+2)
		if south > north {
			south, north = north, south
		}
		x1, x2 := at(south), at(north)
		cols := r.span(min(x1, x2)-2, r.low.x, max(x1, x2)+2)
		for col := max(cols.from, across.from); col < min(cols.from+cols.n, across.from+across.n); col++ {
			each(col, row)
		}
	}
}

// cell is the number of the cell that holds v, -1 outside.
func (r *raster) cell(v vertex) int32 {
	x, y := (int64(v.x)-int64(r.low.x))>>r.shift, (int64(v.y)-int64(r.low.y))>>r.shift
	if x < 0 || y < 0 || x >= int64(r.width) || y >= int64(r.height) {
		return -1
	}
	return int32(y)*r.width + int32(x)
}

// lowest is the least position, and so the lowest code, whose shape holds v; -1 for none.
func (r *raster) lowest(x *Index, v vertex) int32 {
	cell := r.cell(v)
	if cell < 0 {
		return -1
	}
	k := r.cells[cell]
	if k <= 0 {
		return max(-1, ^k) // ^0 is -1: nobody
	}
	for {
		e := r.lists[k]
		if e.mark&entryFull != 0 || x.holds(e.at, v) {
			return e.at
		}
		if e.mark&entryLast != 0 {
			return -1
		}
		k++
	}
}

// near calls for every grid that reaches into the cells of a box; some come more than once.
func (r *raster) near(low, top vertex, each func(at int32)) {
	w, h := r.span(low.x, r.low.x, top.x), r.span(low.y, r.low.y, top.y)
	for row := max(0, h.from); row < min(r.height, h.from+h.n); row++ {
		for col := max(0, w.from); col < min(r.width, w.from+w.n); col++ {
			k := r.cells[row*r.width+col]
			if k < 0 {
				each(^k)
			}
			for k > 0 {
				e := r.lists[k]
				each(e.at)
				if e.mark&entryLast != 0 {
					break
				}
				k++
			}
		}
	}
}

// holds is shape.holds with a short way for a simple outline.
func (x *Index) holds(at int32, v vertex) bool {
	r := x.outlines[at]
	if r == nil {
		return x.shapes[at].holds(v)
	}
	inside := false
	a := r[len(r)-1]
	for _, b := range r {
		if low, top := min(a.y, b.y), max(a.y, b.y); v.y >= low-1 && v.y <= top+1 {
			side := cross(a, b, v)
			if onEdge(a, b, v, side) {
				return true
			}
			if (a.y > v.y) != (b.y > v.y) && (side > 0) == (b.y > a.y) {
				inside = !inside
			}
		}
		a = b
	}
	return inside
}

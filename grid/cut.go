package grid

import (
	"cmp"
	"math"
	"math/big"
	"slices"
)

// lattice is the net of lines that cuts a community into cells. Its lines lie halfway between the steps of
// vertexStep to which vertices are rounded, so that no vertex ever lies on a line and a cut has no
// special cases. One lattice serves a whole district: neighbours are cut at the same points and stay
// edge to edge.
type lattice struct {
	origin        vertex
	width, height int32 // units, multiples of vertexStep
}

const vertexStep = 10 // 1e-6 degree

// piece is a part of a polygon with the row (from the north) and column (from the west) of its cell.
type piece struct {
	outline  ring
	row, col int
	alone    bool // no neighbour can take it in
}

func newLattice(northWest vertex, width, height int32) lattice {
	half := func(n int32) int32 { return n - n%vertexStep - vertexStep/2 }
	return lattice{vertex{half(northWest.x), half(northWest.y) + 2*vertexStep}, width, height}
}

// cut splits a simple counter-clockwise ring whose vertices are multiples of vertexStep.
func (l lattice) cut(r ring) []piece {
	var pieces []piece
	strips := slice(r, l.origin.x, l.width)
	for col, parts := range strips {
		for _, strip := range parts {
			// Rows count southwards, so the strip is cut in the mirrored and swapped plane.
			rows := slice(mapRing(strip, toRows), -l.origin.y, l.height)
			for row, cells := range rows {
				for _, cell := range cells {
					pieces = append(pieces, piece{outline: mapRing(cell, fromRows), row: row, col: col})
				}
			}
		}
	}
	slices.SortFunc(pieces, func(a, b piece) int {
		return cmp.Or(a.row-b.row, a.col-b.col, cmp.Compare(a.outline.west(), b.outline.west()), int(b.outline[0].y)-int(a.outline[0].y))
	})
	return pieces
}

// toRows turns the plane by a quarter: x is the way south, y the way east. It keeps the sense of rings.
func toRows(v vertex) vertex   { return vertex{-v.y, v.x} }
func fromRows(v vertex) vertex { return vertex{v.y, -v.x} }

func mapRing(r ring, f func(vertex) vertex) ring {
	out := make(ring, len(r))
	for i, v := range r {
		out[i] = f(v)
	}
	return out
}

func (r ring) west() int32 {
	return slices.MinFunc(r, func(a, b vertex) int { return int(a.x) - int(b.x) }).x
}

// slice cuts a ring by the lines x = from + k·step and groups the parts by k.
func slice(r ring, from, step int32) map[int][]ring {
	parts := map[int][]ring{}
	rest := []ring{r}
	for k := 0; len(rest) > 0; k++ {
		var further []ring
		for _, part := range rest {
			low, high := split(part, from+int32(k+1)*step)
			parts[k] = append(parts[k], low...)
			further = append(further, high...)
		}
		rest = further
	}
	return parts
}

// split cuts a simple ring by the line x = c, on which no vertex lies. Along the line the ring's crossings
// pair up: between the 1st and 2nd, the 3rd and 4th … the line is inside. Each side is then walked, and
// where the walk leaves the side it goes on at the partner of the crossing.
func split(r ring, c int32) (low, high []ring) {
	var nodes []node
	var hits []int
	for i, a := range r {
		nodes = append(nodes, node{v: a, partner: -1})
		b := r[(i+1)%len(r)]
		if (a.x < c) != (b.x < c) {
			at := crossingAt(a, b, c)
			y, _ := at.Float64()
			hits = append(hits, len(nodes))
			nodes = append(nodes, node{v: vertex{c, roundTo(y)}, exact: at})
		}
	}
	slices.SortFunc(hits, func(i, j int) int { return nodes[i].exact.Cmp(nodes[j].exact) })
	for i := 0; i+1 < len(hits); i += 2 {
		nodes[hits[i]].partner, nodes[hits[i+1]].partner = hits[i+1], hits[i]
	}
	used := make([]bool, len(nodes))
	for start, n := range nodes {
		if n.exact != nil || used[start] {
			continue
		}
		var out ring
		for i := start; !used[i]; {
			used[i] = nodes[i].exact == nil
			out = append(out, nodes[i].v)
			if partner := nodes[i].partner; nodes[i].exact != nil {
				out = append(out, nodes[partner].v)
				i = partner
			}
			i = (i + 1) % len(nodes)
		}
		if out = tidy(out); len(out) < 3 || out.twiceArea() == 0 {
			continue
		}
		if n.v.x < c {
			low = append(low, out)
		} else {
			high = append(high, out)
		}
	}
	return low, high
}

type node struct {
	v       vertex
	exact   *big.Rat // where a crossing lies on the line; nil for a vertex of the ring
	partner int
}

// crossingAt is the y at which the edge meets the line x = c, the same for both directions of the edge.
func crossingAt(a, b vertex, c int32) *big.Rat {
	run := new(big.Rat).SetFrac64(int64(c)-int64(a.x), int64(b.x)-int64(a.x))
	rise := new(big.Rat).SetInt64(int64(b.y) - int64(a.y))
	return run.Mul(run, rise).Add(run, new(big.Rat).SetInt64(int64(a.y)))
}

// tidy drops repeated vertices, the first and last included.
func tidy(r ring) ring {
	r = slices.Compact(r)
	for len(r) > 1 && r[0] == r[len(r)-1] {
		r = r[:len(r)-1]
	}
	return r
}

func roundTo(y float64) int32 { return int32(math.Round(y/vertexStep)) * vertexStep }

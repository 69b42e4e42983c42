package score

// K is the smallest count that is published of a group of people's reports (k-anonymity with k = 5, domain 4g).
const K = 5

// Published is a table of counts with its margins, with the cells that may not be told left out.
type Published struct {
	Cells   [][]*int // nil: suppressed
	Rows    []*int   // totals of the rows
	Columns []*int   // totals of the columns
	Total   *int
}

// Suppress leaves out every count between 1 and k-1 and then, by complementary suppression, as many others as it takes so that
// none that was left out follows from the margins: neither exactly, nor as a sum that itself stays below k.
//
// A table with its margins is a set of equations, one for each row and column; every count stands in exactly two of them. So
// the table is a bipartite graph with the lines as vertices and the suppressed counts as edges, and a suppressed count is
// determined by the published ones exactly when its edge is a bridge (after Gusfield, "A Graph Theoretic Approach to
// Statistical Data Security", 1988). The smallest counts are taken first.
func Suppress(cells [][]int, k int) Published {
	t := newTable(cells)
	for r := range t.n {
		for c := range t.n[r] {
			t.hidden[r][c] = t.n[r][c] > 0 && t.n[r][c] < k
		}
	}
	for {
		r, c, found := t.weak(k)
		if !found || !t.hideBeside(r, c) {
			break
		}
	}
	return t.published()
}

// table is the counts with their totals as a last row and a last column.
type table struct {
	n      [][]int
	hidden [][]bool
}

func newTable(cells [][]int) *table {
	width := 0
	if len(cells) > 0 {
		width = len(cells[0])
	}
	t := &table{n: make([][]int, len(cells)+1), hidden: make([][]bool, len(cells)+1)}
	for r := range t.n {
		t.n[r], t.hidden[r] = make([]int, width+1), make([]bool, width+1)
	}
	last := len(cells)
	for r, row := range cells {
		for c, n := range row {
			t.n[r][c] = n
			t.n[r][width] += n
			t.n[last][c] += n
			t.n[last][width] += n
		}
	}
	return t
}

// weak finds a suppressed count that the published ones tell: a bridge, or one of a line whose suppressed counts make less
// than k together while their total is published.
func (t *table) weak(k int) (row, column int, found bool) {
	rows, columns := len(t.n), len(t.n[0])
	for r := range rows {
		if sum, at := suppressed(columns-1, func(c int) (int, bool) { return t.n[r][c], t.hidden[r][c] }); at >= 0 && sum < k && !t.hidden[r][columns-1] {
			return r, at, true
		}
	}
	for c := range columns {
		if sum, at := suppressed(rows-1, func(r int) (int, bool) { return t.n[r][c], t.hidden[r][c] }); at >= 0 && sum < k && !t.hidden[rows-1][c] {
			return at, c, true
		}
	}
	return t.bridge()
}

// suppressed adds up what is left out among the first counts of a line; first is -1 when nothing is.
func suppressed(inner int, at func(i int) (n int, hidden bool)) (sum, first int) {
	first = -1
	for i := range inner {
		if n, hidden := at(i); hidden {
			sum += n
			if first < 0 {
				first = i
			}
		}
	}
	return sum, first
}

// hideBeside suppresses the smallest published count in the row or the column of a weak one: inner counts before totals, counts
// before zeros. False when nothing is left to suppress there.
func (t *table) hideBeside(row, column int) bool {
	best, bestR, bestC := -1, 0, 0
	last, width := len(t.n)-1, len(t.n[0])-1
	consider := func(r, c int) {
		if t.hidden[r][c] {
			return
		}
		cost := t.n[r][c]
		switch {
		case r == last && c == width:
			cost += 3 << 40
		case r == last || c == width:
			cost += 1 << 40
		case cost == 0:
			cost = 1 << 39
		}
		if best < 0 || cost < best {
			best, bestR, bestC = cost, r, c
		}
	}
	for c := range t.n[row] {
		consider(row, c)
	}
	for r := range t.n {
		consider(r, column)
	}
	if best < 0 {
		return false
	}
	t.hidden[bestR][bestC] = true
	return true
}

// bridge finds an edge of the graph of suppressed counts without which its ends fall apart (Tarjan's low links).
func (t *table) bridge() (row, column int, found bool) {
	rows, columns := len(t.n), len(t.n[0])
	near := make([][]int, rows+columns)
	for r := range rows {
		for c := range columns {
			if t.hidden[r][c] {
				near[r] = append(near[r], rows+c)
				near[rows+c] = append(near[rows+c], r)
			}
		}
	}
	order, low := make([]int, rows+columns), make([]int, rows+columns)
	seen := 0
	var walk func(v, from int) bool
	walk = func(v, from int) bool {
		seen++
		order[v], low[v] = seen, seen
		for _, u := range near[v] {
			switch {
			case u == from:
				continue
			case order[u] > 0:
				low[v] = min(low[v], order[u])
				continue
			}
			if walk(u, v) {
				return true
			}
			if low[u] > order[v] {
				row, column = min(u, v), max(u, v)-rows
				return true
			}
			low[v] = min(low[v], low[u])
		}
		return false
	}
	for v := range near {
		if order[v] == 0 && walk(v, -1) {
			return row, column, true
		}
	}
	return 0, 0, false
}

func (t *table) published() Published {
	show := func(r, c int) *int {
		if t.hidden[r][c] {
			return nil
		}
		return &t.n[r][c]
	}
	last, width := len(t.n)-1, len(t.n[0])-1
	p := Published{Total: show(last, width)}
	for r := range last {
		p.Cells = append(p.Cells, make([]*int, width))
		for c := range width {
			p.Cells[r][c] = show(r, c)
		}
		p.Rows = append(p.Rows, show(r, width))
	}
	for c := range width {
		p.Columns = append(p.Columns, show(last, c))
	}
	return p
}

package score

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// told reports whether a suppressed count follows from what is published: the equations of rows and columns are solved for
// the suppressed counts, and one is told when every solution gives it the same value.
func told(p Published, row, column int) bool {
	type at struct{ r, c int }
	var unknown []at
	index := map[at]int{}
	note := func(r, c int, v *int) {
		if v == nil {
			index[at{r, c}] = len(unknown)
			unknown = append(unknown, at{r, c})
		}
	}
	rows, columns := len(p.Cells), len(p.Columns)
	for r := range rows {
		for c := range columns {
			note(r, c, p.Cells[r][c])
		}
		note(r, columns, p.Rows[r])
	}
	for c := range columns {
		note(rows, c, p.Columns[c])
	}
	note(rows, columns, p.Total)
	// One equation a line: the sum of its counts less its total is nothing. Only the coefficients matter.
	var m [][]*big.Rat
	line := func(each func(i int) at, n int) {
		eq := make([]*big.Rat, len(unknown))
		for i := range eq {
			eq[i] = new(big.Rat)
		}
		for i := range n + 1 {
			if k, hidden := index[each(i)]; hidden {
				eq[k].SetInt64(1)
				if i == n {
					eq[k].SetInt64(-1)
				}
			}
		}
		m = append(m, eq)
	}
	for r := range rows + 1 {
		line(func(i int) at { return at{r, i} }, columns)
	}
	for c := range columns + 1 {
		line(func(i int) at { return at{i, c} }, rows)
	}
	// Reduced row echelon form: a variable is fixed when its pivot row has no other member.
	pivot := 0
	want := index[at{row, column}]
	fixed := false
	for k := range unknown {
		at := -1
		for r := pivot; r < len(m); r++ {
			if m[r][k].Sign() != 0 {
				at = r
				break
			}
		}
		if at < 0 {
			continue
		}
		m[pivot], m[at] = m[at], m[pivot]
		inv := new(big.Rat).Inv(m[pivot][k])
		for j := range m[pivot] {
			m[pivot][j].Mul(m[pivot][j], inv)
		}
		for r := range m {
			if r == pivot || m[r][k].Sign() == 0 {
				continue
			}
			by := new(big.Rat).Set(m[r][k])
			for j := range m[r] {
				m[r][j].Sub(m[r][j], new(big.Rat).Mul(by, m[pivot][j]))
			}
		}
		pivot++
	}
	for r := range pivot {
		others := 0
		for j := range m[r] {
			if j != want && m[r][j].Sign() != 0 {
				others++
			}
		}
		if m[r][want].Sign() != 0 && others == 0 {
			fixed = true
		}
	}
	return fixed
}

func TestSuppressTellsNothingSmall(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows, columns := rapid.IntRange(1, 6).Draw(t, "rows"), rapid.IntRange(1, 7).Draw(t, "columns")
		cells := make([][]int, rows)
		for r := range cells {
			cells[r] = rapid.SliceOfN(rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 8), rapid.IntRange(0, 60)), columns, columns).Draw(t, "row")
		}
		p := Suppress(cells, K)
		total := 0
		for r := range cells {
			for c, n := range cells[r] {
				total += n
				if v := p.Cells[r][c]; v != nil {
					require.Equal(t, n, *v, "what is published is true")
					require.False(t, n > 0 && n < K, "small counts are left out")
				} else if total >= K && (rows > 1 || columns > 1) {
					require.False(t, told(p, r, c), "row %d column %d of %v follows from the margins", r, c, cells)
				}
			}
		}
		require.Equal(t, p, Suppress(cells, K), "the same table is published every time")
	})
}

func TestSuppressLargeCountsStay(t *testing.T) {
	t.Parallel()
	p := Suppress([][]int{{10, 20}, {30, 0}}, K)
	for _, v := range []*int{p.Cells[0][0], p.Cells[0][1], p.Cells[1][0], p.Cells[1][1], p.Rows[0], p.Columns[1], p.Total} {
		require.NotNil(t, v)
	}
}

// Without the complementary step a single small count is the total less the rest: the check must see it.
func TestSuppressControl(t *testing.T) {
	t.Parallel()
	cells := [][]int{{10, 2}, {30, 40}}
	open := Published{Rows: []*int{new(12), new(70)}, Columns: []*int{new(40), new(42)}, Total: new(82), Cells: [][]*int{{new(10), nil}, {new(30), new(40)}}}
	require.True(t, told(open, 0, 1))
	p := Suppress(cells, K)
	require.Nil(t, p.Cells[0][1])
	require.False(t, told(p, 0, 1))
}

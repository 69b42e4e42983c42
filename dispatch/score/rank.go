package score

import (
	"math/big"
	"slices"
	"strings"
)

// Standing is a unit in a ranking. Rank 0: insufficient data, unranked.
type Standing struct {
	Unit  string
	Score *big.Rat // after deductions, as displayed
	Rank  int
}

// Rank orders units by what is displayed, best first: equal displayed scores share a rank and the next one is as far
// behind as there are units before it (1, 2, 2, 4). Units without a score come last, by code.
func Rank(list []Standing) {
	slices.SortStableFunc(list, func(a, b Standing) int {
		switch {
		case a.Score == nil && b.Score == nil:
			return strings.Compare(a.Unit, b.Unit)
		case a.Score == nil:
			return 1
		case b.Score == nil:
			return -1
		}
		if c := b.Score.Cmp(a.Score); c != 0 {
			return c
		}
		return strings.Compare(a.Unit, b.Unit)
	})
	var above *Standing
	for i := range list {
		one := &list[i]
		switch {
		case one.Score == nil:
			one.Rank = 0
		case above != nil && above.Score != nil && one.Score.Cmp(above.Score) == 0:
			one.Rank = above.Rank
		default:
			one.Rank = i + 1
		}
		above = one
	}
}

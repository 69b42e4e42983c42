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
	for i := range list {
		switch {
		case list[i].Score == nil:
			list[i].Rank = 0
		case i > 0 && list[i].Score.Cmp(list[i-1].Score) == 0:
			list[i].Rank = list[i-1].Rank
		default:
			list[i].Rank = i + 1
		}
	}
}

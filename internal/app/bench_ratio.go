package app

import (
	"math/rand/v2"
	"slices"
)

// abba gives the order of n pairs of slices so that a drift of the machine hits both sides alike: AB BA AB BA …
// true is side A.
func abba(pairs int) [][2]bool {
	out := make([][2]bool, pairs)
	for i := range out {
		out[i] = [2]bool{i%2 == 0, i%2 == 1}
	}
	return out
}

// median of a list that is not empty.
func median(list []float64) float64 {
	s := slices.Sorted(slices.Values(list))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// bootstrap gives the 95 % interval of the median by 2,000 resamplings. The seed is fixed: equal slices give an
// equal interval.
func bootstrap(list []float64) (low, high float64) {
	const rounds = 2000
	random := rand.New(rand.NewPCG(1, 2))
	medians := make([]float64, rounds)
	sample := make([]float64, len(list))
	for i := range medians {
		for k := range sample {
			sample[k] = list[random.IntN(len(list))]
		}
		medians[i] = median(sample)
	}
	slices.Sort(medians)
	return medians[rounds*25/1000], medians[rounds*975/1000]
}

package score

import (
	"math/big"
	"slices"
)

// Hours are the median and P90 of working hours from dispatch to resolve over the assignments resolved in the period
// (domain 4d, percentile_cont). Empty texts mean that nothing was resolved.
type Hours struct {
	N      int    `json:"n"`
	Median string `json:"median"`
	P90    string `json:"p90"`
	Mean   string `json:"mean"`
}

func handlingHours(p Period, facts []Fact) Hours {
	var seconds []int64
	for _, f := range p.of(KindAssignment, facts) {
		if p.done(f.Done) && f.At != nil {
			seconds = append(seconds, f.Seconds)
		}
	}
	return hoursOfSeconds(seconds)
}

// hoursOfSeconds is HoursOf for whole seconds: sums and neighbours stay integers until the last division.
func hoursOfSeconds(list []int64) Hours {
	h := Hours{N: len(list)}
	if h.N == 0 {
		return h
	}
	slices.Sort(list)
	var sum int64
	for _, x := range list {
		sum += x
	}
	at := func(tenths int64) string { // percentile_cont at rank tenths/10 · (n−1)
		rank := tenths * int64(h.N-1)
		i, rest := rank/10, rank%10
		x := big.NewRat(list[i], 3600)
		if rest > 0 {
			x.Add(x, big.NewRat((list[i+1]-list[i])*rest, 36_000))
		}
		return decimal(x)
	}
	h.Median, h.P90, h.Mean = at(5), at(9), decimal(big.NewRat(sum, 3600*int64(h.N)))
	return h
}

// HoursOf gives median, P90 and mean of hours, 4 decimals half-up.
func HoursOf(list []*big.Rat) Hours {
	h := Hours{N: len(list)}
	if h.N == 0 {
		return h
	}
	sum := new(big.Rat)
	for _, x := range list {
		sum.Add(sum, x)
	}
	h.Median, h.P90 = decimal(percentile(list, big.NewRat(1, 2))), decimal(percentile(list, big.NewRat(9, 10)))
	h.Mean = decimal(sum.Quo(sum, big.NewRat(int64(h.N), 1)))
	return h
}

// percentile is PostgreSQL's percentile_cont: linear between the neighbours of rank p·(n−1).
func percentile(list []*big.Rat, p *big.Rat) *big.Rat {
	s := slices.SortedFunc(slices.Values(list), func(a, b *big.Rat) int { return a.Cmp(b) })
	rank := new(big.Rat).Mul(p, big.NewRat(int64(len(s)-1), 1))
	i := int(new(big.Int).Quo(rank.Num(), rank.Denom()).Int64())
	if i == len(s)-1 {
		return s[i]
	}
	rest := rank.Sub(rank, big.NewRat(int64(i), 1))
	step := new(big.Rat).Sub(s[i+1], s[i])
	return step.Mul(step, rest).Add(step, s[i])
}

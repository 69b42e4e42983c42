package score

import "math/big"

// Weight is an indicator's share of a composite in hundredths; Less: 1 − x counts.
type Weight struct {
	Of       *Indicator
	Hundreds int64
	Less     bool
}

// Department and Street are the composites of domain 4d; each adds up to 100.
var (
	Department = []Weight{{&CallResponse, 10, false}, {&OnTimeCheckin, 15, false}, {&OnTimeDisposal, 25, false}, {&Rework, 10, true}, {&Resolution, 15, false}, {&Satisfied, 15, false}, {&CallerRating, 10, false}}
	Street     = []Weight{{&AcceptOnTime, 10, false}, {&AccurateDispatch, 10, false}, {&OnTimeDisposal, 30, false}, {&Rework, 10, true}, {&Resolution, 20, false}, {&Satisfied, 20, false}}
)

// sufficient is the share of the weights that must not be N/A for a unit to be ranked, in hundredths.
const sufficient = 50

// Composite is a weighted mean of unrounded ratios. Weights of N/A indicators are redistributed: N/A is neither 0 nor
// 100 %. Weight is the sum of the others in hundredths; Value is nil when there is none.
type Composite struct {
	Value  *big.Rat // of 100
	Weight int64
}

// Sufficient tells whether the unit may be ranked.
func (c Composite) Sufficient() bool { return c.Value != nil && c.Weight >= sufficient }

// Compose weighs the ratios given by indicator id.
func Compose(weights []Weight, of map[string]Ratio) Composite {
	sum, c := new(big.Rat), Composite{}
	for _, w := range weights {
		x := of[w.Of.ID].Rat()
		if x == nil {
			continue
		}
		if w.Less {
			x = x.Sub(big.NewRat(1, 1), x)
		}
		sum.Add(sum, x.Mul(x, big.NewRat(w.Hundreds, 1)))
		c.Weight += w.Hundreds
	}
	if c.Weight > 0 {
		c.Value = sum.Mul(sum, big.NewRat(100, c.Weight))
	}
	return c
}

// Deductions are what cards and unfounded returns cost: 0.5 a yellow card, 2 a red one, 0.5 a return, at most 10.
type Deductions struct {
	Yellow    int64 `json:"yellow"`
	Red       int64 `json:"red"`
	Unfounded int64 `json:"unfounded_returns"`
}

// Points is the deduction.
func (d Deductions) Points() *big.Rat {
	halves := min(20, d.Yellow+4*d.Red+d.Unfounded)
	return big.NewRat(halves, 2)
}

// After is the composite less the deductions; nil when there is no composite.
func (c Composite) After(d Deductions) *big.Rat {
	if c.Value == nil {
		return nil
	}
	return new(big.Rat).Sub(c.Value, d.Points())
}

func deductions(p Period, facts []Fact) Deductions {
	var d Deductions
	for i := range facts {
		f := &facts[i]
		switch {
		case !p.counts(f):
		case f.Kind == KindCard && f.Yes:
			d.Red++
		case f.Kind == KindCard:
			d.Yellow++
		case f.Kind == KindReturn && f.Yes:
			d.Unfounded++
		}
	}
	return d
}

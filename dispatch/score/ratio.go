package score

import (
	"fmt"
	"math/big"
	"strings"
)

// Ratio is a figure with what it was made of. A denominator of 0 is N/A.
type Ratio struct{ Num, Den int64 }

// Rat is the exact value; nil for N/A.
func (r Ratio) Rat() *big.Rat {
	if r.Den == 0 {
		return nil
	}
	return big.NewRat(r.Num, r.Den)
}

// units is the value in ten-thousandths, half-up, capped at 9999 unless numerator = denominator and floored at 1 unless
// the numerator is 0 (domain 4d): "100 %" is said only when it is true, and so is "0 %".
func (r Ratio) units() int64 {
	units := (r.Num*20000 + r.Den) / (2 * r.Den)
	if r.Num < r.Den {
		units = min(units, 9999)
	}
	if r.Num > 0 {
		units = max(units, 1)
	}
	return units
}

// Value has 4 decimals; nil for N/A.
func (r Ratio) Value() *float64 {
	if r.Den == 0 {
		return nil
	}
	v := float64(r.units()) / 10000
	return &v
}

// Decimal is Value as it is written into sheets: "0.8571", "" for N/A.
func (r Ratio) Decimal() string {
	if r.Den == 0 {
		return ""
	}
	u := r.units()
	return fmt.Sprintf("%d.%04d", u/10000, u%10000)
}

// Text is the value in percent with two decimals, "—" for N/A. "100%" stands only for numerator = denominator.
func (r Ratio) Text() string {
	switch {
	case r.Den == 0:
		return "—"
	case r.Num == r.Den:
		return "100%"
	}
	u := r.units()
	return fmt.Sprintf("%d.%02d%%", u/100, u%100)
}

// decimal rounds an exact number half-up to 4 decimals ("73.7143"); halves go up on both sides of zero.
func decimal(x *big.Rat) string {
	if x == nil {
		return ""
	}
	n := new(big.Int).Mul(x.Num(), big.NewInt(20000))
	n.Add(n, x.Denom())
	d := new(big.Int).Mul(x.Denom(), big.NewInt(2))
	q, m := new(big.Int).DivMod(n, d, new(big.Int)) // Euclidean: the floor for a positive divisor
	_ = m
	sign := ""
	if q.Sign() < 0 {
		sign = "-"
		q.Neg(q)
	}
	s := q.String()
	if len(s) < 5 {
		s = strings.Repeat("0", 5-len(s)) + s
	}
	return sign + s[:len(s)-4] + "." + s[len(s)-4:]
}

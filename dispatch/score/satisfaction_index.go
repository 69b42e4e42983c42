package score

// indexTop is the weight of the best grade in tenths: w = 1.0, 0.8, 0.6, 0.3, 0.0 for 5…1.
const indexTop = 10

var gradeWeight = map[int]int64{5: 10, 4: 8, 3: 6, 2: 3, 1: 0}

// SatisfactionIndex is 满意指数: Σ w(grade) / valid ratings (domain 4d). Its numbers are in tenths.
var SatisfactionIndex = Indicator{
	ID: "satisfaction_index", Name: "满意指数", Formula: "sum of w(grade) / valid ratings; w = 1.0, 0.8, 0.6, 0.3, 0.0 for 5 to 1", Source: "domain 4d", Least: 5, Kinds: []string{KindRating},
	Count: ratings(func(f *Fact) int64 { return gradeWeight[f.Grade] }, indexTop),
}

// ratings sums a weight over the valid ratings of the period; top is what a rating weighs at most.
func ratings(weight func(*Fact) int64, top int64) func(Period, []Fact) Ratio {
	return func(p Period, facts []Fact) Ratio {
		var r Ratio
		for _, f := range p.of(KindRating, facts) {
			if f.Valid {
				r.Num += weight(f)
				r.Den += top
			}
		}
		return r
	}
}

func unit(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

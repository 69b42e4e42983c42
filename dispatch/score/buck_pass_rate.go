package score

// BuckPass is 推诿率: returns judged UNFOUNDED in the period / assignments received in the period (domain 4d; [001]
// 推诿扯皮). A return belongs to the period of its judgement, and one never judged counts founded when the case closes.
var BuckPass = Indicator{
	ID: "buck_pass_rate", Name: "推诿率", Formula: "returns judged UNFOUNDED / assignments received in the period", Source: "domain 4d", Kinds: []string{KindReturn, KindReceived},
	Count: func(p Period, facts []Fact) Ratio {
		var r Ratio
		for i := range facts {
			f := &facts[i]
			switch {
			case f.Excluded != "" || f.At == nil || !p.holds(*f.At):
			case f.Kind == KindReceived:
				r.Den++
			case f.Kind == KindReturn && f.Yes:
				r.Num++
			}
		}
		r.Num = min(r.Num, r.Den)
		return r
	},
}

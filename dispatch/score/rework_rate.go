package score

import "slices"

// Rework is 返工率: assignments with a check_fail or an upheld reopen event in the period (each once, at most the
// denominator) / settled assignments (domain 4d; Chengdu Jinniu 返工率). Rework belongs to the period of its event, so a
// reopening after the freeze falls into the next period and changes no old sheet.
var Rework = Indicator{
	ID: "rework_rate", Name: "返工率", Formula: "assignments with a check_fail or upheld reopen event in the period (each once) / settled assignments",
	Source: "domain 4d; 数字城管 返工率", Kinds: []string{KindAssignment},
	Count: func(p Period, facts []Fact) Ratio {
		den := int64(len(p.of(KindAssignment, facts)))
		var num int64
		for i := range facts {
			if f := &facts[i]; f.Kind == KindAssignment && f.Excluded == "" && p.again(f) {
				num++
			}
		}
		return Ratio{min(num, den), den}
	},
}

// again reports whether the assignment was reworked in the period.
func (p Period) again(f *Fact) bool {
	return slices.ContainsFunc(f.Again, p.holds)
}

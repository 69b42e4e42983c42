package score

// Disposal is 处置率: resolved by period end / settled assignments (应处置数) (domain 4d; 数字城管 处置率 = 处置数/应处置数).
var Disposal = Indicator{
	ID: "disposal_rate", Name: "处置率", Formula: "resolved by period end / settled assignments (应处置数)", Source: "domain 4d; 数字城管 处置率 = 处置数/应处置数", Least: 0, Kinds: []string{KindAssignment},
	Count: share(KindAssignment, func(p Period, f *Fact) bool { return p.done(f.Done) }),
}

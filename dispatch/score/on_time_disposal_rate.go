package score

// OnTimeDisposal is 按期处置率: resolved at or before due / settled assignments (domain 4d; 数字城管 按期处置率 = 按期处置数/应处置数).
var OnTimeDisposal = Indicator{
	ID: "on_time_disposal_rate", Name: "按期处置率", Formula: "resolved at or before due / settled assignments", Source: "domain 4d; 数字城管 按期处置率 = 按期处置数/应处置数", Least: 0, Kinds: []string{KindAssignment},
	Count: share(KindAssignment, func(p Period, f *Fact) bool { return p.done(f.Done) && punctual(f.Done, f.due()) }),
}

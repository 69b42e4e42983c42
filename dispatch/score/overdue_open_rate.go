package score

// OverdueOpen is 超期未处置率: unresolved at period end / settled assignments (domain 4d; 数字城管 超期未处置).
var OverdueOpen = Indicator{
	ID: "overdue_open_rate", Name: "超期未处置率", Formula: "unresolved at period end / settled assignments", Source: "domain 4d; 数字城管 超期未处置", Least: 0, Kinds: []string{KindAssignment},
	Count: share(KindAssignment, func(p Period, f *Fact) bool { return !p.done(f.Done) }),
}

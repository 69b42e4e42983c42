package score

// Suspension is 挂起率: settled assignments with at least one granted suspension / settled assignments (domain 4d).
var Suspension = Indicator{
	ID: "suspension_rate", Name: "挂起率", Formula: "settled assignments with at least one granted suspension / settled assignments", Source: "domain 4d", Least: 0, Kinds: []string{KindAssignment},
	Count: share(KindAssignment, func(_ Period, f *Fact) bool { return f.Paused }),
}

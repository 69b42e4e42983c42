package score

// Extension is 延期率: settled assignments with at least one granted extension / settled assignments (domain 4d; 数字城管 延期率 = 延期数/应处置数).
var Extension = Indicator{
	ID: "extension_rate", Name: "延期率", Formula: "settled assignments with at least one granted extension / settled assignments", Source: "domain 4d; 数字城管 延期率 = 延期数/应处置数", Least: 0, Kinds: []string{KindAssignment},
	Count: share(KindAssignment, func(_ Period, f *Fact) bool { return f.Extended }),
}

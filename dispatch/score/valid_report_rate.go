package score

// ValidReport is 有效上报率: filed / reported by the person (domain 4d; 数字城管 有效上报率 = 有效上报数/上报数).
var ValidReport = Indicator{
	ID: "valid_report_rate", Name: "有效上报率", Formula: "filed / reported by the person", Source: "domain 4d; 数字城管 有效上报率 = 有效上报数/上报数", Least: 0, Kinds: []string{KindReport},
	Count: share(KindReport, func(_ Period, f *Fact) bool { return f.Yes }),
}

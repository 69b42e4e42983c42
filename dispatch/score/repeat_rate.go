package score

// Repeat is 重复诉求率: closed cases after which the same minor class came again within 100 m and 30 ND / closed cases (domain 4d).
var Repeat = Indicator{
	ID: "repeat_rate", Name: "重复诉求率", Formula: "closed cases after which the same minor class came again within 100 m and 30 ND / closed cases", Source: "domain 4d", Least: 0, Kinds: []string{KindClosed},
	Count: share(KindClosed, func(_ Period, f *Fact) bool { return f.Yes }),
}

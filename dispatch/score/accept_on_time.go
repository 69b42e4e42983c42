package score

// AcceptOnTime is 按时受理率: accepted at or before due / accepted (domain 4d; 12345 及时受理).
var AcceptOnTime = Indicator{
	ID: "accept_on_time", Name: "按时受理率", Formula: "accepted at or before due / accepted", Source: "domain 4d; 12345 及时受理", Least: 0, Kinds: []string{KindAccept},
	Count: share(KindAccept, func(_ Period, f *Fact) bool { return punctual(f.At, f.due()) }),
}

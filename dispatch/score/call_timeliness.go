package score

// CallTimeliness is 及时呼叫率: calls issued inside the RETURN window / calls issued (domain 4d).
var CallTimeliness = Indicator{
	ID: "call_timeliness", Name: "及时呼叫率", Formula: "calls issued inside the RETURN window / calls issued", Source: "domain 4d", Least: 0, Kinds: []string{KindCall},
	Count: share(KindCall, func(_ Period, f *Fact) bool { return f.Yes }),
}

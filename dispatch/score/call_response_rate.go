package score

// CallResponse is 呼叫响应率: targets checked in by period end / targets settled (domain 4d; [001] 呼叫…100%得到响应).
var CallResponse = Indicator{
	ID: "call_response_rate", Name: "呼叫响应率", Formula: "targets checked in by period end / targets settled", Source: "domain 4d; [001] 呼叫…100%得到响应", Least: 0, Kinds: []string{KindTarget},
	Count: share(KindTarget, func(p Period, f *Fact) bool { return p.done(f.Done) }),
}

package score

// MediationSuccess is 调解成功率: SUCCESS / closed mediations (559/567 = 0.9859) (domain 4d; [000] 567 件, 559 件).
var MediationSuccess = Indicator{
	ID: "mediation_success_rate", Name: "调解成功率", Formula: "SUCCESS / closed mediations (559/567 = 0.9859)", Source: "domain 4d; [000] 567 件, 559 件", Least: 0, Kinds: []string{KindMediation},
	Count: share(KindMediation, func(_ Period, f *Fact) bool { return f.Yes }),
}

package score

// AccurateDispatch is 准确派遣率: dispatched without a founded return / dispatched (domain 4d; 数字城管 准确派遣率).
var AccurateDispatch = Indicator{
	ID: "accurate_dispatch", Name: "准确派遣率", Formula: "dispatched without a founded return / dispatched", Source: "domain 4d; 数字城管 准确派遣率", Least: 0, Kinds: []string{KindDispatch},
	Count: share(KindDispatch, func(_ Period, f *Fact) bool { return f.Yes }),
}

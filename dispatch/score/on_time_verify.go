package score

// OnTimeVerify is 按期核实率: verified at or before due / settled verify tasks (domain 4d; 数字城管 按期核实率).
var OnTimeVerify = Indicator{
	ID: "on_time_verify", Name: "按期核实率", Formula: "verified at or before due / settled verify tasks", Source: "domain 4d; 数字城管 按期核实率", Least: 0, Kinds: []string{KindVerify},
	Count: share(KindVerify, func(p Period, f *Fact) bool { return p.done(f.Done) && punctual(f.Done, f.due()) }),
}

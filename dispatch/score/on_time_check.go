package score

// OnTimeCheck is 按期核查率: checked at or before due / settled check tasks (domain 4d; 数字城管 按期核查率).
var OnTimeCheck = Indicator{
	ID: "on_time_check", Name: "按期核查率", Formula: "checked at or before due / settled check tasks", Source: "domain 4d; 数字城管 按期核查率", Least: 0, Kinds: []string{KindCheck},
	Count: share(KindCheck, func(p Period, f *Fact) bool { return p.done(f.Done) && punctual(f.Done, f.due()) }),
}

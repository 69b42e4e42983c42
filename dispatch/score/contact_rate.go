package score

// Contact is 联系率: contacted in time / due contacts (domain 4d; 接诉即办 响应).
var Contact = Indicator{
	ID: "contact_rate", Name: "联系率", Formula: "contacted in time / due contacts", Source: "domain 4d; 接诉即办 响应", Least: 0, Kinds: []string{KindContact},
	Count: share(KindContact, func(p Period, f *Fact) bool { return p.done(f.Done) && punctual(f.Done, f.due()) }),
}

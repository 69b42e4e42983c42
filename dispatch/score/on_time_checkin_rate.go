package score

// OnTimeCheckin is 按时报到率: targets checked in at or before due / targets settled (domain 4d; 吹哨报到).
var OnTimeCheckin = Indicator{
	ID: "on_time_checkin_rate", Name: "按时报到率", Formula: "targets checked in at or before due / targets settled", Source: "domain 4d; 吹哨报到", Least: 0, Kinds: []string{KindTarget},
	Count: share(KindTarget, func(p Period, f *Fact) bool { return p.done(f.Done) && punctual(f.Done, f.due()) }),
}

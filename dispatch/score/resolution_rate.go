package score

// Resolution is 解决率: resolved = YES / valid ratings (domain 4d; 接诉即办 三率).
var Resolution = Indicator{
	ID: "resolution_rate", Name: "解决率", Formula: "resolved = YES / valid ratings", Source: "domain 4d; 接诉即办 三率", Least: 5, Kinds: []string{KindRating},
	Count: ratings(func(f *Fact) int64 { return unit(f.Yes) }, 1),
}

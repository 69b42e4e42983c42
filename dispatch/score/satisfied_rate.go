package score

// Satisfied is 满意率: grade >= 3 (基本满意及以上) / valid ratings (domain 4d; 接诉即办 三率).
var Satisfied = Indicator{
	ID: "satisfied_rate", Name: "满意率", Formula: "grade >= 3 (基本满意及以上) / valid ratings", Source: "domain 4d; 接诉即办 三率", Least: 5, Kinds: []string{KindRating},
	Count: ratings(func(f *Fact) int64 { return unit(f.Grade >= 3) }, 1),
}

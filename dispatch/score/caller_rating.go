package score

const callerTop = 5

// CallerRating is 街道评部门: mean of the calling streets' 1–5 over 5 (domain 4d; 扬州广陵 社区对部门的评价权).
var CallerRating = Indicator{
	ID: "caller_rating", Name: "街道评部门", Formula: "mean of the calling streets' grades 1 to 5 / 5", Source: "domain 4d", Least: 3, Kinds: []string{KindCaller},
	Count: func(p Period, facts []Fact) Ratio {
		var r Ratio
		for _, f := range p.of(KindCaller, facts) {
			r.Num += int64(f.Grade)
			r.Den += callerTop
		}
		return r
	},
}

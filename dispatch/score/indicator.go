package score

// Indicator is one figure of the assessment: its formula, where the formula comes from, and how it is counted. Least is
// the smallest denominator that says anything; below it the figure is N/A.
type Indicator struct {
	ID      string
	Name    string // zh-CN
	Formula string
	Source  string
	Least   int64
	Count   func(Period, []Fact) Ratio
	Kinds   []string // the facts behind it, for the way down to the cases
}

// Of counts the indicator; a sample that is too small answers {0, 0}. raw is what was counted all the same.
func (i *Indicator) Of(p Period, facts []Fact) (r, raw Ratio) {
	raw = i.Count(p, facts)
	if raw.Den == 0 || i.sample(raw) < i.Least {
		return Ratio{}, raw
	}
	return raw, raw
}

// sample is the number of answers behind a denominator: indices weigh each answer by its best grade.
func (i *Indicator) sample(r Ratio) int64 {
	switch i.ID {
	case SatisfactionIndex.ID:
		return r.Den / indexTop
	case CallerRating.ID:
		return r.Den / callerTop
	}
	return r.Den
}

// Indicators are those of a unit's sheet, in reading order.
var Indicators = []*Indicator{
	&CallResponse, &OnTimeCheckin, &Disposal, &OnTimeDisposal, &OverdueOpen, &Rework, &Extension, &Suspension, &BuckPass,
	&Resolution, &Satisfied, &SatisfactionIndex, &CallerRating, &Contact, &CallTimeliness, &AcceptOnTime, &AccurateDispatch, &MediationSuccess, &Repeat,
}

// WorkerIndicators are those of a person (domain 4d "worker level").
var WorkerIndicators = []*Indicator{&ValidReport, &OnTimeVerify, &OnTimeCheck}

// ByID finds an indicator of a sheet; nil when there is none.
func ByID(id string) *Indicator {
	for _, i := range append(append([]*Indicator{}, Indicators...), WorkerIndicators...) {
		if i.ID == id {
			return i
		}
	}
	return nil
}

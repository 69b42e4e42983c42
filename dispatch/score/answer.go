package score

import "encoding/json"

// answered are the indicators that `yixian assess` prints: those a fixture has facts for.
var answered = []*Indicator{&CallResponse, &OnTimeCheckin, &Disposal, &OnTimeDisposal, &OverdueOpen, &Rework, &Resolution, &Satisfied, &SatisfactionIndex, &CallerRating}

// Answer is what `yixian assess` prints: numbers with 4 decimals, null for N/A.
func (f *Fixture) Answer() map[string]any {
	s := Make("", "", KindDepartment, f.Period, 1, f.Facts)
	number := func(decimals string) any {
		if decimals == "" {
			return nil
		}
		return json.Number(decimals)
	}
	out := map[string]any{"period": f.Period.Name, "need_dispose": s.NeedDispose, "call_targets_due": s.CallTargetsDue, "valid_ratings": s.ValidRatings, "sufficient": s.Sufficient,
		"weight": number(s.Weight), "composite": number(s.Composite), "deductions": number(decimal(f.Deductions.Points())), "after_deductions": nil}
	for _, i := range answered {
		out[i.ID] = number(s.Line(i.ID).Value)
	}
	if exact := s.exact.After(f.Deductions); exact != nil {
		out["after_deductions"] = number(decimal(exact))
	}
	return out
}

package dispatch

import (
	"slices"

	"yixian/internal/auth"
	"yixian/internal/fault"
)

// follow is S10: a signed-in resident who knows a report (by its code and phone, or by its link) hears of the case as its
// reporter does, without a voice in it.
func follow(d *draft, _ *Command, a auth.Actor, as standing) error {
	switch {
	case a.Kind != auth.Resident:
		return fault.Forbidden("SIGN_IN_NEEDED", "请先登录再关注")
	case slices.ContainsFunc(d.s.Reports, func(r ReportRef) bool { return r.AccountID != nil && *r.AccountID == a.Account }):
		return fault.Conflict("OWN_REPORT", "这是您自己的上报，进展会自动告知")
	case slices.ContainsFunc(d.s.Followers, func(f Follower) bool { return f.AccountID == a.Account }):
		return fault.Conflict("ALREADY_FOLLOWING", "您已关注")
	}
	f := Follower{AccountID: a.Account, ReportID: *d.s.ReportID, FollowedAt: d.now}
	d.s.Followers = append(d.s.Followers, f)
	d.out.Followers = append(d.out.Followers, f)
	d.event(a, as, ActFollow, None, data{"report": f.ReportID, "followers": len(d.s.Followers)}, nil)
	return nil
}

// rateUnit is S7: the street that called says how a department did, once per case, round and department.
func rateUnit(d *draft, cmd *Command, a auth.Actor, as standing) error {
	c, b := &d.s.Case, &cmd.Body
	wasCalled := slices.ContainsFunc(d.s.Targets, func(t CallTarget) bool {
		k := d.s.call(t.CallID)
		return t.Unit == b.Unit && !t.Withdrawn && k != nil && k.Round == c.Round
	})
	switch {
	case b.Grade < 1 || b.Grade > 5:
		return fault.Invalid("/grade", "请在 1 到 5 之间选择")
	case b.Unit == as.Unit:
		return fault.Forbidden("SAME_UNIT", "不能评价本单位")
	case !wasCalled:
		return fault.Invalid("/unit", "本轮没有呼叫过单位 %s", b.Unit)
	case slices.ContainsFunc(d.s.UnitRatings, func(r UnitRating) bool { return r.Unit == b.Unit && r.Round == c.Round }):
		return fault.Conflict("ALREADY_RATED", "已评价过该单位")
	}
	row := UnitRating{ID: d.newID(), CaseID: c.ID, Round: c.Round, Unit: b.Unit, Street: as.Unit, RatedBy: a.Account, Grade: b.Grade, RatedAt: d.now}
	d.s.UnitRatings = append(d.s.UnitRatings, row)
	d.out.UnitRatings = append(d.out.UnitRatings, row)
	d.event(a, as, ActRateUnit, None, data{"unit": row.Unit, "grade": row.Grade}, map[string]string{"text": b.Text, "note": b.Note})
	return nil
}

// unrated lists the departments of this round's calls that the street has not rated yet.
func (s *Snapshot) unrated() []string {
	var out []string
	for _, t := range s.Targets {
		k := s.call(t.CallID)
		rated := slices.ContainsFunc(s.UnitRatings, func(r UnitRating) bool { return r.Unit == t.Unit && r.Round == s.Case.Round })
		if k != nil && k.Round == s.Case.Round && !t.Withdrawn && !rated && !slices.Contains(out, t.Unit) {
			out = append(out, t.Unit)
		}
	}
	return out
}

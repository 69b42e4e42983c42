package life

import (
	"slices"
	"time"

	"yixian/dispatch"
	"yixian/grid"
	"yixian/internal/auth"
)

// dispatcher is one of the centre's; other than somebody, when there is another one.
func (t *thread) dispatcher(s *dispatch.Snapshot) auth.Actor {
	list := t.people.having(auth.RoleDispatcher)
	if by := s.Case.RejectedBy; by != nil && s.Case.Appealed {
		list = slices.DeleteFunc(list, func(a auth.Actor) bool { return a.Account == *by })
	}
	return one(t.draw, list)
}

// submitted: the dispatchers look at what the program did not file. They are there day and night.
func (t *thread) submitted(s *dispatch.Snapshot) *step {
	c := &s.Case
	st := &step{who: t.dispatcher(s), after: t.between(time.Minute, 9*time.Minute)}
	switch {
	case t.merges(st):
	case c.Verdict == "FALSE" && !c.Appealed:
		st.act, st.body = dispatch.ActReject, body{"reason": "FALSE_REPORT", "reply": "网格员到现场核实，未发现您反映的情况，如有新的线索请再次上报。"}
	case c.Verdict == "GONE" && !c.Appealed:
		st.act, st.body = dispatch.ActReject, body{"reason": "SAME_FACT_CLOSED", "reply": "网格员到现场核实，问题已经消除，感谢您的反映，欢迎继续监督。"}
	case !c.Appealed && t.once("reject", 9):
		reason := dispatch.RejectReasons[t.draw.IntN(len(dispatch.RejectReasons))]
		st.act, st.body = dispatch.ActReject, body{"reason": reason, "reply": "经研判，该事项不属于本平台受理范围，建议您拨打 12345 咨询，或补充情况后再次上报。"}
	case !c.Appealed && t.once("void", 3):
		st.act, st.body = dispatch.ActVoid, body{"reason": "测试上报，已与报案人确认"}
	case !isZero(t.reporter) && !c.Appealed && t.once("withdraw early", 3):
		st = &step{who: t.reporter, voice: true, act: dispatch.ActWithdraw, body: body{"reason": "已经有人处理了"}, after: t.between(time.Minute, 5*time.Minute)}
	case c.Verdict == "" && len(t.people.walking(c.GridCode)) > 0 && t.once("verify", 15):
		st.act = dispatch.ActRequestVerify
	default:
		st.act, st.body = dispatch.ActFile, body{"matter": t.topic.matter}
	}
	return st
}

// merges: a dispatcher recognises the same thing.
func (t *thread) merges(st *step) bool {
	if t.master == nil || !t.once("merge", 80) {
		return false
	}
	st.act, st.body = dispatch.ActMerge, body{"master_case_id": t.master.String()}
	return true
}

// filed: the rules found nobody, or everybody has returned it: a dispatcher sends it on.
func (t *thread) filed(s *dispatch.Snapshot) *step {
	lead := s.Case.OwnerUnit
	if n := len(s.Returns); n > 0 {
		lead = s.Returns[n-1].SuggestedUnit
	}
	if slices.ContainsFunc(s.Returns, func(r dispatch.Return) bool { return r.Unit == lead }) || !t.world.Units[lead].Active {
		lead = "D-CG"
	}
	return &step{who: t.dispatcher(s), act: dispatch.ActDispatch, body: body{"lead": lead}, after: t.between(2*time.Minute, 15*time.Minute)}
}

// dispatched: the unit signs, or says that it is not its matter.
func (t *thread) dispatched(s *dispatch.Snapshot) *step {
	c := &s.Case
	if st := (&step{who: t.dispatcher(s), after: t.between(5*time.Minute, 20*time.Minute)}); t.merges(st) {
		return st
	}
	if !isZero(t.reporter) && c.ReporterCount == 1 && t.once("withdraw", 2) {
		return &step{who: t.reporter, voice: true, act: dispatch.ActWithdraw, body: body{"reason": "问题已经解决，撤回上报"}, after: t.between(time.Minute, 30*time.Minute)}
	}
	if t.once("void late", 1) {
		return &step{who: t.dispatcher(s), act: dispatch.ActVoid, body: body{"reason": "重复录入"}, after: t.between(time.Minute, 20*time.Minute)}
	}
	if st := t.passOn(s); st != nil {
		return st
	}
	st := &step{who: t.officer(c.LeadUnit), act: dispatch.ActSign, after: t.between(4*time.Minute, 50*time.Minute), office: !urgent(s)}
	switch {
	case c.Priority == dispatch.P1:
		st.after = t.between(time.Minute, 6*time.Minute)
	case urgent(s):
		st.after = t.between(2*time.Minute, 20*time.Minute)
	case t.once("signs late", 5):
		st.after = t.between(2*time.Hour, 6*time.Hour)
	}
	return st
}

// passOn is a return, or a dispute, of a unit that thinks it is not its matter.
func (t *thread) passOn(s *dispatch.Snapshot) *step {
	c := &s.Case
	percent := 12
	if t.world.Units[c.LeadUnit].Kind == grid.UnitStreet || t.world.Units[c.LeadUnit].Kind == grid.UnitCommunity {
		percent = 2
	}
	if len(s.Returns) > 0 {
		percent = 45 // what has bounced once bounces again
	}
	lead := leadOf(s)
	if lead == nil || lead.Binding || !t.once("return by "+c.LeadUnit, percent) {
		return nil
	}
	who := t.officer(c.LeadUnit)
	if c.ReturnCount == 1 {
		who = one(t.draw, t.people.of(c.LeadUnit, leaders...))
	}
	if isZero(who) {
		return nil
	}
	to := []string{c.OwnerUnit, "D-CG", "D-JS", "C-LD"}[t.draw.IntN(4)]
	if to == c.LeadUnit {
		to = "D-WX"
	}
	return &step{who: who, act: dispatch.ActReturn, after: t.between(5*time.Minute, 2*time.Hour), office: true,
		body: body{"legal_basis": "部门三定方案", "suggested_unit": to, "reason": "经现场确认，该处不属本单位管养范围"}}
}

// leadOf is the assignment that answers for the case.
func leadOf(s *dispatch.Snapshot) *dispatch.Assignment {
	for i := range s.Assignments {
		if a := &s.Assignments[i]; a.Kind == "LEAD" && a.Unit == s.Case.LeadUnit && (a.Active() || a.State == "RESOLVED") {
			return a
		}
	}
	return nil
}

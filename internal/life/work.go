package life

import (
	"slices"
	"time"

	"yixian/dispatch"
	"yixian/grid"
	"yixian/internal/auth"
)

// handling: the unit that leads talks to the reporter, calls upward, asks for time, settles it.
func (t *thread) handling(s *dispatch.Snapshot, now time.Time) *step {
	if st := t.contact(s); st != nil {
		return st
	}
	if st := t.callUp(s); st != nil {
		return st
	}
	if st := t.aside(s); st != nil {
		return st
	}
	return t.resolve(s, now)
}

// contact is the first word with the reporter.
func (t *thread) contact(s *dispatch.Snapshot) *step {
	lead := leadOf(s)
	if s.Case.NoContact || lead == nil || lead.ContactedAt != nil || lead.ContactWaived {
		return nil
	}
	return &step{who: t.officer(s.Case.LeadUnit), act: dispatch.ActContact, body: body{"method": []string{"PHONE", "PHONE", "VISIT"}[t.draw.IntN(3)], "talked_to": "报案人"},
		after: t.between(5*minute, 2*hour), office: !urgent(s)}
}

var levels = []struct {
	level string
	roles []auth.Role
}{{"L1", street}, {"L2", []auth.Role{auth.RoleStreetLeader, auth.RoleStreetSecretary}}, {"L3", []auth.Role{auth.RoleStreetSecretary}}}

// callUp is the call: of a street that leads, once a round, because the rule says so or because it cannot do it alone.
func (t *thread) callUp(s *dispatch.Snapshot) *step {
	c := &s.Case
	if t.world.Units[c.LeadUnit].Kind != grid.UnitStreet || c.LeadUnit != c.OwnerUnit {
		return nil
	}
	percent, level, lead := 12, "L1", "D-CG"
	var others []string
	if p := s.Proposal(); p != nil {
		if percent = 55; p.Required {
			percent = 90
		}
		level, others = max(level, string(p.Level)), p.Targets
		if p.Lead != "" {
			lead = p.Lead
		}
	}
	if !t.once("call in round "+string(rune('0'+c.Round)), percent) {
		return nil
	}
	if level == "L1" && t.draw.IntN(8) == 0 {
		level = "L2"
	}
	var who auth.Actor
	for _, l := range levels {
		if l.level >= level && isZero(who) {
			who, level = one(t.draw, t.people.of(c.LeadUnit, l.roles...)), l.level
		}
	}
	proposer := one(t.draw, t.people.of(c.CommunityCode, auth.RoleCommunityOfficer))
	if !isZero(proposer) && t.draw.IntN(4) == 0 {
		who = proposer
	}
	if isZero(who) || lead == c.LeadUnit {
		return nil
	}
	targets := []body{{"unit": lead, "lead": true}}
	for _, u := range others {
		if u != lead && u != c.LeadUnit && len(targets) < 3 {
			targets = append(targets, body{"unit": u, "lead": false})
		}
	}
	if len(targets) == 1 && t.draw.IntN(3) == 0 && lead != "D-JS" {
		targets = append(targets, body{"unit": "D-JS", "lead": false})
	}
	return &step{who: who, act: dispatch.ActCall, after: t.between(10*minute, 5*hour), office: !urgent(s),
		body: body{"level": level, "reason": []string{"NO_POWER", "NO_CAPACITY", "JOINT"}[t.draw.IntN(3)], "targets": targets, "remote_allowed": t.draw.IntN(8) == 0}}
}

// calling: the called departments answer and come, or do not; now and then the street thinks better of it.
func (t *thread) calling(s *dispatch.Snapshot) *step {
	k := openCall(s)
	if k == nil {
		return &step{after: hour}
	}
	office := !urgent(s)
	if t.once("withdraw call", 4) {
		return &step{who: one(t.draw, t.people.of(k.CallerUnit, street...)), act: dispatch.ActWithdrawCall, body: body{"reason": "当事人已自行整改"}, after: t.between(5*minute, hour), office: office}
	}
	key := k.ID.String()
	for _, x := range targetsOf(s, k) {
		if x.AckedAt == nil && t.once("ack "+key+x.Unit, 85) {
			return &step{who: t.officer(x.Unit), act: dispatch.ActAck, body: body{"eta_minutes": 10 + t.draw.IntN(60)}, after: t.between(time.Minute, 20*minute), office: office}
		}
	}
	for _, x := range targetsOf(s, k) {
		if x.IsLead {
			after := t.between(15*minute, 3*hour)
			switch {
			case s.Case.Priority == dispatch.P1:
				after = t.between(4*minute, 16*minute)
			case urgent(s):
				after = t.between(8*minute, 40*minute)
			case t.once("late "+key, 7):
				after = t.between(4*hour, 9*hour)
			case t.once("very late "+key, 1):
				after = t.between(12*hour, 30*hour)
			}
			return t.checkIn(s, k, x, after)
		}
	}
	return &step{after: 4 * hour}
}

// checkIn proves presence at the place of the call.
func (t *thread) checkIn(s *dispatch.Snapshot, k *dispatch.Call, x *dispatch.CallTarget, after time.Duration) *step {
	return &step{who: t.officer(x.Unit), act: dispatch.ActCheckIn, body: body{"point": t.here(k.Lon, k.Lat)}, after: after, office: !urgent(s)}
}

// onsite: the departments that came talk it over and settle it.
func (t *thread) onsite(s *dispatch.Snapshot, now time.Time) *step {
	if k := openCall(s); k != nil {
		for _, x := range targetsOf(s, k) {
			if t.once("come "+k.ID.String()+x.Unit, 80) {
				return t.checkIn(s, k, x, t.between(5*minute, 90*minute))
			}
		}
	}
	if st := t.contact(s); st != nil {
		return st
	}
	c := &s.Case
	if t.once("consult", 55) {
		b := body{"participants": []string{"街道经办", "部门现场人员", "社区代表"}, "conclusion": "当场明确分工，当日围挡，三日内处置完毕"}
		if unit := []string{"D-CG", "D-JS", "D-XF"}[t.draw.IntN(3)]; unit != c.LeadUnit && t.draw.IntN(3) == 0 {
			b["tasks"] = []body{{"unit": unit, "text": "配合现场围护和取证", "budget": "4WH"}}
		}
		return &step{who: t.officer(c.LeadUnit), act: dispatch.ActConsult, body: b, after: t.between(10*minute, hour), office: !urgent(s)}
	}
	if st := t.aside(s); st != nil {
		return st
	}
	return t.resolve(s, now)
}

// aside is what happens beside the work itself: notes, orders, requests for time, a dispute.
func (t *thread) aside(s *dispatch.Snapshot) *step {
	c := &s.Case
	st := &step{who: t.officer(c.LeadUnit), after: t.between(10*minute, 2*hour), office: !urgent(s)}
	lead := leadOf(s)
	switch {
	case lead != nil && !lead.Binding && t.once("dispute", 2):
		st.act, st.body = dispatch.ActDispute, body{"reason": "现场属另一单位管养，请裁定"}
	case !urgent(s) && t.once("suspend", 4):
		st.act = dispatch.ActSuspend
		st.body = body{"reason": dispatch.SuspendReasons[t.draw.IntN(len(dispatch.SuspendReasons))], "resume_at": at(t.between(30*hour, 9*day))}
	case !urgent(s) && t.once("extend", 6):
		st.act, st.body = dispatch.ActExtend, body{"budget": []string{"2WH", "4WH", "1WD"}[t.draw.IntN(3)], "reason": "需要等待材料到货"}
	case t.once("supervise", 3):
		st.who, st.act = one(t.draw, t.people.having(auth.RoleSupervisor)), dispatch.ActSupervise
		st.body = body{"kind": []string{"URGE", "SUPERVISE", "SUPERVISE", "LEADER"}[t.draw.IntN(4)], "text": "请尽快办理并报告进展"}
	case !isZero(t.reporter) && t.once("urge", 6):
		st.who, st.voice, st.office, st.act, st.body = t.reporter, true, false, dispatch.ActUrge, body{"text": "请问什么时候能处理"}
	case !isZero(t.reporter) && t.once("add", 4):
		st.who, st.voice, st.office, st.act, st.body, st.photos = t.reporter, true, false, dispatch.ActAdd, body{"text": "补充一张现在的照片"}, 1
	case t.once("note", 8):
		st.act, st.body = dispatch.ActNote, body{"text": "已安排人员，预计下午到场"}
	default:
		return nil
	}
	return st
}

// at stands in a body for an instant so long after it is carried out.
type at time.Duration

// resolve settles the matter; most within their time, some late. Who assists does their part first, mostly.
func (t *thread) resolve(s *dispatch.Snapshot, now time.Time) *step {
	c := &s.Case
	outcome := []string{"RESOLVED", "RESOLVED", "RESOLVED", "RESOLVED", "RESOLVED", "RESOLVED", "EXPLAINED", "PLANNED", "NOT_FEASIBLE"}[t.draw.IntN(9)]
	b := body{"outcome": outcome, "accepted_at": now, "talked_to": "报案人", "measures": after[t.draw.IntN(len(after))], "time_limit": "当日完成"}
	for i := range s.Assignments {
		x := &s.Assignments[i]
		if x.Kind == "ASSIST" && x.Active() && x.Round == c.Round {
			if t.once("assist "+x.ID.String(), 60) {
				return &step{who: t.officer(x.Unit), act: dispatch.ActResolve, body: b, photos: 1, after: t.between(10*minute, 2*hour), office: !urgent(s)}
			}
			b["note"] = "协办单位已口头反馈，不再等待"
		}
	}
	left, working := 4*hour, !urgent(s)
	if lead := leadOf(s); lead != nil {
		for i := range s.Clocks {
			if k := &s.Clocks[i]; k.Kind == dispatch.ClockHandle && k.OwnerID == lead.ID && k.State == "RUNNING" {
				left, working = max(10*minute, time.Duration(t.world.Remaining(k, now))*time.Second), k.Working
			}
		}
	}
	share := int64(t.between(12, 88)) // percent of what is left
	if t.once("overdue", 7) {
		share = int64(t.between(105, 175))
	}
	if !urgent(s) { // five working days are not all used up
		left = min(left, 30*hour)
	}
	return &step{who: t.officer(c.LeadUnit), act: dispatch.ActResolve, body: b, photos: 1, after: time.Duration(int64(left) / 100 * share), office: working}
}

// disputed: whoever had it first makes it safe, then the arbitrator decides.
func (t *thread) disputed(s *dispatch.Snapshot) *step {
	c := &s.Case
	units := []string{c.LeadUnit, c.LeadUnit, c.OwnerUnit, "D-JS"}
	return &step{who: one(t.draw, t.people.having(auth.RoleArbitrator)), act: dispatch.ActArbitrate, body: body{"lead": units[t.draw.IntN(len(units))], "basis": "依据三定方案和现场权属资料裁定"},
		after: t.between(hour, 7*hour), office: !urgent(s)}
}

func openCall(s *dispatch.Snapshot) *dispatch.Call {
	for i := range s.Calls {
		if k := &s.Calls[i]; k.State == "OPEN" || k.State == "ONSITE" {
			return k
		}
	}
	return nil
}

// targetsOf are the units of a call that have still to come, the lead last.
func targetsOf(s *dispatch.Snapshot, k *dispatch.Call) (out []*dispatch.CallTarget) {
	for i := range s.Targets {
		if x := &s.Targets[i]; x.CallID == k.ID && !x.Withdrawn && !x.Released && x.CheckedInAt == nil {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b *dispatch.CallTarget) int {
		switch {
		case a.IsLead == b.IsLead:
			return 0
		case b.IsLead:
			return -1
		}
		return 1
	})
	return out
}

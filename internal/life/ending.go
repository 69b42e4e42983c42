package life

import (
	"slices"
	"time"

	"yixian/dispatch"
	"yixian/internal/auth"
)

// decision is what somebody owes to a request: an order is replied to, time is granted or refused, a call is confirmed.
func (t *thread) decision(s *dispatch.Snapshot) *step {
	for i := range s.Requests {
		r := &s.Requests[i]
		key := "decide " + r.ID.String()
		if r.State != "PENDING" || !t.once(key, 96) { // some lie
			continue
		}
		if r.Kind == "SUPERVISE" || r.Kind == "INTERIM" {
			return &step{who: t.officer(r.Unit), act: dispatch.ActReply, body: body{"text": "已安排处置，进展将及时报告"}, after: t.between(20*minute, 6*hour), office: !urgent(s)}
		}
		if r.Kind == "SPOT" {
			continue // closed
		}
		able := slices.DeleteFunc(slices.Concat(t.people.having(auth.RoleDispatcher, auth.RoleSupervisor), t.people.of(s.Case.OwnerUnit, street...)),
			func(a auth.Actor) bool { return !s.Decidable(r, a) })
		if len(able) == 0 {
			continue
		}
		st := &step{who: one(t.draw, able), act: dispatch.ActApprove, body: body{"request_id": r.ID.String()}, after: t.between(5*minute, 90*minute), office: true}
		if r.Kind == "CALL" {
			st.after = t.between(time.Minute, 12*minute)
		}
		if t.draw.IntN(100) < 18 {
			st.act = dispatch.ActDecline
			st.body["reason"] = "理由不充分，请按原定要求办理"
		}
		return st
	}
	return nil
}

// resolved: somebody of another unit looks whether it is true.
func (t *thread) resolved(s *dispatch.Snapshot) *step {
	c := &s.Case
	fit := func(list []auth.Actor) []auth.Actor {
		return slices.DeleteFunc(list, func(a auth.Actor) bool {
			return slices.Contains(a.Units(), c.LeadUnit) || slices.ContainsFunc(s.Handlers, func(h dispatch.Handler) bool { return h.Round == c.Round && h.AccountID == a.Account })
		})
	}
	list := fit(t.people.of(c.CheckUnit, checkers...))
	if len(list) == 0 {
		list = fit(t.people.walking(c.GridCode))
	}
	if len(list) == 0 {
		return &step{after: day}
	}
	st := &step{who: one(t.draw, list), act: dispatch.ActCheckPass, photos: 1, body: body{"point": t.here(c.Lon, c.Lat)}, after: t.between(10*minute, 3*hour), office: !urgent(s)}
	if t.topic.phone {
		st.photos, st.body = 0, body{"method": "PHONE"}
	}
	if t.draw.IntN(100) < 9 {
		st.act, st.body["reason"] = dispatch.ActCheckFail, "现场仍有遗留，与处置后照片不符"
	}
	return st
}

// closed: the street rates whom it called, the district looks again by sample, reporters answer or are asked by telephone. The
// archive is the program's.
func (t *thread) closed(s *dispatch.Snapshot, now time.Time) *step {
	c := &s.Case
	round := string(rune('0' + c.Round))
	for i := range s.Requests {
		if r := &s.Requests[i]; r.Kind == "SPOT" && r.State == "PENDING" && t.once("spot "+r.ID.String(), 80) {
			st := &step{who: one(t.draw, t.people.having(auth.RoleSupervisor)), act: dispatch.ActCheckPass, photos: 1, body: body{"point": t.here(c.Lon, c.Lat)}, after: t.between(2*hour, 20*hour), office: true}
			if t.draw.IntN(8) == 0 {
				st.act, st.body["reason"] = dispatch.ActCheckFail, "抽查发现问题反弹"
			}
			return st
		}
	}
	for i := range s.Targets {
		x := &s.Targets[i]
		called := slices.IndexFunc(s.Calls, func(k dispatch.Call) bool { return k.ID == x.CallID && k.Round == c.Round })
		rated := slices.ContainsFunc(s.UnitRatings, func(r dispatch.UnitRating) bool { return r.Unit == x.Unit && r.Round == c.Round })
		if called >= 0 && !x.Withdrawn && !rated && t.once("rate "+round+x.Unit, 75) {
			return &step{who: one(t.draw, t.people.of(s.Calls[called].CallerUnit, street...)), act: dispatch.ActRateUnit, body: body{"unit": x.Unit, "grade": t.grade()},
				after: t.between(20*minute, 10*hour), office: true}
		}
	}
	spoken := slices.ContainsFunc(s.Ratings, func(r dispatch.Rating) bool { return r.Round == c.Round })
	if !isZero(t.reporter) && !c.SelfHandled && !spoken && t.once("rate in round "+round, 55) {
		b := body{"contacted": t.draw.IntN(12) > 0, "resolved": true, "grade": t.grade()}
		if t.draw.IntN(100) < 9 {
			b["resolved"], b["grade"], b["text"] = false, 1+t.draw.IntN(2), "过了两天又是老样子"
		}
		return &step{who: t.reporter, voice: true, act: dispatch.ActRate, body: b, after: t.between(hour, 70*hour)}
	}
	for i := range s.Clocks {
		k := &s.Clocks[i]
		if k.Kind != dispatch.ClockCallback || k.State != "RUNNING" || k.DueAt == nil || !t.once("callback in round "+round+" "+string(rune('0'+len(s.Callbacks))), 90) {
			continue
		}
		b := body{"reached": t.draw.IntN(4) > 0}
		if b["reached"] == true {
			b["contacted"], b["resolved"], b["grade"] = true, t.draw.IntN(12) > 0, t.grade()
		}
		return &step{who: one(t.draw, t.people.having(auth.RoleCallback)), act: dispatch.ActCallback, body: b, after: max(0, k.DueAt.Sub(now)) + t.between(10*minute, 20*hour)}
	}
	if slices.ContainsFunc(s.Requests, func(r dispatch.Request) bool { return r.Kind == "REOPEN" && r.State == "PENDING" }) {
		return &step{after: 3 * day}
	}
	return nil
}

// grade is mostly a good one.
func (t *thread) grade() int { return []int{5, 5, 5, 5, 4, 4, 4, 3, 3, 2}[t.draw.IntN(10)] }

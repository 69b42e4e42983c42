package dispatch

import (
	"slices"

	"github.com/google/uuid"

	"yixian/internal/auth"
	"yixian/internal/fault"
)

// maxAttempts: who cannot be reached three times is not counted.
const maxAttempts = 3

// toCall lists the reports whose reporters a callback officer still has to ask in this round: they left a phone, do not
// mind being called, have not rated, and have not been called three times in vain. Staff rate nothing of their own.
func (s *Snapshot) toCall() []uuid.UUID {
	var out []uuid.UUID
	if s.Case.SelfHandled {
		return nil
	}
	for i := range s.Reports {
		r := &s.Reports[i]
		own := !r.OnBehalf && (r.Source == "STAFF" || r.Source == "GRID_WORKER")
		rated := slices.ContainsFunc(s.Ratings, func(x Rating) bool { return x.ReportID == r.ID && x.Round == s.Case.Round })
		if r.HasPhone && !r.Anonymous && !r.NoContact && !own && !rated && s.attempts(r.ID) < maxAttempts {
			out = append(out, r.ID)
		}
	}
	return out
}

// attempts counts the calls to a reporter in this round.
func (s *Snapshot) attempts(report uuid.UUID) (n int) {
	for _, c := range s.Callbacks {
		if c.ReportID == report && c.Round == s.Case.Round {
			n++
		}
	}
	return n
}

// called finds whom a callback is about: the report that is named, else the first that waits. Before its time, or when
// nobody waits any more, it is refused.
func (d *draft) called(reportID string) (*ReportRef, error) {
	k := d.clock(ClockCallback, d.s.Case.ID)
	wait := d.s.toCall()
	if k != nil && k.DueAt != nil && d.now.Before(*k.DueAt) {
		return nil, fault.Conflict("NOT_DUE", "结案后尚未到回访时间").With("due_at", k.DueAt)
	}
	if k == nil || len(wait) == 0 {
		return nil, fault.Conflict("NOBODY_TO_CALL", "没有需要回访的报案人：已评价、未留电话或三次未接通")
	}
	if reportID == "" {
		return d.s.report(wait[0]), nil
	}
	for _, id := range wait {
		if id.String() == reportID {
			return d.s.report(id), nil
		}
	}
	return nil, fault.Invalid("/report_id", "该上报不在回访之列")
}

// callback is T23b: the reporter who has not rated is asked by phone. An answer is a rating by the channel PHONE; the
// third attempt in vain is invalid and ends it.
func callback(d *draft, cmd *Command, a auth.Actor, as standing) error {
	c := &d.s.Case
	ref, err := d.called(cmd.Body.ReportID)
	if err != nil {
		return err
	}
	n := d.s.attempts(ref.ID) + 1
	row := Callback{ID: d.newID(), ReportID: ref.ID, Round: c.Round, Attempt: n, Result: "REACHED", CalledBy: a.Account, CalledAt: d.now}
	facts := data{"report": ref.ID, "attempt": n, "reached": *cmd.Body.Reached}
	if *cmd.Body.Reached {
		switch {
		case cmd.Body.Resolved == nil:
			return fault.Invalid("/resolved", "请记录问题是否解决")
		case cmd.Body.Grade < 1 || cmd.Body.Grade > 5:
			return fault.Invalid("/grade", "请在 1 到 5 之间选择")
		}
		d.keepCallback(row)
		return d.opinion(ActCallback, ref, cmd, "PHONE", a, as, facts)
	}
	if n == maxAttempts {
		row.Result = "INVALID"
	} else {
		row.Result = "UNREACHABLE"
	}
	facts["result"] = row.Result
	d.keepCallback(row)
	if len(d.s.toCall()) == 0 {
		d.stopClock(ClockCallback, c.ID)
	}
	d.event(a, as, ActCallback, None, facts, map[string]string{"text": cmd.Body.Text, "note": cmd.Body.Note})
	return nil
}

func (d *draft) keepCallback(row Callback) {
	d.s.Callbacks = append(d.s.Callbacks, row)
	d.out.Callbacks = append(d.out.Callbacks, row)
}

// callbackDue: the clock has rung and somebody still waits to be asked.
func (s *Snapshot) callbackDue() bool {
	return len(s.toCall()) > 0 && slices.ContainsFunc(s.Clocks, func(k Clock) bool { return k.Kind == ClockCallback && k.State == "RUNNING" && k.Level >= 100 })
}

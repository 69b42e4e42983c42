package dispatch

import (
	"slices"
	"strings"

	"yixian/internal/auth"
	"yixian/internal/fault"
)

// supervise is T29: an order to the unit that leads, with a clock for its reply.
func supervise(d *draft, cmd *Command, a auth.Actor, as standing) error {
	c := &d.s.Case
	unit := c.LeadUnit
	if unit == "" {
		unit = c.OwnerUnit
	}
	r := d.order("SUPERVISE", a, unit, cmd.Body.Kind)
	d.event(a, as, ActSupervise, None, data{"request": r.ID, "kind": cmd.Body.Kind, "unit": unit}, map[string]string{"text": cmd.Body.Text, "note": cmd.Body.Note})
	return nil
}

// order asks a unit for a reply, with its clock.
func (d *draft) order(kind string, a auth.Actor, unit, reason string) *Request {
	r := d.ask(kind, a, unit, reason, "", nil)
	if b, ok := d.w.budget(ClockReply, d.s.Case.Priority); ok {
		d.startClock(ClockReply, "REQUEST", r.ID, unit, b)
	}
	return r
}

// order tells what a unit replies to from what somebody approves.
func (r *Request) order() bool { return r.Kind == "SUPERVISE" || r.Kind == "INTERIM" }

// reply is the supervised unit's answer to its oldest open order.
func reply(d *draft, cmd *Command, a auth.Actor, as standing) error {
	i := slices.IndexFunc(d.s.Requests, func(r Request) bool { return r.order() && r.State == "PENDING" && r.Unit == as.Unit })
	if i < 0 {
		return fault.Conflict("NO_ORDER", "没有待回复的督办")
	}
	r := &d.s.Requests[i]
	r.State, r.DecidedBy, r.DecidedAt = "DONE", accountOf(a), &d.now
	d.touch(&d.dirty.requests, r.ID)
	d.stopClock(ClockReply, r.ID)
	d.event(a, as, ActReply, None, data{"request": r.ID, "kind": r.Kind, "unit": as.Unit}, map[string]string{"text": cmd.Body.Text, "note": cmd.Body.Note})
	return nil
}

// withdrawCall is T17: nobody has come yet and nobody need come any more; the targets leave all figures.
func withdrawCall(d *draft, cmd *Command, a auth.Actor, as standing) error {
	k := d.s.openCall()
	if k == nil {
		return fault.Conflict("NO_CALL", "当前没有进行中的呼叫")
	}
	if slices.ContainsFunc(d.s.Targets, func(t CallTarget) bool { return t.CallID == k.ID && t.CheckedInAt != nil }) {
		return fault.Conflict("ALREADY_CHECKED_IN", "已有单位报到，不能撤回呼叫")
	}
	for i := range d.s.Targets {
		t := &d.s.Targets[i]
		if t.CallID != k.ID {
			continue
		}
		t.Withdrawn = true
		d.touch(&d.dirty.targets, t.ID)
		d.stopClock(ClockAck, t.ID)
		d.stopClock(ClockCheckin, t.ID)
		d.setParty(t.Unit, false)
	}
	k.State = "WITHDRAWN"
	d.touch(&d.dirty.calls, k.ID)
	lead, err := d.leadAssignment()
	if err != nil {
		return err
	}
	if h := d.clock(ClockHandle, lead.ID); h != nil {
		d.resume(h)
		lead.DueAt = h.DueAt
	}
	to := Handling
	if c := &d.s.Case; c.ResumeState == Onsite { // called again from there
		to, c.ResumeState = Onsite, None
	}
	d.event(a, as, ActWithdrawCall, to, data{"call": k.ID}, map[string]string{"reason": cmd.Body.Reason, "note": cmd.Body.Note})
	return nil
}

// consult is T19: who was there, what was decided, who does what until when.
func consult(d *draft, cmd *Command, a auth.Actor, as standing) error {
	c := &d.s.Case
	units := []string{}
	for _, t := range cmd.Body.Tasks {
		if err := d.w.checkUnit("/tasks", t.Unit); err != nil {
			return err
		}
		b, ok := budgetOf(t.Budget)
		if !ok {
			return fault.Invalid("/tasks", "时限应为如 4WH、1WD 的时长")
		}
		if t.Unit == c.LeadUnit || slices.Contains(units, t.Unit) || slices.ContainsFunc(d.s.Assignments, func(x Assignment) bool { return x.Unit == t.Unit && x.Kind == "ASSIST" && x.Active() }) {
			return fault.Invalid("/tasks", "单位 %s 已有任务或为主办单位", t.Unit)
		}
		id := d.newAssignment(t.Unit, "ASSIST", b.Seconds(), b.Working(), b.String())
		i := slices.IndexFunc(d.s.Assignments, func(x Assignment) bool { return x.ID == id })
		d.s.Assignments[i].Task = t.Text
		units = append(units, t.Unit)
	}
	d.handled(a, as.Unit, "consult")
	d.event(a, as, ActConsult, None, data{"tasks": units, "participants": len(cmd.Body.Participants)},
		map[string]string{"conclusion": cmd.Body.Conclusion, "participants": joinLines(cmd.Body.Participants), "note": cmd.Body.Note})
	return nil
}

func joinLines(list []string) string {
	var out strings.Builder
	for i, s := range list {
		if i > 0 {
			out.WriteString("\n")
		}
		out.WriteString(s)
	}
	return out.String()
}

// finishAssist is resolve by an assisting unit: its own task is done, the case goes on.
func finishAssist(d *draft, x *Assignment, cmd *Command, a auth.Actor, as standing) error {
	if d.s.MediaOwned < len(cmd.Body.MediaIDs) {
		return fault.Invalid("/media_ids", "照片不存在或不是您上传的，请重新上传")
	}
	x.ResolvedAt, x.ResolvedBy = &d.now, &a.Account
	d.endAssignment(x, "DONE")
	if x.Task != lookTask { // who only looked may check later what others did
		d.handled(a, x.Unit, "assist")
	}
	d.out.Media = append(d.out.Media, cmd.Body.MediaIDs...)
	d.event(a, as, ActResolve, None, data{"unit": x.Unit, "assist": true}, map[string]string{"measures": cmd.Body.Measures, "note": cmd.Body.Note})
	return nil
}

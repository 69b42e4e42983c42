package dispatch

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"yixian/internal/auth"
	"yixian/internal/fault"
)

// SuspendReasons are the reasons of T26.
var SuspendReasons = []string{"WAIT_RESIDENT", "WEATHER", "LEGAL_PROCEDURE", "BUDGET_PLAN", "THIRD_PARTY"}

// longSuspension needs the supervisor instead of the dispatcher.
const longSuspension = 30 * 24 * time.Hour

func (d *draft) ask(kind string, a auth.Actor, unit, reason, budget string, resumeAt *time.Time) *Request {
	r := Request{ID: d.newID(), CaseID: d.s.Case.ID, Kind: kind, Unit: unit, RequestedBy: accountOf(a), Reason: reason, Budget: budget, ResumeAt: resumeAt, State: "PENDING", CreatedAt: d.now}
	d.s.Requests = append(d.s.Requests, r)
	d.touch(&d.dirty.requests, r.ID)
	return &d.s.Requests[len(d.s.Requests)-1]
}

func (d *draft) pending(kind string) bool {
	return slices.ContainsFunc(d.s.Requests, func(r Request) bool { return r.Kind == kind && r.State == "PENDING" })
}

// moot settles pending requests of some kinds that nobody need decide or answer any more.
func (d *draft) moot(kinds ...string) {
	for i := range d.s.Requests {
		r := &d.s.Requests[i]
		if r.State != "PENDING" || !slices.Contains(kinds, r.Kind) {
			continue
		}
		if r.State = "DECLINED"; r.order() {
			r.State = "DONE"
		}
		r.DecidedAt = &d.now
		d.stopClock(ClockReply, r.ID)
		d.stopClock(ClockConfirm, r.ID)
		d.touch(&d.dirty.requests, r.ID)
	}
}

// suspend is the first half of T26: the lead asks; somebody else approves.
func suspend(d *draft, cmd *Command, a auth.Actor, as standing) error {
	c := &d.s.Case
	if err := d.mayWait("SUSPEND"); err != nil {
		return err
	}
	switch {
	case d.pending("SUSPEND"):
		return fault.Conflict("REQUEST_OPEN", "已有待审批的挂起申请")
	case cmd.Body.ResumeAt == nil || !cmd.Body.ResumeAt.After(d.now):
		return fault.Invalid("/resume_at", "恢复时间须晚于现在")
	}
	if c.Priority == P2 && strings.TrimSpace(cmd.Body.Measures+cmd.Body.Note) == "" {
		return fault.Invalid("/measures", "紧急案件挂起须写明临时措施")
	}
	r := d.ask("SUSPEND", a, as.Unit, cmd.Body.Reason, "", cmd.Body.ResumeAt)
	d.event(a, as, ActSuspend, None, data{"request": r.ID, "reason": r.Reason, "resume_at": r.ResumeAt.UTC().Format(factTime)}, map[string]string{"measures": cmd.Body.Measures, "note": cmd.Body.Note})
	return nil
}

// mayWait refuses a suspension or an extension where nobody may wait: P1 never (T26, T28), and what an emergency in force
// covers. It is asked again at approval: a case may have become urgent since somebody asked for time.
func (d *draft) mayWait(kind string) error {
	c := &d.s.Case
	urgent := c.Priority == P1 || c.IncidentID != nil && slices.ContainsFunc(d.w.Incidents, func(i Incident) bool { return i.ID == *c.IncidentID && i.inForce(d.now) })
	switch {
	case kind == "SUSPEND" && urgent:
		return fault.Conflict("SUSPEND_FORBIDDEN", "特急案件和应急期间的案件不得挂起")
	case kind == "EXTEND" && urgent:
		return fault.Conflict("EXTEND_FORBIDDEN", "特急案件和应急期间的案件不得延期")
	}
	return nil
}

// resume is T27, by the lead or by the clock: back to where it was, with what was left.
func resume(d *draft, cmd *Command, a auth.Actor, as standing) error {
	c := &d.s.Case
	d.stopClock(ClockResume, c.ID)
	for i := range d.s.Clocks {
		k := &d.s.Clocks[i]
		if k.State != "PAUSED" {
			continue
		}
		d.resume(k)
		d.follows(k)
	}
	to := c.ResumeState
	c.ResumeState = None
	d.event(a, as, ActResume, to, nil, map[string]string{"note": cmd.Body.Note})
	return nil
}

func (d *draft) leads(assignment uuid.UUID) bool {
	i := d.leadIndex()
	return i >= 0 && d.s.Assignments[i].ID == assignment
}

// extend is the first half of T28: in time, at least a fifth left, at most two, together at most the base.
func extend(d *draft, cmd *Command, a auth.Actor, as standing) error {
	c := &d.s.Case
	if err := d.mayWait("EXTEND"); err != nil {
		return err
	}
	lead, err := d.leadAssignment()
	if err != nil {
		return err
	}
	k := d.clock(ClockHandle, lead.ID)
	b, ok := budgetOf(cmd.Body.Budget)
	granted := 0
	var total int64
	for _, r := range d.s.Requests {
		if r.Kind == "EXTEND" && r.State == "APPROVED" {
			granted++
			if g, ok := budgetOf(r.Budget); ok {
				total += g.Seconds()
			}
		}
	}
	base, _ := budgetOf(c.SLABudget)
	switch {
	case !ok:
		return fault.Invalid("/budget", "应为如 1WD、8WH 的时长")
	case d.pending("EXTEND"):
		return fault.Conflict("REQUEST_OPEN", "已有待审批的延期申请")
	case granted >= 2:
		return fault.Conflict("EXTEND_LIMIT", "最多延期两次")
	case k == nil || d.w.remaining(k, d.now) < 0:
		return fault.Conflict("OVERDUE", "已超过办理时限，不能再申请延期")
	case d.w.remaining(k, d.now)*5 < k.BudgetS:
		return fault.Conflict("TOO_LATE", "剩余时间不足 20%%，不能再申请延期")
	case b.Working() != k.Working || total+b.Seconds() > base.Seconds():
		return fault.Invalid("/budget", "延期合计不得超过原时限 %s，且单位须一致", c.SLABudget)
	}
	r := d.ask("EXTEND", a, as.Unit, cmd.Body.Reason, b.String(), nil)
	d.event(a, as, ActExtend, None, data{"request": r.ID, "budget": r.Budget}, map[string]string{"reason": cmd.Body.Reason, "note": cmd.Body.Note})
	return nil
}

// mayDecide says whether the actor is who must decide a request: a dispatcher, or a supervisor about a second extension,
// more than 30 days and a reopening beyond the bound, or the street about a call that its community proposes.
func (s *Snapshot) mayDecide(r *Request, a auth.Actor) error {
	need := auth.RoleDispatcher
	switch r.Kind {
	case "CALL":
		st, ok := s.as(ByCaller, a)
		var b Body
		switch {
		case !ok:
			return fault.Forbidden("NOT_YOURS", "该呼叫须由街道确认")
		case json.Unmarshal(r.Proposal, &b) != nil:
			return fault.Unavailable(nil)
		case b.Level > callLevels[st.Role]:
			return fault.Forbidden("LEVEL_TOO_HIGH", "您的职务最高可发起 %s 级呼叫", callLevels[st.Role])
		}
		return nil
	case "REOPEN":
		need = auth.RoleSupervisor
	case "SUSPEND":
		if r.ResumeAt != nil && r.ResumeAt.Sub(r.CreatedAt) > longSuspension {
			need = auth.RoleSupervisor
		}
	case "EXTEND":
		if slices.ContainsFunc(s.Requests, func(x Request) bool { return x.Kind == "EXTEND" && x.State == "APPROVED" }) {
			need = auth.RoleSupervisor
		}
	default:
		return fault.Invalid("/request_id", "这不是待批准的申请")
	}
	if !a.Has(need) {
		return fault.Forbidden("NOT_YOURS", "该申请须由%s决定", map[auth.Role]string{auth.RoleDispatcher: "调度员", auth.RoleSupervisor: "督查员"}[need])
	}
	if r.RequestedBy != nil && *r.RequestedBy == a.Account {
		return fault.Forbidden("SAME_PERSON", "不能批准自己的申请")
	}
	return nil
}

// Decidable reports whether a request waits for the actor's decision.
func (s *Snapshot) Decidable(r *Request, a auth.Actor) bool {
	return r.State == "PENDING" && s.mayDecide(r, a) == nil
}

// pendingRequest finds the request that the actor decides.
func (d *draft) pendingRequest(id string, a auth.Actor) (*Request, error) {
	i := slices.IndexFunc(d.s.Requests, func(r Request) bool { return r.ID.String() == id && r.State == "PENDING" })
	if i < 0 {
		return nil, fault.Invalid("/request_id", "没有这个待决定的申请")
	}
	r := &d.s.Requests[i]
	if err := d.s.mayDecide(r, a); err != nil {
		return nil, err
	}
	d.touch(&d.dirty.requests, r.ID)
	return r, nil
}

// approve is the second half of T26 and T28, of a proposed call and of a reopening that was asked for.
func approve(d *draft, cmd *Command, a auth.Actor, as standing) error {
	c := &d.s.Case
	r, err := d.pendingRequest(cmd.Body.RequestID, a)
	if err != nil {
		return err
	}
	if err := d.mayWait(r.Kind); err != nil {
		return err
	}
	r.State, r.DecidedBy, r.DecidedAt = "APPROVED", accountOf(a), &d.now
	facts := data{"request": r.ID, "kind": r.Kind, "unit": r.Unit}
	texts := map[string]string{"reason": cmd.Body.Reason, "note": cmd.Body.Note}
	switch r.Kind {
	case "SUSPEND":
		if c.State != Handling && c.State != Onsite {
			return fault.Conflict("WRONG_STATE", "案件当前状态不能挂起")
		}
		for i := range d.s.Clocks {
			if k := &d.s.Clocks[i]; k.Kind == ClockHandle || k.OwnerType == "TARGET" {
				d.pause(k)
			}
		}
		until := d.startClockSeconds(ClockResume, "CASE", c.ID, r.Unit, "UNTIL", int64(r.ResumeAt.Sub(d.now)/time.Second), false)
		c.ResumeState = c.State
		facts["until"] = until.DueAt.UTC().Format(factTime)
		facts["why"] = r.Reason
		d.event(a, as, ActApprove, Suspended, facts, texts)
	case "EXTEND":
		b, ok := budgetOf(r.Budget)
		if !ok {
			return fault.Unavailable(nil)
		}
		for i := range d.s.Clocks {
			k := &d.s.Clocks[i]
			if k.Kind != ClockHandle || k.State == "STOPPED" || (k.OwnerType == "ASSIGNMENT" && !d.leads(k.OwnerID)) {
				continue
			}
			k.BudgetS += b.Seconds()
			if k.State == "RUNNING" {
				d.wind(k)
				d.follows(k)
			}
			d.touch(&d.dirty.clocks, k.ID)
		}
		facts["budget"] = r.Budget
		if c.PromiseAt != nil {
			facts["due"] = c.PromiseAt.UTC().Format(factTime)
		}
		d.event(a, as, ActApprove, None, facts, texts)
	case "CALL":
		return d.confirm(r, a, facts, texts)
	default:
		return d.reopen(a, as, data{"by_rating": false, "request": r.ID}, cmd.Body.Reason)
	}
	return nil
}

package dispatch

import (
	"slices"
	"strings"
	"time"
)

// matrix is the half of domain 4e that is code: who the audiences of an event are. By which channels and how long after the
// event each is told is the other half, the district's data (notify.Policy). What is not in both is told to nobody.
var matrix = map[Action]func(*teller){
	ActSubmit: (*teller).submitted, ActDispatch: (*teller).dispatched, ActSign: (*teller).signed, ActContact: (*teller).contacted, ActReturn: (*teller).returned,
	ActCall: (*teller).called, ActAck: (*teller).acked, ActCheckIn: (*teller).checkedIn, ActWithdrawCall: (*teller).callWithdrawn,
	ActResolve: (*teller).resolved, ActCheckFail: (*teller).checkFailed, ActCheckPass: (*teller).closed, ActRate: (*teller).rated, ActReopen: (*teller).reopened,
	ActRequestVerify: (*teller).verifyAsked, ActVerify: (*teller).verified, ActFile: (*teller).filed, ActReject: (*teller).rejected, ActAppeal: (*teller).appealed,
	ActMerge: (*teller).merged, ActVoid: (*teller).voided, ActWithdraw: (*teller).withdrawn, ActDispute: (*teller).disputed, ActArbitrate: (*teller).arbitrated,
	ActSuspend: (*teller).requested, ActExtend: (*teller).requested, ActApprove: (*teller).approved, ActDecline: (*teller).declined, ActResume: (*teller).resumed,
	ActSupervise: (*teller).supervised, ActReply: (*teller).replied, ActUrge: (*teller).urged, ActConsult: (*teller).consulted,
	ActAttach:   (*teller).attached,
	ActCallback: (*teller).rated, ActRateUnit: (*teller).unitRated, ActClarify: (*teller).clarified, ActAssign: (*teller).assigned, ActReveal: (*teller).revealed, ActRevealAlert: (*teller).revealLimited,
	ActClockDue: (*teller).clockDue,
}

func (t *teller) tell() {
	t.toSystems()
	say, ok := matrix[t.h.event.Action]
	if !ok {
		return
	}
	c := &t.v.Case
	t.data = map[string]string{"matter": t.w.MatterName(c.Matter), "unit": t.unit(t.h.data.Unit), "promise": instant(c.PromiseAt), "place": "本区"}
	if t.data["matter"] == "" {
		t.data["matter"] = "待定事项"
	}
	if at, ok := t.w.Grid(c.GridCode); ok {
		t.data["place"] = at.StreetName + at.CommunityName // never the address
	}
	if c.CaseNo != nil {
		t.data["case_no"] = *c.CaseNo
	}
	t.facts = map[string]bool{string(c.Priority): true}
	say(t)
}

func (t *teller) unit(code string) string {
	if code == "" {
		return ""
	}
	return t.w.UnitName(code)
}

// unitDue is when a unit that leads must be done, or else what was promised.
func (t *teller) unitDue(unit string) string {
	for i := range t.v.Leads {
		if a := &t.v.Leads[i]; a.Unit == unit && a.DueAt != nil {
			return instant(a.DueAt)
		}
	}
	return t.data["promise"]
}

func instant(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

func (t *teller) submitted() {
	t.toReporters("submitted", "c/")
	c := &t.v.Case
	if c.State == Submitted || c.State == Verifying || c.State == Filed { // filed and dispatched by rule: nothing waits in the queue
		t.to(t.centre(), "submitted", "district")
	}
	t.to(t.workers(), "submitted", "worker")
}

func (t *teller) dispatched() {
	lead, _ := t.h.data.Lead.(string)
	t.data["unit"] = t.unit(lead)
	t.toReporters("dispatched", "")
	t.toFollowers("dispatched")
	t.settled = !slices.ContainsFunc(t.v.Leads, func(a Assignment) bool { return a.Unit == lead && a.State == "OPEN" })
	t.duty(lead, "dispatched", "unit")
	t.settled = false
	t.to(t.street(), "dispatched", "street")
	t.to(t.centre(), "dispatched", "district")
}

func (t *teller) signed() {
	t.settle(ActDispatch)
	t.toReporters("signed", "")
	t.to(t.people(t.h.data.Unit), "signed", "unit")
}

func (t *teller) contacted() {
	t.data["unit"] = t.unit(t.h.event.Unit)
	t.toReporters("contact", "")
	t.to(t.people(t.h.event.Unit), "contact", "unit")
}

func (t *teller) returned() {
	t.settle(ActDispatch)
	t.toReporters("returned", "")
	t.to(t.street(), "returned", "street")
	t.to(t.centre(), "returned", "district")
	t.to(t.people(t.h.data.Unit), "returned", "unit")
}

func (t *teller) called() {
	d := &t.h.data
	names := make([]string, len(d.Targets))
	for i, u := range d.Targets {
		names[i] = t.unit(u)
	}
	level, _ := d.Level.(string)
	t.facts[level] = true
	t.data["units"], t.data["level"] = strings.Join(names, "、"), level
	if d.Call == "" {
		t.callProposed()
		return
	}
	t.data["unit"] = t.unit(d.Caller)
	t.toReporters("called", "")
	t.toFollowers("called")
	for _, u := range d.Targets {
		x := t.target(d.Call, u)
		if x == nil || x.Withdrawn {
			continue
		}
		t.data["ack_due"], t.data["due"] = instant(&x.AckDue), instant(&x.CheckinDue)
		t.settled = x.AckedAt != nil // the duty chain stops with the first answer, wherever it was given
		t.duty(u, "called", "target")
		t.settled = false
		t.to(t.leaders(u), "called", "leader")
	}
	t.to(t.workers(), "called", "worker")
	t.to(t.street(), "called", "street")
	t.to(t.centre(), "called", "district")
	t.to(t.supervisors(), "called", "supervisor")
}

func (t *teller) acked() {
	t.overtake(t.h.data.Unit, false)
	t.to(t.workers(), "acked", "worker")
	t.to(t.street(), "acked", "street")
	t.to(t.people(t.h.data.Unit), "acked", "target")
}

func (t *teller) checkedIn() {
	t.overtake(t.h.data.Unit, true)
	event := "checked_in"
	if t.h.data.Mode == "REMOTE" {
		event = "checked_in_remote" // nobody is told of a presence that is not one
	}
	t.toReporters(event, "")
	t.to(t.workers(), event, "worker")
	t.to(t.street(), event, "street")
	t.to(t.people(t.h.data.Unit), event, "target")
}

func (t *teller) callWithdrawn() {
	t.overtake("", true)
	t.data["unit"] = t.unit(t.h.event.Unit)
	for _, x := range t.v.Targets {
		if x.CallID.String() == t.h.data.Call {
			t.to(t.people(x.Unit), "call_withdrawn", "target")
		}
	}
	t.to(t.street(), "call_withdrawn", "street")
}

func (t *teller) resolved() {
	if t.h.data.Assist { // a task of the lead's helpers is done; the case goes on, and so do its calls
		t.to(t.people(t.v.Case.LeadUnit), "assist_done", "unit")
		return
	}
	t.overtake("", true)
	check := t.clock(func(k *Clock) bool { return k.Kind == ClockCheck && k.State == "RUNNING" })
	if check == nil {
		return // not drawn for a check, or checked already: the closing tells everything
	}
	t.data["due"] = instant(check.DueAt)
	t.toReporters("resolved", "")
	t.duty(t.h.data.CheckUnit, "resolved", "checker")
	t.to(t.street(), "resolved", "street")
	t.to(t.people(t.h.data.Unit), "resolved", "unit")
}

// checkFailed: of a spot check the reopening tells who has to do what.
func (t *teller) checkFailed() {
	if t.h.data.Spot {
		return
	}
	u := t.h.data.Unit
	t.data["due"] = t.unitDue(u)
	t.duty(u, "check_failed", "unit")
	t.to(t.leaders(u), "check_failed", "leader")
	t.to(t.workers(), "check_failed", "worker")
	t.to(t.street(), "check_failed", "street")
	t.to(t.centre(), "check_failed", "district")
}

func (t *teller) closed() {
	if t.h.data.Spot {
		return // the district has looked again and found it well
	}
	t.toFollowers("closed")
	t.overtake("", true)
	for i := range t.v.Reports {
		if r := &t.v.Reports[i]; r.Anonymous || t.v.Case.Drill {
			t.toReporter(r, "closed", "follower", "") // neither an anonymous report nor an exercise is rated
		} else {
			t.toReporter(r, "closed", "reporter", "r/")
		}
	}
	t.to(t.people(t.v.Case.LeadUnit), "closed", "unit")
	t.to(t.workers(), "closed", "worker")
	t.to(t.street(), "closed", "street")
}

// rated: a bad rating opens the case again by itself (reopened), or a supervisor has to decide.
func (t *teller) rated() {
	if r := t.request(); r != nil && r.State == "PENDING" {
		t.to(t.supervisors(), "supervisor_task", "supervisor")
	}
}

func (t *teller) reopened() {
	c := &t.v.Case
	t.toReporters("reopened", "")
	t.toFollowers("reopened")
	t.duty(c.LeadUnit, "reopened", "unit")
	t.to(t.leaders(c.LeadUnit), "reopened", "leader")
	t.to(t.street(), "reopened", "street")
	t.to(t.centre(), "reopened", "district")
	if c.ReopenCount >= 2 {
		t.to(t.supervisors(), "reopened", "supervisor")
	}
}

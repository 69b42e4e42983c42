package dispatch

import (
	"slices"

	"yixian/notify"
)

// What offices decide about a case, and who is told of it (domain 4e): acceptance, merging, responsibility, requests for
// time, orders. Reasons are told by the words of their list; what somebody wrote freely stays in the case.

func (t *teller) verifyAsked() {
	task := t.clock(func(k *Clock) bool { return k.Kind == ClockVerify && k.State == "RUNNING" })
	if task == nil {
		return // done already
	}
	t.data["due"] = instant(task.DueAt)
	t.to(t.workers(), "verify_task", "worker", notify.App, notify.SMS)
}

// verified: what was seen and is true is filed by itself; the rest waits for a dispatcher.
func (t *teller) verified() {
	if t.h.data.Verdict == "TRUE" && t.v.Case.State != Submitted {
		return
	}
	t.data["result"] = OptionText(t.h.data.Verdict, "zh")
	t.to(t.centre(), "verified", "district", notify.App)
}

// filed: that a case was filed is told when it is dispatched; after an appeal it is the answer to it.
func (t *teller) filed() {
	if c := &t.v.Case; c.Appealed && c.RejectedAt != nil && t.h.event.At.After(*c.RejectedAt) {
		t.toReporters("appeal_accepted", "", notify.App, notify.SMS)
	}
}

func (t *teller) rejected() {
	t.data["reason"] = OptionText(t.h.data.Reason, "zh")
	event := "rejected"
	if c := &t.v.Case; c.Appealed && c.RejectedAt != nil && !c.RejectedAt.After(t.h.event.At) {
		event = "rejected_again" // an appeal is possible once
	}
	t.toReporters(event, "", notify.App, notify.SMS)
	t.to(t.centre(), "rejected", "district", notify.App)
}

func (t *teller) appealed() {
	t.toReporters("appealed", "", notify.App)
	t.to(t.centre(), "appealed", "district", notify.App)
}

// merged is told twice: of the case that ends to the centre, of the master to those whose reports moved there.
func (t *teller) merged() {
	d := &t.h.data
	event, no := "merged", d.MasterNo
	if d.Merged != "" {
		no = t.data["case_no"]
	}
	if t.data["case_no"] = no; no == "" {
		event = "merged_unnumbered" // the master is not filed yet
	}
	if d.Merged == "" {
		t.overtake("", true)
		t.toFollowers(event)
		t.to(t.centre(), event, "district", notify.App)
		return
	}
	for i := range t.v.Reports {
		if r := &t.v.Reports[i]; slices.Contains(d.Moved, r.ID) {
			t.toReporter(r, event, "reporter", "", notify.App)
		}
	}
}

func (t *teller) voided() {
	t.overtake("", true)
	t.toReporters("voided", "", notify.App)
}

func (t *teller) withdrawn() {
	t.overtake("", true)
	t.toReporters("withdrawn", "", notify.App)
}

func (t *teller) disputed() {
	d := &t.h.data
	t.overtake("", true) // nobody is called while it is open whose matter it is
	t.toReporters("disputed", "", notify.App)
	if open := t.clock(func(k *Clock) bool { return k.Kind == ClockArbitrate && k.State == "RUNNING" }); open != nil {
		t.data["due"] = instant(open.DueAt)
		t.to(t.arbitrators(), "disputed", "arbitrator", notify.App, notify.SMS)
	}
	if d.Interim != "" { // who had it first makes it safe meanwhile
		t.to(t.people(d.Interim), "disputed", "interim", notify.App)
	}
	t.to(t.street(), "disputed", "street", notify.App, notify.SMS)
	t.to(t.centre(), "disputed", "district", notify.App, notify.SMS)
	t.to(t.people(d.Unit), "disputed", "unit", notify.App)
	if d.ThirdReturn {
		t.to(t.supervisors(), "disputed", "supervisor", notify.App)
	}
}

func (t *teller) arbitrated() {
	lead, _ := t.h.data.Lead.(string)
	t.data["unit"] = t.unit(lead)
	t.overtake("", true)
	t.toReporters("arbitrated", "", notify.App)
	t.to(t.people(lead), "arbitrated", "unit", notify.App, notify.SMS)
	t.to(t.leaders(lead), "arbitrated", "leader", notify.App)
	t.to(t.street(), "arbitrated", "street", notify.App)
	t.to(t.centre(), "arbitrated", "district", notify.App)
	t.to(t.supervisors(), "arbitrated", "supervisor", notify.App)
}

// requested: a suspension or an extension waits for whoever may approve it (pendingRequest).
func (t *teller) requested() {
	r := t.request()
	if r == nil || r.State != "PENDING" {
		return
	}
	t.data["unit"], t.data["reason"], t.data["budget"] = t.unit(r.Unit), OptionText(t.h.data.Reason, "zh"), budgetText(r.Budget, "zh")
	event := "extend_requested"
	long := slices.ContainsFunc(t.v.Requests, func(x Request) bool { return x.Kind == r.Kind && x.State == "APPROVED" })
	if r.Kind == "SUSPEND" {
		event, long = "suspend_requested", false
		if r.ResumeAt != nil {
			t.data["until"], long = instant(r.ResumeAt), r.ResumeAt.Sub(t.h.event.At) > longSuspension
		}
	}
	if long {
		t.to(t.supervisors(), event, "supervisor", notify.App)
	} else {
		t.to(t.centre(), event, "district", notify.App)
	}
}

// approved: of a reopening that was approved the reopening itself tells.
func (t *teller) approved() {
	d := &t.h.data
	if d.Kind == "CALL" {
		return // the call itself tells
	}
	event := "extended"
	if d.Kind == "SUSPEND" {
		event = "suspended"
		t.overtake("", true)
		t.data["reason"], t.data["until"] = OptionText(d.Why, "zh"), d.Until
	} else {
		t.data["budget"], t.data["due"] = budgetText(d.Budget, "zh"), t.unitDue(d.Unit)
		if d.Due != "" {
			t.data["promise"] = d.Due
		}
	}
	t.toReporters(event, "", notify.App, notify.SMS)
	t.to(t.people(d.Unit), event, "unit", notify.App)
	t.to(t.street(), event, "street", notify.App)
	t.to(t.centre(), event, "district", notify.App)
}

func (t *teller) declined() {
	r := t.request()
	if r == nil {
		return
	}
	if r.Kind == "REOPEN" { // the answer itself is read behind the link
		t.toReporters("answered", "c/", notify.App, notify.SMS)
		return
	}
	t.data["request"] = OptionText(r.Kind, "zh")
	t.to(t.people(r.Unit), "request_declined", "unit", notify.App)
}

func (t *teller) resumed() {
	t.toReporters("resumed", "", notify.App)
	t.data["due"] = t.unitDue(t.v.Case.LeadUnit)
	t.to(t.people(t.v.Case.LeadUnit), "resumed", "unit", notify.App)
}

func (t *teller) supervised() {
	d := &t.h.data
	t.data["order"] = OptionText(d.Kind, "zh")
	if k := t.clock(func(k *Clock) bool { return k.Kind == ClockReply && k.OwnerID == d.Request }); k != nil {
		t.data["due"] = instant(k.DueAt)
	}
	t.to(t.people(d.Unit), "supervised", "unit", notify.App, notify.SMS)
	t.to(t.leaders(d.Unit), "supervised", "leader", notify.SMS)
	t.to(t.street(), "supervised", "street", notify.App)
	t.to(t.centre(), "supervised", "district", notify.App)
}

func (t *teller) replied() { t.to(t.supervisors(), "replied", "supervisor", notify.App) }

// urged: while no unit has the case, it is the centre that keeps the resident waiting.
func (t *teller) urged() {
	if t.h.data.Unit == "" {
		t.to(t.centre(), "urged", "district", notify.App)
		return
	}
	t.to(t.people(t.h.data.Unit), "urged", "unit", notify.App, notify.SMS)
	t.to(t.street(), "urged", "street", notify.App)
}

func (t *teller) consulted() {
	t.data["unit"] = t.unit(t.h.event.Unit)
	for _, u := range t.h.data.Tasks {
		t.to(t.people(u), "consulted", "unit", notify.App, notify.SMS)
	}
}

package dispatch

import "slices"

// What offices decide about a case, and who is told of it (domain 4e): acceptance, merging, responsibility, requests for
// time, orders. Reasons are told by the words of their list; what somebody wrote freely stays in the case.

func (t *teller) verifyAsked() {
	task := t.clock(func(k *Clock) bool { return k.Kind == ClockVerify && k.State == "RUNNING" })
	if task == nil {
		return // done already
	}
	t.data["due"] = instant(task.DueAt)
	t.to(t.workers(), "verify_task", "worker")
}

// verified: what was seen and is true is filed by itself; the rest waits for a dispatcher.
func (t *teller) verified() {
	if t.h.data.Verdict == "TRUE" && t.v.Case.State != Submitted {
		return
	}
	t.data["result"] = OptionText(t.h.data.Verdict, "zh")
	t.to(t.centre(), "verified", "district")
}

// filed: that a case was filed is told when it is dispatched; after an appeal it is the answer to it.
func (t *teller) filed() {
	if c := &t.v.Case; c.Appealed && c.RejectedAt != nil && t.h.event.At.After(*c.RejectedAt) {
		t.toReporters("appeal_accepted", "")
	}
}

func (t *teller) rejected() {
	t.data["reason"] = OptionText(t.h.data.Reason, "zh")
	event := "rejected"
	if c := &t.v.Case; c.Appealed && c.RejectedAt != nil && !c.RejectedAt.After(t.h.event.At) {
		event = "rejected_again" // an appeal is possible once
	}
	t.toReporters(event, "")
	t.to(t.centre(), "rejected", "district")
}

func (t *teller) appealed() {
	t.toReporters("appealed", "")
	t.to(t.centre(), "appealed", "district")
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
		t.to(t.centre(), event, "district")
		return
	}
	for i := range t.v.Reports {
		if r := &t.v.Reports[i]; slices.Contains(d.Moved, r.ID) {
			t.toReporter(r, event, "reporter", "")
		}
	}
}

func (t *teller) voided() {
	t.overtake("", true)
	t.toReporters("voided", "")
}

func (t *teller) withdrawn() {
	t.overtake("", true)
	t.toReporters("withdrawn", "")
}

func (t *teller) disputed() {
	d := &t.h.data
	t.overtake("", true) // nobody is called while it is open whose matter it is
	t.toReporters("disputed", "")
	if open := t.clock(func(k *Clock) bool { return k.Kind == ClockArbitrate && k.State == "RUNNING" }); open != nil {
		t.data["due"] = instant(open.DueAt)
		t.to(t.arbitrators(), "disputed", "arbitrator")
	}
	if d.Interim != "" { // who had it first makes it safe meanwhile
		t.duty(d.Interim, "disputed", "interim")
	}
	t.to(t.street(), "disputed", "street")
	t.to(t.centre(), "disputed", "district")
	t.to(t.people(d.Unit), "disputed", "unit")
	if d.ThirdReturn {
		t.to(t.supervisors(), "disputed", "supervisor")
	}
}

func (t *teller) arbitrated() {
	lead, _ := t.h.data.Lead.(string)
	t.data["unit"] = t.unit(lead)
	t.overtake("", true)
	t.toReporters("arbitrated", "")
	t.duty(lead, "arbitrated", "unit")
	t.to(t.leaders(lead), "arbitrated", "leader")
	t.to(t.street(), "arbitrated", "street")
	t.to(t.centre(), "arbitrated", "district")
	t.to(t.supervisors(), "arbitrated", "supervisor")
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
		t.to(t.supervisors(), event, "supervisor")
	} else {
		t.to(t.centre(), event, "district")
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
	t.toReporters(event, "")
	t.toFollowers(event)
	t.to(t.people(d.Unit), event, "unit")
	t.to(t.street(), event, "street")
	t.to(t.centre(), event, "district")
}

func (t *teller) declined() {
	r := t.request()
	if r == nil {
		return
	}
	if r.Kind == "REOPEN" { // the answer itself is read behind the link
		t.toReporters("answered", "c/")
		return
	}
	t.data["request"] = OptionText(r.Kind, "zh")
	t.to(t.people(r.Unit), "request_declined", "unit")
}

func (t *teller) resumed() {
	t.toReporters("resumed", "")
	t.data["due"] = t.unitDue(t.v.Case.LeadUnit)
	t.to(t.people(t.v.Case.LeadUnit), "resumed", "unit")
}

func (t *teller) supervised() {
	d := &t.h.data
	t.data["order"] = OptionText(d.Kind, "zh")
	if k := t.clock(func(k *Clock) bool { return k.Kind == ClockReply && k.OwnerID == d.Request }); k != nil {
		t.data["due"] = instant(k.DueAt)
	}
	t.duty(d.Unit, "supervised", "unit")
	t.to(t.leaders(d.Unit), "supervised", "leader")
	t.to(t.street(), "supervised", "street")
	t.to(t.centre(), "supervised", "district")
}

func (t *teller) replied() { t.to(t.supervisors(), "replied", "supervisor") }

// urged: while no unit has the case, it is the centre that keeps the resident waiting.
func (t *teller) urged() {
	if t.h.data.Unit == "" {
		t.to(t.centre(), "urged", "district")
		return
	}
	t.to(t.people(t.h.data.Unit), "urged", "unit")
	t.to(t.street(), "urged", "street")
}

func (t *teller) consulted() {
	t.data["unit"] = t.unit(t.h.event.Unit)
	for _, u := range t.h.data.Tasks {
		t.duty(u, "consulted", "unit")
	}
}

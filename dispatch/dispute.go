package dispatch

import (
	"fmt"
	"slices"

	"yixian/dispatch/rule"
	"yixian/internal/auth"
	"yixian/internal/fault"
)

// dispute is T12: the lead says that the matter is not its own; the unit's clock waits, the promise does not. The
// first receiver must make safe meanwhile.
func dispute(d *draft, cmd *Command, a auth.Actor, as standing) error {
	return d.dispute(a, as, data{"unit": d.s.Case.LeadUnit}, map[string]string{"reason": cmd.Body.Reason, "note": cmd.Body.Note})
}

func (d *draft) dispute(a auth.Actor, as standing, facts data, texts map[string]string) error {
	c := &d.s.Case
	lead, err := d.leadAssignment()
	if err != nil {
		return err
	}
	if lead.Binding {
		return fault.Conflict("BINDING", "该案件已经裁定由本单位承办，不能再提出争议")
	}
	d.pauseUnitClocks(lead)
	if b, ok := d.w.budget(ClockArbitrate, c.Priority); ok {
		d.startClock(ClockArbitrate, "CASE", c.ID, "", b)
	}
	c.DisputedAt = &d.now
	d.stopClock(ClockStage, c.ID)
	d.moot("SUSPEND", "EXTEND", "CALL")
	facts["interim"] = c.FirstReceiver
	if c.FirstReceiver != "" { // who had it first makes it safe meanwhile, and says so by reply
		facts["request"] = d.order("INTERIM", auth.SystemActor(c.District, d.now), c.FirstReceiver, "MAKE_SAFE").ID
		d.setParty(c.FirstReceiver, true)
	}
	d.event(a, as, ActDispute, Disputed, facts, texts)
	return nil
}

// arbitrate is T13: binding, by somebody who belongs to no involved unit. Earlier returns get their verdicts; a unit
// whose return was unfounded goes on with the budget it had left; a precedent keeps the next such case from bouncing.
func arbitrate(d *draft, cmd *Command, a auth.Actor, as standing) error {
	c := &d.s.Case
	for _, u := range a.Units() {
		if slices.ContainsFunc(d.s.Parties, func(p Party) bool { return p.Unit == u }) {
			return fault.Forbidden("INVOLVED", "裁定员不能属于涉事单位")
		}
	}
	if err := d.w.checkUnits(cmd.Body.Lead, cmd.Body.Assists); err != nil {
		return err
	}
	given := map[string]bool{}
	for _, v := range cmd.Body.Verdicts {
		if !slices.ContainsFunc(d.s.Returns, func(r Return) bool { return r.Unit == v.Unit }) {
			return fault.Invalid("/verdicts", "单位 %s 没有退过此案件", v.Unit)
		}
		given[v.Unit] = v.Founded
	}
	verdicts := map[string]string{}
	for i := range d.s.Returns {
		r := &d.s.Returns[i]
		founded, said := given[r.Unit]
		if !said {
			founded = r.Unit != cmd.Body.Lead // who must do it after all had no reason to return it
		}
		r.Verdict = "FOUNDED"
		if !founded {
			r.Verdict = "UNFOUNDED"
		}
		verdicts[r.Unit] = r.Verdict
		d.touch(&d.dirty.returns, r.ID)
	}
	for i := range d.s.Assignments { // who leads, assists and coordinates is decided as a whole
		if x := &d.s.Assignments[i]; x.Active() || x.State == "RESOLVED" {
			d.endAssignment(x, "CANCELLED")
		}
	}
	d.endCalls()
	d.moot("SUSPEND", "EXTEND", "CALL", "INTERIM")
	d.stopClock(ClockArbitrate, c.ID)
	left := d.leftOf(cmd.Body.Lead, verdicts)
	c.Path = "DIRECT"
	if cmd.Body.Lead == c.OwnerUnit {
		c.Path = "STREET_FIRST"
	}
	facts := data{"basis_given": true, "verdicts": verdicts, "binding": true}
	if err := d.assignAs(ActArbitrate, a, as, cmd.Body.Lead, cmd.Body.Assists, facts, map[string]string{"basis": cmd.Body.Basis, "note": cmd.Body.Note}); err != nil {
		return err
	}
	lead, err := d.leadAssignment()
	if err != nil {
		return err
	}
	lead.Binding, lead.ReturnUntil = true, nil
	if left > 0 {
		if k := d.clock(ClockHandle, lead.ID); k != nil {
			k.BudgetS, k.Budget = left, "REST"
			d.wind(k)
			lead.DueAt = k.DueAt
		}
	}
	if !d.s.Case.Drill { // an exercise settles nothing for real cases
		d.precedent(cmd.Body.Lead)
	}
	return nil
}

// endCalls ends a call that is still open: its targets owe nothing any more.
func (d *draft) endCalls() {
	for i := range d.s.Targets {
		t := &d.s.Targets[i]
		d.stopClock(ClockAck, t.ID)
		d.stopClock(ClockCheckin, t.ID)
		d.setParty(t.Unit, false)
	}
	for i := range d.s.Calls {
		if k := &d.s.Calls[i]; k.State == "OPEN" || k.State == "ONSITE" {
			k.State = "DONE"
			d.touch(&d.dirty.calls, k.ID)
		}
	}
}

// leftOf is what a unit had left when it returned the case without reason; 0 when that does not apply.
func (d *draft) leftOf(unit string, verdicts map[string]string) int64 {
	if verdicts[unit] != "UNFOUNDED" {
		return 0
	}
	for i := range d.s.Clocks {
		k := &d.s.Clocks[i]
		if k.Kind == ClockHandle && k.Unit == unit && k.State == "STOPPED" && k.Round == d.s.Case.Round {
			return max(0, k.BudgetS-k.UsedS)
		}
	}
	return 0
}

// precedentM is how far a precedent reaches (domain 4c, R03).
const precedentM = 50

// precedent drafts the rule that the arbitration sets: the same matter at the same place goes to the same unit, at once and
// for a year, until an administrator confirms it (for as long as that person says) or ends it.
func (d *draft) precedent(lead string) {
	c := &d.s.Case
	until := d.now.Add(d.w.Limits.PrecedentFor)
	d.out.Rules = append(d.out.Rules, rule.Rule{District: c.District, ID: fmt.Sprintf("P-%s", *c.CaseNo), Version: 1, Status: rule.StatusActive, Source: rule.SourcePrecedent,
		Title: "裁定先例 " + *c.CaseNo, When: rule.All(rule.Eq("matter", c.Matter), rule.Within(c.Lon, c.Lat, precedentM)),
		ValidFrom: &d.now, ValidTo: &until, Then: rule.Outcome{Lead: rule.Expr("unit:" + lead), Path: rule.Path(c.Path), Binding: true, Note: "待纳入责任清单"}})
}

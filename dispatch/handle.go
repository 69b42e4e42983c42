package dispatch

import (
	"slices"
	"strings"
	"time"

	"yixian/dispatch/rule"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
)

// sign is T10: the unit takes the case on.
func sign(d *draft, cmd *Command, a auth.Actor, as standing) error {
	lead, err := d.leadAssignment()
	if err != nil {
		return err
	}
	lead.State, lead.SignedAt, lead.SignedBy = "SIGNED", &d.now, &a.Account
	d.stopClock(ClockSign, lead.ID)
	d.event(a, as, ActSign, Handling, data{"unit": lead.Unit}, map[string]string{"note": cmd.Body.Note})
	return nil
}

// contact records the first word with the reporter (先行联系); it is charged to the unit that leads.
func contact(d *draft, cmd *Command, a auth.Actor, as standing) error {
	lead, err := d.leadAssignment()
	if err != nil {
		return err
	}
	if lead.ContactedAt == nil {
		lead.ContactedAt, lead.ContactedBy = &d.now, &a.Account
		d.stopClock(ClockContact, lead.ID)
	}
	d.event(a, as, ActContact, None, data{"method": cmd.Body.Method}, map[string]string{"talked_to": cmd.Body.TalkedTo, "note": cmd.Body.Note})
	return nil
}

// returnCase is T11. Bounded: inside the window, once a unit, twice a case, with a legal basis and a better unit.
func returnCase(d *draft, cmd *Command, a auth.Actor, as standing) error {
	c := &d.s.Case
	if err := d.w.checkUnit("/suggested_unit", cmd.Body.SuggestedUnit); err != nil {
		return err
	}
	lead, err := d.leadAssignment()
	if err != nil {
		return err
	}
	switch {
	case c.Priority == P1:
		return fault.Conflict("RETURN_FORBIDDEN", "特急案件不得退单，请先处置，有异议可同时提出争议")
	case c.Mode == "EMERGENCY":
		return fault.Conflict("RETURN_FORBIDDEN", "应急状态下不得退单")
	case lead.Binding:
		return fault.Conflict("BINDING", "该案件经裁定由本单位承办，不得退单")
	case slices.ContainsFunc(d.s.Returns, func(r Return) bool { return r.Unit == lead.Unit }):
		return fault.Conflict("ALREADY_RETURNED", "本单位已退过此案件，不能再次退单")
	case c.ReturnCount >= 2: // T12: a third return is not taken; whose matter it is, the arbitrator decides
		system := auth.SystemActor(c.District, d.now)
		return d.dispute(system, standing{Role: auth.RoleSystem}, data{"unit": lead.Unit, "third_return": true, "suggested": cmd.Body.SuggestedUnit},
			map[string]string{"reason": cmd.Body.Reason, "legal_basis": cmd.Body.LegalBasis})
	case lead.ReturnUntil == nil || d.now.Truncate(time.Second).After(*lead.ReturnUntil):
		return fault.Conflict("WINDOW_CLOSED", "退单时限已过，请处置或提出争议").With("return_until", lead.ReturnUntil)
	case cmd.Body.SuggestedUnit == lead.Unit:
		return fault.Invalid("/suggested_unit", "建议单位不能是本单位")
	}
	if c.ReturnCount == 1 && !slices.Contains(leaderRoles, as.Role) {
		return fault.Forbidden("LEADER_NEEDED", "第二次退单须由本单位负责人办理")
	}
	ret := Return{ID: d.newID(), CaseID: c.ID, AssignmentID: lead.ID, Unit: lead.Unit, SuggestedUnit: cmd.Body.SuggestedUnit, LegalBasis: cmd.Body.LegalBasis, Reason: cmd.Body.Reason, At: d.now}
	d.s.Returns = append(d.s.Returns, ret)
	d.touch(&d.dirty.returns, ret.ID)
	d.endAssignment(lead, "RETURNED")
	for i := range d.s.Assignments { // who assists is decided again with who leads
		if x := &d.s.Assignments[i]; x.Kind == "ASSIST" && x.Active() {
			d.endAssignment(x, "CANCELLED")
		}
	}
	d.stopClock(ClockStage, c.ID)
	d.moot("SUSPEND", "EXTEND", "CALL")
	c.ReturnCount++
	c.LeadUnit = ""
	d.event(a, as, ActReturn, Filed, data{"unit": ret.Unit, "suggested": ret.SuggestedUnit, "return_count": c.ReturnCount},
		map[string]string{"legal_basis": cmd.Body.LegalBasis, "reason": cmd.Body.Reason, "note": cmd.Body.Note})
	return d.follow(d.route())
}

// endAssignment closes a duty and its clocks.
func (d *draft) endAssignment(as *Assignment, state string) {
	as.State, as.EndedAt = state, &d.now
	if state == "RETURNED" || state == "CANCELLED" { // should it come back, the unit decides again who has it
		as.Handler = nil
	}
	for i := range d.s.Clocks {
		if k := &d.s.Clocks[i]; k.OwnerID == as.ID && k.State != "STOPPED" {
			d.stop(k)
		}
	}
	d.touch(&d.dirty.assignments, as.ID)
	d.setParty(as.Unit, false)
}

// resolve is T20: the lead reports what was done; the unit's clock waits for the check.
func resolve(d *draft, cmd *Command, a auth.Actor, as standing) error {
	c := &d.s.Case
	if as.Unit != c.LeadUnit {
		i := slices.IndexFunc(d.s.Assignments, func(x Assignment) bool { return x.Kind == "ASSIST" && x.Unit == as.Unit && x.Active() })
		return finishAssist(d, &d.s.Assignments[i], cmd, a, as)
	}
	lead, err := d.leadAssignment()
	if err != nil {
		return err
	}
	if lead.State != "SIGNED" {
		return fault.Conflict("NOT_SIGNED", "请先签收再反馈处置结果")
	}
	if i := slices.IndexFunc(d.s.Assignments, func(x Assignment) bool { return x.Kind == "ASSIST" && x.Active() && x.Round == c.Round }); i >= 0 && strings.TrimSpace(cmd.Body.Note) == "" {
		return fault.Conflict("ASSIST_OPEN", "协办单位 %s 尚未完成；如不再需要，请在备注中写明理由", d.w.UnitName(d.s.Assignments[i].Unit))
	}
	if !d.contacted() {
		return fault.Conflict("CONTACT_REQUIRED", "请先联系报案人并记录，再反馈处置结果")
	}
	if cmd.Body.AcceptedAt != nil && cmd.Body.AcceptedAt.After(d.now) {
		return fault.Invalid("/accepted_at", "受理时间不能晚于现在")
	}
	if d.s.MediaOwned < len(cmd.Body.MediaIDs) {
		return fault.Invalid("/media_ids", "照片不存在或不是您上传的，请重新上传")
	}
	outcome, err := outcomeOf(c.Matter, cmd.Body.Outcome)
	if err != nil {
		return err
	}
	for i := range d.s.Assignments {
		if x := &d.s.Assignments[i]; x.Kind == "ASSIST" && x.Active() {
			d.endAssignment(x, "CANCELLED")
		}
	}
	lead, _ = d.leadAssignment()
	r := Result{ID: d.newID(), CaseID: c.ID, Round: c.Round, Unit: lead.Unit, ResolvedBy: &a.Account, Outcome: outcome, AcceptedAt: cmd.Body.AcceptedAt,
		TalkedTo: cmd.Body.TalkedTo, Measures: cmd.Body.Measures, TimeLimit: cmd.Body.TimeLimit, Media: append([]string{}, cmd.Body.MediaIDs...), At: d.now}
	if next := d.w.mediatesNext(lead.Unit, c.OwnerUnit); outcome == OutcomeFail && c.State == Handling && next != "" {
		d.handled(a, lead.Unit, "resolve")
		return d.stepUp(next, &r, cmd, a, as)
	}
	lead.State, lead.ResolvedAt, lead.ResolvedBy = "RESOLVED", &d.now, &a.Account
	d.pauseUnitClocks(lead)
	c.ResolvedAt, c.ResolvedFrom, c.Outcome = &d.now, c.State, &outcome
	c.CheckUnit = d.w.checkUnitFor(c, lead.Unit)
	d.handled(a, lead.Unit, "resolve")
	d.s.Results = append(d.s.Results, r)
	d.out.Results = append(d.out.Results, r)
	d.out.Media = append(d.out.Media, cmd.Body.MediaIDs...)
	if b, ok := d.w.budget(ClockCheck, c.Priority); ok {
		d.startClock(ClockCheck, "CASE", c.ID, c.CheckUnit, b)
	}
	d.setParty(c.CheckUnit, true)
	d.event(a, as, ActResolve, Resolved, data{"unit": r.Unit, "outcome": r.Outcome, "check_unit": c.CheckUnit, "photos": len(r.Media)},
		map[string]string{"measures": cmd.Body.Measures, "talked_to": cmd.Body.TalkedTo, "time_limit": cmd.Body.TimeLimit, "note": cmd.Body.Note})
	if !d.needsCheck() {
		return d.close(auth.SystemActor(c.District, d.now), standing{Role: auth.RoleSystem}, data{"sampled": false})
	}
	return nil
}

// contacted: somebody of this round spoke with the reporter, or the reporter asked not to be called.
func (d *draft) contacted() bool {
	if d.s.Case.NoContact {
		return true
	}
	return slices.ContainsFunc(d.s.Assignments, func(a Assignment) bool {
		return a.Round == d.s.Case.Round && (a.ContactedAt != nil || a.ContactWaived) && a.State != "RETURNED"
	})
}

// pauseUnitClocks stops time for the handler and for called units while a checker or an arbitrator is at work.
func (d *draft) pauseUnitClocks(lead *Assignment) {
	for i := range d.s.Clocks {
		k := &d.s.Clocks[i]
		switch {
		case k.OwnerID == lead.ID && k.Kind == ClockHandle, k.OwnerType == "TARGET":
			d.pause(k)
		case k.OwnerID == lead.ID:
			d.stop(k)
		}
	}
}

// needsCheck draws SAMPLE(p) from a hash of the case id, so that nobody can choose and everybody can recompute.
func (d *draft) needsCheck() bool {
	mode := rule.CheckMode(d.s.Case.CheckMode)
	return mode != rule.CheckNone && mode.Drawn(d.s.Case.ID.String())
}

// spotMode: of what streets handled themselves the district looks at a tenth once more (T21).
const spotMode = rule.CheckMode("SAMPLE(10)")

// release lets go of called units that have not come and were not late yet: they are in no figure.
func (d *draft) release() {
	for i := range d.s.Targets {
		t := &d.s.Targets[i]
		if t.CheckedInAt != nil || t.Withdrawn || t.Released {
			continue
		}
		if k := d.clock(ClockCheckin, t.ID); k != nil && d.w.remaining(k, d.now) >= 0 {
			t.Released = true
			d.touch(&d.dirty.targets, t.ID)
		}
	}
}

// close is the end of T21: the result is final, called units that were not yet due are released, rating begins.
func (d *draft) close(a auth.Actor, as standing, facts data) error {
	c := &d.s.Case
	handling := d.s.handlingUnit()
	d.stopClock(ClockCheck, c.ID)
	d.stopClock(ClockStage, c.ID)
	d.stopClock(ClockHandle, c.ID)
	for i := range d.s.Assignments {
		x := &d.s.Assignments[i]
		if x.State == "RESOLVED" || x.Active() {
			d.endAssignment(x, "DONE")
		}
	}
	d.release()
	d.endCalls()
	d.moot("SUSPEND", "EXTEND", "CALL", "SUPERVISE", "INTERIM")
	d.setParty(c.CheckUnit, false)
	for i := range d.s.Returns {
		if r := &d.s.Returns[i]; r.Verdict == "" {
			r.Verdict = "FOUNDED" // a return never judged counts FOUNDED at close (domain 4b)
			d.touch(&d.dirty.returns, r.ID)
		}
	}
	if u := d.w.Units[handling]; u.Kind == grid.UnitStreet && spotMode.Drawn("spot/"+c.ID.String()) {
		facts["sample"] = d.ask("SPOT", auth.SystemActor(c.District, d.now), "", "SAMPLE", "", nil).ID
	}
	c.ClosedAt = &d.now
	if b, ok := d.w.budget(ClockCallback, c.Priority); ok && !c.Drill && len(d.s.toCall()) > 0 {
		d.startClock(ClockCallback, "CASE", c.ID, "", b)
	}
	if b, ok := d.w.budget(ClockRating, c.Priority); ok {
		d.startClock(ClockRating, "CASE", c.ID, "", b)
	}
	d.event(a, as, ActCheckPass, Closed, facts, nil)
	return nil
}

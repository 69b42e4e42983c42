package dispatch

import (
	"slices"

	"github.com/google/uuid"

	"yixian/dispatch/rule"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/worktime"
)

// file is T5: the matter is settled, the promise is measured, and the rules are asked at once.
func file(d *draft, cmd *Command, a auth.Actor, as standing) error {
	c := &d.s.Case
	if err := d.notTheSame(a); err != nil {
		return err
	}
	if c.Verdict == "FALSE" && !c.Appealed {
		return fault.Conflict("VERDICT_FALSE", "核实不属实，不能立案")
	}
	if cmd.Body.Matter != "" {
		c.Matter = cmd.Body.Matter
	}
	if c.Matter == "" {
		return fault.Invalid("/matter", "请选择事项后再立案")
	}
	if cmd.Body.Grid != "" && cmd.Body.Grid != c.GridCode {
		place, ok := d.w.Index.Place(cmd.Body.Grid)
		if !ok {
			return fault.Invalid("/grid", "没有网格 %s", cmd.Body.Grid)
		}
		c.GridCode, c.CommunityCode, c.StreetCode, c.LandUse, c.GridVersion = place.GridCode, place.CommunityCode, place.StreetCode, place.LandUse, place.GridVersion
		c.OwnerUnit = d.w.UnitOf(c.StreetCode)
	}
	item, ok := d.w.Catalog.MatterAt(c.Matter, c.CommunityCode, c.StreetCode, d.now)
	if !ok {
		return fault.Invalid("/matter", "责任清单中没有事项 %s", c.Matter)
	}
	if c.CaseNo == nil {
		if cmd.CaseNo == "" {
			return fault.Unavailable(nil)
		}
		c.CaseNo = &cmd.CaseNo
	}
	alarm := d.alarm()
	decision := d.route()
	c.Priority = decision.Priority
	if cmd.Body.Priority != "" {
		c.Priority = cmd.Body.Priority
	}
	if alarm != nil {
		c.Priority = P1
	}
	c.Kind, c.FilingCondition, c.ItemVersion = string(item.Kind), item.FilingCondition, item.Version
	c.Sensitivity, c.CheckMode = string(decision.Sensitivity), string(decision.CheckMode)
	c.SLABudget = d.handleBudget(item, decision)
	c.FiledAt = &d.now
	if a.Kind == auth.Staff && len(d.s.Reports) > 0 && !c.Drill {
		d.out.Learned = d.w.Catalog.Correction(d.s.Reports[0].Words, c.Matter)
	}
	d.stopClock(ClockAccept, c.ID)
	facts := data{"case_no": *c.CaseNo, "matter": c.Matter, "grid": c.GridCode, "priority": c.Priority, "budget": c.SLABudget}
	if alarm != nil {
		facts["incident"], facts["drill"] = alarm.ID, c.Drill
	}
	d.event(a, as, ActFile, Filed, facts, map[string]string{"note": cmd.Body.Note})
	return d.follow(decision)
}

// handleBudget is the item's own SLA where it has one, else the stage table's HANDLE of the priority. A P1 or
// P2 profile is never longer than the stage table's.
func (d *draft) handleBudget(item *rule.Item, dec rule.Decision) string {
	stage, _ := d.w.budget(ClockHandle, d.s.Case.Priority)
	own, ok := budgetOf(dec.SLA.Handle())
	if !ok {
		return stage.String()
	}
	if d.s.Case.Priority == P1 || (d.s.Case.Priority == P2 && item.Priority != P2 && dec.Priority != P2) {
		if d.w.Calendar.Add(d.now, stage).Before(d.w.Calendar.Add(d.now, own)) {
			return stage.String()
		}
	}
	return own.String()
}

// route asks the rules, leaving out the units that returned the case, and stores the trace.
func (d *draft) route() rule.Decision {
	excluded := map[string]bool{}
	for _, r := range d.s.Returns {
		excluded[r.Unit] = true
	}
	c := &d.s.Case
	facts := d.w.facts(&d.s, d.now)
	dec := d.w.Rules.Route(facts, excluded)
	d.s.Proposed = dec.Proposed
	c.RuleID, c.NeedsCatalogReview, c.Path = dec.Rule, dec.NeedsCatalogReview, string(dec.Path)
	d.out.Routes = append(d.out.Routes, RouteRecord{Seq: c.HeadSeq + 1, At: d.now, Decision: encode(routed{dec, keep(facts, d.w.Rules)})})
	return dec
}

// follow dispatches by the decision, or leaves the case in the dispatcher's queue.
func (d *draft) follow(dec rule.Decision) error {
	d.s.Case.Queued = dec.Queue || dec.Lead == ""
	if d.s.Case.Queued {
		d.queueClock()
		return nil
	}
	err := d.assign(auth.SystemActor(d.s.Case.District, d.now), standing{Role: auth.RoleSystem}, dec.Lead, dec.Assists, data{"rule": dec.Rule, "path": dec.Path}, "")
	if err != nil {
		return err
	}
	if b, ok := budgetOf(dec.VerifyWithin); ok {
		d.sendToLook(b)
	}
	if dec.Binding {
		lead, err := d.leadAssignment() // a precedent binds like the arbitration it came from
		if err != nil {
			return err
		}
		lead.Binding, lead.ReturnUntil = true, nil
	}
	if b, ok := dec.SLA.Stage(dec.DisputeAfter); ok {
		if k, ok := budgetOf(b); ok {
			d.startClock(ClockStage, "CASE", d.s.Case.ID, dec.Lead, k)
		}
	}
	return d.autoCall(dec.Proposed)
}

// queueClock gives the dispatchers a deadline for a case that no rule could place: without it a filed case that was never
// dispatched had no clock at all, and nobody would have missed it. A case that was returned has its promise.
func (d *draft) queueClock() {
	c := &d.s.Case
	if d.clock(ClockHandle, c.ID) != nil || d.clock(ClockAccept, c.ID) != nil {
		return
	}
	if b, ok := d.w.budget(ClockAccept, c.Priority); ok {
		d.startClock(ClockAccept, "CASE", c.ID, "", b)
	}
}

// sendToLook gives the grid's people the task to look on the spot beside the lead (R10): the community whose worker walks the
// grid, else the street. Nobody is sent twice.
func (d *draft) sendToLook(within worktime.Budget) {
	c := &d.s.Case
	unit := d.w.UnitOf(c.CommunityCode)
	if unit == "" || !d.w.Workers[c.GridCode] {
		unit = c.OwnerUnit
	}
	if unit == "" || slices.ContainsFunc(d.s.Assignments, func(x Assignment) bool { return x.Unit == unit && x.Active() }) {
		return
	}
	id := d.newAssignment(unit, "ASSIST", within.Seconds(), within.Working(), within.String())
	i := slices.IndexFunc(d.s.Assignments, func(x Assignment) bool { return x.ID == id })
	d.s.Assignments[i].Task = lookTask
}

// lookTask is what the task of sendToLook says.
const lookTask = "请立即到现场核实告警情况，拍照反馈；如有险情先疏散并拨打 119。"

// dispatchTo is T9 by a dispatcher.
func dispatchTo(d *draft, cmd *Command, a auth.Actor, as standing) error {
	if err := d.w.checkUnits(cmd.Body.Lead, cmd.Body.Assists); err != nil {
		return err
	}
	d.s.Case.Path = "DIRECT"
	if cmd.Body.Lead == d.s.Case.OwnerUnit {
		d.s.Case.Path = "STREET_FIRST"
	}
	return d.assign(a, as, cmd.Body.Lead, cmd.Body.Assists, data{"path": d.s.Case.Path}, cmd.Body.Note)
}

// assign gives the case to a lead unit: LEAD assignment, SIGN, CONTACT and HANDLE clocks, first receiver once.
// After a return the next unit gets the larger of what the promise has left and half the item's SLA.
func (d *draft) assign(a auth.Actor, as standing, lead string, assists []string, facts data, noteText string) error {
	return d.assignAs(ActDispatch, a, as, lead, assists, facts, map[string]string{"note": noteText})
}

// assignAs is assign under the name of the action that decided it (dispatch or arbitrate).
func (d *draft) assignAs(act Action, a auth.Actor, as standing, lead string, assists []string, facts data, texts map[string]string) error {
	c := &d.s.Case
	budget, ok := budgetOf(c.SLABudget)
	if !ok {
		return fault.Unavailable(nil)
	}
	seconds := budget.Seconds()
	if promise := d.clock(ClockHandle, c.ID); promise != nil {
		seconds = max(d.w.remaining(promise, d.now), budget.Seconds()/2)
	} else {
		promise := d.startClock(ClockHandle, "CASE", c.ID, "", budget)
		c.PromiseAt = promise.DueAt
	}
	c.LeadUnit, c.Queued = lead, false
	d.stopClock(ClockAccept, c.ID)
	if c.FirstReceiver == "" {
		c.FirstReceiver = lead
	}
	if c.DispatchedAt == nil {
		c.DispatchedAt = &d.now
	}
	d.newAssignment(lead, "LEAD", seconds, budget.Working(), c.SLABudget)
	for _, u := range slices.Compact(slices.Sorted(slices.Values(assists))) {
		d.newAssignment(u, "ASSIST", seconds, budget.Working(), c.SLABudget)
	}
	facts["lead"] = lead
	if len(assists) > 0 {
		facts["assists"] = assists
	}
	d.event(a, as, act, Dispatched, facts, texts)
	return nil
}

// newAssignment opens a unit's duty with its clocks.
func (d *draft) newAssignment(unit, kind string, handleSeconds int64, working bool, budgetText string) uuid.UUID {
	c := &d.s.Case
	as := Assignment{ID: d.newID(), CaseID: c.ID, Unit: unit, Kind: kind, Round: c.Round, State: "OPEN", ReceivedAt: d.now, ContactWaived: c.NoContact}
	if b, ok := d.w.budget(ClockReturn, c.Priority); ok && kind == "LEAD" {
		until := d.w.Calendar.Add(d.now, b)
		as.ReturnUntil = &until
	}
	handle := d.startClockSeconds(ClockHandle, "ASSIGNMENT", as.ID, unit, budgetText, handleSeconds, working)
	as.DueAt = handle.DueAt
	if kind == "LEAD" {
		if b, ok := d.w.budget(ClockSign, c.Priority); ok {
			d.startClock(ClockSign, "ASSIGNMENT", as.ID, unit, b)
		}
		if b, ok := d.w.budget(ClockContact, c.Priority); ok && !c.NoContact {
			d.startClock(ClockContact, "ASSIGNMENT", as.ID, unit, b)
		}
	}
	d.s.Assignments = append(d.s.Assignments, as)
	d.touch(&d.dirty.assignments, as.ID)
	d.setParty(unit, true)
	return as.ID
}

// leadIndex finds the assignment that answers for the case; -1 when there is none.
func (d *draft) leadIndex() int {
	return slices.IndexFunc(d.s.Assignments, func(a Assignment) bool {
		return a.Kind == "LEAD" && (a.Active() || a.State == "RESOLVED")
	})
}

// leadAssignment returns the lead for change; a case without one in a state that needs it is refused.
func (d *draft) leadAssignment() (*Assignment, error) {
	i := d.leadIndex()
	if i < 0 {
		return nil, fault.Conflict("NO_LEAD", "案件没有主办单位")
	}
	d.touch(&d.dirty.assignments, d.s.Assignments[i].ID)
	return &d.s.Assignments[i], nil
}

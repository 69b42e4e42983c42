package dispatch

import (
	"slices"
	"time"

	"yixian/internal/auth"
	"yixian/internal/fault"
)

// ModeEmergency is the mode of a case that an incident touched: returns are off, INCIDENT rules may route it.
const ModeEmergency = "EMERGENCY"

// alarm gives a case that is being filed the mode of the incident that covers it; nil when none does. It is asked before
// the rules are, so that rules of source INCIDENT see the mode.
func (d *draft) alarm() *Incident {
	c := &d.s.Case
	if c.IncidentID != nil {
		return nil
	}
	i := d.w.incident(c, d.now)
	if i == nil {
		return nil
	}
	c.Mode, c.IncidentID, c.Drill = ModeEmergency, &i.ID, c.Drill || i.Drill
	return i
}

// deferReason is the reason of a suspension that nobody asked for: long-term work waits while the emergency lasts.
const deferReason = "EMERGENCY"

// deferrable are the states in which a P4 case can be put off; elsewhere somebody else is at work on it already.
var deferrable = []State{Dispatched, Handling, Onsite}

// attach puts an open case under an incident (T31): P1 profile, clocks only shorten, returns off; a P4 case is deferred
// instead, since nobody shall hurry now for what takes weeks. A drill never touches a real case.
func attach(d *draft, cmd *Command, a auth.Actor, as standing) error {
	c := &d.s.Case
	n := slices.IndexFunc(d.w.Incidents, func(i Incident) bool { return i.ID == cmd.Incident })
	switch {
	case n < 0, !d.w.Incidents[n].inForce(d.now):
		return fault.Conflict("INCIDENT_OVER", "应急事件已结束")
	case c.IncidentID != nil:
		return fault.Conflict("ALREADY_ATTACHED", "案件已纳入应急事件")
	case d.w.Incidents[n].Drill != c.Drill || !d.w.Incidents[n].covers(c):
		return fault.Conflict("NOT_COVERED", "案件不在应急事件范围内")
	}
	i := &d.w.Incidents[n]
	c.IncidentID, c.Mode = &i.ID, ModeEmergency
	facts := data{"incident": i.ID, "before": c.Priority, "priority": c.Priority}
	to := None
	switch {
	case c.Priority == P4:
		if slices.Contains(deferrable, c.State) {
			to = Suspended
			d.putOff(i, facts)
		}
	default:
		d.hurry()
		facts["priority"] = P1
	}
	if c.PromiseAt != nil {
		facts["due"] = c.PromiseAt.UTC().Format(factTime)
	}
	d.event(a, as, ActAttach, to, facts, nil)
	return nil
}

// hurry gives the case the P1 profile: running clocks by min(old due, now + new), waiting ones so that they cannot have
// more left than that; what is filed later (a next unit, a reopening) is measured by it too.
func (d *draft) hurry() {
	c := &d.s.Case
	d.raise(P1)
	for i := range d.s.Clocks {
		k := &d.s.Clocks[i]
		b, ok := d.w.budget(k.Kind, P1)
		if k.State != "PAUSED" || !ok || k.Kind == ClockRating {
			continue
		}
		if d.w.Calendar.Add(d.now, b).Before(d.w.Calendar.AddSeconds(d.now, max(0, k.BudgetS-k.UsedS), k.Working)) {
			k.Budget, k.BudgetS, k.UsedS, k.Working = b.String(), b.Seconds(), 0, b.Working()
			d.touch(&d.dirty.clocks, k.ID)
		}
	}
	stage, ok := d.w.budget(ClockHandle, P1)
	own, has := budgetOf(c.SLABudget)
	if ok && has && d.w.Calendar.Add(d.now, stage).Before(d.w.Calendar.Add(d.now, own)) {
		c.SLABudget = stage.String()
	}
}

// putOff suspends until the incident is over: at its planned end by the clock, else when it stands down.
func (d *draft) putOff(i *Incident, facts data) {
	c := &d.s.Case
	for n := range d.s.Clocks {
		d.pause(&d.s.Clocks[n])
	}
	r := d.ask("SUSPEND", auth.SystemActor(c.District, d.now), c.LeadUnit, deferReason, "", i.UntilAt)
	r.State, r.DecidedAt = "APPROVED", &d.now
	if i.UntilAt != nil {
		until := d.startClockSeconds(ClockResume, "CASE", c.ID, c.LeadUnit, "UNTIL", int64(i.UntilAt.Sub(d.now)/time.Second), false)
		facts["until"] = until.DueAt.UTC().Format(factTime)
	}
	facts["request"], facts["deferred"] = r.ID, true
	c.ResumeState = c.State
}

package dispatch

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"yixian/internal/worktime"
)

// ClockKind names a stage clock of domain 4b.
type ClockKind string

// The stage clocks. HANDLE runs twice: per assignment (charged to the unit) and per case (the promise).
const (
	ClockAccept    ClockKind = "ACCEPT"
	ClockVerify    ClockKind = "VERIFY"
	ClockSign      ClockKind = "SIGN"
	ClockContact   ClockKind = "CONTACT"
	ClockReturn    ClockKind = "RETURN"
	ClockAck       ClockKind = "ACK"
	ClockCheckin   ClockKind = "CHECKIN"
	ClockHandle    ClockKind = "HANDLE"
	ClockCheck     ClockKind = "CHECK"
	ClockArbitrate ClockKind = "ARBITRATE"
	ClockReply     ClockKind = "SUPERVISE_REPLY"
	ClockRating    ClockKind = "RATING"
	ClockCallback  ClockKind = "CALLBACK"
	ClockResume    ClockKind = "RESUME"  // the end of a suspension
	ClockConfirm   ClockKind = "CONFIRM" // how long a street takes to confirm what its community proposes
	ClockStage     ClockKind = "STAGE"   // a rule's stage after which it asks whose matter it is
)

// Stages maps a clock to its budget per priority; "" means that the clock does not exist there (P1 cannot return).
type Stages map[ClockKind]map[Priority]string

// DefaultStages is the table of domain 4b; a tenant may override it.
var DefaultStages = Stages{
	ClockAccept:    {P1: "5NM", P2: "10NM", P3: "10NM", P4: "10NM"},
	ClockVerify:    {P1: "10NM", P2: "30NM", P3: "2WH", P4: "4WH"},
	ClockSign:      {P1: "5NM", P2: "15NM", P3: "1WH", P4: "1WH"},
	ClockContact:   {P1: "30NM", P2: "2NH", P3: "24NH", P4: "24NH"},
	ClockReturn:    {P1: "", P2: "30NM", P3: "4WH", P4: "1WD"},
	ClockAck:       {P1: "5NM", P2: "10NM", P3: "30WM", P4: "1WH"},
	ClockCheckin:   {P1: "15NM", P2: "30NM", P3: "4WH", P4: "3WD"},
	ClockHandle:    {P1: "2NH", P2: "24NH", P3: "5WD", P4: "15WD"},
	ClockCheck:     {P1: "1NH", P2: "2NH", P3: "4WH", P4: "1WD"},
	ClockArbitrate: {P1: "30NM", P2: "2WH", P3: "1WD", P4: "2WD"},
	ClockReply:     {P1: "1NH", P2: "4WH", P3: "1WD", P4: "1WD"},
	ClockRating:    {P1: "7ND", P2: "7ND", P3: "7ND", P4: "7ND"},
	ClockCallback:  {P1: "1ND", P2: "3ND", P3: "3ND", P4: "3ND"},
}

// levels are the rungs of a clock's ladder in percent.
var levels = [5]int{50, 80, 100, 150, 200}

// rings says at which percentages a clock rings, by kind and owner: the unit's HANDLE climbs the whole ladder,
// the resident's promise and the short stage clocks ring when they are (nearly) over.
func (c *Clock) rings() []int {
	switch {
	case c.Kind == ClockHandle && c.OwnerType == "ASSIGNMENT":
		return levels[:]
	case c.Kind == ClockHandle, c.Kind == ClockRating, c.Kind == ClockAck, c.Kind == ClockAccept, c.Kind == ClockResume, c.Kind == ClockCallback, c.Kind == ClockConfirm, c.Kind == ClockStage:
		return []int{100}
	default:
		return []int{80, 100}
	}
}

func (w *World) budget(kind ClockKind, p Priority) (worktime.Budget, bool) {
	s := w.Stages[kind][p]
	if s == "" {
		return worktime.Budget{}, false
	}
	b, err := worktime.ParseBudget(s)
	return b, err == nil
}

// startClock begins a clock of budget b for an owner at the draft's instant.
func (d *draft) startClock(kind ClockKind, ownerType string, owner uuid.UUID, unit string, b worktime.Budget) *Clock {
	return d.startClockSeconds(kind, ownerType, owner, unit, b.String(), b.Seconds(), b.Working())
}

func (d *draft) startClockSeconds(kind ClockKind, ownerType string, owner uuid.UUID, unit, text string, seconds int64, working bool) *Clock {
	d.s.Clocks = append(d.s.Clocks, Clock{
		ID: d.newID(), CaseID: d.s.Case.ID, Kind: kind, OwnerType: ownerType, OwnerID: owner, Unit: unit, Round: d.s.Case.Round,
		Budget: text, BudgetS: seconds, Working: working, State: "RUNNING", StartedAt: d.now,
	})
	c := &d.s.Clocks[len(d.s.Clocks)-1]
	d.wind(c)
	return c
}

// wind computes due, ladder and next ring of a running clock from what is used up. One that goes on overdue keeps its
// due: the pause makes nobody punctual. A rung that was reached just before the pause and has not rung rings at once.
func (d *draft) wind(c *Clock) {
	cal := d.w.Calendar
	if left := c.BudgetS - c.UsedS; left >= 0 || c.DueAt == nil {
		due := cal.AddSeconds(c.StartedAt, left, c.Working)
		c.DueAt = &due
	}
	rungs := cal.Ladder(c.StartedAt, c.BudgetS, c.UsedS, c.Working)
	c.Ladder = make([]*time.Time, len(levels))
	c.NextAt = nil
	for i, at := range rungs {
		if levels[i] <= c.Level || !slices.Contains(c.rings(), levels[i]) {
			continue
		}
		if at.IsZero() {
			at = c.StartedAt
		}
		c.Ladder[i] = &at
		if c.NextAt == nil || at.Before(*c.NextAt) {
			c.NextAt = &at
		}
	}
	d.touch(&d.dirty.clocks, c.ID)
}

// pause stops a running clock's time; what is used is kept.
func (d *draft) pause(c *Clock) {
	if c.State != "RUNNING" {
		return
	}
	c.UsedS += d.w.Calendar.Between(c.StartedAt, d.now, c.Working)
	c.State, c.PausedAt, c.NextAt = "PAUSED", &d.now, nil
	d.touch(&d.dirty.clocks, c.ID)
}

// resume lets a paused clock run on with the budget it had left.
func (d *draft) resume(c *Clock) {
	if c.State != "PAUSED" {
		return
	}
	c.State, c.PausedAt, c.StartedAt = "RUNNING", nil, d.now
	d.wind(c)
}

// stop ends a clock for good; due_at stays as the record of what was promised.
func (d *draft) stop(c *Clock) {
	if c.State == "STOPPED" {
		return
	}
	if c.State == "RUNNING" {
		c.UsedS += d.w.Calendar.Between(c.StartedAt, d.now, c.Working)
	}
	c.State, c.StoppedAt, c.PausedAt, c.NextAt = "STOPPED", &d.now, nil, nil
	d.touch(&d.dirty.clocks, c.ID)
}

// clock finds an owner's clock of a kind that has not stopped; nil when there is none.
func (d *draft) clock(kind ClockKind, owner uuid.UUID) *Clock {
	for i := range d.s.Clocks {
		c := &d.s.Clocks[i]
		if c.Kind == kind && c.OwnerID == owner && c.State != "STOPPED" {
			return c
		}
	}
	return nil
}

func (d *draft) stopClock(kind ClockKind, owner uuid.UUID) {
	if c := d.clock(kind, owner); c != nil {
		d.stop(c)
	}
}

// remaining is what is left of a clock's budget at the draft's instant, in its own seconds; negative when overdue.
func (w *World) remaining(c *Clock, now time.Time) int64 {
	left := c.BudgetS - c.UsedS
	if c.State == "RUNNING" {
		left -= w.Calendar.Between(c.StartedAt, now, c.Working)
	}
	return left
}

// Light is green below 80 %, yellow from 80 % on, red after the due instant (second precision, due inclusive).
func (w *World) Light(c *Clock, now time.Time) string {
	if c.DueAt == nil {
		return "green"
	}
	if c.State != "RUNNING" {
		switch left := w.remaining(c, now); {
		case left < 0:
			return "red"
		case left*5 <= c.BudgetS:
			return "yellow"
		}
		return "green"
	}
	if now.Truncate(time.Second).After(*c.DueAt) {
		return "red"
	}
	if w.remaining(c, now)*5 <= c.BudgetS {
		return "yellow"
	}
	return "green"
}

// settleDue writes the most urgent running clock onto the case row: lists are sorted and lit by it.
func (d *draft) settleDue() {
	c := &d.s.Case
	c.DueAt, c.YellowAt, c.DueKind = nil, nil, ""
	for i := range d.s.Clocks {
		k := &d.s.Clocks[i]
		if k.State != "RUNNING" || k.Kind == ClockRating || k.Kind == ClockResume || k.Kind == ClockCallback || k.DueAt == nil {
			continue
		}
		if c.DueAt == nil || k.DueAt.Before(*c.DueAt) {
			c.DueAt, c.DueKind = k.DueAt, string(k.Kind)
		}
		yellow := d.w.Calendar.AddSeconds(k.StartedAt, max(0, k.BudgetS*4/5-k.UsedS), k.Working)
		if c.YellowAt == nil || yellow.Before(*c.YellowAt) {
			c.YellowAt = &yellow
		}
	}
}

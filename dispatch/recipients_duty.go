package dispatch

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"yixian/grid"
	"yixian/notify"
)

// dutyAhead is how far beyond the events of a batch the duty rosters are read: the duty chain of a call is over by then.
// What is planned for later than that goes to all who act for the unit.
const dutyAhead = 2 * time.Hour

// duties reads who of the units is on duty, from the first event of the batch until the last message of its duty chains.
func (p *Planner) duties(ctx context.Context, tx pgx.Tx, batch []*happening, out map[string]*roster, districts, units []string) error {
	var now time.Time
	if err := tx.QueryRow(ctx, "select yx_now()").Scan(&now); err != nil {
		return err
	}
	from, until := now, now
	for _, h := range batch {
		if h.event.At.Before(from) {
			from = h.event.At
		}
		if h.event.At.After(until) {
			until = h.event.At
		}
	}
	list, err := grid.OnDuty(ctx, tx, districts, units, from, until.Add(dutyAhead))
	if err != nil {
		return err
	}
	for _, r := range out {
		r.now = now
	}
	for _, d := range list {
		if r := out[d.District]; r != nil {
			r.duties[d.Unit] = append(r.duties[d.Unit], d)
		}
	}
	return nil
}

// instant is when something that is planned for an instant (zero: at once) reaches people. What is told late, after an outage,
// reaches those who are on duty then, not those who were.
func (t *teller) instant(at time.Time) time.Time {
	if at.IsZero() {
		at = t.h.event.At
	}
	if t.staff.now.After(at) {
		return t.staff.now
	}
	return at
}

// onDuty are those of a unit who are on its roster at an instant, whatever their role there; when nobody is, everybody who acts
// for the unit: a duty never falls on nobody.
func (t *teller) onDuty(unit string, at time.Time) []member {
	var out []member
	for _, d := range t.staff.duties[unit] {
		if at.Before(d.From) || !at.Before(d.Until) {
			continue
		}
		for _, m := range t.staff.byUnit[unit] {
			if m.ID == d.Account && !slices.ContainsFunc(out, func(x member) bool { return x.ID == m.ID }) {
				out = append(out, m)
			}
		}
	}
	if len(out) == 0 {
		return t.people(unit)
	}
	return out
}

// rings reports whether an event goes to who is on duty: calls with their clocks, and whatever is P1 or P2.
func (t *teller) rings(event, audience string) bool {
	kind := ClockKind(t.h.data.Kind)
	return t.urgent(event, audience) || t.h.event.Action == ActClockDue && (kind == ClockAck || kind == ClockCheckin)
}

// ring tells a unit's people on duty, each way at its own instant: who comes on duty two minutes after a call gets its SMS. It is
// false when the unit has no roster that counts, and has told nobody then.
func (t *teller) ring(unit, event, audience string) bool {
	if len(t.staff.duties[unit]) == 0 {
		return false
	}
	for _, way := range t.ways(event, audience) {
		who := t.onDuty(unit, t.instant(t.at(way)))
		if len(who) == 0 {
			return false // nobody at all: duty tells the centre
		}
		for _, m := range who {
			if id := m.ID.String(); way.Channel == notify.Group {
				t.toGroup(m.Unit, event, audience, t.at(way))
			} else if id != t.h.event.Actor {
				t.unitOf = m.Unit
				t.draft(event, audience, way.Channel, id, &m.ID, m.PhoneEnc, t.at(way), nil)
			}
		}
	}
	return true
}

// answerable are all whom a unit's call may have rung: those who act for it and those on its roster.
func (t *teller) answerable(unit string) []member {
	out := slices.Clone(t.people(unit))
	for _, m := range t.staff.byUnit[unit] {
		if m.Rostered && !slices.ContainsFunc(out, func(x member) bool { return x.ID == m.ID }) {
			out = append(out, m)
		}
	}
	return out
}

package dispatch

import "yixian/internal/auth"

// clockDue tells of reminders (50, 80 %) and of what is overdue (100, 150, 200 %).
func (t *teller) clockDue() {
	d := &t.h.data
	kind, level, unit := ClockKind(d.Kind), d.level(), d.Unit
	t.data["clock"], t.data["due"] = d.Kind, d.Due
	rang := t.clock(func(k *Clock) bool { return k.ID == d.Clock })
	if rang != nil && rang.DueAt != nil {
		t.data["due"] = instant(rang.DueAt) // the fact's own "due" is the instant of the rung
	}
	// After an outage all missed rungs ring at once. Those that a higher one has overtaken stay in the inbox: a phone
	// gets the last word only (quality, fault 7).
	t.inboxOnly = rang != nil && rang.Level > level
	said := reminder(level)
	if kind == ClockVerify {
		said = "verify_" + said // in other words: the report has no case number yet
	}
	t.facts[d.Kind] = true
	switch {
	case kind == ClockRating, kind == ClockResume, kind == ClockStage:
	case kind == ClockCallback:
		t.to(t.staff.byRole[auth.RoleCallback], "callback_task", "callback")
	case kind == ClockAccept:
		t.to(t.centre(), "accept_overdue", "district")
	case kind == ClockArbitrate && level < 100:
		t.to(t.arbitrators(), said, "arbitrator")
	case kind == ClockArbitrate:
		t.to(t.arbitrators(), "arbitrate_overdue", "arbitrator")
		t.to(t.supervisors(), "arbitrate_overdue", "supervisor")
	case unit == "":
		if kind == ClockHandle && level == 100 { // the promise to the resident
			t.toReporters("overdue_100", "")
		}
	case kind == ClockAck && level == 100:
		t.to(t.leaders(unit), "ack_overdue", "leader")
	case kind == ClockCheckin && level == 100:
		t.checkinOverdue(rang, unit)
	case level <= 80:
		t.duty(unit, said, "unit")
		if kind == ClockHandle {
			t.to(t.workers(), said, "worker")
			t.to(t.street(), said, "street")
		}
	default:
		t.duty(unit, said, "unit")
		t.to(t.leaders(unit), said, "leader")
		if kind == ClockReply { // who gave the order waits for its answer
			t.to(t.supervisors(), said, "supervisor")
		}
		if kind == ClockHandle {
			t.to(t.supervisors(), said, "supervisor")
			t.to(t.street(), said, "street")
			t.to(t.centre(), said, "district")
		}
	}
}

// checkinOverdue is T18: the unit and its leader at once, the centre half an hour later if still nobody is there.
func (t *teller) checkinOverdue(rang *Clock, unit string) {
	t.duty(unit, "checkin_overdue", "target")
	t.to(t.leaders(unit), "checkin_overdue", "leader")
	t.to(t.street(), "checkin_overdue", "street")
	t.to(t.supervisors(), "checkin_overdue", "supervisor")
	if rang == nil || rang.DueAt == nil || rang.State != "RUNNING" {
		return // there by now, or the work is done
	}
	t.base = *rang.DueAt
	t.to(t.centre(), "checkin_overdue", "district")
}

// reminder names the event of a level of a clock.
func reminder(level int) string {
	switch level {
	case 50:
		return "reminder_50"
	case 80:
		return "reminder_80"
	case 150:
		return "overdue_150"
	case 200:
		return "overdue_200"
	}
	return "overdue_100"
}

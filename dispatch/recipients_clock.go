package dispatch

import (
	"yixian/internal/auth"
	"yixian/notify"
)

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
	people := func(channels ...string) { t.to(t.people(unit), said, "unit", channels...) }
	switch {
	case kind == ClockRating, kind == ClockResume, kind == ClockStage:
	case kind == ClockCallback:
		t.to(t.staff.byRole[auth.RoleCallback], "callback_task", "callback", notify.App)
	case kind == ClockAccept:
		t.to(t.centre(), "accept_overdue", "district", notify.App)
	case kind == ClockArbitrate && level < 100:
		t.to(t.arbitrators(), said, "arbitrator", notify.App)
	case kind == ClockArbitrate:
		t.to(t.arbitrators(), "arbitrate_overdue", "arbitrator", notify.App, notify.SMS)
		t.to(t.supervisors(), "arbitrate_overdue", "supervisor", notify.App)
	case unit == "":
		if kind == ClockHandle && level == 100 { // the promise to the resident
			t.toReporters("overdue_100", "", notify.App)
		}
	case kind == ClockAck && level == 100:
		t.to(t.leaders(unit), "ack_overdue", "leader", notify.App, notify.SMS)
	case kind == ClockCheckin && level == 100:
		t.checkinOverdue(rang, unit)
	case level <= 80:
		people(notify.App)
		if level == 80 {
			people(notify.SMS)
		}
		if kind == ClockHandle {
			t.to(t.workers(), said, "worker", notify.App)
			t.to(t.street(), said, "street", notify.App)
		}
	default:
		people(notify.App, notify.SMS)
		t.to(t.leaders(unit), said, "leader", notify.SMS)
		if kind == ClockReply { // who gave the order waits for its answer
			t.to(t.supervisors(), said, "supervisor", notify.App)
		}
		if kind == ClockHandle {
			t.to(t.supervisors(), said, "supervisor", notify.App)
			if level >= 150 {
				t.to(t.supervisors(), said, "supervisor", notify.SMS)
			}
			t.to(t.street(), said, "street", notify.App)
			t.to(t.centre(), said, "district", notify.App)
		}
	}
}

// checkinOverdue is T18: the unit and its leader at once, the centre half an hour later if still nobody is there.
func (t *teller) checkinOverdue(rang *Clock, unit string) {
	both := []string{notify.App, notify.SMS}
	t.to(t.people(unit), "checkin_overdue", "target", notify.App, notify.SMS, notify.Voice)
	t.to(t.leaders(unit), "checkin_overdue", "leader", notify.App, notify.SMS, notify.Voice)
	t.to(t.street(), "checkin_overdue", "street", both...)
	t.to(t.supervisors(), "checkin_overdue", "supervisor", notify.App)
	if rang == nil || rang.DueAt == nil || rang.State != "RUNNING" {
		return // there by now, or the work is done
	}
	t.toAt(rang.DueAt.Add(centreAfter), t.centre(), "checkin_overdue", "district", both...)
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

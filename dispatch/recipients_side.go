package dispatch

import (
	"time"

	"github.com/google/uuid"

	"yixian/notify"
)

// What is told of side actions: proposals, a street's opinion, looks at personal data.

// callProposed: the street has ten minutes; its leaders hear of it when they are over (clockDue).
func (t *teller) callProposed() {
	d := &t.h.data
	t.data["unit"] = t.unit(t.h.event.Unit)
	if k := t.clock(func(k *Clock) bool { return k.Kind == ClockConfirm && k.OwnerID == d.Request }); k != nil {
		t.data["due"] = instant(k.DueAt)
	}
	t.to(t.street(), "call_proposed", "street")
}

// clarified: everybody who reported a rumour, or follows it, hears what came of it.
func (t *teller) clarified() {
	t.data["unit"], t.data["result"] = t.unit(t.h.data.Unit), OptionText(t.h.data.Verdict, "zh")
	t.toReporters("clarified", "")
	t.toFollowers("clarified")
	t.to(t.centre(), "clarified", "district")
}

func (t *teller) unitRated() {
	t.data["unit"] = t.unit(t.h.event.Unit)
	t.to(t.people(t.h.data.Unit), "unit_rated", "unit")
}

// revealed puts one line a day into the reporter's inbox, the next morning and so within 24 hours. All looks of a day share
// the event, so that the second adds no message; each is listed at /me/reveals at once.
func (t *teller) revealed() {
	day := digestAfter(t.w, t.pol, t.h.event.At)
	for i := range t.v.Reports {
		r := &t.v.Reports[i]
		if r.ID.String() != t.h.data.Report || r.Account == nil || r.AccountKind != "RESIDENT" {
			continue
		}
		n := len(t.drafts)
		if len(t.ways("data_seen", "reporter")) == 0 {
			return
		}
		t.draft("data_seen", "reporter", notify.App, r.Account.String(), r.Account, nil, day, map[string]string{"receipt_code": r.Receipt})
		for j := n; j < len(t.drafts); j++ {
			t.drafts[j].EventID = uuid.NewSHA1(*r.Account, []byte("data_seen "+day.UTC().Format(time.RFC3339)))
		}
	}
}

// revealLimited: who asked is in the chain; here only that it happened, and in which unit.
func (t *teller) revealLimited() {
	t.data["unit"] = t.unit(t.h.data.Unit)
	t.to(t.supervisors(), "reveal_limit", "supervisor")
	t.to(t.staff.byRole["AUDITOR"], "reveal_limit", "auditor")
}

package dispatch

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// step is one act of a story and who is told of it, event by event.
type step struct {
	name string
	act  func()
	told map[string][]string
}

func (d *testDistrict) tellStory(room *engineRoom, caseID func() uuid.UUID, steps []step) {
	d.t.Helper()
	for _, s := range steps {
		before := map[string][]string{}
		for event := range s.told {
			if caseID() != uuid.Nil {
				before[event] = d.told(caseID(), event)
			}
		}
		s.act()
		room.plan(d)
		for event, want := range s.told {
			require.ElementsMatch(d.t, append(before[event], want...), d.told(caseID(), event), "%s: %s", s.name, event)
		}
	}
	require.Zero(d.t, d.count("select count(*) from message where state = 'FAILED'"))
}

// A department leads from the first moment to the reopening (domain 4e).
func TestWhoIsToldOfADirectCase(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	var r Receipt
	id := func() uuid.UUID { return r.CaseID }
	fail := map[string]any{"media_ids": []string{d.photo("junmen-worker")}, "reason": "灯还是不亮"}
	d.tellStory(room, id, []step{
		{"submit", func() { r = *d.submit("lin", matterLight, inJunmen) }, map[string][]string{
			"submitted":  {"lin APP", "lin SMS", "junmen-worker APP"},
			"dispatched": {"lin APP", "js-officer APP", "js-officer SMS", "dj-officer APP", "dj-officer SMS", "dispatcher APP"}}},
		{"sign", func() { d.do("js-officer", id(), ActSign, nil) }, map[string][]string{"signed": {"lin APP"}}},
		{"resolve", func() { d.resolve("js-officer", id()) }, map[string][]string{
			"contact":  {"lin APP"},
			"resolved": {"lin APP", "junmen-officer APP", "junmen-officer SMS", "junmen-worker APP", "junmen-worker SMS", "dj-officer APP"}}},
		{"check fails", func() { d.do("junmen-worker", id(), ActCheckFail, fail) }, map[string][]string{
			"check_failed": {"js-officer APP", "js-officer SMS", "js-leader APP", "dj-officer APP", "dispatcher APP"}}},
		{"resolve again", func() { d.resolve("js-leader", id()) }, map[string][]string{
			"resolved": {"lin APP", "junmen-officer APP", "junmen-officer SMS", "junmen-worker APP", "junmen-worker SMS", "dj-officer APP", "js-officer APP"}}},
		{"check passes", func() { d.pass("junmen-worker", id()) }, map[string][]string{
			"closed": {"lin APP", "lin SMS", "js-officer APP", "dj-officer APP"}}},
		{"bad rating", func() { d.rate("lin", &r, false, 1) }, map[string][]string{
			"supervisor_task": {},
			"reopened":        {"lin APP", "js-officer APP", "js-officer SMS", "js-leader APP", "dj-officer APP", "dj-officer SMS", "dispatcher APP"}}},
		{"note", func() { d.do("dispatcher", id(), ActNote, map[string]any{"text": "已知悉"}) }, map[string][]string{"note": {}}},
	})
	texts := d.texts(id())
	require.Contains(t, texts, "东街街道军门社区")
	require.Contains(t, texts, "承诺")
	require.NotContains(t, texts, r.TrackToken)
	require.NotContains(t, texts, "这里有问题", "no free text of anybody")
	require.Equal(t, 1, d.count("select count(*) from message where template = 'submitted.reporter.SMS' and text like '%https://yixian.example/c/******'"))
	require.Equal(t, 1, d.count("select count(*) from message where template = 'closed.reporter.SMS' and text like '%https://yixian.example/r/******'"))
}

// The link that goes out opens the case: it is the track token of the receipt.
func TestTheLinkOfTheReceipt(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	r := d.submit("lin", matterLight, inJunmen)
	room.plan(d)
	var sealed, to []byte
	require.NoError(t, d.db.Engine.Pool.QueryRow(t.Context(), "select text_enc, to_enc from message where template = 'submitted.reporter.SMS'").Scan(&sealed, &to))
	said, err := d.keys.Open("350102", "message.text", sealed)
	require.NoError(t, err)
	require.Contains(t, said, "https://yixian.example/c/"+r.TrackToken)
	require.Contains(t, said, r.ReceiptCode)
	phone, err := d.keys.Open("350102", "message.to", to)
	require.NoError(t, err)
	require.Equal(t, residentPhones["lin"], phone)
}

// A street calls two departments: the duty chain, its cancellation, and who hears of what is late.
func TestWhoIsToldOfACall(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	var id uuid.UUID
	caseID := func() uuid.UUID { return id }
	call := map[string]any{"level": "L2", "reason": "NO_POWER", "targets": []map[string]any{{"unit": "D-CG", "lead": true}, {"unit": "D-SJ"}}}
	d.tellStory(room, caseID, []step{
		{"submit", func() { id = d.submit("lin", matterBuilding, inJunmen).CaseID }, map[string][]string{
			"dispatched": {"lin APP", "dj-officer APP", "dj-officer SMS", "dispatcher APP"}}},
		{"sign", func() { d.do("dj-officer", id, ActSign, nil) }, map[string][]string{"signed": {"lin APP"}}},
		{"call", func() { d.do("dj-leader", id, ActCall, call) }, map[string][]string{"called": {
			"lin APP", "junmen-worker APP", "dj-officer APP", "dispatcher APP",
			"cg-officer APP", "cg-officer SMS+2m", "cg-officer VOICE+5m", "cg-second APP", "cg-second SMS+2m", "cg-second VOICE+5m", "cg-leader APP",
			"sj-officer APP", "sj-officer SMS+2m", "sj-officer VOICE+5m", "sj-leader APP"}}},
	})
	d.do("cg-officer", id, ActAck, nil)
	room.plan(d)
	require.ElementsMatch(t, []string{"lin APP", "junmen-worker APP", "dj-officer APP", "dispatcher APP",
		"cg-officer APP", "cg-officer SMS+2m CANCELLED", "cg-officer VOICE+5m CANCELLED", "cg-second APP", "cg-second SMS+2m CANCELLED", "cg-second VOICE+5m CANCELLED", "cg-leader APP",
		"sj-officer APP", "sj-officer SMS+2m", "sj-officer VOICE+5m", "sj-leader APP"}, d.told(id, "called"), "the other unit has not answered")
	require.ElementsMatch(t, []string{"junmen-worker APP", "dj-officer APP", "cg-second APP"}, d.told(id, "acked"))

	d.walk(room, func() bool { return len(d.told(id, "ack_overdue")) > 0 })
	require.ElementsMatch(t, []string{"sj-leader APP", "sj-leader SMS"}, d.told(id, "ack_overdue"))
	d.walk(room, func() bool {
		return d.count("select count(*) from message where event = 'checkin_overdue' and account_id = $1", d.actor("cg-officer").Account) > 0
	})
	late := []string{
		"cg-officer APP", "cg-officer SMS", "cg-second APP", "cg-second SMS", "cg-leader APP", "cg-leader SMS", "dj-officer APP", "supervisor APP", "dispatcher APP+30m", "dispatcher SMS+30m",
		"cg-officer VOICE", "cg-second VOICE", "cg-leader VOICE", "dj-officer SMS", "sj-officer VOICE", "sj-leader VOICE", "dj-officer SMS",
		"sj-officer APP", "sj-officer SMS", "sj-leader APP", "sj-leader SMS", "dj-officer APP", "supervisor APP", "dispatcher APP+30m", "dispatcher SMS+30m"}
	require.ElementsMatch(t, late, d.told(id, "checkin_overdue"))
	d.do("cg-officer", id, ActCheckIn, map[string]any{"point": inJunmen})
	room.plan(d)
	late[8], late[9] = "dispatcher APP+30m CANCELLED", "dispatcher SMS+30m CANCELLED"
	require.ElementsMatch(t, late, d.told(id, "checkin_overdue"), "one is there, the other is not")
	require.ElementsMatch(t, []string{"lin APP", "junmen-worker APP", "dj-officer APP", "cg-second APP"}, d.told(id, "checked_in"))

	d.resolve("cg-officer", id)
	room.plan(d)
	require.Zero(t, d.count("select count(*) from message where state = 'PENDING' and not queued"), "work is done: nobody is woken for it")
	require.Zero(t, d.count("select count(*) from message where state = 'FAILED'"))
	d.verify()
}

// A remote check-in is not told as a presence; an L3 call reaches leaders by SMS and the supervisor.
func TestRemoteCheckInAndTheHighestLevel(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	id := d.submit("lin", matterBuilding, inJunmen).CaseID
	d.do("dj-officer", id, ActSign, nil)
	d.do("dj-secretary", id, ActCall, map[string]any{"level": "L3", "reason": "JOINT", "remote_allowed": true, "targets": []map[string]any{{"unit": "D-CG", "lead": true}}})
	d.do("cg-officer", id, ActCheckIn, map[string]any{})
	room.plan(d)
	called := d.told(id, "called")
	require.Subset(t, called, []string{"cg-leader APP", "cg-leader SMS", "supervisor APP", "cg-officer APP"})
	require.NotContains(t, called, "cg-officer SMS+2m", "answered before it was planned")
	require.Empty(t, d.told(id, "checked_in"))
	require.ElementsMatch(t, []string{"lin APP", "junmen-worker APP", "dj-officer APP", "cg-second APP"}, d.told(id, "checked_in_remote"))
}

// The whole ladder of a unit's clock, and the resident's promise.
func TestWhoIsToldOfWhatIsLate(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	id := d.submit("lin", matterLight, inJunmen).CaseID
	d.do("js-officer", id, ActSign, nil)
	d.do("js-officer", id, ActContact, map[string]any{"method": "PHONE"})
	d.walk(room, func() bool { return len(d.told(id, "overdue_200")) > 0 })
	for event, want := range map[string][]string{
		"reminder_50": {"js-officer APP", "junmen-worker APP", "dj-officer APP"},
		"reminder_80": {"js-officer APP", "js-officer SMS", "junmen-worker APP", "dj-officer APP"},
		"overdue_100": {"js-officer APP", "js-officer SMS", "js-leader SMS", "supervisor APP", "dj-officer APP", "dj-officer SMS", "dispatcher APP", "lin APP"},
		"overdue_150": {"js-officer APP", "js-officer SMS", "js-leader SMS", "supervisor APP", "supervisor SMS", "dj-officer APP", "dj-officer SMS", "dispatcher APP"},
		"overdue_200": {"js-officer APP", "js-officer SMS", "js-leader SMS", "supervisor APP", "supervisor SMS", "dj-officer APP", "dj-officer SMS", "dispatcher APP"},
	} {
		require.ElementsMatch(t, want, d.told(id, event), event)
	}
	_, err := d.onCard("supervisor", d.cards("HANDLE_150")[0].ID, "waive", "已说明", nil) // the card that 150 % proposed waits for nobody then
	require.NoError(t, err)
	room.work(d)
	next, _, err := room.NextDue(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, d.count("select count(*) from digest_due where next_at = $1", next), "the next morning's digest comes first")
	require.Zero(t, d.count("select count(*) from sla_clock k, assessment_due a where a.done_at is null and k.next_at < a.due_at"), "besides it only the month's sheets are left to wait for")
	require.Zero(t, d.count("select count(*) from message where state = 'PENDING' and not queued"))
	d.verify()
}

// What waits in the queue, what was returned, who cannot be told, who may not rate.
func TestWhoIsToldOtherwise(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)

	queued := d.submit("chen", "", inGarden).CaseID
	returned := d.submit("lin", matterLight, inJunmen).CaseID
	d.do("js-officer", returned, ActReturn, map[string]any{"legal_basis": "三定方案", "suggested_unit": "D-CG", "reason": "不属于本单位职责"})
	submit := func(name string, in Submission) uuid.UUID {
		in.Text, in.Matter, in.Point = "这里有问题需要处理", matterLight, inJunmen
		r, _, err := d.desk.Submit(t.Context(), d.actor(name), &in)
		require.NoError(t, err)
		return r.CaseID
	}
	hotline := submit("hotline", Submission{Phone: "13900000009", ContactName: "王某", OnBehalf: true})
	silent := submit("hotline", Submission{OnBehalf: true})
	worker := submit("junmen-worker", Submission{})
	anonymous := submit("chen", Submission{Anonymous: true})
	d.do("js-officer", anonymous, ActSign, nil)
	d.do("js-officer", anonymous, ActResolve, map[string]any{"outcome": "RESOLVED", "accepted_at": d.now(), "talked_to": "无", "measures": "已修好", "time_limit": "当日", "media_ids": []string{d.photo("js-officer")}})
	d.pass("junmen-worker", anonymous)
	room.plan(d)

	require.ElementsMatch(t, []string{"chen APP", "chen SMS", "garden-worker APP", "dispatcher APP"}, d.told(queued, "submitted"))
	require.ElementsMatch(t, []string{"lin APP", "dj-officer APP", "dj-officer SMS", "dispatcher APP", "dispatcher SMS"}, d.told(returned, "returned"))
	require.ElementsMatch(t, []string{"somebody SMS", "junmen-worker APP"}, d.told(hotline, "submitted"), "the caller by the phone that was noted")
	require.ElementsMatch(t, []string{"junmen-worker APP"}, d.told(silent, "submitted"))
	require.ElementsMatch(t, []string{"junmen-worker APP"}, d.told(worker, "submitted"), "as reporter")
	require.Equal(t, 1, d.count("select count(*) from message where case_id = $1 and template = 'submitted.reporter.APP'", worker))
	require.ElementsMatch(t, []string{"chen APP", "chen SMS", "junmen-worker APP"}, d.told(anonymous, "submitted"))
	require.ElementsMatch(t, []string{"chen APP", "js-officer APP", "dj-officer APP"}, d.told(anonymous, "closed"), "an anonymous report gets no link to a rating")
	require.Zero(t, d.count("select count(*) from message where state = 'FAILED'"))

	d.advance(11 * time.Minute)
	room.work(d)
	require.ElementsMatch(t, []string{"dispatcher APP"}, d.told(queued, "accept_overdue"))
}

// A unit without officers is told by its leaders; somebody who left is not told.
func TestDutyNeverFallsOnNobody(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	_, err := d.db.Engine.Pool.Exec(t.Context(), "update account set disabled_at = now() where username in ('js-officer', 'dispatcher')")
	require.NoError(t, err)
	id := d.submit("lin", matterLight, inJunmen).CaseID
	room.plan(d)
	require.ElementsMatch(t, []string{"lin APP", "js-leader APP", "js-leader SMS", "dj-officer APP", "dj-officer SMS"}, d.told(id, "dispatched"))
}

// walk moves the clock from one due instant to the next, working at each, until the condition holds.
func (d *testDistrict) walk(room *engineRoom, until func() bool) {
	d.t.Helper()
	for range 300 {
		room.work(d)
		if until() {
			return
		}
		next, ok, err := room.NextDue(d.t.Context())
		require.NoError(d.t, err)
		require.True(d.t, ok, "nothing is due any more")
		require.True(d.t, next.After(d.now()), "%s is not after now: work was left", next)
		d.setClock(next)
	}
	d.t.Fatal("the condition never held")
}

func (d *testDistrict) texts(caseID uuid.UUID) (all string) {
	d.t.Helper()
	require.NoError(d.t, d.db.Engine.Pool.QueryRow(d.t.Context(), "select string_agg(title || text, chr(10)) from message where case_id = $1", caseID).Scan(&all))
	return all
}

package dispatch

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"yixian/internal/fault"
)

func (d *testDistrict) cards(kind string) (out []Card) {
	d.t.Helper()
	list, _, err := d.desk.Cards(d.t.Context(), d.actor("supervisor"), CardFilter{}, 200, "")
	require.NoError(d.t, err)
	for _, c := range list {
		if c.Kind == kind {
			out = append(out, c)
		}
	}
	return out
}

func (d *testDistrict) onCard(name string, id uuid.UUID, verb, reason string, upheld *bool) (*Card, error) {
	d.t.Helper()
	return d.desk.ActOnCard(d.t.Context(), d.actor(name), id, CardAct{Verb: verb, Reason: reason, Upheld: upheld}, Once{})
}

// called is a case of the street with an L2 call to 城管局.
func (d *testDistrict) called() uuid.UUID {
	d.t.Helper()
	id := d.submit("lin", matterBuilding, inJunmen).CaseID
	d.do("dj-officer", id, ActSign, nil)
	d.do("dj-leader", id, ActCall, map[string]any{"level": "L2", "reason": "NO_POWER", "targets": []map[string]any{{"unit": "D-CG", "lead": true}}})
	return id
}

// messagesOf counts what was told of an event, by account and channel.
func (d *testDistrict) toldOf(event string) (out []string) {
	d.t.Helper()
	rows, err := d.db.Engine.Pool.Query(d.t.Context(), "select a.username || ' ' || m.channel from message m join account a on a.id = m.account_id where m.event = $1 order by 1", event)
	require.NoError(d.t, err)
	defer rows.Close()
	for rows.Next() {
		var s string
		require.NoError(d.t, rows.Scan(&s))
		out = append(out, s)
	}
	return out
}

// HANDLE at 150 % makes one yellow candidate; a supervisor is reminded after two working days and late after three; two
// engines at once change nothing of that.
func TestYellowCardOfAnOverdueUnit(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	one, two := newEngineRoom(d, d.db.Engine), newEngineRoom(d, d.db.Engine)
	both := func() {
		var wg sync.WaitGroup
		for _, r := range []*engineRoom{one, two} {
			wg.Go(func() { require.NoError(t, r.once(t.Context())) })
		}
		wg.Wait()
	}
	id := d.submit("lin", matterLight, inJunmen).CaseID
	d.do("js-officer", id, ActSign, nil)
	d.do("js-officer", id, ActContact, map[string]any{"method": "PHONE"})
	d.walk(one, func() bool { both(); return len(d.cards("HANDLE_150")) > 0 })
	card := d.cards("HANDLE_150")[0]
	require.Equal(t, "D-JS", card.Unit)
	require.Equal(t, "YELLOW", card.Color)
	require.Equal(t, CardCandidate, card.State)
	require.Equal(t, id, *card.CaseID)
	require.Equal(t, d.worlds.Get("350102").Calendar.Add(card.CreatedAt, decideWithin).UTC(), card.DecideBy.UTC())
	require.ElementsMatch(t, []string{"js-officer APP", "js-officer SMS", "js-leader APP", "js-leader SMS", "dj-officer APP", "dj-leader APP", "dj-secretary APP", "dispatcher APP", "supervisor APP"}, d.toldOf("card_candidate"))
	d.walk(one, func() bool { both(); return len(d.toldOf("card_overdue")) > 0 })
	require.Equal(t, []string{"supervisor APP"}, d.toldOf("card_reminder"))
	require.Equal(t, []string{"supervisor APP"}, d.toldOf("card_overdue"))
	require.Equal(t, card.DecideBy.UTC(), d.now().UTC())
	require.Len(t, d.cards("HANDLE_150"), 1)
	require.Zero(t, d.count("select count(*) from message where state = 'FAILED'"))
	d.verify()
}

// Nobody came 24 natural hours after the CHECKIN due of an L2 call: red; who came in time or late gets none.
func TestRedCardOfAnEmptyPlace(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	never, late, low := d.called(), d.called(), d.submit("lin", matterLight, inJunmen).CaseID
	due := d.caseOf(never).Targets[0].CheckinDue
	d.setClock(due.Add(time.Minute))
	room.work(d)
	require.Equal(t, 2, d.count("select count(*) from card_watch"))
	d.do("cg-officer", late, ActCheckIn, map[string]any{"point": inJunmen})
	d.setClock(due.Add(noCheckinAfter - time.Second))
	room.work(d)
	require.Empty(t, d.cards("NO_CHECKIN"))
	d.setClock(due.Add(noCheckinAfter))
	room.work(d)
	got := d.cards("NO_CHECKIN")
	require.Len(t, got, 1)
	require.Equal(t, never, *got[0].CaseID)
	require.Equal(t, "RED", got[0].Color)
	require.Equal(t, "D-CG", got[0].Unit)
	require.Zero(t, d.count("select count(*) from card_watch"))
	require.NotEqual(t, low, *got[0].CaseID)
	d.verify()
}

// Three late check-ins of one month, not two, and one card however many follow.
func TestYellowCardOfLateCheckIns(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	var ids []uuid.UUID
	for range 4 {
		ids = append(ids, d.called())
	}
	d.setClock(d.caseOf(ids[3]).Targets[0].CheckinDue.Add(time.Hour))
	for n, id := range ids {
		d.do("cg-officer", id, ActCheckIn, map[string]any{"point": inJunmen})
		room.work(d)
		require.Len(t, d.cards("LATE_CHECKINS"), map[bool]int{true: 1}[n >= 2], "after %d", n+1)
	}
	require.Equal(t, 3, d.cards("LATE_CHECKINS")[0].Count)
}

// A check that fails for a false result, and what a drill may do: nothing.
func TestRedCardOfAFalseResult(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	fail := func(fraud bool) {
		id := d.submit("lin", matterLight, inJunmen).CaseID
		d.do("js-officer", id, ActSign, nil)
		d.resolve("js-officer", id)
		d.do("junmen-worker", id, ActCheckFail, map[string]any{"media_ids": []string{d.photo("junmen-worker")}, "reason": "照片不是现场", "fraud": fraud})
		room.work(d)
	}
	fail(false)
	require.Empty(t, d.cards("FALSE_RESULT"))
	fail(true)
	require.Len(t, d.cards("FALSE_RESULT"), 1)
	d.commanders()
	d.declare(Declaration{Name: "演练", Drill: true, Units: []string{"S-DJ"}})
	fail(true)
	require.Len(t, d.cards("FALSE_RESULT"), 1)
}

// Three returns of one month judged unfounded.
func TestYellowCardOfUnfoundedReturns(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	for n := range 3 {
		id := d.submit("lin", matterLight, PointIn{Lon: 119.3065 + float64(n)*0.001, Lat: 26.0865, Datum: "WGS84"}).CaseID // out of reach of the precedent before
		d.do("js-officer", id, ActReturn, map[string]any{"legal_basis": "三定方案", "suggested_unit": "S-DJ", "reason": "不属于本单位职责"})
		d.do("dispatcher", id, ActDispatch, map[string]any{"lead": "S-DJ"})
		d.do("dj-officer", id, ActDispute, map[string]any{"reason": "路灯属建设局"})
		d.do("arbitrator", id, ActArbitrate, map[string]any{"lead": "D-JS", "basis": "三定方案", "verdicts": []map[string]any{{"unit": "D-JS", "founded": false}}})
		room.work(d)
		require.Len(t, d.cards("UNFOUNDED_RETURNS"), map[bool]int{true: 1}[n == 2])
	}
	require.Equal(t, "D-JS", d.cards("UNFOUNDED_RETURNS")[0].Unit)
}

// Confirm, waive, object once, answer; three confirmed yellows of a quarter make one red candidate.
func TestWhatBecomesOfACard(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	for _, name := range []string{"dispatcher", "cg-leader", "auditor"} {
		_, err := d.desk.RaiseBreach(t.Context(), d.actor(name), "D-CG", "群里转发了报案人电话", nil, Once{})
		require.True(t, fault.Is(err, "NOT_YOURS"), name)
	}
	red, err := d.desk.RaiseBreach(t.Context(), d.actor("supervisor"), "D-CG", "群里转发了报案人电话", nil, Once{Key: "k", Hash: []byte{1}})
	require.NoError(t, err)
	again, err := d.desk.RaiseBreach(t.Context(), d.actor("supervisor"), "D-CG", "群里转发了报案人电话", nil, Once{Key: "k", Hash: []byte{1}})
	require.NoError(t, err)
	require.Equal(t, red.ID, again.ID)
	room.work(d)
	require.Contains(t, d.toldOf("card_candidate"), "cg-leader SMS")
	require.Zero(t, d.count("select count(*) from message where text like '%转发%'"), "no free words go out")

	_, err = d.onCard("sj-leader", red.ID, "object", "不是我们", nil)
	require.True(t, fault.Is(err, "NOT_FOUND"), "%v", err)
	_, err = d.onCard("cg-officer", red.ID, "object", "不是我们", nil)
	require.True(t, fault.Is(err, "NOT_YOURS"), "%v", err)
	_, err = d.onCard("cg-leader", red.ID, "object", "", nil)
	require.True(t, fault.Is(err, "INVALID"), "%v", err)
	_, err = d.onCard("cg-leader", red.ID, "object", "已核实并非本单位人员", nil)
	require.NoError(t, err)
	_, err = d.onCard("cg-leader", red.ID, "object", "再说一次", nil)
	require.True(t, fault.Is(err, "ALREADY_OBJECTED"), "%v", err)
	room.work(d)
	require.Equal(t, []string{"supervisor APP"}, d.toldOf("card_objected"))
	yes := true
	c, err := d.onCard("supervisor", red.ID, "answer", "申辩成立", &yes)
	require.NoError(t, err)
	require.Equal(t, CardWaived, c.State)
	_, err = d.onCard("supervisor", red.ID, "confirm", "", nil)
	require.True(t, fault.Is(err, "WRONG_STATE"), "%v", err)

	w := d.worlds.Get("350102")
	var yellows []uuid.UUID
	for n := range 4 {
		c, e := w.propose("HANDLE_150", "D-JS", fmt.Sprintf("handle:%d", n), "", nil, 0, d.actor("supervisor"), d.now())
		fresh, err := putCard(t.Context(), d.db.Engine.Pool, d.actor("supervisor"), c, &e, Once{})
		require.NoError(t, err)
		require.True(t, fresh)
		yellows = append(yellows, c.ID)
	}
	_, err = d.onCard("supervisor", yellows[3], "waive", "已说明原因", nil)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for _, id := range slices.Repeat(yellows[:3], 2) {
		wg.Go(func() { _, _ = d.onCard("supervisor", id, "confirm", "", nil) })
	}
	wg.Wait()
	room.work(d)
	made := d.cards("THREE_YELLOWS")
	require.Len(t, made, 1)
	require.Equal(t, "RED", made[0].Color)
	require.Equal(t, CardCandidate, made[0].State)
	require.Equal(t, 3, made[0].Count)

	_, err = d.onCard("js-leader", made[0].ID, "object", "三张中有一张已在申辩", nil)
	require.NoError(t, err)
	no := false
	c, err = d.onCard("supervisor", made[0].ID, "answer", "三张均已确认", &no)
	require.NoError(t, err)
	require.Equal(t, CardCandidate, c.State, "an objection that fails decides nothing by itself")
	room.work(d)
	require.ElementsMatch(t, []string{"js-officer APP", "js-leader APP", "supervisor APP"}, d.toldOf("card_upheld"))
	require.Zero(t, d.count("select count(*) from message where state = 'FAILED'"))
	list, _, err := d.desk.Cards(t.Context(), d.actor("cg-officer"), CardFilter{}, 50, "")
	require.NoError(t, err)
	require.Len(t, list, 1, "the own unit's only")
	d.verify()
}

// However events are repeated, mixed and told by several engines, each cause has one card.
func TestOneCardPerCause(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	w := d.worlds.Get("350102")
	rooms := []*engineRoom{newEngineRoom(d, d.db.Engine), newEngineRoom(d, d.db.Engine)}
	causes := map[string]bool{}
	rapid.Check(t, func(rt *rapid.T) {
		list := rapid.SliceOfN(rapid.IntRange(0, 30), 1, 3).Draw(rt, "causes") // fewer than the pool has connections
		var wg sync.WaitGroup
		for n, c := range list {
			cause := fmt.Sprintf("handle:%d", c)
			causes[cause] = true
			wg.Go(func() {
				tx, err := d.db.Engine.Pool.Begin(t.Context())
				if err != nil {
					rt.Errorf("%v", err)
					return
				}
				defer func() { _ = tx.Rollback(t.Context()) }()
				err = rooms[n%2].planner.candidate(t.Context(), tx, w, "HANDLE_150", "D-CG", cause, nil, 0, morning)
				if err == nil {
					err = tx.Commit(t.Context())
				}
				if err != nil {
					rt.Errorf("%v", err)
				}
			})
		}
		wg.Wait()
	})
	require.Equal(t, len(causes), d.count("select count(*) from card"))
	require.Equal(t, len(causes), d.count("select count(distinct cause) from card"))
	require.Equal(t, len(causes), d.count("select count(*) from message where event = 'card_candidate' and account_id = $1 and channel = 'SMS'", d.actor("cg-leader").Account))
	d.verify()
}

// The fifth case of a matter in a grid within 30 days is told to the street, once in 30 days.
func TestSystemicProblem(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	report := func() { d.submit("lin", matterLight, inJunmen); room.plan(d) }
	for range 4 {
		report()
	}
	d.submit("chen", matterLight, inGarden)
	room.plan(d)
	require.Zero(t, d.count("select count(*) from systemic_problem"))
	report()
	report()
	list, _, err := d.desk.SystemicProblems(t.Context(), d.actor("dj-officer"), 50, "")
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, 5, list[0].Count)
	require.Equal(t, "350102004001001", list[0].GridCode)
	require.ElementsMatch(t, []string{"dj-officer APP", "dj-leader APP", "dj-secretary APP"}, d.toldOf("systemic_problem"))
	other, _, err := d.desk.SystemicProblems(t.Context(), d.actor("wq-officer"), 50, "")
	require.NoError(t, err)
	require.Empty(t, other)
	d.advance(31 * 24 * time.Hour)
	for range 5 {
		report()
	}
	require.Equal(t, 2, d.count("select count(*) from systemic_problem"), "a new window")
	require.Zero(t, d.count("select count(*) from message where state = 'FAILED'"))
}

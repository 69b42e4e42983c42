package dispatch

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/dispatch/score"
	"yixian/internal/fault"
)

// engineDesk is a desk on the engine's pool, as every engine has one.
func (d *testDistrict) engineDesk() *Desk { return NewDesk(d.db.Engine, d.keys, d.worlds, nil) }

// freezeAll freezes whatever is due now.
func (d *testDistrict) freezeAll() (n int) {
	d.t.Helper()
	for {
		one, err := d.engineDesk().Freeze(context.Background())
		require.NoError(d.t, err)
		if one == 0 {
			return n
		}
		n += one
	}
}

func (d *testDistrict) sheet(unit, period string, revision int) *StoredSheet {
	d.t.Helper()
	s, _, err := d.desk.Sheet(context.Background(), d.actor("supervisor"), unit, period, revision)
	require.NoError(d.t, err)
	return s
}

func (d *testDistrict) onDay(month time.Month, day, hour int) {
	d.t.Helper()
	d.setClock(time.Date(2026, month, day, hour, 0, 0, 0, morning.Location()))
}

// June of D-JS: lamp cases that it leads directly. One is done at once, one is never done, one is checked and fails.
func (d *testDistrict) june() (done, never, failed *Receipt) {
	d.t.Helper()
	done, never, failed = d.submit("lin", matterLight, inJunmen), d.submit("chen", matterLight, inGarden), d.submit("lin", matterLight, inGarden)
	for _, r := range []*Receipt{done, never, failed} {
		d.do("js-officer", r.CaseID, ActSign, nil)
	}
	d.resolve("js-officer", done.CaseID)
	d.pass("junmen-worker", done.CaseID)
	d.rate("lin", done, true, 4)
	d.resolve("js-officer", failed.CaseID)
	d.do("garden-worker", failed.CaseID, ActCheckFail, map[string]any{"media_ids": []string{d.photo("garden-worker")}, "reason": "灯仍不亮"})
	d.resolve("js-officer", failed.CaseID)
	d.pass("garden-worker", failed.CaseID)
	return done, never, failed
}

// Two leaders wake at the same moment: one freeze. The sheet is what plain SQL counts, and its bytes come out again.
func TestTwoLeadersOneFreeze(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	require.Zero(t, d.freezeAll())
	d.june()
	d.onDay(time.July, 6, 12)
	require.Zero(t, d.freezeAll(), "the fifth working day is the 7th")
	d.onDay(time.July, 7, 0)
	require.Equal(t, 1, d.count("select count(*) from assessment_due where done_at is null"))
	for _, at := range []int{4, 9} { // killed at any statement before its end it leaves nothing
		db, ctx, killed := crashing(d, at)
		_, err := NewDesk(db, d.keys, d.worlds, nil).Freeze(ctx)
		require.Error(t, err)
		require.True(t, killed(), "statement %d", at)
		require.Zero(t, d.count("select (select count(*) from assessment_fact) + (select count(*) from assessment_sheet) + (select count(*) from assessment_due where done_at is not null)"), "statement %d", at)
	}
	var leaders sync.WaitGroup
	var frozen [4]int
	for i := range frozen {
		desk := d.engineDesk()
		leaders.Go(func() {
			n, err := desk.Freeze(context.Background())
			if err != nil {
				t.Error(err)
			}
			frozen[i] = n
		})
	}
	leaders.Wait()
	require.Equal(t, 1, frozen[0]+frozen[1]+frozen[2]+frozen[3])
	require.Zero(t, d.freezeAll())
	require.Equal(t, 1, d.count("select count(distinct period) from assessment_sheet"))
	require.Zero(t, d.count("select count(*) from assessment_sheet where revision > 1"))

	s := d.sheet("D-JS", "2026-06", 0)
	require.True(t, s.Frozen)
	end := time.Date(2026, 7, 1, 0, 0, 0, 0, morning.Location())
	var settled, done, rework int64
	require.NoError(t, d.db.Engine.Pool.QueryRow(t.Context(), `select count(*), count(*) filter (where resolved_at < $1), count(*) filter (where rework_count > 0) from assignment
		where unit = 'D-JS' and kind in ('LEAD', 'ASSIST') and state not in ('RETURNED', 'CANCELLED') and least(resolved_at, due_at) < $1`, end).Scan(&settled, &done, &rework))
	require.Equal(t, []int64{3, 2, 1}, []int64{settled, done, rework})
	require.Equal(t, settled, s.NeedDispose)
	require.Equal(t, done, s.Line(score.Disposal.ID).Num)
	require.Equal(t, rework, s.Line(score.Rework.ID).Num)
	require.EqualValues(t, 1, s.ValidRatings)
	for _, u := range d.worlds.Get("350102").UnitsSorted() {
		if u.Kind != "DISTRICT_CENTER" {
			require.NoError(t, d.desk.CheckSheet(t.Context(), "350102", u.Code, "2026-06", 1), u.Code)
		}
	}
	var sum int64
	list, _, err := d.desk.Assessments(t.Context(), d.actor("supervisor"), "2026-06")
	require.NoError(t, err)
	for i := range list {
		sum += list[i].NeedDispose
	}
	require.EqualValues(t, d.count("select count(*) from assessment_fact where kind = 'ASSIGNMENT' and settled"), sum, "the units add up to the district")

	_, err = d.db.App.Pool.Exec(context.Background(), "update assessment_sheet set payload = payload")
	require.ErrorContains(t, err, "permission denied", "no role changes a sheet")
	_, err = d.db.Owner.Pool.Exec(t.Context(), "alter table assessment_fact no force row level security")
	require.NoError(t, err)
	_, err = d.db.Owner.Pool.Exec(t.Context(), `update assessment_fact set body = body || '{"role": "ASSIST"}' where unit = 'D-JS' and kind = 'ASSIGNMENT'`)
	require.NoError(t, err)
	require.True(t, fault.Is(d.desk.CheckSheet(t.Context(), "350102", "D-JS", "2026-06", 1), "SHEET_DIFFERS"), "a changed fact shows")
}

// What happens after the freeze changes no old sheet: late work stays late, a reopening is the next month's rework, a merge and
// a drill leave the frozen figures alone; and what arrives late counts in the next period, once.
func TestAfterTheFreeze(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	_, never, _ := d.june()
	d.onDay(time.June, 30, 17)
	last := d.submit("lin", matterLight, inJunmen)
	d.do("js-officer", last.CaseID, ActSign, nil)
	d.resolve("js-officer", last.CaseID)
	d.pass("junmen-worker", last.CaseID)
	d.onDay(time.July, 7, 9)
	require.Equal(t, 1, d.freezeAll())
	june := d.sheet("D-JS", "2026-06", 1)
	require.EqualValues(t, 4, june.NeedDispose)
	require.EqualValues(t, 3, june.Line(score.Disposal.ID).Num)

	d.resolve("js-officer", never.CaseID)        // a month too late
	d.rate("lin", last, false, 1)                // reopens
	_, err := d.db.Engine.Pool.Exec(t.Context(), // a duty of June that June did not know of
		`insert into assignment (district, id, case_id, unit, kind, round, state, received_at, due_at) select district, $1, case_id, unit, 'ASSIST', 1, 'SIGNED', received_at, '2026-06-20 12:00+08' from assignment where case_id = $2 and unit = 'D-JS' limit 1`,
		uuid.New(), never.CaseID)
	require.NoError(t, err)
	d.onDay(time.August, 7, 9)
	require.Equal(t, 1, d.freezeAll())
	require.Equal(t, june.Payload, d.sheet("D-JS", "2026-06", 0).Payload)
	july := d.sheet("D-JS", "2026-07", 1)
	require.EqualValues(t, 1, july.Line(score.Rework.ID).Num, "the reopening")
	require.Equal(t, 1, d.count("select count(*) from assessment_fact where period = '2026-07' and body->>'late' = 'true'"))
	require.Zero(t, d.count("select count(*) from (select kind, id from assessment_fact where settled group by 1, 2 having count(*) > 1) x"), "each duty in one period for ever")
	require.EqualValues(t, 2, july.NeedDispose, "the late one and the new round")
	require.NoError(t, d.desk.CheckSheet(t.Context(), "350102", "D-JS", "2026-07", 1))
}

// Drills, voided cases and withdrawn calls take themselves out, and the sheet says so.
func TestAutomaticExclusions(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	_, never, _ := d.june()
	_, err := d.db.Engine.Pool.Exec(t.Context(), "update cases set drill = true where id = $1", never.CaseID)
	require.NoError(t, err)
	d.onDay(time.July, 7, 9)
	d.freezeAll()
	s := d.sheet("D-JS", "2026-06", 0)
	require.EqualValues(t, 2, s.NeedDispose)
	require.Equal(t, []score.Taken{{Reason: "EX7", N: 1}}, s.Taken)
	require.Zero(t, s.ExclusionRate.Num)
}

// An exclusion is asked by one and decided by another, once; declined it changes nothing and may be asked again.
func TestExclusionByTwoPeople(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	_, never, _ := d.june()
	ctx := t.Context()
	ask := Exclusion{CaseID: never.CaseID, Reason: "EX6", Scope: "ALL", Text: "应急响应期间"}
	_, err := d.desk.Propose(ctx, d.actor("js-leader"), ask)
	require.True(t, fault.Is(err, "NOT_YOURS"))
	for _, bad := range []Exclusion{{CaseID: never.CaseID, Reason: "EX4", Scope: "ALL", Text: ask.Text}, {CaseID: never.CaseID, Reason: "EX2", Scope: "ALL", Text: ask.Text}, {CaseID: uuid.New(), Reason: "EX1", Scope: "ALL", Text: ask.Text},
		{CaseID: never.CaseID, Reason: "EX1", Scope: "ALL", Text: "短"}, {CaseID: never.CaseID, Reason: "EX1", Scope: "SOME", Text: ask.Text}} {
		_, err := d.desk.Propose(ctx, d.actor("supervisor"), bad)
		require.True(t, fault.Is(err, "INVALID"), fmt.Sprint(bad, err))
	}
	e, err := d.desk.Propose(ctx, d.actor("supervisor"), ask)
	require.NoError(t, err)
	_, err = d.desk.Propose(ctx, d.actor("supervisor"), ask)
	require.True(t, fault.Is(err, "ALREADY_ASKED"))

	both := d.actor("supervisor") // one person in two roles
	both.Bindings = append(both.Bindings, d.actor("auditor").Bindings...)
	_, err = d.desk.DecideExclusion(ctx, both, e.ID, true, "")
	require.True(t, fault.Is(err, "SAME_PERSON"))
	_, err = d.desk.DecideExclusion(ctx, d.actor("auditor"), e.ID, false, "证据不足")
	require.NoError(t, err)
	_, err = d.desk.DecideExclusion(ctx, d.actor("auditor"), e.ID, true, "")
	require.True(t, fault.Is(err, "ALREADY_DECIDED"))

	d.onDay(time.July, 7, 9)
	d.freezeAll()
	require.EqualValues(t, 3, d.sheet("D-JS", "2026-06", 0).NeedDispose)
	e, err = d.desk.Propose(ctx, d.actor("supervisor"), ask)
	require.NoError(t, err)
	_, err = d.desk.DecideExclusion(ctx, d.actor("auditor"), e.ID, true, "")
	require.NoError(t, err)
	s := d.sheet("D-JS", "2026-06", 0)
	require.Equal(t, 2, s.Revision)
	require.EqualValues(t, 2, s.NeedDispose)
	require.EqualValues(t, 3, d.sheet("D-JS", "2026-06", 1).NeedDispose, "both revisions can be read")
	require.Equal(t, 1, d.sheet("D-CG", "2026-06", 0).Revision, "sheets that it does not bear on stay")
	for r := 1; r <= 2; r++ {
		require.NoError(t, d.desk.CheckSheet(ctx, "350102", "D-JS", "2026-06", r), r)
	}
}

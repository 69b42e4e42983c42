package dispatch

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/dispatch/score"
	"yixian/internal/fault"
)

// A period in which nothing happened measures nobody: no figure is 0 or 100 %, no unit is ranked.
func TestEmptyPeriod(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	require.Zero(t, d.freezeAll())
	d.onDay(time.July, 7, 9)
	require.Equal(t, 1, d.freezeAll())
	list, frozen, err := d.desk.Assessments(t.Context(), d.actor("supervisor"), "2026-06")
	require.NoError(t, err)
	require.True(t, frozen)
	require.NotEmpty(t, list)
	for i := range list {
		s := &list[i]
		require.False(t, s.Sufficient, s.Unit)
		require.Zero(t, s.Rank, s.Unit)
		require.Equal(t, []string{"", ""}, []string{s.Composite, s.Score}, s.Unit)
		for _, l := range s.Lines {
			require.Equal(t, score.Line{ID: l.ID, Text: "—"}, l, s.Unit)
		}
		require.False(t, s.ExclusionFlag)
		require.NoError(t, d.desk.CheckSheet(t.Context(), "350102", s.Unit, "2026-06", 1))
	}
}

// A unit that was closed in mid-period keeps what it was charged with before; one that was set up in mid-period is measured by
// what it received since, and unranked below the least samples.
func TestUnitsChangeInMidPeriod(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	done, _, _ := d.june()
	_, err := d.db.Engine.Pool.Exec(t.Context(), "insert into org_unit (district, code, name, short_name, kind, line) values ('350102', 'D-NEW', '新设局', '新设局', 'DEPARTMENT', '')")
	require.NoError(t, err)
	_, err = d.db.Engine.Pool.Exec(t.Context(), `insert into assignment (district, id, case_id, unit, kind, round, state, received_at, resolved_at, due_at) values ('350102', $1, $2, 'D-NEW', 'ASSIST', 1, 'RESOLVED', '2026-06-20 09:00+08', '2026-06-21 09:00+08', '2026-06-22 12:00+08')`, uuid.New(), done.CaseID)
	require.NoError(t, err)
	_, err = d.db.Engine.Pool.Exec(t.Context(), "update org_unit set active = false where code = 'D-JS'")
	require.NoError(t, err)
	require.NoError(t, d.worlds.Load(t.Context()))
	d.onDay(time.July, 7, 9)
	d.freezeAll()
	require.EqualValues(t, 3, d.sheet("D-JS", "2026-06", 0).NeedDispose)
	fresh := d.sheet("D-NEW", "2026-06", 0)
	require.EqualValues(t, 1, fresh.NeedDispose)
	require.False(t, fresh.Sufficient)
	d.onDay(time.August, 7, 9)
	d.freezeAll()
	require.Zero(t, d.count("select count(*) from assessment_sheet where period = '2026-07' and unit = 'D-JS'"), "closed, and nothing is charged to it any more")
	require.Equal(t, 4, d.count("select count(*) from assessment_fact where period = '2026-06' and kind = 'ASSIGNMENT' and settled"))
}

// A case that is merged after the freeze changes no frozen sheet and counts nowhere afterwards.
func TestMergedAfterTheFreeze(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	waits := d.submit("lin", matterLight, inJunmen) // nobody signs: overdue in June
	d.onDay(time.June, 30, 9)
	master := d.submit("chen", matterLight, inJunmen)
	d.onDay(time.July, 7, 9)
	require.Equal(t, 1, d.freezeAll())
	june := d.sheet("D-JS", "2026-06", 1)
	require.EqualValues(t, 1, june.NeedDispose)
	d.do("dispatcher", waits.CaseID, ActMerge, map[string]any{"master_case_id": master.CaseID})
	require.Equal(t, "MERGED", d.text("select state from cases where id = $1", waits.CaseID))
	d.onDay(time.August, 7, 9)
	require.Equal(t, 1, d.freezeAll())
	require.Equal(t, june.Payload, d.sheet("D-JS", "2026-06", 0).Payload)
	require.NoError(t, d.desk.CheckSheet(t.Context(), "350102", "D-JS", "2026-06", 1))
	require.EqualValues(t, 1, d.sheet("D-JS", "2026-07", 0).NeedDispose, "the master alone")
}

// A due that a changed clock or calendar moves after the freeze: out of a frozen month it counts nowhere again, into one it counts in
// the next period, once.
func TestDuesMoveAfterTheFreeze(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	_, never, _ := d.june()
	d.onDay(time.June, 29, 9)
	next := d.submit("lin", matterLight, inGarden)
	d.do("js-officer", next.CaseID, ActSign, nil)
	move := func(id uuid.UUID, due string) {
		t.Helper()
		tag, err := d.db.Engine.Pool.Exec(t.Context(), "update assignment set due_at = $2 where case_id = $1 and unit = 'D-JS'", id, due)
		require.NoError(t, err)
		require.EqualValues(t, 1, tag.RowsAffected())
	}
	move(next.CaseID, "2026-07-10 12:00+08")
	d.onDay(time.July, 7, 9)
	require.Equal(t, 1, d.freezeAll())
	require.EqualValues(t, 3, d.sheet("D-JS", "2026-06", 1).NeedDispose)
	move(never.CaseID, "2026-07-20 12:00+08") // June has settled it
	move(next.CaseID, "2026-06-30 12:00+08")  // June did not know of it
	d.onDay(time.August, 7, 9)
	require.Equal(t, 1, d.freezeAll())
	july := d.sheet("D-JS", "2026-07", 1)
	require.EqualValues(t, 1, july.NeedDispose)
	require.Equal(t, next.CaseID.String(), d.text("select case_id::text from assessment_fact where period = '2026-07' and kind = 'ASSIGNMENT' and settled"))
	require.Equal(t, "true", d.text("select body->>'late' from assessment_fact where period = '2026-07' and kind = 'ASSIGNMENT' and settled"))
	require.Zero(t, d.count("select count(*) from (select kind, id from assessment_fact where settled group by 1, 2 having count(*) > 1) x"), "each duty in one period for ever")
}

// Two supervisors ask for the same exclusion at the same moment, two auditors approve it at the same moment: one each.
func TestExclusionsAtOnce(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	_, never, _ := d.june()
	d.onDay(time.July, 7, 9)
	d.freezeAll()
	sup, aud := d.actor("supervisor"), d.actor("auditor")
	both := func(code string, act func() error) {
		t.Helper()
		done := make(chan error, 2)
		for range 2 {
			go func() { done <- act() }()
		}
		refused := 0
		for range 2 {
			if err := <-done; err != nil {
				require.True(t, fault.Is(err, code), "%v", err)
				refused++
			}
		}
		require.Equal(t, 1, refused)
	}
	both("ALREADY_ASKED", func() error {
		_, err := d.desk.Propose(context.Background(), sup, Exclusion{CaseID: never.CaseID, Reason: "EX1", Scope: "ALL", Text: "台风期间道路中断"})
		return err
	})
	id := uuid.MustParse(d.text("select id::text from exclusion"))
	both("ALREADY_DECIDED", func() error {
		_, err := d.desk.DecideExclusion(context.Background(), aud, id, true, "情况属实")
		return err
	})
	require.Equal(t, 2, d.sheet("D-JS", "2026-06", 0).Revision)
	require.Equal(t, 2, d.count("select count(*) from assessment_sheet where unit = 'D-JS' and period = '2026-06'"))
}

// A quarter is its three months together: each duty once.
func TestQuarter(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	_, never, _ := d.june()
	d.onDay(time.July, 2, 9)
	q := d.sheet("D-JS", "2026-Q2", 0)
	require.False(t, q.Frozen)
	require.EqualValues(t, 3, q.NeedDispose)
	d.resolve("js-officer", never.CaseID)
	d.onDay(time.July, 7, 9)
	d.freezeAll()
	q, month := d.sheet("D-JS", "2026-Q2", 0), d.sheet("D-JS", "2026-06", 0)
	require.Equal(t, month.NeedDispose, q.NeedDispose)
	require.Equal(t, month.Line(score.Rework.ID).Num, q.Line(score.Rework.ID).Num)
	require.Equal(t, month.Line(score.Resolution.ID).Den, q.Line(score.Resolution.ID).Den)
	facts, _, err := d.desk.SheetFacts(t.Context(), d.actor("supervisor"), "D-JS", "2026-Q2", score.OnTimeDisposal.ID, 50, "")
	require.NoError(t, err)
	counted := 0
	for i := range facts {
		if facts[i].Counted {
			counted++
		}
	}
	require.EqualValues(t, q.Line(score.OnTimeDisposal.ID).Den, counted)
	_, err = d.desk.Object(t.Context(), d.actor("js-leader"), "D-JS", "2026-Q2", "对季度结果有异议")
	require.True(t, fault.Is(err, "NOT_A_MONTH"), "%v", err)
	_, _, err = d.desk.Sheet(t.Context(), d.actor("supervisor"), "D-JS", "2026-Q5", 0)
	require.True(t, fault.Is(err, "INVALID"))
}

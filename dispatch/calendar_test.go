package dispatch

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func (d *testDistrict) setDay(day string, work bool) {
	d.t.Helper()
	_, err := d.db.Engine.Pool.Exec(d.t.Context(), "insert into calendar_day (district, day, is_work) values ('350102', $1, $2) on conflict (district, day) do update set is_work = excluded.is_work", day, work)
	require.NoError(d.t, err)
}

// A day off moves every open working clock, with an event in the case's chain, once; natural clocks and what has rung stay.
func TestCalendarChange(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	r := d.submit("lin", matterLight, inJunmen)
	id := r.CaseID
	urgent := d.submit("chen", "", inGarden).CaseID
	d.do("dispatcher", urgent, ActFile, map[string]any{"matter": matterLight, "priority": "P1"})
	d.do("js-officer", id, ActSign, nil)
	handle := clockOf(d.caseOf(id), ClockHandle, "D-JS")
	require.Equal(t, time.Date(2026, 6, 10, 9, 0, 0, 0, morning.Location()).UTC(), handle.DueAt.UTC(), "2 WD")
	d.walk(room, func() bool { return len(d.told(id, "reminder_50")) > 0 })
	before, rang, events := d.caseOf(id), d.told(id, "reminder_50"), d.count("select count(*) from case_event")

	d.setDay("2026-06-09", false) // tomorrow is off
	room.work(d)
	after := d.caseOf(id)
	due := time.Date(2026, 6, 11, 9, 0, 0, 0, morning.Location())
	require.Equal(t, due.UTC(), clockOf(after, ClockHandle, "D-JS").DueAt.UTC())
	require.Equal(t, due.UTC(), after.Case.PromiseAt.UTC())
	require.Equal(t, due.UTC(), after.Assignments[0].DueAt.UTC())
	require.Equal(t, before.Case.Version+1, after.Case.Version)
	require.Equal(t, clockOf(before, ClockHandle, "D-JS").Level, clockOf(after, ClockHandle, "D-JS").Level)
	require.Equal(t, clockOf(before, ClockContact, "D-JS").DueAt.UTC(), clockOf(after, ClockContact, "D-JS").DueAt.UTC(), "24 NH")
	require.Equal(t, 1, d.count("select count(*) from case_event where action = 'clock_recomputed' and case_id = $1", id))
	require.Zero(t, d.count("select count(*) from case_event where action = 'clock_recomputed' and case_id = $1", urgent), "natural clocks only")
	require.Equal(t, events+1, d.count("select count(*) from case_event"))

	d.advance(secondPass)
	room.work(d)
	require.Equal(t, events+1, d.count("select count(*) from case_event"), "the second pass changes nothing")
	require.Equal(t, 1, d.count("select count(*) from calendar_change where done_at is not null and recomputed = 1"))
	d.setDay("2026-06-09", false) // the same again
	room.work(d)
	require.Equal(t, events+1, d.count("select count(*) from case_event"))
	d.walk(room, func() bool {
		return d.count("select count(*) from case_event where clock_id = $1 and clock_level = 100", handle.ID) > 0
	})
	require.Equal(t, due.UTC(), d.now().UTC())
	require.Equal(t, rang, d.told(id, "reminder_50"), "what rang does not ring again")
	require.Equal(t, 1, d.count("select count(*) from case_event where clock_id = $1 and clock_level = 50", handle.ID))
	d.verify()
}

// An engine that dies in the middle loses nothing and does nothing twice.
func TestCalendarChangeSurvives(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	whole := newEngineRoom(d, d.db.Engine)
	var ids []uuid.UUID
	for range 5 {
		ids = append(ids, d.submit("lin", matterLight, inJunmen).CaseID)
	}
	whole.work(d)
	d.setDay("2026-06-09", false)
	for n := 3; ; n += 3 {
		db, ctx, fired := crashing(d, n)
		room := newEngineRoom(d, db)
		_, err := room.planner.Recompute(ctx)
		if !fired() {
			require.NoError(t, err)
			break
		}
		require.Error(t, err)
		require.Zero(t, d.count("select count(*) from calendar_change where pass > 0"))
	}
	whole.work(d)
	for _, id := range ids {
		require.Equal(t, 1, d.count("select count(*) from case_event where action = 'clock_recomputed' and case_id = $1", id))
	}
	d.verify()
}

// A year without a calendar: Mon–Fri, and a district's own days make it known.
func TestCalendarOfADistrict(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	require.False(t, d.worlds.Get("350102").Calendar.Covers(2031))
	friday := time.Date(2031, 6, 6, 17, 0, 0, 0, morning.Location())
	b, _ := budgetOf("1WD")
	require.Equal(t, friday.AddDate(0, 0, 3).UTC(), d.worlds.Get("350102").Calendar.Add(friday, b).UTC())
	d.setDay("2031-06-07", true)
	require.NoError(t, d.worlds.Load(t.Context()))
	require.True(t, d.worlds.Get("350102").Calendar.Covers(2031))
	require.Equal(t, friday.AddDate(0, 0, 1).UTC(), d.worlds.Get("350102").Calendar.Add(friday, b).UTC())
}

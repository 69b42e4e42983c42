package dispatch

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// eventsOf reads a case's chain as the database has it.
func (d *testDistrict) eventsOf(id any) []Event {
	d.t.Helper()
	rows, err := d.db.Engine.Pool.Query(context.Background(), "select seq, at, fact, prev_hash, hash from case_event where case_id = $1 order by seq", id)
	require.NoError(d.t, err)
	out, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (e Event, err error) {
		return e, r.Scan(&e.Seq, &e.At, &e.Fact, &e.PrevHash, &e.Hash)
	})
	require.NoError(d.t, err)
	return out
}

// A case that went through calls, reminders and a reopening is rebuilt from its events alone; and each column that is
// changed by hand shows in verify by its name.
func TestReplayGivesTheRow(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	r := d.submit("lin", matterBuilding, inJunmen)
	id := r.CaseID
	d.do("dj-officer", id, ActSign, nil)
	d.do("dj-leader", id, ActCall, map[string]any{"level": "L2", "reason": "NO_POWER", "targets": []map[string]any{{"unit": "D-CG", "lead": true}}})
	d.advance(longSuspension / 30)
	room.work(d)
	d.do("cg-officer", id, ActCheckIn, map[string]any{"point": inJunmen})
	d.resolve("cg-officer", id)
	d.pass("junmen-officer", id)
	d.rate("lin", r, false, 1)
	o, err := d.desk.View(t.Context(), d.actor("dispatcher"), id)
	require.NoError(t, err)
	c, whole, err := Replay(d.eventsOf(id))
	require.NoError(t, err)
	require.True(t, whole)
	rebuilt := replay{c, whole}
	require.Empty(t, rebuilt.differs(&o.Snapshot.Case))
	require.Equal(t, 2, c.Round)
	require.NotZero(t, d.count("select count(*) from case_event where action = 'clock_due'"))
	d.verify()

	for column, value := range map[string]string{"priority": "'P1'", "lead_unit": "'D-SJ'", "round": "7", "due_at": "now()", "outcome": "'PLANNED'", "return_count": "2", "lon": "119.3", "queued": "true"} {
		var kept *string
		require.NoError(t, d.db.Engine.Pool.QueryRow(t.Context(), "select "+column+"::text from cases where id = $1", id).Scan(&kept))
		_, err = d.db.Engine.Pool.Exec(t.Context(), "update cases set "+column+" = "+value+" where id = $1", id)
		require.NoError(t, err)
		_, err = VerifyChains(t.Context(), d.db.Engine, "")
		require.ErrorContains(t, err, "give the case row's "+column)
		_, err = d.db.Engine.Pool.Exec(t.Context(), "update cases set "+column+" = (select x."+column+" from json_populate_record(null::cases, json_build_object('"+column+"', $2::text)) x) where id = $1", id, kept)
		require.NoError(t, err)
		d.verify()
	}
}

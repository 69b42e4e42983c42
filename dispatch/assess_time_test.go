package dispatch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"yixian/internal/pg"
)

// TestMonthOutlivesTheTimeOfAPage: what reads a whole month is not ended by the time that a statement of a page has, neither the
// provisional sheets nor the freezing. A lock stands for the seconds of a large district; a list held up like that is ended.
func TestMonthOutlivesTheTimeOfAPage(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.june()
	open := func(role string) *Desk {
		db, err := pg.Open(t.Context(), pg.Config{URL: d.db.URL(role), MaxConns: 2, AppName: t.Name(), StatementTimeout: 200 * time.Millisecond})
		require.NoError(t, err)
		t.Cleanup(db.Close)
		return NewDesk(db, d.keys, d.worlds, nil)
	}
	page, engine := open(pg.RoleApp), open(pg.RoleEngine)
	root := d.superuser()
	held := func(do func() error) error {
		tx, err := root.Begin(t.Context())
		require.NoError(t, err)
		_, err = tx.Exec(t.Context(), "lock table rating, report in access exclusive mode")
		require.NoError(t, err)
		ended := make(chan error, 1)
		go func() { ended <- do() }()
		waits := func() (n int) {
			require.NoError(t, tx.QueryRow(t.Context(), "select count(*) from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock' and clock_timestamp() - query_start > interval '400 ms'", t.Name()).Scan(&n))
			return n
		}
		for {
			select {
			case err := <-ended:
				require.NoError(t, tx.Rollback(t.Context()))
				return err
			default:
				if waits() > 0 {
					require.NoError(t, tx.Rollback(t.Context()))
					return <-ended
				}
			}
		}
	}
	require.ErrorContains(t, held(func() error { _, err := page.List(t.Context(), d.actor("dispatcher"), Filter{}); return err }), "UNAVAILABLE")
	var sheets []StoredSheet
	require.NoError(t, held(func() (err error) {
		sheets, _, err = page.Assessments(t.Context(), d.actor("supervisor"), "2026-06")
		return err
	}))
	require.NotEmpty(t, sheets)
	d.onDay(time.July, 7, 10)
	frozen := 0
	require.NoError(t, held(func() (err error) { frozen, err = engine.Freeze(t.Context()); return err }))
	require.Equal(t, 1, frozen)
}

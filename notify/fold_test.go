package notify_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"yixian/notify"
)

// alarm is a reminder of a deadline for one person by SMS.
func alarm(who string) notify.Draft {
	d := called(notify.SMS, phone)
	d.Event, d.Template, d.Recipient, d.Fold = "overdue_100", "overdue_100.unit.SMS", who, true
	return d
}

func (h *house) states(who string) map[string]int {
	h.t.Helper()
	rows, err := h.db.Engine.Pool.Query(h.t.Context(), "select event || ' ' || state || case when queued then ' queued' else '' end, count(*) from message where recipient = $1 group by 1", who)
	require.NoError(h.t, err)
	out := map[string]int{}
	var k string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&k, &n}, func() error { out[k] = n; return nil })
	require.NoError(h.t, err)
	return out
}

// stand lets the clock stand at an instant.
func (h *house) stand(at time.Time) {
	h.t.Helper()
	_, err := h.db.Owner.Pool.Exec(h.t.Context(), "create or replace function yx_now() returns timestamptz language sql stable parallel safe as $$select timestamptz '"+at.UTC().Format(time.RFC3339Nano)+"'$$")
	require.NoError(h.t, err)
}

// Thousands of clocks that ring after an outage: a person gets one digest a minute at most, whatever number of engines is at
// work; a few alarms go out each by itself.
func TestStormIsFolded(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	start := h.dbNow().Truncate(time.Second)
	h.stand(start)
	few, many := uuid.NewString(), uuid.NewString()
	for range 3 {
		h.tell(alarm(few))
	}
	var storm []notify.Draft
	for range 2000 {
		storm = append(storm, alarm(many))
	}
	h.tell(storm...)
	release := func() {
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				for {
					if n, err := h.ReleaseDue(t.Context()); n == 0 || err != nil {
						return
					}
				}
			})
		}
		group.Wait()
		for n := 1; n > 0; { // whoever lost the lock left nothing undone
			var err error
			n, err = h.ReleaseDue(t.Context())
			require.NoError(t, err)
		}
	}
	release()
	require.Equal(t, map[string]int{"overdue_100 PENDING queued": 3}, h.states(few))
	require.Equal(t, map[string]int{"overdue_100 FOLDED": 2000, "folded PENDING queued": 1}, h.states(many))
	require.Equal(t, 4, h.jobs())

	h.stand(start.Add(20 * time.Second))
	h.tell(storm[0], alarm(many), alarm(many)) // one was told before
	release()
	require.Equal(t, map[string]int{"overdue_100 FOLDED": 2000, "folded PENDING queued": 1, "overdue_100 PENDING": 2}, h.states(many), "a minute is not over")
	require.Zero(t, h.pending()-4, "what waits for the minute is not due")
	h.stand(start.Add(time.Minute))
	release()
	require.Equal(t, map[string]int{"overdue_100 FOLDED": 2000, "folded PENDING queued": 1, "overdue_100 PENDING queued": 2}, h.states(many), "few enough to go by themselves")
	var text string
	require.NoError(t, h.db.Engine.Pool.QueryRow(t.Context(), "select text from message where event = 'folded'").Scan(&text))
	require.Contains(t, text, "2000 项")
}

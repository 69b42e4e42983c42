package dispatch

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"yixian/internal/pg"
)

// A thousand requests with their notes are one statement, and so are a thousand updates; services cost none.
func TestAThousandRequestsAreOneStatement(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	first := d.submit("lin", matterLight, inJunmen)
	c := d.superuser() // the same case and report a thousand times over
	_, err := c.Exec(t.Context(), `with made as (select gen_random_uuid() as c, gen_random_uuid() as r, n from generate_series(1, 999) n),
		i as (insert into cases select (jsonb_populate_record(x, jsonb_build_object('id', m.c, 'case_no', 'B-' || m.n))).* from cases x, made m where x.id = $1 returning 1)
		insert into report select (jsonb_populate_record(x, jsonb_build_object('id', m.r, 'case_id', m.c, 'receipt_code', 'B' || m.n, 'submission_key', 'b:' || m.n))).* from report x, made m where x.id = $2`, first.CaseID, first.ReportID)
	require.NoError(t, err)

	pc, err := pgxpool.ParseConfig(d.db.URL(pg.RoleApp))
	require.NoError(t, err)
	trace := &counter{}
	pc.ConnConfig.Tracer, pc.MaxConns = trace, 1
	pc.ConnConfig.RuntimeParams["timezone"] = pg.Zone
	pool, err := pgxpool.NewWithConfig(t.Context(), pc)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	_, err = pool.Exec(t.Context(), "select set_config('app.district', '350102', false)")
	require.NoError(t, err)
	desk := NewDesk(&pg.DB{Pool: pool}, d.keys, d.worlds, nil)
	trace.sent = nil
	count := func(what string, most int, run func(context.Context) (int, error)) {
		t.Helper()
		trace.sent = nil
		n, err := run(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, len(trace.sent), most, what)
		t.Logf("RESULT name=open311-%s rows=%d statements=%d", what, n, len(trace.sent))
	}
	count("requests", 3, func(ctx context.Context) (int, error) {
		list, err := desk.OpenRequests(ctx, "350102", OpenFilter{From: morning.Add(-time.Hour), To: morning.Add(time.Hour), Limit: 1000, Notes: true})
		require.Len(t, list, 1000)
		return len(list), err
	})
	count("updates", 3, func(ctx context.Context) (int, error) {
		list, err := desk.OpenUpdates(ctx, "350102", morning.Add(-time.Hour), morning.Add(time.Hour), nil, "zh", 1000, 0)
		require.NotEmpty(t, list)
		return len(list), err
	})
	count("services", 0, func(context.Context) (int, error) { return len(desk.Worlds().Get("350102").Services()), nil })
}

package dispatch

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"yixian/internal/auth"
	"yixian/internal/fault"
)

func (d *testDistrict) subscribe(s Subscription, recipients ...string) *Subscription {
	d.t.Helper()
	s.Title, s.Format, s.KeepDays = "每周要情", "csv", 14
	made, err := d.desk.Subscribe(d.t.Context(), d.actor("supervisor"), s, recipients, Once{})
	require.NoError(d.t, err)
	return made
}

// fetched is what a person finds in his list and behind its newest link.
func (d *testDistrict) fetched(name string) (*ReportDelivery, [][]string, error) {
	d.t.Helper()
	list, err := d.desk.Deliveries(d.t.Context(), d.actor(name), 10)
	require.NoError(d.t, err)
	require.NotEmpty(d.t, list)
	got, body, err := d.desk.FetchReport(d.t.Context(), d.actor(name), list[0].Token)
	if err != nil {
		return &list[0], nil, err
	}
	sum := sha256.Sum256(body)
	require.Equal(d.t, []string{list[0].SHA256, list[0].SHA256}, []string{hex.EncodeToString(sum[:]), got.SHA256})
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(body), "\uFEFF"))).ReadAll()
	require.NoError(d.t, err)
	return &list[0], rows, nil
}

// Four leaders wake at the same moment: one report for each recipient, one message each, one next run. Each file is what its reader may
// see himself, with his name in every row. What kills a leader at any statement leaves all or nothing.
func TestTwoLeadersOneReport(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.june()
	d.subscribe(Subscription{What: "cases", Period: "week", At: 8*60 + 30}, "supervisor", "wq-officer")
	d.onDay(time.June, 15, 8) // a Monday, half an hour early
	room := newEngineRoom(d, d.db.Engine)
	n, err := room.planner.Deliver(t.Context())
	require.NoError(t, err)
	require.Zero(t, n, "it is not time yet")
	next, ok, err := room.NextDue(t.Context())
	require.NoError(t, err)
	require.True(t, ok)
	require.False(t, next.After(d.now().Add(30*time.Minute)), "the sandbox's clock stops at it")
	d.advance(30 * time.Minute)

	kills := 0
	for at := 1; ; at++ {
		db, ctx, killed := crashing(d, at)
		_, err := newEngineRoom(d, db).planner.Deliver(ctx)
		if !killed() {
			require.NoError(t, err)
			break
		}
		kills++
		require.Contains(t, []int{0, 2}, d.count("select count(*) from report_delivery"), "killed at statement %d", at)
		require.Equal(t, d.count("select count(*) from report_delivery"), d.count("select count(*) from report_file"))
		require.Equal(t, d.count("select count(*) from report_delivery"), d.count("select count(*) from message where event = 'report_ready' and channel = 'APP'"))
		if d.count("select count(*) from report_delivery") > 0 {
			break // killed on the way back from the commit
		}
		d.advance(reportPause) // a failure puts it off
	}
	require.Greater(t, kills, 5)
	require.Equal(t, 2, d.count("select count(*) from report_delivery"))

	d.setClock(time.Date(2026, 6, 22, 8, 30, 0, 0, morning.Location()))
	var leaders sync.WaitGroup
	var done [4]int
	for i := range done {
		planner := newEngineRoom(d, d.db.Engine).planner
		leaders.Go(func() {
			n, err := planner.Deliver(context.Background())
			if err != nil {
				t.Error(err)
			}
			done[i] = n
		})
	}
	leaders.Wait()
	require.Equal(t, 1, done[0]+done[1]+done[2]+done[3])
	require.Equal(t, 2, d.count("select count(*) from report_run where done_at is not null"))
	require.Equal(t, 1, d.count("select count(*) from report_run where done_at is null and due_at = '2026-06-29T08:30:00+08'"), "and the next one is planned")
	require.Equal(t, 4, d.count("select count(*) from report_delivery"))
	require.Equal(t, 4, d.count("select count(*) from message where event = 'report_ready' and channel = 'APP'"))
	_, err = d.db.Engine.Pool.Exec(t.Context(), `insert into report_delivery (district, id, run_id, account_id, state, reason, format, made_at) select district, yx_uuid7(), run_id, account_id, 'WITHHELD', 'X', 'csv', yx_now() from report_delivery limit 1`)
	require.ErrorContains(t, err, "report_delivery_district_run_id_account_id_key", "nobody has a run twice, even without the lock")

	// The first week's files: three cases of another street and of the district.
	first := d.text("select d.id::text from report_delivery d join account a on a.id = d.account_id join report_run r on r.id = d.run_id where a.username = 'supervisor' and r.span_from = '2026-06-08'")
	a := d.actor("supervisor")
	_, body, err := d.desk.FetchReport(t.Context(), a, d.desk.reportToken(a.District, uuid.MustParse(first), a.Account))
	require.NoError(t, err)
	require.Equal(t, 3, strings.Count(string(body), "supervisor 2026-06-"), "three cases, each row says whose file it is")
	delivery, rows, err := d.fetched("wq-officer")
	require.NoError(t, err)
	require.Equal(t, "cases-20260615-20260621.csv", delivery.Name)
	require.Len(t, rows, 1, "nothing of another street's")

	// After a long outage the span that was missed longest ago is not made, the last whole one is.
	d.setClock(time.Date(2026, 7, 29, 9, 0, 0, 0, morning.Location()))
	for n := 1; n > 0; {
		n, err = room.planner.Deliver(t.Context())
		require.NoError(t, err)
	}
	require.Equal(t, "2026-06-08 2026-06-15 2026-06-22 2026-07-20", d.text("select string_agg(span_from::text, ' ' order by span_from) from report_run where done_at is not null"))
}

// Permission is asked when the report is set up, when it is made and when it is fetched; a link opens for one person, for a time; and
// everybody who tried is on record.
func TestReportNeedsItsPermissionEveryTime(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.june()
	sup := d.actor("supervisor")
	for _, c := range []struct {
		s       Subscription
		who     []string
		pointer string
	}{
		{Subscription{What: "weather", Period: "week"}, []string{"supervisor"}, "/what"},
		{Subscription{What: "metrics", Period: "year"}, []string{"supervisor"}, "/period"},
		{Subscription{What: "assessments", Period: "week"}, []string{"supervisor"}, "/period"},
		{Subscription{What: "burden", Period: "quarter"}, []string{"supervisor"}, "/period"},
		{Subscription{What: "metrics", Period: "week", By: "source"}, []string{"supervisor"}, "/by"},
		{Subscription{What: "cases", Period: "week", By: "unit"}, []string{"supervisor"}, "/by"},
		{Subscription{What: "cases", Period: "week"}, nil, "/recipients"},
		{Subscription{What: "cases", Period: "week"}, []string{"supervisor", "nobody"}, "/recipients/1"},
		{Subscription{What: "cases", Period: "week"}, []string{"supervisor", "admin"}, "/recipients/1"},
		{Subscription{What: "hotline", Period: "week"}, []string{"js-leader"}, "/recipients/0"},
	} {
		c.s.Title, c.s.Format, c.s.KeepDays = "x", "csv", 1
		_, err := d.desk.Subscribe(t.Context(), sup, c.s, c.who, Once{})
		f, ok := fault.As(err)
		require.True(t, ok, "%+v %v", c, err)
		require.Equal(t, []any{422, c.pointer}, []any{f.Status, f.Fields[0].Pointer}, "%+v", c.s)
	}
	_, err := d.desk.Subscribe(t.Context(), d.actor("js-leader"), Subscription{Title: "x", What: "cases", Period: "day", Format: "csv", KeepDays: 1}, []string{"js-leader"}, Once{})
	require.True(t, fault.Is(err, "FORBIDDEN"), err)
	require.Zero(t, d.count("select count(*) from report_subscription"), "nothing half-written")

	s := d.subscribe(Subscription{What: "metrics", Period: "day", By: "unit"}, "supervisor", "js-leader", "js-officer")
	once := Once{Key: "k1", Hash: []byte("h")}
	in := Subscription{Title: "同一请求", What: "burden", Period: "month", Format: "json", KeepDays: 1}
	one, err := d.desk.Subscribe(t.Context(), sup, in, []string{"supervisor"}, once)
	require.NoError(t, err)
	again, err := d.desk.Subscribe(t.Context(), sup, in, []string{"supervisor"}, once)
	require.NoError(t, err)
	require.Equal(t, one.ID, again.ID)
	require.NoError(t, d.desk.Unsubscribe(t.Context(), sup, one.ID))
	require.True(t, fault.Is(d.desk.Unsubscribe(t.Context(), sup, one.ID), "NOT_FOUND"))
	require.Equal(t, 3, d.count("select count(*) from audit_event where kind = 'report_subscription'"))
	_, err = d.desk.RunReport(t.Context(), sup, s.ID, new(d.now()))
	require.True(t, fault.Is(err, "INVALID"), "today is not over: %v", err)

	// Two lose what they need before the run: one his role, one his account.
	super := d.superuser()
	_, err = super.Exec(t.Context(), "delete from role_binding b using account a where a.id = b.account_id and a.username = 'js-officer'")
	require.NoError(t, err)
	d.onDay(time.June, 9, 8)
	room := newEngineRoom(d, d.db.Engine)
	require.NoError(t, room.once(t.Context()))
	runs, err := d.desk.ReportRuns(t.Context(), sup, s.ID)
	require.NoError(t, err)
	require.Len(t, runs, 2)
	states := map[string]string{}
	for _, x := range runs[1].Deliveries {
		states[x.Username] = x.State + x.Reason
	}
	require.Equal(t, map[string]string{"js-leader": "READY", "js-officer": "WITHHELDNO_PERMISSION", "supervisor": "READY"}, states)
	require.Equal(t, 2, d.count("select count(*) from report_file"), "who lost the permission gets nothing")
	require.Equal(t, 2, d.count("select count(distinct account_id) from message where event = 'report_ready'"))

	// The leader's file counts what the leader may see: the three cases of his unit, equal to his own screen.
	mine, rows, err := d.fetched("js-leader")
	require.NoError(t, err)
	o, err := d.desk.Overview(t.Context(), d.actor("js-leader"), runs[1].From.Add(-8*time.Hour), runs[1].To.Add(-8*time.Hour), "unit")
	require.NoError(t, err)
	require.EqualValues(t, 3, o.Total.Received)
	require.Equal(t, "3", rows[len(rows)-1][2])

	leader := d.actor("js-leader")
	_, _, err = d.desk.FetchReport(t.Context(), sup, mine.Token)
	require.True(t, fault.Is(err, "NOT_FOUND"), "somebody else's link")
	_, _, err = d.desk.FetchReport(t.Context(), leader, mine.Token[:32]+strings.Repeat("A", 22))
	require.True(t, fault.Is(err, "NOT_FOUND"), "a guess")
	moved := leader
	moved.Bindings = []auth.Binding{{Role: auth.RoleGridWorker, Unit: "D-JS"}}
	_, _, err = d.desk.FetchReport(t.Context(), moved, mine.Token)
	require.True(t, fault.Is(err, "FORBIDDEN"), "the permission is asked again")
	d.advance(14*24*time.Hour + time.Hour)
	_, _, err = d.desk.FetchReport(t.Context(), d.actor("js-leader"), mine.Token)
	require.True(t, fault.Is(err, "REPORT_EXPIRED"), err)
	require.Equal(t, "EXPIRED NOT_ALLOWED NOT_YOURS SENT", d.text("select string_agg(outcome, ' ' order by outcome) from report_download where delivery_id = $1", mine.ID))
	require.NoError(t, room.once(t.Context()))
	require.Zero(t, d.count("select count(*) from report_file where delivery_id = $1", mine.ID), "its bytes are gone")
	require.Equal(t, 1, d.count("select count(*) from report_delivery where id = $1 and sha256 <> ''", mine.ID), "that it was is not")
}

// Sheets wait for the freeze; a run that cannot be made holds up no other; and a run somebody asks for is of the last whole span.
func TestReportOfSheetsWaitsForTheFreeze(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	require.Zero(t, d.freezeAll())
	d.june()
	s := d.subscribe(Subscription{What: "assessments", Period: "month", At: 9 * 60}, "supervisor")
	require.Equal(t, "2026-07-07 01:00:00+00", s.NextAt.UTC().Format("2006-01-02 15:04:05+00"), "the fifth working day")
	d.onDay(time.July, 7, 9)
	room := newEngineRoom(d, d.db.Engine)
	_, err := room.planner.Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, "NOT_FROZEN", d.text("select failure from report_run"))
	require.Zero(t, d.count("select count(*) from report_delivery"))
	require.Equal(t, 1, d.freezeAll())
	d.advance(reportPause)
	require.NoError(t, room.once(t.Context()))
	_, rows, err := d.fetched("supervisor")
	require.NoError(t, err)
	hash := d.sheet("D-JS", "2026-06", 1).Hash
	found := 0
	for _, row := range rows {
		if row[0] == "D-JS" && row[11] == hash {
			found++
		}
	}
	require.Positive(t, found, "the frozen sheets, by their hash")

	run, err := d.desk.RunReport(t.Context(), d.actor("supervisor"), s.ID, nil)
	require.NoError(t, err)
	require.Equal(t, "2026-06-01 2026-07-01", run.From.Format(time.DateOnly)+" "+run.To.Format(time.DateOnly))
	require.NoError(t, room.once(t.Context()))
	require.Equal(t, 2, d.count("select count(*) from report_delivery where state = 'READY'"))

	// A district whose rows break a report: that one is put off, another district's or subscription's comes.
	d.subscribe(Subscription{What: "cases", Period: "day"}, "supervisor")
	d.subscribe(Subscription{What: "cases", Period: "day", At: 1}, "auditor")
	d.advance(24 * time.Hour)
	err = pgx.BeginFunc(t.Context(), d.db.Engine.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "select from report_run where due_at <= yx_now() and done_at is null order by due_at limit 1 for update"); err != nil {
			return err
		}
		n, err := room.planner.Deliver(t.Context())
		require.Equal(t, 1, n, "the one that nobody holds")
		return err
	})
	require.NoError(t, err)
	require.Equal(t, 3, d.count("select count(*) from report_delivery where state = 'READY'"))
}

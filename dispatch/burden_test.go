package dispatch

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/dispatch/score"
)

// workedSQL is the working hours of [received, resolved) in June 2026 without any code of ours: 08:00–12:00 and 14:00–18:00 from
// Monday to Friday, not on the Dragon Boat holiday.
const workedSQL = `(select sum(greatest(extract(epoch from least(a.resolved_at, w.t) - greatest(a.received_at, w.f)), 0)) / 3600.0
	from generate_series('2026-06-01'::date, '2026-07-31'::date, '1 day') d, lateral (values ((d + interval '8 hours') at time zone 'Asia/Shanghai', (d + interval '12 hours') at time zone 'Asia/Shanghai'), ((d + interval '14 hours') at time zone 'Asia/Shanghai', (d + interval '18 hours') at time zone 'Asia/Shanghai')) w(f, t)
	where extract(isodow from d) < 6 and d::date not between '2026-06-19' and '2026-06-21')`

// What June saved people, worked by hand and again in plain SQL: hours of three tasks that were done by its end, one check-in by video of
// two, three changes of hands in two closed cases. A task done in July, a video check-in in July and a withdrawn call are none of June's.
func TestBurdenByHand(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	done, never, failed := d.june()
	run := func(sql string, args ...any) {
		t.Helper()
		_, err := d.db.Engine.Pool.Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}
	times := func(r *Receipt, received, resolved any, due string) {
		t.Helper()
		run("update assignment set received_at = $2::timestamptz, resolved_at = $3::timestamptz, due_at = $4::timestamptz where case_id = $1 and unit = 'D-JS'", r.CaseID, received, resolved, due)
	}
	task := func(r *Receipt, unit, kind, state string, round int, received string, resolved, due any) {
		t.Helper()
		run("insert into assignment (district, id, case_id, unit, kind, round, state, received_at, resolved_at, due_at) values ('350102', $1, $2, $3, $4, $5, $6, $7::timestamptz, $8::timestamptz, $9::timestamptz)", uuid.New(), r.CaseID, unit, kind, round, state, received, resolved, due)
	}
	times(done, "2026-06-08 09:00+08", "2026-06-08 16:00+08", "2026-06-09 09:00+08")                                 // 9–12 and 14–16: 5 h
	times(failed, "2026-06-12 17:30+08", "2026-06-15 08:30+08", "2026-06-16 09:00+08")                               // Friday to Monday: 1 h
	times(never, "2026-06-08 09:00+08", nil, "2026-06-10 09:00+08")                                                  // never done: no hours
	task(done, "D-CG", "ASSIST", "RESOLVED", 1, "2026-06-08 11:00+08", "2026-06-09 11:30+08", "2026-06-10 09:00+08") // 11–12, 14–18, 8–11:30: 8.5 h
	task(done, "D-SJ", "ASSIST", "RESOLVED", 1, "2026-06-08 11:00+08", "2026-07-02 09:00+08", "2026-06-29 09:00+08") // settled in June, done in July: no hours
	task(done, "S-DJ", "LEAD", "RETURNED", 90, "2026-06-08 08:00+08", nil, "2026-06-20 09:00+08")                    // S-DJ → D-JS: one hop
	task(failed, "S-DJ", "LEAD", "RETURNED", 90, "2026-06-09 08:00+08", nil, "2026-06-20 09:00+08")                  // S-DJ → D-CG → D-JS: two
	task(failed, "D-CG", "LEAD", "RETURNED", 91, "2026-06-10 08:00+08", nil, "2026-06-20 09:00+08")
	call := func(r *Receipt) uuid.UUID {
		t.Helper()
		id := uuid.New()
		run("insert into call (district, id, case_id, round, level, reason, caller_unit, state, called_at, lon, lat) values ('350102', $1, $2, 1, 'L1', 'JOINT', 'S-DJ', 'DONE', '2026-06-09 09:00+08', 119.3, 26.1)", id, r.CaseID)
		return id
	}
	target := func(call uuid.UUID, r *Receipt, unit, mode, at, due string, withdrawn bool) {
		t.Helper()
		run("insert into call_target (district, id, call_id, case_id, unit, is_lead, ack_due, checkin_due, checked_in_at, mode, withdrawn) values ('350102', $1, $2, $3, $4, false, $6::timestamptz, $6::timestamptz, $5::timestamptz, $7, $8)", uuid.New(), call, r.CaseID, unit, at, due, mode, withdrawn)
	}
	first, second := call(done), call(failed)
	target(first, done, "D-CG", "REMOTE", "2026-06-09 10:00+08", "2026-06-09 12:00+08", false)
	target(first, done, "D-SJ", "ONSITE", "2026-06-09 11:00+08", "2026-06-09 12:00+08", false)
	target(first, done, "U-RQ", "REMOTE", "2026-06-09 10:00+08", "2026-06-09 12:00+08", true)     // withdrawn
	target(second, failed, "D-CG", "REMOTE", "2026-07-01 09:00+08", "2026-06-30 18:00+08", false) // came in July
	d.onDay(time.July, 15, 9)
	_, err := Rebuild(t.Context(), d.db.Engine, "350102", nil)
	require.NoError(t, err)

	list, _, err := d.desk.Burdens(t.Context(), d.actor("supervisor"), "2026-06")
	require.NoError(t, err)
	// Sorted 1, 5, 8.5: median 5; P90 at 0.9 · 2 = 1.8: 5 + 0.8 · 3.5 = 7.8; mean 14.5 / 3.
	require.Equal(t, Burden{Period: "2026-06", Remote: 1, Checkins: 2, Hops: 3, Closed: 2, Hours: score.Hours{N: 3, Median: "5.0000", P90: "7.8000", Mean: "4.8333"}}, list[0])
	require.Equal(t, Burden{Period: "2026-05"}, list[1], "a month without anything has no hours, not zero hours")

	require.Equal(t, "3 5.0000 7.8000 4.8333", d.text(`select count(*) || ' ' || to_char(percentile_cont(0.5) within group (order by h), 'FM990.0000') || ' ' || to_char(percentile_cont(0.9) within group (order by h), 'FM990.0000') || ' ' || to_char(avg(h), 'FM990.0000') from (
		select `+workedSQL+` as h from assignment a where a.kind in ('LEAD', 'ASSIST') and a.state not in ('RETURNED', 'CANCELLED') and least(a.resolved_at, a.due_at) >= '2026-06-01 00:00+08' and least(a.resolved_at, a.due_at) < '2026-07-01 00:00+08' and a.resolved_at < '2026-07-01 00:00+08') x`))
	require.Equal(t, "1 2", d.text(`select count(*) filter (where mode = 'REMOTE') || ' ' || count(*) from call_target where not withdrawn and checked_in_at < '2026-07-01 00:00+08' and least(checked_in_at, checkin_due) >= '2026-06-01 00:00+08'`))
	require.Equal(t, "3 2", d.text(`select sum(greatest((select count(*) from assignment b join lateral (select unit from assignment p where p.case_id = b.case_id and p.kind <> 'ASSIST' and p.received_at < b.received_at order by p.received_at desc limit 1) p on true
		where b.case_id = c.id and b.kind <> 'ASSIST' and p.unit <> b.unit), 0)) || ' ' || count(*) from cases c where c.closed_at < '2026-07-01 00:00+08'`))
}

// The delay of official words, worked by hand and again in plain SQL: from the first report of the topic, in the notice's areas, within the
// thirty days before it; what nobody reported has none and is in no median.
func TestNoticeDelayByHand(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	_, never, failed := d.june()
	run := func(sql string, args ...any) {
		t.Helper()
		_, err := d.db.Engine.Pool.Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}
	run("update cases set created_at = '2026-06-08 10:00+08' where id = $1", never.CaseID)  // 花园
	run("update cases set created_at = '2026-06-08 11:00+08' where id = $1", failed.CaseID) // 花园
	old := d.submit("lin", matterLight, inJunmen)
	run("update cases set created_at = '2026-05-01 09:00+08' where id = $1", old.CaseID) // more than thirty days before
	notice := func(kind, verdict, title, matter string, areas []string, about *uuid.UUID, at string) {
		t.Helper()
		run("insert into notice (district, id, kind, title, text, verdict, matter, areas, case_id, published_at, published_by) values ('350102', $1, $2, $3, '正文', $4, $5, $6, $7, $8::timestamptz, $1)", uuid.New(), kind, title, verdict, matter, areas, about, at)
	}
	notice("NOTICE", "", "全区", matterLight, []string{}, nil, "2026-06-09 15:30+08")                        // since 06-08 09:00: 30.5 h
	notice("NOTICE", "", "花园", matterLight, []string{"350102004002"}, nil, "2026-06-09 10:00+08")          // since 06-08 10:00: 24 h
	notice("CLARIFICATION", "FALSE", "澄清", matterLight, []string{}, &failed.CaseID, "2026-06-08 21:00+08") // since its report, 06-08 09:00: 12 h
	notice("NOTICE", "", "无人反映", matterBuilding, []string{}, nil, "2026-06-09 10:00+08")
	d.onDay(time.June, 30, 9)
	from, to := time.Date(2026, 6, 1, 0, 0, 0, 0, morning.Location()), time.Date(2026, 7, 1, 0, 0, 0, 0, morning.Location())
	list, hours, _, err := d.desk.Delays(t.Context(), d.actor("supervisor"), from, to)
	require.NoError(t, err)
	got := map[string]string{}
	for i := range list {
		got[list[i].Title] = "—"
		if h := list[i].Hours(); h != nil {
			got[list[i].Title] = h.FloatString(4)
		}
	}
	require.Equal(t, map[string]string{"全区": "30.5000", "花园": "24.0000", "澄清": "12.0000", "无人反映": "—"}, got)
	require.Equal(t, []any{3, "24.0000", "22.1667"}, []any{hours.N, hours.Median, hours.Mean})
	require.Equal(t, "12.0000 24.0000 30.5000", d.text(`select string_agg(to_char(extract(epoch from published_at - first) / 3600, 'FM990.0000'), ' ' order by published_at - first) from (
		select n.published_at, min(c.created_at) as first from notice n join cases c on n.case_id is null and c.matter = n.matter and c.created_at between n.published_at - interval '30 days' and n.published_at and (cardinality(n.areas) = 0 or left(c.grid_code, 12) = any(n.areas)) group by n.id, n.published_at
		union all select n.published_at, min(r.received_at) from notice n join report r on r.case_id = n.case_id group by n.id, n.published_at) x`))
}

package dispatch

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/fault"
	"yixian/internal/pg"
)

// Rollups are the response figures of a district, kept up to date instead of counted: what a case counts as (its cells) is
// computed from its rows, compared with what it was counted as before, and the difference is added to the sums of its unit,
// street, matter and source by day and by month. So a recount and a rollup cannot differ for longer than an event waits, the
// same case may be counted any number of times, and whatever kills the planner leaves all of a batch or nothing.
//
// A cell belongs to the day that the settle rule gives it (domain 4d): a case to the day of its report or its closing, a
// call target or an assignment to min(done, due), a rating to rated_at. What changes by time alone (a due passes) has its
// instant in rollup_case.next_at.

// measures are the columns of the sums by day and month, snapshots those of what stands at this moment.
var (
	measures = []string{"received", "open", "overdue", "yellow", "red", "closed", "solved", "hops", "hop_cases", "t_den", "t_resp", "t_ontime", "t_seconds", "t_remote", "a_den", "a_ontime",
		"r_den", "r_yes", "r_good", "accepted", "accepted_ontime", "dispatched", "accurate", "fb_den", "fb_ontime"}
	snapshots = []string{"open", "overdue", "yellow", "red", "recent"}
)

// dayOf is the district's day of an instant.
func dayOf(at string) string { return "(" + at + " at time zone 'Asia/Shanghai')::date" }

// oneIf is 1 or nothing: a cell holds only what there is.
func oneIf(cond string) string { return "nullif((" + cond + ")::int, 0)" }

const (
	liveCase     = "not c.drill and c.state not in ('VOIDED','MERGED')"
	openCase     = "c.closed_at is null and c.state <> 'REJECTED'"
	lateCase     = openCase + " and c.state <> 'SUSPENDED' and c.promise_at < n.now" // the promise stands still while a case is suspended
	chargedUnit  = "coalesce(nullif(c.lead_unit, ''), c.owner_unit)"
	targetSettle = "least(t.checked_in_at, t.checkin_due)"
	targetCounts = "not t.withdrawn and not t.released"
	targetDone   = "(t.checked_in_at is not null or t.checkin_due < n.now and not " + targetPaused + ")"
	targetOnTime = "date_trunc('second', t.checked_in_at) <= t.checkin_due"
	targetPaused = "exists (select from sla_clock k where k.district = t.district and k.case_id = t.case_id and k.owner_id = t.id and k.kind = 'CHECKIN' and k.state = 'PAUSED')"
	dutySettle   = "least(a.resolved_at, a.due_at)"
	dutyCounts   = "a.kind in ('LEAD','ASSIST') and a.state not in ('RETURNED','CANCELLED')"
	dutyPaused   = "exists (select from sla_clock k where k.district = a.district and k.case_id = a.case_id and k.owner_id = a.id and k.kind = 'HANDLE' and k.state = 'PAUSED')"
	dutyDone     = "(a.resolved_at is not null or a.due_at < n.now and not " + dutyPaused + ")"
	dutyOnTime   = "date_trunc('second', a.resolved_at) <= a.due_at"
	ratedUnit    = "coalesce(nullif(r.unit, ''), c.lead_unit)"
	acceptDue    = "(select k.due_at from sla_clock k where k.district = c.district and k.case_id = c.id and k.kind = 'ACCEPT' order by k.started_at desc limit 1)"
	accurateCase = "not exists (select from case_return x where x.district = c.district and x.case_id = c.id and x.verdict = 'FOUNDED')"
	toldCounts   = "c.promise_at is not null and not c.self_handled and (c.closed_at is not null or " + lateCase + ")"
	toldSettle   = "least(c.closed_at, c.promise_at)"
	toldOnTime   = "date_trunc('second', c.closed_at) <= c.promise_at"
	caseHops     = `(select count(*) from (select a.unit, lag(a.unit) over (order by a.received_at, a.id) as before from assignment a
    where a.district = c.district and a.case_id = c.id and a.kind <> 'ASSIST') p where p.before <> p.unit)`
)

// cellsSQL follows a definition of k(district, id), the cases to count, and n(now). It defines `new`: for each of them what it
// counts as and when that changes by itself.
var cellsSQL = `c as materialized (select c.* from k join cases c on c.district = k.district and c.id = k.id),
live as (select c.* from c where ` + liveCase + `),
e (district, id, d, u, m, next_at) as (
  select c.district, c.id, ` + dayOf("c.created_at") + `, ` + chargedUnit + `, jsonb_build_object('received', 1, 'open', ` + oneIf(openCase) + `, 'overdue', ` + oneIf(lateCase) + `, 'red', ` + oneIf(openCase+" and c.due_at < n.now") + `,
      'yellow', ` + oneIf(openCase+" and c.yellow_at <= n.now and c.due_at >= n.now") + `, 'recent', ` + oneIf("c.created_at > n.now - interval '30 days'") + `),
    least(case when ` + openCase + ` and c.promise_at >= n.now then c.promise_at + interval '1 microsecond' end, case when ` + openCase + ` and c.due_at >= n.now then c.due_at + interval '1 microsecond' end,
      case when ` + openCase + ` and c.yellow_at > n.now then c.yellow_at end, case when c.created_at > n.now - interval '30 days' then c.created_at + interval '30 days' end) from live c, n
  union all select c.district, c.id, ` + dayOf("c.closed_at") + `, ` + chargedUnit + `, jsonb_build_object('closed', 1, 'solved', ` + oneIf("c.outcome = 'RESOLVED'") + `, 'hop_cases', ` + oneIf("c.lead_unit <> ''") + `,
      'hops', case when c.lead_unit <> '' then nullif(` + caseHops + `, 0) end), null from live c where c.closed_at is not null
  union all select c.district, c.id, ` + dayOf(targetSettle) + `, t.unit, case when ` + targetDone + ` then jsonb_build_object('t_den', 1, 't_resp', ` + oneIf("t.checked_in_at is not null") + `, 't_ontime', ` + oneIf(targetOnTime) + `,
      't_seconds', extract(epoch from t.checked_in_at - q.called_at)::bigint, 't_remote', ` + oneIf("t.checked_in_at is not null and t.mode = 'REMOTE'") + `) end, case when t.checked_in_at is null and t.checkin_due >= n.now then t.checkin_due + interval '1 microsecond' end
    from live c join call_target t on t.district = c.district and t.case_id = c.id join call q on q.district = t.district and q.id = t.call_id, n where ` + targetCounts + `
  union all select c.district, c.id, ` + dayOf(dutySettle) + `, a.unit, case when ` + dutyDone + ` then jsonb_build_object('a_den', 1, 'a_ontime', ` + oneIf(dutyOnTime) + `) end, case when a.resolved_at is null and a.due_at >= n.now then a.due_at + interval '1 microsecond' end
    from live c join assignment a on a.district = c.district and a.case_id = c.id, n where ` + dutyCounts + `
  union all select c.district, c.id, ` + dayOf("r.rated_at") + `, ` + ratedUnit + `, jsonb_build_object('r_den', 1, 'r_yes', ` + oneIf("r.resolved") + `, 'r_good', ` + oneIf("r.grade >= 3") + `), null
    from live c join rating r on r.district = c.district and r.case_id = c.id where r.valid
  union all select c.district, c.id, ` + dayOf("c.filed_at") + `, c.owner_unit, jsonb_build_object('accepted', 1, 'accepted_ontime', ` + oneIf("date_trunc('second', c.filed_at) <= x.due") + `), null
    from live c cross join lateral (select ` + acceptDue + ` as due) x where c.filed_at is not null and x.due is not null
  union all select c.district, c.id, ` + dayOf("c.dispatched_at") + `, c.owner_unit, jsonb_build_object('dispatched', 1, 'accurate', ` + oneIf(accurateCase) + `), null from live c where c.dispatched_at is not null
  union all select c.district, c.id, ` + dayOf(toldSettle) + `, ` + chargedUnit + `, jsonb_build_object('fb_den', 1, 'fb_ontime', ` + oneIf(toldOnTime) + `), null from live c, n where ` + toldCounts + `
),
new as materialized (
  select k.district, k.id, coalesce(c.street_code, '') as street, coalesce(c.matter, '') as matter, coalesce(c.grid_code, '') as grid, coalesce(c.source, '') as source, coalesce(x.cells, '[]') as cells, x.next_at
  from k left join c on c.district = k.district and c.id = k.id left join (
    select district, id, jsonb_agg(jsonb_strip_nulls(jsonb_build_object('d', d, 'u', u) || m) order by d, u, m) filter (where m is not null) as cells, min(next_at) as next_at from e group by 1, 2) x on x.district = k.district and x.id = k.id
)`

// keepSQL counts the cases $1 district, $2 id anew and adds the differences to the sums.
var keepSQL = keepStatement()

func keepStatement() string {
	sum := func(cols []string, expr string) string {
		out := make([]string, len(cols))
		for i, c := range cols {
			out[i] = fmt.Sprintf(expr, c)
		}
		return strings.Join(out, ", ")
	}
	any0 := func(cols []string) string {
		return strings.ReplaceAll(sum(cols, "sum(%s) <> 0"), ", ", " or ")
	}
	set := func(table string, cols []string) string {
		out := make([]string, len(cols))
		for i, c := range cols {
			out[i] = fmt.Sprintf("%s = %s.%s + excluded.%s", c, table, c, c)
		}
		return strings.Join(out, ", ")
	}
	all := append(slices.Clone(measures), "recent")
	dims := func(cols string, list [][2]string) string {
		out := make([]string, len(list))
		for i, d := range list {
			out[i] = fmt.Sprintf("select district, '%s' as dim, %s as key, d, %s from delta", d[0], d[1], cols)
		}
		return strings.Join(out, " union all ")
	}
	flows := [][2]string{{"A", "''"}, {"U", "u"}, {"S", "street"}, {"M", "matter"}, {"O", "source"}}
	grains := [][2]string{{"A", "''"}, {"U", "u"}, {"S", "street"}, {"M", "matter"}, {"G", "grid"}, {"P", "grid || '|' || matter"}}
	sums := func(table, day string) string {
		return fmt.Sprintf("%[1]s_in as (insert into %[1]s (district, dim, key, day, %[2]s) select district, dim, key, %[3]s, %[4]s from f group by 1, 2, 3, 4 having %[5]s order by 1, 2, 4, 3 on conflict (district, dim, day, key) do update set %[6]s)",
			table, strings.Join(measures, ", "), day, sum(measures, "sum(%s)"), any0(measures), set(table, measures))
	}
	return `with n as (select yx_now() as now), k as (select distinct district, id from unnest($1::text[], $2::uuid[]) k(district, id)),
` + cellsSQL + `,
old as (select r.district, r.street, r.matter, r.grid, r.source, r.cells from k join rollup_case r on r.district = k.district and r.case_id = k.id),
moved as materialized (select new.district, street, matter, grid, source, x.*, 1 as sign from new, jsonb_populate_recordset(null::rollup_cell, new.cells) x
  union all select old.district, street, matter, grid, source, x.*, -1 from old, jsonb_populate_recordset(null::rollup_cell, old.cells) x),
delta as materialized (select district, street, matter, grid, source, d, u, ` + sum(all, "coalesce(sum(sign * %[1]s), 0)::bigint as %[1]s") + ` from moved group by 1, 2, 3, 4, 5, 6, 7 having ` + strings.ReplaceAll(sum(all, "coalesce(sum(sign * %[1]s), 0) <> 0"), ", 0) <> 0, coalesce", ", 0) <> 0 or coalesce") + `),
f as materialized (` + dims(strings.Join(measures, ", "), flows) + `),
` + sums("rollup_day", "d") + `,
` + sums("rollup_month", "date_trunc('month', d)::date") + `,
now_in as (insert into rollup_now (district, dim, key, ` + strings.Join(snapshots, ", ") + `) select district, dim, key, ` + sum(snapshots, "sum(%s)") + ` from (` + dims(strings.Join(snapshots, ", "), grains) + `) g
  group by 1, 2, 3 having ` + any0(snapshots) + ` order by 1, 2, 3 on conflict (district, dim, key) do update set ` + set("rollup_now", snapshots) + `),
peak_in as (insert into rollup_peak (district, dim, key, day, hops, n) select district, dim, key, d, hops, sum(sign) from (
    select b.district, x.dim, x.key, b.d, b.hops, b.sign from moved b cross join lateral (values ('A', ''), ('U', b.u), ('S', b.street), ('M', b.matter)) x(dim, key) where b.hop_cases = 1 and b.hops > 1) p
  group by 1, 2, 3, 4, 5 having sum(sign) <> 0 order by 1, 2, 4, 3, 5 on conflict (district, dim, day, key, hops) do update set n = rollup_peak.n + excluded.n),
case_in as (insert into rollup_case (district, case_id, street, matter, grid, source, cells, next_at) select district, id, street, matter, grid, source, cells, next_at from new order by 1, 2
  on conflict (district, case_id) do update set street = excluded.street, matter = excluded.matter, grid = excluded.grid, source = excluded.source, cells = excluded.cells, next_at = excluded.next_at)
select count(*) from new`
}

// keepBatch is how many cases one step of Keep counts again, keepAll how many one of a rebuild.
const (
	keepBatch = 500
	keepAll   = 20_000
)

// count keeps the rollups of a batch's cases in its transaction. What cannot be counted must not keep people from being
// told: it is written down as due and tried again by itself, where the auditor sees it.
func (p *Planner) count(ctx context.Context, tx pgx.Tx, batch []*happening) error {
	districts, ids := make([]string, len(batch)), make([]uuid.UUID, len(batch))
	for i, h := range batch {
		districts[i], ids[i] = h.district, h.caseID
	}
	err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return recount(ctx, tx, districts, ids) })
	if err == nil || passing(err) {
		return err
	}
	p.log.ErrorContext(ctx, "figures not kept", slog.String("reason", err.Error()))
	_, err = tx.Exec(ctx, `insert into rollup_case (district, case_id, next_at) select distinct district, id, yx_now() from unnest($1::text[], $2::uuid[]) k(district, id) on conflict (district, case_id) do update set next_at = excluded.next_at`, districts, ids)
	return err
}

func recount(ctx context.Context, tx pgx.Tx, districts []string, ids []uuid.UUID) error {
	_, err := tx.Exec(ctx, keepSQL, districts, ids)
	return err
}

// Keep counts again what time alone has changed, at most 500 cases, and returns how many. It is 0 too while another planner is at work.
func (p *Planner) Keep(ctx context.Context) (n int, err error) {
	err = pgx.BeginFunc(ctx, p.db.Pool, func(tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, "select pg_try_advisory_xact_lock($1)", plannerLock).Scan(&mine); err != nil || !mine {
			return err
		}
		var districts []string
		var ids []uuid.UUID
		if err := tx.QueryRow(ctx, `select coalesce(array_agg(district), '{}'), coalesce(array_agg(case_id), '{}') from (select district, case_id from rollup_case where next_at <= yx_now() order by next_at limit $1) x`, keepBatch).Scan(&districts, &ids); err != nil || len(ids) == 0 {
			return err
		}
		n = len(ids)
		return recount(ctx, tx, districts, ids)
	})
	if err != nil {
		return 0, pg.Fault(err)
	}
	return n, nil
}

// rollupDue asks whether time alone has changed a figure.
const rollupDue = "exists (select from rollup_case where next_at <= yx_now())"

// Rebuild counts a district's rollups from nothing, in one transaction that the planner waits for; who reads meanwhile sees the
// old ones. It returns how many cases it counted; progress (nil: nowhere) is told after every 20,000. db's role is the engine's.
func Rebuild(ctx context.Context, db *pg.DB, district string, progress func(cases int)) (n int, err error) {
	if district == "" {
		return 0, fault.Invalid("/tenant", "请指明辖区")
	}
	err = pgx.BeginFunc(ctx, db.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local statement_timeout = 0"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "set local work_mem = '64MB'"); err != nil { // 20,000 cases at a time are sorted and grouped in memory
			return err
		}
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", plannerLock); err != nil {
			return err
		}
		for _, table := range []string{"rollup_case", "rollup_day", "rollup_month", "rollup_peak", "rollup_now"} {
			if _, err := tx.Exec(ctx, "delete from "+table+" where district = $1", district); err != nil {
				return err
			}
		}
		var last uuid.UUID
		for {
			var ids []uuid.UUID
			if err := tx.QueryRow(ctx, "select coalesce(array_agg(id), '{}') from (select id from cases where district = $1 and id > $2 order by id limit $3) x", district, last, keepAll).Scan(&ids); err != nil {
				return err
			}
			if len(ids) == 0 {
				return nil
			}
			if err := recount(ctx, tx, slices.Repeat([]string{district}, len(ids)), ids); err != nil {
				return err
			}
			last, n = ids[len(ids)-1], n+len(ids)
			if progress != nil {
				progress(n)
			}
		}
	})
	return n, pg.Fault(err)
}

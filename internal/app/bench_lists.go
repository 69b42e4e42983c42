package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"yixian/dispatch"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/local"
)

const (
	listsGoal  = 4.0
	listsCases = 1_000_000
	listsOpen  = 20_000 // of them at work
	listsDone  = 10_000 // closed, waiting for their rating
	listsPairs = 16
	listsTurns = 10 // lists in a slice
)

// benchLists measures what a page of 50 cases costs at 1,000,000 cases, of which 20,000 are at work and 10,000 wait for a
// rating: CPU of program and PostgreSQL for the list as each role asks for it, over the CPU of a raw select of the same
// number of whole rows by an index, read into the same shape. The ratio of the result is the worst role's.
func benchLists(ctx context.Context, cfg Config, log *slog.Logger, w io.Writer) error {
	a, admin, done, err := benchRoom(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer done()
	if err := fillCases(ctx, admin); err != nil {
		return err
	}
	pool, err := pgxpool.New(ctx, a.postgres.URLFor(local.Superuser, local.Database)+"&application_name="+bareName+"&pool_max_conns=1")
	if err != nil {
		return err
	}
	defer pool.Close()
	raw := func(ctx context.Context) error {
		rows, err := pool.Query(ctx, "select to_jsonb(c) from cases c where district = $1 and state = 'HANDLING' order by coalesce(due_at, 'infinity'), id limit 50", grid.DemoDistrict)
		if err != nil {
			return err
		}
		list, err := pgx.CollectRows(rows, pgx.RowTo[dispatch.Case])
		if err == nil && len(list) != 50 {
			err = fmt.Errorf("raw select: %d rows", len(list))
		}
		return err
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "%d cases, %d at work\tCPU ms\tover raw\t95 %% interval\trows\twall ms, worst\n", listsCases, listsOpen)
	worst := 0.0
	for _, list := range listedBy(dispatch.NewDesk(a.App, a.keys, a.worlds, nil)) {
		per, ratios, rows, slow, err := a.measureList(ctx, admin, list.run, raw)
		if err != nil {
			return fmt.Errorf("%s: %w", list.name, err)
		}
		ratio := median(ratios)
		low, high := bootstrap(ratios)
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f–%.2f\t%d\t%.1f\n", list.name, median(per), ratio, low, high, rows, float64(slow.Microseconds())/1e3)
		worst = max(worst, ratio)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "RESULT name=lists ratio=%.2f goal=%.1f ok=%t\n", worst, listsGoal, worst <= listsGoal)
	if worst > listsGoal {
		return ErrRefused
	}
	return nil
}

type listed struct {
	name string
	run  func(context.Context) (int, error)
}

// listedBy are the lists that people have open all day.
func listedBy(desk *dispatch.Desk) []listed {
	as := func(role auth.Role, unit string, grids ...string) auth.Actor {
		return auth.Actor{District: grid.DemoDistrict, Account: uuid.Must(uuid.NewV7()), Kind: auth.Staff, Bindings: []auth.Binding{{Role: role, Unit: unit, Grids: grids}}}
	}
	list := func(who auth.Actor, f dispatch.Filter) func(context.Context) (int, error) {
		f.Limit = 50
		return func(ctx context.Context) (int, error) {
			page, err := desk.List(ctx, who, f)
			if err != nil {
				return 0, err
			}
			return len(page.Rows), nil
		}
	}
	tasks := func(who auth.Actor) func(context.Context) (int, error) {
		return func(ctx context.Context) (int, error) {
			rows, _, _, err := desk.Tasks(ctx, who, 50, "")
			return len(rows), err
		}
	}
	dispatcher, street, department := as(auth.RoleDispatcher, ""), as(auth.RoleStreetOfficer, "S-DJ"), as(auth.RoleDeptOfficer, "D-CG")
	worker := as(auth.RoleGridWorker, "350102004001", "350102004001001")
	return []listed{
		{"dispatcher, all", list(dispatcher, dispatch.Filter{})},
		{"dispatcher, overdue", list(dispatcher, dispatch.Filter{Light: "red"})},
		{"dispatcher, newest", list(dispatcher, dispatch.Filter{Sort: "newest"})},
		{"dispatcher, one matter", list(dispatcher, dispatch.Filter{Matter: "06010"})},
		{"dispatcher, tasks", tasks(dispatcher)},
		{"street, all", list(street, dispatch.Filter{})},
		{"street, tasks", tasks(street)},
		{"department, all", list(department, dispatch.Filter{})},
		{"department, tasks", tasks(department)},
		{"grid worker, all", list(worker, dispatch.Filter{})},
		{"grid worker, tasks", tasks(worker)},
	}
}

// measureList lets a list and the raw select take turns. per is ms of CPU of one list, slow the longest a page took.
func (a *App) measureList(ctx context.Context, admin *pgx.Conn, list func(context.Context) (int, error), raw func(context.Context) error) (per, ratios []float64, rows int, slow time.Duration, err error) {
	sides := [2]func(context.Context) error{func(ctx context.Context) (err error) {
		from := time.Now()
		rows, err = list(ctx)
		slow = max(slow, time.Since(from))
		return err
	}, raw}
	for _, side := range sides { // plans and caches
		if err := side(ctx); err != nil {
			return nil, nil, 0, 0, err
		}
	}
	slow = 0
	for _, pair := range abba(listsPairs) {
		var cost [2]float64
		for _, first := range pair {
			i := 1
			if first {
				i = 0
			}
			before, err := pageCPU(ctx, admin)
			if err != nil {
				return nil, nil, 0, 0, err
			}
			for range listsTurns {
				if err := sides[i](ctx); err != nil {
					return nil, nil, 0, 0, err
				}
			}
			after, err := pageCPU(ctx, admin)
			if err != nil {
				return nil, nil, 0, 0, err
			}
			cost[i] = float64((after - before).Nanoseconds()) / 1e6 / listsTurns
		}
		per, ratios = append(per, cost[0]), append(ratios, cost[0]/cost[1])
	}
	return per, ratios, rows, slow, nil
}

// pageCPU is what this process and the backends of the lists have used.
func pageCPU(ctx context.Context, admin *pgx.Conn) (time.Duration, error) {
	rows, err := admin.Query(ctx, "select pid from pg_stat_activity where application_name = any($1)", []string{webName, bareName})
	if err != nil {
		return 0, err
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return 0, err
	}
	sum := selfCPU()
	for _, pid := range pids {
		used, err := cpuOf(pid)
		if err != nil {
			continue // it has just ended
		}
		sum += used
	}
	return sum, nil
}

// fillCases makes the district's past and present: cases on all grids, by all streets and departments, with a report and the
// units that may see them. Chains are not made: nothing here reads them.
func fillCases(ctx context.Context, admin *pgx.Conn) error {
	random := rand.New(rand.NewPCG(1, 2))
	var seed float64 = random.Float64()
	// A million rows go in without their indexes, which are made again from the finished tables: the same trees in a tenth of the time.
	indexes, err := looseIndexes(ctx, admin)
	if err != nil {
		return err
	}
	steps := []string{
		"set session_replication_role = replica", // as if restored: no triggers
		"set maintenance_work_mem = '256MB'", "set work_mem = '128MB'", "set synchronous_commit = off",
	}
	for _, x := range indexes {
		steps = append(steps, "drop index "+x.name)
	}
	steps = append(steps, []string{
		fmt.Sprintf("select setseed(%f)", seed),
		"create temp table place as select row_number() over (order by a.code) - 1 as i, a.code as grid, left(a.code, 12) as community, left(a.code, 9) as street, u.code as owner from area a join org_unit u on u.district = a.district and u.area_code = left(a.code, 9) and u.kind = 'STREET' where a.district = '350102' and length(a.code) = 15",
		"create temp table lead as select row_number() over (order by code) - 1 as i, code from org_unit where district = '350102' and kind = 'DEPARTMENT'",
		fmt.Sprintf(`create temp table made as select n, yx_uuid7() as id, yx_uuid7() as report, p.grid, p.community, p.street, p.owner, case when n %% 3 = 0 then p.owner else l.code end as lead,
			case when n > %[1]d - %[2]d then (array['HANDLING','DISPATCHED','CALLING','ONSITE','RESOLVED','HANDLING','HANDLING','SUSPENDED','FILED','SUBMITTED'])[1 + n %% 10] when n > %[1]d - %[2]d - %[3]d then 'CLOSED' else 'ARCHIVED' end as state,
			now() - (%[1]d - n) * interval '31 s' as at, (array['06010','06001','03001','01057','02003'])[1 + (random() * 4)::int] as matter, random() as r
			from generate_series(1, %[1]d) n join place p on p.i = (n * 7919::bigint) %% (select count(*) from place) join lead l on l.i = abs(hashint4(n)::bigint) %% (select count(*) from lead)`, listsCases, listsOpen, listsDone),
		`insert into cases (district, id, case_no, state, version, head_seq, head_hash, last_at, matter, grid_code, community_code, street_code, lon, lat, datum, cell, address, priority, source, owner_unit, lead_unit, check_unit, created_at, updated_at, filed_at, dispatched_at, closed_at, archived_at, promise_at, due_at, due_kind, yellow_at)
			select '350102', id, 'L-' || n, state, 5, 9, '\x00', at, matter, grid, community, street, 119.26 + r * 0.06, 26.05 + r * 0.07, 'WGS84', n % 100000, '东街口天桥东北侧', 'P' || (2 + n % 3), 'RESIDENT', owner, lead, owner, at, at, at, at,
			case when state in ('CLOSED','ARCHIVED') then at + interval '1 day' end, case when state = 'ARCHIVED' then at + interval '8 days' end, at + interval '3 days',
			case when state <> 'ARCHIVED' then now() + (r - 0.3) * interval '9 days' end, case when state <> 'ARCHIVED' then 'HANDLE' else '' end, case when state <> 'ARCHIVED' then now() + (r - 0.4) * interval '9 days' end from made`,
		`insert into case_party (district, unit, case_id, open, due_at) select c.district, u, c.id, c.state not in ('ARCHIVED','CLOSED'), c.due_at from cases c cross join lateral (select c.lead_unit union select c.owner_unit) of(u) where c.case_no like 'L-%' and c.state not in ('FILED','SUBMITTED')`,
		`insert into report (district, id, case_id, receipt_code, source, text, matter, media, lon, lat, occurred_at, received_at, submission_key, payload_hash, answer)
			select '350102', report, id, 'L' || n, 'RESIDENT', '路口东北角的井盖松动，车辆经过时响声很大', matter, array['x'], 119.3, 26.08, at, at, 'L' || n, '\x00', '{}' from made`,
		`insert into sla_clock (district, id, case_id, kind, owner_type, owner_id, unit, round, budget, budget_s, working, state, started_at, due_at, level, ladder, next_at)
			select '350102', yx_uuid7(), id, case when state = 'CLOSED' then 'CALLBACK' else 'HANDLE' end, 'CASE', id, '', 1, '5WD', 144000, true, 'RUNNING', at, now() + interval '3 days', 0, array[null, null, now() + interval '3 days', null, null]::timestamptz[], now() + interval '3 days' from made where state <> 'ARCHIVED'`,
	}...)
	for _, x := range indexes {
		steps = append(steps, x.def)
	}
	steps = append(steps, `set session_replication_role = default`,
		`vacuum analyze cases, case_party, report, sla_clock, assignment, call_target, call, case_request, case_handler`, `checkpoint`)
	for _, sql := range steps {
		if _, err := admin.Exec(ctx, sql); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	return nil
}

type looseIndex struct{ name, def string }

// looseIndexes are the indexes of the filled tables that no constraint owns, with the statements that make them again.
func looseIndexes(ctx context.Context, admin *pgx.Conn) ([]looseIndex, error) {
	rows, err := admin.Query(ctx, `select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) from pg_index i where i.indrelid = any(array['cases','case_party','report','sla_clock']::regclass[])
		and not exists (select 1 from pg_constraint c where c.conindid = i.indexrelid) order by 1`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (x looseIndex, err error) {
		err = row.Scan(&x.name, &x.def)
		return x, err
	})
}

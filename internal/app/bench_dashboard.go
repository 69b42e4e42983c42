package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/dispatch"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/pg"
)

const (
	tileGoal     = 15 // times cheaper than the raw GROUP BY: a month of the district
	allTimeGoal  = 50
	sheetGoal    = 5 * time.Second
	bookGoal     = time.Second
	bookMemory   = 100 << 20
	bookRows     = 50_000
	casesAMonth  = 83_333 // 5,000,000 in five years
	tilePairs    = 15
	allTimePairs = 5
	tileName     = "yixian-bench-tiles"
)

// BenchCases is how many cases `yixian bench dashboard` works on: --cases=5000000 is the figure of the quality page, the default
// keeps the same density with a shorter past.
var BenchCases = 200_000

// tile is one figure of the supervisor's page, from the rollups and from the rows.
type tile struct {
	name    string
	goal    float64
	pairs   int
	batch   int // how many readings of the rollups make a slice that can be measured
	by      string
	from    time.Time
	to      time.Time
	rolled  float64 // CPU ms
	raw     float64
	low, up float64
}

// benchDashboard measures every tile of the supervisor's page: CPU of program and PostgreSQL from the rollups over the same from the raw
// GROUP BY in the same slices, after comparing both answers to the unit. Then the month's sheet of all units and a workbook.
func benchDashboard(ctx context.Context, cfg Config, log *slog.Logger, w io.Writer) error {
	a, admin, done, err := benchRoom(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer done()
	begin := time.Now()
	if err := fillDashboard(ctx, admin, BenchCases, w); err != nil {
		return err
	}
	fmt.Fprintf(w, "%d cases written in %v\n", BenchCases, time.Since(begin).Round(time.Second))
	// The clock stands: no engine is at work here that would count what becomes overdue meanwhile.
	now, err := a.now(ctx)
	if err != nil {
		return err
	}
	if err := a.stand(ctx, now); err != nil {
		return err
	}
	begin = time.Now()
	n, err := dispatch.Rebuild(ctx, a.Engine, grid.DemoDistrict, nil)
	if err != nil {
		return err
	}
	rebuilt := time.Since(begin)
	fmt.Fprintf(w, "%d cases counted in %v\n", n, rebuilt.Round(time.Second))
	if _, err := admin.Exec(ctx, "vacuum (analyze)"); err != nil {
		return err
	}
	db, err := pg.Open(ctx, pg.Config{URL: a.postgres.URL(pg.RoleApp), Role: pg.RoleApp, AppName: tileName, MaxConns: 1, StatementTimeout: 10 * time.Minute})
	if err != nil {
		return err
	}
	defer db.Close()
	desk := dispatch.NewDesk(db, a.keys, a.worlds, nil)
	zone := a.worlds.Get(grid.DemoDistrict).Calendar.Location()
	local := now.In(zone)
	month := time.Date(local.Year(), local.Month(), 1, 0, 0, 0, 0, zone)
	sup := auth.Actor{District: grid.DemoDistrict, Account: uuid.New(), Kind: auth.Staff, Now: now, Bindings: []auth.Binding{{Role: auth.RoleSupervisor}}}
	var tiles []*tile
	for _, by := range []string{"unit", "street", "matter", "day"} {
		tiles = append(tiles, &tile{name: "month by " + by, goal: tileGoal, pairs: tilePairs, batch: 20, by: by, from: month.AddDate(0, -1, 0), to: month})
	}
	for _, by := range []string{"unit", "street", "matter"} {
		tiles = append(tiles, &tile{name: "all time by " + by, goal: allTimeGoal, pairs: allTimePairs, batch: 10, by: by, from: month.AddDate(-10, 0, 0), to: month.AddDate(0, 1, 0)})
	}
	ok := true
	worst := 1e9
	for _, t := range tiles {
		if err := t.measure(ctx, admin, desk, sup); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		fmt.Fprintf(w, "%s: %.2f ms from the rollups, %.1f ms from the rows\n", t.name, t.rolled, t.raw)
		if r := t.raw / t.rolled; r < t.goal {
			ok = false
		} else {
			worst = min(worst, r/t.goal)
		}
	}
	out := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(out, "tile\tCPU ms rollup\tCPU ms raw\ttimes cheaper\tgoal\tequal\n")
	for _, t := range tiles {
		fmt.Fprintf(out, "%s\t%.2f\t%.1f\t%.0f (95 %% %.0f–%.0f)\t%.0f\tyes\n", t.name, t.rolled, t.raw, t.raw/t.rolled, t.low, t.up, t.goal)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	sheets, units, err := sheetTime(ctx, dispatch.NewDesk(a.App, a.keys, a.worlds, nil), sup, month) // by the program's own connections and their time
	if err != nil {
		return err
	}
	book, peak, err := bookTime(zone)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "sheets of %d units, a month of %d cases: %v, goal %v\n", units, casesAMonth, sheets.Round(time.Millisecond), sheetGoal)
	fmt.Fprintf(w, "workbook of %d rows: %v, goal %v; %d MB of memory at most, goal %d\n", bookRows, book.Round(time.Millisecond), bookGoal, peak>>20, bookMemory>>20)
	ok = ok && sheets <= sheetGoal && book <= bookGoal && peak <= bookMemory
	fmt.Fprintf(w, "RESULT name=dashboard cases=%d ratio=%.2f goal=1.00 sheets=%.2fs book=%.2fs book_mb=%d ok=%t\n", BenchCases, worst, sheets.Seconds(), book.Seconds(), peak>>20, ok)
	if !ok {
		return ErrRefused
	}
	return nil
}

// measure compares both answers and takes the CPU of each in turn.
func (t *tile) measure(ctx context.Context, admin *pgx.Conn, desk *dispatch.Desk, sup auth.Actor) error {
	got, err := desk.Overview(ctx, sup, t.from, t.to, t.by)
	if err != nil {
		return err
	}
	want, err := desk.Recount(ctx, sup, t.from, t.to, t.by)
	if err != nil {
		return err
	}
	got.AsOf = want.AsOf
	if len(got.Rows) == 0 || !reflect.DeepEqual(got, want) {
		return fmt.Errorf("rollup and recount differ: %+v, %+v", got.Total, want.Total)
	}
	slice := func(raw bool) (float64, error) {
		before, err := tileCPU(ctx, admin)
		if err != nil {
			return 0, err
		}
		n := 1
		if !raw {
			n = t.batch
		}
		for range n {
			if raw {
				_, err = desk.Recount(ctx, sup, t.from, t.to, t.by)
			} else {
				_, err = desk.Overview(ctx, sup, t.from, t.to, t.by)
			}
			if err != nil {
				return 0, err
			}
		}
		after, err := tileCPU(ctx, admin)
		return float64((after - before).Nanoseconds()) / 1e6 / float64(n), err
	}
	var rolled, raw, ratios []float64
	for _, pair := range abba(t.pairs) {
		var of [2]float64
		for i, side := range pair {
			used, err := slice(side)
			if err != nil {
				return err
			}
			of[i] = used
		}
		r, o := of[0], of[1]
		if !pair[0] {
			r, o = o, r
		}
		raw, rolled, ratios = append(raw, r), append(rolled, o), append(ratios, r/o)
	}
	t.raw, t.rolled = median(raw), median(rolled)
	t.low, t.up = bootstrap(ratios)
	return nil
}

// tileCPU is what this process and the backend of its tiles have used.
func tileCPU(ctx context.Context, admin *pgx.Conn) (time.Duration, error) {
	backend, err := backendCPU(ctx, admin, tileName)
	if err != nil {
		return 0, err
	}
	own, err := cpuOf(os.Getpid())
	return backend + own, err
}

// sheetTime makes the sheets of last month of all units; the median of three.
func sheetTime(ctx context.Context, desk *dispatch.Desk, sup auth.Actor, month time.Time) (took time.Duration, units int, err error) {
	var times []time.Duration
	for range 3 {
		begin := time.Now()
		list, _, err := desk.Assessments(ctx, sup, month.AddDate(0, -1, 0).Format("2006-01"))
		if err != nil {
			return 0, 0, err
		}
		times, units = append(times, time.Since(begin)), len(list)
	}
	slices.Sort(times)
	return times[1], units, nil
}

// bookTime writes a workbook of cases and watches the memory.
func bookTime(zone *time.Location) (time.Duration, uint64, error) {
	at := time.Now()
	e := &dispatch.Export{ID: uuid.Must(uuid.NewV7()), What: "cases", At: at, By: "sup1", Columns: dispatch.CaseColumns(), Each: func(yield func([]any) error) error {
		for i := range bookRows {
			if err := yield([]any{fmt.Sprintf("350102-20260608-%06d", i), "06010", "暴露垃圾", "东街街道", "军门社区", "350102004001001", "CLOSED", "P3", "RESIDENT", "东街街道", "区城市管理局", "RESOLVED", at, &at, &at, &at, &at, &at, 1, 0, i % 3, 0}); err != nil {
				return err
			}
		}
		return nil
	}}
	debug.FreeOSMemory()
	var before, m runtime.MemStats
	runtime.ReadMemStats(&before)
	var peak atomic.Uint64
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			runtime.ReadMemStats(&m)
			if m.HeapInuse > peak.Load() {
				peak.Store(m.HeapInuse)
			}
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	begin := time.Now()
	err := e.Write(io.Discard, "xlsx", zone, "zh")
	took := time.Since(begin)
	close(stop)
	<-ended
	used := peak.Load()
	if used > before.HeapInuse {
		used -= before.HeapInuse
	}
	return took, used, err
}

// fillDashboard writes cases of the past with their duties, calls and ratings: 5,000,000 in five years, fewer in a shorter time. Ids rise
// with time as the program's own do. One case in ten is called, one in twenty of those comes late; a few thousand are still open.
func fillDashboard(ctx context.Context, admin *pgx.Conn, cases int, w io.Writer) error {
	span := time.Duration(float64(cases) / casesAMonth * 30.4 * 24 * float64(time.Hour))
	setup := []string{
		"set session_replication_role = replica", "set synchronous_commit = off", "set work_mem = '64MB'",
		fmt.Sprintf("create temp table bench_unit as select code, row_number() over (order by kind desc, code) - 1 as n from (select code, kind from org_unit where district = '%s' and kind in ('DEPARTMENT','CITY_DEPARTMENT','STREET') and active order by kind desc, code limit 100) x", grid.DemoDistrict),
		fmt.Sprintf("create temp table bench_grid as select g.code as grid, c.code as community, c.parent as street, u.code as owner, row_number() over (order by g.code) - 1 as n from area g join area c on c.district = g.district and c.code = g.parent join org_unit u on u.district = g.district and u.area_code = c.parent and u.kind = 'STREET' where g.district = '%s' and g.level = 'grid'", grid.DemoDistrict),
		fmt.Sprintf("create temp table bench_matter as select code, row_number() over (order by code) - 1 as n from (select distinct code from catalog_item where district = '%s' and kind = 'matter' and active) x", grid.DemoDistrict),
	}
	for _, sql := range setup {
		if _, err := admin.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%.60s: %w", sql, err)
		}
	}
	// One row after the other in time; random() decides what became of it. The last thirty days hold what is open.
	const chunk = `create temp table b as select i, now() - interval '%[1]d seconds' * (1 - i / %[2]d.0) as at, g.grid, g.community, g.street, g.owner, u.code as unit, m.code as matter,
    (random() < 0.05 and i > %[2]d - 80000)::bool as still, random() as r, random() as r2,
    (lpad(to_hex((extract(epoch from now() - interval '%[1]d seconds' * (1 - i / %[2]d.0)) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex((random() * 4095)::int), 3, '0') || '8' || lpad(to_hex((random() * 4095)::int), 3, '0') || lpad(to_hex(i), 12, '0'))::uuid as id
    from (select i, (random() * random() * ((select count(*) from bench_grid) - 1))::int as gn, (random() * ((select count(*) from bench_unit) - 1))::int as un, (random() * random() * ((select count(*) from bench_matter) - 1))::int as mn from generate_series(%[3]d, %[4]d) i) x
    join bench_grid g on g.n = gn join bench_unit u on u.n = un join bench_matter m on m.n = mn`
	writes := []string{
		`insert into cases (district, id, case_no, state, version, head_seq, head_hash, last_at, matter, grid_code, community_code, street_code, lon, lat, datum, cell, priority, source, owner_unit, lead_unit, outcome, promise_at, due_at, yellow_at, created_at, updated_at, filed_at, dispatched_at, resolved_at, closed_at)
			select '350102', id, 'B-' || i, case when still then 'HANDLING' else 'CLOSED' end, 5, 5, '\x00', at, matter, grid, community, street, 119.3, 26.08, 'WGS84', i, 'P3', (array['RESIDENT','RESIDENT','GRID_WORKER','HOTLINE','DEVICE'])[1 + (r2 * 4)::int], owner, unit,
			case when not still then (array['RESOLVED','RESOLVED','RESOLVED','EXPLAINED'])[1 + (r2 * 3)::int] end, at + interval '5 days', case when still then at + interval '5 days' else at + interval '10 days' end, at + interval '4 days', at, at, at + interval '5 minutes', at + interval '6 minutes',
			case when not still then at + interval '7 days' * r end, case when not still then at + interval '7 days' * r + interval '3 hours' end from b order by i`,
		`insert into assignment (district, id, case_id, unit, kind, round, state, received_at, signed_at, resolved_at, due_at) select '350102', id, id, unit, 'LEAD', 1, case when still then 'SIGNED' else 'RESOLVED' end, at + interval '6 minutes', at + interval '1 hour', case when not still then at + interval '7 days' * r end, at + interval '5 days' from b order by i`,
		`insert into sla_clock (district, id, case_id, kind, owner_type, owner_id, round, budget, budget_s, working, state, started_at, stopped_at, due_at) select '350102', id, id, 'ACCEPT', 'CASE', id, 1, '10NM', 600, false, 'STOPPED', at, at + interval '5 minutes', at + interval '10 minutes' from b order by i`,
		`insert into call (district, id, case_id, round, level, reason, caller_unit, state, called_at, lon, lat) select '350102', id, id, 1, 'L2', 'JOINT', owner, 'ONSITE', at + interval '2 hours', 119.3, 26.08 from b where r2 < 0.1 order by i`,
		`insert into call_target (district, id, call_id, case_id, unit, is_lead, ack_due, checkin_due, checked_in_at, mode, late) select '350102', id, id, id, unit, true, at + interval '3 hours', at + interval '6 hours', at + interval '2 hours' + interval '4 hours' * (r * 1.05), case when r < 0.2 then 'REMOTE' else 'ONSITE' end, r * 1.05 > 1 from b where r2 < 0.1 order by i`,
		`insert into rating (district, id, case_id, report_id, round, resolved, grade, channel, rated_at, unit) select '350102', id, id, id, 1, r < 0.8, 1 + (r * 4)::int, 'WEB', at + interval '8 days', unit from b where not still and r2 < 0.6 and at < now() - interval '9 days' order by i`,
		"drop table b",
	}
	restore, err := dropIndexes(ctx, admin, "cases", "assignment", "sla_clock", "call", "call_target", "rating")
	if err != nil {
		return err
	}
	const step = 200_000
	for first := 1; first <= cases; first += step {
		for _, sql := range append([]string{fmt.Sprintf(chunk, int64(span.Seconds()), cases, first, min(first+step-1, cases))}, writes...) {
			if _, err := admin.Exec(ctx, sql); err != nil {
				return fmt.Errorf("%.60s: %w", sql, err)
			}
		}
		if first/step%5 == 4 {
			fmt.Fprintf(w, "%d cases …\n", first+step-1)
		}
	}
	for _, sql := range append(restore, "analyze") {
		if _, err := admin.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%.60s: %w", sql, err)
		}
	}
	return nil
}

// dropIndexes takes the indexes of tables away that no constraint needs, so that a large fill writes rows only, and says how to make
// them again: sorted at once an index costs a fraction of what its rows cost one by one.
func dropIndexes(ctx context.Context, admin *pgx.Conn, tables ...string) (restore []string, err error) {
	rows, err := admin.Query(ctx, `select i.indexname, i.indexdef from pg_indexes i where i.schemaname = current_schema() and i.tablename = any($1) and not exists (select from pg_constraint c where c.conindid = format('%I.%I', i.schemaname, i.indexname)::regclass)`, tables)
	if err != nil {
		return nil, err
	}
	var name, definition string
	drop := []string{}
	if _, err := pgx.ForEachRow(rows, []any{&name, &definition}, func() error {
		drop, restore = append(drop, "drop index "+pgx.Identifier{name}.Sanitize()), append(restore, definition)
		return nil
	}); err != nil {
		return nil, err
	}
	for _, sql := range append(drop, "set maintenance_work_mem = '512MB'") {
		if _, err := admin.Exec(ctx, sql); err != nil {
			return nil, fmt.Errorf("%s: %w", sql, err)
		}
	}
	return restore, nil
}

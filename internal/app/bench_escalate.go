package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"yixian/dispatch"
	"yixian/internal/local"
	"yixian/internal/pg"
	"yixian/notify"
)

const (
	escalateGoal = 2.0
	idleGoal     = 0.5 // per cent of a core

	dueClocks     = 10_000
	pendingClocks = 1_000_000
	escalatePairs = 20
	escalateBatch = dueClocks / escalatePairs // firings of a slice: what the engine rings at once
	warmBatch     = 3 * escalateBatch
	idleTime      = 30 * time.Second
)

// escalateName is the pool that rings during the slices.
const escalateName = "yixian-bench-engine"

// benchEscalate measures what one ringing costs: 10,000 due clocks of as many cases, a million others waiting, rung by the
// engine's own step (lock, choose the rung, chain, level, outbox, head of the case), CPU of program and PostgreSQL, over the
// CPU that PostgreSQL needs for the raw batch of the same rows: one UPDATE and two INSERTs per row on copies of the three
// tables. The same batch on tables with nothing but a primary key (and the index that finds what is due) is shown as well,
// not gated: it says what the indexes of the schema cost. Then an engine is left alone with the million.
func benchEscalate(ctx context.Context, cfg Config, log *slog.Logger, w io.Writer) error {
	a, admin, done, err := benchRoom(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer done()
	if err := fillClocks(ctx, admin); err != nil {
		return err
	}
	db, err := pg.Open(ctx, pg.Config{URL: a.postgres.URL(pg.RoleEngine), Role: pg.RoleEngine, AppName: escalateName, MaxConns: 1, StatementTimeout: time.Minute})
	if err != nil {
		return err
	}
	defer db.Close()
	pool, err := pgxpool.New(ctx, a.postgres.URLFor(local.Superuser, local.Database)+"&application_name="+bareName+"&pool_max_conns=1")
	if err != nil {
		return err
	}
	defer pool.Close()
	fire := func(ctx context.Context) (int, error) { return dispatch.NewEngine(db, nil, nil, log).Fire(ctx) }
	raw := func(schema string) func(context.Context) (int, error) {
		sql := strings.ReplaceAll(rawFire, "SCHEMA", schema)
		return func(ctx context.Context) (int, error) {
			tag, err := pool.Exec(ctx, sql, escalateBatch)
			return int(tag.RowsAffected()), err
		}
	}
	sides, err := measureEscalate(ctx, admin, []func(context.Context) (int, error){fire, raw("raw"), raw("lean")})
	if err != nil {
		return err
	}
	v, err := dispatch.VerifyChains(ctx, a.Engine, "")
	if err != nil {
		return err
	}
	if _, err := admin.Exec(ctx, "truncate outbox"); err != nil { // what was rung above is not to be told
		return err
	}
	idle, err := idleEngine(ctx, admin, a, db, log)
	if err != nil {
		return err
	}
	process, err := a.idleProcess(ctx, admin)
	if err != nil {
		return err
	}
	var ratios, leaner []float64
	for i := range sides[0] {
		ratios, leaner = append(ratios, sides[0][i]/sides[1][i]), append(leaner, sides[0][i]/sides[2][i])
	}
	ratio := median(ratios)
	low, high := bootstrap(ratios)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "CPU µs per firing\tmedian\t\n")
	fmt.Fprintf(t, "engine's step, program and PostgreSQL\t%.1f\t\n", median(sides[0]))
	fmt.Fprintf(t, "raw UPDATE + 2 INSERT of the same rows\t%.1f\tratio %.2f, 95 %% interval %.2f–%.2f, %d rounds of %d firings, %d clocks waiting\n", median(sides[1]), ratio, low, high, len(ratios), escalateBatch, pendingClocks)
	fmt.Fprintf(t, "not gated: the same on tables without other indexes\t%.1f\tratio %.2f\n", median(sides[2]), median(leaner))
	fmt.Fprintf(t, "chains verified afterwards\t%d\t%d events\n", v.Cases, v.Events)
	fmt.Fprintf(t, "idle engine, %d clocks waiting\t%.2f %%\tof a core over %v, program and PostgreSQL\n", pendingClocks, idle, idleTime)
	fmt.Fprintf(t, "not gated: the whole process, job queue and Redis included\t%.2f %%\t\n", process)
	if err := t.Flush(); err != nil {
		return err
	}
	ok := ratio <= escalateGoal && idle <= idleGoal
	fmt.Fprintf(w, "RESULT name=escalate ratio=%.2f goal=%.1f idle=%.2f%% idle_goal=%.1f%% fired=%d ok=%t\n", ratio, escalateGoal, idle, idleGoal, dueClocks, ok)
	if !ok {
		return ErrRefused
	}
	return nil
}

// fillClocks makes a case with one event and one due clock for every firing, and what waits: the chains are real, so that
// they can be verified afterwards. The bare tables get the same number of rows.
func fillClocks(ctx context.Context, admin *pgx.Conn) error {
	for _, sql := range []string{
		`create schema raw`, `create schema lean`,
		fmt.Sprintf(`create temp table due as select n, '350102'::text as district, yx_uuid7() as case_id, yx_uuid7() as clock_id from generate_series(1, %d) n`, dueClocks+warmBatch),
		`create temp table begun as select d.*, format('{"v":1,"district":"%s","case":"%s","seq":1,"at":"2026-06-08T01:00:00.000000Z","actor":"SYSTEM","role":"SYSTEM","unit":"","action":"submit","from":"","to":"DISPATCHED","version":1,"data":{}}', district, case_id) as fact,
			sha256(convert_to('yixian/1/' || district || '/' || case_id, 'UTF8')) as start from due d`,
		`insert into cases (district, id, case_no, state, version, head_seq, head_hash, last_at, matter, grid_code, community_code, street_code, lon, lat, datum, cell, priority, source, owner_unit, lead_unit, created_at, updated_at, due_at)
			select district, case_id, 'B-' || n, 'DISPATCHED', 1, 1, sha256(start || convert_to(fact, 'UTF8')), '2026-06-08 09:00+08', '06010', '350102004001001', '350102004001', '350102004', 119.308, 26.0875, 'WGS84', n, 'P3', 'RESIDENT', 'S-DJ', 'S-DJ', '2026-06-08 09:00+08', '2026-06-08 09:00+08', now() from begun`,
		`insert into case_event (district, case_id, seq, id, at, actor, role, unit, action, from_state, to_state, version, fact, prev_hash, hash)
			select district, case_id, 1, yx_uuid7(), '2026-06-08 09:00+08', 'SYSTEM', 'SYSTEM', '', 'submit', '', 'DISPATCHED', 1, fact, start, sha256(start || convert_to(fact, 'UTF8')) from begun`,
		`insert into sla_clock (district, id, case_id, kind, owner_type, owner_id, unit, round, budget, budget_s, working, state, started_at, due_at, level, ladder, next_at)
			select district, clock_id, case_id, 'HANDLE', 'ASSIGNMENT', case_id, 'S-DJ', 1, '5WD', 144000, true, 'RUNNING', '2026-06-08 09:00+08', now() + interval '30 days', 0,
			array[now() - interval '1 hour' + n * interval '1 ms', now() + interval '20 days', now() + interval '30 days', now() + interval '40 days', now() + interval '50 days'], now() - interval '1 hour' + n * interval '1 ms' from due`,
		fmt.Sprintf(`insert into sla_clock (district, id, case_id, kind, owner_type, owner_id, unit, round, budget, budget_s, working, state, started_at, due_at, level, ladder, next_at)
			select d.district, yx_uuid7(), d.case_id, 'HANDLE', 'CASE', d.case_id, '', 1, '5WD', 144000, true, 'RUNNING', '2026-06-08 09:00+08', at, 0, array[null, null, at, null, null]::timestamptz[], at
			from generate_series(1, %d) i join due d on d.n = 1 + i %% %d cross join lateral (select now() + interval '1 day' + i * interval '3 s' as at) x`, pendingClocks, dueClocks),
		`create table raw.sla_clock (like sla_clock including all)`, `create table raw.case_event (like case_event including all)`, `create table raw.outbox (like outbox including all)`,
		`create table lean.sla_clock (like sla_clock, primary key (district, id))`, `create index on lean.sla_clock (next_at)`,
		`create table lean.case_event (like case_event, primary key (district, case_id, seq))`, `create table lean.outbox (like outbox, primary key (district, case_id, seq))`,
		`insert into raw.sla_clock select * from sla_clock`, `insert into raw.case_event select * from case_event`,
		`insert into lean.sla_clock select * from sla_clock`, `insert into lean.case_event select * from case_event`,
		`vacuum analyze`, `checkpoint`,
	} {
		if _, err := admin.Exec(ctx, sql); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	return nil
}

// rawFire is the denominator: one UPDATE and two INSERTs per row, no lock, no chain, no choice of a rung, no head.
const rawFire = `
with d as (select district, id, case_id, level, next_at from SCHEMA.sla_clock where next_at <= now() order by next_at limit $1),
u as (update SCHEMA.sla_clock c set level = d.level + 50, next_at = now() + interval '20 days' from d where c.district = d.district and c.id = d.id),
e as (insert into SCHEMA.case_event (district, case_id, seq, id, at, actor, role, unit, action, from_state, to_state, version, fact, prev_hash, hash, clock_id, clock_level)
	select district, case_id, 2, gen_random_uuid(), now(), 'SYSTEM', 'SYSTEM', '', 'clock_due', 'DISPATCHED', 'DISPATCHED', 1,
	'{"v":1,"district":"350102","case":"00000000-0000-0000-0000-000000000000","seq":2,"at":"2026-06-08T01:00:00.000000Z","actor":"SYSTEM","role":"SYSTEM","unit":"","action":"clock_due","from":"DISPATCHED","to":"DISPATCHED","version":1,"data":{"clock":"00000000-0000-0000-0000-000000000000","due":"2026-06-08T01:00:00.000000Z","kind":"HANDLE","level":50,"unit":"S-DJ"}}',
	'\x0000000000000000000000000000000000000000000000000000000000000000', '\x0000000000000000000000000000000000000000000000000000000000000000', id, 50 from d)
insert into SCHEMA.outbox select district, case_id, 2 from d`

// measureEscalate lets all sides ring the same number of clocks in turn, forwards and backwards, and gives the CPU µs per
// row of each. The first is the program: its own CPU counts as well; the others are PostgreSQL alone.
func measureEscalate(ctx context.Context, admin *pgx.Conn, steps []func(context.Context) (int, error)) ([][]float64, error) {
	slice := func(side int) (float64, error) {
		name := bareName
		if side == 0 {
			name = escalateName
		}
		before, err := backendCPU(ctx, admin, name)
		if err != nil {
			return 0, err
		}
		begin, err := cpuOf(os.Getpid())
		if err != nil {
			return 0, err
		}
		n, err := steps[side](ctx)
		if err != nil {
			return 0, err
		}
		end, err := cpuOf(os.Getpid())
		if err != nil {
			return 0, err
		}
		after, err := backendCPU(ctx, admin, name)
		switch {
		case err != nil:
			return 0, err
		case n != escalateBatch:
			return 0, fmt.Errorf("side %d rang %d clocks instead of %d", side, n, escalateBatch)
		}
		used := after - before
		if side == 0 {
			used += end - begin
		}
		return float64(used.Nanoseconds()) / 1e3 / float64(n), nil
	}
	out := make([][]float64, len(steps))
	for round := range warmBatch/escalateBatch + escalatePairs {
		for i := range steps {
			side := i
			if round%2 == 1 {
				side = len(steps) - 1 - i
			}
			used, err := slice(side)
			if err != nil {
				return nil, err
			}
			if round >= warmBatch/escalateBatch { // before: plans and caches
				out[side] = append(out[side], used)
			}
		}
	}
	return out, nil
}

// backendCPU sums the CPU of the backends of one application name.
func backendCPU(ctx context.Context, admin *pgx.Conn, name string) (sum time.Duration, err error) {
	rows, err := admin.Query(ctx, "select pid from pg_stat_activity where application_name = $1", name)
	if err != nil {
		return 0, err
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return 0, err
	}
	for _, pid := range pids {
		used, err := cpuOf(pid)
		if err != nil {
			continue // it has just ended
		}
		sum += used
	}
	return sum, nil
}

// idleEngine is the share of a core that an engine and its backend use while a million clocks wait and nothing is due. It
// runs in this process, which does nothing else meanwhile.
func idleEngine(ctx context.Context, admin *pgx.Conn, a *App, db *pg.DB, log *slog.Logger) (float64, error) {
	post := notify.New(notify.Config{DB: db, Keys: a.keys})
	engine := dispatch.NewEngine(db, dispatch.NewPlanner(db, dispatch.NewDesk(db, a.keys, a.worlds, nil), post, a.keys, nil, log), post, log)
	if err := engine.Work(ctx); err != nil { // the months of the cases are frozen first: that is work
		return 0, err
	}
	run, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); engine.Run(run) }()
	defer func() { cancel(); <-ended }()
	return share(ctx, func() (time.Duration, error) {
		own, err := cpuOf(os.Getpid())
		if err != nil {
			return 0, err
		}
		backend, err := backendCPU(ctx, admin, escalateName)
		return own + backend, err
	})
}

// idleProcess is the same of `yixian serve --role=engine` as a whole: job queue, Redis and the watch of the configuration.
func (a *App) idleProcess(ctx context.Context, admin *pgx.Conn) (float64, error) {
	p, err := a.child(ctx, "engine")
	if err != nil {
		return 0, err
	}
	defer p.stop()
	a.App.Close() // only the engine's own connections count
	a.Engine.Close()
	m := cpuMeter{admin: admin, server: os.Getpid(), engine: p.cmd.Process.Pid}
	return share(ctx, func() (time.Duration, error) {
		used, err := m.read(ctx)
		return used.Engine + used.Web, err
	})
}

// share is the per cent of a core that used grows by; the beginning is not idle yet.
func share(ctx context.Context, used func() (time.Duration, error)) (float64, error) {
	rest := func(d time.Duration) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := rest(5 * time.Second); err != nil {
		return 0, err
	}
	before, err := used()
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	if err := rest(idleTime); err != nil {
		return 0, err
	}
	after, err := used()
	return 100 * (after - before).Seconds() / time.Since(begin).Seconds(), err
}

package dispatch

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"yixian/dispatch/rule"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// QueueDepth is how much of one kind of work waits: jobs of the district (and of the whole installation, which name no district)
// by their state, the events that the planner has not settled, the clocks that are due.
type QueueDepth struct {
	Kind   string // deliver …, outbox, clocks
	State  string // waiting, running, retrying, parked
	Count  int64
	Oldest *time.Time
}

// TableSize is what a table with its indexes takes on the disk, in bytes; Rows is PostgreSQL's estimate.
type TableSize struct {
	Name  string
	Bytes int64
	Rows  int64
}

// Machine is the state of the district's machine for its administrator.
type Machine struct {
	Now        time.Time
	Postgres   string // "15.14"
	Schema     int64
	Started    time.Time // of PostgreSQL
	Database   int64     // bytes
	Photos     int64     // stored photos of the district
	PhotoBytes int64
	Tables     []TableSize
	Queues     []QueueDepth
}

const queuesSQL = `with n as (select yx_now() as now), job as (
  select kind, case when state = 'running' then 'running' when state in ('discarded','cancelled') then 'parked' when state = 'retryable' then 'retrying' else 'waiting' end as state, created_at
  from river_job where state <> 'completed' and coalesce(args->>'district', $1) = $1)
select kind, state, count(*), min(created_at) from job group by 1, 2
union all select 'outbox', 'waiting', count(*), min(e.at) from outbox o join case_event e on e.district = o.district and e.case_id = o.case_id and e.seq = o.seq where o.district = $1 having count(*) > 0
union all select 'outbox', 'parked', count(*), null from outbox_parked where district = $1 having count(*) > 0
union all select 'clocks', 'waiting', count(*), min(k.next_at) from n, sla_clock k where k.district = $1 and k.next_at <= n.now having count(*) > 0
order by 1, 2`

// Machine looks at queues, versions and storage; for administrators.
func (k *Desk) Machine(ctx context.Context, a auth.Actor) (*Machine, error) {
	if err := a.Need(auth.PermAdmin, "只有本区管理员可以查看运行状况"); err != nil {
		return nil, err
	}
	ctx = pg.WithDistrict(ctx, a.District)
	m := &Machine{Tables: []TableSize{}, Queues: []QueueDepth{}}
	if err := k.db.Pool.QueryRow(ctx, `select yx_now(), split_part(current_setting('server_version'), ' ', 1), (select max(version_id) from goose_db_version where is_applied), pg_postmaster_start_time(), pg_database_size(current_database()), (select count(*) from media where district = $1), (select coalesce(sum(bytes), 0)::bigint from media where district = $1)`, a.District).
		Scan(&m.Now, &m.Postgres, &m.Schema, &m.Started, &m.Database, &m.Photos, &m.PhotoBytes); err != nil {
		return nil, pg.Fault(err)
	}
	rows, err := k.db.Pool.Query(ctx, `select relname, pg_total_relation_size(oid), greatest(reltuples, 0)::bigint from pg_class where relnamespace = current_schema()::regnamespace and relkind = 'r' order by 2 desc limit 8`)
	if err != nil {
		return nil, pg.Fault(err)
	}
	if m.Tables, err = pgx.CollectRows(rows, pgx.RowToStructByPos[TableSize]); err != nil {
		return nil, pg.Fault(err)
	}
	if rows, err = k.db.Pool.Query(ctx, queuesSQL, a.District); err != nil {
		return nil, pg.Fault(err)
	}
	m.Queues, err = pgx.CollectRows(rows, pgx.RowToStructByPos[QueueDepth])
	return m, pg.Fault(err)
}

// RedriveJobs puts the district's parked jobs of a kind ("" all) back into their queue and says how many. A job that names no
// district belongs to the installation and is taken up as well.
func (k *Desk) RedriveJobs(ctx context.Context, a auth.Actor, kind string) (n int, err error) {
	if err := a.Need(auth.PermAdmin, "只有本区管理员可以重试搁置的任务"); err != nil {
		return 0, err
	}
	err = pg.Fault(pgx.BeginFunc(pg.WithDistrict(ctx, a.District), k.db.Pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `update river_job set state = 'available', scheduled_at = now(), finalized_at = null, max_attempts = greatest(max_attempts, attempt + 1)
			where state = 'discarded' and coalesce(args->>'district', $1) = $1 and ($2 = '' or kind = $2)`, a.District, kind)
		if err != nil {
			return err
		}
		if n = int(tag.RowsAffected()); n == 0 {
			return nil
		}
		change, err := auth.AuditChange("redrive", "job", kind, nil, map[string]any{"count": n})
		if err != nil {
			return err
		}
		return auth.Audit(ctx, tx, a, change)
	}))
	return n, err
}

// RuleUse is how often a rule of the set in force decided within a span; Hits 0: never.
type RuleUse struct {
	Rule, Title, Status string
	Hits                int64
	LastAt              *time.Time
}

// Unrouted is a case that no rule named a unit for: its street stood in, or it lies with the dispatchers.
type Unrouted struct {
	CaseNo, Matter, Grid, Unit string
	At                         time.Time
	Queued                     bool
}

// RuleUses counts the decisions of the last days by rule, and lists the cases that no rule answered; of a case it says what the
// routing saw and no word of its report, as its reader configures the district and reads no case.
func (k *Desk) RuleUses(ctx context.Context, a auth.Actor, days int) (uses []RuleUse, unmatched []Unrouted, total int64, err error) {
	if err := a.Need(auth.PermAdmin, "只有本区管理员可以查看规则命中"); err != nil {
		return nil, nil, 0, err
	}
	if days < 1 || days > 90 {
		return nil, nil, 0, fault.Invalid("/days", "应为 1 到 90 天")
	}
	ctx = pg.WithDistrict(ctx, a.District)
	rows, err := k.db.Pool.Query(ctx, "select c.rule_id, count(*), max(c.filed_at) from cases c where c.district = $1 and c.filed_at > yx_now() - make_interval(days => $2) and "+liveCase+" group by 1", a.District, days)
	if err != nil {
		return nil, nil, 0, pg.Fault(err)
	}
	hits := map[string]RuleUse{}
	var u RuleUse
	if _, err := pgx.ForEachRow(rows, []any{&u.Rule, &u.Hits, &u.LastAt}, func() error {
		total += u.Hits
		hits[u.Rule] = u
		u.LastAt = nil
		return nil
	}); err != nil {
		return nil, nil, 0, pg.Fault(err)
	}
	w := k.worlds.Get(a.District)
	uses = []RuleUse{}
	backstop := []string{"", rule.FallbackRule}
	for _, r := range w.Rules.Written() {
		if r.Backstop {
			backstop = append(backstop, r.ID)
		}
		h := hits[r.ID]
		uses = append(uses, RuleUse{Rule: r.ID, Title: r.Title, Status: string(r.Status), Hits: h.Hits, LastAt: h.LastAt})
		delete(hits, r.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(hits)) { // of sets that are in force no more, and what decides without a rule
		uses = append(uses, RuleUse{Rule: id, Hits: hits[id].Hits, LastAt: hits[id].LastAt})
	}
	rows, err = k.db.Pool.Query(ctx, "select coalesce(c.case_no, ''), c.matter, c.grid_code, coalesce(nullif(c.lead_unit, ''), c.owner_unit), c.filed_at, c.queued from cases c where c.district = $1 and c.filed_at > yx_now() - make_interval(days => $2) and "+liveCase+" and (c.queued or c.rule_id = any($3)) order by c.filed_at desc limit 200", a.District, days, backstop)
	if err != nil {
		return nil, nil, 0, pg.Fault(err)
	}
	unmatched, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Unrouted])
	return uses, unmatched, total, pg.Fault(err)
}

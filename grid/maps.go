package grid

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// Maps changes the map of a district: import, split, merge, retire. Every change is one transaction with a row in area_change; a
// version that has begun is never overwritten, it ends where the next one begins.
type Maps struct{ db *pg.DB }

// NewMaps works with the role of requests: row-level security shows it one district.
func NewMaps(db *pg.DB) *Maps { return &Maps{db} }

// The kinds of change.
const (
	ChangeImport = "import"
	ChangeSplit  = "split"
	ChangeMerge  = "merge"
	ChangeRetire = "retire"
)

// VersionRef names one version of one area.
type VersionRef struct {
	Code    string `json:"code"`
	Version int    `json:"version"`
}

// Report says what a change does, or would do.
type Report struct {
	Change    string         `json:"change,omitempty"` // id of the row in area_change; empty for a trial
	Kind      string         `json:"kind"`
	DryRun    bool           `json:"dry_run"`
	Refused   bool           `json:"refused"`
	Effective time.Time      `json:"effective"`
	Features  int            `json:"features"` // of the file
	Corners   int            `json:"corners"`
	Added     int            `json:"added"`     // codes that were not in force
	Changed   int            `json:"changed"`   // codes that get a new version
	Unchanged int            `json:"unchanged"` // codes whose version goes on
	Begun     []VersionRef   `json:"begun"`     // the first 200
	Ended     []VersionRef   `json:"ended"`     // the first 200
	Counts    map[string]int `json:"counts"`    // findings by code, also those that are not listed
	Findings  []Finding      `json:"findings"`
	Workers   []WorkerEffect `json:"workers"`              // whose grids change
	Idle      int            `json:"without_worker"`       // unit grids that begin and that nobody works
	IdleCodes []string       `json:"without_worker_codes"` // the first 200
}

// WorkerEffect is what a change does to the grids of one grid worker. What ended stays in his list, so that he keeps the running
// cases that stand on it.
type WorkerEffect struct {
	Username string   `json:"username"`
	Name     string   `json:"name"`
	Unit     string   `json:"unit"`
	Gains    []string `json:"gains"`
	Ends     []string `json:"ends"`
	Left     int      `json:"left"` // of his grids, in force when the change holds
}

const maxRefs = 200

// change is one transaction on the map of a district.
type change struct {
	tx        pgx.Tx
	district  string
	actor     auth.Actor
	id        uuid.UUID
	now       time.Time
	effective time.Time
	areas     []Area         // every version that has not ended by now, planned ones included, by code and version
	latest    map[string]int // the highest version number of each code
	begin     []Area
	end       []Area
}

// open begins the transaction and takes the district's lock: a second administrator waits a moment, then hears MAP_BUSY.
func (m *Maps) open(ctx context.Context, a auth.Actor, effective time.Time) (*change, error) {
	if ok, _ := a.May(auth.PermAdmin); !ok && a.Kind != auth.System {
		return nil, fault.Forbidden("FORBIDDEN", "您没有使用该功能的权限")
	}
	ctx = pg.WithDistrict(ctx, a.District)
	tx, err := m.db.Pool.Begin(ctx)
	if err != nil {
		return nil, pg.Fault(err)
	}
	c := &change{tx: tx, district: a.District, actor: a, id: uuid.Must(uuid.NewV7()), latest: map[string]int{}}
	if err := c.read(ctx, effective); err != nil {
		c.close(ctx)
		return nil, err
	}
	return c, nil
}

func (c *change) close(ctx context.Context) { _ = c.tx.Rollback(context.WithoutCancel(ctx)) }

func (c *change) read(ctx context.Context, effective time.Time) error {
	// The checks of a large map take longer than a request's statement may, and hold nobody but other changes of this map.
	_, err := c.tx.Exec(ctx, `select set_config('statement_timeout', '120s', true), set_config('idle_in_transaction_session_timeout', '120s', true), set_config('lock_timeout', '3s', true)`)
	if err != nil {
		return pg.Fault(err)
	}
	if _, err := c.tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended('yixian/map/' || $1, 0))", c.district); err != nil {
		var pe *pgconn.PgError
		if errors.As(err, &pe) && pe.Code == "55P03" {
			return fault.Conflict("MAP_BUSY", "另一位管理员正在修改地图，请稍后重试").Because(err)
		}
		return pg.Fault(err)
	}
	if err := c.tx.QueryRow(ctx, "select yx_now()").Scan(&c.now); err != nil {
		return pg.Fault(err)
	}
	if c.effective, err = effectiveFrom(effective, c.now); err != nil {
		return err
	}
	rows, err := c.tx.Query(ctx, "select code, max(version) from area where district = $1 group by code", c.district)
	if err != nil {
		return pg.Fault(err)
	}
	var code string
	var version int
	if _, err := pgx.ForEachRow(rows, []any{&code, &version}, func() error { c.latest[code] = version; return nil }); err != nil {
		return pg.Fault(err)
	}
	c.areas, err = readAreas(ctx, c.tx, areasSQL+` where a.district = $1 and (a.valid_to is null or a.valid_to > $2) order by a.code, a.version`, c.district, c.now)
	return pg.Fault(err)
}

// effectiveFrom is when a change holds: at once for the zero time or for today, else the beginning of a later day.
func effectiveFrom(day, now time.Time) (time.Time, error) {
	switch {
	case day.IsZero(), !day.After(now) && now.Sub(day) < 24*time.Hour:
		return now, nil
	case day.Before(now):
		return day, fault.Invalid("/effective", "生效日期不能早于今天：已经发生的事件按当时的网格").Coded("EFFECTIVE_PAST")
	case day.Sub(now) > 5*366*24*time.Hour:
		return day, fault.Invalid("/effective", "生效日期太远，最多提前五年").Coded("EFFECTIVE_FAR")
	}
	return day, nil
}

// ParseEffective reads a day like 2026-07-01 as its beginning in China; empty is the zero time: at once.
func ParseEffective(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	day, err := time.ParseInLocation("2006-01-02", text, demoFrom.Location())
	if err != nil {
		return day, fault.Invalid("/effective", "生效日期应写作 2026-07-01").Because(err)
	}
	return day, nil
}

// standing is the version of each code in force when the change holds; planned are the codes for which something later is
// planned already.
func (c *change) standing() (at map[string]*Area, planned map[string][]*Area) {
	at, planned = map[string]*Area{}, map[string][]*Area{}
	for i := range c.areas {
		a := &c.areas[i]
		switch {
		case a.ValidFrom.After(c.effective):
			planned[a.Code] = append(planned[a.Code], a)
		case a.ValidAt(c.effective):
			at[a.Code] = a
			if a.ValidTo != nil {
				planned[a.Code] = append(planned[a.Code], a)
			}
		}
	}
	return at, planned
}

// starts puts a new version into the change.
func (c *change) starts(a Area) VersionRef {
	a.District, a.Version = c.district, c.latest[a.Code]+1
	c.latest[a.Code] = a.Version
	a.ValidFrom, a.ValidTo, a.BegunBy, a.EndedBy = c.effective, nil, &c.id, nil
	c.begin = append(c.begin, a)
	return VersionRef{a.Code, a.Version}
}

// stops ends a version when the change holds; a planned one ends where it would have begun, and so never holds.
func (c *change) stops(a *Area) VersionRef {
	e := *a
	until := c.effective
	if e.ValidFrom.After(until) {
		until = e.ValidFrom
	}
	e.ValidTo = &until
	c.end = append(c.end, e)
	return VersionRef{a.Code, a.Version}
}

// write stores the change. The rows of the map come last, so that whoever waits for the district's row waits shortly.
func (c *change) write(ctx context.Context, r *Report, note string, once Once) error {
	r.Change = c.id.String()
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = c.tx.Exec(ctx, "insert into area_change (district, id, kind, at, effective, actor, note, report) values ($1, $2, $3, $4, $5, $6, $7, $8)",
		c.district, c.id, r.Kind, c.now, c.effective, c.actor.ID(), note, raw)
	if err != nil {
		return pg.Fault(err)
	}
	if once.Key != "" {
		if _, err := c.tx.Exec(ctx, "insert into idempotency (district, actor, key, payload_hash, status, answer) values ($1, $2, $3, $4, 200, $5)", c.district, c.actor.ID(), once.Key, once.Hash, raw); err != nil {
			return pg.Fault(err)
		}
	}
	audit, err := auth.AuditChange(r.Kind, "map", r.Change, nil, map[string]any{"effective": r.Effective, "begun": r.Begun, "ended": r.Ended, "added": r.Added, "changed": r.Changed})
	if err != nil {
		return err
	}
	if err := auth.Audit(ctx, c.tx, c.actor, audit); err != nil {
		return err
	}
	codes, versions, ends := make([]string, len(c.end)), make([]int, len(c.end)), make([]time.Time, len(c.end))
	for i := range c.end {
		codes[i], versions[i], ends[i] = c.end[i].Code, c.end[i].Version, *c.end[i].ValidTo
	}
	tag, err := c.tx.Exec(ctx, `update area a set valid_to = e.until, ended_by = $2 from unnest($3::text[], $4::int[], $5::timestamptz[]) e(code, version, until)
		where a.district = $1 and a.code = e.code and a.version = e.version`, c.district, c.id, codes, versions, ends)
	if err != nil {
		return pg.Fault(err)
	}
	if tag.RowsAffected() != int64(len(c.end)) {
		return fmt.Errorf("%d versions to end, %d found", len(c.end), tag.RowsAffected())
	}
	for rest := c.begin; len(rest) > 0; {
		n := min(len(rest), 1000) // COPY would be faster, but PostgreSQL has none under row-level security
		if err := c.insert(ctx, rest[:n]); err != nil {
			return pg.Fault(err)
		}
		rest = rest[n:]
	}
	return pg.Fault(c.tx.Commit(ctx))
}

func (c *change) insert(ctx context.Context, areas []Area) error {
	n := len(areas)
	codes, versions, levels, kinds, names := make([]string, n), make([]int, n), make([]string, n), make([]string, n), make([]string, n)
	parents, uses, approx, grounds := make([]string, n), make([]string, n), make([]bool, n), make([][]byte, n)
	for i := range areas {
		a := &areas[i]
		codes[i], versions[i], levels[i], kinds[i], names[i] = a.Code, a.Version, a.Level, a.Kind, a.Name
		parents[i], uses[i], approx[i] = a.Parent, a.LandUse, a.Approx
		if a.Polygon.Known() {
			grounds[i] = a.Polygon.s.twkb()
		}
	}
	_, err := c.tx.Exec(ctx, `insert into area (district, code, version, level, kind, name, parent, land_use, approx, ground, valid_from, begun_by)
		select $1, x.*, $11, $12 from unnest($2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bool[], $10::bytea[]) x`,
		c.district, codes, versions, levels, kinds, names, parents, uses, approx, grounds, c.effective, c.id)
	return err
}

// Once names a request that may be repeated: the same key with the same content gets the first report again.
type Once struct {
	Key  string
	Hash []byte
}

// first gives the report stored for a key; nil when there is none yet.
func (c *change) first(ctx context.Context, once Once) (*Report, error) {
	if once.Key == "" {
		return nil, nil
	}
	var hash, answer []byte
	err := c.tx.QueryRow(ctx, "select payload_hash, answer from idempotency where district = $1 and actor = $2 and key = $3", c.district, c.actor.ID(), once.Key).Scan(&hash, &answer)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, pg.Fault(err)
	case string(hash) != string(once.Hash):
		return nil, fault.New(422, "IDEMPOTENCY_MISMATCH", "同一个幂等键已用于另一份内容")
	}
	r := &Report{}
	if err := json.Unmarshal(answer, r); err != nil {
		return nil, err
	}
	return r, nil
}

// worker is a binding of a grid worker.
type worker struct {
	account        uuid.UUID
	username, name string
	unit           string
	grids          []string
}

func (c *change) workers(ctx context.Context, touching []string) ([]worker, error) {
	sql := `select b.account_id, coalesce(a.username, ''), a.display_name, b.unit, b.grids from role_binding b join account a on a.district = b.district and a.id = b.account_id
		where b.district = $1 and b.role = 'GRID_WORKER' and a.disabled_at is null and ($2::text[] is null or b.grids && $2) order by 2, 4`
	rows, err := c.tx.Query(ctx, sql, c.district, touching)
	if err != nil {
		return nil, pg.Fault(err)
	}
	var list []worker
	var w worker
	_, err = pgx.ForEachRow(rows, []any{&w.account, &w.username, &w.name, &w.unit, &w.grids}, func() error {
		w.grids = slices.Clone(w.grids)
		list = append(list, w)
		return nil
	})
	return list, pg.Fault(err)
}

// idle counts the unit grids of the change that nobody works.
func (c *change) idle(ctx context.Context, r *Report) error {
	list, err := c.workers(ctx, nil)
	if err != nil {
		return err
	}
	worked := map[string]bool{}
	for _, w := range list {
		for _, g := range w.grids {
			worked[g] = true
		}
	}
	for _, e := range r.Workers {
		for _, g := range e.Gains {
			worked[g] = true
		}
	}
	r.IdleCodes = []string{}
	for i := range c.begin {
		if a := &c.begin[i]; a.Level == LevelGrid && a.Kind == KindUnit && !worked[a.Code] {
			if r.Idle++; r.Idle <= maxRefs {
				r.IdleCodes = append(r.IdleCodes, a.Code)
			}
		}
	}
	return nil
}

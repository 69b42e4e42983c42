package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"

	"yixian/internal/pg"
)

// Auditor looks again and again whether everything that must hold holds, beside the engine and independent of it: an
// engine that lives and does not get on is found by what it leaves undone. Any number of auditors may run; one of them
// looks at a time, the others see its heartbeat. It repairs nothing.
type Auditor struct {
	db  *pg.DB
	log *slog.Logger
}

// NewAuditor works on the engine's pool; log may be nil.
func NewAuditor(db *pg.DB, log *slog.Logger) *Auditor {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Auditor{db: db, log: log}
}

const (
	auditEvery = 30 * time.Second
	// auditShare bounds what looking costs: after a look that took a second the next one waits five minutes, 0.3 % of a core.
	auditShare = 300
	// silence is how old a heartbeat may become before nobody is believed to look any more.
	silence = 90 * time.Second
)

// Run looks every 30 s, less often where one look takes long, until ctx ends.
func (a *Auditor) Run(ctx context.Context) {
	for ctx.Err() == nil {
		rest := auditEvery
		took, err := a.Look(ctx)
		if err != nil && ctx.Err() == nil {
			a.log.ErrorContext(ctx, "auditor", slog.String("reason", err.Error()))
		}
		rest = max(rest, auditShare*took)
		for ctx.Err() == nil && rest > 0 { // the heart beats between two long looks, too
			pause(ctx, min(rest, auditEvery), nil)
			if rest -= auditEvery; rest > 0 {
				if err := a.beat(ctx); err != nil {
					a.log.ErrorContext(ctx, "auditor", slog.String("reason", err.Error()))
				}
			}
		}
	}
}

// beat renews the heartbeat and looks at what takes no time: what stands still.
func (a *Auditor) beat(ctx context.Context) error {
	stalls, err := a.stalls(ctx)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(stalls)
	if err != nil {
		return err
	}
	_, err = a.db.Pool.Exec(ctx, `update audit_beat b set at = yx_now(), real_at = clock_timestamp(), findings = (b.findings - 'CLOCK_STALE' - 'OUTBOX_STALE') || coalesce($1::jsonb->b.district, '{}')`, raw)
	return pg.Fault(err)
}

// Look audits everything once and writes the heartbeat; it returns how long that took. When another auditor has looked
// less than half a period ago, it does nothing.
func (a *Auditor) Look(ctx context.Context) (took time.Duration, err error) {
	var fresh bool
	if err := a.db.Pool.QueryRow(ctx, `select count(*) > 0 and bool_and(real_at > clock_timestamp() - make_interval(secs => $1)) from audit_beat`, (auditEvery / 2).Seconds()).Scan(&fresh); err != nil || fresh {
		return 0, pg.Fault(err)
	}
	return a.look(ctx)
}

func (a *Auditor) look(ctx context.Context) (took time.Duration, err error) {
	var begin, end time.Time
	if err := a.db.Pool.QueryRow(ctx, "select clock_timestamp()").Scan(&begin); err != nil {
		return 0, pg.Fault(err)
	}
	found, err := auditIn(ctx, a.db, "", false)
	if err != nil {
		return 0, err
	}
	counts := map[string]map[string]int{}
	for _, l := range found.Laws {
		counts[l.District] = map[string]int{}
	}
	for _, f := range found.Findings {
		if counts[f.District] == nil { // of a district that is not in the list of districts
			counts[f.District] = map[string]int{}
		}
		if counts[f.District][f.Check]++; counts[f.District][f.Check] == 1 {
			a.log.ErrorContext(ctx, "audit", slog.String("check", f.Check), slog.String("district", f.District), slog.String("thing", f.Thing), slog.String("detail", f.Detail))
		}
	}
	err = pgx.BeginFunc(ctx, a.db.Pool, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, "select clock_timestamp()").Scan(&end); err != nil {
			return err
		}
		took = end.Sub(begin)
		for _, l := range found.Laws {
			n, err := json.Marshal(counts[l.District])
			if err != nil {
				return err
			}
			law, err := json.Marshal(l)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `insert into audit_beat (district, at, real_at, took_ms, findings, law) values ($1, $2, clock_timestamp(), $3, $4, $5)
				on conflict (district) do update set at = excluded.at, real_at = excluded.real_at, took_ms = excluded.took_ms, findings = excluded.findings, law = excluded.law`,
				l.District, found.Now, took.Milliseconds(), n, law); err != nil {
				return err
			}
		}
		return nil
	})
	return took, pg.Fault(err)
}

// stalls counts what stands still, by district and check; two questions to two indexes.
func (a *Auditor) stalls(ctx context.Context) (map[string]map[string]int, error) {
	out := map[string]map[string]int{}
	for _, c := range auditChecks {
		if c.name != "CLOCK_STALE" && c.name != "OUTBOX_STALE" {
			continue
		}
		rows, err := a.db.Pool.Query(ctx, "select district, count(*) from ("+c.sql+fmt.Sprintf(" limit %d) x(district, thing, detail) group by 1", perCheck), "")
		if err != nil {
			return nil, pg.Fault(err)
		}
		var district string
		var n int
		if _, err := pgx.ForEachRow(rows, []any{&district, &n}, func() error {
			if out[district] == nil {
				out[district] = map[string]int{}
			}
			out[district][c.name] = n
			return nil
		}); err != nil {
			return nil, pg.Fault(err)
		}
	}
	return out, nil
}

// Pulse is how a district is, as a monitor asks for it: figures only, nothing about any case.
type Pulse struct {
	District string         `json:"district"`
	Healthy  bool           `json:"healthy"`
	Silent   bool           `json:"silent"` // nobody has looked for 90 s
	AgeS     int            `json:"age_s"`  // of the last look or beat; -1: never
	TookMS   int            `json:"took_ms"`
	Findings map[string]int `json:"findings"` // check → rows that break it
	Law      *Law           `json:"law,omitempty"`
}

// Pulses tells of every district whether the auditor lives, what it found, and, asked at this moment, what stands still.
func (a *Auditor) Pulses(ctx context.Context) ([]Pulse, error) {
	stalls, err := a.stalls(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := a.db.Pool.Query(ctx, `select t.district, coalesce(extract(epoch from clock_timestamp() - b.real_at)::int, -1), coalesce(b.took_ms, 0), coalesce(b.findings, '{}'), b.law
		from tenant t left join audit_beat b on b.district = t.district order by t.district`)
	if err != nil {
		return nil, pg.Fault(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Pulse, err error) {
		return p, row.Scan(&p.District, &p.AgeS, &p.TookMS, &p.Findings, &p.Law)
	})
	if err != nil {
		return nil, pg.Fault(err)
	}
	for i := range out {
		p := &out[i]
		delete(p.Findings, "CLOCK_STALE") // it may have moved on since, or stopped
		delete(p.Findings, "OUTBOX_STALE")
		maps.Copy(p.Findings, stalls[p.District])
		p.Silent = p.AgeS < 0 || time.Duration(p.AgeS)*time.Second > silence
		p.Healthy = !p.Silent && len(p.Findings) == 0
	}
	return out, nil
}

package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
	"yixian/notify"
)

// Planner turns what was committed into what follows from it: consequences of clocks, messages, live notices. It is
// the only reader of the outbox; of any number of planners one works at a time. Whatever kills it, its transaction
// leaves either nothing or all of a batch, and what it does outside of it is idempotent.
type Planner struct {
	db      *pg.DB
	desk    *Desk
	post    *notify.Post
	keys    *seal.Keyring
	publish func(context.Context, Notice)
	log     *slog.Logger
}

// NewPlanner needs the engine's pool (at least two connections: one holds the batch, the desk takes others), a
// desk on that pool, and a Post on it whose Config.Links is the public address. publish (nil: nowhere) gets one
// notice per event after its commit; log may be nil.
func NewPlanner(db *pg.DB, desk *Desk, post *notify.Post, keys *seal.Keyring, publish func(context.Context, Notice), log *slog.Logger) *Planner {
	if publish == nil {
		publish = func(context.Context, Notice) {}
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Planner{db: db, desk: desk, post: post, keys: keys, publish: publish, log: log}
}

const plannerLock int64 = 0x59585f504c414e // "YX_PLAN"

const plannerBatch = 200

// happening is one event on its way through a step.
type happening struct {
	district string
	caseID   uuid.UUID
	seq      int64
	event    Event
	data     newsData
	view     *caseView

	later   bool  // left in the outbox for the next step
	failed  error // parked
	drafts  []notify.Draft
	cancels []cancelling
}

// newsData are the members of a fact's data that recipients and consequences need.
type newsData struct {
	factData
	Clock   uuid.UUID   `json:"clock"`
	Request uuid.UUID   `json:"request"`
	Moved   []uuid.UUID `json:"report_ids"` // by a merge, to the master

	Deferred bool `json:"deferred"` // by an incident
	Fraud    bool `json:"fraud"`
}

// cancelling withdraws what an event planned for later, for some recipients or (none given) for all.
type cancelling struct {
	event      uuid.UUID
	recipients []string
}

// Step works off one batch of the outbox and returns how many events it settled: call it again while that is more
// than 0. It is 0 too when another planner is at work. On an error nothing was settled and nothing is lost.
func (p *Planner) Step(ctx context.Context) (n int, err error) {
	if p.desk.worlds.Tenants() == nil {
		return 0, fault.Unavailable(errors.New("planner: configuration is not loaded yet"))
	}
	var batch []*happening
	err = pgx.BeginFunc(ctx, p.db.Pool, func(tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, "select pg_try_advisory_xact_lock($1)", plannerLock).Scan(&mine); err != nil || !mine {
			return err
		}
		var err error
		if batch, err = p.read(ctx, tx); err != nil || len(batch) == 0 {
			return err
		}
		if err := p.follow(ctx, batch); err != nil {
			return err
		}
		batch = slices.DeleteFunc(batch, func(h *happening) bool { return h.later })
		if err := p.tell(ctx, tx, batch); err != nil {
			return err
		}
		if err := p.judge(ctx, tx, batch); err != nil {
			return err
		}
		if err := p.award(ctx, tx, batch); err != nil {
			return err
		}
		if err := p.count(ctx, tx, batch); err != nil {
			return err
		}
		return p.clear(ctx, tx, batch)
	})
	if err != nil {
		return 0, pg.Fault(err)
	}
	for _, h := range batch {
		p.publish(ctx, h.notice())
	}
	return len(batch), nil
}

// tell plans and writes the messages of a batch. When the whole is refused, each event is tried by itself, so that
// one bad event parks alone.
func (p *Planner) tell(ctx context.Context, tx pgx.Tx, batch []*happening) error {
	if err := p.load(ctx, tx, batch); err != nil {
		return err
	}
	good := make([]*happening, 0, len(batch))
	for _, h := range batch {
		if h.failed == nil {
			good = append(good, h)
		}
	}
	err := p.write(ctx, tx, good...)
	if err == nil || passing(err) {
		return err
	}
	for _, h := range good {
		if err := p.write(ctx, tx, h); passing(err) {
			return err
		} else if err != nil {
			h.failed = err
		}
	}
	return nil
}

// write puts down the messages of some events under a savepoint: all of them or none. What is planned is written before
// what is overtaken is withdrawn, because both may be in one batch.
func (p *Planner) write(ctx context.Context, tx pgx.Tx, events ...*happening) error {
	return pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
		var drafts []notify.Draft
		for _, h := range events {
			drafts = append(drafts, h.drafts...)
		}
		if err := p.post.Enqueue(ctx, tx, drafts); err != nil {
			return err
		}
		for _, h := range events {
			for _, c := range h.cancels {
				if _, err := p.post.Cancel(ctx, tx, h.district, c.event, c.recipients...); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// passing tells a failure of the surroundings, after which the same batch is simply tried again, from one of the
// events themselves. Of a fault, what is behind it counts: "unavailable" may also mean that configuration is missing.
func passing(err error) bool {
	if f, ok := fault.As(err); ok {
		err = errors.Unwrap(f)
	}
	return err != nil && (errors.Is(err, context.Canceled) || pg.Retryable(err) || fault.Is(pg.Fault(err), "UNAVAILABLE"))
}

// clear takes the batch out of the outbox; what failed is parked with its reason.
func (p *Planner) clear(ctx context.Context, tx pgx.Tx, batch []*happening) error {
	n := len(batch)
	districts, cases, seqs := make([]string, n), make([]uuid.UUID, n), make([]int64, n)
	for i, h := range batch {
		districts[i], cases[i], seqs[i] = h.district, h.caseID, h.seq
		if h.failed == nil {
			continue
		}
		reason := seal.MaskText(h.failed.Error())
		p.log.ErrorContext(ctx, "event parked", slog.String("district", h.district), slog.String("case_id", h.caseID.String()),
			slog.Int64("seq", h.seq), slog.String("action", string(h.event.Action)), slog.String("reason", reason))
		if _, err := tx.Exec(ctx, `insert into outbox_parked (district, case_id, seq, reason) values ($1, $2, $3, left($4, 400))
			on conflict (district, case_id, seq) do update set reason = excluded.reason, parked_at = excluded.parked_at`, h.district, h.caseID, h.seq, reason); err != nil {
			return fmt.Errorf("park event: %w", err)
		}
	}
	_, err := tx.Exec(ctx, `delete from outbox o using unnest($1::text[], $2::uuid[], $3::bigint[]) d(district, case_id, seq)
		where o.district = d.district and o.case_id = d.case_id and o.seq = d.seq`, districts, cases, seqs)
	return err
}

// Parked counts the events of all districts that wait for a person.
func (p *Planner) Parked(ctx context.Context) (n int, err error) {
	err = p.db.Pool.QueryRow(ctx, "select count(*) from outbox_parked").Scan(&n)
	return n, pg.Fault(err)
}

// ParkedIn counts those of one district.
func (p *Planner) ParkedIn(ctx context.Context, district string) (n int, err error) {
	err = p.db.Pool.QueryRow(ctx, "select count(*) from outbox_parked where district = $1", district).Scan(&n)
	return n, pg.Fault(err)
}

// Redrive puts a district's parked events back into the outbox and returns how many.
func (p *Planner) Redrive(ctx context.Context, district string) (int, error) {
	tag, err := p.db.Pool.Exec(ctx, `with back as (delete from outbox_parked where district = $1 returning district, case_id, seq)
		insert into outbox (district, case_id, seq) select district, case_id, seq from back on conflict do nothing`, district)
	return int(tag.RowsAffected()), pg.Fault(err)
}

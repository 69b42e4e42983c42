package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"yixian/internal/pg"
	"yixian/notify"
)

// Engine lets time act: it rings due clocks, runs the planner and hands over messages whose time has come. Any number
// of engines may run; each step is one transaction that another one may repeat, so that no leader is needed. It
// knows no time of its own: what is due, PostgreSQL says (yx_now).
type Engine struct {
	db      *pg.DB
	planner *Planner
	post    *notify.Post
	log     *slog.Logger
	poked   chan struct{}
}

// NewEngine works on the engine's pool; log may be nil.
func NewEngine(db *pg.DB, planner *Planner, post *notify.Post, log *slog.Logger) *Engine {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Engine{db: db, planner: planner, post: post, log: log, poked: make(chan struct{}, 1)}
}

const (
	fireBatch   = 500
	tick        = 750 * time.Millisecond
	longestRest = 1200 * time.Millisecond // between attempts while the database is away: a ring is at most 2 s late after it
	settleTick  = 10 * time.Millisecond
)

// Poke wakes Run at once; it never waits. Desk calls it after every change.
func (e *Engine) Poke() {
	select {
	case e.poked <- struct{}{}:
	default:
	}
}

// Run works every tick, and when poked, until ctx ends. Errors are logged and tried again with growing pauses; a
// database that is away is waited for.
func (e *Engine) Run(ctx context.Context) {
	rest := tick
	for ctx.Err() == nil {
		switch err := e.once(ctx); {
		case ctx.Err() != nil:
			return
		case err != nil:
			e.log.ErrorContext(ctx, "engine", slog.String("reason", err.Error()), slog.Duration("again_in", rest))
			pause(ctx, rest, nil) // pokes do not help a database that is away
			rest = min(2*rest, longestRest)
		default:
			rest = tick
			pause(ctx, tick, e.poked)
		}
	}
}

func pause(ctx context.Context, d time.Duration, poked <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-poked:
	case <-t.C:
	}
}

// dueSQL is the one question of an idle engine: does a clock ring, is an incident, a card or a
// calendar due, is an event untold, is a message's time there, has a figure changed by time alone, is a month over, a report due?
const dueSQL = `select exists (select from sla_clock where next_at <= yx_now()), coalesce(least(` + officeDueSQL + `) <= yx_now(), false) or ` + digestNewSQL + `, exists (select from outbox),
	exists (select from message where state = 'PENDING' and not queued and due_at <= yx_now()), ` + rollupDue + `, ` + freezeDue + " or " + freezeNew + ", " + reportDueSQL

const (
	freezeDue = "exists (select from assessment_due where done_at is null and due_at <= yx_now())"
	freezeNew = "exists (select from tenant t where not exists (select from assessment_due a where a.district = t.district and a.done_at is null))"
)

// once does everything that is due now. A failing part does not keep the others from their work: clocks ring even
// when nothing can be told. A panic is an error like any other.
func (e *Engine) once(ctx context.Context) error {
	var work [7]bool // clocks, what offices have to do, events, messages, figures, assessment, reports
	if err := e.db.Pool.QueryRow(ctx, dueSQL).Scan(&work[0], &work[1], &work[2], &work[3], &work[4], &work[5], &work[6]); err != nil {
		return fmt.Errorf("what is due: %w", pg.Fault(err))
	}
	var errs []error
	for i, part := range []struct {
		name string
		step func(context.Context) (int, error)
	}{{"clocks", e.Fire}, {"offices", e.planner.Offices}, {"planner", e.planner.Step}, {"messages", e.post.ReleaseDue}, {"figures", e.planner.Keep}, {"assessment", e.planner.desk.Freeze}, {"reports", e.planner.Deliver}} {
		for work[i] && ctx.Err() == nil {
			n, err := guarded(ctx, part.step)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", part.name, err))
			}
			if err != nil || n == 0 {
				break
			}
			for later := i + 1; later < 4; later++ {
				work[later] = true // a ring or an attached case is an event, an event may be told at once
			}
		}
	}
	return errors.Join(errs...)
}

func guarded(ctx context.Context, step func(context.Context) (int, error)) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			n, err = 0, fmt.Errorf("panic: %T", r) // its words may hold anything
			if fault, ok := r.(runtime.Error); ok {
				err = fmt.Errorf("panic: %w", fault)
			}
		}
	}()
	return step(ctx)
}

// Fire rings due clocks, at most 500 and one per case, and returns how many.
func (e *Engine) Fire(ctx context.Context) (n int, err error) {
	err = e.db.Pool.QueryRow(ctx, "select count(*) from yx_fire_due($1)", fireBatch).Scan(&n)
	return n, pg.Fault(err)
}

// officeDueSQL are the instants at which something is due that is not a case's clock: incidents, cards, calendar changes, digests.
const officeDueSQL = `(select min(next_at) from incident where next_at is not null), (select min(next_at) from card where next_at is not null),
	(select min(next_at) from card_watch), (select min(next_at) from visit_plan where next_at is not null), (select min(expires_at) from redemption where state = 'OPEN'), (select min(next_at) from calendar_change where next_at is not null), ` + digestDueSQL

// Settle does what Run does until nothing is due any more at the present instant: no clock, no event, no message that
// River has still to deliver. It is how a sandbox moves in time. A delivery that keeps failing keeps it waiting: the
// caller bounds it by ctx, whose error it then returns.
func (e *Engine) Settle(ctx context.Context) error {
	for {
		if err := e.Work(ctx); err != nil {
			return err
		}
		waiting, err := e.post.Pending(ctx)
		switch {
		case err != nil:
			return err
		case waiting == 0:
			return nil
		}
		pause(ctx, settleTick, nil) // River is at work
		if ctx.Err() != nil {
			return fmt.Errorf("not settled, %d messages on their way: %w", waiting, ctx.Err())
		}
	}
}

// Work is Settle without the wait for deliveries: when it returns, no clock, event, figure or office is due at the present instant.
func (e *Engine) Work(ctx context.Context) error {
	for {
		if err := e.once(ctx); err != nil {
			return err
		}
		var work bool
		if err := e.db.Pool.QueryRow(ctx, "select exists (select 1 from outbox) or exists (select 1 from sla_clock where next_at <= yx_now()) or coalesce(least("+officeDueSQL+") <= yx_now(), false) or "+rollupDue+" or "+freezeDue+" or "+reportDueSQL).Scan(&work); err != nil || !work {
			return pg.Fault(err)
		}
		pause(ctx, settleTick, nil) // another engine is at work
		if ctx.Err() != nil {
			return fmt.Errorf("not settled: %w", ctx.Err())
		}
	}
}

// NextDue is the earliest instant at which something will happen by itself: a clock rings or a planned message
// goes out. ok is false when nothing is planned. What is due already counts, so settle first.
func (e *Engine) NextDue(ctx context.Context) (at time.Time, ok bool, err error) {
	var next *time.Time
	err = e.db.Pool.QueryRow(ctx, `select least((select min(next_at) from sla_clock where next_at is not null),
		(select min(due_at) from message where state = 'PENDING' and not queued), (select min(due_at) from assessment_due where done_at is null), (select min(due_at) from report_run where done_at is null), (select min(expires_at) from report_file), `+officeDueSQL+`)`).Scan(&next)
	if err != nil || next == nil {
		return at, false, pg.Fault(err)
	}
	return *next, true, nil
}

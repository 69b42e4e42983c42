package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/worktime"
)

// calendar is a district's own: the shipped holidays and, before them, the days that its administrator set. A year of which
// the district set a day counts as known.
func (ws *Worlds) calendar(ctx context.Context, district string) (*worktime.Calendar, error) {
	rows, err := ws.db.Pool.Query(ctx, "select day, is_work from calendar_day where district = $1 order by day", district)
	if err != nil {
		return nil, err
	}
	overrides, years := worktime.Shipped()
	overrides, own := slices.Clone(overrides), 0
	var day time.Time
	var work bool
	if _, err := pgx.ForEachRow(rows, []any{&day, &work}, func() error {
		own++
		overrides = append(overrides, worktime.Override{Day: day.Format(time.DateOnly), Off: !work})
		years = append(slices.Clone(years), day.Year())
		return nil
	}); err != nil {
		return nil, err
	}
	if own == 0 {
		return worktime.Default(), nil // one for all districts: its tables of years are built once
	}
	return worktime.New(worktime.Options{Overrides: overrides, Years: years})
}

// recompute measures the open working clocks of a case by the calendar in force. What a clock has used up before a pause
// stays as it was measured then; levels that rang do not ring again; a case without a change gets no event.
func recompute(d *draft, cmd *Command, a auth.Actor, as standing) error {
	type moved struct {
		Clock uuid.UUID `json:"clock"`
		Kind  ClockKind `json:"kind"`
		Unit  string    `json:"unit"`
		From  string    `json:"from"`
		To    string    `json:"to"`
	}
	var list []moved
	for i := range d.s.Clocks {
		k := &d.s.Clocks[i]
		if !k.Working || k.State != "RUNNING" || k.DueAt == nil || k.BudgetS < k.UsedS {
			continue // an overdue clock that was resumed keeps its due (wind)
		}
		old := *k.DueAt
		if due := d.w.Calendar.AddSeconds(k.StartedAt, k.BudgetS-k.UsedS, true); due.Equal(old) {
			continue
		}
		d.wind(k)
		d.follows(k)
		list = append(list, moved{k.ID, k.Kind, k.Unit, old.UTC().Format(factTime), k.DueAt.UTC().Format(factTime)})
	}
	changed := d.moveReturnWindow()
	if len(list) == 0 && !changed {
		return errUnchanged
	}
	d.event(a, as, ActRecompute, None, data{"clocks": list, "return_window": changed}, nil)
	return nil
}

// moveReturnWindow measures the RETURN window of an open lead again. A raised priority (P1, P2) has a natural window, which
// no calendar moves.
func (d *draft) moveReturnWindow() bool {
	i := d.leadIndex()
	if i < 0 || d.s.Assignments[i].ReturnUntil == nil {
		return false
	}
	b, ok := d.w.budget(ClockReturn, d.s.Case.Priority)
	x := &d.s.Assignments[i]
	if !ok || !b.Working() {
		return false
	}
	until := d.w.Calendar.Add(x.ReceivedAt, b)
	if until.Equal(*x.ReturnUntil) {
		return false
	}
	x.ReturnUntil = &until
	d.touch(&d.dirty.assignments, x.ID)
	return true
}

var errUnchanged = fault.Conflict("UNCHANGED", "时限没有变化")

// recomputeBatch is how many cases one step works off; secondPass is when it looks again for clocks that a process with the
// old calendar started meanwhile (a process loads changed configuration within a second).
const (
	recomputeBatch = 100
	secondPass     = time.Minute
)

// Recompute works off one step of the oldest calendar change and returns the number of jobs moved on, 0 when there is none.
// Whatever kills it, another engine goes on after the last finished step; a case done twice is not changed twice.
func (p *Planner) Recompute(ctx context.Context) (n int, err error) {
	err = pgx.BeginFunc(ctx, p.db.Pool, func(tx pgx.Tx) error {
		var district string
		var id uuid.UUID
		var after *uuid.UUID
		var pass int
		err := tx.QueryRow(ctx, "select district, id, after, pass from calendar_change where next_at <= yx_now() order by next_at, id limit 1 for update skip locked").Scan(&district, &id, &after, &pass)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := p.desk.worlds.Load(ctx); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `select distinct k.case_id from sla_clock k where k.district = $1 and k.working and k.state = 'RUNNING' and ($2::uuid is null or k.case_id > $2) order by k.case_id limit $3`, district, after, recomputeBatch)
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return err
		}
		changed := 0
		for _, caseID := range ids {
			done, err := p.system(ctx, district, caseID, Command{Action: ActRecompute})
			if err != nil {
				return fmt.Errorf("recompute case %s: %w", caseID, err)
			}
			if done {
				changed++
			}
		}
		n = 1
		switch {
		case len(ids) == recomputeBatch:
			_, err = tx.Exec(ctx, "update calendar_change set after = $3, recomputed = recomputed + $4 where district = $1 and id = $2", district, id, ids[len(ids)-1], changed)
		case pass == 0:
			_, err = tx.Exec(ctx, "update calendar_change set after = null, pass = 1, recomputed = recomputed + $3, next_at = yx_now() + $4 where district = $1 and id = $2", district, id, changed, secondPass)
		default:
			_, err = tx.Exec(ctx, "update calendar_change set next_at = null, done_at = yx_now(), recomputed = recomputed + $3 where district = $1 and id = $2", district, id, changed)
		}
		return err
	})
	return n, pg.Fault(err)
}

// system is a command of the program itself, in the course of its own work: false when the case refuses it, which is an
// answer. Somebody who moves the case at the same moment is waited for.
func (p *Planner) system(ctx context.Context, district string, caseID uuid.UUID, cmd Command) (bool, error) {
	for range 8 {
		_, err := p.desk.Do(ctx, auth.SystemActor(district, time.Time{}), caseID, cmd, nil)
		refusal, isFault := fault.As(err)
		switch {
		case err == nil:
			return true, nil
		case isFault && refusal.Code == "STALE":
			continue
		case isFault && refusal.Status < 500:
			return false, nil
		}
		return false, err
	}
	return false, fault.Unavailable(errRestless)
}

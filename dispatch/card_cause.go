package dispatch

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/notify"
)

// The bounds that make a card (domain 4b) and a systemic problem (1.1 C28).
const (
	lateCheckins     = 3
	unfoundedReturns = 3
	noCheckinAfter   = 24 * time.Hour
	systemicCount    = 5
	systemicDays     = 30
)

// judge looks at what a batch of events means for units: card candidates and systemic problems. It writes in the transaction
// that settles the batch, and of all planners one works at a time: whatever dies, each cause makes one card.
func (p *Planner) judge(ctx context.Context, tx pgx.Tx, batch []*happening) error {
	for _, h := range batch {
		if h.failed != nil || h.view == nil || h.view.Case.Drill {
			continue
		}
		w := p.desk.worlds.Get(h.district)
		if w == nil {
			continue
		}
		if err := p.judgeOne(ctx, tx, w, h); err != nil {
			return fmt.Errorf("cards of case %s, event %d: %w", h.caseID, h.seq, err)
		}
	}
	return nil
}

func (p *Planner) judgeOne(ctx context.Context, tx pgx.Tx, w *World, h *happening) error {
	d, unit := &h.data, h.data.Unit
	card := func(kind, unit, cause string, count int) error {
		return p.candidate(ctx, tx, w, kind, unit, cause, &h.caseID, count, h.event.At)
	}
	switch {
	case h.event.Action == ActClockDue && ClockKind(d.Kind) == ClockHandle && d.level() == 150 && unit != "":
		return card("HANDLE_150", unit, "handle:"+d.Clock.String(), 0)
	case h.event.Action == ActClockDue && ClockKind(d.Kind) == ClockCheckin && d.level() == 100:
		_, err := tx.Exec(ctx, `insert into card_watch (district, target_id, case_id, next_at) select t.district, t.id, t.case_id, t.checkin_due + $3::interval from sla_clock k
			join call_target t on t.district = k.district and t.id = k.owner_id join call c on c.district = t.district and c.id = t.call_id
			where k.district = $1 and k.id = $2 and c.level in ('L2','L3') and t.checked_in_at is null on conflict do nothing`, h.district, d.Clock, noCheckinAfter)
		return err
	case h.event.Action == ActCheckIn && d.Late:
		from, to, name := w.month(h.event.At)
		var n int
		err := tx.QueryRow(ctx, `select count(*) from call_target t join cases c on c.district = t.district and c.id = t.case_id where t.district = $1 and t.unit = $2 and t.late and not t.withdrawn and not c.drill
			and t.checked_in_at >= $3 and t.checked_in_at < $4`, h.district, unit, from, to).Scan(&n)
		if err != nil || n < lateCheckins {
			return err
		}
		return card("LATE_CHECKINS", unit, "late:"+unit+":"+name, n)
	case h.event.Action == ActArbitrate:
		return p.unfounded(ctx, tx, w, h)
	case h.event.Action == ActCheckFail && d.Fraud:
		return card("FALSE_RESULT", unit, fmt.Sprintf("false:%s:%d", h.caseID, h.seq), 0)
	case h.event.Action == ActFile:
		return p.systemic(ctx, tx, w, h)
	}
	return nil
}

// unfounded counts, for every return of the case that was judged UNFOUNDED, its unit's of the month in which it returned.
func (p *Planner) unfounded(ctx context.Context, tx pgx.Tx, w *World, h *happening) error {
	type returned struct {
		Unit string
		At   time.Time
	}
	rows, err := tx.Query(ctx, "select unit, at from case_return where district = $1 and case_id = $2 and verdict = 'UNFOUNDED' order by at", h.district, h.caseID)
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[returned])
	if err != nil {
		return err
	}
	for _, r := range list {
		from, to, name := w.month(r.At)
		var n int
		if err := tx.QueryRow(ctx, `select count(*) from case_return r join cases c on c.district = r.district and c.id = r.case_id where r.district = $1 and r.unit = $2 and r.verdict = 'UNFOUNDED' and not c.drill
			and r.at >= $3 and r.at < $4`, h.district, r.Unit, from, to).Scan(&n); err != nil {
			return err
		}
		if n < unfoundedReturns {
			continue
		}
		if err := p.candidate(ctx, tx, w, "UNFOUNDED_RETURNS", r.Unit, "unfounded:"+r.Unit+":"+name, &h.caseID, n, h.event.At); err != nil {
			return err
		}
	}
	return nil
}

// month is the calendar month of an instant, local: [from, to) and its name, 2026-06.
func (w *World) month(at time.Time) (from, to time.Time, name string) {
	local := at.In(w.Calendar.Location())
	from = time.Date(local.Year(), local.Month(), 1, 0, 0, 0, 0, local.Location())
	return from, from.AddDate(0, 1, 0), local.Format("2006-01")
}

// candidate proposes a card once for its cause and tells it.
func (p *Planner) candidate(ctx context.Context, tx pgx.Tx, w *World, kind, unit, cause string, caseID *uuid.UUID, count int, at time.Time) error {
	system := auth.SystemActor(w.District, at)
	c, e := w.propose(kind, unit, cause, "", caseID, count, system, at)
	c.Rung = 1 // told here, in the same transaction
	fresh, err := putCard(ctx, tx, system, c, &e, Once{})
	if err != nil || !fresh {
		return err
	}
	event, said := (&Card{Head: c.Head}).news()
	return p.tellCard(ctx, tx, w, c, event, said)
}

// systemic finds that a problem keeps coming back: once for grid, matter and window of 30 days.
func (p *Planner) systemic(ctx context.Context, tx pgx.Tx, w *World, h *happening) error {
	c := &h.view.Case
	id := uuid.Must(uuid.NewV7())
	var n int
	err := tx.QueryRow(ctx, `with n as (select count(*) as n from cases c where c.district = $1 and c.grid_code = $2 and c.matter = $3 and not c.drill and c.state not in ('REJECTED','MERGED','VOIDED')
			and c.created_at > $4::timestamptz - make_interval(days => $5) and c.created_at <= $4),
		x as (insert into systemic_problem (district, grid_code, matter, found_at, id, street_unit, count, case_id) select $1, $2, $3, $4, $6, $7, n.n, $8 from n
			where n.n >= $9 and not exists (select from systemic_problem s where s.district = $1 and s.grid_code = $2 and s.matter = $3 and s.found_at > $4::timestamptz - make_interval(days => $5))
			on conflict do nothing returning count) select coalesce(max(count), 0) from x`, h.district, c.GridCode, c.Matter, h.event.At, systemicDays, id, c.OwnerUnit, h.caseID, systemicCount).Scan(&n)
	if err != nil || n == 0 {
		return err
	}
	place := c.GridCode
	if at, ok := w.Grid(c.GridCode); ok {
		place = at.GridName
	}
	values := map[string]string{"matter": orElse(w.MatterName(c.Matter), c.Matter), "place": place, "count": itoa(n)}
	staff, err := officers(ctx, tx, h.district, []string{c.OwnerUnit}, nil)
	if err != nil {
		return err
	}
	var drafts []notify.Draft
	for i := range staff {
		drafts = append(drafts, p.draftTo(h.district, id, "systemic_problem", "street", notify.App, &staff[i], values, nil, false))
	}
	return p.post.Enqueue(ctx, tx, drafts)
}

package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/pg"
	"yixian/notify"
)

// MissedVisits notes one visit that nobody made within the day after its due, tells the community and the street, and plans the next one.
// It returns 0 when nothing is missed.
func (p *Planner) MissedVisits(ctx context.Context) (n int, err error) {
	err = pgx.BeginFunc(ctx, p.db.Pool, func(tx pgx.Tx) error {
		var district string
		var v VisitPlan
		var now time.Time
		err := tx.QueryRow(ctx, "select v.district, to_jsonb(v), yx_now() from visit_plan v where v.next_at <= yx_now() order by v.next_at, v.id limit 1 for update skip locked").Scan(&district, &v, &now)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		w := p.desk.worlds.Get(district)
		if w == nil {
			return errors.New("no configuration of the district")
		}
		id := uuid.NewSHA1(v.ID, []byte(v.DueAt.UTC().Format(time.RFC3339Nano)))
		if _, err := tx.Exec(ctx, "insert into visit (district, id, plan_id, due_at, outcome, at) values ($1, $2, $3, $4, 'MISSED', yx_now()) on conflict do nothing", district, id, v.ID, v.DueAt); err != nil {
			return err
		}
		next := v.DueAt
		for !next.Add(visitGrace).After(now) { // after an outage the missed one is told once
			next = next.AddDate(0, 0, v.EveryDays)
		}
		if _, err := tx.Exec(ctx, "update visit_plan set due_at = $3, next_at = $4, last_outcome = 'MISSED', last_at = yx_now(), version = version + 1 where district = $1 and id = $2", district, v.ID, next, next.Add(visitGrace)); err != nil {
			return err
		}
		n = 1
		staff, err := officers(ctx, tx, district, []string{w.UnitOf(v.Community), w.UnitOf(v.Street)}, []string{})
		if err != nil {
			return err
		}
		place := "本区"
		if at, ok := w.Grid(v.Grid); ok {
			place = at.StreetName + at.CommunityName // neither name nor address
		}
		told := map[uuid.UUID]bool{}
		var drafts []notify.Draft
		for i := range staff {
			if m := &staff[i]; !told[m.ID] {
				told[m.ID] = true
				drafts = append(drafts, p.draftTo(district, id, "visit_missed", "unit", notify.App, m, map[string]string{"place": place, "due": instant(&v.DueAt)}, nil, false))
			}
		}
		return p.post.Enqueue(ctx, tx, drafts)
	})
	return n, pg.Fault(err)
}

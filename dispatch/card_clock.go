package dispatch

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/pg"
	"yixian/notify"
)

// Offices moves on what is due and is no case's clock: a calendar change, an incident, a card, a visit, a reward that
// nobody fetched, a digest. It returns how many, 0 when
// nothing is due. What fails does not keep the others from theirs.
func (p *Planner) Offices(ctx context.Context) (n int, err error) {
	var errs []error
	for _, step := range []func(context.Context) (int, error){p.Recompute, p.Incidents, p.Cards, p.MissedVisits, p.ExpiredRewards, p.Digests} {
		done, err := step(ctx)
		n, errs = n+done, append(errs, err)
	}
	return n, errors.Join(errs...)
}

// Cards moves on one card or one watched target whose time has come and returns how many, 0 when nothing is due.
func (p *Planner) Cards(ctx context.Context) (n int, err error) {
	for _, step := range []func(context.Context, pgx.Tx) (int, error){p.watched, p.ringCard} {
		err = pgx.BeginFunc(ctx, p.db.Pool, func(tx pgx.Tx) (err error) {
			n, err = step(ctx, tx)
			return err
		})
		if err != nil || n > 0 {
			return n, pg.Fault(err)
		}
	}
	return 0, nil
}

// watched looks, 24 natural hours after the CHECKIN due of an L2 or L3 call, whether the unit has come. A clock that waits
// (the case is suspended or to be checked) is looked at again a day later: who need not come is not punished for it.
func (p *Planner) watched(ctx context.Context, tx pgx.Tx) (int, error) {
	var district, unit, level string
	var target, caseID uuid.UUID
	var due, now time.Time
	var there, over, drill bool
	var state *string
	err := tx.QueryRow(ctx, `select w.district, w.target_id, w.case_id, t.unit, c.level, t.checkin_due, t.checked_in_at is not null, t.withdrawn or t.released or c.state in ('WITHDRAWN','DONE'), s.drill, k.state, yx_now() from card_watch w
		join call_target t on t.district = w.district and t.id = w.target_id join call c on c.district = t.district and c.id = t.call_id join cases s on s.district = w.district and s.id = w.case_id
		left join sla_clock k on k.district = t.district and k.case_id = t.case_id and k.owner_id = t.id and k.kind = 'CHECKIN'
		where w.next_at <= yx_now() order by w.next_at limit 1 for update of w skip locked`).Scan(&district, &target, &caseID, &unit, &level, &due, &there, &over, &drill, &state, &now)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	next := due.Add(noCheckinAfter)
	waits := state != nil && *state == "PAUSED"
	if waits {
		next = later(next, now.Add(noCheckinAfter))
	}
	if !there && !over && !drill && (waits || next.After(now)) {
		_, err = tx.Exec(ctx, "update card_watch set next_at = $3 where district = $1 and target_id = $2", district, target, next)
		return 1, err
	}
	if _, err := tx.Exec(ctx, "delete from card_watch where district = $1 and target_id = $2", district, target); err != nil {
		return 0, err
	}
	w := p.desk.worlds.Get(district)
	if there || over || drill || state == nil || *state != "RUNNING" || w == nil {
		return 1, nil
	}
	return 1, p.candidate(ctx, tx, w, "NO_CHECKIN", unit, "nocheckin:"+target.String(), &caseID, 0, now)
}

// ringCard tells what happened to a card since it was last told (rung is the act of its chain that was), reminds of a
// candidate after two working days and says after three that it is late.
func (p *Planner) ringCard(ctx context.Context, tx pgx.Tx) (int, error) {
	var c Card
	var now time.Time
	err := tx.QueryRow(ctx, "select to_jsonb(c), yx_now() from card c where c.next_at <= yx_now() order by c.next_at, c.id limit 1 for update skip locked").Scan(&c, &now)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	w := p.desk.worlds.Get(c.District)
	if w == nil {
		return 0, errors.New("no configuration of the district")
	}
	event, said := c.news()
	remind := w.Calendar.Add(c.CreatedAt, remindAfter)
	var next *time.Time
	if c.State == CardCandidate {
		switch {
		case now.Before(remind):
			next = &remind
		case now.Before(c.DecideBy):
			if next = &c.DecideBy; event == "" {
				event, said = "card_reminder", 2
			}
		case event == "":
			event, said = "card_overdue", 3
		}
	}
	if event != "" {
		if err := p.tellCard(ctx, tx, w, &c, event, said); err != nil {
			return 0, err
		}
	}
	_, err = tx.Exec(ctx, "update card set rung = $3, next_at = $4 where district = $1 and id = $2", c.District, c.ID, c.HeadSeq, next)
	return 1, err
}

// news is the last act on a card that was not told yet; "" when there is none. said tells the messages of one card apart:
// 2 and 3 are those of the clock.
func (c *Card) news() (event string, said int) {
	said = 10 + int(c.HeadSeq)
	switch {
	case c.HeadSeq <= int64(c.Rung):
		return "", 0
	case c.State == CardWaived:
		return "card_waived", said
	case c.ObjectedAt != nil && c.AnsweredAt == nil:
		return "card_objected", said
	case c.ObjectedAt != nil && c.DecidedAt == nil, c.ObjectedAt != nil && c.AnsweredAt.After(*c.DecidedAt):
		return "card_upheld", said
	case c.State == CardConfirmed:
		return "card_confirmed", said
	}
	return "card_candidate", said
}

// tellCard tells the unit and its leader, the street of the case, the centre and the supervisors (domain 4e).
func (p *Planner) tellCard(ctx context.Context, tx pgx.Tx, w *World, c *Card, event string, said int) error {
	offices := []string{string(auth.RoleSupervisor)}
	units := []string{c.Unit}
	street := ""
	switch event {
	case "card_candidate", "card_confirmed":
		offices = append(offices, string(auth.RoleDispatcher))
		if c.CaseID != nil {
			if err := tx.QueryRow(ctx, "select coalesce((select owner_unit from cases where district = $1 and id = $2), '')", c.District, c.CaseID).Scan(&street); err != nil {
				return err
			}
			units = append(units, street)
		}
	case "card_reminder", "card_overdue", "card_objected": // the supervisors' own business
		units = nil
	}
	staff, err := officers(ctx, tx, c.District, units, offices)
	if err != nil {
		return err
	}
	values := map[string]string{"unit": w.UnitName(c.Unit), "card": CardText(c.Color, "zh"), "reason": CardText(c.Kind, "zh"), "due": instant(&c.DecideBy)}
	id := uuid.NewSHA1(c.ID, []byte{byte(said)})
	told := map[string]bool{}
	var drafts []notify.Draft
	for i := range staff {
		m := &staff[i]
		audience, channels := "unit", []string{notify.App, notify.SMS}
		switch {
		case m.Role == auth.RoleSupervisor, m.Role == auth.RoleDispatcher:
			audience, channels = "office", channels[:1]
		case m.Unit == street && street != c.Unit:
			audience, channels = "street", channels[:1]
		case event == "card_waived", event == "card_upheld":
			channels = channels[:1]
		case slices.Contains(leaderRoles, m.Role):
			channels = []string{notify.SMS, notify.App}
		}
		for _, channel := range channels {
			if key := m.ID.String() + channel; !told[key] {
				told[key] = true
				drafts = append(drafts, p.draftTo(c.District, id, event, audience, channel, m, values, c.CaseID, false))
			}
		}
	}
	return p.post.Enqueue(ctx, tx, drafts)
}

// officers are the people of some units, grid workers left out, and the holders of some roles of a district.
func officers(ctx context.Context, tx pgx.Tx, district string, units, roles []string) ([]member, error) {
	rows, err := tx.Query(ctx, `select a.id, a.phone_enc, b.role, b.unit from role_binding b join account a on a.district = b.district and a.id = b.account_id
		where b.district = $1 and a.disabled_at is null and ((b.unit = any($2) and b.role <> 'GRID_WORKER' and b.unit <> '') or b.role = any($3)) order by a.created_at, a.id`, district, units, roles)
	if err != nil {
		return nil, err
	}
	var out []member
	var m member
	_, err = pgx.ForEachRow(rows, []any{&m.ID, &m.PhoneEnc, &m.Role, &m.Unit}, func() error {
		out = append(out, m)
		m.PhoneEnc = nil
		return nil
	})
	return out, err
}

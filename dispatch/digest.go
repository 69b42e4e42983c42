package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/notify"
)

const (
	// digestBatch people are told in one transaction.
	digestBatch = 50
	// digestMost is how many tasks are counted; more are told as "200+".
	digestMost = 200
	// digestLate is how long after its hour a digest is still worth telling: after a longer outage the next one is soon enough.
	digestLate = 6 * time.Hour
)

// digestDueSQL is when the next digest is due; digestNewSQL finds districts that have none planned yet.
const (
	digestDueSQL = "(select min(next_at) from digest_due)"
	digestNewSQL = "exists (select from tenant t where not exists (select from digest_due d where d.district = t.district))"
)

// Digests tells the people of one district what waits for them (domain 4e "daily digest"), some of them at a time, and returns
// how many it looked at, 0 when nothing is due. It counts what Tasks lists, so that the number is the length of the list
// behind it. Who has nothing to do is not disturbed; leaders are told on Mondays. What was told is not told again: one
// message for a person and a day.
func (p *Planner) Digests(ctx context.Context) (n int, err error) {
	err = pgx.BeginFunc(ctx, p.db.Pool, func(tx pgx.Tx) error {
		if n, err = p.planDigests(ctx, tx); err != nil || n > 0 {
			return err
		}
		var district string
		var due, now time.Time
		var after *uuid.UUID
		err := tx.QueryRow(ctx, "select district, next_at, after, yx_now() from digest_due where next_at <= yx_now() and district = any($1) order by next_at, district limit 1 for update skip locked", p.districts()).
			Scan(&district, &due, &after, &now)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		pols, _, err := p.post.Policies(ctx, tx, district)
		if err != nil {
			return err
		}
		w := p.desk.worlds.Get(district)
		if w == nil {
			return errors.New("no configuration of the district")
		}
		n = 1
		var people []digestPerson
		if now.Sub(due) < digestLate {
			news, err := bulletins(ctx, tx, district, now)
			if err != nil {
				return err
			}
			if people, err = digestPeople(ctx, tx, district, after, len(news) > 0); err != nil {
				return err
			}
			if err := p.digest(ctx, tx, w, pols[district], people, news, due, now); err != nil {
				return err
			}
		}
		if len(people) == digestBatch {
			_, err = tx.Exec(ctx, "update digest_due set after = $2 where district = $1", district, people[digestBatch-1].Account)
			return err
		}
		_, err = tx.Exec(ctx, "update digest_due set next_at = $2, after = null where district = $1", district, digestAfter(w, pols[district], now))
		return err
	})
	return n, err
}

// districts are those whose configuration is loaded.
func (p *Planner) districts() []string {
	var out []string
	for _, t := range p.desk.worlds.Tenants() {
		out = append(out, t.District)
	}
	return out
}

// planDigests gives districts without a plan their next hour.
func (p *Planner) planDigests(ctx context.Context, tx pgx.Tx) (n int, err error) {
	var missing []string
	if err := scalars(ctx, tx, &missing, "select t.district from tenant t where t.district = any($1) and not exists (select from digest_due d where d.district = t.district)", p.districts()); err != nil || len(missing) == 0 {
		return 0, err
	}
	pols, now, err := p.post.Policies(ctx, tx, missing...)
	if err != nil {
		return 0, err
	}
	for _, d := range missing {
		w := p.desk.worlds.Get(d)
		if w == nil {
			continue
		}
		if _, err := tx.Exec(ctx, "insert into digest_due (district, next_at) values ($1, $2) on conflict do nothing", d, digestAfter(w, pols[d], now)); err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// digestAfter is the first digest hour after an instant: the district's local time, every day, because duty knows no weekend.
func digestAfter(w *World, pol *notify.Policy, now time.Time) time.Time {
	local := now.In(w.Calendar.Location())
	at := time.Date(local.Year(), local.Month(), local.Day(), pol.DigestAt/60, pol.DigestAt%60, 0, 0, local.Location())
	if !at.After(now) {
		at = at.AddDate(0, 0, 1)
	}
	return at
}

// digestPerson is one of the staff with all that he is.
type digestPerson struct {
	Account  uuid.UUID
	Phone    []byte
	Bindings []auth.Binding
}

// digestPeopleSQL reads the next people whom something may wait for: of units and grids with a case that is at work, of the
// district's desks, and — when a month came out ($5) — leaders.
const digestPeopleSQL = `with busy as materialized (select c.id, c.grid_code, array[c.lead_unit, c.owner_unit, c.check_unit] as units from cases c where c.district = $1 and c.state = any($4)),
	at as (select array(select distinct u from busy, unnest(units) u where u <> '' union select p.unit from case_party p join busy on busy.id = p.case_id where p.district = $1) as units, array(select distinct grid_code from busy) as grids)
select a.id, a.phone_enc, (select jsonb_agg(jsonb_build_object('role', b.role, 'unit', b.unit, 'grids', b.grids) order by b.role, b.unit) from role_binding b where b.district = a.district and b.account_id = a.id)
from account a, at where a.district = $1 and ($2::uuid is null or a.id > $2) and a.disabled_at is null and a.kind = 'STAFF'
	and exists (select from role_binding b where b.district = a.district and b.account_id = a.id and (b.unit = any(at.units) or b.grids && at.grids or b.role = any($5)))
order by a.id limit $3`

func digestPeople(ctx context.Context, tx pgx.Tx, district string, after *uuid.UUID, news bool) ([]digestPerson, error) {
	always := slices.Clone(officeRoles)
	if news {
		always = append(always, leaderRoles...)
	}
	rows, err := tx.Query(ctx, digestPeopleSQL, district, after, digestBatch, Active, always)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[digestPerson])
}

// audience is as what a person is told of his tasks, and the unit that he is told for; "" when he is told of none.
func (d *digestPerson) audience(monday bool) (audience, unit string) {
	for _, b := range d.Bindings {
		switch {
		case b.Role == auth.RoleGridWorker:
			return "worker", b.Unit
		case slices.Contains(officerRoles, b.Role):
			return "unit", b.Unit
		case slices.Contains(leaderRoles, b.Role):
			if monday {
				return "leader", b.Unit
			}
		case slices.Contains(officeRoles, b.Role):
			return "office", b.Unit
		}
	}
	return "", ""
}

// officeRoles are the district's own desks with tasks.
var officeRoles = []auth.Role{auth.RoleDispatcher, auth.RoleSupervisor, auth.RoleArbitrator, auth.RoleCallback}

// digest writes the messages of some people: their day, and the month that was frozen lately.
func (p *Planner) digest(ctx context.Context, tx pgx.Tx, w *World, pol *notify.Policy, people []digestPerson, news []monthNews, due, now time.Time) error {
	day := due.In(w.Calendar.Location())
	end := time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, day.Location())
	var drafts []notify.Draft
	for i := range people {
		d := &people[i]
		if audience, unit := d.audience(day.Weekday() == time.Monday); audience != "" {
			values, err := p.workload(ctx, w.District, d, end, now)
			if err != nil {
				return fmt.Errorf("digest: %w", err)
			}
			if values != nil {
				values["unit"] = orElse(w.UnitName(unit), w.Name)
				id := uuid.NewSHA1(d.Account, []byte("digest "+day.Format(time.DateOnly)))
				drafts = append(drafts, p.digestDrafts(w, pol, id, "digest", audience, d, unit, values)...)
			}
		}
		drafts = append(drafts, p.bulletin(w, pol, d, news)...)
	}
	return p.post.Enqueue(ctx, tx, drafts)
}

// workload counts what Tasks would list for a person; nil: nothing. end is the end of the local day.
func (p *Planner) workload(ctx context.Context, district string, d *digestPerson, end, now time.Time) (map[string]string, error) {
	a := auth.Actor{District: district, Account: d.Account, Kind: auth.Staff, Bindings: d.Bindings, Now: now}
	tasks, next, _, err := p.desk.Tasks(ctx, a, digestMost, "")
	if err != nil || len(tasks) == 0 {
		return nil, err
	}
	var today, over int
	for i := range tasks {
		switch due := tasks[i].Due; {
		case due == nil:
		case due.Before(now):
			over++
		case due.Before(end):
			today++
		}
	}
	count := strconv.Itoa(len(tasks))
	if next != "" {
		count += "+"
	}
	return map[string]string{"count": count, "today": strconv.Itoa(today), "overdue": strconv.Itoa(over)}, nil
}

func (p *Planner) digestDrafts(w *World, pol *notify.Policy, id uuid.UUID, event, audience string, d *digestPerson, unit string, values map[string]string) []notify.Draft {
	var out []notify.Draft
	m := member{ID: d.Account, PhoneEnc: d.Phone, Unit: unit}
	for _, way := range pol.Ways(event, audience, nil) {
		out = append(out, p.draftTo(w.District, id, event, audience, way.Channel, &m, values, nil, false))
	}
	return out
}

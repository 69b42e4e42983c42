package dispatch

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// CrewMember is one of a unit's people with what lies on them: open duties that were given to them or that they
// signed, and calls that they answered and have not yet come to.
type CrewMember struct {
	Account   uuid.UUID
	Username  string
	Name      string
	Roles     []string
	OnDuty    bool
	Until     *time.Time // of the duty that runs
	Duties    int
	Calls     int
	NextDue   *time.Time // of their open duties
	HasPhone  bool
	phoneSeal []byte
}

// crewSQL: $1 district, $2 unit. A night begins on the day before.
const crewSQL = `with n as (select yx_now() as now), people as (
  select w.id, w.username, w.display_name, w.phone_enc, array_agg(distinct b.role order by b.role) as roles from role_binding b join account w on w.district = b.district and w.id = b.account_id
  where b.district = $1 and b.unit = $2 and w.kind = 'STAFF' and w.disabled_at is null group by 1, 2, 3, 4),
on_duty as (select s.account_id, max((d.day + make_interval(mins => s.to_min))::timestamptz) as until from n, duty_shift s join lateral (select (n.now::date - x) as day from generate_series(0, 1) x) d
    on s.day = d.day or s.weekday = extract(isodow from d.day) and d.day >= s.valid_from and (s.valid_to is null or d.day <= s.valid_to) and not exists (select from duty_shift o where o.district = s.district and o.unit = s.unit and o.day = d.day)
  where s.district = $1 and s.unit = $2 and (d.day + make_interval(mins => s.from_min))::timestamptz <= n.now and (d.day + make_interval(mins => s.to_min))::timestamptz > n.now group by 1),
duties as (select coalesce(a.handler, a.signed_by) as id, count(*) as n, min(a.due_at) as due from assignment a where a.district = $1 and a.unit = $2 and a.state in ('OPEN','SIGNED') and coalesce(a.handler, a.signed_by) is not null group by 1),
calls as (select t.acked_by as id, count(*) as n from call_target t join call q on q.district = t.district and q.id = t.call_id
  where t.district = $1 and t.unit = $2 and t.acked_by is not null and t.checked_in_at is null and not t.withdrawn and not t.released and q.state in ('OPEN','ONSITE') group by 1)
select p.id, coalesce(p.username, ''), p.display_name, p.roles, o.account_id is not null, o.until, coalesce(u.n, 0)::int, coalesce(k.n, 0)::int, u.due, p.phone_enc
from people p left join on_duty o on o.account_id = p.id left join duties u on u.id = p.id left join calls k on k.id = p.id order by o.account_id is null, p.username`

// Crew are a unit's people, those on duty first, each with their load: one query. For the unit itself and for who sees the whole
// district; any other unit is 404.
func (k *Desk) Crew(ctx context.Context, a auth.Actor, unit string) ([]CrewMember, error) {
	if err := k.ownUnit(a, unit); err != nil {
		return nil, err
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), crewSQL, a.District, unit)
	if err != nil {
		return nil, pg.Fault(err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (m CrewMember, err error) {
		err = row.Scan(&m.Account, &m.Username, &m.Name, &m.Roles, &m.OnDuty, &m.Until, &m.Duties, &m.Calls, &m.NextDue, &m.phoneSeal)
		m.HasPhone = len(m.phoneSeal) > 0
		return m, err
	})
	return list, pg.Fault(err)
}

func (k *Desk) ownUnit(a auth.Actor, unit string) error {
	if w := k.worlds.Get(a.District); w == nil || w.Units[unit].Code == "" {
		return fault.NotFound()
	}
	if slices.Contains(a.Units(), unit) {
		return nil
	}
	if wholeDistrict(a) && !a.SeesNoCase() {
		return nil
	}
	return fault.NotFound()
}

package grid

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Duty is one person's duty for a unit from an instant until, but not at, another.
type Duty struct {
	District, Unit string
	Account        uuid.UUID
	Name           string
	From, Until    time.Time
}

// onDutySQL: $1 districts, $2 units, $3 and $4 the first and last instant that are asked for. A night begins on the day
// before. The session's zone is the people's.
const onDutySQL = `with days as (select d::date as day from generate_series(($3::timestamptz)::date - 1, ($4::timestamptz)::date, interval '1 day') d)
select s.district, s.unit, s.account_id, w.display_name, (d.day + make_interval(mins => s.from_min))::timestamptz, (d.day + make_interval(mins => s.to_min))::timestamptz
from duty_shift s join days d on s.day = d.day or s.weekday = extract(isodow from d.day) and d.day >= s.valid_from and (s.valid_to is null or d.day <= s.valid_to)
  and not exists (select from duty_shift o where o.district = s.district and o.unit = s.unit and o.day = d.day)
  join account w on w.district = s.district and w.id = s.account_id and w.disabled_at is null
where s.district = any($1) and s.unit = any($2)
  and (d.day + make_interval(mins => s.from_min))::timestamptz <= $4 and (d.day + make_interval(mins => s.to_min))::timestamptz > $3
order by 1, 2, 5, 3`

// OnDuty lists who of the units is on duty at some instant between from and to (both included; equal for one instant): one
// query. A unit without a roster, or with nobody on it then, has no row.
func OnDuty(ctx context.Context, q querier, districts, units []string, from, to time.Time) ([]Duty, error) {
	rows, err := q.Query(ctx, onDutySQL, districts, units, from, to)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Duty])
}

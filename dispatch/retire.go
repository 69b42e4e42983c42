package dispatch

import (
	"context"

	"github.com/jackc/pgx/v5"

	"yixian/grid"
)

// unitWorkSQL is what of the cases and of the rules holds a unit: $1 district, $2 units, $3 states of open cases. A rule
// names a unit as a value of its conditions or as the outcome unit:<code>.
const unitWorkSQL = `select k.unit, x.kind, x.n, x.items from unnest($2::text[]) k(unit) cross join lateral (
  select 'ASSIGNMENT' as kind, count(*) as n, (array_agg(coalesce(c.case_no, c.id::text) order by a.due_at))[1:20] as items from assignment a join cases c on c.district = a.district and c.id = a.case_id
    where a.district = $1 and a.unit = k.unit and a.state in ('OPEN','SIGNED')
  union all select 'CALL', count(*), (array_agg(coalesce(c.case_no, c.id::text) order by t.ack_due))[1:20] from call_target t join call l on l.district = t.district and l.id = t.call_id join cases c on c.district = t.district and c.id = t.case_id
    where t.district = $1 and t.unit = k.unit and l.state in ('OPEN','ONSITE') and not t.withdrawn and not t.released and t.checked_in_at is null
  union all select 'REQUEST', count(*), (array_agg(coalesce(c.case_no, c.id::text) order by q.created_at))[1:20] from case_request q join cases c on c.district = q.district and c.id = q.case_id
    where q.district = $1 and q.unit = k.unit and q.state = 'PENDING'
  union all select 'CHECK', count(*), (array_agg(coalesce(c.case_no, c.id::text) order by c.due_at))[1:20] from cases c where c.district = $1 and c.check_unit = k.unit and c.state = 'RESOLVED'
  union all select 'TERRITORY', count(*), (array_agg(coalesce(c.case_no, c.id::text) order by c.due_at))[1:20] from cases c where c.district = $1 and c.owner_unit = k.unit and c.state = any($3)
  union all select 'RULE', count(*), (array_agg(r.id order by r.id))[1:20] from (
      select id, body from rule where district = $1 and status <> 'OFF'
      union all select w.id, w.body from rule_row w join rule_set s on s.district = w.district and s.version = w.set_version where w.district = $1 and s.status in ('PUBLISHED','DRAFT') and w.status <> 'OFF') r
    where jsonb_path_exists(r.body, '$.** ? (@ == $code || @ == $lead)', jsonb_build_object('code', k.unit, 'lead', 'unit:' || k.unit))
  union all select 'CATALOG', count(*), (array_agg(i.code order by i.code))[1:20] from catalog_item i
    where i.district = $1 and i.active and jsonb_path_exists(i.body, '$.** ? (@ == $lead)', jsonb_build_object('lead', 'unit:' || k.unit))
) x where x.n > 0 order by 1, 2`

// UnitWork lists the open work and the rules that hold units, for whoever retires one (grid.NewOffice).
func UnitWork(ctx context.Context, tx pgx.Tx, district string, units []string) (map[string][]grid.Blocker, error) {
	rows, err := tx.Query(ctx, unitWorkSQL, district, units, Active)
	if err != nil {
		return nil, err
	}
	out := map[string][]grid.Blocker{}
	var unit string
	var b grid.Blocker
	_, err = pgx.ForEachRow(rows, []any{&unit, &b.Kind, &b.Count, &b.Items}, func() error {
		out[unit] = append(out[unit], b)
		b.Items = nil
		return nil
	})
	return out, err
}

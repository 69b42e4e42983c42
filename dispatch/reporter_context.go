package dispatch

import (
	"context"

	"yixian/internal/pg"
)

// ReporterContext is what else the reporters of a case have sent within ContextDays, as numbers: other cases, how many of them are at
// work, and how many were looked at and found untrue. It names nobody.
type ReporterContext struct{ Cases, Open, Untrue int }

// ContextDays is how far ReporterContext looks back.
const ContextDays = 90

// A reporter is known by the blind index of the phone; the vault's row has the report's id. Anonymous reports belong to nobody.
const reporterContextSQL = `with mine as (select distinct v.phone_bidx from report r join reporter_vault v on v.district = r.district and v.id = r.id
  where r.district = $1 and r.case_id = $2 and not r.anonymous and v.phone_bidx is not null)
select count(distinct c.id), count(distinct c.id) filter (where ` + atWork + ` and c.state <> 'CLOSED'), count(distinct c.id) filter (where c.verdict = 'FALSE')
from mine m join reporter_vault v on v.district = $1 and v.phone_bidx = m.phone_bidx join report r on r.district = v.district and r.id = v.id
  join cases c on c.district = r.district and c.id = r.case_id
where r.case_id <> $2 and not r.anonymous and r.received_at > yx_now() - make_interval(days => $3)`

// ReporterContext is for the centre, of a case that it has already been shown; nil for sensitive cases, whose reporters are nobody's business.
func (k *Desk) ReporterContext(ctx context.Context, c *Case) (*ReporterContext, error) {
	if c.Sensitivity != "PUBLIC" && c.Sensitivity != "NORMAL" {
		return nil, nil
	}
	var r ReporterContext
	err := k.db.Pool.QueryRow(pg.WithDistrict(ctx, c.District), reporterContextSQL, c.District, c.ID, ContextDays).Scan(&r.Cases, &r.Open, &r.Untrue)
	return &r, pg.Fault(err)
}

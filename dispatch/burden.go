package dispatch

import (
	"context"
	"fmt"
	"math/big"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/dispatch/score"
	"yixian/internal/auth"
	"yixian/internal/pg"
)

// BurdenFormula and DelayFormula are what stands beside the figures (docs/assessment.md says more).
const (
	BurdenFormula = "visits avoided = check-ins by video of the call targets that settled in the month; hops = changes of the lead unit of the cases closed in the month that a unit had; hours = working hours from receipt to the accepted result of the assignments that settled in the month and were done by its end"
	DelayFormula  = "hours from the first report of a topic to the official notice; topic = the case of a clarification, or the matter of a notice in its areas within the 30 days before it; a notice without any report before it has none"
)

// Burden is what a month saved people (S17): visits that need not be made, hands that a case went through, hours that it took.
type Burden struct {
	Period           string
	Remote, Checkins int64
	Hops, Closed     int64
	Hours            score.Hours
}

// Burdens are those of a month ("" this one) and of the month before it.
func (k *Desk) Burdens(ctx context.Context, a auth.Actor, period string) (list [2]Burden, asOf time.Time, err error) {
	if err := districtOnly(a); err != nil {
		return list, asOf, err
	}
	w := k.worlds.Get(a.District)
	if period == "" {
		period = a.Now.In(w.Calendar.Location()).Format("2006-01")
	}
	p, err := w.period(period)
	if err != nil {
		return list, asOf, err
	}
	before, err := w.period(p.Start.AddDate(0, -1, 0).Format("2006-01"))
	if err != nil {
		return list, asOf, err
	}
	for i, p := range []score.Period{p, before} {
		if list[i], asOf, err = k.burden(ctx, w, p); err != nil {
			return list, asOf, err
		}
	}
	return list, asOf, nil
}

func (k *Desk) burden(ctx context.Context, w *World, p score.Period) (b Burden, asOf time.Time, err error) {
	o, err := k.rolledOverview(ctx, w, p.Start, p.End, "street")
	if err != nil {
		return b, asOf, err
	}
	b = Burden{Period: p.Name, Remote: o.Total.Remote, Checkins: o.Total.CallResponse.Num, Hops: o.Total.Hops, Closed: o.Total.HopCases}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, w.District), `select a.received_at, a.resolved_at from assignment a join cases c on c.district = a.district and c.id = a.case_id where a.district = $1 and `+dutyCounts+` and `+liveCase+
		` and `+dutySettle+` >= $2 and `+dutySettle+` < $3 and a.resolved_at < $3`, w.District, p.Start, p.End)
	if err != nil {
		return b, asOf, pg.Fault(err)
	}
	var hours []*big.Rat
	var from, to time.Time
	if _, err := pgx.ForEachRow(rows, []any{&from, &to}, func() error {
		hours = append(hours, big.NewRat(w.Calendar.Between(from, to, true), 3600))
		return nil
	}); err != nil {
		return b, asOf, pg.Fault(err)
	}
	b.Hours = score.HoursOf(hours)
	return b, o.AsOf, nil
}

// Delay is how long it took from the first report of a topic to the official notice (S9). First is nil when nobody had reported it.
type Delay struct {
	ID          uuid.UUID
	Kind, Title string
	Matter      string
	Published   time.Time
	First       *time.Time
}

// Delays are those of the notices published in [from, to), the newest first, with the hours of those that have any.
func (k *Desk) Delays(ctx context.Context, a auth.Actor, from, to time.Time) (list []Delay, hours score.Hours, asOf time.Time, err error) {
	if err := districtOnly(a); err != nil {
		return nil, hours, asOf, err
	}
	if asOf, err = k.Now(ctx); err != nil {
		return nil, hours, asOf, err
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), fmt.Sprintf(`select p.id, p.kind, p.title, p.matter, p.published_at, case when p.case_id is not null
		then (select min(r.received_at) from report r where r.district = p.district and r.case_id = p.case_id and r.received_at <= p.published_at)
		when p.matter <> '' then (select min(c.created_at) from cases c where c.district = p.district and c.matter = p.matter and c.created_at > p.published_at - interval '30 days' and c.created_at <= p.published_at and %s
			and (p.areas = '{}' or exists (select from unnest(p.areas) x where starts_with(c.grid_code, x)))) end
		from notice p where p.district = $1 and not p.drill and p.published_at >= $2 and p.published_at < $3 order by p.published_at desc, p.id desc limit 500`, liveCase), a.District, from, to)
	if err != nil {
		return nil, hours, asOf, pg.Fault(err)
	}
	if list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Delay]); err != nil {
		return nil, hours, asOf, pg.Fault(err)
	}
	var each []*big.Rat
	for i := range list {
		if h := list[i].Hours(); h != nil {
			each = append(each, h)
		}
	}
	return list, score.HoursOf(each), asOf, nil
}

// Hours are natural hours, to the second; nil without a report.
func (d *Delay) Hours() *big.Rat {
	if d.First == nil {
		return nil
	}
	return big.NewRat(int64(d.Published.Sub(*d.First)/time.Second), 3600)
}

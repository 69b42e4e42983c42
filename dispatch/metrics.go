package dispatch

import (
	"context"
	"fmt"
	"time"

	"yixian/dispatch/score"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// Ratio is a figure with what it was made of, rounded and capped as the assessment does.
type Ratio = score.Ratio

// Figures is one row of the overview.
type Figures struct {
	Key, Name                                                          string
	Received, Closed, Open, Overdue                                    int64
	CallResponse, OnTimeCheckin, OnTimeDisposal, Resolution, Satisfied Ratio
	Hops, HopCases, MostHops                                           int64 // of the cases closed in the span that a unit had (C26)
}

// Overview is the answer of GET /metrics/overview.
type Overview struct {
	From, To time.Time
	By       string
	Rows     []Figures
	Total    Figures
	AsOf     time.Time
}

// overviewSQL counts each row in exactly one place by the rules of domain 4d: a call target or an assignment belongs
// to the instant min(done, due) (settle), a rating to rated_at, a case to created_at. Only cases in scope, no drills.
// Hops are those of Snapshot.Hops: how often the lead passed from one unit to another.
// %[1]s scope, %[2]s group key of a case, %[3]s of an assignment, %[4]s of a target, %[5]s of a rating.
const overviewSQL = `with c as materialized (select * from cases c where c.district = $1 and not c.drill and c.state not in ('VOIDED','MERGED') and %[1]s),
n as (select yx_now() as now),
cs as (select %[2]s as key, count(*) filter (where c.created_at >= $2 and c.created_at < $3) as received, count(*) filter (where c.closed_at >= $2 and c.closed_at < $3) as closed,
    count(*) filter (where c.created_at >= $2 and c.created_at < $3 and c.closed_at is null and c.state not in ('REJECTED','MERGED')) as open,
    count(*) filter (where c.created_at >= $2 and c.created_at < $3 and c.closed_at is null and c.promise_at < n.now) as overdue from c, n group by 1),
tg as (select %[4]s as key, count(*) as den, count(*) filter (where t.checked_in_at < least($3, n.now)) as resp, count(*) filter (where t.checked_in_at <= t.checkin_due) as ontime
    from call_target t join c on c.id = t.case_id join call k on k.district = t.district and k.id = t.call_id, n
    where t.district = $1 and not t.withdrawn and not t.released and least(coalesce(t.checked_in_at, t.checkin_due), t.checkin_due) >= $2 and least(coalesce(t.checked_in_at, t.checkin_due), t.checkin_due) < $3
      and (t.checked_in_at is not null or t.checkin_due < n.now) group by 1),
ag as (select %[3]s as key, count(*) as den, count(*) filter (where date_trunc('second', a.resolved_at) <= a.due_at) as ontime
    from assignment a join c on c.id = a.case_id, n where a.district = $1 and a.kind in ('LEAD','ASSIST') and a.state not in ('RETURNED','CANCELLED')
      and least(coalesce(a.resolved_at, a.due_at), a.due_at) >= $2 and least(coalesce(a.resolved_at, a.due_at), a.due_at) < $3 and (a.resolved_at is not null or a.due_at < n.now) group by 1),
rt as (select %[5]s as key, count(*) as den, count(*) filter (where r.resolved) as yes, count(*) filter (where r.grade >= 3) as good from rating r join c on c.id = r.case_id
    where r.district = $1 and r.valid and r.rated_at >= $2 and r.rated_at < $3 group by 1),
hp as (select h.key, sum(h.n)::bigint as hops, count(*) as cases, max(h.n) as most from (select %[2]s as key, (select count(*) from (select a.unit, lag(a.unit) over (order by a.received_at, a.id) as before
    from assignment a where a.district = $1 and a.case_id = c.id and a.kind <> 'ASSIST') p where p.before <> p.unit) as n
    from c where c.closed_at >= $2 and c.closed_at < $3 and c.lead_unit <> '') h group by 1),
keys as (select key from cs union select key from tg union select key from ag union select key from rt)
select k.key, coalesce(cs.received,0), coalesce(cs.closed,0), coalesce(cs.open,0), coalesce(cs.overdue,0), coalesce(tg.resp,0), coalesce(tg.den,0), coalesce(tg.ontime,0),
  coalesce(ag.ontime,0), coalesce(ag.den,0), coalesce(rt.yes,0), coalesce(rt.den,0), coalesce(rt.good,0), coalesce(hp.hops,0), coalesce(hp.cases,0), coalesce(hp.most,0), n.now
from n left join keys k on true left join cs on cs.key = k.key left join tg on tg.key = k.key left join ag on ag.key = k.key left join rt on rt.key = k.key left join hp on hp.key = k.key order by k.key`

const localDay = "to_char(%s at time zone 'Asia/Shanghai', 'YYYY-MM-DD')"

var groupings = map[string][4]string{
	"unit":   {"coalesce(nullif(c.lead_unit, ''), c.owner_unit)", "a.unit", "t.unit", "coalesce(nullif(r.unit, ''), c.lead_unit)"},
	"street": {"c.street_code", "c.street_code", "c.street_code", "c.street_code"},
	"matter": {"c.matter", "c.matter", "c.matter", "c.matter"},
	"day": {fmt.Sprintf(localDay, "c.created_at"), fmt.Sprintf(localDay, "least(coalesce(a.resolved_at, a.due_at), a.due_at)"),
		fmt.Sprintf(localDay, "least(coalesce(t.checked_in_at, t.checkin_due), t.checkin_due)"), fmt.Sprintf(localDay, "r.rated_at")},
}

// Overview counts the response figures of a span [from, to) of tenant-local days, grouped by unit, street, matter or day.
func (k *Desk) Overview(ctx context.Context, a auth.Actor, from, to time.Time, by string) (*Overview, error) {
	g, ok := groupings[by]
	if !ok {
		return nil, fault.Invalid("/by", "应为 unit / street / matter / day 之一")
	}
	if !from.Before(to) || to.Sub(from) > 400*24*time.Hour {
		return nil, fault.Invalid("/to", "时间范围应在 1 天到 400 天之间，且 to 晚于 from")
	}
	w := k.worlds.Get(a.District)
	cond, more := scope(a, 4)
	if a.Has(auth.RoleCityViewer) {
		cond, more = "true", nil // aggregates only
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), fmt.Sprintf(overviewSQL, cond, g[0], g[1], g[2], g[3]), append([]any{a.District, from, to}, more...)...)
	if err != nil {
		return nil, pg.Fault(err)
	}
	defer rows.Close()
	out := &Overview{From: from, To: to, By: by, Rows: []Figures{}, Total: Figures{Key: "total", Name: w.Name}}
	for rows.Next() {
		var f Figures
		var key *string
		err := rows.Scan(&key, &f.Received, &f.Closed, &f.Open, &f.Overdue, &f.CallResponse.Num, &f.CallResponse.Den, &f.OnTimeCheckin.Num, &f.OnTimeDisposal.Num, &f.OnTimeDisposal.Den,
			&f.Resolution.Num, &f.Resolution.Den, &f.Satisfied.Num, &f.Hops, &f.HopCases, &f.MostHops, &out.AsOf)
		if err != nil {
			return nil, pg.Fault(err)
		}
		if key == nil {
			continue
		}
		f.Key = *key
		f.OnTimeCheckin.Den, f.Satisfied.Den = f.CallResponse.Den, f.Resolution.Den
		f.Name = w.groupName(by, f.Key)
		out.Rows = append(out.Rows, f)
		out.Total.add(&f)
	}
	return out, pg.Fault(rows.Err())
}

func (w *World) groupName(by, key string) string {
	switch by {
	case "unit":
		return w.UnitName(key)
	case "matter":
		if n := w.MatterName(key); n != "" {
			return n
		}
		return "未定事项"
	case "street":
		if a, ok := w.Index.ByCode(key); ok {
			return a.Name
		}
	}
	return key
}

func (f *Figures) add(o *Figures) {
	f.Received += o.Received
	f.Closed += o.Closed
	f.Open += o.Open
	f.Overdue += o.Overdue
	f.Hops, f.HopCases, f.MostHops = f.Hops+o.Hops, f.HopCases+o.HopCases, max(f.MostHops, o.MostHops)
	for _, p := range []struct{ to, from *Ratio }{{&f.CallResponse, &o.CallResponse}, {&f.OnTimeCheckin, &o.OnTimeCheckin}, {&f.OnTimeDisposal, &o.OnTimeDisposal}, {&f.Resolution, &o.Resolution}, {&f.Satisfied, &o.Satisfied}} {
		p.to.Num += p.from.Num
		p.to.Den += p.from.Den
	}
}

package dispatch

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

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
	Solved                                                             int64 // closed with outcome RESOLVED (C7)
	Yellow, Red                                                        int64 // of the open ones, by the light of their next clock
	CallResponse, OnTimeCheckin, OnTimeDisposal, Resolution, Satisfied Ratio
	CheckinSeconds, Remote                                             int64 // natural seconds from call to check-in of those who came; how many of them by video
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

// overviewSQL counts rows, for those who see a part of the district only: what they see is no sum of anything. Each row is in exactly one place by the rules of domain 4d: a call target or an assignment belongs
// to the instant min(done, due) (settle), a rating to rated_at, a case to created_at. Only cases in scope, no drills. A clock
// that stands still has settled nothing. Hops are those of Snapshot.Hops: how often the lead passed from one unit to another.
// %[1]s scope, %[2]s group key of a case, %[3]s of an assignment, %[4]s of a target, %[5]s of a rating, %[6]s of a closed case.
const overviewSQL = `with n as (select yx_now() as now), c as not materialized (select * from cases c where c.district = $1 and ` + liveCase + ` and %[1]s),
cs as (select %[2]s as key, count(*) as received, count(*) filter (where ` + openCase + `) as open, count(*) filter (where ` + lateCase + `) as overdue,
    count(*) filter (where ` + openCase + ` and c.yellow_at <= n.now and c.due_at >= n.now) as yellow, count(*) filter (where ` + openCase + ` and c.due_at < n.now) as red from c, n where c.created_at >= $2 and c.created_at < $3 group by 1),
cl as (select %[6]s as key, count(*) as closed, count(*) filter (where c.outcome = 'RESOLVED') as solved from c where c.closed_at >= $2 and c.closed_at < $3 group by 1),
tg as (select %[4]s as key, count(*) as den, count(*) filter (where t.checked_in_at < $3) as resp, count(*) filter (where ` + targetOnTime + `) as ontime,
    coalesce(sum(extract(epoch from t.checked_in_at - k.called_at)::bigint) filter (where t.checked_in_at < $3), 0)::bigint as seconds, count(*) filter (where t.checked_in_at < $3 and t.mode = 'REMOTE') as remote
    from call_target t join c on c.id = t.case_id join call k on k.district = t.district and k.id = t.call_id, n
    where t.district = $1 and ` + targetCounts + ` and ` + targetSettle + ` >= $2 and ` + targetSettle + ` < $3 and ` + targetDone + ` group by 1),
ag as (select %[3]s as key, count(*) as den, count(*) filter (where ` + dutyOnTime + `) as ontime
    from assignment a join c on c.id = a.case_id, n where a.district = $1 and ` + dutyCounts + ` and ` + dutySettle + ` >= $2 and ` + dutySettle + ` < $3 and ` + dutyDone + ` group by 1),
rt as (select %[5]s as key, count(*) as den, count(*) filter (where r.resolved) as yes, count(*) filter (where r.grade >= 3) as good from rating r join c on c.id = r.case_id
    where r.district = $1 and r.valid and r.rated_at >= $2 and r.rated_at < $3 group by 1),
hp as (select h.key, sum(h.n)::bigint as hops, count(*) as cases, max(h.n) as most from (select %[6]s as key, ` + caseHops + ` as n
    from c where c.closed_at >= $2 and c.closed_at < $3 and c.lead_unit <> '') h group by 1),
keys as (select key from cs union select key from cl union select key from tg union select key from ag union select key from rt)
select k.key, coalesce(cs.received,0), coalesce(cl.closed,0), coalesce(cl.solved,0), coalesce(cs.open,0), coalesce(cs.overdue,0), coalesce(cs.yellow,0), coalesce(cs.red,0), coalesce(tg.resp,0), coalesce(tg.den,0), coalesce(tg.ontime,0), coalesce(tg.seconds,0), coalesce(tg.remote,0),
  coalesce(ag.ontime,0), coalesce(ag.den,0), coalesce(rt.yes,0), coalesce(rt.den,0), coalesce(rt.good,0), coalesce(hp.hops,0), coalesce(hp.cases,0), coalesce(hp.most,0), n.now
from n left join keys k on true left join cs on cs.key = k.key left join cl on cl.key = k.key left join tg on tg.key = k.key left join ag on ag.key = k.key left join rt on rt.key = k.key left join hp on hp.key = k.key order by k.key`

const localDay = "to_char(%s at time zone 'Asia/Shanghai', 'YYYY-MM-DD')"

// groupings are the keys of a case by its report, of an assignment, of a target, of a rating, of a case by its closing.
var groupings = map[string][5]string{
	"unit":   {chargedUnit, "a.unit", "t.unit", ratedUnit, chargedUnit},
	"street": {"c.street_code", "c.street_code", "c.street_code", "c.street_code", "c.street_code"},
	"matter": {"c.matter", "c.matter", "c.matter", "c.matter", "c.matter"},
	"day":    {fmt.Sprintf(localDay, "c.created_at"), fmt.Sprintf(localDay, dutySettle), fmt.Sprintf(localDay, targetSettle), fmt.Sprintf(localDay, "r.rated_at"), fmt.Sprintf(localDay, "c.closed_at")},
}

// wholeDistrict tells whether an actor's figures are those of the district: they come from the rollups.
func wholeDistrict(a auth.Actor) bool {
	cond, _ := scope(a, 1)
	return cond == "true" || a.Has(auth.RoleCityViewer)
}

// spanDays bounds a span of figures: sums by month take twenty years as easily as one, rows do not.
func spanDays(a auth.Actor) int {
	if wholeDistrict(a) {
		return 7400
	}
	return 400
}

// Overview counts the response figures of a span [from, to) of tenant-local days, grouped by unit, street, matter or day.
// Who sees the whole district reads rollups; everybody else the rows that they may see.
func (k *Desk) Overview(ctx context.Context, a auth.Actor, from, to time.Time, by string) (*Overview, error) {
	g, ok := groupings[by]
	if !ok {
		return nil, fault.Invalid("/by", "应为 unit / street / matter / day 之一")
	}
	if most := spanDays(a); !from.Before(to) || to.Sub(from) > time.Duration(most)*24*time.Hour {
		return nil, fault.Invalid("/to", "时间范围应在 1 天到 %d 天之间，且 to 晚于 from", most)
	}
	if wholeDistrict(a) {
		return k.rolledOverview(ctx, k.worlds.Get(a.District), from, to, by)
	}
	return k.countedOverview(ctx, a, g, from, to, by)
}

// countedOverview reads the rows in the actor's scope.
func (k *Desk) countedOverview(ctx context.Context, a auth.Actor, g [5]string, from, to time.Time, by string) (*Overview, error) {
	cond, more := scope(a, 4)
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), fmt.Sprintf(overviewSQL, cond, g[0], g[1], g[2], g[3], g[4]), append([]any{a.District, from, to}, more...)...)
	if err != nil {
		return nil, pg.Fault(err)
	}
	return k.worlds.Get(a.District).overview(rows, from, to, by)
}

// overview reads rows of figures in the order of overviewSQL; the one without a key tells the instant only.
func (w *World) overview(rows pgx.Rows, from, to time.Time, by string) (*Overview, error) {
	defer rows.Close()
	out := &Overview{From: from, To: to, By: by, Rows: []Figures{}, Total: Figures{Key: "total", Name: w.Name}}
	for rows.Next() {
		var f Figures
		var key *string
		err := rows.Scan(&key, &f.Received, &f.Closed, &f.Solved, &f.Open, &f.Overdue, &f.Yellow, &f.Red, &f.CallResponse.Num, &f.CallResponse.Den, &f.OnTimeCheckin.Num, &f.CheckinSeconds, &f.Remote, &f.OnTimeDisposal.Num, &f.OnTimeDisposal.Den,
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
	f.Solved, f.Yellow, f.Red = f.Solved+o.Solved, f.Yellow+o.Yellow, f.Red+o.Red
	f.CheckinSeconds, f.Remote = f.CheckinSeconds+o.CheckinSeconds, f.Remote+o.Remote
	f.Hops, f.HopCases, f.MostHops = f.Hops+o.Hops, f.HopCases+o.HopCases, max(f.MostHops, o.MostHops)
	for _, p := range []struct{ to, from *Ratio }{{&f.CallResponse, &o.CallResponse}, {&f.OnTimeCheckin, &o.OnTimeCheckin}, {&f.OnTimeDisposal, &o.OnTimeDisposal}, {&f.Resolution, &o.Resolution}, {&f.Satisfied, &o.Satisfied}} {
		p.to.Num += p.from.Num
		p.to.Den += p.from.Den
	}
}

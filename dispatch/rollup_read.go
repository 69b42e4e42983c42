package dispatch

import (
	"context"
	"fmt"
	"strings"
	"time"

	"yixian/internal/auth"
	"yixian/internal/pg"
)

// dimOf is the dimension of the rollups that a grouping reads; days are the district's own.
var dimOf = map[string]string{"unit": "U", "street": "S", "matter": "M", "source": "O", "day": "A", "": "A"}

// rolled are the sums of a span as a query `s(key, measures)`: whole months from the months, the days at its ends from the days.
// $1 district, $2 dimension, $3 first day, $4 the day after the last, [$5, $6) the whole months in between.
func rolled(cols []string, by string) string {
	key, list := "key", strings.Join(cols, ", ")
	if by == "day" {
		key = "to_char(day, 'YYYY-MM-DD')"
	}
	sums, some := make([]string, len(cols)), make([]string, len(cols))
	for i, c := range cols {
		sums[i], some[i] = fmt.Sprintf("sum(%s)::bigint as %s", c, c), fmt.Sprintf("sum(%s) <> 0", c)
	}
	part := func(table, from, to string) string {
		return fmt.Sprintf("select %s as key, %s from %s where district = $1 and dim = $2 and day >= $%s::date and day < $%s::date", key, list, table, from, to)
	}
	return "select key, " + strings.Join(sums, ", ") + " from (" + part("rollup_month", "5", "6") + " union all " + part("rollup_day", "3", "5") + " union all " + part("rollup_day", "6", "4") + ") x group by key having " + strings.Join(some, " or ")
}

// spanArgs are the placeholders $1 to $6 of rolled.
func spanArgs(district string, from, to time.Time, by string) []any {
	first, last := to, to
	if by != "day" {
		first = time.Date(from.Year(), from.Month(), 1, 0, 0, 0, 0, from.Location())
		if first.Before(from) {
			first = first.AddDate(0, 1, 0)
		}
		last = time.Date(to.Year(), to.Month(), 1, 0, 0, 0, 0, to.Location())
		if !first.Before(last) {
			first, last = to, to
		}
	}
	day := func(at time.Time) string { return at.Format(time.DateOnly) }
	return []any{district, dimOf[by], day(from), day(to), day(first), day(last)}
}

// A target that came after the end of the span is no response within it: only a span that is over has any.
const afterSpan = `select %s as key, count(*) as n, sum(extract(epoch from t.checked_in_at - q.called_at)::bigint)::bigint as seconds, count(*) filter (where t.mode = 'REMOTE') as remote
  from call_target t join cases c on c.district = t.district and c.id = t.case_id join call q on q.district = t.district and q.id = t.call_id
  where t.district = $1 and t.checked_in_at > t.checkin_due and t.checked_in_at >= $8 and t.checkin_due >= $7 and t.checkin_due < $8 and $8 <= yx_now() and ` + targetCounts + ` and ` + liveCase + ` group by 1`

var overviewCols = []string{"received", "closed", "solved", "open", "overdue", "yellow", "red", "t_resp", "t_den", "t_ontime", "t_seconds", "t_remote", "a_ontime", "a_den", "r_yes", "r_den", "r_good", "hops", "hop_cases"}

// rolledOverview is the overview of a whole district from its rollups.
func (k *Desk) rolledOverview(ctx context.Context, w *World, from, to time.Time, by string) (*Overview, error) {
	peakKey := "key"
	if by == "day" {
		peakKey = "to_char(day, 'YYYY-MM-DD')"
	}
	sql := "with s as (" + rolled(overviewCols, by) + "), late as (" + fmt.Sprintf(afterSpan, groupings[by][2]) + `),
peak as (select ` + peakKey + ` as key, max(hops) as most from rollup_peak where district = $1 and dim = $2 and day >= $3::date and day < $4::date and n > 0 group by 1)
select s.key, coalesce(s.received, 0), coalesce(s.closed, 0), coalesce(s.solved, 0), coalesce(s.open, 0), coalesce(s.overdue, 0), coalesce(s.yellow, 0), coalesce(s.red, 0), coalesce(s.t_resp - coalesce(late.n, 0), 0), coalesce(s.t_den, 0), coalesce(s.t_ontime, 0), coalesce(s.t_seconds - coalesce(late.seconds, 0), 0), coalesce(s.t_remote - coalesce(late.remote, 0), 0), coalesce(s.a_ontime, 0), coalesce(s.a_den, 0), coalesce(s.r_yes, 0), coalesce(s.r_den, 0), coalesce(s.r_good, 0), coalesce(s.hops, 0), coalesce(s.hop_cases, 0), coalesce(peak.most, least(s.hops, 1), 0), n.now
from (select yx_now() as now) n left join s on true left join late on late.key = s.key left join peak on peak.key = s.key order by s.key`
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, w.District), sql, append(spanArgs(w.District, from, to, by), from, to)...)
	if err != nil {
		return nil, pg.Fault(err)
	}
	return w.overview(rows, from, to, by)
}

// Recount is the overview counted from the rows: what the rollups must equal, and what `yixian bench dashboard` compares them with.
func (k *Desk) Recount(ctx context.Context, a auth.Actor, from, to time.Time, by string) (*Overview, error) {
	return k.countedOverview(ctx, a, groupings[by], from, to, by)
}

package dispatch

import (
	"slices"
	"time"

	"yixian/dispatch/score"
	"yixian/internal/auth"
	"yixian/internal/fault"
)

// reportKind is a table that can be delivered: of which spans, grouped by what, and what a recipient must be allowed.
type reportKind struct {
	periods []string
	by      []string // empty: not grouped
	needs   []auth.Permission
}

var everyPeriod = []string{"day", "week", "month", "quarter"}

var reportKinds = map[string]reportKind{
	"cases":       {everyPeriod, nil, []auth.Permission{auth.PermExport, auth.PermCaseRead}},
	"metrics":     {everyPeriod, []string{"unit", "street", "matter", "day"}, []auth.Permission{auth.PermExport, auth.PermMetricsRead}},
	"hotline":     {everyPeriod, []string{"source", "street", "unit", "day"}, []auth.Permission{auth.PermExport, auth.PermFigures}},
	"burden":      {[]string{"month"}, nil, []auth.Permission{auth.PermExport, auth.PermFigures}},
	"assessments": {[]string{"month", "quarter"}, nil, []auth.Permission{auth.PermExport, auth.PermAssessRead}},
}

// missing is the first permission that an actor lacks for a table; "" when he may have it.
func (r reportKind) missing(a auth.Actor) auth.Permission {
	for _, p := range r.needs {
		if ok, _ := a.May(p); !ok {
			return p
		}
	}
	return ""
}

var periodNames = map[string]string{"day": "日", "week": "周", "month": "月", "quarter": "季度"}

// checkReport refuses a table, period or grouping that there is not. It fills in the grouping when none was named.
func checkReport(s *Subscription) error {
	kind, ok := reportKinds[s.What]
	if !ok {
		return fault.Invalid("/what", "没有这种报表：应为 cases / metrics / hotline / burden / assessments 之一")
	}
	name, known := periodNames[s.Period]
	switch {
	case !known:
		return fault.Invalid("/period", "没有这种周期：应为 day / week / month / quarter 之一")
	case !slices.Contains(kind.periods, s.Period) && s.What == "assessments":
		return fault.Invalid("/period", "考核单按月定稿，没有按%s的考核单：请改为 month（月）或 quarter（季度）", name)
	case !slices.Contains(kind.periods, s.Period):
		return fault.Invalid("/period", "减负成效按月统计，没有按%s的报表：请改为 month（月）", name)
	case s.By == "" && len(kind.by) > 0:
		s.By = kind.by[0]
	case s.By != "" && !slices.Contains(kind.by, s.By):
		return fault.Invalid("/by", "这种报表不能按 %s 分组，可选：%s；不分组的报表请留空", s.By, kind.by)
	}
	return nil
}

// reportSpan is the span of a kind of period that begins at or holds an instant, as midnights of the district; weeks begin on Monday.
func reportSpan(period string, at time.Time) (from, to time.Time) {
	day := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, at.Location())
	switch period {
	case "day":
		return day, day.AddDate(0, 0, 1)
	case "week":
		from = day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
		return from, from.AddDate(0, 0, 7)
	case "quarter":
		from = time.Date(at.Year(), (at.Month()-1)/3*3+1, 1, 0, 0, 0, 0, at.Location())
		return from, from.AddDate(0, 3, 0)
	}
	from = time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, at.Location())
	return from, from.AddDate(0, 1, 0)
}

// spanName is a span as people call it: 2026-06-08, 2026-06-08～2026-06-14, 2026-06, 2026-Q2.
func spanName(period string, from, to time.Time) string {
	switch period {
	case "day":
		return from.Format(time.DateOnly)
	case "week":
		return from.Format(time.DateOnly) + "～" + to.AddDate(0, 0, -1).Format(time.DateOnly)
	case "quarter":
		return from.Format("2006") + "-Q" + string(rune('0'+(int(from.Month())+2)/3))
	}
	return from.Format("2006-01")
}

// reportDue is when the table of a span is delivered: at the subscription's time of the day after it; sheets on the day on which
// the span's last month is frozen.
func (w *World) reportDue(s *Subscription, to time.Time) time.Time {
	day := to
	if s.What == "assessments" {
		day = freezeAt(score.Period{Start: to.AddDate(0, -1, 0), End: to}, w.Calendar)
	}
	return time.Date(day.Year(), day.Month(), day.Day(), s.At/60, s.At%60, 0, 0, day.Location())
}

package dispatch

import (
	"context"
	"time"

	"yixian/internal/auth"
)

// ExportHotline is the four 12345 figures of a span as a table: the rows of the screen and their total.
func (k *Desk) ExportHotline(ctx context.Context, a auth.Actor, from, to time.Time, by, format string) (*Export, error) {
	list, _, err := k.Hotlines(ctx, a, from, to, by)
	if err != nil {
		return nil, err
	}
	e, err := k.logExport(ctx, a, "hotline", format, map[string]any{"from": from, "to": to, "by": by}, len(list), nil)
	if err != nil {
		return nil, err
	}
	e.Columns = []ExportColumn{{"key", "编码", "Key"}, {"name", "名称", "Name"}}
	for _, r := range hotlineColumns {
		e.Columns = append(e.Columns, ExportColumn{r.name + "_numerator", r.zh + "（分子）", r.en + " (numerator)"}, ExportColumn{r.name + "_denominator", r.zh + "（分母）", r.en + " (denominator)"}, ExportColumn{r.name, r.zh, r.en})
	}
	e.Each = func(yield func(row []any) error) error {
		for i := range list {
			row := []any{list[i].Key, list[i].Name}
			for _, r := range hotlineColumns {
				v := r.of(&list[i])
				row = append(row, v.Num, v.Den, v.Text())
			}
			if err := yield(row); err != nil {
				return err
			}
		}
		return nil
	}
	return e, nil
}

var hotlineColumns = []struct {
	name, zh, en string
	of           func(h *Hotline) Ratio
}{
	{"accept_on_time", "按时受理率", "Accepted on time", func(h *Hotline) Ratio { return h.Accepted }},
	{"accurate_dispatch", "准确派遣率", "Accurate dispatch", func(h *Hotline) Ratio { return h.Dispatched }},
	{"on_time_disposal", "按期处置率", "On-time disposal", func(h *Hotline) Ratio { return h.Disposed }},
	{"feedback_on_time", "及时反馈率", "Told on time", func(h *Hotline) Ratio { return h.Told }},
}

// ExportBurden is what a month saved people, beside the month before it: a line each.
func (k *Desk) ExportBurden(ctx context.Context, a auth.Actor, period, format string) (*Export, error) {
	list, _, err := k.Burdens(ctx, a, period)
	if err != nil {
		return nil, err
	}
	e, err := k.logExport(ctx, a, "burden", format, map[string]any{"period": list[0].Period}, len(list), nil)
	if err != nil {
		return nil, err
	}
	e.Columns = []ExportColumn{{"period", "月份", "Month"}, {"visits_avoided", "免跑动次数（视频报到）", "Visits avoided (by video)"}, {"checkins", "报到次数", "Check-ins"}, {"hops", "转手次数", "Hops"}, {"closed", "办结件数", "Closed"},
		{"assignments", "处置任务", "Assignments"}, {"hours_median", "办理工时中位数（小时）", "Working hours, median"}, {"hours_p90", "办理工时 P90（小时）", "Working hours, P90"}, {"hours_mean", "办理工时均值（小时）", "Working hours, mean"}}
	e.Each = func(yield func(row []any) error) error {
		for i := range list {
			b := &list[i]
			if err := yield([]any{b.Period, b.Remote, b.Checkins, b.Hops, b.Closed, b.Hours.N, b.Hours.Median, b.Hours.P90, b.Hours.Mean}); err != nil {
				return err
			}
		}
		return nil
	}
	return e, nil
}

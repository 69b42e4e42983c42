package web

import (
	"context"
	"net/url"
	"time"

	"yixian/api"
	"yixian/dispatch"
	"yixian/dispatch/score"
)

// fresh lets the practice mode answer figures that hold what was just done; elsewhere they are at most 5 s old.
func (s *server) fresh(ctx context.Context) {
	if s.Sandbox == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := s.Sandbox.Counted(ctx); err != nil {
		s.Log.WarnContext(ctx, "figures may be behind", "cause", err.Error())
	}
}

// behind is the path that lists what a figure has counted; days "" are all days.
func behind(figure, by, key, from, to string) string {
	q := url.Values{"figure": {figure}}
	for name, v := range map[string]string{"by": by, "from": from, "to": to} {
		if v != "" {
			q.Set(name, v)
		}
	}
	if by != "" {
		q.Set("key", key)
	}
	return "/api/v1/metrics/behind?" + q.Encode()
}

func drills(by, key, from, to string, figures ...string) *map[string]string {
	out := map[string]string{}
	for _, f := range figures {
		out[f] = behind(f, by, key, from, to)
	}
	return &out
}

func ratioView(r dispatch.Ratio) api.Ratio {
	return api.Ratio{Numerator: r.Num, Denominator: r.Den, Value: r.Value(), Text: new(r.Text())}
}

func (s *server) tilesView(t *dispatch.Tiles, by string, figures ...string) api.Tiles {
	out := api.Tiles{Items: []api.Tile{}, AsOf: t.AsOf}
	for i := range t.Rows {
		r := &t.Rows[i]
		one := api.Tile{Key: r.Key, Name: r.Name, Open: r.Open, Green: r.Green, Yellow: r.Yellow, Red: r.Red, Overdue: r.Overdue, Drill: *drills(by, r.Key, "", "", append(figures, "open", "green", "yellow", "red", "overdue")...),
			Grid: some(r.Grid), Matter: some(r.Matter), MatterName: some(r.MatterNamed)}
		if r.Grid != "" {
			one.Recent, one.Repeat = &r.Recent, &r.Repeat
		}
		if r.Level > 0 {
			one.Level, one.Points = &r.Level, &r.Points
		}
		out.Items = append(out.Items, one)
	}
	return out
}

func (s *server) MetricsLights(ctx context.Context, r api.MetricsLightsRequestObject) (api.MetricsLightsResponseObject, error) {
	s.fresh(ctx)
	by := string(deref(r.Params.By))
	if by == "" {
		by = "unit"
	}
	t, err := s.Desk.Lights(ctx, actorOf(ctx), by)
	if err != nil {
		return nil, err
	}
	if by == "district" {
		by = ""
	}
	out := s.tilesView(t, by)
	out.Unanswered = t.Unanswered
	return api.MetricsLights200JSONResponse(out), nil
}

func (s *server) MetricsHotSpots(ctx context.Context, r api.MetricsHotSpotsRequestObject) (api.MetricsHotSpotsResponseObject, error) {
	s.fresh(ctx)
	t, err := s.Desk.HotSpots(ctx, actorOf(ctx), limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	return api.MetricsHotSpots200JSONResponse(s.tilesView(t, "grid", "recent")), nil
}

func (s *server) MetricsProblems(ctx context.Context, r api.MetricsProblemsRequestObject) (api.MetricsProblemsResponseObject, error) {
	s.fresh(ctx)
	t, err := s.Desk.Problems(ctx, actorOf(ctx), limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	return api.MetricsProblems200JSONResponse(s.tilesView(t, "problem", "recent")), nil
}

func (s *server) MetricsRisk(ctx context.Context, r api.MetricsRiskRequestObject) (api.MetricsRiskResponseObject, error) {
	s.fresh(ctx)
	t, err := s.Desk.RiskLevels(ctx, actorOf(ctx), limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	out := s.tilesView(t, "grid", "recent")
	out.Formula = new(s.world(actorOf(ctx).District).RiskSteps.Formula())
	return api.MetricsRisk200JSONResponse(out), nil
}

func (s *server) GetRiskSteps(ctx context.Context, _ api.GetRiskStepsRequestObject) (api.GetRiskStepsResponseObject, error) {
	steps, err := s.Desk.RiskSteps(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	return api.GetRiskSteps200JSONResponse{Steps: steps[:], Formula: steps.Formula()}, nil
}

func (s *server) SetRiskSteps(ctx context.Context, r api.SetRiskStepsRequestObject) (api.SetRiskStepsResponseObject, error) {
	steps, err := s.Desk.SetRiskSteps(ctx, actorOf(ctx), r.Body.Steps)
	if err != nil {
		return nil, err
	}
	return api.SetRiskSteps200JSONResponse{Steps: steps[:], Formula: steps.Formula()}, nil
}

func (s *server) MetricsHotline(ctx context.Context, r api.MetricsHotlineRequestObject) (api.MetricsHotlineResponseObject, error) {
	s.fresh(ctx)
	a := actorOf(ctx)
	from, to := s.span(a, r.Params.From, r.Params.To)
	by := string(deref(r.Params.By))
	if by == "" {
		by = "source"
	}
	list, asOf, err := s.Desk.Hotlines(ctx, a, from, to, by)
	if err != nil {
		return nil, err
	}
	out := api.HotlineFigures{By: by, Items: []api.HotlineRow{}, AsOf: asOf}
	out.From.Time, out.To.Time = from, to
	for i := range list {
		h := &list[i]
		one := api.HotlineRow{Key: h.Key, Name: h.Name, AcceptOnTime: ratioView(h.Accepted), AccurateDispatch: ratioView(h.Dispatched), OnTimeDisposal: ratioView(h.Disposed), FeedbackOnTime: ratioView(h.Told)}
		group := by
		if i == len(list)-1 {
			group = ""
		}
		one.Drill = *drills(group, h.Key, from.Format(time.DateOnly), to.Format(time.DateOnly), "accept_on_time", "accurate_dispatch", "on_time_disposal", "feedback_on_time")
		if group == "" {
			out.Total = one
		} else {
			out.Items = append(out.Items, one)
		}
	}
	return api.MetricsHotline200JSONResponse(out), nil
}

func burdenView(b *dispatch.Burden) api.BurdenMonth {
	out := api.BurdenMonth{Period: b.Period, VisitsAvoided: b.Remote, Checkins: b.Checkins, Hops: b.Hops, Closed: b.Closed}
	if b.Closed > 0 {
		out.HopsMean = new(float64(b.Hops) / float64(b.Closed))
	}
	out.Hours.N, out.Hours.Median, out.Hours.P90, out.Hours.Mean = b.Hours.N, number(b.Hours.Median), number(b.Hours.P90), number(b.Hours.Mean)
	return out
}

func (s *server) MetricsBurden(ctx context.Context, r api.MetricsBurdenRequestObject) (api.MetricsBurdenResponseObject, error) {
	s.fresh(ctx)
	list, asOf, err := s.Desk.Burdens(ctx, actorOf(ctx), deref(r.Params.Period))
	if err != nil {
		return nil, err
	}
	return api.MetricsBurden200JSONResponse{Month: burdenView(&list[0]), Before: burdenView(&list[1]), Formula: dispatch.BurdenFormula, AsOf: asOf}, nil
}

func (s *server) MetricsNoticeDelay(ctx context.Context, r api.MetricsNoticeDelayRequestObject) (api.MetricsNoticeDelayResponseObject, error) {
	a := actorOf(ctx)
	from, to := s.span(a, r.Params.From, r.Params.To)
	list, hours, asOf, err := s.Desk.Delays(ctx, a, from, to)
	if err != nil {
		return nil, err
	}
	out := api.NoticeDelays{Items: []api.NoticeDelay{}, N: hours.N, Median: number(hours.Median), Mean: number(hours.Mean), Formula: dispatch.DelayFormula, AsOf: asOf}
	for i := range list {
		d := &list[i]
		one := api.NoticeDelay{Id: d.ID.String(), Kind: d.Kind, Title: d.Title, Matter: some(d.Matter), MatterName: some(s.world(a.District).MatterName(d.Matter)), PublishedAt: d.Published, FirstReportAt: d.First}
		if h := d.Hours(); h != nil {
			one.Hours = number(h.FloatString(4))
		}
		out.Items = append(out.Items, one)
	}
	return api.MetricsNoticeDelay200JSONResponse(out), nil
}

func (s *server) MetricsBehind(ctx context.Context, r api.MetricsBehindRequestObject) (api.MetricsBehindResponseObject, error) {
	a := actorOf(ctx)
	f := dispatch.Figure{Name: r.Params.Figure, By: string(deref(r.Params.By)), Key: deref(r.Params.Key), From: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)}
	if r.Params.From != nil || r.Params.To != nil {
		f.From, f.To = s.span(a, r.Params.From, r.Params.To)
	}
	list, next, err := s.Desk.WhatIsBehind(ctx, a, f, limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	out := api.MetricsBehind200JSONResponse{Items: []api.Behind{}, NextCursor: some(next)}
	for i := range list {
		b := &list[i]
		out.Items = append(out.Items, api.Behind{CaseId: b.CaseID.String(), CaseNo: some(b.CaseNo), Id: b.ID.String(), Unit: b.Unit, At: b.At, Holds: b.Holds, Value: b.Value})
	}
	return out, nil
}

func (s *server) MetricsDistricts(ctx context.Context, r api.MetricsDistrictsRequestObject) (api.MetricsDistrictsResponseObject, error) {
	s.fresh(ctx)
	a := actorOf(ctx)
	from, to := s.span(a, r.Params.From, r.Params.To)
	list, asOf, err := s.Desk.Districts(ctx, a, from, to)
	if err != nil {
		return nil, err
	}
	ratio := func(v *dispatch.Ratio) *api.Ratio {
		if v == nil {
			return nil
		}
		return new(ratioView(*v))
	}
	out := api.CityFigures{K: score.K, Items: []api.DistrictRow{}, AsOf: asOf}
	out.From.Time, out.To.Time = from, to
	for i := range list {
		d := &list[i]
		out.Items = append(out.Items, api.DistrictRow{District: d.District, Name: d.Name, Received: d.Received, Closed: d.Closed, Open: d.Open, Overdue: d.Overdue,
			CallResponse: ratio(d.CallResponse), OnTimeDisposal: ratio(d.OnTimeDisposal), Resolution: ratio(d.Resolution), Satisfied: ratio(d.Satisfied)})
	}
	return api.MetricsDistricts200JSONResponse(out), nil
}

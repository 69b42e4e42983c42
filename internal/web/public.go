package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"strconv"

	"yixian/api"
	"yixian/dispatch"
	"yixian/dispatch/score"
	"yixian/internal/fault"
	tables "yixian/internal/sheet"
)

// openLicence is under what the counts are given away.
const openLicence = "CC BY 4.0"

// publicDistrict is the one that was named, else the host's.
func (s *server) publicDistrict(ctx context.Context, named *string) (string, error) {
	if named == nil {
		return s.district(ginOf(ctx))
	}
	if s.world(*named) == nil {
		return "", fault.NotFound()
	}
	return *named, nil
}

func (s *server) PublicCases(ctx context.Context, r api.PublicCasesRequestObject) (api.PublicCasesResponseObject, error) {
	district, err := s.publicDistrict(ctx, r.Params.District)
	if err != nil {
		return nil, err
	}
	list, next, err := s.Desk.PublicCases(ctx, district, dispatch.LedgerFilter{Matter: deref(r.Params.Matter), Street: deref(r.Params.Street), Limit: limitOf(r.Params.Limit), Cursor: deref(r.Params.Cursor)})
	if err != nil {
		return nil, err
	}
	w := s.world(district)
	out := api.PublicCases200JSONResponse{Items: []api.PublicCase{}, NextCursor: some(next)}
	for i := range list {
		o := &list[i]
		c := api.PublicCase{CaseNo: o.CaseNo, Matter: o.Matter, MatterName: w.MatterName(o.Matter), Text: o.Text, Street: o.Street, Community: o.Community, GridCode: o.Grid, Unit: o.Unit, Outcome: o.Outcome, Reports: o.Reports,
			CreatedAt: o.CreatedAt, PromiseAt: o.PromiseAt, ResolvedAt: o.ResolvedAt, ClosedAt: o.ClosedAt, OnTime: o.OnTime, BeforePhotos: photoURLs(district, o.Before), AfterPhotos: photoURLs(district, o.After)}
		c.Point.Lon, c.Point.Lat = o.Point.Lon, o.Point.Lat
		out.Items = append(out.Items, c)
	}
	return out, nil
}

func (s *server) PublicRankings(ctx context.Context, r api.PublicRankingsRequestObject) (api.PublicRankingsResponseObject, error) {
	district, err := s.publicDistrict(ctx, r.Params.District)
	if err != nil {
		return nil, err
	}
	ranking, err := s.Desk.PublicRankings(ctx, district, deref(r.Params.Period))
	if err != nil {
		return nil, err
	}
	w := s.world(district)
	out := api.PublicRankings200JSONResponse{Period: ranking.Period, Items: []api.Standing{}}
	for i := range ranking.Sheets {
		sh := &ranking.Sheets[i]
		one := api.Standing{Unit: sh.Unit, Name: w.UnitName(sh.Unit), Kind: api.StandingKind(sh.Kind), Rank: some(sh.Rank), Sufficient: sh.Sufficient, NeedDispose: sh.NeedDispose, CallTargetsDue: sh.CallTargetsDue,
			ValidRatings: sh.ValidRatings, Revision: sh.Revision, Hash: sh.Hash}
		if sh.Sufficient {
			one.Score = number(sh.Score)
		}
		out.Items = append(out.Items, one)
	}
	return out, nil
}

func (s *server) PublicNotices(ctx context.Context, r api.PublicNoticesRequestObject) (api.PublicNoticesResponseObject, error) {
	district, err := s.publicDistrict(ctx, r.Params.District)
	if err != nil {
		return nil, err
	}
	list, next, err := s.Desk.Notices(ctx, district, string(deref(r.Params.Kind)), limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	out := api.PublicNotices200JSONResponse{Items: []api.PublicNotice{}, NextCursor: some(next)}
	for i := range list {
		out.Items = append(out.Items, noticeView(s.world(district), &list[i]))
	}
	return out, nil
}

func noticeView(w *dispatch.World, n *dispatch.PublicNotice) api.PublicNotice {
	return api.PublicNotice{Id: n.ID.String(), Kind: api.PublicNoticeKind(n.Kind), Title: n.Title, Text: n.Text, Verdict: some(api.PublicNoticeVerdict(n.Verdict)), Matter: some(n.Matter), MatterName: some(w.MatterName(n.Matter)), Areas: n.Areas,
		Unit: some(w.UnitName(n.Unit)), PublishedAt: n.PublishedAt, WithdrawnAt: n.WithdrawnAt}
}

func (s *server) PublishNotice(ctx context.Context, r api.PublishNoticeRequestObject) (api.PublishNoticeResponseObject, error) {
	a := actorOf(ctx)
	n, err := s.Desk.PublishNotice(ctx, a, dispatch.PublicNotice{Title: r.Body.Title, Text: r.Body.Text, Matter: deref(r.Body.Matter), Areas: deref(r.Body.Areas)})
	if err != nil {
		return nil, err
	}
	return api.PublishNotice201JSONResponse(noticeView(s.world(a.District), n)), nil
}

func (s *server) WithdrawNotice(ctx context.Context, r api.WithdrawNoticeRequestObject) (api.WithdrawNoticeResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	a := actorOf(ctx)
	n, err := s.Desk.WithdrawNotice(ctx, a, id)
	if err != nil {
		return nil, err
	}
	return api.WithdrawNotice200JSONResponse(noticeView(s.world(a.District), n)), nil
}

func (s *server) PublicOpenData(ctx context.Context, r api.PublicOpenDataRequestObject) (api.PublicOpenDataResponseObject, error) {
	district, err := s.publicDistrict(ctx, r.Params.District)
	if err != nil {
		return nil, err
	}
	d, err := s.Desk.OpenMonth(ctx, district, deref(r.Params.Period))
	if err != nil {
		return nil, err
	}
	if deref(r.Params.Format) == api.PublicOpenDataParamsFormatCsv {
		body, err := openCSV(d)
		if err != nil {
			return nil, err
		}
		return api.PublicOpenData200TextcsvResponse{Body: bytes.NewReader(body), ContentLength: int64(len(body))}, nil
	}
	return api.PublicOpenData200JSONResponse(openView(d)), nil
}

func openView(d *dispatch.OpenData) api.OpenData {
	out := api.OpenData{District: d.District, Name: d.Title, Period: d.Period, From: d.From, To: d.To, Licence: openLicence, K: score.K, AsOf: d.AsOf, Items: []api.OpenCount{}, Streets: []api.OpenCount{}, Matters: []api.OpenCount{},
		Total: api.OpenCount{Received: d.Received.Total, Closed: d.Closed.Total}}
	for _, f := range openFields {
		out.Dictionary = append(out.Dictionary, struct {
			En    string `json:"en"`
			Field string `json:"field"`
			Type  string `json:"type"`
			Zh    string `json:"zh"`
		}{f.en, f.name, f.kind, f.zh})
	}
	for r, st := range d.Streets {
		for c, m := range d.Matters {
			one := api.OpenCount{Street: new(st.Code), StreetName: new(st.Name), Matter: new(m.Code), MatterName: new(m.Name), Received: d.Received.Cells[r][c], Closed: d.Closed.Cells[r][c]}
			if zero(one.Received) && zero(one.Closed) {
				continue // nothing happened there, which is no secret
			}
			out.Items = append(out.Items, one)
		}
		out.Streets = append(out.Streets, api.OpenCount{Street: new(st.Code), StreetName: new(st.Name), Received: d.Received.Rows[r], Closed: d.Closed.Rows[r]})
	}
	for c, m := range d.Matters {
		out.Matters = append(out.Matters, api.OpenCount{Matter: new(m.Code), MatterName: new(m.Name), Received: d.Received.Columns[c], Closed: d.Closed.Columns[c]})
	}
	return out
}

func zero(n *int) bool { return n != nil && *n == 0 }

// openFields is the dictionary of the counts.
var openFields = []struct{ name, kind, zh, en string }{
	{"period", "YYYY-MM", "月份（Asia/Shanghai）", "month (Asia/Shanghai)"},
	{"street", "9 digits, GB/T 2260 + 3; ALL", "街道代码，ALL 为合计", "code of the street; ALL: the total"},
	{"street_name", "text", "街道", "name of the street"},
	{"matter", "5 digits, GB/T 47678.5-2026 and local 21-30; ALL", "事项代码，ALL 为合计", "code of the matter; ALL: the total"},
	{"matter_name", "text", "事项", "name of the matter"},
	{"received", "integer or empty", "当月受理件数；空表示小于 5 或可由其他数推出而不公布", "cases received in the month; empty: below 5, or it would tell one that is"},
	{"closed", "integer or empty", "当月办结件数；空的含义同上", "cases closed in the month; empty as above"},
}

func openCSV(d *dispatch.OpenData) ([]byte, error) {
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	head := make([]string, len(openFields))
	for i, f := range openFields {
		head[i] = f.name
	}
	count := func(n *int) string {
		if n == nil {
			return ""
		}
		return strconv.Itoa(*n)
	}
	all := dispatch.Named{Code: "ALL"}
	lines := [][]string{head}
	line := func(st, m dispatch.Named, received, closed *int) {
		if !zero(received) || !zero(closed) {
			lines = append(lines, []string{d.Period, st.Code, tables.Safe(st.Name), m.Code, tables.Safe(m.Name), count(received), count(closed)})
		}
	}
	for r, st := range d.Streets {
		for c, m := range d.Matters {
			line(st, m, d.Received.Cells[r][c], d.Closed.Cells[r][c])
		}
		line(st, all, d.Received.Rows[r], d.Closed.Rows[r])
	}
	for c, m := range d.Matters {
		line(all, m, d.Received.Columns[c], d.Closed.Columns[c])
	}
	line(all, all, d.Received.Total, d.Closed.Total)
	err := out.WriteAll(lines)
	return b.Bytes(), err
}

package web

import (
	"context"
	"net/http"
	"time"

	openapi_types "github.com/oapi-codegen/runtime/types"

	"yixian/api"
	"yixian/dispatch"
	"yixian/internal/auth"
	"yixian/internal/fault"
)

// span reads the days of a figure; without them it is this month up to today.
func (s *server) span(a auth.Actor, first, last *openapi_types.Date) (from, to time.Time) {
	loc := s.world(a.District).Calendar.Location()
	local := a.Now.In(loc)
	day := func(d time.Time) time.Time { return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, loc) }
	from, to = day(local).AddDate(0, 0, 1-local.Day()), day(local).AddDate(0, 0, 1)
	if first != nil {
		from = day(first.Time)
	}
	if last != nil {
		to = day(last.Time)
	}
	return from, to
}

func (s *server) ExportData(ctx context.Context, r api.ExportDataRequestObject) (api.ExportDataResponseObject, error) {
	s.fresh(ctx)
	a := actorOf(ctx)
	p := r.Params
	format := string(deref(p.Format))
	if format == "" {
		format = "csv"
	}
	from, to := s.span(a, p.From, p.To)
	var e *dispatch.Export
	var err error
	switch r.What {
	case api.ExportDataParamsWhatCases:
		e, err = s.Desk.ExportCases(ctx, a, from, to, format, p.Request)
	case api.ExportDataParamsWhatMetrics:
		by := string(deref(p.By))
		if by == "" {
			by = "unit"
		}
		e, err = s.Desk.ExportOverview(ctx, a, from, to, by, format)
	case api.ExportDataParamsWhatHotline:
		by := string(deref(p.By))
		if by == "" {
			by = "source"
		}
		e, err = s.Desk.ExportHotline(ctx, a, from, to, by, format)
	case api.ExportDataParamsWhatBurden:
		e, err = s.Desk.ExportBurden(ctx, a, deref(p.Period), format)
	case api.ExportDataParamsWhatAssessments:
		if p.Period == nil {
			return nil, fault.Invalid("/period", "请给出月份，如 2026-06")
		}
		e, err = s.Desk.ExportAssessments(ctx, a, *p.Period, format)
	default:
		return nil, fault.NotFound()
	}
	if err != nil {
		return nil, err
	}
	return download{e, format, s.world(a.District).Calendar.Location(), lang(ctx)}, nil
}

// exportTypes are the media types of an export's formats.
var exportTypes = map[string]string{"csv": "text/csv; charset=utf-8", "json": "application/json", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}

// download writes an export while it is read.
type download struct {
	*dispatch.Export
	format string
	zone   *time.Location
	lang   string
}

// VisitExportDataResponse is how the generated router writes an answer.
func (d download) VisitExportDataResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", exportTypes[d.format])
	w.Header().Set("Content-Disposition", `attachment; filename="`+d.What+"-"+d.At.In(d.zone).Format("20060102-150405")+"."+d.format+`"`)
	return d.Write(w, d.format, d.zone, d.lang)
}

func (s *server) ListExportRequests(ctx context.Context, r api.ListExportRequestsRequestObject) (api.ListExportRequestsResponseObject, error) {
	list, err := s.Desk.ExportRequests(ctx, actorOf(ctx), limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	out := api.ListExportRequests200JSONResponse{Items: []api.ExportRequest{}}
	for i := range list {
		out.Items = append(out.Items, exportRequestView(&list[i]))
	}
	return out, nil
}

func (s *server) AskExport(ctx context.Context, r api.AskExportRequestObject) (api.AskExportResponseObject, error) {
	a := actorOf(ctx)
	from, to := s.span(a, &r.Body.From, &r.Body.To)
	e, err := s.Desk.AskExport(ctx, a, from, to, r.Body.Reason)
	if err != nil {
		return nil, err
	}
	return api.AskExport201JSONResponse(exportRequestView(e)), nil
}

func (s *server) DecideExport(ctx context.Context, r api.DecideExportRequestObject) (api.DecideExportResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	e, err := s.Desk.DecideExport(ctx, actorOf(ctx), id, r.Decision == api.Approve)
	if err != nil {
		return nil, err
	}
	return api.DecideExport200JSONResponse(exportRequestView(e)), nil
}

func exportRequestView(r *dispatch.ExportRequest) api.ExportRequest {
	return api.ExportRequest{Id: r.ID.String(), What: r.What, From: r.From, To: r.To, Reason: r.Reason, State: api.ExportRequestState(r.State), AskedBy: r.AskedBy.String(), AskedAt: r.AskedAt, DecidedBy: idText(r.DecidedBy),
		DecidedAt: r.DecidedAt, ExpiresAt: r.ExpiresAt, AskedByName: some(r.AskerName), DecidedByName: some(r.DeciderName)}
}

package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"yixian/api"
	"yixian/dispatch"
	"yixian/internal/fault"
	tables "yixian/internal/sheet"
)

func (s *server) ListReportSubscriptions(ctx context.Context, r api.ListReportSubscriptionsRequestObject) (api.ListReportSubscriptionsResponseObject, error) {
	list, next, err := s.Desk.Subscriptions(ctx, actorOf(ctx), limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	out := api.ListReportSubscriptions200JSONResponse{Items: []api.ReportSubscription{}, NextCursor: some(next)}
	for i := range list {
		out.Items = append(out.Items, subscriptionView(&list[i]))
	}
	return out, nil
}

// What a subscription begins with when nothing else is said.
const (
	reportAt   = "08:00"
	reportKept = 14 // days
)

func (s *server) CreateReportSubscription(ctx context.Context, r api.CreateReportSubscriptionRequestObject) (api.CreateReportSubscriptionResponseObject, error) {
	b := r.Body
	in := dispatch.Subscription{Title: b.Title, What: b.What, Format: b.Format, Period: b.Period, By: deref(b.By), KeepDays: reportKept}
	if b.KeepDays != nil {
		in.KeepDays = *b.KeepDays
	}
	at := reportAt
	if b.At != nil {
		at = *b.At
	}
	var err error
	if in.At, err = tables.Clock(at); err != nil {
		return nil, fault.Invalid("/at", "%s", err.Error())
	}
	made, err := s.Desk.Subscribe(ctx, actorOf(ctx), in, b.Recipients, once(r.Params.IdempotencyKey, "report_subscription", b))
	if err != nil {
		return nil, err
	}
	return api.CreateReportSubscription201JSONResponse(subscriptionView(made)), nil
}

func (s *server) DeleteReportSubscription(ctx context.Context, r api.DeleteReportSubscriptionRequestObject) (api.DeleteReportSubscriptionResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	return api.DeleteReportSubscription204Response{}, s.Desk.Unsubscribe(ctx, actorOf(ctx), id)
}

func (s *server) RunReportSubscription(ctx context.Context, r api.RunReportSubscriptionRequestObject) (api.RunReportSubscriptionResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	var day *time.Time
	if r.Body != nil && r.Body.Day != nil {
		day = &r.Body.Day.Time
	}
	run, err := s.Desk.RunReport(ctx, actorOf(ctx), id, day)
	if err != nil {
		return nil, err
	}
	return api.RunReportSubscription202JSONResponse(runView(run)), nil
}

func (s *server) ListReportRuns(ctx context.Context, r api.ListReportRunsRequestObject) (api.ListReportRunsResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	list, err := s.Desk.ReportRuns(ctx, actorOf(ctx), id)
	if err != nil {
		return nil, err
	}
	out := api.ListReportRuns200JSONResponse{Items: []api.ReportRun{}}
	for i := range list {
		out.Items = append(out.Items, runView(&list[i]))
	}
	return out, nil
}

func (s *server) ListReportDeliveries(ctx context.Context, r api.ListReportDeliveriesRequestObject) (api.ListReportDeliveriesResponseObject, error) {
	list, err := s.Desk.Deliveries(ctx, actorOf(ctx), limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	out := api.ListReportDeliveries200JSONResponse{Items: []api.ReportDelivery{}}
	for i := range list {
		out.Items = append(out.Items, deliveryView(&list[i]))
	}
	return out, nil
}

func (s *server) FetchReport(ctx context.Context, r api.FetchReportRequestObject) (api.FetchReportResponseObject, error) {
	d, body, err := s.Desk.FetchReport(ctx, actorOf(ctx), r.Token)
	if err != nil {
		return nil, err
	}
	return reportFile{d, body}, nil
}

// reportFile answers with a file that was made before.
type reportFile struct {
	*dispatch.ReportDelivery
	body []byte
}

// VisitFetchReportResponse is how the generated router writes an answer.
func (f reportFile) VisitFetchReportResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", exportTypes[f.Format])
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", f.Name))
	_, err := bytes.NewReader(f.body).WriteTo(w)
	return err
}

func subscriptionView(s *dispatch.Subscription) api.ReportSubscription {
	out := api.ReportSubscription{Id: s.ID.String(), Title: s.Title, What: s.What, Format: s.Format, Period: s.Period, By: s.By, At: tables.ClockText(s.At), KeepDays: s.KeepDays, CreatedBy: s.CreatedBy.String(), CreatedAt: s.CreatedAt, NextAt: s.NextAt}
	out.Recipients = make([]struct {
		Name     string `json:"name"`
		Username string `json:"username"`
	}, len(s.Recipients))
	for i, r := range s.Recipients {
		out.Recipients[i].Name, out.Recipients[i].Username = r.Name, r.Username
	}
	return out
}

func runView(r *dispatch.ReportRun) api.ReportRun {
	out := api.ReportRun{Id: r.ID.String(), Scheduled: r.Scheduled, DueAt: r.Due, DoneAt: r.Done, Failure: some(r.Failure), Deliveries: []api.ReportDelivery{}}
	out.From.Time, out.To.Time = r.From, r.To
	for i := range r.Deliveries {
		out.Deliveries = append(out.Deliveries, deliveryView(&r.Deliveries[i]))
	}
	return out
}

func deliveryView(d *dispatch.ReportDelivery) api.ReportDelivery {
	out := api.ReportDelivery{Id: d.ID.String(), Username: d.Username, State: api.ReportDeliveryState(d.State), Reason: some(d.Reason), Title: d.Title, Name: some(d.Name), Format: d.Format, Bytes: d.Bytes, Sha256: some(d.SHA256),
		MadeAt: d.Made, ExpiresAt: d.Expires, Downloads: d.Downloads}
	if d.Token != "" {
		out.Link = some("/api/v1/report_files/" + d.Token)
	}
	return out
}

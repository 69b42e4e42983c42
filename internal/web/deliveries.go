package web

import (
	"context"
	"time"

	"github.com/google/uuid"

	"yixian/api"
	"yixian/dispatch"
	"yixian/notify"
)

func (s *server) deliveries(ctx context.Context, f notify.DeliveryFilter, limit *int, cursor *string) (api.DeliveryList, error) {
	page, next, err := s.Post.Deliveries(ctx, s.DB, actorOf(ctx), f, limitOf(limit), deref(cursor))
	out := api.DeliveryList{Items: []api.Delivery{}, NextCursor: some(next)}
	for _, d := range page {
		v := api.Delivery{Id: d.ID.String(), Event: d.Event, Template: some(d.Template), Channel: d.Channel, Provider: some(d.Provider), CaseId: idText(d.CaseID), State: d.State, Reason: some(d.Reason), Attempts: d.Attempts,
			DueAt: d.DueAt, SentAt: d.SentAt, Report: some(d.ReportState)}
		for _, t := range d.Tries {
			v.Tries = append(v.Tries, struct {
				At       time.Time `json:"at"`
				Outcome  string    `json:"outcome"`
				Provider string    `json:"provider"`
				Reason   *string   `json:"reason,omitempty"`
				TookMs   int       `json:"took_ms"`
			}{t.At, t.Outcome, t.Provider, some(t.Reason), t.TookMS})
		}
		v.Tries = present(v.Tries)
		out.Items = append(out.Items, v)
	}
	return out, err
}

func (s *server) ListDeliveries(ctx context.Context, r api.ListDeliveriesRequestObject) (api.ListDeliveriesResponseObject, error) {
	out, err := s.deliveries(ctx, notify.DeliveryFilter{State: string(deref(r.Params.State)), Channel: deref(r.Params.Channel)}, r.Params.Limit, r.Params.Cursor)
	return api.ListDeliveries200JSONResponse(out), err
}

func (s *server) WebhookDeliveries(ctx context.Context, r api.WebhookDeliveriesRequestObject) (api.WebhookDeliveriesResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	out, err := s.deliveries(ctx, notify.DeliveryFilter{Channel: notify.Webhook, Recipient: id.String()}, r.Params.Limit, r.Params.Cursor)
	return api.WebhookDeliveries200JSONResponse(out), err
}

func (s *server) DeliveryFigures(ctx context.Context, r api.DeliveryFiguresRequestObject) (api.DeliveryFiguresResponseObject, error) {
	a := actorOf(ctx)
	hours := 24
	if r.Params.Hours != nil {
		hours = *r.Params.Hours
	}
	figures, parked, err := s.Post.Ops(ctx, s.DB, a, a.Now.Add(-time.Duration(hours)*time.Hour))
	if err != nil {
		return nil, err
	}
	var out api.DeliveryFigures
	for _, f := range figures {
		out.Items = append(out.Items, api.DeliveryFigure{Channel: f.Channel, Provider: f.Provider, Sent: f.Sent, Delivered: f.Delivered, Undelivered: f.Undelivered, Cancelled: f.Cancelled, Parked: f.Parked,
			Waiting: f.Waiting, Folded: f.Folded, Attempts: f.Attempts, Fails: f.Fails, P50S: f.P50, P99S: f.P99})
	}
	for _, k := range parked {
		out.Parked = append(out.Parked, api.ParkedMessages{Channel: k.Channel, Count: k.Count, Reason: k.Reason})
	}
	out.Items, out.Parked = present(out.Items), present(out.Parked)
	out.ParkedEvents, err = s.Planner.ParkedIn(ctx, a.District)
	return api.DeliveryFigures200JSONResponse(out), err
}

func (s *server) RedriveDeliveries(ctx context.Context, r api.RedriveDeliveriesRequestObject) (api.RedriveDeliveriesResponseObject, error) {
	a := actorOf(ctx)
	var ids []uuid.UUID
	if r.Body.Ids != nil {
		ids = append(ids, *r.Body.Ids...)
	}
	n, err := s.Post.Again(ctx, s.DB, a, ids)
	out := api.RedriveDeliveries200JSONResponse{Messages: n}
	if err == nil && deref(r.Body.Events) {
		out.Events, err = s.Planner.Redrive(ctx, a.District)
	}
	return out, err
}

func (s *server) MyNotices(ctx context.Context, _ api.MyNoticesRequestObject) (api.MyNoticesResponseObject, error) {
	w, err := s.Post.WishesOf(ctx, s.DB, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	out := api.MyNotices200JSONResponse{Locale: some(w.Locale), Refused: w.Refused, Email: some(w.Email), Wechat: w.WeChat, Browsers: w.Browser}
	if w.Quiet != nil {
		out.QuietFrom, out.QuietTo = new(clockText(w.Quiet.From)), new(clockText(w.Quiet.To))
	}
	return out, nil
}

func (s *server) SetMyNotices(ctx context.Context, r api.SetMyNoticesRequestObject) (api.SetMyNoticesResponseObject, error) {
	b := r.Body
	w := notify.Wishes{Locale: string(deref(b.Locale)), Refused: b.Refused, Email: deref(b.Email)}
	if b.QuietFrom != nil && b.QuietTo != nil {
		w.Quiet = &notify.Window{From: minuteOf(*b.QuietFrom), To: minuteOf(*b.QuietTo)}
	}
	return api.SetMyNotices204Response{}, s.Post.Wish(ctx, s.DB, actorOf(ctx), w)
}

// BindWechat begins the way through WeChat's page, which sends the person back to the address of the pages with code and state.
func (s *server) BindWechat(ctx context.Context, _ api.BindWechatRequestObject) (api.BindWechatResponseObject, error) {
	now, err := s.Desk.RealNow(ctx)
	if err != nil {
		return nil, err
	}
	url, state, err := s.Post.BindWeChat(ctx, s.DB, actorOf(ctx), s.Post.Link("wechat"), now)
	return api.BindWechat200JSONResponse{Url: url, State: state, ExpiresInS: 600}, err
}

func (s *server) BoundWechat(ctx context.Context, r api.BoundWechatRequestObject) (api.BoundWechatResponseObject, error) {
	now, err := s.Desk.RealNow(ctx)
	if err != nil {
		return nil, err
	}
	return api.BoundWechat204Response{}, s.Post.BoundWeChat(ctx, s.DB, actorOf(ctx), r.Body.Code, r.Body.State, now)
}

func (s *server) ForgetWechat(ctx context.Context, _ api.ForgetWechatRequestObject) (api.ForgetWechatResponseObject, error) {
	return api.ForgetWechat204Response{}, s.Post.ForgetWeChat(ctx, s.DB, actorOf(ctx))
}

func (s *server) PushKey(context.Context, api.PushKeyRequestObject) (api.PushKeyResponseObject, error) {
	return api.PushKey200JSONResponse{Key: s.Push}, nil
}

func (s *server) SubscribePush(ctx context.Context, r api.SubscribePushRequestObject) (api.SubscribePushResponseObject, error) {
	b := r.Body
	return api.SubscribePush204Response{}, s.Post.Subscribe(ctx, s.DB, actorOf(ctx), b.Endpoint, b.Keys.P256dh, b.Keys.Auth)
}

func (s *server) UnsubscribePush(ctx context.Context, r api.UnsubscribePushRequestObject) (api.UnsubscribePushResponseObject, error) {
	b := r.Body
	return api.UnsubscribePush204Response{}, s.Post.Unsubscribe(ctx, s.DB, actorOf(ctx), b.Endpoint, b.Keys.P256dh, b.Keys.Auth)
}

// listeners are the handles under which a report's reporter is told.
func listeners(t *dispatch.Tracked) []string {
	var out []string
	for _, id := range []*uuid.UUID{t.Report.AccountID, t.Report.ReporterID} {
		if id != nil {
			out = append(out, id.String())
		}
	}
	return out
}

func (s *server) ReportMessages(ctx context.Context, r api.ReportMessagesRequestObject) (api.ReportMessagesResponseObject, error) {
	t, err := s.track(ctx, r.ReceiptCode, r.Params.PhoneTail)
	if err != nil {
		return nil, err
	}
	who, d := listeners(t), t.Report.District
	list, err := s.Post.Told(ctx, s.DB, d, t.Case.ID, who)
	if err != nil {
		return nil, err
	}
	out := api.ReportMessages200JSONResponse{Items: []api.ToldMessage{}}
	for _, m := range list {
		out.Items = append(out.Items, api.ToldMessage{Id: m.ID.String(), At: m.DueAt, Event: some(m.Event), Channel: m.Channel, Title: some(m.Title), Text: m.Text, State: m.State, Report: some(m.ReportState)})
	}
	out.Muted, err = s.Post.Muted(ctx, s.DB, d, t.Case.ID, who)
	return out, err
}

func (s *server) MuteReport(ctx context.Context, r api.MuteReportRequestObject) (api.MuteReportResponseObject, error) {
	t, err := s.track(ctx, r.ReceiptCode, r.Params.PhoneTail)
	if err != nil {
		return nil, err
	}
	return api.MuteReport204Response{}, s.Post.Mute(ctx, s.DB, t.Report.District, t.Case.ID, listeners(t), r.Body.Muted)
}

// present makes a list of nothing a list: the contract answers [] and never null.
func present[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

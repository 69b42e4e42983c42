package web

import (
	"context"
	"fmt"
	"time"

	"yixian/api"
	"yixian/internal/fault"
	"yixian/notify"
)

func (s *server) ListTemplates(ctx context.Context, _ api.ListTemplatesRequestObject) (api.ListTemplatesResponseObject, error) {
	list, err := s.Post.Wordings(ctx, s.DB, actorOf(ctx).District)
	if err != nil {
		return nil, err
	}
	out := api.ListTemplates200JSONResponse{Items: []api.NoticeTemplate{}}
	for _, t := range list {
		out.Items = append(out.Items, api.NoticeTemplate{Key: t.Key, Event: t.Event, Audience: t.Audience, Channel: t.Channel, Zh: api.NoticeWording{Title: t.Chinese.Title, Text: t.Chinese.Text}, En: api.NoticeWording{Title: t.English.Title, Text: t.English.Text}, Own: t.Own, Version: t.Version, Placeholders: t.Allowed})
	}
	return out, nil
}

func (s *server) SaveTemplate(ctx context.Context, r api.SaveTemplateRequestObject) (api.SaveTemplateResponseObject, error) {
	err := s.Post.SaveTemplate(ctx, s.DB, actorOf(ctx), r.Key, wording(r.Body.Zh), wording(r.Body.En), deref(r.Body.Version))
	return api.SaveTemplate204Response{}, err
}

func (s *server) ResetTemplate(ctx context.Context, r api.ResetTemplateRequestObject) (api.ResetTemplateResponseObject, error) {
	return api.ResetTemplate204Response{}, s.Post.ResetTemplate(ctx, s.DB, actorOf(ctx), r.Key)
}

func (s *server) PreviewTemplate(ctx context.Context, r api.PreviewTemplateRequestObject) (api.PreviewTemplateResponseObject, error) {
	var zh, en *notify.Wording
	caseNo, locale := "", ""
	if b := r.Body; b != nil {
		caseNo, locale = deref(b.CaseNo), string(deref(b.Locale))
		if b.Wording != nil {
			zh, en = new(wording(b.Wording.Zh)), new(wording(b.Wording.En))
		}
	}
	sample, err := s.Planner.Preview(ctx, actorOf(ctx), r.Key, caseNo, locale, zh, en)
	if err != nil {
		return nil, err
	}
	return api.PreviewTemplate200JSONResponse{Title: sample.Title, Text: sample.Text, CaseNo: some(sample.CaseNo)}, nil
}

func (s *server) NoticeMatrix(ctx context.Context, _ api.NoticeMatrixRequestObject) (api.NoticeMatrixResponseObject, error) {
	list, err := s.Post.Lines(ctx, s.DB, actorOf(ctx).District)
	if err != nil {
		return nil, err
	}
	out := api.NoticeMatrix200JSONResponse{Items: []api.NoticeRow{}}
	for _, l := range list {
		row := api.NoticeRow{Key: l.Key(), Event: l.Event, Audience: l.Audience, Channel: l.Channel, On: l.On, Default: l.Default}
		if l.After > 0 {
			row.After = new(l.After.String())
		}
		if len(l.When) > 0 {
			row.When = &l.When
		}
		out.Items = append(out.Items, row)
	}
	return out, nil
}

func (s *server) SetNoticeRow(ctx context.Context, r api.SetNoticeRowRequestObject) (api.SetNoticeRowResponseObject, error) {
	var after *time.Duration
	if r.Body.After != nil {
		d, err := time.ParseDuration(*r.Body.After)
		if err != nil {
			return nil, fault.Invalid("/after", "应为时长，如 2m、90s")
		}
		after = &d
	}
	return api.SetNoticeRow204Response{}, s.Post.SetRow(ctx, s.DB, actorOf(ctx), r.Key, r.Body.On, after)
}

func (s *server) NoticeSettings(ctx context.Context, _ api.NoticeSettingsRequestObject) (api.NoticeSettingsResponseObject, error) {
	h, err := s.Post.Hours(ctx, s.DB, actorOf(ctx).District)
	if err != nil {
		return nil, err
	}
	return api.NoticeSettings200JSONResponse{QuietFrom: clockText(h.Quiet.From), QuietTo: clockText(h.Quiet.To), DigestAt: clockText(h.DigestAt), FoldOver: h.FoldOver, WebhookHosts: h.WebhookHosts}, nil
}

func (s *server) SetNoticeSettings(ctx context.Context, r api.SetNoticeSettingsRequestObject) (api.SetNoticeSettingsResponseObject, error) {
	b := r.Body
	return api.SetNoticeSettings204Response{}, s.Post.SetHours(ctx, s.DB, actorOf(ctx), notify.Hours{Quiet: notify.Window{From: minuteOf(b.QuietFrom), To: minuteOf(b.QuietTo)}, DigestAt: minuteOf(b.DigestAt), FoldOver: b.FoldOver, WebhookHosts: b.WebhookHosts})
}

// clockText and minuteOf turn minutes of a day into "07:30" and back; the contract has checked the form.
func clockText(m int) string { return fmt.Sprintf("%02d:%02d", m/60, m%60) }

func minuteOf(text string) int {
	var h, m int
	_, _ = fmt.Sscanf(text, "%d:%d", &h, &m)
	return h*60 + m
}

func wording(w api.NoticeWording) notify.Wording { return notify.Wording{Title: w.Title, Text: w.Text} }

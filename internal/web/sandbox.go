package web

import (
	"context"
	"time"

	"yixian/api"
	"yixian/internal/fault"
)

func (s *server) SandboxClock(ctx context.Context, r api.SandboxClockRequestObject) (api.SandboxClockResponseObject, error) {
	var advance time.Duration
	if r.Body.Advance != nil {
		d, err := time.ParseDuration(*r.Body.Advance)
		if err != nil || d < 0 {
			return nil, fault.Invalid("/advance", "应为 Go 时长，如 90m、24h，且不为负")
		}
		advance = d
	}
	now, err := s.Sandbox.Clock(ctx, r.Body.Set, advance, deref(r.Body.Run))
	if err != nil {
		return nil, err
	}
	return api.SandboxClock200JSONResponse{Now: now}, nil
}

func (s *server) SandboxMessages(ctx context.Context, r api.SandboxMessagesRequestObject) (api.SandboxMessagesResponseObject, error) {
	if err := s.Sandbox.Wait(ctx); err != nil {
		return nil, err
	}
	out := api.SandboxMessages200JSONResponse{Items: []api.SentMessage{}}
	for _, t := range s.Desk.Worlds().Tenants() {
		sent, err := s.Post.Sent(ctx, t.District, deref(r.Params.To), deref(r.Params.Since))
		if err != nil {
			return nil, err
		}
		for _, m := range sent {
			out.Items = append(out.Items, api.SentMessage{Id: new(m.ID.String()), At: m.At, Channel: m.Channel, To: m.To, Template: m.Template, Text: m.Text, Event: m.Event, CaseId: idText(m.CaseID), State: some(m.State)})
		}
	}
	return out, nil
}

func (s *server) SandboxReset(ctx context.Context, r api.SandboxResetRequestObject) (api.SandboxResetResponseObject, error) {
	fixture, mfa, limits := "F", false, false
	if r.Body != nil {
		if r.Body.Fixture != nil {
			fixture = string(*r.Body.Fixture)
		}
		mfa, limits = deref(r.Body.Mfa), deref(r.Body.Limits)
	}
	now, users, err := s.Sandbox.Reset(ctx, fixture, mfa, limits)
	if err != nil {
		return nil, err
	}
	return api.SandboxReset200JSONResponse{Now: now, Fixture: &fixture, Users: users}, nil
}

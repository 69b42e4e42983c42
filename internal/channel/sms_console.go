// Package channel owns the ways out of the house: one file per provider, each implementing notify.Channel. It does
// not decide who is told what, does not retry and stores nothing.
package channel

import (
	"context"
	"log/slog"

	"yixian/internal/seal"
	"yixian/notify"
)

// ConsoleSMS writes a log line instead of a text message.
type ConsoleSMS struct {
	log      *slog.Logger
	showText bool
}

// NewConsoleSMS makes the console sink. showText is for the sandbox only: a text may hold a one-time code.
func NewConsoleSMS(log *slog.Logger, showText bool) *ConsoleSMS {
	return &ConsoleSMS{log: log, showText: showText}
}

// ID names the sink.
func (*ConsoleSMS) ID() string { return "sms_console" }

// Send never fails.
func (c *ConsoleSMS) Send(ctx context.Context, m notify.Outgoing) (notify.Receipt, error) {
	attrs := []slog.Attr{slog.String("message_id", m.ID.String()), slog.String("to", seal.MaskPhone(m.To)), slog.String("template", m.Template)}
	if c.showText {
		attrs = append(attrs, slog.String("text", m.Text))
	}
	c.log.LogAttrs(ctx, slog.LevelInfo, "sms", attrs...)
	return notify.Receipt{}, nil
}

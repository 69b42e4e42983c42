package dispatch

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"yixian/internal/auth"
	"yixian/internal/fault"
)

// consequence says what the program itself does when a clock has rung: clocks only ring, whoever is moved by them goes
// through the same door as everybody else.
type consequence struct {
	kind   ClockKind
	level  int
	action Action
	reason string // where the action wants one
}

var consequences = []consequence{
	{ClockRating, 100, ActArchive, ""}, // T25
	{ClockResume, 100, ActResume, ""},  // T27
	{ClockStage, 100, ActDispute, "规则规定的前一阶段已到时，提请裁定权属"}, // T12, R03
}

// together is how many cases' consequences run at the same time.
const together = 4

// follow carries out what the batch's events entail. Each command carries a key made of the clock and its level, so
// that a planner that died after it and before its own commit does it once all the same.
func (p *Planner) follow(ctx context.Context, batch []*happening) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(together)
	for _, h := range batch {
		if h.event.Action != ActClockDue {
			continue
		}
		for _, c := range consequences {
			if string(c.kind) == h.data.Kind && c.level == h.data.level() {
				work.Go(func() error { return p.entail(ctx, h, c) })
			}
		}
	}
	return work.Wait()
}

// entail is one consequence. A refusal is an answer: the case has moved on, or a request must be decided first.
func (p *Planner) entail(ctx context.Context, h *happening, c consequence) (err error) {
	defer func() {
		if r := recover(); r != nil {
			h.failed = fmt.Errorf("%s panicked (%T)", c.action, r)
		}
	}()
	key := fmt.Sprintf("due:%s:%d", h.data.Clock, c.level)
	hash := sha256.Sum256([]byte(key))
	cmd := Command{Action: c.action, Key: key, Hash: hash[:]}
	if c.reason != "" {
		cmd.Body.Reason, cmd.Given = c.reason, []string{"reason"}
	}
	_, err = p.desk.Do(ctx, auth.SystemActor(h.district, h.event.At), h.caseID, cmd, nil)
	refusal, isFault := fault.As(err)
	switch {
	case err == nil:
	case isFault && refusal.Code == "STALE", errors.Is(err, errRestless):
		h.later = true // somebody else moved the case at this very moment
	case isFault && refusal.Status < 500:
		p.log.DebugContext(ctx, "consequence refused", slog.String("action", string(c.action)), slog.String("case_id", h.caseID.String()), slog.String("code", refusal.Code))
	case passing(err):
		return err
	default:
		h.failed = fmt.Errorf("%s: %w", c.action, err)
	}
	return nil
}

// level is the percentage of a clock that has rung.
func (d *newsData) level() int {
	n, _ := d.Level.(float64)
	return int(n)
}

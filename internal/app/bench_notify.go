package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/grid"
	"yixian/internal/pg"
	"yixian/notify"
)

const (
	notifyMessages = 10_000
	notifyBatch    = 500 // messages of one transaction
	notifyGoal     = 1000.0
)

// benchNotify measures how fast an event that concerns thousands is told: 10,000 text messages, from the writing of the first to the
// provider's acceptance of the last, by `yixian serve` with a file as the provider. The ratio is the time of 1,000 messages in seconds.
func benchNotify(ctx context.Context, cfg Config, log *slog.Logger, w io.Writer) error {
	a, admin, done, err := benchRoom(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer done()
	if err := a.wire(ctx); err != nil {
		return err
	}
	p, err := a.child(ctx, "all")
	if err != nil {
		return err
	}
	defer p.stop()
	if _, _, err := a.tellMany(ctx, admin, notifyMessages/10); err != nil { // plans, caches, heap
		return err
	}
	wrote, told, err := a.tellMany(ctx, admin, notifyMessages)
	if err != nil {
		return err
	}
	rate := notifyMessages / told.Seconds()
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "messages\t%d\tin transactions of %d\n", notifyMessages, notifyBatch)
	fmt.Fprintf(t, "written\t%.1f s\t%.0f a second\n", wrote.Seconds(), notifyMessages/wrote.Seconds())
	fmt.Fprintf(t, "first written → last handed over\t%.1f s\t%.0f a second (goal %.0f)\n", told.Seconds(), rate, notifyGoal)
	if err := t.Flush(); err != nil {
		return err
	}
	ok := rate >= notifyGoal
	fmt.Fprintf(w, "RESULT name=notify ratio=%.2f goal=1.0 ok=%t\n", notifyGoal/rate, ok)
	if !ok {
		return ErrRefused
	}
	return nil
}

// tellMany tells one event to n people and waits until each was told: how long it took to write the messages, and how long from the
// first one written to the last one handed over, by the database's clock.
func (a *App) tellMany(ctx context.Context, admin *pgx.Conn, n int) (wrote, told time.Duration, err error) {
	event := uuid.Must(uuid.NewV7())
	begin := time.Now()
	for from := 0; from < n; from += notifyBatch {
		var drafts []notify.Draft
		for i := from; i < min(n, from+notifyBatch); i++ {
			drafts = append(drafts, notify.Draft{District: grid.DemoDistrict, EventID: event, Event: "called", Template: notify.Key("called", "target", notify.SMS), Recipient: uuid.NewString(), Channel: notify.SMS,
				To: fmt.Sprintf("139%08d", i), Urgent: true, Data: map[string]string{"place": "东街街道军门社区", "matter": "道路破损", "unit": "东街街道", "level": "L1", "case_no": "350102-20260608-000001", "ack_due": "2026-06-08T01:00:00Z", "due": "2026-06-08T01:30:00Z"}})
		}
		if err := pgx.BeginFunc(pg.WithDistrict(ctx, grid.DemoDistrict), a.Engine.Pool, func(tx pgx.Tx) error { return a.post.Enqueue(ctx, tx, drafts) }); err != nil {
			return 0, 0, err
		}
	}
	wrote = time.Since(begin)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := begin.Add(5 * time.Minute); ; {
		var pending, sent int
		var seconds float64
		if err := admin.QueryRow(ctx, `select count(*) filter (where state = 'PENDING'), count(*) filter (where state = 'SENT'), coalesce(extract(epoch from max(handed_at) - min(written_at)), 0)::float8
			from message where district = $1 and event_id = $2`, grid.DemoDistrict, event).Scan(&pending, &sent, &seconds); err != nil {
			return 0, 0, err
		}
		if pending == 0 && sent == n {
			return wrote, time.Duration(seconds * float64(time.Second)), nil
		}
		if pending == 0 || time.Now().After(end) {
			return 0, 0, fmt.Errorf("of %d messages %d were sent, %d are on their way", n, sent, pending)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		}
	}
}

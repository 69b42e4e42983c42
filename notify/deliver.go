package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"yixian/internal/pg"
)

// Queue is the River queue of deliveries; the engine's client must work it.
const Queue = "notify"

const (
	jobTimeout  = 30 * time.Second
	maxAttempts = 8               // River's back-off (attempt⁴ seconds, with jitter): about 78 minutes in all
	otpAttempts = 4               // 98 seconds
	otpLife     = 5 * time.Minute // a code that arrives later only confuses
	markTimeout = 5 * time.Second
)

// DeliverArgs is the job that delivers one message. It holds ids only: River's tables keep arguments for days.
type DeliverArgs struct {
	District  string    `json:"district"`
	MessageID uuid.UUID `json:"message_id"`
}

// Kind is River's name of the job.
func (DeliverArgs) Kind() string { return "deliver" }

// InsertOpts are the defaults; a one-time code goes first and gives up early.
func (DeliverArgs) InsertOpts() river.InsertOpts { return *insertOpts("") }

func insertOpts(event string) *river.InsertOpts {
	if event == EventOTP {
		return &river.InsertOpts{Queue: Queue, MaxAttempts: otpAttempts, Priority: 1}
	}
	return &river.InsertOpts{Queue: Queue, MaxAttempts: maxAttempts, Priority: 2}
}

// DeliverWorker sends one message by its channel. Delivery is at least once: a crash between the provider's
// acceptance and our own record repeats the send with the same id, by which the provider knows it.
type DeliverWorker struct {
	river.WorkerDefaults[DeliverArgs]
	db       *pg.DB
	keys     Keys
	channels Channels
	log      *slog.Logger
}

// NewDeliverWorker makes the worker for river.AddWorker. db is the engine's; log may be nil.
func NewDeliverWorker(db *pg.DB, keys Keys, channels Channels, log *slog.Logger) *DeliverWorker {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &DeliverWorker{db: db, keys: keys, channels: channels, log: log}
}

// Timeout bounds one attempt.
func (w *DeliverWorker) Timeout(*river.Job[DeliverArgs]) time.Duration { return jobTimeout }

// Work is one attempt. A message that is sent, cancelled or parked already is left alone. The errors it returns end
// up in River's tables: they hold neither address nor text.
func (w *DeliverWorker) Work(ctx context.Context, job *river.Job[DeliverArgs]) error {
	ctx = pg.WithDistrict(ctx, job.Args.District)
	var m Message
	err := w.db.Pool.QueryRow(ctx, `select channel, event, template, title, text, to_enc, text_enc, state from message where district = $1 and id = $2`,
		job.Args.District, job.Args.MessageID).Scan(&m.Channel, &m.Event, &m.Template, &m.Title, &m.Text, &m.ToEnc, &m.TextEnc, &m.State)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return river.JobCancel(errors.New("message is gone"))
	case err != nil:
		return fmt.Errorf("load message: %w", err)
	case m.State != Pending:
		return nil
	}
	out := Outgoing{ID: job.Args.MessageID, Title: m.Title, Text: m.Text, Template: m.Template}
	receipt, provider, err := w.send(ctx, job, m, &out)
	if err == nil {
		return w.mark(ctx, job.Args, Sent, "", receipt.Ref)
	}
	reason := safeReason(err, out)
	state := Pending
	if IsPermanent(err) || job.Attempt >= job.MaxAttempts {
		state = Failed
	}
	w.log.WarnContext(ctx, "delivery failed", slog.String("message_id", out.ID.String()), slog.String("channel", m.Channel), slog.String("provider", provider),
		slog.Int("attempt", job.Attempt), slog.Bool("parked", state == Failed), slog.String("reason", reason))
	if err := w.mark(ctx, job.Args, state, reason, ""); err != nil {
		return err
	}
	if state == Failed {
		return river.JobCancel(errors.New(reason)) // parked: the message row is what operators see and re-drive
	}
	return errors.New(reason)
}

// send opens what is sealed, at the last moment, and hands the message over. A panic of a channel is one more way to
// fail: its words could hold the address, so only its type is kept.
func (w *DeliverWorker) send(ctx context.Context, job *river.Job[DeliverArgs], m Message, out *Outgoing) (receipt Receipt, provider string, err error) {
	channel, ok := w.channels[m.Channel]
	if !ok {
		return receipt, "", Permanent("no provider for channel " + m.Channel)
	}
	provider = channel.ID()
	if m.Event == EventOTP && job.AttemptedAt != nil && job.AttemptedAt.Sub(job.CreatedAt) > otpLife {
		return receipt, provider, Permanent("the code is out of date")
	}
	if out.To, err = w.keys.Open(job.Args.District, fieldTo, m.ToEnc); err != nil {
		return receipt, provider, Permanent("address does not open: " + err.Error())
	}
	if len(m.TextEnc) > 0 {
		if out.Text, err = w.keys.Open(job.Args.District, fieldText, m.TextEnc); err != nil {
			return receipt, provider, Permanent("text does not open: " + err.Error())
		}
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("provider %s panicked (%T)", provider, p)
		}
	}()
	receipt, err = channel.Send(ctx, *out)
	return receipt, provider, err
}

// mark records an attempt, even when the job's own time is over: a sent message must not be sent again for want
// of a note.
func (w *DeliverWorker) mark(ctx context.Context, args DeliverArgs, state, reason, ref string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), markTimeout)
	defer cancel()
	if len(ref) > maxReason {
		ref = ref[:maxReason]
	}
	_, err := w.db.Pool.Exec(ctx, `update message set state = $3, error = $4, provider_ref = $5, attempts = attempts + 1,
			sent_at = case when $3 = 'SENT' then yx_now() end, text_enc = case when $3 = 'SENT' then null else text_enc end
		where district = $1 and id = $2 and state = 'PENDING'`, args.District, args.MessageID, state, reason, ref)
	if err != nil {
		return fmt.Errorf("record delivery: %w", err)
	}
	return nil
}

package notify

import (
	"context"
	"encoding/json"
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
	db        *pg.DB
	keys      Keys
	providers *Providers
	observe   Observer
	log       *slog.Logger
}

// Observer hears of every attempt, for metrics: after is the time from the message's commit to the provider's acceptance
// (only of OK).
type Observer func(channel, provider, outcome string, after time.Duration)

// NewDeliverWorker makes the worker for river.AddWorker. db is the engine's; observe and log may be nil.
func NewDeliverWorker(db *pg.DB, keys Keys, providers *Providers, observe Observer, log *slog.Logger) *DeliverWorker {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if observe == nil {
		observe = func(string, string, string, time.Duration) {}
	}
	return &DeliverWorker{db: db, keys: keys, providers: providers, observe: observe, log: log}
}

// Timeout bounds one attempt.
func (w *DeliverWorker) Timeout(*river.Job[DeliverArgs]) time.Duration { return jobTimeout }

// waiting is a message that is to go out, with what its recipient has said meanwhile.
type waiting struct {
	Message
	refused, muted bool
	version        int64 // of the district's settings
}

const waitingSQL = `select m.channel, m.event, m.template, m.title, m.text, m.to_enc, m.text_enc, m.values_enc, m.state, m.urgent, m.written_at, m.recipient,
	coalesce(m.channel = any(p.refused), false), exists (select from notice_mute x where x.district = m.district and x.case_id = m.case_id and x.recipient = m.recipient), coalesce(s.version, 0)
from message m left join notice_person p on p.district = m.district and p.recipient = m.recipient left join notice_setting s on s.district = m.district
where m.district = $1 and m.id = $2`

// unwanted: consent may have been withdrawn between plan and send.
func (m *waiting) unwanted() bool {
	d := Draft{Template: m.Template}
	switch {
	case m.Event == EventOTP, m.Channel == Webhook, m.Channel == Group:
		return false
	case d.resident():
		return m.refused || m.muted
	}
	return m.refused && !m.Urgent
}

// Work is one attempt. A message that is sent, cancelled or parked already is left alone. The errors it returns end
// up in River's tables: they hold neither address nor text.
func (w *DeliverWorker) Work(ctx context.Context, job *river.Job[DeliverArgs]) error {
	ctx = pg.WithDistrict(ctx, job.Args.District)
	var m waiting
	err := w.db.Pool.QueryRow(ctx, waitingSQL, job.Args.District, job.Args.MessageID).Scan(&m.Channel, &m.Event, &m.Template, &m.Title, &m.Text, &m.ToEnc, &m.TextEnc, &m.ValuesEnc,
		&m.State, &m.Urgent, &m.WrittenAt, &m.Recipient, &m.refused, &m.muted, &m.version)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return river.JobCancel(errors.New("message is gone"))
	case err != nil:
		return fmt.Errorf("load message: %w", err)
	case m.State != Pending:
		return nil
	case m.unwanted():
		return w.mark(ctx, job.Args, &mark{state: Cancelled, reason: ReasonConsent})
	}
	out := Outgoing{ID: job.Args.MessageID, Title: m.Title, Text: m.Text, Template: m.Template}
	k := &mark{channel: m.Channel, attempt: job.Attempt}
	receipt, err := w.send(ctx, job, &m, &out, k)
	if len(receipt.Gone) > 0 {
		w.forget(ctx, job.Args.District, &m, receipt.Gone)
	}
	if err == nil {
		k.state, k.ref = Sent, receipt.Ref
		return w.mark(ctx, job.Args, k)
	}
	k.reason, k.state = safeReason(err, out), Pending
	if IsPermanent(err) || job.Attempt >= job.MaxAttempts {
		k.state = Failed
	}
	w.log.WarnContext(ctx, "delivery failed", slog.String("message_id", out.ID.String()), slog.String("channel", m.Channel), slog.String("provider", k.provider),
		slog.Int("attempt", job.Attempt), slog.Bool("parked", k.state == Failed), slog.String("reason", k.reason))
	if err := w.mark(ctx, job.Args, k); err != nil {
		return err
	}
	if k.state == Failed {
		return river.JobCancel(errors.New(k.reason)) // parked: the message row is what operators see and re-drive
	}
	return errors.New(k.reason)
}

// send opens what is sealed, at the last moment, and hands the message to the first provider that takes it. One that may
// have taken it without saying so is asked once more under the same key before the next.
func (w *DeliverWorker) send(ctx context.Context, job *river.Job[DeliverArgs], m *waiting, out *Outgoing, k *mark) (Receipt, error) {
	var err error
	if m.Event == EventOTP && job.AttemptedAt != nil && job.AttemptedAt.Sub(job.CreatedAt) > otpLife {
		return Receipt{}, Permanent("the code is out of date")
	}
	district := job.Args.District
	if out.To, err = w.keys.Open(district, fieldTo, m.ToEnc); err != nil {
		return Receipt{}, Permanent("address does not open: " + err.Error())
	}
	if len(m.TextEnc) > 0 {
		if out.Text, err = w.keys.Open(district, fieldText, m.TextEnc); err != nil {
			return Receipt{}, Permanent("text does not open: " + err.Error())
		}
	}
	if len(m.ValuesEnc) > 0 {
		raw, err := w.keys.Open(district, fieldValues, m.ValuesEnc)
		if err == nil {
			err = json.Unmarshal([]byte(raw), &out.Values)
		}
		if err != nil {
			return Receipt{}, Permanent("values do not open: " + err.Error())
		}
	}
	list, err := w.providers.of(ctx, w.db.Pool, district, m.Channel, m.Recipient, m.version)
	if err != nil {
		return Receipt{}, err
	}
	if len(list) == 0 {
		return Receipt{}, Permanent("no provider for channel " + m.Channel)
	}
	for _, p := range list {
		var receipt Receipt
		for range 2 {
			if receipt, err = w.try(ctx, p, m, *out, k); err == nil || IsPermanent(err) || ctx.Err() != nil {
				return receipt, err
			}
			if !IsUnclear(err) {
				break
			}
		}
	}
	return Receipt{}, err
}

// try is one request to one provider. A panic of a channel is one more way to fail: its words could hold the address, so
// only its type is kept.
func (w *DeliverWorker) try(ctx context.Context, p provider, m *waiting, out Outgoing, k *mark) (receipt Receipt, err error) {
	from := w.providers.clock()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("provider %s panicked (%T)", p.name, r)
		}
		now := w.providers.clock()
		t := tried{provider: p.name, took: int(now.Sub(from).Milliseconds()), outcome: "OK"}
		switch {
		case err == nil:
		case IsPermanent(err):
			t.outcome = "REFUSED"
		case IsUnclear(err):
			t.outcome = "UNCLEAR"
		default:
			t.outcome = "FAILED"
		}
		if err != nil {
			t.reason = safeReason(err, out)
		}
		k.provider, k.tried = p.name, append(k.tried, t)
		w.providers.note(pg.District(ctx), p.name, err == nil || IsPermanent(err))
		w.observe(m.Channel, p.name, t.outcome, now.Sub(m.WrittenAt))
	}()
	return p.channel.Send(ctx, out)
}

// tried is one line of the delivery log.
type tried struct {
	provider, outcome, reason string
	took                      int // milliseconds
}

// mark is what is to be written down of an attempt.
type mark struct {
	state, reason, ref, provider, channel string
	attempt                               int
	tried                                 []tried
}

// markSQL: a message that was called back while it was under way is sent all the same, and that is what the record says.
const markSQL = `with m as (
	update message set state = $3, error = $4, provider_ref = $5, provider = case when $6 = '' then provider else $6 end, attempts = attempts + 1,
		sent_at = case when $3 = 'SENT' then yx_now() end, handed_at = case when $3 = 'SENT' then clock_timestamp() end, report_state = case when $3 = 'SENT' and report_state = '' then 'ACCEPTED' else report_state end,
		text_enc = case when $3 in ('SENT','CANCELLED') then null else text_enc end, values_enc = case when $3 in ('SENT','CANCELLED') then null else values_enc end
	where district = $1 and id = $2 and (state = 'PENDING' or state = 'CANCELLED' and $3 = 'SENT') returning district, id)
insert into delivery (district, id, message_id, channel, provider, attempt, took_ms, outcome, error)
select m.district, t.id, m.id, $7, t.provider, $8, t.took, t.outcome, t.reason from m, unnest($9::uuid[], $10::text[], $11::int[], $12::text[], $13::text[]) t(id, provider, took, outcome, reason)`

// mark records an attempt, even when the job's own time is over: a sent message must not be sent again for want
// of a note.
func (w *DeliverWorker) mark(ctx context.Context, args DeliverArgs, k *mark) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), markTimeout)
	defer cancel()
	if len(k.ref) > maxReason {
		k.ref = k.ref[:maxReason]
	}
	n := len(k.tried)
	ids, names, outcomes, reasons, took := make([]uuid.UUID, n), make([]string, n), make([]string, n), make([]string, n), make([]int, n)
	for i, t := range k.tried {
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		ids[i], names[i], outcomes[i], reasons[i], took[i] = id, t.provider, t.outcome, t.reason, t.took
	}
	_, err := w.db.Pool.Exec(ctx, markSQL, args.District, args.MessageID, k.state, k.reason, k.ref, k.provider, k.channel, k.attempt, ids, names, took, outcomes, reasons)
	if err != nil {
		return fmt.Errorf("record delivery: %w", err)
	}
	return nil
}

// forget drops addresses that the provider says are there no longer; it is no reason to fail.
func (w *DeliverWorker) forget(ctx context.Context, district string, m *waiting, gone []string) {
	for _, address := range gone {
		if _, err := w.db.Pool.Exec(ctx, "delete from notice_address where district = $1 and account_id::text = $2 and channel = $3 and address_bidx = $4",
			district, m.Recipient, m.Channel, w.keys.Blind(district, fieldAddress, address)); err != nil {
			w.log.WarnContext(ctx, "an address that is gone stays", slog.String("channel", m.Channel))
		}
	}
}

package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// Reasons of a message that was parked before it was tried.
const (
	ReasonTemplate  = "TEMPLATE"   // cannot be rendered
	ReasonNoAddress = "NO_ADDRESS" // the recipient has no such address
	ReasonBadNumber = "BAD_NUMBER" // not a mobile number
	ReasonConsent   = "CONSENT"    // the person does not want it any more
)

// One statement for any number of messages. A message that is told already is left alone; an inbox message that
// is due is visible at once; another one that is due counts as queued, because its job follows in this transaction.
const insertSQL = `
insert into message (district, id, event_id, event, template, recipient, account_id, channel, to_enc, text_enc, title, text, case_id, values_enc, urgent, fold, due_at, state, error, queued, sent_at)
select d.district, d.id, d.event_id, d.event, d.template, d.recipient, d.account_id, d.channel, d.to_enc, d.text_enc, d.title, d.text, d.case_id, d.values_enc, d.urgent, d.fold, t.due,
	case when d.error <> '' then 'FAILED' when d.channel = 'APP' and t.due <= yx_now() then 'SENT' else 'PENDING' end,
	d.error, d.error = '' and not d.fold and t.due <= yx_now(), case when d.error = '' and d.channel = 'APP' and t.due <= yx_now() then t.due end
from unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::text[], $9::bytea[], $10::bytea[], $11::text[], $12::text[], $13::uuid[], $14::timestamptz[], $15::text[],
	$16::bytea[], $17::bool[], $18::bool[]) as d(district, id, event_id, event, template, recipient, account_id, channel, to_enc, text_enc, title, text, case_id, due_at, error, values_enc, urgent, fold)
cross join lateral (select coalesce(d.due_at, yx_now()) as due) t
on conflict (district, event_id, recipient, channel) do nothing
returning district, id, event, channel <> 'APP' and state = 'PENDING' and queued`

// Enqueue writes messages, and jobs for those that are due, in the caller's transaction: they exist if and only if
// what they tell of was committed. A draft whose (district, event, recipient, channel) was told before is
// skipped. A draft that cannot be told (no template, a bad value, no address) becomes a FAILED row with its reason
// instead of an error: one bad draft must not hold up the others, and must not vanish either.
func (p *Post) Enqueue(ctx context.Context, tx pgx.Tx, drafts []Draft) error {
	if len(drafts) == 0 {
		return nil
	}
	drafts, pols, err := p.expand(ctx, tx, drafts)
	if err != nil || len(drafts) == 0 {
		return err
	}
	n := len(drafts)
	var (
		district, event, template, recipient = make([]string, n), make([]string, n), make([]string, n), make([]string, n)
		channel, title, text, reason         = make([]string, n), make([]string, n), make([]string, n), make([]string, n)
		id, eventID                          = make([]uuid.UUID, n), make([]uuid.UUID, n)
		accountID, caseID                    = make([]*uuid.UUID, n), make([]*uuid.UUID, n)
		toEnc, textEnc, values               = make([][]byte, n), make([][]byte, n), make([][]byte, n)
		urgent, fold                         = make([]bool, n), make([]bool, n)
		due                                  = make([]*time.Time, n)
	)
	for i, d := range drafts {
		row, err := p.row(ctx, pols[d.District].Templates, d)
		if err != nil {
			return err
		}
		district[i], event[i], template[i], recipient[i], channel[i] = d.District, d.Event, d.Template, d.Recipient, d.Channel
		id[i], eventID[i], accountID[i], caseID[i] = row.ID, d.EventID, d.AccountID, d.CaseID
		title[i], text[i], reason[i], toEnc[i], textEnc[i] = row.Title, row.Text, row.Error, row.ToEnc, row.TextEnc
		values[i], urgent[i], fold[i] = row.ValuesEnc, d.Urgent, d.Fold && slices.Contains(foldable, d.Channel)
		if !d.DueAt.IsZero() {
			due[i] = &drafts[i].DueAt
		}
	}
	rows, err := tx.Query(ctx, insertSQL, district, id, eventID, event, template, recipient, accountID, channel, toEnc, textEnc, title, text, caseID, due, reason, values, urgent, fold)
	if err != nil {
		return fmt.Errorf("write messages: %w", err)
	}
	return p.hand(ctx, tx, rows)
}

// row renders and seals one draft. The error is one of our own making or of the key file, never of the draft.
func (p *Post) row(ctx context.Context, wording *Templates, d Draft) (Message, error) {
	if d.District == "" || d.Recipient == "" || d.Channel == "" || d.EventID == uuid.Nil {
		return Message{}, errors.New("notify: a draft needs district, event id, recipient and channel")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Message{}, err
	}
	m := Message{ID: id}
	if len(d.sealed) > 0 {
		m.ToEnc, err = p.bundle(&d)
	} else {
		m.ToEnc, err = p.c.Keys.Seal(d.District, fieldTo, d.To)
	}
	if err != nil {
		return Message{}, fmt.Errorf("seal address: %w", err)
	}
	if d.Body != "" {
		m.Title, m.Text = d.Event, d.Body
		return m, nil
	}
	r, err := wording.compose(&d)
	if url := d.Data["link"]; err == nil && url != "" && !strings.HasPrefix(url, p.c.Links) {
		err = errors.New("{link} leads to another host")
	}
	switch {
	case err != nil:
		m.Error = ReasonTemplate
		p.c.Log.ErrorContext(ctx, "message cannot be rendered", slog.String("event_id", d.EventID.String()), slog.String("reason", err.Error()))
		return m, nil
	case d.Channel != App && d.To == "" && len(d.sealed) == 0:
		m.Error = ReasonNoAddress
	case (d.Channel == SMS || d.Channel == Voice) && !mobile.MatchString(d.To):
		m.Error = ReasonBadNumber
	}
	if d.Channel != App && len(r.values) > 0 && m.Error == "" && slices.Contains(templated, d.Channel) {
		raw, err := json.Marshal(r.values)
		if err != nil {
			return Message{}, err
		}
		if m.ValuesEnc, err = p.c.Keys.Seal(d.District, fieldValues, string(raw)); err != nil {
			return Message{}, fmt.Errorf("seal values: %w", err)
		}
	}
	m.Title, m.Text = r.title, r.kept
	if r.kept != r.text {
		if p.c.KeepCodes {
			m.Text = r.text
		} else if m.TextEnc, err = p.c.Keys.Seal(d.District, fieldText, r.text); err != nil {
			return Message{}, fmt.Errorf("seal text: %w", err)
		}
	}
	return m, nil
}

const drill = "【演练】"

// foldable are the channels of one person that disturb.
var foldable = []string{SMS, Voice, Push, WeChat, Email}

// templated are the channels whose providers may know templates by a number of their own and want the values apart.
var templated = []string{SMS, Voice, WeChat}

// compose writes a draft as it goes out and as it is kept. Preview calls it too: what it shows is what would be sent.
func (s *Templates) compose(d *Draft) (rendered, error) {
	part := strings.SplitN(d.Template, ".", 3)
	key := d.Template
	if len(part) == 3 {
		key = s.keyFor(part[0], part[1], d.Channel)
	}
	r, err := s.render(key, d.Locale, d.Data)
	if err == nil && d.Drill {
		r.title, r.text, r.kept = drill+r.title, drill+r.text, drill+r.kept
	}
	return r, err
}

// hand makes the jobs of rows (district, id, event, wants a job), in the transaction that wrote them.
func (p *Post) hand(ctx context.Context, tx pgx.Tx, rows pgx.Rows) error {
	var jobs []river.InsertManyParams
	var args DeliverArgs
	var event string
	var wanted bool
	if _, err := pgx.ForEachRow(rows, []any{&args.District, &args.MessageID, &event, &wanted}, func() error {
		if wanted {
			jobs = append(jobs, river.InsertManyParams{Args: args, InsertOpts: insertOpts(event)})
		}
		return nil
	}); err != nil {
		return fmt.Errorf("write messages: %w", err)
	}
	if len(jobs) == 0 {
		return nil
	}
	if _, err := p.c.River.InsertManyTx(ctx, tx, jobs); err != nil {
		return fmt.Errorf("write delivery jobs: %w", err)
	}
	return nil
}

package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/pg"
)

// SentMessage is a message as the sandbox shows it: with the open address. At is the instant it was due.
type SentMessage struct {
	ID       uuid.UUID
	At       time.Time
	Channel  string
	To       string // phone; in the inbox the username of staff and the phone of a resident
	Template string
	Title    string
	Text     string
	Event    string
	CaseID   *uuid.UUID
	State    string
	Error    string
}

// Sent lists what was due in a district until now, oldest first, from since on (zero: all), to one phone number
// or username (empty: everybody). It opens every address: it exists for the sandbox and must not be routed elsewhere.
func (p *Post) Sent(ctx context.Context, district, to string, since time.Time) ([]SentMessage, error) {
	rows, err := p.c.DB.Pool.Query(pg.WithDistrict(ctx, district), `
		select m.id, m.due_at, m.channel, m.template, m.title, m.text, m.event, m.case_id, m.state, m.error, m.to_enc, coalesce(a.username, ''), a.phone_enc
		from message m left join account a on a.district = m.district and a.id = m.account_id
		where m.district = $1 and m.due_at >= $2 and m.due_at <= yx_now() and m.state <> 'CANCELLED'
		order by m.due_at, m.id`, district, since)
	if err != nil {
		return nil, pg.Fault(err)
	}
	sent := []SentMessage{}
	var s SentMessage
	var toEnc, phoneEnc []byte
	var username string
	_, err = pgx.ForEachRow(rows, []any{&s.ID, &s.At, &s.Channel, &s.Template, &s.Title, &s.Text, &s.Event, &s.CaseID, &s.State, &s.Error, &toEnc, &username, &phoneEnc}, func() error {
		phone, err := p.c.Keys.Open(district, fieldTo, toEnc)
		if err == nil && phone == "" && (username == "" || to != "") {
			phone, err = p.c.Keys.Open(district, fieldPhone, phoneEnc)
		}
		if err != nil {
			return fmt.Errorf("address of message %s: %w", s.ID, err)
		}
		if to != "" && to != phone && to != username {
			return nil
		}
		s.To = phone
		if s.Channel == App && username != "" {
			s.To = username
		}
		sent = append(sent, s)
		return nil
	})
	return sent, pg.Fault(err)
}

// Untold is a message about a case that reached nobody.
type Untold struct{ Event, Audience, Channel, Reason string }

// UntoldOf lists a case's parked messages, the latest first, at most 50: somebody must be told in another way.
func (p *Post) UntoldOf(ctx context.Context, db *pg.DB, district string, caseID uuid.UUID) ([]Untold, error) {
	rows, err := db.Pool.Query(pg.WithDistrict(ctx, district), `select event, split_part(template, '.', 2), channel, error from message where district = $1 and case_id = $2 and state = 'FAILED' and channel <> 'WEBHOOK' order by due_at desc, id desc limit 50`, district, caseID)
	if err != nil {
		return nil, pg.Fault(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Untold])
	return out, pg.Fault(err)
}

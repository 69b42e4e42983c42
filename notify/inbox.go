package notify

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"

	"yixian/internal/fault"
	"yixian/internal/pg"
)

const (
	inboxDefault = 50
	inboxMax     = 200
	// UnreadMax bounds the unread count: 100 means "99+".
	UnreadMax = 100
)

// The page and the unread count in one query; the left join keeps the count when the page is empty.
const inboxSQL = `
select u.n, m.id, m.event, m.template, m.title, m.text, m.case_id, m.due_at, m.read_at
from (select count(*) as n from (select 1 from message where district = $1 and account_id = $2 and channel = 'APP' and state = 'SENT' and read_at is null limit 100) x) u
left join lateral (
	select id, event, template, title, text, case_id, due_at, read_at from message
	where district = $1 and account_id = $2 and channel = 'APP' and state = 'SENT' and ($3::timestamptz is null or (due_at, id) < ($3, $4::uuid))
	order by due_at desc, id desc limit $5
) m on true
order by m.due_at desc, m.id desc`

// place is a position in the inbox.
type place struct {
	At time.Time `json:"a"`
	ID uuid.UUID `json:"i"`
}

// Inbox is one page of an account's own messages, newest first, with the cursor of the next page ("" at the end)
// and the number of unread ones, at most UnreadMax. Only the fields that a person sees are filled. limit is cut to
// 1–200, 50 when 0.
func Inbox(ctx context.Context, db *pg.DB, district string, account uuid.UUID, limit int, cursor string) (page []Message, next string, unread int, err error) {
	if account == uuid.Nil {
		return nil, "", 0, fault.Unauthorized()
	}
	if limit <= 0 {
		limit = inboxDefault
	}
	limit = min(limit, inboxMax)
	var after *place
	if cursor != "" {
		if after, err = parsePlace(cursor); err != nil {
			return nil, "", 0, fault.Invalid("/cursor", "翻页标记无效")
		}
	}
	var at *time.Time
	var id *uuid.UUID
	if after != nil {
		at, id = &after.At, &after.ID
	}
	rows, err := db.Pool.Query(pg.WithDistrict(ctx, district), inboxSQL, district, account, at, id, limit+1)
	if err != nil {
		return nil, "", 0, pg.Fault(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, caseID *uuid.UUID
		var event, template, title, text *string
		var due, read *time.Time
		if err := rows.Scan(&unread, &id, &event, &template, &title, &text, &caseID, &due, &read); err != nil {
			return nil, "", 0, pg.Fault(err)
		}
		if id == nil {
			continue
		}
		page = append(page, Message{District: district, ID: *id, Event: *event, Template: *template, Title: *title, Text: *text,
			AccountID: &account, Channel: App, State: Sent, CaseID: caseID, DueAt: *due, ReadAt: read})
	}
	if err := rows.Err(); err != nil {
		return nil, "", 0, pg.Fault(err)
	}
	if len(page) > limit {
		page = page[:limit]
		last := page[limit-1]
		next = place{At: last.DueAt, ID: last.ID}.String()
	}
	return page, next, unread, nil
}

func (p place) String() string {
	raw, _ := json.Marshal(p) // two plain values
	return base64.RawURLEncoding.EncodeToString(raw)
}

func parsePlace(cursor string) (*place, error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return nil, err
	}
	var p place
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, err
	}
	if p.At.IsZero() || p.ID == uuid.Nil {
		return nil, errors.New("incomplete")
	}
	return &p, nil
}

// MarkRead notes that an account has read one of its own messages; a second time changes nothing. Another's message
// is as absent as one that does not exist (404).
func MarkRead(ctx context.Context, db *pg.DB, district string, account, id uuid.UUID) error {
	tag, err := db.Pool.Exec(pg.WithDistrict(ctx, district), `update message set read_at = coalesce(read_at, yx_now())
		where district = $1 and id = $2 and account_id = $3 and channel = 'APP' and state = 'SENT'`, district, id, account)
	if err != nil {
		return pg.Fault(err)
	}
	if tag.RowsAffected() == 0 {
		return fault.NotFound()
	}
	return nil
}

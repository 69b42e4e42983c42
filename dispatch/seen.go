package dispatch

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// refused passes a refusal on. An officer's first refused reveal of a day goes into the chain of the case it was about
// (ActRevealAlert), so that supervisors and auditors are told.
func (k *Desk) refused(ctx context.Context, a auth.Actor, caseID uuid.UUID, refusal error, local time.Time) error {
	if !fault.Is(refusal, "REVEAL_LIMIT") {
		return refusal
	}
	key := "reveal-limit:" + a.ID() + ":" + local.Format(time.DateOnly)
	sum := sha256.Sum256([]byte(key))
	if _, err := k.Do(ctx, auth.SystemActor(a.District, local), caseID, Command{Action: ActRevealAlert, Key: key, Hash: sum[:], Officer: &a}, nil); err != nil {
		return errors.Join(refusal, err)
	}
	return refusal
}

// Open gives the value of a revealed field of a report; "" when there is none. Only after the reveal has been written.
func (k *Desk) Open(district, field string, r *ReportView) (string, error) {
	sealed := r.PhoneEnc
	if field == "name" {
		sealed = r.NameEnc
	}
	return k.keys.Open(district, field, sealed)
}

// Seen is one look at a resident's data.
type Seen struct {
	At      time.Time
	Field   string // phone, name
	Reason  string
	Text    string // what the officer wrote
	Unit    string // code
	Officer string // masked
	CaseNo  *string
	Receipt string
	Matter  string
}

// Sentence is "城管局 cg* 于 2026年6月8日 10:00 查看了您的电话，理由 联系报案人".
func (s *Seen) Sentence(w *World, lang string) string {
	why := OptionText(s.Reason, lang)
	if s.Text != "" {
		why += pair{"：", ": "}.in(lang) + s.Text
	}
	at := s.At.In(w.Calendar.Location()).Format(pair{"2006年1月2日 15:04", "2 Jan 2006 15:04"}.in(lang))
	return fmt.Sprintf(pair{"%s %s 于 %s 查看了您的%s，理由 %s", "%s %s at %s read your %s: %s"}.in(lang), w.UnitName(s.Unit), s.Officer, at, OptionText(s.Field, lang), why)
}

// MyReveals is a page of who read the signed-in resident's data, newest first.
func (k *Desk) MyReveals(ctx context.Context, a auth.Actor, limit int, cursor string) ([]Seen, string, error) {
	if limit < 1 || limit > 200 {
		limit = 50
	}
	at, id := "infinity", uuid.Max
	if cursor != "" {
		var err error
		if at, id, err = readCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), `select v.at, v.field, v.reason, coalesce(t.text, ''), v.unit, coalesce(u.username, ''), c.case_no, r.receipt_code, c.matter, v.at::text, v.id
		from report r join reveal v on v.district = r.district and v.report_id = r.id join cases c on c.district = v.district and c.id = v.case_id
		left join account u on u.district = v.district and u.id = v.account_id left join case_text t on t.district = v.district and t.case_id = v.case_id and t.seq = v.seq and t.field = 'text'
		where r.district = $1 and r.account_id = $2 and not r.on_behalf and (v.at, v.id) < ($3::timestamptz, $4::uuid) order by v.at desc, v.id desc limit $5`, a.District, a.Account, at, id, limit+1)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	defer rows.Close()
	out, next := []Seen{}, ""
	for rows.Next() {
		var s Seen
		var username, rowAt string
		var rowID uuid.UUID
		if err := rows.Scan(&s.At, &s.Field, &s.Reason, &s.Text, &s.Unit, &username, &s.CaseNo, &s.Receipt, &s.Matter, &rowAt, &rowID); err != nil {
			return nil, "", pg.Fault(err)
		}
		if len(out) == limit {
			next = writeCursor(at, id)
			break
		}
		at, id = rowAt, rowID
		s.Officer = maskLogin(username)
		out = append(out, s)
	}
	return out, next, pg.Fault(rows.Err())
}

// maskLogin keeps enough of a login name for the office to find its bearer, too little for anybody else: "cg1" is "cg*".
func maskLogin(name string) string {
	r := []rune(name)
	return string(r[:min(2, max(0, len(r)-1))]) + "*"
}

package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/dispatch/rule"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
)

// ReportView is a report with its reporter, masked.
type ReportView struct {
	ID         uuid.UUID `json:"id"`
	Text       string    `json:"text"`
	Source     string    `json:"source"`
	Anonymous  bool      `json:"anonymous"`
	NoContact  bool      `json:"no_contact"`
	OnBehalf   bool      `json:"on_behalf"`
	ReceivedAt time.Time `json:"received_at"`
	OccurredAt time.Time `json:"occurred_at"`
	Media      []string  `json:"media"`
	NameEnc    Bytes     `json:"name_enc"`
	PhoneEnc   Bytes     `json:"phone_enc"`
	Name       string    `json:"-"`
	Phone      string    `json:"-"`
}

// Reports reads the reports of a case that the caller has already been shown (View or Do gave it).
func (k *Desk) Reports(ctx context.Context, district string, caseID uuid.UUID) ([]ReportView, error) {
	var raw []byte
	err := k.db.Pool.QueryRow(pg.WithDistrict(ctx, district), `select coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'text', r.text, 'source', r.source, 'anonymous', r.anonymous, 'no_contact', r.no_contact, 'on_behalf', r.on_behalf,
		'received_at', r.received_at, 'occurred_at', r.occurred_at, 'media', r.media, 'name_enc', v.name_enc, 'phone_enc', v.phone_enc) order by r.received_at), '[]')
		from report r left join reporter_vault v on v.district = r.district and v.id = r.reporter_id where r.district = $1 and r.case_id = $2`, district, caseID).Scan(&raw)
	if err != nil {
		return nil, pg.Fault(err)
	}
	var out []ReportView
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, err
	}
	for i := range out {
		r := &out[i]
		if r.Anonymous {
			continue
		}
		if name, err := k.keys.Open(district, "name", r.NameEnc); err == nil {
			r.Name = seal.MaskName(name)
		}
		if phone, err := k.keys.Open(district, "phone", r.PhoneEnc); err == nil {
			r.Phone = seal.MaskPhone(phone)
		}
	}
	return out, nil
}

// EventView is an event with the actor's name and its free text.
type EventView struct {
	Event
	ActorName string            `json:"actor_name"`
	Texts     map[string]string `json:"texts"`
}

// Events is a page of a case's chain, ascending by seq; the case must be in the actor's scope.
func (k *Desk) Events(ctx context.Context, a auth.Actor, caseID uuid.UUID, limit int, cursor string) ([]EventView, string, error) {
	after := int64(0)
	if cursor != "" {
		n, err := strconv.ParseInt(cursor, 10, 64)
		if err != nil || n < 0 {
			return nil, "", fault.Invalid("/cursor", "游标无效，请从第一页重新开始")
		}
		after = n
	}
	if limit < 1 || limit > 200 {
		limit = 50
	}
	cond, more := scope(a, 5)
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), `select to_jsonb(e) || jsonb_build_object('actor_name', coalesce((select u.display_name from account u where u.district = e.district and u.id::text = e.actor and u.kind = 'STAFF'), ''),
		'texts', (select jsonb_object_agg(t.field, t.text) from case_text t where t.district = e.district and t.case_id = e.case_id and t.seq = e.seq))
		from cases c join case_event e on e.district = c.district and e.case_id = c.id where c.district = $1 and c.id = $2 and e.seq > $3 and `+cond+` order by e.seq limit $4`,
		append([]any{a.District, caseID, after, limit + 1}, more...)...)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	defer rows.Close()
	out, next := []EventView{}, ""
	for rows.Next() {
		var raw []byte
		var e EventView
		if err := rows.Scan(&raw); err != nil {
			return nil, "", pg.Fault(err)
		}
		if len(out) == limit {
			next = strconv.FormatInt(out[limit-1].Seq, 10)
			break
		}
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, "", err
		}
		out = append(out, e)
	}
	if err := rows.Err(); err != nil {
		return nil, "", pg.Fault(err)
	}
	if len(out) == 0 && after == 0 {
		return nil, "", fault.NotFound() // every case has a first event: it is out of scope
	}
	return out, next, nil
}

// Route is the last stored routing decision of a case in scope.
func (k *Desk) Route(ctx context.Context, a auth.Actor, caseID uuid.UUID) (*rule.Decision, time.Time, error) {
	cond, more := scope(a, 3)
	var raw []byte
	var at time.Time
	err := k.db.Pool.QueryRow(pg.WithDistrict(ctx, a.District), `select r.decision, r.at from cases c join case_route r on r.district = c.district and r.case_id = c.id where c.district = $1 and c.id = $2 and `+cond+` order by r.seq desc limit 1`,
		append([]any{a.District, caseID}, more...)...).Scan(&raw, &at)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, at, fault.NotFound()
	}
	if err != nil {
		return nil, at, pg.Fault(err)
	}
	var d rule.Decision
	return &d, at, json.Unmarshal(raw, &d)
}

// CallRow is a call as its street or a called unit sees it in a list.
type CallRow struct {
	Row
	Call    Call         `json:"call"`
	Targets []CallTarget `json:"targets"`
}

// Calls lists calls raised by or to the actor's units (all for district roles), newest first.
func (k *Desk) Calls(ctx context.Context, a auth.Actor, state string, limit int, cursor string) ([]CallRow, string, time.Time, error) {
	if limit < 1 || limit > 200 {
		limit = 50
	}
	cond, more := scope(a, 6)
	at, id := "infinity", uuid.Max
	var now time.Time
	if cursor != "" {
		var err error
		if at, id, err = readCursor(cursor); err != nil {
			return nil, "", now, err
		}
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), `select to_jsonb(c) || jsonb_build_object('call', to_jsonb(k), 'targets', (select jsonb_agg(to_jsonb(t) order by t.is_lead desc, t.unit) from call_target t where t.district = k.district and t.call_id = k.id)),
		k.called_at::text, k.id, yx_now() from call k join cases c on c.district = k.district and c.id = k.case_id
		where k.district = $1 and ($2 = '' or k.state = $2) and (k.called_at, k.id) < ($3::timestamptz, $4::uuid) and `+cond+` order by k.called_at desc, k.id desc limit $5`,
		append([]any{a.District, state, at, id, limit + 1}, more...)...)
	if err != nil {
		return nil, "", now, pg.Fault(err)
	}
	defer rows.Close()
	out, next := []CallRow{}, ""
	for rows.Next() {
		var raw []byte
		var r CallRow
		var rowAt string
		var rowID uuid.UUID
		if err := rows.Scan(&raw, &rowAt, &rowID, &now); err != nil {
			return nil, "", now, pg.Fault(err)
		}
		if len(out) == limit {
			next = writeCursor(at, id)
			break
		}
		at, id = rowAt, rowID
		if err := json.Unmarshal(raw, &r); err != nil {
			return nil, "", now, err
		}
		out = append(out, r)
	}
	return out, next, now, pg.Fault(rows.Err())
}

// IssueQR makes a one-time check-in code of an open call for one of the calling street's people.
func (k *Desk) IssueQR(ctx context.Context, a auth.Actor, callID uuid.UUID) (token string, expires time.Time, err error) {
	ctx = pg.WithDistrict(ctx, a.District)
	w := k.worlds.Get(a.District)
	var caseID uuid.UUID
	var unit, state string
	cond, more := scope(a, 3)
	err = k.db.Pool.QueryRow(ctx, `select k.case_id, k.caller_unit, k.state, yx_now() from call k join cases c on c.district = k.district and c.id = k.case_id where k.district = $1 and k.id = $2 and `+cond,
		append([]any{a.District, callID}, more...)...).Scan(&caseID, &unit, &state, &expires)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", expires, fault.NotFound()
	}
	if err != nil {
		return "", expires, pg.Fault(err)
	}
	if a.In(unit, auth.RoleStreetOfficer, auth.RoleStreetLeader, auth.RoleStreetSecretary) == "" {
		return "", expires, fault.Forbidden("NOT_YOURS", "只有发起呼叫的街道可以出示二维码")
	}
	if state != "OPEN" && state != "ONSITE" {
		return "", expires, fault.Conflict("CALL_OVER", "呼叫已结束")
	}
	token, expires = seal.ShortToken(), expires.Add(w.Limits.QRValid)
	_, err = k.db.Pool.Exec(ctx, `insert into call_qr (district, token_hash, call_id, case_id, issued_by, expires_at) values ($1,$2,$3,$4,$5,$6)`,
		a.District, seal.TokenHash(token), callID, caseID, a.Account, expires)
	return token, expires, pg.Fault(err)
}

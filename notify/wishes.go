package notify

import (
	"context"
	"encoding/json"
	"net/mail"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// refusable are the channels that a person may refuse; the inbox is where everything stands.
var refusable = []string{SMS, Voice, WeChat, Email, Push}

// Wishes are what a person said about being told. Quiet nil: the district's hours for residents, none for staff.
type Wishes struct {
	Locale  string
	Quiet   *Window
	Refused []string
	Email   string // masked when read
	WeChat  bool   // an openid is known
	Browser int    // browsers that show pushes
}

// WishesOf reads a person's own.
func (p *Post) WishesOf(ctx context.Context, db *pg.DB, a auth.Actor) (*Wishes, error) {
	if a.Account == uuid.Nil {
		return nil, fault.Unauthorized()
	}
	ctx = pg.WithDistrict(ctx, a.District)
	all, err := p.wishes(ctx, db.Pool, []Draft{{District: a.District, Recipient: a.Account.String(), AccountID: &a.Account}})
	if err != nil {
		return nil, pg.Fault(err)
	}
	out := &Wishes{Refused: []string{}}
	for _, w := range all {
		out.Locale, out.Refused = w.Locale, append(out.Refused, w.Refused...)
		if w.QuietFrom != nil && w.QuietTo != nil {
			out.Quiet = &Window{*w.QuietFrom, *w.QuietTo}
		}
		out.WeChat, out.Browser = len(w.sealed(WeChat)) > 0, len(w.sealed(Push))
		if at := w.sealed(Email); len(at) > 0 {
			if plain, err := p.c.Keys.Open(a.District, fieldAddress, at[len(at)-1]); err == nil {
				out.Email = maskMail(plain)
			}
		}
	}
	return out, nil
}

func maskMail(s string) string {
	at := strings.LastIndexByte(s, '@')
	if at < 1 {
		return "******"
	}
	return s[:1] + "***" + s[at:]
}

// Wish saves what a person said. A new e-mail address takes the place of the old one; "" keeps it, "-" forgets it.
func (p *Post) Wish(ctx context.Context, db *pg.DB, a auth.Actor, w Wishes) error {
	if a.Account == uuid.Nil {
		return fault.Unauthorized()
	}
	for i, c := range w.Refused {
		if !slices.Contains(refusable, c) {
			return fault.Invalid("/refused/"+itoa(i), "不能关闭 %s；可关闭：%s", c, strings.Join(refusable, "、"))
		}
	}
	if w.Email != "" && w.Email != "-" {
		if m, err := mail.ParseAddress(w.Email); err != nil || m.Address != w.Email || len(w.Email) > 254 || strings.ContainsAny(w.Email, "\r\n") {
			return fault.Invalid("/email", "不是有效的电子邮件地址")
		}
	}
	var from, to *int
	if w.Quiet != nil {
		from, to = &w.Quiet.From, &w.Quiet.To
	}
	if w.Refused == nil {
		w.Refused = []string{}
	}
	err := pgx.BeginFunc(pg.WithDistrict(ctx, a.District), db.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `insert into notice_person (district, recipient, locale, quiet_from, quiet_to, refused) values ($1, $2, $3, $4, $5, $6)
			on conflict (district, recipient) do update set locale = excluded.locale, quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to, refused = excluded.refused, updated_at = yx_now()`,
			a.District, a.Account.String(), w.Locale, from, to, w.Refused); err != nil {
			return err
		}
		if w.Email == "" {
			return nil
		}
		if _, err := tx.Exec(ctx, "delete from notice_address where district = $1 and account_id = $2 and channel = 'EMAIL'", a.District, a.Account); err != nil || w.Email == "-" {
			return err
		}
		return p.remember(ctx, tx, a, Email, w.Email)
	})
	return pg.Fault(err)
}

// maxBrowsers bounds the push subscriptions of one account: the oldest goes first.
const maxBrowsers = 10

func (p *Post) remember(ctx context.Context, tx pgx.Tx, a auth.Actor, channel, address string) error {
	sealed, err := p.c.Keys.Seal(a.District, fieldAddress, address)
	if err != nil {
		return err
	}
	if _, err = tx.Exec(ctx, `insert into notice_address (district, id, account_id, channel, address_enc, address_bidx) values ($1, $2, $3, $4, $5, $6)
		on conflict (district, account_id, channel, address_bidx) do nothing`, a.District, uuid.Must(uuid.NewV7()), a.Account, channel, sealed, p.c.Keys.Blind(a.District, fieldAddress, address)); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `delete from notice_address where district = $1 and account_id = $2 and channel = $3 and id not in
		(select id from notice_address where district = $1 and account_id = $2 and channel = $3 order by created_at desc, id desc limit $4)`, a.District, a.Account, channel, maxBrowsers)
	return err
}

// Subscribe notes a browser's push subscription (the JSON of PushSubscription); Unsubscribe forgets it.
func (p *Post) Subscribe(ctx context.Context, db *pg.DB, a auth.Actor, endpoint, p256dh, secret string) error {
	if a.Account == uuid.Nil {
		return fault.Unauthorized()
	}
	if !strings.HasPrefix(endpoint, "https://") || len(endpoint) > 1000 || len(p256dh) < 80 || len(p256dh) > 100 || len(secret) < 20 || len(secret) > 30 {
		return fault.Invalid("/endpoint", "浏览器的推送订阅不完整，请刷新页面后重试")
	}
	return pg.Fault(pgx.BeginFunc(pg.WithDistrict(ctx, a.District), db.Pool, func(tx pgx.Tx) error {
		return p.remember(ctx, tx, a, Push, subscription(endpoint, p256dh, secret))
	}))
}

func subscription(endpoint, p256dh, secret string) string {
	raw, _ := json.Marshal(struct { // a fixed order: the blind index finds it again
		Endpoint string            `json:"endpoint"`
		Keys     map[string]string `json:"keys"`
	}{endpoint, map[string]string{"p256dh": p256dh, "auth": secret}})
	return string(raw)
}

// Unsubscribe forgets a subscription, or all of the account's when the endpoint is empty.
func (p *Post) Unsubscribe(ctx context.Context, db *pg.DB, a auth.Actor, endpoint, p256dh, secret string) error {
	bidx := p.c.Keys.Blind(a.District, fieldAddress, subscription(endpoint, p256dh, secret))
	_, err := db.Pool.Exec(pg.WithDistrict(ctx, a.District), "delete from notice_address where district = $1 and account_id = $2 and channel = 'PUSH' and ($3 = '' or address_bidx = $4)", a.District, a.Account, endpoint, bidx)
	return pg.Fault(err)
}

// Mute silences one case for one recipient, or lets it speak again: what is on its way by other channels than the inbox is
// not sent.
func (p *Post) Mute(ctx context.Context, db *pg.DB, district string, caseID uuid.UUID, recipients []string, on bool) error {
	ctx = pg.WithDistrict(ctx, district)
	sql := "delete from notice_mute where district = $1 and case_id = $2 and recipient = any($3)"
	if on {
		sql = "insert into notice_mute (district, case_id, recipient) select $1, $2, unnest($3::text[]) on conflict do nothing"
	}
	_, err := db.Pool.Exec(ctx, sql, district, caseID, recipients)
	return pg.Fault(err)
}

// Muted tells whether one of the recipients silenced the case.
func (p *Post) Muted(ctx context.Context, db *pg.DB, district string, caseID uuid.UUID, recipients []string) (muted bool, err error) {
	err = db.Pool.QueryRow(pg.WithDistrict(ctx, district), "select exists (select from notice_mute where district = $1 and case_id = $2 and recipient = any($3))", district, caseID, recipients).Scan(&muted)
	return muted, pg.Fault(err)
}

// Told lists what was sent to some recipients as reporters or followers of a case — never what staff hear as staff — oldest first, as it was said (secrets starred).
func (p *Post) Told(ctx context.Context, db *pg.DB, district string, caseID uuid.UUID, recipients []string) ([]Message, error) {
	rows, err := db.Pool.Query(pg.WithDistrict(ctx, district), `select id, event, channel, title, text, state, due_at, sent_at, report_state from message
		where district = $1 and case_id = $2 and recipient = any($3) and split_part(template, '.', 2) in ('reporter','follower') and state in ('SENT','FAILED') and text <> '' order by due_at, id limit 200`, district, caseID, recipients)
	if err != nil {
		return nil, pg.Fault(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (m Message, err error) {
		err = row.Scan(&m.ID, &m.Event, &m.Channel, &m.Title, &m.Text, &m.State, &m.DueAt, &m.SentAt, &m.ReportState)
		return m, err
	})
	return out, pg.Fault(err)
}

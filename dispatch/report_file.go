package dispatch

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// ReportRun is one making of a report.
type ReportRun struct {
	ID         uuid.UUID
	From, To   time.Time // days of the district; To is exclusive
	Scheduled  bool
	Due        time.Time
	Done       *time.Time
	Failure    string // why it waits: NOT_FROZEN, INTERNAL
	Deliveries []ReportDelivery
}

// ReportDelivery is what one person got of a run.
type ReportDelivery struct {
	ID        uuid.UUID  `json:"id"`
	Account   uuid.UUID  `json:"account"`
	Username  string     `json:"username"`
	State     string     `json:"state"`  // READY, WITHHELD
	Reason    string     `json:"reason"` // code of why it was withheld: NO_PERMISSION, EXPORT_TOO_LARGE …
	Title     string     `json:"title"`
	Name      string     `json:"name"` // of the file
	Format    string     `json:"format"`
	Bytes     int        `json:"bytes"`
	SHA256    string     `json:"sha256"`
	Made      time.Time  `json:"made_at"`
	Expires   *time.Time `json:"expires_at"`
	Downloads int        `json:"downloads"`
	Token     string     `json:"-"` // opens it for this person; only in his own list
}

// reportToken is the link's last part: the delivery and a mark that only the district's keys make, for one delivery and one person. It is
// no secret of its own: a session of that person is needed as well.
func (k *Desk) reportToken(district string, id, account uuid.UUID) string {
	mark := k.keys.Blind(district, "report.link", id.String()+account.String())
	return hex.EncodeToString(id[:]) + base64.RawURLEncoding.EncodeToString(mark[:16])
}

const deliveryJSON = `jsonb_build_object('id', d.id, 'account', d.account_id, 'username', coalesce(a.username, ''), 'state', d.state, 'reason', d.reason, 'title', s.title, 'name', d.name, 'format', d.format, 'bytes', d.bytes, 'sha256', d.sha256, 'made_at', d.made_at, 'expires_at', d.expires_at,
	'downloads', (select count(*) from report_download x where x.district = d.district and x.delivery_id = d.id and x.outcome = 'SENT'))`

// ReportRuns lists the runs of a subscription with what everybody got, the newest first.
func (k *Desk) ReportRuns(ctx context.Context, a auth.Actor, id uuid.UUID) ([]ReportRun, error) {
	if err := a.Need(auth.PermSchedule, "只有督查员和管理员可以设置报表投递"); err != nil {
		return nil, err
	}
	if _, err := k.subscription(ctx, a.District, id); err != nil {
		return nil, err
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), `select r.id, r.span_from, r.span_to, r.scheduled, r.due_at, r.done_at, r.failure,
		coalesce((select jsonb_agg(`+deliveryJSON+` order by a.username) from report_delivery d join account a on a.district = d.district and a.id = d.account_id where d.district = r.district and d.run_id = r.id), '[]')
		from report_run r join report_subscription s on s.district = r.district and s.id = r.subscription_id where r.district = $1 and r.subscription_id = $2 order by r.due_at desc, r.id desc limit $3`, a.District, id, reportRuns)
	if err != nil {
		return nil, pg.Fault(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ReportRun])
	return list, pg.Fault(err)
}

// Deliveries lists what was delivered to the actor, the newest first.
func (k *Desk) Deliveries(ctx context.Context, a auth.Actor, limit int) ([]ReportDelivery, error) {
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), `select `+deliveryJSON+` from report_delivery d join account a on a.district = d.district and a.id = d.account_id
		join report_run r on r.district = d.district and r.id = d.run_id join report_subscription s on s.district = r.district and s.id = r.subscription_id
		where d.district = $1 and d.account_id = $2 order by d.made_at desc, d.id desc limit $3`, a.District, a.Account, limit)
	if err != nil {
		return nil, pg.Fault(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[ReportDelivery])
	if err != nil {
		return nil, pg.Fault(err)
	}
	for i := range list {
		if d := &list[i]; d.State == "READY" && d.Expires.After(a.Now) {
			d.Token = k.reportToken(a.District, d.ID, a.Account)
		}
	}
	return list, nil
}

// FetchReport gives the file behind a link to the person whose it is, as long as he may have it. Every attempt by somebody who is signed
// in stands in report_download: 404 for everybody else's, 403 FORBIDDEN without the permission, 410 REPORT_EXPIRED after its time.
func (k *Desk) FetchReport(ctx context.Context, a auth.Actor, token string) (d *ReportDelivery, body []byte, err error) {
	const digits = 32
	if len(token) < digits {
		return nil, nil, fault.NotFound()
	}
	raw, err := hex.DecodeString(token[:digits])
	if err != nil {
		return nil, nil, fault.NotFound()
	}
	id := uuid.UUID(raw)
	ctx = pg.WithDistrict(ctx, a.District)
	var what string
	var expired bool
	d = &ReportDelivery{ID: id}
	err = k.db.Pool.QueryRow(ctx, `select d.account_id, d.name, d.format, d.sha256, s.what, coalesce(d.expires_at <= yx_now(), true), f.body from report_delivery d
		join report_run r on r.district = d.district and r.id = d.run_id join report_subscription s on s.district = r.district and s.id = r.subscription_id
		left join report_file f on f.district = d.district and f.delivery_id = d.id where d.district = $1 and d.id = $2 and d.state = 'READY'`, a.District, id).
		Scan(&d.Account, &d.Name, &d.Format, &d.SHA256, &what, &expired, &body)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil, fault.NotFound()
	}
	if err != nil {
		return nil, nil, pg.Fault(err)
	}
	outcome, refused := "SENT", error(nil)
	switch {
	case subtle.ConstantTimeCompare([]byte(token), []byte(k.reportToken(a.District, id, d.Account))) != 1:
		return nil, nil, fault.NotFound() // a guess: nobody's link
	case d.Account != a.Account:
		outcome, refused = "NOT_YOURS", fault.NotFound()
	case reportKinds[what].missing(a) != "":
		outcome, refused = "NOT_ALLOWED", fault.Forbidden("FORBIDDEN", "您已没有查看此报表的权限")
	case expired || body == nil:
		outcome, refused = "EXPIRED", fault.New(410, "REPORT_EXPIRED", "报表文件已过保留期：请在报表页重新导出，或请督查员补发")
	}
	if _, err := k.db.Pool.Exec(ctx, "insert into report_download (district, id, delivery_id, account_id, at, outcome) values ($1, $2, $3, $4, yx_now(), $5)", a.District, uuid.Must(uuid.NewV7()), id, a.Account, outcome); err != nil {
		return nil, nil, pg.Fault(err)
	}
	if refused != nil {
		return nil, nil, refused
	}
	return d, body, nil
}

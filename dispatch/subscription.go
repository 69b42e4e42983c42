package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

const (
	reportRecipients = 50  // people that one subscription has at most
	reportTitle      = 60  // characters of a title
	reportKeepMost   = 90  // days that a file is kept at most
	reportRuns       = 100 // runs that are listed
)

// Subscription is a report that comes by itself: each recipient gets the table that he could export himself, of his own scope.
type Subscription struct {
	ID         uuid.UUID
	Title      string
	What       string // cases, metrics, hotline, burden, assessments
	Format     string // csv, xlsx, json
	Period     string // day, week, month, quarter: the last whole one is delivered
	By         string // grouping of metrics and hotline
	At         int    // minute of the local day of delivery
	KeepDays   int    // how long a file may be fetched
	Recipients []ReportRecipient
	CreatedBy  uuid.UUID
	CreatedAt  time.Time
	NextAt     *time.Time // of the next planned run
}

// ReportRecipient is one of the staff who is to have a report.
type ReportRecipient struct {
	Account  uuid.UUID `json:"account"`
	Username string    `json:"username"`
	Name     string    `json:"name"`
}

const subscriptionSQL = `select s.id, s.title, s.what, s.format, s.period, s.by, s.at_minute, s.keep_days,
	coalesce((select jsonb_agg(jsonb_build_object('account', a.id, 'username', coalesce(a.username, ''), 'name', a.display_name) order by a.username) from report_recipient r join account a on a.district = r.district and a.id = r.account_id where r.district = s.district and r.subscription_id = s.id), '[]'),
	s.created_by, s.created_at, (select min(r.due_at) from report_run r where r.district = s.district and r.subscription_id = s.id and r.done_at is null) from report_subscription s`

// Subscriptions lists the reports that come by themselves, the newest first.
func (k *Desk) Subscriptions(ctx context.Context, a auth.Actor, limit int, cursor string) (list []Subscription, next string, err error) {
	if err := a.Need(auth.PermSchedule, "只有督查员和管理员可以设置报表投递"); err != nil {
		return nil, "", err
	}
	var after *string
	var id uuid.UUID
	if cursor != "" {
		at, last, err := readCursor(cursor)
		if err != nil {
			return nil, "", err
		}
		after, id = &at, last
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), subscriptionSQL+` where s.district = $1 and s.deleted_at is null and ($2::timestamptz is null or (s.created_at, s.id) < ($2::timestamptz, $3::uuid))
		order by s.created_at desc, s.id desc limit $4`, a.District, after, id, limit+1)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	if list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Subscription]); err != nil {
		return nil, "", pg.Fault(err)
	}
	if len(list) > limit {
		list = list[:limit]
		last := &list[limit-1]
		next = writeCursor(last.CreatedAt.UTC().Format("2006-01-02 15:04:05.999999999-07"), last.ID)
	}
	return list, next, nil
}

// Subscribe sets up a report. Recipients are named by username; each must be allowed the table now, and is asked again whenever it
// is made and whenever it is fetched. The first run is of the span that is going on.
func (k *Desk) Subscribe(ctx context.Context, a auth.Actor, s Subscription, usernames []string, once Once) (*Subscription, error) {
	if err := a.Need(auth.PermSchedule, "只有督查员和管理员可以设置报表投递"); err != nil {
		return nil, err
	}
	s.Title = strings.TrimSpace(s.Title)
	if err := checkReport(&s); err != nil {
		return nil, err
	}
	switch {
	case s.Title == "" || utf8.RuneCountInString(s.Title) > reportTitle:
		return nil, fault.Invalid("/title", "标题应有 1 到 %d 个字", reportTitle)
	case s.Format != "csv" && s.Format != "xlsx" && s.Format != "json":
		return nil, fault.Invalid("/format", "格式应为 csv / xlsx / json 之一")
	case s.At < 0 || s.At >= 24*60:
		return nil, fault.Invalid("/at", "投递时刻应为 00:00 到 23:59")
	case s.KeepDays < 1 || s.KeepDays > reportKeepMost:
		return nil, fault.Invalid("/keep_days", "保留天数应为 1 到 %d", reportKeepMost)
	case len(usernames) == 0 || len(usernames) > reportRecipients:
		return nil, fault.Invalid("/recipients", "接收人应有 1 到 %d 位", reportRecipients)
	}
	w := k.worlds.Get(a.District)
	ctx = pg.WithDistrict(ctx, a.District)
	if answer, err := k.first(ctx, a, once); err != nil || answer != nil {
		return k.answeredSubscription(ctx, a, answer, err)
	}
	s.ID = uuid.Must(uuid.NewV7())
	err := pgx.BeginFunc(ctx, k.db.Pool, func(tx pgx.Tx) error {
		people, err := readReportPeople(ctx, tx, a.District, "a.username = any($2)", usernames)
		if err != nil {
			return err
		}
		if err := checkRecipients(people, usernames, reportKinds[s.What]); err != nil {
			return err
		}
		var now time.Time
		if err := tx.QueryRow(ctx, `insert into report_subscription (district, id, title, what, format, period, by, at_minute, keep_days, created_by, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, yx_now()) returning created_at`,
			a.District, s.ID, s.Title, s.What, s.Format, s.Period, s.By, s.At, s.KeepDays, a.Account).Scan(&now); err != nil {
			return err
		}
		for i := range people {
			if _, err := tx.Exec(ctx, "insert into report_recipient (district, subscription_id, account_id) values ($1, $2, $3) on conflict do nothing", a.District, s.ID, people[i].Account); err != nil {
				return err
			}
		}
		from, to := reportSpan(s.Period, now.In(w.Calendar.Location()))
		if err := w.planReport(ctx, tx, &s, from, to); err != nil {
			return err
		}
		row, err := auth.AuditChange("create", "report_subscription", s.ID.String(), nil, data{"title": s.Title, "what": s.What, "format": s.Format, "period": s.Period, "by": s.By, "at": s.At, "keep_days": s.KeepDays, "recipients": usernames})
		if err != nil {
			return err
		}
		if err := auth.Audit(ctx, tx, a, row); err != nil || once.Key == "" {
			return err
		}
		_, err = tx.Exec(ctx, "insert into idempotency (district, actor, key, payload_hash, status, answer) values ($1, $2, $3, $4, 201, $5)", a.District, a.ID(), once.Key, once.Hash, encode(data{"id": s.ID}))
		return err
	})
	if constraint(err) == "idempotency_pkey" {
		answer, err := k.first(ctx, a, once)
		return k.answeredSubscription(ctx, a, answer, err)
	}
	if err != nil {
		return nil, pg.Fault(err)
	}
	return k.subscription(ctx, a.District, s.ID)
}

func (k *Desk) answeredSubscription(ctx context.Context, a auth.Actor, answer json.RawMessage, err error) (*Subscription, error) {
	if err != nil {
		return nil, err
	}
	var kept struct {
		ID uuid.UUID `json:"id"`
	}
	if err := json.Unmarshal(answer, &kept); err != nil {
		return nil, err
	}
	return k.subscription(ctx, a.District, kept.ID)
}

func (k *Desk) subscription(ctx context.Context, district string, id uuid.UUID) (*Subscription, error) {
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, district), subscriptionSQL+" where s.district = $1 and s.id = $2 and s.deleted_at is null", district, id)
	if err != nil {
		return nil, pg.Fault(err)
	}
	s, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Subscription])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.NotFound()
	}
	return &s, pg.Fault(err)
}

// planReport writes the planned run of a span; a span has one, whoever plans it.
func (w *World) planReport(ctx context.Context, tx pgx.Tx, s *Subscription, from, to time.Time) error {
	_, err := tx.Exec(ctx, `insert into report_run (district, id, subscription_id, span_from, span_to, scheduled, due_at) values ($1, $2, $3, $4::date, $5::date, true, $6) on conflict do nothing`,
		w.District, uuid.Must(uuid.NewV7()), s.ID, from.Format(time.DateOnly), to.Format(time.DateOnly), w.reportDue(s, to))
	return err
}

// Unsubscribe ends a report: what was delivered stays until it expires, what was planned does not come.
func (k *Desk) Unsubscribe(ctx context.Context, a auth.Actor, id uuid.UUID) error {
	if err := a.Need(auth.PermSchedule, "只有督查员和管理员可以设置报表投递"); err != nil {
		return err
	}
	return pg.Fault(pgx.BeginFunc(pg.WithDistrict(ctx, a.District), k.db.Pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, "update report_subscription set deleted_at = yx_now(), deleted_by = $3 where district = $1 and id = $2 and deleted_at is null", a.District, id, a.Account)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return fault.NotFound()
		}
		if _, err := tx.Exec(ctx, "delete from report_run where district = $1 and subscription_id = $2 and done_at is null", a.District, id); err != nil {
			return err
		}
		row, err := auth.AuditChange("delete", "report_subscription", id.String(), data{"id": id}, nil)
		if err != nil {
			return err
		}
		return auth.Audit(ctx, tx, a, row)
	}))
}

// RunReport makes a report now: of the span that holds a day, or (nil) of the last whole one. A span that is still going on is refused.
func (k *Desk) RunReport(ctx context.Context, a auth.Actor, id uuid.UUID, day *time.Time) (*ReportRun, error) {
	if err := a.Need(auth.PermSchedule, "只有督查员和管理员可以设置报表投递"); err != nil {
		return nil, err
	}
	s, err := k.subscription(ctx, a.District, id)
	if err != nil {
		return nil, err
	}
	w := k.worlds.Get(a.District)
	now, err := k.Now(ctx)
	if err != nil {
		return nil, err
	}
	now = now.In(w.Calendar.Location())
	current, _ := reportSpan(s.Period, now)
	from, to := reportSpan(s.Period, current.AddDate(0, 0, -1))
	if day != nil {
		from, to = reportSpan(s.Period, time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, now.Location()))
	}
	switch {
	case to.After(now):
		return nil, fault.Invalid("/day", "%s 还没有结束：请选择已结束的周期", spanName(s.Period, from, to))
	case from.Year() < 2000:
		return nil, fault.Invalid("/day", "日期过早：应在 2000 年以后")
	}
	r := ReportRun{ID: uuid.Must(uuid.NewV7()), From: from, To: to, Deliveries: []ReportDelivery{}}
	err = k.db.Pool.QueryRow(pg.WithDistrict(ctx, a.District), `insert into report_run (district, id, subscription_id, span_from, span_to, scheduled, due_at, asked_by) values ($1, $2, $3, $4::date, $5::date, false, yx_now(), $6) returning due_at`,
		a.District, r.ID, id, from.Format(time.DateOnly), to.Format(time.DateOnly), a.Account).Scan(&r.Due)
	if err != nil {
		return nil, pg.Fault(err)
	}
	k.poke()
	return &r, nil
}

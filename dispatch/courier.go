package dispatch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/notify"
)

// reportDueSQL is the engine's question: is a report due, or a file past its time?
const reportDueSQL = `exists (select from report_run where done_at is null and due_at <= yx_now()) or exists (select from report_file where expires_at <= yx_now())`

// reportPause is how long a report waits that cannot be made yet: its month is not frozen, or making it failed.
const reportPause = 10 * time.Minute

// dueRun is a run with its subscription.
type dueRun struct {
	District       string
	ID             uuid.UUID
	From, To       time.Time // midnights of the district
	Scheduled      bool
	Now            time.Time
	SubscriptionID uuid.UUID
	Subscription   Subscription
}

// Deliver makes one report that is due for all its recipients and takes away what has expired; it returns how many it did. The row of
// the run is its own lock: of any number of engines one makes it, files, messages and the next run's row in one transaction, so that
// whatever kills that one leaves all or nothing. A report that cannot be made is put off and holds up no other.
func (p *Planner) Deliver(ctx context.Context) (n int, err error) {
	var run *dueRun
	err = pgx.BeginFunc(ctx, p.db.Pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `delete from report_file where (district, delivery_id) in (select district, delivery_id from report_file where expires_at <= yx_now() limit 100 for update skip locked)`)
		if err != nil {
			return err
		}
		n = int(tag.RowsAffected())
		var r dueRun
		var from, to string
		s := &r.Subscription
		err = tx.QueryRow(ctx, `select r.district, r.id, r.span_from::text, r.span_to::text, r.scheduled, yx_now(), s.id, s.title, s.what, s.format, s.period, s.by, s.at_minute, s.keep_days
			from report_run r join report_subscription s on s.district = r.district and s.id = r.subscription_id
			where r.done_at is null and r.due_at <= yx_now() and r.district = any($1) order by r.due_at, r.id limit 1 for update of r skip locked`, p.districts()).
			Scan(&r.District, &r.ID, &from, &to, &r.Scheduled, &r.Now, &s.ID, &s.Title, &s.What, &s.Format, &s.Period, &s.By, &s.At, &s.KeepDays)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		n, run = n+1, &r
		w := p.desk.worlds.Get(r.District)
		if w == nil {
			return errors.New("no configuration of the district")
		}
		for text, day := range map[string]*time.Time{from: &r.From, to: &r.To} {
			if *day, err = time.ParseInLocation(time.DateOnly, text, w.Calendar.Location()); err != nil {
				return err
			}
		}
		return p.deliver(ctx, tx, w, &r)
	})
	if err != nil && run != nil && ctx.Err() == nil {
		p.log.ErrorContext(ctx, "report not made", slog.String("district", run.District), slog.String("run", run.ID.String()), slog.String("cause", err.Error()))
		_, err = p.db.Pool.Exec(ctx, "update report_run set due_at = yx_now() + $3::interval, failure = 'INTERNAL' where district = $1 and id = $2 and done_at is null", run.District, run.ID, reportPause)
	}
	return n, pg.Fault(err)
}

func (p *Planner) deliver(ctx context.Context, tx pgx.Tx, w *World, r *dueRun) error {
	s := &r.Subscription
	if s.What == "assessments" {
		open, err := unfrozen(ctx, tx, r)
		if err != nil {
			return err
		}
		if open {
			_, err := tx.Exec(ctx, "update report_run set due_at = yx_now() + $3::interval, failure = 'NOT_FROZEN' where district = $1 and id = $2", r.District, r.ID, reportPause)
			return err
		}
	}
	pols, _, err := p.post.Policies(ctx, tx, r.District)
	if err != nil {
		return err
	}
	people, err := readReportPeople(ctx, tx, r.District, "a.id in (select account_id from report_recipient where district = $1 and subscription_id = $2)", s.ID)
	if err != nil {
		return err
	}
	var drafts []notify.Draft
	for i := range people {
		d, err := p.deliverTo(ctx, tx, w, r, &people[i])
		if err != nil {
			return err
		}
		if d != nil {
			drafts = append(drafts, p.reportDrafts(w, pols[r.District], r, &people[i], d)...)
		}
	}
	if err := p.post.Enqueue(ctx, tx, drafts); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "update report_run set done_at = yx_now(), failure = '' where district = $1 and id = $2", r.District, r.ID); err != nil || !r.Scheduled {
		return err
	}
	// After a long outage the spans between are skipped: the next one is the last whole one, if that has not been made.
	from, to := reportSpan(s.Period, r.To)
	current, _ := reportSpan(s.Period, r.Now.In(w.Calendar.Location()))
	if last, end := reportSpan(s.Period, current.AddDate(0, 0, -1)); last.After(from) {
		from, to = last, end
	}
	return w.planReport(ctx, tx, s, from, to)
}

// unfrozen tells whether a month of the span has still to be frozen. A month before the first case has no row and never will.
func unfrozen(ctx context.Context, tx pgx.Tx, r *dueRun) (open bool, err error) {
	err = tx.QueryRow(ctx, "select exists (select from assessment_due where district = $1 and done_at is null and period < $2)", r.District, r.To.Format("2006-01")).Scan(&open)
	return open, err
}

// deliverTo makes one person's file with that person's own eyes; nil when it is withheld.
func (p *Planner) deliverTo(ctx context.Context, tx pgx.Tx, w *World, r *dueRun, to *reportPerson) (*ReportDelivery, error) {
	s := &r.Subscription
	a := to.actor(r.District, r.Now)
	d := &ReportDelivery{ID: uuid.Must(uuid.NewV7()), Account: to.Account, State: "READY", Format: s.Format}
	var file bytes.Buffer
	err := func() error {
		if !to.Active || reportKinds[s.What].missing(a) != "" {
			return fault.Forbidden("NO_PERMISSION", "接收人已没有查看此报表的权限")
		}
		e, err := p.desk.export(ctx, a, s, r.From, r.To)
		if err != nil {
			return err
		}
		return e.Write(&file, s.Format, w.Calendar.Location(), "zh")
	}()
	if f, ok := fault.As(err); ok && f.Status < 500 {
		d.State, d.Reason = "WITHHELD", f.Code
		_, err := tx.Exec(ctx, `insert into report_delivery (district, id, run_id, account_id, state, reason, format, made_at) values ($1, $2, $3, $4, 'WITHHELD', $5, $6, yx_now())`, r.District, d.ID, r.ID, to.Account, d.Reason, s.Format)
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(file.Bytes())
	d.Name = fmt.Sprintf("%s-%s.%s", s.What, spanFile(s.Period, r.From, r.To), s.Format)
	if err := tx.QueryRow(ctx, `insert into report_delivery (district, id, run_id, account_id, state, name, format, bytes, sha256, made_at, expires_at) values ($1, $2, $3, $4, 'READY', $5, $6, $7, $8, yx_now(), yx_now() + make_interval(days => $9)) returning expires_at`,
		r.District, d.ID, r.ID, to.Account, d.Name, s.Format, file.Len(), hex.EncodeToString(sum[:]), s.KeepDays).Scan(&d.Expires); err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, "insert into report_file (district, delivery_id, body, expires_at) values ($1, $2, $3, $4)", r.District, d.ID, file.Bytes(), d.Expires)
	return d, err
}

// spanFile is the name of a span within a file's name.
func spanFile(period string, from, to time.Time) string {
	if period == "week" {
		return from.Format("20060102") + "-" + to.AddDate(0, 0, -1).Format("20060102")
	}
	return spanName(period, from, to)
}

// export is the table of a subscription as one of its recipients sees it.
func (k *Desk) export(ctx context.Context, a auth.Actor, s *Subscription, from, to time.Time) (*Export, error) {
	switch s.What {
	case "cases":
		return k.ExportCases(ctx, a, from, to, s.Format, nil)
	case "metrics":
		return k.ExportOverview(ctx, a, from, to, s.By, s.Format)
	case "hotline":
		return k.ExportHotline(ctx, a, from, to, s.By, s.Format)
	case "burden":
		return k.ExportBurden(ctx, a, from.Format("2006-01"), s.Format)
	}
	return k.ExportAssessments(ctx, a, spanName(s.Period, from, to), s.Format)
}

// reportDrafts tells a person that a report is there. The inbox says where, the mail leads to it by a link that opens for nobody else.
func (p *Planner) reportDrafts(w *World, pol *notify.Policy, r *dueRun, to *reportPerson, d *ReportDelivery) []notify.Draft {
	m := member{ID: to.Account, PhoneEnc: to.Phone}
	if units := to.actor(r.District, r.Now).Units(); len(units) > 0 {
		m.Unit = units[0]
	}
	values := map[string]string{"result": r.Subscription.Title, "month": spanName(r.Subscription.Period, r.From, r.To), "until": instant(d.Expires),
		"link": p.post.Link("desk/reports/" + p.desk.reportToken(w.District, d.ID, to.Account))}
	var out []notify.Draft
	for _, way := range pol.Ways("report_ready", "office", nil) {
		out = append(out, p.draftTo(w.District, d.ID, "report_ready", "office", way.Channel, &m, values, nil, false))
	}
	return out
}

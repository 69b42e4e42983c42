package notify

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// Delivery is a message as operators see it: what became of it, without its text and with neither name nor number.
type Delivery struct {
	ID          uuid.UUID
	Event       string
	Template    string
	Channel     string
	Provider    string
	Recipient   string
	CaseID      *uuid.UUID
	State       string
	Reason      string
	Attempts    int
	DueAt       time.Time
	SentAt      *time.Time
	ReportState string
	Tries       []Tried
}

// Tried is one attempt of the delivery log.
type Tried struct {
	At       time.Time
	Provider string
	Outcome  string
	Reason   string
	TookMS   int
}

// DeliveryFilter narrows a list; empty fields do not.
type DeliveryFilter struct{ State, Channel, Recipient string }

// Deliveries lists what a district sent, newest first, with every attempt.
func (p *Post) Deliveries(ctx context.Context, db *pg.DB, a auth.Actor, f DeliveryFilter, limit int, cursor string) (page []Delivery, next string, err error) {
	if err := a.Need(auth.PermAdmin, "只有管理员可以查看投递记录"); err != nil {
		return nil, "", err
	}
	if limit <= 0 || limit > inboxMax {
		limit = inboxDefault
	}
	var at *time.Time
	var id *uuid.UUID
	if cursor != "" {
		after, err := parsePlace(cursor)
		if err != nil {
			return nil, "", fault.Invalid("/cursor", "翻页标记无效")
		}
		at, id = &after.At, &after.ID
	}
	ctx = pg.WithDistrict(ctx, a.District)
	rows, err := db.Pool.Query(ctx, `select m.id, m.event, m.template, m.channel, m.provider, m.recipient, m.case_id, m.state, m.error, m.attempts, m.due_at, m.sent_at, m.report_state
		from message m where m.district = $1 and ($2 = '' or m.state = $2) and ($3 = '' or m.channel = $3) and ($4 = '' or m.recipient = $4)
		and ($5::timestamptz is null or (m.due_at, m.id) < ($5, $6::uuid)) order by m.due_at desc, m.id desc limit $7`, a.District, f.State, f.Channel, f.Recipient, at, id, limit+1)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	page, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Delivery, err error) {
		err = row.Scan(&d.ID, &d.Event, &d.Template, &d.Channel, &d.Provider, &d.Recipient, &d.CaseID, &d.State, &d.Reason, &d.Attempts, &d.DueAt, &d.SentAt, &d.ReportState)
		return d, err
	})
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	if len(page) > limit {
		page = page[:limit]
		next = place{At: page[limit-1].DueAt, ID: page[limit-1].ID}.String()
	}
	return page, next, p.tries(ctx, db, a.District, page)
}

func (p *Post) tries(ctx context.Context, db *pg.DB, district string, page []Delivery) error {
	ids, at := make([]uuid.UUID, len(page)), map[uuid.UUID]int{}
	for i := range page {
		ids[i], at[page[i].ID] = page[i].ID, i
	}
	rows, err := db.Pool.Query(ctx, "select message_id, at, provider, outcome, error, took_ms from delivery where district = $1 and message_id = any($2) order by at, id", district, ids)
	if err != nil {
		return pg.Fault(err)
	}
	var id uuid.UUID
	var t Tried
	_, err = pgx.ForEachRow(rows, []any{&id, &t.At, &t.Provider, &t.Outcome, &t.Reason, &t.TookMS}, func() error {
		page[at[id]].Tries = append(page[at[id]].Tries, t)
		return nil
	})
	return pg.Fault(err)
}

// Figures are what a channel did by one provider in a span: P50 and P99 are seconds of real time from the commit of a message
// to the provider's acceptance, of messages that were due at once.
type Figures struct {
	Channel, Provider                        string
	Sent, Delivered, Undelivered, Cancelled  int
	Parked, Waiting, Folded, Attempts, Fails int
	P50, P99                                 *float64
}

// Parking counts parked messages of a reason.
type Parking struct {
	Channel, Reason string
	Count           int
}

// Ops are the figures of a district from an instant on, and what is parked there whatever its age.
func (p *Post) Ops(ctx context.Context, db *pg.DB, a auth.Actor, since time.Time) ([]Figures, []Parking, error) {
	if err := a.Need(auth.PermAdmin, "只有管理员可以查看投递记录"); err != nil {
		return nil, nil, err
	}
	ctx = pg.WithDistrict(ctx, a.District)
	rows, err := db.Pool.Query(ctx, `with m as (select * from message where district = $1 and due_at >= $2),
		t as (select d.channel, d.provider, count(*) as attempts, count(*) filter (where d.outcome <> 'OK') as fails from delivery d where d.district = $1 and d.at >= $2 group by 1, 2)
		select f.*, coalesce(t.attempts, 0), coalesce(t.fails, 0) from (select m.channel, m.provider, count(*) filter (where state = 'SENT'), count(*) filter (where report_state in ('DELIVERED','READ')), count(*) filter (where report_state = 'UNDELIVERED'),
			count(*) filter (where state = 'CANCELLED'), count(*) filter (where state = 'FAILED'), count(*) filter (where state = 'PENDING'), count(*) filter (where state = 'FOLDED'),
			percentile_cont(0.5) within group (order by extract(epoch from handed_at - written_at)) filter (where handed_at is not null and due_at <= created_at),
			percentile_cont(0.99) within group (order by extract(epoch from handed_at - written_at)) filter (where handed_at is not null and due_at <= created_at)
			from m group by 1, 2) f left join t on t.channel = f.channel and t.provider = f.provider order by 1, 2`, a.District, since)
	if err != nil {
		return nil, nil, pg.Fault(err)
	}
	figures, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f Figures, err error) {
		err = row.Scan(&f.Channel, &f.Provider, &f.Sent, &f.Delivered, &f.Undelivered, &f.Cancelled, &f.Parked, &f.Waiting, &f.Folded, &f.P50, &f.P99, &f.Attempts, &f.Fails)
		return f, err
	})
	if err != nil {
		return nil, nil, pg.Fault(err)
	}
	rows, err = db.Pool.Query(ctx, "select channel, error, count(*) from message where district = $1 and state = 'FAILED' group by 1, 2 order by 3 desc, 1, 2 limit 100", a.District)
	if err != nil {
		return nil, nil, pg.Fault(err)
	}
	parked, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (k Parking, err error) {
		err = row.Scan(&k.Channel, &k.Reason, &k.Count)
		return k, err
	})
	return figures, parked, pg.Fault(err)
}

// Again is Redrive by a person: parked messages by their ids, or (none given) all of the district. Webhook messages that were
// sent are posted again as well when they are named: a replay.
func (p *Post) Again(ctx context.Context, db *pg.DB, a auth.Actor, ids []uuid.UUID) (n int, err error) {
	err = p.change(ctx, db, a, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `update message set state = 'PENDING', queued = false, error = '' where district = $1 and event <> 'otp' and text <> '' and (channel in ('APP','WEBHOOK','GROUP') or to_enc is not null)
			and (state = 'FAILED' and (cardinality($2::uuid[]) = 0 or id = any($2)) or state = 'SENT' and channel = 'WEBHOOK' and id = any($2))`, a.District, append([]uuid.UUID{}, ids...))
		if err != nil {
			return err
		}
		n = int(tag.RowsAffected())
		return audit(ctx, tx, a, "redrive", "messages", nil, map[string]any{"asked": len(ids), "taken": n})
	})
	return n, err
}

package notify

import (
	"context"
	"encoding/binary"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/pg"
)

// EventFolded is the event of a digest that stands for many alarms of one person.
const EventFolded = "folded"

// foldEvery is how long one digest holds: nobody gets two within it (quality, fault 7).
const foldEvery = time.Minute

// foldSpace is the namespace of the digests' event ids: recipient, channel and minute make one.
var foldSpace = uuid.MustParse("6f1d6f3e-7d0e-4c3a-9a52-0d9b6f0c8f11")

// heap is what waits for one person by one channel.
type heap struct {
	district, recipient, channel string
	account                      *uuid.UUID
	ids                          []uuid.UUID
	to                           []byte
	recent                       int        // of the same kind, in the last minute
	digest                       *time.Time // the last one
}

const heapSQL = `select w.district, w.recipient, w.channel, (array_agg(w.account_id))[1], array_agg(w.id order by w.due_at, w.id), (array_agg(w.to_enc order by w.due_at desc, w.id desc))[1],
	(select count(*) from message r where r.district = w.district and r.recipient = w.recipient and r.channel = w.channel and r.fold and r.queued and r.due_at > yx_now() - interval '1 minute' and r.due_at <= yx_now()),
	(select max(r.due_at) from message r where r.district = w.district and r.recipient = w.recipient and r.channel = w.channel and r.event = 'folded' and r.due_at > yx_now() - interval '1 minute'), yx_now()
from message w where w.state = 'PENDING' and not w.queued and w.fold and w.due_at <= yx_now() group by w.district, w.recipient, w.channel limit 1000`

// fold looks at the alarms that are about to go out. Up to the district's number a minute each goes by itself; more become one
// digest, and for a minute after a digest further ones wait for the next. The inbox has them all.
func (p *Post) fold(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, heapSQL)
	if err != nil {
		return err
	}
	var heaps []heap
	var h heap
	var now time.Time
	districts := map[string]bool{}
	if _, err := pgx.ForEachRow(rows, []any{&h.district, &h.recipient, &h.channel, &h.account, &h.ids, &h.to, &h.recent, &h.digest, &now}, func() error {
		heaps, districts[h.district] = append(heaps, h), true
		h = heap{}
		return nil
	}); err != nil || len(heaps) == 0 {
		return err
	}
	names := make([]string, 0, len(districts))
	for d := range districts {
		names = append(names, d)
	}
	pols, _, err := p.Policies(ctx, tx, names...)
	if err != nil {
		return err
	}
	for _, h := range heaps {
		switch {
		case h.digest != nil:
			if _, err := tx.Exec(ctx, "update message set due_at = $3 where district = $1 and id = any($2)", h.district, h.ids, h.digest.Add(foldEvery)); err != nil {
				return err
			}
		case len(h.ids)+h.recent > pols[h.district].FoldOver:
			if err := p.digest(ctx, tx, &h, now); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *Post) digest(ctx context.Context, tx pgx.Tx, h *heap, now time.Time) error {
	to, err := p.c.Keys.Open(h.district, fieldTo, h.to)
	if err != nil {
		return err
	}
	minute := binary.BigEndian.AppendUint64([]byte(h.district+h.recipient+h.channel), uint64(now.UnixMilli()))
	d := Draft{District: h.district, EventID: uuid.NewSHA1(foldSpace, minute), Event: EventFolded, Template: Key(EventFolded, "staff", h.channel), Recipient: h.recipient, AccountID: h.account,
		Channel: h.channel, To: to, Data: map[string]string{"count": strconv.Itoa(len(h.ids))}, Urgent: true}
	if err := p.Enqueue(ctx, tx, []Draft{d}); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `update message m set state = 'FOLDED', text_enc = null, values_enc = null, folded_into = (select x.id from message x where x.district = $1 and x.event_id = $3 and x.recipient = $4 and x.channel = $5)
		where m.district = $1 and m.id = any($2)`, h.district, h.ids, d.EventID, h.recipient, h.channel)
	return pg.Fault(err)
}

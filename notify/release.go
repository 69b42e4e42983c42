package notify

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/pg"
)

// releaseBatch bounds one transaction of ReleaseDue.
const releaseBatch = 500

const releaseLock int64 = 0x59585f52454c45 // "YX_RELE"

// Messages whose time has come: inbox rows become visible, the others get a job. Rows that another engine holds
// are its own.
const releaseSQL = `
update message m set queued = true,
	state = case when m.channel = 'APP' then 'SENT' else m.state end,
	sent_at = case when m.channel = 'APP' then yx_now() end
from (select district, id from message where state = 'PENDING' and not queued and due_at <= yx_now()
	order by due_at limit $1 for update skip locked) d
where m.district = d.district and m.id = d.id and m.state = 'PENDING' and not m.queued
returning m.district, m.id, m.event, m.channel <> 'APP'`

// ReleaseDue hands over the messages that were planned for later and are due now, at most 500 at a time, and
// returns how many: call it again while it returns more than 0. It belongs to the engine, which sees all districts.
func (p *Post) ReleaseDue(ctx context.Context) (n int, err error) {
	err = pgx.BeginFunc(ctx, p.c.DB.Pool, func(tx pgx.Tx) error {
		var mine bool // one engine folds and releases at a time: two would make two digests
		if err := tx.QueryRow(ctx, "select pg_try_advisory_xact_lock($1)", releaseLock).Scan(&mine); err != nil || !mine {
			return err
		}
		if err := p.fold(ctx, tx); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, releaseSQL, releaseBatch)
		if err != nil {
			return err
		}
		if err := p.hand(ctx, tx, rows); err != nil {
			return err
		}
		n = int(rows.CommandTag().RowsAffected())
		return nil
	})
	if err != nil {
		return 0, pg.Fault(fmt.Errorf("release messages: %w", err))
	}
	return n, nil
}

// Pending counts messages that are due and neither sent nor parked, in all districts (engine). 0: everything that
// had to be said until now was said.
func (p *Post) Pending(ctx context.Context) (n int, err error) {
	err = p.c.DB.Pool.QueryRow(ctx, `select count(*) from message where state = 'PENDING' and due_at <= yx_now()`).Scan(&n)
	return n, pg.Fault(err)
}

// Cancel withdraws what an event planned for later: for the given recipients, or for all when there are none. It returns
// how many. A later step that a job waits to repeat is called back too; one that a provider has at this very moment goes
// out, and its record says so. What residents wait for until morning is news to them, whatever happened since: it stays.
func (p *Post) Cancel(ctx context.Context, tx pgx.Tx, district string, eventID uuid.UUID, recipients ...string) (int, error) {
	tag, err := tx.Exec(ctx, `update message set state = 'CANCELLED', text_enc = null, values_enc = null
		where district = $1 and event_id = $2 and state = 'PENDING' and (not queued or channel <> 'APP' and due_at > created_at)
		and split_part(template, '.', 2) not in ('reporter','follower') and (cardinality($3::text[]) = 0 or recipient = any($3))`,
		district, eventID, append([]string{}, recipients...))
	return int(tag.RowsAffected()), err
}

// Redrive takes parked messages of a district up again; ReleaseDue delivers them. What never had a text or an
// address stays parked, and so does a one-time code: it is out of date.
func (p *Post) Redrive(ctx context.Context, district string, ids []uuid.UUID) (int, error) {
	tag, err := p.c.DB.Pool.Exec(pg.WithDistrict(ctx, district), `update message set state = 'PENDING', queued = false, error = ''
		where district = $1 and id = any($2) and state = 'FAILED' and event <> 'otp' and text <> '' and (channel in ('APP','WEBHOOK','GROUP') or to_enc is not null)`, district, ids)
	return int(tag.RowsAffected()), pg.Fault(err)
}

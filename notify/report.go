package notify

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/fault"
	"yixian/internal/pg"
)

// Installation is the id under which providers of the installation, not of a district, call back.
const Installation = "installation"

// maxReports bounds one callback.
const maxReports = 500

// TakeReports takes a provider's callback: verified first (401 FORGED), then each of its reports once and in order: an older
// one never overwrites a newer. The same callback again is 409 REPLAYED and changes nothing; one about a message that is not
// known yet is 404, so that the provider comes again.
func (p *Post) TakeReports(ctx context.Context, db *pg.DB, district, provider string, c Callback) (taken int, err error) {
	ctx = pg.WithDistrict(ctx, district)
	channel, err := p.c.Providers.reporting(ctx, db, district, provider)
	if err != nil {
		return 0, err
	}
	list, key, err := channel.Reports(c)
	switch {
	case errors.Is(err, ErrForged):
		return 0, fault.New(401, "FORGED", "回执未通过验证")
	case err != nil || len(list) > maxReports:
		return 0, fault.New(422, "GARBLED", "回执无法读取")
	}
	for _, r := range list {
		if !slices.Contains([]string{Accepted, Delivered, Undelivered, ReadByThem}, r.State) || r.ID == uuid.Nil && r.Ref == "" {
			return 0, fault.New(422, "GARBLED", "回执无法读取")
		}
	}
	err = pgx.BeginFunc(ctx, db.Pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, "insert into provider_report (district, provider, key) values ($1, $2, $3) on conflict do nothing", district, provider, key)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return fault.Conflict("REPLAYED", "该回执已经收到过")
		}
		for _, r := range list {
			// The provider answers for messages that it was given, no others.
			var known bool
			if err := tx.QueryRow(ctx, `with m as (select id from message where district = $1 and provider = any($6) and (id = $2 or $3 <> '' and provider_ref = $3) limit 1),
				u as (update message x set report_state = $4, report_seq = $5, report_at = now() from m where x.district = $1 and x.id = m.id and x.report_seq < $5 returning 1)
				select exists (select from m) or exists (select from u)`, district, r.ID, r.Ref, r.State, r.Seq, p.c.Providers.names(district, provider)).Scan(&known); err != nil {
				return err
			}
			if !known {
				return fault.NotFound()
			}
			taken++
		}
		return nil
	})
	if _, ok := fault.As(err); ok {
		return 0, err
	}
	return taken, pg.Fault(err)
}

// reporting finds the provider that a callback's address names; everything else is the same 404.
func (r *Providers) reporting(ctx context.Context, db *pg.DB, district, id string) (Reporting, error) {
	if id == Installation {
		for _, c := range r.fallback {
			if x, ok := c.(Reporting); ok {
				return x, nil
			}
		}
		return nil, fault.NotFound()
	}
	var version int64
	if err := db.Pool.QueryRow(ctx, "select coalesce((select version from notice_setting where district = $1), 0)", district).Scan(&version); err != nil {
		return nil, pg.Fault(err)
	}
	f, err := r.fleet(ctx, db.Pool, district, version)
	if err != nil {
		return nil, pg.Fault(err)
	}
	if p, ok := f.byID[id]; ok {
		if x, ok := p.channel.(Reporting); ok {
			return x, nil
		}
	}
	return nil, fault.NotFound()
}

// names are those under which a provider's deliveries are recorded.
func (r *Providers) names(district, id string) []string {
	var out []string
	if id == Installation {
		for _, c := range r.fallback {
			out = append(out, c.ID())
		}
		return out
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.fleets[district]; f != nil {
		if p, ok := f.byID[id]; ok {
			out = append(out, p.name)
		}
	}
	return out
}

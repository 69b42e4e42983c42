package dispatch

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/dispatch/rule"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// Precedent is a rule that an arbitration wrote: the same matter within some metres goes to the same unit. A DRAFT holds
// at once, for a year at most; CONFIRMED for as long as the administrator said; ENDED and EXPIRED hold no more. It lives
// outside the rule sets, so that publishing or rolling back one loses none.
type Precedent struct {
	Rule        rule.Rule
	State       string
	CreatedAt   time.Time
	ConfirmedBy *uuid.UUID
	Confirmer   string
	ConfirmedAt *time.Time
	EndedBy     *uuid.UUID
	Ender       string
	EndedAt     *time.Time
	EndReason   string
}

// Place is where a precedent holds: matter, centre in WGS-84 degrees and metres around it; ok is false for a condition of
// another form.
func (p *Precedent) Place() (matter string, lon, lat, metres float64, ok bool) {
	for _, part := range p.Rule.When.Of {
		switch part.Op {
		case "eq":
			if part.Var == "matter" {
				matter, _ = part.Value.(string)
			}
		case "geo_within":
			if v, isMap := part.Value.(map[string]any); isMap {
				lon, _ = v["lon"].(float64)
				lat, _ = v["lat"].(float64)
				metres, ok = v["m"].(float64)
			}
		}
	}
	return matter, lon, lat, metres, ok
}

// Lead is the code of the unit that the arbitration named.
func (p *Precedent) Lead() string { return strings.TrimPrefix(string(p.Rule.Then.Lead), "unit:") }

const precedentSQL = `select r.body, case when r.ended_at is not null then 'ENDED' when (r.body->>'valid_to')::timestamptz <= yx_now() then 'EXPIRED' when r.confirmed_at is not null then 'CONFIRMED' else 'DRAFT' end,
 r.created_at, r.confirmed_by, coalesce(c.display_name, ''), r.confirmed_at, r.ended_by, coalesce(e.display_name, ''), r.ended_at, r.end_reason
 from rule r left join account c on c.district = r.district and c.id = r.confirmed_by left join account e on e.district = r.district and e.id = r.ended_by
 where r.district = $1 and r.body->>'source' = 'PRECEDENT' and r.version = (select max(x.version) from rule x where x.district = r.district and x.id = r.id)`

func readPrecedent(row pgx.CollectableRow) (p Precedent, err error) {
	var raw []byte
	if err := row.Scan(&raw, &p.State, &p.CreatedAt, &p.ConfirmedBy, &p.Confirmer, &p.ConfirmedAt, &p.EndedBy, &p.Ender, &p.EndedAt, &p.EndReason); err != nil {
		return p, err
	}
	return p, json.Unmarshal(raw, &p.Rule)
}

// Precedents is a page of them, newest first; state "" is any.
func (k *Desk) Precedents(ctx context.Context, a auth.Actor, state string, limit int, cursor string) (list []Precedent, next string, err error) {
	if err := administers(a); err != nil {
		return nil, "", err
	}
	at, id := "infinity", ""
	if cursor != "" {
		raw, err := base64.RawURLEncoding.DecodeString(cursor)
		var ok bool
		if at, id, ok = strings.Cut(string(raw), "|"); err != nil || !ok {
			return nil, "", fault.Invalid("/cursor", "游标无效，请从第一页重新开始")
		}
		if _, err := time.Parse(time.RFC3339Nano, at); err != nil {
			return nil, "", fault.Invalid("/cursor", "游标无效，请从第一页重新开始")
		}
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), "select p.* from ("+precedentSQL+") p(body, state, created_at, confirmed_by, confirmer, confirmed_at, ended_by, ender, ended_at, end_reason) where ($2 = '' or p.state = $2) and (p.created_at, p.body->>'id') < ($3::timestamptz, case when $4 = '' then '~' else $4 end) order by p.created_at desc, p.body->>'id' desc limit $5",
		a.District, state, at, id, limit+1)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	if list, err = pgx.CollectRows(rows, readPrecedent); err != nil {
		return nil, "", pg.Fault(err)
	}
	if len(list) > limit {
		list = list[:limit]
		last := &list[limit-1]
		next = base64.RawURLEncoding.EncodeToString([]byte(last.CreatedAt.UTC().Format(time.RFC3339Nano) + "|" + last.Rule.ID))
	}
	return list, next, nil
}

// ConfirmPrecedent lets a draft stand until an instant (nil: until it is ended). 409 WRONG_STATE when it is no draft.
func (k *Desk) ConfirmPrecedent(ctx context.Context, a auth.Actor, id string, until *time.Time) (*Precedent, error) {
	if until != nil && !until.After(a.Now) {
		return nil, fault.Invalid("/until", "应晚于现在")
	}
	return k.onPrecedent(ctx, a, id, "confirm", data{"until": until}, func(ctx context.Context, tx pgx.Tx, p *Precedent) error {
		if p.State != "DRAFT" {
			return fault.Conflict("WRONG_STATE", "先例 %s 不是待确认的草案", id).With("state", p.State)
		}
		_, err := tx.Exec(ctx, `update rule set confirmed_by = $4, confirmed_at = yx_now(), body = case when $5::timestamptz is null then body - 'valid_to' else body || jsonb_build_object('valid_to', $5::timestamptz) end
			where district = $1 and id = $2 and version = $3`, a.District, id, p.Rule.Version, a.Account, until)
		return err
	})
}

// EndPrecedent takes a precedent out of force at once; cases that went by it stay where they are.
func (k *Desk) EndPrecedent(ctx context.Context, a auth.Actor, id, reason string) (*Precedent, error) {
	if reason = strings.TrimSpace(reason); len([]rune(reason)) < 5 {
		return nil, fault.Invalid("/reason", "请写明终止的理由，至少 5 个字")
	}
	return k.onPrecedent(ctx, a, id, "end", data{"reason": reason}, func(ctx context.Context, tx pgx.Tx, p *Precedent) error {
		if p.State == "ENDED" {
			return fault.Conflict("WRONG_STATE", "先例 %s 已经终止", id).With("state", p.State)
		}
		// Earlier versions of the same precedent end with it: they must not come to life again.
		_, err := tx.Exec(ctx, `update rule set status = 'OFF', ended_by = $3, ended_at = yx_now(), end_reason = $4, body = body || jsonb_build_object('valid_to', least((body->>'valid_to')::timestamptz, yx_now()), 'status', 'OFF')
			where district = $1 and id = $2 and ended_at is null`, a.District, id, a.Account, reason)
		return err
	})
}

func (k *Desk) onPrecedent(ctx context.Context, a auth.Actor, id, action string, facts data, act func(context.Context, pgx.Tx, *Precedent) error) (*Precedent, error) {
	if err := administers(a); err != nil {
		return nil, err
	}
	ctx = pg.WithDistrict(ctx, a.District)
	var p Precedent
	read := func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, precedentSQL+" and r.id = $2", a.District, id)
		if err != nil {
			return err
		}
		p, err = pgx.CollectExactlyOneRow(rows, readPrecedent)
		if errors.Is(err, pgx.ErrNoRows) {
			return fault.NotFound()
		}
		return err
	}
	err := pgx.BeginFunc(ctx, k.db.Pool, func(tx pgx.Tx) error {
		if err := lockSets(ctx, tx, a.District); err != nil {
			return err
		}
		if err := read(tx); err != nil {
			return err
		}
		if err := act(ctx, tx, &p); err != nil {
			return err
		}
		row, err := auth.AuditChange(action, "precedent", id, data{"state": p.State, "valid_to": p.Rule.ValidTo}, facts)
		if err != nil {
			return err
		}
		if err := auth.Audit(ctx, tx, a, row); err != nil {
			return err
		}
		return read(tx)
	})
	if err != nil {
		return nil, pg.Fault(err)
	}
	return &p, pg.Fault(k.worlds.LoadRules(context.WithoutCancel(ctx), a.District))
}

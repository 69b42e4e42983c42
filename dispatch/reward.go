package dispatch

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// Reward is something that residents take for points (table reward).
type Reward struct {
	ID      uuid.UUID `json:"id"`
	Name    string    `json:"name"`
	NameEN  string    `json:"name_en"`
	Place   string    `json:"place"` // where it is handed over
	Cost    int       `json:"cost"`
	Stock   int       `json:"stock"`
	Active  bool      `json:"active"`
	Version int       `json:"version"`
}

const rewardColumns = "id, name, name_en, place, cost, stock, active, version"

// Rewards are those offered, the cheapest first; for an administrator all, also those that are offered no more.
func (k *Desk) Rewards(ctx context.Context, a auth.Actor, all bool) ([]Reward, error) {
	if all {
		if err := mayConfigure(a); err != nil {
			return nil, err
		}
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), "select "+rewardColumns+" from reward where district = $1 and (active or $2) order by active desc, cost, id limit 500", a.District, all)
	if err != nil {
		return nil, pg.Fault(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Reward])
	return list, pg.Fault(err)
}

// check refuses what cannot be offered.
func (r *Reward) check() error {
	r.Name, r.NameEN, r.Place = strings.TrimSpace(r.Name), strings.TrimSpace(r.NameEN), strings.TrimSpace(r.Place)
	switch n := utf8.RuneCountInString; {
	case r.Name == "" || n(r.Name) > 40:
		return fault.Invalid("/name", "名称应为 1–40 字")
	case n(r.NameEN) > 80:
		return fault.Invalid("/name_en", "英文名称不超过 80 字")
	case n(r.Place) > 80:
		return fault.Invalid("/place", "领取地点不超过 80 字")
	case r.Cost < 1 || r.Cost > 100_000:
		return fault.Invalid("/cost", "积分应为 1–100000")
	case r.Stock < 0 || r.Stock > 1_000_000:
		return fault.Invalid("/stock", "库存应为 0–1000000")
	}
	return nil
}

// SetReward offers something new (zero id) or changes it; Version is the one that was read. The change stands in the audit. The stock that
// is set is what lies there at this moment: what was taken since it was read makes the change stale.
func (k *Desk) SetReward(ctx context.Context, a auth.Actor, r Reward) (*Reward, error) {
	if err := mayConfigure(a); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	action := "change"
	var before any
	err := pgx.BeginFunc(pg.WithDistrict(ctx, a.District), k.db.Pool, func(tx pgx.Tx) error {
		if r.ID == uuid.Nil {
			action, r.ID, r.Version = "create", uuid.Must(uuid.NewV7()), 1
			if _, err := tx.Exec(ctx, "insert into reward (district, id, name, name_en, place, cost, stock, active) values ($1, $2, $3, $4, $5, $6, $7, $8)", a.District, r.ID, r.Name, r.NameEN, r.Place, r.Cost, r.Stock, r.Active); err != nil {
				return err
			}
		} else {
			rows, err := tx.Query(ctx, "select "+rewardColumns+" from reward where district = $1 and id = $2 for update", a.District, r.ID)
			if err != nil {
				return err
			}
			was, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Reward])
			switch {
			case err != nil:
				return err
			case len(was) == 0:
				return fault.NotFound()
			case was[0].Version != r.Version:
				return fault.Conflict("STALE", "这一项刚被改动或兑换过，请重新打开后再改").With("version", was[0].Version)
			}
			before = was[0]
			r.Version++
			if _, err := tx.Exec(ctx, "update reward set name = $3, name_en = $4, place = $5, cost = $6, stock = $7, active = $8, version = $9 where district = $1 and id = $2", a.District, r.ID, r.Name, r.NameEN, r.Place, r.Cost, r.Stock, r.Active, r.Version); err != nil {
				return err
			}
		}
		row, err := auth.AuditChange(action, "reward", r.ID.String(), before, r)
		if err != nil {
			return err
		}
		return auth.Audit(ctx, tx, a, row)
	})
	return &r, pg.Fault(err)
}

// Redemption is a reward that somebody has taken: whoever shows Code gets it until ExpiresAt.
type Redemption struct {
	ID        uuid.UUID
	RewardID  uuid.UUID
	Reward    string
	RewardEN  string
	Place     string
	Cost      int
	Code      string
	State     string // OPEN, HANDED, CANCELLED, EXPIRED
	MadeAt    time.Time
	ExpiresAt time.Time
	DoneAt    *time.Time
}

const redemptionColumns = "d.id, d.reward_id, x.name, x.name_en, x.place, d.cost, d.code, d.state, d.made_at, d.expires_at, d.done_at"
const redemptionFrom = " from redemption d join reward x on x.district = d.district and x.id = d.reward_id"

func oneRedemption(rows pgx.Rows, err error) (*Redemption, error) {
	if err != nil {
		return nil, pg.Fault(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Redemption])
	switch {
	case err != nil:
		return nil, pg.Fault(err)
	case len(list) == 0:
		return nil, fault.NotFound()
	}
	return &list[0], nil
}

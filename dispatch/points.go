package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// Points thank residents for reports that led to something (domain 1, S1): a double-entry ledger, once for each case and kind, at most so
// many a month. They are no input of anything: neither of a priority nor of a route nor of what an officer sees of a person (K2).

// Kinds of movements of points.
const (
	PointsReport = "REPORT" // a case that one reported was closed
	PointsFalse  = "FALSE"  // a report was rejected as made up
	PointsRedeem = "REDEEM" // a reward was taken
	PointsBack   = "BACK"   // a reward that was not handed over
)

// PointsRules are a district's numbers (tenant.settings, key `points`).
type PointsRules struct {
	Report     int `json:"report"`      // for a closed case
	False      int `json:"false"`       // taken for a report that was made up; never below nothing
	MonthCap   int `json:"month_cap"`   // at most in a month of the district
	RedeemDays int `json:"redeem_days"` // how long a reward waits
}

// DefaultPoints are in force where a district says nothing.
var DefaultPoints = PointsRules{Report: 10, False: 10, MonthCap: 100, RedeemDays: 30}

// pointsRules reads a district's numbers; one that is no number in its bounds leaves the default in force.
func pointsRules(settings json.RawMessage) PointsRules {
	var own struct {
		Points *PointsRules `json:"points"`
	}
	rules := DefaultPoints
	own.Points = &rules
	if json.Unmarshal(settings, &own) != nil || own.Points == nil {
		return DefaultPoints
	}
	for _, n := range []struct {
		of             *int
		low, high, def int
	}{{&rules.Report, 0, 1000, DefaultPoints.Report}, {&rules.False, 0, 1000, DefaultPoints.False}, {&rules.MonthCap, 0, 100_000, DefaultPoints.MonthCap}, {&rules.RedeemDays, 1, 365, DefaultPoints.RedeemDays}} {
		if *n.of < n.low || *n.of > n.high {
			*n.of = n.def
		}
	}
	return rules
}

func readPointsRules(ctx context.Context, q rowsQuerier, district string) (PointsRules, error) {
	var settings []json.RawMessage
	if err := scalars(ctx, q, &settings, "select settings from tenant where district = $1", district); err != nil || len(settings) == 0 {
		return DefaultPoints, err
	}
	return pointsRules(settings[0]), nil
}

// PointsEntry is one movement as its owner reads it: Change is negative for what was taken.
type PointsEntry struct {
	ID         uuid.UUID
	At         time.Time
	Kind       string
	Change     int
	Matter     string // of the case, code
	Receipt    string // of the owner's own report
	Reward     string
	RewardEN   string
	Redemption *uuid.UUID
}

// Points is a resident's account.
type Points struct {
	Balance, Earned int // Earned: in this month of the district
	Rules           PointsRules
	Entries         []PointsEntry
	Next            string
}

// MyPoints is the signed-in resident's account with its movements, newest first.
func (k *Desk) MyPoints(ctx context.Context, a auth.Actor, limit int, cursor string) (*Points, error) {
	w, err := k.pointsWorld(a)
	if err != nil {
		return nil, err
	}
	if limit < 1 || limit > 200 {
		limit = 50
	}
	at, id := "infinity", uuid.Max
	if cursor != "" {
		if at, id, err = readCursor(cursor); err != nil {
			return nil, err
		}
	}
	ctx = pg.WithDistrict(ctx, a.District)
	p := &Points{}
	if p.Rules, err = readPointsRules(ctx, k.db.Pool, a.District); err != nil {
		return nil, pg.Fault(err)
	}
	err = k.db.Pool.QueryRow(ctx, "select balance, case when month = $3::date then earned else 0 end from points_account where district = $1 and account_id = $2", a.District, a.Account, w.firstOfMonth(a.Now)).Scan(&p.Balance, &p.Earned)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, pg.Fault(err)
	}
	rows, err := k.db.Pool.Query(ctx, `select e.id, e.at, e.kind, case when e.taker = 'RESIDENT' then e.amount else -e.amount end, coalesce(c.matter, ''),
		coalesce((select r.receipt_code from report r where r.district = e.district and r.case_id = e.case_id and r.account_id = e.account_id order by r.received_at limit 1), ''), coalesce(x.name, ''), coalesce(x.name_en, ''), e.redemption_id, e.at::text
		from points_entry e left join cases c on c.district = e.district and c.id = e.case_id left join redemption d on d.district = e.district and d.id = e.redemption_id left join reward x on x.district = d.district and x.id = d.reward_id
		where e.district = $1 and e.account_id = $2 and (e.at, e.id) < ($3::timestamptz, $4::uuid) order by e.at desc, e.id desc limit $5`, a.District, a.Account, at, id, limit+1)
	if err != nil {
		return nil, pg.Fault(err)
	}
	var e PointsEntry
	stamp, last := "", ""
	_, err = pgx.ForEachRow(rows, []any{&e.ID, &e.At, &e.Kind, &e.Change, &e.Matter, &e.Receipt, &e.Reward, &e.RewardEN, &e.Redemption, &stamp}, func() error {
		if len(p.Entries) == limit {
			p.Next = writeCursor(last, p.Entries[limit-1].ID)
			return nil
		}
		last = stamp
		p.Entries = append(p.Entries, e)
		return nil
	})
	return p, pg.Fault(err)
}

func (k *Desk) pointsWorld(a auth.Actor) (*World, error) {
	if err := a.Need(auth.PermReportOwn, "积分只属于居民"); err != nil {
		return nil, err
	}
	w := k.worlds.Get(a.District)
	if w == nil {
		return nil, fault.Unavailable(errors.New("no configuration of district " + a.District))
	}
	return w, nil
}

// firstOfMonth is the first day of the district's month, as a date.
func (w *World) firstOfMonth(at time.Time) string {
	return at.In(w.Calendar.Location()).Format("2006-01") + "-01"
}

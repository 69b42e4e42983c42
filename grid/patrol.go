package grid

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// CheckPoint is a place code of a worker's own grids as a stop of the round. At is when the worker was there last today
// (China time), nil for not yet. WGS-84.
type CheckPoint struct {
	Token, Kind, Name, Grid, Address string
	Lon, Lat                         float64
	At                               *time.Time
}

// Presence bounds how far from a stop a phone may be, in metres: Within, of which at most Credit may be made up by the
// accuracy; a position that is worse than Worst proves nothing.
type Presence struct{ Within, Credit, Worst float64 }

// Visit is a check-in as a phone sends it. At is nil for now; Key names this visit, and twice the same does it once.
type Visit struct {
	Token, Key string
	Point      Point
	Accuracy   float64 // metres; 0 = not told
	At         *time.Time
}

// Visited is what was recorded. Again: it was recorded before under this key.
type Visited struct {
	Token     string
	At        time.Time
	DistanceM float64
	Again     bool
}

// visitAge is how long a phone may have been without a network before a check-in is not believed any more.
const visitAge = 7 * 24 * time.Hour

// Patrol lists the stops of the actor's round by grid and name: 403 for who walks none.
func (o *Office) Patrol(ctx context.Context, a auth.Actor) ([]CheckPoint, error) {
	if err := a.Need(auth.PermPatrol, "只有网格员有巡查"); err != nil {
		return nil, err
	}
	rows, err := o.db.Pool.Query(pg.WithDistrict(ctx, a.District), `select p.token, p.kind, p.name, p.grid, p.address, p.lon, p.lat, c.at
		from place_code p left join lateral (select max(happened_at) at from patrol_checkin c where c.district = p.district and c.token = p.token and c.account_id = $2
			and c.happened_at >= date_trunc('day', yx_now() at time zone 'Asia/Shanghai') at time zone 'Asia/Shanghai') c on true
		where p.district = $1 and p.disabled_at is null and p.grid = any($3) order by p.grid, p.name, p.token`, a.District, a.Account, a.Grids())
	if err != nil {
		return nil, pg.Fault(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[CheckPoint])
	return list, pg.Fault(err)
}

// CheckIn records that the actor is at a stop of their own round: 404 for a stop of somebody else's, 422 TOO_FAR,
// POOR_ACCURACY or INVALID for a time that cannot be.
func (o *Office) CheckIn(ctx context.Context, a auth.Actor, v Visit, near Presence) (*Visited, error) {
	if err := a.Need(auth.PermPatrol, "只有网格员可以巡查打卡"); err != nil {
		return nil, err
	}
	ctx = pg.WithDistrict(ctx, a.District)
	var stop Point
	switch err := o.db.Pool.QueryRow(ctx, "select lon, lat from place_code where district = $1 and token = $2 and disabled_at is null and grid = any($3)", a.District, v.Token, a.Grids()).Scan(&stop.Lon, &stop.Lat); {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, fault.NotFound()
	case err != nil:
		return nil, pg.Fault(err)
	}
	metres := Distance(v.Point, stop)
	switch {
	case v.At != nil && (v.At.After(a.Now.Add(time.Minute)) || v.At.Before(a.Now.Add(-visitAge))):
		return nil, fault.Invalid("/happened_at", "打卡时间须在最近 7 天内且不晚于现在，请核对手机时间")
	case v.Accuracy > near.Worst:
		return nil, fault.Invalid("/point/accuracy_m", "定位精度太差（%.0f 米），请到空旷处重试", v.Accuracy).Coded("POOR_ACCURACY")
	case metres-min(v.Accuracy, near.Credit) > near.Within:
		return nil, fault.Invalid("/point", "距离打卡点 %.0f 米，须在 %.0f 米内打卡", metres, near.Within).Coded("TOO_FAR").With("distance_m", metres)
	}
	out, err := o.visit(ctx, a, v, metres)
	if errors.Is(err, pgx.ErrNoRows) {
		out, err = o.visit(ctx, a, v, metres) // the same key was being recorded meanwhile, and is there now
	}
	if err != nil {
		return nil, pg.Fault(err)
	}
	if out.Token != v.Token {
		return nil, fault.Invalid("/place_code", "这次打卡的编号已用于另一个打卡点，请重新打卡").Coded("IDEMPOTENCY_MISMATCH")
	}
	return out, nil
}

// visit is one statement: the row, or the one that stands under the key; none while another is writing it.
func (o *Office) visit(ctx context.Context, a auth.Actor, v Visit, metres float64) (*Visited, error) {
	var out Visited
	err := o.db.Pool.QueryRow(ctx, `with new as (
			insert into patrol_checkin (district, account_id, key, token, grid, happened_at, distance_m, accuracy_m)
			select district, $2, $3, token, grid, coalesce($5, yx_now()), $6, $7 from place_code where district = $1 and token = $4
			on conflict (district, account_id, key) do nothing returning token, happened_at, distance_m)
		select token, happened_at, distance_m, false from new
		union all select token, happened_at, distance_m, true from patrol_checkin where district = $1 and account_id = $2 and key = $3 limit 1`,
		a.District, a.Account, v.Key, v.Token, v.At, metres, v.Accuracy).Scan(&out.Token, &out.At, &out.DistanceM, &out.Again)
	return &out, err
}

package dispatch

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// Standing is what stands open at this moment under one key, by the light of each case's next clock. Overdue are those whose
// promise to the resident has passed.
type Standing struct {
	Key, Name                           string
	Open, Green, Yellow, Red, Overdue   int64
	Recent, Repeat, Points              int64 // of a grid: received within 30 days; of them, in problems; points of its risk
	Level                               int   // risk of a grid, 1 to 5
	Grid, GridName, Matter, MatterNamed string
}

// Tiles is a list of standings as they were at an instant.
type Tiles struct {
	AsOf       time.Time
	Rows       []Standing
	Unanswered *int64 // called units that owe their answer, in the whole district; nil where it was not asked for
}

// districtOnly refuses who does not see the district as a whole: these figures are sums over everybody's cases.
func districtOnly(a auth.Actor) error {
	if !wholeDistrict(a) {
		return fault.Forbidden("NOT_YOURS", "该指标按全区汇总，仅全区岗位可以查看")
	}
	return nil
}

var lightDims = map[string]string{"district": "A", "unit": "U", "street": "S", "matter": "M"}

// Lights are the open cases of the district by light, grouped by district, unit, street or matter.
func (k *Desk) Lights(ctx context.Context, a auth.Actor, by string) (*Tiles, error) {
	dim, ok := lightDims[by]
	if !ok {
		return nil, fault.Invalid("/by", "应为 district / unit / street / matter 之一")
	}
	if err := districtOnly(a); err != nil {
		return nil, err
	}
	w := k.worlds.Get(a.District)
	out, err := k.tiles(ctx, w, `select r.key, r.open, r.yellow, r.red, r.overdue, r.recent, 0::bigint, n.now from (select yx_now() as now) n left join rollup_now r on r.district = $1 and r.dim = $2 and r.open > 0 order by r.key`, func(s *Standing) {
		s.Name = w.groupName(by, s.Key)
		if by == "district" {
			s.Name = w.Name
		}
	}, a.District, dim)
	if err != nil {
		return nil, err
	}
	out.Unanswered = new(int64)
	// Calls that run are few and have an index of their own: from there, whatever the archive holds.
	err = k.db.Pool.QueryRow(pg.WithDistrict(ctx, a.District), "select count(*) from call q join call_target t on t.district = q.district and t.call_id = q.id join cases c on c.district = q.district and c.id = q.case_id where q.district = $1 and "+liveCase+" and "+unansweredTarget, a.District).Scan(out.Unanswered)
	return out, pg.Fault(err)
}

// Problems are the matters that came at least 5 times in one grid within 30 days, the most frequent first (C28).
func (k *Desk) Problems(ctx context.Context, a auth.Actor, limit int) (*Tiles, error) {
	if err := districtOnly(a); err != nil {
		return nil, err
	}
	w := k.worlds.Get(a.District)
	return k.tiles(ctx, w, `select r.key, r.open, r.yellow, r.red, r.overdue, r.recent, r.recent, n.now from (select yx_now() as now) n
		left join (select * from rollup_now where district = $1 and dim = 'P' and recent >= 5 order by recent desc, key limit $2) r on true order by r.recent desc, r.key`, func(s *Standing) {
		w.named(s)
	}, a.District, limit)
}

// HotSpots are the grids with most cases of the last 30 days.
func (k *Desk) HotSpots(ctx context.Context, a auth.Actor, limit int) (*Tiles, error) {
	if err := districtOnly(a); err != nil {
		return nil, err
	}
	w := k.worlds.Get(a.District)
	return k.tiles(ctx, w, fmt.Sprintf(gridSQL, "order by g.recent desc, g.key limit $2"), w.risky, a.District, limit)
}

// RiskLevels are all grids that have something open, overdue or repeated, the riskiest first; every other grid is of level 1.
func (k *Desk) RiskLevels(ctx context.Context, a auth.Actor, limit int) (*Tiles, error) {
	if err := districtOnly(a); err != nil {
		return nil, err
	}
	w := k.worlds.Get(a.District)
	return k.tiles(ctx, w, fmt.Sprintf(gridSQL, "order by g.open + 2 * g.overdue + 3 * coalesce(p.repeat, 0) desc, g.key limit $2"), w.risky, a.District, limit)
}

const gridSQL = `select r.key, r.open, r.yellow, r.red, r.overdue, r.recent, r.repeat, n.now from (select yx_now() as now) n left join (
  select g.key, g.open, g.yellow, g.red, g.overdue, g.recent, coalesce(p.repeat, 0)::bigint as repeat from rollup_now g
    left join (select split_part(key, '|', 1) as grid, sum(recent) as repeat from rollup_now where district = $1 and dim = 'P' and recent >= 5 group by 1) p on p.grid = g.key
    where g.district = $1 and g.dim = 'G' and (g.open > 0 or g.recent > 0) %s) r on true`

// tiles reads standings; the one without a key tells the instant only.
func (k *Desk) tiles(ctx context.Context, w *World, sql string, finish func(*Standing), args ...any) (*Tiles, error) {
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, w.District), sql, args...)
	if err != nil {
		return nil, pg.Fault(err)
	}
	out := &Tiles{Rows: []Standing{}}
	var key *string
	var n [6]*int64
	if _, err := pgx.ForEachRow(rows, []any{&key, &n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &out.AsOf}, func() error {
		if key == nil {
			return nil
		}
		of := func(i int) int64 {
			if n[i] == nil {
				return 0
			}
			return *n[i]
		}
		s := Standing{Key: *key, Open: of(0), Yellow: of(1), Red: of(2), Overdue: of(3), Recent: of(4), Repeat: of(5)}
		s.Green = s.Open - s.Yellow - s.Red
		finish(&s)
		out.Rows = append(out.Rows, s)
		return nil
	}); err != nil {
		return nil, pg.Fault(err)
	}
	return out, nil
}

// named splits the key of a grid or a problem.
func (w *World) named(s *Standing) {
	s.Grid = s.Key
	for i := range s.Key {
		if s.Key[i] == '|' {
			s.Grid, s.Matter = s.Key[:i], s.Key[i+1:]
			break
		}
	}
	s.GridName, s.MatterNamed = s.Grid, w.MatterName(s.Matter)
	if at, ok := w.Grid(s.Grid); ok {
		s.GridName = at.GridName
	}
	s.Name = s.GridName
}

func (w *World) risky(s *Standing) {
	w.named(s)
	s.Level, s.Points = w.RiskSteps.Risk(s.Open, s.Overdue, s.Repeat)
}

// Hotline is one row of the four 12345 figures (C13).
type Hotline struct {
	Key, Name                            string
	Accepted, Dispatched, Disposed, Told Ratio
}

// Hotlines are the four 12345 figures of a span: accepted in time, dispatched to the right unit, disposed in time, told in time. by is source,
// street, unit or day; the last row is the district ("total").
func (k *Desk) Hotlines(ctx context.Context, a auth.Actor, from, to time.Time, by string) (list []Hotline, asOf time.Time, err error) {
	if _, ok := dimOf[by]; !ok || by == "" || by == "matter" {
		return nil, asOf, fault.Invalid("/by", "应为 source / street / unit / day 之一")
	}
	if most := spanDays(a); !from.Before(to) || to.Sub(from) > time.Duration(most)*24*time.Hour {
		return nil, asOf, fault.Invalid("/to", "时间范围应在 1 天到 %d 天之间，且 to 晚于 from", most)
	}
	if err := districtOnly(a); err != nil {
		return nil, asOf, err
	}
	w := k.worlds.Get(a.District)
	cols := []string{"accepted_ontime", "accepted", "accurate", "dispatched", "a_ontime", "a_den", "fb_ontime", "fb_den"}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), "with s as ("+rolled(cols, by)+`) select coalesce(s.key, ''), s.key is not null, coalesce(accepted_ontime, 0), coalesce(accepted, 0), coalesce(accurate, 0), coalesce(dispatched, 0), coalesce(a_ontime, 0), coalesce(a_den, 0), coalesce(fb_ontime, 0), coalesce(fb_den, 0), n.now
		from (select yx_now() as now) n left join s on true order by s.key`, spanArgs(a.District, from, to, by)...)
	if err != nil {
		return nil, asOf, pg.Fault(err)
	}
	total := Hotline{Key: "total", Name: w.Name}
	var h Hotline
	var there bool
	if _, err := pgx.ForEachRow(rows, []any{&h.Key, &there, &h.Accepted.Num, &h.Accepted.Den, &h.Dispatched.Num, &h.Dispatched.Den, &h.Disposed.Num, &h.Disposed.Den, &h.Told.Num, &h.Told.Den, &asOf}, func() error {
		if !there {
			return nil
		}
		h.Name = w.groupName(by, h.Key)
		list = append(list, h)
		for _, p := range []struct{ to, from *Ratio }{{&total.Accepted, &h.Accepted}, {&total.Dispatched, &h.Dispatched}, {&total.Disposed, &h.Disposed}, {&total.Told, &h.Told}} {
			p.to.Num, p.to.Den = p.to.Num+p.from.Num, p.to.Den+p.from.Den
		}
		return nil
	}); err != nil {
		return nil, asOf, pg.Fault(err)
	}
	return append(list, total), asOf, nil
}

package dispatch

import (
	"context"
	"time"

	"yixian/dispatch/score"
	"yixian/internal/auth"
	"yixian/internal/fault"
)

// DistrictFigures is one district beside its city's others: sums alone, and none that fewer than score.K things make up (nil). No total
// over the districts is told, from which one that is withheld could be taken.
type DistrictFigures struct {
	District, Name                                      string
	Received, Closed, Open, Overdue                     *int64
	CallResponse, OnTimeDisposal, Resolution, Satisfied *Ratio
}

// Districts compares the districts of the actor's city over [from, to), by code. It is the one figure that leaves a district: it is read
// with the engine's eyes, from rollups that hold no person and no case, for those whom the city has sent (metrics.city).
func (k *Desk) Districts(ctx context.Context, a auth.Actor, from, to time.Time) (list []DistrictFigures, asOf time.Time, err error) {
	if err := a.Need(auth.PermCity, "只有市级查看人员可以比较各区"); err != nil {
		return nil, asOf, err
	}
	if most := spanDays(a); !from.Before(to) || to.Sub(from) > time.Duration(most)*24*time.Hour {
		return nil, asOf, fault.Invalid("/to", "时间范围应在 1 天到 %d 天之间，且 to 晚于 from", most)
	}
	all := &Desk{db: k.worlds.db, worlds: k.worlds}
	city, own := "", false
	for _, t := range k.worlds.Tenants() {
		if t.District == a.District {
			city, own = t.City, true
		}
	}
	if !own {
		return nil, asOf, fault.NotFound()
	}
	list = []DistrictFigures{}
	for _, t := range k.worlds.Tenants() {
		if t.District != a.District && (city == "" || t.City != city) {
			continue
		}
		o, err := all.rolledOverview(ctx, k.worlds.Get(t.District), from, to, "street")
		if err != nil {
			return nil, asOf, err
		}
		f := &o.Total
		list = append(list, DistrictFigures{District: t.District, Name: t.Name, Received: enough(f.Received), Closed: enough(f.Closed), Open: enough(f.Open), Overdue: enough(f.Overdue),
			CallResponse: enoughOf(f.CallResponse), OnTimeDisposal: enoughOf(f.OnTimeDisposal), Resolution: enoughOf(f.Resolution), Satisfied: enoughOf(f.Satisfied)})
		asOf = o.AsOf
	}
	return list, asOf, nil
}

// enough is a count that may be told: none is no secret, a few are.
func enough(n int64) *int64 {
	if n > 0 && n < score.K {
		return nil
	}
	return &n
}

// enoughOf is a ratio of enough things, of which neither the ones that hold nor the others are only a few.
func enoughOf(r Ratio) *Ratio {
	if enough(r.Num) == nil || enough(r.Den) == nil || enough(r.Den-r.Num) == nil {
		return nil
	}
	return &r
}

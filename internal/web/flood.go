package web

import (
	"context"
	"encoding/hex"
	"net/netip"
	"time"

	"yixian/dispatch"
	"yixian/internal/auth"
	"yixian/internal/cache"
	"yixian/internal/fault"
)

// intake says whether a report may come in now. One person's day has an end (429; a retry of what was taken is answered again), and
// so has a partner's hour. Too many reports from one address, one network or one grid are taken all the same — a whole quarter may
// stand behind one address, and a burst main has many witnesses — but wait for a dispatcher: held says why. again says that an equal post
// was waited for: when that one was taken, this one is its retry and counts for nothing.
func (s *server) intake(ctx context.Context, a auth.Actor, at *dispatch.PointIn, key string, again bool) (held string, err error) {
	if s.WideLimits != nil && s.WideLimits() {
		return "", nil
	}
	if again {
		if taken, err := s.Desk.Taken(ctx, a, key); err != nil || taken {
			return "", err
		}
	}
	limits := s.world(a.District).Limits
	switch {
	case a.Kind == auth.Partner && a.Grant != nil:
		if ok, after := s.Limits.Allow(ctx, auth.PartnerLimit(a), cache.Rate{Count: a.Grant.PerHour, Per: time.Hour}); !ok {
			return "", fault.New(429, "TOO_MANY", "该合作方本小时的上报已达上限").After(after)
		}
	case a.Kind == auth.Resident:
		if ok, after := s.Limits.Allow(ctx, "report:"+a.Account.String(), cache.Rate{Count: limits.ReportsPerDay, Per: 24 * time.Hour}); !ok {
			if taken, err := s.Desk.Taken(ctx, a, key); err != nil || taken {
				return "", err
			}
			return "", fault.New(429, "TOO_MANY", "今天上报次数已达上限，紧急情况请拨打 12345").After(after)
		}
		grid := ""
		if p, err := at.WGS84(); err == nil {
			if place, ok := s.Desk.Worlds().Index().Locate(p); ok {
				grid = place.GridCode
			}
		}
		return s.flood.over(ctx, limits, hex.EncodeToString(s.Keys.Blind("000000", "address", ginOf(ctx).ClientIP())[:16]), hex.EncodeToString(s.Keys.Blind("000000", "address", network(ginOf(ctx).ClientIP()))[:16]), grid), nil
	}
	return "", nil
}

// network is the /24 (IPv6: /48) of an address.
func network(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	a = a.Unmap().WithZone("")
	bits := 24
	if a.Is6() {
		bits = 48
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ip
	}
	return p.String()
}

// flood counts in this process alone: it is no door, only a hand on it, and costs no trip to Redis.
type flood struct{ *cache.Limits }

// over names the first count that is exceeded, "" when none is. All are taken from, so that a flood does not hide behind another.
func (f flood) over(ctx context.Context, l dispatch.Limits, address, net, grid string) (reason string) {
	for _, c := range []struct {
		reason, key string
		count       int
	}{{"FLOOD_ADDRESS", "address:" + address, l.FloodAddress}, {"FLOOD_NET", "net:" + net, l.FloodNet}, {"FLOOD_GRID", "grid:" + grid, l.FloodGrid}} {
		if ok, _ := f.Allow(ctx, c.key, cache.Rate{Count: c.count, Per: time.Hour}); !ok && reason == "" {
			reason = c.reason
		}
	}
	return reason
}

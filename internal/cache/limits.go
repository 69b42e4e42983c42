package cache

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
)

// Rate is Count events in Per, all of which may come at once; then one more is allowed every Per/Count (GCRA).
type Rate struct {
	Count int
	Per   time.Duration
}

// Limits counts in Redis for all processes together. While Redis is away each process counts by itself, so a
// limit may then be exceeded by the factor of the number of processes, never ignored. It is safe for concurrent use.
type Limits struct {
	rdb     redis.UniversalClient
	rate    *redis_rate.Limiter
	breaker breaker
	local   *meter
	losses  atomic.Int64
}

// NewLimits counts in rdb; with nil only in this process.
func NewLimits(rdb *redis.Client) *Limits {
	clock := uptime()
	l := &Limits{local: newMeter(clock), breaker: breaker{clock: clock, patience: patience}}
	if rdb != nil {
		l.rdb, l.rate = rdb, redis_rate.NewLimiter(rdb)
	}
	return l
}

// Patient gives every call that long instead of 40 ms before this process decides by itself: for a test that wants Redis's
// own answer on a machine that is busy.
func (l *Limits) Patient(d time.Duration) *Limits { l.breaker.patience = d; return l }

// Allow takes one event of the key's rate. When there is none left it says after how long there will be. The
// key reaches Redis as it is: it must hold no personal data (use a blind index). A rate that is not positive allows nothing.
func (l *Limits) Allow(ctx context.Context, key string, r Rate) (ok bool, retryAfter time.Duration) {
	if r.Count <= 0 || r.Per <= 0 {
		return false, time.Hour
	}
	if l.rdb != nil && l.breaker.do(ctx, func(ctx context.Context) error {
		res, err := l.rate.Allow(ctx, key, redis_rate.Limit{Rate: r.Count, Burst: r.Count, Period: r.Per})
		if err == nil {
			ok, retryAfter = res.Allowed > 0, max(res.RetryAfter, 0)
		}
		return err
	}) {
		return ok, retryAfter
	}
	l.lost()
	return l.local.allow(key, r)
}

// Left is how many events of the key's rate could come now; it takes none.
func (l *Limits) Left(ctx context.Context, key string, r Rate) (left int) {
	if r.Count <= 0 || r.Per <= 0 {
		return 0
	}
	if l.rdb != nil && l.breaker.do(ctx, func(ctx context.Context) error {
		res, err := l.rate.AllowN(ctx, key, redis_rate.Limit{Rate: r.Count, Burst: r.Count, Period: r.Per}, 0)
		if err == nil {
			left = max(0, res.Remaining)
		}
		return err
	}) {
		return left
	}
	l.lost()
	return l.local.left(key, r)
}

// Strike counts a failed attempt. The first count of them give 0; after those the answer is the time left of the
// lock, which began with the last allowed one. Strikes that never reach the count are forgotten after a day.
func (l *Limits) Strike(ctx context.Context, key string, count int, lock time.Duration) (locked time.Duration) {
	if l.rdb != nil && l.breaker.do(ctx, func(ctx context.Context) error {
		ms, err := strike.Run(ctx, l.rdb, []string{"strike:" + key}, count, lock.Milliseconds(), strikeMemory.Milliseconds()).Int64()
		locked = time.Duration(ms) * time.Millisecond
		return err
	}) {
		return locked
	}
	l.lost()
	return l.local.strike(key, count, lock)
}

// Locked says how long a key is still locked by its strikes, 0 when it is not.
func (l *Limits) Locked(ctx context.Context, key string, count int) (left time.Duration) {
	if l.rdb != nil && l.breaker.do(ctx, func(ctx context.Context) error {
		ms, err := locked.Run(ctx, l.rdb, []string{"strike:" + key}, count).Int64()
		left = time.Duration(ms) * time.Millisecond
		return err
	}) {
		return left
	}
	l.lost()
	return l.local.locked(key, count)
}

// Fallbacks is how many decisions this process has made by itself because Redis was away.
func (l *Limits) Fallbacks() int64 { return l.losses.Load() }

func (l *Limits) lost() {
	if l.rdb != nil {
		l.losses.Add(1)
	}
}

const strikeMemory = 24 * time.Hour

var strike = redis.NewScript(`
local n = redis.call('INCR', KEYS[1])
local max = tonumber(ARGV[1])
if n == max then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
elseif n < max then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
else
  return math.max(redis.call('PTTL', KEYS[1]), 1)
end
return 0`)

var locked = redis.NewScript(`
if tonumber(redis.call('GET', KEYS[1]) or '0') >= tonumber(ARGV[1]) then
  return math.max(redis.call('PTTL', KEYS[1]), 1)
end
return 0`)

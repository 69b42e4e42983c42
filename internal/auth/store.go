package auth

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"yixian/internal/cache"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
)

// Options of a Store; the zero value is production.
type Options struct {
	Sandbox   bool         // cheap hashes, no password rules, wide limits and no second factor until Drill
	Hashes    int          // password hashes at the same time, 19 MB each; 2 when 0
	OTPBudget cache.Rate   // one-time codes of the whole installation; 3,000 an hour when zero
	Log       *slog.Logger // the alarm of a spent budget; nil: nowhere
}

// Store signs people in and says who they are. Sessions, codes and locks go by the real clock of PostgreSQL (now()),
// so a sandbox that jumps in time logs nobody out; only Actor.Now is the domain's instant (yx_now()).
type Store struct {
	db     *pg.DB
	keys   *seal.Keyring
	limits *cache.Limits
	opts   Options
	hash   *hasher
	drill  atomic.Pointer[drill]
}

// drill is what a sandbox practises for real.
type drill struct{ limits, mfa bool }

// NewStore works through the pool of the web role: every method sees one district only.
func NewStore(db *pg.DB, keys *seal.Keyring, limits *cache.Limits, opts Options) *Store {
	if opts.Hashes <= 0 {
		opts.Hashes = 2
	}
	if opts.OTPBudget == (cache.Rate{}) {
		opts.OTPBudget = cache.Rate{Count: 3000, Per: time.Hour}
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	cost := production
	if opts.Sandbox {
		cost = practice
	}
	s := &Store{db: db, keys: keys, limits: limits, opts: opts, hash: newHasher(cost, opts.Hashes)}
	s.Drill(false, false)
	return s
}

// Drill switches the production limits and the second factor on or off in a sandbox. Outside one both always hold.
func (s *Store) Drill(limits, mfa bool) {
	s.drill.Store(&drill{limits: limits || !s.opts.Sandbox, mfa: mfa || !s.opts.Sandbox})
}

// bounds are the numbers of quality §3 rows 13–16, wide in a sandbox.
type bounds struct {
	phoneMinute, phoneDay int // codes for one number
	addressHour, netHour  int // codes for one address and its /24 (IPv6: /64 and /48)
	failures              int // wrong passwords before the lock
	loginsPerAddress      cache.Rate
}

const (
	otpLife  = 5 * time.Minute
	otpTries = 5
	lockTime = 15 * time.Minute
)

func (s *Store) bounds() bounds {
	if s.drill.Load().limits {
		// A whole office signs in behind one address at half past eight.
		return bounds{phoneMinute: 1, phoneDay: 5, addressHour: 20, netHour: 100, failures: 10, loginsPerAddress: cache.Rate{Count: 300, Per: 10 * time.Minute}}
	}
	const wide = 1_000_000
	return bounds{phoneMinute: wide, phoneDay: wide, addressHour: wide, netHour: wide, failures: 1000, loginsPerAddress: cache.Rate{Count: wide, Per: time.Minute}}
}

// allow takes one event or says 429.
func (s *Store) allow(ctx context.Context, key string, r cache.Rate) error {
	if ok, after := s.limits.Allow(ctx, "auth:"+key, r); !ok {
		return tooMany(after)
	}
	return nil
}

func tooMany(after time.Duration) error {
	return fault.New(http.StatusTooManyRequests, "TOO_MANY_REQUESTS", "操作过于频繁，请稍后再试").After(seconds(after))
}

func locked(left time.Duration) error {
	return fault.New(http.StatusTooManyRequests, "LOCKED", "连续输错次数过多，账号已临时锁定，请 %d 分钟后再试", int(left/time.Minute)+1).After(seconds(left))
}

// seconds rounds up: Retry-After knows nothing smaller, and coming too early fails again.
func seconds(d time.Duration) time.Duration {
	return max(time.Second, (d + time.Second - 1).Truncate(time.Second))
}

package cache

import (
	"context"
	"sync/atomic"
	"time"
)

// rest is how long Redis is left alone after a failure.
const rest = time.Second

// breaker opens at the first failure, because one slow call may already cost patience; after rest exactly one
// caller tries again and all others go on without Redis until that one is back.
type breaker struct {
	clock    func() time.Duration // rises steadily, never 0
	patience time.Duration        // of one call
	until    atomic.Int64         // 0: closed; else the instant of the next try
}

// uptime is a clock that no correction of the wall clock disturbs.
func uptime() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start) + 1 }
}

// do runs call with a deadline and reports whether Redis answered. A caller that gave up is no failure of Redis.
func (b *breaker) do(ctx context.Context, call func(context.Context) error) bool {
	if until := b.until.Load(); until != 0 {
		now := b.clock()
		if int64(now) < until || !b.until.CompareAndSwap(until, int64(now+rest)) {
			return false
		}
	}
	short, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	switch err := call(short); {
	case err == nil:
		b.until.Store(0)
		return true
	case ctx.Err() != nil:
		return false
	default:
		b.until.Store(int64(b.clock() + rest))
		return false
	}
}

// Package cache owns what the program keeps in Redis: rate limits and the fan-out of live updates — only what
// may be lost. Every call has an answer without Redis too, at most 40 ms later. It does not own sessions, keys or
// jobs: those live in PostgreSQL.
package cache

import (
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// patience is how long one call waits for Redis before this process decides by itself.
const patience = 40 * time.Millisecond

// quiet keeps the library from writing to stderr by itself, a line for every refused dial: the breaker knows already.
var quiet = sync.OnceFunc(logging.Disable)

// Connect makes a client that keeps to the deadlines of its callers and tries nothing twice (the breaker decides
// when to try again). It does not dial: a Redis that is away is no error here. url is redis://…, rediss://… or unix://….
func Connect(url string) (*redis.Client, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("redis address: %w", err)
	}
	o.ContextTimeoutEnabled = true
	o.MaxRetries = -1
	o.DialerRetries = 1
	o.DialTimeout = time.Second // a dial that outlives its caller still fills the pool
	o.ReadTimeout, o.WriteTimeout = time.Second, time.Second
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	quiet()
	return redis.NewClient(o), nil
}

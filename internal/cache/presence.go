package cache

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// seenFor is how long somebody counts as looking after their last sign.
const seenFor = 45 * time.Second

// Presence knows who looks at what at this moment, for all processes together. Without Redis each process knows its own
// people only. Nothing here is a record: it is forgotten after 45 s. It is safe for concurrent use.
type Presence struct {
	rdb     *redis.Client
	breaker breaker
	clock   func() time.Duration

	mu    sync.Mutex
	local map[string]map[string]time.Duration // thing → who → when last
}

// NewPresence keeps it in rdb; with nil only in this process.
func NewPresence(rdb *redis.Client) *Presence {
	clock := uptime()
	return &Presence{rdb: rdb, clock: clock, breaker: breaker{clock: clock, patience: patience}, local: map[string]map[string]time.Duration{}}
}

// look notes a person (leaving: forgets them) and answers who else looks, the longest silent forgotten. KEYS[1] the thing;
// ARGV: who, "1" for leaving, milliseconds after which somebody is forgotten.
var look = redis.NewScript(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if ARGV[2] == '1' then redis.call('ZREM', KEYS[1], ARGV[1]) else redis.call('ZADD', KEYS[1], now, ARGV[1]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[3]))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return redis.call('ZRANGE', KEYS[1], 0, 49)`)

// Look says that somebody looks at a thing, or has left it, and answers who else does, in a steady order. Both names are ids:
// Redis holds no personal data.
func (p *Presence) Look(ctx context.Context, thing, who string, leaving bool) []string {
	p.note(thing, who, leaving)
	var others []string
	if p.rdb == nil || !p.breaker.do(ctx, func(ctx context.Context) (err error) {
		others, err = look.Run(ctx, p.rdb, []string{"yx:seen:" + thing}, who, flag(leaving), strconv.FormatInt(seenFor.Milliseconds(), 10)).StringSlice()
		return err
	}) {
		others = p.here(thing)
	}
	others = slices.DeleteFunc(others, func(x string) bool { return x == who })
	slices.Sort(others)
	return others
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

func (p *Presence) note(thing, who string, leaving bool) {
	now := p.clock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.local[thing] == nil {
		p.local[thing] = map[string]time.Duration{}
	}
	if p.local[thing][who] = now; leaving {
		delete(p.local[thing], who)
	}
	for t, people := range p.local { // few: what is looked at within 45 s
		for x, at := range people {
			if now-at > seenFor {
				delete(people, x)
			}
		}
		if len(people) == 0 {
			delete(p.local, t)
		}
	}
}

func (p *Presence) here(thing string) (out []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for x := range p.local[thing] {
		out = append(out, x)
	}
	return out
}

// Shared reports whether Redis answers, so that all processes know of each other.
func (p *Presence) Shared(ctx context.Context) bool {
	return p.rdb != nil && p.breaker.do(ctx, func(ctx context.Context) error { return p.rdb.Ping(ctx).Err() })
}

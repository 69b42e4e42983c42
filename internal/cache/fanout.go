package cache

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	prefix = "yx:fan:"
	// backlog is how many messages a slow reader may be behind before it loses some: five seconds of a district at 50 events a second. Who
	// loses some reads the table, and thousands who do so at once wait for each other.
	backlog = 256
	// originLen is the length of the random name of a process in front of every message in Redis.
	originLen = 8
)

// Fanout carries short live messages to every process that listens. Nothing is kept: who was not listening missed
// it, and who may have missed something is told so — a nil payload — and must read the table again. Within a process it
// works without Redis. It is safe for concurrent use.
type Fanout struct {
	rdb     *redis.Client // nil: this process only
	origin  string
	breaker breaker
	wake    chan struct{} // something in readers or owed changed

	mu      sync.Mutex
	readers map[string]map[chan []byte]struct{} // by channel
	owed    map[string]struct{}                 // channels whose other processes missed a message of ours
}

// NewFanout listens until ctx ends. With a nil client messages stay in this process.
func NewFanout(ctx context.Context, rdb *redis.Client) *Fanout {
	f := newFanout(rdb)
	if rdb != nil {
		go f.listen(ctx)
	}
	return f
}

func newFanout(rdb *redis.Client) *Fanout {
	id := make([]byte, originLen)
	_, _ = rand.Read(id)
	return &Fanout{rdb: rdb, origin: string(id), breaker: breaker{clock: uptime(), patience: patience}, wake: make(chan struct{}, 1),
		readers: map[string]map[chan []byte]struct{}{}, owed: map[string]struct{}{}}
}

// Publish hands the payload to the readers of this process and, when Redis is there, of all others. Processes that could
// not be reached get a gap as soon as they can. An empty payload is a gap by itself. It never fails and never waits for a reader.
func (f *Fanout) Publish(ctx context.Context, channel string, payload []byte) {
	f.deliver(channel, payload)
	if f.rdb == nil {
		return
	}
	message := append([]byte(f.origin), payload...)
	if !f.breaker.do(ctx, func(ctx context.Context) error { return f.rdb.Publish(ctx, prefix+channel, message).Err() }) {
		f.mu.Lock()
		f.owed[channel] = struct{}{}
		f.mu.Unlock()
		f.poke()
	}
}

// Subscribe yields the channel's messages until ctx ends, then the Go channel is closed. A nil message is a gap:
// messages may have been lost (the connection was new or away, or the reader too slow). Read the table once after
// Subscribe and again on every gap: one comes when the listening begins to hold across processes, and one every second
// while Redis is away. Readers share payloads: do not change them.
func (f *Fanout) Subscribe(ctx context.Context, channel string) <-chan []byte {
	out := make(chan []byte, backlog)
	f.mu.Lock()
	if f.readers[channel] == nil {
		f.readers[channel] = map[chan []byte]struct{}{}
	}
	f.readers[channel][out] = struct{}{}
	f.mu.Unlock()
	f.poke()
	context.AfterFunc(ctx, func() {
		f.mu.Lock()
		delete(f.readers[channel], out)
		if len(f.readers[channel]) == 0 {
			delete(f.readers, channel)
		}
		close(out)
		f.mu.Unlock()
		f.poke()
	})
	return out
}

// deliver never blocks: a full reader loses its oldest message and finds a gap at the end.
func (f *Fanout) deliver(channel string, payload []byte) {
	if len(payload) == 0 {
		payload = nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for out := range f.readers[channel] {
		push(out, payload)
	}
}

func push(out chan []byte, payload []byte) {
	select {
	case out <- payload:
		return
	default:
	}
	select {
	case <-out:
	default:
	}
	select {
	case out <- nil: // only deliver writes, under the mutex: there is room now
	default:
	}
}

func (f *Fanout) gapEverywhere() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, readers := range f.readers {
		for out := range readers {
			push(out, nil)
		}
	}
}

func (f *Fanout) poke() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// wait returns false when ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

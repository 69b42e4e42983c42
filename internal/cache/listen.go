package cache

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// silence is how long a connection may say nothing before it is asked; twice that and it counts as lost.
const silence = 5 * time.Second

// listen keeps one connection for all channels and begins again, a second later, whenever it breaks.
func (f *Fanout) listen(ctx context.Context) {
	for ctx.Err() == nil {
		f.hold(ctx)
		f.gapEverywhere()
		if !wait(ctx, rest) {
			return
		}
	}
}

// hold lives as long as one connection.
func (f *Fanout) hold(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ps := f.rdb.Subscribe(ctx)
	defer func() { _ = ps.Close() }()
	context.AfterFunc(ctx, func() { _ = ps.Close() }) // ends a Receive that waits
	if ps.Ping(ctx) != nil {
		return
	}
	go func() {
		defer cancel()
		f.follow(ctx, ps)
	}()
	asked := false
	for {
		message, err := ps.ReceiveTimeout(ctx, silence)
		switch m := message.(type) {
		case *redis.Message:
			if len(m.Payload) >= originLen && m.Payload[:originLen] != f.origin {
				f.deliver(strings.TrimPrefix(m.Channel, prefix), []byte(m.Payload[originLen:]))
			}
		case *redis.Subscription:
			if m.Kind == "subscribe" {
				f.deliver(strings.TrimPrefix(m.Channel, prefix), nil)
			}
		}
		var network net.Error
		switch {
		case err == nil:
			asked = false
		case errors.As(err, &network) && network.Timeout() && !asked && ctx.Err() == nil:
			asked = true
			if ps.Ping(ctx) != nil {
				return
			}
		default:
			return
		}
	}
}

// follow brings the connection's subscriptions in line with the readers and pays owed gaps. It returns when the
// connection fails.
func (f *Fanout) follow(ctx context.Context, ps *redis.PubSub) {
	held := map[string]bool{}
	for {
		more, less, owed := f.changes(held)
		for _, c := range more {
			held[c] = true
		}
		for _, c := range less {
			delete(held, c)
		}
		if len(more) > 0 && ps.Subscribe(ctx, prefixed(more)...) != nil {
			return
		}
		if len(less) > 0 && ps.Unsubscribe(ctx, prefixed(less)...) != nil {
			return
		}
		if !f.pay(ctx, owed) {
			if !wait(ctx, rest) {
				return
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		}
	}
}

func (f *Fanout) changes(held map[string]bool) (more, less, owed []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.readers {
		if !held[c] {
			more = append(more, c)
		}
	}
	for c := range held {
		if f.readers[c] == nil {
			less = append(less, c)
		}
	}
	for c := range f.owed {
		owed = append(owed, c)
	}
	return more, less, owed
}

// pay tells the other processes about messages they missed. An owed channel is struck off before its gap is sent: a
// message that fails meanwhile owes it again.
func (f *Fanout) pay(ctx context.Context, owed []string) bool {
	for _, c := range owed {
		f.mu.Lock()
		delete(f.owed, c)
		f.mu.Unlock()
		if !f.breaker.do(ctx, func(ctx context.Context) error { return f.rdb.Publish(ctx, prefix+c, f.origin).Err() }) {
			f.mu.Lock()
			f.owed[c] = struct{}{}
			f.mu.Unlock()
			return false
		}
	}
	return true
}

func prefixed(channels []string) []string {
	out := make([]string, len(channels))
	for i, c := range channels {
		out[i] = prefix + c
	}
	return out
}

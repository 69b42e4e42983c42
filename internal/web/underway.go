package web

import (
	"context"
	"sync"
)

// underway knows which keys are being worked on in this process. Equal posts that come together — a double tap, a phone that sends again
// while the first is on its way — are one report: whoever comes second waits until the first has its answer.
type underway struct {
	mu   sync.Mutex
	keys map[string]chan struct{}
}

// enter begins work on a key; leave ends it and must be called. second says that equal work was waited for. The error is ctx's.
func (u *underway) enter(ctx context.Context, key string) (leave func(), second bool, err error) {
	for {
		u.mu.Lock()
		busy, there := u.keys[key]
		if !there {
			if u.keys == nil {
				u.keys = map[string]chan struct{}{}
			}
			mine := make(chan struct{})
			u.keys[key] = mine
			u.mu.Unlock()
			return func() {
				u.mu.Lock()
				delete(u.keys, key)
				u.mu.Unlock()
				close(mine)
			}, second, nil
		}
		u.mu.Unlock()
		second = true
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, true, ctx.Err()
		}
	}
}

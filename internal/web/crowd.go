package web

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"yixian/dispatch"
	"yixian/internal/auth"
)

// crowd lets streams that see the same ask the same question once: when something happens, every dispatcher's screen wants to know at
// the same moment whether it is in scope. An answer is shared by those who ask about the same events within its flight and for a second
// after it; the next event of the same case is a new question, because it may have brought the case into somebody's scope.
type crowd struct {
	flight singleflight.Group
	mu     sync.Mutex
	kept   map[string]answer
	last   [16]*reading // the latest notices
	next   int
}

// reading is a notice and the event that a stream makes of it.
type reading struct {
	dispatch.Notice
	raw  []byte
	text string
}

type answer struct {
	seen map[uuid.UUID]bool
	at   time.Time
}

const (
	crowdFor  = time.Second
	crowdMost = 1000 // answers held at most
)

// read decodes a notice once for all streams: they share the payload, byte for byte the same memory. Nil is one that cannot be read.
func (k *crowd) read(raw []byte) *reading {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.last {
		if r != nil && len(r.raw) == len(raw) && &r.raw[0] == &raw[0] {
			return r
		}
	}
	r := &reading{raw: raw}
	if json.Unmarshal(raw, &r.Notice) != nil {
		return nil
	}
	r.text = sse(&r.Notice)
	k.last[k.next] = r
	k.next = (k.next + 1) % len(k.last)
	return r
}

func (k *crowd) inScope(ctx context.Context, desk *dispatch.Desk, a auth.Actor, batch []*reading) (map[uuid.UUID]bool, error) {
	cases := make([]uuid.UUID, len(batch))
	for i := range batch {
		cases[i] = batch[i].CaseID
	}
	sight := dispatch.Sight(a)
	if sight == "" {
		return desk.InScope(ctx, a, cases)
	}
	key := []byte(sight)
	for i := range batch {
		key = append(key, batch[i].EventID[:]...)
	}
	return k.ask(ctx, desk, a, string(key), cases)
}

func (k *crowd) ask(ctx context.Context, desk *dispatch.Desk, a auth.Actor, key string, cases []uuid.UUID) (map[uuid.UUID]bool, error) {
	if seen, ok := k.recent(key); ok {
		return seen, nil
	}
	// The question outlives the one who asked it first: others wait for the same answer.
	seen, err, _ := k.flight.Do(key, func() (any, error) {
		if seen, ok := k.recent(key); ok {
			return seen, nil
		}
		seen, err := desk.InScope(context.WithoutCancel(ctx), a, cases)
		if err == nil {
			k.keep(key, seen)
		}
		return seen, err
	})
	if err != nil {
		return nil, err
	}
	return seen.(map[uuid.UUID]bool), nil
}

func (k *crowd) recent(key string) (map[uuid.UUID]bool, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	x, ok := k.kept[key]
	return x.seen, ok && time.Since(x.at) < crowdFor
}

func (k *crowd) keep(key string, seen map[uuid.UUID]bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kept == nil || len(k.kept) >= crowdMost {
		k.kept = map[string]answer{}
	}
	k.kept[key] = answer{seen, time.Now()}
}

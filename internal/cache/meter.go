package cache

import (
	"sync"
	"time"
)

// mostKeys bounds the memory of one process while Redis is away (about 10 MB).
const mostKeys = 100_000

// meter is the same arithmetic as in Redis for one process.
type meter struct {
	clock func() time.Duration
	most  int

	mu      sync.Mutex
	arrival map[string]time.Duration // GCRA: the theoretical arrival time of the next event
	strikes map[string]strikes
}

type strikes struct {
	n     int
	until time.Duration // forgotten then
}

func newMeter(clock func() time.Duration) *meter {
	return &meter{clock: clock, most: mostKeys, arrival: map[string]time.Duration{}, strikes: map[string]strikes{}}
}

func (m *meter) allow(key string, r Rate) (bool, time.Duration) {
	now := m.clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	next := max(m.arrival[key], now) + r.Per/time.Duration(r.Count)
	if over := next - now - r.Per; over > 0 {
		return false, over
	}
	room(m.arrival, m.most, func(at time.Duration) bool { return at <= now })
	m.arrival[key] = next
	return true, 0
}

func (m *meter) left(key string, r Rate) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.clock()
	return int((now + r.Per - max(m.arrival[key], now)) / (r.Per / time.Duration(r.Count)))
}

func (m *meter) strike(key string, count int, lock time.Duration) time.Duration {
	now := m.clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.strikes[key]
	if s.until <= now {
		s = strikes{}
	}
	switch s.n++; {
	case s.n > count:
		return s.until - now
	case s.n == count:
		s.until = now + lock
	default:
		s.until = now + strikeMemory
	}
	room(m.strikes, m.most, func(s strikes) bool { return s.until <= now })
	m.strikes[key] = s
	return 0
}

func (m *meter) locked(key string, count int) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.strikes[key]; s.n >= count {
		return max(0, s.until-m.clock())
	}
	return 0
}

// room makes place for one more key: those that no longer count go first, then any few. Forgetting a key is kinder
// than refusing everybody; the callers' global keys are used all the time and come back at once.
func room[V any](held map[string]V, most int, over func(V) bool) {
	if len(held) < most {
		return
	}
	for k, v := range held {
		if over(v) {
			delete(held, k)
		}
	}
	for k := range held {
		if len(held) < most-most/10 { // a tenth at a time, so that the sweep is rare
			return
		}
		delete(held, k)
	}
}

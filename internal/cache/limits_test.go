package cache

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func client(t *testing.T, addr string) *redis.Client {
	t.Helper()
	rdb, err := Connect("redis://" + addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// hand is a clock that a test turns by hand.
type hand struct{ at atomic.Int64 }

func newHand() *hand                 { h := &hand{}; h.at.Store(1); return h }
func (h *hand) now() time.Duration   { return time.Duration(h.at.Load()) }
func (h *hand) turn(d time.Duration) { h.at.Add(int64(d)) }

func (l *Limits) under(h *hand) *Limits { l.breaker.clock, l.local.clock = h.now, h.now; return l }

func TestLimitsSharedByProcesses(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	a, b := NewLimits(client(t, m.Addr())).Patient(time.Minute), NewLimits(client(t, m.Addr())).Patient(time.Minute)
	start := time.Date(2026, 6, 8, 9, 0, 0, 0, time.UTC)
	m.SetTime(start)
	r := Rate{Count: 3, Per: time.Minute}
	for _, l := range []*Limits{a, b, a} {
		ok, _ := l.Allow(t.Context(), "k", r)
		require.True(t, ok)
	}
	ok, after := b.Allow(t.Context(), "k", r)
	require.False(t, ok)
	require.InDelta(t, 20*time.Second, after, float64(time.Second))
	ok, _ = b.Allow(t.Context(), "other", r)
	require.True(t, ok)
	m.SetTime(start.Add(21 * time.Second))
	ok, _ = b.Allow(t.Context(), "k", r)
	require.True(t, ok)
	require.Zero(t, a.Fallbacks()+b.Fallbacks())
}

func TestLimitsHoldWithoutRedis(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	h := newHand()
	l := NewLimits(client(t, m.Addr())).Patient(time.Minute).under(h)
	r := Rate{Count: 2, Per: time.Minute}
	ok, _ := l.Allow(t.Context(), "k", r)
	require.True(t, ok)
	m.Close()
	var allowed int
	for range 50 {
		if ok, _ := l.Allow(t.Context(), "k", r); ok {
			allowed++
		}
	}
	require.Equal(t, 2, allowed, "this process's own count")
	require.EqualValues(t, 50, l.Fallbacks())

	require.NoError(t, m.Restart())
	ok, _ = l.Allow(t.Context(), "k", r)
	require.False(t, ok, "the breaker rests for a second")
	h.turn(rest + 1)
	ok, _ = l.Allow(t.Context(), "fresh", r)
	require.True(t, ok)
	require.EqualValues(t, 51, l.Fallbacks(), "the one that tried found Redis back")
	require.Contains(t, m.Keys(), "rate:fresh")
}

// A Redis that takes connections and never answers is the worst kind.
func TestSilentRedis(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	var dials atomic.Int64
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			dials.Add(1)
			defer func() { _ = c.Close() }()
		}
	}()
	l := NewLimits(client(t, ln.Addr().String())).under(newHand()) // the clock stands: no second try
	for range 1000 {
		l.Allow(t.Context(), "k", Rate{Count: 5, Per: time.Minute})
	}
	require.EqualValues(t, 1000, l.Fallbacks())
	require.LessOrEqual(t, dials.Load(), int64(2), "the breaker leaves it alone")
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	h := newHand()
	b := breaker{clock: h.now, patience: time.Minute}
	fails := func(context.Context) error { return redis.ErrClosed }
	works := func(context.Context) error { return nil }
	require.True(t, b.do(t.Context(), works))
	require.False(t, b.do(t.Context(), fails))
	require.False(t, b.do(t.Context(), works), "open")
	h.turn(rest)
	gate, entered := make(chan struct{}), make(chan struct{})
	var tries atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		b.do(t.Context(), func(context.Context) error { tries.Add(1); close(entered); <-gate; return nil })
	})
	<-entered
	for range 20 {
		require.False(t, b.do(t.Context(), func(context.Context) error { tries.Add(1); return nil }), "one probe only")
	}
	close(gate)
	wg.Wait()
	require.EqualValues(t, 1, tries.Load())
	require.True(t, b.do(t.Context(), works), "closed again")

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.False(t, b.do(gone, func(ctx context.Context) error { return ctx.Err() }))
	require.True(t, b.do(t.Context(), works), "a caller that gave up does not open it")
}

func TestStrikes(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"redis", "process"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			h := newHand()
			l, turn := NewLimits(nil).under(h), h.turn
			if kind == "redis" {
				m := miniredis.RunT(t)
				l, turn = NewLimits(client(t, m.Addr())).Patient(time.Minute), m.FastForward
			}
			for range 10 {
				require.Zero(t, l.Strike(t.Context(), "u", 10, 15*time.Minute))
			}
			turn(5 * time.Minute)
			left := l.Strike(t.Context(), "u", 10, 15*time.Minute)
			require.InDelta(t, 10*time.Minute, left, float64(time.Second))
			require.Zero(t, l.Strike(t.Context(), "v", 10, 15*time.Minute))
			turn(10*time.Minute + time.Second)
			require.Zero(t, l.Strike(t.Context(), "u", 10, 15*time.Minute), "strikes do not prolong the lock")
		})
	}
}

// In any window of Per at most 2·Count−1 events pass (a full burst, then one per Per/Count), and after the time that a
// refusal names the next one passes.
func TestMeterLaw(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := newHand()
		m := newMeter(h.now)
		r := Rate{Count: rapid.IntRange(1, 10).Draw(t, "count"), Per: time.Duration(rapid.IntRange(1, 3600).Draw(t, "per")) * time.Second}
		var passed []time.Duration
		for range 60 {
			h.turn(time.Duration(rapid.Int64Range(0, int64(r.Per)/2).Draw(t, "pause")))
			ok, after := m.allow("k", r)
			if !ok {
				if after <= 0 {
					t.Fatal("a refusal without a time")
				}
				h.turn(after)
				if ok, _ := m.allow("k", r); !ok {
					t.Fatal("still refused after the named time")
				}
			}
			passed = append(passed, h.now())
		}
		for i := range passed {
			n := 0
			for j := i; j < len(passed) && passed[j]-passed[i] < r.Per; j++ {
				n++
			}
			if n > 2*r.Count {
				t.Fatalf("%d events in one period of %d", n, r.Count)
			}
		}
	})
}

func TestMeterIsBounded(t *testing.T) {
	t.Parallel()
	h := newHand()
	m := newMeter(h.now)
	m.most = 100
	for i := range 10_000 {
		m.allow(string(rune(i)), Rate{Count: 1, Per: time.Hour})
		m.strike(string(rune(i)), 3, time.Hour)
	}
	require.LessOrEqual(t, len(m.arrival), 100)
	require.LessOrEqual(t, len(m.strikes), 100)
}

package main_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"yixian/internal/local"
)

// sluice stands before a Redis and can hold back what goes in, or let nothing in.
type sluice struct {
	net.Listener
	to    *redis.Options
	delay atomic.Int64 // nanoseconds before a piece is passed on
	shut  atomic.Bool
	mu    sync.Mutex
	open  []net.Conn
}

func newSluice(t *testing.T, to *redis.Options) *sluice {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &sluice{Listener: ln, to: to}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go s.pass(c)
		}
	}()
	t.Cleanup(func() { _ = ln.Close(); s.drop() })
	return s
}

func (s *sluice) pass(in net.Conn) {
	defer func() { _ = in.Close() }()
	if s.shut.Load() {
		return
	}
	network := s.to.Network
	if network == "" {
		network = "tcp"
	}
	out, err := new(net.Dialer).DialContext(context.Background(), network, s.to.Addr)
	if err != nil {
		return
	}
	defer func() { _ = out.Close() }()
	s.mu.Lock()
	s.open = append(s.open, in)
	s.mu.Unlock()
	go func() {
		_, _ = io.Copy(in, out)
		_ = in.Close()
	}()
	piece := make([]byte, 4096)
	for {
		n, err := in.Read(piece)
		if d := time.Duration(s.delay.Load()); d > 0 {
			<-time.After(d)
		}
		if n > 0 {
			if _, err := out.Write(piece[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// drop cuts every connection.
func (s *sluice) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.open {
		_ = c.Close()
	}
	s.open = nil
}

// steady posts n reports by a few clients, each once, and gives how long the answers took, but for the first of them (in which a
// breaker may open), and how many failed.
func (k *intake) steady(n int, settle time.Duration) (p50, p99 time.Duration, failed int) {
	k.t.Helper()
	var mu sync.Mutex
	var took []time.Duration
	var left atomic.Int64
	left.Store(int64(n))
	begin := time.Now()
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			draw := rand.New(rand.NewPCG(uint64(i), uint64(k.next.Load())))
			for left.Load() > 0 {
				from := time.Now()
				status, _, answer := k.post(context.Background(), k.draft(draw))
				if status == http.StatusUnprocessableEntity { // outside
					continue
				}
				left.Add(-1)
				mu.Lock()
				if status != http.StatusCreated {
					failed++
					k.t.Errorf("refused with %d: %s", status, answer)
				}
				if from.Sub(begin) >= settle {
					took = append(took, time.Since(from))
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(took) == 0 {
		return 0, 0, failed
	}
	slices.Sort(took)
	return took[len(took)/2], took[len(took)*99/100], failed
}

// newRedis starts a Redis behind a sluice and gives the address by which a program reaches it.
func newRedis(t *testing.T) (r *local.Redis, gate *sluice, url string) {
	t.Helper()
	r, err := local.StartRedis(t.Context(), local.RedisOptions{Dir: folder(t)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Stop(context.Background()) })
	gate = newSluice(t, r.Options())
	if p := r.Options().Password; p != "" {
		return r, gate, "redis://:" + p + "@" + gate.Addr().String()
	}
	return r, gate, "redis://" + gate.Addr().String()
}

// withoutRedis lets Redis die, forget, dawdle and refuse while reports come in, and gives by how much the 99th percentile rose.
func (k *intake) withoutRedis(r *local.Redis, gate *sluice, n int, settle time.Duration) (added time.Duration) {
	t := k.t
	t.Helper()
	rdb := redis.NewClient(r.Options())
	t.Cleanup(func() { _ = rdb.Close() })
	k.steady(max(n/4, 4), 0) // connections, plans and caches
	_, usual, failed := k.steady(n, 0)
	require.Zero(t, failed)
	keys, err := rdb.DBSize(t.Context()).Result()
	require.NoError(t, err)
	require.NotZero(t, keys, "the control: the program counts in this Redis")
	for _, c := range []struct {
		name       string
		begin, end func()
	}{
		{"killed", func() {
			if pid := r.PID(); pid != 0 {
				require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
			} else {
				gate.drop()
			}
		}, func() {}},
		{"flushed", func() {
			eventually(t, "Redis is back", func() bool { return rdb.FlushAll(t.Context()).Err() == nil })
		}, func() {}},
		{"slow", func() { gate.delay.Store(int64(5 * time.Second)) }, func() { gate.delay.Store(0); gate.drop() }},
		{"closed", func() { gate.shut.Store(true); gate.drop() }, func() { gate.shut.Store(false) }},
	} {
		c.begin()
		p50, p99, failed := k.steady(n, settle)
		c.end()
		t.Logf("RESULT name=fault-redis fault=%s failed=%d p50=%v p99=%v usual=%v added=%v", c.name, failed, p50.Round(time.Millisecond), p99.Round(time.Millisecond), usual.Round(time.Millisecond), (p99 - usual).Round(time.Millisecond))
		require.Zero(t, failed, c.name)
		added = max(added, p99-usual)
	}
	return added
}

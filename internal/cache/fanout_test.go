package cache

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"
)

// next reads one message; the limit is there only so that a broken program fails instead of hanging.
func next(t *testing.T, from <-chan []byte) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	select {
	case m, open := <-from:
		require.True(t, open)
		return m
	case <-ctx.Done():
		t.Fatal("no message")
		return nil
	}
}

// until skips messages (gaps that came in between) until the wanted one.
func until(t *testing.T, from <-chan []byte, want string) {
	t.Helper()
	for string(next(t, from)) != want {
		continue
	}
}

// process is one of several that share a Redis; it waits for it however busy the machine is.
func process(t *testing.T, addr string) *Fanout {
	t.Helper()
	f := newFanout(client(t, addr))
	f.breaker.patience = time.Minute
	go f.listen(t.Context())
	return f
}

func TestFanoutWithinAProcess(t *testing.T) {
	t.Parallel()
	f := NewFanout(t.Context(), nil)
	ctx, cancel := context.WithCancel(t.Context())
	a, b, other := f.Subscribe(ctx, "350102"), f.Subscribe(t.Context(), "350102"), f.Subscribe(t.Context(), "350103")
	f.Publish(t.Context(), "350102", []byte("x"))
	require.Equal(t, "x", string(next(t, a)))
	require.Equal(t, "x", string(next(t, b)))
	require.Empty(t, other)
	cancel()
	for range a { // closed when its context ends
		t.Fatal("a message after the end")
	}
	f.Publish(t.Context(), "350102", []byte("y"))
	require.Equal(t, "y", string(next(t, b)))
}

func TestFanoutSlowReaderFindsAGap(t *testing.T) {
	t.Parallel()
	f := NewFanout(t.Context(), nil)
	out := f.Subscribe(t.Context(), "c")
	for i := range 3 * backlog {
		f.Publish(t.Context(), "c", fmt.Append(nil, i))
	}
	require.Len(t, out, backlog)
	var last []byte = []byte("none")
	for range backlog {
		last = <-out
	}
	require.Nil(t, last, "the last thing it reads tells that it lost some")
}

func TestFanoutAcrossProcessesOnce(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	a, b := process(t, m.Addr()), process(t, m.Addr())
	atA, atB := a.Subscribe(t.Context(), "c"), b.Subscribe(t.Context(), "c")
	require.Nil(t, next(t, atA), "listening holds from here")
	require.Nil(t, next(t, atB))
	for i := range 20 {
		a.Publish(t.Context(), "c", fmt.Append(nil, i))
	}
	b.Publish(t.Context(), "c", []byte("end"))
	for i := range 20 {
		require.Equal(t, fmt.Sprint(i), string(next(t, atA)), "each once, in order")
	}
	require.Equal(t, "end", string(next(t, atA)))
	until(t, atB, "19") // b's own "end" may overtake what comes through Redis
	late := b.Subscribe(t.Context(), "late")
	require.Nil(t, next(t, late))
	a.Publish(t.Context(), "late", []byte("l"))
	require.Equal(t, "l", string(next(t, late)))
}

func TestFanoutSurvivesRedis(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	a, b := process(t, m.Addr()), process(t, m.Addr())
	atA, atB := a.Subscribe(t.Context(), "c"), b.Subscribe(t.Context(), "c")
	require.Nil(t, next(t, atA))
	require.Nil(t, next(t, atB))
	m.Close()
	a.Publish(t.Context(), "c", []byte("while away"))
	until(t, atA, "while away")
	require.Nil(t, next(t, atB), "the other process is told that it may have missed something")
	require.NoError(t, m.Restart())
	for { // reconnected when a message crosses again
		a.Publish(t.Context(), "c", []byte("back"))
		if m := next(t, atB); string(m) == "back" {
			break
		}
	}
}

// A process whose own call failed, while everybody else is connected, owes the others a gap.
func TestFanoutPaysWhatItOwes(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	a, b := process(t, m.Addr()), process(t, m.Addr())
	atB := b.Subscribe(t.Context(), "c")
	require.Nil(t, next(t, atB))
	atA := a.Subscribe(t.Context(), "c")
	require.Nil(t, next(t, atA))
	a.breaker.until.Store(int64(a.breaker.clock() + rest)) // as after one failed call
	a.Publish(t.Context(), "c", []byte("lost to b"))
	require.Equal(t, "lost to b", string(next(t, atA)))
	require.Nil(t, next(t, atB))
}

func TestConnectRefusesAWrongAddress(t *testing.T) {
	t.Parallel()
	_, err := Connect("http://127.0.0.1")
	require.ErrorContains(t, err, "redis address")
}

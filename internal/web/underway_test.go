package web

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// Of equal work one is at it at a time, the rest know that they are not the first; other work does not wait, and who gives up is let go.
func TestEqualWorkWaits(t *testing.T) {
	t.Parallel()
	var u underway
	var at, firsts atomic.Int32
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			leave, second, err := u.enter(t.Context(), "a")
			if err != nil {
				t.Error(err)
				return
			}
			if at.Add(1) != 1 {
				t.Error("two at once")
			}
			if !second {
				firsts.Add(1)
			}
			at.Add(-1)
			leave()
		})
	}
	all.Wait()
	require.Positive(t, firsts.Load())
	require.Empty(t, u.keys, "nothing is kept")

	leave, second, err := u.enter(t.Context(), "a")
	require.NoError(t, err)
	require.False(t, second)
	other, second, err := u.enter(t.Context(), "b")
	require.NoError(t, err)
	require.False(t, second)
	other()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = u.enter(gone, "a")
	require.ErrorIs(t, err, context.Canceled)
	leave()
}

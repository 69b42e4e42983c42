package cache

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"
)

// Two processes see each other's people through Redis; without it each sees its own, and nobody is kept for ever.
func TestPresence(t *testing.T) {
	t.Parallel()
	addr := miniredis.RunT(t).Addr()
	one, two := NewPresence(client(t, addr)), NewPresence(client(t, addr))
	one.breaker.patience, two.breaker.patience = time.Minute, time.Minute
	require.Empty(t, one.Look(t.Context(), "d:c", "li", false))
	require.Equal(t, []string{"li"}, two.Look(t.Context(), "d:c", "wang", false))
	require.Equal(t, []string{"wang"}, one.Look(t.Context(), "d:c", "li", false))
	require.Empty(t, one.Look(t.Context(), "d:another", "li", false))
	two.Look(t.Context(), "d:c", "wang", true)
	require.Empty(t, one.Look(t.Context(), "d:c", "li", false), "who left looks no more")
}

func TestPresenceWithoutRedis(t *testing.T) {
	t.Parallel()
	now := time.Duration(1)
	p := NewPresence(nil)
	p.clock = func() time.Duration { return now }
	p.Look(t.Context(), "c", "li", false)
	require.Equal(t, []string{"li"}, p.Look(t.Context(), "c", "wang", false))
	now += seenFor + 1
	require.Empty(t, p.Look(t.Context(), "c", "wang", false), "forgotten")
	require.Len(t, p.local, 1)
	now += seenFor + 1
	p.Look(t.Context(), "b", "li", false)
	require.Len(t, p.local, 1, "nothing grows")
}

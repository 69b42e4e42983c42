package web

import (
	"testing"

	"github.com/stretchr/testify/require"

	"yixian/dispatch"
	"yixian/internal/cache"
)

// Many people behind one address get in; what comes beyond the counts is held, not refused, and a stranger's report is not.
func TestAFloodIsHeldNotRefused(t *testing.T) {
	t.Parallel()
	f := flood{cache.NewLimits(nil)}
	l := dispatch.Limits{FloodAddress: 3, FloodNet: 5, FloodGrid: 7}
	over := func(address, net, grid string) string { return f.over(t.Context(), l, address, net, grid) }
	for range 3 {
		require.Empty(t, over("a", "n", "g"))
	}
	require.Equal(t, "FLOOD_ADDRESS", over("a", "n", "g"))
	require.Empty(t, over("b", "n", "g"), "a neighbour in the same network")
	require.Equal(t, "FLOOD_NET", over("c", "n", "g"))
	require.Empty(t, over("d", "m", "g"))
	require.Equal(t, "FLOOD_GRID", over("e", "o", "g"))
	require.Empty(t, over("e", "o", "h"), "another place")
	require.Equal(t, []string{"203.0.113.0/24", "2001:db8:1::/48", "203.0.113.0/24", "?"}, []string{network("203.0.113.77"), network("2001:db8:1:2::3"), network("::ffff:203.0.113.9"), network("?")})
}

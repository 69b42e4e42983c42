//go:build fault

package main_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// 9,000 rings of three engines within three minutes, 24 random SIGKILLs and SIGSTOPs of engines and SIGKILLs of
// PostgreSQL: none missing, none twice, none early, and p99 of the lateness that no outage explains at most 2 s.
// lateGoal is how late a ring may be after max(due, recovery), at the 99th percentile.
const lateGoal = 2 * time.Second

func TestFaultEngine(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	kinds := faultKinds(24, seed)
	v := ringing(t, 3, 1800, 3*time.Minute, kinds, seed, "")
	require.Equal(t, 9000, v.Due)
	require.True(t, v.clean(), "%v", v)
	require.LessOrEqual(t, v.P99, lateGoal, "%v", v)
}

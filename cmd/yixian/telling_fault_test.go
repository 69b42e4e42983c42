//go:build fault

package main_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// 10,000 messages by gateways that fail for 30 % of the requests, 20 SIGKILLs of senders: none missing, none told as two
// messages, and when a gateway is gone the other takes over within 30 s.
func TestFaultNotify(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	v, over := newTellingFaults(t, seed).run(10_000, 20)
	t.Logf("RESULT name=fault-notify %v fail-over=%v", v, over.Round(time.Millisecond))
	require.Equal(t, telling{Asked: 10_000, Sent: 10_000}, v)
	require.LessOrEqual(t, over, 30*time.Second)
}

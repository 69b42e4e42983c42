//go:build fault

package main_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// 50 SIGKILLs of the program and 50 of PostgreSQL under load, at least 50,000 acknowledged reports: none lost, none twice, events =
// outbox = rows.
func TestFaultIntake(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	draw := rand.New(rand.NewPCG(seed, 5))
	k := newIntake(t, 14_000, false)
	v := k.suffer(16, 50_000, alternate(50, draw), draw, 200*time.Millisecond, 2*time.Second)
	require.True(t, v.clean(), "%v", v)
	require.GreaterOrEqual(t, v.Acked, 50_000)
	runWith(t, k.env, "verify").is(t, 0)
}

// 32 equal posts at once for each of 200 keys: 200 cases and 6,400 equal answers. Nobody has reported before.
func TestFaultIntakeEqual(t *testing.T) {
	draw := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 7))
	k := newIntake(t, 1_000, false)
	cases := map[string]bool{}
	equal := 0
	for range 200 {
		var s sending
		var first map[string]any
		for first == nil { // a place inside the district
			s = k.draft(draw)
			s.person = int(k.next.Add(1))%k.people + 1
			first = k.burst(t, s, 32, cases, &equal)
		}
	}
	t.Logf("RESULT name=fault-intake-equal keys=200 posts=6400 cases=%d equal=%d", len(cases), equal)
	require.Len(t, cases, 200)
	require.Equal(t, 6400, equal)
}

// burst posts one report n times at once; nil when its place lies outside.
func (k *intake) burst(t *testing.T, s sending, n int, cases map[string]bool, equal *int) (first map[string]any) {
	t.Helper()
	type reply struct {
		status   int
		replayed bool
		body     string
	}
	replies := make([]reply, n)
	var all sync.WaitGroup
	for i := range replies {
		all.Go(func() {
			status, header, answer := k.post(t.Context(), s)
			replies[i] = reply{status, header.Get("Idempotent-Replayed") == "true", string(answer)}
		})
	}
	all.Wait()
	for _, r := range replies { // tries count, so that a few say so and the rest are too many
		if r.status == http.StatusUnprocessableEntity {
			return nil
		}
	}
	fresh := 0
	require.NoError(t, json.Unmarshal([]byte(replies[0].body), &first))
	for _, r := range replies {
		require.Equal(t, http.StatusCreated, r.status, r.body)
		require.Equal(t, replies[0].body, r.body)
		*equal++
		if !r.replayed {
			fresh++
		}
	}
	require.Equal(t, 1, fresh, "only the first is not a replay")
	cases[first["case_id"].(string)] = true
	return first
}

// The negative control of the long run.
func TestFaultIntakeControl(t *testing.T) {
	draw := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 6))
	k := newIntake(t, 4_000, true)
	kinds := make([]string, 10)
	for i := range kinds {
		kinds[i] = "postgres"
	}
	v := k.suffer(16, 1_000, kinds, draw, 200*time.Millisecond, 2*time.Second)
	require.Positive(t, v.Lost, "%v", v)
}

// Redis dies, forgets, is slow by 5 s, refuses: no report fails, and once the breaker is open the 99th percentile rises by 50 ms at
// most.
func TestFaultIntakeRedis(t *testing.T) {
	r, gate, url := newRedis(t)
	k := newIntake(t, 16_000, false, "REDIS_URL="+url)
	require.LessOrEqual(t, k.withoutRedis(r, gate, 2000, 2*time.Second), 50*time.Millisecond)
}

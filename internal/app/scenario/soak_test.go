//go:build soak

package scenario

import (
	"testing"

	"github.com/stretchr/testify/require"

	"yixian/internal/app"
)

// Sixty days of the demo district: thousands of cases, hundreds of calls, weekends and the Dragon Boat holiday, returns, disputes,
// suspensions, reopenings, an exercise and an emergency; verify green, every case in a legal state, the conservation law true.
func TestSoak60Days(t *testing.T) {
	_, figures, said := simulated(t, app.Simulation{Days: 60, PerDay: 64, Seed: 1})
	t.Log("\n" + said)
	for what, least := range map[string]int{"cases": 2000, "calls": 200, "check_ins": 200, "returns": 50, "disputes": 20, "suspensions": 20, "reopenings": 20, "incidents": 2, "drill_cases": 1, "ratings": 300, "cards": 1} {
		require.GreaterOrEqual(t, figures[what], least, what)
	}
}

// 100 cuts of a live line while things happen: no event is missed.
func TestSoakStreamCuts(t *testing.T) {
	p := start(t)
	id := p.resident(1).report("06001").ok(201).str("case_id")
	cutStreams(t, p, id, 100)
}

//go:build soak

package scenario

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"yixian/internal/app"
	"yixian/internal/pg/pgtest"
)

// Sixty days of the demo district: thousands of cases, hundreds of calls, weekends and the Dragon Boat holiday, returns, disputes,
// suspensions, reopenings, an exercise and an emergency; verify green, every case in a legal state, the conservation law true.
func TestSoak60Days(t *testing.T) {
	vacuuming(t)
	_, figures, said := simulated(t, app.Simulation{Days: 60, PerDay: 64, Seed: 1})
	t.Log("\n" + said)
	for what, least := range map[string]int{"cases": 2000, "calls": 200, "check_ins": 200, "returns": 50, "disputes": 20, "suspensions": 20, "reopenings": 20, "incidents": 2, "drill_cases": 1, "ratings": 300, "cards": 1} {
		require.GreaterOrEqual(t, figures[what], least, what)
	}
}

// vacuuming lets the tests' server do what a server that lives sixty days does: without fresh statistics and with all dead rows
// kept, the plans are those of no real district.
func vacuuming(t *testing.T) {
	t.Helper()
	super, err := pgx.Connect(t.Context(), pgtest.New(t).URL("postgres"))
	require.NoError(t, err)
	defer func() { _ = super.Close(t.Context()) }()
	for _, sql := range []string{"alter system set autovacuum = on", "alter system set autovacuum_naptime = '5s'", "select pg_reload_conf()"} {
		_, err := super.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
}

// 100 cuts of a live line while things happen: no event is missed.
func TestSoakStreamCuts(t *testing.T) {
	p := start(t)
	id := p.resident(1).report("06001").ok(201).str("case_id")
	cutStreams(t, p, id, 100)
}

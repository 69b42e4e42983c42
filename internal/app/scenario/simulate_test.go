package scenario

import (
	"bytes"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"yixian/internal/app"
	"yixian/internal/pg/pgtest"
)

// The demo district lives through three days: everything that `yixian demo --simulate=60d` does, and the desk shows it afterwards.
func TestSimulatedLife(t *testing.T) {
	t.Parallel()
	p, figures, _ := simulated(t, app.Simulation{Days: 3, PerDay: 36, Seed: 1})
	for _, some := range []string{"reports", "cases", "calls", "check_ins", "messages", "incidents"} {
		require.NotZero(t, figures[some], some)
	}
	require.Zero(t, figures["undelivered"]+figures["parked"]+figures["illegal_states"])
	fired, beside := p.told()
	require.Empty(t, beside)
	everyRow(t, fired)
	desk := p.staff("dis1").get("/cases?limit=200").ok(200)
	require.NotEmpty(t, desk.list("items"))
	id := desk.list("items")[0]["id"].(string)
	require.NotEmpty(t, p.staff("dis1").get("/cases/"+id+"/events").ok(200).list("items"))
	require.NotEmpty(t, p.staff("so1").get("/inbox").ok(200).list("items"), "the street was told")
	now := p.anyone().post("/sandbox/clock", obj{"advance": "1h"}).ok(200)
	require.Equal(t, "2026-06-11T10:00:00+08:00", now.str("now"), "practice goes on where the life ended")

	var out bytes.Buffer
	again := app.Simulate(t.Context(), p.cfg, slog.New(slog.NewTextHandler(logTo, nil)), &out, app.Simulation{Days: 1, PerDay: 5})
	require.ErrorContains(t, again, "模拟不会覆盖它")
}

// simulated lets a life run on a database of its own and serves what it left.
func simulated(t *testing.T, s app.Simulation) (p *program, figures map[string]int, said string) {
	t.Helper()
	db := pgtest.New(t)
	cfg := sandboxOn(t, db)
	var out bytes.Buffer
	err := app.Simulate(t.Context(), cfg, slog.New(slog.NewTextHandler(logTo, nil)), &out, s)
	require.NoError(t, err, "%s", out.String())
	said = out.String()
	require.NotContains(t, said, "FINDING")
	require.Regexp(t, `CHAINS cases=\d+ events=\d+ ok=true`, said)
	require.Regexp(t, `LAW district=350102 received=\d+ = routed=\d+ \+ fallback=\d+ \+ rejected=\d+ \+ awaiting_review=\d+ lost=0 ok=true`, said)
	lines := strings.Split(strings.TrimSpace(said), "\n")
	result := lines[len(lines)-1]
	require.Regexp(t, `^RESULT name=simulate .* ok=true$`, result)
	figures = map[string]int{}
	for _, m := range regexp.MustCompile(`(\w+)=(\d+)`).FindAllStringSubmatch(result, -1) {
		figures[m[1]], err = strconv.Atoi(m[2])
		require.NoError(t, err)
	}
	return serve(t, db, cfg), figures, said
}

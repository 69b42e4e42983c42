package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is wrong with the words of a call is exit code 2 and says how to call it; nothing is started or written.
func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{}, {"nonsense"}, {"--serve"},
		{"serve", "--no-such-flag"}, {"serve", "--role=cook"}, {"serve", "--listen=nowhere"},
		{"migrate"}, {"migrate", "down"}, {"migrate", "--x"},
		{"demo", "--x"}, {"verify", "--x"}, {"audit", "--x"}, {"doctor", "--x"}, {"bench"}, {"bench", "nothing"}, {"bench", "submit", "--x"},
		{"deadline"}, {"deadline", "--start=2026-06-08T09:00:00"}, {"deadline", "--budget=3WD"}, {"deadline", "--x"},
		{"clone"}, {"clone", "--from=350102", "--to=350122"}, {"clone", "--x"},
		{"locate"}, {"locate", "119.3"}, {"locate", "east", "26"}, {"locate", "--x"},
		{"route"}, {"route", "--matter=06010"}, {"route", "--matter=06010", "--lon=a", "--lat=b"}, {"route", "--set", "color", "--matter=06010"},
	} {
		t.Run(strings.Join(args, "_"), func(t *testing.T) {
			t.Parallel()
			cmd := command(t, nil, args...)
			r := finish(t, cmd).is(t, 2)
			require.NotEmpty(t, r.Err)
			require.NotContains(t, r.Err, "goroutine ")
			left, err := os.ReadDir(cmd.Dir)
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"help"}, {"-h"}, {"--help"}} {
		r := run(t, args...).is(t, 0)
		for _, c := range []string{"serve", "migrate", "demo", "clone", "deadline", "locate", "route", "verify", "audit", "bench", "doctor"} {
			require.Contains(t, r.Out, "  "+c+" ")
		}
	}
	for _, c := range []string{"serve", "migrate", "demo", "clone", "deadline", "locate", "route", "verify", "audit", "bench", "doctor"} {
		run(t, c, "-h").is(t, 0)
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	due := func(args ...string) string {
		var out struct{ Due string }
		require.NoError(t, json.Unmarshal([]byte(run(t, append([]string{"deadline"}, args...)...).is(t, 0).Out), &out))
		return out.Due
	}
	require.Equal(t, "2026-06-08T10:30:00+08:00", due("--start=2026-06-08T09:00:00", "--budget=90NM"))
	// Friday afternoon, two working hours: the rest is due on Monday morning.
	friday := due("--start=2026-06-12T17:00:00", "--budget=2WH")
	require.Equal(t, "2026-06-15", friday[:10])
	// A suspension of a whole natural day moves a natural deadline by that day.
	plain := due("--start=2026-06-08T09:00:00+08:00", "--budget=2ND")
	moved := due("--start=2026-06-08T09:00:00+08:00", "--budget=2ND", "--suspend=2026-06-08T12:00:00..2026-06-09T12:00:00")
	require.Equal(t, "2026-06-10T09:00:00+08:00", plain)
	require.Equal(t, "2026-06-11T09:00:00+08:00", moved)

	file := write(t, `[{"start":"2026-06-08T09:00:00","budget":"90NM"},{"start":"2026-06-08T09:00:00+08:00","budget":"2ND","suspend":"2026-06-08T12:00:00..2026-06-09T12:00:00"}]`)
	var list []struct{ Due string }
	require.NoError(t, json.Unmarshal([]byte(run(t, "deadline", "--file="+file).is(t, 0).Out), &list))
	require.Len(t, list, 2)
	require.Equal(t, "2026-06-08T10:30:00+08:00", list[0].Due)
	require.Equal(t, moved, list[1].Due)

	run(t, "deadline", "--start=yesterday", "--budget=3WD").refusal(t)
	run(t, "deadline", "--start=2026-06-08T09:00:00", "--budget=3XX").refusal(t)
	run(t, "deadline", "--start=2026-06-08T09:00:00", "--budget=3WD", "--suspend=never").refusal(t)
	run(t, "deadline", "--file="+filepath.Join(t.TempDir(), "absent")).refusal(t)
	run(t, "deadline", "--file="+write(t, `{"start":`)).refusal(t, "JSON")
	run(t, "deadline", "--file="+write(t, `[{"start":"2026-06-08T09:00:00","budget":"1ND"},{"start":"x","budget":"1ND"}]`)).refusal(t, "/1")
}

// Two squares side by side: 119.30–119.31 and 119.31–119.32.
const squares = `{"type":"FeatureCollection","features":[
{"type":"Feature","properties":{"code":"B"},"geometry":{"type":"Polygon","coordinates":[[[119.31,26.08],[119.32,26.08],[119.32,26.09],[119.31,26.09],[119.31,26.08]]]}},
{"type":"Feature","properties":{"code":"A"},"geometry":{"type":"Polygon","coordinates":[[[119.30,26.08],[119.31,26.08],[119.31,26.09],[119.30,26.09],[119.30,26.08]]]}}]}`

func TestLocateInAFile(t *testing.T) {
	t.Parallel()
	grids := "--grids=" + write(t, squares)
	require.JSONEq(t, `{"code":"A"}`, run(t, "locate", "119.305", "26.085", grids).is(t, 0).Out)
	require.JSONEq(t, `{"code":"B"}`, run(t, "locate", grids, "119.315", "26.085").is(t, 0).Out)
	require.JSONEq(t, `{"code":"A"}`, run(t, "locate", "119.31", "26.085", grids).is(t, 0).Out, "a shared edge goes to the lower code")
	// The same figures read as GCJ-02 lie some 500 m further east than on the ground.
	require.JSONEq(t, `{"code":"A"}`, run(t, "locate", "119.3130", "26.085", "--datum=GCJ02", grids).is(t, 0).Out)

	// On the shared edge both are compared, the lower code decides, and the edge is named.
	why := run(t, "locate", "119.31", "26.085", grids, "--explain").is(t, 0).Out
	require.Contains(t, why, "1. A ：在边界上 → 决定")
	require.Contains(t, why, "2. B ：在边界上，但编码较大，不采用")
	require.Contains(t, why, "119.3100000,26.0800000 — 119.3100000,26.0900000，相距 0.00 米")
	require.Contains(t, run(t, "locate", "119.33", "26.085", grids, "--explain").is(t, 1).Out, "OUT_OF_AREA")

	r := run(t, "locate", "-119.305", "26.085", grids).is(t, 1)
	require.Contains(t, r.Err, "OUT_OF_AREA")
	require.Empty(t, r.Out)

	file := write(t, `[{"lon":119.305,"lat":26.085},{"lon":119.3130,"lat":26.085,"datum":"GCJ02"},{"lon":1,"lat":2}]`)
	require.JSONEq(t, `[{"code":"A"},{"code":"A"},{"error":"OUT_OF_AREA"}]`, run(t, "locate", "--file="+file, grids).is(t, 0).Out)

	run(t, "locate", "119.305", "26.085", "--grids="+filepath.Join(t.TempDir(), "absent")).refusal(t)
	run(t, "locate", "119.305", "26.085", "--datum=MARS", grids).refusal(t)
	run(t, "locate", "119.305", "126.085", grids).refusal(t)
	run(t, "locate", "119.305", "26.085", "--grids="+write(t, `{"type":"FeatureCollection","features":[{}]}`)).refusal(t)
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "input.json")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

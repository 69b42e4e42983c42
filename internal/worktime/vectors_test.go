package worktime_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"yixian/internal/worktime"
)

// sharedVectors lies beside the project while it is being built; a clone has only the table below,
// which holds the same rows.
const sharedVectors = "../../../shared/data/sla_vectors.json"

// golden is the table of the domain page, section 2.5.
var golden = []struct{ name, start, budget, due string }{
	{"over lunch", "2026-06-08T09:00:00", "4WH", "2026-06-08T15:00:00"},
	{"to the end of the morning", "2026-06-08T08:00:00", "4WH", "2026-06-08T12:00:00"},
	{"from lunch", "2026-06-08T12:30:00", "1WH", "2026-06-08T15:00:00"},
	{"over the weekend", "2026-06-12T17:30:00", "1WD", "2026-06-15T17:30:00"},
	{"over Dragon Boat", "2026-06-18T16:00:00", "5WD", "2026-06-26T16:00:00"},
	{"from a working Saturday over Spring Festival", "2026-02-14T10:00:00", "2WD", "2026-02-25T10:00:00"},
	{"after hours of a working Sunday", "2026-09-20T20:00:00", "1WH", "2026-09-21T09:00:00"},
	{"over National Day", "2026-09-30T17:00:00", "2WD", "2026-10-09T17:00:00"},
	{"onto a working Saturday", "2026-05-08T15:00:00", "1WD", "2026-05-09T15:00:00"},
	{"from a Saturday", "2026-06-06T10:00:00", "30WM", "2026-06-08T08:30:00"},
	{"over a closing time", "2026-06-05T17:50:00", "30WM", "2026-06-08T08:20:00"},
	{"natural hours at night", "2026-10-03T23:30:00", "2NH", "2026-10-04T01:30:00"},
	{"natural days in a holiday", "2026-09-30T12:00:00", "7ND", "2026-10-07T12:00:00"},
	{"natural minutes into an unknown year", "2026-12-31T23:55:00", "10NM", "2027-01-01T00:05:00"},
}

func TestGoldenTable(t *testing.T) {
	t.Parallel()
	for _, row := range golden {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			requireDue(t, row.start, row.budget, row.due)
		})
	}
}

func TestSharedVectors(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(sharedVectors)
	if os.IsNotExist(err) {
		t.Skip("shared sla_vectors.json is not beside this tree; TestGoldenTable holds the same rows")
	}
	require.NoError(t, err)
	var rows []struct {
		Start, Deadline string
		N               int
		Unit            worktime.Unit
	}
	require.NoError(t, json.Unmarshal(raw, &rows))
	require.NotEmpty(t, rows)
	for _, row := range rows {
		requireDue(t, row.Start, worktime.Budget{N: row.N, Unit: row.Unit}.String(), row.Deadline)
	}
}

// Start 06-08 09:00 with 3 WD; suspended 06-09 10:00 after 9 WH; resumed 06-15 14:00; then 1 WD more.
func TestGoldenPauseResumeExtension(t *testing.T) {
	t.Parallel()
	cal := worktime.Default()
	start, budget := local(t, "2026-06-08T09:00:00"), budgetOf(t, "3WD")
	paused, resumed := local(t, "2026-06-09T10:00:00"), local(t, "2026-06-15T14:00:00")

	require.Equal(t, local(t, "2026-06-11T09:00:00"), cal.Add(start, budget))
	used := cal.Between(start, paused, true)
	require.EqualValues(t, 9*3600, used)
	left := budget.Seconds() - used
	require.EqualValues(t, 15*3600, left)
	require.Equal(t, local(t, "2026-06-17T11:00:00"), cal.AddSeconds(resumed, left, true))
	extended := left + budgetOf(t, "1WD").Seconds()
	require.Equal(t, local(t, "2026-06-18T11:00:00"), cal.AddSeconds(resumed, extended, true))

	suspends := []worktime.Span{{From: paused, To: resumed}}
	require.Equal(t, local(t, "2026-06-17T11:00:00"), cal.Deadline(start, budget, suspends))
	require.Equal(t, local(t, "2026-06-18T11:00:00"), cal.Deadline(start, budgetOf(t, "4WD"), suspends))
}

// Domain 4h, scenario 13: resolved at 14:00 with 1 WH left, the check fails next day 09:00.
func TestGoldenCheckFailRestoresTheRest(t *testing.T) {
	t.Parallel()
	cal := worktime.Default()
	start, resolved := local(t, "2026-06-08T09:00:00"), local(t, "2026-06-08T14:00:00")
	left := budgetOf(t, "4WH").Seconds() - cal.Between(start, resolved, true)
	require.EqualValues(t, 3600, left)
	require.Equal(t, local(t, "2026-06-09T10:00:00"), cal.AddSeconds(local(t, "2026-06-09T09:00:00"), left, true))
}

func TestGoldenLights(t *testing.T) {
	t.Parallel()
	cal := worktime.Default()
	ladder := cal.Ladder(local(t, "2026-06-08T09:00:00"), budgetOf(t, "3WD").Seconds(), 0, true)
	require.Equal(t, local(t, "2026-06-09T15:00:00"), ladder[worktime.At50])
	require.Equal(t, local(t, "2026-06-10T14:12:00"), ladder[worktime.At80])
	require.Equal(t, local(t, "2026-06-11T09:00:00"), ladder[worktime.At100])
	require.Equal(t, local(t, "2026-06-12T15:00:00"), ladder[worktime.At150])
	require.Equal(t, local(t, "2026-06-16T09:00:00"), ladder[worktime.At200])
}

func requireDue(t *testing.T, start, budget, due string) {
	t.Helper()
	from, b := local(t, start), budgetOf(t, budget)
	got := worktime.Default().Add(from, b)
	require.Equal(t, due, got.Format("2006-01-02T15:04:05"), "%s + %s", start, budget)
	require.Equal(t, "Asia/Shanghai", got.Location().String())
	require.Equal(t, b.Seconds(), worktime.Default().Between(from, got, b.Working()))
}

func local(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := worktime.Default().ParseTime(s)
	require.NoError(t, err)
	return at
}

func budgetOf(t *testing.T, s string) worktime.Budget {
	t.Helper()
	b, err := worktime.ParseBudget(s)
	require.NoError(t, err)
	return b
}

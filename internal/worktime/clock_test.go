package worktime_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"yixian/internal/fault"
	"yixian/internal/worktime"
)

func TestLightTurnsAt80AndAfterDue(t *testing.T) {
	t.Parallel()
	cal := worktime.Default()
	ladder := cal.Ladder(local(t, "2026-06-08T08:00"), budgetOf(t, "4WH").Seconds(), 0, true) // due 12:00
	for at, want := range map[string]worktime.Light{
		"2026-06-08T08:00:00": worktime.Green,
		"2026-06-08T11:11:59": worktime.Green,
		"2026-06-08T11:12:00": worktime.Yellow,
		"2026-06-08T12:00:00": worktime.Yellow,
		"2026-06-08T12:00:01": worktime.Red, // lunch: no working second has passed, but it is late
		"2026-06-08T14:00:00": worktime.Red,
	} {
		require.Equal(t, want, worktime.LightAt(local(t, at), ladder), at)
	}
	due := ladder[worktime.At100]
	require.Equal(t, worktime.Yellow, worktime.LightAt(due.Add(999*time.Millisecond), ladder), "whole seconds decide")
	require.True(t, worktime.OnTime(due.Add(999*time.Millisecond), due))
	require.False(t, worktime.OnTime(due.Add(time.Second), due))
	require.Equal(t, worktime.Red, worktime.LightAt(due, [5]time.Time{}))
}

func TestLightOfUsedSeconds(t *testing.T) {
	t.Parallel()
	for used, want := range map[int64]worktime.Light{
		-5: worktime.Green, 0: worktime.Green, 79: worktime.Green, 80: worktime.Yellow, 100: worktime.Yellow, 101: worktime.Red,
		1 << 62: worktime.Red,
	} {
		require.Equal(t, want, worktime.LightOf(100, used), "%d of 100", used)
	}
	require.Equal(t, worktime.Red, worktime.LightOf(0, 1))
}

func TestLadderAfterResumeLeavesReachedLevelsZero(t *testing.T) {
	t.Parallel()
	cal := worktime.Default()
	total, resumed := budgetOf(t, "10WH").Seconds(), local(t, "2026-06-15T14:00")
	ladder := cal.Ladder(resumed, total, 8*3600, true) // exactly 80 % used before
	require.True(t, ladder[worktime.At50].IsZero())
	require.True(t, ladder[worktime.At80].IsZero())
	require.Equal(t, local(t, "2026-06-15T16:00"), ladder[worktime.At100])
	require.Equal(t, local(t, "2026-06-16T11:00"), ladder[worktime.At150])
	require.Equal(t, local(t, "2026-06-16T18:00"), ladder[worktime.At200])
	require.Equal(t, worktime.Yellow, worktime.LightAt(resumed, ladder))

	require.Equal(t, [5]time.Time{}, cal.Ladder(resumed, total, 2*total, true))
	require.Equal(t, [5]time.Time{}, cal.Ladder(resumed, 0, 0, true))
	require.Equal(t, cal.Ladder(resumed, total, 0, true), cal.Ladder(resumed, total, -7, true))
}

func TestLadderRoundsUp(t *testing.T) {
	t.Parallel()
	start := local(t, "2026-06-08T09:00:00")
	ladder := worktime.Default().Ladder(start, 7, 0, false) // 3.5, 5.6, 7, 10.5, 14
	for i, seconds := range []int{4, 6, 7, 11, 14} {
		require.Equal(t, start.Add(time.Duration(seconds)*time.Second), ladder[i])
	}
	require.Equal(t, [5]int{50, 80, 100, 150, 200}, worktime.Percents())
}

func TestDeadlineWithSuspensions(t *testing.T) {
	t.Parallel()
	span := func(from, to string) worktime.Span {
		return worktime.Span{From: local(t, "2026-06-"+from), To: local(t, "2026-06-"+to)}
	}
	for name, tc := range map[string]struct {
		budget   string
		suspends []worktime.Span
		due      string // the clock starts at 06-08 09:00
	}{
		"none":                    {"1WD", nil, "09T09:00"},
		"before start":            {"1WD", []worktime.Span{span("01T09:00", "05T09:00")}, "09T09:00"},
		"over start":              {"1WD", []worktime.Span{span("01T09:00", "08T10:00")}, "09T10:00"},
		"from the due instant on": {"1WD", []worktime.Span{span("09T09:00", "12T09:00")}, "09T09:00"},
		"one second before due":   {"1WD", []worktime.Span{span("09T08:59:59", "12T09:00:00")}, "12T09:00:01"},
		"moved due lets a later one in": {"1WD", []worktime.Span{
			span("08T10:00", "09T10:00"), span("10T08:30", "11T08:30")}, "11T09:00"},
		"any order":   {"1WD", []worktime.Span{span("10T08:30", "11T08:30"), span("08T10:00", "09T10:00")}, "11T09:00"},
		"overlapping": {"1WD", []worktime.Span{span("08T10:00", "09T10:00"), span("08T14:00", "10T10:00")}, "11T09:00"},
		"nested":      {"1WD", []worktime.Span{span("08T10:00", "10T10:00"), span("08T14:00", "09T10:00")}, "11T09:00"},
		"backwards is empty": {"1WD", []worktime.Span{
			{From: local(t, "2026-06-08T12:00"), To: local(t, "2026-06-08T10:00")}}, "09T09:00"},
		"only closed hours": {"1WD", []worktime.Span{span("08T18:00", "09T08:00")}, "09T09:00"},
		"natural":           {"24NH", []worktime.Span{span("08T18:00", "09T08:00")}, "09T23:00"},
	} {
		got := worktime.Default().Deadline(local(t, "2026-06-08T09:00"), budgetOf(t, tc.budget), tc.suspends)
		require.Equal(t, local(t, "2026-06-"+tc.due), got, name)
	}
}

func TestParseTimeAndSpan(t *testing.T) {
	t.Parallel()
	cal := worktime.Default()
	want := time.Date(2026, 6, 8, 9, 0, 0, 0, cal.Location())
	for _, text := range []string{"2026-06-08T09:00:00", "2026-06-08T09:00", "2026-06-08 09:00", " 2026-06-08 09:00:00 ",
		"2026-06-08T09:00:00+08:00", "2026-06-08T01:00:00Z"} {
		got, err := cal.ParseTime(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	span, err := cal.ParseSpan("2026-06-08T09:00..2026-06-08T01:00:01Z")
	require.NoError(t, err)
	require.Equal(t, worktime.Span{From: want, To: want.Add(time.Second)}, span)

	for _, text := range []string{"", "2026-06-08", "09:00", "2026-02-29T09:00", "2026-06-08T25:00", "tomorrow"} {
		_, err := cal.ParseTime(text)
		require.True(t, fault.Is(err, "BAD_TIME"), text)
	}
	for _, text := range []string{"", "2026-06-08T09:00", "x..2026-06-08T09:00", "2026-06-08T09:00..x", "2026-06-08T09:00..",
		"2026-06-08T09:00..2026-06-08T09:00", "2026-06-08T09:00..2026-06-07T09:00"} {
		_, err := cal.ParseSpan(text)
		require.True(t, fault.Is(err, "BAD_TIME"), text)
	}
}

package worktime_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"yixian/internal/worktime"
)

// The hot path of the engine: no allocation once the year's table exists.
func TestHotPathDoesNotAllocate(t *testing.T) { // not parallel: AllocsPerRun counts for the whole process
	cal := worktime.Default()
	start := time.Date(2026, 6, 8, 9, 0, 0, 0, time.UTC)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		due := cal.AddSeconds(start, 10*250*8*3600, true)
		if cal.Between(start, due, true) == 0 || cal.Ladder(start, 40*3600, 3600, true)[worktime.At100].IsZero() {
			panic("wrong answer")
		}
	}))
}

func BenchmarkAddSeconds(b *testing.B) {
	cal := worktime.Default()
	start := time.Date(2026, 6, 8, 9, 0, 0, 0, time.UTC)
	for name, secs := range map[string]int64{"4WH": 4 * 3600, "15WD": 15 * 8 * 3600, "ten years": 2500 * 8 * 3600} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				cal.AddSeconds(start, secs, true)
			}
		})
	}
}

func BenchmarkBetween(b *testing.B) {
	cal := worktime.Default()
	start := time.Date(2026, 6, 8, 9, 0, 0, 0, time.UTC)
	end := start.AddDate(0, 1, 0)
	b.ReportAllocs()
	for b.Loop() {
		cal.Between(start, end, true)
	}
}

func BenchmarkLadder(b *testing.B) {
	cal := worktime.Default()
	start := time.Date(2026, 6, 8, 9, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		cal.Ladder(start, 5*8*3600, 0, true)
	}
}

// The first question to a calendar: one year table.
func BenchmarkFirstUse(b *testing.B) {
	overrides, years := worktime.Shipped()
	start := time.Date(2026, 6, 8, 9, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		cal, err := worktime.New(worktime.Options{Overrides: overrides, Years: years})
		if err != nil {
			b.Fatal(err)
		}
		cal.AddSeconds(start, 4*3600, true)
	}
}

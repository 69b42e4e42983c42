package worktime_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"yixian/internal/worktime"
)

// zone is a calendar and the stretch of history in which it is compared with the stepping clock.
type zone struct {
	name, location string
	from, to       int    // years
	periods        string // "08:00-12:00 14:00-18:00"; empty: the default
	holidays       bool
	share          int // parts of the random cases, of 20
}

var zones = []zone{
	{"Shanghai now", "Asia/Shanghai", 2019, 2029, "", true, 12},                                  // both ends beyond the notices
	{"Shanghai summer time", "Asia/Shanghai", 1985, 1993, "00:00-02:30 08:00-12:00", false, 2},   // changes at 00:00 and 02:00
	{"New York", "America/New_York", 2020, 2026, "00:30-01:30 01:45-06:00 20:00-24:00", true, 2}, // inside the repeated hour
	{"Lord Howe", "Australia/Lord_Howe", 2020, 2026, "00:00-01:40 01:50-03:00", false, 1},        // half an hour
	{"São Paulo", "America/Sao_Paulo", 2010, 2020, "00:00-00:30 22:30-24:00", false, 1},          // midnight skipped and repeated
	{"Apia", "Pacific/Apia", 2009, 2014, "00:00-24:00", false, 1},                                // a whole Friday skipped
	{"Kolkata", "Asia/Kolkata", 2020, 2024, "09:30-13:00 14:15-18:45", false, 1},
}

func (z zone) options(t testing.TB) worktime.Options {
	t.Helper()
	loc, err := time.LoadLocation(z.location)
	require.NoError(t, err)
	o := worktime.Options{Location: loc}
	if z.holidays {
		o.Overrides, o.Years = worktime.Shipped()
	}
	for text := z.periods; len(text) >= 11; text = text[min(12, len(text)):] {
		o.Periods = append(o.Periods, worktime.Period{From: sinceMidnight(text[:5]), To: sinceMidnight(text[6:11])})
	}
	return o
}

func (z zone) calendar(t testing.TB) *worktime.Calendar {
	t.Helper()
	c, err := worktime.New(z.options(t))
	require.NoError(t, err)
	return c
}

func sinceMidnight(hhmm string) time.Duration {
	n := func(i int) int { return int(hhmm[i]-'0')*10 + int(hhmm[i+1]-'0') }
	return time.Duration(n(0))*time.Hour + time.Duration(n(3))*time.Minute
}

// stepper is the second opinion: it looks at the wall clock of every single minute and walks over them. It
// shares no arithmetic with the package: no table of days, no sums, no zone bounds, and it reads the
// holidays from the file by itself.
type stepper struct {
	first int64  // Unix minute of open[0]
	open  []bool // is this minute a working minute
}

func newStepper(t testing.TB, z zone) stepper {
	t.Helper()
	o := z.options(t)
	if o.Periods == nil {
		o.Periods = []worktime.Period{
			{From: sinceMidnight("08:00"), To: sinceMidnight("12:00")}, {From: sinceMidnight("14:00"), To: sinceMidnight("18:00")}}
	}
	off := map[string]bool{}
	if z.holidays {
		raw, err := os.ReadFile("holidays_cn.json")
		require.NoError(t, err)
		var file struct {
			Days []struct {
				Day string
				Off bool
			}
		}
		require.NoError(t, json.Unmarshal(raw, &file))
		for _, d := range file.Days {
			off[d.Day] = d.Off
		}
	}
	// Tail: the longest budget must end inside the array.
	first := time.Date(z.from, 1, 1, 0, 0, 0, 0, time.UTC)
	last := time.Date(z.to+1, 1, 1, 0, 0, 0, 0, time.UTC)
	s := stepper{first: first.Unix() / 60, open: make([]bool, last.Sub(first)/time.Minute)}
	today, works := -1, false
	for i := range s.open {
		wall := first.Add(time.Duration(i) * time.Minute).In(o.Location)
		if wall.Day() != today { // a new wall day: look it up
			today = wall.Day()
			isOff, listed := off[wall.Format(time.DateOnly)]
			works = wall.Weekday() != time.Saturday && wall.Weekday() != time.Sunday
			if listed {
				works = !isOff
			}
		}
		hour, minute, _ := wall.Clock()
		clock := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute
		for _, p := range o.Periods {
			s.open[i] = s.open[i] || works && p.From <= clock && clock < p.To
		}
	}
	return s
}

func (s stepper) add(start, n int64, working bool) int64 {
	for at := start; ; {
		end := (at/60 + 1) * 60
		if !working || s.open[at/60-s.first] {
			if n <= end-at {
				return at + n
			}
			n -= end - at
		}
		at = end
	}
}

func (s stepper) between(a, b int64, working bool) (used int64) {
	for at := a; at < b; {
		end := min((at/60+1)*60, b)
		if !working || s.open[at/60-s.first] {
			used += end - at
		}
		at = end
	}
	return used
}

// TestAgainstMinuteStepping compares 50,000 random starts and amounts (1,000,000 with YIXIAN_FULL=1) with the
// stepping clock. The seed is fixed: a difference can be shown again.
func TestAgainstMinuteStepping(t *testing.T) {
	t.Parallel()
	cases := 50_000
	if os.Getenv("YIXIAN_FULL") == "1" {
		cases = 1_000_000
	}
	for i, z := range zones {
		t.Run(z.name, func(t *testing.T) {
			t.Parallel()
			cal, clock := z.calendar(t), newStepper(t, z)
			rnd := rand.New(rand.NewPCG(20260608, uint64(i)))
			lo := time.Date(z.from, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
			hi := time.Date(z.to, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
			for range cases * z.share / 20 {
				start, working := lo+rnd.Int64N(hi-lo), rnd.IntN(8) > 0
				n := randomAmount(rnd)
				want := clock.add(start, n, working)
				if got := cal.AddSeconds(time.Unix(start, 0), n, working).Unix(); got != want {
					t.Fatalf("start %d + %d (working %t) = %d, stepping says %d", start, n, working, got, want)
				}
				end := start + rnd.Int64N(20*86400)
				if got, want := cal.Between(time.Unix(start, 0), time.Unix(end, 0), working), clock.between(start, end, working); got != want {
					t.Fatalf("between %d and %d (working %t) = %d, stepping says %d", start, end, working, got, want)
				}
			}
		})
	}
}

// randomAmount: mostly a few hours, sometimes weeks, half of them on whole minutes like real budgets.
func randomAmount(rnd *rand.Rand) int64 {
	limit := int64(16 * 3600)
	if rnd.IntN(10) == 0 {
		limit = 30 * 8 * 3600
	}
	n := 1 + rnd.Int64N(limit)
	if rnd.IntN(2) == 0 {
		n = (n + 59) / 60 * 60
	}
	return n
}

// Clocks that change while the office is open, by hand.
func TestDaylightSaving(t *testing.T) {
	t.Parallel()
	newYork, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	cal, err := worktime.New(worktime.Options{Location: newYork,
		Overrides: []worktime.Override{{Day: "2026-03-08"}, {Day: "2026-11-01"}}, // the two Sundays as working days
		Periods:   []worktime.Period{{From: 0, To: 4 * time.Hour}}})
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		start   string
		secs    int64
		working bool
		due     string
	}{
		"skipped hour is not worked":   {"2026-03-08T00:00:00-05:00", 3 * 3600, true, "2026-03-08T04:00:00-04:00"},
		"repeated hour is worked":      {"2026-11-01T00:00:00-04:00", 5 * 3600, true, "2026-11-01T04:00:00-05:00"},
		"one night has three hours":    {"2026-03-08T00:00:00-05:00", 3*3600 + 1, true, "2026-03-09T00:00:01-04:00"},
		"natural day has 24 hours":     {"2026-03-07T12:00:00-05:00", 86400, false, "2026-03-08T13:00:00-04:00"},
		"natural day back to standard": {"2026-10-31T12:00:00-04:00", 86400, false, "2026-11-01T11:00:00-05:00"},
	} {
		start, err := time.Parse(time.RFC3339, tc.start)
		require.NoError(t, err)
		require.Equal(t, tc.due, cal.AddSeconds(start, tc.secs, tc.working).Format(time.RFC3339), name)
	}

	// 31 December of leap years, where the zone's own bounds are wrong (see build).
	for _, year := range []int{2020, 2024, 2028, 2096, 2400} {
		eve := time.Date(year, 12, 30, 0, 0, 0, 0, newYork)
		open := int64(0)
		for d := eve; d.Year() == year; d = d.AddDate(0, 0, 1) {
			if cal.IsWorkingDay(d) {
				open += 4 * 3600
			}
		}
		require.Equal(t, open, cal.Between(eve, time.Date(year+1, 1, 1, 0, 0, 0, 0, newYork), true), "%d", year)
	}

	// Shanghai, summer time from 1986-05-04 (Sunday): office hours stay on the wall clock, a natural day does not.
	shanghai := worktime.Default()
	friday := local(t, "1986-05-02T17:00")
	require.Equal(t, "1986-05-05T17:00:00+09:00", shanghai.Add(friday, budgetOf(t, "1WD")).Format(time.RFC3339))
	require.Equal(t, "1986-05-05T18:00:00+09:00", shanghai.Add(friday, budgetOf(t, "3ND")).Format(time.RFC3339))
}

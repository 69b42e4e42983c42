package worktime_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"yixian/internal/worktime"
)

// Instants lie within two years of moments where something changes: local mean time, the ends of the kept tables,
// Shanghai's summer time, the notices, leap years, Apia's missing day. rapid prefers small numbers, so most are close.
var instants = rapid.Custom(func(t *rapid.T) time.Time {
	anchor, err := time.Parse(time.DateOnly, rapid.SampledFrom([]string{
		"1890-01-01", "1970-01-01", "1986-05-04", "1991-09-15", "2011-12-30", "2018-11-04", "2020-02-03", "2024-12-31",
		"2026-06-08", "2026-10-01", "2027-01-01", "2096-12-31", "2150-01-01",
	}).Draw(t, "anchor"))
	if err != nil {
		t.Fatal(err)
	}
	away := rapid.Int64Range(-2*365*86400, 2*365*86400).Draw(t, "away")
	return time.Unix(anchor.Unix()+away, rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
})

// amounts are seconds up to about five working years.
var amounts = rapid.Int64Range(0, 5*250*8*3600)

func TestAddIsInvertible(t *testing.T) {
	t.Parallel()
	forEachCalendar(t, func(t *rapid.T, cal *worktime.Calendar) {
		start, n, working := instants.Draw(t, "start"), amounts.Draw(t, "n"), rapid.Bool().Draw(t, "working")
		due := cal.AddSeconds(start, n, working)
		if got := cal.Between(start, due, working); got != n {
			t.Fatalf("Between(%v, %v) = %d, want %d", start, due, got, n)
		}
		// due is the earliest such instant: a second before, something is left.
		if n > 0 {
			if got := cal.Between(start, due.Add(-time.Second), working); got != n-1 {
				t.Fatalf("a second before %v: %d used, want %d", due, got, n-1)
			}
		}
	})
}

func TestAddIsMonotone(t *testing.T) {
	t.Parallel()
	forEachCalendar(t, func(t *rapid.T, cal *worktime.Calendar) {
		start, n, working := instants.Draw(t, "start"), amounts.Draw(t, "n"), rapid.Bool().Draw(t, "working")
		due := cal.AddSeconds(start, n, working)
		if more := cal.AddSeconds(start, n+1+amounts.Draw(t, "more"), working); !more.After(due) {
			t.Fatalf("more seconds end at %v, not after %v", more, due)
		}
		later := start.Add(time.Duration(amounts.Draw(t, "later")) * time.Second)
		if moved := cal.AddSeconds(later, n, working); moved.Before(due) {
			t.Fatalf("starting later ends at %v, before %v", moved, due)
		}
		if due.Before(start.Truncate(time.Second)) {
			t.Fatalf("due %v lies before start %v", due, start)
		}
	})
}

func TestAddGoesInSteps(t *testing.T) {
	t.Parallel()
	forEachCalendar(t, func(t *rapid.T, cal *worktime.Calendar) {
		start, working := instants.Draw(t, "start"), rapid.Bool().Draw(t, "working")
		n, m := amounts.Draw(t, "n"), 1+amounts.Draw(t, "m")
		once := cal.AddSeconds(start, n+m, working)
		if twice := cal.AddSeconds(cal.AddSeconds(start, n, working), m, working); !twice.Equal(once) {
			t.Fatalf("in two steps %v, in one %v", twice, once)
		}
		mid := cal.AddSeconds(start, n, working)
		if sum := cal.Between(start, mid, working) + cal.Between(mid, once, working); sum != cal.Between(start, once, working) {
			t.Fatalf("pieces sum to %d", sum)
		}
	})
}

// Pausing and resuming at any moments is the same as Deadline with the spans.
func TestDeadlineIsPausingAndResuming(t *testing.T) {
	t.Parallel()
	cal := worktime.Default()
	rapid.Check(t, func(t *rapid.T) {
		working := rapid.Bool().Draw(t, "working")
		start := instants.Draw(t, "start")
		total := rapid.Int64Range(1, 20*8*3600).Draw(t, "total")
		running, used := start, int64(0)
		var spans []worktime.Span
		for range rapid.IntRange(0, 5).Draw(t, "pauses") {
			from := running.Add(time.Duration(rapid.Int64Range(0, 4*86400).Draw(t, "run")) * time.Second)
			if used+cal.Between(running, from, working) >= total {
				break
			}
			used += cal.Between(running, from, working)
			running = from.Add(time.Duration(rapid.Int64Range(0, 9*86400).Draw(t, "rest")) * time.Second)
			spans = append(spans, worktime.Span{From: from, To: running})
		}
		want := cal.AddSeconds(running, total-used, working)
		if got := cal.DeadlineSeconds(start, total, working, rapid.Permutation(spans).Draw(t, "order")); !got.Equal(want) {
			t.Fatalf("Deadline %v, by hand %v", got, want)
		}
		if due := cal.Ladder(running, total, used, working)[worktime.At100]; !due.Equal(want) {
			t.Fatalf("ladder %v, by hand %v", due, want)
		}
	})
}

func TestAddZeroOrLessReturnsStart(t *testing.T) {
	t.Parallel()
	cal := worktime.Default()
	start := time.Date(2026, 6, 6, 2, 3, 4, 567, time.UTC) // a Saturday, with a fraction
	for _, n := range []int64{0, -1, -1 << 62} {
		for _, working := range []bool{true, false} {
			got := cal.AddSeconds(start, n, working)
			require.True(t, got.Equal(start))
			require.Equal(t, cal.Location(), got.Location())
		}
	}
	require.Zero(t, cal.Between(start.Add(time.Hour), start, false))
	require.Zero(t, cal.Between(start.Add(99*time.Hour), start, true))
}

// Broken rows end in an answer, never in an endless loop or an instant that cannot be written.
func TestExtremes(t *testing.T) {
	t.Parallel()
	cal := worktime.Default()
	for _, start := range []time.Time{{}, time.Unix(-1<<62, 0), time.Unix(1<<62, 0), time.Date(9998, 12, 31, 0, 0, 0, 0, time.UTC)} {
		for _, working := range []bool{true, false} {
			due := cal.AddSeconds(start, 1<<62, working)
			_, err := due.MarshalJSON()
			require.NoError(t, err)
		}
	}
	start := local(t, "2026-06-08T08:00")
	require.Equal(t, cal.AddSeconds(start, 36600*86400, true), cal.AddSeconds(start, 1<<62, true))
	require.Positive(t, cal.Between(time.Unix(-1<<62, 0), time.Unix(1<<62, 0), false))
}

// FuzzAdd looks for a start and an amount that break the laws.
func FuzzAdd(f *testing.F) {
	f.Add(int64(1780880400), int64(4*3600), true)
	f.Add(int64(1798732500), int64(600), false)
	f.Add(int64(-62135596800), int64(1), true)
	f.Add(int64(515527199), int64(8*3600), true) // 1986-05-04, the first change to summer time in Shanghai after 1949
	cal := worktime.Default()
	f.Fuzz(func(t *testing.T, unix, n int64, working bool) {
		unix, n = unix%(60*365*86400), n%(10*365*86400) // 1910–2030, ten years
		start := time.Unix(unix, 0)
		due := cal.AddSeconds(start, n, working)
		if n <= 0 {
			require.True(t, due.Equal(start))
			return
		}
		require.Equal(t, n, cal.Between(start, due, working))
		require.Equal(t, n-1, cal.Between(start, due.Add(-time.Second), working))
		if working {
			last := due.Add(-time.Second) // the last second used is a working second
			require.True(t, cal.IsWorkingDay(last))
			h := last.Hour()
			require.True(t, h >= 8 && h < 12 || h >= 14 && h < 18, "%v", last)
		}
	})
}

// FuzzParseBudget: what is accepted is canonical, valid and bounded.
func FuzzParseBudget(f *testing.F) {
	for _, s := range []string{"4WH", "30 nm", "0WD", "-1ND", "9999999999999999999999NM", "4", "WH", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := worktime.ParseBudget(s)
		if err != nil {
			require.True(t, b.IsZero())
			return
		}
		require.NoError(t, b.Validate())
		require.Positive(t, b.Seconds())
		require.LessOrEqual(t, b.Seconds(), int64(3660*86400))
		again, err := worktime.ParseBudget(b.String())
		require.NoError(t, err)
		require.Equal(t, b, again)
	})
}

// forEachCalendar checks a law for every calendar of the stepping test, the shipped one first.
func forEachCalendar(t *testing.T, law func(*rapid.T, *worktime.Calendar)) {
	t.Helper()
	for _, z := range zones {
		t.Run(z.name, func(t *testing.T) {
			t.Parallel()
			cal := z.calendar(t)
			rapid.Check(t, func(t *rapid.T) { law(t, cal) })
		})
	}
}

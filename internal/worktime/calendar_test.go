package worktime_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"yixian/internal/fault"
	"yixian/internal/worktime"
)

// Figures counted outside this program: Mon–Fri of the year, less weekdays off, plus
// working weekend days of the notices.
func TestWorkingDaysOfShippedYears(t *testing.T) {
	t.Parallel()
	cal := worktime.Default()
	for year, want := range map[int]int{2020: 249, 2021: 250, 2022: 249, 2023: 249, 2024: 251, 2025: 248, 2026: 248} {
		require.Equal(t, want, workingDays(cal, year, 1, 12), "%d", year)
		require.True(t, cal.Covers(year))
	}
	require.Equal(t, 21, workingDays(cal, 2026, 6, 6))
}

// The whole notice for 2026, as the domain page quotes it.
func TestNotice2026(t *testing.T) {
	t.Parallel()
	cal := worktime.Default()
	off := map[string]bool{}
	for _, block := range [][2]string{
		{"01-01", "01-03"}, {"02-15", "02-23"}, {"04-04", "04-06"}, {"05-01", "05-05"},
		{"06-19", "06-21"}, {"09-25", "09-27"}, {"10-01", "10-07"},
	} {
		last := local(t, "2026-"+block[1]+"T12:00")
		for d := local(t, "2026-"+block[0]+"T12:00"); !d.After(last); d = d.AddDate(0, 0, 1) {
			off[d.Format("01-02")] = true
		}
	}
	on := map[string]bool{"01-04": true, "02-14": true, "02-28": true, "05-09": true, "09-20": true, "10-10": true}
	for d := local(t, "2026-01-01T12:00"); d.Year() == 2026; d = d.AddDate(0, 0, 1) {
		key := d.Format("01-02")
		weekday := d.Weekday() != time.Saturday && d.Weekday() != time.Sunday
		require.Equal(t, on[key] || weekday && !off[key], cal.IsWorkingDay(d), key)
	}
}

func TestMissingYearFallsBackToMondayToFriday(t *testing.T) {
	t.Parallel()
	cal := worktime.Default()
	require.False(t, cal.Covers(2019))
	require.False(t, cal.Covers(2027))
	// 2027-10-01 is a Friday and no notice is known: it counts as a working day.
	require.Equal(t, local(t, "2027-10-01T10:00"), cal.Add(local(t, "2027-09-30T10:00"), budgetOf(t, "1WD")))
	require.Equal(t, 261, workingDays(cal, 2027, 1, 12))
	// A clock that runs from a known year into an unknown one: 12-31 is a Thursday.
	require.Equal(t, local(t, "2027-01-01T09:00"), cal.Add(local(t, "2026-12-31T17:00"), budgetOf(t, "2WH")))

	require.Nil(t, cal.Missing(local(t, "2020-01-01T00:00"), local(t, "2026-12-31T23:59")))
	require.Equal(t, []int{2027}, cal.Missing(local(t, "2026-12-31T17:00"), local(t, "2027-01-01T09:00")))
	require.Equal(t, []int{2018, 2019, 2027, 2028}, cal.Missing(local(t, "2018-05-01T00:00"), local(t, "2028-05-01T00:00")))
	require.Nil(t, cal.Missing(local(t, "2028-05-01T00:00"), local(t, "2018-05-01T00:00")))
}

func TestDistrictOverridesWinOverShipped(t *testing.T) {
	t.Parallel()
	overrides, years := worktime.Shipped()
	overrides = append(overrides,
		worktime.Override{Day: "2026-06-09", Off: true, Name: "台风停工"},
		worktime.Override{Day: "2026-06-20", Off: false, Name: "值班"}, // a holiday Saturday in the notice
		worktime.Override{Day: "2027-01-01", Off: true})
	cal, err := worktime.New(worktime.Options{Overrides: overrides, Years: years})
	require.NoError(t, err)
	require.Equal(t, local(t, "2026-06-10T09:00"), cal.Add(local(t, "2026-06-08T09:00"), budgetOf(t, "1WD")))
	require.True(t, cal.IsWorkingDay(local(t, "2026-06-20T10:00")))
	require.False(t, cal.Covers(2027), "one day off does not make a known year")
	require.False(t, worktime.Default().IsWorkingDay(local(t, "2026-06-20T10:00")), "the shared calendar is untouched")
}

func TestShippedIsACopy(t *testing.T) {
	t.Parallel()
	days, years := worktime.Shipped()
	days[0].Day, years[0] = "broken", 1
	again, sameYears := worktime.Shipped()
	require.Equal(t, "2020-01-01", again[0].Day)
	require.Equal(t, []int{2020, 2021, 2022, 2023, 2024, 2025, 2026}, sameYears)
	require.Len(t, again, 255)
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	hours := func(from, to int) worktime.Period {
		return worktime.Period{From: time.Duration(from) * time.Hour, To: time.Duration(to) * time.Hour}
	}
	for name, tc := range map[string]struct {
		options worktime.Options
		pointer string
	}{
		"no period":       {worktime.Options{Periods: []worktime.Period{}}, "/periods"},
		"overlap":         {worktime.Options{Periods: []worktime.Period{hours(13, 18), hours(8, 14)}}, "/periods"},
		"backwards":       {worktime.Options{Periods: []worktime.Period{hours(8, 12), hours(18, 14)}}, "/periods/1"},
		"past midnight":   {worktime.Options{Periods: []worktime.Period{hours(20, 25)}}, "/periods/0"},
		"before midnight": {worktime.Options{Periods: []worktime.Period{hours(-1, 5)}}, "/periods/0"},
		"half a second":   {worktime.Options{Periods: []worktime.Period{{From: 0, To: 1500 * time.Millisecond}}}, "/periods/0"},
		"no such day":     {worktime.Options{Overrides: []worktime.Override{{Day: "2026-02-28"}, {Day: "2026-02-29"}}}, "/overrides/1"},
	} {
		_, err := worktime.New(tc.options)
		e, ok := fault.As(err)
		require.True(t, ok, name)
		require.Equal(t, 422, e.Status, name)
		require.Equal(t, tc.pointer, e.Fields[0].Pointer, name)
	}
}

func TestPeriodsInAnyOrderAndAdjacent(t *testing.T) {
	t.Parallel()
	cal, err := worktime.New(worktime.Options{Periods: []worktime.Period{
		{From: 18 * time.Hour, To: 24 * time.Hour}, {From: 0, To: 6 * time.Hour}, {From: 6 * time.Hour, To: 18 * time.Hour},
	}})
	require.NoError(t, err)
	// Open around the clock from Monday to Friday: working time is natural time until Saturday.
	start := local(t, "2027-06-07T01:02:03")
	require.Equal(t, start.Add(100*time.Hour), cal.AddSeconds(start, 100*3600, true))
	require.Equal(t, local(t, "2027-06-12T00:00"), cal.AddSeconds(local(t, "2027-06-07T00:00"), 5*86400, true))
}

// A budget that ends with the last working second of a year ends there, not at the opening of the next year.
func TestEndOfYear(t *testing.T) {
	t.Parallel()
	cal := worktime.Default()
	require.Equal(t, local(t, "2026-12-31T18:00"), cal.Add(local(t, "2026-12-31T17:00"), budgetOf(t, "1WH")))
	require.Equal(t, local(t, "2025-12-31T18:00"), cal.Add(local(t, "2025-12-29T18:00"), budgetOf(t, "2WD")))
	// Tables are cut at midnight UTC, which is 08:00 here: in Asia/Shanghai at 07:00–09:00 the cut lies inside a period.
	early, err := worktime.New(worktime.Options{Periods: []worktime.Period{{From: 7 * time.Hour, To: 9 * time.Hour}}})
	require.NoError(t, err)
	require.Equal(t, local(t, "2027-01-01T08:00"), early.Add(local(t, "2027-01-01T07:00"), budgetOf(t, "1WH")))
	require.Equal(t, local(t, "2027-01-01T08:30"), early.Add(local(t, "2027-01-01T07:00"), budgetOf(t, "90WM")))
	require.EqualValues(t, 2*3600, early.Between(local(t, "2027-01-01T00:00"), local(t, "2027-01-02T00:00"), true))
}

// Year tables are built lazily: many goroutines ask a fresh calendar at once (run with -race).
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	overrides, years := worktime.Shipped()
	cal, err := worktime.New(worktime.Options{Overrides: overrides, Years: years})
	require.NoError(t, err)
	start := local(t, "2021-03-01T08:00")
	want := worktime.Default().AddSeconds(start, 10*250*8*3600, true)
	got := make([]time.Time, 16)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() { got[i] = cal.AddSeconds(start, 10*250*8*3600, true) })
	}
	wg.Wait()
	for _, g := range got {
		require.Equal(t, want, g)
	}
}

func workingDays(cal *worktime.Calendar, year int, from, to time.Month) int {
	n := 0
	last := time.Date(year, to+1, 1, 12, 0, 0, 0, cal.Location())
	for d := time.Date(year, from, 1, 12, 0, 0, 0, cal.Location()); d.Before(last); d = d.AddDate(0, 0, 1) {
		if cal.IsWorkingDay(d) {
			n++
		}
	}
	return n
}

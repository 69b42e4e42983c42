package worktime_test

import (
	"encoding/json"
	"fmt"
	"time"

	"yixian/internal/worktime"
)

func Example() {
	cal := worktime.Default()
	start, _ := cal.ParseTime("2026-06-18 16:00") // the day before Dragon Boat
	budget, _ := worktime.ParseBudget("5WD")
	due := cal.Add(start, budget)
	fmt.Println(due.Format("2006-01-02 15:04 Mon"))
	fmt.Println(cal.Missing(start, due))
	// Output:
	// 2026-06-26 16:00 Fri
	// []
}

// Four working hours from the opening end with the morning, not with the start of the afternoon.
func ExampleCalendar_AddSeconds() {
	cal := worktime.Default()
	start := time.Date(2026, 6, 8, 8, 0, 0, 0, cal.Location())
	fmt.Println(cal.AddSeconds(start, 4*3600, true).Format(time.TimeOnly))
	fmt.Println(cal.AddSeconds(start, 4*3600+1, true).Format(time.TimeOnly))
	// Output:
	// 12:00:00
	// 14:00:01
}

// A reopened case gets half of the item's budget, at least 4 working hours.
func ExampleCalendar_AddSeconds_reopened() {
	cal := worktime.Default()
	reopened, _ := cal.ParseTime("2026-06-08 09:00")
	item := worktime.Budget{N: 3, Unit: worktime.WD}
	floor := worktime.Budget{N: 4, Unit: worktime.WH}
	secs := max(item.Seconds()/2, floor.Seconds())
	fmt.Println(cal.AddSeconds(reopened, secs, true).Format(time.DateTime))
	// Output: 2026-06-09 15:00:00
}

// Pause: store what was used. Resume: count the rest from there.
func ExampleCalendar_Between() {
	cal := worktime.Default()
	start, _ := cal.ParseTime("2026-06-08 09:00")
	paused, _ := cal.ParseTime("2026-06-09 10:00")
	used := cal.Between(start, paused, true)
	fmt.Println(time.Duration(used) * time.Second)
	// Output: 9h0m0s
}

func ExampleCalendar_Deadline() {
	cal := worktime.Default()
	start, _ := cal.ParseTime("2026-06-08T09:00")
	suspended, _ := cal.ParseSpan("2026-06-09T10:00..2026-06-15T14:00")
	due := cal.Deadline(start, worktime.Budget{N: 3, Unit: worktime.WD}, []worktime.Span{suspended})
	fmt.Println(due.Format(time.RFC3339))
	// Output: 2026-06-17T11:00:00+08:00
}

func ExampleCalendar_Ladder() {
	cal := worktime.Default()
	start, _ := cal.ParseTime("2026-06-08 09:00")
	ladder := cal.Ladder(start, worktime.Budget{N: 3, Unit: worktime.WD}.Seconds(), 0, true)
	for i, percent := range worktime.Percents() {
		fmt.Printf("%3d %% %s %s\n", percent, ladder[i].Format("01-02 15:04"), worktime.LightAt(ladder[i], ladder))
	}
	// Output:
	//  50 % 06-09 15:00 green
	//  80 % 06-10 14:12 yellow
	// 100 % 06-11 09:00 yellow
	// 150 % 06-12 15:00 red
	// 200 % 06-16 09:00 red
}

func ExampleCalendar_Missing() {
	cal := worktime.Default()
	start, _ := cal.ParseTime("2026-12-31 17:00")
	due := cal.Add(start, worktime.Budget{N: 2, Unit: worktime.WH}) // falls back to Mon–Fri
	fmt.Println(due.Format(time.DateTime), cal.Missing(start, due))
	// Output: 2027-01-01 09:00:00 [2027]
}

func ExampleBudget() {
	var item struct{ Handle worktime.Budget }
	_ = json.Unmarshal([]byte(`{"Handle":"5WD"}`), &item)
	fmt.Println(item.Handle.N, item.Handle.Unit, item.Handle.Seconds(), item.Handle.Working())
	// Output: 5 WD 144000 true
}

func ExampleNew() {
	overrides, years := worktime.Shipped()
	overrides = append(overrides, worktime.Override{Day: "2026-06-09", Off: true, Name: "台风停工"})
	cal, _ := worktime.New(worktime.Options{
		Overrides: overrides, Years: years,
		Periods: []worktime.Period{{From: 9 * time.Hour, To: 17 * time.Hour}},
	})
	start, _ := cal.ParseTime("2026-06-08 16:00")
	fmt.Println(cal.Add(start, worktime.Budget{N: 2, Unit: worktime.WH}).Format(time.DateTime))
	// Output: 2026-06-10 10:00:00
}

// Package worktime is the arithmetic of deadlines: budgets in natural or working units, the working
// calendar of Chinese public offices (State Council holidays with make-up workdays), the ladder of
// instants at which a clock warns, and its light.
//
// It is pure: the instant is passed in, nothing is read from a clock, a database or a file at run time.
// It does not know what a clock is for (ACCEPT, HANDLE …), when it pauses, or who is told; that is
// dispatch's business. It does not store anything.
//
// Everything counts in whole seconds; the fraction of an instant is cut off before counting, so sums of
// pieces never drift: Between(a,b) + Between(b,c) = Between(a,c).
//
// A *natural* second is any second. A *working* second is one whose wall clock, in the calendar's
// location, lies inside a working period of a working day. In a night that repeats or skips an hour
// (daylight saving) exactly the seconds that happen are counted.
package worktime

import (
	"slices"
	"time"
	_ "time/tzdata" // Default must not depend on the zone files of the machine

	"yixian/internal/fault"
)

// Period is a stretch of a working day, [From, To) since midnight on the wall clock, in whole seconds.
type Period struct{ From, To time.Duration }

// Override makes one day (2006-01-02) a day off or a working day against the Mon–Fri rule.
type Override struct {
	Day  string `json:"day"`
	Off  bool   `json:"off"`
	Name string `json:"name,omitempty"`
}

// Options describe a calendar. The zero value is Mon–Fri, 08:00–12:00 and 14:00–18:00, Asia/Shanghai,
// with no holidays and no covered year; see Shipped for the holidays of the program.
type Options struct {
	Location  *time.Location // nil: Asia/Shanghai
	Periods   []Period       // nil: 08:00–12:00, 14:00–18:00; any order, no overlap
	Overrides []Override     // of two entries for one day the later wins, so a district can append its own
	Years     []int          // years whose holidays are completely known from Overrides
}

// Calendar answers which seconds are working seconds. It is immutable to its users and safe for
// concurrent use; tables of single years are built when first needed.
type Calendar struct {
	loc     *time.Location
	periods []span         // seconds since midnight, ascending, disjoint
	days    map[int64]bool // day number since 1970-01-01 → is a working day
	covered []int          // ascending
	cache   yearCache
}

// New builds a calendar. Errors are 422 faults that name the wrong place of the options
// (/periods/0, /overrides/3).
func New(o Options) (*Calendar, error) {
	c := &Calendar{loc: o.Location, days: make(map[int64]bool, len(o.Overrides))}
	if c.loc == nil {
		c.loc = shanghai()
	}
	periods := o.Periods
	if periods == nil {
		periods = []Period{{8 * time.Hour, 12 * time.Hour}, {14 * time.Hour, 18 * time.Hour}}
	}
	if err := c.setPeriods(periods); err != nil {
		return nil, err
	}
	for i, v := range o.Overrides {
		day, err := time.Parse(time.DateOnly, v.Day)
		if err != nil {
			return nil, fault.Invalid(at("/overrides", i), "日期应写成 2026-10-01 的形式").Because(err)
		}
		c.days[day.Unix()/secondsPerDay] = !v.Off
	}
	c.covered = slices.Clone(o.Years)
	slices.Sort(c.covered)
	c.covered = slices.Compact(c.covered)
	return c, nil
}

func (c *Calendar) setPeriods(periods []Period) error {
	if len(periods) == 0 {
		return fault.Invalid("/periods", "至少要有一段工作时间")
	}
	for i, p := range periods {
		if p.From < 0 || p.From >= p.To || p.To > 24*time.Hour || p.From%time.Second != 0 || p.To%time.Second != 0 {
			return fault.Invalid(at("/periods", i), "工作时段应在 00:00 到 24:00 之间，且开始早于结束")
		}
		c.periods = append(c.periods, span{int64(p.From / time.Second), int64(p.To / time.Second)})
	}
	slices.SortFunc(c.periods, func(a, b span) int { return int(a.from - b.from) })
	for i := 1; i < len(c.periods); i++ {
		if c.periods[i].from < c.periods[i-1].to {
			return fault.Invalid("/periods", "工作时段不能重叠")
		}
	}
	return nil
}

// Location is the zone in which days and periods are read and results are given.
func (c *Calendar) Location() *time.Location { return c.loc }

// Covers says whether the holidays of a year are known. Without them working clocks still run, on
// Mon–Fri and whatever overrides there are; the caller should warn.
func (c *Calendar) Covers(year int) bool {
	_, ok := slices.BinarySearch(c.covered, year)
	return ok
}

// Missing lists, ascending, the years from the year of from to the year of to (both in the calendar's
// location, both included) whose holidays are unknown; nil when all are known. Only working budgets
// have a reason to ask.
func (c *Calendar) Missing(from, to time.Time) []int {
	var missing []int
	first, last := c.in(clamp(from.Unix())).Year(), c.in(clamp(to.Unix())).Year()
	for y := first; y <= last; y++ {
		if !c.Covers(y) {
			missing = append(missing, y)
		}
	}
	return missing
}

// IsWorkingDay says whether the day of t, in the calendar's location, is a working day.
func (c *Calendar) IsWorkingDay(t time.Time) bool {
	_, offset := t.In(c.loc).Zone()
	return c.works(floorDiv(t.Unix()+int64(offset), secondsPerDay))
}

// works is the rule for one day, numbered from 1970-01-01 (a Thursday).
func (c *Calendar) works(day int64) bool {
	if works, ok := c.days[day]; ok {
		return works
	}
	weekday := time.Weekday(((day+int64(time.Thursday))%7 + 7) % 7)
	return weekday != time.Saturday && weekday != time.Sunday
}

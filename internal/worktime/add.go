package worktime

import "time"

// maxSeconds bounds every sum. It is far above what ParseBudget lets through and keeps a broken
// row from walking through millions of years.
const maxSeconds = 100 * 366 * secondsPerDay

// Instants outside the years that RFC 3339 can write in every zone are moved to the nearest end.
const lastYear = 9998

var earliest, latest = startOf(1), startOf(lastYear+1) - 1

func clamp(s int64) int64 { return min(max(s, earliest), latest) }

func (c *Calendar) in(s int64) time.Time { return time.Unix(s, 0).In(c.loc) }

// AddSeconds is the earliest instant at which secs seconds, counted from start, are used up; working
// chooses the kind of second. The result is in the calendar's location and on a whole second: a
// fraction of start is cut off. 4 working hours from 08:00 end at 12:00, not at 14:00: a deadline lies at
// the end of a period. With secs ≤ 0 nothing is left to use up and start itself is returned (in the
// calendar's location). More than 36,600 days of seconds count as 36,600 days; no result lies after
// the year 9998.
func (c *Calendar) AddSeconds(start time.Time, secs int64, working bool) time.Time {
	if secs <= 0 {
		return start.In(c.loc)
	}
	secs = min(secs, maxSeconds)
	s := clamp(start.Unix())
	if !working {
		return c.in(clamp(s + secs))
	}
	y := yearOf(s)
	t := c.year(y)
	secs += t.worked(s) // from here on counted from the start of the year y
	for secs > t.total {
		secs -= t.total
		if y++; y > lastYear {
			return c.in(latest)
		}
		t = c.year(y)
	}
	return c.in(t.when(secs))
}

// Between counts the seconds used from a to b (0 when b is not after a). It undoes AddSeconds:
// Between(s, AddSeconds(s, n, w), w) = n.
func (c *Calendar) Between(a, b time.Time, working bool) int64 {
	from, to := clamp(a.Unix()), clamp(b.Unix())
	if from >= to {
		return 0
	}
	if !working {
		return to - from
	}
	first, last := yearOf(from), yearOf(to)
	t := c.year(first)
	used := -t.worked(from)
	for y := first; y < last; y++ {
		used += t.total
		t = c.year(y + 1)
	}
	return used + t.worked(to)
}

// Add is AddSeconds with the size and the kind of the budget.
func (c *Calendar) Add(start time.Time, b Budget) time.Time {
	return c.AddSeconds(start, b.Seconds(), b.Working())
}

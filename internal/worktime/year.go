package worktime

import (
	"sort"
	"sync/atomic"
	"time"
)

const secondsPerDay = 86_400

// span is [from, to) in seconds: of a day, or Unix time.
type span struct{ from, to int64 }

// stretch is a span of working seconds in Unix time; before counts the working seconds of its year
// that precede it.
type stretch struct{ from, to, before int64 }

// year holds the working stretches of one UTC year, ascending and disjoint. Years are cut in UTC, not
// on the wall clock, so that an instant finds its table without any zone look-up; a stretch that lies
// across the cut is simply in both tables, each with its part.
type year struct {
	stretches []stretch
	total     int64 // working seconds of the year
}

// The years whose tables are kept (about 12 kB each, only those asked for). Others are right too, but
// are computed each time: nobody has a case there.
const firstKept, lastKept = 1970, 2149

// yearCache is filled lazily. Two goroutines may build the same year at the same time; both get the
// same answer and the later store changes nothing.
type yearCache [lastKept - firstKept + 1]atomic.Pointer[year]

func (c *Calendar) year(y int) *year {
	if y < firstKept || y > lastKept {
		return c.build(y)
	}
	slot := &c.cache[y-firstKept]
	if t := slot.Load(); t != nil {
		return t
	}
	t := c.build(y)
	slot.Store(t)
	return t
}

// build walks through the parts of the year with a constant UTC offset (one part, or three where
// clocks change) and, in each part, through its wall days. Inside a part the wall clock is Unix time
// plus a constant, which makes skipped and repeated hours come out by themselves.
func (c *Calendar) build(y int) *year {
	lo, hi := startOf(y), startOf(y+1)
	t := &year{stretches: make([]stretch, 0, 262*len(c.periods))}
	for from := lo; from < hi; {
		instant := time.Unix(from, 0).In(c.loc)
		_, off := instant.Zone()
		to, offset := hi, int64(off)
		// ZoneBounds may end a part too early, which does no harm, but beyond the last listed change it takes
		// every year for 365 days: on 31 December of a leap year its end lies in the past. No zone changes
		// again in that UTC year, so the part goes to its end.
		if _, end := instant.ZoneBounds(); !end.IsZero() && end.Unix() > from {
			to = min(hi, end.Unix())
		}
		lastDay := floorDiv(to-1+offset, secondsPerDay)
		for day := floorDiv(from+offset, secondsPerDay); day <= lastDay; day++ {
			if !c.works(day) {
				continue
			}
			midnight := day*secondsPerDay - offset
			for _, p := range c.periods {
				t.add(max(from, midnight+p.from), min(to, midnight+p.to))
			}
		}
		from = to
	}
	return t
}

func (t *year) add(from, to int64) {
	if from >= to {
		return
	}
	t.stretches = append(t.stretches, stretch{from: from, to: to, before: t.total})
	t.total += to - from
}

// worked counts the working seconds of the year before the instant s.
func (t *year) worked(s int64) int64 {
	i := sort.Search(len(t.stretches), func(i int) bool { return t.stretches[i].to > s })
	if i == len(t.stretches) {
		return t.total
	}
	st := t.stretches[i]
	return st.before + max(0, s-st.from)
}

// when is the earliest instant before which n of the year's working seconds lie, 0 < n ≤ total. Being the
// earliest, it is the end of a stretch (12:00) and not the start of the next one (14:00).
func (t *year) when(n int64) int64 {
	i := sort.Search(len(t.stretches), func(i int) bool {
		st := t.stretches[i]
		return st.before+st.to-st.from >= n
	})
	st := t.stretches[i]
	return st.from + n - st.before
}

func yearOf(s int64) int { return time.Unix(s, 0).UTC().Year() }

func startOf(year int) int64 { return time.Date(year, time.January, 1, 0, 0, 0, 0, time.UTC).Unix() }

// floorDiv rounds down, also for instants before 1970.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

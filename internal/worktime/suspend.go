package worktime

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"yixian/internal/fault"
)

// Span is a suspension [From, To): the clock stands from From on and goes on at To.
type Span struct{ From, To time.Time }

// Deadline is the instant at which the budget is used up by a clock that starts at start and stands still during
// the suspensions. They may come in any order, overlap, or lie before start; one that begins at or after
// the instant the budget is used up comes too late to matter, one that does not end after its beginning is
// empty. An extension is a bigger budget: see DeadlineSeconds.
func (c *Calendar) Deadline(start time.Time, b Budget, suspends []Span) time.Time {
	return c.DeadlineSeconds(start, b.Seconds(), b.Working(), suspends)
}

// DeadlineSeconds is Deadline for a budget in seconds: base plus extensions, or the half for a reopened case.
func (c *Calendar) DeadlineSeconds(start time.Time, secs int64, working bool, suspends []Span) time.Time {
	due := c.AddSeconds(start, secs, working)
	if len(suspends) == 0 {
		return due
	}
	spans := slices.Clone(suspends)
	slices.SortFunc(spans, func(a, b Span) int { return a.From.Compare(b.From) })
	running := start
	for _, s := range spans {
		if s.From.Unix() >= due.Unix() {
			break
		}
		if s.To.Unix() <= max(s.From.Unix(), running.Unix()) {
			continue
		}
		secs -= c.Between(running, s.From, working)
		running = s.To
		due = c.AddSeconds(running, secs, working)
	}
	return due
}

// ParseTime reads an instant for the command line: RFC 3339, or date and time on the wall clock of the
// calendar's location ("2026-06-08T09:00:00", "2026-06-08 09:00"). Errors are 422 faults, code BAD_TIME.
func (c *Calendar) ParseTime(s string) (time.Time, error) {
	text := strings.TrimSpace(s)
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.In(c.loc), nil
	}
	text = strings.Replace(text, " ", "T", 1)
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, text, c.loc); err == nil {
			return t, nil
		}
	}
	return time.Time{}, badTime("/start", "时间应写成 2026-06-08T09:00:00 或带时区的 2026-06-08T09:00:00+08:00")
}

// ParseSpan reads "A..B" with both ends as in ParseTime; B must be after A. Errors are 422 faults, code BAD_TIME.
func (c *Calendar) ParseSpan(s string) (Span, error) {
	from, to, ok := strings.Cut(s, "..")
	if !ok {
		return Span{}, badTime("/suspend", "挂起时段应写成 开始..恢复，如 2026-06-09T10:00..2026-06-15T14:00")
	}
	a, err := c.ParseTime(from)
	if err != nil {
		return Span{}, err
	}
	b, err := c.ParseTime(to)
	if err != nil {
		return Span{}, err
	}
	if !b.After(a) {
		return Span{}, badTime("/suspend", "恢复时间应晚于挂起时间")
	}
	return Span{From: a, To: b}, nil
}

func badTime(pointer, text string) *fault.Error {
	return fault.New(http.StatusUnprocessableEntity, "BAD_TIME", "%s", text).At(pointer, "%s", text)
}

package score

import (
	"bytes"
	_ "embed" // the worked example
	"encoding/json"
	"fmt"
	"time"

	"yixian/internal/fault"
	"yixian/internal/worktime"
)

// WorkedExample is that of domain 4d as a fixture: unit 区城管局, June 2026.
//
//go:embed worked_example.json
var WorkedExample []byte

// Fixture is a file of facts as the contract defines it for `yixian assess` (docs/assessment.md shows one).
type Fixture struct {
	Period     Period
	Facts      []Fact
	Deductions Deductions
}

// fixtureFile is the file's outer shape; each row is a list of its own.
type fixtureFile struct {
	Period       string              `json:"period"`
	AsOf         string              `json:"as_of"`
	Assignments  [][]json.RawMessage `json:"assignments"`
	CallTargets  [][]json.RawMessage `json:"call_targets"`
	Ratings      [][]json.RawMessage `json:"ratings"`
	StreetScores []json.RawMessage   `json:"street_scores"`
	Cards        struct {
		Yellow int64 `json:"yellow"`
		Red    int64 `json:"red"`
	} `json:"cards"`
	UnfoundedReturns int64 `json:"unfounded_returns"`
}

const defaultPeriod = "2026-06"

// Month is the period "2026-06" in a zone, cut off at its end.
func Month(name string, zone *time.Location) (Period, error) {
	start, err := time.ParseInLocation("2006-01", name, zone)
	if err != nil || start.Format("2006-01") != name {
		return Period{}, fault.Invalid("/period", "考核周期应写成 2026-06 / a period is written 2026-06")
	}
	end := start.AddDate(0, 1, 0)
	return Period{name, start, end, end}, nil
}

// ReadFixture parses a fixture; an error names the row and the column. Times without a zone are those of the calendar.
func ReadFixture(raw []byte, cal *worktime.Calendar) (*Fixture, error) {
	var in fixtureFile
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, fault.Invalid("", "文件不是所要求的 JSON：%v / not the JSON that is asked for", err)
	}
	if in.Period == "" {
		in.Period = defaultPeriod
	}
	out := &Fixture{}
	var err error
	if out.Period, err = Month(in.Period, cal.Location()); err != nil {
		return nil, err
	}
	if in.AsOf != "" {
		at, err := cal.ParseTime(in.AsOf)
		if err != nil {
			return nil, fault.Invalid("/as_of", "时间应写成 2026-07-01T00:00:00 / not a time")
		}
		if at.Before(out.Period.Cut) {
			out.Period.Cut = at
		}
	}
	if in.Cards.Yellow < 0 || in.Cards.Red < 0 || in.UnfoundedReturns < 0 {
		return nil, fault.Invalid("/cards", "牌数和不当退单数不能为负 / cards and returns cannot be negative")
	}
	r := reader{cal: cal, out: out, seen: map[string]bool{}}
	for i, row := range in.Assignments {
		r.assignment(r.at("assignments", i, row, 6))
	}
	for i, row := range in.CallTargets {
		r.target(r.at("call_targets", i, row, 4))
	}
	for i, row := range in.Ratings {
		r.rating(r.at("ratings", i, row, 6))
	}
	for i, cell := range in.StreetScores {
		c := row{&r, fmt.Sprintf("/street_scores/%d", i), []json.RawMessage{cell}, ""}
		f := Fact{Kind: KindCaller, ID: fmt.Sprintf("s%d", i+1), At: &out.Period.Start}
		c.whole(0, &f.Grade, 1, 5)
		r.add(f)
	}
	out.Deductions = Deductions{in.Cards.Yellow, in.Cards.Red, in.UnfoundedReturns}
	return out, r.err
}

// reader keeps the first error; what follows it changes nothing.
type reader struct {
	cal  *worktime.Calendar
	out  *Fixture
	seen map[string]bool
	err  error
}

func (r *reader) add(f Fact) { r.out.Facts = append(r.out.Facts, f) }

func (r *reader) failf(pointer, format string, args ...any) {
	if r.err == nil {
		r.err = fault.Invalid(pointer, format, args...)
	}
}

// row is one list of cells with its place in the file.
type row struct {
	r       *reader
	pointer string
	cells   []json.RawMessage
	id      string
}

func (r *reader) at(list string, i int, cells []json.RawMessage, n int) *row {
	c := &row{r, fmt.Sprintf("/%s/%d", list, i), cells, ""}
	if len(cells) != n {
		r.failf(c.pointer, "应有 %d 列，实有 %d 列 / %d columns wanted, %d found", n, len(cells), n, len(cells))
		return nil
	}
	if json.Unmarshal(cells[0], &c.id) != nil || c.id == "" {
		r.failf(c.pointer+"/0", "编号应为非空文字 / the id must be a text")
		return nil
	}
	if key := list + "/" + c.id; r.seen[key] {
		r.failf(c.pointer, "编号 %s 重复 / listed twice", c.id)
	} else {
		r.seen[key] = true
	}
	return c
}

func null(raw json.RawMessage) bool { return bytes.Equal(bytes.TrimSpace(raw), []byte("null")) }

func (c *row) time(i int, optional bool) *time.Time {
	if optional && null(c.cells[i]) {
		return nil
	}
	var text string
	if json.Unmarshal(c.cells[i], &text) == nil {
		if at, err := c.r.cal.ParseTime(text); err == nil {
			return &at
		}
	}
	c.r.failf(fmt.Sprintf("%s/%d", c.pointer, i), "%s：不是时间，应写成 2026-06-03T12:00:00 / not a time", c.id)
	return nil
}

// flag takes 0, 1, true and false.
func (c *row) flag(i int) bool {
	switch string(bytes.TrimSpace(c.cells[i])) {
	case "1", "true":
		return true
	case "0", "false":
		return false
	}
	c.r.failf(fmt.Sprintf("%s/%d", c.pointer, i), "%s：应为 0 或 1 / must be 0 or 1", c.id)
	return false
}

func (c *row) whole(i int, into *int, low, high int) {
	if err := json.Unmarshal(c.cells[i], into); err != nil || null(c.cells[i]) || *into < low || *into > high {
		c.r.failf(fmt.Sprintf("%s/%d", c.pointer, i), "%s：应为 %d 到 %d 的整数 / must be a whole number from %d to %d", c.id, low, high, low, high)
	}
}

// excludedBy is what a fixture's mark of exclusion is taken for: it does not say which.
const excludedBy = "EX3"

// assignment is [id, kind, due, resolved|null, rework, excluded]. The file gives no time for a rework: it counts in the
// period of its assignment.
func (r *reader) assignment(c *row) {
	if c == nil {
		return
	}
	f := Fact{Kind: KindAssignment, ID: c.id, Due: c.time(2, false), Done: c.time(3, true)}
	if json.Unmarshal(c.cells[1], &f.Role) != nil || (f.Role != "LEAD" && f.Role != "ASSIST" && f.Role != "COORDINATOR") {
		r.failf(c.pointer+"/1", "%s：应为 LEAD、ASSIST 或 COORDINATOR / unknown kind of assignment", c.id)
		return
	}
	var rework int
	if c.whole(4, &rework, 0, 1000); rework > 0 {
		done := f.Done
		if !r.out.Period.done(done) {
			done = nil
		}
		if at := settle(f.Due, done); at != nil {
			f.Again = []time.Time{*at}
		}
	}
	if c.flag(5) {
		f.Excluded = excludedBy
	}
	if f.Role != "COORDINATOR" { // the coordinating street is left out of disposal figures
		r.add(f)
	}
}

// target is [id, due, checked_in|null, withdrawn].
func (r *reader) target(c *row) {
	if c == nil {
		return
	}
	f := Fact{Kind: KindTarget, ID: c.id, Due: c.time(1, false), Done: c.time(2, true)}
	if c.flag(3) {
		f.Excluded = "EX8"
	}
	r.add(f)
}

// rating is [id, rated_at, valid, resolved, grade, excluded]; an invalid one has no answers.
func (r *reader) rating(c *row) {
	if c == nil {
		return
	}
	f := Fact{Kind: KindRating, ID: c.id, At: c.time(1, false), Valid: c.flag(2)}
	if f.Valid {
		f.Yes = c.flag(3)
		c.whole(4, &f.Grade, 1, 5)
	}
	if c.flag(5) {
		f.Excluded = excludedBy
	}
	r.add(f)
}

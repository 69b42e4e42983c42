package worktime

import (
	"database/sql/driver"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"yixian/internal/fault"
)

// Unit is the unit of a budget.
type Unit string

// Natural units run day and night, working units only in working periods. WD is 8 working hours and
// rolls: 1 WD from Friday 17:30 ends on Monday 17:30.
const (
	NM Unit = "NM" // natural minutes 自然分钟
	NH Unit = "NH" // natural hours 自然小时
	ND Unit = "ND" // natural days of 24 h 自然日
	WM Unit = "WM" // working minutes 工作分钟
	WH Unit = "WH" // working hours 工作小时
	WD Unit = "WD" // working days of 8 working hours 工作日
)

// Seconds is the length of one unit; 0 for an unknown unit.
func (u Unit) Seconds() int64 {
	switch u {
	case NM, WM:
		return 60
	case NH, WH:
		return 3600
	case ND:
		return secondsPerDay
	case WD:
		return 8 * 3600
	}
	return 0
}

// Working says whether only working time counts.
func (u Unit) Working() bool { return u == WM || u == WH || u == WD }

// Budget is an amount of time as people write it: 4WH, 30NM, 5WD. The zero Budget means "none"; as text it
// is empty, in SQL it is NULL.
type Budget struct {
	N    int
	Unit Unit
}

// The longest budgets: ten years.
const (
	maxNatural = 3660 * secondsPerDay
	maxWorking = 2600 * 8 * 3600
)

// ParseBudget reads "4WH" (also "4 wh"). Errors are 422 faults with code BAD_BUDGET: not a positive whole
// number with one of the six units, or longer than ten years (3660 ND, 2600 WD).
func ParseBudget(s string) (Budget, error) {
	text := strings.ToUpper(strings.TrimSpace(s))
	digits := 0
	for digits < len(text) && '0' <= text[digits] && text[digits] <= '9' {
		digits++
	}
	n, err := strconv.Atoi(text[:digits])
	b := Budget{N: n, Unit: Unit(strings.TrimLeft(text[digits:], " "))}
	if digits == 0 || b.Unit.Seconds() == 0 {
		return Budget{}, badBudget("期限应写成正整数加单位，如 4WH；单位有 NM、NH、ND（自然分钟、小时、日）和 WM、WH、WD（工作分钟、小时、日）")
	}
	if err != nil {
		return Budget{}, tooLong().Because(err)
	}
	if err := b.Validate(); err != nil {
		return Budget{}, err
	}
	return b, nil
}

// Validate refuses what ParseBudget would refuse, for budgets that did not come from text.
func (b Budget) Validate() error {
	size, limit := b.Unit.Seconds(), int64(maxNatural)
	if b.Working() {
		limit = maxWorking
	}
	switch {
	case size == 0:
		return badBudget("期限的单位应是 NM、NH、ND、WM、WH、WD 之一")
	case b.N <= 0:
		return badBudget("期限应大于零")
	case int64(b.N) > limit/size:
		return tooLong()
	}
	return nil
}

func badBudget(text string) *fault.Error {
	return fault.New(http.StatusUnprocessableEntity, "BAD_BUDGET", "%s", text).At("/budget", "%s", text)
}

func tooLong() *fault.Error { return badBudget("期限不能超过十年（3660ND 或 2600WD）") }

// Seconds is the size of the budget, in working or natural seconds according to Working.
func (b Budget) Seconds() int64 { return int64(b.N) * b.Unit.Seconds() }

// Working says which seconds the budget is made of.
func (b Budget) Working() bool { return b.Unit.Working() }

// IsZero says that there is no budget.
func (b Budget) IsZero() bool { return b == Budget{} }

// String is the canonical text, "4WH"; empty for the zero Budget.
func (b Budget) String() string {
	if b.IsZero() {
		return ""
	}
	return strconv.Itoa(b.N) + string(b.Unit)
}

// MarshalText writes String (JSON, YAML, environment); an invalid budget is an error.
func (b Budget) MarshalText() ([]byte, error) {
	if b.IsZero() {
		return []byte{}, nil
	}
	if err := b.Validate(); err != nil {
		return nil, err
	}
	return []byte(b.String()), nil
}

// UnmarshalText reads what MarshalText writes; empty text is the zero Budget.
func (b *Budget) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*b = Budget{}
		return nil
	}
	parsed, err := ParseBudget(string(text))
	if err != nil {
		return err
	}
	*b = parsed
	return nil
}

// Value stores the text; NULL for the zero Budget.
func (b Budget) Value() (driver.Value, error) {
	if b.IsZero() {
		return nil, nil
	}
	text, err := b.MarshalText()
	return string(text), err
}

// Scan reads what Value stores.
func (b *Budget) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*b = Budget{}
		return nil
	case string:
		return b.UnmarshalText([]byte(v))
	case []byte:
		return b.UnmarshalText(v)
	}
	return fmt.Errorf("worktime: cannot scan %T into a Budget", src)
}

package rule

import (
	"strconv"
	"strings"
	"time"
)

// Facts are what a rule may look at. A new routing condition is a new variable here and in variables.
type Facts struct {
	Matter string // 5 digits; the major class is its first two

	Component           string // 17-digit id, "" = not in the ledger
	ComponentOwner      string // unit codes, "" = unknown
	ComponentMaintainer string

	ownerLine, maintainerLine string // of these units, by the directory of the set that is asked

	Grid      string // 15 digits; street and community follow from it when left out
	Community string // 12 digits
	Street    string // 9 digits
	LandUse   string // 道路, 广场, 小区, …
	HasPoint  bool
	Lon, Lat  float64 // WGS-84 degrees

	Source     string // RESIDENT, GRID_WORKER, HOTLINE_12345, DEVICE, ECO_CLOUD, …
	DeviceKind string
	AlertLevel int // level of the alert that opened the case, 0 = none
	Priority   Priority
	Facets     map[string]any // answers: string, bool, float64 or int
	Text       string
	Mode       string // NORMAL | EMERGENCY

	ReporterCount int
	Hour          int // 0–23, local
	IsWorkday     bool
	At            time.Time // zero: rules are taken as in force

	norm string // Text as rules compare it, filled by Route
}

// prepare fills what the set itself knows about a case.
func (s *Set) prepare(f *Facts) {
	f.norm = normal(f.Text)
	f.ownerLine, f.maintainerLine = s.dir.Units[f.ComponentOwner].Line, s.dir.Units[f.ComponentMaintainer].Line
}

func (f *Facts) major() string { return head(f.Matter, 2) }
func (f *Facts) street() string {
	if f.Street != "" {
		return f.Street
	}
	return head(f.Grid, 9)
}
func (f *Facts) community() string {
	if f.Community != "" {
		return f.Community
	}
	return head(f.Grid, 12)
}

// area is the longest area code known of the place.
func (f *Facts) area() string {
	for _, code := range []string{f.Grid, f.Community} {
		if code != "" {
			return code
		}
	}
	return f.Street
}

func head(s string, n int) string {
	if len(s) < n {
		return ""
	}
	return s[:n]
}

type valueType uint8

const (
	typeString valueType = iota + 1
	typeNumber
	typeBool
	typeAny // the answer to a facet question
)

// pin says what a condition on a variable fixes; it decides the rank of a rule (see Tier).
type pin uint8

const (
	pinOwner pin = 1 << iota
	pinArea
	pinItem
	pinMajor
)

type variable struct {
	typ valueType
	pin pin
	get func(*Facts) value
}

// value is one seen or wanted value; the zero value is "unknown". It is comparable and needs no heap.
type value struct {
	typ valueType
	s   string
	n   float64
	b   bool
}

func text(s string) value {
	if s == "" {
		return value{}
	}
	return value{typ: typeString, s: s}
}

func number(n int) value { return value{typ: typeNumber, n: float64(n)} }

var variables = map[string]variable{
	"matter":               {typeString, pinItem, func(f *Facts) value { return text(f.Matter) }},
	"major":                {typeString, pinMajor, func(f *Facts) value { return text(f.major()) }},
	"component":            {typeString, 0, func(f *Facts) value { return text(f.Component) }},
	"component.owner":      {typeString, pinOwner, func(f *Facts) value { return text(f.ComponentOwner) }},
	"component.maintainer": {typeString, pinOwner, func(f *Facts) value { return text(f.ComponentMaintainer) }},
	// The field of work (Lines) of these units: what a rule can say that is to hold in other districts too.
	"component.owner.line":      {typeString, pinOwner, func(f *Facts) value { return text(f.ownerLine) }},
	"component.maintainer.line": {typeString, pinOwner, func(f *Facts) value { return text(f.maintainerLine) }},
	"grid":                      {typeString, pinArea, func(f *Facts) value { return text(f.Grid) }},
	"community":                 {typeString, pinArea, func(f *Facts) value { return text(f.community()) }},
	"street":                    {typeString, pinArea, func(f *Facts) value { return text(f.street()) }},
	"land_use":                  {typeString, pinArea, func(f *Facts) value { return text(f.LandUse) }},
	"point":                     {0, pinArea, func(f *Facts) value { return value{} }}, // only for geo_within
	"source":                    {typeString, 0, func(f *Facts) value { return text(f.Source) }},
	"device.kind":               {typeString, 0, func(f *Facts) value { return text(f.DeviceKind) }},
	"level":                     {typeNumber, 0, func(f *Facts) value { return number(f.AlertLevel) }},
	"priority":                  {typeString, 0, func(f *Facts) value { return text(string(f.Priority)) }},
	"text":                      {typeString, 0, func(f *Facts) value { return text(f.Text) }},
	"mode":                      {typeString, 0, func(f *Facts) value { return text(f.Mode) }},
	"reporter_count":            {typeNumber, 0, func(f *Facts) value { return number(f.ReporterCount) }},
	"hour":                      {typeNumber, 0, func(f *Facts) value { return number(f.Hour) }},
	"is_workday":                {typeBool, 0, func(f *Facts) value { return value{typ: typeBool, b: f.IsWorkday} }},
}

// lookup finds a variable by name; "facets.<key>" reads the answer to a facet question.
func lookup(name string) (variable, bool) {
	if key, ok := strings.CutPrefix(name, "facets."); ok && key != "" {
		return variable{typ: typeAny, get: func(f *Facts) value { return scalar(f.Facets[key]) }}, true
	}
	v, ok := variables[name]
	return v, ok
}

// scalar brings a value from JSON or Go to a string, number or bool; anything else is unknown.
func scalar(v any) value {
	switch x := v.(type) {
	case string:
		return value{typ: typeString, s: x}
	case float64:
		return value{typ: typeNumber, n: x}
	case bool:
		return value{typ: typeBool, b: x}
	case int:
		return number(x)
	case int64:
		return value{typ: typeNumber, n: float64(x)}
	}
	return value{}
}

// appendTo writes the value as the trace shows it.
func (v value) appendTo(b []byte) []byte {
	switch v.typ {
	case typeString:
		return append(b, v.s...)
	case typeNumber:
		return strconv.AppendFloat(b, v.n, 'f', -1, 64)
	case typeBool:
		return strconv.AppendBool(b, v.b)
	}
	return append(b, "无"...)
}

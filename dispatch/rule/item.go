// Package rule answers "who is responsible, and why": the responsibility catalogue (499 matters and
// the components they concern), the typed decision rules and their deterministic evaluation with a trace.
//
// It is pure: no database, no clock, no network; its demo data is embedded. It does not own the
// organisation (a Directory is handed in), nor cases, clocks or calls — it only proposes them.
package rule

import (
	"regexp"

	"yixian/internal/fault"
	"yixian/internal/worktime"
)

// Kind tells a component (a thing with an owner) from a matter (something that happened).
type Kind string

const (
	KindComponent Kind = "component"
	KindMatter    Kind = "matter"
)

// The two sources of catalogue codes.
const (
	StandardNational = "GB/T 47678.5-2026"
	StandardLocal    = "YX-LOCAL"
)

// Level is the lowest level of government that can finish an item: COMMUNITY < STREET < DISTRICT < CITY.
type Level string

const (
	LevelCommunity Level = "COMMUNITY"
	LevelStreet    Level = "STREET"
	LevelDistrict  Level = "DISTRICT"
	LevelCity      Level = "CITY"
)

// Rank orders levels from 1 (COMMUNITY) to 4 (CITY); 0 is not a level.
func (l Level) Rank() int {
	switch l {
	case LevelCommunity:
		return 1
	case LevelStreet:
		return 2
	case LevelDistrict:
		return 3
	case LevelCity:
		return 4
	}
	return 0
}

// Priority runs from P1, most urgent, to P4, long-term or complex.
type Priority string

const (
	P1 Priority = "P1"
	P2 Priority = "P2"
	P3 Priority = "P3"
	P4 Priority = "P4"
)

// Valid reports whether p is one of P1–P4.
func (p Priority) Valid() bool { return p == P1 || p == P2 || p == P3 || p == P4 }

// Urgent reports whether p is more urgent than q; anything is more urgent than no priority.
func (p Priority) Urgent(q Priority) bool { return p.Valid() && (!q.Valid() || p < q) }

// Path says who gets the LEAD assignment: the territorial street first, or the department at once.
type Path string

const (
	PathStreetFirst Path = "STREET_FIRST"
	PathDirect      Path = "DIRECT"
)

// Sensitivity decides who may see the case and its reporter.
type Sensitivity string

const (
	SensPublic        Sensitivity = "PUBLIC"
	SensNormal        Sensitivity = "NORMAL"
	SensSensitive     Sensitivity = "SENSITIVE"
	SensWhistleblower Sensitivity = "WHISTLEBLOWER"
)

func (s Sensitivity) valid() bool {
	return s == SensPublic || s == SensNormal || s == SensSensitive || s == SensWhistleblower
}

// Stage is one promise of the handling: Name is a stable id (handle, guard, fix, stop, penalty, demolish,
// first_answer, verdict), Budget a worktime budget such as "4WH" (units NM NH ND WM WH WD).
type Stage struct {
	Name   string `json:"name"`
	Budget string `json:"budget"`
}

// SLA is the stages in order; the budget of the last one is the HANDLE budget of the case.
type SLA []Stage

// Handle is the HANDLE budget, "" when there are no stages.
func (s SLA) Handle() string {
	if len(s) == 0 {
		return ""
	}
	return s[len(s)-1].Budget
}

// Stage is the budget of a named stage; ok is false when there is none.
func (s SLA) Stage(name string) (budget string, ok bool) {
	for _, st := range s {
		if st.Name == name {
			return st.Budget, true
		}
	}
	return "", false
}

// Parsed is the budget as the calendar takes it; it cannot fail for a stage of a checked item or a compiled rule.
func (s Stage) Parsed() (worktime.Budget, error) { return worktime.ParseBudget(s.Budget) }

var codeForm = regexp.MustCompile(`^[0-9]{5}$`)

func (s SLA) valid() bool {
	for _, st := range s {
		if b, err := st.Parsed(); err != nil || b.N <= 0 || st.Name == "" {
			return false
		}
	}
	return true
}

// Item is a row of the responsibility catalogue. Matters 01–05 share the code of the component they
// concern; the pair (Kind, Code) is unique among the active items of a district.
type Item struct {
	District string `gorm:"primaryKey" json:"district"`
	Standard string `gorm:"primaryKey" json:"standard"`
	Kind     Kind   `gorm:"primaryKey" json:"kind"`
	Code     string `gorm:"primaryKey" json:"code"` // 2 digits of the major class, 3 of the minor

	Major       string `json:"major"`
	MajorName   string `json:"major_name"`
	MajorNameEN string `gorm:"column:major_name_en" json:"major_name_en"`
	Name        string `json:"name"`
	NameEN      string `gorm:"column:name_en" json:"name_en"`

	Level            Level    `json:"level"`
	LeadExpr         Expr     `json:"lead_expr"`
	AssistExpr       []Expr   `gorm:"serializer:json" json:"assist_expr"`
	NeedsEnforcement bool     `json:"needs_enforcement"`
	LegalBasis       []string `gorm:"serializer:json" json:"legal_basis"`

	Priority         Priority    `json:"priority"`
	SLA              SLA         `gorm:"column:sla;serializer:json" json:"sla"`
	FilingCondition  string      `json:"filing_condition"`
	ClosingCondition string      `json:"closing_condition"`
	CheckMode        CheckMode   `json:"check_mode"`
	VerifyBeforeFile bool        `json:"verify_before_file"`
	Sensitivity      Sensitivity `json:"sensitivity"`
	Path             Path        `json:"path"`

	Facets       []string `gorm:"serializer:json" json:"facets"` // keys of Facets()
	Synonyms     []string `gorm:"serializer:json" json:"synonyms"`
	ExcludeTerms []string `gorm:"serializer:json" json:"exclude_terms"`

	Public  bool `json:"public"` // residents may choose it; false: raised by devices and staff only
	Version int  `json:"version"`
	Active  bool `json:"active"`
}

// TableName is the table of the items.
func (Item) TableName() string { return "catalog_item" }

// Check refuses an item that could not be routed or promised; the pointer names the wrong field.
func (it *Item) Check() error {
	switch {
	case it.Kind != KindComponent && it.Kind != KindMatter:
		return fault.Invalid("/kind", "应为 component 或 matter")
	case !codeForm.MatchString(it.Code):
		return fault.Invalid("/code", "应为 5 位数字")
	case it.Major != it.Code[:2]:
		return fault.Invalid("/major", "应为编码 %s 的前两位", it.Code)
	case it.Name == "" || it.NameEN == "":
		return fault.Invalid("/name", "%s 缺少中文或英文名称", it.Code)
	case it.Level.Rank() == 0:
		return fault.Invalid("/level", "%s 的层级 %q 无效", it.Code, it.Level)
	case !it.Priority.Valid():
		return fault.Invalid("/priority", "%s 的优先级 %q 无效", it.Code, it.Priority)
	case len(it.SLA) == 0 || !it.SLA.valid():
		return fault.Invalid("/sla", "%s 的时限无效", it.Code)
	case !it.CheckMode.valid():
		return fault.Invalid("/check_mode", "%s 的核查方式 %q 无效", it.Code, it.CheckMode)
	case !it.Sensitivity.valid():
		return fault.Invalid("/sensitivity", "%s 的敏感级别 %q 无效", it.Code, it.Sensitivity)
	case it.Path != PathStreetFirst && it.Path != PathDirect:
		return fault.Invalid("/path", "%s 的派遣路径 %q 无效", it.Code, it.Path)
	}
	for _, e := range append([]Expr{it.LeadExpr}, it.AssistExpr...) {
		if e == "" && len(it.AssistExpr) == 0 {
			continue // no lead named: the street backstop
		}
		if _, err := parseExpr(e); err != nil {
			return fault.Invalid("/lead_expr", "%s：%s", it.Code, err)
		}
	}
	return nil
}

// Package rule answers "who is responsible, and why": the responsibility catalogue (499 matters and
// the components they concern), the typed decision rules and their deterministic evaluation with a trace.
//
// It is pure: no database, no clock, no network; its demo data is embedded. It does not own the
// organisation (a Directory is handed in), nor cases, clocks or calls — it only proposes them.
package rule

import (
	"time"

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

func (s SLA) valid() bool { return s.check("") == nil }

// Item is one version of a row of the responsibility catalogue. Matters 01–05 share the code of the component they
// concern; at any instant one version of (Kind, Code, Area) is in force in a district.
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
	Active  bool `json:"active"` // false: taken back before it took force

	// Area limits the item to a street (9 digits) or a community (12); "" is the whole district. The narrower item goes first.
	Area string `json:"area,omitempty"`
	// ValidFrom (inclusive) and ValidTo (exclusive) bound the version; nil is open.
	ValidFrom *time.Time `json:"valid_from,omitempty"`
	ValidTo   *time.Time `json:"valid_to,omitempty"`
}

// TableName is the table of the items.
func (Item) TableName() string { return "catalog_item" }

// InForce reports whether the version holds at an instant.
func (it *Item) InForce(at time.Time) bool {
	return it.Active && (it.ValidFrom == nil || !at.Before(*it.ValidFrom)) && (it.ValidTo == nil || at.Before(*it.ValidTo))
}

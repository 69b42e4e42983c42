package rule

import (
	"slices"
	"time"
)

// Status of a rule: ACTIVE decides, SHADOW is evaluated and traced but never decides, OFF is ignored.
type Status string

const (
	StatusActive Status = "ACTIVE"
	StatusShadow Status = "SHADOW"
	StatusOff    Status = "OFF"
)

// Source says where a rule comes from; incidents outrank precedents, precedents outrank everything written by hand.
type Source string

const (
	SourceIncident  Source = "INCIDENT"
	SourcePrecedent Source = "PRECEDENT"
	SourceManual    Source = "MANUAL"
	SourceCatalog   Source = "CATALOG"
)

// Rule is one row of the decision table.
type Rule struct {
	District string `gorm:"primaryKey" json:"district,omitempty"`
	ID       string `gorm:"primaryKey" json:"id"`
	Version  int    `gorm:"primaryKey" json:"version"`
	Status   Status `json:"status"`
	Source   Source `json:"source"`
	Title    string `json:"title"`

	// Scope is the area the rule holds in: a code of 6, 9, 12 or 15 digits, "" = everywhere.
	Scope string `json:"scope,omitempty"`
	// Tier overrides the tier read from the condition; meant for safety rules that must not be outranked
	// by an ordinary rule with a narrower condition.
	Tier     Tier `json:"tier,omitempty"`
	Priority int  `json:"priority"`

	When      Predicate  `gorm:"serializer:json" json:"when"`
	Cel       string     `json:"cel,omitempty"` // the advanced cell: a CEL expression that must hold besides When
	Then      Outcome    `gorm:"serializer:json" json:"then"`
	ValidFrom *time.Time `json:"valid_from,omitempty"` // inclusive
	ValidTo   *time.Time `json:"valid_to,omitempty"`   // exclusive
}

// TableName is the table of the rules.
func (Rule) TableName() string { return "rule" }

// Outcome is what a matched rule decides; an empty field leaves what the catalogue item says.
type Outcome struct {
	Lead        Expr          `json:"lead,omitempty"`
	Assists     []Expr        `json:"assists,omitempty"`
	Path        Path          `json:"path,omitempty"`
	Call        *ProposedCall `json:"call,omitempty"`
	Priority    Priority      `json:"priority,omitempty"`
	Level       Level         `json:"level,omitempty"`
	CheckMode   CheckMode     `json:"check_mode,omitempty"`
	SLA         SLA           `json:"sla,omitempty"`
	Sensitivity Sensitivity   `json:"sensitivity,omitempty"`
	LegalBasis  []string      `json:"legal_basis,omitempty"`
	Binding     bool          `json:"binding,omitempty"` // from an arbitration: the lead may not return the case
	Note        string        `json:"note,omitempty"`

	// VerifyWithin sends the grid's people to look, beside the lead, within this budget: "10NM".
	VerifyWithin string `json:"verify_within,omitempty"`

	// DisputeAfter names the stage of SLA at whose end the arbitrator is asked whose matter it is, unless it is settled by then.
	DisputeAfter string `json:"dispute_after,omitempty"`
}

// retarget is the outcome with every expression put through fix; "" stays.
func (o Outcome) retarget(fix func(Expr) Expr) Outcome {
	one := func(e Expr) Expr {
		if e == "" {
			return e
		}
		return fix(e)
	}
	list := func(es []Expr) []Expr {
		var out []Expr
		for _, e := range es {
			if e = one(e); !slices.Contains(out, e) { // two units may come to be one
				out = append(out, e)
			}
		}
		return out
	}
	o.Lead, o.Assists = one(o.Lead), list(o.Assists)
	if o.Call != nil {
		c := *o.Call
		c.Lead, c.Targets = one(c.Lead), list(c.Targets)
		o.Call = &c
	}
	return o
}

// CallLevel is how high a street calls.
type CallLevel string

const (
	CallL1 CallLevel = "L1"
	CallL2 CallLevel = "L2"
	CallL3 CallLevel = "L3"
)

// ProposedCall prepares the call button. Without Lead and Targets the outcome's Lead and Assists are called.
type ProposedCall struct {
	Level    CallLevel `json:"level"`
	Required bool      `json:"required,omitempty"` // the street cannot finish without this call
	Auto     bool      `json:"auto,omitempty"`     // the system calls on filing
	Lead     Expr      `json:"lead,omitempty"`
	Targets  []Expr    `json:"targets,omitempty"`
}

// Tier is the rank of a rule, strongest first. CATALOG is the catalogue's own lead: it decides where no
// rule for the item or its major does, before the street backstop.
type Tier string

const (
	TierIncident  Tier = "INCIDENT"
	TierPrecedent Tier = "PRECEDENT"
	TierOwner     Tier = "OWNER"     // decided by the component's owner or maintainer
	TierItemArea  Tier = "ITEM_AREA" // an item in an area (code, land use or geometry)
	TierItem      Tier = "ITEM"
	TierMajor     Tier = "MAJOR"
	TierCatalog   Tier = "CATALOG"
	TierFallback  Tier = "FALLBACK"
)

var tierRank = map[Tier]int{TierIncident: 0, TierPrecedent: 1, TierOwner: 2, TierItemArea: 3, TierItem: 4, TierMajor: 5, TierCatalog: 6, TierFallback: 7}

// tierOf reads the tier from the source and from what the condition fixes for certain.
func tierOf(r *Rule, p pins, lead expr) Tier {
	switch {
	case r.Source == SourceIncident:
		return TierIncident
	case r.Source == SourcePrecedent:
		return TierPrecedent
	case r.Tier != "":
		return r.Tier
	case p.flags&pinOwner != 0 || r.Then.Lead != "" && (lead.kind == exprOwner || lead.kind == exprMaintainer):
		return TierOwner
	case p.flags&pinItem != 0 && (p.flags&pinArea != 0 || r.Scope != ""):
		return TierItemArea
	case p.flags&pinItem != 0:
		return TierItem
	case p.flags&pinMajor != 0:
		return TierMajor
	}
	return TierFallback
}

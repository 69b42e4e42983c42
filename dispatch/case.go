// Package dispatch owns what happens: reports become cases, cases move through the lifecycle by one door
// (Desk.Do and Desk.Submit), clocks ring, evidence is chained. It knows where (grid), whom to tell (notify)
// and by which rule (dispatch/rule). It knows nothing of HTTP, and its decisions read no clock.
package dispatch

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Bytes is a bytea that travels inside the jsonb of a change as PostgreSQL writes it ("\\x…").
type Bytes []byte

// MarshalJSON writes "\\x" and hex digits, null for nil.
func (b Bytes) MarshalJSON() ([]byte, error) {
	if b == nil {
		return []byte("null"), nil
	}
	return json.Marshal(`\x` + hex.EncodeToString(b))
}

// UnmarshalJSON reads what MarshalJSON writes; null gives nil.
func (b *Bytes) UnmarshalJSON(in []byte) error {
	var s *string
	if err := json.Unmarshal(in, &s); err != nil || s == nil {
		return err
	}
	if !strings.HasPrefix(*s, `\x`) {
		return errors.New("dispatch: bytea without \\x")
	}
	out, err := hex.DecodeString((*s)[2:])
	*b = out
	return err
}

// Case is one matter at one place on its way through the lifecycle (table cases). version rises with every
// event of a person or change of state; head_seq with every event, reminders included.
type Case struct {
	District string    `json:"district" gorm:"primaryKey"`
	ID       uuid.UUID `json:"id" gorm:"primaryKey"`

	CaseNo   *string   `json:"case_no"`
	State    State     `json:"state"`
	Version  int       `json:"version"`
	HeadSeq  int64     `json:"head_seq"`
	HeadHash Bytes     `json:"head_hash"`
	LastAt   time.Time `json:"last_at"`

	Matter        string   `json:"matter"`
	Kind          string   `json:"kind"`
	GridCode      string   `json:"grid_code"`
	GridVersion   int      `json:"grid_version"`
	CommunityCode string   `json:"community_code"`
	StreetCode    string   `json:"street_code"`
	LandUse       string   `json:"land_use"`
	Lon           float64  `json:"lon"`
	Lat           float64  `json:"lat"`
	Datum         string   `json:"datum"`
	AccuracyM     *float64 `json:"accuracy_m"`
	Cell          int64    `json:"cell"`
	Address       string   `json:"address"`
	Component     string   `json:"component"` // id in the ledger of components, "" when none is known

	Priority    Priority `json:"priority"`
	Mode        string   `json:"mode"`
	Source      string   `json:"source"`
	Sensitivity string   `json:"sensitivity"`
	Drill       bool     `json:"drill"`
	Held        string   `json:"held"` // why a flood's report waited for a dispatcher, "" for all others

	Path string `json:"path"`

	IncidentID *uuid.UUID `json:"incident_id"`

	OwnerUnit     string `json:"owner_unit"`
	LeadUnit      string `json:"lead_unit"`
	FirstReceiver string `json:"first_receiver"`
	CheckUnit     string `json:"check_unit"`
	CheckMode     string `json:"check_mode"`
	SLABudget     string `json:"sla_budget"`

	Round         int `json:"round"`
	ReturnCount   int `json:"return_count"`
	ReopenCount   int `json:"reopen_count"`
	ReworkCount   int `json:"rework_count"`
	ReporterCount int `json:"reporter_count"`

	MasterCaseID       *uuid.UUID `json:"master_case_id"`
	Outcome            *string    `json:"outcome"`
	ResumeState        State      `json:"resume_state"`
	ResolvedFrom       State      `json:"resolved_from"`
	RuleID             string     `json:"rule_id"`
	NeedsCatalogReview bool       `json:"needs_catalog_review"`
	Queued             bool       `json:"queued"`
	Appealed           bool       `json:"appealed"`
	RejectedBy         *uuid.UUID `json:"rejected_by"`
	RejectedAt         *time.Time `json:"rejected_at"`
	Verdict            string     `json:"verdict"`
	NoContact          bool       `json:"no_contact"`
	IntakeAccount      *uuid.UUID `json:"intake_account"`
	FilingCondition    string     `json:"filing_condition"`
	ItemVersion        int        `json:"item_version"` // of the catalogue's item that the case was filed with, 0 before
	SelfHandled        bool       `json:"self_handled"`

	PromiseAt    *time.Time `json:"promise_at"`
	DueAt        *time.Time `json:"due_at"`
	DueKind      string     `json:"due_kind"`
	YellowAt     *time.Time `json:"yellow_at"`
	CreatedAt    time.Time  `json:"created_at"`
	UpdatedAt    time.Time  `json:"updated_at"`
	FiledAt      *time.Time `json:"filed_at"`
	DispatchedAt *time.Time `json:"dispatched_at"`
	DisputedAt   *time.Time `json:"disputed_at"`
	ResolvedAt   *time.Time `json:"resolved_at"`
	ClosedAt     *time.Time `json:"closed_at"`
	ArchivedAt   *time.Time `json:"archived_at"`
}

// TableName is cases: "case" is a word of SQL.
func (Case) TableName() string { return "cases" }

// Report is one submission; many reports may belong to one case.
type Report struct {
	District      string            `json:"district" gorm:"primaryKey"`
	ID            uuid.UUID         `json:"id" gorm:"primaryKey"`
	CaseID        uuid.UUID         `json:"case_id"`
	ReceiptCode   string            `json:"receipt_code"`
	ReporterID    *uuid.UUID        `json:"reporter_id"`
	AccountID     *uuid.UUID        `json:"account_id"`
	Device        *uuid.UUID        `json:"device"`
	Source        string            `json:"source"`
	OnBehalf      bool              `json:"on_behalf"`
	Anonymous     bool              `json:"anonymous"`
	NoContact     bool              `json:"no_contact"`
	Text          string            `json:"text"`
	Matter        string            `json:"matter"`
	Facets        map[string]string `json:"facets" gorm:"serializer:json"`
	Media         []string          `json:"media" gorm:"-"`
	Lon           float64           `json:"lon"`
	Lat           float64           `json:"lat"`
	ExternalRef   *string           `json:"external_ref"`
	PlaceCode     string            `json:"place_code"`
	OccurredAt    time.Time         `json:"occurred_at"`
	ReceivedAt    time.Time         `json:"received_at"`
	StandardRef   string            `json:"standard_ref"` // the standard of the code that was given, "" for the catalogue's own
	GivenCode     string            `json:"given_code"`   // as that standard writes it
	SubmissionKey string            `json:"submission_key"`
	PayloadHash   Bytes             `json:"payload_hash"`
	Answer        json.RawMessage   `json:"answer"`
	Alert         *AlertFacts       `json:"alert" gorm:"serializer:json"` // of a device's report
}

// Reporter is the sealed identity behind a report (table reporter_vault).
type Reporter struct {
	District  string     `json:"district" gorm:"primaryKey"`
	ID        uuid.UUID  `json:"id" gorm:"primaryKey"`
	AccountID *uuid.UUID `json:"account_id"`
	NameEnc   Bytes      `json:"name_enc"`
	PhoneEnc  Bytes      `json:"phone_enc"`
	PhoneBidx Bytes      `json:"phone_bidx"`
	CreatedAt time.Time  `json:"created_at"`
}

// TableName is reporter_vault.
func (Reporter) TableName() string { return "reporter_vault" }

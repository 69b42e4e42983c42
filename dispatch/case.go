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

// Assignment is a unit's duty in a case. Kinds: LEAD, ASSIST, COORDINATOR. States: OPEN (not signed), SIGNED,
// RESOLVED (waiting for the check), RETURNED, DONE, CANCELLED.
type Assignment struct {
	ID            uuid.UUID  `json:"id"`
	CaseID        uuid.UUID  `json:"case_id"`
	Unit          string     `json:"unit"`
	Kind          string     `json:"kind"`
	Round         int        `json:"round"`
	State         string     `json:"state"`
	ReceivedAt    time.Time  `json:"received_at"`
	SignedAt      *time.Time `json:"signed_at"`
	SignedBy      *uuid.UUID `json:"signed_by"`
	ContactedAt   *time.Time `json:"contacted_at"`
	ContactedBy   *uuid.UUID `json:"contacted_by"`
	ContactWaived bool       `json:"contact_waived"`
	ResolvedAt    *time.Time `json:"resolved_at"`
	ResolvedBy    *uuid.UUID `json:"resolved_by"`
	DueAt         *time.Time `json:"due_at"`
	ReturnUntil   *time.Time `json:"return_until"`
	EndedAt       *time.Time `json:"ended_at"`
	Binding       bool       `json:"binding"`
	ReworkCount   int        `json:"rework_count"`
	Task          string     `json:"task"`
}

// Active reports whether the assignment still owes something.
func (a *Assignment) Active() bool { return a.State == "OPEN" || a.State == "SIGNED" }

// Call is a street's call upward (一线呼叫). States: OPEN, ONSITE (lead target is there), WITHDRAWN, DONE.
type Call struct {
	ID            uuid.UUID  `json:"id"`
	CaseID        uuid.UUID  `json:"case_id"`
	Round         int        `json:"round"`
	Level         string     `json:"level"`
	Reason        string     `json:"reason"`
	CallerUnit    string     `json:"caller_unit"`
	CalledBy      *uuid.UUID `json:"called_by"`
	State         string     `json:"state"`
	CalledAt      time.Time  `json:"called_at"`
	Lon           float64    `json:"lon"`
	Lat           float64    `json:"lat"`
	AgreedTime    *time.Time `json:"agreed_time"`
	RemoteAllowed bool       `json:"remote_allowed"`
	InTime        bool       `json:"in_time"`
}

// CallTarget is one called unit with its two clocks.
type CallTarget struct {
	ID          uuid.UUID  `json:"id"`
	CallID      uuid.UUID  `json:"call_id"`
	CaseID      uuid.UUID  `json:"case_id"`
	Unit        string     `json:"unit"`
	IsLead      bool       `json:"is_lead"`
	AckDue      time.Time  `json:"ack_due"`
	AckedAt     *time.Time `json:"acked_at"`
	AckedBy     *uuid.UUID `json:"acked_by"`
	EtaAt       *time.Time `json:"eta_at"`
	CheckinDue  time.Time  `json:"checkin_due"`
	CheckedInAt *time.Time `json:"checked_in_at"`
	CheckedInBy *uuid.UUID `json:"checked_in_by"`
	Mode        string     `json:"mode"`
	DistanceM   *float64   `json:"distance_m"`
	Late        bool       `json:"late"`
	Withdrawn   bool       `json:"withdrawn"`
	Released    bool       `json:"released"`
}

// Clock is one running promise (table sla_clock). budget_s and used_s are working seconds when working is set.
// ladder holds the instants of 50/80/100/150/200 %, null where the kind does not ring or the rung has passed.
type Clock struct {
	ID        uuid.UUID    `json:"id"`
	CaseID    uuid.UUID    `json:"case_id"`
	Kind      ClockKind    `json:"kind"`
	OwnerType string       `json:"owner_type"`
	OwnerID   uuid.UUID    `json:"owner_id"`
	Unit      string       `json:"unit"`
	Round     int          `json:"round"`
	Budget    string       `json:"budget"`
	BudgetS   int64        `json:"budget_s"`
	UsedS     int64        `json:"used_s"`
	Working   bool         `json:"working"`
	State     string       `json:"state"`
	StartedAt time.Time    `json:"started_at"`
	PausedAt  *time.Time   `json:"paused_at"`
	StoppedAt *time.Time   `json:"stopped_at"`
	DueAt     *time.Time   `json:"due_at"`
	Level     int          `json:"level"`
	Ladder    []*time.Time `json:"ladder"`
	NextAt    *time.Time   `json:"next_at"`
}

// Event is one link of a case's evidence chain. fact is the exact text that is hashed.
type Event struct {
	Seq       int64     `json:"seq"`
	ID        uuid.UUID `json:"id"`
	At        time.Time `json:"at"`
	Actor     string    `json:"actor"`
	Role      string    `json:"role"`
	Unit      string    `json:"unit"`
	Action    Action    `json:"action"`
	FromState State     `json:"from_state"`
	ToState   State     `json:"to_state"`
	Version   int       `json:"version"`
	Fact      string    `json:"fact"`
	PrevHash  Bytes     `json:"prev_hash"`
	Hash      Bytes     `json:"hash"`
}

// Text is the erasable free text of an event; the fact keeps sha256(salt ‖ text).
type Text struct {
	Seq   int64  `json:"seq"`
	Field string `json:"field"`
	Salt  Bytes  `json:"salt"`
	Text  string `json:"text"`
}

// Rating is a reporter's answer after closing, one per report and round.
type Rating struct {
	ID        uuid.UUID `json:"id"`
	CaseID    uuid.UUID `json:"case_id"`
	ReportID  uuid.UUID `json:"report_id"`
	Round     int       `json:"round"`
	Contacted *bool     `json:"contacted"`
	Resolved  bool      `json:"resolved"`
	Grade     int       `json:"grade"`
	Channel   string    `json:"channel"`
	RatedAt   time.Time `json:"rated_at"`
	Valid     bool      `json:"valid"`
	Unit      string    `json:"unit"`
}

// Return is one bounded return of an assignment (退单). verdict: "", FOUNDED, UNFOUNDED.
type Return struct {
	ID            uuid.UUID `json:"id"`
	CaseID        uuid.UUID `json:"case_id"`
	AssignmentID  uuid.UUID `json:"assignment_id"`
	Unit          string    `json:"unit"`
	SuggestedUnit string    `json:"suggested_unit"`
	LegalBasis    string    `json:"legal_basis"`
	Reason        string    `json:"reason"`
	Verdict       string    `json:"verdict"`
	At            time.Time `json:"at"`
}

// Request is something that waits for a second person. Kinds: SUSPEND, EXTEND, CALL (proposed by a community), REOPEN
// (beyond the bound) are approved or declined; SUPERVISE and INTERIM (make safe while it is disputed) are replied to; SPOT
// is a check of the district by sample.
type Request struct {
	ID          uuid.UUID  `json:"id"`
	CaseID      uuid.UUID  `json:"case_id"`
	Kind        string     `json:"kind"`
	Unit        string     `json:"unit"`
	RequestedBy *uuid.UUID `json:"requested_by"`
	Reason      string     `json:"reason"`
	Budget      string     `json:"budget"`
	ResumeAt    *time.Time `json:"resume_at"`
	State       string     `json:"state"`
	DecidedBy   *uuid.UUID `json:"decided_by"`
	DecidedAt   *time.Time `json:"decided_at"`
	CreatedAt   time.Time  `json:"created_at"`

	Proposal json.RawMessage `json:"proposal"` // the body of the call that a community proposes; null for other kinds
}

// Result is what the handling unit says it did: the four elements (受理时间、与谁沟通、措施、时限) and photos.
type Result struct {
	ID         uuid.UUID  `json:"id"`
	CaseID     uuid.UUID  `json:"case_id"`
	Round      int        `json:"round"`
	Unit       string     `json:"unit"`
	ResolvedBy *uuid.UUID `json:"resolved_by"`
	Outcome    string     `json:"outcome"`
	AcceptedAt *time.Time `json:"accepted_at"`
	TalkedTo   string     `json:"talked_to"`
	Measures   string     `json:"measures"`
	TimeLimit  string     `json:"time_limit"`
	Media      []string   `json:"media"`
	At         time.Time  `json:"at"`
}

// Check is a verdict on handling by a different person of a different unit (核查).
type Check struct {
	ID        uuid.UUID  `json:"id"`
	CaseID    uuid.UUID  `json:"case_id"`
	Round     int        `json:"round"`
	Kind      string     `json:"kind"`
	Verdict   string     `json:"verdict"`
	CheckedBy *uuid.UUID `json:"checked_by"`
	Unit      string     `json:"unit"`
	Method    string     `json:"method"`
	DistanceM *float64   `json:"distance_m"`
	Media     []string   `json:"media"`
	At        time.Time  `json:"at"`
}

// Handler is a person who handled in a round: resolved, checked in, consulted or did an ASSIST task.
type Handler struct {
	Round     int       `json:"round"`
	AccountID uuid.UUID `json:"account_id"`
	Unit      string    `json:"unit"`
	How       string    `json:"how"`
}

// Party is a unit's claim to see the case; open while it owes something.
type Party struct {
	Unit string `json:"unit"`
	Open bool   `json:"open"`
}

// RouteRecord is a stored routing decision with its trace.
type RouteRecord struct {
	Seq      int64           `json:"seq"`
	At       time.Time       `json:"at"`
	Decision json.RawMessage `json:"decision"`
}

// QR is a one-time check-in code of a call, valid 60 s.
type QR struct {
	TokenHash Bytes      `json:"token_hash"`
	CallID    uuid.UUID  `json:"call_id"`
	CaseID    uuid.UUID  `json:"case_id"`
	IssuedBy  uuid.UUID  `json:"issued_by"`
	ExpiresAt time.Time  `json:"expires_at"`
	UsedAt    *time.Time `json:"used_at"`
}

// UnitRating is a calling street's opinion of a department after closing, grade 1–5.
type UnitRating struct {
	ID      uuid.UUID `json:"id"`
	CaseID  uuid.UUID `json:"case_id"`
	Round   int       `json:"round"`
	Unit    string    `json:"unit"`
	Street  string    `json:"street"`
	RatedBy uuid.UUID `json:"rated_by"`
	Grade   int       `json:"grade"`
	RatedAt time.Time `json:"rated_at"`
}

// Follower is a resident who follows somebody else's report.
type Follower struct {
	AccountID  uuid.UUID `json:"account_id"`
	ReportID   uuid.UUID `json:"report_id"`
	FollowedAt time.Time `json:"followed_at"`
}

// Callback is one attempt to reach a reporter who has not rated. Results: REACHED (a rating goes with it), UNREACHABLE,
// INVALID (the third in vain: nothing is counted).
type Callback struct {
	ID       uuid.UUID `json:"id"`
	ReportID uuid.UUID `json:"report_id"`
	Round    int       `json:"round"`
	Attempt  int       `json:"attempt"`
	Result   string    `json:"result"`
	CalledBy uuid.UUID `json:"called_by"`
	CalledAt time.Time `json:"called_at"`
}

// Reveal is one look at a reporter's name or phone.
type Reveal struct {
	ID        uuid.UUID `json:"id"`
	Seq       int64     `json:"seq"`
	ReportID  uuid.UUID `json:"report_id"`
	Round     int       `json:"round"`
	AccountID uuid.UUID `json:"account_id"`
	Role      string    `json:"role"`
	Unit      string    `json:"unit"`
	Field     string    `json:"field"`
	Reason    string    `json:"reason"`
	At        time.Time `json:"at"`
}

// Quota counts a reveal against an officer's day (tenant-local date).
type Quota struct {
	AccountID uuid.UUID `json:"account_id"`
	Day       string    `json:"day"`
	Most      int       `json:"most"`
}

package dispatch

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

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
	Handler       *uuid.UUID `json:"handler"` // whom the unit gave it to
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

// Handler is a person who handled in a round: resolved, checked in, consulted or did an ASSIST task.
type Handler struct {
	Round     int       `json:"round"`
	AccountID uuid.UUID `json:"account_id"`
	Unit      string    `json:"unit"`
	How       string    `json:"how"`
}

// Party is a unit's claim to see the case; open while it owes something. DueAt is when the case is due, once more: a unit's
// list is read from its claims in that order.
type Party struct {
	Unit  string     `json:"unit"`
	Open  bool       `json:"open"`
	DueAt *time.Time `json:"due_at"`
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

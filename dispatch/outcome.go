package dispatch

import (
	"time"

	"github.com/google/uuid"
)

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

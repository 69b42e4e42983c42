package dispatch

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

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

// RouteRecord is a stored routing decision with its trace.
type RouteRecord struct {
	Seq      int64           `json:"seq"`
	At       time.Time       `json:"at"`
	Decision json.RawMessage `json:"decision"`
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

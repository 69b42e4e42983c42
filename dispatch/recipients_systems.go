package dispatch

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"

	"yixian/notify"
)

// stateChange is what other systems are told of a case: where it stands, never a person's data or words (domain 4g).
type stateChange struct {
	ID           uuid.UUID  `json:"id"` // of the event: the same one twice is one
	Kind         Action     `json:"kind"`
	At           time.Time  `json:"at"`
	CaseID       uuid.UUID  `json:"case_id"`
	CaseNo       string     `json:"case_no,omitempty"`
	ExternalRefs []string   `json:"external_refs,omitempty"` // the partner's own ids of it
	FromState    State      `json:"from_state,omitempty"`
	State        State      `json:"state"`
	Version      int        `json:"version"`
	Matter       string     `json:"matter,omitempty"`
	Unit         string     `json:"unit,omitempty"`
	Outcome      string     `json:"outcome,omitempty"`
	PromiseAt    *time.Time `json:"promise_at,omitempty"`
}

// toSystems tells every change of state to the partners that own an external id of the case, and to whoever the district lets
// hear of all cases. A drill is nobody's business outside.
func (t *teller) toSystems() {
	e, c := &t.h.event, &t.v.Case
	if e.FromState == e.ToState || c.Drill {
		return
	}
	refs := map[uuid.UUID][]string{}
	for i := range t.v.Reports {
		if r := &t.v.Reports[i]; r.AccountKind == "PARTNER" && r.Account != nil && r.External != "" {
			refs[*r.Account] = append(refs[*r.Account], r.External)
		}
	}
	change := stateChange{ID: e.ID, Kind: e.Action, At: e.At, CaseID: t.h.caseID, FromState: e.FromState, State: e.ToState, Version: e.Version, Matter: c.Matter, Unit: c.LeadUnit, PromiseAt: c.PromiseAt}
	if c.CaseNo != nil {
		change.CaseNo = *c.CaseNo
	}
	if c.Outcome != nil {
		change.Outcome = *c.Outcome
	}
	t.toSystem(nil, change)
	for partner, own := range refs {
		slices.Sort(own)
		change.ExternalRefs = own
		t.toSystem(&partner, change)
	}
}

func (t *teller) toSystem(partner *uuid.UUID, change stateChange) {
	raw, err := json.Marshal(change)
	if err != nil {
		return // plain values
	}
	t.drafts = append(t.drafts, notify.Draft{District: t.h.district, EventID: t.h.event.ID, Event: "state_changed", Template: notify.Key("state_changed", "partner", notify.Webhook),
		Recipient: "webhooks", AccountID: partner, Channel: notify.Webhook, Body: string(raw), CaseID: &t.h.caseID})
}

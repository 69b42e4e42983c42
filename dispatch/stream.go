package dispatch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"yixian/internal/auth"
	"yixian/internal/pg"
)

// Notice is what live streams carry of an event: enough to know that a case moved and whom it may concern, nothing of
// what is in it. Units are the units with a claim to the case, Street, Community and Grid its place; a stream may drop
// early by them, but only InScope decides.
type Notice struct {
	District  string    `json:"district"`
	CaseID    uuid.UUID `json:"case_id"`
	EventID   uuid.UUID `json:"event_id"` // real-time UUIDv7: the id of the stream's event
	Kind      Action    `json:"kind"`
	Version   int       `json:"version"`
	State     State     `json:"state"`
	Units     []string  `json:"units,omitempty"`
	Street    string    `json:"street,omitempty"`
	Community string    `json:"community,omitempty"`
	Grid      string    `json:"grid,omitempty"`

	Known     bool        `json:"known,omitempty"`     // Reporters is the whole list
	Reporters []uuid.UUID `json:"reporters,omitempty"` // accounts whose reports the case holds
}

// Concerns is false only when a resident's account has no report in the case; nothing needs to be asked then.
func (n *Notice) Concerns(a auth.Actor) bool {
	return a.Kind != auth.Resident || !n.Known || slices.Contains(n.Reporters, a.Account)
}

func (h *happening) notice() Notice {
	n := Notice{District: h.district, CaseID: h.caseID, EventID: h.event.ID, Kind: h.event.Action, Version: h.event.Version, State: h.event.ToState}
	if h.view != nil {
		c := &h.view.Case
		n.Units, n.Street, n.Community, n.Grid, n.Known = h.view.Parties, c.StreetCode, c.CommunityCode, c.GridCode, true
		for i := range h.view.Reports {
			if at := h.view.Reports[i].Account; at != nil {
				n.Reporters = append(n.Reporters, *at)
			}
		}
	}
	return n
}

// streamOverlap is how far a catch-up reaches back: events become visible in the order of their commits, not of their
// ids, and a statement does not run that long.
const streamOverlap = 30 * time.Second

// Since is where a stream goes on.
type Since struct{ from uuid.UUID }

// SinceEvent goes on after the last event that a client has seen, 30 s earlier to be sure: the client ignores what it
// has. The zero id gives everything.
func SinceEvent(last uuid.UUID) Since { return SinceTime(eventTime(last)) }

// SinceTime goes on at a real instant, 30 s earlier to be sure.
func SinceTime(at time.Time) Since {
	at = at.Add(-streamOverlap)
	if at.UnixMilli() <= 0 {
		return Since{}
	}
	return Since{uuid7(at, make([]byte, 16))}
}

// Next is the page after one that was full: nothing is read twice.
func Next(n Notice) Since {
	id := n.EventID
	for i := len(id) - 1; i >= 0; i-- { // the smallest id above it
		if id[i]++; id[i] != 0 {
			break
		}
	}
	return Since{id}
}

// eventTime is the instant inside a UUIDv7.
func eventTime(id uuid.UUID) time.Time {
	ms := int64(id[0])<<40 | int64(id[1])<<32 | int64(id[2])<<24 | int64(id[3])<<16 | int64(id[4])<<8 | int64(id[5])
	return time.UnixMilli(ms)
}

// sight is the predicate (alias c) of a stream's reader: staff by their scope, residents by their own reports, nobody else.
func sight(a auth.Actor, n int) (string, []any) {
	if a.Kind != auth.Resident {
		return scope(a, n)
	}
	return fmt.Sprintf("exists (select 1 from report r where r.district = c.district and r.case_id = c.id and r.account_id = $%d)", n), []any{a.Account}
}

// StreamSince reads the events that the actor may know of, in the order of their ids, at most limit (1–500). A full
// page means that there may be more: go on from Next of the last one, or load the screen anew.
func (k *Desk) StreamSince(ctx context.Context, a auth.Actor, since Since, limit int) ([]Notice, error) {
	if limit < 1 || limit > 500 {
		limit = 500
	}
	cond, more := sight(a, 4)
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), `select e.case_id, e.id, e.action, e.version, e.to_state
		from case_event e join cases c on c.district = e.district and c.id = e.case_id
		where e.district = $1 and e.id >= $2 and `+cond+` order by e.id limit $3`, append([]any{a.District, since.from, limit}, more...)...)
	if err != nil {
		return nil, pg.Fault(err)
	}
	defer rows.Close()
	out := []Notice{}
	for rows.Next() {
		n := Notice{District: a.District}
		if err := rows.Scan(&n.CaseID, &n.EventID, &n.Kind, &n.Version, &n.State); err != nil {
			return nil, pg.Fault(err)
		}
		out = append(out, n)
	}
	return out, pg.Fault(rows.Err())
}

// Sight names what an actor may know of live: two actors with the same sight see the same. It is "" for a resident, who sees their own.
func Sight(a auth.Actor) string {
	if a.Kind == auth.Resident {
		return ""
	}
	cond, args := scope(a, 1)
	return fmt.Sprintf("%s %s %q", a.District, cond, args)
}

// InScope says, for a batch of live notices, which of the cases the actor may know of. Cases that are not in the answer
// are not theirs.
func (k *Desk) InScope(ctx context.Context, a auth.Actor, cases []uuid.UUID) (map[uuid.UUID]bool, error) {
	out := map[uuid.UUID]bool{}
	cond, more := sight(a, 3)
	if len(cases) == 0 || cond == "false" {
		return out, nil
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), `select c.id from cases c where c.district = $1 and c.id = any($2) and `+cond,
		append([]any{a.District, cases}, more...)...)
	if err != nil {
		return nil, pg.Fault(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id uuid.UUID
		if err := rows.Scan(&id); err != nil {
			return nil, pg.Fault(err)
		}
		out[id] = true
	}
	return out, pg.Fault(rows.Err())
}

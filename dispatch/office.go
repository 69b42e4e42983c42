package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/pg"
	"yixian/internal/seal"
)

// OfficeEvent is one link of the chain of a thing that is not a case: an incident or a card. Its fact has the form and the
// hash of a case's (the member "case" holds the thing's id), so that one verifier walks all chains.
type OfficeEvent struct {
	Thing     uuid.UUID `json:"thing"`
	Seq       int64     `json:"seq"`
	At        time.Time `json:"at"`
	Actor     string    `json:"actor"`
	Role      string    `json:"role"`
	Unit      string    `json:"unit"`
	Action    string    `json:"action"`
	FromState string    `json:"from_state"`
	ToState   string    `json:"to_state"`
	Version   int       `json:"version"`
	Fact      string    `json:"fact"`
	PrevHash  Bytes     `json:"prev_hash"`
	Hash      Bytes     `json:"hash"`

	ActorName string `json:"-"`
}

// Head is the end of such a chain, as the thing's own row carries it.
type Head struct {
	State    string    `json:"state"`
	Version  int       `json:"version"`
	HeadSeq  int64     `json:"head_seq"`
	HeadHash Bytes     `json:"head_hash"`
	LastAt   time.Time `json:"last_at"`
}

// link appends to the chain of a thing and moves it to a state ("" keeps it).
func (h *Head) link(district string, thing uuid.UUID, a auth.Actor, as standing, action, to string, now time.Time, facts data) OfficeEvent {
	if h.HeadSeq == 0 {
		start := seal.ChainStart(district, thing.String())
		h.HeadHash = start[:]
	}
	from := h.State
	if to == "" {
		to = from
	}
	if now.Before(h.LastAt) {
		now = h.LastAt
	}
	if facts == nil {
		facts = data{}
	}
	h.Version++
	h.HeadSeq++
	fact := string(encode(Fact{V: 1, District: district, Case: thing.String(), Seq: h.HeadSeq, At: now.UTC().Format(factTime), Actor: a.ID(), Role: string(as.Role), Unit: as.Unit,
		Action: Action(action), From: State(from), To: State(to), Version: h.Version, Data: encode(facts)}))
	e := OfficeEvent{Thing: thing, Seq: h.HeadSeq, At: now, Actor: a.ID(), Role: string(as.Role), Unit: as.Unit, Action: action, FromState: from, ToState: to, Version: h.Version,
		Fact: fact, PrevHash: h.HeadHash, Hash: seal.ChainNext(h.HeadHash, fact)}
	h.HeadHash, h.LastAt, h.State = e.Hash, now, to
	return e
}

// officeEventSQL writes the event of the statement's parameter p beside the row c that it guards.
const officeEventSQL = `insert into office_event (district, thing, seq, at, actor, role, unit, action, from_state, to_state, version, fact, prev_hash, hash)
 select c.district, c.id, r.seq, r.at, r.actor, r.role, r.unit, r.action, r.from_state, r.to_state, r.version, r.fact, r.prev_hash, r.hash from c, p, jsonb_populate_record(null::office_event, p.j->'event') r`

// Once names a request that may be repeated: the same key with the same content gets the first answer again.
type Once struct {
	Key  string
	Hash []byte
}

// first gives the answer stored for a key; nil when there is none yet, 422 IDEMPOTENCY_MISMATCH for other content.
func (k *Desk) first(ctx context.Context, a auth.Actor, once Once) (json.RawMessage, error) {
	return first(ctx, k.db.Pool, a, once)
}

func first(ctx context.Context, q querier, a auth.Actor, once Once) (json.RawMessage, error) {
	if once.Key == "" {
		return nil, nil
	}
	var hash, answer []byte
	err := q.QueryRow(ctx, "select payload_hash, answer from idempotency where district = $1 and actor = $2 and key = $3", a.District, a.ID(), once.Key).Scan(&hash, &answer)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, pg.Fault(err)
	case string(hash) != string(once.Hash):
		return nil, mismatch()
	}
	return answer, nil
}

// onceSQL stores the answer with its key in the statement that acts: $4 actor, $5 key (null: none), $6 hash, $7 answer.
const onceSQL = `insert into idempotency (district, actor, key, payload_hash, status, answer) select c.district, $4, $5, $6, 200, $7::jsonb from c where $5::text is not null`

func (o Once) args(a auth.Actor, answer []byte) []any {
	var key *string
	if o.Key != "" {
		key = &o.Key
	}
	return []any{a.ID(), key, o.Hash, answer}
}

// officeEvents is the whole chain of an incident or a card; both are short by their nature.
func (k *Desk) officeEvents(ctx context.Context, district string, thing uuid.UUID) ([]OfficeEvent, error) {
	rows, err := k.db.Pool.Query(ctx, `select e.thing, e.seq, e.at, e.actor, e.role, e.unit, e.action, e.from_state, e.to_state, e.version, e.fact, e.prev_hash, e.hash, coalesce(a.display_name, '')
		from office_event e left join account a on a.district = e.district and a.id::text = e.actor where e.district = $1 and e.thing = $2 order by e.seq`, district, thing)
	if err != nil {
		return nil, pg.Fault(err)
	}
	out := []OfficeEvent{}
	var e OfficeEvent
	_, err = pgx.ForEachRow(rows, []any{&e.Thing, &e.Seq, &e.At, &e.Actor, &e.Role, &e.Unit, &e.Action, &e.FromState, &e.ToState, &e.Version, &e.Fact, &e.PrevHash, &e.Hash, &e.ActorName}, func() error {
		out = append(out, e)
		e.PrevHash, e.Hash = nil, nil
		return nil
	})
	return out, pg.Fault(err)
}

package dispatch

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"yixian/internal/pg"
	"yixian/internal/seal"
)

// Broken is the first event of a case that does not fit its chain.
type Broken struct {
	District, Case string
	Seq            int64
	Reason         string
	Expected, Got  string // hashes, hex
}

func (b *Broken) Error() string {
	return fmt.Sprintf("case %s of district %s, event %d: %s (expected %s, got %s)", b.Case, b.District, b.Seq, b.Reason, b.Expected, b.Got)
}

// Verified counts what was checked.
type Verified struct{ Cases, Events int64 }

// VerifyChains walks every chain (of one district when given), of cases, incidents and cards, and returns the first break. It checks the hashes,
// that the columns say what the hashed fact says, that time never runs back, that the head on the case row is
// the last event, and that the events, replayed, give the case row. It reads only; the pool's role must see the districts asked for (engine).
func VerifyChains(ctx context.Context, db *pg.DB, district string) (Verified, error) {
	var v Verified
	if district != "" {
		ctx = pg.WithDistrict(ctx, district)
	}
	tx, err := db.Pool.Begin(ctx)
	if err != nil {
		return v, pg.Fault(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if _, err := tx.Exec(ctx, "set transaction isolation level repeatable read, read only"); err != nil {
		return v, err
	}
	if _, err := tx.Exec(ctx, "set local statement_timeout = 0"); err != nil {
		return v, err
	}
	return verifyChains(ctx, tx, district)
}

func verifyChains(ctx context.Context, tx pgx.Tx, district string) (v Verified, err error) {
	if err := v.walk(ctx, tx, caseChainsSQL, district, false); err != nil {
		return v, err
	}
	if err := v.walk(ctx, tx, officeChainsSQL, district, true); err != nil {
		return v, err
	}
	// No foreign key holds the case of an event (migrations/00002): a case that was taken out by hand shows here.
	var orphan Broken
	err = tx.QueryRow(ctx, `select e.district, e.case_id::text, e.seq from case_event e where ($1 = '' or e.district = $1)
		and not exists (select from cases c where c.district = e.district and c.id = e.case_id) order by e.district, e.case_id, e.seq limit 1`, district).Scan(&orphan.District, &orphan.Case, &orphan.Seq)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return v, nil
	case err != nil:
		return v, pg.Fault(err)
	}
	orphan.Reason = "the case of this event is gone"
	return v, &orphan
}

const caseChainsSQL = `select c.district, c.id::text, c.head_seq, c.head_hash, c.state, c.version, e.seq, e.at, e.actor, e.role, e.unit, e.action, e.from_state, e.to_state, e.version, e.fact, e.prev_hash, e.hash, case when e.seq = 1 then to_jsonb(c) end
	from cases c left join case_event e on e.district = c.district and e.case_id = c.id where $1 = '' or c.district = $1 order by c.district, c.id, e.seq`

// officeChainsSQL are the chains of incidents and cards: the supervisors' own acts.
const officeChainsSQL = `select c.district, c.id::text, c.head_seq, c.head_hash, c.state, c.version, e.seq, e.at, e.actor, e.role, e.unit, e.action, e.from_state, e.to_state, e.version, e.fact, e.prev_hash, e.hash, null::jsonb
	from (select district, id, head_seq, head_hash, state, version from incident union all select district, id, head_seq, head_hash, state, version from card) c
	left join office_event e on e.district = c.district and e.thing = c.id where $1 = '' or c.district = $1 order by c.district, c.id, e.seq`

// walk checks the chains that a query gives, ordered by thing and seq. office: they are no cases, so their events do not
// give a case row.
func (v *Verified) walk(ctx context.Context, tx pgx.Tx, sql, district string, office bool) error {
	rows, err := tx.Query(ctx, sql, district)
	if err != nil {
		return pg.Fault(err)
	}
	defer rows.Close()
	var cur chain
	for rows.Next() {
		var r chainRow
		if err := rows.Scan(&r.district, &r.id, &r.headSeq, &r.headHash, &r.caseState, &r.caseVersion, &r.seq, &r.at, &r.actor, &r.role, &r.unit, &r.action, &r.from, &r.to, &r.version, &r.fact, &r.prev, &r.hash, &r.row); err != nil {
			return err
		}
		if r.id != cur.id || r.district != cur.district {
			if b := cur.end(); b != nil {
				return b
			}
			cur = newChain(&r)
			if cur.office = office; !office {
				v.Cases++
			}
		}
		if b := cur.next(&r); b != nil {
			return b
		}
		if !office {
			v.Events++
		}
	}
	if err := rows.Err(); err != nil {
		return pg.Fault(err)
	}
	if b := cur.end(); b != nil {
		return b
	}
	return nil
}

type chainRow struct {
	district, id                        string
	headSeq                             int64
	headHash                            []byte
	caseState                           string
	caseVersion                         int
	seq                                 *int64
	at                                  *time.Time
	actor, role, unit, action, from, to *string
	version                             *int
	fact                                *string
	prev, hash, row                     []byte
}

// chain replays one case's facts.
type chain struct {
	district, id string
	head         chainRow
	seq          int64
	hash         []byte
	at           time.Time
	state        State
	version      int
	replay       replay
	row          Case // as the database has it
	office       bool // of an incident or a card: no row to be replayed
}

func newChain(r *chainRow) chain {
	start := seal.ChainStart(r.district, r.id)
	return chain{district: r.district, id: r.id, head: *r, hash: start[:]}
}

func (c *chain) broken(seq int64, reason string, expected, got []byte) *Broken {
	return &Broken{District: c.district, Case: c.id, Seq: seq, Reason: reason, Expected: hex.EncodeToString(expected), Got: hex.EncodeToString(got)}
}

func (c *chain) next(r *chainRow) *Broken {
	if r.seq == nil {
		return c.broken(1, "the case has no events", c.head.headHash, nil)
	}
	want := seal.ChainNext(c.hash, *r.fact)
	switch {
	case *r.seq != c.seq+1:
		return c.broken(c.seq+1, "an event is missing", nil, nil)
	case !bytes.Equal(r.prev, c.hash):
		return c.broken(*r.seq, "does not follow the event before it", c.hash, r.prev)
	case !bytes.Equal(r.hash, want):
		return c.broken(*r.seq, "the fact was changed", want, r.hash)
	case r.at.Before(c.at):
		return c.broken(*r.seq, "time runs back", nil, nil)
	}
	f, _ := factOf(*r.fact)
	if f.V != 1 || f.District != c.district || f.Case != c.id || f.Seq != *r.seq || f.At != r.at.UTC().Format(factTime) || f.Actor != *r.actor || f.Role != *r.role ||
		f.Unit != *r.unit || string(f.Action) != *r.action || string(f.From) != *r.from || string(f.To) != *r.to || f.Version != *r.version {
		return c.broken(*r.seq, "a column says something else than the hashed fact", want, r.hash)
	}
	if f.From != c.state {
		return c.broken(*r.seq, "the state before does not match", nil, nil)
	}
	if r.row != nil {
		if err := json.Unmarshal(r.row, &c.row); err != nil {
			return c.broken(*r.seq, "the case row cannot be read", nil, nil)
		}
	}
	if c.office {
		c.seq, c.hash, c.at, c.state, c.version = *r.seq, r.hash, *r.at, f.To, f.Version
		return nil
	}
	if err := c.replay.next(&Event{Seq: *r.seq, At: *r.at, Fact: *r.fact, Hash: r.hash}); err != nil {
		return c.broken(*r.seq, "cannot be replayed: "+err.Error(), nil, nil)
	}
	c.seq, c.hash, c.at, c.state, c.version = *r.seq, r.hash, *r.at, f.To, f.Version
	return nil
}

// end compares the last event with the head that the case row carries.
func (c *chain) end() *Broken {
	if c.id == "" {
		return nil
	}
	if c.head.headSeq != c.seq || !bytes.Equal(c.head.headHash, c.hash) {
		return c.broken(c.seq, "the head of the case is not its last event", c.hash, c.head.headHash)
	}
	if State(c.head.caseState) != c.state || c.head.caseVersion != c.version {
		return c.broken(c.seq, "the case row is not where its last event left it", nil, nil)
	}
	if c.office {
		return nil
	}
	if column := c.replay.differs(&c.row); column != "" {
		return c.broken(c.seq, "the events, replayed, do not give the case row's "+column, nil, nil)
	}
	return nil
}

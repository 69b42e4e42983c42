package dispatch

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
)

// A history is what 64 people did at once to a few cases and what each was answered. It is linearizable when there is an
// order of all of it, respecting who had an answer before whom began, in which one case after the other would have
// answered the same: a success moves the case from the version it was decided upon, along the table; a refusal changes nothing, and WRONG_STATE names the
// state that was; whoever asked for a version succeeds on that version only; the same key twice is answered with
// what it was answered first, and nothing happens twice.

// asked is one operation of a history: an action, or a look (Action "").
type asked struct {
	Case    uuid.UUID
	Action  Action
	Version int    // asked for; 0: none
	Key     string // idempotency key; "": none
}

// answered is what it was answered.
type answered struct {
	Code     string // of a refusal
	Was      int    // the version that a success was decided upon
	State    State  // after a success; of a look, or as WRONG_STATE tells it: as it is
	Version  int
	Replayed bool
}

// standingAt is the model: where a case stands, and what keys have been answered.
type standingAt struct {
	state   State
	version int
	keys    string // " key=version" each
}

var legalMoves = sync.OnceValue(moves)

// says: an answer that binds the order. A refusal for who somebody is, or STALE to somebody who named no version, is right at any
// moment and changes nothing: it is left out, because the checker would try it at every moment.
func says(op porcupine.Operation) bool {
	in, out := op.Input.(asked), op.Output.(answered)
	return out.Code == "" || out.Code == "WRONG_STATE" || out.Code == "STALE" && in.Version > 0
}

// caseModel knows nothing of the code under test but the table of the lifecycle.
var caseModel = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		by := map[uuid.UUID][]porcupine.Operation{}
		for _, op := range history {
			by[op.Input.(asked).Case] = append(by[op.Input.(asked).Case], op)
		}
		var out [][]porcupine.Operation
		for _, ops := range by {
			out = append(out, ops)
		}
		return out
	},
	Init: func() any { return standingAt{} },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(standingAt), input.(asked), output.(answered)
		if s.version == 0 { // the case as it was submitted: the first operation of each partition
			return in.Action == ActSubmit, standingAt{state: out.State, version: out.Version}
		}
		done := fmt.Sprintf(" %s=%d", in.Key, out.Version)
		switch {
		case in.Action == "":
			return out.State == s.state && out.Version == s.version, s
		case out.Replayed:
			return in.Key != "" && strings.Contains(s.keys+" ", done+" "), s
		case out.Code == "STALE":
			return in.Version == 0 || in.Version != s.version, s
		case out.Code == "WRONG_STATE":
			return out.State == s.state && out.Version == s.version, s
		case out.Code != "":
			return true, s
		}
		legal := out.Was == s.version && out.Version > s.version && (in.Version == 0 || in.Version == s.version) &&
			(in.Key == "" || !strings.Contains(s.keys, " "+in.Key+"=")) && (out.State == s.state || legalMoves()[[2]State{s.state, out.State}])
		s.state, s.version = out.State, out.Version
		if in.Key != "" {
			s.keys += done
		}
		return legal, s
	},
}

// crowdedDesk is a district with the photos and people that histories use again and again.
type crowdedDesk struct {
	*testDistrict
	names  []string
	actors map[string]auth.Actor
	clock  atomic.Int64
}

func newCrowdedDesk(t *testing.T) *crowdedDesk {
	t.Helper()
	d := &crowdedDesk{testDistrict: newDistrict(t), actors: map[string]auth.Actor{}}
	for _, s := range staffOf {
		d.names, d.actors[s.name] = append(d.names, s.name), d.actor(s.name)
	}
	return d
}

// history lets people act at once, each so many times, on three fresh cases, and gives what was asked and answered, and how often somebody won.
func (d *crowdedDesk) history(seed uint64, people, each int) (history []porcupine.Operation, won int) {
	d.t.Helper()
	now := d.now()
	var cases []uuid.UUID
	for i, matter := range []string{matterBuilding, matterLight, ""} {
		at := inJunmen
		if (int(seed)+i)%2 == 1 {
			at = inGarden
		}
		r := d.submit("lin", matter, at)
		cases = append(cases, r.CaseID)
		v := 3
		if matter == "" {
			v = 1
		}
		history = append(history, porcupine.Operation{ClientId: people, Input: asked{Case: r.CaseID, Action: ActSubmit}, Output: answered{State: r.CaseState, Version: v}, Call: d.clock.Add(1), Return: d.clock.Add(1)})
	}
	photo := func(name string) string { return fmt.Sprintf("h%d-%s", seed, name) }
	_, err := d.db.Engine.Pool.Exec(d.t.Context(), `insert into media (district, id, account_id, width, height, bytes, sha256) select $1, x.id, x.account, 1, 1, 1, '\x00' from unnest($2::text[], $3::uuid[]) x(id, account)`,
		grid.DemoDistrict, mapped(d.names, photo), mapped(d.names, func(n string) uuid.UUID { return d.actors[n].Account }))
	require.NoError(d.t, err)
	var mu sync.Mutex
	keep := func(op porcupine.Operation) {
		mu.Lock()
		defer mu.Unlock()
		history = append(history, op)
	}
	// The pool has 8 connections; who waits for more than the next one has not begun yet. Without the gate every operation would overlap
	// with 63 others, and the checker would have to try all their orders.
	gate := make(chan struct{}, 10)
	do := func(client int, a auth.Actor, id uuid.UUID, cmd Command) {
		gate <- struct{}{}
		defer func() { <-gate }()
		op := porcupine.Operation{ClientId: client, Input: asked{id, cmd.Action, 0, cmd.Key}, Call: d.clock.Add(1)}
		if cmd.Version != nil {
			op.Input = asked{id, cmd.Action, *cmd.Version, cmd.Key}
		}
		out, err := d.desk.Do(d.t.Context(), a, id, cmd, func(o *Outcome) (json.RawMessage, error) { return json.Marshal(o.Snapshot.Case.Version) })
		op.Return = d.clock.Add(1)
		switch f, ok := fault.As(err); {
		case err == nil && out.Replayed:
			var first int
			_ = json.Unmarshal(out.Answer, &first)
			op.Output = answered{Replayed: true, Version: first}
		case err == nil:
			op.Output = answered{Was: out.Was, State: out.Snapshot.Case.State, Version: out.Snapshot.Case.Version}
			mu.Lock()
			won++
			mu.Unlock()
		case ok && slices.Contains(refusals, f.Status):
			said := answered{Code: f.Code}
			if f.Code == "WRONG_STATE" {
				said.State, _ = f.Extra["state"].(State)
				said.Version, _ = f.Extra["version"].(int)
			}
			op.Output = said
		default:
			op.Output = answered{Code: "ERROR " + fmt.Sprint(err)}
		}
		keep(op)
	}
	var crowd sync.WaitGroup
	for person := range people {
		crowd.Go(func() {
			draw := rand.New(rand.NewPCG(seed, uint64(person)))
			for n := range each {
				name, id := d.names[draw.IntN(len(d.names))], cases[draw.IntN(len(cases))]
				if draw.IntN(4) > 0 {
					name = []string{"dispatcher", "dj-officer", "dj-leader", "js-officer", "junmen-officer", "supervisor"}[draw.IntN(6)]
				}
				a := d.actors[name]
				gate <- struct{}{}
				look := porcupine.Operation{ClientId: person, Input: asked{Case: id}, Call: d.clock.Add(1)}
				o, err := d.desk.View(d.t.Context(), a, id)
				look.Return = d.clock.Add(1)
				<-gate
				if err != nil {
					continue // not in their scope
				}
				look.Output = answered{State: o.Snapshot.Case.State, Version: o.Snapshot.Case.Version}
				if draw.IntN(4) == 0 { // all of them would bind no more and take the checker long
					keep(look)
				}
				act := commands()[draw.IntN(len(commands()))]
				if can := AllowedActions(o.Snapshot, a); len(can) > 0 && draw.IntN(6) > 0 {
					act = can[draw.IntN(len(can))]
				}
				if act == ActMerge {
					continue // it changes two cases: its own test
				}
				body := fullBody(act, o.Snapshot, now)
				if _, ok := body["media_ids"]; ok {
					body["media_ids"] = []string{photo(name)}
				}
				if draw.IntN(2) == 0 {
					body["version"] = o.Snapshot.Case.Version
				}
				cmd, err := command(act, body)
				if err != nil {
					d.t.Error(err)
					return
				}
				cmd.CaseNo, cmd.Master, cmd.Salt, cmd.Officer = "", nil, nil, nil // the door's own
				if draw.IntN(3) > 0 {
					do(person, a, id, cmd)
					continue
				}
				cmd.Key, cmd.Hash = fmt.Sprintf("k%d.%d.%d", seed, person, n), []byte{byte(n)}
				var twins sync.WaitGroup // the client lost patience and sent it again
				for twin := range 2 {
					twins.Go(func() { do(person+1000*(twin+1), a, id, cmd) })
				}
				twins.Wait()
			}
		})
	}
	crowd.Wait()
	// The one refusal that leaves an event behind: too many reveals of an officer are told to the supervisors by the program itself, at
	// some moment of this history.
	rows, err := d.db.Engine.Pool.Query(d.t.Context(), "select case_id, to_state, version from case_event where action = $1 and case_id = any($2)", ActRevealAlert, cases)
	require.NoError(d.t, err)
	var id uuid.UUID
	var out answered
	begun := history[0].Call
	_, err = pgx.ForEachRow(rows, []any{&id, &out.State, &out.Version}, func() error {
		out.Was = out.Version - 1
		history = append(history, porcupine.Operation{ClientId: people + 1, Input: asked{Case: id, Action: ActRevealAlert}, Output: out, Call: begun, Return: d.clock.Add(1)})
		return nil
	})
	require.NoError(d.t, err)
	return history, won
}

func mapped[A, B any](list []A, f func(A) B) []B {
	out := make([]B, len(list))
	for i := range list {
		out[i] = f(list[i])
	}
	return out
}

// written writes a history down, case by case, in the order in which it was asked.
func written(history []porcupine.Operation) string {
	var b strings.Builder
	for _, ops := range caseModel.Partition(history) {
		if porcupine.CheckOperationsTimeout(caseModel, ops, time.Minute) == porcupine.Ok {
			continue
		}
		slices.SortFunc(ops, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
		for _, op := range ops {
			in, out := op.Input.(asked), op.Output.(answered)
			fmt.Fprintf(&b, "%d–%d %q asked for %d key %q: %+v\n", op.Call, op.Return, in.Action, in.Version, in.Key, out)
		}
	}
	return b.String()
}

// 50 histories (1,000 in make soak) of 64 people on the real database: all linearizable, no answer that is no answer, no
// event lost or doubled.
func TestHistoriesAreLinearizable(t *testing.T) {
	t.Parallel()
	linearizable(t, 50, 2)
}

func linearizable(t *testing.T, histories, each int) {
	t.Helper()
	d := newCrowdedDesk(t)
	ops, won, codes := 0, 0, map[string]int{}
	for n := range histories {
		if n > 1 && n&(n-1) == 0 {
			d.analyze()
		}
		h, w := d.history(uint64(n), 64, each)
		for _, op := range h {
			out := op.Output.(answered)
			require.False(t, strings.HasPrefix(out.Code, "ERROR"), "%+v: %s", op.Input, out.Code)
			codes[out.Code]++
			if out.Replayed {
				codes["replayed"]++
			}
		}
		h = slices.DeleteFunc(h, func(op porcupine.Operation) bool { return !says(op) })
		require.Equal(t, porcupine.Ok, porcupine.CheckOperationsTimeout(caseModel, h, time.Minute), "history %d:\n%s", n, written(h))
		ops, won = ops+len(h), won+w
	}
	require.NotZero(t, codes["STALE"])
	require.NotZero(t, codes["replayed"])
	require.NotZero(t, codes["WRONG_STATE"])
	events := d.count("select count(*) from case_event")
	require.Equal(t, events, d.count("select sum(head_seq) from cases"))
	require.Equal(t, events, d.count("select count(*) from outbox"))
	require.EqualValues(t, events, d.verify().Events)
	t.Logf("RESULT name=histories histories=%d operations=%d won=%d codes=%v linearizable=true", histories, ops, won, codes)
}

// The negative control: with the guard of the update and the keys of the chain taken away, somebody's change is lost, and
// the checker says so.
func TestHistoriesSeeALostUpdate(t *testing.T) {
	t.Parallel()
	d := newCrowdedDesk(t)
	d.desk.build = func(parts []string, submit bool) string {
		return strings.Replace(statementFor(parts, submit), "and t.head_seq = $4 returning", "and $4::bigint is not null returning", 1)
	}
	root := d.superuser()
	rows, err := root.Query(t.Context(), `select format('alter table %I drop constraint %I cascade', r.relname, c.conname) from pg_constraint c join pg_class r on r.oid = c.conrelid where r.relnamespace = 'public'::regnamespace and c.contype in ('p','u')
		and r.relname in ('case_event','outbox','case_text','case_handler','case_route')`)
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	for _, sql := range append(list, "drop trigger case_moves on cases", "drop index assignment_one_lead", "drop index call_target_one_lead") {
		_, err := root.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	for n := range 30 {
		h, _ := d.history(uint64(n), 64, 2)
		h = slices.DeleteFunc(h, func(op porcupine.Operation) bool { // what changed the case is enough to be wrong, and quickly seen
			out := op.Output.(answered)
			return out.Code != "" || out.Replayed || op.Input.(asked).Action == ""
		})
		if porcupine.CheckOperationsTimeout(caseModel, h, 5*time.Second) == porcupine.Illegal {
			t.Logf("seen in history %d", n)
			return
		}
	}
	t.Fatal("30 histories without a guard, and the checker believes them all")
}

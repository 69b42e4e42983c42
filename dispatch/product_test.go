package dispatch

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/internal/auth"
	"yixian/internal/fault"
)

// violation is one way in which a command breaks what the table of fields asks for, with the answer that it must get when
// role and state are right.
type violation struct {
	name    string
	cmd     Command
	status  int
	code    string
	pointer string
}

// violations are drawn from fieldsOf: an old and a future version, each required field missing and blank, each choice with a
// word that is none.
func violations(t *testing.T, act Action, s *Snapshot, now time.Time) []violation {
	t.Helper()
	var out []violation
	add := func(name, pointer string, status int, code string, bend func(map[string]any)) {
		body := fullBody(act, s, now)
		bend(body)
		cmd, err := command(act, body)
		require.NoError(t, err, "%s %s", act, name)
		out = append(out, violation{name, cmd, status, code, pointer})
	}
	for _, by := range []int{-1, 1} {
		add(fmt.Sprintf("version%+d", by), "", http.StatusConflict, "STALE", func(b map[string]any) { b["version"] = s.Case.Version + by })
	}
	for _, f := range fieldsOf[act] {
		if f.Required {
			add("without "+f.Name, "/"+f.Name, http.StatusUnprocessableEntity, "INVALID", func(b map[string]any) {
				delete(b, f.Name)
				delete(b, "method") // by telephone a check needs no photo
			})
			add("null "+f.Name, "/"+f.Name, http.StatusUnprocessableEntity, "INVALID", func(b map[string]any) {
				b[f.Name] = nil
				delete(b, "method")
			})
		}
		if len(f.Options) > 0 && !(act == ActReveal && f.Name == "reason") { // a reason in own words is allowed there
			add("no option "+f.Name, "/"+f.Name, http.StatusUnprocessableEntity, "INVALID", func(b map[string]any) { b[f.Name] = "NO_SUCH" })
		}
	}
	return out
}

// oracle is what the table says of an action in a state for somebody, before any field is read; status 0: go on.
func oracle(s *Snapshot, act Action, a auth.Actor) (status int, code string) {
	rows := rowsOf(act)
	if len(rows) == 0 {
		return http.StatusNotFound, "UNKNOWN_ACTION"
	}
	status, code = http.StatusForbidden, "NOT_YOURS"
	for _, row := range rows {
		if !slices.ContainsFunc(row.By, func(w Who) bool { _, ok := s.as(w, a); return ok }) {
			continue
		}
		if row.From == nil || slices.Contains(row.From, s.Case.State) {
			return 0, ""
		}
		status, code = http.StatusConflict, "WRONG_STATE"
	}
	return status, code
}

// The full product: every scene (all 15 states) × every action × every kind of actor × every violation. Each is answered as the
// table says, with the code and the field, and the case is byte for byte what it was.
func TestIllegalProduct(t *testing.T) {
	t.Parallel()
	w := fixtureWorld()
	counts := map[string]int{}
	for _, sc := range scenes() {
		now := sc.now.Add(time.Minute)
		before := string(dump(sc.s))
		for n, act := range append(actionsInOrder(), "fly") {
			full, err := command(act, fullBody(act, sc.s, now))
			if _, known := verbs[act]; known {
				require.NoError(t, err)
			} else {
				full = Command{Action: act}
			}
			list := append([]violation{{name: "none", cmd: full}}, func() []violation {
				if _, known := verbs[act]; !known {
					return nil
				}
				return violations(t, act, sc.s, now)
			}()...)
			for i, p := range cast() {
				if raced() && (i+n)%4 != 0 {
					continue // under the race detector a quarter of the cast, another one for each action
				}
				s := sc.seenBy(p)
				status, code := oracle(s, act, p.Actor)
				for v := range list {
					x := &list[v]
					change, err := Decide(w, s, &x.cmd, p.Actor, now)
					want, wantCode := status, code
					if want == 0 {
						if x.status == 0 { // nothing is wrong with it as far as table and fields go: TestDecideEverything
							continue
						}
						want, wantCode = x.status, x.code
					}
					f, ok := fault.As(err)
					require.True(t, ok, "%s: %s by %s, %s: %v", sc.name, act, p.name, x.name, err)
					require.Nil(t, change)
					require.Equal(t, []any{want, wantCode}, []any{f.Status, f.Code}, "%s: %s by %s, %s: %v", sc.name, act, p.name, x.name, err)
					require.NotEmpty(t, f.Detail)
					if status == 0 && x.pointer != "" {
						require.True(t, slices.ContainsFunc(f.Fields, func(at fault.Field) bool { return at.Pointer == x.pointer }), "%s: %s, %s: %v", sc.name, act, x.name, f.Fields)
					}
					counts[fmt.Sprint(f.Status, " ", f.Code)]++
				}
			}
			require.Equal(t, before, string(dump(sc.s)), "%s: %s changed its input", sc.name, act)
		}
	}
	total := 0
	for _, n := range counts {
		total += n
	}
	for _, want := range []string{"403 NOT_YOURS", "404 UNKNOWN_ACTION", "409 WRONG_STATE", "409 STALE", "422 INVALID"} {
		require.NotZero(t, counts[want], want)
	}
	t.Logf("RESULT name=illegal-product refused=%d %v", total, counts)
}

// everyState carries one case into each of the 15 states through the door.
func (d *testDistrict) everyState() map[State]uuid.UUID {
	d.t.Helper()
	in := map[State]uuid.UUID{}
	step := func(name string, id uuid.UUID, act Action, more map[string]any) {
		d.t.Helper()
		o, err := d.desk.View(d.t.Context(), d.actor(name), id)
		require.NoError(d.t, err)
		body := fullBody(act, o.Snapshot, o.Now)
		if _, ok := body["media_ids"]; ok {
			body["media_ids"] = []string{d.photo(name)}
		}
		maps.Copy(body, more)
		d.do(name, id, act, body)
	}
	handling := func() uuid.UUID {
		id := d.submit("chen", matterBuilding, inGarden).CaseID
		step("dj-officer", id, ActSign, nil)
		step("dj-officer", id, ActContact, nil)
		return id
	}
	in[Submitted] = d.submit("lin", "", inJunmen).CaseID
	in[Verifying] = d.submit("lin", "", inJunmen).CaseID
	step("dispatcher", in[Verifying], ActRequestVerify, nil)
	in[Filed] = d.submit("lin", matterLight, inJunmen).CaseID
	step("js-officer", in[Filed], ActReturn, nil)
	in[Dispatched] = d.submit("lin", matterBuilding, inJunmen).CaseID
	in[Handling] = handling()
	in[Calling] = handling()
	step("dj-leader", in[Calling], ActCall, map[string]any{"level": "L2"})
	in[Onsite] = handling()
	step("dj-leader", in[Onsite], ActCall, map[string]any{"level": "L2"})
	step("cg-officer", in[Onsite], ActCheckIn, nil)
	in[Disputed] = handling()
	step("dj-officer", in[Disputed], ActDispute, nil)
	in[Suspended] = handling()
	step("dj-officer", in[Suspended], ActSuspend, nil)
	step("dispatcher", in[Suspended], ActApprove, nil)
	for _, s := range []State{Resolved, Closed, Archived} {
		in[s] = handling()
		step("dj-officer", in[s], ActResolve, nil)
	}
	for _, s := range []State{Closed, Archived} {
		step("garden-officer", in[s], ActCheckPass, nil)
	}
	in[Rejected] = d.submit("lin", "", inJunmen).CaseID
	step("dispatcher", in[Rejected], ActReject, nil)
	in[Voided] = d.submit("lin", "", inJunmen).CaseID
	step("dispatcher", in[Voided], ActVoid, nil)
	in[Merged] = d.submit("chen", matterBuilding, inJunmen).CaseID
	step("dispatcher", in[Merged], ActMerge, map[string]any{"master_case_id": in[Dispatched].String()})
	return in
}

// everything is a digest of all that a case consists of, in the whole database.
func (d *testDistrict) everything() string {
	d.t.Helper()
	sql := "select md5(concat("
	for i, table := range []string{"cases", "case_event", "sla_clock", "outbox", "assignment", "call", "call_target", "case_return", "case_request", "rating", "case_result", "case_check", "case_handler", "case_party", "case_text", "case_route", "report", "idempotency", "reveal", "callback", "unit_rating", "case_follower"} {
		if i > 0 {
			sql += ", "
		}
		sql += "(select md5(string_agg(x::text, '|' order by x::text)) from " + table + " x)"
	}
	return d.text(sql + "))")
}

// Through the door and its SQL: every state × every action × one member of the staff of each unit and role. What is refused has its code
// and left every table as it was, byte for byte. What would succeed by the table is not tried here. A twentieth of the staff tries
// each action, another one for each (make soak: everybody).
func TestIllegalThroughTheDoor(t *testing.T) {
	t.Parallel()
	illegalThroughTheDoor(t, 20)
}

// illegalThroughTheDoor lets one of so many of the staff try each action.
func illegalThroughTheDoor(t *testing.T, of int) {
	t.Helper()
	d := newDistrict(t)
	in := d.everyState()
	// An archived case: eight days later the program closes the book.
	d.advance(9 * 24 * time.Hour)
	archive, err := command(ActArchive, nil)
	require.NoError(t, err)
	archive.CaseNo, archive.Master, archive.Salt, archive.Officer = "", nil, nil, nil
	_, err = d.desk.Do(t.Context(), auth.SystemActor("350102", d.now()), in[Archived], archive, nil)
	require.NoError(t, err)
	require.Len(t, in, len(States))
	for state, id := range in {
		require.Equal(t, string(state), d.text("select state from cases where id = $1", id))
	}
	d.analyze()
	before, counts := d.everything(), map[string]int{}
	for k, state := range States {
		id := in[state]
		for i, person := range staffOf {
			a := d.actor(person.name)
			o, err := d.desk.View(t.Context(), a, id)
			seen := err == nil
			for n, act := range append(actionsInOrder(), "fly") {
				if (i+n+k)%of != 0 {
					continue
				}
				cmd := Command{Action: act}
				status, code := http.StatusNotFound, "NOT_FOUND"
				if seen {
					if status, code = oracle(o.Snapshot, act, a); status == 0 {
						status, code = http.StatusConflict, "STALE" // legal as far as the table goes: with an old version it is not
						old := o.Snapshot.Case.Version - 1
						cmd.Version = &old
					}
				}
				_, err = d.desk.Do(t.Context(), a, id, cmd, nil)
				f, ok := fault.As(err)
				require.True(t, ok, "%s in %s by %s: %v", act, state, person.name, err)
				require.Equal(t, []any{status, code}, []any{f.Status, f.Code}, "%s in %s by %s: %v", act, state, person.name, err)
				counts[fmt.Sprint(f.Status, " ", f.Code)]++
			}
		}
		require.Equal(t, before, d.everything(), "something refused in %s left a trace", state)
	}
	t.Logf("RESULT name=illegal-door %v", counts)
}

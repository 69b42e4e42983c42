package dispatch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/dispatch/rule"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/worktime"
)

// fixtureWorld is fixture F without a database: decisions need no more than configuration.
var fixtureWorld = sync.OnceValue(func() *World {
	areas, units := grid.Fixture()
	index, err := grid.NewIndex(areas)
	if err != nil {
		panic(err)
	}
	w := &World{District: grid.DemoDistrict, Name: "鼓楼区", Calendar: worktime.Default(), Units: map[string]grid.OrgUnit{}, ByArea: map[string]string{},
		Catalog: rule.DemoCatalog(grid.DemoDistrict), Stages: DefaultStages, Limits: DefaultLimits, Index: index, Workers: map[string]bool{"350102004001001": true}}
	dir := rule.Directory{Units: map[string]rule.Unit{}, StreetOf: map[string]string{}, CommunityOf: map[string]string{}}
	for _, u := range units {
		w.Units[u.Code] = u
		dir.Units[u.Code] = rule.Unit{Code: u.Code, Name: u.Name, Kind: u.Kind, Line: u.Line, Active: u.Active}
		switch u.Kind {
		case grid.UnitStreet:
			w.ByArea[u.AreaCode], dir.StreetOf[u.AreaCode] = u.Code, u.Code
		case grid.UnitCommunity:
			w.ByArea[u.AreaCode], dir.CommunityOf[u.AreaCode] = u.Code, u.Code
		}
	}
	rules, _ := rule.Adapt(rule.DemoRules(), dir)
	if w.Rules, err = rule.NewSet(rules, w.Catalog, dir); err != nil {
		panic(err)
	}
	return w
})

// player is somebody who acts on a case; reporter: as the reporter of its report.
type player struct {
	name string
	auth.Actor
	reporter bool
}

// worker makes a member of staff; the account is the name's.
func worker(name string, role auth.Role, unit string, grids ...string) player {
	return player{name: name, Actor: auth.Actor{District: grid.DemoDistrict, Account: idOf(name), Kind: auth.Staff, Username: name, Bindings: []auth.Binding{{Role: role, Unit: unit, Grids: grids}}}}
}

// outsiders are everybody who is no staff, and a member of staff without any role.
func outsiders() []player {
	device := auth.Actor{District: grid.DemoDistrict, Device: idOf("device"), Kind: auth.Guest}
	resident := auth.Actor{District: grid.DemoDistrict, Account: idOf("lin"), Device: idOf("device"), Kind: auth.Resident, Bindings: []auth.Binding{{Role: auth.RoleResident}}}
	return []player{
		{"guest", device, false}, {"reporter", resident, true}, {"reporter by link", device, true}, {"resident", resident, false}, {"program", auth.SystemActor(grid.DemoDistrict, morning), false},
		{"without a role", auth.Actor{District: grid.DemoDistrict, Account: idOf("new"), Kind: auth.Staff}, false}, {"nobody", auth.Actor{}, false},
	}
}

// cast is every kind of actor: each role in the units that a case meets and in ones that it does not.
var cast = sync.OnceValue(func() []player {
	out := outsiders()
	for _, role := range everyRole {
		units := []string{"D-CENTER"}
		if slices.Contains(unitRoles, role) {
			units = []string{"S-DJ", "S-WQ", "D-JS", "D-CG", "D-SJ", "D-WX", "350102004001", "350102004002"}
		}
		for _, unit := range units {
			p := worker(fmt.Sprintf("%s of %s", role, unit), role, unit)
			if role == auth.RoleGridWorker {
				p.Bindings[0].Grids = []string{unit + "001"}
			}
			out = append(out, p)
		}
	}
	return out
})

// scene is a case as it stands at an instant.
type scene struct {
	name string
	now  time.Time
	s    *Snapshot
}

// seenBy is the scene's case as loaded for a player: a copy that shares nothing with the scene but what it points to.
func (sc *scene) seenBy(p player) *Snapshot {
	s := *sc.s
	if p.reporter {
		s.ReportID = &s.Reports[0].ID
	}
	s.MediaOwned = 1
	s.People = members()
	return &s
}

// members are two people of every unit that a case meets: to whom a duty can be given.
var members = sync.OnceValue(func() (out []Person) {
	for _, name := range []string{"member", "other member"} {
		p := Person{ID: idOf(name), Name: name, Active: true}
		for _, unit := range []string{"S-DJ", "S-WQ", "D-JS", "D-CG", "D-SJ", "D-WX", "D-XF", "350102004001", "350102004002"} {
			p.Bindings = append(p.Bindings, auth.Binding{Role: auth.RoleDeptOfficer, Unit: unit})
		}
		out = append(out, p)
	}
	return out
})

// submitted begins a case as Desk.Submit would, without its SQL.
func submitted(name, matter string, at PointIn, now time.Time, facets map[string]string) (*Change, error) {
	w := fixtureWorld()
	p, err := at.WGS84()
	if err != nil {
		return nil, err
	}
	place, ok := w.Index.Locate(p)
	if !ok {
		return nil, outOfArea(w, p)
	}
	a := auth.Actor{District: w.District, Account: idOf("lin"), Kind: auth.Resident, Bindings: []auth.Binding{{Role: auth.RoleResident}}, Now: now}
	in := &Submission{Text: canaryText + "，请处理 " + canaryPhone, ContactName: canaryText, Phone: canaryPhone, Address: canaryText, Matter: matter, Point: at, Facets: facets}
	if _, err := checkSubmission(in, a); err != nil {
		return nil, err
	}
	c, _, err := decideSubmission(w, in, a, "RESIDENT", p, place, idOf(name), "K7Q2-9F4M", "track", "350102-20260608-000001", []byte("0123456789abcdef"), nil)
	return c, err
}

// Words and a number that may stand in no fact.
const (
	canaryText  = "金丝雀canary"
	canaryPhone = "13912345678"
)

// fullBody is a body with which the action succeeds where anybody may do it; every free text is a canary.
func fullBody(act Action, s *Snapshot, now time.Time) map[string]any {
	point := map[string]any{"lon": s.Case.Lon, "lat": s.Case.Lat, "datum": "WGS84", "accuracy_m": 10}
	b := map[Action]map[string]any{
		ActFile:      {"matter": matterBuilding, "grid": "350102004001001", "priority": "P2"},
		ActDispatch:  {"lead": "D-CG", "assists": []string{"D-SJ"}},
		ActAck:       {"eta_minutes": 20},
		ActContact:   {"method": "PHONE", "talked_to": canaryText},
		ActReturn:    {"legal_basis": canaryText, "suggested_unit": "D-WX", "reason": canaryText},
		ActCall:      {"level": "L1", "reason": "NO_POWER", "targets": []any{map[string]any{"unit": "D-CG", "lead": true}, map[string]any{"unit": "D-SJ"}}, "remote_allowed": true, "meet_at": point},
		ActCheckIn:   {"point": point, "media_ids": []string{"photo"}},
		ActResolve:   {"outcome": "RESOLVED", "accepted_at": now.Add(-time.Hour), "talked_to": canaryText, "measures": canaryText, "time_limit": canaryText, "media_ids": []string{"photo"}},
		ActCheckPass: {"media_ids": []string{"photo"}, "point": point, "method": "SITE"},
		ActCheckFail: {"media_ids": []string{"photo"}, "reason": canaryText, "point": point, "fraud": true},
		ActReopen:    {"reason": canaryText},
		ActDecline:   {"reason": canaryText, "request_id": uuid.Nil.String()},
		ActRate:      {"resolved": true, "grade": 4, "text": canaryText, "contacted": true},
		ActNote:      {"text": canaryText + canaryPhone},
		ActAdd:       {"text": canaryText, "media_ids": []string{"photo"}},
		ActUrge:      {"text": canaryText},
		ActReveal:    {"field": "phone", "reason": "VERIFY_FACTS", "text": canaryText},
		ActCallback:  {"reached": true, "contacted": true, "resolved": true, "grade": 4, "text": canaryText},
		ActClarify:   {"verdict": "FALSE", "title": canaryText, "text": canaryText},
		ActRateUnit:  {"unit": "D-CG", "grade": 4, "text": canaryText},
		ActAssign:    {"account": idOf("member").String()},

		ActVerify:       {"verdict": "TRUE", "media_ids": []string{"photo"}, "point": point},
		ActReject:       {"reason": "NOT_GOV_DUTY", "reply": strings.Repeat(canaryText, 3)},
		ActAppeal:       {"reason": canaryText, "text": canaryText},
		ActMerge:        {"master_case_id": idOf("master").String()},
		ActVoid:         {"reason": canaryText},
		ActWithdraw:     {"reason": canaryText, "text": canaryText},
		ActDispute:      {"reason": canaryText},
		ActArbitrate:    {"lead": "D-CG", "assists": []string{"D-XF"}, "basis": canaryText},
		ActSuspend:      {"reason": "WEATHER", "resume_at": now.Add(30 * time.Hour)},
		ActExtend:       {"budget": "1WD", "reason": canaryText},
		ActApprove:      {"request_id": uuid.Nil.String(), "reason": canaryText},
		ActSupervise:    {"kind": "SUPERVISE", "text": canaryText},
		ActReply:        {"text": canaryText},
		ActWithdrawCall: {"reason": canaryText},
		ActConsult:      {"participants": []string{canaryText}, "conclusion": canaryText, "tasks": []any{map[string]any{"unit": "D-XF", "text": canaryText, "budget": "1WD"}}},
	}[act]
	if b == nil {
		b = map[string]any{}
	}
	for _, r := range s.Requests {
		if _, asks := b["request_id"]; asks && r.State == "PENDING" && slices.Contains([]string{"SUSPEND", "EXTEND", "CALL", "REOPEN"}, r.Kind) {
			b["request_id"] = r.ID.String()
		}
	}
	if wait := s.unrated(); act == ActRateUnit && len(wait) > 0 {
		b["unit"] = wait[0]
	}
	if act == ActAssign && slices.ContainsFunc(s.Assignments, func(x Assignment) bool { return x.Handler != nil && *x.Handler == idOf("member") }) {
		b["account"] = idOf("other member").String()
	}
	b["note"] = canaryText + canaryPhone
	return b
}

// command parses a body as the door does.
func command(act Action, body map[string]any) (Command, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return Command{}, err
	}
	cmd, err := ParseCommand(act, raw)
	cmd.Salt, cmd.CaseNo, cmd.Master = []byte("fedcba9876543210"), "350102-20260608-000002", &Snapshot{Case: Case{ID: idOf("master"), State: Handling}}
	cmd.Officer = &auth.Actor{District: grid.DemoDistrict, Account: idOf("officer"), Kind: auth.Staff}
	return cmd, err
}

// move is one more thing that happens to a scene.
type move struct {
	after time.Duration
	who   player
	act   Action
	body  map[string]any // beside fullBody
}

func (sc *scene) then(name string, steps ...move) *scene {
	next := &scene{name, sc.now, sc.s}
	for _, st := range steps {
		next.now = next.now.Add(st.after)
		body := fullBody(st.act, next.s, next.now)
		maps.Copy(body, st.body)
		cmd, err := command(st.act, body)
		if err != nil {
			panic(fmt.Sprintf("%s: %s: %v", name, st.act, err))
		}
		change, err := Decide(fixtureWorld(), next.seenBy(st.who), &cmd, st.who.Actor, next.now)
		if err != nil {
			panic(fmt.Sprintf("%s: %s by %s: %v", name, st.act, st.who.name, err))
		}
		next.s = change.After()
		next.s.ReportID = nil
	}
	return next
}

// scenes are legal cases in all 15 states, several where a state has more than one face.
var scenes = sync.OnceValue(func() []*scene {
	begin := func(name, matter string) *scene {
		c, err := submitted(name, matter, inJunmen, morning, nil)
		if err != nil {
			panic(err)
		}
		return &scene{name, morning, c.After()}
	}
	officer, leader, checker := worker("so", auth.RoleStreetOfficer, "S-DJ"), worker("sl", auth.RoleStreetLeader, "S-DJ"), worker("co", auth.RoleCommunityOfficer, "350102004001")
	js, cg, sj := worker("js", auth.RoleDeptOfficer, "D-JS"), worker("cg", auth.RoleDeptOfficer, "D-CG"), worker("sj", auth.RoleDeptOfficer, "D-SJ")
	dispatcher, supervisor, program, reporter := worker("dis", auth.RoleDispatcher, "D-CENTER"), worker("sup", auth.RoleSupervisor, "D-CENTER"), outsiders()[4], outsiders()[1]
	bad := map[string]any{"resolved": false, "grade": 1}

	unsorted := begin("submitted", "")
	dispatched := begin("dispatched", matterBuilding)
	direct := begin("dispatched to a department", matterLight)
	filed := direct.then("filed, returned once", move{time.Minute, js, ActReturn, nil})
	sentOn := filed.then("dispatched again", move{time.Minute, dispatcher, ActDispatch, nil})
	returned := sentOn.then("filed, returned twice", move{time.Minute, worker("cgl", auth.RoleDeptLeader, "D-CG"), ActReturn, nil})
	last := returned.then("dispatched, no return left", move{time.Minute, dispatcher, ActDispatch, nil})
	handling := dispatched.then("handling", move{time.Minute, officer, ActSign, nil})
	contacted := handling.then("handling, reporter contacted", move{time.Minute, officer, ActContact, nil})
	calling := contacted.then("calling", move{time.Minute, leader, ActCall, map[string]any{"level": "L2"}})
	acked := calling.then("calling, answered", move{time.Minute, cg, ActAck, nil})
	onsite := acked.then("on site", move{10 * time.Minute, cg, ActCheckIn, nil})
	all := onsite.then("on site, all there", move{5 * time.Minute, sj, ActCheckIn, nil})
	done := onsite.then("resolved on site", move{2 * time.Hour, cg, ActResolve, nil})
	resolved := contacted.then("resolved by the street", move{time.Hour, officer, ActResolve, nil})
	rework := done.then("on site again", move{time.Hour, checker, ActCheckFail, nil})
	closed := done.then("closed", move{time.Hour, checker, ActCheckPass, nil})
	rated := closed.then("closed and rated", move{time.Hour, reporter, ActRate, nil})
	reopened := closed.then("reopened", move{time.Hour, reporter, ActRate, bad})
	again := []move{{time.Hour, cg, ActContact, nil}, {time.Hour, cg, ActResolve, nil}, {time.Hour, checker, ActCheckPass, nil}, {time.Hour, reporter, ActRate, bad}}
	asking := reopened.then("closed, reopening asked for", append(slices.Clone(again), again...)...)
	declined := asking.then("closed, reopening declined", move{time.Hour, supervisor, ActDecline, nil})
	archived := closed.then("archived", move{8 * 24 * time.Hour, program, ActArchive, nil})
	verifying := unsorted.then("being verified", move{time.Minute, dispatcher, ActRequestVerify, nil})
	gone := verifying.then("not found by the verifier", move{time.Minute, worker("gw", auth.RoleGridWorker, "350102004001", "350102004001001"), ActVerify, map[string]any{"verdict": "GONE"}})
	rejected := unsorted.then("rejected", move{time.Minute, dispatcher, ActReject, nil})
	appealed := rejected.then("appealed", move{time.Hour, reporter, ActAppeal, nil})
	merged := dispatched.then("merged", move{time.Minute, dispatcher, ActMerge, nil})
	voided := unsorted.then("withdrawn", move{time.Minute, reporter, ActWithdraw, nil})
	disputed := handling.then("disputed", move{time.Minute, officer, ActDispute, nil})
	bound := disputed.then("dispatched by arbitration", move{time.Hour, worker("arb", auth.RoleArbitrator, ""), ActArbitrate, nil})
	waiting := contacted.then("suspension and extension asked for", move{time.Minute, officer, ActExtend, nil}, move{time.Minute, officer, ActSuspend, nil})
	suspended := contacted.then("suspended", move{time.Minute, officer, ActSuspend, nil}, move{time.Hour, dispatcher, ActApprove, nil})
	ordered := handling.then("supervised", move{time.Minute, supervisor, ActSupervise, nil})
	return []*scene{verifying, gone, rejected, appealed, merged, voided, disputed, bound, waiting, suspended, ordered, unsorted, dispatched, direct, filed, sentOn, returned, last, handling, contacted, calling, acked, onsite, all, done, resolved, rework, closed, rated, reopened, asking, declined, archived}
})

// backTo are the actions that return to a state kept in the case instead of the one their row names.
var backTo = map[Action][]State{ActCheckFail: {Handling, Onsite}, ActReopen: {Handling, Onsite}, ActResume: {Handling, Onsite}, ActWithdrawCall: {Handling, Onsite}}

// staying are the actions that move the case only sometimes: a check-in of one who does not lead, a result of one who
// assists, the approval of more time.
var staying = []Action{ActCheckIn, ActResolve, ActApprove}

// declared says whether the table has a row for what an event says happened.
func declared(e *Event) bool {
	return slices.ContainsFunc(rowsOf(e.Action), func(r Transition) bool {
		if !r.Built || (r.From != nil && !slices.Contains(r.From, e.FromState)) {
			return false
		}
		to := r.To
		if to == None {
			to = e.FromState
		}
		return e.ToState == to || slices.Contains(backTo[e.Action], e.ToState) || (slices.Contains(staying, e.Action) && e.ToState == e.FromState)
	})
}

// refusals are the only ways in which a case may say no; 429 is for a reporter who urges twice in a day.
var refusals = []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusNotImplemented}

// dump writes everything a decision can read or produce.
func dump(v any) []byte {
	if s, ok := v.(*Snapshot); ok {
		v = struct {
			*Snapshot
			Speaks *uuid.UUID
		}{s, s.ReportID}
	}
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

// Every state × every action × every kind of actor × a complete, an empty and a stale body: a declared transition or
// a refusal, the input untouched, the same answer twice.
func TestDecideEverything(t *testing.T) {
	t.Parallel()
	w := fixtureWorld()
	states := map[State]bool{}
	var decided, refused int
	offered := map[string]bool{}
	for _, sc := range scenes() {
		states[sc.s.Case.State] = true
		now := sc.now.Add(time.Minute)
		before := dump(sc.s)
		seen, allowed := make([]*Snapshot, len(cast())), make([][]Action, len(cast()))
		for i, p := range cast() {
			seen[i] = sc.seenBy(p)
			allowed[i] = AllowedActions(seen[i], p.Actor)
		}
		for n, act := range append(actionsInOrder(), "fly") {
			full, err := command(act, fullBody(act, sc.s, now))
			if _, known := verbs[act]; known {
				require.NoError(t, err, "%s", act)
			} else {
				full = Command{Action: act}
			}
			empty, _ := command(act, nil)
			stale := full
			old := sc.s.Case.Version - 1
			stale.Version = &old
			twice := false
			for i, p := range cast() {
				if raced() && (i+n)%3 != 0 {
					continue // under the race detector a third of the cast, another one for each action
				}
				s, may := seen[i], slices.Contains(allowed[i], act)
				for kind, cmd := range []*Command{&full, &empty, &stale} {
					change, err := Decide(w, s, cmd, p.Actor, now)
					if err != nil {
						refused++
						f, ok := fault.As(err)
						require.True(t, ok, "%s: %s by %s: %v", sc.name, act, p.name, err)
						require.Contains(t, refusals, f.Status, "%s: %s by %s: %v", sc.name, act, p.name, err)
						require.Nil(t, change)
						if may && kind == 0 {
							offered[string(act)+" "+f.Code] = true
						}
						require.False(t, may && (f.Status == http.StatusNotImplemented || f.Code == "WRONG_STATE"), "%s offers %s to %s: %v", sc.name, act, p.name, err)
						continue
					}
					decided++
					require.NotEqual(t, 2, kind, "%s: %s by %s with an old version", sc.name, act, p.name)
					require.NotEmpty(t, change.Events)
					becomes := act
					switch {
					case act == ActReturn && sc.s.Case.ReturnCount == 2:
						becomes = ActDispute // a third return
					case act == ActApprove && sc.s.Case.State == Closed:
						becomes = ActReopen
					}
					require.Equal(t, becomes, change.Events[0].Action, "%s: %s by %s", sc.name, act, p.name)
					require.Equal(t, sc.s.Case.State, change.Events[0].FromState)
					for i := range change.Events {
						e := &change.Events[i]
						require.True(t, declared(e), "%s: %s by %s wrote %s %s → %s", sc.name, act, p.name, e.Action, e.FromState, e.ToState)
						require.NotContains(t, e.Fact, canaryText, "%s: %s", sc.name, act)
						require.NotContains(t, e.Fact, canaryPhone, "%s: %s", sc.name, act)
					}
					require.Equal(t, change.Case.State, change.Events[len(change.Events)-1].ToState)
					require.Equal(t, change.Case, change.After().Case)
					require.True(t, may || becomes != act || (act == ActContact && p.Kind == auth.Staff), "%s: %s by %s was not offered", sc.name, act, p.name)
					if twice { // once for each action and scene is enough
						continue
					}
					twice = true
					same, err := Decide(w, s, cmd, p.Actor, now)
					require.NoError(t, err)
					require.True(t, bytes.Equal(dump(change), dump(same)) && bytes.Equal(dump(change.After()), dump(same.After())), "%s: %s by %s is not the same twice", sc.name, act, p.name)
				}
			}
			require.Equal(t, string(before), string(dump(sc.s)), "%s: %s changed its input", sc.name, act)
		}
	}
	require.Len(t, states, len(States), "a state without a scene")
	// What is offered and may still be refused with a complete body: guards that need an input or a rank to be judged.
	for what := range offered {
		require.True(t, slices.Contains(offeredYet, strings.Fields(what)[0]) || slices.Contains(offeredYet, what), what)
	}
	t.Logf("%d decisions, %d refusals", decided, refused)
}

var offeredYet = []string{
	"archive", "resume", "attach_incident", "clock_recomputed", // the program alone is offered what its clocks ask for
	"rate", "urge", "withdraw", "appeal", // residents are offered what Tracked.Can says
	"approve", "decline", // whose request it is decides
	"extend", "suspend", "arbitrate", "merge", "dispute", // the input or the time decides
	"resolve CONTACT_REQUIRED", "resolve ASSIST_OPEN", "resolve NOT_SIGNED", // told in words, so that the handler knows what is missing
	"call LEVEL_TOO_LOW",                     // the form offers the higher levels to those who may
	"return LEADER_NEEDED", "return INVALID", // the officer is told to ask the leader; the suggested unit may be the own one
	"reveal_alert",                  // the door says whom it is about
	"follow",                        // residents are offered what Tracked.Can says
	"rate_unit", "callback NOT_DUE", // another unit of the call, an instant that is not over
	"request_verify NO_WORKER", "file VERDICT_FALSE", "withdraw_call CHECKED_IN",
}

package dispatch

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/seal"
)

// raced tells the race detector's build, in which everything pure takes nine times as long for nothing.
func raced() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// life is one case from its submission on, carried through the pure Decide; what each change leaves is kept as the
// database would. choose draws a number below n.
type life struct {
	choose  func(n int) int
	now     time.Time
	s       *Snapshot
	events  []Event
	started map[uuid.UUID]time.Time // when each clock first ran
	promise *Clock                  // the resident's running promise
	reopens int                     // by ratings
	log     []string
	replay  replay
}

// crowd are those who act in a random life: everybody who has a part in fixture F and some who have none.
var crowd = append(outsiders(), player{"neighbour", auth.Actor{District: "350102", Account: idOf("chen"), Kind: auth.Resident, Bindings: []auth.Binding{{Role: auth.RoleResident}}}, true},
	worker("dis", auth.RoleDispatcher, "D-CENTER"), worker("dis2", auth.RoleDispatcher, "D-CENTER"), worker("sup", auth.RoleSupervisor, "D-CENTER"), worker("cb", auth.RoleCallback, "D-CENTER"), worker("arb", auth.RoleArbitrator, ""),
	worker("so", auth.RoleStreetOfficer, "S-DJ"), worker("sl", auth.RoleStreetLeader, "S-DJ"), worker("ss", auth.RoleStreetSecretary, "S-DJ"), worker("wq", auth.RoleStreetOfficer, "S-WQ"),
	worker("co", auth.RoleCommunityOfficer, "350102004001"), worker("gw", auth.RoleGridWorker, "350102004001", "350102004001001"), worker("garden", auth.RoleCommunityOfficer, "350102004002"),
	worker("cg", auth.RoleDeptOfficer, "D-CG"), worker("cgl", auth.RoleDeptLeader, "D-CG"), worker("js", auth.RoleDeptOfficer, "D-JS"), worker("jsl", auth.RoleDeptLeader, "D-JS"),
	worker("sj", auth.RoleDeptOfficer, "D-SJ"), worker("sjl", auth.RoleDeptLeader, "D-SJ"), worker("xf", auth.RoleDeptOfficer, "D-XF"), worker("xfl", auth.RoleDeptLeader, "D-XF"), worker("wx", auth.RoleDeptOfficer, "D-WX"),
	worker("ld", auth.RoleDeptOfficer, "C-LD"), worker("rq", auth.RoleUtility, "U-RQ"), worker("aud", auth.RoleAuditor, "D-CENTER"), worker("adm", auth.RoleTenantAdmin, "D-CENTER"))

var (
	pauses  = []time.Duration{0, time.Second, 90 * time.Second, 7 * time.Minute, 40 * time.Minute, 3 * time.Hour, 26 * time.Hour, 8 * 24 * time.Hour}
	topics  = []string{"", "", matterBuilding, matterLight, "09012", "01057", "09015", "06010", "01023"}
	toward  = []string{"S-DJ", "S-WQ", "D-CG", "D-JS", "D-SJ", "D-XF", "D-WX", "350102004001", "NO-SUCH"}
	whereTo = []PointIn{inJunmen, inGarden}
)

// commands are the actions that a life may try: whatever has a verb.
var commands = sync.OnceValue(func() []Action {
	var out []Action
	for _, act := range actionsInOrder() {
		if _, ok := verbs[act]; ok {
			out = append(out, act)
		}
	}
	return out
})

func begin(choose func(int) int) (*life, error) {
	l := &life{choose: choose, now: morning.Add(time.Duration(choose(24*14)) * time.Hour), started: map[uuid.UUID]time.Time{}}
	c, err := submitted(fmt.Sprint("life", choose(4)), topics[choose(len(topics))], whereTo[choose(len(whereTo))], l.now, map[string]string{"x": canaryText})
	if err != nil {
		return nil, err
	}
	start := seal.ChainStart(c.Case.District, c.Case.ID.String())
	return l, l.keep(&Snapshot{Case: Case{HeadHash: start[:], Round: 1}}, c, player{})
}

// spine is how a case goes on; half of the commands follow it, so that lives get far.
var spine = map[State][]Action{
	Submitted: {ActFile, ActRequestVerify}, Verifying: {ActVerify}, Filed: {ActDispatch}, Dispatched: {ActSign, ActSign, ActReturn}, Handling: {ActContact, ActResolve, ActResolve, ActCall, ActCall}, Calling: {ActCheckIn, ActAck, ActWithdrawCall},
	Onsite: {ActContact, ActResolve, ActConsult}, Disputed: {ActArbitrate}, Suspended: {ActResume}, Resolved: {ActCheckPass, ActCheckPass, ActCheckFail}, Closed: {ActRate, ActRate, ActArchive, ActDecline, ActCallback, ActRateUnit}, Rejected: {ActAppeal},
}

// act tries one command of somebody after a pause; most of them are useful ones, so that lives get far.
func (l *life) act() error {
	l.now = l.now.Add(pauses[l.choose(1+l.choose(len(pauses)))])
	if err := l.ring(); err != nil {
		return err
	}
	p := crowd[l.choose(len(crowd))]
	act := commands()[l.choose(len(commands()))]
	if l.choose(8) > 0 { // somebody does what the table lets them do
		rows := slices.Collect(func(yield func(Transition) bool) {
			for _, r := range Lifecycle {
				if _, ok := verbs[r.Action]; ok && (r.From == nil || slices.Contains(r.From, l.s.Case.State)) && !yield(r) {
					return
				}
			}
		})
		if next := spine[l.s.Case.State]; len(next) > 0 && l.choose(2) == 0 {
			rows = rowsOf(next[l.choose(len(next))])
		}
		if len(rows) > 0 {
			row := rows[l.choose(len(rows))]
			var able []player
			for _, c := range crowd {
				s := l.seenBy(c)
				if slices.ContainsFunc(row.By, func(w Who) bool { _, ok := s.as(w, c.Actor); return ok }) {
					able = append(able, c)
				}
			}
			if act = row.Action; len(able) > 0 {
				p = able[l.choose(len(able))]
			}
		}
	}
	if act == ActArchive && l.choose(2) == 0 {
		l.now = l.now.Add(8 * 24 * time.Hour)
		if err := l.ring(); err != nil {
			return err
		}
	}
	body := fullBody(act, l.s, l.now)
	l.vary(act, body)
	cmd, err := command(act, body)
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", act, err)
	}
	before := l.seenBy(p)
	change, err := Decide(fixtureWorld(), before, &cmd, p.Actor, l.now)
	if err != nil {
		if f, ok := fault.As(err); !ok || !slices.Contains(refusals, f.Status) {
			return fmt.Errorf("%s by %s was refused with %w", act, p.name, err)
		}
		return nil
	}
	l.log = append(l.log, fmt.Sprintf("%s %s %s → %s", l.now.Format("02 15:04:05"), p.name, act, change.Case.State))
	return l.keep(l.s, change, p)
}

// vary bends a body: another unit, a worse answer, a missing field, an old version.
func (l *life) vary(act Action, body map[string]any) {
	unit := func() string { return toward[l.choose(len(toward))] }
	switch act {
	case ActDispatch, ActArbitrate:
		body["lead"], body["assists"] = unit(), []string{unit()}
	case ActReturn:
		body["suggested_unit"] = unit()
	case ActCall:
		body["level"] = []string{"L1", "L2", "L3"}[l.choose(3)]
		body["targets"] = []any{map[string]any{"unit": unit(), "lead": true}, map[string]any{"unit": unit(), "lead": l.choose(8) == 0}}
		if l.choose(3) == 0 {
			body["agreed_time"] = l.now.Add(pauses[l.choose(len(pauses))])
		}
	case ActCheckIn:
		if l.choose(4) == 0 {
			delete(body, "point")
		}
	case ActVerify:
		body["verdict"] = []string{"TRUE", "FALSE", "GONE"}[l.choose(3)]
	case ActRate:
		body["resolved"], body["grade"] = l.choose(3) == 0, 1+l.choose(5)
	case ActFile:
		if matter := topics[l.choose(len(topics))]; matter != "" {
			body["matter"] = matter
		}
		body["priority"] = []string{"P1", "P2", "P3", "P4"}[l.choose(4)]
		if l.choose(2) == 0 {
			delete(body, "priority")
		}
	case ActSuspend:
		body["resume_at"] = l.now.Add(time.Duration(1+l.choose(50)) * 24 * time.Hour)
	case ActConsult:
		body["tasks"] = []any{map[string]any{"unit": unit(), "text": canaryText, "budget": "4WH"}}
	}
	if l.choose(12) == 0 {
		body["version"] = l.s.Case.Version - 1 + l.choose(2)
	}
	if l.choose(12) == 0 && len(fieldsOf[act]) > 0 {
		delete(body, fieldsOf[act][l.choose(len(fieldsOf[act]))].Name)
	}
}

func (l *life) seenBy(p player) *Snapshot {
	sc := scene{"", l.now, l.s}
	return sc.seenBy(p)
}

// ring does what yx_fire_due does: each rung of each clock that is due appends a reminder, earliest first.
func (l *life) ring() error {
	for range 1000 {
		next := -1
		for i := range l.s.Clocks {
			k := &l.s.Clocks[i]
			if k.NextAt != nil && !k.NextAt.After(l.now) && (next < 0 || k.NextAt.Before(*l.s.Clocks[next].NextAt)) {
				next = i
			}
		}
		if next < 0 {
			return nil
		}
		s := *l.s
		s.Clocks = slices.Clone(s.Clocks)
		k, c := &s.Clocks[next], &s.Case
		rung := slices.IndexFunc(levels[:], func(v int) bool { return v > k.Level && k.Ladder[slices.Index(levels[:], v)] != nil })
		if rung < 0 {
			return fmt.Errorf("clock %s rings at %v and has no rung above %d", k.Kind, k.NextAt, k.Level)
		}
		k.Level, k.NextAt = levels[rung], nil
		for i := rung + 1; i < len(levels); i++ {
			if at := k.Ladder[i]; at != nil && (k.NextAt == nil || at.Before(*k.NextAt)) {
				k.NextAt = at
			}
		}
		d := &draft{w: fixtureWorld(), s: s, now: l.now}
		d.event(auth.SystemActor(c.District, l.now), standing{Role: auth.RoleSystem}, ActClockDue, None, data{"kind": k.Kind, "level": k.Level}, nil)
		d.s.Case.Version-- // reminders do not raise it
		e := &d.out.Events[0]
		e.Version--
		e.Fact = strings.Replace(e.Fact, fmt.Sprintf(`"version":%d`, e.Version+1), fmt.Sprintf(`"version":%d`, e.Version), 1)
		e.Hash = seal.ChainNext(e.PrevHash, e.Fact)
		d.s.Case.HeadHash, d.s.Case.UpdatedAt = e.Hash, l.s.Case.UpdatedAt
		l.events, l.s = append(l.events, *e), &d.s
		if err := l.replay.next(e); err != nil {
			return err
		}
	}
	return fmt.Errorf("more than 1000 reminders at one instant")
}

// keep takes a change over as the database would, and checks what must hold after every step.
func (l *life) keep(before *Snapshot, c *Change, p player) error {
	after := *c.After()
	after.ReportID, after.QR = nil, nil
	for _, e := range c.Events {
		if e.Action == ActUrge {
			at := e.At
			after.LastUrge = &at
		}
	}
	l.events = append(l.events, c.Events...)
	for _, law := range []func(*Snapshot, *Snapshot, *Change, player) error{l.chainHolds, l.oneLead, l.clocksHold, l.promiseHolds, l.boundsHold, l.dutiesApart, l.factsAreClean, l.rowsArrive, l.replays, l.neverForgotten} {
		if err := law(before, &after, c, p); err != nil {
			return err
		}
	}
	l.s = &after
	return nil
}

// chainHolds: every event links to the one before, the head is the last one, version and seq rise as they must.
func (l *life) chainHolds(before, after *Snapshot, c *Change, _ player) error {
	if after.Case.HeadSeq != int64(len(l.events)) {
		return fmt.Errorf("head_seq %d with %d events", after.Case.HeadSeq, len(l.events))
	}
	if int64(after.Case.Version) > after.Case.HeadSeq {
		return fmt.Errorf("version %d above head_seq %d", after.Case.Version, after.Case.HeadSeq)
	}
	if after.Case.Version != before.Case.Version+len(c.Events) {
		return fmt.Errorf("version went from %d to %d with %d events", before.Case.Version, after.Case.Version, len(c.Events))
	}
	hash, state, last := []byte(before.Case.HeadHash), before.Case.State, before.Case.LastAt
	for i := range c.Events {
		e := &c.Events[i]
		if !bytes.Equal(e.PrevHash, hash) || !bytes.Equal(e.Hash, seal.ChainNext(hash, e.Fact)) {
			return fmt.Errorf("event %d is not chained", e.Seq)
		}
		f, _ := factOf(e.Fact)
		if f.From != state || e.FromState != state || f.To != e.ToState || f.Seq != e.Seq || f.Seq != before.Case.HeadSeq+int64(i)+1 || e.At.Before(last) {
			return fmt.Errorf("event %d does not follow: %s", e.Seq, e.Fact)
		}
		if e.Action != ActSubmit && !declared(e) {
			return fmt.Errorf("%s %s → %s is no row of the table", e.Action, e.FromState, e.ToState)
		}
		hash, state, last = e.Hash, e.ToState, e.At
	}
	if !bytes.Equal(hash, after.Case.HeadHash) || state != after.Case.State || !slices.Contains(States, state) {
		return fmt.Errorf("the case row is not where its last event left it")
	}
	return nil
}

// oneLead: who answers for the case is one unit or nobody, and the case row names it.
func (l *life) oneLead(_, after *Snapshot, _ *Change, _ player) error {
	leads, duties := []string{}, map[string]int{}
	for _, a := range after.Assignments {
		if a.Kind == "LEAD" && (a.Active() || a.State == "RESOLVED") {
			leads = append(leads, a.Unit)
		}
		if a.Active() && a.Kind != "COORDINATOR" { // the street that coordinates may assist as well
			duties[a.Unit]++
		}
	}
	c := &after.Case
	led := slices.Contains([]State{Dispatched, Handling, Calling, Onsite, Disputed, Suspended, Resolved}, c.State)
	switch {
	case led && (len(leads) != 1 || leads[0] != c.LeadUnit):
		return fmt.Errorf("%s is led by %v, the case row says %q", c.State, leads, c.LeadUnit)
	case !led && len(leads) > 0:
		return fmt.Errorf("%s is led by %v", c.State, leads)
	case slices.Contains([]State{Submitted, Verifying, Filed, Rejected}, c.State) && c.LeadUnit != "":
		return fmt.Errorf("%s names the lead %s", c.State, c.LeadUnit)
	case slices.Contains([]State{Closed, Archived, Rejected, Merged, Voided, Filed, Submitted}, c.State) && len(duties) > 0:
		return fmt.Errorf("%s leaves duties to %v", c.State, duties)
	}
	for unit, n := range duties {
		if n > 1 {
			return fmt.Errorf("%s has %d duties at once", unit, n)
		}
	}
	open := 0
	for _, k := range after.Calls {
		if k.State == "OPEN" || k.State == "ONSITE" {
			open++
		}
	}
	if open > 1 || (c.State == Calling) != (open == 1 && after.openCall().State == "OPEN") {
		return fmt.Errorf("%s with %d open calls", c.State, open)
	}
	return nil
}

// clocksHold: what a clock has used is what has passed while it ran; due and next ring follow from it.
func (l *life) clocksHold(before, after *Snapshot, _ *Change, _ player) error {
	cal := fixtureWorld().Calendar
	for i := range after.Clocks {
		k := &after.Clocks[i]
		fail := func(format string, args ...any) error {
			return fmt.Errorf("clock %s of %s (%s): %s", k.Kind, k.OwnerType, k.State, fmt.Sprintf(format, args...))
		}
		old := slices.IndexFunc(before.Clocks, func(x Clock) bool { return x.ID == k.ID })
		if old < 0 {
			l.started[k.ID] = k.StartedAt
			if k.UsedS != 0 && k.State == "RUNNING" {
				return fail("new and used %d s", k.UsedS)
			}
		} else if o := &before.Clocks[old]; o.StartedAt.Equal(k.StartedAt) || k.UsedS != 0 { // shortened clocks begin anew
			ran := int64(0)
			if o.State == "RUNNING" {
				ran = cal.Between(o.StartedAt, l.now, o.Working)
			}
			switch {
			case o.State == "STOPPED" && (k.State != "STOPPED" || k.UsedS != o.UsedS):
				return fail("went on after it had stopped")
			case o.State == "RUNNING" && k.State == "RUNNING" && o.UsedS != k.UsedS && k.UsedS != o.UsedS+ran:
				return fail("used %d s, then %d s while it ran", o.UsedS, k.UsedS)
			case o.State != "STOPPED" && k.State != "RUNNING" && k.UsedS != o.UsedS+ran:
				return fail("used %d s: it had %d and ran %d", k.UsedS, o.UsedS, ran)
			case o.State == "PAUSED" && k.State == "RUNNING" && (k.UsedS != o.UsedS || !k.StartedAt.Equal(l.now)):
				return fail("went on with %d s used, it had %d", k.UsedS, o.UsedS)
			}
		}
		if elapsed := cal.Between(l.started[k.ID], l.now, k.Working); k.UsedS > elapsed {
			return fail("used %d s of the %d that have passed", k.UsedS, elapsed)
		}
		if k.State != "RUNNING" {
			if k.NextAt != nil {
				return fail("rings although it does not run")
			}
			continue
		}
		if k.DueAt == nil || len(k.Ladder) != len(levels) {
			return fail("runs without a due instant")
		}
		due := cal.AddSeconds(k.StartedAt, k.BudgetS-k.UsedS, k.Working)
		if over := k.BudgetS < k.UsedS; !over && !k.DueAt.Equal(due) || over && k.DueAt.After(k.StartedAt) {
			return fail("due %v, by its budget %v", k.DueAt, due)
		}
		var next *time.Time
		for j, at := range k.Ladder {
			if at != nil && levels[j] > k.Level && (next == nil || at.Before(*next)) {
				next = at
			}
		}
		if (next == nil) != (k.NextAt == nil) || next != nil && !next.Equal(*k.NextAt) {
			return fail("next ring %v, by its ladder %v", k.NextAt, next)
		}
		if ended := after.Case.State.Terminal(); ended {
			return fail("runs in %s", after.Case.State)
		}
	}
	return nil
}

// promiseHolds: the resident's promise begins with the first dispatch and begins anew only with a new round, or when
// a rejected case is taken up after all.
func (l *life) promiseHolds(before, after *Snapshot, c *Change, _ player) error {
	var running []*Clock
	for i := range after.Clocks {
		if k := &after.Clocks[i]; k.Kind == ClockHandle && k.OwnerType == "CASE" && k.State != "STOPPED" {
			running = append(running, k)
		}
	}
	did := func(act Action) bool {
		return slices.ContainsFunc(c.Events, func(e Event) bool { return e.Action == act })
	}
	switch {
	case len(running) > 1:
		return fmt.Errorf("%d promises at once", len(running))
	case after.Case.Round != before.Case.Round && !did(ActReopen):
		return fmt.Errorf("a new round without a reopening")
	case len(running) == 1 && l.promise != nil && running[0].ID != l.promise.ID && !did(ActReopen) && !after.Case.Appealed:
		return fmt.Errorf("the promise was made anew")
	case len(running) == 1 && l.promise != nil && running[0].ID == l.promise.ID && running[0].BudgetS != l.promise.BudgetS && !did(ActApprove):
		return fmt.Errorf("the promise changed its budget")
	case len(running) == 1 && running[0].State == "RUNNING" && (after.Case.PromiseAt == nil || !after.Case.PromiseAt.Equal(*running[0].DueAt)):
		return fmt.Errorf("promise_at %v, its clock is due %v", after.Case.PromiseAt, running[0].DueAt)
	}
	if len(running) == 1 {
		kept := *running[0]
		l.promise = &kept
	}
	return nil
}

// boundsHold: two returns, two reopenings by ratings, one return of a unit.
func (l *life) boundsHold(_, after *Snapshot, c *Change, _ player) error {
	for i, e := range c.Events {
		if e.Action == ActReopen && i > 0 && c.Events[i-1].Action == ActRate {
			l.reopens++
		}
	}
	by := map[string]bool{}
	for _, r := range after.Returns {
		if by[r.Unit] {
			return fmt.Errorf("%s returned twice", r.Unit)
		}
		by[r.Unit] = true
	}
	if after.Case.ReturnCount > 2 || after.Case.ReturnCount != len(after.Returns) || l.reopens > fixtureWorld().Limits.MaxReopen || after.Case.Round != after.Case.ReopenCount+1 {
		return fmt.Errorf("%d returns (%d rows), %d reopenings by ratings, round %d after %d reopenings", after.Case.ReturnCount, len(after.Returns), l.reopens, after.Case.Round, after.Case.ReopenCount)
	}
	rated := map[string]bool{}
	for _, r := range after.Ratings {
		key := fmt.Sprint(r.ReportID, r.Round)
		if rated[key] {
			return fmt.Errorf("two ratings of one report in a round")
		}
		rated[key] = true
	}
	return nil
}

// dutiesApart: nobody checks what they or their unit handled; nobody decides their own request.
func (l *life) dutiesApart(before, after *Snapshot, c *Change, p player) error {
	for _, check := range c.Checks {
		if check.Kind != "CHECK" {
			continue
		}
		handling := before.handlingUnit()
		if slices.Contains(p.Units(), handling) {
			return fmt.Errorf("%s checked its own unit %s", p.name, handling)
		}
		for _, h := range before.Handlers {
			if h.Round == check.Round && h.AccountID == *check.CheckedBy && p.Kind == auth.Staff {
				return fmt.Errorf("%s checked what they handled", p.name)
			}
		}
	}
	for _, r := range after.Requests {
		if r.RequestedBy != nil && r.DecidedBy != nil && *r.RequestedBy == *r.DecidedBy && r.Kind != "SUPERVISE" {
			return fmt.Errorf("%s decided their own request", p.name)
		}
	}
	return nil
}

// factsAreClean: free text and numbers stand in the erasable side table only; the fact keeps their salted hashes.
func (l *life) factsAreClean(_, _ *Snapshot, c *Change, _ player) error {
	for _, e := range c.Events {
		if strings.Contains(e.Fact, "canary") || strings.Contains(e.Fact, canaryPhone) {
			return fmt.Errorf("a fact tells too much: %s", e.Fact)
		}
		f, _ := factOf(e.Fact)
		var kept map[string]any
		if err := json.Unmarshal(f.Data, &kept); err != nil {
			return err
		}
		for _, t := range c.Texts {
			if t.Seq == e.Seq && kept[t.Field+"_hash"] != hex.EncodeToString(seal.SaltedHash(t.Salt, t.Text)) {
				return fmt.Errorf("the hash of %s does not fit its text", t.Field)
			}
		}
	}
	return nil
}

// rowsArrive: what the change writes is what After shows; a row that changed and is not written would be lost.
func (l *life) rowsArrive(before, after *Snapshot, c *Change, _ player) error {
	return firstError(
		lost("assignment", before.Assignments, after.Assignments, c.Assignments, func(x *Assignment) uuid.UUID { return x.ID }),
		lost("call", before.Calls, after.Calls, c.Calls, func(x *Call) uuid.UUID { return x.ID }),
		lost("target", before.Targets, after.Targets, c.Targets, func(x *CallTarget) uuid.UUID { return x.ID }),
		lost("clock", before.Clocks, after.Clocks, c.Clocks, func(x *Clock) uuid.UUID { return x.ID }),
		lost("return", before.Returns, after.Returns, c.Returns, func(x *Return) uuid.UUID { return x.ID }),
		lost("request", before.Requests, after.Requests, c.Requests, func(x *Request) uuid.UUID { return x.ID }),
		lost("party", before.Parties, after.Parties, c.Parties, func(x *Party) uuid.UUID { return idOf(x.Unit) }),
	)
}

// replays: the events alone give the case row.
func (l *life) replays(_, after *Snapshot, c *Change, _ player) error {
	for i := range c.Events {
		if err := l.replay.next(&c.Events[i]); err != nil {
			return err
		}
	}
	if column := l.replay.differs(&after.Case); column != "" || !l.replay.whole {
		return fmt.Errorf("replayed, the events do not give the row: %s", column)
	}
	return nil
}

// neverForgotten: a case in which somebody still owes something has a clock that runs, whatever happened to it.
func (l *life) neverForgotten(_, after *Snapshot, _ *Change, _ player) error {
	if c := &after.Case; !c.State.Terminal() && !slices.ContainsFunc(after.Clocks, func(k Clock) bool { return k.State == "RUNNING" && k.DueAt != nil }) {
		return fmt.Errorf("nothing runs in %s (queued %v)", c.State, c.Queued)
	}
	return nil
}

func lost[T any](what string, before, after, written []T, id func(*T) uuid.UUID) error {
	has := func(list []T, row *T) bool {
		for i := range list {
			if id(&list[i]) == id(row) {
				return reflect.DeepEqual(list[i], *row)
			}
		}
		return false
	}
	for i := range after {
		if !has(written, &after[i]) && !has(before, &after[i]) {
			return fmt.Errorf("a changed %s is not written: %s", what, dump(&after[i]))
		}
	}
	if len(after) < len(before) {
		return fmt.Errorf("a %s is gone", what)
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// live runs a life of at most n commands; the error ends with what happened before.
func live(choose func(int) int, n int) (*life, error) {
	l, err := begin(choose)
	if err != nil {
		return nil, err
	}
	for range n {
		if err := l.act(); err != nil {
			return l, fmt.Errorf("%w, after\n%s", err, strings.Join(l.log, "\n"))
		}
	}
	return l, nil
}

// 5,000 random lives (100,000 in make soak, 800 under the race detector): every law above holds after every step, and the lives get about.
func TestRandomLives(t *testing.T) {
	t.Parallel()
	if raced() {
		randomLives(t, 8)
		return
	}
	randomLives(t, 50)
}

// randomLives runs blocks of a hundred lives.
func randomLives(t *testing.T, blocks int) {
	t.Helper()
	ran, steps := 0, 0
	did, were := map[Action]int{}, map[State]int{}
	elsewhere := []Action{ActAttach, ActRecompute, ActClarify} // the world of these lives has no incident, one calendar and no rumour (incident_test, calendar_test, TestScenario24Rumour)
	missing := func() (out []Action) {
		for _, act := range commands() {
			if did[act] == 0 && !slices.Contains(elsewhere, act) {
				out = append(out, act)
			}
		}
		return out
	}
	for n := 0; n < blocks || n < 10*blocks && len(missing()) > 0; n++ { // rare actions may take some more lives than the laws do
		rapid.Check(t, func(t *rapid.T) { // a hundred lives; a failing one is made as short as it can be
			draw := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
			l, err := live(draw.IntN, rapid.IntRange(1, 40).Draw(t, "commands"))
			if err != nil {
				t.Fatal(err)
			}
			ran, steps = ran+1, steps+len(l.events)
			for _, e := range l.events {
				did[e.Action]++
				were[e.ToState]++
			}
		})
	}
	require.Empty(t, missing(), "no life did these")
	for _, s := range States {
		require.NotZero(t, were[s], "no life came to %s", s)
	}
	t.Logf("RESULT name=random-lives lives=%d events=%d did=%v were=%v", ran, steps, did, were)
}

// 64 people at once on a few cases of the real database: every refusal is a known one, of two who act on the same
// version one wins, no event is lost, and each case row is what its events tell.
func TestManyAtOneDoor(t *testing.T) {
	t.Parallel()
	manyAtOneDoor(t, 5)
}

func manyAtOneDoor(t *testing.T, each int) {
	t.Helper()
	const people = 64
	d := newDistrict(t)
	var cases []uuid.UUID
	for _, matter := range []string{matterBuilding, matterLight, "", matterBuilding} {
		cases = append(cases, d.submit("lin", matter, inJunmen).CaseID)
	}
	begun := d.count("select count(*) from case_event")
	names := make([]string, 0, len(staffOf))
	actors, photos := map[string]auth.Actor{}, map[string]string{}
	for _, s := range staffOf {
		names = append(names, s.name)
		actors[s.name], photos[s.name] = d.actor(s.name), d.photo(s.name)
	}
	now := d.now()
	type try struct {
		id      uuid.UUID
		version int // asked for; 0 for none
		after   *Case
		err     error
	}
	tries := make(chan try, people*each)
	var crowd sync.WaitGroup
	for person := range people {
		crowd.Go(func() {
			draw := rand.New(rand.NewPCG(uint64(person), 2))
			for range each {
				name, id := names[draw.IntN(len(names))], cases[draw.IntN(len(cases))]
				if draw.IntN(3) > 0 {
					name = []string{"dispatcher", "dj-officer", "dj-leader", "js-officer", "junmen-officer", "supervisor"}[draw.IntN(6)]
				}
				a := actors[name]
				o, err := d.desk.View(t.Context(), a, id)
				if err != nil {
					tries <- try{id: id, err: err}
					continue
				}
				act := commands()[draw.IntN(len(commands()))]
				if can := AllowedActions(o.Snapshot, a); len(can) > 0 && draw.IntN(6) > 0 {
					act = can[draw.IntN(len(can))]
				}
				body := fullBody(act, o.Snapshot, now)
				if _, ok := body["media_ids"]; ok {
					body["media_ids"] = []string{photos[name]}
				}
				if act == ActMerge {
					body["master_case_id"] = cases[draw.IntN(len(cases))].String()
				}
				version := 0
				if draw.IntN(2) == 0 {
					version = o.Snapshot.Case.Version
					body["version"] = version
				}
				cmd, err := command(act, body)
				if err != nil {
					tries <- try{id: id, err: err}
					continue
				}
				cmd.CaseNo, cmd.Master, cmd.Salt, cmd.Officer = "", nil, nil, nil // the door's own
				out, err := d.desk.Do(t.Context(), a, id, cmd, nil)
				if err != nil {
					tries <- try{id: id, version: version, err: err}
					continue
				}
				after := out.Snapshot.Case
				tries <- try{id: id, version: version, after: &after}
			}
		})
	}
	crowd.Wait()
	close(tries)
	won, refused, heads := 0, map[string]int{}, map[string]bool{}
	for x := range tries {
		if x.err != nil {
			f, ok := fault.As(x.err)
			require.True(t, ok, "%v", x.err)
			require.Contains(t, refusals, f.Status, "%v", x.err)
			refused[f.Code]++
			continue
		}
		won++
		for _, key := range []string{fmt.Sprint("head ", x.id, x.after.HeadSeq), fmt.Sprint("on ", x.id, x.version)} {
			require.False(t, heads[key] && (x.version > 0 || strings.HasPrefix(key, "head")), "two won: %s", key)
			heads[key] = true
		}
	}
	require.NotZero(t, won)
	require.NotZero(t, refused)
	events := d.count("select count(*) from case_event")
	require.GreaterOrEqual(t, events-begun, won)
	require.Equal(t, events, d.count("select sum(head_seq) from cases"))
	require.Equal(t, events, d.count("select count(*) from outbox"))
	require.EqualValues(t, events, d.verify().Events)
	for _, id := range cases {
		rows, err := d.db.Engine.Pool.Query(t.Context(), "select fact from case_event where case_id = $1 order by seq", id)
		require.NoError(t, err)
		state, version, n := None, 0, int64(0)
		for rows.Next() {
			var fact string
			require.NoError(t, rows.Scan(&fact))
			f, _ := factOf(fact)
			require.Equal(t, state, f.From)
			n++
			require.Equal(t, n, f.Seq)
			state, version = f.To, f.Version
		}
		require.NoError(t, rows.Err())
		o, err := d.desk.View(t.Context(), d.actor("dispatcher"), id)
		require.NoError(t, err)
		require.Equal(t, []any{state, version, n}, []any{o.Snapshot.Case.State, o.Snapshot.Case.Version, o.Snapshot.Case.HeadSeq})
		l := life{events: make([]Event, n)}
		require.NoError(t, l.oneLead(nil, o.Snapshot, nil, player{}))
	}
	t.Logf("RESULT name=many-at-one-door people=%d each=%d won=%d refused=%v", people, each, won, refused)
}

// FuzzDecide reads a life from bytes.
func FuzzDecide(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("一个从头到尾的案件，以及许多不该发生的事"))
	f.Add(bytes.Repeat([]byte{3, 1, 200, 9, 0, 77}, 40))
	f.Fuzz(func(t *testing.T, in []byte) {
		at := 0
		choose := func(n int) int {
			if at+1 >= len(in) {
				return 0
			}
			at += 2
			return (int(in[at-2])<<8 | int(in[at-1])) % n
		}
		_, err := live(choose, min(len(in)/4, 60))
		require.NoError(t, err)
	})
}

// FuzzParseCommand: a body is read or refused by name, never half; null is the same as not given.
func FuzzParseCommand(f *testing.F) {
	for _, seed := range []string{``, `null`, `{}`, `{"version":3,"note":"x"}`, `{"version":null}`, `{"reason":7}`, `{"Reason":"x"}`, `{"targets":[{"unit":"D-CG","lead":"yes"}]}`, `{"point":{"lon":1e999}}`, `{"agreed_time":"soon"}`, `[]`, `{"fly":1}`} {
		f.Add(uint8(3), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, which uint8, raw []byte) {
		act := commands()[int(which)%len(commands())]
		cmd, err := ParseCommand(act, raw)
		again, err2 := ParseCommand(act, raw)
		require.Equal(t, err, err2)
		require.Equal(t, cmd, again)
		if err != nil {
			fe, ok := fault.As(err)
			require.True(t, ok)
			require.Equal(t, 422, fe.Status)
			require.NotEmpty(t, fe.Fields)
			return
		}
		require.True(t, slices.IsSorted(cmd.Given))
		for _, name := range cmd.Given {
			require.True(t, name == "note" || slices.ContainsFunc(fieldsOf[act], func(f Field) bool { return f.Name == name }), name)
		}
		var fields map[string]json.RawMessage
		if json.Unmarshal(raw, &fields) != nil || fields == nil {
			return
		}
		for name, value := range fields {
			if string(value) == "null" {
				delete(fields, name)
			}
		}
		less, err := json.Marshal(fields)
		require.NoError(t, err)
		without, err := ParseCommand(act, less)
		require.NoError(t, err)
		require.Equal(t, cmd, without)
	})
}

package dispatch

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"yixian/internal/auth"
	"yixian/internal/seal"
	"yixian/notify"
)

// teller plans the messages of one event. It is pure: what it knows was loaded before. Nobody is told the same event
// twice by one channel; the first audience that a person belongs to wins, so tell the most concerned first.
type teller struct {
	w     *World
	h     *happening
	v     *caseView
	staff *roster
	keys  *seal.Keyring
	link  func(path string) string

	pol       *notify.Policy
	data      map[string]string
	facts     map[string]bool // circumstances that rows of the matrix ask for: priority, level of a call, kind of a clock
	base      time.Time       // what a row's distance is counted from
	settled   bool            // the duty is done: what the matrix plans for later is not planned
	told      map[[2]string]bool
	inboxOnly bool
	unitOf    string // of the member who is told
	drafts    []notify.Draft
	cancels   []cancelling
}

// officerRoles do the work of a unit and are told first; leaderRoles (party.go) are told what the matrix gives them.
var officerRoles = []auth.Role{auth.RoleCommunityOfficer, auth.RoleStreetOfficer, auth.RoleDeptOfficer, auth.RoleUtility, auth.RoleProperty, auth.RoleNGO}

// people are those who act for a unit: its officers and, of its grid workers, those of the case's grid. Where there is
// none, all its workers; where there is none of them either, its leaders: a duty never falls on nobody.
func (t *teller) people(unit string) []member {
	var officers, workers, leaders []member
	for _, m := range t.staff.byUnit[unit] {
		switch {
		case slices.Contains(officerRoles, m.Role), m.Role == auth.RoleGridWorker && slices.Contains(m.Grids, t.v.Case.GridCode):
			officers = append(officers, m)
		case m.Role == auth.RoleGridWorker:
			workers = append(workers, m)
		case slices.Contains(leaderRoles, m.Role):
			leaders = append(leaders, m)
		}
	}
	switch {
	case len(officers) > 0:
		return officers
	case len(workers) > 0:
		return workers
	}
	return leaders
}

func (t *teller) leaders(unit string) []member {
	var out []member
	for _, m := range t.staff.byUnit[unit] {
		if slices.Contains(leaderRoles, m.Role) {
			out = append(out, m)
		}
	}
	return out
}

func (t *teller) street() []member { return t.people(t.v.Case.OwnerUnit) }

// workers are the workers of the case's grid.
func (t *teller) workers() []member {
	var out []member
	for _, m := range t.staff.byRole[auth.RoleGridWorker] {
		if slices.Contains(m.Grids, t.v.Case.GridCode) {
			out = append(out, m)
		}
	}
	return out
}

func (t *teller) centre() []member      { return t.staff.byRole[auth.RoleDispatcher] }
func (t *teller) supervisors() []member { return t.staff.byRole[auth.RoleSupervisor] }
func (t *teller) arbitrators() []member { return t.staff.byRole[auth.RoleArbitrator] }

// to tells staff by the ways that the district's matrix gives the event and the audience. Whoever did it knows already.
// A duty of a unit that nobody of it could hear of is told to the centre: it must not fall on nobody in silence.
func (t *teller) to(who []member, event, audience string) {
	ways := t.ways(event, audience)
	for _, m := range who {
		id := m.ID.String()
		if id == t.h.event.Actor {
			continue
		}
		for _, way := range ways {
			if way.Channel == notify.Group {
				t.toGroup(m.Unit, event, audience, t.at(way))
				continue
			}
			t.unitOf = m.Unit
			t.draft(event, audience, way.Channel, id, &m.ID, m.PhoneEnc, t.at(way), nil)
		}
	}
}

// duty tells a unit of what it has to do.
func (t *teller) duty(unit, event, audience string) {
	if t.rings(event, audience) && t.ring(unit, event, audience) {
		return
	}
	who := t.people(unit)
	if len(who) == 0 && unit != "" && len(t.ways(event, audience)) > 0 {
		said := t.data["unit"]
		t.data["unit"] = t.unit(unit)
		t.to(t.centre(), "unreachable", "district")
		t.data["unit"] = said
	}
	t.to(who, event, audience)
}

// ways are the rows that hold now; what is planned for later falls away when the duty is settled.
func (t *teller) ways(event, audience string) []notify.Row {
	rows := t.pol.Ways(event, audience, t.facts)
	if t.settled {
		rows = slices.DeleteFunc(rows, func(r notify.Row) bool { return r.After > 0 })
	}
	return rows
}

// at is the instant of a row; zero: at once.
func (t *teller) at(way notify.Row) time.Time {
	switch {
	case way.After == 0:
		return time.Time{}
	case t.base.IsZero():
		return t.h.event.At.Add(way.After)
	}
	return t.base.Add(way.After)
}

// toGroup tells a unit's chat group, once.
func (t *teller) toGroup(unit, event, audience string, at time.Time) {
	t.unitOf = unit
	t.draft(event, audience, notify.Group, unit, nil, nil, at, nil)
}

// toReporters tells everybody who reported: a resident in the inbox and by the phone they gave, a caller of the
// hotline by the phone that was noted, staff who reported for themselves in the inbox. path ("c/", "r/") is what the
// report's link begins with.
func (t *teller) toReporters(event, path string) {
	for i := range t.v.Reports {
		t.toReporter(&t.v.Reports[i], event, "reporter", path)
	}
}

// toFollowers tells the residents who follow the case, in the inbox.
func (t *teller) toFollowers(event string) {
	for _, id := range t.v.Followers {
		for _, way := range t.ways(event, "follower") {
			if way.Channel != notify.SMS && way.Channel != notify.Voice { // a follower has left no number for it
				t.draft(event, "follower", way.Channel, id.String(), &id, nil, t.at(way), nil)
			}
		}
	}
}

func (t *teller) toReporter(r *reporter, event, audience, path string) {
	more := map[string]string{"receipt_code": r.Receipt}
	if path != "" {
		more["link"] = t.link(path + trackToken(t.keys, t.h.district, r.Receipt))
	}
	phone, account := r.VaultPhone, r.Account
	var recipient string
	switch {
	case r.AccountKind == string(auth.Resident):
		recipient = account.String()
		if len(phone) == 0 {
			phone = r.AccountPhone
		}
	case r.Vault != nil:
		recipient, account = r.Vault.String(), nil
	case account != nil && !r.OnBehalf && r.Source != "HOTLINE_12345":
		recipient = account.String()
	default:
		return // nobody left a way to be told
	}
	for _, way := range t.ways(event, audience) {
		byPhone := way.Channel == notify.SMS || way.Channel == notify.Voice
		if !byPhone && account == nil || byPhone && len(phone) == 0 {
			continue
		}
		t.draft(event, audience, way.Channel, recipient, account, phone, t.at(way), more)
	}
}

func (t *teller) draft(event, audience, channel, recipient string, account *uuid.UUID, phoneEnc []byte, at time.Time, more map[string]string) {
	if key := [2]string{recipient, channel}; t.told[key] || t.inboxOnly && channel != notify.App {
		return
	} else {
		t.told[key] = true
	}
	data := make(map[string]string, len(t.data)+len(more))
	for _, from := range []map[string]string{t.data, more} {
		for k, v := range from {
			if v != "" {
				data[k] = v
			}
		}
	}
	d := notify.Draft{District: t.h.district, EventID: t.h.event.ID, Event: event, Template: notify.Key(event, audience, channel), Recipient: recipient, AccountID: account,
		Channel: channel, Data: data, CaseID: &t.h.caseID, DueAt: at, Drill: t.v.Case.Drill,
		Unit: t.unitOf, Urgent: t.urgent(event, audience), Fold: t.h.event.Action == ActClockDue}
	if channel == notify.SMS || channel == notify.Voice {
		d.To, _ = t.keys.Open(t.h.district, auth.FieldPhone, phoneEnc) // an address that does not open is parked by notify as NO_ADDRESS
	}
	t.drafts = append(t.drafts, d)
}

// waking are the events of the duty chain: they reach people whenever they come.
var waking = []string{"called", "call_proposed", "ack_overdue", "checkin_overdue", "incident_attached"}

// urgent: residents are woken for P1 alone, staff for P1, P2 and calls (domain 4e).
func (t *teller) urgent(event, audience string) bool {
	p := t.v.Case.Priority
	if audience == "reporter" || audience == "follower" {
		return p == P1
	}
	return p == P1 || p == P2 || slices.Contains(waking, event)
}

// settle withdraws what earlier events of an action planned for later.
func (t *teller) settle(act Action) {
	for _, e := range t.v.Planned {
		if f, _ := factOf(e.Fact); f.Action == act {
			t.cancels = append(t.cancels, cancelling{event: e.Event})
		}
	}
}

// overtake withdraws what was planned for later of the case's calls and overdue check-ins: of one unit ("" of all).
// arrived says that the unit is there, so that its overdue check-in is settled too. Somebody who also serves
// another called unit that has not answered is still reminded.
func (t *teller) overtake(unit string, arrived bool) {
	for _, e := range t.v.Planned {
		f, d := factOf(e.Fact)
		switch {
		case unit == "", f.Action == ActClockDue && d.Unit == unit && arrived:
			t.cancels = append(t.cancels, cancelling{event: e.Event})
		case f.Action == ActCall && slices.Contains(d.Targets, unit):
			var ids []string
			for _, m := range t.answerable(unit) {
				if !t.owes(m.ID, d.Call, unit) {
					ids = append(ids, m.ID.String())
				}
			}
			if len(ids) > 0 {
				t.cancels = append(t.cancels, cancelling{e.Event, ids})
			}
		}
	}
}

// owes reports whether an account serves another unit of the call that has not answered yet.
func (t *teller) owes(account uuid.UUID, call, but string) bool {
	for _, x := range t.v.Targets {
		if x.CallID.String() == call && x.Unit != but && x.AckedAt == nil && !x.Withdrawn &&
			slices.ContainsFunc(t.onDuty(x.Unit, t.instant(time.Time{})), func(m member) bool { return m.ID == account }) {
			return true
		}
	}
	return false
}

// target is a unit's target in a call.
func (t *teller) target(call, unit string) *CallTarget {
	for i := range t.v.Targets {
		if x := &t.v.Targets[i]; x.CallID.String() == call && x.Unit == unit {
			return x
		}
	}
	return nil
}

// request is the request that the event names.
func (t *teller) request() *Request {
	for i := range t.v.Requests {
		if r := &t.v.Requests[i]; r.ID == t.h.data.Request {
			return r
		}
	}
	return nil
}

func (t *teller) clock(match func(*Clock) bool) *Clock {
	for i := range t.v.Clocks {
		if k := &t.v.Clocks[i]; match(k) {
			return k
		}
	}
	return nil
}

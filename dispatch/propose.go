package dispatch

import (
	"encoding/json"
	"time"

	"yixian/dispatch/rule"
	"yixian/internal/auth"
	"yixian/internal/fault"
)

// confirmWithin is how long a street may take over a call that its community proposes (domain 1.1, C8).
const confirmWithin = 10 * time.Minute

// propose keeps a community's call until the street confirms it; nothing is called yet.
func (d *draft) propose(b *Body, a auth.Actor, as standing, texts map[string]string) error {
	if d.pending("CALL") {
		return fault.Conflict("REQUEST_OPEN", "已有待街道确认的呼叫")
	}
	r := d.ask("CALL", a, as.Unit, b.Reason, "", nil)
	r.Proposal = encode(struct {
		Level         string     `json:"level"`
		Reason        string     `json:"reason"`
		Targets       []TargetIn `json:"targets"`
		MeetAt        *PointIn   `json:"meet_at,omitempty"`
		AgreedTime    *time.Time `json:"agreed_time,omitempty"`
		RemoteAllowed bool       `json:"remote_allowed"`
	}{b.Level, b.Reason, b.Targets, b.MeetAt, b.AgreedTime, b.RemoteAllowed})
	d.startClockSeconds(ClockConfirm, "REQUEST", r.ID, d.s.Case.OwnerUnit, "10NM", int64(confirmWithin/time.Second), false)
	units := make([]string, len(b.Targets))
	for i, t := range b.Targets {
		units[i] = t.Unit
	}
	d.event(a, as, ActCall, None, data{"request": r.ID, "level": b.Level, "reason": b.Reason, "targets": units}, texts)
	return nil
}

// confirm is the street's approval of a proposed call: from here on it is the street's own.
func (d *draft) confirm(r *Request, a auth.Actor, facts data, texts map[string]string) error {
	c := &d.s.Case
	if c.State != Handling {
		return fault.Conflict("WRONG_STATE", "案件当前状态不能发起呼叫")
	}
	as, _ := d.s.as(ByCaller, a)
	var b Body
	if err := json.Unmarshal(r.Proposal, &b); err != nil {
		return fault.Unavailable(err)
	}
	if b.AgreedTime != nil && b.AgreedTime.Before(d.now) {
		b.AgreedTime = nil // it has passed while the street looked at it: as soon as possible
	}
	if err := d.checkCall(&b, as.Unit); err != nil {
		return err
	}
	d.stopClock(ClockConfirm, r.ID)
	d.event(a, as, ActApprove, None, facts, texts)
	return d.callAs(as.Unit, &b, a, as, nil)
}

// mayAutoCall: the program calls for P1, in an emergency and for devices.
func (s *Snapshot) mayAutoCall() bool {
	return s.Case.Priority == P1 || s.Case.Mode == "EMERGENCY" || s.Case.Source == "DEVICE"
}

// autoCall is T14 by the program: a rule that calls by itself, at once when the case has been dispatched. A rule without a
// lead to call leaves it to the street.
func (d *draft) autoCall(p *rule.Call) error {
	if p == nil || !p.Auto || p.Lead == "" || !d.s.mayAutoCall() {
		return nil
	}
	c := &d.s.Case
	b := Body{Level: string(p.Level), Reason: "EMERGENCY", Targets: []TargetIn{{Unit: p.Lead, Lead: true}}}
	for _, u := range p.Targets {
		b.Targets = append(b.Targets, TargetIn{Unit: u})
	}
	return d.callAs(c.OwnerUnit, &b, auth.SystemActor(c.District, d.now), standing{Role: auth.RoleSystem}, nil)
}

package dispatch

import (
	"math"
	"slices"
	"time"

	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
)

// call is T14: the street calls departments upward. A community proposes; the street confirms, or P1 passes at once.
func call(d *draft, cmd *Command, a auth.Actor, as standing) error {
	c := &d.s.Case
	b := &cmd.Body
	caller := as.Unit
	switch {
	case as.Role == auth.RoleSystem:
		if caller = c.OwnerUnit; !d.s.mayAutoCall() {
			return fault.Conflict("NOT_URGENT", "只有特急、应急和感知设备案件可由系统发起呼叫")
		}
	case as.Role == auth.RoleCommunityOfficer:
		caller = c.OwnerUnit
	case b.Level > callLevels[as.Role]:
		return fault.Forbidden("LEVEL_TOO_HIGH", "您的职务最高可发起 %s 级呼叫", callLevels[as.Role])
	}
	if as.Role != auth.RoleSystem && c.LeadUnit != caller && d.s.coordinator() != caller {
		return fault.Forbidden("NOT_YOURS", "只有主办或牵头的街道可以呼叫")
	}
	if err := d.checkCall(b, caller); err != nil {
		return err
	}
	texts := map[string]string{"note": b.Note}
	if as.Role == auth.RoleCommunityOfficer && c.Priority != P1 {
		return d.propose(b, a, as, texts)
	}
	return d.callAs(caller, b, a, as, texts)
}

// checkCall holds the guards of a call that ask neither who calls nor when: level of the rule, units, one lead, time.
func (d *draft) checkCall(b *Body, caller string) error {
	if need := d.s.requiredLevel(); need > b.Level {
		return fault.Forbidden("LEVEL_TOO_LOW", "该事项须发起 %s 级及以上呼叫（规则 %s）", need, d.s.Case.RuleID)
	}
	leads := 0
	seen := map[string]bool{}
	for _, t := range b.Targets {
		if err := d.w.checkUnit("/targets", t.Unit); err != nil {
			return err
		}
		switch {
		case seen[t.Unit]:
			return fault.Invalid("/targets", "单位 %s 重复", t.Unit)
		case t.Unit == caller:
			return fault.Invalid("/targets", "不能呼叫本单位")
		}
		seen[t.Unit] = true
		if t.Lead {
			leads++
		}
	}
	if leads != 1 {
		return fault.Invalid("/targets", "须且只能指定一个主责单位")
	}
	if b.MeetAt != nil {
		if _, err := b.MeetAt.WGS84(); err != nil {
			return err
		}
	}
	if b.AgreedTime != nil && b.AgreedTime.Before(d.now) {
		return fault.Invalid("/agreed_time", "约定时间不能早于现在")
	}
	return nil
}

// callAs issues a call that has been checked. The lead's own clock waits, unless the lead itself is called; what was called
// before and has not come need not come any more.
func (d *draft) callAs(caller string, b *Body, a auth.Actor, as standing, texts map[string]string) error {
	c := &d.s.Case
	lead, err := d.leadAssignment()
	if err != nil {
		return err
	}
	k := Call{ID: d.newID(), CaseID: c.ID, Round: c.Round, Level: b.Level, Reason: b.Reason, CallerUnit: caller, CalledBy: accountOf(a), State: "OPEN", CalledAt: d.now,
		Lon: c.Lon, Lat: c.Lat, AgreedTime: b.AgreedTime, RemoteAllowed: b.RemoteAllowed, InTime: lead.ReturnUntil == nil || !d.now.After(*lead.ReturnUntil)}
	if b.MeetAt != nil {
		p, err := b.MeetAt.WGS84()
		if err != nil {
			return err
		}
		k.Lon, k.Lat = p.Lon, p.Lat
	}
	if lead.State == "OPEN" { // called by a rule before anybody signed: the call implies it
		lead.State, lead.SignedAt = "SIGNED", &d.now
		d.stopClock(ClockSign, lead.ID)
	}
	if h := d.clock(ClockHandle, lead.ID); h != nil && !slices.ContainsFunc(b.Targets, func(t TargetIn) bool { return t.Unit == lead.Unit }) {
		d.pause(h)
	}
	c.ResumeState = None
	if c.State == Onsite {
		c.ResumeState = Onsite
		d.release()
		d.endCalls()
	}
	d.moot("CALL")
	d.s.Calls = append(d.s.Calls, k)
	d.touch(&d.dirty.calls, k.ID)
	units := make([]string, 0, len(b.Targets))
	for _, t := range b.Targets {
		d.callTarget(&k, t)
		units = append(units, t.Unit)
	}
	d.event(a, as, ActCall, Calling, data{"call": k.ID, "level": k.Level, "reason": k.Reason, "caller": caller, "targets": units, "in_time": k.InTime,
		"lead": units[slices.IndexFunc(b.Targets, func(t TargetIn) bool { return t.Lead })]}, texts)
	return nil
}

// callTarget opens one target with its ACK and CHECKIN clocks; an agreed time later than the budget moves CHECKIN.
func (d *draft) callTarget(k *Call, t TargetIn) {
	p := d.s.Case.Priority
	row := CallTarget{ID: d.newID(), CallID: k.ID, CaseID: k.CaseID, Unit: t.Unit, IsLead: t.Lead}
	ackBudget, _ := d.w.budget(ClockAck, p)
	row.AckDue = *d.startClock(ClockAck, "TARGET", row.ID, t.Unit, ackBudget).DueAt
	b, _ := d.w.budget(ClockCheckin, p)
	if p == P4 && k.Level == "L3" {
		b.N = 5
	}
	text, seconds := b.String(), b.Seconds()
	if k.AgreedTime != nil && k.AgreedTime.After(d.w.Calendar.Add(d.now, b)) {
		seconds = d.w.Calendar.Between(d.now, *k.AgreedTime, b.Working())
		text = "AGREED"
	}
	row.CheckinDue = *d.startClockSeconds(ClockCheckin, "TARGET", row.ID, t.Unit, text, seconds, b.Working()).DueAt
	d.s.Targets = append(d.s.Targets, row)
	d.touch(&d.dirty.targets, row.ID)
	d.setParty(t.Unit, true)
}

// target finds the open target of a unit in the open call.
func (d *draft) target(unit string) (*CallTarget, *Call, error) {
	k := d.s.openCall()
	if k == nil {
		return nil, nil, fault.Conflict("NO_CALL", "当前没有进行中的呼叫")
	}
	for i := range d.s.Targets {
		if t := &d.s.Targets[i]; t.CallID == k.ID && t.Unit == unit && !t.Withdrawn {
			d.touch(&d.dirty.targets, t.ID)
			return t, k, nil
		}
	}
	return nil, nil, fault.Forbidden("NOT_YOURS", "本单位不在此次呼叫之列")
}

// ack is T15: the duty officer answers the call.
func ack(d *draft, cmd *Command, a auth.Actor, as standing) error {
	t, k, err := d.target(as.Unit)
	if err != nil {
		return err
	}
	if t.AckedAt != nil {
		return fault.Conflict("ALREADY_ACKED", "本单位已应答")
	}
	t.AckedAt, t.AckedBy = &d.now, &a.Account
	facts := data{"call": k.ID, "unit": t.Unit}
	if cmd.Body.EtaMinutes > 0 {
		eta := d.now.Add(time.Duration(cmd.Body.EtaMinutes) * time.Minute)
		t.EtaAt = &eta
		facts["eta_minutes"] = cmd.Body.EtaMinutes
	}
	d.stopClock(ClockAck, t.ID)
	d.event(a, as, ActAck, None, facts, map[string]string{"note": cmd.Body.Note})
	return nil
}

// checkIn is T16: presence is proved by distance, by the street's one-time code, or — when the call allows — is remote.
// When the lead target is there, its unit takes the lead and the street coordinates.
func checkIn(d *draft, cmd *Command, a auth.Actor, as standing) error {
	t, k, err := d.target(as.Unit)
	if err != nil {
		return err
	}
	if t.CheckedInAt != nil {
		return fault.Conflict("ALREADY_CHECKED_IN", "本单位已报到")
	}
	if len(cmd.Body.MediaIDs) > d.s.MediaOwned {
		return fault.Invalid("/media_ids", "照片不存在或不是您上传的，请重新上传")
	}
	if err := d.presence(t, k, cmd); err != nil {
		return err
	}
	t.CheckedInAt, t.CheckedInBy = &d.now, &a.Account
	t.Late = d.now.Truncate(time.Second).After(t.CheckinDue)
	if t.AckedAt == nil {
		t.AckedAt, t.AckedBy = &d.now, &a.Account
	}
	d.stopClock(ClockAck, t.ID)
	d.stopClock(ClockCheckin, t.ID)
	d.handled(a, t.Unit, "check_in")
	d.out.Media = append(d.out.Media, cmd.Body.MediaIDs...)
	facts := data{"call": k.ID, "unit": t.Unit, "mode": t.Mode, "late": t.Late, "lead": t.IsLead}
	if t.DistanceM != nil {
		facts["distance_m"] = *t.DistanceM
	}
	to := None
	if t.IsLead {
		to = Onsite
		if err := d.handOver(t, k); err != nil {
			return err
		}
	}
	d.event(a, as, ActCheckIn, to, facts, map[string]string{"note": cmd.Body.Note})
	return nil
}

// presence decides how somebody is there, or says clearly why not.
func (d *draft) presence(t *CallTarget, k *Call, cmd *Command) error {
	lim := d.w.Limits
	switch {
	case cmd.Body.QR != "":
		q := d.s.QR
		switch {
		case q == nil || q.CallID != k.ID:
			return fault.Invalid("/qr", "二维码无效，请扫描街道出示的最新二维码")
		case q.UsedAt != nil:
			return fault.Conflict("QR_USED", "该二维码已被使用，请街道刷新后再扫")
		case d.now.After(q.ExpiresAt):
			return fault.Conflict("QR_EXPIRED", "二维码已过期，请街道刷新后再扫")
		}
		used := *q
		used.UsedAt = &d.now
		d.out.QRs = append(d.out.QRs, used)
		t.Mode = "QR"
	case cmd.Body.Point != nil:
		p, err := cmd.Body.Point.WGS84()
		if err != nil {
			return err
		}
		accuracy := 0.0
		if cmd.Body.Point.AccuracyM != nil {
			accuracy = *cmd.Body.Point.AccuracyM
		}
		metres := math.Round(grid.Distance(p, grid.Point{Lon: k.Lon, Lat: k.Lat}))
		if k.RemoteAllowed && (accuracy > lim.WorstAccuracyM || metres-min(accuracy, lim.AccuracyCreditM) > lim.PresenceM) {
			t.Mode = "REMOTE"
			return nil
		}
		if accuracy > lim.WorstAccuracyM {
			return fault.Invalid("/point/accuracy_m", "定位精度太差（%.0f 米），请到空旷处重试或扫描街道二维码", accuracy).Coded("POOR_ACCURACY")
		}
		if metres-min(accuracy, lim.AccuracyCreditM) > lim.PresenceM {
			return fault.Invalid("/point", "距离约定地点 %.0f 米，须在 %.0f 米内报到", metres, lim.PresenceM).Coded("TOO_FAR").With("distance_m", metres)
		}
		t.Mode, t.DistanceM = "GPS", &metres
	case k.RemoteAllowed:
		t.Mode = "REMOTE"
	default:
		return fault.Invalid("/point", "请提供定位或扫描街道二维码")
	}
	return nil
}

// handOver makes the lead target's unit the LEAD with max(what the promise has left, half the item's SLA); the
// street becomes COORDINATOR. The promise itself is never reset. A unit that led already goes on as it is; a department
// that led before and was not called again is out of the case and of all figures.
func (d *draft) handOver(t *CallTarget, k *Call) error {
	c := &d.s.Case
	k.State = "ONSITE"
	d.touch(&d.dirty.calls, k.ID)
	c.ResumeState = None
	lead, err := d.leadAssignment()
	if err != nil {
		return err
	}
	if lead.Unit == t.Unit {
		if lead.SignedBy == nil {
			lead.SignedBy = t.CheckedInBy
		}
		lead.ReturnUntil = nil
		if h := d.clock(ClockHandle, lead.ID); h != nil {
			d.resume(h)
			lead.DueAt = h.DueAt
		}
		return nil
	}
	contactedAt, contactedBy := lead.ContactedAt, lead.ContactedBy
	if lead.Unit == k.CallerUnit {
		lead.Kind = "COORDINATOR"
		for i := range d.s.Clocks {
			if x := &d.s.Clocks[i]; x.OwnerID == lead.ID && x.State != "STOPPED" {
				d.stop(x)
			}
		}
	} else {
		d.endAssignment(lead, "CANCELLED")
	}
	d.stopClock(ClockStage, c.ID)
	d.moot("SUSPEND", "EXTEND", "CALL")
	budget, ok := budgetOf(c.SLABudget)
	if !ok {
		return fault.Unavailable(nil)
	}
	seconds := budget.Seconds() / 2
	if promise := d.clock(ClockHandle, c.ID); promise != nil {
		seconds = max(seconds, d.w.remaining(promise, d.now))
	}
	for i := range d.s.Assignments { // who assisted leads now
		if x := &d.s.Assignments[i]; x.Kind == "ASSIST" && x.Unit == t.Unit && x.Active() {
			d.endAssignment(x, "CANCELLED")
		}
	}
	c.LeadUnit = t.Unit
	id := d.newAssignment(t.Unit, "LEAD", seconds, budget.Working(), c.SLABudget)
	d.stopClock(ClockSign, id)
	i := slices.IndexFunc(d.s.Assignments, func(x Assignment) bool { return x.ID == id })
	x := &d.s.Assignments[i]
	x.State, x.SignedAt, x.SignedBy, x.ReturnUntil = "SIGNED", &d.now, t.CheckedInBy, nil
	if contactedAt != nil {
		x.ContactedAt, x.ContactedBy = contactedAt, contactedBy
		d.stopClock(ClockContact, id)
	}
	return nil
}

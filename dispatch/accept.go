package dispatch

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"yixian/internal/auth"
	"yixian/internal/fault"
)

// RejectReasons are the reasons of T6.
var RejectReasons = []string{"NOT_GOV_DUTY", "EMERGENCY_110_119_120", "JUDICIAL_OR_DISCIPLINE", "INSUFFICIENT_INFO", "FALSE_REPORT", "SAME_FACT_CLOSED", "OUT_OF_AREA"}

// requestVerify is T3: somebody goes and looks before the case is filed. ACCEPT waits meanwhile.
func requestVerify(d *draft, cmd *Command, a auth.Actor, as standing) error {
	c := &d.s.Case
	if !d.w.Workers[c.GridCode] {
		return fault.Conflict("NO_WORKER", "网格 %s 没有网格员，请直接立案或不予受理", c.GridCode)
	}
	if k := d.clock(ClockAccept, c.ID); k != nil {
		d.pause(k)
	}
	if b, ok := d.w.budget(ClockVerify, c.Priority); ok {
		d.startClock(ClockVerify, "CASE", c.ID, d.w.UnitOf(c.CommunityCode), b)
	}
	d.event(a, as, ActRequestVerify, Verifying, data{"grid": c.GridCode, "unit": d.w.UnitOf(c.CommunityCode)}, map[string]string{"note": cmd.Body.Note})
	return nil
}

// verify is T4. TRUE files at once; FALSE and GONE go back to the dispatcher.
func verify(d *draft, cmd *Command, a auth.Actor, as standing) error {
	c := &d.s.Case
	if d.s.MediaOwned < len(cmd.Body.MediaIDs) {
		return fault.Invalid("/media_ids", "照片不存在或不是您上传的，请重新上传")
	}
	row := Check{ID: d.newID(), CaseID: c.ID, Round: c.Round, Kind: "VERIFY", Verdict: cmd.Body.Verdict, CheckedBy: &a.Account, Unit: as.Unit, Method: "SITE", Media: cmd.Body.MediaIDs, At: d.now}
	if cmd.Body.Point == nil && strings.TrimSpace(cmd.Body.Note) == "" {
		return fault.Invalid("/point", "请提供现场定位；不能定位时请在备注中写明理由")
	}
	if cmd.Body.Point != nil {
		metres, err := d.fromCase(cmd.Body.Point)
		if err != nil {
			return err
		}
		if metres > d.w.Limits.CheckM && strings.TrimSpace(cmd.Body.Note) == "" {
			return fault.Invalid("/point", "距离事发地点 %.0f 米，须在 %.0f 米内核实，或在备注中写明理由", metres, d.w.Limits.CheckM).Coded("TOO_FAR").With("distance_m", metres)
		}
		row.DistanceM = &metres
	}
	if strings.TrimSpace(cmd.Body.Note) == "" {
		if err := d.photosNear("/media_ids"); err != nil {
			return err
		}
	}
	d.out.Checks = append(d.out.Checks, row)
	d.out.Media = append(d.out.Media, cmd.Body.MediaIDs...)
	d.stopClock(ClockVerify, c.ID)
	if k := d.clock(ClockAccept, c.ID); k != nil {
		d.resume(k)
	}
	c.Verdict = cmd.Body.Verdict
	d.event(a, as, ActVerify, Submitted, data{"verdict": c.Verdict, "photos": len(cmd.Body.MediaIDs)}, map[string]string{"note": cmd.Body.Note})
	if c.Verdict == "TRUE" && c.Matter != "" && !c.Appealed {
		return file(d, &Command{Action: ActFile, CaseNo: cmd.CaseNo}, auth.SystemActor(c.District, d.now), standing{Role: auth.RoleSystem})
	}
	return nil
}

// notTheSame: the dispatcher who rejected does not decide again after the appeal (separation of duties).
func (d *draft) notTheSame(a auth.Actor) error {
	if d.s.Case.Appealed && d.s.Case.RejectedBy != nil && *d.s.Case.RejectedBy == a.Account {
		return fault.Forbidden("SAME_PERSON", "申诉须由另一位调度员处理")
	}
	return nil
}

// reject is T6: with a reason of the list and an answer that says something.
func reject(d *draft, cmd *Command, a auth.Actor, as standing) error {
	c := &d.s.Case
	if err := d.notTheSame(a); err != nil {
		return err
	}
	if utf8.RuneCountInString(strings.TrimSpace(cmd.Body.Reply)) < 20 {
		return fault.Invalid("/reply", "答复至少 20 个字，说明原因和居民可以怎么办")
	}
	d.stopCase()
	c.RejectedBy, c.RejectedAt = accountOf(a), &d.now
	d.event(a, as, ActReject, Rejected, data{"reason": cmd.Body.Reason}, map[string]string{"reply": cmd.Body.Reply, "note": cmd.Body.Note})
	return nil
}

// appeal is T7: once, within 7 natural days, decided by somebody else.
func appeal(d *draft, cmd *Command, a auth.Actor, as standing) error {
	c := &d.s.Case
	switch {
	case c.Appealed:
		return fault.Conflict("ALREADY_APPEALED", "每件上报只能申诉一次")
	case c.RejectedAt == nil || d.now.After(c.RejectedAt.AddDate(0, 0, 7)):
		return fault.Conflict("WINDOW_CLOSED", "申诉须在 7 天内提出")
	}
	c.Appealed = true
	if b, ok := d.w.budget(ClockAccept, c.Priority); ok {
		d.startClock(ClockAccept, "CASE", c.ID, "", b)
	}
	d.event(a, as, ActAppeal, Submitted, nil, map[string]string{"reason": cmd.Body.Reason, "text": cmd.Body.Text})
	return nil
}

// void is T30 by a dispatcher, withdraw by the reporter: before anybody signed.
func void(d *draft, cmd *Command, a auth.Actor, as standing) error {
	d.stopCase()
	d.event(a, as, ActVoid, Voided, nil, map[string]string{"reason": cmd.Body.Reason, "note": cmd.Body.Note})
	return nil
}

func withdraw(d *draft, cmd *Command, a auth.Actor, as standing) error {
	if d.s.Case.ReporterCount > 1 {
		return fault.Conflict("OTHERS_REPORTED", "还有其他居民反映同一问题，不能撤回；我们会继续办理")
	}
	d.stopCase()
	d.event(a, as, ActWithdraw, Voided, nil, map[string]string{"reason": cmd.Body.Reason, "text": cmd.Body.Text})
	return nil
}

// stopCase ends every duty and clock of a case that goes no further.
func (d *draft) stopCase() {
	for i := range d.s.Assignments {
		if x := &d.s.Assignments[i]; x.Active() || x.State == "RESOLVED" {
			d.endAssignment(x, "CANCELLED")
		}
	}
	for i := range d.s.Clocks {
		d.stop(&d.s.Clocks[i])
	}
	for i := range d.s.Parties {
		d.setParty(d.s.Parties[i].Unit, false)
	}
	d.moot("SUSPEND", "EXTEND", "CALL", "SUPERVISE", "INTERIM", "REOPEN", "SPOT")
	d.s.Case.Queued = false
}

// merge is T8, seen from the case that ends: its reports go to the master (absorb), followers are kept.
func merge(d *draft, cmd *Command, a auth.Actor, as standing) error {
	master, err := uuid.Parse(cmd.Body.MasterCaseID)
	if err != nil || master == d.s.Case.ID {
		return fault.Invalid("/master_case_id", "请选择要并入的另一件案件")
	}
	m := cmd.Master
	switch {
	case m == nil || m.Case.ID != master:
		return fault.Invalid("/master_case_id", "没有找到要并入的案件")
	case !slices.Contains(Active, m.Case.State):
		return fault.Conflict("MASTER_NOT_ACTIVE", "要并入的案件已办结或终止")
	case m.Case.Drill != d.s.Case.Drill:
		return fault.Conflict("DRILL", "演练案件与真实案件不能并案")
	}
	d.stopCase()
	d.s.Case.MasterCaseID = &master
	d.out.Relink = true
	d.event(a, as, ActMerge, Merged, data{"master": master, "master_no": m.Case.CaseNo, "reporters": d.s.Case.ReporterCount}, map[string]string{"note": cmd.Body.Note})
	return nil
}

// absorb is T8, seen from the master: more reporters, and from three on P3 becomes P2 with shortened clocks.
func absorb(d *draft, child *Snapshot, a auth.Actor, as standing) error {
	c := &d.s.Case
	c.ReporterCount += child.Case.ReporterCount
	moved := make([]uuid.UUID, len(child.Reports)) // whose reporters are told of it
	for i := range child.Reports {
		moved[i] = child.Reports[i].ID
	}
	facts := data{"merged": child.Case.ID, "merged_no": child.Case.CaseNo, "reporters": c.ReporterCount, "report_ids": moved}
	if c.ReporterCount >= 3 && c.Priority == P3 {
		d.raise(P2)
		facts["priority"] = P2
	}
	d.s.Reports = append(d.s.Reports, child.Reports...)
	d.event(a, as, ActMerge, None, facts, nil)
	return nil
}

// raise makes a case more urgent: running clocks become min(old due, now + new budget), never longer (domain 4b).
func (d *draft) raise(p Priority) {
	c := &d.s.Case
	c.Priority = p
	for i := range d.s.Clocks {
		k := &d.s.Clocks[i]
		if k.State != "RUNNING" || k.DueAt == nil || k.Kind == ClockRating || k.Kind == ClockCallback {
			continue
		}
		b, ok := d.w.budget(k.Kind, p)
		if !ok || !d.w.Calendar.Add(d.now, b).Before(*k.DueAt) {
			continue
		}
		k.Budget, k.BudgetS, k.UsedS, k.Working, k.StartedAt = b.String(), b.Seconds(), 0, b.Working(), d.now
		d.wind(k)
		d.follows(k)
	}
}

// follows writes a clock's new due onto the rows that show it.
func (d *draft) follows(k *Clock) {
	switch {
	case k.Kind == ClockHandle && k.OwnerType == "CASE":
		d.s.Case.PromiseAt = k.DueAt
	case k.Kind == ClockHandle:
		for i := range d.s.Assignments {
			if x := &d.s.Assignments[i]; x.ID == k.OwnerID {
				x.DueAt = k.DueAt
				d.touch(&d.dirty.assignments, x.ID)
			}
		}
	case k.OwnerType == "TARGET":
		for i := range d.s.Targets {
			if t := &d.s.Targets[i]; t.ID == k.OwnerID {
				if k.Kind == ClockAck {
					t.AckDue = *k.DueAt
				} else {
					t.CheckinDue = *k.DueAt
				}
				d.touch(&d.dirty.targets, t.ID)
			}
		}
	}
}

package dispatch

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/worktime"
)

// mayCheck: the checker is none of the round's handlers and not of the handling unit (domain 4b "Who counts as what").
func (s *Snapshot) mayCheck(a auth.Actor) error {
	handling := s.handlingUnit()
	for _, h := range s.Handlers {
		if h.Round == s.Case.Round && h.AccountID == a.Account {
			return fault.Forbidden("HANDLER_CANNOT_CHECK", "处置人员不能核查自己处置的案件")
		}
	}
	if slices.Contains(a.Units(), handling) {
		return fault.Forbidden("SAME_UNIT_CANNOT_CHECK", "处置单位的人员不能核查本单位处置的案件")
	}
	return nil
}

// handlingUnit is the unit of the resolving assignment.
func (s *Snapshot) handlingUnit() string {
	if l := s.lead(); l != nil {
		return l.Unit
	}
	return s.Case.LeadUnit
}

// inspect is what pass and fail have in common: separation of duties, evidence and place.
func (d *draft) inspect(cmd *Command, a auth.Actor, as standing, verdict string) error {
	kind := "CHECK"
	if d.s.Case.State == Closed {
		kind = "SPOT"
	}
	if err := d.s.mayCheck(a); err != nil {
		return err
	}
	if d.s.MediaOwned < len(cmd.Body.MediaIDs) {
		return fault.Invalid("/media_ids", "照片不存在或不是您上传的，请重新上传")
	}
	row := Check{ID: d.newID(), CaseID: d.s.Case.ID, Round: d.s.Case.Round, Kind: kind, Verdict: verdict, CheckedBy: &a.Account, Unit: as.Unit, Method: "SITE", Media: append([]string{}, cmd.Body.MediaIDs...), At: d.now}
	if cmd.Body.Method != "" {
		row.Method = cmd.Body.Method
	}
	if cmd.Body.Point != nil {
		metres, err := d.fromCase(cmd.Body.Point)
		if err != nil {
			return err
		}
		if metres > d.w.Limits.CheckM {
			return fault.Invalid("/point", "距离事发地点 %.0f 米，须在 %.0f 米内核查", metres, d.w.Limits.CheckM).Coded("TOO_FAR").With("distance_m", metres)
		}
		row.DistanceM = &metres
	}
	if err := d.photosNear("/media_ids"); err != nil {
		return err
	}
	d.out.Checks = append(d.out.Checks, row)
	d.out.Media = append(d.out.Media, cmd.Body.MediaIDs...)
	return nil
}

// fromCase is how far a point lies from the case, in whole metres.
func (d *draft) fromCase(in *PointIn) (float64, error) {
	p, err := in.WGS84()
	if err != nil {
		return 0, err
	}
	return math.Round(grid.Distance(p, grid.Point{Lon: d.s.Case.Lon, Lat: d.s.Case.Lat})), nil
}

// photosNear: a photo that tells where it was taken was taken at the case.
func (d *draft) photosNear(pointer string) error {
	for _, p := range d.s.PhotoPlaces {
		if metres := math.Round(grid.Distance(p, grid.Point{Lon: d.s.Case.Lon, Lat: d.s.Case.Lat})); metres > d.w.Limits.CheckM {
			return fault.Invalid(pointer, "照片拍摄于 %.0f 米外，须在事发地点 %.0f 米内拍摄", metres, d.w.Limits.CheckM).Coded("TOO_FAR").With("distance_m", metres)
		}
	}
	return nil
}

// checkPass is T21; of a closed case it is the district's spot check.
func checkPass(d *draft, cmd *Command, a auth.Actor, as standing) error {
	if err := d.inspect(cmd, a, as, "PASS"); err != nil {
		return err
	}
	if d.s.Case.State == Closed {
		d.spotted()
		d.event(a, as, ActCheckPass, None, data{"spot": true, "unit": d.s.Case.LeadUnit, "method": d.out.Checks[0].Method, "photos": len(cmd.Body.MediaIDs)}, map[string]string{"note": cmd.Body.Note})
		return nil
	}
	return d.close(a, as, data{"check_unit": as.Unit, "method": d.out.Checks[0].Method, "photos": len(cmd.Body.MediaIDs)})
}

// checkFail is T22: back to the state resolved from; the unit's clock goes on with what it had left.
func checkFail(d *draft, cmd *Command, a auth.Actor, as standing) error {
	if err := d.inspect(cmd, a, as, "FAIL"); err != nil {
		return err
	}
	c := &d.s.Case
	if c.State == Closed {
		d.spotted()
		d.event(a, as, ActCheckFail, None, data{"spot": true, "unit": c.LeadUnit, "fraud": cmd.Body.Fraud}, map[string]string{"reason": cmd.Body.Reason, "note": cmd.Body.Note})
		return d.reopen(a, as, data{"by_rating": false, "by_spot": true}, cmd.Body.Reason)
	}
	d.stopClock(ClockCheck, c.ID)
	lead, err := d.leadAssignment()
	if err != nil {
		return err
	}
	lead.State, lead.ResolvedAt, lead.ResolvedBy = "SIGNED", nil, nil
	lead.ReworkCount++
	for i := range d.s.Clocks {
		k := &d.s.Clocks[i]
		if k.OwnerID == lead.ID || k.OwnerType == "TARGET" {
			d.resume(k)
		}
	}
	if h := d.clock(ClockHandle, lead.ID); h != nil {
		lead.DueAt = h.DueAt
	}
	for i := range d.s.Targets {
		if k := d.clock(ClockCheckin, d.s.Targets[i].ID); k != nil {
			d.s.Targets[i].CheckinDue = *k.DueAt
			d.touch(&d.dirty.targets, d.s.Targets[i].ID)
		}
	}
	c.ReworkCount++
	c.ResolvedAt, c.Outcome = nil, nil
	d.event(a, as, ActCheckFail, c.ResolvedFrom, data{"unit": lead.Unit, "fraud": cmd.Body.Fraud, "rework_count": c.ReworkCount}, map[string]string{"reason": cmd.Body.Reason, "note": cmd.Body.Note})
	return nil
}

// rate is T23. "Not resolved" or the worst grade opens the case again, at most twice; then a supervisor decides.
func rate(d *draft, cmd *Command, a auth.Actor, as standing) error {
	c := &d.s.Case
	ref := d.s.report(*d.s.ReportID)
	switch {
	case c.SelfHandled:
		return fault.Forbidden("SELF_HANDLED", "自行处置的案件不参与评价")
	case cmd.Body.Grade < 1 || cmd.Body.Grade > 5:
		return fault.Invalid("/grade", "请在 1 到 5 之间选择")
	case ref != nil && !ref.OnBehalf && (ref.Source == "STAFF" || ref.Source == "GRID_WORKER"):
		return fault.Forbidden("STAFF_REPORT", "工作人员自己的上报不参与评价") // a unit never rates itself
	case ref == nil || ref.Anonymous:
		return fault.Forbidden("ANONYMOUS", "匿名上报不参与评价")
	case c.Drill:
		return fault.Conflict("DRILL", "演练案件不参与评价")
	case slices.ContainsFunc(d.s.Ratings, func(r Rating) bool { return r.ReportID == ref.ID && r.Round == c.Round }):
		return fault.Conflict("ALREADY_RATED", "您已评价过，谢谢")
	}
	if k := d.clock(ClockRating, c.ID); k == nil || (k.DueAt != nil && d.now.After(*k.DueAt)) {
		return fault.Conflict("WINDOW_CLOSED", "评价期已结束")
	}
	return d.opinion(ActRate, ref, cmd, "WEB", a, as, data{})
}

// opinion writes a reporter's answer, by whichever channel it came, and what follows from it.
func (d *draft) opinion(act Action, ref *ReportRef, cmd *Command, channel string, a auth.Actor, as standing, facts data) error {
	c := &d.s.Case
	row := Rating{ID: d.newID(), CaseID: c.ID, ReportID: ref.ID, Round: c.Round, Contacted: cmd.Body.Contacted, Resolved: *cmd.Body.Resolved, Grade: cmd.Body.Grade, Channel: channel, RatedAt: d.now, Valid: true, Unit: c.LeadUnit}
	d.s.Ratings = append(d.s.Ratings, row)
	d.out.Ratings = append(d.out.Ratings, row)
	facts["resolved"], facts["grade"], facts["report"] = row.Resolved, row.Grade, ref.ID
	bad := !row.Resolved || row.Grade <= 1
	again := bad && c.ReopenCount < d.w.Limits.MaxReopen
	if bad && !again && !d.pending("REOPEN") {
		facts["request"] = d.ask("REOPEN", auth.SystemActor(c.District, d.now), c.OwnerUnit, "BY_RATING", "", nil).ID // what the supervisor is told of
	}
	if len(d.s.toCall()) == 0 {
		d.stopClock(ClockCallback, c.ID)
	}
	d.event(a, as, act, None, facts, map[string]string{"text": cmd.Body.Text, "note": cmd.Body.Note})
	if again {
		return d.reopen(auth.SystemActor(c.District, d.now), standing{Role: auth.RoleSystem}, data{"by_rating": true}, "")
	}
	return nil
}

// spotted settles the sample's request.
func (d *draft) spotted() {
	for i := range d.s.Requests {
		if r := &d.s.Requests[i]; r.Kind == "SPOT" && r.State == "PENDING" {
			r.State, r.DecidedAt = "DONE", &d.now
			d.touch(&d.dirty.requests, r.ID)
		}
	}
}

// reopen is T24 by a supervisor.
func reopen(d *draft, cmd *Command, a auth.Actor, as standing) error {
	return d.reopen(a, as, data{"by_rating": false}, cmd.Body.Reason)
}

// reopen begins a new round with the same lead: half the item's SLA, at least 4 WH; the old assignment counts as rework.
func (d *draft) reopen(a auth.Actor, as standing, facts data, reason string) error {
	c := &d.s.Case
	budget, ok := budgetOf(c.SLABudget)
	if !ok {
		return fault.Unavailable(nil)
	}
	d.stopClock(ClockRating, c.ID)
	d.stopClock(ClockCallback, c.ID)
	d.moot("SPOT")
	for i := range d.s.Assignments {
		x := &d.s.Assignments[i]
		if x.Kind == "LEAD" && x.Round == c.Round && x.State == "DONE" {
			x.ReworkCount++
			d.touch(&d.dirty.assignments, x.ID)
		}
	}
	for i := range d.s.Requests {
		if r := &d.s.Requests[i]; r.Kind == "REOPEN" && r.State == "PENDING" {
			r.State, r.DecidedBy, r.DecidedAt = "APPROVED", accountOf(a), &d.now
			d.touch(&d.dirty.requests, r.ID)
		}
	}
	c.Round++
	c.ReopenCount++
	c.ClosedAt, c.ResolvedAt, c.Outcome = nil, nil, nil
	seconds, working, text := half(budget)
	promise := d.startClockSeconds(ClockHandle, "CASE", c.ID, "", text, seconds, working)
	c.PromiseAt = promise.DueAt
	id := d.newAssignment(c.LeadUnit, "LEAD", seconds, working, text)
	d.stopClock(ClockSign, id)
	i := slices.IndexFunc(d.s.Assignments, func(x Assignment) bool { return x.ID == id })
	x := &d.s.Assignments[i]
	x.State, x.SignedAt, x.ReturnUntil = "SIGNED", &d.now, nil
	facts["round"] = c.Round
	to := c.ResolvedFrom
	if to == None {
		to = Handling
	}
	d.event(a, as, ActReopen, to, facts, map[string]string{"reason": reason})
	return nil
}

// half is 50 % of a budget, at least 4 WH (4 NH for natural budgets), in seconds with its text.
func half(b worktime.Budget) (seconds int64, working bool, text string) {
	seconds = max(b.Seconds()/2, 4*3600)
	unit := worktime.NM
	if b.Working() {
		unit = worktime.WM
	}
	return seconds, b.Working(), worktime.Budget{N: int(seconds / 60), Unit: unit}.String()
}

// decline is a supervisor's written answer to a request that the bound of reopenings made necessary; a rating window
// that is over by then ends in the archive at once, since its clock has rung already.
func decline(d *draft, cmd *Command, a auth.Actor, as standing) error {
	r, err := d.pendingRequest(cmd.Body.RequestID, a)
	if err != nil {
		return err
	}
	r.State, r.DecidedBy, r.DecidedAt = "DECLINED", accountOf(a), &d.now
	d.stopClock(ClockConfirm, r.ID)
	d.event(a, as, ActDecline, None, data{"request": r.ID, "kind": r.Kind}, map[string]string{"reason": cmd.Body.Reason, "note": cmd.Body.Note})
	if k := d.clock(ClockRating, d.s.Case.ID); k != nil && k.DueAt != nil && !d.now.Before(*k.DueAt) {
		system := auth.SystemActor(d.s.Case.District, d.now)
		return archive(d, &Command{Action: ActArchive}, system, standing{Role: auth.RoleSystem})
	}
	return nil
}

// archive is T25: only after the rating window (domain 1.1 C2: no phase may be skipped).
func archive(d *draft, cmd *Command, a auth.Actor, as standing) error {
	c := &d.s.Case
	k := d.clock(ClockRating, c.ID)
	if k == nil || k.DueAt == nil || d.now.Before(*k.DueAt) {
		return fault.Conflict("RATING_OPEN", "评价期未满，不能归档")
	}
	d.moot("SPOT") // a sample that nobody looked at in time lapses
	d.stopClock(ClockCallback, c.ID)
	if slices.ContainsFunc(d.s.Requests, func(r Request) bool { return r.State == "PENDING" }) {
		return fault.Conflict("REQUEST_OPEN", "尚有待决定的申请，不能归档")
	}
	d.stop(k)
	c.ArchivedAt = &d.now
	d.event(a, as, ActArchive, Archived, nil, nil)
	return nil
}

// note adds words of any staff in scope to the chain's side table.
func note(d *draft, cmd *Command, a auth.Actor, as standing) error {
	d.event(a, as, ActNote, None, nil, map[string]string{"text": cmd.Body.Text})
	return nil
}

// add lets the reporter say or show more until the case is closed.
func add(d *draft, cmd *Command, a auth.Actor, as standing) error {
	if strings.TrimSpace(cmd.Body.Text) == "" && len(cmd.Body.MediaIDs) == 0 {
		return fault.Invalid("/text", "请填写补充说明或添加照片")
	}
	if d.s.MediaOwned < len(cmd.Body.MediaIDs) {
		return fault.Invalid("/media_ids", "照片不存在或不是您上传的，请重新上传")
	}
	d.out.Media = append(d.out.Media, cmd.Body.MediaIDs...)
	d.event(a, as, ActAdd, None, data{"photos": cmd.Body.MediaIDs}, map[string]string{"text": cmd.Body.Text})
	return nil
}

// superviseFrom are the states of T29.
var superviseFrom = []State{Dispatched, Handling, Calling, Onsite, Resolved}

// urge is the reporter's reminder, once in 24 h.
func urge(d *draft, cmd *Command, a auth.Actor, as standing) error {
	if d.s.LastUrge != nil && d.now.Before(d.s.LastUrge.Add(24*time.Hour)) {
		return fault.New(429, "TOO_OFTEN", "24 小时内已催办过，我们会尽快处理").After(d.s.LastUrge.Add(24 * time.Hour).Sub(d.now))
	}
	c := &d.s.Case
	facts := data{"unit": c.LeadUnit}
	if slices.Contains(superviseFrom, c.State) && c.LeadUnit != "" { // T29: the unit owes a reply, as to a supervisor
		facts["request"] = d.order("SUPERVISE", a, c.LeadUnit, "URGE").ID
	}
	d.event(a, as, ActUrge, None, facts, map[string]string{"text": cmd.Body.Text})
	return nil
}

func (s *Snapshot) report(id uuid.UUID) *ReportRef {
	for i := range s.Reports {
		if s.Reports[i].ID == id {
			return &s.Reports[i]
		}
	}
	return nil
}

func accountOf(a auth.Actor) *uuid.UUID {
	if a.Account == uuid.Nil {
		return nil
	}
	return &a.Account
}

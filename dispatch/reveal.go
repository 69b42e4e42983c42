package dispatch

import (
	"slices"
	"strings"
	"time"

	"yixian/internal/auth"
	"yixian/internal/fault"
)

// RevealReasons are the reasons of the list; a reason in somebody's own words is OTHER and its words are kept as text.
// CALLBACK is not chosen: it is what a callback officer's look is for.
var RevealReasons = []string{"CONTACT_REPORTER", "VERIFY_FACTS", "HOME_VISIT", "SAFETY", "OTHER"}

// asRevealer says who may ever read a reporter's name or phone (domain 4f): dispatchers; the hotline of its own intake;
// the street of the place, the lead department and the community's worker while they have something to do; callback
// officers. Communities' officers, assisting units, utilities, supervisors and auditors never.
func (s *Snapshot) asRevealer(a auth.Actor) (standing, bool) {
	c := &s.Case
	active := slices.Contains(Active, c.State)
	for _, b := range a.Bindings {
		ok := false
		switch b.Role {
		case auth.RoleDispatcher:
			ok = true
		case auth.RoleHotline:
			ok = c.IntakeAccount != nil && *c.IntakeAccount == a.Account
		case auth.RoleCallback:
			ok = c.State == Closed
		case auth.RoleStreetOfficer, auth.RoleStreetLeader, auth.RoleStreetSecretary:
			ok = b.Unit != "" && b.Unit == c.OwnerUnit && active
		case auth.RoleDeptOfficer, auth.RoleDeptLeader:
			ok = b.Unit != "" && b.Unit == c.LeadUnit && active
		case auth.RoleGridWorker:
			mine := slices.Contains(b.Grids, c.GridCode)
			ok = active && (b.Unit != "" && (b.Unit == c.LeadUnit || c.State == Resolved && b.Unit == c.CheckUnit) || mine && (c.State == Verifying || c.State == Resolved))
		}
		if ok {
			return standing{b.Role, b.Unit}, true
		}
	}
	return standing{}, false
}

// reveal is S3: a reason, an event, a row that the reporter reads, one of the officer's thirty of the day. The value itself
// is opened by the door after it is written. A callback officer's look belongs to one attempt and is not counted.
func reveal(d *draft, cmd *Command, a auth.Actor, as standing) error {
	c, b := &d.s.Case, &cmd.Body
	if c.Sensitivity == "WHISTLEBLOWER" && as.Role != auth.RoleDispatcher && as.Role != auth.RoleHotline && as.Role != auth.RoleCallback {
		return fault.Forbidden("WHISTLEBLOWER", "举报类案件的报案人信息不向承办单位开放")
	}
	reason, text := b.Reason, b.Text
	if !slices.Contains(RevealReasons, reason) {
		reason, text = "OTHER", strings.TrimSpace(b.Reason+" "+b.Text)
	}
	var ref *ReportRef
	var err error
	if as.Role == auth.RoleCallback {
		if reason, text = "CALLBACK", b.Text; b.Field != "phone" {
			return fault.Forbidden("NOT_YOURS", "回访只能查看电话")
		}
		if ref, err = d.called(b.ReportID); err != nil {
			return err
		}
		seen := 0
		for _, r := range d.s.Reveals {
			if r.ReportID == ref.ID && r.Round == c.Round {
				seen++
			}
		}
		if seen > d.s.attempts(ref.ID) {
			return fault.Conflict("ALREADY_REVEALED", "本次回访已查看过电话，请先登记回访结果")
		}
	} else if ref, err = d.revealed(b); err != nil {
		return err
	}
	if reason == "OTHER" && strings.TrimSpace(text) == "" || c.Sensitivity == "SENSITIVE" && strings.TrimSpace(text) == "" {
		return fault.Invalid("/text", "请写明查看的具体理由")
	}
	if reason != "CALLBACK" {
		local := d.now.In(d.w.Calendar.Location())
		if d.s.RevealsDay >= d.w.Limits.RevealsPerDay {
			tomorrow := time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, local.Location())
			return revealLimit(d.w.Limits.RevealsPerDay).After(tomorrow.Sub(d.now))
		}
		d.out.Quota = &Quota{AccountID: a.Account, Day: local.Format(time.DateOnly), Most: d.w.Limits.RevealsPerDay}
	}
	row := Reveal{ID: d.newID(), Seq: c.HeadSeq + 1, ReportID: ref.ID, Round: c.Round, AccountID: a.Account, Role: string(as.Role), Unit: as.Unit, Field: b.Field, Reason: reason, At: d.now}
	d.s.Reveals = append(d.s.Reveals, row)
	d.out.Reveals = append(d.out.Reveals, row)
	d.event(a, as, ActReveal, None, data{"field": row.Field, "reason": row.Reason, "report": ref.ID}, map[string]string{"text": text, "note": b.Note})
	return nil
}

// revealed finds the report whose reporter is to be read: the one that is named, else the first that holds the field.
func (d *draft) revealed(b *Body) (*ReportRef, error) {
	for i := range d.s.Reports {
		r := &d.s.Reports[i]
		holds := b.Field == "phone" && r.HasPhone || b.Field == "name" && r.HasName
		if !r.Anonymous && holds && (b.ReportID == "" || r.ID.String() == b.ReportID) {
			return r, nil
		}
	}
	return nil, fault.Conflict("NOTHING_TO_REVEAL", "报案人没有留下该信息，或为匿名上报")
}

// revealAlert leaves in the chain that an officer asked for more than a day has; supervisors and auditors are told.
func revealAlert(d *draft, cmd *Command, a auth.Actor, as standing) error {
	if cmd.Officer == nil {
		return fault.Conflict("NO_OFFICER", "没有需要提醒的人员")
	}
	d.event(a, as, ActRevealAlert, None, data{"officer": cmd.Officer.ID(), "unit": cmd.Officer.Unit(), "count": d.s.RevealsDay}, nil)
	return nil
}

func revealLimit(most int) *fault.Error {
	return fault.New(429, "REVEAL_LIMIT", "今天查看次数已达 %d 次上限，已通知监督人员", most)
}

// worthRevealing leaves out what would be refused whatever the reason.
func (s *Snapshot) worthRevealing(a auth.Actor) bool {
	st, _ := s.asRevealer(a)
	switch {
	case st.Role == auth.RoleCallback:
		return s.callbackDue()
	case s.Case.Sensitivity == "WHISTLEBLOWER" && st.Role != auth.RoleDispatcher && st.Role != auth.RoleHotline:
		return false
	}
	return slices.ContainsFunc(s.Reports, func(r ReportRef) bool { return !r.Anonymous && (r.HasPhone || r.HasName) })
}

package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/pg"
	"yixian/notify"
)

const (
	sweepBatch = 100
	// secondSweep is when the engine looks again for cases that a process filed before it had heard of the incident.
	secondSweep = time.Minute
)

// Incidents moves one incident on whose time has come: it stands down what nobody confirmed or what is over, tells the acts,
// attaches open cases, and lifts what was deferred once it has ended. It returns the number of incidents moved, 0 when there
// is nothing to do. Every step may be repeated: an act is linked once, a message is told once, a case is attached once.
func (p *Planner) Incidents(ctx context.Context) (n int, err error) {
	err = pgx.BeginFunc(ctx, p.db.Pool, func(tx pgx.Tx) error {
		var i Incident
		var now time.Time
		err := tx.QueryRow(ctx, "select to_jsonb(i), yx_now() from incident i where i.next_at <= yx_now() order by i.next_at, i.id limit 1 for update skip locked").Scan(&i, &now)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		n = 1
		if reason := i.overBy(now); reason != "" {
			return p.endByClock(ctx, tx, &i, reason, now)
		}
		if i.ToldSeq < i.HeadSeq {
			if err := p.tellIncident(ctx, tx, &i); err != nil {
				return err
			}
			i.ToldSeq = i.HeadSeq
		}
		if i.SweepAt != nil && !now.Before(*i.SweepAt) {
			if err := p.sweep(ctx, tx, &i, now); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, "update incident set told_seq = $3, sweep_at = $4, sweep_after = $5, next_at = $6 where district = $1 and id = $2", i.District, i.ID, i.ToldSeq, i.SweepAt, i.SweepAfter, i.next())
		return err
	})
	if n > 0 && err == nil {
		err = p.desk.worlds.Load(ctx)
	}
	return n, pg.Fault(err)
}

// overBy says why an incident ends by the clock; "" while it does not.
func (i *Incident) overBy(now time.Time) string {
	switch {
	case i.State == IncidentDeclared && !now.Before(i.ConfirmBy):
		return "UNCONFIRMED"
	case i.State != IncidentEnded && i.UntilAt != nil && !now.Before(*i.UntilAt):
		return "EXPIRED"
	}
	return ""
}

// next is when the engine must look again; nil when nothing is left to do.
func (i *Incident) next() *time.Time {
	var out *time.Time
	earlier := func(t *time.Time) {
		if t != nil && (out == nil || t.Before(*out)) {
			out = t
		}
	}
	earlier(i.SweepAt)
	if i.State == IncidentDeclared {
		earlier(&i.ConfirmBy)
	}
	if i.State != IncidentEnded {
		earlier(i.UntilAt)
	}
	return out
}

func (p *Planner) endByClock(ctx context.Context, tx pgx.Tx, i *Incident, reason string, now time.Time) error {
	head := i.HeadSeq
	e := i.end(auth.SystemActor(i.District, now), standing{Role: auth.RoleSystem}, reason, now)
	var n int
	return tx.QueryRow(ctx, turnSQL, append(append([]any{encode(data{"incident": i, "event": e}), i.District, i.ID}, Once{}.args(auth.SystemActor(i.District, now), []byte("{}"))...), head)...).Scan(&n)
}

// sweep attaches the next cases in order of their ids, or lifts deferrals after the end.
func (p *Planner) sweep(ctx context.Context, tx pgx.Tx, i *Incident, now time.Time) error {
	if err := p.desk.worlds.Load(ctx); err != nil { // the incident may be another process's, seconds old
		return err
	}
	sql, cmd := `select c.id from cases c where c.district = $1 and ($2::uuid is null or c.id > $2) and c.incident_id = $3
		and c.state = 'SUSPENDED' and (select r.reason from case_request r where r.district = c.district and r.case_id = c.id and r.kind = 'SUSPEND' and r.state = 'APPROVED' order by r.decided_at desc, r.id desc limit 1) = $4
		order by c.id limit $5`, Command{Action: ActResume}
	args := []any{i.District, i.SweepAfter, i.ID, deferReason, sweepBatch}
	if i.State != IncidentEnded {
		cmd = Command{Action: ActAttach, Incident: i.ID}
		areas := make([]string, 0, len(i.Areas)+1)
		for _, a := range i.Areas {
			areas = append(areas, a+"%")
		}
		if len(i.Ring) > 0 {
			areas = append(areas, "%") // the point decides
		}
		matters := make([]string, 0, len(i.Matters)+1)
		for _, m := range i.Matters {
			matters = append(matters, m+"%")
		}
		if len(matters) == 0 {
			matters = append(matters, "%")
		}
		states := make([]string, len(Active))
		for n, s := range Active {
			states[n] = string(s)
		}
		sql = `select c.id from cases c where c.district = $1 and ($2::uuid is null or c.id > $2) and c.incident_id is null and c.drill = $3 and c.state = any($4)
			and c.matter <> '' and c.matter like any($5) and c.grid_code like any($6) order by c.id limit $7`
		args = []any{i.District, i.SweepAfter, i.Drill, states, matters, areas, sweepBatch}
	}
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := p.system(ctx, i.District, id, cmd); err != nil {
			return fmt.Errorf("%s of case %s: %w", cmd.Action, id, err)
		}
	}
	if len(ids) == sweepBatch {
		i.SweepAfter = &ids[len(ids)-1]
		return nil
	}
	i.SweepAfter = nil
	if again := later(i.FromAt, i.DeclaredAt).Add(secondSweep); i.State != IncidentEnded && now.Before(again) {
		i.SweepAt = &again
	} else {
		i.SweepAt = nil
	}
	return nil
}

// incidentStaffSQL reads whom an incident may concern: its units, all grid workers, and the district's offices.
const incidentStaffSQL = `select a.id, a.phone_enc, b.role, b.unit, b.grids from role_binding b join account a on a.district = b.district and a.id = b.account_id
where b.district = $1 and a.disabled_at is null and (b.unit = any($2) or b.role = any($3)) order by a.created_at, a.id`

// tellIncident tells the acts that were not told yet (domain 4e): the workers, streets and communities of the area and the
// departments called up by SMS and voice, the offices of the district in their inbox.
func (p *Planner) tellIncident(ctx context.Context, tx pgx.Tx, i *Incident) error {
	w := p.desk.worlds.Get(i.District)
	if w == nil {
		return errors.New("no configuration of the district")
	}
	reach := w.reach(i)
	touches := func(area string) bool {
		return area != "" && slices.ContainsFunc(reach, func(r string) bool { return strings.HasPrefix(area, r) || strings.HasPrefix(r, area) })
	}
	units := slices.Clone(i.Units)
	for code, u := range w.Units {
		if (u.Kind == "STREET" || u.Kind == "COMMUNITY") && u.Active && touches(u.AreaCode) {
			units = append(units, code)
		}
	}
	offices := []string{string(auth.RoleGridWorker), string(auth.RoleDispatcher), string(auth.RoleSupervisor), string(auth.RoleCommander)}
	if len(i.Units) == 0 { // no department is named: the leaders of all
		offices = append(offices, string(auth.RoleDeptLeader))
	}
	rows, err := tx.Query(ctx, incidentStaffSQL, i.District, units, offices)
	if err != nil {
		return err
	}
	var staff []member
	var m member
	if _, err := pgx.ForEachRow(rows, []any{&m.ID, &m.PhoneEnc, &m.Role, &m.Unit, &m.Grids}, func() error {
		staff = append(staff, m)
		m.PhoneEnc, m.Grids = nil, nil
		return nil
	}); err != nil {
		return err
	}
	events, err := p.desk.officeEvents(ctx, i.District, i.ID)
	if err != nil {
		return err
	}
	var drafts []notify.Draft
	for _, e := range events {
		if e.Seq <= i.ToldSeq {
			continue
		}
		residents, err := p.neighbours(ctx, tx, w, i, e.Action, incidentAct(i.ID, e.Seq), reach)
		if err != nil {
			return err
		}
		drafts = append(drafts, residents...)
		told := map[string]bool{}
		event := map[string]string{"declare": "incident_declared", "confirm": "incident_confirmed", "stand_down": "incident_ended"}[e.Action]
		values := map[string]string{"incident": i.Name, "due": instant(&i.ConfirmBy), "reason": OptionText(orElse(i.EndReason, "STOOD_DOWN"), "zh")}
		for _, m := range staff {
			audience, channels := "field", []string{notify.App, notify.SMS, notify.Voice}
			switch {
			case m.Role == auth.RoleDispatcher, m.Role == auth.RoleSupervisor, m.Role == auth.RoleCommander:
				audience, channels = "office", []string{notify.App}
			case m.Role == auth.RoleGridWorker && !slices.ContainsFunc(m.Grids, touches):
				continue
			case e.Action == "confirm":
				continue // those in the field act since the declaration
			case e.Action == "stand_down":
				channels = channels[:2]
			}
			for _, channel := range channels {
				if key := m.ID.String() + channel; m.ID.String() != e.Actor && !told[key] {
					told[key] = true
					drafts = append(drafts, p.draftTo(i.District, incidentAct(i.ID, e.Seq), event, audience, channel, &m, values, nil, i.Drill))
				}
			}
		}
	}
	return p.post.Enqueue(ctx, tx, drafts)
}

// incidentAct is the id under which an act on an incident is told: the same whenever it is planned.
func incidentAct(incident uuid.UUID, seq int64) uuid.UUID {
	return uuid.NewSHA1(incident, []byte(fmt.Sprint(seq)))
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// draftTo is a message to one of the staff that tells of no case's event.
func (p *Planner) draftTo(district string, id uuid.UUID, event, audience, channel string, m *member, values map[string]string, caseID *uuid.UUID, drill bool) notify.Draft {
	account := m.ID
	d := notify.Draft{District: district, EventID: id, Event: event, Template: notify.Key(event, audience, channel), Recipient: account.String(), AccountID: &account, Channel: channel, Data: values, CaseID: caseID, Drill: drill, Unit: m.Unit, Urgent: strings.HasPrefix(event, "incident_")}
	if channel != notify.App {
		d.To, _ = p.keys.Open(district, auth.FieldPhone, m.PhoneEnc) // an address that does not open is parked by notify as NO_ADDRESS
	}
	return d
}

// attached tells the unit at work and its street of the new deadline; of a deferral the reporter hears as well.
func (t *teller) attached() {
	if n := slices.IndexFunc(t.w.Incidents, func(i Incident) bool { return t.v.Case.IncidentID != nil && i.ID == *t.v.Case.IncidentID }); n >= 0 {
		t.data["incident"] = t.w.Incidents[n].Name
	} else {
		t.data["incident"] = "应急事件"
	}
	if t.h.data.Deferred {
		t.toReporters("incident_deferred", "")
		t.to(t.people(t.v.Case.LeadUnit), "incident_deferred", "unit")
		return
	}
	if t.h.data.Due == "" {
		t.to(t.centre(), "incident_attached_unfiled", "district")
		return
	}
	t.data["due"] = t.h.data.Due
	t.to(t.people(t.v.Case.LeadUnit), "incident_attached", "unit")
	t.to(t.street(), "incident_attached", "street")
}

package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// Confirm is the second pair of eyes: another commander, or a supervisor, within the 30 minutes.
func (k *Desk) Confirm(ctx context.Context, a auth.Actor, id uuid.UUID, once Once) (*Incident, error) {
	role, ok := holds(a, auth.RoleCommander, auth.RoleSupervisor)
	if !ok {
		return nil, fault.Forbidden("NOT_YOURS", "只有指挥长或督查员可以确认应急")
	}
	return k.turn(ctx, a, id, once, func(i *Incident, now time.Time) (*OfficeEvent, error) {
		switch {
		case i.DeclaredBy == a.Account:
			return nil, fault.Forbidden("SAME_PERSON", "应急须由另一人确认")
		case i.State != IncidentDeclared || !i.inForce(later(now, i.FromAt)):
			return nil, fault.Conflict("WRONG_STATE", "该应急事件已确认或已结束").With("state", i.State)
		}
		i.ConfirmedBy, i.ConfirmedAt = &a.Account, &now
		e := i.link(i.District, i.ID, a, standing{role, a.Unit()}, "confirm", IncidentConfirmed, now, nil)
		return &e, nil
	})
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func holds(a auth.Actor, roles ...auth.Role) (auth.Role, bool) {
	for _, r := range roles {
		if a.Has(r) {
			return r, true
		}
	}
	return "", false
}

// StandDown ends an incident: new cases run as usual, the touched ones keep what they were given; what was deferred goes on.
func (k *Desk) StandDown(ctx context.Context, a auth.Actor, id uuid.UUID, note string, once Once) (*Incident, error) {
	if !a.Has(auth.RoleCommander) {
		return nil, fault.Forbidden("NOT_YOURS", "只有指挥长可以结束应急")
	}
	return k.turn(ctx, a, id, once, func(i *Incident, now time.Time) (*OfficeEvent, error) {
		if i.State == IncidentEnded {
			return nil, fault.Conflict("WRONG_STATE", "该应急事件已结束").With("state", i.State)
		}
		i.EndedBy, i.Note = &a.Account, note
		e := i.end(a, standing{auth.RoleCommander, a.Unit()}, "STOOD_DOWN", now)
		return &e, nil
	})
}

// end closes an incident; the engine then lifts what was deferred.
func (i *Incident) end(a auth.Actor, as standing, reason string, now time.Time) OfficeEvent {
	i.EndedAt, i.EndReason = &now, reason
	i.SweepAt, i.SweepAfter = &now, nil
	return i.link(i.District, i.ID, a, as, "stand_down", IncidentEnded, now, data{"reason": reason})
}

// turnSQL writes one act on an incident, if its head is still the one that was read ($8).
var turnSQL = `with p as (select $1::jsonb as j),
c as (update incident t set state = n.state, version = n.version, confirmed_by = n.confirmed_by, confirmed_at = n.confirmed_at, ended_by = n.ended_by, ended_at = n.ended_at, end_reason = n.end_reason, note = n.note,
    head_seq = n.head_seq, head_hash = n.head_hash, last_at = n.last_at, sweep_at = case when n.state = 'ENDED' then n.sweep_at else t.sweep_at end, sweep_after = case when n.state = 'ENDED' then null else t.sweep_after end, next_at = yx_now()
  from p, jsonb_populate_record(null::incident, p.j->'incident') n where t.district = $2 and t.id = $3 and t.head_seq = $8 returning t.district, t.id),
e as (` + officeEventSQL + `), ik as (` + onceSQL + `) select count(*) from c`

// turn carries one act out; when somebody was first it looks again at what now stands.
func (k *Desk) turn(ctx context.Context, a auth.Actor, id uuid.UUID, once Once, change func(*Incident, time.Time) (*OfficeEvent, error)) (*Incident, error) {
	ctx = pg.WithDistrict(ctx, a.District)
	for range 16 {
		if answer, err := k.first(ctx, a, once); err != nil || answer != nil {
			return readIncident(answer, err)
		}
		i, now, err := k.incident(ctx, a.District, id)
		if err != nil {
			return nil, err
		}
		head := i.HeadSeq
		i.Names[a.ID()] = a.Name
		e, err := change(i, now)
		if err != nil {
			return nil, err
		}
		var n int
		err = k.db.Pool.QueryRow(ctx, turnSQL, append(append([]any{encode(data{"incident": i, "event": e}), a.District, id}, once.args(a, encode(i))...), head)...).Scan(&n)
		if name := constraint(err); name == "idempotency_pkey" || name == "office_event_pkey" {
			continue
		}
		if err != nil {
			return nil, pg.Fault(err)
		}
		if n == 1 {
			return i, k.heeded(ctx)
		}
	}
	return nil, fault.Unavailable(errRestless)
}

func (k *Desk) incident(ctx context.Context, district string, id uuid.UUID) (*Incident, time.Time, error) {
	var i Incident
	var now time.Time
	err := k.db.Pool.QueryRow(ctx, "select "+incidentSQL+", yx_now() from incident i where i.district = $1 and i.id = $2", district, id).Scan(&i, &now)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, now, fault.NotFound()
	}
	return &i, now, pg.Fault(err)
}

// IncidentDetail is an incident with its acts and how many cases it touched.
type IncidentDetail struct {
	Incident
	Events                   []OfficeEvent
	Attached, Open, Deferred int64
}

// IncidentOf shows one incident to staff; it holds no case content.
func (k *Desk) IncidentOf(ctx context.Context, a auth.Actor, id uuid.UUID) (*IncidentDetail, error) {
	if a.Kind != auth.Staff {
		return nil, fault.NotFound()
	}
	ctx = pg.WithDistrict(ctx, a.District)
	i, _, err := k.incident(ctx, a.District, id)
	if err != nil {
		return nil, err
	}
	d := &IncidentDetail{Incident: *i}
	if d.Events, err = k.officeEvents(ctx, a.District, id); err != nil {
		return nil, err
	}
	err = k.db.Pool.QueryRow(ctx, `select count(*), count(*) filter (where state not in ('CLOSED','ARCHIVED','REJECTED','MERGED','VOIDED')), count(*) filter (where state = 'SUSPENDED') from cases where district = $1 and incident_id = $2`,
		a.District, id).Scan(&d.Attached, &d.Open, &d.Deferred)
	return d, pg.Fault(err)
}

// Can lists what the actor may do to an incident now.
func (i *Incident) Can(a auth.Actor, now time.Time) []string {
	out := []string{}
	if i.State == IncidentDeclared && i.DeclaredBy != a.Account && a.Has(auth.RoleCommander, auth.RoleSupervisor) && now.Before(i.ConfirmBy) {
		out = append(out, "confirm")
	}
	if i.State != IncidentEnded && a.Has(auth.RoleCommander) {
		out = append(out, "stand_down")
	}
	return out
}

// Incidents is a page, newest first; state "" is any, "OPEN" every one that has not ended.
func (k *Desk) Incidents(ctx context.Context, a auth.Actor, state string, limit int, cursor string) ([]Incident, string, error) {
	if a.Kind != auth.Staff {
		return []Incident{}, "", nil
	}
	at, id := "infinity", uuid.Max
	if cursor != "" {
		var err error
		if at, id, err = readCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), `select `+incidentSQL+`, i.declared_at::text from incident i where i.district = $1 and ($2 = '' or i.state = $2 or $2 = 'OPEN' and i.state <> 'ENDED') and (i.declared_at, i.id) < ($3::timestamptz, $4::uuid)
		order by i.declared_at desc, i.id desc limit $5`, a.District, state, at, id, limit+1)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	defer rows.Close()
	out, next := []Incident{}, ""
	for rows.Next() {
		var i Incident
		var at string
		if err := rows.Scan(&i, &at); err != nil {
			return nil, "", err
		}
		if len(out) == limit {
			return out, next, nil
		}
		out, next = append(out, i), writeCursor(at, i.ID)
	}
	return out, "", pg.Fault(rows.Err())
}

package dispatch

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/dispatch/score"
	"yixian/grid"
	"yixian/internal/worktime"
)

// unitFact is a fact with the unit that it is charged to.
type unitFact struct {
	unit       string
	caseID, id uuid.UUID
	score.Fact
}

// automaticSQL names the exclusion that follows from the case itself (alias c): EX7 a drill, EX4 merged into another, EX8 voided.
const automaticSQL = `case when c.drill then 'EX7' when c.state = 'MERGED' then 'EX4' when c.state = 'VOIDED' then 'EX8' else '' end`

// factsSQL collects what a period [$2, $3) of a district $1 is measured by. Each branch answers unit, kind, id, case, and
// the members of score.Fact: role, at, due, done, again, extended, paused, valid, yes, grade, excluded. A duty whose settle instant or
// whose rework lies in the period is collected; whether it counts, score decides.
const factsSQL = `
select x.unit, 'ASSIGNMENT', x.id, x.case_id, json_build_object('role', x.kind, 'at', x.received_at, 'due', case when x.resolved_at is null and ` + handlePaused + ` then null else x.due_at end, 'done', x.resolved_at,
    'again', case when x.rework_count > 0 then ` + againSQL + ` end,
    'extended', exists (select from case_request q where q.district = x.district and q.case_id = x.case_id and q.kind = 'EXTEND' and q.state = 'APPROVED' and q.unit = x.unit),
    'paused', exists (select from case_request q where q.district = x.district and q.case_id = x.case_id and q.kind = 'SUSPEND' and q.state in ('APPROVED', 'DONE') and q.unit = x.unit),
    'excluded', ` + automaticSQL + `)
  from assignment x join cases c on c.district = x.district and c.id = x.case_id
  where x.district = $1 and x.kind in ('LEAD', 'ASSIST') and x.state not in ('RETURNED', 'CANCELLED') and least(x.resolved_at, x.due_at) >= $2 and least(x.resolved_at, x.due_at) < $3
union all
select x.unit, 'ASSIGNMENT', x.id, x.case_id, json_build_object('role', x.kind, 'at', x.received_at, 'due', x.due_at, 'done', x.resolved_at, 'again', ` + againSQL + `, 'excluded', ` + automaticSQL + `)
  from assignment x join cases c on c.district = x.district and c.id = x.case_id
  where x.district = $1 and x.rework_count > 0 and x.kind in ('LEAD', 'ASSIST') and x.state not in ('RETURNED', 'CANCELLED') and not coalesce(least(x.resolved_at, x.due_at) >= $2 and least(x.resolved_at, x.due_at) < $3, false)
    and exists (select from jsonb_array_elements_text(` + againSQL + `) t where t::timestamptz >= $2 and t::timestamptz < $3)
union all
select x.unit, 'RECEIVED', x.id, x.case_id, json_build_object('at', x.received_at, 'excluded', ` + automaticSQL + `)
  from assignment x join cases c on c.district = x.district and c.id = x.case_id
  where x.district = $1 and x.kind in ('LEAD', 'ASSIST') and x.received_at >= $2 and x.received_at < $3
union all
select x.unit, 'TARGET', x.id, x.case_id, json_build_object('due', case when x.checked_in_at is null and ` + checkinPaused + ` then null else x.checkin_due end, 'done', x.checked_in_at,
    'excluded', case when ` + automaticSQL + ` = '' and (x.withdrawn or x.released) then 'EX8' else ` + automaticSQL + ` end)
  from call_target x join cases c on c.district = x.district and c.id = x.case_id
  where x.district = $1 and least(x.checked_in_at, x.checkin_due) >= $2 and least(x.checked_in_at, x.checkin_due) < $3
union all
select coalesce(nullif(x.unit, ''), c.lead_unit), 'RATING', x.id, x.case_id, json_build_object('at', x.rated_at, 'valid', x.valid, 'yes', x.resolved, 'grade', x.grade, 'excluded', ` + automaticSQL + `)
  from rating x join cases c on c.district = x.district and c.id = x.case_id where x.district = $1 and x.rated_at >= $2 and x.rated_at < $3
union all
select x.unit, 'RETURN', x.id, x.case_id, json_build_object('at', j.at, 'yes', x.verdict = 'UNFOUNDED', 'excluded', ` + automaticSQL + `)
  from case_return x join cases c on c.district = x.district and c.id = x.case_id
  cross join lateral (select min(e.at) as at from case_event e where e.district = x.district and e.case_id = x.case_id and e.at >= x.at and e.action in ('arbitrate', 'check_pass')) j
  where x.district = $1 and x.verdict <> '' and j.at >= $2 and j.at < $3
union all
select k.unit, 'CONTACT', x.id, x.case_id, json_build_object('due', k.due_at, 'done', x.contacted_at, 'excluded', ` + automaticSQL + `)
  from sla_clock k join assignment x on x.district = k.district and x.id = k.owner_id join cases c on c.district = k.district and c.id = k.case_id
  where k.district = $1 and k.kind = 'CONTACT' and k.due_at >= $2 and k.unit <> '' and not x.contact_waived and (x.contacted_at is not null or k.state = 'RUNNING' or k.stopped_at > k.due_at)
    and x.received_at >= $2::timestamptz - interval '40 days' and x.received_at < $3 and least(x.contacted_at, k.due_at) >= $2 and least(x.contacted_at, k.due_at) < $3
union all
select x.caller_unit, 'CALL', x.id, x.case_id, json_build_object('at', x.called_at, 'yes', x.in_time, 'excluded', case when ` + automaticSQL + ` = '' and x.state = 'WITHDRAWN' then 'EX8' else ` + automaticSQL + ` end)
  from call x join cases c on c.district = x.district and c.id = x.case_id where x.district = $1 and x.called_at >= $2 and x.called_at < $3
union all
select c.owner_unit, 'ACCEPT', c.id, c.id, json_build_object('at', c.filed_at, 'due', k.due_at, 'excluded', ` + automaticSQL + `)
  from cases c cross join lateral (select k.due_at from sla_clock k where k.district = c.district and k.case_id = c.id and k.kind = 'ACCEPT' order by k.started_at desc limit 1) k
  where c.district = $1 and c.owner_unit <> '' and c.created_at >= $2::timestamptz - interval '40 days' and c.created_at < $3 and c.filed_at >= $2 and c.filed_at < $3
union all
select c.owner_unit, 'DISPATCH', c.id, c.id, json_build_object('at', c.dispatched_at, 'yes', not exists (select from case_return r where r.district = c.district and r.case_id = c.id and r.verdict = 'FOUNDED'), 'excluded', ` + automaticSQL + `)
  from cases c where c.district = $1 and c.owner_unit <> '' and c.created_at >= $2::timestamptz - interval '40 days' and c.created_at < $3 and c.dispatched_at >= $2 and c.dispatched_at < $3
union all
select coalesce(nullif(c.lead_unit, ''), c.owner_unit), case when left(c.matter, 2) = '24' then 'MEDIATION' else 'CLOSED' end, c.id, c.id, json_build_object('at', c.closed_at, 'yes', left(c.matter, 2) = '24' and c.outcome in ('SUCCESS', 'RESOLVED'), 'excluded', ` + automaticSQL + `)
  from cases c where ` + closedIn

const (
	// A clock that stands still has no due: its duty has not settled.
	handlePaused  = `exists (select from sla_clock k where k.district = x.district and k.case_id = x.case_id and k.owner_id = x.id and k.kind = 'HANDLE' and k.state = 'PAUSED')`
	checkinPaused = `exists (select from sla_clock k where k.district = x.district and k.case_id = x.case_id and k.owner_id = x.id and k.kind = 'CHECKIN' and k.state = 'PAUSED')`
	// againSQL lists the rework events of an assignment x: failed checks of its round, and the reopening that followed it.
	againSQL = `(select jsonb_agg(e.at order by e.at) from (
    select k.at from case_check k where k.district = x.district and k.case_id = x.case_id and k.round = x.round and k.kind = 'CHECK' and k.verdict = 'FAIL' and k.at >= x.received_at
    union all select e.at from case_event e where e.district = x.district and e.case_id = x.case_id and e.action = 'reopen' and (e.fact::jsonb->'data'->>'round')::int = x.round + 1) e)`
)

// callerSQL are the streets' opinions of the departments that they called, cardFactSQL the cards that stand: confirmed, and no
// objection upheld.
const (
	callerSQL = `select x.unit, 'CALLER', x.id, x.case_id, json_build_object('at', x.rated_at, 'grade', x.grade, 'excluded', ` + automaticSQL + `)
  from unit_rating x join cases c on c.district = x.district and c.id = x.case_id where x.district = $1 and x.rated_at >= $2 and x.rated_at < $3`
	cardFactSQL = `select x.unit, 'CARD', x.id, coalesce(x.case_id, '00000000-0000-0000-0000-000000000000'), json_build_object('at', x.decided_at, 'yes', x.color = 'RED')
  from card x where x.district = $1 and x.state = 'CONFIRMED' and x.upheld is not true and x.decided_at >= $2 and x.decided_at < $3`
)

// closedIn are the cases c of a district $1 that were closed in a period [$2, $3).
const closedIn = `c.district = $1 and c.updated_at >= $2 and c.closed_at >= $2 and c.closed_at < $3`

type rowsQuerier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// collect reads the facts of a period from what the cases record, by unit.
func collect(ctx context.Context, q rowsQuerier, district string, p score.Period, cal *worktime.Calendar) ([]unitFact, error) {
	var sql strings.Builder
	sql.WriteString(factsSQL)
	for _, part := range []struct{ table, sql string }{{"unit_rating", callerSQL}, {"card", cardFactSQL}} {
		var there []bool
		if err := scalars(ctx, q, &there, "select to_regclass($1) is not null", part.table); err != nil {
			return nil, err
		}
		if there[0] {
			sql.WriteString(" union all " + part.sql)
		}
	}
	rows, err := q.Query(ctx, sql.String(), district, p.Start, p.End)
	if err != nil {
		return nil, err
	}
	var parts [][]unitFact // half a million in a large month: grown in one piece they would be copied five times
	var part []unitFact
	var f unitFact
	var raw []byte
	if _, err := pgx.ForEachRow(rows, []any{&f.unit, &f.Kind, &f.id, &f.caseID, &raw}, func() error {
		one := unitFact{unit: f.unit, id: f.id, caseID: f.caseID, Fact: score.Fact{Kind: f.Kind, ID: f.id.String(), Case: f.caseID.String()}}
		if err := json.Unmarshal(raw, &one.Fact); err != nil {
			return err
		}
		if one.Kind == score.KindAssignment && one.Done != nil {
			one.Seconds = cal.Between(*one.At, *one.Done, true)
		}
		if p.Concerns(&one.Fact) || len(one.Again) > 0 {
			if len(part) == cap(part) {
				parts, part = append(parts, part), make([]unitFact, 0, max(64, min(2*cap(part), 1<<14)))
			}
			part = append(part, one)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	out := slices.Concat(append(parts, part)...)
	return out, repeats(ctx, q, district, p, out)
}

const (
	repeatMetres = 100.0
	repeatAge    = 30 * 24 * time.Hour
)

// repeats marks the cases closed in a period after which the same minor class came again within 100 m and 30 natural days. What came is
// read once in the order of time and looked for among the closed cases of the cells around it: asked for case by case in the database,
// a month of a large district takes ten times as long.
func repeats(ctx context.Context, q rowsQuerier, district string, p score.Period, facts []unitFact) error {
	closed := map[uuid.UUID]*unitFact{}
	for i := range facts {
		if facts[i].Kind == score.KindClosed {
			closed[facts[i].id] = &facts[i]
		}
	}
	if len(closed) == 0 {
		return nil
	}
	type place struct {
		matter string
		cell   int64
	}
	type end struct {
		at   grid.Point
		when time.Time
		fact *unitFact
	}
	ends := map[place][]end{}
	var id uuid.UUID
	var matter string
	var at grid.Point
	var when time.Time
	into := []any{&id, &matter, &at.Lon, &at.Lat, &when}
	rows, err := q.Query(ctx, "select c.id, c.matter, c.lon, c.lat, c.closed_at from cases c where "+closedIn, district, p.Start, p.End)
	if err != nil {
		return err
	}
	if _, err := pgx.ForEachRow(rows, into, func() error {
		if f := closed[id]; f != nil {
			key := place{matter, grid.Cell(at)}
			ends[key] = append(ends[key], end{at, when, f})
		}
		return nil
	}); err != nil {
		return err
	}
	rows, err = q.Query(ctx, `select id, matter, lon, lat, created_at from cases
		where district = $1 and created_at > $2 and created_at < $3 and state not in ('MERGED', 'VOIDED', 'REJECTED') and not drill`, district, p.Start, p.End.Add(repeatAge))
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, into, func() error {
		for _, cell := range grid.CellsAround(at, repeatMetres) {
			for _, e := range ends[place{matter, cell}] {
				if !e.fact.Yes && when.After(e.when) && !when.After(e.when.Add(repeatAge)) && e.fact.id != id && grid.Distance(e.at, at) <= repeatMetres {
					e.fact.Yes = true
				}
			}
		}
		return nil
	})
	return err
}

// excluding is one approved exclusion as it bears on facts.
type excluding struct {
	ID       uuid.UUID
	Case     uuid.UUID
	Subject  *uuid.UUID
	Unit     string
	Reason   string
	Scope    string
	LegalDue *time.Time
}

var ratingKinds = map[string]bool{score.KindRating: true, score.KindCaller: true}

// bears reports whether the exclusion takes the fact out. Cards are not taken out: they are waived by their own rules.
func (e *excluding) bears(f *unitFact) bool {
	switch {
	case f.caseID != e.Case, f.Kind == score.KindCard, e.Subject != nil && f.id != *e.Subject, e.Unit != "" && f.unit != e.Unit:
		return false
	case e.Scope == "RATING":
		return ratingKinds[f.Kind]
	case e.Scope == "TIMELINESS":
		return !ratingKinds[f.Kind] && f.Kind != score.KindReturn && f.Kind != score.KindReceived
	}
	return true
}

// exclude applies approved exclusions. EX2 does not take out: it puts the lawful deadline in place of the promised one.
func exclude(facts []unitFact, list []excluding) {
	for i := range facts {
		f := &facts[i]
		for k := range list {
			switch e := &list[k]; {
			case f.Excluded != "" || !e.bears(f):
			case e.Reason == "EX2":
				f.LegalDue = e.LegalDue
			default:
				f.Excluded = e.Reason
			}
		}
	}
}

// approved reads the exclusions in force.
func approved(ctx context.Context, q rowsQuerier, district string) ([]excluding, error) {
	rows, err := q.Query(ctx, "select id, case_id, subject, unit, reason, scope, legal_due from exclusion where district = $1 and state = 'APPROVED' order by id", district)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[excluding])
}

// bearing lists those of the exclusions that bear on at least one fact of a unit: they are named on its sheet's row.
func bearing(facts []unitFact, unit string, list []excluding) []uuid.UUID {
	out := []uuid.UUID{}
	for k := range list {
		if slices.ContainsFunc(facts, func(f unitFact) bool { return f.unit == unit && list[k].bears(&f) }) {
			out = append(out, list[k].ID)
		}
	}
	return out
}

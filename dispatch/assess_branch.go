package dispatch

import "strings"

// automaticSQL names the exclusion that follows from the case itself (alias c): EX7 a drill, EX4 merged into another, EX8 voided.
const automaticSQL = `case when c.drill then 'EX7' when c.state = 'MERGED' then 'EX4' when c.state = 'VOIDED' then 'EX8' else '' end`

// branch is one part of what a period [$2, $3) of a district $1 is measured by: of what rows, charged to which unit, of which kind,
// with the members of score.Fact that the kind has. What is not named is null, false, 0 or ”.
type branch struct {
	unit, kind, id, of         string // of is the case
	role, at, due, done, again string
	extended, paused           string
	valid, yes, grade          string
	excluded                   string
	from                       string
}

func (b branch) sql() string {
	or := func(s, empty string) string {
		if s == "" {
			return empty
		}
		return s
	}
	truth := func(s string) string { return "coalesce(" + or(s, "false") + ", false)" }
	return "select " + strings.Join([]string{b.unit, b.kind, b.id, b.of, or(b.role, "''"), or(b.at, "null::timestamptz"), or(b.due, "null::timestamptz"), or(b.done, "null::timestamptz"), or(b.again, "null::timestamptz[]"),
		truth(b.extended), truth(b.paused), truth(b.valid), truth(b.yes), "coalesce(" + or(b.grade, "0") + ", 0)::int", or(b.excluded, "''")}, ", ") + " from " + b.from
}

// factBranches: a duty whose settle instant or whose rework lies in the period is collected; whether it counts, score decides.
var factBranches = []branch{
	{unit: "x.unit", kind: "'ASSIGNMENT'", id: "x.id", of: "x.case_id", role: "x.kind", at: "x.received_at", due: "case when x.resolved_at is null and " + handlePaused + " then null else x.due_at end", done: "x.resolved_at",
		again:    "case when x.rework_count > 0 then " + againSQL + " end",
		extended: "exists (select from case_request q where q.district = x.district and q.case_id = x.case_id and q.kind = 'EXTEND' and q.state = 'APPROVED' and q.unit = x.unit)",
		paused:   "exists (select from case_request q where q.district = x.district and q.case_id = x.case_id and q.kind = 'SUSPEND' and q.state in ('APPROVED', 'DONE') and q.unit = x.unit)", excluded: automaticSQL,
		from: `assignment x join cases c on c.district = x.district and c.id = x.case_id
  where x.district = $1 and x.kind in ('LEAD', 'ASSIST') and x.state not in ('RETURNED', 'CANCELLED') and least(x.resolved_at, x.due_at) >= $2 and least(x.resolved_at, x.due_at) < $3`},
	{unit: "x.unit", kind: "'ASSIGNMENT'", id: "x.id", of: "x.case_id", role: "x.kind", at: "x.received_at", due: "x.due_at", done: "x.resolved_at", again: againSQL, excluded: automaticSQL,
		from: `assignment x join cases c on c.district = x.district and c.id = x.case_id
  where x.district = $1 and x.rework_count > 0 and x.kind in ('LEAD', 'ASSIST') and x.state not in ('RETURNED', 'CANCELLED') and not coalesce(least(x.resolved_at, x.due_at) >= $2 and least(x.resolved_at, x.due_at) < $3, false)
    and exists (select from unnest(` + againSQL + `) t where t >= $2 and t < $3)`},
	{unit: "x.unit", kind: "'RECEIVED'", id: "x.id", of: "x.case_id", at: "x.received_at", excluded: automaticSQL,
		from: `assignment x join cases c on c.district = x.district and c.id = x.case_id
  where x.district = $1 and x.kind in ('LEAD', 'ASSIST') and x.received_at >= $2 and x.received_at < $3`},
	{unit: "x.unit", kind: "'TARGET'", id: "x.id", of: "x.case_id", due: "case when x.checked_in_at is null and " + checkinPaused + " then null else x.checkin_due end", done: "x.checked_in_at",
		excluded: "case when " + automaticSQL + " = '' and (x.withdrawn or x.released) then 'EX8' else " + automaticSQL + " end",
		from: `call_target x join cases c on c.district = x.district and c.id = x.case_id
  where x.district = $1 and least(x.checked_in_at, x.checkin_due) >= $2 and least(x.checked_in_at, x.checkin_due) < $3`},
	{unit: "coalesce(nullif(x.unit, ''), c.lead_unit)", kind: "'RATING'", id: "x.id", of: "x.case_id", at: "x.rated_at", valid: "x.valid", yes: "x.resolved", grade: "x.grade", excluded: automaticSQL,
		from: `rating x join cases c on c.district = x.district and c.id = x.case_id where x.district = $1 and x.rated_at >= $2 and x.rated_at < $3`},
	{unit: "x.unit", kind: "'RETURN'", id: "x.id", of: "x.case_id", at: "j.at", yes: "x.verdict = 'UNFOUNDED'", excluded: automaticSQL,
		from: `case_return x join cases c on c.district = x.district and c.id = x.case_id
  cross join lateral (select min(e.at) as at from case_event e where e.district = x.district and e.case_id = x.case_id and e.at >= x.at and e.action in ('arbitrate', 'check_pass')) j
  where x.district = $1 and x.verdict <> '' and j.at >= $2 and j.at < $3`},
	{unit: "k.unit", kind: "'CONTACT'", id: "x.id", of: "x.case_id", due: "k.due_at", done: "x.contacted_at", excluded: automaticSQL,
		from: `sla_clock k join assignment x on x.district = k.district and x.id = k.owner_id join cases c on c.district = k.district and c.id = k.case_id
  where k.district = $1 and k.kind = 'CONTACT' and k.due_at >= $2 and k.unit <> '' and not x.contact_waived and (x.contacted_at is not null or k.state = 'RUNNING' or k.stopped_at > k.due_at)
    and x.received_at >= $2::timestamptz - interval '40 days' and x.received_at < $3 and least(x.contacted_at, k.due_at) >= $2 and least(x.contacted_at, k.due_at) < $3`},
	{unit: "x.caller_unit", kind: "'CALL'", id: "x.id", of: "x.case_id", at: "x.called_at", yes: "x.in_time", excluded: "case when " + automaticSQL + " = '' and x.state = 'WITHDRAWN' then 'EX8' else " + automaticSQL + " end",
		from: `call x join cases c on c.district = x.district and c.id = x.case_id where x.district = $1 and x.called_at >= $2 and x.called_at < $3`},
	// A street accepts and sends on: both are read from one pass over the cases.
	{unit: "c.owner_unit", kind: "v.kind", id: "c.id", of: "c.id", at: "v.at", due: "v.due", yes: "v.yes", excluded: automaticSQL,
		from: `cases c cross join lateral (
    select 'ACCEPT' as kind, c.filed_at as at, k.due_at as due, false as yes from (select k.due_at from sla_clock k where k.district = c.district and k.case_id = c.id and k.kind = 'ACCEPT' order by k.started_at desc limit 1) k where c.filed_at >= $2 and c.filed_at < $3
    union all select 'DISPATCH', c.dispatched_at, null, not exists (select from case_return r where r.district = c.district and r.case_id = c.id and r.verdict = 'FOUNDED') where c.dispatched_at >= $2 and c.dispatched_at < $3) v
  where c.district = $1 and c.owner_unit <> '' and c.created_at >= $2::timestamptz - interval '40 days' and c.created_at < $3`},
	{unit: "coalesce(nullif(c.lead_unit, ''), c.owner_unit)", kind: "case when left(c.matter, 2) = '24' then 'MEDIATION' else 'CLOSED' end", id: "c.id", of: "c.id", at: "c.closed_at",
		yes: "left(c.matter, 2) = '24' and c.outcome in ('SUCCESS', 'RESOLVED')", excluded: automaticSQL, from: "cases c where " + closedIn},
}

const (
	// A clock that stands still has no due: its duty has not settled.
	handlePaused  = `exists (select from sla_clock k where k.district = x.district and k.case_id = x.case_id and k.owner_id = x.id and k.kind = 'HANDLE' and k.state = 'PAUSED')`
	checkinPaused = `exists (select from sla_clock k where k.district = x.district and k.case_id = x.case_id and k.owner_id = x.id and k.kind = 'CHECKIN' and k.state = 'PAUSED')`
	// againSQL lists the rework events of an assignment x: failed checks of its round, and the reopening that followed it.
	againSQL = `(select array_agg(e.at order by e.at) from (
    select k.at from case_check k where k.district = x.district and k.case_id = x.case_id and k.round = x.round and k.kind = 'CHECK' and k.verdict = 'FAIL' and k.at >= x.received_at
    union all select e.at from case_event e where e.district = x.district and e.case_id = x.case_id and e.action = 'reopen' and (e.fact::jsonb->'data'->>'round')::int = x.round + 1) e)`
)

// laterBranches are of tables that came after the others: the streets' opinions of the departments that they called, and the cards that
// stand: confirmed, and no objection upheld.
var laterBranches = []struct {
	table string
	branch
}{
	{"unit_rating", branch{unit: "x.unit", kind: "'CALLER'", id: "x.id", of: "x.case_id", at: "x.rated_at", grade: "x.grade", excluded: automaticSQL,
		from: "unit_rating x join cases c on c.district = x.district and c.id = x.case_id where x.district = $1 and x.rated_at >= $2 and x.rated_at < $3"}},
	{"card", branch{unit: "x.unit", kind: "'CARD'", id: "x.id", of: "coalesce(x.case_id, '00000000-0000-0000-0000-000000000000')", at: "x.decided_at", yes: "x.color = 'RED'",
		from: "card x where x.district = $1 and x.state = 'CONFIRMED' and x.upheld is not true and x.decided_at >= $2 and x.decided_at < $3"}},
}

// closedIn are the cases c of a district $1 that were closed in a period [$2, $3).
const closedIn = `c.district = $1 and c.updated_at >= $2 and c.closed_at >= $2 and c.closed_at < $3`

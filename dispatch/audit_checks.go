package dispatch

// stale is how old something that is due may become before somebody must be woken.
const stale = "interval '60 seconds'"

// auditCheck is one thing that must hold of all rows. Its query takes the district ($1, ” for all) and gives district, case or report, and
// a sentence without personal data for each row that breaks it.
// deep (” when it is the same) is asked instead by `yixian audit`, where a look may take its time.
type auditCheck struct{ name, sql, deep string }

// led are the states in which one unit answers for a case.
const led = "('DISPATCHED','HANDLING','CALLING','ONSITE','DISPUTED','SUSPENDED','RESOLVED')"

// ended are the states after which no clock runs.
const ended = "('ARCHIVED','REJECTED','MERGED','VOIDED')"

// rungAbove is the next ring of a clock by its ladder and its level.
const rungAbove = "(select min(l.at) from unnest(k.ladder) with ordinality l(at, i) where (array[50,80,100,150,200])[l.i] > k.level)"

// pointsOff are accounts whose balance is not what their movements say.
const pointsOff = `select a.district, a.account_id::text, 'holds ' || a.balance || ' points, its movements say ' || coalesce(e.sum, 0) from points_account a
	left join lateral (select sum(case when e.taker = 'RESIDENT' then e.amount else -e.amount end) as sum from points_entry e where e.district = a.district and e.account_id = a.account_id) e on true
	where a.balance <> coalesce(e.sum, 0) and ($1 = '' or a.district = $1)`

var auditChecks = append([]auditCheck{
	// What stands still: the engine lives and does not get on.
	{name: "CLOCK_STALE", sql: `select k.district, k.case_id::text, k.kind || ' should have rung at ' || k.next_at from sla_clock k where k.next_at <= yx_now() - ` + stale + ` and ($1 = '' or k.district = $1) order by k.next_at`},
	{name: "OUTBOX_STALE", sql: `select o.district, o.case_id::text, 'event ' || o.seq || ' of ' || e.at || ' is not told' from outbox o left join case_event e on e.district = o.district and e.case_id = o.case_id and e.seq = o.seq
		where (e.at is null or e.at <= yx_now() - ` + stale + `) and ($1 = '' or o.district = $1)`},
	{name: "OUTBOX_PARKED", sql: `select o.district, o.case_id::text, 'event ' || o.seq || ' could not be told' from outbox_parked o where $1 = '' or o.district = $1`},
	{name: "MESSAGE_STALE", sql: `select m.district, coalesce(m.case_id::text, ''), 'a message due at ' || m.due_at || ' was not handed over' from message m where m.state = 'PENDING' and not m.queued and m.due_at <= yx_now() - ` + stale + ` and ($1 = '' or m.district = $1)`},

	// What would stand still: nothing will ever move it.
	{name: "NO_DEADLINE", sql: `select c.district, c.id::text, c.state || ' without a running clock' from cases c where ($1 = '' or c.district = $1) and c.state not in ` + ended + `
		and not exists (select from sla_clock k where k.district = c.district and k.case_id = c.id and k.state = 'RUNNING' and k.due_at is not null)
		and not (c.state = 'SUSPENDED' and exists (select from incident i where i.district = c.district and i.id = c.incident_id))`},
	{name: "CLOCK_RUNS_ON", sql: `select k.district, k.case_id::text, k.kind || ' is ' || k.state || ' in ' || coalesce(c.state, 'no case') from sla_clock k left join cases c on c.district = k.district and c.id = k.case_id
		where k.state <> 'STOPPED' and (c.state is null or c.state in ` + ended + `) and ($1 = '' or k.district = $1)`},
	{name: "CLOCK_NEXT", sql: `select k.district, k.case_id::text, k.kind || ' rings next at ' || coalesce(k.next_at::text, 'never') || ', by its ladder at ' || coalesce(` + rungAbove + `::text, 'never') from sla_clock k
		where k.state = 'RUNNING' and (k.due_at is null or k.next_at is distinct from ` + rungAbove + `) and ($1 = '' or k.district = $1)`},
	{name: "CLOCK_LEVEL", sql: `select k.district, k.case_id::text, k.kind || ' is at ' || k.level || ' % and rang ' || coalesce(e.rang, 0) || ' %' from sla_clock k left join (select district, clock_id, max(clock_level) as rang from case_event where clock_id is not null group by 1, 2) e
		on e.district = k.district and e.clock_id = k.id where k.level <> coalesce(e.rang, 0) and ($1 = '' or k.district = $1)`},

	// Who answers for it.
	{name: "LEAD", sql: `select c.district, c.id::text, c.state || ' is led by ' || coalesce(a.units, 'nobody') || ', the case says "' || c.lead_unit || '"' from cases c left join (select district, case_id, count(*) as n, string_agg(unit, ',') as units from assignment where kind = 'LEAD' and state in ('OPEN','SIGNED','RESOLVED') group by 1, 2) a
		on a.district = c.district and a.case_id = c.id where ($1 = '' or c.district = $1) and (c.state in ` + led + ` and (a.n is distinct from 1 or a.units <> c.lead_unit) or c.state not in ` + led + ` and a.n > 0)`},
	{name: "PARTY", sql: `select c.district, c.id::text, c.lead_unit || ' leads a case that it cannot see' from cases c where c.state in ` + led + ` and ($1 = '' or c.district = $1)
		and not exists (select from case_party p where p.district = c.district and p.case_id = c.id and p.unit = c.lead_unit)`},
	{name: "PARTY_DUE", sql: `select p.district, p.case_id::text, p.unit || ' finds it due ' || coalesce(p.due_at::text, 'never') || ', it is ' || coalesce(c.due_at::text, 'never') from case_party p join cases c on c.district = p.district and c.id = p.case_id
		where p.due_at is distinct from c.due_at and ($1 = '' or p.district = $1)`},
	{name: "CALL", sql: `select c.district, c.id::text, c.state || ' with ' || coalesce(k.n, 0) || ' calls in progress, ' || coalesce(k.waiting, 0) || ' without anybody there' from cases c
		left join (select district, case_id, count(*) as n, count(*) filter (where state = 'OPEN') as waiting from call where state in ('OPEN','ONSITE') group by 1, 2) k on k.district = c.district and k.case_id = c.id
		where ($1 = '' or c.district = $1) and (k.n > 1 or (c.state = 'CALLING') <> (coalesce(k.waiting, 0) = 1))`},
	{name: "CALL_LEAD", sql: `select k.district, k.case_id::text, 'a call without one lead target' from call k where k.state in ('OPEN','ONSITE') and ($1 = '' or k.district = $1)
		and 1 <> (select count(*) from call_target t where t.district = k.district and t.call_id = k.id and t.is_lead)`},

	// What is said twice must be the same.
	{name: "PROMISE", sql: `select c.district, c.id::text, 'promised for ' || coalesce(c.promise_at::text, 'never') || ', its clock is due ' || k.due_at from sla_clock k join cases c on c.district = k.district and c.id = k.case_id
		where k.kind = 'HANDLE' and k.owner_type = 'CASE' and k.state = 'RUNNING' and c.promise_at is distinct from k.due_at and ($1 = '' or k.district = $1)`},
	{name: "DUTY_DUE", sql: `select k.district, k.case_id::text, a.unit || ' is due ' || coalesce(a.due_at::text, 'never') || ', its clock ' || k.due_at from sla_clock k join assignment a on a.district = k.district and a.id = k.owner_id
		where k.kind = 'HANDLE' and k.owner_type = 'ASSIGNMENT' and k.state = 'RUNNING' and a.due_at is distinct from k.due_at and ($1 = '' or k.district = $1)`},
	{name: "HEAD", sql: `select c.district, c.id::text, 'head ' || c.head_seq || ', ' || coalesce(e.n, 0) || ' events up to ' || coalesce(e.last, 0) from cases c left join (select district, case_id, count(*) as n, max(seq) as last from case_event group by 1, 2) e on e.district = c.district and e.case_id = c.id
		where ($1 = '' or c.district = $1) and (coalesce(e.n, 0) <> c.head_seq or e.last <> c.head_seq)`},
	{name: "LAST_EVENT", sql: `select c.district, c.id::text, 'the row says ' || c.state || ' version ' || c.version || ', its last event ' || e.to_state || ' version ' || e.version from cases c join case_event e on e.district = c.district and e.case_id = c.id and e.seq = c.head_seq
		where ($1 = '' or c.district = $1) and (e.to_state <> c.state or e.version <> c.version or e.hash <> c.head_hash or e.at <> c.last_at)`},
	{name: "NO_CASE", sql: `select e.district, e.case_id::text, 'events without a case' from case_event e where e.seq = 1 and ($1 = '' or e.district = $1) and not exists (select from cases c where c.district = e.district and c.id = e.case_id)`},
	{name: "MERGED", sql: `select c.district, c.id::text, 'merged into a case that is not there' from cases c where c.state = 'MERGED' and ($1 = '' or c.district = $1) and not exists (select from cases m where m.district = c.district and m.id = c.master_case_id and m.id <> c.id)`},
	{name: "REPORTERS", sql: `select c.district, c.id::text, c.reporter_count || ' reporters, ' || coalesce(r.n, 0) || ' reports' from cases c left join (select district, case_id, count(*) as n from report group by 1, 2) r on r.district = c.district and r.case_id = c.id
		where ($1 = '' or c.district = $1) and coalesce(r.n, 0) <> case when c.state = 'MERGED' then 0 else c.reporter_count end`},
	{name: "COUNTERS", sql: `select c.district, c.id::text, 'round ' || c.round || ' after ' || c.reopen_count || ' reopenings, ' || c.return_count || ' returns of ' || coalesce(r.n, 0) from cases c left join (select district, case_id, count(*) as n from case_return group by 1, 2) r on r.district = c.district and r.case_id = c.id
		where ($1 = '' or c.district = $1) and (c.round <> c.reopen_count + 1 or c.return_count <> coalesce(r.n, 0))`},
	{name: "POINTS", sql: pointsOff + ` and exists (select from points_entry e where e.at >= yx_now() - interval '1 day' and e.district = a.district and e.account_id = a.account_id)`, deep: pointsOff},
}, rollupChecks...)

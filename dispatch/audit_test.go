package dispatch

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"yixian/internal/local"
)

// settled is a district in which a good deal has happened and everything was told: cases in many states.
func settled(t *testing.T) (*testDistrict, *engineRoom, map[State]uuid.UUID) {
	t.Helper()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	in := map[State]uuid.UUID{}
	in[Submitted] = d.submit("lin", "", inJunmen).CaseID
	in[Dispatched] = d.submit("lin", matterBuilding, inJunmen).CaseID
	in[Filed] = d.submit("lin", matterLight, inJunmen).CaseID
	d.do("js-officer", in[Filed], ActReturn, map[string]any{"legal_basis": "三定", "suggested_unit": "D-CG", "reason": "不属于本单位"})
	handle := func() uuid.UUID {
		id := d.submit("chen", matterBuilding, inGarden).CaseID
		d.do("dj-officer", id, ActSign, nil)
		return id
	}
	in[Handling] = handle()
	in[Calling] = handle()
	d.do("dj-leader", in[Calling], ActCall, map[string]any{"level": "L2", "reason": "NO_POWER", "targets": []map[string]any{{"unit": "D-CG", "lead": true}}})
	in[Resolved] = handle()
	d.resolve("dj-officer", in[Resolved])
	in[Closed] = handle()
	d.resolve("dj-officer", in[Closed])
	d.pass("garden-officer", in[Closed])
	r := Receipt{CaseID: in[Closed]}
	require.NoError(d.t, d.db.Engine.Pool.QueryRow(t.Context(), "select id from report where case_id = $1", in[Closed]).Scan(&r.ReportID))
	d.rate("chen", &r, true, 4)
	in[Voided] = d.submit("lin", "", inJunmen).CaseID
	d.do("dispatcher", in[Voided], ActVoid, map[string]any{"reason": "测试数据录入有误"})
	in[Merged] = d.submit("chen", matterBuilding, inJunmen).CaseID
	d.do("dispatcher", in[Merged], ActMerge, map[string]any{"master_case_id": in[Dispatched].String()})
	require.NoError(t, room.once(t.Context()))
	d.advance(20 * time.Minute)
	for d.count("select (select count(*) from outbox) + (select count(*) from sla_clock where next_at <= yx_now())") > 0 {
		require.NoError(t, room.once(t.Context()))
	}
	return d, room, in
}

// superuser opens the doors that no role of the program has: no policy and no trigger holds it.
func (d *testDistrict) superuser() *pgx.Conn {
	d.t.Helper()
	c, err := pgx.Connect(d.t.Context(), d.db.URL(local.Superuser))
	require.NoError(d.t, err)
	d.t.Cleanup(func() { _ = c.Close(context.Background()) })
	_, err = c.Exec(d.t.Context(), "set session_replication_role = replica")
	require.NoError(d.t, err)
	return c
}

// analyze does what autovacuum does outside of tests: without figures of its tables PostgreSQL keeps the plans that it made of empty ones.
func (d *testDistrict) analyze() {
	d.t.Helper()
	_, err := d.superuser().Exec(d.t.Context(), "analyze")
	require.NoError(d.t, err)
}

// What somebody with all rights may do to the rows by hand: each is found, and by the check that names it.
func TestAuditorFindsEveryCorruption(t *testing.T) {
	t.Parallel()
	d, _, in := settled(t)
	if d.count("select count(*) from outbox_parked") > 0 { // what a failure below would hide
		t.Log(d.text("select string_agg(p.reason || e.fact, chr(10)) from outbox_parked p join case_event e using (district, case_id, seq)"))
	}
	clean, err := Audit(t.Context(), d.db.Engine, "")
	require.NoError(t, err)
	require.Empty(t, clean.Findings)
	require.Equal(t, []Law{{District: "350102", Received: 9, Routed: 6, Fallback: 1, Rejected: 1, AwaitingReview: 1}}, clean.Laws)
	require.True(t, clean.Laws[0].Holds())
	c := d.superuser()
	at := func(s State) uuid.UUID { return in[s] }
	seen := map[string]bool{}
	for _, x := range []struct {
		sql   string
		args  []any
		check string // "CHAIN": the walk of the chains finds it
	}{
		{"delete from sla_clock where case_id = $1", []any{at(Submitted)}, "NO_DEADLINE"},
		{"delete from sla_clock where case_id = $1", []any{at(Closed)}, "NO_DEADLINE"},
		{"update sla_clock set next_at = yx_now() - interval '61 seconds' where case_id = $1 and kind = 'HANDLE' and owner_type = 'CASE'", []any{at(Dispatched)}, "CLOCK_STALE"},
		{"update sla_clock set next_at = null where case_id = $1 and kind = 'HANDLE' and owner_type = 'CASE'", []any{at(Dispatched)}, "CLOCK_NEXT"},
		{"update sla_clock set next_at = next_at + interval '1 day' where case_id = $1 and kind = 'HANDLE' and owner_type = 'CASE'", []any{at(Dispatched)}, "CLOCK_NEXT"},
		{"update sla_clock set level = 80, next_at = ladder[3] where case_id = $1 and kind = 'HANDLE' and owner_type = 'ASSIGNMENT'", []any{at(Handling)}, "CLOCK_LEVEL"},
		{"update sla_clock set level = 0, next_at = (select min(x) from unnest(ladder) x) where (district, id) = (select district, clock_id from case_event where clock_id is not null limit 1)", nil, "CLOCK_LEVEL"},
		{"update sla_clock set state = 'RUNNING', due_at = coalesce(due_at, yx_now()) where case_id = $1", []any{at(Voided)}, "CLOCK_RUNS_ON"},
		{"insert into outbox (district, case_id, seq) select district, case_id, seq from case_event where case_id = $1 and seq = 1", []any{at(Closed)}, "OUTBOX_STALE"},
		{"insert into outbox_parked (district, case_id, seq, reason) values ('350102', $1, 1, 'x')", []any{at(Closed)}, "OUTBOX_PARKED"},
		{"update message set state = 'PENDING', queued = false where id = (select id from message limit 1)", nil, "MESSAGE_STALE"},
		{"delete from assignment where case_id = $1", []any{at(Handling)}, "LEAD"},
		{"update cases set lead_unit = 'D-CG' where id = $1", []any{at(Handling)}, "LEAD"},
		{"delete from case_party where case_id = $1", []any{at(Dispatched)}, "PARTY"},
		{"update case_party set due_at = due_at + interval '1 s' where case_id = $1", []any{at(Dispatched)}, "PARTY_DUE"},
		{"update call set state = 'DONE' where case_id = $1", []any{at(Calling)}, "CALL"},
		{"delete from call_target where case_id = $1", []any{at(Calling)}, "CALL_LEAD"},
		{"update cases set promise_at = promise_at + interval '1 day' where id = $1", []any{at(Dispatched)}, "PROMISE"},
		{"update assignment set due_at = due_at + interval '1 day' where case_id = $1", []any{at(Handling)}, "DUTY_DUE"},
		{"delete from case_event where case_id = $1 and seq = 2", []any{at(Resolved)}, "HEAD"},
		{"delete from case_event where case_id = $1 and seq = (select head_seq from cases where id = $1)", []any{at(Resolved)}, "HEAD"},
		{"update cases set state = 'HANDLING' where id = $1", []any{at(Dispatched)}, "LAST_EVENT"},
		{"update cases set version = version - 1 where id = $1", []any{at(Handling)}, "LAST_EVENT"},
		{"delete from cases where id = $1", []any{at(Handling)}, "NO_CASE"},
		{"update cases set master_case_id = gen_random_uuid() where id = $1", []any{at(Merged)}, "MERGED"},
		{"delete from report where case_id = $1", []any{at(Submitted)}, "LAW"},
		{"update report set case_id = gen_random_uuid() where case_id = $1", []any{at(Submitted)}, "LAW"},
		{"update cases set dispatched_at = null, lead_unit = '', queued = false where id = $1", []any{at(Filed)}, "LAW"},
		{"update cases set reporter_count = 7 where id = $1", []any{at(Dispatched)}, "REPORTERS"},
		{"update report set case_id = $1 where case_id = $2", []any{at(Merged), at(Closed)}, "REPORTERS"},
		{"update cases set round = 2 where id = $1", []any{at(Closed)}, "COUNTERS"},
		{"delete from case_return where case_id = $1", []any{at(Filed)}, "COUNTERS"},
		{"update points_account set balance = balance + 1", nil, "POINTS"},
		{"delete from points_entry", nil, "POINTS"},
		{"update rollup_case set next_at = yx_now() - interval '61 seconds' where case_id = $1", []any{at(Handling)}, "ROLLUP_STALE"},
		{"delete from rollup_case where case_id = $1", []any{at(Handling)}, "ROLLUP_CASE"},
		{"update cases set matter = '06010' where id = $1", []any{at(Handling)}, "ROLLUP_CASE"},
		{"delete from rating", nil, "ROLLUP_CASE"},
		{"update rollup_day set received = received + 1 where dim = 'U' and received > 0", nil, "ROLLUP_SUM"},
		{"update rollup_month set a_den = a_den + 1 where dim = 'A'", nil, "ROLLUP_SUM"},
		{"update rollup_now set open = open - 1 where dim = 'G'", nil, "ROLLUP_SUM"},
		{"update case_event set fact = replace(fact, 'S-DJ', 'S-WQ') where case_id = $1", []any{at(Handling)}, "CHAIN"},
		{"update case_event set at = at - interval '1 hour' where case_id = $1 and seq = 1", []any{at(Handling)}, "CHAIN"},
	} {
		tx, err := c.Begin(t.Context())
		require.NoError(t, err)
		tag, err := tx.Exec(t.Context(), x.sql, x.args...)
		require.NoError(t, err, x.sql)
		require.Positive(t, tag.RowsAffected(), "nothing was corrupted: %s", x.sql)
		found, err := audit(t.Context(), tx, "", true)
		require.NoError(t, err)
		again, err := audit(t.Context(), tx, "", false) // as the auditor looks again and again
		require.NoError(t, err)
		found.Findings = append(found.Findings, again.Findings...)
		var checks []string
		for _, f := range found.Findings {
			checks = append(checks, f.Check)
		}
		if _, err := verifyChains(t.Context(), tx, ""); err != nil {
			checks = append(checks, "CHAIN")
		}
		require.Contains(t, checks, x.check, "%s: %v", x.sql, found.Findings)
		require.NoError(t, tx.Rollback(t.Context()))
		seen[x.check] = true
	}
	for _, c := range auditChecks {
		require.True(t, seen[c.name], "no corruption is found by %s", c.name)
	}
}

// An engine that lives and rings nothing: the alarm is there after at most 90 s of the district's clock, and goes when it
// rings again. Nobody looking is an alarm of its own.
func TestAuditorSeesASilentStall(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	auditor := NewAuditor(d.db.Engine, nil)
	pulse := func() Pulse {
		t.Helper()
		all, err := auditor.Pulses(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 1)
		return all[0]
	}
	require.True(t, pulse().Silent, "nobody has looked yet")
	d.submit("lin", matterLight, inJunmen)
	require.NoError(t, room.once(t.Context()))
	_, err := auditor.Look(t.Context())
	require.NoError(t, err)
	require.True(t, pulse().Healthy, "%v", pulse())
	require.EqualValues(t, 1, pulse().Law.Received)

	owner := d.db.Owner.Pool
	_, err = owner.Exec(t.Context(), "alter function yx_fire_due(int) rename to yx_fire_due_kept")
	require.NoError(t, err)
	_, err = owner.Exec(t.Context(), `create function yx_fire_due(p_limit int) returns table (district text, case_id uuid, seq bigint, kind text, level int) language sql as $$ select ''::text, null::uuid, 0::bigint, ''::text, 0 where false $$`)
	require.NoError(t, err) // the failpoint: asked, it does nothing and says so to nobody
	next, ok, err := room.NextDue(t.Context())
	require.NoError(t, err)
	require.True(t, ok)
	d.setClock(next)
	require.NoError(t, room.once(t.Context()), "the engine itself notices nothing")
	require.True(t, pulse().Healthy, "nothing is late yet")
	d.setClock(next.Add(90 * time.Second))
	require.NoError(t, room.once(t.Context()))
	require.Equal(t, map[string]int{"CLOCK_STALE": d.count("select count(*) from sla_clock where next_at <= yx_now() - interval '60 seconds'")}, pulse().Findings)
	require.False(t, pulse().Healthy)
	require.NoError(t, auditor.beat(t.Context()))
	require.Contains(t, fmt.Sprint(d.text("select findings::text from audit_beat")), "CLOCK_STALE", "the beat tells it to the other processes")

	_, err = owner.Exec(t.Context(), "drop function yx_fire_due(int)")
	require.NoError(t, err)
	_, err = owner.Exec(t.Context(), "alter function yx_fire_due_kept(int) rename to yx_fire_due")
	require.NoError(t, err)
	require.NoError(t, room.once(t.Context()))
	require.True(t, pulse().Healthy, "%v", pulse())

	_, err = d.superuser().Exec(t.Context(), "update audit_beat set real_at = real_at - interval '91 seconds'")
	require.NoError(t, err)
	require.True(t, pulse().Silent)
	require.False(t, pulse().Healthy)
}

// A planner that tells nothing, because somebody holds its lock and does not let go.
func TestAuditorSeesAnUntoldEvent(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	holder := d.superuser()
	_, err := holder.Exec(t.Context(), "select pg_advisory_lock($1)", plannerLock)
	require.NoError(t, err)
	d.submit("lin", "", inJunmen)
	require.NoError(t, room.once(t.Context()))
	auditor := NewAuditor(d.db.Engine, nil)
	_, err = auditor.Look(t.Context())
	require.NoError(t, err)
	d.advance(61 * time.Second)
	all, err := auditor.Pulses(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, all[0].Findings["OUTBOX_STALE"])
}

package dispatch

import (
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/dispatch/rule"
	"yixian/internal/auth"
	"yixian/internal/fault"
)

// commanders adds two commanders to the fixture.
func (d *testDistrict) commanders() {
	d.t.Helper()
	d.hire("com1", auth.RoleCommander, "D-CENTER", "13910000051")
	d.hire("com2", auth.RoleCommander, "D-CENTER", "13910000052")
}

func (d *testDistrict) declare(in Declaration) *Incident {
	d.t.Helper()
	i, err := d.desk.Declare(d.t.Context(), d.actor("com1"), in, Once{})
	require.NoError(d.t, err)
	return i
}

func (d *testDistrict) caseOf(id uuid.UUID) *Snapshot {
	d.t.Helper()
	out, err := d.desk.View(d.t.Context(), d.actor("dispatcher"), id)
	require.NoError(d.t, err)
	return out.Snapshot
}

func clockOf(s *Snapshot, kind ClockKind, unit string) *Clock {
	for i := range s.Clocks {
		if k := &s.Clocks[i]; k.Kind == kind && k.Unit == unit && k.State != "STOPPED" {
			return k
		}
	}
	return nil
}

func TestIncidentAttachesOpenCases(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.commanders()
	room := newEngineRoom(d, d.db.Engine)
	covered := d.submit("lin", matterLight, inJunmen).CaseID
	other := d.submit("lin", matterBuilding, inJunmen).CaseID
	before := d.caseOf(covered)
	long := d.submit("lin", "", inGarden).CaseID
	d.do("dispatcher", long, ActFile, map[string]any{"matter": matterLight, "priority": "P4"})
	room.work(d)

	i := d.declare(Declaration{Name: "防汛", Units: []string{"S-DJ"}, Matters: []string{"01"}})
	require.Equal(t, IncidentDeclared, i.State)
	room.work(d)
	s := d.caseOf(covered)
	require.Equal(t, P1, s.Case.Priority)
	require.Equal(t, ModeEmergency, s.Case.Mode)
	require.Equal(t, i.ID, *s.Case.IncidentID)
	require.False(t, s.Case.Drill)
	require.Equal(t, before.Case.PromiseAt.UTC(), clockOf(before, ClockHandle, "").DueAt.UTC())
	require.Equal(t, morning.Add(2*time.Hour).UTC(), s.Case.PromiseAt.UTC(), "min(old due, now + 2 NH)")
	require.Equal(t, "2NH", s.Case.SLABudget)
	require.Equal(t, P3, d.caseOf(other).Case.Priority, "another matter")
	_, err := d.act("js-officer", covered, ActReturn, map[string]any{"legal_basis": "三定方案", "suggested_unit": "D-CG", "reason": "不属于本单位职责"})
	require.True(t, fault.Is(err, "RETURN_FORBIDDEN"), "%v", err)
	require.NotContains(t, AllowedActions(s, d.actor("js-officer")), ActReturn)

	deferred := d.caseOf(long)
	require.Equal(t, Suspended, deferred.Case.State)
	require.Equal(t, P4, deferred.Case.Priority)
	require.Equal(t, deferReason, deferred.Requests[0].Reason)
	for _, k := range deferred.Clocks {
		require.NotEqual(t, "RUNNING", k.State, "%s", k.Kind)
	}
	require.ElementsMatch(t, []string{"lin APP", "js-officer APP"}, d.told(long, "incident_deferred"))
	require.ElementsMatch(t, []string{"js-officer APP", "js-officer SMS", "dj-officer APP"}, d.told(covered, "incident_attached"))
	require.Equal(t, 1, d.count("select count(*) from case_event where action = 'attach_incident' and case_id = $1", covered))

	d.advance(time.Minute)
	room.work(d) // the second sweep
	_, err = d.desk.Confirm(t.Context(), d.actor("com1"), i.ID, Once{})
	require.True(t, fault.Is(err, "SAME_PERSON"), "%v", err)
	_, err = d.desk.Confirm(t.Context(), d.actor("supervisor"), i.ID, Once{})
	require.NoError(t, err)
	d.advance(AloneFor)
	room.work(d)
	fresh := d.submit("chen", matterLight, inJunmen).CaseID
	require.Equal(t, P1, d.caseOf(fresh).Case.Priority, "confirmed: it goes on after 30 minutes")

	_, err = d.desk.StandDown(t.Context(), d.actor("com2"), i.ID, "", Once{})
	require.NoError(t, err)
	room.work(d)
	require.Equal(t, Dispatched, d.caseOf(long).Case.State, "what was put off goes on")
	require.Equal(t, P1, d.caseOf(covered).Case.Priority, "the touched cases keep their profile")
	require.Equal(t, P3, d.caseOf(d.submit("chen", matterLight, inJunmen).CaseID).Case.Priority)
	detail, err := d.desk.IncidentOf(t.Context(), d.actor("auditor"), i.ID)
	require.NoError(t, err)
	require.Len(t, detail.Events, 3)
	require.EqualValues(t, 3, detail.Attached)
	require.Zero(t, d.count("select count(*) from message where state = 'FAILED'"))
	d.verify()

	_, err = d.db.Owner.Pool.Exec(t.Context(), "alter table office_event no force row level security; update office_event set fact = replace(fact, 'confirm', 'declare') where seq = 2")
	require.NoError(t, err)
	_, err = VerifyChains(t.Context(), d.db.Engine, "")
	require.ErrorContains(t, err, i.ID.String())
}

// A declaration that nobody confirms stands down by the clock, with the chain saying so; one with an end ends then.
func TestIncidentEndsByTheClock(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.commanders()
	room := newEngineRoom(d, d.db.Engine)
	i := d.declare(Declaration{Name: "防汛", Areas: []string{"350102004001"}})
	_, err := d.desk.Declare(t.Context(), d.actor("com2"), Declaration{Name: "防汛", Areas: []string{"350102004001"}}, Once{})
	require.True(t, fault.Is(err, "INCIDENT_EXISTS"), "%v", err)
	until := morning.Add(3 * time.Hour)
	planned := d.declare(Declaration{Name: "大型活动", Areas: []string{"350102004002001"}, Until: &until})
	_, err = d.desk.Confirm(t.Context(), d.actor("com2"), planned.ID, Once{})
	require.NoError(t, err)
	d.walk(room, func() bool { return d.count("select count(*) from incident where state = 'ENDED'") == 1 })
	require.Equal(t, morning.Add(AloneFor).UTC(), d.now().UTC())
	got, err := d.desk.IncidentOf(t.Context(), d.actor("com1"), i.ID)
	require.NoError(t, err)
	require.Equal(t, "UNCONFIRMED", got.EndReason)
	require.Nil(t, got.EndedBy)
	require.Equal(t, "SYSTEM", got.Events[1].Actor)
	_, err = d.desk.Confirm(t.Context(), d.actor("com2"), i.ID, Once{})
	require.True(t, fault.Is(err, "WRONG_STATE"), "%v", err)
	require.Equal(t, P3, d.caseOf(d.submit("lin", matterLight, inJunmen).CaseID).Case.Priority)
	d.walk(room, func() bool { return d.count("select count(*) from incident where state = 'ENDED'") == 2 })
	require.Equal(t, until.UTC(), d.now().UTC())
	d.verify()
}

// Two commanders and a supervisor at once: one confirmation, one end, whatever the order; retries get the first answer.
func TestTwoCommandersAtOnce(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.commanders()
	var wg sync.WaitGroup
	race := func(n int, f func(k int) error) (won int) {
		var mu sync.Mutex
		for k := range n {
			wg.Go(func() {
				err := f(k)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				}
			})
		}
		wg.Wait()
		return won
	}
	names := []string{"com1", "com2"}
	require.Equal(t, 1, race(8, func(k int) error {
		_, err := d.desk.Declare(t.Context(), d.actor(names[k%2]), Declaration{Name: "防汛", Units: []string{"S-DJ"}}, Once{})
		return err
	}))
	var id, by uuid.UUID
	require.NoError(t, d.db.Engine.Pool.QueryRow(t.Context(), "select id, declared_by from incident").Scan(&id, &by))
	second := "com1"
	if d.actor("com1").Account == by {
		second = "com2"
	}
	require.Equal(t, 1, race(8, func(k int) error {
		_, err := d.desk.Confirm(t.Context(), d.actor([]string{"supervisor", second}[k%2]), id, Once{})
		return err
	}))
	require.Equal(t, 1, race(8, func(k int) error {
		_, err := d.desk.StandDown(t.Context(), d.actor(names[k%2]), id, "", Once{})
		return err
	}))
	require.Equal(t, 3, d.count("select count(*) from office_event"))
	key := Once{Key: "again", Hash: []byte{1}}
	require.Equal(t, 8, race(8, func(int) error {
		_, err := d.desk.Declare(t.Context(), d.actor("com1"), Declaration{Name: "台风", Units: []string{"S-DJ"}}, key)
		return err
	}))
	require.Equal(t, 2, d.count("select count(*) from incident"))
	_, err := d.desk.Declare(t.Context(), d.actor("com1"), Declaration{Name: "台风", Units: []string{"S-DJ"}}, Once{Key: "again", Hash: []byte{2}})
	require.True(t, fault.Is(err, "IDEMPOTENCY_MISMATCH"), "%v", err)
	d.verify()
}

// A drill touches no real case; what is reported in it is a drill, in texts and figures.
func TestDrill(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.commanders()
	room := newEngineRoom(d, d.db.Engine)
	genuine := d.submit("lin", matterLight, inJunmen)
	room.work(d)
	from, to := morning.AddDate(0, 0, -1), morning.AddDate(0, 0, 30)
	before, err := d.desk.Overview(t.Context(), d.actor("supervisor"), from, to, "unit")
	require.NoError(t, err)
	d.declare(Declaration{Name: "防汛演练", Drill: true, Ring: [][2]float64{{119.3060, 26.0860}, {119.3100, 26.0860}, {119.3100, 26.0890}, {119.3060, 26.0890}}})
	room.work(d)
	require.Nil(t, d.caseOf(genuine.CaseID).Case.IncidentID)
	r := d.submit("lin", matterLight, inJunmen)
	require.Empty(t, r.Duplicates[1:], "the real one only")
	s := d.caseOf(r.CaseID)
	require.True(t, s.Case.Drill)
	require.Equal(t, P1, s.Case.Priority)
	require.False(t, d.caseOf(d.submit("chen", matterLight, inGarden).CaseID).Case.Drill, "outside of the ring")
	room.work(d)
	require.Zero(t, d.count("select count(*) from message where (case_id = $1 or event like 'incident%') and text not like '【演练】%'", r.CaseID))
	require.NotZero(t, d.count("select count(*) from message where event = 'incident_declared' and channel = 'SMS' and account_id = $1", d.actor("junmen-worker").Account))
	require.Zero(t, d.count("select count(*) from message where event = 'incident_declared' and account_id = $1", d.actor("garden-worker").Account))
	after, err := d.desk.Overview(t.Context(), d.actor("supervisor"), from, to, "unit")
	require.NoError(t, err)
	require.Equal(t, before.Total.Received+1, after.Total.Received, "chen's report only")
	_, err = d.act("dispatcher", r.CaseID, ActMerge, map[string]any{"master_case_id": genuine.CaseID.String()})
	require.True(t, fault.Is(err, "DRILL"), "%v", err)
	d.do("js-officer", r.CaseID, ActSign, nil)
	d.resolve("js-officer", r.CaseID)
	d.pass("junmen-worker", r.CaseID)
	cmd, err := ParseCommand(ActRate, []byte(`{"resolved":true,"grade":5}`))
	require.NoError(t, err)
	_, err = d.desk.DoAsReporter(t.Context(), d.actor("lin"), r.CaseID, r.ReportID, cmd, nil)
	require.True(t, fault.Is(err, "DRILL"), "%v", err)
	room.work(d)
	require.Zero(t, d.count("select count(*) from message where state = 'FAILED'"))
}

// A rule of source INCIDENT sees the mode and outranks all others.
func TestIncidentRuleRoutes(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.commanders()
	r := rule.Rule{District: "350102", ID: "I-FLOOD", Version: 1, Status: rule.StatusActive, Source: rule.SourceIncident, Title: "防汛统一指挥", When: rule.All(rule.Eq("mode", ModeEmergency)), Then: rule.Outcome{Lead: "unit:D-CG", Path: rule.PathDirect}}
	d.insertAll("insert into rule (district, id, status, body) select $1, b->>'id', 'ACTIVE', b from jsonb_array_elements($2::jsonb) b", []rule.Rule{r})
	require.NoError(t, d.worlds.Load(t.Context()))
	require.Equal(t, "D-JS", d.caseOf(d.submit("lin", matterLight, inJunmen).CaseID).Case.LeadUnit)
	d.declare(Declaration{Name: "防汛", Units: []string{"S-DJ"}})
	s := d.caseOf(d.submit("lin", matterLight, inJunmen).CaseID)
	require.Equal(t, "D-CG", s.Case.LeadUnit)
	require.Equal(t, "I-FLOOD", s.Case.RuleID)
}

func TestDeclarationIsChecked(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.commanders()
	past := morning.Add(-time.Hour)
	for pointer, in := range map[string]Declaration{
		"/name": {Units: []string{"S-DJ"}}, "/units": {Name: "x", Units: []string{"NOBODY"}}, "/areas": {Name: "x", Units: []string{"D-CG"}}, "/until": {Name: "x", Units: []string{"S-DJ"}, Until: &past},
		"/matters/0": {Name: "x", Units: []string{"S-DJ"}, Matters: []string{"99"}}, "/polygon": {Name: "x", Ring: [][2]float64{{119, 26}, {119.1, 26}}},
	} {
		_, err := d.desk.Declare(t.Context(), d.actor("com1"), in, Once{})
		f, ok := fault.As(err)
		require.True(t, ok, pointer)
		require.Equal(t, pointer, f.Fields[0].Pointer)
	}
	for _, name := range []string{"dispatcher", "supervisor", "dj-secretary", "admin"} {
		_, err := d.desk.Declare(t.Context(), d.actor(name), Declaration{Name: "x", Units: []string{"S-DJ"}}, Once{})
		require.True(t, fault.Is(err, "NOT_YOURS"), name)
	}
	require.Zero(t, d.count("select count(*) from incident"))
}

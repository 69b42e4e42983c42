package dispatch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"yixian/internal/fault"
)

// Residents with an open report in the area hear of the beginning and of the end, once each; nobody else does.
func TestIncidentTellsTheNeighbours(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.commanders()
	room := newEngineRoom(d, d.db.Engine)
	d.submit("lin", matterLight, inJunmen)
	d.submit("lin", matterBuilding, inJunmen)
	d.submit("chen", matterLight, inGarden)
	room.work(d)
	const to = "select count(*) from message where event = $1 and account_id = $2 and channel = $3"
	for round, drill := range []bool{false, true} {
		i := d.declare(Declaration{Name: "防汛", Drill: drill, Areas: []string{"350102004001"}})
		room.work(d)
		require.Equal(t, round+1, d.count(to, "incident_notice", d.actor("lin").Account, "APP"), "two reports, one person")
		require.Equal(t, round+1, d.count(to, "incident_notice", d.actor("lin").Account, "SMS"))
		require.Zero(t, d.count("select count(*) from message where event like 'incident_%' and account_id = $1", d.actor("chen").Account), "another community")
		_, err := d.desk.StandDown(t.Context(), d.actor("com2"), i.ID, "", Once{})
		require.NoError(t, err)
		room.work(d)
		require.Equal(t, round+1, d.count(to, "incident_over", d.actor("lin").Account, "APP"))
		require.Zero(t, d.count(to, "incident_over", d.actor("lin").Account, "SMS"))
	}
	require.Equal(t, 3, d.count("select count(*) from message where account_id = $1 and event like 'incident_%' and text like '【演练】%'", d.actor("lin").Account), "the drill's own: two and the end")
	require.Equal(t, 3, d.count("select count(*) from message where account_id = $1 and event like 'incident_%' and text not like '【演练】%'", d.actor("lin").Account))
	require.Zero(t, d.count("select count(*) from message where state = 'FAILED'"))
}

// Somebody asks for time, then the case becomes urgent: nobody may grant it any more (T26, T28: P1 never).
func TestRequestOfACaseThatBecameUrgent(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.commanders()
	room := newEngineRoom(d, d.db.Engine)
	asked := func(act Action, body map[string]any) (*Receipt, string) {
		t.Helper()
		r := d.submit("lin", matterLight, inJunmen)
		d.do("js-officer", r.CaseID, ActSign, nil)
		d.do("js-officer", r.CaseID, act, body)
		return r, d.pendingID(r.CaseID)
	}
	wait, waitID := asked(ActSuspend, map[string]any{"reason": "WEATHER", "resume_at": morning.Add(48 * time.Hour)})
	more, moreID := asked(ActExtend, map[string]any{"budget": "1WD", "reason": "备件未到"})
	calm, calmID := asked(ActExtend, map[string]any{"budget": "1WD", "reason": "备件未到"})
	d.do("dispatcher", calm.CaseID, ActApprove, map[string]any{"request_id": calmID}) // the control: before the emergency it is granted
	i := d.declare(Declaration{Name: "防汛", Units: []string{"S-DJ"}})
	room.work(d)
	require.Equal(t, P1, d.caseOf(wait.CaseID).Case.Priority)
	for _, over := range []bool{false, true} {
		for id, r := range map[string]*Receipt{waitID: wait, moreID: more} {
			before := d.caseOf(r.CaseID)
			_, err := d.act("dispatcher", r.CaseID, ActApprove, map[string]any{"request_id": id})
			require.True(t, fault.Is(err, "SUSPEND_FORBIDDEN") || fault.Is(err, "EXTEND_FORBIDDEN"), "%v", err)
			require.Equal(t, before.Case.HeadSeq, d.caseOf(r.CaseID).Case.HeadSeq)
			allowed := AllowedActions(before, d.actor("dispatcher"))
			require.NotContains(t, allowed, ActApprove)
			require.Contains(t, allowed, ActDecline)
		}
		if !over { // P1 stays after the emergency
			_, err := d.desk.StandDown(t.Context(), d.actor("com1"), i.ID, "", Once{})
			require.NoError(t, err)
			room.work(d)
		}
	}
	d.do("dispatcher", wait.CaseID, ActDecline, map[string]any{"request_id": waitID, "reason": "应急期间不得暂缓"})
	d.verify()
}

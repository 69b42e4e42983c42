package dispatch

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// A resident who met it too and follows hears what the reporter hears, in the inbox only, and never of the reporter's own acts.
func TestWhoIsToldWithoutHavingReported(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	r := d.submit("lin", "", inJunmen)
	id := func() uuid.UUID { return r.CaseID }
	follow := func(r *Receipt) { d.ask("chen", r, ActFollow, nil) }
	decide := func() {
		d.do("dispatcher", id(), ActApprove, map[string]any{"request_id": d.pendingID(id()), "reason": "同意"})
	}
	d.tellStory(room, id, []step{
		{"follow", func() { follow(r) }, map[string][]string{"followed": {}}},
		{"file", func() { d.do("dispatcher", id(), ActFile, map[string]any{"matter": matterLight}) }, map[string][]string{
			"dispatched": {"lin APP", "chen APP", "js-officer APP", "js-officer SMS", "dj-officer APP", "dj-officer SMS", "dispatcher APP"}}},
		{"sign", func() { d.do("js-officer", id(), ActSign, nil) }, map[string][]string{"signed": {"lin APP"}}},
		{"more time", func() {
			d.do("js-officer", id(), ActContact, map[string]any{"method": "PHONE"})
			d.do("js-officer", id(), ActExtend, map[string]any{"budget": "1WH", "reason": "缺件"})
			decide()
		}, map[string][]string{"extended": {"lin APP", "lin SMS", "chen APP", "js-officer APP", "dj-officer APP"}}},
		{"rest", func() {
			d.do("js-officer", id(), ActSuspend, map[string]any{"reason": "WEATHER", "resume_at": d.now().AddDate(0, 0, 2), "note": "雨"})
			decide()
		}, map[string][]string{"suspended": {"lin APP", "lin SMS", "chen APP", "js-officer APP", "dj-officer APP"}}},
		{"go on", func() {
			d.do("js-officer", id(), ActResume, nil)
			d.resolve("js-officer", id())
			d.pass("junmen-worker", id())
		}, map[string][]string{
			"closed": {"lin APP", "lin SMS", "chen APP", "js-officer APP", "dj-officer APP"}}},
		{"bad rating", func() { d.rate("lin", r, false, 1) }, map[string][]string{
			"reopened": {"lin APP", "chen APP", "js-officer APP", "js-officer SMS", "js-leader APP", "dj-officer APP", "dj-officer SMS", "dispatcher APP"}}},
	})

	called := d.submit("lin", matterBuilding, inJunmen)
	follow(called)
	d.do("dj-officer", called.CaseID, ActSign, nil)
	d.do("dj-leader", called.CaseID, ActCall, map[string]any{"level": "L2", "reason": "NO_POWER", "targets": []map[string]any{{"unit": "D-CG", "lead": true}}})
	room.plan(d)
	require.Subset(t, d.told(called.CaseID, "called"), []string{"lin APP", "chen APP"})

	for _, matter := range []string{matterBuilding, ""} {
		master, child := d.submit("lin", matter, inJunmen), d.submit("lin", matter, inJunmen)
		follow(child)
		d.do("dispatcher", child.CaseID, ActMerge, map[string]any{"master_case_id": master.CaseID})
		room.plan(d)
		event := map[bool]string{true: "merged", false: "merged_unnumbered"}[matter != ""]
		require.Contains(t, d.told(child.CaseID, event), "chen APP", event)
		require.Equal(t, 1, d.count("select count(*) from message where template = $1 and account_id = $2", event+".follower.APP", d.actor("chen").Account), event)
		if matter != "" {
			continue
		}
		d.do("dispatcher", master.CaseID, ActFile, map[string]any{"matter": matterLight})
		room.plan(d)
		require.Contains(t, d.told(master.CaseID, "dispatched"), "chen APP", "who followed what ended follows what goes on")
	}
	require.Zero(t, d.count("select count(*) from message where split_part(template, '.', 2) = 'follower' and channel <> 'APP'"), "a follower left no number")
	require.Zero(t, d.count("select count(*) from message where state = 'FAILED'"))
	require.Zero(t, d.count("select count(*) from outbox_parked"))
}

// What came in before it was filed is drawn into an incident without a new deadline: the centre hears of it.
func TestWhoIsToldOfAnUnfiledCaseInAnIncident(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.commanders()
	room := newEngineRoom(d, d.db.Engine)
	r, _, err := d.desk.Submit(t.Context(), d.actor("lin"), &Submission{Text: "这里有问题需要处理", Matter: matterLight, Point: inJunmen, Held: "FLOOD_GRID"})
	require.NoError(t, err)
	id := r.CaseID
	room.work(d)
	d.declare(Declaration{Name: "防汛", Units: []string{"S-DJ"}})
	room.work(d)
	require.Equal(t, ModeEmergency, d.caseOf(id).Case.Mode)
	require.ElementsMatch(t, []string{"dispatcher APP"}, d.told(id, "incident_attached_unfiled"))
	require.Empty(t, d.told(id, "incident_attached"))
	require.Contains(t, d.texts(id), "防汛")
	require.Zero(t, d.count("select count(*) from message where state = 'FAILED'"))
}

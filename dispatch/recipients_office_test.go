package dispatch

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/internal/auth"
)

// hire adds an account to the fixture's staff.
func (d *testDistrict) hire(name string, role auth.Role, unit, phone string) {
	d.t.Helper()
	bindings := []auth.Binding{{Role: role, Unit: unit}}
	store := auth.NewStore(d.db.App, d.keys, nil, auth.Options{Sandbox: true})
	ids, err := store.CreateStaff(d.t.Context(), auth.NewStaff{District: "350102", Username: name, DisplayName: name, Phone: phone, Bindings: bindings})
	require.NoError(d.t, err)
	d.accounts[name] = auth.Actor{District: "350102", Account: ids[0], Kind: auth.Staff, Username: name, Name: name, Bindings: bindings}
}

// ask is a reporter's own action.
func (d *testDistrict) ask(name string, r *Receipt, action Action, body map[string]any) {
	d.t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(d.t, err)
	cmd, err := ParseCommand(action, raw)
	require.NoError(d.t, err)
	_, err = d.desk.DoAsReporter(d.t.Context(), d.actor(name), r.CaseID, r.ReportID, cmd, nil)
	require.NoError(d.t, err, "%s by %s", action, name)
}

// timeline is what a reporter reads, in zh and en, line by line.
func (d *testDistrict) timeline(name string, r *Receipt) (zh, en []string) {
	d.t.Helper()
	tracked, err := d.desk.TrackByCode(d.t.Context(), d.actor(name), r.ReceiptCode, "")
	require.NoError(d.t, err)
	for _, e := range tracked.World.Timeline(tracked.Events, "zh") {
		zh = append(zh, e.Text)
	}
	for _, e := range tracked.World.Timeline(tracked.Events, "en") {
		en = append(en, e.Text)
	}
	require.Len(d.t, en, len(zh))
	for _, line := range slices.Concat(zh, en) {
		require.NotContains(d.t, line, "%!")
		require.NotContains(d.t, line, "暗语", "no free text of anybody")
	}
	return zh, en
}

// pendingID is the request of a case that waits.
func (d *testDistrict) pendingID(caseID uuid.UUID) (id string) {
	d.t.Helper()
	require.NoError(d.t, d.db.Engine.Pool.QueryRow(d.t.Context(), "select id::text from case_request where case_id = $1 and state = 'PENDING'", caseID).Scan(&id))
	return id
}

// An action that is built tells somebody, or is known to be nobody's news.
func TestEveryBuiltActionIsToldOrSilent(t *testing.T) {
	t.Parallel()
	silent := []Action{ActArchive, ActNote, ActAdd, ActFollow, ActSelfHandle, ActCheckinOver, ActIncident, ActRecompute} // the overdue check-in is told by its clock
	for _, row := range Lifecycle {
		_, told := matrix[row.Action]
		if row.Built {
			require.NotEqual(t, slices.Contains(silent, row.Action), told, row.Action)
		} else {
			require.False(t, told && !slices.ContainsFunc(rowsOf(row.Action), func(x Transition) bool { return x.Built }), row.Action)
		}
	}
}

// Verified, rejected, appealed, filed by another dispatcher.
func TestWhoIsToldOfARejectionAndItsAppeal(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.hire("second", auth.RoleDispatcher, "D-CENTER", "13910000007")
	room := newEngineRoom(d, d.db.Engine)
	var r *Receipt
	id := func() uuid.UUID {
		if r == nil {
			return uuid.Nil
		}
		return r.CaseID
	}
	d.tellStory(room, id, []step{
		{"submit", func() { r = d.submit("lin", "", inJunmen) }, map[string][]string{"submitted": {"lin APP", "lin SMS", "junmen-worker APP", "dispatcher APP", "second APP"}}},
		{"ask to verify", func() { d.do("dispatcher", id(), ActRequestVerify, map[string]any{"note": "暗语"}) }, map[string][]string{"verify_task": {"junmen-worker APP", "junmen-worker SMS"}}},
		{"not true", func() {
			d.do("junmen-worker", id(), ActVerify, map[string]any{"verdict": "FALSE", "media_ids": []string{d.photo("junmen-worker")}, "point": inJunmen, "note": "暗语"})
		}, map[string][]string{"verified": {"dispatcher APP", "second APP"}}},
		{"reject", func() {
			d.do("dispatcher", id(), ActReject, map[string]any{"reason": "FALSE_REPORT", "reply": "暗语：经现场核实未发现您所反映的情况，如有异议可在七日内申诉。"})
		}, map[string][]string{"rejected": {"lin APP", "lin SMS", "second APP"}}},
		{"appeal", func() { d.ask("lin", r, ActAppeal, map[string]any{"reason": "暗语"}) }, map[string][]string{"appealed": {"lin APP", "dispatcher APP", "second APP"}}},
		{"file", func() { d.advance(time.Minute); d.do("second", id(), ActFile, map[string]any{"matter": matterLight}) }, map[string][]string{
			"appeal_accepted": {"lin APP", "lin SMS"}, "dispatched": {"lin APP", "js-officer APP", "js-officer SMS", "dj-officer APP", "dj-officer SMS", "dispatcher APP", "second APP"}}},
		{"urge", func() { d.ask("lin", r, ActUrge, nil) }, map[string][]string{"urged": {"js-officer APP", "js-officer SMS", "dj-officer APP"}}},
		{"void", func() { d.do("second", id(), ActVoid, map[string]any{"reason": "暗语"}) }, map[string][]string{"voided": {"lin APP"}}},
	})
	texts := d.texts(id())
	require.Contains(t, texts, "未予受理，原因：上报不实。七日内可申诉一次")
	require.NotContains(t, texts, "暗语", "no free text of anybody")
	zh, en := d.timeline("lin", r)
	require.Subset(t, zh, []string{"正在核实", "已核实", "不予受理：上报不实", "已提出申诉，由另一位调度员处理", "已派给 建设局", "您催办了一次", "已撤回"})
	require.Contains(t, en, "Not accepted: Not true")

	again := d.submit("chen", "", inGarden)
	reject := map[string]any{"reason": "OUT_OF_AREA", "reply": "您反映的地点经核实不在本区管辖范围之内，请向所在区反映。"}
	d.do("dispatcher", again.CaseID, ActReject, reject)
	room.plan(d)
	d.advance(time.Hour)
	d.ask("chen", again, ActAppeal, nil)
	d.do("second", again.CaseID, ActReject, reject)
	room.plan(d)
	require.ElementsMatch(t, []string{"chen APP", "chen SMS"}, d.told(again.CaseID, "rejected_again"), "no second appeal is offered")
	require.ElementsMatch(t, []string{"chen APP", "chen SMS", "second APP", "dispatcher APP"}, d.told(again.CaseID, "rejected"))

	queued := d.submit("chen", "", inGarden)
	d.ask("chen", queued, ActUrge, nil)
	d.ask("chen", queued, ActWithdraw, nil)
	room.plan(d)
	require.ElementsMatch(t, []string{"dispatcher APP", "second APP"}, d.told(queued.CaseID, "urged"), "no unit has it yet")
	require.ElementsMatch(t, []string{"chen APP"}, d.told(queued.CaseID, "withdrawn"))
	require.Zero(t, d.count("select count(*) from message where state = 'FAILED'"))
	require.Zero(t, d.count("select count(*) from outbox_parked"))
}

// The reporters of the case that ends are told by the number of its master, and follow it from then on.
func TestWhoIsToldOfAMerge(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.hire("second", auth.RoleDispatcher, "D-CENTER", "13910000007")
	room := newEngineRoom(d, d.db.Engine)
	master, child := d.submit("lin", matterBuilding, inJunmen), d.submit("chen", matterBuilding, inJunmen)
	d.do("dispatcher", child.CaseID, ActMerge, map[string]any{"master_case_id": master.CaseID})
	room.plan(d)
	require.ElementsMatch(t, []string{"second APP"}, d.told(child.CaseID, "merged"))
	require.ElementsMatch(t, []string{"chen APP"}, d.told(master.CaseID, "merged"), "who reported the master hears nothing new")
	require.Equal(t, 1, d.count("select count(*) from message m join cases c on c.id = m.case_id where m.template = 'merged.reporter.APP' and m.text like '%' || $1 || '%#' || c.case_no || '%'", child.ReceiptCode))
	require.Equal(t, 1, d.count("select count(*) from message m, cases c where c.id = $1 and m.template = 'merged.district.APP' and m.text like '%#' || c.case_no || '%'", master.CaseID))
	for name, r := range map[string]*Receipt{"lin": master, "chen": child} {
		zh, _ := d.timeline(name, r)
		require.Contains(t, zh, "与另一件相同的上报合并办理")
	}
	d.do("dj-officer", master.CaseID, ActSign, nil)
	room.plan(d)
	require.ElementsMatch(t, []string{"lin APP", "chen APP"}, d.told(master.CaseID, "signed"))

	early, other := d.submit("lin", "", inGarden), d.submit("chen", "", inGarden)
	d.do("dispatcher", other.CaseID, ActMerge, map[string]any{"master_case_id": early.CaseID})
	room.plan(d)
	require.ElementsMatch(t, []string{"second APP"}, d.told(other.CaseID, "merged_unnumbered"))
	require.ElementsMatch(t, []string{"chen APP"}, d.told(early.CaseID, "merged_unnumbered"))
	require.Zero(t, d.count("select count(*) from message where state = 'FAILED'"))
	require.Zero(t, d.count("select count(*) from outbox_parked"))
}

// A unit disputes; another case bounces three times and goes to the arbitrator by itself.
func TestWhoIsToldOfADispute(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	var r *Receipt
	id := func() uuid.UUID { return r.CaseID }
	r = d.submit("lin", matterLight, inJunmen)
	d.tellStory(room, id, []step{
		{"dispute", func() { d.do("js-leader", id(), ActDispute, map[string]any{"reason": "暗语"}) }, map[string][]string{"disputed": {
			"lin APP", "arbitrator APP", "arbitrator SMS", "js-officer APP", "dj-officer APP", "dj-officer SMS", "dispatcher APP", "dispatcher SMS"}}},
		{"arbitrate", func() { d.do("arbitrator", id(), ActArbitrate, map[string]any{"lead": "D-CG", "basis": "暗语"}) }, map[string][]string{"arbitrated": {
			"lin APP", "cg-officer APP", "cg-officer SMS", "cg-second APP", "cg-second SMS", "cg-leader APP", "dj-officer APP", "dispatcher APP", "supervisor APP"}}},
	})
	zh, en := d.timeline("lin", r)
	require.Subset(t, zh, []string{"正在确定负责单位", "已确定由 城管局 负责"})
	require.Contains(t, en, "Settling who is responsible")

	bounced := d.submit("lin", matterLight, inGarden)
	give := func(name, to string) {
		if to != "" {
			d.do("dispatcher", bounced.CaseID, ActDispatch, map[string]any{"lead": to})
		}
		d.do(name, bounced.CaseID, ActReturn, map[string]any{"legal_basis": "三定方案", "suggested_unit": "S-DJ", "reason": "暗语"})
	}
	give("js-officer", "")
	for _, next := range []struct{ name, unit string }{{"cg-leader", "D-CG"}, {"sj-leader", "D-SJ"}} {
		state := d.count("select count(*) from cases where id = $1 and state = 'FILED'", bounced.CaseID)
		require.Equal(t, 1, state, "waits for a dispatcher")
		give(next.name, next.unit)
	}
	room.plan(d)
	require.ElementsMatch(t, []string{"lin APP", "arbitrator APP", "arbitrator SMS", "js-officer APP", "dj-officer APP", "dj-officer SMS", "dispatcher APP", "dispatcher SMS", "sj-officer APP", "supervisor APP"},
		d.told(bounced.CaseID, "disputed"), "the first receiver makes safe; a supervisor hears of a third return")
	d.walk(room, func() bool { return len(d.told(bounced.CaseID, "arbitrate_overdue")) > 0 })
	require.ElementsMatch(t, []string{"arbitrator APP", "arbitrator SMS", "supervisor APP"}, d.told(bounced.CaseID, "arbitrate_overdue"))
	require.Contains(t, d.told(bounced.CaseID, "reminder_80"), "arbitrator APP")
	require.NotContains(t, d.texts(id())+d.texts(bounced.CaseID), "暗语", "no free text of anybody")
	require.Zero(t, d.count("select count(*) from message where state = 'FAILED'"))
	require.Zero(t, d.count("select count(*) from outbox_parked"))
}

// Suspended and resumed by the clock, given more time, refused, ordered.
func TestWhoIsToldOfRequestsAndOrders(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	r := d.submit("lin", matterLight, inJunmen)
	id := func() uuid.UUID { return r.CaseID }
	d.do("js-officer", id(), ActSign, nil)
	d.do("js-officer", id(), ActContact, map[string]any{"method": "PHONE"})
	suspend := func(days int) {
		d.do("js-officer", id(), ActSuspend, map[string]any{"reason": "WEATHER", "resume_at": d.now().AddDate(0, 0, days), "note": "暗语"})
	}
	extend := func() { d.do("js-officer", id(), ActExtend, map[string]any{"budget": "1WH", "reason": "暗语"}) }
	decide := func(who string, action Action) func() {
		return func() { d.do(who, id(), action, map[string]any{"request_id": d.pendingID(id()), "reason": "暗语"}) }
	}
	granted := []string{"lin APP", "lin SMS", "js-officer APP", "dj-officer APP"}
	d.tellStory(room, id, []step{
		{"ask for a long rest", func() { suspend(40) }, map[string][]string{"suspend_requested": {"supervisor APP"}}},
		{"no", decide("supervisor", ActDecline), map[string][]string{"request_declined": {"js-officer APP"}, "answered": {}}},
		{"ask for more time", extend, map[string][]string{"extend_requested": {"dispatcher APP"}}},
		{"yes", decide("dispatcher", ActApprove), map[string][]string{"extended": granted}},
		{"ask again", extend, map[string][]string{"extend_requested": {"supervisor APP"}}},
		{"yes again", decide("supervisor", ActApprove), map[string][]string{"extended": append(slices.Clone(granted), "dispatcher APP")}},
		{"order", func() { d.do("supervisor", id(), ActSupervise, map[string]any{"kind": "SUPERVISE", "text": "暗语"}) }, map[string][]string{
			"supervised": {"js-officer APP", "js-officer SMS", "js-leader SMS", "dj-officer APP", "dj-officer SMS", "dispatcher APP"}}},
		{"answer", func() { d.do("js-officer", id(), ActReply, map[string]any{"text": "暗语"}) }, map[string][]string{"replied": {"supervisor APP"}}},
		{"ask for a rest", func() { suspend(3) }, map[string][]string{"suspend_requested": {"dispatcher APP"}}},
		{"yes, rest", decide("dispatcher", ActApprove), map[string][]string{"suspended": granted}},
		{"the clock", func() { d.advance(72 * time.Hour); room.work(d) }, map[string][]string{"resumed": {"lin APP", "js-officer APP"}}},
	})
	texts := d.texts(id())
	require.Contains(t, texts, "因天气原因暂缓处理，预计 6月11日09:00 恢复")
	require.Contains(t, texts, "办理时限延长 1 个工作小时，新的时限 6月")
	require.NotContains(t, texts, "暗语", "no free text of anybody")
	zh, en := d.timeline("lin", r)
	require.Subset(t, zh, []string{"因天气原因暂缓，预计 6月11日09:00 恢复", "已恢复办理", "区里已督办"})
	require.Contains(t, en, "On hold (Weather), to go on at 11 Jun 09:00")
	require.Contains(t, strings.Join(zh, "\n"), "办理时限延长 1 个工作小时，新的时限 6月")

	d.do("supervisor", id(), ActSupervise, map[string]any{"kind": "LEADER", "text": "暗语"})
	late := func() int {
		return d.count("select count(*) from message m join case_event e on e.id = m.event_id where m.event = 'overdue_100' and e.fact like '%SUPERVISE_REPLY%'")
	}
	d.walk(room, func() bool { return late() > 0 })
	require.Equal(t, 4, late(), "the unit in the inbox and by SMS, its leader by SMS, who ordered in the inbox")
	require.Zero(t, d.count("select count(*) from message where state = 'FAILED'"))
	require.Zero(t, d.count("select count(*) from outbox_parked"))
}

// A consultation gives tasks; who did theirs tells the lead, and nothing that was planned for others is withdrawn.
func TestWhoIsToldOfAConsultation(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	r := d.submit("lin", matterBuilding, inJunmen)
	d.do("dj-officer", r.CaseID, ActSign, nil)
	d.do("dj-leader", r.CaseID, ActCall, map[string]any{"level": "L2", "reason": "NO_POWER", "targets": []map[string]any{{"unit": "D-CG", "lead": true}, {"unit": "D-SJ"}}})
	d.do("cg-officer", r.CaseID, ActCheckIn, map[string]any{"point": inJunmen})
	d.do("cg-officer", r.CaseID, ActConsult, map[string]any{"participants": []string{"暗语"}, "conclusion": "暗语", "tasks": []map[string]any{{"unit": "D-JS", "text": "暗语", "budget": "1WD"}}})
	room.plan(d)
	require.ElementsMatch(t, []string{"js-officer APP", "js-officer SMS"}, d.told(r.CaseID, "consulted"))
	waiting := d.count("select count(*) from message where state = 'PENDING' and due_at > yx_now()")
	require.Positive(t, waiting, "the other called unit's duty chain")
	d.do("js-officer", r.CaseID, ActResolve, map[string]any{"outcome": "RESOLVED", "accepted_at": d.now(), "talked_to": "暗语", "measures": "暗语", "time_limit": "当日", "media_ids": []string{d.photo("js-officer")}})
	room.plan(d)
	require.ElementsMatch(t, []string{"cg-officer APP", "cg-second APP"}, d.told(r.CaseID, "assist_done"))
	require.Empty(t, d.told(r.CaseID, "resolved"))
	require.Equal(t, waiting, d.count("select count(*) from message where state = 'PENDING' and due_at > yx_now()"))
	zh, _ := d.timeline("lin", r)
	require.Subset(t, zh, []string{"各部门已现场会商", "建设局 已完成协办任务"})
	require.NotContains(t, d.texts(r.CaseID), "暗语")

	d.do("cg-leader", r.CaseID, ActDispute, map[string]any{"reason": "暗语"})
	room.plan(d)
	require.Zero(t, d.count("select count(*) from message where state = 'PENDING' and due_at > yx_now()"), "nobody is called while it is disputed")
	require.Zero(t, d.count("select count(*) from message where state = 'FAILED'"))
	require.Zero(t, d.count("select count(*) from outbox_parked"))
}

// A verification that nobody does is late before there is a case number.
func TestWhoIsToldOfALateVerification(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	id := d.submit("lin", "", inJunmen).CaseID
	d.do("dispatcher", id, ActRequestVerify, nil)
	d.walk(room, func() bool { return len(d.told(id, "verify_overdue_100")) > 0 })
	duty := []string{"junmen-officer APP", "junmen-officer SMS", "junmen-worker APP", "junmen-worker SMS"}
	require.ElementsMatch(t, duty, d.told(id, "verify_reminder_80"))
	require.ElementsMatch(t, duty, d.told(id, "verify_overdue_100"))
	require.Zero(t, d.count("select count(*) from message where state = 'FAILED'"))
}

// The written answer to a third reopening reaches the reporter by a link, not by its words.
func TestWhoIsToldOfAWrittenAnswer(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	r := d.submit("lin", matterLight, inJunmen)
	d.do("js-officer", r.CaseID, ActSign, nil)
	for range 3 {
		d.resolve("js-officer", r.CaseID)
		d.pass("junmen-worker", r.CaseID)
		d.rate("lin", r, false, 1)
	}
	room.plan(d)
	require.ElementsMatch(t, []string{"supervisor APP"}, d.told(r.CaseID, "supervisor_task"))
	d.do("supervisor", r.CaseID, ActDecline, map[string]any{"request_id": d.pendingID(r.CaseID), "reason": "暗语"})
	room.plan(d)
	require.ElementsMatch(t, []string{"lin APP", "lin SMS"}, d.told(r.CaseID, "answered"))
	require.NotContains(t, d.texts(r.CaseID), "暗语")
	require.Equal(t, 1, d.count("select count(*) from message where template = 'answered.reporter.SMS' and text like '%https://yixian.example/c/******'"))
	zh, _ := d.timeline("lin", r)
	require.Contains(t, zh, "督查员已书面答复")
}

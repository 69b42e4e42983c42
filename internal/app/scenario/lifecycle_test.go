package scenario

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestScenario07TheLampThatBounced(t *testing.T) {
	p := start(t)
	dis, arb := p.staff("dis1"), p.staff("arb1")
	back := func(w *who, id, suggest string) *reply {
		t.Helper()
		return w.act(id, "return", obj{"legal_basis": "责任清单", "suggested_unit": suggest, "reason": "路灯权属不在本单位"})
	}
	id := p.resident(1).report("01037").ok(201).str("case_id")
	require.Equal(t, "D-JS", dis.thing(id).str("lead_unit"))
	back(p.staff("js1"), id, "C-LD").ok(200)
	dis.act(id, "dispatch", obj{"lead": "C-LD"}).ok(200)
	back(p.staff("ldl"), id, "S-DJ").ok(200)
	dis.act(id, "dispatch", obj{"lead": "S-DJ"}).ok(200)
	d := back(p.staff("so1"), id, "D-JS").ok(200)
	require.Equal(t, "DISPUTED", d.str("state"))
	p.same(clock(d, "ARBITRATE", "")["due_at"], "06-09 09:00")
	require.Equal(t, "PAUSED", clock(d, "HANDLE", "S-DJ")["state"])
	require.Contains(t, actions(arb.thing(id)), "arbitrate")
	decided := arb.act(id, "arbitrate", obj{"lead": "D-JS", "basis": "小街巷无产权登记路灯由建设局负责"}).ok(200)
	require.Equal(t, "DISPATCHED", decided.str("state"))
	require.Equal(t, "D-JS", decided.str("lead_unit"))
	back(p.staff("js1"), id, "C-LD").code(409, "BINDING")
	events := dis.get("/cases/" + id + "/events").ok(200).list("items")
	verdicts := events[len(events)-1]["data"].(obj)["verdicts"].(obj)
	require.Equal(t, obj{"D-JS": "UNFOUNDED", "C-LD": "FOUNDED"}, verdicts)

	next := p.resident(2).report("01037", obj{"point": north(near(), 30)}).ok(201).str("case_id")
	c := dis.thing(next)
	require.Equal(t, "D-JS", c.str("lead_unit"))
	require.Equal(t, "PRECEDENT", dis.get("/cases/"+next+"/route").ok(200).str("source"))
	back(p.staff("js1"), next, "C-LD").code(409, "BINDING")
}

func TestScenario09Merge(t *testing.T) {
	p := start(t)
	dis := p.staff("dis1")
	ids, codes := []string{}, []string{}
	for n := 1; n <= 3; n++ {
		r := p.resident(n).report("06010", obj{"point": north(near(), float64(n*20))}).ok(201)
		ids, codes = append(ids, r.str("case_id")), append(codes, r.str("receipt_code"))
		require.Len(t, r.list("duplicates"), n-1)
	}
	for _, id := range ids[1:] {
		require.Equal(t, "MERGED", dis.act(id, "merge", obj{"master_case_id": ids[0]}).ok(200).str("state"))
	}
	m := dis.thing(ids[0])
	require.Equal(t, 3.0, m.Body["reporter_count"])
	require.Equal(t, "P2", m.str("priority"))
	require.Len(t, m.list("reports"), 3)
	dis.act(ids[1], "merge", obj{"master_case_id": ids[0]}).ok(409)
	for n, code := range codes {
		view := p.resident(n + 1).get("/reports/" + code).ok(200)
		require.Equal(t, "DISPATCHED", view.str("state"), "every reporter follows the master")
	}
	row := p.staff("sup1").get("/metrics/overview?by=matter").ok(200).list("items")[0]
	require.Equal(t, 1.0, row["received"])
}

func TestScenario10VerifyBeforeFiling(t *testing.T) {
	p := start(t)
	res, dis, dis2, gw := p.resident(1), p.staff("dis1"), p.staff("dis2"), p.staff("gw1")
	r := res.report("06002").ok(201)
	id := r.str("case_id")
	require.Equal(t, "VERIFYING", r.str("case_state"))
	p.same(clock(dis.thing(id), "VERIFY", "350102004001")["due_at"], "06-08 11:00")
	tasks := func(w *who) (kinds []string) {
		for _, task := range w.get("/tasks").ok(200).list("items") {
			if task["id"] == id {
				kinds = append(kinds, task["task"].(string))
			}
		}
		return kinds
	}
	require.Equal(t, []string{"VERIFY"}, tasks(gw))
	require.Empty(t, tasks(p.staff("gw2")))
	p.staff("gw2").act(id, "verify", obj{"verdict": "TRUE"}).ok(404)
	gw.act(id, "verify", obj{"verdict": "FALSE", "point": near()}).code(422, "INVALID")
	require.Equal(t, "SUBMITTED", gw.act(id, "verify", obj{"verdict": "FALSE", "point": near(), "media_ids": []string{gw.photo()}}).ok(200).str("state"))
	dis.act(id, "reject", obj{"reason": "FALSE_REPORT", "reply": "不属实"}).ok(422)
	answer := "经网格员现场核实，未发现您反映的问题，如有新情况请补充照片后申诉。"
	dis.act(id, "reject", obj{"reason": "FALSE_REPORT", "reply": answer}).ok(200)
	code := r.str("receipt_code")
	rejected := res.get("/reports/" + code).ok(200)
	require.Equal(t, answer, rejected.str("reply"))
	require.Contains(t, string(rejected.Raw), `"appeal"`)
	res.post("/reports/"+code+"/appeal", obj{"reason": "问题还在，请再看一次"}).ok(200)
	dis.act(id, "file", obj{}).code(403, "SAME_PERSON")
	dis.act(id, "reject", obj{"reason": "FALSE_REPORT", "reply": answer}).code(403, "SAME_PERSON")
	dis2.act(id, "reject", obj{"reason": "FALSE_REPORT", "reply": answer}).ok(200)
	res.post("/reports/"+code+"/appeal", obj{"reason": "再次申诉"}).code(409, "ALREADY_APPEALED")
}

// TestScenario14Api is the API half of scenario 14: suspension, extension and their bounds.
func TestScenario14SuspendAndExtend(t *testing.T) {
	p := start(t)
	// 06011 has 2 WD; a 3 WD item of the vectors is reached by 04009 or any other with that budget, so the arithmetic is
	// checked on 2 WD: used 1 WD + 1 WH before the pause, 7 WH left after it.
	id, _ := handled(p, "06011")
	so, dis := p.staff("so1"), p.staff("dis1")
	p.at("06-09 10:00")
	s := so.act(id, "suspend", obj{"reason": "WEATHER", "resume_at": "2026-06-15T14:00:00+08:00"}).ok(200)
	require.Equal(t, "HANDLING", s.str("state"))
	request := s.list("requests")[0]["id"].(string)
	so.act(id, "approve", obj{"request_id": request}).ok(403)
	require.Contains(t, actions(dis.thing(id)), "approve")
	on := dis.act(id, "approve", obj{"request_id": request}).ok(200)
	require.Equal(t, "SUSPENDED", on.str("state"))
	require.Equal(t, "PAUSED", clock(on, "HANDLE", "")["state"])
	p.at("06-15 14:00")
	back := dis.thing(id)
	require.Equal(t, "HANDLING", back.str("state"), "the clock resumes it")
	p.same(clock(back, "HANDLE", "S-DJ")["due_at"], "06-16 11:00")
	p.same(back.Body["promise_at"], "06-16 11:00")
	e := so.act(id, "extend", obj{"budget": "1WD", "reason": "需要等待材料"}).ok(200)
	requests := e.list("requests")
	ext := dis.act(id, "approve", obj{"request_id": requests[len(requests)-1]["id"]}).ok(200)
	p.same(clock(ext, "HANDLE", "S-DJ")["due_at"], "06-17 11:00")
	p.same(ext.Body["promise_at"], "06-17 11:00")
	e = so.act(id, "extend", obj{"budget": "8WH", "reason": "施工受阻"}).ok(200)
	requests = e.list("requests")
	second := requests[len(requests)-1]["id"]
	dis.act(id, "approve", obj{"request_id": second}).ok(403)
	p.staff("sup1").act(id, "approve", obj{"request_id": second}).ok(200)
	so.act(id, "extend", obj{"budget": "1WH", "reason": "第三次"}).code(409, "EXTEND_LIMIT")

	late, _ := handled(p, "06012")
	p.at("06-22 12:00")
	so.act(late, "extend", obj{"budget": "1WH", "reason": "超期后申请"}).code(409, "OVERDUE")
}

func TestSuperviseConsultWithdraw(t *testing.T) {
	p := start(t)
	id, receipt := handled(p, "06001")
	so, sl, sup, cg := p.staff("so1"), p.staff("sl1"), p.staff("sup1"), p.staff("cg1")
	order := sup.act(id, "supervise", obj{"kind": "SUPERVISE", "text": "请今天内到现场"}).ok(200)
	p.same(clock(order, "SUPERVISE_REPLY", "S-DJ")["due_at"], "06-09 09:00")
	so.act(id, "reply", obj{"text": "已安排，下午到场"}).ok(200)
	so.act(id, "reply", obj{"text": "再回复一次"}).ok(403)
	targets := []obj{{"unit": "D-CG", "lead": true}, {"unit": "D-JS"}}
	sl.act(id, "call", obj{"level": "L2", "reason": "JOINT", "targets": targets}).ok(200)
	w := sl.act(id, "withdraw_call", obj{"reason": "居民自行整改"}).ok(200)
	require.Equal(t, "HANDLING", w.str("state"))
	require.Equal(t, true, target(w, "D-CG")["withdrawn"])
	require.Equal(t, "RUNNING", clock(w, "HANDLE", "S-DJ")["state"])
	sl.act(id, "call", obj{"level": "L2", "reason": "JOINT", "targets": targets}).ok(200)
	cg.act(id, "check_in", obj{"point": near()}).ok(200)
	sl.act(id, "withdraw_call", obj{"reason": "太晚"}).ok(409)
	cg.act(id, "consult", obj{"participants": []string{"城管局", "建设局"}, "conclusion": "由建设局三日内拆除构件", "tasks": []obj{{"unit": "D-JS", "text": "拆除构件", "budget": "3WD"}}}).ok(200)
	cg.act(id, "contact", obj{"method": "PHONE"}).ok(200)
	cg.act(id, "resolve", cg.done()).code(409, "ASSIST_OPEN")
	js := p.staff("js1")
	done := js.act(id, "resolve", js.done()).ok(200)
	require.Equal(t, "ONSITE", done.str("state"))
	require.Equal(t, "RESOLVED", cg.act(id, "resolve", cg.done()).ok(200).str("state"))
	res := p.resident(1)
	res.post("/reports/"+receipt.str("receipt_code")+"/withdraw", obj{}).ok(409)
	mine := res.report("06001", obj{"point": north(near(), 90)}).ok(201)
	res.post("/reports/"+mine.str("receipt_code")+"/withdraw", obj{"reason": "已自行解决"}).ok(200)
	require.Equal(t, "VOIDED", p.staff("dis1").thing(mine.str("case_id")).str("state"))
	other := res.report("06001", obj{"point": north(near(), 120)}).ok(201).str("case_id")
	require.True(t, slices.Contains(actions(p.staff("dis1").thing(other)), "void"))
	require.Equal(t, "VOIDED", p.staff("dis1").act(other, "void", obj{"reason": "重复录入的测试件"}).ok(200).str("state"))
}

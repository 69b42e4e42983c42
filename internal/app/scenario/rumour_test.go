package scenario

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestScenario24Rumour is the first half of scenario 24; mediation is the other.
func TestScenario24Rumour(t *testing.T) {
	p := start(t)
	r := p.resident(1).report("28001", obj{"text": "群里说自来水被污染了，是真的吗"}).ok(201)
	id := r.str("case_id")
	dis, wx := p.staff("dis1"), p.staff("wxl")
	c := dis.thing(id)
	require.Equal(t, "D-WX", c.Body["lead_unit"])
	p.same(clock(c, "CONTACT", "D-WX")["due_at"], "06-08 11:00") // the first answer, two natural hours
	second := p.resident(2).report("28001", obj{"text": "听说水不能喝"}).ok(201).str("case_id")
	dis.act(second, "merge", obj{"master_case_id": id}).ok(200)

	said := obj{"verdict": "FALSE", "title": "关于“自来水被污染”的澄清", "text": "经检测，全区自来水水质合格，网传消息不实。"}
	wx.act(id, "clarify", said).code(409, "WRONG_STATE")
	wx.act(id, "sign", obj{}).ok(200)
	wx.act(id, "contact", obj{"method": "PHONE"}).ok(200)
	p.staff("so1").act(id, "clarify", said).code(403, "NOT_YOURS")
	wx.act(id, "clarify", obj{"verdict": "GONE", "title": "x", "text": "y"}).code(422, "INVALID")
	require.Empty(t, p.anyone().get("/public/notices").ok(200).list("items"))
	wx.act(id, "clarify", said).ok(200)

	list := p.anyone().get("/public/notices?kind=CLARIFICATION").ok(200).list("items")
	require.Len(t, list, 1)
	require.Equal(t, []any{"FALSE", said["title"], "28001"}, []any{list[0]["verdict"], list[0]["title"], list[0]["matter"]})
	for _, phone := range []string{"13900000001", "13900000002"} {
		require.Len(t, p.messages(phone, "clarified"), 2, "every reporter is told, in the inbox and by SMS: %s", phone)
	}

	// A better word replaces it.
	said["verdict"], said["title"] = "MISLEADING", "补充说明"
	wx.act(id, "clarify", said).ok(200)
	list = p.anyone().get("/public/notices").ok(200).list("items")
	require.Len(t, list, 1)
	require.Equal(t, "MISLEADING", list[0]["verdict"])

	// Another matter has nothing to clarify, and is not asked to.
	other := p.resident(3).report("06010").ok(201).str("case_id")
	so := p.staff("so1")
	so.act(other, "sign", obj{}).ok(200)
	so.act(other, "clarify", said).code(409, "NOT_A_RUMOUR")
	for _, a := range so.thing(other).list("allowed_actions") {
		require.NotEqual(t, "clarify", a["action"])
	}
}

// The other half of scenario 24: a mediation goes from the community to the street to the district's centre while there is no
// agreement, is counted by its outcome, and is nowhere to be seen in public.
func TestScenario24Mediation(t *testing.T) {
	p := start(t)
	r := p.resident(1).report("24001", obj{"text": "楼上漏水双方谈不拢，想请人调解"}).ok(201)
	id := r.str("case_id")
	dis, co, so := p.staff("dis1"), p.staff("co1"), p.staff("so1")
	require.Equal(t, "350102004001", dis.thing(id).Body["lead_unit"])
	try := func(w *who, outcome string) *reply {
		w.act(id, "sign", obj{}).ok(200)
		w.act(id, "contact", obj{"method": "VISIT"}).ok(200)
		b := w.done()
		b["outcome"] = outcome
		return w.act(id, "resolve", b)
	}
	co.act(id, "sign", obj{}).ok(200)
	var offered []any
	for _, a := range co.thing(id).list("allowed_actions") {
		if a["action"] != "resolve" {
			continue
		}
		for _, f := range a["fields"].([]any) {
			if f.(obj)["name"] == "outcome" {
				for _, o := range f.(obj)["options"].([]any) {
					offered = append(offered, o.(obj)["value"])
				}
			}
		}
	}
	require.Equal(t, []any{"SUCCESS", "FAIL", "TRANSFER"}, offered)
	co.act(id, "contact", obj{"method": "VISIT"}).ok(200)
	b := co.done()
	b["outcome"] = "EXPLAINED"
	co.act(id, "resolve", b).code(422, "INVALID")
	b["outcome"] = "FAIL"
	c := co.act(id, "resolve", b).ok(200)
	require.Equal(t, []any{"DISPATCHED", "S-DJ", nil}, []any{c.Body["state"], c.Body["lead_unit"], c.Body["outcome"]}, "the street goes on")
	require.NotEmpty(t, p.messages("so1", "dispatched"))
	c = try(so, "SUCCESS").ok(200)
	require.Equal(t, "SUCCESS", c.str("outcome"))
	for _, path := range []string{"/public/cases", "/public/opendata"} {
		require.NotContains(t, string(p.anyone().get(path).ok(200).Raw), "24001")
	}
	_, raw := p.open311("GET", "requests.json", nil)
	require.Equal(t, "[]", raw)
	other := p.resident(2).report("06010").ok(201).str("case_id")
	so.act(other, "sign", obj{}).ok(200)
	so.act(other, "contact", obj{"method": "PHONE"}).ok(200)
	b = so.done()
	b["outcome"] = "SUCCESS"
	so.act(other, "resolve", b).code(422, "INVALID") // nothing was mediated there
}

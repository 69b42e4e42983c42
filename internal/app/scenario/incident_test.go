package scenario

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestScenario22EmergencyModeAndDrill(t *testing.T) {
	p := start(t)
	com, sup, so, res, js := p.staff("com1"), p.staff("sup1"), p.staff("so1"), p.resident(1), p.staff("js1")
	flood := obj{"name": "防汛", "units": []string{"S-DJ"}, "matters": []string{"10", "06"}}
	for _, name := range []string{"so1", "ss1", "dis1", "sup1", "adm1"} {
		p.staff(name).post("/incidents", flood).ok(403)
	}
	open := res.report("06010").ok(201).str("case_id")
	require.Equal(t, "P3", so.thing(open).str("priority"))

	p.at("06-08 22:50")
	i := com.do("POST", "/incidents", flood, "Idempotency-Key", "k22").ok(201)
	require.Equal(t, i.str("id"), com.do("POST", "/incidents", flood, "Idempotency-Key", "k22").ok(201).str("id"))
	require.Equal(t, "DECLARED", i.str("state"))
	p.same(i.Body["confirm_by"], "06-08 23:20")
	com.post("/incidents", flood).code(409, "INCIDENT_EXISTS")
	com.post("/incidents/"+i.str("id")+"/confirm", obj{}).code(403, "SAME_PERSON")
	p.at("06-08 23:00")
	touched := so.thing(open)
	require.Equal(t, "P1", touched.str("priority"))
	require.Equal(t, "EMERGENCY", touched.str("mode"))
	require.Equal(t, i.str("id"), touched.str("incident_id"))

	// A new case at night: P1, a check-in of 15 natural minutes, no return.
	id := res.report("06001").ok(201).str("case_id")
	filed := so.thing(id)
	require.Equal(t, "P1", filed.str("priority"))
	require.Equal(t, "EMERGENCY", filed.str("mode"))
	require.NotContains(t, actions(filed), "return")
	so.act(id, "return", obj{"legal_basis": "三定方案", "suggested_unit": "D-CG", "reason": "不属于本单位"}).code(409, "RETURN_FORBIDDEN")
	require.Equal(t, "P1", so.thing(res.report("10001").ok(201).str("case_id")).str("priority"))
	require.NotEqual(t, "EMERGENCY", js.thing(res.report("01037").ok(201).str("case_id")).str("mode"), "another matter")
	far := p.staff("so2").thing(res.report("06010", obj{"point": obj{"lon": 119.3080, "lat": 26.0905, "datum": "WGS84"}}).ok(201).str("case_id"))
	require.Equal(t, "NORMAL", far.str("mode"), "another street")
	so.act(id, "sign", obj{}).ok(200)
	called := p.staff("sl1").act(id, "call", obj{"level": "L2", "reason": "EMERGENCY", "targets": []obj{{"unit": "D-CG", "lead": true}}}).ok(200)
	p.same(target(called, "D-CG")["checkin_due"], "06-08 23:15")
	p.same(target(called, "D-CG")["ack_due"], "06-08 23:05")

	sup.post("/incidents/"+i.str("id")+"/confirm", obj{}).ok(200)
	sup.post("/incidents/"+i.str("id")+"/confirm", obj{}).code(409, "WRONG_STATE")
	sup.post("/incidents/"+i.str("id")+"/stand_down", obj{}).ok(403)
	p.at("06-09 09:00")
	require.Equal(t, "CONFIRMED", com.get("/incidents/"+i.str("id")).ok(200).str("state"))
	over := com.post("/incidents/"+i.str("id")+"/stand_down", obj{"note": "汛情解除"}).ok(200)
	require.Equal(t, "STOOD_DOWN", over.str("end_reason"))
	com.post("/incidents/"+i.str("id")+"/stand_down", obj{}).code(409, "WRONG_STATE")
	require.Equal(t, "P3", so.thing(res.report("06010").ok(201).str("case_id")).str("priority"))
	require.Equal(t, "P1", so.thing(id).str("priority"), "for new cases only")
	detail := p.staff("aud1").get("/incidents/" + i.str("id")).ok(200)
	require.Len(t, detail.list("events"), 3)
	require.Equal(t, float64(3), detail.Body["attached"])
	require.Contains(t, p.staff("adm1").get("/incidents").ok(200).list("items")[0]["area_names"], "东街街道")

	// The drill: no figure, no look-alike, every text marked.
	figures := func() string {
		m := sup.get("/metrics/overview?from=2026-06-01&to=2026-07-01&by=street").ok(200)
		delete(m.Body, "as_of")
		return strings.Join([]string{string(mustJSON(t, m.Body["items"])), string(mustJSON(t, m.Body["total"]))}, "\n")
	}
	before := figures()
	drill := com.post("/incidents", obj{"name": "防汛演练", "drill": true, "streets": []string{"350102004"}}).ok(201)
	receipt := p.resident(2).report("06010").ok(201)
	practice := so.thing(receipt.str("case_id"))
	require.Equal(t, true, practice.Body["drill"])
	require.Equal(t, "P1", practice.str("priority"))
	require.False(t, so.thing(open).Body["drill"].(bool), "a drill touches no real case")
	require.Equal(t, before, figures())
	p.at("06-09 09:10") // SMS that wait for an answer have gone out
	sms := 0
	for _, to := range []string{"13900000002", "so1", "gw1", "com1"} {
		for _, m := range p.messages(to, "") {
			if m["event"] == "otp" || m["case_id"] != nil && m["case_id"] != receipt.str("case_id") {
				continue
			}
			text := m["text"].(string)
			if strings.Contains(text, "防汛演练") || m["case_id"] == receipt.str("case_id") || to == "13900000002" {
				require.True(t, strings.HasPrefix(text, "【演练】"), text)
				if m["channel"] == "SMS" {
					sms++
				}
			}
		}
	}
	require.Positive(t, sms)
	for _, near := range p.resident(3).get("/reports/nearby?lon=119.3080&lat=26.0875&datum=WGS84&matter=06010").ok(200).list("items") {
		require.NotEqual(t, receipt.str("case_id"), near["case_id"])
	}
	com.post("/incidents/"+drill.str("id")+"/stand_down", obj{}).ok(200)
	require.Equal(t, before, figures())
}

// Cards through HTTP: a breach of privacy raised, objected to, answered; who may see and do what.
func TestCardsOverHTTP(t *testing.T) {
	p := start(t)
	sup, cgl, cg := p.staff("sup1"), p.staff("cgl"), p.staff("cg1")
	body := obj{"unit": "D-CG", "kind": "PRIVACY_BREACH", "reason": "在工作群转发报案人电话"}
	cgl.post("/cards", body).ok(403)
	sup.post("/cards", obj{"unit": "D-CG", "kind": "HANDLE_150", "reason": "x"}).ok(422)
	card := sup.post("/cards", body).ok(201)
	require.Equal(t, []any{"confirm", "waive"}, card.Body["allowed_actions"])
	p.same(card.Body["decide_by"], "06-11 09:00")
	require.Len(t, cg.get("/cards").ok(200).list("items"), 1)
	require.Empty(t, p.staff("sj1").get("/cards").ok(200).list("items"))
	p.staff("sj1").get("/cards/" + card.str("id")).ok(404)
	p.staff("gw1").get("/cards").ok(403)
	at := "/cards/" + card.str("id")
	cg.post(at+"/object", obj{"reason": "并非本单位"}).ok(403)
	cgl.post(at+"/confirm", obj{}).code(403, "NOT_YOURS")
	sup.post(at+"/waive", obj{}).ok(422)
	require.Equal(t, "CONFIRMED", sup.post(at+"/confirm", obj{}).ok(200).str("state"))
	sup.post(at+"/waive", obj{"reason": "撤销"}).code(409, "WRONG_STATE")
	cgl.post(at+"/object", obj{"reason": "转发者为外包人员"}).ok(200)
	cgl.post(at+"/object", obj{"reason": "再次申辩"}).code(409, "ALREADY_OBJECTED")
	sup.post(at+"/answer", obj{"reason": "管理责任在本单位"}).ok(422)
	answered := sup.post(at+"/answer", obj{"reason": "管理责任在本单位", "upheld": false}).ok(200)
	require.Equal(t, "CONFIRMED", answered.str("state"))
	require.Equal(t, false, answered.Body["upheld"])
	require.Len(t, sup.get(at).ok(200).list("events"), 4)
	p.at("06-08 09:05")
	require.NotEmpty(t, p.messages("cgl", "card_confirmed"), "the leader hears of it")
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	return raw
}

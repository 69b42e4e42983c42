package scenario

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// handled brings a case of a matter into HANDLING at the street.
func handled(p *program, matter string) (id string, receipt *reply) {
	p.t.Helper()
	receipt = p.resident(1).report(matter).ok(201)
	id = receipt.str("case_id")
	p.staff("so1").act(id, "sign", obj{}).ok(200)
	return id, receipt
}

func TestScenario04OneLineCall(t *testing.T) {
	p := start(t)
	id, receipt := handled(p, "06001")
	so, sl, cg, js := p.staff("so1"), p.staff("sl1"), p.staff("cg1"), p.staff("js1")
	targets := []obj{{"unit": "D-CG", "lead": true}, {"unit": "D-JS", "lead": false}}
	p.at("06-08 09:10")
	so.act(id, "call", obj{"level": "L1", "reason": "NO_POWER", "targets": targets}).ok(403)
	so.act(id, "call", obj{"level": "L2", "reason": "NO_POWER", "targets": targets}).ok(403)
	sl.act(id, "call", obj{"level": "L1", "reason": "NO_POWER", "targets": targets}).ok(403)
	cg.get("/cases/" + id).ok(404)
	called := sl.act(id, "call", obj{"level": "L2", "reason": "NO_POWER", "targets": targets}).ok(200)
	require.Equal(t, "CALLING", called.str("state"))
	for _, u := range []string{"D-CG", "D-JS"} {
		p.same(target(called, u)["ack_due"], "06-08 09:40")
		p.same(target(called, u)["checkin_due"], "06-08 15:10")
	}
	require.Equal(t, "PAUSED", clock(called, "HANDLE", "S-DJ")["state"])
	require.Equal(t, "RUNNING", clock(called, "HANDLE", "")["state"])

	p.at("06-08 09:20")
	cg.act(id, "ack", obj{}).ok(200)
	cg.act(id, "ack", obj{}).ok(409)
	p.at("06-08 14:30")
	on := cg.act(id, "check_in", obj{"point": north(near(), 80)}).ok(200)
	require.Equal(t, "ONSITE", on.str("state"))
	require.Equal(t, "D-CG", on.str("lead_unit"))
	require.Equal(t, "S-DJ", on.str("owner_unit"))
	require.Equal(t, "GPS", target(on, "D-CG")["mode"])
	require.InDelta(t, 80, target(on, "D-CG")["distance_m"].(float64), 1)
	require.Equal(t, false, target(on, "D-CG")["late"])
	require.Nil(t, target(on, "D-JS")["checked_in_at"])
	var kinds []string
	for _, a := range on.list("assignments") {
		kinds = append(kinds, a["kind"].(string)+" "+a["unit"].(string))
	}
	require.ElementsMatch(t, []string{"COORDINATOR S-DJ", "LEAD D-CG"}, kinds)
	js.thing(id)

	view := p.anyone().get("/reports/" + receipt.str("track_token")).ok(200)
	require.Contains(t, string(view.Raw), "城管局 已到现场")
	require.Contains(t, string(view.Raw), "已呼叫 城管局、建设局")
	require.Contains(t, string(p.anyone().get("/reports/"+receipt.str("receipt_code")+"?phone_tail=0001").ok(200).Raw), "城管局 已到现场")
	// The matter has an English name for who reads English: its reporter, a department.
	english := p.anyone().do("GET", "/reports/"+receipt.str("track_token"), nil, "Accept-Language", "en").ok(200)
	require.Equal(t, "Building without permission", english.Body["matter"].(obj)["name"])
	require.Equal(t, "Building without permission", js.do("GET", "/cases/"+id, nil, "Accept-Language", "en").ok(200).str("matter_name"))
	p.anyone().get("/reports/" + receipt.str("receipt_code") + "?phone_tail=9999").ok(404)
	p.anyone().get("/reports/" + receipt.str("receipt_code")).ok(404)
	require.NotEmpty(t, p.messages("cg1", "called"), "the called officer was told")

	// The whole loop to its end: contact, resolve, check by another unit, rating, archive, figures.
	cg.act(id, "resolve", cg.done()).code(409, "CONTACT_REQUIRED")
	cg.act(id, "contact", obj{"method": "PHONE"}).ok(200)
	cg.act(id, "resolve", cg.done()).ok(200)
	gw := p.staff("gw1")
	closed := gw.act(id, "check_pass", obj{"media_ids": []string{gw.photo()}, "point": near()}).ok(200)
	require.Equal(t, "CLOSED", closed.str("state"))
	require.Equal(t, true, target(closed, "D-JS")["released"], "a target not yet due is released at close")
	res := p.resident(1)
	rated := res.post("/reports/"+receipt.str("receipt_code")+"/rate", obj{"contacted": true, "resolved": true, "grade": 5}).ok(200)
	require.Equal(t, float64(5), rated.Body["rating"].(obj)["grade"])
	res.post("/reports/"+receipt.str("receipt_code")+"/rate", obj{"contacted": true, "resolved": true, "grade": 5}).code(409, "ALREADY_RATED")
	p.at("06-16 09:00")
	require.Equal(t, "ARCHIVED", p.staff("dis1").thing(id).str("state"))

	m := p.staff("sup1").get("/metrics/overview?from=2026-06-01&to=2026-07-01&by=unit").ok(200)
	for _, row := range m.list("items") {
		if row["key"] == "D-CG" {
			require.Equal(t, obj{"numerator": 1.0, "denominator": 1.0, "value": 1.0, "text": "100%"}, row["call_response"])
			require.Equal(t, 1.0, row["on_time_disposal"].(obj)["numerator"])
			require.Equal(t, 1.0, row["resolution"].(obj)["denominator"])
			require.Equal(t, obj{"total": 1.0, "cases": 1.0, "most": 1.0, "mean": 1.0}, row["hops"], "street to department: one hop (C26)")
		}
		if row["key"] == "D-JS" {
			require.Equal(t, 0.0, row["call_response"].(obj)["denominator"], "released: out of all figures")
		}
	}
}

func TestScenario05FakePresence(t *testing.T) {
	p := start(t)
	id, _ := handled(p, "06001")
	sl, cg := p.staff("sl1"), p.staff("cg1")
	c := sl.act(id, "call", obj{"level": "L2", "reason": "JOINT", "targets": []obj{{"unit": "D-CG", "lead": true}, {"unit": "D-JS"}}}).ok(200)
	call := c.Body["call"].(obj)["id"].(string)
	far := cg.act(id, "check_in", obj{"point": north(near(), 2000)}).code(422, "TOO_FAR")
	require.InDelta(t, 2000, far.Body["distance_m"].(float64), 5)
	vague := north(near(), 10)
	vague["accuracy_m"] = 800
	cg.act(id, "check_in", obj{"point": vague}).code(422, "POOR_ACCURACY")
	cg.get("/calls/" + call + "/qr").ok(403)
	qr := sl.get("/calls/" + call + "/qr").ok(200).str("qr")
	late := sl.get("/calls/" + call + "/qr").ok(200).str("qr")
	on := cg.act(id, "check_in", obj{"qr": qr}).ok(200)
	require.Equal(t, "QR", target(on, "D-CG")["mode"])
	js := p.staff("js1")
	js.act(id, "check_in", obj{"qr": qr}).code(409, "QR_USED")
	p.at("06-08 09:02")
	js.act(id, "check_in", obj{"qr": late}).code(409, "QR_EXPIRED")
	js.act(id, "check_in", obj{"qr": "made-up"}).ok(422)
}

func TestScenario08ReturnRules(t *testing.T) {
	p := start(t)
	good := obj{"legal_basis": "城乡规划法第64条", "suggested_unit": "D-CG", "reason": "属于违法建设，应由执法部门处置"}
	so, dis := p.staff("so1"), p.staff("dis1")

	late := p.resident(1).report("06001").ok(201).str("case_id")
	p.at("06-08 15:01")
	so.act(late, "return", good).code(409, "WINDOW_CLOSED")

	p.at("06-09 09:00")
	id := p.resident(1).report("06001").ok(201).str("case_id")
	so.act(id, "return", obj{"suggested_unit": "D-CG", "reason": "没有法律依据"}).code(422, "INVALID")
	so.act(id, "return", obj{"legal_basis": "x", "suggested_unit": "NOBODY", "reason": "没有这个单位"}).ok(422)
	back := so.act(id, "return", good).ok(200)
	require.Equal(t, "FILED", back.str("state"))
	require.Equal(t, 1.0, back.Body["return_count"])
	dis.act(id, "dispatch", obj{"lead": "S-DJ"}).ok(200)
	so.act(id, "return", good).code(409, "ALREADY_RETURNED")

	urgent := p.resident(1).report("01057", obj{"text": "闻到很浓的燃气味，请快来"}).ok(201).str("case_id")
	c := dis.thing(urgent)
	require.Equal(t, "P1", c.str("priority"))
	rq := p.staff("rq1")
	rq.act(urgent, "return", good).ok(409) // called by its rule at once: out of the states in which anybody returns

	second := p.resident(2).report("06001").ok(201).str("case_id")
	so.act(second, "return", good).ok(200)
	dis.act(second, "dispatch", obj{"lead": "D-CG"}).ok(200)
	again := obj{"legal_basis": "城市道路管理条例", "suggested_unit": "D-JS", "reason": "道路设施由建设局管理"}
	p.staff("cg1").act(second, "return", again).code(403, "LEADER_NEEDED")
	require.Equal(t, 2.0, p.staff("cgl").act(second, "return", again).ok(200).Body["return_count"])
	dis.act(second, "dispatch", obj{"lead": "D-JS"}).ok(200)
	require.Equal(t, "DISPUTED", p.staff("jsl").act(second, "return", good).ok(200).str("state"), "a third return goes to the arbitrator")
}

func TestTwoOfficersAtOnce(t *testing.T) {
	p := start(t)
	so, sl := p.staff("so1"), p.staff("sl1")
	for range 5 {
		id := p.resident(1).report("06010").ok(201).str("case_id")
		var wg sync.WaitGroup
		status := make([]int, 2)
		for i, w := range []*who{so, sl} {
			wg.Go(func() { status[i] = w.act(id, "sign", obj{}).Status })
		}
		wg.Wait()
		require.ElementsMatch(t, []int{200, 409}, status)
	}
	id := p.resident(2).report("06010").ok(201).str("case_id")
	so.act(id, "sign", obj{"version": 1}).code(409, "STALE")
	first := so.do("POST", "/cases/"+id+"/actions/sign", obj{"version": 3}, "Idempotency-Key", "sign-1").ok(200)
	again := so.do("POST", "/cases/"+id+"/actions/sign", obj{"version": 3}, "Idempotency-Key", "sign-1").ok(200)
	require.Equal(t, first.Body["version"], again.Body["version"])
	require.Equal(t, "true", again.Header.Get("Idempotent-Replayed"))
	so.do("POST", "/cases/"+id+"/actions/sign", obj{"version": 4}, "Idempotency-Key", "sign-1").code(422, "IDEMPOTENCY_MISMATCH")
}

package scenario

import (
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tasks lists what somebody is asked to do about a case.
func (w *who) tasks(id string) (kinds []string) {
	w.p.t.Helper()
	for _, task := range w.get("/tasks").ok(200).list("items") {
		if task["id"] == id {
			kinds = append(kinds, task["task"].(string))
		}
	}
	return kinds
}

func TestScenario06CheckInOverdueChain(t *testing.T) {
	p := start(t)
	r := p.resident(1).report("06001").ok(201)
	id := r.str("case_id")
	so, sl, cg := p.staff("so1"), p.staff("sl1"), p.staff("cg1")
	so.act(id, "sign", obj{}).ok(200)
	dis := p.staff("dis1")
	for n := 2; n <= 3; n++ { // three reporters raise P3 to P2
		if n == 3 {
			other := p.resident(3).report("06001", obj{"point": north(near(), 40)}).ok(201).str("case_id")
			dis.act(other, "merge", obj{"master_case_id": id}).ok(200)
			continue
		}
		other := p.resident(2).report("06001", obj{"point": north(near(), 20)}).ok(201).str("case_id")
		dis.act(other, "merge", obj{"master_case_id": id}).ok(200)
	}
	require.Equal(t, "P2", dis.thing(id).str("priority"))
	p.at("06-08 10:00")
	c := sl.act(id, "call", obj{"level": "L2", "reason": "NO_POWER", "targets": []obj{{"unit": "D-CG", "lead": true}}}).ok(200)
	p.same(target(c, "D-CG")["ack_due"], "06-08 10:10")
	p.same(target(c, "D-CG")["checkin_due"], "06-08 10:30")
	p.at("06-08 11:15")
	sent := func(to, event, channel string) (at []string) {
		t.Helper()
		for _, m := range p.messages(to, event) {
			if m["channel"] == channel && m["state"] != "CANCELLED" {
				when, err := time.Parse(time.RFC3339, m["at"].(string))
				require.NoError(t, err)
				at = append(at, when.In(time.Local).Format("15:04"))
			}
		}
		return at
	}
	require.Equal(t, []string{"10:00"}, sent("cg1", "called", "APP"))
	require.Equal(t, []string{"10:02"}, sent("cg1", "called", "SMS"))
	require.Equal(t, []string{"10:05"}, sent("cg1", "called", "VOICE"))
	require.Equal(t, []string{"10:10"}, sent("cgl", "ack_overdue", "APP"))
	require.Equal(t, []string{"10:30"}, sent("cgl", "checkin_overdue", "APP"))
	require.Equal(t, []string{"10:30"}, sent("cgl", "checkin_overdue", "VOICE"))
	require.Equal(t, []string{"11:00"}, sent("dis1", "checkin_overdue", "APP"))
	on := cg.act(id, "check_in", obj{"point": near()}).ok(200)
	require.Equal(t, true, target(on, "D-CG")["late"])
	p.at("06-08 11:16")
	for _, row := range p.staff("sup1").get("/metrics/overview?by=unit").ok(200).list("items") {
		if row["key"] == "D-CG" {
			require.Equal(t, 1.0, row["call_response"].(obj)["numerator"], "response counted")
			require.Equal(t, 0.0, row["on_time_checkin"].(obj)["numerator"], "not on time")
		}
	}
	p.besides()
}

func TestScenario11SelfHandled(t *testing.T) {
	p := start(t)
	gw := p.staff("gw1")
	before, after := gw.photo(), gw.photo()
	body := obj{"matter": "06036", "point": near(), "text": "已当场清理杂物", "self_handled": true, "media_ids": []string{before}, "after_media_ids": []string{after}}
	with := func(more obj) obj {
		out := obj{}
		maps.Copy(out, body)
		maps.Copy(out, more)
		return out
	}
	gw.post("/reports", with(obj{"after_media_ids": []string{}})).code(422, "INVALID")
	gw.post("/reports", with(obj{"after_media_ids": []string{before}})).code(422, "INVALID")
	gw.post("/reports", with(obj{"matter": "06001"})).code(422, "NOT_COMMUNITY_LEVEL")
	gw2 := p.staff("gw2")
	gw2.post("/reports", with(obj{"media_ids": []string{gw2.photo()}, "after_media_ids": []string{gw2.photo()}})).code(403, "NOT_YOUR_GRID")
	p.resident(1).post("/reports", with(nil)).ok(403)
	r := gw.post("/reports", body).ok(201)
	require.Equal(t, "CLOSED", r.str("case_state"))
	c := p.staff("dis1").thing(r.str("case_id"))
	require.Equal(t, true, c.Body["self_handled"])
	require.Empty(t, c.list("assignments"))
	require.Empty(t, p.messages("gw1", "closed"), "no rating invitation")
	require.Equal(t, 1.0, gw.get("/me").ok(200).Body["self_handled"])
	p.at("06-16 09:00")
	require.Equal(t, "ARCHIVED", p.staff("dis1").thing(r.str("case_id")).str("state"))
}

func TestScenario16Callback(t *testing.T) {
	p := start(t)
	hot, cb := p.staff("hot1"), p.staff("cb1")
	report := func() string {
		t.Helper()
		r := hot.report("06010", obj{"phone": "13900000004", "on_behalf": true}).ok(201)
		id := r.str("case_id")
		p.staff("so1").act(id, "sign", obj{}).ok(200)
		p.staff("so1").act(id, "contact", obj{"method": "PHONE"}).ok(200)
		so := p.staff("so1")
		if so.act(id, "resolve", so.done()).ok(200).str("state") == "RESOLVED" {
			gw := p.staff("gw1")
			gw.act(id, "check_pass", obj{"media_ids": []string{gw.photo()}}).ok(200)
		}
		return id
	}
	id, silent := report(), report()
	yes := obj{"reached": true, "contacted": true, "resolved": true, "grade": 5}
	require.Empty(t, cb.tasks(id))
	cb.act(id, "callback", yes).code(409, "NOT_DUE")
	p.at("06-11 09:01")
	require.Equal(t, []string{"CALLBACK"}, cb.tasks(id))
	shown := cb.act(id, "reveal", obj{"field": "phone", "reason": "CALLBACK"}).ok(200)
	require.Equal(t, "13900000004", shown.str("value"))
	cb.act(id, "reveal", obj{"field": "phone", "reason": "CALLBACK"}).code(409, "ALREADY_REVEALED")
	events := p.staff("dis1").get("/cases/" + id + "/events").ok(200).list("items")
	last := events[len(events)-1]
	require.Equal(t, "reveal", last["action"])
	require.Equal(t, "CALLBACK", last["data"].(obj)["reason"])
	require.NotContains(t, last["fact"], "13900000004")
	cb.act(id, "callback", obj{"reached": true}).ok(422)

	status, both := make([]int, 2), sync.WaitGroup{}
	for i := range status {
		both.Go(func() { status[i] = cb.act(id, "callback", yes).Status })
	}
	both.Wait()
	require.ElementsMatch(t, []int{200, 409}, status, "two officers at once: one answer")
	require.Empty(t, cb.tasks(id))
	var channel string
	require.NoError(t, p.db.Engine.Pool.QueryRow(t.Context(), "select channel from rating where case_id = $1 and valid", id).Scan(&channel))
	require.Equal(t, "PHONE", channel)

	for n := range 3 {
		require.Equal(t, []string{"CALLBACK"}, cb.tasks(silent), "attempt %d", n+1)
		cb.act(silent, "callback", obj{"reached": false}).ok(200)
	}
	require.Empty(t, cb.tasks(silent))
	cb.act(silent, "callback", yes).code(409, "NOBODY_TO_CALL")
	var rated int
	require.NoError(t, p.db.Engine.Pool.QueryRow(t.Context(), "select count(*) from rating where case_id = $1", silent).Scan(&rated))
	require.Zero(t, rated, "invalid: not counted")
}

func TestScenario20MaskingAndReveal(t *testing.T) {
	p := start(t)
	id, _ := handled(p, "06001")
	sl, cg := p.staff("sl1"), p.staff("cg1")
	sl.act(id, "call", obj{"level": "L2", "reason": "NO_POWER", "targets": []obj{{"unit": "D-CG", "lead": true}, {"unit": "D-JS"}}}).ok(200)
	cg.act(id, "reveal", obj{"field": "phone", "reason": "VERIFY_FACTS"}).ok(403)
	cg.act(id, "check_in", obj{"point": near()}).ok(200)
	require.Equal(t, "139****0001", cg.thing(id).Body["reporter"].(obj)["phone"])
	cg.act(id, "reveal", obj{"field": "phone"}).code(422, "INVALID")
	ask := obj{"field": "phone", "reason": "CONTACT_REPORTER", "text": "约定上门时间"}
	first := cg.do("POST", "/cases/"+id+"/actions/reveal", ask, "Idempotency-Key", "look-1").ok(200)
	require.Equal(t, "13900000001", first.str("value"))
	again := cg.do("POST", "/cases/"+id+"/actions/reveal", ask, "Idempotency-Key", "look-1").ok(200)
	require.Equal(t, "13900000001", again.str("value"))
	require.Equal(t, "true", again.Header.Get("Idempotent-Replayed"))
	var kept int
	require.NoError(t, p.db.Engine.Pool.QueryRow(t.Context(), "select count(*) from idempotency where answer::text like '%13900000001%'").Scan(&kept))
	require.Zero(t, kept, "the value is not stored with the key")
	for name, status := range map[string]int{"js1": 403, "sup1": 403, "aud1": 403, "co1": 403} {
		p.staff(name).act(id, "reveal", ask).ok(status)
	}
	seen := p.resident(1).get("/me/reveals").ok(200).list("items")
	require.Len(t, seen, 1)
	require.Contains(t, seen[0]["text"], "城管局 cg* 于 2026年6月8日 09:00 查看了您的电话，理由 联系报案人")
	require.Empty(t, p.resident(2).get("/me/reveals").ok(200).list("items"))
	p.staff("cg1").get("/me/reveals").ok(403)

	second, _ := handled(p, "06001")
	sl.act(second, "call", obj{"level": "L2", "reason": "NO_POWER", "targets": []obj{{"unit": "D-CG", "lead": true}}}).ok(200)
	cg.act(second, "check_in", obj{"point": near()}).ok(200)
	for n := 2; n <= 29; n++ {
		cg.act(id, "reveal", ask).ok(200)
	}
	status, both := make([]int, 2), sync.WaitGroup{}
	for i, c := range []string{id, second} { // one is left of the day, on whatever case
		both.Go(func() { status[i] = cg.act(c, "reveal", ask).Status })
	}
	both.Wait()
	require.ElementsMatch(t, []int{200, 429}, status)
	before := p.staff("dis1").thing(id).Body["version"]
	cg.act(id, "reveal", ask).code(429, "REVEAL_LIMIT")
	require.Equal(t, before, p.staff("dis1").thing(id).Body["version"], "told once a day, and nothing else changes")
	require.Len(t, p.messages("sup1", "reveal_limit"), 1)
	require.Len(t, p.messages("aud1", "reveal_limit"), 1)
	p.at("06-09 09:00")
	told := p.messages("13900000001", "data_seen")
	require.Len(t, told, 1, "one line for thirty looks")
	require.Equal(t, "APP", told[0]["channel"])
	p.same(told[0]["at"], "06-09 08:00")
	cg.act(id, "reveal", ask).ok(200)

	whistle := p.resident(2).report("09015").ok(201).str("case_id")
	p.staff("so1").act(whistle, "reveal", ask).code(403, "WHISTLEBLOWER")
	require.NotEmpty(t, p.staff("dis1").act(whistle, "reveal", ask).ok(200).str("value"))
}

func TestCommunityProposesACall(t *testing.T) {
	p := start(t)
	id, _ := handled(p, "06001")
	co, so, sl := p.staff("co1"), p.staff("so1"), p.staff("sl1")
	body := obj{"level": "L2", "reason": "NO_POWER", "targets": []obj{{"unit": "D-CG", "lead": true}}}
	asked := co.act(id, "call", body).ok(200)
	require.Equal(t, "HANDLING", asked.str("state"))
	request := asked.list("requests")[0]["id"]
	require.Equal(t, "CALL", asked.list("requests")[0]["kind"])
	co.act(id, "call", body).code(409, "REQUEST_OPEN")
	co.act(id, "approve", obj{"request_id": request}).ok(403)
	so.act(id, "approve", obj{"request_id": request}).code(403, "LEVEL_TOO_HIGH")
	called := sl.act(id, "approve", obj{"request_id": request}).ok(200)
	require.Equal(t, "CALLING", called.str("state"))
	require.Equal(t, "S-DJ", called.Body["call"].(obj)["caller_unit"])
}

func TestGasLeakCallsByItself(t *testing.T) {
	p := start(t)
	id := p.resident(1).report("01057", obj{"text": "闻到很浓的燃气味，请快来"}).ok(201).str("case_id")
	c := p.staff("dis1").thing(id)
	require.Equal(t, "CALLING", c.str("state"))
	require.Equal(t, "L2", c.Body["call"].(obj)["level"])
	require.Equal(t, "U-RQ", c.str("lead_unit"))
	on := p.staff("rq1").act(id, "check_in", obj{"point": near()}).ok(200)
	require.Equal(t, "ONSITE", on.str("state"))
	require.Equal(t, "U-RQ", on.str("lead_unit"))
	require.Equal(t, 0.0, on.Body["hop_count"])
}

func TestStreetRatesTheDepartmentAndAResidentFollows(t *testing.T) {
	p := start(t)
	id, receipt := handled(p, "06001")
	sl, so, cg, res2 := p.staff("sl1"), p.staff("so1"), p.staff("cg1"), p.resident(2)
	sl.act(id, "call", obj{"level": "L2", "reason": "NO_POWER", "targets": []obj{{"unit": "D-CG", "lead": true}, {"unit": "D-JS"}}}).ok(200)
	link := "/reports/" + receipt.str("track_token")
	p.anyone().post(link+"/follow", obj{}).ok(403)
	p.resident(1).post(link+"/follow", obj{}).code(409, "OWN_REPORT")
	status, both := make([]int, 2), sync.WaitGroup{}
	for i := range status {
		both.Go(func() { status[i] = res2.post(link+"/follow", obj{}).Status })
	}
	both.Wait()
	require.ElementsMatch(t, []int{200, 409}, status)
	cg.act(id, "check_in", obj{"point": near()}).ok(200)
	so.act(id, "rate_unit", obj{"unit": "D-CG", "grade": 4}).ok(409)
	cg.act(id, "contact", obj{"method": "PHONE"}).ok(200)
	cg.act(id, "resolve", cg.done()).ok(200)
	gw := p.staff("gw1")
	gw.act(id, "check_pass", obj{"media_ids": []string{gw.photo()}, "point": near()}).ok(200)
	cg.act(id, "rate_unit", obj{"unit": "D-JS", "grade": 1}).ok(403)
	for i := range status {
		both.Go(func() { status[i] = so.act(id, "rate_unit", obj{"unit": "D-CG", "grade": 4}).Status })
	}
	both.Wait()
	require.ElementsMatch(t, []int{200, 409}, status)
	so.act(id, "rate_unit", obj{"unit": "D-XF", "grade": 4}).ok(422)
}

func TestUnknownCoverGoesToTheArbitrator(t *testing.T) {
	p := start(t)
	id := p.resident(1).report("01023").ok(201).str("case_id")
	so := p.staff("so1")
	so.act(id, "sign", obj{}).ok(200)
	p.at("06-08 09:31")
	c := p.staff("arb1").thing(id)
	require.Equal(t, "DISPUTED", c.str("state"))
	require.Equal(t, []string{"REPLY"}, so.tasks(id), "the first receiver makes safe meanwhile")
	so.act(id, "reply", obj{"text": "已设置围挡并有人值守"}).ok(200)
	require.Equal(t, "DISPATCHED", p.staff("arb1").act(id, "arbitrate", obj{"lead": "D-CG", "basis": "道路检查井由城管局养护"}).ok(200).str("state"))
}

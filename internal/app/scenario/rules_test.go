package scenario

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// lampToCity is a rule that sends the street lamps of 东街 to the city's lamp office.
func lampToCity() obj {
	return obj{"title": "东街路灯直派市路灯处", "priority": 200, "when": obj{"op": "all", "of": []obj{{"op": "eq", "var": "matter", "value": "01037"}, {"op": "eq", "var": "street", "value": "350102004"}}},
		"then": obj{"lead": "unit:C-LD", "path": "DIRECT"}}
}

func rulePath(version any, parts ...string) string {
	return fmt.Sprintf("/admin/rules/%v", version) + strings.Join(append([]string{""}, parts...), "/")
}

func (w *who) draft(body obj) int {
	w.p.t.Helper()
	return int(w.post("/admin/rules", body).ok(201).Body["version"].(float64))
}

func TestRuleSetLifecycle(t *testing.T) {
	p := start(t)
	one, two := p.staff("adm1"), p.staff("adm2")
	first := one.get("/admin/rules").ok(200)
	require.Equal(t, 1.0, first.Body["in_force"])
	rules := one.get(rulePath("current")).ok(200)
	top := rules.list("rules")[0]
	require.Equal(t, []any{"R10b", "OWNER"}, []any{top["id"], top["rank"]}, "in deciding order")
	require.Contains(t, top["as_cel"], `device.kind == "SMOKE"`)
	for _, name := range []string{"dis1", "sup1", "so1", "aud1"} {
		p.staff(name).get("/admin/rules").ok(403)
		p.staff(name).post("/admin/rules", obj{}).ok(403)
	}

	lamp := p.resident(1).report("01037").ok(201)
	require.Equal(t, "D-JS", p.staff("js1").thing(lamp.str("case_id")).str("lead_unit"))

	// The same request twice makes one draft.
	v := one.do("POST", "/admin/rules", obj{"note": "路灯"}, "Idempotency-Key", "d1").ok(201)
	require.Equal(t, v.Body["version"], one.do("POST", "/admin/rules", obj{"note": "路灯"}, "Idempotency-Key", "d1").ok(201).Body["version"])
	one.do("POST", "/admin/rules", obj{"note": "别的"}, "Idempotency-Key", "d1").code(422, "IDEMPOTENCY_MISMATCH")
	draft := int(v.Body["version"].(float64))
	require.Equal(t, 2, draft)
	require.Equal(t, rules.Body["rule_count"], v.Body["rule_count"])

	// A rule that is wrong is refused and changes nothing.
	for name, c := range map[string]struct {
		spoil   obj
		pointer string
		text    string
	}{
		"unknown field":    {obj{"proirity": 3}, "/proirity", "priority？"},
		"unknown variable": {obj{"when": obj{"op": "eq", "var": "mater", "value": "01037"}}, "/rules/R20/when/var", "matter？"},
		"cell":             {obj{"cel": "hour > 3 &&\n  land_us == \"道路\""}, "/rules/R20/cel", "第 2 行第 3 列"},
		"caret":            {obj{"cel": "hour > 3 &&\n  land_us == \"道路\""}, "/rules/R20/cel", "\n    ^"},
		"loop":             {obj{"cel": `[1].exists(x, x > 0)`}, "/rules/R20/cel", "循环"},
		"no such unit":     {obj{"then": obj{"lead": "unit:D-GONE"}}, "/rules/R20/then", "D-GONE"},
		"precedent":        {obj{"source": "PRECEDENT"}, "/source", "MANUAL"},
		"type":             {obj{"priority": "high"}, "/priority", "整数"},
		"other id":         {obj{"id": "R21"}, "/id", "R21"},
	} {
		body := lampToCity()
		maps.Copy(body, c.spoil)
		r := one.do("PUT", rulePath(draft, "rules", "R20"), body).ok(422)
		require.Equal(t, c.pointer, r.list("errors")[0]["pointer"], name)
		require.Contains(t, r.list("errors")[0]["detail"], c.text, name)
	}
	require.Equal(t, v.Body["revision"], one.get(rulePath(draft)).ok(200).Body["revision"])

	body := lampToCity()
	body["revision"] = 1
	require.Equal(t, 2.0, one.do("PUT", rulePath(draft, "rules", "R20"), body).ok(200).Body["revision"])
	one.do("PUT", rulePath(draft, "rules", "R20"), body).code(409, "STALE")
	one.do("PUT", rulePath(1, "rules", "R20"), lampToCity()).code(409, "NOT_DRAFT")
	one.do("DELETE", rulePath(1, "rules", "R05"), nil).code(409, "NOT_DRAFT")
	one.do("DELETE", rulePath(draft, "rules", "R99"), nil).ok(404)

	review := one.post(rulePath(draft, "check"), nil).ok(200)
	require.Equal(t, true, review.Body["publishable"])
	require.Contains(t, string(review.Raw), `"COVERAGE"`)

	// What it would do: to one case that does not exist, to a filed one, and to all.
	trial := obj{"version": draft, "matter": "01037", "grid": "350102004001001"}
	tried := one.post("/admin/rules/simulate", trial).ok(200)
	require.Equal(t, []any{"R20", "C-LD", float64(draft)}, []any{tried.Body["rule"], tried.Body["lead"], tried.Body["rule_set"]})
	last := tried.list("examined")
	require.Equal(t, "R20", last[len(last)-1]["rule"])
	require.Len(t, last[len(last)-1]["conditions"], 2)
	delete(trial, "version")
	require.Equal(t, "R04c", one.post("/admin/rules/simulate", trial).ok(200).str("rule"))
	known := one.post("/admin/rules/simulate", obj{"version": draft, "case_no": lamp.str("case_no")}).ok(200)
	require.Equal(t, "C-LD", known.str("lead"))
	one.post("/admin/rules/simulate", obj{"case_no": "350102-20990101-000001"}).ok(422)
	require.NotContains(t, string(known.Raw), "请尽快派人", "the resident's words stay out")

	diff := one.post("/admin/rules/replay", obj{"version": draft, "last": 100}).ok(200)
	require.Equal(t, []any{1.0, 1.0, false}, []any{diff.Body["cases"], diff.Body["moved"], diff.Body["truncated"]})
	moved := diff.list("items")[0]
	require.Equal(t, []any{lamp.str("case_no"), "01037", "D-JS", "C-LD", "R04c", "R20"}, []any{moved["case_no"], moved["matter"], moved["from"], moved["to"], moved["from_rule"], moved["to_rule"]})
	units := map[string]obj{}
	for _, u := range diff.list("units") {
		units[u["unit"].(string)] = u
	}
	require.Equal(t, 1.0, units["C-LD"]["gained"])
	require.Equal(t, 1.0, units["D-JS"]["lost"])
	require.Equal(t, 0.0, one.post("/admin/rules/replay", obj{"version": draft, "from": "2026-06-09T00:00:00+08:00"}).ok(200).Body["cases"])
	require.Equal(t, 0.0, one.post("/admin/rules/replay", obj{"version": 1}).ok(200).Body["moved"])
	one.post("/admin/rules/replay", obj{"last": 5001}).ok(422)
	require.NotContains(t, string(diff.Raw), lamp.str("case_id"))

	// Two people.
	one.post("/admin/rules/publish", obj{"version": draft}).code(403, "SAME_PERSON")
	two.post("/admin/rules/publish", obj{"version": draft, "revision": 1}).code(409, "STALE")
	two.post(rulePath(draft, "rollback"), obj{"reason": "还没有发布过"}).code(409, "NEVER_PUBLISHED")
	done := two.do("POST", "/admin/rules/publish", obj{"version": draft, "revision": 2, "note": "路灯归口"}, "Idempotency-Key", "p1").ok(200)
	require.Equal(t, true, done.Body["in_force"])
	two.do("POST", "/admin/rules/publish", obj{"version": draft, "revision": 2, "note": "路灯归口"}, "Idempotency-Key", "p1").ok(200)
	two.post("/admin/rules/publish", obj{"version": draft}).code(409, "NOT_DRAFT")
	list := one.get("/admin/rules?limit=1").ok(200)
	require.Equal(t, float64(draft), list.Body["in_force"])
	require.Equal(t, "RETIRED", one.get("/admin/rules?cursor=" + list.str("next_cursor")).ok(200).list("items")[0]["status"])

	next := p.resident(2).report("01037").ok(201).str("case_id")
	ld := p.staff("ld1")
	require.Equal(t, "C-LD", ld.thing(next).str("lead_unit"))
	route := ld.get("/cases/" + next + "/route").ok(200)
	require.Equal(t, []any{float64(draft), "R20"}, []any{route.Body["rule_set"], route.Body["rule"]})

	// Back: one person, at once, with a reason.
	two.post(rulePath(1, "rollback"), obj{}).ok(422)
	two.post(rulePath(1, "rollback"), obj{"reason": "x"}).ok(422)
	one.post(rulePath(1, "rollback"), obj{"reason": "市路灯处提出异议"}).ok(200)
	one.post(rulePath(1, "rollback"), obj{"reason": "市路灯处提出异议"}).code(409, "ALREADY_IN_FORCE")
	require.Equal(t, "D-JS", p.staff("js1").thing(p.resident(3).report("01037").ok(201).str("case_id")).str("lead_unit"))
	events := one.get(rulePath(draft)).ok(200).list("events")
	require.Equal(t, []any{"create", "put_rule", "publish"}, []any{events[0]["action"], events[1]["action"], events[2]["action"]})
	require.Equal(t, "rollback", p.staff("aud1").get("/admin/audit?kind=rule_set&key=1").ok(200).list("items")[0]["action"])

	// What an answer shows can be imported again, as it is.
	again := one.post("/admin/rules", obj{"rules": one.get(rulePath(draft)).ok(200).Body["rules"]}).ok(201)
	require.Equal(t, 0.0, one.post("/admin/rules/replay", obj{"version": again.Body["version"], "against": draft}).ok(200).Body["moved"])
	one.do("DELETE", rulePath(again.Body["version"]), nil).ok(200)
	two.post("/admin/rules/publish", obj{"version": again.Body["version"]}).code(409, "NOT_DRAFT")
}

// Two administrators at one draft, and two drafts of one base.
func TestTwoAdministratorsAtOnce(t *testing.T) {
	p := start(t)
	one, two := p.staff("adm1"), p.staff("adm2")
	draft := one.draft(obj{})
	race := func(a, b func() *reply) []int {
		var wg sync.WaitGroup
		var got [2]int
		for i, f := range []func() *reply{a, b} {
			wg.Go(func() { got[i] = f().Status })
		}
		wg.Wait()
		slices.Sort(got[:])
		return got[:]
	}
	edit := func(w *who, id string) func() *reply {
		return func() *reply {
			body := lampToCity()
			body["revision"] = 1
			return w.do("PUT", rulePath(draft, "rules", id), body)
		}
	}
	require.Equal(t, []int{200, 409}, race(edit(one, "R20"), edit(two, "R21")))
	require.Equal(t, 2.0, one.get(rulePath(draft)).ok(200).Body["revision"])
	require.Equal(t, []int{200, 409}, race(
		func() *reply { return one.do("DELETE", rulePath(draft, "rules", "R05")+"?revision=2", nil) },
		func() *reply { return two.do("DELETE", rulePath(draft, "rules", "R06")+"?revision=2", nil) }))

	// A third draft: whoever wrote in it may not publish it, and it is published once.
	other := one.draft(obj{})
	stale := one.draft(obj{})
	require.Equal(t, []int{200, 409}, race(
		func() *reply { return two.post("/admin/rules/publish", obj{"version": other}) },
		func() *reply { return two.post("/admin/rules/publish", obj{"version": other}) }))
	r := two.post("/admin/rules/publish", obj{"version": stale}).code(409, "OUTDATED_BASE")
	require.Equal(t, []any{1.0, float64(other)}, []any{r.Body["based_on"], r.Body["in_force"]})
	two.post("/admin/rules/publish", obj{"version": stale, "overtake": true}).ok(200)
	require.Equal(t, []int{http.StatusOK, http.StatusConflict}, race(
		func() *reply { return one.post(rulePath(1, "rollback"), obj{"reason": "演练回退操作"}) },
		func() *reply { return two.post(rulePath(1, "rollback"), obj{"reason": "演练回退操作"}) }))
}

// A rule's unit is retired between draft and publication: the set is refused, and nothing changes.
func TestDeadTargetIsRefused(t *testing.T) {
	p := start(t)
	one, two := p.staff("adm1"), p.staff("adm2")
	draft := one.draft(obj{})
	one.do("PUT", rulePath(draft, "rules", "R20"), lampToCity()).ok(200)
	_, err := p.db.Engine.Pool.Exec(t.Context(), "update org_unit set active = false where district = $1 and code = 'C-LD'", district)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return one.post(rulePath(draft, "check"), nil).ok(200).Body["publishable"] == false
	}, time.Minute, 20*time.Millisecond)
	r := two.post("/admin/rules/publish", obj{"version": draft}).code(422, "RULES_REFUSED")
	require.Contains(t, string(r.Raw), "C-LD")
	require.Equal(t, 1.0, one.get("/admin/rules").ok(200).Body["in_force"])
	// What is in force and names the unit goes on: the street stands in and somebody is told.
	lamp := p.resident(1).report("01037", obj{"facets": obj{}}).ok(201)
	require.NotEmpty(t, lamp.str("case_no"))
}

// All rules are deleted and that is published: nothing is lost, every case stands with its street and is flagged.
func TestNoRuleAtAll(t *testing.T) {
	p := start(t)
	one, two := p.staff("adm1"), p.staff("adm2")
	draft := one.draft(obj{"rules": []obj{}})
	two.post("/admin/rules/publish", obj{"version": draft, "overtake": true}).ok(200)
	so := p.staff("so1")
	for i := range 10 {
		r := p.resident(1 + i%5).report("06010").ok(201)
		c := so.thing(r.str("case_id"))
		require.Equal(t, []any{"DISPATCHED", "S-DJ"}, []any{c.str("state"), c.str("lead_unit")})
		route := so.get("/cases/" + r.str("case_id") + "/route").ok(200)
		require.Equal(t, []any{true, true, float64(draft)}, []any{route.Body["fallback"], route.Body["needs_catalog_review"], route.Body["rule_set"]})
	}
}

// The precedent of an arbitration stands outside the sets: publishing and rolling back keep it; an administrator confirms
// it with a duration and ends it.
func TestPrecedentThroughTheAPI(t *testing.T) {
	p := start(t)
	one, two := p.staff("adm1"), p.staff("adm2")
	draft := one.draft(obj{}) // before the arbitration
	id := p.resident(1).report("01037").ok(201).str("case_id")
	js, arb := p.staff("js1"), p.staff("arb1")
	js.act(id, "sign", obj{}).ok(200)
	js.act(id, "dispute", obj{"reason": "属于市路灯处"}).ok(200)
	arb.act(id, "arbitrate", obj{"lead": "D-CG", "basis": "三定方案第四条"}).ok(200)

	list := one.get("/admin/precedents").ok(200).list("items")
	require.Len(t, list, 1)
	pre := list[0]
	require.Equal(t, []any{"DRAFT", "01037", "D-CG"}, []any{pre["state"], pre["matter"], pre["lead"]})
	require.Equal(t, obj{"lon": 119.3080, "lat": 26.0875, "metres": 50.0, "datum": "WGS84"}, pre["place"])
	p.same(pre["valid_from"], "06-08 09:00")
	require.Equal(t, "2027-06-08T09:00:00+08:00", pre["valid_to"])
	led := func() string {
		return p.staff("dis1").thing(p.resident(2).report("01037").ok(201).str("case_id")).str("lead_unit")
	}
	require.Equal(t, "D-CG", led())

	two.post("/admin/rules/publish", obj{"version": draft}).ok(200)
	require.Equal(t, "D-CG", led(), "published after it, drafted before it")
	one.post(rulePath(1, "rollback"), obj{"reason": "演练回退操作"}).ok(200)
	require.Equal(t, "D-CG", led())

	path := "/admin/precedents/" + pre["id"].(string)
	p.staff("arb1").post(path+"/confirm", obj{}).ok(403)
	one.post(path+"/confirm", obj{"until": "2026-06-08T08:00:00+08:00"}).ok(422)
	confirmed := one.post(path+"/confirm", obj{"until": "2026-06-10T09:00:00+08:00"}).ok(200)
	require.Equal(t, []any{"CONFIRMED", "2026-06-10T09:00:00+08:00", "安管理"}, []any{confirmed.Body["state"], confirmed.Body["valid_to"], confirmed.Body["confirmed_by_name"]})
	two.post(path+"/confirm", obj{}).code(409, "WRONG_STATE")
	require.Equal(t, "D-CG", led())
	p.at("06-10 09:00")
	require.Equal(t, "EXPIRED", one.get("/admin/precedents?state=EXPIRED").ok(200).list("items")[0]["state"])
	require.Equal(t, "D-JS", led(), "its time is over")
	one.post(path+"/end", obj{"reason": "短"}).ok(422)
	require.Equal(t, "ENDED", one.post(path+"/end", obj{"reason": "已纳入责任清单"}).ok(200).str("state"))
	two.post(path+"/end", obj{"reason": "已纳入责任清单"}).code(409, "WRONG_STATE")
	one.post("/admin/precedents/P-none/end", obj{"reason": "已纳入责任清单"}).ok(404)
	require.Equal(t, "end", p.staff("aud1").get("/admin/audit?kind=precedent").ok(200).list("items")[0]["action"])
}

package scenario

import (
	"slices"
	"sync"

	"github.com/stretchr/testify/require"
)

// givesToAPerson: the street's officer gives a duty to one of its people, who is told and finds it first of all; two who give at
// once do not both win, and the chain tells who gave what to whom.
func (p *program) givesToAPerson() {
	t := p.t
	t.Helper()
	so, sl, gw, cg, dis := p.staff("so1"), p.staff("sl1"), p.staff("gw1"), p.staff("cg1"), p.staff("dis1")
	account := func(w *who) string { return w.get("/me").ok(200).Body["user"].(obj)["id"].(string) }
	leader, officer := account(sl), account(so)
	early := p.resident(2).report("06001").ok(201).str("case_id")
	id := p.resident(3).report("06001").ok(201).str("case_id")
	first := func(w *who) obj { return w.get("/tasks?limit=1").ok(200).list("items")[0] }

	cg.act(id, "assign", obj{"account": leader}).code(404, "NOT_FOUND")
	dis.act(id, "assign", obj{"account": leader}).code(403, "NOT_YOURS")
	gw.act(id, "assign", obj{"account": leader}).code(403, "NOT_YOURS")
	so.act(id, "assign", obj{}).code(422, "INVALID")
	so.act(id, "assign", obj{"account": "sl1"}).code(422, "INVALID")
	require.Contains(t, string(so.act(id, "assign", obj{"account": account(cg)}).code(422, "NOT_IN_UNIT").Raw), "/account")
	so.act(id, "assign", obj{"account": id}).code(422, "NOT_IN_UNIT")
	require.Contains(t, actions(so.thing(id)), "assign")
	require.NotContains(t, actions(dis.thing(id)), "assign")

	// The centre sees, as numbers, what else the reporter has sent; a street does not.
	more := p.resident(3).report("06010").ok(201).str("case_id")
	require.Equal(t, obj{"days": 90.0, "cases": 1.0, "open": 1.0, "untrue": 0.0}, dis.thing(more).Body["reporter_context"])
	require.Equal(t, obj{"days": 90.0, "cases": 1.0, "open": 1.0, "untrue": 0.0}, dis.thing(id).Body["reporter_context"])
	require.NotContains(t, so.thing(id).Body, "reporter_context")
	require.NotContains(t, string(dis.thing(id).Raw), "13900000003")

	state := so.thing(id).str("state")
	given := so.act(id, "assign", obj{"account": leader, "note": "请今天去看"}).ok(200)
	require.Equal(t, state, given.str("state"))
	handler := func(r *reply) any {
		for _, a := range r.list("assignments") {
			if h, ok := a["handler"].(obj); ok {
				return h["account_id"]
			}
		}
		return nil
	}
	require.Equal(t, leader, handler(given))
	so.act(id, "assign", obj{"account": leader}).code(409, "ALREADY_ASSIGNED")
	task := first(sl)
	require.Equal(t, []any{id, true}, []any{task["id"], task["given_to_me"]}, "what was given to somebody comes first")
	seen := []any{}
	for next := ""; ; {
		page := sl.get("/tasks?limit=1" + next).ok(200)
		for _, x := range page.list("items") {
			seen = append(seen, x["id"])
		}
		if page.Body["next_cursor"] == nil {
			break
		}
		next = "&cursor=" + page.str("next_cursor")
	}
	require.Len(t, slices.Compact(slices.Clone(seen)), len(seen), "page by page nothing comes twice")
	require.Contains(t, seen, any(early))
	require.Len(t, sl.get("/tasks?limit=200").ok(200).list("items"), len(seen))
	told := p.messages("sl1", "assigned")
	require.NotEmpty(t, told)
	require.Contains(t, told[0]["text"], "请您经办")
	require.Empty(t, p.messages("so1", "assigned"), "who gave it knows")
	for _, m := range so.get("/units/S-DJ/crew").ok(200).list("items") {
		if m["username"] == "sl1" {
			require.Equal(t, float64(1), m["duties"], "it lies on who has it, signed or not")
		}
	}

	// Two give at once, on what both have seen: one of them is told that the other was first.
	sl.act(id, "assign", obj{"account": officer}).ok(200)
	version := so.thing(id).Body["version"]
	var both sync.WaitGroup
	var status [2]int
	for i, w := range []*who{so, sl} {
		both.Go(func() {
			status[i] = w.act(id, "assign", obj{"account": leader, "version": version, "note": []string{"甲", "乙"}[i]}).Status
		})
	}
	both.Wait()
	require.ElementsMatch(t, []int{200, 409}, status[:])
	require.Equal(t, leader, handler(so.thing(id)))
	n := 0
	for _, e := range so.get("/cases/" + id + "/events?limit=100").ok(200).list("items") {
		if e["action"] == "assign" {
			n++
			require.NotEmpty(t, e["data"].(obj)["handler"])
		}
	}
	require.Equal(t, 3, n)

	so.act(id, "return", obj{"legal_basis": "市政设施管理办法", "suggested_unit": "D-CG", "reason": "不在街道职责内"}).ok(200)
	require.Nil(t, handler(dis.thing(id)), "a return ends it")
	require.Nil(t, handler(dis.act(id, "dispatch", obj{"lead": "D-CG"}).ok(200)))
}

package scenario

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a desk keeps beside the cases: views shared within a unit, words for answers, who else looks, the roster by the unit's own
// leader, the number of who is on duty, the lists of the callback desk and of objections, and the machine room.
func TestDesk(t *testing.T) {
	p := start(t)
	adm, so, sl, cg, cgl, dis := p.staff("adm1"), p.staff("so1"), p.staff("sl1"), p.staff("cg1"), p.staff("cgl"), p.staff("dis1")
	id := p.resident(1).report("06001").ok(201).str("case_id")

	{ // views
		views := func(w *who) (out []string) {
			for _, v := range w.get("/me/views").ok(200).list("items") {
				out = append(out, v["name"].(string))
			}
			return out
		}
		own := so.post("/me/views", obj{"name": "今天到期", "query": obj{"tab": "overdue"}}).ok(201)
		so.post("/me/views", obj{"name": "东街红灯", "query": obj{"light": "red"}, "shared": true}).ok(201)
		require.Equal(t, []string{"东街红灯", "今天到期"}, views(so))
		require.Equal(t, []string{"东街红灯"}, views(sl), "the unit's")
		require.Empty(t, views(cg), "another unit's")
		require.Empty(t, views(dis))
		sl.do("DELETE", "/me/views/"+own.str("id"), nil).code(404, "NOT_FOUND")
		so.post("/me/views", obj{"name": "今天到期", "query": obj{"tab": "sign"}}).ok(201)
		require.Len(t, views(so), 2, "the same name replaces")
		so.do("DELETE", "/me/views/"+own.str("id"), nil).ok(204)
		require.Equal(t, []string{"东街红灯"}, views(so))
		so.post("/me/views", obj{"name": strings.Repeat("长", 21), "query": obj{}}).code(422, "INVALID")
		so.post("/me/views", obj{"name": "坏", "query": obj{"<script>": "x"}}).code(422, "INVALID")
		// Two windows that keep at the limit at once: one of them finds it full.
		for i := range 48 {
			so.post("/me/views", obj{"name": "视图" + string(rune('A'+i)), "query": obj{}}).ok(201)
		}
		var took sync.WaitGroup
		var statuses [2]int
		for i := range statuses {
			took.Go(func() {
				statuses[i] = so.post("/me/views", obj{"name": "同时" + string(rune('A'+i)), "query": obj{}}).Status
			})
		}
		took.Wait()
		require.ElementsMatch(t, []int{201, 409}, statuses[:])
	}

	{ // replies
		words := "您反映的{matter}（{case_no}）由{unit}负责，预计{promise}前办结。"
		adm.post("/admin/reply_templates", obj{"action": "reject", "name": "", "text": "{phone}"}).code(422, "INVALID")
		adm.post("/admin/reply_templates", obj{"action": "dance", "name": "x", "text": "y"}).code(422, "INVALID")
		adm.post("/admin/reply_templates", obj{"action": "reply", "matter": "99", "name": "x", "text": "y"}).code(422, "INVALID")
		made := adm.post("/admin/reply_templates", obj{"action": "reply", "matter": "06", "name": "进展", "text": words}).ok(201)
		adm.post("/admin/reply_templates", obj{"action": "reply", "matter": "06", "name": "进展", "text": words}).code(409, "EXISTS")
		adm.post("/admin/reply_templates", obj{"action": "reply", "matter": "01057", "name": "燃气", "text": "请勿动用明火"}).ok(201)
		list := so.get("/cases/" + id + "/replies?action=reply").ok(200)
		require.Len(t, list.list("items"), 1, "of this matter only")
		require.Equal(t, "text", list.str("field"))
		said := list.list("items")[0]["text"].(string)
		require.NotContains(t, said, "{")
		require.Contains(t, said, so.get("/cases/"+id).ok(200).str("case_no"))
		shown := adm.post("/admin/reply_templates/preview", obj{"action": "reply", "matter": "06", "text": words}).ok(200)
		require.Equal(t, said, shown.str("text"), "the preview runs what the form runs")
		cg.get("/cases/"+id+"/replies?action=reply").code(404, "NOT_FOUND")
		so.get("/cases/"+id+"/replies?action=call").code(422, "INVALID")
		one := "/admin/reply_templates/" + made.str("id")
		adm.do("PUT", one, obj{"action": "reply", "matter": "06", "name": "进展", "text": "改过", "version": 1}).ok(200)
		adm.do("PUT", one, obj{"action": "reply", "matter": "06", "name": "进展", "text": "晚了", "version": 1}).code(409, "STALE")
		adm.do("DELETE", one, nil).ok(204)
		adm.do("DELETE", one, nil).code(404, "NOT_FOUND")
		require.Empty(t, so.get("/cases/"+id+"/replies?action=reply").ok(200).list("items"))
		audited := adm.get("/admin/audit?kind=reply_template&key=" + made.str("id")).ok(200).list("items")
		require.Len(t, audited, 3)
	}

	{ // presence
		look := func(w *who, left bool) []obj {
			return w.post("/cases/"+id+"/presence", obj{"left": left}).ok(200).list("items")
		}
		require.Empty(t, look(so, false))
		seen := look(dis, false)
		require.Len(t, seen, 1)
		require.Equal(t, so.get("/me").ok(200).Body["user"].(obj)["display_name"], seen[0]["name"])
		require.Len(t, look(so, false), 1)
		look(dis, true)
		require.Empty(t, look(so, false))
		cg.post("/cases/"+id+"/presence", obj{}).code(404, "NOT_FOUND")
	}

	{ // roster and number
		shifts := []obj{{"username": "cg1", "weekday": 1, "from": "00:00", "to": "24:00"}}
		cg.do("PUT", "/units/D-CG/roster", obj{"version": 0, "shifts": shifts}).code(403, "FORBIDDEN")
		sl.do("PUT", "/units/D-CG/roster", obj{"version": 0, "shifts": shifts}).code(404, "NOT_FOUND")
		sl.get("/units/D-CG/roster").code(404, "NOT_FOUND")
		cgl.do("PUT", "/units/D-CG/roster", obj{"version": 0, "shifts": shifts}).ok(200)
		cgl.do("PUT", "/units/D-CG/roster", obj{"version": 0, "shifts": shifts}).code(409, "STALE")
		cgl.do("PUT", "/units/D-CG/roster", obj{"version": 1, "shifts": []obj{{"username": "so1", "weekday": 1, "from": "00:00", "to": "24:00"}}}).code(422, "INVALID")
		require.Equal(t, "D-CG", adm.get("/admin/audit?kind=roster&key=D-CG").ok(200).list("items")[0]["key"])
		p.at("06-08 10:00") // Monday
		on := so.get("/duty?unit=D-CG").ok(200).list("items")
		require.Len(t, on, 1)
		require.Regexp(t, `^1\d\d\*{4}\d\d\d?\d?$`, on[0]["phone"])
		phone := so.post("/duty/phone", obj{"unit": "D-CG", "account_id": on[0]["account_id"]}).ok(200).str("phone")
		require.Regexp(t, `^1\d{10}$`, phone)
		require.Len(t, adm.get("/admin/audit?kind=duty_phone&key=D-CG").ok(200).list("items"), 1)
		p.resident(1).post("/duty/phone", obj{"unit": "D-CG", "account_id": on[0]["account_id"]}).code(403, "FORBIDDEN")

		crew := cg.get("/units/D-CG/crew").ok(200).list("items")
		require.Equal(t, "cg1", crew[0]["username"], "who is on duty comes first")
		require.Equal(t, true, crew[0]["on_duty"])
		so.get("/units/D-CG/crew").code(404, "NOT_FOUND")
		require.NotEmpty(t, dis.get("/units/D-CG/crew").ok(200).list("items"))
		so.act(id, "sign", obj{}).ok(200)
		load := map[string]any{}
		for _, m := range sl.get("/units/S-DJ/crew").ok(200).list("items") {
			load[m["username"].(string)] = m["duties"]
		}
		require.Equal(t, float64(1), load["so1"], "who signed it has it")
		require.Equal(t, float64(0), load["sl1"])
		p.at("06-09 10:00") // Tuesday: nobody is on the roster
		so.post("/duty/phone", obj{"unit": "D-CG", "account_id": on[0]["account_id"]}).code(404, "NOT_FOUND")
	}

	p.givesToAPerson()

	{ // objections
		of := func(w *who) []obj { return w.get("/cases?ask=objection").ok(200).list("items") }
		require.Empty(t, of(dis))
		require.Empty(t, dis.get("/cases?ask=callback").ok(200).list("items"))
		so.act(id, "dispute", obj{"reason": "现场属于市政设施，不在街道职责内"}).ok(200)
		require.Len(t, of(dis), 1)
		require.Equal(t, id, of(dis)[0]["id"])
		require.Empty(t, of(cg), "another unit's")
		dis.get("/cases?ask=other").code(422, "INVALID")
	}

	{ // machine
		m := adm.get("/admin/ops").ok(200)
		require.Equal(t, m.Body["schema"], m.Body["expected_schema"])
		require.Positive(t, m.Body["database_bytes"])
		require.NotEmpty(t, m.list("tables"))
		dis.get("/admin/ops").code(403, "FORBIDDEN")
		// A job that was given up is seen, and runs again when it is asked for.
		_, err := p.db.Engine.Pool.Exec(t.Context(), `insert into river_job (args, kind, max_attempts, attempt, state, finalized_at, queue, priority) values ('{"district":"350102"}', 'given_up', 3, 3, 'discarded', now(), 'none', 1)`)
		require.NoError(t, err)
		found := func() (n float64) {
			for _, q := range adm.get("/admin/ops").ok(200).list("queues") {
				if q["kind"] == "given_up" && q["state"] == "parked" {
					n += q["count"].(float64)
				}
			}
			return n
		}
		require.Equal(t, float64(1), found())
		require.Equal(t, float64(1), adm.post("/admin/ops/redrive", obj{"kind": "given_up"}).ok(200).Body["jobs"])
		require.Zero(t, found())
		require.Equal(t, float64(0), adm.post("/admin/ops/redrive", obj{"kind": "given_up"}).ok(200).Body["jobs"])

		uses := adm.get("/admin/ops/rules?days=30").ok(200)
		sum := 0.0
		for _, u := range uses.list("items") {
			sum += u["hits"].(float64)
		}
		require.Equal(t, uses.Body["total"], sum, "every filed case was decided by something")
		require.Positive(t, sum)
		adm.get("/admin/ops/rules?days=91").code(422, "INVALID")
	}

	{ // cockpit counts who owes an answer
		sup := p.staff("sup1")
		behind := func() []obj {
			return sup.get("/metrics/behind?figure=unanswered&from=2020-01-01&to=2030-01-01").ok(200).list("items")
		}
		count := func() float64 { return sup.get("/metrics/lights?by=district").ok(200).Body["unanswered"].(float64) }
		require.Zero(t, count())
		other := p.resident(2).report("06001").ok(201).str("case_id")
		so.act(other, "sign", obj{}).ok(200)
		so.act(other, "contact", obj{"method": "PHONE"}).ok(200)
		sl.act(other, "call", obj{"level": "L2", "reason": "NO_POWER", "targets": []obj{{"unit": "D-CG", "lead": true}, {"unit": "D-JS"}}}).ok(200)
		require.Equal(t, float64(2), count())
		require.Len(t, behind(), 2)
		cg.act(other, "ack", obj{}).ok(200)
		require.Equal(t, float64(1), count())
		require.Len(t, behind(), 1)
	}
}

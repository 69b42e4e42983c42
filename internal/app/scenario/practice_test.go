package scenario

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The guided first task (S16): the learner signs, calls and rates, everybody else is played; asked out of turn, the
// program says what is the learner's to do.
func TestGuidedPractice(t *testing.T) {
	p := start(t)
	p.staff("so2").post("/sandbox/practice", obj{"task": "call"}).code(409, "NOBODY_THERE") // fixture F has nobody in that street's community
	for _, learner := range []string{"so1", "sl1"} {
		w := p.staff(learner)
		w.post("/sandbox/practice", obj{}).ok(422)
		made := w.post("/sandbox/practice", obj{"task": "call"}).ok(201)
		require.Equal(t, "东街街道", made.str("street_name"))
		id := made.str("case_id")
		next := func() *reply { t.Helper(); return p.anyone().post("/sandbox/practice/"+id+"/next", nil) }
		next().code(409, "YOUR_TURN")
		require.Contains(t, next().str("detail"), "签收")
		w.act(id, "sign", obj{}).ok(200)
		require.Contains(t, next().code(409, "YOUR_TURN").str("detail"), "呼叫")
		w.act(id, "call", obj{"level": made.str("level"), "reason": "NO_CAPACITY", "targets": []obj{{"unit": made.str("target"), "lead": true}}}).ok(200)
		for _, move := range []string{"ack", "check_in", "consult", "resolve", "check_pass"} {
			r := next().ok(200)
			require.Equal(t, move, r.str("played"))
			require.NotEmpty(t, r.str("unit_name"))
		}
		require.Equal(t, "CLOSED", w.thing(id).str("state"))
		require.Contains(t, next().code(409, "YOUR_TURN").str("detail"), "评价")
		w.act(id, "rate_unit", obj{"unit": made.str("target"), "grade": 5}).ok(200)
		next().code(409, "PRACTICE_OVER")
	}
	// On no other case does the program play anybody.
	earnest := p.resident(1).report("06013").ok(201).str("case_id")
	p.anyone().post("/sandbox/practice/"+earnest+"/next", nil).ok(404)
	// A call that was withdrawn leaves the turn with the learner.
	so := p.staff("so1")
	made := so.post("/sandbox/practice", obj{"task": "call"}).ok(201)
	id := made.str("case_id")
	so.act(id, "sign", obj{}).ok(200)
	so.act(id, "call", obj{"level": "L1", "reason": "JOINT", "targets": []obj{{"unit": made.str("target"), "lead": true}}}).ok(200)
	so.act(id, "withdraw_call", obj{"reason": "练习撤回"}).ok(200)
	p.anyone().post("/sandbox/practice/"+id+"/next", nil).code(409, "YOUR_TURN")
}

package scenario

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the text of T14–T17 demands of a call beside the scenarios: levels up to the secretary, reasons, exactly one lead
// target, the agreed time and place, remote presence only where the call allows it.
func TestCallRules(t *testing.T) {
	p := start(t)
	id, receipt := handled(p, "06001")
	so, sl, ss, cg, js := p.staff("so1"), p.staff("sl1"), p.staff("ss1"), p.staff("cg1"), p.staff("js1")
	lead, other := obj{"unit": "D-CG", "lead": true}, obj{"unit": "D-JS", "lead": false}
	call := func(w *who, level, reason string, more obj, targets ...obj) *reply {
		t.Helper()
		body := obj{"level": level, "reason": reason, "targets": targets}
		maps.Copy(body, more)
		return w.act(id, "call", body)
	}
	version := so.thing(id).Body["version"]
	call(so, "L2", "NO_POWER", nil, lead).code(403, "LEVEL_TOO_HIGH")
	call(sl, "L3", "NO_POWER", nil, lead).code(403, "LEVEL_TOO_HIGH")
	call(ss, "L1", "NO_POWER", nil, lead).code(403, "LEVEL_TOO_LOW")
	p.staff("so2").act(id, "call", obj{"level": "L1", "reason": "JOINT", "targets": []obj{lead}}).ok(404)
	p.staff("dis1").act(id, "call", obj{"level": "L2", "reason": "JOINT", "targets": []obj{lead}}).ok(403)
	for name, r := range map[string]*reply{
		"no reason of the list": call(sl, "L2", "BECAUSE", nil, lead),
		"no target":             call(sl, "L2", "JOINT", nil),
		"no lead":               call(sl, "L2", "JOINT", nil, other),
		"two leads":             call(sl, "L2", "JOINT", nil, lead, obj{"unit": "D-JS", "lead": true}),
		"one unit twice":        call(sl, "L2", "JOINT", nil, lead, obj{"unit": "D-CG", "lead": false}),
		"the caller itself":     call(sl, "L2", "JOINT", nil, obj{"unit": "S-DJ", "lead": true}),
		"an unknown unit":       call(sl, "L2", "JOINT", nil, obj{"unit": "NOBODY", "lead": true}),
		"a time that is over":   call(sl, "L2", "JOINT", obj{"agreed_time": "2026-06-08T08:00:00+08:00"}, lead),
	} {
		require.Equal(t, 422, r.Status, "%s: %s", name, r.Raw)
	}
	require.Equal(t, version, so.thing(id).Body["version"], "nothing of it changed the case")

	// The agreed time moves CHECKIN when it is later than the budget, and ACK not at all; an earlier one changes nothing.
	soon := call(ss, "L3", "JOINT", obj{"agreed_time": "2026-06-08T10:00:00+08:00"}, lead).ok(200)
	p.same(target(soon, "D-CG")["checkin_due"], "06-08 15:00")
	withdrawn := ss.act(id, "withdraw_call", obj{"reason": "改约时间"}).ok(200)
	require.Equal(t, "HANDLING", withdrawn.str("state"))
	require.NotEmpty(t, p.messages("cg1", "call_withdrawn"))
	there := north(near(), 900)
	late := call(sl, "L2", "JOINT", obj{"agreed_time": "2026-06-10T10:30:00+08:00", "meet_at": there}, lead, other).ok(200)
	p.same(target(late, "D-CG")["checkin_due"], "06-10 10:30")
	p.same(target(late, "D-CG")["ack_due"], "06-08 09:30")

	// Present is who is at the agreed place, not who is at the case; and nobody is remote who may not be.
	cg.act(id, "check_in", obj{"point": near()}).code(422, "TOO_FAR")
	cg.act(id, "check_in", obj{}).code(422, "INVALID")
	require.Equal(t, "GPS", target(cg.act(id, "check_in", obj{"point": there}).ok(200), "D-CG")["mode"])
	p.at("06-10 10:31")
	last := js.act(id, "check_in", obj{"point": there}).ok(200)
	require.Equal(t, true, target(last, "D-JS")["late"], "after the agreed time")
	require.Equal(t, false, target(last, "D-CG")["late"])

	remote, code := handled(p, "06001")
	sl.act(remote, "call", obj{"level": "L2", "reason": "NO_POWER", "remote_allowed": true, "targets": []obj{lead}}).ok(200)
	on := cg.act(remote, "check_in", obj{"point": north(near(), 4000)}).ok(200)
	require.Equal(t, "REMOTE", target(on, "D-CG")["mode"])
	require.Nil(t, target(on, "D-CG")["distance_m"])
	view := string(p.anyone().get("/reports/" + code.str("track_token")).ok(200).Raw)
	require.NotContains(t, view, "城管局 已到现场", "nobody is told of a presence that is not one")
	require.Contains(t, string(p.anyone().get("/reports/"+receipt.str("track_token")).ok(200).Raw), "城管局 已到现场")

	for _, row := range p.staff("sup1").get("/metrics/overview?from=2026-06-01&to=2026-07-01&by=unit").ok(200).list("items") {
		if row["key"] == "D-CG" {
			require.Equal(t, 2.0, row["call_response"].(obj)["denominator"], "the withdrawn call is in no figure")
		}
	}
}

// A call that is answered in time is not sent again by SMS or voice (4e); one that is not, is.
func TestAnsweredCallIsNotRepeated(t *testing.T) {
	p := start(t)
	id, _ := handled(p, "06001")
	p.staff("sl1").act(id, "call", obj{"level": "L2", "reason": "JOINT", "targets": []obj{{"unit": "D-CG", "lead": true}, {"unit": "D-JS"}}}).ok(200)
	p.at("06-08 09:01")
	p.staff("cg1").act(id, "ack", obj{}).ok(200)
	p.at("06-08 09:20")
	by := func(to string) (out []string) {
		t.Helper()
		for _, m := range p.messages(to, "called") {
			if m["state"] != "CANCELLED" {
				out = append(out, m["channel"].(string))
			}
		}
		return out
	}
	require.Equal(t, []string{"APP"}, by("cg1"))
	require.ElementsMatch(t, []string{"APP", "SMS", "VOICE"}, by("js1"), "the control: nobody answered there")
}

// A community's proposal waits for the street, which is reminded when its ten minutes are over; on a P1 case it passes at once (C8).
func TestCommunityCallOnUrgentCase(t *testing.T) {
	p := start(t)
	body := obj{"level": "L2", "reason": "NO_POWER", "targets": []obj{{"unit": "D-CG", "lead": true}}}
	co := p.staff("co1")
	id, _ := handled(p, "06001")
	asked := co.act(id, "call", body).ok(200)
	require.Equal(t, "HANDLING", asked.str("state"))
	p.same(clock(asked, "CONFIRM", "S-DJ")["due_at"], "06-08 09:10")
	require.NotEmpty(t, p.messages("so1", "call_proposed"), "the street is told what it is asked for")
	p.at("06-08 09:11")
	require.Equal(t, "HANDLING", co.thing(id).str("state"), "silence is no consent")
	require.NotEmpty(t, p.messages("so1", "overdue_100"), "the street is told that it owes an answer")

	p.staff("com1").post("/incidents", obj{"name": "防汛", "units": []string{"S-DJ"}}).ok(201)
	urgent, _ := handled(p, "06001")
	called := co.act(urgent, "call", body).ok(200)
	require.Equal(t, "CALLING", called.str("state"))
	require.Equal(t, "S-DJ", called.Body["call"].(obj)["caller_unit"], "the call is the street's own")
	require.Empty(t, called.list("requests"))
}

// The street rates each department that it called, once, after closing (T14, 4d); one that was withdrawn is not there to rate.
func TestStreetRatesEachDepartment(t *testing.T) {
	p := start(t)
	id, _ := handled(p, "06001")
	sl, so, cg, js := p.staff("sl1"), p.staff("so1"), p.staff("cg1"), p.staff("js1")
	sl.act(id, "call", obj{"level": "L2", "reason": "JOINT", "targets": []obj{{"unit": "D-CG", "lead": true}, {"unit": "D-JS"}}}).ok(200)
	cg.act(id, "check_in", obj{"point": near()}).ok(200)
	js.act(id, "check_in", obj{"point": near()}).ok(200)
	cg.act(id, "contact", obj{"method": "PHONE"}).ok(200)
	cg.act(id, "resolve", cg.done()).ok(200)
	gw := p.staff("gw1")
	gw.act(id, "check_pass", obj{"media_ids": []string{gw.photo()}, "point": near()}).ok(200)
	require.Contains(t, actions(so.thing(id)), "rate_unit")
	so.act(id, "rate_unit", obj{"unit": "D-CG", "grade": 6}).ok(422)
	so.act(id, "rate_unit", obj{"unit": "D-CG", "grade": 5}).ok(200)
	so.act(id, "rate_unit", obj{"unit": "D-CG", "grade": 1}).ok(409)
	js.act(id, "rate_unit", obj{"unit": "D-JS", "grade": 5}).ok(403)
	require.NotContains(t, actions(sl.act(id, "rate_unit", obj{"unit": "D-JS", "grade": 2}).ok(200)), "rate_unit", "both are rated")
}

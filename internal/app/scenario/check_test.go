package scenario

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"yixian/dispatch"
	"yixian/internal/pg"
)

func TestScenario12HandlerIsNotChecker(t *testing.T) {
	p := start(t)
	gw, gw2, dis, so := p.staff("gw1"), p.staff("gw2"), p.staff("dis1"), p.staff("so1")
	// The street hands the case to the community, whose worker handles it.
	id := p.resident(1).report("06001").ok(201).str("case_id")
	so.act(id, "return", obj{"legal_basis": "社区准入清单", "suggested_unit": "350102004001", "reason": "社区可以自行处置"}).ok(200)
	dis.act(id, "dispatch", obj{"lead": "350102004001"}).ok(200)
	gw.act(id, "sign", obj{}).ok(200)
	gw.act(id, "contact", obj{"method": "VISIT"}).ok(200)
	resolved := gw.act(id, "resolve", gw.done()).ok(200)
	require.Equal(t, "RESOLVED", resolved.str("state"))
	require.Equal(t, "350102004002", resolved.str("check_unit"))
	require.NotContains(t, actions(resolved), "check_pass")
	gw.act(id, "check_pass", obj{"media_ids": []string{gw.photo()}}).ok(403)
	p.staff("co1").act(id, "check_pass", obj{"method": "PHONE"}).ok(403)
	for _, task := range gw.get("/tasks").ok(200).list("items") {
		require.NotEqual(t, id, task["id"], "the check is nobody's task at the handling community")
	}
	found := false
	for _, task := range gw2.get("/tasks").ok(200).list("items") {
		found = found || task["id"] == id && task["task"] == "CHECK"
	}
	require.True(t, found, "the check is a task of the other community")
	gw2.act(id, "check_pass", obj{"media_ids": []string{gw2.photo()}, "point": north(near(), 500)}).code(422, "TOO_FAR")
	gw2.act(id, "check_pass", obj{}).code(422, "INVALID")
	require.Equal(t, "CLOSED", gw2.act(id, "check_pass", obj{"media_ids": []string{gw2.photo()}, "point": north(near(), 50)}).ok(200).str("state"))
}

func TestScenario13CheckFailStopsNobodyUnfairly(t *testing.T) {
	p := start(t)
	id, _ := handled(p, "06012") // 4 WH from 09:00: 1 WH is left at 14:00
	so, gw := p.staff("so1"), p.staff("gw1")
	so.act(id, "contact", obj{"method": "PHONE"}).ok(200)
	p.at("06-08 14:00")
	r := so.act(id, "resolve", so.done()).ok(200)
	require.Equal(t, 3600.0, clock(r, "HANDLE", "S-DJ")["remaining_s"])
	require.Equal(t, "PAUSED", clock(r, "HANDLE", "S-DJ")["state"])
	require.Equal(t, "RUNNING", clock(r, "HANDLE", "")["state"], "the promise to the resident goes on")
	p.at("06-09 09:00")
	f := gw.act(id, "check_fail", obj{"media_ids": []string{gw.photo()}, "reason": "垃圾仍在原处"}).ok(200)
	require.Equal(t, "HANDLING", f.str("state"))
	require.Equal(t, 1.0, f.Body["rework_count"])
	p.same(clock(f, "HANDLE", "S-DJ")["due_at"], "06-09 10:00")
}

// requested finds a case's request of a kind: one case in ten has one for a spot check as well.
func requested(c *reply, kind string) obj {
	c.t.Helper()
	for _, q := range c.list("requests") {
		if q["kind"] == kind {
			return q
		}
	}
	c.t.Fatalf("no request %s in %s", kind, c.Raw)
	return nil
}

func TestScenario15Reopen(t *testing.T) {
	p := start(t)
	id, receipt := handled(p, "06001") // 20 WD
	so, gw, res := p.staff("so1"), p.staff("gw1"), p.resident(1)
	so.act(id, "contact", obj{"method": "PHONE"}).ok(200)
	finish := func() {
		t.Helper()
		so.act(id, "resolve", so.done()).ok(200)
		gw.act(id, "check_pass", obj{"media_ids": []string{gw.photo()}}).ok(200)
	}
	rate := func() *reply {
		t.Helper()
		return res.post("/reports/"+receipt.str("receipt_code")+"/rate", obj{"contacted": true, "resolved": false, "grade": 2, "text": "没有解决"}).ok(200)
	}
	finish()
	rate()
	c := so.thing(id)
	require.Equal(t, "HANDLING", c.str("state"))
	require.Equal(t, 2.0, c.Body["round"])
	require.Equal(t, 1.0, c.Body["reopen_count"])
	require.Equal(t, 80.0*3600, clock(c, "HANDLE", "S-DJ")["remaining_s"], "half of 20 WD")
	for _, a := range c.list("assignments") {
		if a["round"] == 1.0 {
			require.Equal(t, 1.0, a["rework_count"], "the first assignment counts as rework")
		}
	}
	so.act(id, "contact", obj{"method": "PHONE"}).ok(200)
	finish()
	rate()
	require.Equal(t, 3.0, so.thing(id).Body["round"])
	so.act(id, "contact", obj{"method": "PHONE"}).ok(200)
	finish()
	rate()
	c = p.staff("sup1").thing(id)
	require.Equal(t, "CLOSED", c.str("state"), "the third time a supervisor decides")
	require.Equal(t, "PENDING", requested(c, "REOPEN")["state"])
	require.Contains(t, actions(c), "reopen")
	found := false
	for _, task := range p.staff("sup1").get("/tasks").ok(200).list("items") {
		found = found || task["id"] == id
	}
	require.True(t, found)

	// The supervisor answers in writing; the case is then archived when its window is over, never left behind.
	p.at("06-16 10:00")
	c = p.staff("sup1").thing(id)
	require.Equal(t, "CLOSED", c.str("state"), "an open request keeps the case from the archive")
	p.staff("sup1").act(id, "decline", obj{"request_id": requested(c, "REOPEN")["id"], "reason": "已现场复核，问题确已解决"}).ok(200)
	require.Equal(t, "ARCHIVED", p.staff("sup1").thing(id).str("state"))
}

func TestScenario19Scope(t *testing.T) {
	p := start(t)
	here := p.resident(1).report("06001").ok(201).str("case_id")
	there := p.resident(2).report("06001", obj{"point": obj{"lon": 119.3080, "lat": 26.0905, "datum": "WGS84"}}).ok(201).str("case_id")
	p.staff("cg1").get("/cases/" + here).ok(404)
	p.staff("cg1").act(here, "sign", obj{}).ok(404)
	p.staff("cg1").get("/cases/" + here + "/events").ok(404)
	p.staff("cg1").get("/cases/" + here + "/route").ok(404)
	so := p.staff("so1")
	so.get("/cases/" + there).ok(404)
	so.get("/cases/" + here).ok(200)
	adm := p.staff("adm1")
	adm.get("/cases/" + here).ok(403)
	adm.get("/cases").ok(403)
	p.resident(1).get("/cases/" + here).ok(403)
	ids := func(w *who) []string {
		t.Helper()
		out := []string{}
		for _, c := range w.get("/cases").ok(200).list("items") {
			out = append(out, c["id"].(string))
		}
		return out
	}
	require.Equal(t, []string{here}, ids(so))
	require.Equal(t, []string{there}, ids(p.staff("so2")))
	require.ElementsMatch(t, []string{here, there}, ids(p.staff("dis1")))
	require.Empty(t, ids(p.staff("cg1")))
	require.Equal(t, []string{here}, ids(p.staff("gw1")))
	m := so.get("/metrics/overview?by=unit").ok(200).Body["total"].(obj)
	require.Equal(t, 1.0, m["received"])
	require.Empty(t, p.resident(3).get("/reports").ok(200).list("items"))
}

func TestScenario21ChainNamesTheChangedEvent(t *testing.T) {
	p := start(t)
	id, _ := handled(p, "06001")
	p.at("06-08 12:00") // reminders ring: events of the engine are in the chain too
	ctx := pg.WithDistrict(t.Context(), "350102")
	ok, err := dispatch.VerifyChains(ctx, p.db.Engine, "350102")
	require.NoError(t, err)
	require.Equal(t, int64(1), ok.Cases)
	require.GreaterOrEqual(t, ok.Events, int64(4))
	events := p.staff("dis1").get("/cases/" + id + "/events").ok(200).list("items")
	require.Len(t, events, int(ok.Events))
	for i := 1; i < len(events); i++ {
		require.Equal(t, events[i-1]["hash"], events[i]["prev_hash"])
	}
	_, err = p.db.App.Pool.Exec(ctx, "update case_event set unit = 'D-CG' where seq = 4")
	require.ErrorContains(t, err, "permission denied", "the program's own role cannot change an event")

	super, err := pgx.Connect(t.Context(), p.db.URL("postgres"))
	require.NoError(t, err)
	defer func() { _ = super.Close(t.Context()) }()
	for _, change := range []string{
		"update case_event set fact = replace(fact, 'S-DJ', 'S-WQ') where seq = 4",
		"update case_event set actor = 'SYSTEM' where seq = 4",
		"update case_event set at = at + interval '1 second' where seq = 4",
	} {
		_, err = super.Exec(t.Context(), "create table if not exists keep as select * from case_event")
		require.NoError(t, err)
		_, err = super.Exec(t.Context(), change)
		require.NoError(t, err)
		_, err = dispatch.VerifyChains(ctx, p.db.Engine, "")
		var broken *dispatch.Broken
		require.ErrorAs(t, err, &broken, change)
		require.Equal(t, id, broken.Case)
		require.Equal(t, int64(4), broken.Seq)
		require.NotEmpty(t, broken.Expected)
		_, err = super.Exec(t.Context(), "update case_event e set fact = k.fact, actor = k.actor, at = k.at from keep k where k.case_id = e.case_id and k.seq = e.seq")
		require.NoError(t, err)
	}
	_, err = dispatch.VerifyChains(ctx, p.db.Engine, "")
	require.NoError(t, err)
}

// data is a file of the shared golden data; tests that need it are skipped where it is absent.
func data(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "shared", "data", name))
	if err != nil {
		t.Skipf("golden data %s is not here", name)
	}
	return raw
}

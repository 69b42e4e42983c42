package scenario

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sensor is a registered device with its key.
type sensor struct {
	*who
	id, key string
}

// sensor registers one near the middle of 军门.
func (p *program) sensor(id, kind, building string) *sensor {
	p.t.Helper()
	key := "key-of-" + id
	_, err := p.db.Engine.Pool.Exec(p.t.Context(), "insert into device (district, id, kind, name, building, lon, lat, key_hash) values ('350102', $1, $2, $1, $3, 119.3080, 26.0875, sha256(convert_to($4, 'UTF8')))", id, kind, building, key)
	require.NoError(p.t, err)
	return &sensor{p.anyone(), id, key}
}

func (s *sensor) alert(body obj, header ...string) *reply {
	s.p.t.Helper()
	return s.do(http.MethodPost, "/devices/"+s.id+"/alerts", body, append(header, "X-Device-Key", s.key)...)
}

func (p *program) count(sql string, args ...any) (n int) {
	p.t.Helper()
	require.NoError(p.t, p.db.Engine.Pool.QueryRow(p.t.Context(), "select count(*) from "+sql, args...).Scan(&n))
	return n
}

func TestScenario23(t *testing.T) {
	p := start(t)
	one := p.sensor("smoke-1", "SMOKE", "军门社区 3 号楼")

	// 200 identical alarms of one device in 60 s, four at a time: one case, 200 rows.
	ids := make(chan string, 200)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				ids <- one.alert(obj{"kind": "SMOKE", "level": 1}).ok(201).str("case_id")
			}
		})
	}
	wg.Wait()
	close(ids)
	id := <-ids
	for other := range ids {
		require.Equal(t, id, other)
	}
	require.Equal(t, 200, p.count("alert"))
	require.Equal(t, 1, p.count("cases"))
	dis := p.staff("dis1")
	c := dis.thing(id)
	require.Equal(t, []any{"P1", "DISPATCHED", "D-XF", "DEVICE", "29001"}, []any{c.Body["priority"], c.Body["state"], c.Body["lead_unit"], c.Body["source"], c.Body["matter"]})
	require.Equal(t, "R10", dis.get("/cases/"+id+"/route").ok(200).str("rule"))
	require.Nil(t, c.Body["call"])
	var look obj
	for _, a := range c.list("assignments") {
		if a["kind"] == "ASSIST" {
			look = a
		}
	}
	require.Equal(t, "350102004001", look["unit"], "the grid's own people look")
	p.same(look["due_at"], "06-08 09:10")
	gw := p.staff("gw1")
	tasks := gw.get("/tasks").ok(200).list("items")
	require.Len(t, tasks, 1, "a task of the worker of the grid")
	require.Equal(t, "HANDLE", tasks[0]["task"])
	p.same(tasks[0]["task_due"], "06-08 09:10")
	gw.act(id, "resolve", gw.done()).ok(200)
	require.Empty(t, gw.get("/tasks").ok(200).list("items"))
	require.Equal(t, "DISPATCHED", dis.thing(id).str("state"), "who looked has not handled it")
	page := dis.get("/cases/" + id + "/alerts?limit=150").ok(200)
	require.Len(t, page.list("items"), 150)
	require.Len(t, dis.get("/cases/"+id+"/alerts?limit=150&cursor="+page.str("next_cursor")).ok(200).list("items"), 50)
	p.staff("so2").get("/cases/"+id+"/alerts").code(404, "NOT_FOUND") // another street's

	// Unknown device, wrong key, no key, a device that was switched off: 401, and nothing is kept.
	(&sensor{p.anyone(), "smoke-9", "x"}).alert(obj{"kind": "SMOKE"}).code(401, "UNAUTHENTICATED")
	(&sensor{p.anyone(), "smoke-1", "wrong"}).alert(obj{"kind": "SMOKE"}).code(401, "UNAUTHENTICATED")
	p.anyone().post("/devices/smoke-1/alerts", obj{"kind": "SMOKE"}).code(401, "UNAUTHENTICATED")
	dis.post("/devices/smoke-1/alerts", obj{"kind": "SMOKE"}).code(401, "UNAUTHENTICATED") // a person's session is no key
	one.do(http.MethodPost, "/devices/smoke-1/alerts", obj{"kind": "SMOKE"}, "Authorization", "Bearer "+one.key).ok(201)
	off := p.sensor("smoke-off", "SMOKE", "")
	_, err := p.db.Engine.Pool.Exec(t.Context(), "update device set disabled_at = now() where id = 'smoke-off'")
	require.NoError(t, err)
	off.alert(obj{}).code(401, "UNAUTHENTICATED")
	require.Equal(t, 201, p.count("alert"))

	// Three devices in one building within 10 minutes: one call L3, however many follow, two of them at once.
	p.at("06-08 09:04")
	two := p.sensor("smoke-2", "SMOKE", "军门社区 3 号楼").alert(obj{}).ok(201)
	require.NotEqual(t, id, two.str("case_id"))
	rest := []*sensor{p.sensor("smoke-3", "SMOKE", "军门社区 3 号楼"), p.sensor("smoke-4", "SMOKE", "军门社区 3 号楼"), p.sensor("smoke-5", "SMOKE", "军门社区 3 号楼"), p.sensor("smoke-6", "SMOKE", "军门社区 4 号楼")}
	for _, s := range rest {
		wg.Go(func() { s.alert(obj{}).ok(201) })
	}
	wg.Wait()
	require.Equal(t, 1, p.count("call where level = 'L3'"))
	require.Equal(t, 1, p.count("call"))
	require.Equal(t, 1, p.count("call_target where unit = 'D-XF' and is_lead"))
	require.Equal(t, 1, p.count("cases where rule_id = 'R10b'"))

	// After the silence of the window the same device makes another case, and the wave is told anew once its case is over.
	p.at("06-08 09:30")
	again := one.alert(obj{}).ok(201)
	require.NotEqual(t, id, again.str("case_id"))
	require.Equal(t, false, again.Body["joined"])
	require.Equal(t, 1, p.count("call"))
}

func TestDeviceClocksAndRepeatedSendings(t *testing.T) {
	p := start(t)
	lamp := p.sensor("lamp-1", "LAMP", "")
	occurred := func(id string) time.Time {
		var at time.Time
		require.NoError(t, p.db.Engine.Pool.QueryRow(t.Context(), "select occurred_at from report where case_id = $1", id).Scan(&at))
		return at
	}
	late := lamp.alert(obj{"at": "2026-06-08T07:00:00+08:00"}, "Idempotency-Key", "a").ok(201)
	require.Equal(t, true, late.Body["clock_wrong"])
	p.same(late.Body["occurred_at"], "06-08 09:00")
	require.True(t, occurred(late.str("case_id")).Equal(time.Date(2026, 6, 8, 9, 0, 0, 0, time.Local)))
	same := lamp.alert(obj{"at": "2026-06-08T07:00:00+08:00"}, "Idempotency-Key", "a").ok(201)
	require.Equal(t, late.str("alert_id"), same.str("alert_id"))
	require.Equal(t, 1, p.count("alert"))
	for _, at := range []string{"1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "2026-06-08T11:00:00+08:00"} {
		require.Equal(t, true, lamp.alert(obj{"at": at}).ok(201).Body["clock_wrong"], at)
	}
	right := p.sensor("lamp-2", "LAMP", "").alert(obj{"at": "2026-06-08T08:58:00+08:00"}).ok(201)
	p.same(right.Body["occurred_at"], "06-08 08:58")
	p.same(right.Body["received_at"], "06-08 09:00")
	lamp.alert(obj{"at": "yesterday"}).code(422, "INVALID")
	lamp.alert(obj{"level": 12}).code(422, "INVALID")
	lamp.alert(obj{"matter": "06026"}).code(422, "INVALID") // its kind decides
	require.Equal(t, 5, p.count("alert"))
	lamp.alert(obj{"vendor": obj{"rssi": -71}, "battery": 0.4}).ok(201) // makers say more than we ask
	require.Equal(t, 1, p.count("alert where payload->'vendor'->>'rssi' = '-71'"))
}

func TestEcoCloudAndVideoComeThroughTheDeviceDoor(t *testing.T) {
	p := start(t)
	eco := p.sensor("eco-1", "ECO_CLOUD", "")
	low := eco.alert(obj{"level": 1, "text": "氨氮偏高"}).ok(201)
	require.Nil(t, low.Body["case_id"], "below the threshold: kept, no case")
	high := eco.alert(obj{"level": 2, "text": "氨氮超标 2 倍"}).ok(201)
	c := p.staff("dis1").thing(high.str("case_id"))
	require.Equal(t, []any{"ECO_CLOUD", "06026", "P2"}, []any{c.Body["source"], c.Body["matter"], c.Body["priority"]})
	require.Equal(t, "R11", p.staff("dis1").get("/cases/"+high.str("case_id")+"/route").ok(200).str("rule"))
	require.Equal(t, 2, p.count("alert"))

	camera := p.sensor("cam-1", "VIDEO", "")
	req := camera.form(t, "/devices/cam-1/media", face(t))
	req.Header.Set("X-Device-Key", camera.key)
	shot := camera.send(req).ok(201).str("id")
	seen := camera.alert(obj{"matter": "09006", "text": "疑似占道经营", "media_ids": []string{shot}}).ok(201)
	v := p.staff("dis1").thing(seen.str("case_id"))
	require.Equal(t, []any{"VIDEO", "09006"}, []any{v.Body["source"], v.Body["matter"]})
	require.Len(t, v.list("reports")[0]["media"], 1)
	p.sensor("cam-2", "VIDEO", "").alert(obj{"matter": "06010", "media_ids": []string{shot}}).code(422, "INVALID") // not its picture
	plain := p.sensor("cam-3", "VIDEO", "").alert(obj{"text": "画面异常"}).ok(201)
	require.Equal(t, "SUBMITTED", plain.str("case_state"), "without a matter a dispatcher looks")
	req = camera.form(t, "/devices/cam-1/media", face(t))
	req.Header.Set("X-Device-Key", "wrong")
	camera.send(req).code(401, "UNAUTHENTICATED")
}

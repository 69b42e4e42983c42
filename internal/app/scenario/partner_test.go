package scenario

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// partner registers another system and gives it with its first key.
func (p *program) partner(body obj) (id string, with *who) {
	p.t.Helper()
	r := p.staff("adm1").post("/admin/partners", body).ok(201)
	return r.Body["partner"].(obj)["id"].(string), &who{p: p, token: r.str("secret")}
}

// A partner is registered, its key is shown once and nowhere again; it is exchanged with a grace and ended at once; every step is in
// the audit; nobody but the administrator sees any of it.
func TestPartnersAndTheirKeys(t *testing.T) {
	log := &captured{}
	p := start(t, log)
	adm := p.staff("adm1")
	made := adm.post("/admin/partners", obj{"username": "city-app", "name": "城市服务应用", "contact": "信息中心 值班"}).ok(201)
	id, first := made.Body["partner"].(obj)["id"].(string), &who{p: p, token: made.str("secret")}
	adm.post("/admin/partners", obj{"username": "city-app", "name": "又一个"}).code(409, "USERNAME_TAKEN")
	adm.post("/admin/partners", obj{"username": "so1", "name": "冒充"}).code(409, "USERNAME_TAKEN")
	adm.post("/admin/partners", obj{"username": "x", "name": "x", "scopes": []string{}}).code(422, "INVALID")
	adm.post("/admin/partners", obj{"username": "x", "name": "x", "scopes": []string{"everything"}}).code(422, "INVALID")
	p.staff("sup1").get("/admin/partners").code(403, "FORBIDDEN")
	first.get("/admin/partners").code(403, "FORBIDDEN")
	first.get("/cases").code(403, "FORBIDDEN") // a partner sees no case
	first.report("06010", obj{"external_ref": "A-1"}).ok(201)
	first.report("06010", obj{"external_ref": "A-2", "source": "HOTLINE_12345"}).code(422, "INVALID")

	seen := adm.get("/admin/partners/" + id).ok(200)
	require.NotContains(t, string(seen.Raw), first.token)
	require.NotContains(t, string(adm.get("/admin/partners").ok(200).Raw), first.token)
	key := seen.list("keys")[0]
	require.Equal(t, []any{true, first.token[len(first.token)-4:]}, []any{key["live"], key["hint"]})

	// Exchanged: both work during the grace, the old one says when it ends; without a grace it is over at once.
	second := adm.post("/admin/partners/"+id+"/keys", obj{"label": "2026 下半年", "replace": true, "grace_hours": 48}).ok(201)
	fresh := &who{p: p, token: second.str("secret")}
	first.report("06010", obj{"external_ref": "A-3"}).ok(201)
	fresh.report("06010", obj{"external_ref": "A-4"}).ok(201)
	for _, k := range adm.get("/admin/partners/" + id).ok(200).list("keys") {
		require.Equal(t, k["id"] == key["id"], k["expires_at"] != nil)
		require.Equal(t, true, k["live"])
	}
	third := &who{p: p, token: adm.post("/admin/partners/"+id+"/keys", obj{"replace": true}).ok(201).str("secret")}
	first.report("06010").code(401, "UNAUTHENTICATED")
	fresh.report("06010").code(401, "UNAUTHENTICATED")
	third.report("06010", obj{"external_ref": "A-5"}).ok(201)
	adm.post("/admin/partners/"+id+"/keys", obj{"expires_at": "2020-01-01T00:00:00Z"}).code(422, "INVALID")

	// Two administrators at once make keys: never more than five live.
	var wg sync.WaitGroup
	other := p.staff("adm2")
	status := make([]int, 8)
	for i := range status {
		wg.Go(func() { status[i] = []*who{adm, other}[i%2].post("/admin/partners/"+id+"/keys", obj{}).Status })
	}
	wg.Wait()
	live := []obj{}
	for _, k := range adm.get("/admin/partners/" + id).ok(200).list("keys") {
		if k["live"] == true {
			live = append(live, k)
		}
	}
	require.Len(t, live, 5)
	require.Contains(t, status, 409)

	// Ended: one key, then the whole partner, at once.
	hint := third.token[len(third.token)-4:]
	for _, k := range live {
		if k["hint"] == hint {
			adm.do("DELETE", "/admin/partners/"+id+"/keys/"+k["id"].(string), nil).ok(204)
			adm.do("DELETE", "/admin/partners/"+id+"/keys/"+k["id"].(string), nil).ok(204)
		}
	}
	third.report("06010").code(401, "UNAUTHENTICATED")
	adm.do("DELETE", "/admin/partners/"+id+"/keys/"+id, nil).code(404, "NOT_FOUND")
	fourth := &who{p: p, token: adm.post("/admin/partners/"+id+"/keys", obj{"replace": true}).ok(201).str("secret")}
	version := adm.get("/admin/partners/" + id).ok(200).Body["version"]
	adm.do("PUT", "/admin/partners/"+id, obj{"name": "城市服务应用", "version": 99}).code(409, "STALE")
	adm.do("PUT", "/admin/partners/"+id, obj{"name": "城市服务应用", "scopes": []string{"status"}, "version": version}).ok(200)
	fourth.report("06010").code(403, "FORBIDDEN")
	require.Len(t, fourth.get("/partner/reports").ok(200).list("items"), 4)
	_, raw := p.open311("POST", "requests.json", lamp("api_key", fourth.token))
	require.Contains(t, raw, "may not do that")
	adm.do("PUT", "/admin/partners/"+id, obj{"name": "城市服务应用", "disabled": true, "version": version.(float64) + 1}).ok(200)
	fourth.get("/partner/reports").code(401, "UNAUTHENTICATED")

	var did []string
	for _, e := range p.staff("aud1").get("/admin/audit?kind=partner&limit=200").ok(200).list("items") {
		did = append(did, e["action"].(string))
		raw, err := json.Marshal(e)
		require.NoError(t, err)
		for _, w := range []*who{first, fresh, third, fourth} {
			require.NotContains(t, string(raw), w.token)
		}
	}
	for _, action := range []string{"create", "rotate_keys", "create_key", "revoke_key", "change"} {
		require.Contains(t, did, action)
	}
	for _, w := range []*who{first, fresh, third, fourth} {
		require.NotContains(t, log.String(), w.token)
	}
}

// A key has its own hour: beyond it 429 with when to come again, at both doors together.
func TestAPartnersHour(t *testing.T) {
	p := start(t)
	p.anyone().post("/sandbox/reset", obj{"limits": true}).ok(200)
	_, app := p.partner(obj{"username": "slow", "name": "限量", "per_hour": 3})
	app.report("06010").ok(201)
	app.report("06010").ok(201)
	resp, _ := p.open311("POST", "requests.json", lamp("api_key", app.token))
	require.Equal(t, http.StatusOK, resp.StatusCode)
	resp, raw := p.open311("POST", "requests.json", lamp("api_key", app.token))
	require.Equal(t, http.StatusTooManyRequests, resp.StatusCode, raw)
	require.NotEmpty(t, resp.Header.Get("Retry-After"))
	require.NotEmpty(t, app.report("06010").code(429, "TOO_MANY").Header.Get("Retry-After"))
	require.Len(t, app.get("/partner/reports").ok(200).list("items"), 3, "asking is not writing")
}

// The 12345 platform sends its orders by a key of its own. Sent three times in any order they end in the same cases; what becomes of
// them is written back under its own numbers, signed, and can be asked for.
func TestHotlineOrdersAndTheirWriteBack(t *testing.T) {
	t.Setenv("OUTBOUND_HOSTS", "hook.localhost=127.0.0.1")
	e := newEar(t)
	p := startHere(t)
	adm := p.staff("adm1")
	_, platform := p.partner(obj{"username": "p12345", "name": "市 12345 平台", "source": "HOTLINE_12345"})
	_, stranger := p.partner(obj{"username": "stranger", "name": "别家应用"})
	settings := adm.get("/admin/notices/settings").ok(200).Body
	settings["webhook_hosts"] = []string{"hook.localhost"}
	adm.do("PUT", "/admin/notices/settings", settings).ok(204)
	adm.post("/admin/webhooks", obj{"name": "12345 回写", "kind": "webhook", "partner": "p12345", "settings": obj{"url": strings.Replace(e.URL, "127.0.0.1", "hook.localhost", 1), "secret": hookSecret}}).ok(201)

	orders := []obj{}
	for i, n := range []string{"FZ20260608001", "FZ20260608002", "FZ20260608003"} {
		orders = append(orders, obj{"matter": "06010", "point": north(near(), float64(i)*5), "text": "热线转来：垃圾堆了很久没人清", "phone": "19900001111", "contact_name": "张先生", "external_ref": n})
	}
	state := func() string {
		r := platform.get("/partner/reports").ok(200)
		var out []string
		for _, x := range r.list("items") {
			out = append(out, x["external_ref"].(string)+x["case_id"].(string)+x["state"].(string))
		}
		return strings.Join(out, "\n")
	}
	all := append(append(append([]obj{}, orders...), orders...), orders...)
	rand.New(rand.NewPCG(3, 3)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	created := 0
	for _, o := range all {
		r := platform.post("/reports", o)
		if r.Status == 201 {
			created++
			require.Equal(t, "DISPATCHED", r.str("case_state"))
			continue
		}
		r.code(409, "EXTERNAL_REF")
		require.NotEmpty(t, r.str("receipt_code"), "the platform is told which it was")
	}
	require.Equal(t, 3, created)
	before := state()
	require.Len(t, strings.Split(before, "\n"), 3)
	require.Equal(t, 3, p.count("cases"))
	require.Equal(t, 3, p.count("report where source = 'HOTLINE_12345'"))

	// The hotline's list of orders is one: a seat that types the same number is told so. Another partner may have such a number.
	r := p.staff("hot1").report("06010", obj{"external_ref": "FZ20260608001"}).code(409, "EXTERNAL_REF")
	require.NotEmpty(t, r.str("case_id"))
	stranger.report("06010", obj{"external_ref": "FZ20260608001"}).ok(201)
	require.Nil(t, stranger.report("06010", obj{"external_ref": "FZ20260608001", "text": "换一种说法再报一次"}).code(409, "EXTERNAL_REF").Body["phone"])

	p.anyone().get("/sandbox/messages").ok(200)
	heard := func() (out []obj) {
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, list := range e.heard {
			out = append(out, list...)
		}
		return out
	}
	require.Len(t, heard(), 9, "three orders were submitted, filed and dispatched; the stranger's are not its business")
	raw, err := json.Marshal(heard())
	require.NoError(t, err)
	for _, secret := range []string{"19900001111", "张先生", "垃圾堆了", "119.30"} {
		require.NotContains(t, string(raw), secret)
	}
	items := platform.get("/partner/reports?external_ref=FZ20260608002").ok(200).list("items")
	require.Len(t, items, 1)
	id := items[0]["case_id"].(string)
	p.at("06-08 09:30")
	so := p.staff("so1")
	so.act(id, "sign", obj{}).ok(200)
	p.anyone().get("/sandbox/messages").ok(200)
	var signed []obj
	for _, b := range heard() {
		if b["kind"] == "sign" {
			signed = append(signed, b)
		}
	}
	require.Len(t, signed, 1)
	require.Equal(t, []any{[]any{"FZ20260608002"}, "HANDLING", "DISPATCHED"}, []any{signed[0]["external_refs"], signed[0]["state"], signed[0]["from_state"]})
	changed := platform.get("/partner/reports?updated_after=" + url.QueryEscape("2026-06-08T09:30:00+08:00")).ok(200).list("items")
	require.Len(t, changed, 1, "asked instead of told, the same comes out")
	require.Equal(t, "HANDLING", changed[0]["state"])
	require.NotContains(t, string(platform.get("/partner/reports").Raw), "19900001111")
	page := platform.get("/partner/reports?limit=2").ok(200)
	require.Len(t, page.list("items"), 2)
	require.Len(t, platform.get("/partner/reports?limit=2&cursor="+page.str("next_cursor")).ok(200).list("items"), 1)
	require.Empty(t, p.staff("hot1").get("/partner/reports").code(403, "FORBIDDEN").list("items"))
}

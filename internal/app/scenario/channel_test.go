package scenario

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"yixian/internal/channel"
)

const hookSecret = "0123456789abcdef"

// ear is another system that listens to webhooks and believes only what is signed.
type ear struct {
	*httptest.Server
	mu    sync.Mutex
	heard map[string][]obj // by idempotency key
	down  bool
}

func newEar(t *testing.T) *ear {
	t.Helper()
	e := &ear{heard: map[string][]obj{}}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		e.mu.Lock()
		defer e.mu.Unlock()
		key := r.Header.Get(channel.HeaderIdempotency)
		if r.Header.Get(channel.HeaderSignature) != channel.Sign([]byte(hookSecret), r.Header.Get(channel.HeaderTimestamp), key, raw) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if e.down {
			w.WriteHeader(http.StatusTeapot) // a refusal: parked at once
			return
		}
		var b obj
		_ = json.Unmarshal(raw, &b)
		e.heard[key] = append(e.heard[key], b)
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *ear) kinds() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []string
	for _, list := range e.heard {
		for _, b := range list {
			out = append(out, b["kind"].(string))
		}
	}
	return out
}

func (e *ear) times(key string) int { e.mu.Lock(); defer e.mu.Unlock(); return len(e.heard[key]) }

// A webhook hears every change of state, signed and without anybody's data; parked, it is re-driven; sent, it is replayed
// under the same key.
func TestWebhooks(t *testing.T) {
	t.Setenv("OUTBOUND_HOSTS", "hook.localhost=127.0.0.1")
	e := newEar(t)
	p := startHere(t)
	adm := p.staff("adm1")
	address := strings.Replace(e.URL, "127.0.0.1", "hook.localhost", 1)
	body := func(url string) obj {
		return obj{"name": "城市大脑", "kind": "webhook", "settings": obj{"url": url, "secret": hookSecret}}
	}
	adm.post("/admin/webhooks", body(address)).code(422, "INVALID") // not on the list
	settings := adm.get("/admin/notices/settings").ok(200).Body
	settings["webhook_hosts"] = []string{"hook.localhost", "api.example.gov.cn"}
	adm.do("PUT", "/admin/notices/settings", settings).ok(204)
	for _, inside := range []string{"http://127.0.0.1/", "https://169.254.169.254/", "https://[::ffff:127.0.0.1]/", "http://api.example.gov.cn/"} {
		require.Equal(t, 422, adm.post("/admin/webhooks", body(inside)).Status, inside)
	}
	id := adm.post("/admin/webhooks", body(address)).ok(201).str("id")
	adm.post("/admin/webhooks", body(address)).code(409, "NAME_TAKEN")
	listed := adm.get("/admin/webhooks").ok(200)
	require.NotContains(t, string(listed.Raw), hookSecret)
	require.Equal(t, "******", listed.list("items")[0]["settings"].(obj)["secret"])
	p.staff("sup1").get("/admin/webhooks").code(403, "FORBIDDEN")
	adm.post("/admin/webhooks/"+id+"/test", obj{}).ok(204)

	caseID := p.resident(1).report("06010").ok(201).str("case_id")
	p.anyone().get("/sandbox/messages").ok(200)
	require.ElementsMatch(t, []string{"test", "submit", "file", "dispatch"}, e.kinds())
	raw, err := json.Marshal(e.heard)
	require.NoError(t, err)
	for _, secret := range []string{"13900000001", "请尽快派人来看一下", "119.30"} {
		require.NotContains(t, string(raw), secret)
	}
	e.mu.Lock()
	e.down = true
	e.mu.Unlock()
	p.staff("so1").act(caseID, "sign", obj{}).ok(200)
	p.anyone().get("/sandbox/messages").ok(200)
	log := adm.get("/admin/webhooks/" + id + "/deliveries").ok(200).list("items")
	require.Equal(t, "FAILED", log[0]["state"])
	require.Equal(t, "REFUSED", log[0]["tries"].([]any)[0].(obj)["outcome"])
	require.NotEmpty(t, adm.get("/admin/deliveries/figures").ok(200).list("parked"))

	e.mu.Lock()
	e.down = false
	e.mu.Unlock()
	require.EqualValues(t, 1, adm.post("/admin/deliveries/redrive", obj{}).ok(200).Body["messages"])
	p.anyone().get("/sandbox/messages").ok(200)
	require.Contains(t, e.kinds(), "sign")
	again := log[1]["id"].(string)
	require.EqualValues(t, 1, adm.post("/admin/deliveries/redrive", obj{"ids": []string{again}}).ok(200).Body["messages"])
	p.anyone().get("/sandbox/messages").ok(200)
	require.Equal(t, 2, e.times(again), "a replay has the key of the first")

	settings["webhook_hosts"] = []string{"api.example.gov.cn"}
	adm.do("PUT", "/admin/notices/settings", settings).ok(204)
	before := len(e.kinds())
	p.resident(2).report("06010", obj{"point": north(near(), 150)}).ok(201)
	p.anyone().get("/sandbox/messages").ok(200)
	require.Len(t, e.kinds(), before, "off the list, nothing is posted")
	adm.do("DELETE", "/admin/webhooks/"+id, nil).ok(204)
	p.wechat(adm)
}

// wechat: a resident binds the openid that WeChat's own page gives for a code. The state is of this account, and for ten minutes; from
// then on WeChat is told what text messages told before, and when the person no longer follows, text messages take over again.
func (p *program) wechat(adm *who) {
	t := p.t
	var mu sync.Mutex
	told := map[string]int{} // openid → messages
	mux := http.NewServeMux()
	mux.HandleFunc("/sns/oauth2/access_token", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("appid") != "wx1" || q.Get("secret") != "hush" || q.Get("grant_type") != "authorization_code" || !strings.HasPrefix(q.Get("code"), "good") {
			_, _ = io.WriteString(w, `{"errcode":40029}`)
			return
		}
		_, _ = fmt.Fprintf(w, `{"openid":"o6_bmjrPTlm6_2sgVt7hMZ%s"}`, q.Get("code"))
	})
	mux.HandleFunc("/cgi-bin/stable_token", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"access_token":"t","expires_in":7200}`)
	})
	mux.HandleFunc("/cgi-bin/message/template/send", func(w http.ResponseWriter, r *http.Request) {
		var m struct {
			To string `json:"touser"`
		}
		_ = json.NewDecoder(r.Body).Decode(&m)
		mu.Lock()
		told[m.To]++
		mu.Unlock()
		_, _ = io.WriteString(w, `{"errcode":0,"msgid":1}`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	res, other := p.resident(3), p.resident(4)
	res.post("/me/wechat", nil).code(404, "WECHAT_NOT_SET_UP")
	adm.post("/admin/channels", obj{"name": "公众号", "kind": "wechat_mp", "settings": obj{"endpoint": strings.Replace(server.URL, "127.0.0.1", "hook.localhost", 1), "app_id": "wx1", "app_secret": "hush", "templates": "*=T1:text"}}).ok(201)

	p.anyone().post("/me/wechat", nil).ok(401)
	begun := res.post("/me/wechat", nil).ok(200)
	u, err := url.Parse(begun.str("url"))
	require.NoError(t, err)
	require.Equal(t, "open.weixin.qq.com", u.Host)
	require.Equal(t, begun.str("state"), u.Query().Get("state"))
	require.NotContains(t, begun.str("url"), "hush")
	bound := func(w *who, code, state string) *reply {
		return w.post("/me/wechat/bound", obj{"code": code, "state": state})
	}
	bound(other, "good1", begun.str("state")).code(403, "WECHAT_STATE") // a link that somebody else made
	bound(res, "good1", "AAAA").code(403, "WECHAT_STATE")
	bound(res, "bad", begun.str("state")).code(422, "INVALID")
	require.Equal(t, false, res.get("/me/notices").ok(200).Body["wechat"])
	bound(res, "good1", begun.str("state")).ok(204)
	require.Equal(t, true, res.get("/me/notices").ok(200).Body["wechat"])

	texts := func() (n int) {
		for _, m := range p.messages("13900000003", "submitted") {
			if m["channel"] == "SMS" {
				n++
			}
		}
		return n
	}
	before := texts()
	res.report("06010", obj{"point": north(near(), 100)}).ok(201)
	require.Equal(t, before, texts(), "no text message besides")
	mu.Lock()
	first := told["o6_bmjrPTlm6_2sgVt7hMZgood1"]
	require.Positive(t, first)
	require.Len(t, told, 1)
	mu.Unlock()
	bound(res, "good2", res.post("/me/wechat", nil).ok(200).str("state")).ok(204) // another WeChat: one openid per account
	res.do("DELETE", "/me/wechat", nil).ok(204)
	res.report("06010", obj{"point": north(near(), 100)}).ok(201)
	require.Equal(t, before+1, texts())
	mu.Lock()
	require.Equal(t, first, told["o6_bmjrPTlm6_2sgVt7hMZgood1"])
	mu.Unlock()
}

// What somebody refuses is not sent, except that staff are called to their duty; a silenced case is silent, and the resident
// sees everything that was said.
func TestWishesAndSilence(t *testing.T) {
	p := start(t)
	res, so := p.resident(1), p.staff("so1")
	first := res.report("06010").ok(201)
	code := first.str("receipt_code")
	require.Equal(t, []string{"APP", "SMS"}, channels(p.messages("13900000001", "submitted")))
	told := res.get("/reports/" + code + "/messages").ok(200)
	require.Contains(t, texts(told.list("items")), texts(p.messages("13900000001", "dispatched"))[0])
	require.Equal(t, false, told.Body["muted"])
	p.anyone().get("/reports/"+code+"/messages").code(404, "NOT_FOUND")
	require.Len(t, p.anyone().get("/reports/"+code+"/messages?phone_tail=0001").ok(200).list("items"), len(told.list("items")))

	res.do("PUT", "/reports/"+code+"/messages", obj{"muted": true}).ok(204)
	require.Equal(t, true, res.get("/reports/" + code + "/messages").ok(200).Body["muted"])
	id := first.str("case_id")
	p.staff("dis1").act(id, "extend", obj{"budget": "1WD", "reason": "x"})
	so.act(id, "sign", obj{}).ok(200)
	so.act(id, "contact", obj{"method": "PHONE"}).ok(200)
	so.act(id, "resolve", so.done()).ok(200)
	p.anyone().get("/sandbox/messages").ok(200)
	for _, m := range p.messages("13900000001", "") {
		if m["event"] != "submitted" && m["event"] != "otp" {
			require.Equal(t, "APP", m["channel"], "%v", m)
		}
	}
	res.do("PUT", "/me/notices", obj{"refused": []string{"SMS"}}).ok(204)
	res.report("06010", obj{"point": north(near(), 150)}).ok(201)
	require.Len(t, channels(p.messages("13900000001", "submitted")), 3, "the second by the inbox alone")

	so.do("PUT", "/me/notices", obj{"refused": []string{"SMS"}, "email": "so1@example.gov.cn"}).ok(204)
	wishes := so.get("/me/notices").ok(200)
	require.Equal(t, "s***@example.gov.cn", wishes.str("email"))
	before := len(p.messages("so1", "dispatched"))
	p.resident(2).report("06010", obj{"point": north(near(), 50)}).ok(201)
	require.Equal(t, []string{"APP"}, channels(p.messages("so1", "dispatched")[before:]))
	p.resident(3).report("01001", obj{"text": "井盖不见了，很危险", "facets": obj{"cover_missing": "true"}}).ok(201)
	require.Contains(t, channels(p.messages("so1", "dispatched")[before:]), "SMS", "an urgent case reaches who has the duty")
	so.do("PUT", "/me/notices", obj{"refused": []string{"APP"}}).code(422, "INVALID")
	so.do("PUT", "/me/notices", obj{"refused": []string{}, "email": "nobody"}).code(422, "INVALID")
}

// Receipts of a provider: forged ones are refused, the same one is taken once, and an older state never overwrites a newer.
func TestReceiptsInOrder(t *testing.T) {
	t.Setenv("OUTBOUND_HOSTS", "hook.localhost=127.0.0.1")
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"id":"gw-`+r.Header.Get(channel.HeaderIdempotency)+`"}`)
	}))
	t.Cleanup(gateway.Close)
	p := startHere(t)
	adm := p.staff("adm1")
	kinds := adm.get("/admin/channels/kinds").ok(200).list("items")
	require.Len(t, kinds, 9)
	adm.post("/admin/channels", obj{"name": "网关", "kind": "sms_http", "settings": obj{"url": "https://x.example/"}}).code(422, "INVALID")
	adm.post("/admin/channels", obj{"name": "网关", "kind": "sms_http", "settings": obj{"url": "https://x.example/", "secret": "short"}}).code(422, "BAD_SETTINGS")
	id := adm.post("/admin/channels", obj{"name": "网关", "kind": "sms_http", "settings": obj{"url": strings.Replace(gateway.URL, "127.0.0.1", "hook.localhost", 1), "secret": hookSecret}}).ok(201).str("id")
	p.resident(1).report("06010").ok(201)
	p.anyone().get("/sandbox/messages").ok(200)
	var sent obj
	for _, d := range adm.get("/admin/deliveries?channel=SMS").ok(200).list("items") {
		if d["event"] == "submitted" {
			sent = d
		}
	}
	require.Equal(t, "网关", sent["provider"])
	require.Equal(t, "ACCEPTED", sent["report"])
	base := strings.TrimSuffix(p.base, "/api/v1")
	report := func(key, status string, seq int, forged bool) int {
		body, err := json.Marshal(obj{"reports": []obj{{"ref": "gw-" + sent["id"].(string), "status": status, "seq": seq}}})
		require.NoError(t, err)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/callbacks/350102/"+id, strings.NewReader(string(body)))
		require.NoError(t, err)
		stamp := nowStamp()
		req.Header.Set(channel.HeaderTimestamp, stamp)
		req.Header.Set(channel.HeaderIdempotency, key)
		req.Header.Set(channel.HeaderSignature, channel.Sign([]byte(hookSecret), stamp, key, body))
		if forged {
			req.Header.Set(channel.HeaderIdempotency, key+"x")
		}
		return (&who{p: p}).send(req).Status
	}
	state := func() any {
		for _, d := range adm.get("/admin/deliveries?channel=SMS").ok(200).list("items") {
			if d["id"] == sent["id"] {
				return d["report"]
			}
		}
		return nil
	}
	require.Equal(t, 401, report("a", "DELIVERED", 5, true))
	require.Equal(t, "ACCEPTED", state())
	require.Equal(t, 200, report("a", "DELIVERED", 5, false))
	require.Equal(t, 409, report("a", "DELIVERED", 5, false))
	require.Equal(t, 200, report("b", "UNDELIVERED", 4, false), "older")
	require.Equal(t, "DELIVERED", state())
	require.Equal(t, 422, report("c", "EATEN", 9, false))
	require.Equal(t, 200, report("d", "READ", 6, false))
	require.Equal(t, "READ", state())
}

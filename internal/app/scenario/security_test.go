package scenario

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/api"
)

// raw sends a body as it is.
func (w *who) raw(method, path, contentType string, body []byte, header ...string) *reply {
	w.p.t.Helper()
	req, err := http.NewRequestWithContext(w.p.t.Context(), method, w.p.base+path, bytes.NewReader(body))
	require.NoError(w.p.t, err)
	req.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return w.send(req)
}

// guarded are the headers that no answer of the API may lack, whatever it says: security row 19.
func (r *reply) guarded(what string) {
	r.t.Helper()
	require.Less(r.t, r.Status, 500, "%s: %s", what, r.Raw)
	require.Equal(r.t, []string{"nosniff", "DENY", "same-origin"}, []string{r.Header.Get("X-Content-Type-Options"), r.Header.Get("X-Frame-Options"), r.Header.Get("Referrer-Policy")}, what)
	require.Contains(r.t, r.Header.Get("Content-Security-Policy"), "default-src 'none'", what)
	require.NotEmpty(r.t, r.Header.Get("X-Request-ID"), what)
	for _, inside := range []string{"SQLSTATE", "goroutine ", ".go:", "pgx", "pq:"} {
		require.NotContains(r.t, string(r.Raw), inside, what)
	}
}

// Every route of the contract, by whoever may use it: hostile values in each parameter, an enormous page, a body too large, too deep,
// of another type, and a browser that another site sends. Nothing is a 500, nothing tells of the inside, nothing is changed.
// Security rows 11, 19, 20, 22, 24 of the quality page.
func TestEveryRouteWithstandsHostileInput(t *testing.T) {
	log := &captured{}
	p := start(t, log)
	own, _, _ := p.scenery(p.resident(1))
	callers := []*who{p.staff("adm1"), p.staff("dis1"), p.staff("sup1"), p.resident(1)}
	// The first of them whom the route does not refuse.
	caller := func(op operation, path string) *who {
		for _, w := range callers {
			if s := w.do(op.method, path, nil).Status; s != 401 && s != 403 && s != 404 {
				return w
			}
		}
		return callers[0]
	}
	before := p.staff("dis1").get("/cases/" + own.caseID + "/events").ok(200).Raw
	deep := []byte(strings.Repeat(`{"a":`, 9_000) + "1" + strings.Repeat("}", 9_000))
	large := []byte(`{"text":"` + strings.Repeat("x", 2<<20) + `"}`)
	line := "x\n{\"level\":\"ERROR\",\"msg\":\"forged\"}"
	doc, err := api.GetSpec()
	require.NoError(t, err)
	asked := 0
	for _, op := range operations(t) {
		if strings.HasPrefix(op.path, "/sandbox/") || op.path == "/stream" || op.path == "/auth/logout" {
			continue // practice only; a stream has no end; it ends the session
		}
		path := strings.NewReplacer("{key}", "dispatched.unit.SMS", "{receipt_code}", own.receipt, "{verb}", "rate", "{action}", "note").Replace(op.path)
		id := uuid.NewString()
		if strings.HasPrefix(path, "/cases/") {
			id = own.caseID
		}
		path = strings.ReplaceAll(path, "{id}", id)
		spec := doc.Paths.Value(op.path).Operations()[op.method]
		if op.method == http.MethodGet {
			w := caller(op, path)
			for _, param := range spec.Parameters {
				if param.Value.In != openapi3.ParameterInQuery {
					continue
				}
				for _, v := range []string{"'", "' or 1=1 --", "\x00", "%", "-1", "1000000000", "NaN", "1e400", line, strings.Repeat("长", 3000), "../../etc/passwd", "0x7f.1"} {
					r := w.get(path + "?" + url.Values{param.Value.Name: {v}}.Encode())
					r.guarded(op.path + "?" + param.Value.Name + "=" + v)
					require.LessOrEqual(t, len(r.list("items")), 200, "%s %s", op.path, v)
					asked++
				}
			}
			continue
		}
		w := callers[0]
		if strings.HasPrefix(op.path, "/devices/") {
			continue // by the key of a device; no cookie counts there
		}
		cookie := []string{"Cookie", "sid=" + w.token}
		browser := p.anyone()
		for _, from := range [][]string{{"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "null"}} {
			r := browser.raw(op.method, path, "application/json", []byte("{}"), append(from, cookie...)...)
			r.guarded(op.path)
			r.code(403, "CROSS_ORIGIN")
		}
		if r := w.raw(op.method, path, "application/json", large); spec.RequestBody != nil && spec.RequestBody.Value.Required && r.Status != 403 {
			require.Contains(t, []int{404, 413, 415, 422}, r.Status, "%s %s took two megabytes: %s", op.method, op.path, r.Raw)
		}
		for _, c := range callers {
			for _, body := range []struct {
				kind string
				body []byte
			}{{"application/json", deep}, {"application/json", []byte(`{"a":`)}, {"application/json", []byte("\xff\xfe\x00")}, {"application/json", []byte(`[1]`)}, {"text/plain", []byte("a=1")}, {"application/x-www-form-urlencoded", []byte("a=1")}} {
				r := c.raw(op.method, path, body.kind, body.body)
				r.guarded(op.method + " " + op.path + " " + body.kind)
				if spec.RequestBody != nil && spec.RequestBody.Value.Required {
					require.GreaterOrEqual(t, r.Status, 400, "%s %s took %s of %d bytes: %s", op.method, op.path, body.kind, len(body.body), r.Raw)
				}
				asked++
			}
		}
	}
	require.Greater(t, asked, 1000)
	require.Equal(t, string(before), string(p.staff("dis1").get("/cases/"+own.caseID+"/events").ok(200).Raw), "a refused request left a trace")
	require.NotContains(t, log.String(), "level=ERROR")
	for text := range strings.Lines(log.String()) {
		require.False(t, strings.HasPrefix(text, "{"), "a forged line: %s", text)
	}
}

// What is not there is not there, also for who looks for it: security row 25. And a session ends where it is ended: row 12.
func TestDoorsThatDoNotExist(t *testing.T) {
	p := start(t)
	root := strings.TrimSuffix(p.base, "/api/v1")
	for _, path := range []string{"/.git/config", "/.env", "/debug/pprof/", "/debug/pprof/heap", "/debug/vars", "/metrics", "/admin", "/admin/", "/swagger", "/swagger/index.html", "/actuator/health", "/phpinfo.php", "/server-status",
		"/backup.zip", "/config.json", "/keys.json", "/data/keys.json", "/etc/passwd", "/..%2f..%2fetc/passwd", "/assets/..%2f..%2fgo.mod", "/go.mod", "/wp-admin", "/console", "/graphql", "/river", "/postgres",
		"/api", "/api/", "/api/v1", "/api/v2/cases", "/api/v1/../../keys.json", "/api/v1/admin", "/w/../../go.mod", "//evil.example/x"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, root+"/", nil)
		require.NoError(t, err)
		req.URL.Opaque = strings.TrimPrefix(root, "http:") + path
		resp, err := http.DefaultTransport.RoundTrip(req)
		require.NoError(t, err, path)
		_ = resp.Body.Close()
		require.Contains(t, []int{400, 401, 404}, resp.StatusCode, path)
		require.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"), path)
		require.Empty(t, resp.Header.Get("Location"), path)
	}

	so := p.staff("so1")
	so.get("/me").ok(200)
	so.post("/auth/logout", nil)
	so.get("/me").code(401, "UNAUTHENTICATED")
	// Nobody fixes the id of somebody else's session: what was shown before is not what is given.
	planted := strings.Repeat("A", 43)
	r := p.anyone().do("POST", "/auth/login", obj{"username": "so2", "password": "sandbox-so2"}, "Cookie", "sid="+planted).ok(200)
	require.NotEqual(t, planted, r.str("token"))
	(&who{p: p, token: planted}).get("/me").code(401, "UNAUTHENTICATED")
}

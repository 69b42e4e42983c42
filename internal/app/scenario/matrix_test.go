package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/api"
)

var update = flag.Bool("update", false, "write the generated page docs/permissions.md instead of comparing it")

const permissionsPage = "../../../docs/permissions.md"

// column is one kind of caller of the matrix.
type column struct {
	role, name string
	*who
}

// columns are nobody, a guest, two residents and one account for each staff role. Roles that fixture F has no account
// for are given to accounts that the matrix does not need otherwise.
func (p *program) columns() []column {
	p.t.Helper()
	for name, role := range map[string]string{"wx1": "PROPERTY", "wxl": "NGO", "ldl": "CITY_VIEWER"} {
		tag, err := p.db.Engine.Pool.Exec(p.t.Context(), "update role_binding set role = $2 where account_id = (select id from account where username = $1)", name, role)
		require.NoError(p.t, err)
		require.EqualValues(p.t, 1, tag.RowsAffected())
	}
	out := []column{{"none", "", p.anyone()}, {"GUEST", "", &who{p: p, token: p.anyone().post("/auth/guest", nil).ok(200).str("token")}}, {"RESIDENT", "res1", p.resident(1)}, {"RESIDENT", "res2", p.resident(2)}}
	for _, name := range []string{"gw1", "gw2", "co1", "so1", "sl1", "ss1", "so2", "cg1", "cgl", "sj1", "rq1", "wx1", "wxl", "dis1", "arb1", "hot1", "cb1", "sup1", "com1", "aud1", "adm1", "ldl"} {
		w := p.staff(name)
		role := w.get("/me").ok(200).Body["roles"].([]any)[0].(string)
		out = append(out, column{role, name, w})
	}
	return out
}

// operation is one route of the contract with its permission.
type operation struct{ method, path, permission string }

func operations(t *testing.T) []operation {
	t.Helper()
	doc, err := api.GetSpec()
	require.NoError(t, err)
	var out []operation
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			permission, _ := op.Extensions["x-permission"].(string)
			require.NotEmpty(t, permission, "%s %s", method, path)
			out = append(out, operation{method, path, permission})
		}
	}
	slices.SortFunc(out, func(a, b operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return out
}

// things are what the routes' parameters are filled with.
type things struct{ caseID, callID, receipt, media, message string }

// probe asks a route with the least that reaches its own decision and gives the status. Bodies are empty objects: what
// an empty object does not satisfy is 422, after the permission. Nothing is changed but by what needs no body.
func (w *who) probe(op operation, th things) int {
	w.p.t.Helper()
	path := op.path
	fill := map[string]string{"{key}": "dispatched.unit.SMS", "{receipt_code}": th.receipt, "{verb}": "rate", "{action}": "note"}
	switch {
	case strings.HasPrefix(path, "/cases/"):
		fill["{id}"] = th.caseID
	case strings.HasPrefix(path, "/calls/"):
		fill["{id}"] = th.callID
	case strings.HasPrefix(path, "/admin/catalog/requests/"):
		fill["{id}"], fill["{verb}"] = th.message, "approve"
	case strings.HasPrefix(path, "/cards/"):
		fill["{id}"], fill["{verb}"] = th.message, "confirm"
	case strings.HasPrefix(path, "/media/"):
		fill["{id}"] = th.media
	default:
		fill["{id}"] = th.message
	}
	for k, v := range fill {
		path = strings.ReplaceAll(path, k, v)
	}
	var body any
	if op.method == http.MethodPost {
		body = obj{}
	}
	switch op.path {
	case "/locate", "/reports/nearby":
		path += "?lon=119.3080&lat=26.0875&datum=WGS84"
	case "/grids":
		path += "?level=street"
	case "/sandbox/clock":
		body = obj{"set": "soon"}
	case "/sandbox/reset":
		body = obj{"fixture": "none"}
	case "/auth/guest", "/auth/logout", "/inbox/{id}/read":
		body = nil
	case "/stream":
		return w.knock(path)
	}
	return w.do(op.method, path, body).Status
}

// knock opens a stream and leaves when the answer has begun.
func (w *who) knock(path string) int {
	w.p.t.Helper()
	ctx, cancel := context.WithCancel(w.p.t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.p.base+path, nil)
	require.NoError(w.p.t, err)
	if w.token != "" {
		req.Header.Set("Authorization", "Bearer "+w.token)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(w.p.t, err)
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode
}

// scenery is a case of 东街 that has been called, one of 温泉, and one of another district.
func (p *program) scenery(res *who) (own, other, abroad things) {
	p.t.Helper()
	photo := res.photo()
	r := res.report("06001", obj{"media_ids": []string{photo}}).ok(201)
	id := r.str("case_id")
	street := p.staff("so1")
	street.act(id, "sign", obj{}).ok(200)
	street.act(id, "contact", obj{"method": "PHONE"}).ok(200)
	called := p.staff("ss1").act(id, "call", obj{"level": "L2", "reason": "NO_POWER", "targets": []obj{{"unit": "D-CG", "lead": true}}}).ok(200)
	own = things{id, called.Body["call"].(obj)["id"].(string), r.str("receipt_code"), photo, uuid.NewString()}
	far := res.report("06001", obj{"point": obj{"lon": 119.3080, "lat": 26.0905, "datum": "WGS84"}}).ok(201)
	other = things{far.str("case_id"), uuid.NewString(), far.str("receipt_code"), uuid.NewString(), uuid.NewString()}
	abroad = things{uuid.NewString(), uuid.NewString(), "ABCD-EFGH", uuid.NewString(), uuid.NewString()}
	for _, sql := range []string{
		"insert into tenant (district, name, city) values ('350103', '台江区', '福州市')",
		"insert into cases select (jsonb_populate_record(c, jsonb_build_object('district', '350103', 'id', '" + abroad.caseID + "', 'case_no', '350103-20260608-000001'))).* from cases c where c.id = '" + own.caseID + "'",
	} {
		tag, err := p.db.Engine.Pool.Exec(p.t.Context(), sql)
		require.NoError(p.t, err)
		require.EqualValues(p.t, 1, tag.RowsAffected())
	}
	return own, other, abroad
}

// Who may call what: docs/permissions.md is what the running program answered, for every route of the contract and
// every role; a route that is not in it, or answers otherwise, fails.
func TestPermissionMatrix(t *testing.T) {
	p := start(t)
	columns := p.columns()
	own, other, abroad := p.scenery(columns[2].who)

	var b strings.Builder
	b.WriteString("# Permissions\n\nWhat the running program answers to every role, on fixture F. Generated by `go test ./internal/app/scenario -run TestPermissionMatrix -update`; a test compares it. Do not edit.\n\n" +
		"401 nobody is signed in · 403 signed in, but not this role's · 404 not there or out of scope, on purpose the same · 409 the state does not allow it · 422 permitted, the empty body is refused · 2xx done.\n\n## Routes\n\nThe case lies in 东街街道, is led by S-DJ, reported by `res1` and called to D-CG.\n\n")
	head := func(first ...string) {
		cells := slices.Clone(first)
		for _, c := range columns {
			cells = append(cells, strings.TrimSuffix(c.role+"<br/>"+c.name, "<br/>"))
		}
		fmt.Fprintf(&b, "| %s |\n|%s\n", strings.Join(cells, " | "), strings.Repeat("---|", len(cells)))
	}
	head("route", "permission")
	var last []operation
	ask := func(ops []operation) {
		for _, op := range ops {
			cells := []string{fmt.Sprintf("`%s %s`", op.method, op.path), "`" + op.permission + "`"}
			for _, c := range columns {
				got := c.probe(op, own)
				require.Less(t, got, 500, "%s %s by %s %s", op.method, op.path, c.role, c.name)
				cells = append(cells, fmt.Sprint(got))
			}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
		}
	}
	var first []operation
	for _, op := range operations(t) {
		if op.path == "/auth/logout" { // it ends the sessions
			last = append(last, op)
			continue
		}
		first = append(first, op)
	}
	ask(first)

	b.WriteString("\n## Scope\n\nThe same objects' routes with a case of 东街街道, of 温泉街道 (reported by `res1` as well), of another district, and with an id that does not exist.\n\n")
	head("route", "case")
	for _, op := range first {
		if !strings.HasPrefix(op.path, "/cases/{id}") && !strings.HasPrefix(op.path, "/reports/{receipt_code}") {
			continue
		}
		for _, of := range []struct {
			name string
			things
		}{{"东街", own}, {"温泉", other}, {"other district", abroad}, {"none", things{uuid.NewString(), "", "ZZZZ-ZZZZ", "", ""}}} {
			cells := []string{fmt.Sprintf("`%s %s`", op.method, op.path), of.name}
			for _, c := range columns {
				got := c.probe(op, of.things)
				if of.name == "other district" || of.name == "none" {
					require.NotEqual(t, 2, got/100, "%s %s: %s %s reaches a case of %s", op.method, op.path, c.role, c.name, of.name)
				}
				cells = append(cells, fmt.Sprint(got))
			}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
		}
	}
	for _, c := range columns { // absent and forbidden look the same, byte for byte
		strip := func(r *reply) string { delete(r.Body, "request_id"); return fmt.Sprint(r.Status, r.Body) }
		require.Equal(t, strip(c.get("/cases/"+uuid.NewString())), strip(c.get("/cases/"+abroad.caseID)), "%s %s", c.role, c.name)
	}

	b.WriteString("\n## The end of a session\n\n")
	head("route", "permission")
	ask(last)
	if *update {
		require.NoError(t, os.WriteFile(permissionsPage, []byte(b.String()), 0o644))
	}
	stored, err := os.ReadFile(permissionsPage)
	require.NoError(t, err, "run: go test ./internal/app/scenario -run TestPermissionMatrix -update")
	require.Equal(t, string(stored), b.String(), "docs/permissions.md is stale, run: go test ./internal/app/scenario -run TestPermissionMatrix -update")
}

// captured is a log that may be read while it is written.
type captured struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (c *captured) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.b.Write(p)
}
func (c *captured) String() string { c.mu.Lock(); defer c.mu.Unlock(); return c.b.String() }

// Who reports is told to nobody: the reporter's number, name and words are looked for in the bytes of every route's
// answer to every role, in the stream, in refusals and in the log.
func TestPersonalDataStaysInside(t *testing.T) {
	log := &captured{}
	p := start(t, log)
	const phone, name, words, told = "19900001111", "金丝雀小姐", "金丝雀在井盖下面唱歌", "18811112222"
	columns := p.columns()
	own, _, _ := p.scenery(columns[2].who)
	hot := columns[slices.IndexFunc(columns, func(c column) bool { return c.name == "hot1" })]
	r := hot.report("06001", obj{"text": words + "，请联系" + told, "phone": phone, "contact_name": name, "on_behalf": true}).ok(201)
	secret := things{r.str("case_id"), own.callID, r.str("receipt_code"), own.media, own.message}
	street := p.staff("so1")
	street.act(secret.caseID, "sign", obj{}).ok(200)
	street.act(secret.caseID, "contact", obj{"method": "PHONE", "talked_to": name}).ok(200)
	street.act(secret.caseID, "note", obj{"text": "回电" + phone}).ok(200)

	outside := []string{"none", "GUEST", "RESIDENT", "CITY_VIEWER", "TENANT_ADMIN", "NGO", "PROPERTY", "UTILITY"}
	look := func(c column, what string, raw []byte) {
		t.Helper()
		for _, number := range []string{phone, told, "13900000001"} {
			require.NotContains(t, string(raw), number, "%s tells %s %s a number", what, c.role, c.name)
		}
		require.NotContains(t, string(raw), name, "%s tells %s %s the name", what, c.role, c.name)
		if slices.Contains(outside, c.role) || c.name == "so2" {
			require.NotContains(t, string(raw), "金丝雀", "%s tells %s %s the words", what, c.role, c.name)
		}
	}
	saw := 0
	for _, c := range columns {
		for _, op := range operations(t) {
			if strings.HasPrefix(op.path, "/sandbox/") || op.path == "/stream" || op.path == "/auth/logout" || op.path == "/me/data" {
				continue // the practice mode shows what was sent; one's own copy is one's own
			}
			path := strings.NewReplacer("{receipt_code}", secret.receipt, "{verb}", "rate", "{action}", "note").Replace(op.path)
			id := map[bool]string{true: secret.caseID, false: secret.callID}[strings.HasPrefix(path, "/cases/")]
			path = strings.ReplaceAll(path, "{id}", id)
			if op.method == http.MethodGet {
				for _, query := range []string{"", "?limit=200", "?q=" + phone, "?phone_tail=1111&lon=119.3080&lat=26.0875&datum=WGS84"} {
					if strings.HasPrefix(query, "?phone_tail") && strings.Contains(op.path, "{receipt_code}") {
						continue // whoever has code and tail is the reporter
					}
					got := c.do(op.method, path+query, nil)
					look(c, op.path, got.Raw)
					if bytes.Contains(got.Raw, []byte(words)) {
						saw++
					}
				}
				continue
			}
			look(c, op.path, c.do(op.method, path, obj{"no_such_field": 1}).Raw) // refusals
		}
	}
	streams := make([][]byte, len(columns))
	var reading sync.WaitGroup
	for i, c := range columns {
		reading.Go(func() { streams[i] = c.catchUp() })
	}
	reading.Wait()
	streamed := false
	for i, c := range columns {
		look(c, "/stream", streams[i])
		streamed = streamed || (c.name == "dis1" && bytes.Contains(streams[i], []byte(secret.caseID)))
	}
	require.True(t, streamed, "the dispatcher's stream began without the case")
	require.NotZero(t, saw, "nobody sees the case: the canaries prove nothing")
	require.Contains(t, log.String(), "level=DEBUG")
	for _, canary := range []string{phone, told, "13900000001", "13900000002", "金丝雀"} {
		require.NotContains(t, log.String(), canary, "the log")
	}
}

// catchUp reads what a stream begins with when everything was missed. It does not fail: it runs beside the test.
func (w *who) catchUp() []byte {
	ctx, cancel := context.WithTimeout(w.p.t.Context(), 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.p.base+"/stream?since=2020-01-01T00:00:00Z", nil)
	if err != nil {
		return nil
	}
	if w.token != "" {
		req.Header.Set("Authorization", "Bearer "+w.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil
	}
	defer func() { _ = resp.Body.Close() }()
	raw, _ := io.ReadAll(resp.Body) // ends with the time: a stream has no end of its own
	return raw
}

// Nobody writes a column by its name: every field that the answer of a case has, and every column of the table, is
// refused as a field of an action.
func TestColumnsAreNoInputs(t *testing.T) {
	p := start(t)
	dis, so := p.staff("dis1"), p.staff("so1")
	id := p.resident(1).report("06001").ok(201).str("case_id")
	rows, err := p.db.Owner.Pool.Query(t.Context(), "select column_name from information_schema.columns where table_name in ('cases', 'assignment', 'sla_clock', 'account') and table_schema = 'public'")
	require.NoError(t, err)
	names := map[string]bool{}
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		names[name] = true
	}
	require.NoError(t, rows.Err())
	for name := range dis.thing(id).Body {
		names[name] = true
	}
	require.Greater(t, len(names), 80)
	before, err := json.Marshal(dis.thing(id).Body["version"])
	require.NoError(t, err)
	for name := range names {
		if name == "version" {
			continue
		}
		so.act(id, "sign", obj{name: "x"}).ok(422)
		p.anyone().post("/auth/login", obj{"username": "so1", "password": "sandbox-so1", "x_" + name: "x"}).ok(422)
	}
	after, err := json.Marshal(dis.thing(id).Body["version"])
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
}

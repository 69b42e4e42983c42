package scenario

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"yixian/internal/app"
	"yixian/internal/pg"
)

// configured is the configuration of a command beside the running program.
func (p *program) configured() app.Config {
	p.t.Helper()
	cfg, err := app.ReadConfig()
	require.NoError(p.t, err)
	cfg.Data, cfg.Sandbox, cfg.SandboxHere = p.data, true, true
	cfg.DatabaseURL, cfg.DatabaseOwnerURL, cfg.DatabaseEngineURL = p.db.URL(pg.RoleApp), p.db.URL(pg.RoleOwner), p.db.URL(pg.RoleEngine)
	return cfg
}

var docBody = regexp.MustCompile("(?s)```json\n(.*?)```")

// docs/rules.md, tried as it is written by a new administrator, and the file that comes out of it imported again.
func TestFirstRuleOfTheDocs(t *testing.T) {
	p := start(t)
	page, err := os.ReadFile("../../../docs/rules.md")
	require.NoError(t, err)
	says := func(method, path, body string) obj {
		require.Contains(t, string(page), method+" "+path+"`")
		require.Contains(t, string(page), body)
		var b obj
		require.NoError(t, json.Unmarshal([]byte(body), &b))
		return b
	}
	one, two := p.staff("adm1"), p.staff("adm2")
	require.Equal(t, 2.0, one.post("/admin/rules", says("POST", "/admin/rules", `{"note": "lamps"}`)).ok(201).Body["version"])
	found := docBody.FindSubmatch(page)
	require.NotNil(t, found)
	var body obj
	require.NoError(t, json.Unmarshal(found[1], &body))
	one.do("PUT", "/admin/rules/2/rules/R20", body).ok(200)
	one.do("PUT", "/admin/rules/2/rules/R20", body).code(409, "STALE")
	require.Equal(t, true, one.post("/admin/rules/2/check", nil).ok(200).Body["publishable"])
	require.Equal(t, "C-LD", one.post("/admin/rules/simulate", says("POST", "/admin/rules/simulate", `{"version": 2, "matter": "01037", "grid": "350102004001001"}`)).ok(200).str("lead"))
	one.post("/admin/rules/replay", says("POST", "/admin/rules/replay", `{"version": 2, "last": 500}`)).ok(200)
	two.post("/admin/rules/publish", says("POST", "/admin/rules/publish", `{"version": 2, "revision": 2}`)).ok(200)

	file := filepath.Join(t.TempDir(), "rules.json")
	current := one.get("/admin/rules/current").ok(200)
	require.NoError(t, os.WriteFile(file, current.Raw, 0o600))
	two.post("/admin/rules/1/rollback", says("POST", "/admin/rules/1/rollback", `{"reason": "市路灯处提出异议"}`)).ok(200)

	run := func(dry bool) (string, string, error) {
		var out, refused bytes.Buffer
		err := app.Import(t.Context(), p.configured(), slog.New(slog.DiscardHandler), &out, &refused, app.ImportQuery{What: "rules", File: file, DryRun: dry})
		return out.String(), refused.String(), err
	}
	out, _, err := run(true)
	require.NoError(t, err)
	require.Contains(t, out, `"dry_run":true`)
	require.Len(t, one.get("/admin/rules").ok(200).list("items"), 2)
	out, _, err = run(false)
	require.NoError(t, err)
	require.Contains(t, out, `"version":3,"status":"DRAFT"`)
	require.Equal(t, 0.0, one.post("/admin/rules/replay", obj{"version": 3, "against": 2}).ok(200).Body["moved"])

	// Line, column and caret; nothing is imported.
	require.NoError(t, os.WriteFile(file, []byte("{\"rules\": [\n  {\"id\": \"A\", \"when\": {\"op\": \"all\"}, \"then\": {\"lead\": \"street_of(grid)\"}},\n  {\"id\": \"B\", \"when\": {\"op\": \"eq\", \"var\": \"mater\", \"value\": \"1\"}, \"then\": {\"lead\": \"unit:D-GONE\"}}]}"), 0o600))
	_, refused, err := run(false)
	require.ErrorIs(t, err, app.ErrRefused)
	require.Contains(t, refused, "rules.json:3:43: /rules/B/when/var 没有变量 \"mater\"，您是不是要写 matter？")
	require.Contains(t, refused, "\n  "+string(bytes.Repeat([]byte(" "), 42))+"^")
	require.Len(t, one.get("/admin/rules").ok(200).list("items"), 3)

	var text bytes.Buffer
	require.NoError(t, app.Route(t.Context(), p.configured(), slog.New(slog.DiscardHandler), &text, app.RouteQuery{Matter: "01037", Lon: "119.3080", Lat: "26.0875", Explain: true}))
	require.Contains(t, text.String(), "R04c v1")
	require.Contains(t, text.String(), "✗ component.owner=C-LD")
	require.Contains(t, text.String(), "结果：D-JS")
}

package scenario

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"yixian/internal/app"
)

// The second district: a county with other unit codes.
const (
	countyHost = "lianjiang.example"
	countyUnit = `单位编码,单位名称,简称,类型,条线,上级编码,辖区编码,启用
L-ZX,连江县一线处置指挥中心,县指挥中心,区指挥中心,,,350122,是
T-FC,凤城镇人民政府,凤城镇,街镇,,L-ZX,350122100,是
350122100001,凤城社区,凤城社区,社区,,T-FC,350122100001,是
L-ZF,连江县综合执法局,执法局,区级部门,CITY_MGMT,L-ZX,,是
L-ZJ,连江县住建局,住建局,区级部门,CONSTRUCTION,L-ZX,,是
`
	countyUsers = `用户名,姓名,角色,单位编码,网格,启用
ldis,连调度,调度员,L-ZX,,是
lzj,连住建,部门经办,L-ZJ,,是
lfc,连凤城,街镇经办,T-FC,,是
lgw,连网格,网格员,350122100001,350122100001001,是
`
)

// Scenario 25, its second part: a district is cloned from a template by one command, its units, map and people are imported, and it
// takes, places and routes reports as the template does; neither district reads the other.
func TestScenario25SecondDistrictFromATemplate(t *testing.T) {
	t.Parallel()
	p := startWith(t, func(c *app.Config) { c.Hosts = map[string]string{countyHost: "350122"} })
	quiet := slog.New(slog.DiscardHandler)
	clone := func(q app.CloneQuery) (obj, string) {
		t.Helper()
		var out, told bytes.Buffer
		require.NoError(t, app.Clone(t.Context(), p.configured(), quiet, &out, &told, q))
		var said obj
		require.NoError(t, json.Unmarshal(out.Bytes(), &said))
		return said, told.String()
	}
	q := app.CloneQuery{From: "350102", To: "350122", Name: "连江县", DryRun: true}
	tried, _ := clone(q)
	require.Equal(t, true, tried["dry_run"])
	q.DryRun = false
	said, told := clone(q)
	require.Equal(t, tried["rules"], said["rules"])
	require.Contains(t, told, "CITY_MGMT 城市管理")
	require.Contains(t, told, "--tenant=350122")

	bring := func(what, name, content string) obj {
		t.Helper()
		file := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		var out, refused bytes.Buffer
		err := app.Import(t.Context(), p.configured(), quiet, &out, &refused, app.ImportQuery{What: what, File: file, District: "350122"})
		require.NoError(t, err, "%s", refused.String())
		var said obj
		require.NoError(t, json.Unmarshal(out.Bytes(), &said))
		return said
	}
	const west, south, east, north = 119.53, 26.19, 119.54, 26.20
	ground := []obj{square("350122", "连江县", west, south, east, north), square("350122100", "凤城镇", west, south, east, north), square("350122100001", "凤城社区", west, south, east, north), square("350122100001001", "凤城第一网格", west, south, east, north)}
	ground[3]["properties"].(obj)["land_use"] = "道路"
	raw, err := json.Marshal(obj{"type": "FeatureCollection", "features": ground})
	require.NoError(t, err)
	bring("units", "units.csv", countyUnit)
	bring("grids", "grids.geojson", string(raw))
	invited := bring("users", "users.csv", countyUsers)["invitations"].([]any)

	// The running program has seen the new district by itself.
	visitor := &who{p: p, host: countyHost}
	staff := map[string]*who{}
	for _, x := range invited {
		name, url := x.(obj)["username"].(string), x.(obj)["url"].(string)
		_, ticket, _ := strings.Cut(url, "#/password/")
		visitor.post("/auth/password", obj{"ticket": ticket, "password": "连江一线-4711"}).ok(200)
		staff[name] = &who{p: p, host: countyHost, token: visitor.post("/auth/login", obj{"username": name, "password": "连江一线-4711"}).ok(200).str("token")}
	}
	const phone = "13900000009"
	visitor.post("/auth/otp", obj{"phone": phone}).ok(202)
	codes := p.messages(phone, "otp")
	require.NotEmpty(t, codes)
	res := &who{p: p, host: countyHost, token: visitor.post("/auth/otp/verify", obj{"phone": phone, "code": sixDigits.FindString(codes[0]["text"].(string))}).ok(200).str("token")}
	at := obj{"point": obj{"lon": (west + east) / 2, "lat": (south + north) / 2, "datum": "WGS84"}}
	require.Eventually(t, func() bool { return res.get("/locate?lon=119.535&lat=26.195&datum=WGS84").Status == 200 }, time.Minute, 20*time.Millisecond)

	// R04c and R05 as in the template: the department of the same field of work, the street of the ground.
	lamp := res.report("01037", at).ok(201)
	require.Equal(t, "350122100001001", lamp.str("grid_code"))
	id := lamp.str("case_id")
	seen := staff["ldis"].thing(id)
	require.Equal(t, []string{"DISPATCHED", "L-ZJ", "T-FC"}, []string{seen.str("state"), seen.str("lead_unit"), seen.str("owner_unit")})
	require.Equal(t, "R04c", staff["ldis"].get("/cases/"+id+"/route").ok(200).str("rule"))
	rubbish := res.report("06010", at).ok(201).str("case_id")
	require.Equal(t, "T-FC", staff["ldis"].thing(rubbish).str("lead_unit"))
	staff["lzj"].act(id, "sign", obj{}).ok(200)
	require.Positive(t, recipients(p, "lzj", "dispatched"))

	// A field of work for which the county has no unit yet: the street stands in, and it is flagged.
	gas := staff["ldis"].thing(res.report("01057", at).ok(201).str("case_id"))
	require.Equal(t, "T-FC", gas.str("lead_unit"))

	// The wall: neither district reads the other.
	p.staff("dis1").get("/cases/"+id).code(404, "NOT_FOUND")
	own := p.resident(1).report("01037").ok(201)
	staff["ldis"].get("/cases/"+own.str("case_id")).code(404, "NOT_FOUND")
	require.Equal(t, "D-JS", p.staff("dis1").thing(own.str("case_id")).str("lead_unit"))
	require.Len(t, staff["ldis"].get("/cases").ok(200).list("items"), 3)
	require.NoError(t, app.Verify(t.Context(), p.configured(), quiet, &bytes.Buffer{}, "350122"))
}

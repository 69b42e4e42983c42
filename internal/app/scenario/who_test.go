package scenario

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// file posts a file as an administrator does.
func (w *who) file(path string, content []byte) *reply {
	w.p.t.Helper()
	req, err := http.NewRequestWithContext(w.p.t.Context(), http.MethodPost, w.p.base+path, bytes.NewReader(content))
	require.NoError(w.p.t, err)
	req.Header.Set("Content-Type", "application/octet-stream")
	return w.send(req)
}

// withPassword redeems the link of a new account and signs in.
func (p *program) withPassword(made *reply) *who {
	p.t.Helper()
	invitation := made.Body["invitation"].(obj)
	p.anyone().post("/auth/password", obj{"ticket": invitation["ticket"], "password": "初来乍到-4711"}).ok(200)
	r := p.anyone().post("/auth/login", obj{"username": invitation["username"], "password": "初来乍到-4711"}).ok(200)
	return &who{p: p, token: r.str("token")}
}

func user(name string, bindings ...obj) obj {
	return obj{"username": name, "display_name": "人" + name, "phone": fmt.Sprintf("137%08d", len(name)*1000+int(name[len(name)-1])), "bindings": bindings}
}

func recipients(p *program, name, event string) int {
	p.t.Helper()
	return len(p.messages(name, event))
}

// An administrator builds a unit with two officers and a roster; a call rings the one on duty only. At night, when nobody is on
// the roster, it rings both. A unit with open work is not retired, and the answer lists the work.
func TestRosterRingsWhoIsOnDuty(t *testing.T) {
	p := start(t)
	adm := p.staff("adm1")
	unit := adm.post("/admin/units", obj{"code": "D-YL", "name": "鼓楼区园林中心", "short_name": "园林中心", "kind": "DEPARTMENT", "parent": "D-CENTER", "line": "GREEN", "posts": []string{"值班长"}}).ok(201)
	require.Equal(t, "LINE", unit.str("axis"))
	adm.post("/admin/units", obj{"code": "D-YL", "name": "另一个", "short_name": "另", "kind": "DEPARTMENT"}).code(409, "EXISTS")
	binding := obj{"role": "DEPT_OFFICER", "unit": "D-YL", "post": "值班长"}
	day := adm.post("/admin/users", user("yl1", binding)).ok(201)
	adm.post("/admin/users", user("yl2", binding)).ok(201)
	require.Regexp(t, `^137\*+`, day.Body["user"].(obj)["phone"])
	officer := p.withPassword(day)
	p.anyone().post("/auth/password", obj{"ticket": day.Body["invitation"].(obj)["ticket"], "password": "初来乍到-4712"}).code(401, "TICKET_WRONG")
	roster := adm.do("PUT", "/admin/rosters/D-YL", obj{"version": 0, "shifts": []obj{
		{"username": "yl1", "weekday": 1, "from": "08:30", "to": "18:00"}, {"username": "yl2", "weekday": 2, "from": "08:30", "to": "08:30"}, {"day": "2026-06-10", "from": "00:00", "to": "24:00"},
	}}).ok(200)
	require.Equal(t, float64(1), roster.Body["version"])
	onDuty := func(at string) []obj { return p.staff("so1").get("/duty?unit=D-YL&at=" + at).ok(200).list("items") }
	require.Equal(t, "人yl1", onDuty("2026-06-08T10:00:00%2B08:00")[0]["name"])
	require.Equal(t, "人yl2", onDuty("2026-06-10T08:29:00%2B08:00")[0]["name"], "the night of Tuesday; the day's row begins at its midnight but names nobody")
	require.Empty(t, onDuty("2026-06-10T08:30:00%2B08:00"))

	res := p.resident(1)
	call := func() string {
		id := res.report("06001").ok(201).str("case_id")
		so := p.staff("so1")
		so.act(id, "sign", obj{}).ok(200)
		so.act(id, "contact", obj{"method": "PHONE"}).ok(200)
		p.staff("sl1").act(id, "call", obj{"level": "L2", "reason": "NO_POWER", "targets": []obj{{"unit": "D-YL", "lead": true}}}).ok(200)
		return id
	}
	p.at("06-08 10:00") // Monday
	id := call()
	require.Equal(t, 1, recipients(p, "yl1", "called"))
	require.Zero(t, recipients(p, "yl2", "called"))
	p.at("06-08 10:06")
	ways := func(name string) (out []string) {
		for _, m := range p.messages(name, "called") {
			out = append(out, m["channel"].(string))
		}
		return out
	}
	require.Equal(t, []string{"APP", "SMS", "VOICE"}, ways("yl1"))
	require.Empty(t, ways("yl2"))
	officer.act(id, "ack", obj{}).ok(200)

	p.at("06-08 20:00") // nobody is on the roster: never silent
	call()
	require.Equal(t, 4, recipients(p, "yl1", "called"))
	require.Equal(t, 1, recipients(p, "yl2", "called"))
	// Five minutes before a change of shift: the inbox of who goes, the telephone of who comes.
	p.at("06-09 08:29")
	p.at("06-10 08:29")
	call()
	p.at("06-10 08:36")
	require.Contains(t, ways("yl2"), "APP")

	held := adm.post("/admin/units/D-YL/retire", obj{"version": unit.Body["version"]}).code(409, "UNIT_IN_USE")
	kinds := map[string]obj{}
	for _, b := range held.list("blockers") {
		kinds[b["kind"].(string)] = b
	}
	require.Equal(t, float64(3), kinds["CALL"]["count"].(float64)+0)
	require.Equal(t, []any{"yl1", "yl2"}, kinds["STAFF"]["items"])
	require.Contains(t, held.str("detail"), "未完成的呼叫")
	require.Len(t, adm.get("/admin/units/D-YL/holders").ok(200).list("items"), len(kinds))
	adm.post("/admin/units/S-DJ/retire", obj{"version": 1}).code(409, "UNIT_IN_USE")

	// A unit that nothing holds is retired, keeps its code, takes nothing new, and comes back.
	adm.post("/admin/units", obj{"code": "N-ZY", "name": "志愿者协会", "short_name": "志愿者", "kind": "NGO"}).ok(201)
	gone := adm.post("/admin/units/N-ZY/retire", obj{"version": 1}).ok(200)
	require.Equal(t, false, gone.Body["active"])
	adm.post("/admin/units/N-ZY/retire", obj{"version": 2}).code(409, "WRONG_STATE")
	adm.post("/admin/users", user("zy1", obj{"role": "NGO", "unit": "N-ZY"})).code(422, "INVALID")
	adm.post("/admin/units/N-ZY/restore", obj{"version": 2}).ok(200)
	trail := p.staff("aud1").get("/admin/audit?kind=unit&key=N-ZY").ok(200).list("items")
	require.Equal(t, []string{"restore", "retire", "create"}, []string{trail[0]["action"].(string), trail[1]["action"].(string), trail[2]["action"].(string)})
	require.Equal(t, true, trail[1]["before"].(obj)["active"])
}

// The administrator reads no case and gives themself no role that does; disabling ends sessions at once; the audit holds no
// name and no number.
func TestAdministratorsAndCases(t *testing.T) {
	p := start(t)
	adm := p.staff("adm1")
	me := adm.get("/me").ok(200).Body["user"].(obj)["id"].(string)
	mine := adm.get("/admin/users/" + me).ok(200)
	adm.do("PUT", "/admin/users/"+me, obj{"version": mine.Body["version"], "display_name": "安管理", "bindings": []obj{{"role": "DISPATCHER", "unit": "D-CENTER"}}}).code(422, "INVALID")
	adm.do("PUT", "/admin/users/"+me, obj{"version": mine.Body["version"], "display_name": "安管理", "bindings": []obj{{"role": "TENANT_ADMIN"}, {"role": "SUPERVISOR"}}}).code(422, "ROLE_CONFLICT")
	adm.post("/admin/users", user("both", obj{"role": "TENANT_ADMIN"}, obj{"role": "AUDITOR"})).code(422, "ROLE_CONFLICT")
	adm.post("/admin/users/"+me+"/disable", obj{"version": mine.Body["version"]}).code(403, "OWN_ACCOUNT")
	adm.get("/cases").ok(403)

	second := p.withPassword(adm.post("/admin/users", user("adm9", obj{"role": "TENANT_ADMIN"})).ok(201))
	cg := p.staff("cg1")
	id := adm.get("/admin/users?q=cg1").ok(200).list("items")[0]
	// Two administrators at once: one wins, the other is told the version that holds now.
	var wg sync.WaitGroup
	codes := make([]*reply, 2)
	for i, w := range []*who{adm, second} {
		wg.Go(func() {
			codes[i] = w.do("PUT", "/admin/users/"+id["id"].(string), obj{"display_name": fmt.Sprint("程城管", i), "phone": "13799990000", "bindings": id["bindings"]}, "If-Match", fmt.Sprintf(`"%v"`, id["version"]))
		})
	}
	wg.Wait()
	if codes[0].Status != 200 {
		codes[0], codes[1] = codes[1], codes[0]
	}
	won := codes[0].ok(200)
	require.Equal(t, won.Body["version"], codes[1].code(409, "STALE").Body["version"])
	adm.do("PUT", "/admin/users/"+id["id"].(string), obj{"display_name": "x", "bindings": id["bindings"]}).code(422, "INVALID") // without a version
	cg.get("/me").ok(200)
	off := adm.post("/admin/users/"+id["id"].(string)+"/disable", obj{"version": won.Body["version"]}).ok(200)
	cg.get("/me").ok(401)
	require.Equal(t, true, off.Body["user"].(obj)["disabled"])
	adm.post("/admin/users/"+id["id"].(string)+"/invite", obj{}).code(409, "WRONG_STATE")

	raw := string(p.staff("aud1").get("/admin/audit?limit=200").ok(200).Raw)
	require.Contains(t, raw, `"changed":["display_name","phone"]`)
	for _, personal := range []string{"程城管0", "程城管1", "13799990000"} {
		require.NotContains(t, raw, personal)
	}
	p.staff("dis1").get("/admin/audit").ok(403)
	// The two administrators switch each other off at once: one of them stays.
	other := adm.get("/admin/users?q=adm9").ok(200).list("items")[0]
	mine = adm.get("/admin/users/" + me).ok(200)
	for i, f := range []func() *reply{
		func() *reply {
			return adm.post("/admin/users/"+other["id"].(string)+"/disable", obj{"version": other["version"]})
		},
		func() *reply { return second.post("/admin/users/"+me+"/disable", obj{"version": mine.Body["version"]}) },
	} {
		wg.Go(func() { codes[i] = f() })
	}
	wg.Wait()
	require.ElementsMatch(t, []int{200, 401}, []int{codes[0].Status, codes[1].Status}, "%s %s", codes[0].Raw, codes[1].Raw)
}

// A place code fills in the form; the report says where it came from and is counted; a component's code finds its owner.
func TestPlaceCodes(t *testing.T) {
	p := start(t)
	adm, res := p.staff("adm1"), p.resident(1)
	component := obj{"id": "35010201037000001", "name": "路灯 DJ-001", "owner_unit": "C-LD", "point": near(), "address": "东街口"}
	adm.post("/admin/components", component).ok(201)
	adm.post("/admin/components", obj{"id": "35010201037000002", "name": "远处", "owner_unit": "C-LD", "point": obj{"lon": 121.5, "lat": 31.2, "datum": "WGS84"}}).ok(422)
	adm.post("/admin/components", obj{"id": "35010201037000003", "name": "x", "owner_unit": "D-NO", "point": near()}).ok(422)
	code := adm.post("/admin/place_codes", obj{"kind": "COMPONENT", "component": "35010201037000001"}).ok(201)
	adm.post("/admin/place_codes", obj{"kind": "COMPONENT", "component": "35010201037000001"}).ok(422) // it has one
	shop := adm.post("/admin/place_codes", obj{"kind": "SHOP", "name": "老福州肉燕", "point": near()}).ok(201)
	grid := adm.post("/admin/place_codes", obj{"kind": "GRID", "grid": "350102004001001"}).ok(201)
	require.Equal(t, "军门社区001网格", grid.str("name"))

	filled := res.get("/place_codes/" + code.str("token")).ok(200)
	require.Equal(t, "01037", filled.str("matter"))
	require.Equal(t, "东街街道", filled.str("street_name"))
	require.InDelta(t, 119.3080, filled.Body["point"].(obj)["lon"], 1e-9)
	res.get("/place_codes/350102-ZZZZZZZZZZ").ok(404)

	id := res.report("01037", obj{"place_code": code.str("token"), "point": filled.Body["point"]}).ok(201).str("case_id")
	c := p.staff("dis1").thing(id)
	require.Equal(t, "PLACE_CODE", c.str("source"))
	require.Equal(t, "35010201037000001", c.str("component"))
	trace := string(p.staff("dis1").get("/cases/" + id + "/route").ok(200).Raw)
	require.Contains(t, trace, "component.owner", "the rule of the lamp's owner was looked at")
	require.Equal(t, float64(1), adm.get("/admin/place_codes/" + code.str("token")).ok(200).Body["reports"])
	// Without a code, the only component of the class at the place is meant.
	require.Equal(t, "35010201037000001", p.staff("dis1").thing(p.resident(2).report("01037", obj{"point": north(near(), 5)}).ok(201).str("case_id")).str("component"))
	require.Empty(t, p.staff("dis1").thing(p.resident(2).report("01037", obj{"point": north(near(), 60)}).ok(201).str("case_id")).str("component"))

	// The stickers of a worker's grids are the stops of the round: near enough, once a key however often it is sent, and nobody else's.
	gw, stop := p.staff("gw1"), code.str("token")
	require.Len(t, gw.get("/patrol").ok(200).list("items"), 3)
	require.Empty(t, gw.get("/patrol").ok(200).list("items")[0]["checked_at"])
	p.staff("so1").get("/patrol").ok(403)
	gw.post("/patrol/checkins", obj{"place_code": stop, "point": north(near(), 900)}).code(422, "TOO_FAR")
	gw.post("/patrol/checkins", obj{"place_code": stop, "point": obj{"lon": near()["lon"], "lat": near()["lat"], "datum": "WGS84", "accuracy_m": 900}}).code(422, "POOR_ACCURACY")
	gw.post("/patrol/checkins", obj{"place_code": stop, "point": near(), "happened_at": "2026-06-09T09:00:00+08:00"}).code(422, "INVALID")
	gw.post("/patrol/checkins", obj{"place_code": "350102-ZZZZZZZZZZ", "point": near()}).ok(404)
	p.staff("gw2").post("/patrol/checkins", obj{"place_code": grid.str("token"), "point": near()}).ok(404)
	var sent sync.WaitGroup
	var recorded atomic.Int32
	for range 8 {
		sent.Go(func() {
			r := gw.do("POST", "/patrol/checkins", obj{"place_code": stop, "point": north(near(), 80)}, "Idempotency-Key", "round-1")
			if r.Status == 201 && r.Body["replayed"] == false {
				recorded.Add(1)
			}
		})
	}
	sent.Wait()
	require.EqualValues(t, 1, recorded.Load(), "eight at once, one row")
	gw.do("POST", "/patrol/checkins", obj{"place_code": grid.str("token"), "point": grid.Body["point"]}, "Idempotency-Key", "round-1").code(422, "IDEMPOTENCY_MISMATCH")
	been := 0
	for _, x := range gw.get("/patrol").ok(200).list("items") {
		if x["checked_at"] != nil {
			been++
		}
	}
	require.Equal(t, 1, been)

	// A terminal in a hall is a place too; what people report at it counts as its own, and its receipt can be printed and read back.
	kiosk := adm.post("/admin/place_codes", obj{"kind": "KIOSK", "name": "军门社区大厅终端", "point": near()}).ok(201)
	adm.post("/admin/place_codes", obj{"kind": "KIOSK", "point": near()}).ok(422)
	require.Equal(t, "KIOSK", res.get("/place_codes/"+kiosk.str("token")).ok(200).str("kind"))
	printed := p.resident(2).report("06010", obj{"place_code": kiosk.str("token")}).ok(201)
	require.Equal(t, "KIOSK", p.staff("dis1").thing(printed.str("case_id")).str("source"))
	require.Len(t, printed.str("receipt_code"), 8)
	p.anyone().get("/reports/" + printed.str("receipt_code") + "?phone_tail=0002").ok(200)

	adm.post("/admin/place_codes/"+shop.str("token")+"/disable", obj{"version": 1}).ok(200)
	res.get("/place_codes/"+shop.str("token")).code(410, "PLACE_CODE_DISABLED")
	res.report("06001", obj{"place_code": shop.str("token")}).ok(422)
	svg := adm.get("/admin/place_codes/sheet?format=svg").ok(200)
	require.Equal(t, 3, strings.Count(string(svg.Raw), "<path"), "codes in use")
	if pdf := adm.get("/admin/place_codes/sheet"); pdf.Status != 503 {
		require.True(t, bytes.HasPrefix(pdf.ok(200).Raw, []byte("%PDF-")))
	}

	// A device's key is shown once.
	made := adm.post("/admin/devices", obj{"id": "smoke-1", "kind": "SMOKE", "building": "东街 1 号", "point": near()}).ok(201)
	require.Len(t, made.str("key"), 43)
	shown := string(adm.get("/admin/devices/smoke-1").ok(200).Raw)
	require.NotContains(t, shown, made.str("key"))
	require.Contains(t, shown, `"has_key":true`)
	again := adm.post("/admin/devices/smoke-1/key", obj{"version": made.Body["device"].(obj)["version"]}).ok(200)
	require.NotEqual(t, made.str("key"), again.str("key"))
	require.NotContains(t, string(adm.get("/admin/audit?kind=device").ok(200).Raw), "key_hash")
}

// Every kind of file: what was exported is imported without a change; one wrong line refuses all, by line and column; the
// change takes effect.
func TestFilesGoRound(t *testing.T) {
	p := start(t)
	adm := p.staff("adm1")
	adm.post("/admin/components", obj{"id": "35010201037000001", "name": "=路灯", "owner_unit": "C-LD", "maintainer_unit": "D-CG", "point": near()}).ok(201)
	adm.post("/admin/devices", obj{"id": "smoke-1", "kind": "SMOKE", "point": near()}).ok(201)
	adm.post("/admin/place_codes", obj{"kind": "GRID", "grid": "350102004001001"}).ok(201)
	adm.do("PUT", "/admin/rosters/D-CG", obj{"version": 0, "shifts": []obj{{"username": "cg1", "weekday": 1, "from": "18:00", "to": "08:30"}, {"username": "cgl", "day": "2026-10-01", "from": "00:00", "to": "24:00"}, {"day": "2026-10-02", "from": "00:00", "to": "24:00"}}}).ok(200)
	for _, kind := range []string{"units", "users", "components", "devices", "rosters", "place_codes"} {
		for _, format := range []string{"csv", "xlsx"} {
			file := adm.get("/admin/" + kind + "/export?format=" + format).ok(200)
			require.Contains(t, file.Header.Get("Content-Disposition"), kind+"."+format)
			for _, dry := range []string{"true", "false"} {
				got := adm.file("/admin/"+kind+"/import?dry_run="+dry, file.Raw).ok(200)
				require.Zero(t, got.Body["created"].(float64)+got.Body["changed"].(float64), "%s %s: %s", kind, format, got.Raw)
				require.Positive(t, got.Body["unchanged"])
			}
		}
	}
	units := string(adm.get("/admin/units/export").ok(200).Raw)
	bad := strings.Replace(units, "城管局", "综合执法局", 1) + "D-NEW,新单位,新单位,街镇,,D-CENTER,350102004,,是\r\nD-X,丙,丙,部门啊,,D-NO,,,是\r\n"
	refused := adm.file("/admin/units/import", []byte(bad)).code(422, "IMPORT_REFUSED")
	require.Equal(t, "类型", refused.list("problems")[0]["column"], "what a cell says comes first: %s", refused.Raw)
	bad = strings.Replace(bad, "部门啊", "区级部门", 1)
	refused = adm.file("/admin/units/import", []byte(bad)).code(422, "IMPORT_REFUSED")
	var found []string
	lines := strings.Count(units, "\n")
	for _, x := range refused.list("problems") {
		require.NotEmpty(t, x["mend"])
		found = append(found, fmt.Sprint(x["line"].(float64)-float64(lines), " ", x["column"]))
	}
	require.Equal(t, []string{"1 辖区编码", "2 上级编码"}, found, "%s", refused.Raw)
	require.Equal(t, "城管局", adm.get("/admin/units/D-CG").ok(200).str("short_name"), "nothing was imported")
	good := strings.Replace(units, "城管局", "综合执法局", 1) + "D-NEW,新单位,新单位,区级部门,,D-CENTER,,值班长;经办,是\r\n"
	require.Equal(t, float64(1), adm.file("/admin/units/import?dry_run=true", []byte(good)).ok(200).Body["changed"])
	adm.get("/admin/units/D-NEW").ok(404)
	require.Equal(t, float64(1), adm.file("/admin/units/import", []byte(good)).ok(200).Body["created"])
	var names []string
	for _, u := range p.staff("dis1").get("/units").ok(200).list("items") {
		names = append(names, u["short_name"].(string))
	}
	require.Contains(t, names, "综合执法局", "decisions see it at once")

	people := "用户名,姓名,手机号,角色,单位编码,网格,岗位,启用\nnew1,新人,13712345678,部门经办,D-NEW,,值班长,是\nnew1,新人,13712345678,网格员,350102004001,350102004001001,,是\n"
	made := adm.file("/admin/users/import", []byte(people)).ok(200)
	require.Len(t, made.list("invitations"), 1)
	require.NotContains(t, string(made.Raw), "13712345678")
	adm.file("/admin/users/import", []byte(strings.Replace(people, "值班长", "局长", 1))).code(422, "IMPORT_REFUSED")
	adm.file("/admin/users/import", []byte("用户名,姓名,角色,启用\nadm1,安管理,调度员,是\n")).code(422, "IMPORT_REFUSED")
	p.staff("dis1").file("/admin/users/import", []byte(people)).ok(403)
	huge := adm.file("/admin/units/import", bytes.Repeat([]byte("a,"), 1_000_000)).code(422, "IMPORT_REFUSED")
	require.Len(t, huge.list("problems"), 1)
}

// Configuration changes while reports pour in: every report is taken, and none waits for the reload.
func TestIntakeGoesOnWhileUnitsChange(t *testing.T) {
	p := start(t)
	adm := p.staff("adm1")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	failed := make(chan string, 100)
	taken := make([]int, 3)
	residents := []*who{p.resident(1), p.resident(2), p.resident(3)} // the practice mode's messages wait until nothing is pending
	for i, w := range residents {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if r := w.report("06001"); r.Status != 201 {
					failed <- string(r.Raw)
					return
				}
				taken[i]++
			}
		})
	}
	for i := range 6 {
		u := adm.get("/admin/units/D-WX").ok(200)
		adm.do("PUT", "/admin/units/D-WX", obj{"version": u.Body["version"], "name": fmt.Sprint("网信办", i), "short_name": "网信办", "kind": "DEPARTMENT", "parent": "D-CENTER"}).ok(200)
	}
	close(stop)
	wg.Wait()
	select {
	case bad := <-failed:
		t.Fatal(bad)
	default:
	}
	for _, n := range taken {
		require.Positive(t, n)
	}
}

// The district's own days: set, taken back, as a file; an open working clock moves with them; only the administrator may.
func TestCalendarDays(t *testing.T) {
	p := start(t)
	adm := p.staff("adm1")
	p.staff("sup1").get("/admin/calendars").ok(403)
	id := p.resident(1).report("06010").ok(201).str("case_id")
	due := func() any { return clock(p.staff("dis1").thing(id), "HANDLE", "")["due_at"] }
	before := due()
	set := adm.do("PUT", "/admin/calendars", obj{"days": []obj{{"day": "2026-06-08", "is_work": false}, {"day": "2026-06-09", "is_work": false}}}).ok(200)
	require.Equal(t, float64(2), set.Body["created"])
	require.Zero(t, adm.do("PUT", "/admin/calendars", obj{"days": []obj{{"day": "2026-06-09", "is_work": false}}}).ok(200).Body["changed"])
	p.at("06-08 09:01")
	require.NotEqual(t, before, due(), "the open clock is measured again")
	file := adm.get("/admin/calendars/export?format=xlsx").ok(200).Raw
	require.Equal(t, float64(2), adm.file("/admin/calendars/import?dry_run=true", file).ok(200).Body["unchanged"])
	adm.file("/admin/calendars/import", []byte("日期,上班\n2026-06-09,是\n明天,否\n")).code(422, "IMPORT_REFUSED")
	require.Equal(t, float64(2), adm.do("PUT", "/admin/calendars", obj{"remove": []string{"2026-06-08", "2026-06-09"}}).ok(200).Body["changed"])
	require.Empty(t, adm.get("/admin/calendars?year=2026").ok(200).list("items"))
	p.at("06-08 09:03")
	require.Equal(t, before, due())
	require.Len(t, p.staff("aud1").get("/admin/audit?kind=calendar").ok(200).list("items"), 4)
}

package scenario

import (
	"bytes"
	"encoding/csv"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"
)

// item is the newest version of a matter as the administrator reads it, ready to be sent back with changes.
func (w *who) item(code string) obj {
	w.p.t.Helper()
	it := w.get("/admin/catalog/" + code + "?kind=matter").ok(200).list("items")[0]
	for _, readOnly := range []string{"latest", "state", "major", "made_at", "made_by", "approved_by"} {
		delete(it, readOnly)
	}
	return it
}

// send posts a file as it is.
func (w *who) sendFile(path string, body io.Reader) *reply {
	w.p.t.Helper()
	req, err := http.NewRequestWithContext(w.p.t.Context(), http.MethodPost, w.p.base+path, body)
	require.NoError(w.p.t, err)
	req.Header.Set("Content-Type", "text/csv")
	return w.send(req)
}

func (r *reply) pointers() (out []string) {
	for _, e := range r.list("errors") {
		out = append(out, e["pointer"].(string))
	}
	return out
}

func TestCatalogIsChangedByVersions(t *testing.T) {
	p := start(t)
	adm, res := p.staff("adm1"), p.resident(1)
	p.anyone().get("/admin/catalog").code(401, "UNAUTHENTICATED")
	for _, name := range []string{"dis1", "sup1", "aud1", "so1", "gw1"} {
		p.staff(name).get("/admin/catalog").code(403, "FORBIDDEN")
		p.staff(name).do("PUT", "/admin/catalog/06011", adm.item("06011")).code(403, "FORBIDDEN")
	}

	// All 652 items, page by page, each once.
	seen, cursor := map[string]bool{}, ""
	for {
		page := adm.get("/admin/catalog?limit=200&cursor=" + cursor).ok(200)
		for _, it := range page.list("items") {
			key := it["kind"].(string) + it["code"].(string)
			require.False(t, seen[key], key)
			seen[key] = true
		}
		if cursor = page.str("next_cursor"); cursor == "" {
			break
		}
	}
	require.Len(t, seen, 652)
	require.Equal(t, "06011", adm.get("/admin/catalog?q=" + url.QueryEscape("积存垃圾")).ok(200).list("items")[0]["code"])
	require.Empty(t, adm.get("/admin/catalog?state=upcoming").ok(200).list("items"))
	adm.get("/admin/catalog/99999").code(404, "NOT_FOUND")

	// What is wrong is named, and nothing changes.
	for pointer, spoil := range map[string]obj{
		"/sla/1/budget": {"sla": []obj{{"name": "stop", "budget": "4WH"}, {"name": "fix", "budget": "3 Wochen"}}}, "/sla/0/name": {"sla": []obj{{"name": "", "budget": "4WH"}}},
		"/lead_expr": {"lead_expr": "office of the mayor"}, "/assist_expr/1": {"assist_expr": []string{"line:FIRE", "line:NOBODY"}}, "/facets/0": {"facets": []string{"no_such_question"}},
		"/check_mode": {"check_mode": "SAMPLE(101)"}, "/level": {"level": "MOON"}, "/area": {"area": "350122004"}, "/valid_from": {"valid_from": "2026-06-07T09:00:00+08:00"},
		"/valid_to": {"valid_to": "2026-06-07T09:00:00+08:00"}, "/legal_basis/0": {"legal_basis": []string{" "}}, "/code": {"code": "06012"},
	} {
		it := adm.item("06011")
		maps.Copy(it, spoil)
		require.Contains(t, adm.do("PUT", "/admin/catalog/06011", it).code(422, "INVALID").pointers(), pointer)
	}
	it := adm.item("06011")
	it["lead_expr"] = "unit:NOBODY"
	require.Contains(t, adm.do("PUT", "/admin/catalog/06011", it).code(422, "UNIT_RETIRED").pointers(), "/lead_expr")
	_, err := p.db.Engine.Pool.Exec(t.Context(), "update org_unit set active = false where code = 'D-WX'")
	require.NoError(t, err)
	p.until(func() bool {
		return !slices.ContainsFunc(adm.get("/units").ok(200).list("items"), func(u obj) bool { return u["code"] == "D-WX" })
	})
	it["lead_expr"], it["assist_expr"] = "line:CITY_MGMT", []string{"unit:D-WX"}
	require.Contains(t, adm.do("PUT", "/admin/catalog/06011", it).code(422, "UNIT_RETIRED").pointers(), "/assist_expr/0")
	require.Len(t, adm.get("/admin/catalog/06011?kind=matter").ok(200).list("items"), 1)

	// A change from the newest version on; an instant ahead takes force by itself.
	before := res.report("06011").ok(201)
	it = adm.item("06011")
	it["sla"], it["lead_expr"], it["path"], it["note"] = []obj{{"name": "handle", "budget": "1WH"}}, "unit:D-CG", "DIRECT", "改由城管局直办"
	it["valid_from"] = "2026-06-09T00:00:00+08:00"
	v := adm.do("PUT", "/admin/catalog/06011", it).ok(200)
	require.EqualValues(t, 2, v.Body["version"])
	require.Equal(t, "UPCOMING", v.Body["state"])
	require.Equal(t, "安管理", v.Body["made_by"])
	stale := adm.do("PUT", "/admin/catalog/06011", it).code(409, "STALE")
	require.EqualValues(t, 2, stale.Body["version"])
	require.Equal(t, "DISPATCHED", res.report("06011").ok(201).str("case_state"))
	p.at("06-08 23:59")
	dis := p.staff("dis1")
	old := dis.thing(res.report("06011").ok(201).str("case_id"))
	require.Equal(t, "S-DJ", old.str("lead_unit"))
	require.EqualValues(t, 1, old.Body["item_version"])
	p.at("06-09 09:00")
	fresh := dis.thing(res.report("06011").ok(201).str("case_id"))
	require.Equal(t, "D-CG", fresh.str("lead_unit"))
	require.EqualValues(t, 2, fresh.Body["item_version"])
	p.same(fresh.Body["promise_at"], "06-09 10:00")
	require.EqualValues(t, 1, dis.thing(before.str("case_id")).Body["item_version"], "what was filed keeps its version")
	versions := adm.get("/admin/catalog/06011?kind=matter").ok(200).list("items")
	require.Len(t, versions, 2)
	require.Equal(t, "IN_FORCE", versions[0]["state"])
	require.Equal(t, "ENDED", versions[1]["state"])

	// A new item, once; retired again it can be reported no more.
	fresher := obj{"code": "21099", "name": "外卖骑手占道等单", "name_en": "Delivery riders waiting on the pavement", "level": "STREET", "lead_expr": "street_of(grid)", "sla": []obj{{"name": "handle", "budget": "4WH"}}, "synonyms": []string{"骑手占道"}}
	first := adm.do("POST", "/admin/catalog", fresher, "Idempotency-Key", "new-1").ok(201)
	require.Equal(t, first.Body, adm.do("POST", "/admin/catalog", fresher, "Idempotency-Key", "new-1").ok(201).Body)
	adm.post("/admin/catalog", fresher).code(409, "ITEM_EXISTS")
	require.Equal(t, "YX-LOCAL", first.str("standard"))
	res.report("21099").ok(201)
	require.Equal(t, "21099", res.get("/matters?q=" + url.QueryEscape("骑手占道")).ok(200).list("items")[0]["code"])
	adm.post("/admin/catalog/21099/retire", obj{"version": 1}).ok(200)
	res.report("21099").code(422, "INVALID")
	require.Empty(t, adm.get("/admin/catalog?q=21099").ok(200).list("items"))
	require.Len(t, adm.get("/admin/catalog?state=ended&q=21099").ok(200).list("items"), 1)

	trail := p.staff("aud1").get("/admin/audit?kind=catalog").ok(200).list("items")
	require.Equal(t, []any{"retire", "create", "change"}, []any{trail[0]["action"], trail[1]["action"], trail[2]["action"]})
	require.Equal(t, "matter 06011", trail[2]["key"])
}

// until asks again until it is so: another process would have to load a change first.
func (p *program) until(so func() bool) {
	p.t.Helper()
	require.Eventually(p.t, so, 30*time.Second, 20*time.Millisecond)
}

func TestCatalogFile(t *testing.T) {
	p := start(t)
	adm := p.staff("adm1")
	export := func() [][]string {
		raw := adm.get("/admin/catalog/export").ok(200)
		require.Contains(t, raw.Header.Get("Content-Disposition"), "catalog-350102.csv")
		rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(raw.Raw, []byte("\ufeff")))).ReadAll()
		require.NoError(t, err)
		return rows
	}
	write := func(rows [][]string) io.Reader {
		var b bytes.Buffer
		require.NoError(t, csv.NewWriter(&b).WriteAll(rows))
		return &b
	}
	rows := export()
	require.Len(t, rows, 653)
	column := func(name string) int { return slices.Index(rows[0], name) }
	line := func(code string) int {
		return slices.IndexFunc(rows, func(r []string) bool { return r[column("类别")] == "事项" && r[column("编码")] == code })
	}
	figures := func(r *reply) []any { return []any{r.Body["added"], r.Body["changed"], r.Body["unchanged"]} }

	// What was written reads back as the same, in both formats.
	require.Equal(t, []any{0., 0., 652.}, figures(adm.sendFile("/admin/catalog/import", write(rows)).ok(200)))
	book := adm.get("/admin/catalog/export?format=xlsx").ok(200)
	require.Equal(t, []any{0., 0., 652.}, figures(adm.sendFile("/admin/catalog/import", bytes.NewReader(book.Raw)).ok(200)))

	// One item changed, one new, in GBK, from a form; a dry run changes nothing.
	rows[line("06011")][column("时限")] = "拦挡 4WH"
	bad := adm.sendFile("/admin/catalog/import?dry_run=true", write(rows)).code(422, "IMPORT_REFUSED")
	require.Len(t, bad.list("problems"), 1)
	require.EqualValues(t, line("06011")+1, bad.list("problems")[0]["line"])
	require.Equal(t, "时限", bad.list("problems")[0]["column"])
	rows[line("06011")][column("时限")] = "guard 30NM；fix 1WD"
	added := slices.Clone(rows[line("06012")])
	added[column("编码")], added[column("名称")], added[column("英文名称")] = "06098", "人行道积水", "Puddles on the pavement"
	rows = append(rows, added)
	gbk, err := io.ReadAll(transform.NewReader(write(rows), simplifiedchinese.GBK.NewEncoder()))
	require.NoError(t, err)
	require.Equal(t, []any{1., 1., 651.}, figures(adm.sendFile("/admin/catalog/import?dry_run=true", bytes.NewReader(gbk)).ok(200)))
	require.Len(t, export(), 653)
	done := adm.sendFile("/admin/catalog/import", bytes.NewReader(gbk)).ok(200)
	require.Equal(t, []any{1., 1., 651.}, figures(done))
	require.Equal(t, []any{"06011", "06098"}, done.Body["codes"])
	rows[line("06011")][column("时限")] = "guard 30NM;fix 1WD"
	require.True(t, slices.EqualFunc(rows[1:], sorted(export()[1:], rows[1:]), slices.Equal[[]string]))
	require.EqualValues(t, 2, adm.item("06011")["version"])

	// Every wrong line at once, and nothing taken.
	wrong := slices.Clone(rows)
	wrong[line("06011")] = slices.Clone(rows[line("06011")])
	wrong[line("06011")][column("优先级")] = "急"
	wrong[line("06012")] = slices.Clone(rows[line("06012")])
	wrong[line("06012")][column("主办")] = "unit:NOBODY"
	wrong[line("06013")] = slices.Clone(rows[line("06013")])
	wrong[line("06013")][column("名称")] = ""
	wrong = append(wrong, rows[line("06014")])
	r := adm.sendFile("/admin/catalog/import", write(wrong)).code(422, "IMPORT_REFUSED")
	at := map[string]float64{}
	for _, x := range r.list("problems") {
		at[x["column"].(string)] = x["line"].(float64)
	}
	require.Equal(t, float64(line("06011")+1), at["优先级"])
	require.Equal(t, float64(line("06012")+1), at["主办"])
	require.Equal(t, float64(line("06013")+1), at["名称"])
	require.Len(t, r.list("problems"), 4)
	require.EqualValues(t, 2, adm.item("06011")["version"])

	// Files that no table is: refused within bounds.
	adm.sendFile("/admin/catalog/import", strings.NewReader(strings.Repeat("编码,", 1_000_000))).code(422, "IMPORT_REFUSED")
	adm.sendFile("/admin/catalog/import", strings.NewReader("PK\x03\x04broken")).code(422, "INVALID")
	adm.sendFile("/admin/catalog/import", io.LimitReader(zeroes{}, 1<<30)).code(413, "TOO_LARGE")
	p.staff("sup1").sendFile("/admin/catalog/import", write(rows)).code(403, "FORBIDDEN")

	// The access list is full: the file says so by line.
	full := slices.Clone(rows)
	for i := range full[1:] {
		full[i+1] = slices.Clone(full[i+1])
		full[i+1][column("层级")] = "社区"
	}
	require.Contains(t, string(adm.sendFile("/admin/catalog/import", write(full)).code(422, "IMPORT_REFUSED").Raw), "COMMUNITY_LIMIT")

	// Two at once: both are answered, and no item has two versions in force.
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			mine := slices.Clone(rows)
			mine[line("06011")] = slices.Clone(rows[line("06011")])
			mine[line("06011")][column("结案条件")] = strings.Repeat("清", i+1)
			adm.sendFile("/admin/catalog/import", write(mine)).ok(200)
		})
	}
	wg.Wait()
	require.EqualValues(t, 6, adm.item("06011")["version"])
	require.Len(t, export(), 654)
}

// sorted puts rows into the order of others by kind, code and area.
func sorted(rows, like [][]string) [][]string {
	out := make([][]string, 0, len(rows))
	for _, l := range like {
		for _, r := range rows {
			if slices.Equal(r[:3], l[:3]) {
				out = append(out, r)
			}
		}
	}
	return out
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { return len(p), nil }

// The report says what is missing where, and follows when it is mended.
func TestCatalogCoverage(t *testing.T) {
	p := start(t)
	adm := p.staff("adm1")
	p.staff("dis1").get("/admin/catalog/coverage").code(403, "FORBIDDEN")
	all := adm.get("/admin/catalog/coverage?limit=200").ok(200)
	require.EqualValues(t, 499*2, all.Body["pairs"])
	gaps := all.Body["gaps"].(obj)
	require.NotZero(t, gaps["UNIT"], "fixture F lacks most departments")
	require.Zero(t, gaps["SLA"])
	basis := gaps["BASIS"].(float64)
	require.NotZero(t, basis)
	n := 0
	cursor := ""
	for {
		page := adm.get("/admin/catalog/coverage?gap=BASIS&limit=200&cursor=" + cursor).ok(200)
		n += len(page.list("items"))
		if cursor = page.str("next_cursor"); cursor == "" {
			break
		}
	}
	require.EqualValues(t, basis, n)

	it := adm.item("06011")
	it["legal_basis"], it["sla"] = []string{"市容和环境卫生管理条例"}, []obj{}
	adm.do("PUT", "/admin/catalog/06011", it).ok(200)
	mended := adm.get("/admin/catalog/coverage?street=350102004&major=06&limit=200").ok(200)
	after := mended.Body["gaps"].(obj)
	require.EqualValues(t, basis-2, after["BASIS"])
	require.EqualValues(t, 2, after["SLA"])
	for _, row := range mended.list("items") {
		if row["code"] == "06011" {
			require.Equal(t, []any{"SLA"}, row["gaps"])
			require.Equal(t, "C06011", row["decided_by"])
		}
	}
	// Without a lead nothing but the backstop decides.
	it = adm.item("06011")
	it["lead_expr"], it["assist_expr"] = "", []string{}
	adm.do("PUT", "/admin/catalog/06011", it).ok(200)
	require.EqualValues(t, 2+gaps["RULE"].(float64), adm.get("/admin/catalog/coverage").ok(200).Body["gaps"].(obj)["RULE"])

	file := adm.get("/admin/catalog/coverage?format=csv&gap=SLA").ok(200)
	table, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file.Raw, []byte("\ufeff")))).ReadAll()
	require.NoError(t, err)
	require.Len(t, table, 3)
	// An item without a time of its own still promises that of its priority.
	require.NotNil(t, p.resident(1).report("06011").ok(201).Body["promise_at"])
}

// Beyond the limit of the access list a second person decides.
func TestCatalogAccessList(t *testing.T) {
	p := start(t)
	adm, sup := p.staff("adm1"), p.staff("sup1")
	list := adm.get("/admin/catalog/access").ok(200)
	require.EqualValues(t, 34, list.Body["limit"])
	room := int(34 - list.Body["used"].(float64))
	var codes []string
	for _, it := range adm.get("/admin/catalog?kind=matter&major=06&level=STREET").ok(200).list("items") {
		codes = append(codes, it["code"].(string))
	}
	require.Less(t, room, len(codes)-1)
	for _, code := range codes[:room] {
		it := adm.item(code)
		it["level"] = "COMMUNITY"
		adm.do("PUT", "/admin/catalog/"+code, it).ok(200)
	}
	it := adm.item(codes[room])
	it["level"] = "COMMUNITY"
	refused := adm.do("PUT", "/admin/catalog/"+codes[room], it).code(409, "COMMUNITY_LIMIT")
	require.EqualValues(t, 35, refused.Body["used"])
	adm.post("/admin/catalog/requests", obj{"item": it, "reason": "短"}).code(422, "INVALID")
	p.staff("sup1").post("/admin/catalog/requests", obj{"item": it, "reason": "社区有人手可以承接"}).code(403, "FORBIDDEN")
	id := adm.post("/admin/catalog/requests", obj{"item": it, "reason": "社区有人手可以承接"}).ok(201).str("id")
	adm.post("/admin/catalog/requests/"+id+"/approve", obj{}).code(403, "SAME_PERSON")
	p.staff("dis1").post("/admin/catalog/requests/"+id+"/approve", obj{}).code(403, "FORBIDDEN")
	require.Len(t, sup.get("/admin/catalog/requests?state=PENDING").ok(200).list("items"), 1)
	sup.post("/admin/catalog/requests/"+id+"/decline", obj{}).code(422, "INVALID")
	require.Equal(t, "APPROVED", sup.post("/admin/catalog/requests/"+id+"/approve", obj{"text": "同意"}).ok(200).str("state"))
	sup.post("/admin/catalog/requests/"+id+"/approve", obj{}).code(409, "ALREADY_DECIDED")
	now := adm.get("/admin/catalog/" + codes[room] + "?kind=matter").ok(200).list("items")[0]
	require.Equal(t, "COMMUNITY", now["level"])
	require.Equal(t, "孟督查", now["approved_by"])
	require.EqualValues(t, 35, adm.get("/admin/catalog/access").ok(200).Body["used"])

	// Declined, nothing changes; another limit is decided the same way.
	it = adm.item(codes[room+1])
	it["level"] = "COMMUNITY"
	id = adm.post("/admin/catalog/requests", obj{"item": it, "reason": "社区有人手可以承接"}).ok(201).str("id")
	sup.post("/admin/catalog/requests/"+id+"/decline", obj{"text": "社区没有执法权"}).ok(200)
	require.NotEqual(t, "COMMUNITY", adm.item(codes[room+1])["level"])
	id = adm.post("/admin/catalog/requests", obj{"limit": 36, "reason": "区里同意增加名额"}).ok(201).str("id")
	sup.post("/admin/catalog/requests/"+id+"/approve", obj{}).ok(200)
	adm.do("PUT", "/admin/catalog/"+codes[room+1], it).ok(200)
}

// A code of an older standard is taken with its standard, kept as it was given, and filed under what it is called now.
func TestOlderCodes(t *testing.T) {
	p := start(t)
	adm, hot := p.staff("adm1"), p.staff("hot1")
	r := hot.report("0102", obj{"standard_ref": "GB/T 30428.2-2013", "phone": "13900000001"}).ok(201)
	require.Equal(t, "06010", p.staff("dis1").thing(r.str("case_id")).str("matter"))
	var kept string
	require.NoError(t, p.db.Engine.Pool.QueryRow(t.Context(), "select matter || '|' || standard_ref || '|' || given_code from report where id = $1", r.str("report_id")).Scan(&kept))
	require.Equal(t, "06010|GB/T 30428.2-2013|0102", kept)

	require.Contains(t, hot.report("0102").code(422, "INVALID").pointers(), "/matter")
	hot.report("0599", obj{"standard_ref": "GB/T 30428.2-2013"}).code(422, "UNKNOWN_OLD_CODE")
	require.Len(t, adm.get("/admin/catalog/code_map?standard="+url.QueryEscape("CJ/T 214-2007")).ok(200).list("items"), 3)
	put := func(m ...obj) *reply { return adm.do("PUT", "/admin/catalog/code_map", obj{"items": m}) }
	require.Contains(t, put(obj{"standard_from": "GB/T 30428.2-2013", "code_from": "0599", "code_to": "99999"}).code(422, "INVALID").pointers(), "/items/0/code_to")
	require.EqualValues(t, 1, put(obj{"standard_from": "GB/T 30428.2-2013", "code_from": "0599", "code_to": "09006"}).ok(200).Body["set"])
	hot.report("0599", obj{"standard_ref": "GB/T 30428.2-2013"}).ok(201)
	require.EqualValues(t, 1, put(obj{"standard_from": "GB/T 30428.2-2013", "code_from": "0599", "code_to": ""}).ok(200).Body["removed"])
	hot.report("0599", obj{"standard_ref": "GB/T 30428.2-2013"}).code(422, "UNKNOWN_OLD_CODE")
	p.staff("dis1").get("/admin/catalog/code_map").code(403, "FORBIDDEN")
	hot.report("06010", obj{"standard_ref": "GB/T 47678.5-2026"}).ok(201)
}

package scenario

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// close brings a fresh report of a matter to CLOSED and returns its case.
func (p *program) closed(n int, matter, text string) string {
	p.t.Helper()
	id := p.resident(n).report(matter, obj{"text": text, "point": north(near(), 40)}).ok(201).str("case_id")
	so, gw := p.staff("so1"), p.staff("gw1")
	so.act(id, "sign", obj{}).ok(200)
	so.act(id, "contact", obj{"method": "PHONE"}).ok(200)
	so.act(id, "resolve", so.done()).ok(200)
	if p.staff("dis1").thing(id).str("state") == "RESOLVED" {
		gw.act(id, "check_pass", obj{"media_ids": []string{gw.photo()}, "point": near()}).ok(200)
	}
	return id
}

// TestScenario25 is reports without re-entry and open data; the second district of the scenario is dispatch.TestScenario25SecondDistrict.
func TestScenario25(t *testing.T) {
	p := start(t)
	var cases []string
	for n := 1; n <= 2; n++ {
		cases = append(cases, p.closed(n, "06010", "我家电话 13912345678，门口有暴露垃圾"))
	}
	p.resident(3).report("24001", obj{"text": "邻里纠纷，请求调解", "facets": obj{}}).ok(201)
	p.at("06-30 18:00")

	sup := p.staff("sup1")
	const june = "from=2026-06-01&to=2026-07-01"
	seen := sup.get("/metrics/overview?by=street&" + june).ok(200)
	var received, counted float64
	received = seen.Body["total"].(obj)["received"].(float64)
	require.NoError(t, p.db.Engine.Pool.QueryRow(t.Context(), "select count(*) from cases where created_at >= '2026-06-01+08' and created_at < '2026-07-01+08'").Scan(&counted))
	require.Equal(t, counted, received)
	require.Equal(t, 3.0, received)

	// The same figures in three formats.
	feed := sup.get("/exports/metrics?format=json&by=street&" + june).ok(200)
	items := feed.list("items")
	total := items[len(items)-1]
	require.Equal(t, []any{"total", received}, []any{total["key"], total["received"]})
	lines, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(sup.get("/exports/metrics?format=csv&by=street&"+june).ok(200).Raw, []byte("\uFEFF")))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, fmt.Sprint(received), lines[len(lines)-1][2])
	book, err := excelize.OpenReader(bytes.NewReader(sup.get("/exports/metrics?format=xlsx&by=street&" + june).ok(200).Raw))
	require.NoError(t, err)
	rows, err := book.GetRows("Sheet1")
	require.NoError(t, err)
	for _, table := range [][][]string{lines, rows} { // each has its own number in the log of exports
		for i := range table {
			table[i] = table[i][:len(table[i])-1]
		}
	}
	require.Equal(t, lines, rows)

	// Cases to take away: as many rows as were received, nobody's words or numbers, who took it in every row.
	list := sup.get("/exports/cases?format=csv&" + june).ok(200)
	require.NotContains(t, string(list.Raw), "13912345678")
	require.NotContains(t, string(list.Raw), "垃圾，")
	lines, err = csv.NewReader(bytes.NewReader(bytes.TrimPrefix(list.Raw, []byte("\uFEFF")))).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 1+int(received))
	for _, l := range lines[1:] {
		require.True(t, strings.HasPrefix(l[len(l)-1], "sup1 2026-06-30T18:00:00+08:00 "), l[len(l)-1])
	}
	whole, err := excelize.OpenReader(bytes.NewReader(sup.get("/exports/cases?format=xlsx&" + june).ok(200).Raw))
	require.NoError(t, err)
	cells, err := whole.GetRows("Sheet1")
	require.NoError(t, err)
	require.Len(t, cells, len(lines))
	for i, l := range lines {
		require.Equal(t, l[:len(l)-1], cells[i][:len(l)-1], "the streamed workbook has the same cells")
	}
	require.Empty(t, p.staff("so2").get("/exports/cases?format=json&"+june).ok(200).list("items"), "another street's")
	p.staff("adm1").get("/exports/cases?"+june).code(403, "FORBIDDEN")
	p.resident(1).get("/exports/cases?"+june).code(403, "FORBIDDEN")
	var logged int
	require.NoError(t, p.db.Engine.Pool.QueryRow(t.Context(), "select count(*) from export_log").Scan(&logged))
	require.Equal(t, 6, logged, "every file that left is on record")

	// The month is not over: its counts are not published.
	p.anyone().get("/public/opendata?period=2026-06").code(404, "PERIOD_OPEN")
	p.at("07-01 09:00")
	open := p.anyone().get("/public/opendata?period=2026-06").ok(200)
	require.Nil(t, open.Body["total"].(obj)["received"], "two cases are fewer than five")
	for _, c := range append(open.list("items"), append(open.list("streets"), open.list("matters")...)...) {
		if n, told := c["received"].(float64); told {
			require.True(t, n == 0 || n >= 5, "%v", c)
		}
		require.NotEqual(t, "24001", c["matter"], "mediation is absent")
	}
	require.Contains(t, string(p.anyone().get("/public/opendata?period=2026-06&format=csv").ok(200).Raw), "period,street,street_name,matter,matter_name,received,closed")

	// The ledger: both cases, no number of anybody, no point finer than the grid.
	ledger := p.anyone().get("/public/cases?limit=1").ok(200)
	require.Len(t, ledger.list("items"), 1)
	second := p.anyone().get("/public/cases?cursor=" + ledger.str("next_cursor")).ok(200)
	require.Len(t, second.list("items"), 1)
	require.Empty(t, second.str("next_cursor"))
	for _, raw := range [][]byte{ledger.Raw, second.Raw} {
		require.NotContains(t, string(raw), "13912345678")
		require.NotContains(t, string(raw), cases[0], "no id of a case")
	}
	one := ledger.list("items")[0]
	require.Equal(t, []any{"06010", "350102004001001", true}, []any{one["matter"], one["grid_code"], one["on_time"]})
	require.InDelta(t, near()["lat"], one["point"].(obj)["lat"], 1e-9, "the middle of the grid, not where it was reported")

	// The same as a page, whole and by itself; English; a foreign cursor is a problem, not a stack.
	b := p.browser()
	for _, path := range []string{"/lite/open/", "/lite/open/cases"} {
		page := b.get(path).says(200, one["case_no"].(string), "按时", "东街街道")
		require.NotContains(t, page.body, "13912345678")
		require.NotContains(t, page.body, cases[0])
	}
	b.get("/lite/open/").says(200, "还没有定榜的月份", "目前没有公告", "/api/v1/public/opendata?format=csv")
	b.get("/lite/open/cases?lang=en").says(200, "Closed cases", "on time")
	b.get("/lite/open/cases?cursor=nonsense").says(422)
}

func TestPublicRankingsAreFrozenOnes(t *testing.T) {
	p := start(t)
	require.Empty(t, p.anyone().get("/public/rankings").ok(200).list("items"), "nothing is frozen yet")
	p.anyone().post("/sandbox/reset", obj{"fixture": "assessment"}).ok(200)
	require.NotEqual(t, "2026-06", p.anyone().get("/public/rankings").ok(200).str("period"), "June is frozen on its day; what lies before it may be by now")
	p.at("08-01 09:00")
	r := p.anyone().get("/public/rankings?period=2026-06").ok(200)
	items := r.list("items")
	require.NotEmpty(t, items)
	require.Equal(t, "2026-06", r.str("period"))
	scores := map[string]any{}
	for _, s := range items {
		scores[s["unit"].(string)] = s["score"]
		require.Equal(t, s["sufficient"], s["rank"] != nil)
		require.Equal(t, s["sufficient"], s["score"] != nil)
	}
	require.Equal(t, 72.2143, scores["D-CG"])
	b := p.browser()
	b.get("/lite/open/ranking?period=2026-06").says(200, "考核排名 · 2026-06", "72.21", "样本不足", "/lite/open/ranking?period=2026-05")
	b.get("/lite/open/ranking?period=2026-99").says(422)
}

func TestNotices(t *testing.T) {
	p := start(t)
	p.staff("so1").post("/notices", obj{"title": "停水通知", "text": "东街街道今晚停水"}).code(403, "FORBIDDEN")
	sup := p.staff("sup1")
	sup.post("/notices", obj{"title": " ", "text": "x"}).code(422, "INVALID")
	sup.post("/notices", obj{"title": "停水通知", "text": "今晚停水", "areas": []string{"350102099"}}).code(422, "INVALID")
	n := sup.post("/notices", obj{"title": "停水通知", "text": "东街街道今晚停水", "areas": []string{"350102004"}}).ok(201)
	require.Equal(t, "停水通知", p.anyone().get("/public/notices").ok(200).list("items")[0]["title"])
	p.browser().get("/lite/open/notices").says(200, "停水通知", "东街街道今晚停水")
	sup.post("/notices/"+n.str("id")+"/withdraw", obj{}).ok(200)
	require.Empty(t, p.anyone().get("/public/notices").ok(200).list("items"))
	sup.post("/notices/"+n.str("id")+"/withdraw", obj{}).ok(200)
}

// A large export needs another person.
func TestLargeExportsNeedAnAuditor(t *testing.T) {
	p := start(t)
	p.resident(1).report("06010").ok(201)
	_, err := p.db.Owner.Pool.Exec(t.Context(), `alter table cases no force row level security`)
	require.NoError(t, err)
	_, err = p.db.Owner.Pool.Exec(t.Context(), `insert into cases select (jsonb_populate_record(null::cases, to_jsonb(c) || jsonb_build_object('id', gen_random_uuid(), 'case_no', 'X-' || n))).* from cases c, generate_series(1, 1000) n`)
	require.NoError(t, err)
	_, err = p.db.Owner.Pool.Exec(t.Context(), `alter table cases force row level security`)
	require.NoError(t, err)
	sup, aud := p.staff("sup1"), p.staff("aud1")
	sup.get("/exports/cases?from=2026-06-01&to=2026-07-01").code(422, "EXPORT_TOO_LARGE")
	ask := sup.post("/export_requests", obj{"from": "2026-06-01", "to": "2026-07-01", "reason": "半年工作总结"}).ok(201)
	path := "/exports/cases?format=json&from=2026-06-01&to=2026-07-01&request=" + ask.str("id")
	sup.get(path).code(403, "NOT_APPROVED")
	sup.post("/export_requests/"+ask.str("id")+"/approve", nil).code(403, "FORBIDDEN")
	own := aud.post("/export_requests", obj{"from": "2026-06-01", "to": "2026-07-01", "reason": "审计抽查所需"}).ok(201)
	aud.post("/export_requests/"+own.str("id")+"/approve", nil).code(403, "SAME_PERSON")
	aud.post("/export_requests/"+ask.str("id")+"/approve", nil).ok(200)
	aud.post("/export_requests/"+ask.str("id")+"/decline", nil).code(409, "ALREADY_DECIDED")
	all := sup.get(path).ok(200)
	var body struct{ Items []json.RawMessage }
	require.NoError(t, json.Unmarshal(all.Raw, &body))
	require.Len(t, body.Items, 1001)
	p.staff("dis1").get(path).code(403, "NOT_APPROVED")
	sup.get("/exports/cases?from=2026-05-01&to=2026-07-01&request="+ask.str("id")).code(403, "NOT_APPROVED")
	p.at("06-09 09:01")
	sup.get(path).code(403, "NOT_APPROVED")
}

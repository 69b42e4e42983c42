package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"yixian/dispatch"
)

// figures is everything that counts or publishes cases, as those who may ask for it are answered now.
func (p *program) figures(staff map[string]*who) map[string]string {
	p.t.Helper()
	out := map[string]string{}
	for _, by := range []string{"unit", "street", "matter", "day"} {
		for _, name := range []string{"sup1", "so1", "cgl", "co1"} {
			out[name+" metrics by "+by] = string(staff[name].get("/metrics/overview?from=2026-06-01&to=2026-07-01&by=" + by).ok(200).Raw)
		}
	}
	sup := staff["sup1"]
	for _, path := range []string{"/assessments?period=2026-06", "/assessments/D-CG/2026-06", "/assessments/S-DJ/2026-06", "/assessments/D-JS/2026-06", "/assessments/D-CG/2026-06/facts?limit=200", "/assessments/S-DJ/2026-06/facts?limit=200",
		"/assessments/350102004001/2026-06", "/cards", "/systemic_problems", "/reports/nearby?lon=119.3080&lat=26.0875&datum=WGS84&matter=06010", "/exclusions"} {
		r := sup.get(path).ok(200)
		out[path] = string(r.Raw)
		if strings.HasPrefix(path, "/assessments") {
			out[path] = string(mustJSON(p.t, withoutEX7(r.Body)))
		}
	}
	out["gw1 /me"] = fmt.Sprint(staff["gw1"].get("/me").ok(200).Body["self_handled"])
	for _, path := range []string{"requests.json", "requests.xml", "servicerequestupdates.json?start_date=2026-06-08T00:00:00Z&end_date=2026-07-01T00:00:00Z"} {
		_, raw := p.open311("GET", path, nil)
		out["open311 "+path] = raw
	}
	return out
}

// withoutEX7 takes the line out by which a sheet says how much it leaves out as drill, and the hash over it; no figure goes.
func withoutEX7(v any) any {
	switch x := v.(type) {
	case obj:
		delete(x, "hash")
		delete(x, "payload")
		for _, inner := range x {
			withoutEX7(inner)
		}
		for _, list := range []string{"excluded", "items"} {
			if rows, ok := x[list].([]any); ok {
				x[list] = slices.DeleteFunc(rows, func(r any) bool {
					row, _ := r.(obj)
					return row["reason"] == "EX7" || row["excluded"] == "EX7"
				})
			}
		}
	case []any:
		for _, inner := range x {
			withoutEX7(inner)
		}
	}
	return v
}

// A drill goes through everything that counts: late check-ins, a fraud, an overdue handling, an arbitration, a recurring
// matter. Then its cases are taken out of the database: whatever counts or publishes must not notice. As control the
// same cases are made real ones first: then it must.
func TestDrillIsInNoFigure(t *testing.T) {
	p := start(t)
	staff := map[string]*who{}
	for _, name := range []string{"sup1", "so1", "cgl", "co1", "gw1", "sl1", "cg1", "js1", "com1", "dis1", "arb1", "jsl", "xf1"} {
		staff[name] = p.staff(name)
	}
	so, sl, cg, gw, js := staff["so1"], staff["sl1"], staff["cg1"], staff["gw1"], staff["js1"]
	targets := []obj{{"unit": "D-CG", "lead": true}, {"unit": "D-JS"}}
	call := func(id string) {
		t.Helper()
		so.act(id, "sign", obj{}).ok(200)
		so.act(id, "contact", obj{"method": "PHONE"}).ok(200)
		sl.act(id, "call", obj{"level": "L2", "reason": "JOINT", "targets": targets}).ok(200)
	}
	finish := func(id string) {
		t.Helper()
		cg.act(id, "check_in", obj{"point": near()}).ok(200)
		cg.act(id, "resolve", cg.done()).ok(200)
	}
	// One real case, so that there are figures to be spoiled.
	r := p.resident(1).report("06001").ok(201)
	earnest := r.str("case_id")
	call(earnest)
	finish(earnest)
	gw.act(earnest, "check_pass", obj{"media_ids": []string{gw.photo()}, "point": near()}).ok(200)
	p.resident(1).post("/reports/"+r.str("receipt_code")+"/rate", obj{"contacted": true, "resolved": true, "grade": 5}).ok(200)
	so.act(earnest, "rate_unit", obj{"unit": "D-CG", "grade": 4}).ok(200)

	drill := staff["com1"].post("/incidents", obj{"name": "防汛演练", "drill": true, "streets": []string{"350102004"}}).ok(201)
	p.staff("sup1").post("/incidents/"+drill.str("id")+"/confirm", obj{}).ok(200)
	res := p.resident(2)
	var late []string
	for n := range 3 {
		c := res.report("06001", obj{"point": north(near(), float64(n*30))}).ok(201)
		require.NotContains(t, string(p.resident(2).get("/reports/"+c.str("receipt_code")).ok(200).Raw), `"rate"`)
		call(c.str("case_id"))
		late = append(late, c.str("case_id"))
	}
	for n := range 5 {
		res.report("06010", obj{"point": north(near(), float64(n*10))}).ok(201)
	}
	split := res.report("01037").ok(201).str("case_id")
	js.act(split, "sign", obj{}).ok(200)
	js.act(split, "dispute", obj{"reason": "路灯权属不在本单位"}).ok(200)
	staff["arb1"].act(split, "arbitrate", obj{"lead": "D-CG", "basis": "演练裁定"}).ok(200)
	p.at("06-09 15:00") // check-ins are late, handling is far beyond 150 %
	for _, id := range late {
		finish(id)
	}
	gw.act(late[0], "check_fail", obj{"media_ids": []string{gw.photo()}, "reason": "现场并未处置", "fraud": true, "point": near()}).ok(200)
	for _, id := range late[1:] {
		gw.act(id, "check_pass", obj{"media_ids": []string{gw.photo()}, "point": near()}).ok(200)
		so.act(id, "rate_unit", obj{"unit": "D-CG", "grade": 1}).ok(200)
	}
	p.at("06-15 09:00")
	res.report("06010").ok(201) // look-alikes are shown for 72 h
	before := p.figures(staff)
	require.NotContains(t, before["open311 requests.json"], "\"M-06010\"")

	super, err := pgx.Connect(t.Context(), p.db.URL("postgres"))
	require.NoError(t, err)
	defer func() { _ = super.Close(t.Context()) }()
	one := func(sql string) (n int) {
		t.Helper()
		require.NoError(t, super.QueryRow(t.Context(), sql).Scan(&n))
		return n
	}
	require.Equal(t, 10, one("select count(*) from cases where drill"))
	require.Equal(t, 1, one("select count(*) from cases where not drill"))
	require.Zero(t, one("select count(*) from rule where body->>'source' = 'PRECEDENT'"))
	require.Zero(t, one("select count(*) from card"))
	require.Zero(t, one("select count(*) from message where event = 'card_candidate'"))
	require.Zero(t, one("select count(*) from sla_clock k join cases c on c.district = k.district and c.id = k.case_id where c.drill and k.kind = 'CALLBACK'"))

	_, err = super.Exec(t.Context(), "create table was_drill as select id from cases where drill; update cases set drill = false")
	require.NoError(t, err)
	recount := func() { // nobody flips a drill in the program: what stands in the rollups is told by hand
		t.Helper()
		_, err := dispatch.Rebuild(t.Context(), p.db.Engine, district, nil)
		require.NoError(t, err)
	}
	recount()
	control := p.figures(staff)
	var blind []string
	for _, name := range []string{"sup1 metrics by unit", "sup1 metrics by street", "sup1 metrics by matter", "sup1 metrics by day", "so1 metrics by unit", "cgl metrics by unit", "co1 metrics by unit", "/assessments?period=2026-06", "/assessments/D-CG/2026-06", "/assessments/S-DJ/2026-06",
		"/reports/nearby?lon=119.3080&lat=26.0875&datum=WGS84&matter=06010", "open311 requests.json", "open311 requests.xml"} {
		if control[name] == before[name] {
			blind = append(blind, name)
		}
	}
	require.Empty(t, blind, "these would not have noticed real cases either: the test could not fail")

	tables, err := super.Query(t.Context(), "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and a.attname = 'case_id' where n.nspname = 'public' and c.relkind = 'r'")
	require.NoError(t, err)
	names, err := pgx.CollectRows(tables, pgx.RowTo[string])
	require.NoError(t, err)
	require.Greater(t, len(names), 10)
	var undo strings.Builder
	undo.WriteString("set session_replication_role = replica; update cases set drill = true where id in (select id from was_drill);")
	for _, name := range names {
		fmt.Fprintf(&undo, "delete from %s where case_id in (select id from was_drill);", pgx.Identifier{name}.Sanitize())
	}
	undo.WriteString("delete from cases where drill")
	_, err = super.Exec(t.Context(), undo.String())
	require.NoError(t, err)
	recount()
	after := p.figures(staff)
	require.Len(t, after, len(before))
	for name := range before {
		require.Equal(t, after[name], before[name], name)
	}
}

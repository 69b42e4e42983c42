package scenario

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"yixian/dispatch"
	"yixian/dispatch/score"
)

const district = "350102"

// line finds an indicator of a sheet.
func line(r *reply, id string) obj {
	r.t.Helper()
	for _, l := range r.list("indicators") {
		if l["id"] == id {
			return l
		}
	}
	r.t.Fatalf("no indicator %s in %s", id, r.Raw)
	return nil
}

func hashed(payload string) string {
	sum := sha256.Sum256([]byte(payload))
	return hex.EncodeToString(sum[:])
}

func TestScenario17Assessment(t *testing.T) {
	p := start(t)
	var whole bool
	require.NoError(t, p.db.Engine.Pool.QueryRow(t.Context(), "select to_regclass('unit_rating') is not null and to_regclass('card') is not null").Scan(&whole))
	if !whole {
		t.Skip("this schema has no ratings by streets or no cards yet")
	}
	p.anyone().post("/sandbox/reset", obj{"fixture": "assessment"}).ok(200)
	sup, aud := p.staff("sup1"), p.staff("aud1")
	const path = "/assessments/D-CG/2026-06"
	expect := func(r *reply) {
		t.Helper()
		for id, want := range map[string]float64{"on_time_disposal_rate": 0.7, "disposal_rate": 0.9, "rework_rate": 0.2, "call_response_rate": 0.8571, "on_time_checkin_rate": 0.5714, "resolution_rate": 0.8571,
			"satisfied_rate": 0.7143, "satisfaction_index": 0.6714, "caller_rating": 0.75, "overdue_open_rate": 0.1} {
			require.Equal(t, want, line(r, id)["value"], id)
		}
		require.Equal(t, []any{10.0, 7.0, 7.0, 1.0, 73.7143, 72.2143}, []any{r.Body["need_dispose"], r.Body["call_targets_due"], r.Body["valid_ratings"], r.Body["weight"], r.Body["composite"], r.Body["after_deductions"]})
	}
	now := sup.get(path).ok(200)
	expect(now)
	require.Equal(t, false, now.Body["frozen"])
	require.Equal(t, 0.0, now.Body["revision"])

	p.at("08-01 09:00") // June was frozen on the fifth working day of July
	frozen := sup.get(path).ok(200)
	expect(frozen)
	require.Equal(t, true, frozen.Body["frozen"])
	require.Contains(t, strings.Join(texts(p.messages("sup1", "bulletin")), "\n"), "2026-06 考核已定稿")
	var said string
	require.NoError(t, p.db.Engine.Pool.QueryRow(t.Context(), "select string_agg(text, '|') from message where template = 'bulletin.leader.APP' and text like '%2026-06%'").Scan(&said))
	require.Contains(t, said, "72.2143", "a unit's leader hears its own score")
	require.Equal(t, 1.0, frozen.Body["revision"])
	p.same(frozen.Body["frozen_at"], "07-07 00:00")
	require.Equal(t, hashed(frozen.str("payload")), frozen.str("hash"))

	// From the figure down to its cases, page by page.
	var all []obj
	for next := ""; ; {
		page := sup.get(path + "/facts?indicator=on_time_disposal_rate&limit=4&cursor=" + next).ok(200)
		all = append(all, page.list("items")...)
		if next = page.str("next_cursor"); next == "" {
			break
		}
	}
	counted, holds := 0, 0
	var a3 obj
	for _, f := range all {
		if f["counted"] == true {
			counted++
		}
		if f["holds"] == true {
			holds++
		}
		if f["case_no"] == "F-a3" {
			a3 = f
		}
	}
	require.Equal(t, []int{10, 7}, []int{counted, holds})
	sup.get("/cases/" + a3["case_id"].(string)).ok(200)

	// Two people: the supervisor alone changes nothing.
	ask := obj{"case_id": a3["case_id"], "subject_id": a3["id"], "reason": "EX1", "scope": "TIMELINESS", "text": "台风期间道路中断"}
	aud.post("/exclusions", ask).code(403, "NOT_YOURS")
	ex := sup.post("/exclusions", ask).ok(201)
	sup.post("/exclusions", ask).code(409, "ALREADY_ASKED")
	sup.post("/exclusions/"+ex.str("id")+"/approve", obj{}).code(403, "NOT_YOURS")
	expect(sup.get(path).ok(200))
	require.Equal(t, frozen.Raw, sup.get(path).ok(200).Raw)

	require.Equal(t, "APPROVED", aud.post("/exclusions/"+ex.str("id")+"/approve", obj{"text": "情况属实"}).ok(200).str("state"))
	aud.post("/exclusions/"+ex.str("id")+"/approve", obj{}).code(409, "ALREADY_DECIDED")
	// Whoever reads the list sees who asked, who decided and about which case.
	seen := sup.get("/exclusions").ok(200).list("items")[0]
	require.Equal(t, []any{"孟督查", "敖审计"}, []any{seen["proposed_by_name"], seen["decided_by_name"]})
	require.NotEmpty(t, seen["case_no"])
	second := sup.get(path).ok(200)
	require.Equal(t, 2.0, second.Body["revision"])
	require.Equal(t, []any{1.0, 2.0}, second.Body["revisions"])
	require.Equal(t, 0.7778, line(second, "on_time_disposal_rate")["value"])
	require.Equal(t, []any{7.0, 9.0}, []any{line(second, "on_time_disposal_rate")["numerator"], line(second, "on_time_disposal_rate")["denominator"]})
	first := sup.get(path + "?revision=1").ok(200)
	expect(first)
	require.Equal(t, frozen.str("payload"), first.str("payload"))
	require.Equal(t, frozen.str("hash"), first.str("hash"))
	sup.get(path + "?revision=3").ok(404)

	// A unit sees its own sheet and its own line; its leader objects once, the supervisor answers.
	cgl := p.staff("cgl")
	require.Equal(t, second.str("hash"), cgl.get(path).ok(200).str("hash"))
	cgl.get("/assessments/D-JS/2026-06").ok(404)
	require.Len(t, cgl.get("/assessments?period=2026-06").ok(200).list("items"), 1)
	require.Greater(t, len(sup.get("/assessments?period=2026-06").ok(200).list("items")), 5)
	p.staff("adm1").get("/assessments?period=2026-06").ok(403)
	p.resident(1).get("/assessments?period=2026-06").ok(403)
	p.staff("cg1").post(path+"/objections", obj{"text": "十号案件系电力抢修"}).ok(403)
	o := cgl.post(path+"/objections", obj{"text": "a10 系等待电力抢修，请复核"}).ok(201)
	cgl.post(path+"/objections", obj{"text": "a10 系等待电力抢修，请复核"}).code(409, "ALREADY_OBJECTED")
	sup.post("/objections/"+o.str("id")+"/answer", obj{"text": "已复核，维持原考核结果"}).ok(200)
	require.Equal(t, "已复核，维持原考核结果", cgl.get(path).ok(200).list("objections")[0]["answer"])

	v, err := dispatch.VerifyChains(t.Context(), p.db.Engine, district)
	require.NoError(t, err)
	require.Greater(t, v.Cases, int64(30))
}

// "100 %" is said only when it is true, in the figures of the API as in the arithmetic.
func TestScenario18HonestPercent(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]score.Ratio{"99.98%": {Num: 4999, Den: 5000}, "99.99%": {Num: 49999, Den: 50000}, "100%": {Num: 5000, Den: 5000}, "0.01%": {Num: 1, Den: 50000}} {
		require.Equal(t, want, r.Text(), fmt.Sprint(r))
	}
	require.InDelta(t, 0.9999, *score.Ratio{Num: 49999, Den: 50000}.Value(), 1e-12)
}

package scenario

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// points waits until the engine has settled all events and gives the account.
func (w *who) points() *reply {
	w.p.t.Helper()
	w.p.planned(w.p.t.Context())
	return w.get("/points").ok(200)
}

// Points thank for reports: once for a case however often it is closed, at most so many a month, taken back for what was made up; a reward
// is taken once by two at once, handed over once, and what nobody fetches gives its points back. They change nothing else.
func TestPoints(t *testing.T) {
	p := start(t)
	res, other, adm, so := p.resident(1), p.resident(2), p.staff("adm1"), p.staff("so1")
	id := p.closed(1, "06010", "路边有一堆垃圾没人收")
	require.EqualValues(t, 10, res.points().Body["balance"])
	require.EqualValues(t, 0, other.points().Body["balance"])
	// Of the month's hundred five are left.
	_, err := p.db.Engine.Pool.Exec(t.Context(), `insert into points_account (district, account_id, month, earned) select district, id, '2026-06-01', 95 from account where id = $1`, other.get("/me").ok(200).Body["user"].(obj)["id"])
	require.NoError(t, err)
	p.closed(2, "06010", "路边还有一堆垃圾没人收")
	require.EqualValues(t, 100, other.points().Body["earned"])
	require.EqualValues(t, 5, other.points().Body["balance"])
	said := p.messages("13900000001", "points")
	require.Len(t, said, 1)
	require.Contains(t, said[0]["text"], "+10")

	// The next one is as urgent as anybody's (K2).
	mine, theirs := p.staff("dis1").thing(res.report("06010").ok(201).str("case_id")), p.staff("dis1").thing(other.report("06010", obj{"point": north(near(), 60)}).ok(201).str("case_id"))
	require.Equal(t, theirs.Body["priority"], mine.Body["priority"])
	require.Equal(t, theirs.Body["promise_at"], mine.Body["promise_at"])

	// Closed again after the resident was not content: nothing more.
	gw := p.staff("gw1")
	receipt := res.points().list("items")[0]["receipt_code"].(string)
	res.post("/reports/"+receipt+"/rate", obj{"contacted": true, "resolved": false, "grade": 1, "text": "没有解决"}).ok(200)
	require.Equal(t, "HANDLING", so.thing(id).str("state"))
	so.act(id, "contact", obj{"method": "PHONE"}).ok(200)
	so.act(id, "resolve", so.done()).ok(200)
	if so.thing(id).str("state") == "RESOLVED" {
		gw.act(id, "check_pass", obj{"media_ids": []string{gw.photo()}, "point": near()}).ok(200)
	}
	require.Equal(t, "CLOSED", so.thing(id).str("state"))
	entries := res.points().list("items")
	require.Len(t, entries, 1)
	require.Equal(t, []any{"REPORT", 10.0}, []any{entries[0]["kind"], entries[0]["change"]})
	require.NotEmpty(t, entries[0]["receipt_code"])

	adm.get("/points").code(403, "FORBIDDEN")
	p.anyone().get("/points").code(401, "UNAUTHENTICATED")

	// Rewards: named, bounded, changed by who read the last version.
	adm.post("/admin/rewards", obj{"name": " ", "cost": 5, "stock": 1}).code(422, "INVALID")
	adm.post("/admin/rewards", obj{"name": "环保袋", "cost": 0, "stock": 1}).code(422, "INVALID")
	so.post("/admin/rewards", obj{"name": "环保袋", "cost": 5, "stock": 1}).code(403, "FORBIDDEN")
	bag := adm.post("/admin/rewards", obj{"name": "环保袋", "name_en": "Bag", "place": "军门社区服务站", "cost": 4, "stock": 3}).ok(201)
	dear := adm.post("/admin/rewards", obj{"name": "电动车头盔", "cost": 500, "stock": 1}).ok(201)
	adm.do("PUT", "/admin/rewards/"+bag.str("id"), obj{"name": "环保袋", "cost": 4, "stock": 1, "version": 9}).code(409, "STALE")
	bag = adm.do("PUT", "/admin/rewards/"+bag.str("id"), obj{"name": "环保购物袋", "name_en": "Bag", "place": "军门社区服务站", "cost": 4, "stock": 1, "version": 1}).ok(200)
	require.Equal(t, "Bag", res.do("GET", "/points/rewards", nil, "Accept-Language", "en").ok(200).list("items")[0]["name"])
	res.post("/points/redemptions", obj{"reward_id": dear.str("id")}).code(409, "POINTS_SHORT")

	// Eight at once for the last one: one has it, and its points are paid once. The same key gives the same code.
	var wg sync.WaitGroup
	got := make([]*reply, 8)
	for i := range got {
		wg.Go(func() {
			got[i] = res.do("POST", "/points/redemptions", obj{"reward_id": bag.str("id")}, "Idempotency-Key", fmt.Sprint("k", i))
		})
	}
	wg.Wait()
	var taken *reply
	key := ""
	for i, r := range got {
		if r.Status == 201 {
			require.Nil(t, taken, "taken twice")
			taken, key = r, fmt.Sprint("k", i)
			continue
		}
		r.code(409, "SOLD_OUT")
	}
	require.NotNil(t, taken)
	require.Equal(t, taken.str("code"), res.do("POST", "/points/redemptions", obj{"reward_id": bag.str("id")}, "Idempotency-Key", key).ok(201).str("code"))
	res.do("POST", "/points/redemptions", obj{"reward_id": dear.str("id")}, "Idempotency-Key", key).code(422, "IDEMPOTENCY_MISMATCH")
	require.EqualValues(t, 6, res.points().Body["balance"])

	// Given back and taken again; handed over once.
	other.post("/points/redemptions/"+taken.str("id")+"/cancel", nil).code(404, "NOT_FOUND")
	require.Equal(t, "CANCELLED", res.post("/points/redemptions/"+taken.str("id")+"/cancel", nil).ok(200).str("state"))
	res.post("/points/redemptions/"+taken.str("id")+"/cancel", nil).ok(200)
	require.EqualValues(t, 10, res.points().Body["balance"])
	again := res.post("/points/redemptions", obj{"reward_id": bag.str("id")}).ok(201)
	so.post("/points/hand_over", obj{"code": taken.str("code")}).code(409, "DONE")
	so.post("/points/hand_over", obj{"code": "ZZZZZZZZ"}).code(404, "NOT_FOUND")
	res.post("/points/hand_over", obj{"code": again.str("code")}).code(403, "FORBIDDEN")
	hands := make([]int, 8)
	for i := range hands {
		wg.Go(func() { hands[i] = so.post("/points/hand_over", obj{"code": again.str("code")}).Status })
	}
	wg.Wait()
	once := 0
	for _, s := range hands {
		if s == 200 {
			once++
		}
	}
	require.Equal(t, 1, once, "%v", hands)
	res.post("/points/redemptions/"+again.str("id")+"/cancel", nil).code(409, "DONE")

	// What nobody fetches comes back after its time; the ledger is even.
	adm.do("PUT", "/admin/rewards/"+bag.str("id"), obj{"name": "环保购物袋", "cost": 4, "stock": 2, "version": adm.get("/admin/rewards").ok(200).list("items")[0]["version"]}).ok(200)
	res.post("/points/redemptions", obj{"reward_id": bag.str("id")}).ok(201)
	require.EqualValues(t, 2, res.points().Body["balance"])
	p.at("07-20 09:00")
	require.Eventually(t, func() bool { return res.points().Body["balance"] == 6.0 }, 30*time.Second, 100*time.Millisecond)
	require.True(t, slices.ContainsFunc(p.messages("13900000001", "points"), func(m obj) bool {
		return strings.Contains(m["text"].(string), "“环保购物袋（过期未领，已退回）”：积分 +4，现有 6 分")
	}))

	// What was made up is taken back, never below nothing.
	untrue := res.report("06002").ok(201).str("case_id")
	gw.act(untrue, "verify", obj{"verdict": "FALSE", "media_ids": []string{gw.photo()}, "point": near()}).ok(200)
	p.staff("dis1").act(untrue, "reject", obj{"reason": "FALSE_REPORT", "reply": "经网格员现场核实未发现您所反映的情况，如有异议可在七日内申诉。"}).ok(200)
	account := res.points()
	require.EqualValues(t, 0, account.Body["balance"])
	require.Equal(t, []any{"FALSE", -6.0}, []any{account.list("items")[0]["kind"], account.list("items")[0]["change"]})
	var apart int
	require.NoError(t, p.db.Engine.Pool.QueryRow(t.Context(), `select count(*) from points_account a where a.balance <> (select coalesce(sum(case when e.taker = 'RESIDENT' then e.amount else -e.amount end), 0) from points_entry e where e.district = a.district and e.account_id = a.account_id)`).Scan(&apart))
	require.Zero(t, apart)
}

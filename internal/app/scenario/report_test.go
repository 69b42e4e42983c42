package scenario

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestScenario01SnapAndReport(t *testing.T) {
	p := start(t)
	res := p.resident(1)
	body := obj{"matter": "06010", "point": near(), "media_ids": []string{res.photo()}}
	first := res.do("POST", "/reports", body, "Idempotency-Key", "K1").ok(201)
	require.Equal(t, "350102004001001", first.str("grid_code"))
	require.Len(t, first.str("receipt_code"), 8)
	require.Equal(t, "DISPATCHED", first.str("case_state"))
	p.same(first.Body["promise_at"], "06-08 15:00")

	again := res.do("POST", "/reports", body, "Idempotency-Key", "K1").ok(201)
	require.Equal(t, first.Body, again.Body)
	require.Equal(t, "true", again.Header.Get("Idempotent-Replayed"))
	other := obj{"matter": "06011", "point": near(), "text": "另一件事情在这里"}
	res.do("POST", "/reports", other, "Idempotency-Key", "K1").code(422, "IDEMPOTENCY_MISMATCH")

	dis := p.staff("dis1")
	require.Len(t, dis.get("/cases").ok(200).list("items"), 1)
	c := dis.thing(first.str("case_id"))
	require.Equal(t, "DISPATCHED", c.str("state"))
	require.Equal(t, "S-DJ", c.str("lead_unit"))
	p.same(clock(c, "HANDLE", "")["due_at"], "06-08 15:00")
	p.same(clock(c, "HANDLE", "S-DJ")["due_at"], "06-08 15:00")
	require.Equal(t, "4WH", clock(c, "HANDLE", "")["budget"])
	require.Equal(t, "R05", dis.get("/cases/"+first.str("case_id")+"/route").ok(200).str("rule"))
}

func TestEqualPostsAtOnceMakeOneCase(t *testing.T) {
	p := start(t)
	res := p.resident(1)
	for key := range 10 {
		body := obj{"matter": "06010", "point": near(), "text": "同一件事情发了很多次"}
		ids := make(chan string, 16)
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				r := res.do("POST", "/reports", body, "Idempotency-Key", "same-"+string(rune('a'+key)))
				if r.Status == 201 {
					ids <- r.str("case_id")
				}
			})
		}
		wg.Wait()
		close(ids)
		seen := map[string]int{}
		for id := range ids {
			seen[id]++
		}
		require.Len(t, seen, 1)
		for _, n := range seen {
			require.Equal(t, 16, n, "every equal post got the answer")
		}
	}
	require.Len(t, p.staff("dis1").get("/cases").ok(200).list("items"), 10)
}

func TestScenario02OutsideAndBorder(t *testing.T) {
	p := start(t)
	res := p.resident(1)
	out := res.report("06010", obj{"point": obj{"lon": 119.4000, "lat": 26.2000, "datum": "WGS84"}}).code(422, "OUT_OF_AREA")
	require.NotEmpty(t, out.Body["detail"])
	require.NotEmpty(t, out.Body["errors"])
	for range 100 {
		r := res.get("/locate?lon=119.3100&lat=26.0875&datum=WGS84").ok(200)
		require.Equal(t, "350102004001001", r.str("grid_code"))
	}
	require.Equal(t, "350102004001001", res.report("06010", obj{"point": obj{"lon": 119.3100, "lat": 26.0875, "datum": "WGS84"}}).ok(201).str("grid_code"))
	require.Equal(t, "350102003001001", res.report("06010", obj{"point": obj{"lon": 119.3080, "lat": 26.0890, "datum": "WGS84"}}).ok(201).str("grid_code"))
	res.get("/locate?lon=119.4000&lat=26.2000&datum=WGS84").code(404, "OUT_OF_AREA")
}

func TestBadInputNamesTheField(t *testing.T) {
	p := start(t)
	res := p.resident(1)
	field := func(r *reply) string {
		t.Helper()
		require.Equal(t, 422, r.Status, "%s", r.Raw)
		require.Contains(t, r.Header.Get("Content-Type"), "application/problem+json")
		errs := r.list("errors")
		require.NotEmpty(t, errs, "%s", r.Raw)
		return errs[0]["pointer"].(string)
	}
	require.Equal(t, "/point/datum", field(res.post("/reports", obj{"text": "没有坐标系的一次上报", "point": obj{"lon": 119.3, "lat": 26.08}})))
	require.Equal(t, "/colour", field(res.report("06010", obj{"colour": "red"})))
	require.Equal(t, "/point/lon", field(res.report("06010", obj{"point": obj{"lon": "east", "lat": 26.08, "datum": "WGS84"}})))
	require.Equal(t, "/text", field(res.post("/reports", obj{"point": near(), "text": "短"})))
	require.Equal(t, "/media_ids", field(res.report("06010", obj{"media_ids": []string{"00000000000000000000000000000000"}})))
	require.Equal(t, "/matter", field(res.report("99999")))
	res.report("06010", obj{"text": strings.Repeat("长", 400_000)}).code(413, "TOO_LARGE")
	res.upload("a.jpg", []byte("this is a text file")).code(415, "UNSUPPORTED_MEDIA")
	res.upload("a.jpg", []byte("\xff\xd8\xff\xe0 not really")).code(422, "BROKEN_IMAGE")
	p.anyone().post("/reports", obj{"point": near(), "text": "没有登录的上报请求"}).code(401, "UNAUTHENTICATED")
	dis := p.staff("dis1")
	id := res.report("06010").ok(201).str("case_id")
	so := p.staff("so1")
	require.Equal(t, "/lead", field(so.act(id, "sign", obj{"lead": "D-CG"})))
	require.Equal(t, "/nonsense", field(so.act(id, "sign", obj{"nonsense": 1})))
	dis.act(id, "no_such_action", obj{}).code(404, "UNKNOWN_ACTION")
	dis.get("/cases/not-an-id").code(404, "NOT_FOUND")
	dis.get("/cases?limit=1000").code(422, "INVALID")
	dis.get("/cases?cursor=zzz").code(422, "INVALID")
}

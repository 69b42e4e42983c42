package scenario

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// importMap sends a map file as the administrator's page does.
func (w *who) importMap(query string, features ...obj) *reply {
	w.p.t.Helper()
	raw, err := json.Marshal(obj{"type": "FeatureCollection", "features": features})
	require.NoError(w.p.t, err)
	req, err := http.NewRequestWithContext(w.p.t.Context(), http.MethodPost, w.p.base+"/admin/grids/import"+query, bytes.NewReader(raw))
	require.NoError(w.p.t, err)
	req.Header.Set("Content-Type", "application/geo+json")
	return w.send(req)
}

func square(code, name string, west, south, east, north float64) obj {
	ring := [][]float64{{west, south}, {east, south}, {east, north}, {west, north}, {west, south}}
	return obj{"type": "Feature", "properties": obj{"code": code, "name": name}, "geometry": obj{"type": "Polygon", "coordinates": [][][]float64{ring}}}
}

// The administrator brings a new grid, splits, merges and retires while cases run: a case keeps the grid and the version by which it
// was located, its worker keeps it, and the next report goes by the new map at once.
func TestMapChangesUnderRunningCases(t *testing.T) {
	p := start(t)
	adm, res, dis, worker := p.staff("adm1"), p.resident(1), p.staff("dis1"), p.staff("gw1")
	const east = "350102004001001"
	report := func() *reply {
		t.Helper()
		return res.post("/reports", obj{"matter": "06010", "point": near(), "text": "路灯不亮，请来看看"}).ok(201)
	}
	first := report()
	require.Equal(t, east, first.str("grid_code"))
	require.EqualValues(t, 1, dis.thing(first.str("case_id")).Body["grid_version"])

	// A file that laps over the neighbour is refused whole, with the place of the fault; a trial gives the same report.
	bad := square(east, "军门社区001网格", 119.3060, 26.0860, 119.3110, 26.0890)
	trial := adm.importMap("?dry_run=true", bad).ok(200)
	require.Equal(t, true, trial.Body["refused"])
	require.Contains(t, string(trial.Raw), `"OVERLAP"`)
	refused := adm.importMap("", bad).code(422, "MAP_REFUSED")
	require.Contains(t, string(refused.Raw), "/features/0/geometry/coordinates")
	adm.importMap("?accept=RING_OPEN", bad).code(422, "INVALID")

	// Split in the middle: the western half keeps the code with version 2, and the worker gets the other half too.
	split := obj{"code": east, "version": 1, "line": [][]float64{{119.3075, 26.08}, {119.3075, 26.10}}, "note": "人口太多"}
	dry := adm.post("/admin/grids/split?dry_run=true", split).ok(200)
	require.Equal(t, "gw1", dry.list("workers")[0]["username"])
	adm.do("POST", "/admin/grids/split", split, "Idempotency-Key", "s1").ok(200)
	adm.do("POST", "/admin/grids/split", split, "Idempotency-Key", "s1").ok(200)
	adm.post("/admin/grids/split", split).code(409, "STALE")
	second := report()
	other := second.str("grid_code")
	require.Equal(t, "350102004001002", other, "the point lies in the new half")
	kept := dis.thing(first.str("case_id"))
	require.Equal(t, east, kept.str("grid_code"))
	require.EqualValues(t, 1, kept.Body["grid_version"])
	worker.get("/cases/" + first.str("case_id")).ok(200)
	worker.get("/cases/" + second.str("case_id")).ok(200)

	// Join both again under a code of its own, then retire the neighbour into it.
	const joined = "350102004001009"
	adm.post("/admin/grids/merge", obj{"codes": []string{east, other}, "into": joined, "name": "军门社区合并网格"}).ok(200)
	third := report()
	require.Equal(t, joined, third.str("grid_code"))
	for _, id := range []string{first.str("case_id"), second.str("case_id"), third.str("case_id")} {
		worker.get("/cases/" + id).ok(200)
	}
	require.NotEmpty(t, dis.thing(second.str("case_id")).str("grid_name"), "a grid that has ended can still be named")
	r := adm.post("/admin/grids/retire", obj{"code": "350102004002001", "absorbed_by": joined}).ok(200)
	require.Equal(t, "gw2", r.list("workers")[0]["username"])
	adm.post("/admin/grids/retire", obj{"code": "350102004002001"}).code(409, "GRID_ENDED")
	adm.post("/admin/grids/retire", obj{"code": "350102004002999"}).code(404, "NOT_FOUND")

	// History: every version with its ground; every change with who made it; nothing of a case.
	versions := adm.get("/admin/grids/" + east).ok(200).list("items")
	require.Len(t, versions, 2)
	require.Equal(t, "ended", versions[0]["state"])
	require.NotNil(t, versions[1]["geometry"])
	require.Len(t, adm.get("/admin/grids?level=grid").ok(200).list("items"), 2)
	require.Len(t, adm.get("/admin/grids?level=grid&state=ended&limit=200").ok(200).list("items"), 5)
	changes := adm.get("/admin/grids/changes").ok(200).list("items")
	require.Len(t, changes, 3)
	require.Equal(t, "安管理", changes[0]["actor_name"])
	require.Equal(t, "人口太多", changes[2]["note"])
	adm.get("/admin/grids/350102004002999").code(404, "NOT_FOUND")

	// A later day: nothing changes before its time, and at that time by itself.
	adm.importMap("?effective=2026-06-10&accept=OUTSIDE_PARENT", square(joined, "军门一带网格", 119.3060, 26.0860, 119.3140, 26.0890)).ok(200)
	require.Equal(t, "军门社区合并网格", res.get("/locate?lon=119.3080&lat=26.0875&datum=WGS84").ok(200).Body["grid"].(obj)["name"])
	p.at("06-10 09:00")
	require.Equal(t, "军门一带网格", res.get("/locate?lon=119.3080&lat=26.0875&datum=WGS84").ok(200).Body["grid"].(obj)["name"])
	worker.post("/admin/grids/retire", obj{"code": joined}).code(403, "FORBIDDEN")
}

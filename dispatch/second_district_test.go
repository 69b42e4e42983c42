package dispatch

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// The second district of scenario 25: 连江 is cloned from the template, gets its own places and people, and works the same; its
// figures are its own, and neither of the two can read anything of the other.
func TestScenario25SecondDistrict(t *testing.T) {
	t.Parallel()
	const other, east = "350122", 0.3
	d := newDistrict(t)
	ctx := t.Context()
	_, err := CloneDistrict(ctx, d.db.Engine, Clone{From: grid.DemoDistrict, To: other, Name: "连江县"})
	require.NoError(t, err)
	there := func(code string) string { return strings.Replace(code, grid.DemoDistrict, other, 1) }
	areas, units := grid.Fixture()
	for i := range areas {
		a := &areas[i]
		a.District, a.Code, a.Parent = other, there(a.Code), there(a.Parent)
		a.Polygon = moved(t, a.Polygon, east)
	}
	for i := range units {
		u := &units[i]
		u.District, u.Code, u.Parent, u.AreaCode = other, there(u.Code), there(u.Parent), there(u.AreaCode)
	}
	g := d.db.Engine.Gorm.WithContext(ctx)
	require.NoError(t, g.Create(&areas).Error)
	require.NoError(t, g.Create(&units).Error)
	var staff []auth.NewStaff
	for _, s := range staffOf {
		grids := make([]string, len(s.grids))
		for i := range grids {
			grids[i] = there(s.grids[i])
		}
		staff = append(staff, auth.NewStaff{District: other, Username: s.name, DisplayName: s.name, Phone: s.phone, Bindings: []auth.Binding{{Role: s.role, Unit: there(s.unit), Grids: grids}}})
	}
	ids, err := auth.NewStore(d.db.App, d.keys, nil, auth.Options{Sandbox: true}).CreateStaff(ctx, staff...)
	require.NoError(t, err)
	for i, s := range staff {
		d.accounts["other "+s.Username] = auth.Actor{District: other, Account: ids[i], Kind: auth.Staff, Username: s.Username, Name: s.Username, Bindings: s.Bindings}
	}
	resident := auth.Actor{District: other, Account: uuid.New(), Device: uuid.New(), Kind: auth.Resident, Bindings: []auth.Binding{{Role: auth.RoleResident}}}
	_, err = d.db.Engine.Pool.Exec(ctx, "insert into account (district, id, kind) values ($1, $2, 'RESIDENT')", other, resident.Account)
	require.NoError(t, err)
	d.accounts["other resident"] = resident
	require.NoError(t, d.worlds.Load(ctx))

	at := PointIn{Lon: inGarden.Lon + east, Lat: inGarden.Lat, Datum: "WGS84"}
	r := d.submit("other resident", matterBuilding, at)
	require.EqualValues(t, Dispatched, d.text("select state from cases where district = $1 and id = $2", other, r.CaseID))
	photo := func(name string) string {
		t.Helper()
		id := "photo-" + uuid.NewString()
		_, err := d.db.Engine.Pool.Exec(ctx, "insert into media (district, id, account_id, width, height, bytes, sha256) values ($1, $2, $3, 1, 1, 1, '\\x00')", other, id, d.actor(name).Account)
		require.NoError(t, err)
		return id
	}
	d.do("other dj-officer", r.CaseID, ActSign, nil)
	d.do("other dj-officer", r.CaseID, ActContact, map[string]any{"method": "PHONE"})
	d.do("other dj-officer", r.CaseID, ActResolve, map[string]any{"outcome": "RESOLVED", "accepted_at": d.now(), "talked_to": "报案人", "measures": "已处理完毕", "time_limit": "当日", "media_ids": []string{photo("other dj-officer")}})
	d.do("other garden-officer", r.CaseID, ActCheckPass, map[string]any{"media_ids": []string{photo("other garden-officer")}})
	own := []*Receipt{d.submit("lin", matterBuilding, inJunmen), d.submit("chen", matterLight, inGarden)}
	room := newEngineRoom(d, d.db.Engine)
	for d.count("select (select count(*) from outbox) + (select count(*) from rollup_case where next_at <= yx_now())") > 0 {
		require.NoError(t, room.once(ctx))
	}

	from, to := time.Date(2026, 6, 1, 0, 0, 0, 0, morning.Location()), time.Date(2026, 7, 1, 0, 0, 0, 0, morning.Location())
	for name, want := range map[string][2]int64{"supervisor": {2, 0}, "other supervisor": {1, 1}} {
		a := d.actor(name)
		for by, g := range groupings {
			o, err := d.desk.Overview(ctx, a, from, to, by)
			require.NoError(t, err)
			require.Equal(t, want, [2]int64{o.Total.Received, o.Total.Closed}, "%s by %s", name, by)
			c, err := d.desk.countedOverview(ctx, a, g, from, to, by)
			require.NoError(t, err)
			require.Equal(t, c, o)
		}
		page, err := d.desk.List(ctx, a, Filter{})
		require.NoError(t, err)
		require.Len(t, page.Rows, int(want[0]))
		for i := range page.Rows {
			require.Equal(t, a.District, page.Rows[i].District)
		}
		sheets, _, err := d.desk.Assessments(ctx, a, "2026-06")
		require.NoError(t, err)
		for i := range sheets {
			require.Equal(t, a.District, sheets[i].District)
		}
	}
	for name, id := range map[string]uuid.UUID{"supervisor": r.CaseID, "other supervisor": own[0].CaseID} {
		_, err := d.act(name, id, ActNote, map[string]any{"note": "看不到的案件"})
		require.True(t, fault.Is(err, "NOT_FOUND"), "%v", err)
	}
	// The wall itself: what the web role sees of every table that holds cases or figures, asked without any condition.
	for district, want := range map[string]int{grid.DemoDistrict: 2, other: 1} {
		ctx := pg.WithDistrict(context.Background(), district)
		for _, table := range []string{"cases", "report", "rollup_case"} {
			var n, foreign int
			require.NoError(t, d.db.App.Pool.QueryRow(ctx, "select count(*), count(*) filter (where district <> $1) from "+table, district).Scan(&n, &foreign))
			require.Equal(t, []int{want, 0}, []int{n, foreign}, "%s of %s", table, district)
		}
		for _, table := range []string{"rollup_day", "rollup_month", "rollup_now", "case_event", "assignment", "org_unit", "account"} {
			var n, foreign int
			require.NoError(t, d.db.App.Pool.QueryRow(ctx, "select count(*), count(*) filter (where district <> $1) from "+table, district).Scan(&n, &foreign))
			require.Positive(t, n, "%s of %s", table, district)
			require.Zero(t, foreign, "%s of %s", table, district)
		}
	}
	found, err := Audit(ctx, d.db.Engine, "")
	require.NoError(t, err)
	require.Empty(t, found.Findings)
	d.verify()
}

// moved is a polygon some degrees further east.
func moved(t *testing.T, p grid.Polygon, east float64) grid.Polygon {
	t.Helper()
	raw, err := json.Marshal(p)
	require.NoError(t, err)
	var shape map[string]any
	require.NoError(t, json.Unmarshal(raw, &shape))
	var walk func(v any)
	walk = func(v any) {
		list, _ := v.([]any)
		if len(list) > 0 {
			if lon, ok := list[0].(float64); ok {
				list[0] = math.Round((lon+east)*1e7) / 1e7
				return
			}
		}
		for i := range list {
			walk(list[i])
		}
	}
	walk(shape["coordinates"])
	raw, err = json.Marshal(shape)
	require.NoError(t, err)
	out, err := grid.ParsePolygon(raw, grid.WGS84)
	require.NoError(t, err)
	return out
}

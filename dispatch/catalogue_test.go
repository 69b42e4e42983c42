package dispatch

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"yixian/dispatch/rule"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// admins gives the district administrators and a supervisor, who may decide what they ask for.
func (d *testDistrict) admins() {
	for name, role := range map[string]auth.Role{"admin": auth.RoleTenantAdmin, "admin2": auth.RoleTenantAdmin, "super": auth.RoleSupervisor} {
		d.accounts[name] = auth.Actor{District: grid.DemoDistrict, Account: uuid.New(), Kind: auth.Staff, Username: name, Name: name, Bindings: []auth.Binding{{Role: role}}}
	}
}

// item is the newest version of a matter.
func (d *testDistrict) item(code string) CatalogVersion {
	d.t.Helper()
	list, err := d.desk.Versions(context.Background(), d.actor("admin"), "matter", code)
	require.NoError(d.t, err)
	return list[0]
}

func (d *testDistrict) put(it rule.Item, base int) (*CatalogVersion, error) {
	return d.desk.PutItem(context.Background(), d.actor("admin"), ItemChange{Item: it, Base: base, Note: "调整"}, Once{})
}

func code(err error) string {
	if f, ok := fault.As(err); ok {
		return f.Code
	}
	return ""
}

// A change holds from its instant on, to the second, for decisions; what was filed before keeps the version it had.
func TestCatalogueVersions(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.admins()
	at := PointIn{Lon: 119.3080, Lat: 26.0875, Datum: "WGS84"}
	before := d.submit("lin", "06011", at)
	require.Equal(t, 1, d.count("select item_version from cases where id = $1", before.CaseID))

	was := d.item("06011")
	require.Equal(t, 1, was.Latest)
	next := was.Item
	next.SLA, next.FilingCondition = rule.SLA{{Name: "handle", Budget: "1WH"}}, "新的立案条件"
	from := d.now().Add(2 * time.Hour)
	next.ValidFrom = &from
	v, err := d.put(next, 1)
	require.NoError(t, err)
	require.Equal(t, 2, v.Version)
	require.Equal(t, "admin", code2name(d, v))

	// It is ahead: nothing has changed yet, and it is listed as what will come.
	d.setClock(from.Add(-time.Microsecond))
	early := d.submit("lin", "06011", at)
	require.Equal(t, 1, d.count("select item_version from cases where id = $1", early.CaseID))
	list, _, err := d.desk.Catalogue(t.Context(), d.actor("admin"), CatalogFilter{State: "upcoming"}, 50, "")
	require.NoError(t, err)
	require.Len(t, list, 1)

	// At its instant it holds, although nothing was loaded since.
	d.setClock(from)
	late := d.submit("lin", "06011", at)
	require.Equal(t, 2, d.count("select item_version from cases where id = $1", late.CaseID))
	require.Equal(t, 1, d.count("select count(*) from cases where id = $1 and sla_budget = '1WH' and filing_condition = '新的立案条件'", late.CaseID))
	require.Equal(t, 1, d.count("select item_version from cases where id = $1", before.CaseID))
	change, ok := d.worlds.NextChange()
	require.True(t, ok)
	require.True(t, change.Equal(from))
	it, _ := d.worlds.Get(grid.DemoDistrict).Catalog.Matter("06011")
	require.Equal(t, 1, it.Version, "lists know it from the next load on")
	require.NoError(t, d.worlds.Refresh(t.Context(), d.now()))
	it, _ = d.worlds.Get(grid.DemoDistrict).Catalog.Matter("06011")
	require.Equal(t, 2, it.Version)
	_, ok = d.worlds.NextChange()
	require.False(t, ok)

	// Both versions can be read; the first one ended where the second began.
	both, err := d.desk.Versions(t.Context(), d.actor("admin"), "matter", "06011")
	require.NoError(t, err)
	require.Len(t, both, 2)
	require.True(t, both[1].ValidTo.Equal(from))
	require.Equal(t, was.SLA, both[1].SLA)
	d.verify()

	// Ended: it can be reported no more, what was filed keeps its name.
	_, err = d.desk.Retire(t.Context(), d.actor("admin"), rule.KindMatter, "06011", "", 1, nil, Once{})
	require.Equal(t, "STALE", code(err))
	_, err = d.desk.Retire(t.Context(), d.actor("admin"), rule.KindMatter, "06011", "", 2, nil, Once{})
	require.NoError(t, err)
	_, _, err = d.desk.Submit(t.Context(), d.actor("lin"), &Submission{Text: "这里有问题需要处理", Matter: "06011", Point: at})
	require.Equal(t, "INVALID", code(err))
	require.Equal(t, was.Name, d.worlds.Get(grid.DemoDistrict).MatterName("06011"))
	_, err = d.desk.Retire(t.Context(), d.actor("admin"), rule.KindMatter, "06011", "", 2, nil, Once{})
	require.Equal(t, "ENDED", code(err))
	was.Item.ValidFrom = nil
	back, err := d.put(was.Item, 0)
	require.NoError(t, err)
	require.Equal(t, 3, back.Version)
}

func code2name(d *testDistrict, v *CatalogVersion) string {
	for name, a := range d.accounts {
		if d.count("select count(*) from catalog_item where kind = $1 and code = $2 and version = $3 and made_by = $4", v.Kind, v.Code, v.Version, a.Account) == 1 {
			return name
		}
	}
	return ""
}

// A version that is still ahead is taken back and the one before goes on; one in force is not.
func TestCatalogueWithdraw(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.admins()
	next := d.item("06012").Item
	from := d.now().AddDate(0, 1, 0)
	next.ValidFrom, next.Priority = &from, rule.P2
	_, err := d.put(next, 1)
	require.NoError(t, err)
	// A change at once does not touch what is planned: it ends there.
	now := d.item("06012").Item
	now.ValidFrom, now.Priority = nil, rule.P4
	v, err := d.put(now, 2)
	require.NoError(t, err)
	require.Equal(t, 3, v.Version)
	require.True(t, v.ValidTo.Equal(from))

	_, err = d.desk.Withdraw(t.Context(), d.actor("admin"), rule.KindMatter, "06012", "", 3, Once{})
	require.Equal(t, "IN_FORCE", code(err))
	_, err = d.desk.Withdraw(t.Context(), d.actor("admin"), rule.KindMatter, "06012", "", 2, Once{})
	require.NoError(t, err)
	require.Equal(t, 1, d.count("select count(*) from catalog_item where code = '06012' and kind = 'matter' and version = 3 and valid_to is null and active"))
	_, ok := d.worlds.NextChange()
	require.False(t, ok)

	past := d.now().Add(-time.Second)
	now.ValidFrom = &past
	_, err = d.put(now, 3)
	require.Equal(t, "INVALID", code(err))
	var refused *fault.Error
	require.ErrorAs(t, err, &refused)
	require.Contains(t, refused.Fields[0].Pointer, "/valid_from")
}

// The database holds "one lead per item and area", whoever writes and however many at once.
func TestOneLeadPerItemAndArea(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.admins()
	exec := func(sql string, args ...any) error {
		_, err := d.db.Owner.Pool.Exec(context.Background(), sql, args...)
		return err
	}
	require.NoError(t, exec("alter table catalog_item no force row level security"))
	second := "insert into catalog_item (district, standard, kind, code, version, area, valid_from, valid_to, body) select district, standard, kind, code, $1, $2, $3, $4, body from catalog_item where kind = 'matter' and code = '06013' and version = 1"
	state := func(err error) string {
		var pe *pgconn.PgError
		require.ErrorAs(t, err, &pe)
		return pe.Code
	}
	day := func(m int) time.Time { return time.Date(2027, time.Month(m), 1, 0, 0, 0, 0, time.UTC) }
	require.Equal(t, "23P01", state(exec(second, 2, "", day(1), day(2))), "the first version has no end")
	require.Equal(t, "23P01", state(exec("insert into catalog_item (district, standard, kind, code, version, body) select district, 'DB35', kind, code, 9, body from catalog_item where kind = 'matter' and code = '06013'")), "another standard is the same item")
	require.NoError(t, exec(second, 2, "350102004", day(1), day(2)), "another area")
	require.Equal(t, "23P01", state(exec(second, 3, "350102004", day(1), day(3))))
	require.NoError(t, exec(second, 3, "350102004", day(2), nil), "one ends where the next begins")
	require.Equal(t, "23514", state(exec(second, 4, "350122004", day(1), day(2))), "an area of another district")
	require.Equal(t, "23505", state(exec("insert into catalog_item (district, standard, kind, code, version, active, body) select district, 'DB35', kind, code, 1, false, body from catalog_item where kind = 'matter' and code = '06013' and version = 1")), "one version number, one row")
	for _, role := range []*testRole{{d.db.App, "app"}, {d.db.Engine, "engine"}} {
		_, err := role.db.Pool.Exec(context.Background(), "update catalog_item set body = '{}'")
		require.Equal(t, "42501", state(err), "%s may not rewrite a version", role.name)
		_, err = role.db.Pool.Exec(context.Background(), "delete from catalog_item")
		require.Equal(t, "42501", state(err))
	}

	// Eight by hand at once: exactly one row.
	var wg sync.WaitGroup
	won := make(chan int, 16)
	for i := range 8 {
		wg.Go(func() {
			if exec(second, 10+i, "350102003", day(1), nil) == nil {
				won <- i
			}
		})
	}
	// Eight administrators at once on one version: exactly one next version.
	base := d.item("06014")
	stale := make(chan string, 16)
	for range 8 {
		wg.Go(func() {
			_, err := d.put(base.Item, 1)
			stale <- code(err)
		})
	}
	wg.Wait()
	close(won)
	close(stale)
	require.Len(t, won, 1)
	require.Equal(t, 1, d.count("select count(*) from catalog_item where code = '06013' and area = '350102003'"))
	var codes []string
	for c := range stale {
		codes = append(codes, c)
	}
	require.Equal(t, 7, strings.Count(strings.Join(codes, " "), "STALE"), "%v", codes)
	require.Equal(t, 2, d.count("select count(*) from catalog_item where code = '06014' and kind = 'matter'"))
}

// The community's item goes before the street's, the street's before the district's.
func TestNarrowerItemLeads(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.admins()
	it := d.item("06011").Item
	it.LeadExpr, it.AssistExpr = "unit:D-JS", nil
	it.Path, it.Area, it.ValidFrom = rule.PathDirect, "350102004", nil
	street, err := d.put(it, 0)
	require.NoError(t, err)
	require.Equal(t, 2, street.Version)
	it.Area, it.LeadExpr = "350102004001", "unit:D-SJ"
	_, err = d.put(it, 0)
	require.NoError(t, err)
	lead := func(lon, lat float64) (unit string) {
		r := d.submit("lin", "06011", PointIn{Lon: lon, Lat: lat, Datum: "WGS84"})
		require.NoError(t, d.db.Engine.Pool.QueryRow(t.Context(), "select lead_unit || ' ' || item_version from cases where id = $1", r.CaseID).Scan(&unit))
		return unit
	}
	require.Equal(t, "D-SJ 3", lead(119.3080, 26.0875))
	require.Equal(t, "D-JS 2", lead(119.3120, 26.0875))
	require.Equal(t, "S-WQ 1", lead(119.3080, 26.0905))

	_, err = d.desk.Retire(t.Context(), d.actor("admin"), rule.KindMatter, "06011", "", 1, nil, Once{})
	require.Equal(t, "LOCAL_ITEMS", code(err))
	it.Code, it.Name, it.Area = "06099", "没有全区条目的事项", "350102004"
	_, err = d.put(it, 0)
	require.Equal(t, "INVALID", code(err))
	it.Area = "350102099"
	_, err = d.put(it, 0)
	require.Equal(t, "INVALID", code(err))
}

type testRole struct {
	db   *pg.DB
	name string
}

// The list of what communities may be asked to do has a limit; beyond it a second person decides.
func TestCommunityAccessList(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.admins()
	list, err := d.desk.Access(t.Context(), d.actor("admin"))
	require.NoError(t, err)
	require.Equal(t, 34, list.Limit)
	used := len(list.Items)
	require.LessOrEqual(t, used, 34)
	ask := func(limit int) *CatalogRequest {
		r, err := d.desk.Ask(t.Context(), d.actor("admin"), nil, limit, "先把名额收紧到现有数量")
		require.NoError(t, err)
		return r
	}
	r := ask(used)
	_, err = d.desk.DecideRequest(t.Context(), d.actor("admin"), r.ID, true, "")
	require.Equal(t, "SAME_PERSON", code(err))
	_, err = d.desk.DecideRequest(t.Context(), d.actor("cg-officer"), r.ID, true, "")
	require.Equal(t, "FORBIDDEN", code(err))
	done, err := d.desk.DecideRequest(t.Context(), d.actor("super"), r.ID, true, "")
	require.NoError(t, err)
	require.Equal(t, "APPROVED", done.State)
	_, err = d.desk.DecideRequest(t.Context(), d.actor("admin2"), r.ID, false, "已经决定过了")
	require.Equal(t, "ALREADY_DECIDED", code(err))

	it := d.item("06011").Item
	it.Level, it.LeadExpr = rule.LevelCommunity, rule.CommunityOfGrid
	_, err = d.put(it, 1)
	require.Equal(t, "COMMUNITY_LIMIT", code(err))
	f, _ := fault.As(err)
	require.Equal(t, used+1, f.Extra["used"])

	// What is on the list may change and stays.
	stays := list.Items[0].Item
	stays.Priority = rule.P4
	_, err = d.put(stays, 1)
	require.NoError(t, err)

	// Two decide at once: one carries it out.
	in := ItemChange{Item: it, Base: 1, Note: "居民常问"}
	r, err = d.desk.Ask(t.Context(), d.actor("admin"), &in, 0, "社区已配备保洁人员")
	require.NoError(t, err)
	var wg sync.WaitGroup
	answers := make(chan string, 2)
	for _, name := range []string{"super", "admin2"} {
		wg.Go(func() {
			_, err := d.desk.DecideRequest(context.Background(), d.actor(name), r.ID, true, "")
			answers <- code(err)
		})
	}
	wg.Wait()
	require.ElementsMatch(t, []string{"", "ALREADY_DECIDED"}, []string{<-answers, <-answers})
	now := d.item("06011")
	require.Equal(t, rule.LevelCommunity, now.Level)
	require.Equal(t, 2, now.Version)

	// The item was changed meanwhile: the approval is refused and stays open.
	it.Code, it.Name, it.NameEN = "06012", "道路不洁", "Dirty road"
	in = ItemChange{Item: it, Base: 1}
	r, err = d.desk.Ask(t.Context(), d.actor("admin"), &in, 0, "社区已配备保洁人员")
	require.NoError(t, err)
	other := d.item("06012").Item
	_, err = d.put(other, 1)
	require.NoError(t, err)
	_, err = d.desk.DecideRequest(t.Context(), d.actor("super"), r.ID, true, "")
	require.Equal(t, "STALE", code(err))
	open, _, err := d.desk.Requests(t.Context(), d.actor("super"), "PENDING", 50, "")
	require.NoError(t, err)
	require.Len(t, open, 1)
	_, err = d.db.Owner.Pool.Exec(t.Context(), "alter table catalog_request no force row level security")
	require.NoError(t, err)
	_, err = d.db.Owner.Pool.Exec(t.Context(), "update catalog_request set state = 'APPROVED', decided_by = requested_by, decided_at = now() where state = 'PENDING'")
	require.ErrorContains(t, err, "catalog_request_two_people", "not even by hand")
}

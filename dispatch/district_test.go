package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/dispatch/rule"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/pg"
	"yixian/internal/pg/pgtest"
	"yixian/internal/seal"
)

// morning is a Monday at nine in Fuzhou: every test begins then, on a clock that stands.
var morning = time.Date(2026, 6, 8, 9, 0, 0, 0, time.FixedZone("CST", 8*3600))

// Two places of the fixture, in the grids of 军门 and 花园.
var (
	inJunmen = PointIn{Lon: 119.3080, Lat: 26.0875, Datum: "WGS84"}
	inGarden = PointIn{Lon: 119.3120, Lat: 26.0875, Datum: "WGS84"}
)

// Matters of the demo catalogue whose rules lead to known units.
const (
	matterBuilding = "06001" // 私搭乱建: the street leads
	matterLight    = "01037" // 路灯 on a road without a ledger: D-JS leads directly
)

// testDistrict is the fixture district on a database of its own, with staff, two residents and a clock that stands.
type testDistrict struct {
	t        testing.TB
	db       *pgtest.Database
	keys     *seal.Keyring
	worlds   *Worlds
	desk     *Desk // on the web role's pool
	accounts map[string]auth.Actor
	photos   int
}

// staffOf are the fixture's accounts: username → role, unit, grids, phone.
var staffOf = []struct {
	name  string
	role  auth.Role
	unit  string
	grids []string
	phone string
}{
	{"dispatcher", auth.RoleDispatcher, "D-CENTER", nil, "13910000001"},
	{"supervisor", auth.RoleSupervisor, "D-CENTER", nil, "13910000002"},
	{"auditor", auth.RoleAuditor, "D-CENTER", nil, "13910000003"},
	{"hotline", auth.RoleHotline, "D-CENTER", nil, "13910000004"},
	{"admin", auth.RoleTenantAdmin, "D-CENTER", nil, "13910000005"},
	{"arbitrator", auth.RoleArbitrator, "D-CENTER", nil, "13910000006"},
	{"dj-officer", auth.RoleStreetOfficer, "S-DJ", nil, "13910000011"},
	{"dj-leader", auth.RoleStreetLeader, "S-DJ", nil, "13910000012"},
	{"dj-secretary", auth.RoleStreetSecretary, "S-DJ", nil, "13910000013"},
	{"wq-officer", auth.RoleStreetOfficer, "S-WQ", nil, "13910000014"},
	{"junmen-officer", auth.RoleCommunityOfficer, "350102004001", nil, "13910000021"},
	{"junmen-worker", auth.RoleGridWorker, "350102004001", []string{"350102004001001"}, "13910000022"},
	{"garden-officer", auth.RoleCommunityOfficer, "350102004002", nil, "13910000023"},
	{"garden-worker", auth.RoleGridWorker, "350102004002", []string{"350102004002001"}, "13910000024"},
	{"cg-officer", auth.RoleDeptOfficer, "D-CG", nil, "13910000031"},
	{"cg-second", auth.RoleDeptOfficer, "D-CG", nil, "13910000032"},
	{"cg-leader", auth.RoleDeptLeader, "D-CG", nil, "13910000033"},
	{"js-officer", auth.RoleDeptOfficer, "D-JS", nil, "13910000034"},
	{"js-leader", auth.RoleDeptLeader, "D-JS", nil, "13910000035"},
	{"sj-officer", auth.RoleDeptOfficer, "D-SJ", nil, "13910000036"},
	{"sj-leader", auth.RoleDeptLeader, "D-SJ", nil, "13910000038"},
	{"rq-utility", auth.RoleUtility, "U-RQ", nil, "13910000037"},
}

// The residents' phones are the canaries: they may stand nowhere in the open.
var residentPhones = map[string]string{"lin": "13900000001", "chen": "13900000002"}

// newDistrict builds the district; every test gets its own.
func newDistrict(t testing.TB) *testDistrict {
	t.Helper()
	d := &testDistrict{t: t, db: pgtest.New(t), accounts: map[string]auth.Actor{}}
	ctx := context.Background()
	d.setClock(morning)
	var err error
	d.keys, err = seal.Open(filepath.Join(t.TempDir(), "keys.json"))
	require.NoError(t, err)

	_, err = d.db.Engine.Pool.Exec(ctx, "insert into tenant (district, name, city) values ($1, '鼓楼区', '福州市')", grid.DemoDistrict)
	require.NoError(t, err)
	areas, units := grid.Fixture()
	g := d.db.Engine.Gorm.WithContext(ctx)
	require.NoError(t, g.Create(&areas).Error)
	require.NoError(t, g.Create(&units).Error)
	dir := rule.Directory{Units: map[string]rule.Unit{}}
	for _, u := range units {
		dir.Units[u.Code] = rule.Unit{Code: u.Code, Name: u.Name, Kind: u.Kind, Line: u.Line, Active: u.Active}
	}
	insert := "insert into catalog_item (district, standard, kind, code, version, active, body) select $1, b->>'standard', b->>'kind', b->>'code', 1, true, b from jsonb_array_elements($2::jsonb) b"
	d.insertAll(insert, rule.DemoItems(grid.DemoDistrict))
	rules, _ := rule.Adapt(rule.DemoRules(), dir)
	d.insertAll("select yx_first_rules($1, $2, 'test')", rules)

	store := auth.NewStore(d.db.App, d.keys, nil, auth.Options{Sandbox: true})
	staff := make([]auth.NewStaff, len(staffOf))
	for i, s := range staffOf {
		staff[i] = auth.NewStaff{District: grid.DemoDistrict, Username: s.name, DisplayName: s.name, Phone: s.phone, Bindings: []auth.Binding{{Role: s.role, Unit: s.unit, Grids: s.grids}}}
	}
	ids, err := store.CreateStaff(ctx, staff...)
	require.NoError(t, err)
	for i, s := range staffOf {
		d.accounts[s.name] = auth.Actor{District: grid.DemoDistrict, Account: ids[i], Kind: auth.Staff, Username: s.name, Name: s.name, Bindings: staff[i].Bindings}
	}
	for name, phone := range residentPhones {
		sealed, err := d.keys.Seal(grid.DemoDistrict, auth.FieldPhone, phone)
		require.NoError(t, err)
		a := auth.Actor{District: grid.DemoDistrict, Account: uuid.New(), Device: uuid.New(), Kind: auth.Resident, Bindings: []auth.Binding{{Role: auth.RoleResident}}}
		_, err = d.db.Engine.Pool.Exec(ctx, "insert into account (district, id, kind, phone_enc, phone_bidx) values ($1, $2, 'RESIDENT', $3, $4)",
			a.District, a.Account, sealed, d.keys.Blind(a.District, auth.FieldPhone, phone))
		require.NoError(t, err)
		d.accounts[name] = a
	}
	d.worlds = NewWorlds(d.db.Engine)
	require.NoError(t, d.worlds.Load(ctx))
	d.desk = NewDesk(d.db.App, d.keys, d.worlds, nil)
	return d
}

func (d *testDistrict) insertAll(sql string, rows any) {
	d.t.Helper()
	body, err := json.Marshal(rows)
	require.NoError(d.t, err)
	_, err = d.db.Engine.Pool.Exec(context.Background(), sql, grid.DemoDistrict, body)
	require.NoError(d.t, err)
}

// setClock lets yx_now() stand at an instant.
func (d *testDistrict) setClock(at time.Time) {
	d.t.Helper()
	_, err := d.db.Owner.Pool.Exec(context.Background(), fmt.Sprintf(
		"create or replace function yx_now() returns timestamptz language sql stable parallel safe as $$select timestamptz '%s'$$", at.UTC().Format(time.RFC3339Nano)))
	require.NoError(d.t, err)
}

func (d *testDistrict) now() (now time.Time) {
	d.t.Helper()
	require.NoError(d.t, d.db.Engine.Pool.QueryRow(context.Background(), "select yx_now()").Scan(&now))
	return now
}

// advance moves the clock on.
func (d *testDistrict) advance(by time.Duration) { d.t.Helper(); d.setClock(d.now().Add(by)) }

// actor is an account of the fixture as a session would give it now.
func (d *testDistrict) actor(name string) auth.Actor {
	d.t.Helper()
	a, ok := d.accounts[name]
	require.True(d.t, ok, "no account %s", name)
	a.Now = d.now()
	return a
}

// photo is one uploaded by the account.
func (d *testDistrict) photo(name string) string {
	d.t.Helper()
	d.photos++
	id := fmt.Sprintf("photo-%03d", d.photos)
	_, err := d.db.Engine.Pool.Exec(context.Background(), "insert into media (district, id, account_id, width, height, bytes, sha256) values ($1, $2, $3, 1, 1, 1, '\\x00')",
		grid.DemoDistrict, id, d.actor(name).Account)
	require.NoError(d.t, err)
	return id
}

// submit reports a matter at a place as somebody.
func (d *testDistrict) submit(name, matter string, at PointIn) *Receipt {
	d.t.Helper()
	r, _, err := d.desk.Submit(context.Background(), d.actor(name), &Submission{Text: "这里有问题需要处理", Matter: matter, Point: at})
	require.NoError(d.t, err)
	return r
}

// act is one command of somebody; body holds the action's fields.
func (d *testDistrict) act(name string, caseID uuid.UUID, action Action, body map[string]any) (*Outcome, error) {
	d.t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(d.t, err)
	cmd, err := ParseCommand(action, raw)
	require.NoError(d.t, err)
	return d.desk.Do(context.Background(), d.actor(name), caseID, cmd, nil)
}

// do is act that must succeed.
func (d *testDistrict) do(name string, caseID uuid.UUID, action Action, body map[string]any) *Outcome {
	d.t.Helper()
	out, err := d.act(name, caseID, action, body)
	require.NoError(d.t, err, "%s by %s", action, name)
	return out
}

// rate is the reporter's answer.
func (d *testDistrict) rate(name string, r *Receipt, resolved bool, grade int) {
	d.t.Helper()
	raw, err := json.Marshal(map[string]any{"resolved": resolved, "grade": grade})
	require.NoError(d.t, err)
	cmd, err := ParseCommand(ActRate, raw)
	require.NoError(d.t, err)
	_, err = d.desk.DoAsReporter(context.Background(), d.actor(name), r.CaseID, r.ReportID, cmd, nil)
	require.NoError(d.t, err)
}

// resolve carries a signed case to RESOLVED by the unit's officer.
func (d *testDistrict) resolve(name string, caseID uuid.UUID) *Outcome {
	d.t.Helper()
	d.do(name, caseID, ActContact, map[string]any{"method": "PHONE"})
	return d.do(name, caseID, ActResolve, map[string]any{"outcome": "RESOLVED", "accepted_at": d.now(), "talked_to": "报案人", "measures": "已处理完毕",
		"time_limit": "当日", "media_ids": []string{d.photo(name)}})
}

// pass is the check by somebody.
func (d *testDistrict) pass(name string, caseID uuid.UUID) *Outcome {
	d.t.Helper()
	return d.do(name, caseID, ActCheckPass, map[string]any{"media_ids": []string{d.photo(name)}})
}

// count is a figure of the whole database.
func (d *testDistrict) count(sql string, args ...any) (n int) {
	d.t.Helper()
	require.NoError(d.t, d.db.Engine.Pool.QueryRow(context.Background(), sql, args...).Scan(&n))
	return n
}

// text is one text of the whole database.
func (d *testDistrict) text(sql string, args ...any) (text string) {
	d.t.Helper()
	require.NoError(d.t, d.db.Engine.Pool.QueryRow(context.Background(), sql, args...).Scan(&text))
	return text
}

// verify walks every chain.
func (d *testDistrict) verify() Verified {
	d.t.Helper()
	v, err := VerifyChains(context.Background(), &pg.DB{Pool: d.db.Engine.Pool}, "")
	require.NoError(d.t, err)
	return v
}

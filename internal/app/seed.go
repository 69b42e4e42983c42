package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"yixian/dispatch/rule"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/pg"
)

// signIn is one account of a fixture or the demo.
type signIn struct {
	Username, Name, Phone string
	Bindings              []auth.Binding
}

// world is what a fixture puts into an empty database.
type seed struct {
	name  string
	areas []grid.Area
	units []grid.OrgUnit
}

// fixtureSeed is fixture F of the domain page or the demo district; both have the same people.
func fixtureSeed(name string) (seed, error) {
	if name == "F" || name == assessmentFixture {
		areas, units := grid.Fixture()
		return seed{"F", areas, units}, nil
	}
	areas, units, err := grid.Demo()
	if err != nil {
		return seed{}, err
	}
	// The two streets of the fixture keep their codes, so that rules, texts and people are the same in both.
	codes := map[string]string{"S-350102004": "S-DJ", "S-350102003": "S-WQ"}
	for i := range units {
		for old, short := range codes {
			if units[i].Code == old {
				units[i].Code = short
			}
			if units[i].Parent == old {
				units[i].Parent = short
			}
		}
	}
	return seed{"demo", areas, units}, nil
}

func (s *seed) gridsOf(community string) []string {
	var out []string
	for _, a := range s.areas {
		if a.Level == grid.LevelGrid && a.Parent == community {
			out = append(out, a.Code)
		}
	}
	return out
}

// communities of a street that have grids, by code.
func (s *seed) communities(street string) []string {
	var out []string
	for _, a := range s.areas {
		if a.Level == grid.LevelCommunity && a.Parent == street && len(s.gridsOf(a.Code)) > 0 {
			out = append(out, a.Code)
		}
	}
	slices.Sort(out)
	return out
}

// people are the named accounts of fixture F (domain 4h); in the demo they sit on the same streets.
func (s *seed) people() []signIn {
	east := s.communities("350102004")
	first, second := east[0], east[min(1, len(east)-1)]
	if slices.Contains(east, "350102004001") {
		first = "350102004001"
		second = east[1]
	}
	in := func(role auth.Role, unit string, grids ...string) []auth.Binding {
		return []auth.Binding{{Role: role, Unit: unit, Grids: grids}}
	}
	list := []signIn{
		{"gw1", "高网格", "", in(auth.RoleGridWorker, first, s.gridsOf(first)...)},
		{"gw2", "吴网格", "", in(auth.RoleGridWorker, second, s.gridsOf(second)...)},
		{"co1", "康社区", "", in(auth.RoleCommunityOfficer, first)},
		{"so1", "孙经办", "", in(auth.RoleStreetOfficer, "S-DJ")}, {"sl1", "石主任", "", in(auth.RoleStreetLeader, "S-DJ")}, {"ss1", "沈书记", "", in(auth.RoleStreetSecretary, "S-DJ")},
		{"so2", "苏经办", "", in(auth.RoleStreetOfficer, "S-WQ")}, {"sl2", "宋主任", "", in(auth.RoleStreetLeader, "S-WQ")},
		{"cg1", "程城管", "", in(auth.RoleDeptOfficer, "D-CG")}, {"cgl", "陈局长", "", in(auth.RoleDeptLeader, "D-CG")},
		{"js1", "金建设", "", in(auth.RoleDeptOfficer, "D-JS")}, {"jsl", "江局长", "", in(auth.RoleDeptLeader, "D-JS")},
		{"sj1", "史市监", "", in(auth.RoleDeptOfficer, "D-SJ")}, {"sjl", "施局长", "", in(auth.RoleDeptLeader, "D-SJ")},
		{"xf1", "谢消防", "", in(auth.RoleDeptOfficer, "D-XF")}, {"xfl", "徐大队", "", in(auth.RoleDeptLeader, "D-XF")},
		{"wx1", "魏网信", "", in(auth.RoleDeptOfficer, "D-WX")}, {"wxl", "汪主任", "", in(auth.RoleDeptLeader, "D-WX")},
		{"ld1", "廖路灯", "", in(auth.RoleDeptOfficer, "C-LD")}, {"ldl", "林处长", "", in(auth.RoleDeptLeader, "C-LD")},
		{"rq1", "任燃气", "", in(auth.RoleUtility, "U-RQ")}, {"rql", "阮经理", "", in(auth.RoleDeptLeader, "U-RQ")},
		{"dis1", "丁调度", "", in(auth.RoleDispatcher, "D-CENTER")}, {"dis2", "邓调度", "", in(auth.RoleDispatcher, "D-CENTER")},
		{"arb1", "艾裁定", "", in(auth.RoleArbitrator, "")}, {"sup1", "孟督查", "", in(auth.RoleSupervisor, "")}, {"aud1", "敖审计", "", in(auth.RoleAuditor, "")},
		{"cb1", "柴回访", "", in(auth.RoleCallback, "")}, {"adm1", "安管理", "", in(auth.RoleTenantAdmin, "")}, {"adm2", "卞管理", "", in(auth.RoleTenantAdmin, "")}, {"com1", "梁指挥", "", in(auth.RoleCommander, "")}, {"hot1", "何热线", "", in(auth.RoleHotline, "")},
	}
	for i := range list {
		list[i].Phone = fmt.Sprintf("138000%05d", i+1)
	}
	return list
}

// residents are res1–res5 of the fixture; they sign in by one-time code.
func residents() []string { return []string{"res1", "res2", "res3", "res4", "res5"} }

// load writes a seed into an empty district. password gives each account's password; "" lets nobody sign in to it.
func (a *App) load(ctx context.Context, s seed, password func(username string) string) error {
	ctx = pg.WithDistrict(ctx, grid.DemoDistrict)
	dir := rule.Directory{Units: map[string]rule.Unit{}, StreetOf: map[string]string{}, CommunityOf: map[string]string{}}
	for _, u := range s.units {
		dir.Units[u.Code] = rule.Unit{Code: u.Code, Name: u.Name, Kind: u.Kind, Line: u.Line, Active: u.Active}
	}
	rules, _ := rule.Adapt(rule.DemoRules(), dir)
	items := rule.DemoItems(grid.DemoDistrict)
	approx := slices.ContainsFunc(s.areas, func(x grid.Area) bool { return x.Approx })
	err := a.Engine.Gorm.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Exec(`insert into tenant (district, name, city, fixture, approx_boundaries) values (?, '鼓楼区', '福州市', ?, ?)`, grid.DemoDistrict, s.name, approx).Error; err != nil {
			return err
		}
		for i := range s.areas {
			if s.areas[i].ValidFrom.IsZero() {
				s.areas[i].ValidFrom = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
			}
		}
		if err := tx.CreateInBatches(s.areas, 200).Error; err != nil {
			return err
		}
		if err := tx.CreateInBatches(s.units, 200).Error; err != nil {
			return err
		}
		if err := copyBodies(tx, `insert into catalog_item (district, standard, kind, code, version, active, body)
			select ?, x->>'standard', x->>'kind', x->>'code', 1, true, x from jsonb_array_elements(?::jsonb) x`, items); err != nil {
			return err
		}
		if err := copyBodies(tx, "insert into code_map (district, standard_from, code_from, standard_to, code_to) select ?, m.standard_from, m.code_from, m.standard_to, m.code_to from jsonb_populate_recordset(null::code_map, ?::jsonb) m", rule.DemoMappings()); err != nil {
			return err
		}
		return copyBodies(tx, "select yx_first_rules(?, ?::jsonb, '首次载入')", rules)
	})
	if err != nil {
		return fmt.Errorf("load %s: %w", s.name, err)
	}
	var staff []auth.NewStaff
	for _, p := range s.people() {
		staff = append(staff, auth.NewStaff{District: grid.DemoDistrict, Username: p.Username, DisplayName: p.Name, Phone: p.Phone, Password: password(p.Username), Bindings: p.Bindings})
	}
	if s.name == "demo" {
		staff = append(staff, s.crowd(len(staff), password, a.cfg.Sandbox)...)
	}
	if _, err := a.auth.CreateStaff(ctx, staff...); err != nil {
		return fmt.Errorf("load people of %s: %w", s.name, err)
	}
	if a.cfg.Sandbox {
		// Another city's app to practise with: its api_key is sandbox-par1.
		if _, _, err := a.auth.NewPartner(ctx, auth.SystemActor(grid.DemoDistrict, time.Time{}), auth.PartnerAccount{Username: "par1", Name: "示例合作方"}); err != nil {
			return fmt.Errorf("load partner of %s: %w", s.name, err)
		}
	}
	return a.worlds.Load(ctx)
}

// crowd are the demo's other people: an officer for each unit and a worker for each community. They receive what their
// unit receives; they can sign in only to practise (signIn).
func (s *seed) crowd(n int, password func(string) string, signIn bool) []auth.NewStaff {
	var out []auth.NewStaff
	for _, u := range s.units {
		b := auth.Binding{Unit: u.Code}
		switch u.Kind {
		case grid.UnitStreet:
			b.Role = auth.RoleStreetOfficer
		case grid.UnitCommunity:
			b.Role, b.Grids = auth.RoleGridWorker, s.gridsOf(u.AreaCode)
		case grid.UnitUtility:
			b.Role = auth.RoleUtility
		case grid.UnitProperty:
			b.Role = auth.RoleProperty
		case grid.UnitNGO:
			b.Role = auth.RoleNGO
		case grid.UnitDistrictCenter:
			continue
		default:
			b.Role = auth.RoleDeptOfficer
		}
		n++
		staff := auth.NewStaff{District: grid.DemoDistrict, Username: "duty-" + strings.ToLower(u.Code), DisplayName: u.ShortName + "值班", Phone: fmt.Sprintf("138000%05d", n), Bindings: []auth.Binding{b}}
		if signIn {
			staff.Password = password(staff.Username)
		}
		out = append(out, staff)
	}
	return out
}

func copyBodies[T any](tx *gorm.DB, sql string, list []T) error {
	raw, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return tx.Exec(sql, grid.DemoDistrict, string(raw)).Error
}

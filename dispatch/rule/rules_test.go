package rule

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// fixture is the organisation of fixture F of the domain page.
func fixture() Directory {
	units := map[string]Unit{}
	for _, u := range []Unit{
		{Code: "S-DJ", Kind: "STREET"}, {Code: "S-WQ", Kind: "STREET"},
		{Code: "350102004001", Kind: "COMMUNITY"}, {Code: "350102004002", Kind: "COMMUNITY"}, {Code: "350102003001", Kind: "COMMUNITY"},
		{Code: "D-CG", Kind: "DEPARTMENT", Line: "CITY_MGMT"}, {Code: "D-JS", Kind: "DEPARTMENT", Line: "CONSTRUCTION"},
		{Code: "D-SJ", Kind: "DEPARTMENT", Line: "MARKET"}, {Code: "D-XF", Kind: "DEPARTMENT", Line: "FIRE"}, {Code: "D-WX", Kind: "DEPARTMENT", Line: "CYBER"},
		{Code: "C-LD", Kind: "CITY_UNIT", Line: "LIGHTING"}, {Code: "U-RQ", Kind: "UTILITY", Line: "GAS"},
	} {
		u.Active = true
		units[u.Code] = u
	}
	return Directory{
		Units:       units,
		StreetOf:    map[string]string{"350102004": "S-DJ", "350102003": "S-WQ"},
		CommunityOf: map[string]string{"350102004001": "350102004001", "350102004002": "350102004002", "350102003001": "350102003001"},
	}
}

// richer is the fixture with the units F lacks.
func richer() Directory {
	d := fixture()
	for _, u := range []Unit{{Code: "D-GA", Line: "POLICE"}, {Code: "D-JJ", Line: "TRAFFIC_POLICE"}, {Code: "D-HB", Line: "ECOLOGY"}, {Code: "D-NS", Line: "WATER"}, {Code: "D-ZG", Line: "RESOURCES"}, {Code: "P-WY", Line: "PROPERTY"}, {Code: "D-YJ", Line: "EMERGENCY"}, {Code: "D-JK", Line: "HEALTH"}} {
		u.Active = true
		d.Units[u.Code] = u
	}
	return d
}

func demoSet(t testing.TB, dir Directory) *Set {
	t.Helper()
	s, err := NewSet(DemoRules(), DemoCatalog("350102"), dir)
	require.NoError(t, err)
	return s
}

func at(matter string, more ...func(*Facts)) Facts {
	f := Facts{Matter: matter, Grid: "350102004001001", LandUse: "道路", Source: "RESIDENT", Mode: "NORMAL", Hour: 9, IsWorkday: true}
	for _, m := range more {
		m(&f)
	}
	return f
}

func facet(key string, v any) func(*Facts) {
	return func(f *Facts) { f.Facets = map[string]any{key: v} }
}

func TestDemoRules(t *testing.T) {
	t.Parallel()
	f, rich := demoSet(t, fixture()), demoSet(t, richer())
	const street, community = "S-DJ", "350102004001"
	estate := func(f *Facts) { f.LandUse = "小区" }
	known := func(f *Facts) {
		f.Component, f.ComponentOwner, f.ComponentMaintainer = "35010201002000001", "D-CG", "D-JS"
	}
	device := func(f *Facts) { f.Source, f.DeviceKind = "DEVICE", "SMOKE" }
	eco := func(level int) func(*Facts) { return func(f *Facts) { f.Source, f.AlertLevel = "ECO_CLOUD", level } }
	hour := func(h int) func(*Facts) { return func(f *Facts) { f.Hour = h } }
	for _, c := range []struct {
		name    string
		set     *Set
		facts   Facts
		rule    string
		lead    string
		path    Path
		prio    Priority
		handle  string
		assists []string
		call    *Call
	}{
		{"R01 words", f, at("06028", func(f *Facts) { f.Text = "楼道里有 燃 气味" }), "R01", "U-RQ", PathDirect, P1, "2NH", []string{"D-XF", street}, &Call{CallL2, false, true, "U-RQ", []string{"D-XF"}}},
		{"R01 pipe", rich, at("01057"), "R01", "U-RQ", PathDirect, P1, "2NH", []string{"D-XF", "D-YJ", street}, &Call{CallL2, false, true, "U-RQ", []string{"D-XF", "D-YJ"}}},
		{"R01 before R05", f, at("06010", func(f *Facts) { f.Text = "垃圾旁燃气泄漏" }), "R01", "U-RQ", PathDirect, P1, "2NH", []string{"D-XF", street}, &Call{CallL2, false, true, "U-RQ", []string{"D-XF"}}},
		{"R02", f, at("01002", known, facet("cover_missing", true)), "R02", street, PathStreetFirst, P2, "24NH", nil, &Call{CallL1, false, false, "D-JS", nil}},
		{"R03 no ledger", f, at("01002", facet("cover_missing", true)), "R03", street, PathStreetFirst, P2, "24NH", nil, &Call{CallL1, false, false, "D-CG", nil}},
		{"R03 unknown cover", f, at("01023"), "R03", street, PathStreetFirst, P2, "24NH", nil, &Call{CallL1, false, false, "D-CG", nil}},
		{"R04 ledger", f, at("01037", func(f *Facts) { f.Component, f.ComponentOwner = "35010201037000001", "C-LD" }), "R04", street, PathStreetFirst, P3, "2WD", nil, &Call{CallL1, false, false, "C-LD", nil}},
		{"R04 estate", rich, at("01037", estate), "R04b", community, PathStreetFirst, P3, "2WD", nil, &Call{CallL1, false, false, "P-WY", nil}},
		{"R04 alley", f, at("01037"), "R04c", "D-JS", PathDirect, P3, "2WD", nil, nil},
		{"R05 road", f, at("06010"), "R05", street, PathStreetFirst, P3, "4WH", nil, nil},
		{"R05 estate", rich, at("06010", estate), "R05b", community, PathStreetFirst, P3, "4WH", nil, &Call{CallL1, false, false, "P-WY", nil}},
		{"R05 estate in F", f, at("06010", estate), "R05b", community, PathStreetFirst, P3, "4WH", nil, nil},
		{"R06", f, at("06001"), "R06", street, PathStreetFirst, P3, "20WD", nil, &Call{CallL2, true, false, "D-CG", nil}},
		{"R06 with planning", rich, at("06001"), "R06", street, PathStreetFirst, P3, "20WD", nil, &Call{CallL2, true, false, "D-CG", []string{"D-ZG"}}},
		{"R07", f, at("09012"), "R07", "D-XF", PathDirect, P2, "2NH", []string{street}, nil},
		{"R07 vehicle", rich, at("09012", facet("vehicle", true)), "R07v", "D-XF", PathDirect, P2, "2NH", []string{street, "D-JJ"}, nil},
		{"R08 night", f, at("06028", facet("source", "CONSTRUCTION"), hour(23)), "R08", street, PathStreetFirst, P3, "1WD", nil, &Call{CallL1, false, false, "D-CG", nil}},
		{"R08 at 6 no more", rich, at("06028", facet("source", "CONSTRUCTION"), hour(6)), "C06028", street, PathStreetFirst, P3, "1WD", nil, &Call{CallL1, false, false, "D-GA", nil}},
		{"R08 social", rich, at("06028", facet("source", "SOCIAL")), "R08b", street, PathStreetFirst, P3, "1WD", nil, &Call{CallL1, false, false, "D-GA", nil}},
		{"R08 social in F", f, at("06028", facet("source", "SOCIAL")), "R08b", street, PathStreetFirst, P3, "1WD", nil, nil},
		{"R08 industry", rich, at("06028", facet("source", "INDUSTRY")), "R08c", street, PathStreetFirst, P3, "1WD", nil, &Call{CallL1, false, false, "D-HB", nil}},
		{"R08 dance", rich, at("06028", facet("source", "SQUARE_DANCE")), "R08d", street, PathStreetFirst, P3, "1WD", nil, &Call{CallL1, false, false, "D-GA", nil}},
		{"night building", f, at("08001", hour(2)), "R08n", street, PathStreetFirst, P2, "1NH", nil, &Call{CallL1, false, false, "D-CG", nil}},
		{"R09", f, at("09015"), "R09", street, PathStreetFirst, P3, "5WD", nil, &Call{CallL1, false, false, "D-SJ", nil}},
		{"R09 major 21", f, at("21002"), "R09", street, PathStreetFirst, P3, "5WD", nil, &Call{CallL1, false, false, "D-SJ", nil}},
		{"R09 fume", rich, at("09015", facet("fume", true)), "R09f", street, PathStreetFirst, P3, "5WD", nil, &Call{CallL1, false, false, "D-SJ", []string{"D-HB"}}},
		{"R10", f, at("29001", device), "R10", "D-XF", PathDirect, P1, "2NH", nil, nil},
		{"R10 three", f, at("29001", device, facet("building_alarms", 3)), "R10b", "D-XF", PathDirect, P1, "2NH", nil, &Call{CallL3, false, true, "D-XF", nil}},
		{"R11", rich, at("06026", eco(2)), "R11", "D-NS", PathDirect, P2, "24NH", []string{"D-HB"}, nil},
		{"R11 in F", f, at("06026", eco(3)), "R11", street, PathStreetFirst, P2, "24NH", nil, nil},
		{"R11 level 1", rich, at("06026", eco(1)), "C06026", street, PathStreetFirst, P3, "5WD", nil, &Call{CallL1, false, false, "D-NS", []string{"D-HB"}}},
		{"R12", f, at("24005"), "R12", community, PathStreetFirst, P4, "15WD", nil, nil},
		{"R13", f, at("28001"), "R13", "D-WX", PathDirect, P2, "24NH", nil, nil},
		{"R13 topic", rich, at("28001", facet("topic", "HEALTH")), "R13", "D-WX", PathDirect, P2, "24NH", []string{"D-GA", "D-JK"}, nil},
		{"R14", f, at("99999"), "R14", street, PathStreetFirst, P3, "5WD", nil, nil},
		{"catalogue", f, at("06013"), "C06013", street, PathStreetFirst, P3, "5WD", nil, &Call{CallL1, false, false, "D-JS", nil}},
		{"catalogue direct", f, at("30002"), "C30002", "U-RQ", PathDirect, P1, "2NH", []string{"D-XF", street}, nil},
		{"catalogue community", f, at("06036"), "C06036", community, PathStreetFirst, P3, "1WD", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := c.set.Route(c.facts, nil)
			require.Equal(t, c.rule, d.Rule)
			require.Equal(t, c.lead, d.Lead)
			require.Equal(t, street, d.Owner)
			require.Equal(t, c.path, d.Path)
			require.Equal(t, c.prio, d.Priority)
			require.Equal(t, c.handle, d.SLA.Handle())
			require.ElementsMatch(t, c.assists, d.Assists)
			if c.call == nil {
				require.Nil(t, d.Proposed)
			} else {
				require.NotNil(t, d.Proposed)
				require.ElementsMatch(t, c.call.Targets, d.Proposed.Targets)
				got, want := *d.Proposed, *c.call
				got.Targets, want.Targets = nil, nil
				require.Equal(t, want, got)
			}
			require.False(t, d.Queue)
			last := d.Trace[len(d.Trace)-1]
			require.True(t, last.Matched)
			require.Equal(t, c.rule, last.Rule)
			require.NotEmpty(t, last.Why)
		})
	}
}

func TestScenario1Details(t *testing.T) {
	t.Parallel()
	d := demoSet(t, fixture()).Route(at("06010"), nil)
	require.Equal(t, Sample(30), d.CheckMode)
	require.Equal(t, LevelStreet, d.Level)
	require.Equal(t, TierItemArea, d.Tier)
	require.False(t, d.Fallback)
	require.False(t, d.NeedsCatalogReview)
	require.Contains(t, d.Trace[len(d.Trace)-1].Why, "✓matter=06010 ✓land_use in [道路 广场](道路)")
}

func TestSensitivity(t *testing.T) {
	t.Parallel()
	s := demoSet(t, fixture())
	require.Equal(t, SensWhistleblower, s.Route(at("21001"), nil).Sensitivity)
	require.Equal(t, SensSensitive, s.Route(at("24001"), nil).Sensitivity)
	require.Equal(t, CheckPhone, s.Route(at("24001"), nil).CheckMode)
}

func TestMissingUnitFallsToTheStreet(t *testing.T) {
	t.Parallel()
	d := demoSet(t, fixture()).Route(at("06028", facet("source", "INDUSTRY")), nil)
	require.Equal(t, "S-DJ", d.Lead)
	require.True(t, d.Fallback)
	require.True(t, d.NeedsCatalogReview)
	require.Equal(t, []Expr{"line:ECOLOGY"}, d.Unresolved)

	poor := fixture()
	delete(poor.Units, "D-WX")
	_, err := NewSet(DemoRules(), nil, poor)
	require.ErrorContains(t, err, "RULE_INVALID")
	rules, gone := Adapt(DemoRules(), poor)
	require.Equal(t, []string{"D-WX"}, gone)
	s, err := NewSet(rules, nil, poor)
	require.NoError(t, err)
	require.Equal(t, "S-DJ", s.Route(at("28001"), nil).Lead)
	require.Equal(t, Expr("unit:D-WX"), DemoRules()[len(DemoRules())-2].Then.Lead, "the template itself is untouched")
}

func TestNoRules(t *testing.T) {
	t.Parallel()
	s, err := NewSet(nil, nil, fixture())
	require.NoError(t, err)
	d := s.Route(at("06010"), nil)
	require.Equal(t, "S-DJ", d.Lead)
	require.Equal(t, FallbackRule, d.Rule)
	require.True(t, d.Fallback)
	require.True(t, d.NeedsCatalogReview)
	require.Len(t, d.Trace, 1)

	s, err = NewSet(nil, DemoCatalog("350102"), fixture())
	require.NoError(t, err)
	d = s.Route(at("06013"), nil)
	require.Equal(t, "C06013", d.Rule)
	require.Equal(t, SourceCatalog, d.Source)
	require.True(t, d.NeedsCatalogReview, "no rule was ever written")
	require.True(t, s.Route(at("00000"), nil).NeedsCatalogReview)
	one, err := NewSet([]Rule{simple("R14", All(), StreetOfGrid)}, DemoCatalog("350102"), fixture())
	require.NoError(t, err)
	require.False(t, one.Route(at("06013"), nil).NeedsCatalogReview)

	nowhere := s.Route(Facts{Matter: "06013"}, nil)
	require.True(t, nowhere.Queue)
	require.Empty(t, nowhere.Lead)
}

func TestExcluded(t *testing.T) {
	t.Parallel()
	s := demoSet(t, fixture())
	d := s.Route(at("01037"), map[string]bool{"D-JS": true})
	require.True(t, d.Queue)
	require.Empty(t, d.Lead)
	require.Equal(t, "D-JS", d.Excluded)
	require.Equal(t, "R04c", d.Rule)

	d = s.Route(at("06001"), map[string]bool{"D-CG": true})
	require.False(t, d.Queue, "the street still leads; only the target is gone")
	require.Equal(t, &Call{Level: CallL2, Required: true, Targets: []string{}}, d.Proposed)

	d = s.Route(at("06010"), map[string]bool{"S-DJ": true})
	require.True(t, d.Queue)
	d = s.Route(at("09012"), map[string]bool{"S-DJ": true})
	require.Equal(t, "D-XF", d.Lead)
	require.Empty(t, d.Assists)
}

func TestPriorityIsNeverLowered(t *testing.T) {
	t.Parallel()
	s := demoSet(t, fixture())
	raised := func(p Priority) func(*Facts) { return func(f *Facts) { f.Priority = p } }
	require.Equal(t, P2, s.Route(at("06010", raised(P2)), nil).Priority)
	require.Equal(t, P1, s.Route(at("09012", raised(P1)), nil).Priority)
	require.Equal(t, P2, s.Route(at("09012", raised(P4)), nil).Priority)
}

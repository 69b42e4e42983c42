package rule

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"yixian/internal/fault"
)

func simple(id string, when Predicate, lead Expr) Rule {
	return Rule{ID: id, Version: 1, Status: StatusActive, Source: SourceManual, When: when, Then: Outcome{Lead: lead, Path: PathDirect}}
}

func TestDecidingOrder(t *testing.T) {
	t.Parallel()
	f := at("06013", func(f *Facts) {
		f.Component, f.ComponentOwner, f.HasPoint, f.Lon, f.Lat = "x", "D-CG", true, 119.3080, 26.0875
	})
	near, wide := All(Eq("matter", "06013"), Within(119.3080, 26.0875, 50)), All(Eq("matter", "06013"), Eq("street", "350102004"))
	edit := func(r Rule, e func(*Rule)) Rule { e(&r); return r }
	// strongest first; each must win over everything after it
	ranked := []Rule{
		edit(simple("incident", All(), "unit:D-XF"), func(r *Rule) { r.Source = SourceIncident }),
		edit(simple("precedent", near, "unit:D-JS"), func(r *Rule) { r.Source = SourcePrecedent }),
		simple("owner", Eq("component.owner", "D-CG"), "unit:D-CG"),
		edit(simple("area-strong", wide, "unit:D-SJ"), func(r *Rule) { r.Priority = 5 }),
		simple("area-near", near, "unit:D-SJ"),
		edit(simple("area-scope", Eq("matter", "06013"), "unit:D-SJ"), func(r *Rule) { r.Scope = "350102004001" }),
		edit(simple("area-wide", wide, "unit:D-SJ"), func(r *Rule) { r.Version = 2 }),
		simple("area-wide", wide, "unit:D-CG"),
		simple("area-wide-b", wide, "unit:D-CG"),
		simple("item", Eq("matter", "06013"), "unit:D-WX"),
		simple("major", Eq("major", "06"), "unit:C-LD"),
		simple("always", All(), "unit:U-RQ"),
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range ranked {
		rest := append([]Rule(nil), ranked[i:]...)
		r.Shuffle(len(rest), func(a, b int) { rest[a], rest[b] = rest[b], rest[a] })
		s, err := NewSet(rest, nil, fixture())
		require.NoError(t, err)
		d := s.Route(f, nil)
		require.Equal(t, ranked[i].ID, d.Rule)
		require.Equal(t, ranked[i].Version, d.Version)
	}
}

// TestPrecedentOfTheLamp: the next lamp at most 50 m away goes to the arbitrated unit at once, one farther does not.
func TestPrecedentOfTheLamp(t *testing.T) {
	t.Parallel()
	until := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	p := Rule{ID: "P1", Version: 1, Status: StatusActive, Source: SourcePrecedent, ValidTo: &until,
		When: All(Eq("matter", "01037"), Within(119.3080, 26.0875, 50)), Then: Outcome{Lead: "unit:D-CG", Path: PathDirect, Binding: true}}
	s, err := NewSet(append(DemoRules(), p), DemoCatalog("350102"), fixture())
	require.NoError(t, err)
	lamp := func(lat float64, now time.Time) Decision {
		return s.Route(at("01037", func(f *Facts) { f.HasPoint, f.Lon, f.Lat, f.At = true, 119.3080, lat, now }), nil)
	}
	now := until.Add(-time.Hour)
	near := lamp(26.0875+0.0004, now) // 44 m
	require.Equal(t, "D-CG", near.Lead)
	require.Equal(t, SourcePrecedent, near.Source)
	require.True(t, near.Binding)
	require.Equal(t, "R04c", lamp(26.0875+0.0005, now).Rule) // 56 m
	require.Equal(t, "R04c", lamp(26.0875, until).Rule, "valid_to is exclusive")
	require.Equal(t, "R04c", s.Route(at("01037"), nil).Rule, "no point, no precedent")
}

func TestShadowAndOff(t *testing.T) {
	t.Parallel()
	shadow, off := simple("shadow", Eq("matter", "06010"), "unit:D-CG"), simple("off", Predicate{Op: "nonsense"}, "unit:GONE")
	shadow.Status, shadow.Tier, off.Status = StatusShadow, TierOwner, StatusOff
	s, err := NewSet(append(DemoRules(), shadow, off), DemoCatalog("350102"), fixture())
	require.NoError(t, err)
	d := s.Route(at("06010"), nil)
	require.Equal(t, "R05", d.Rule)
	var seen bool
	for _, st := range d.Trace {
		seen = seen || st.Rule == "shadow" && st.Shadow && st.Matched
	}
	require.True(t, seen, "a shadow rule is traced")
}

func TestNewSetRefusesRules(t *testing.T) {
	t.Parallel()
	ok := simple("X", Eq("matter", "06010"), "unit:D-CG")
	for name, spoil := range map[string]func(*Rule){
		"unknown variable":    func(r *Rule) { r.When = Eq("weather", "rain") },
		"point is no text":    func(r *Rule) { r.When = Eq("point", "x") },
		"unknown operator":    func(r *Rule) { r.When = Predicate{Op: "regex", Var: "text", Value: ".*"} },
		"wrong type":          func(r *Rule) { r.When = Eq("matter", 6010) },
		"number as text":      func(r *Rule) { r.When = Predicate{Op: "gte", Var: "matter", Value: 1} },
		"empty any":           func(r *Rule) { r.When = Any() },
		"empty in":            func(r *Rule) { r.When = In("matter") },
		"two in not":          func(r *Rule) { r.When = Predicate{Op: "not", Of: []Predicate{All(), All()}} },
		"hour 25":             func(r *Rule) { r.When = Predicate{Op: "time_in", Value: []any{1, 25}} },
		"circle of 100 km":    func(r *Rule) { r.When = Within(119, 26, 100_000) },
		"too deep":            func(r *Rule) { r.When = deep(20) },
		"unknown unit":        func(r *Rule) { r.Then.Lead = "unit:GONE" },
		"unknown call target": func(r *Rule) { r.Then.Call = &ProposedCall{Level: CallL1, Targets: []Expr{"unit:GONE"}} },
		"call level":          func(r *Rule) { r.Then.Call = &ProposedCall{Level: "L9"} },
		"unknown line":        func(r *Rule) { r.Then.Assists = []Expr{"line:MAGIC"} },
		"unknown expression":  func(r *Rule) { r.Then.Lead = "mayor_of(city)" },
		"budget":              func(r *Rule) { r.Then.SLA = SLA{{"handle", "0WD"}} },
		"status":              func(r *Rule) { r.Status = "" },
		"source":              func(r *Rule) { r.Source = "RUMOUR" },
		"scope":               func(r *Rule) { r.Scope = "3501x2" },
		"tier":                func(r *Rule) { r.Tier = "TOP" },
		"no id":               func(r *Rule) { r.ID = "" },
	} {
		bad := ok
		spoil(&bad)
		_, err := NewSet([]Rule{ok, bad}, nil, fixture())
		require.True(t, fault.Is(err, "RULE_INVALID"), "%s: %v", name, err)
	}
	retired := fixture()
	u := retired.Units["D-CG"]
	u.Active = false
	retired.Units["D-CG"] = u
	_, err := NewSet([]Rule{ok}, nil, retired)
	require.ErrorContains(t, err, "RULE_INVALID", "a retired unit is dead")
	_, err = NewSet([]Rule{ok, ok}, nil, fixture())
	require.ErrorContains(t, err, "RULE_INVALID", "one id and version twice")
	for _, body := range []string{`{"op":"eq","var":"matter","value":"06010","when":1}`, `{"op":"all"} {}`, `[]`, `{`, `{"op":"eq","var":"matter","value":{"a":1}}`} {
		_, err := ParsePredicate([]byte(body))
		require.Error(t, err, body)
	}
}

func deep(n int) Predicate {
	if n == 0 {
		return All()
	}
	return Not(deep(n - 1))
}

// genPredicate draws conditions over a small world, so that matches are frequent.
func genPredicate(depth int) *rapid.Generator[Predicate] {
	return rapid.Custom(func(t *rapid.T) Predicate {
		kind := rapid.IntRange(0, 12).Draw(t, "kind")
		if depth > 0 && kind >= 9 {
			sub := rapid.SliceOfN(genPredicate(depth-1), 1, 3).Draw(t, "of")
			switch kind {
			case 9, 10:
				return All(sub...)
			case 11:
				return Any(sub...)
			}
			return Not(sub[0])
		}
		m := rapid.SampledFrom([]string{"06010", "06013", "01002", "24001"})
		switch kind {
		case 0, 1:
			return Eq("matter", m.Draw(t, "m"))
		case 2:
			return In("matter", m.Draw(t, "m1"), m.Draw(t, "m2"))
		case 3:
			return Eq("major", rapid.SampledFrom([]string{"06", "01", "24"}).Draw(t, "major"))
		case 4:
			return Predicate{Op: "prefix", Var: "matter", Value: rapid.SampledFrom([]string{"0", "06", "060", "06010"}).Draw(t, "p")}
		case 5:
			return Eq("land_use", rapid.SampledFrom([]string{"道路", "小区"}).Draw(t, "use"))
		case 6:
			return Predicate{Op: "exists", Var: "component"}
		case 7:
			return Eq("street", rapid.SampledFrom([]string{"350102004", "350102003"}).Draw(t, "street"))
		}
		return Predicate{Op: "gte", Var: "hour", Value: rapid.IntRange(0, 23).Draw(t, "hour")}
	})
}

func genRules() *rapid.Generator[[]Rule] {
	return rapid.Custom(func(t *rapid.T) []Rule {
		n := rapid.IntRange(0, 12).Draw(t, "n")
		var out []Rule
		for i := range n {
			r := simple(fmt.Sprintf("G%02d", i), genPredicate(3).Draw(t, "when"), rapid.SampledFrom([]Expr{"unit:D-CG", "unit:D-JS", StreetOfGrid, CommunityOfGrid, OwnerOf, "line:POLICE", ""}).Draw(t, "lead"))
			r.Priority = rapid.IntRange(0, 2).Draw(t, "prio")
			r.Source = rapid.SampledFrom([]Source{SourceManual, SourceManual, SourcePrecedent, SourceIncident}).Draw(t, "source")
			r.Status = rapid.SampledFrom([]Status{StatusActive, StatusActive, StatusShadow, StatusOff}).Draw(t, "status")
			r.Then.Path = rapid.SampledFrom([]Path{PathDirect, PathStreetFirst, ""}).Draw(t, "path")
			out = append(out, r)
		}
		return out
	})
}

func genFacts() *rapid.Generator[Facts] {
	return rapid.Custom(func(t *rapid.T) Facts {
		f := at(rapid.SampledFrom([]string{"06010", "06013", "01002", "24001", "99999"}).Draw(t, "matter"))
		f.LandUse = rapid.SampledFrom([]string{"道路", "小区", ""}).Draw(t, "use")
		f.Grid = rapid.SampledFrom([]string{"350102004001001", "350102003001001"}).Draw(t, "grid")
		f.Hour = rapid.IntRange(0, 23).Draw(t, "hour")
		if rapid.Bool().Draw(t, "ledger") {
			f.Component, f.ComponentOwner = "c", "D-SJ"
		}
		return f
	})
}

// The laws of routing: the answer depends neither on the order of insertion nor on the index, a case has
// exactly one lead or stands in the queue, an excluded unit appears nowhere, and nobody appears twice.
func TestRoutingLaws(t *testing.T) {
	t.Parallel()
	catalog := DemoCatalog("350102")
	rapid.Check(t, func(t *rapid.T) {
		rules, f := genRules().Draw(t, "rules"), genFacts().Draw(t, "facts")
		excluded := map[string]bool{}
		for _, u := range []string{"D-CG", "S-DJ", "350102004001", "D-SJ"} {
			excluded[u] = rapid.IntRange(0, 3).Draw(t, u) == 0
		}
		s, err := NewSet(rules, catalog, fixture())
		require.NoError(t, err)
		d := s.Route(f, excluded)
		require.Equal(t, d, s.Route(f, excluded), "twice the same")

		shuffled := rapid.Permutation(rules).Draw(t, "shuffled")
		s2, err := NewSet(shuffled, catalog, fixture())
		require.NoError(t, err)
		require.Equal(t, d, s2.Route(f, excluded), "order of insertion")

		winner := "C" + f.Matter // brute force over all rules, without the index
		if _, ok := catalog.Matter(f.Matter); !ok {
			winner = FallbackRule
		}
		for i := range s.rules {
			r := &s.rules[i]
			if r.tier == TierFallback && winner[0] == 'C' {
				continue
			}
			if r.Status == StatusActive && r.when.eval(&f, nil) {
				winner = r.ID
				break
			}
		}
		require.Equal(t, winner, d.Rule, "index and brute force agree")

		require.Equal(t, d.Lead == "", d.Queue)
		units := append([]string{d.Lead}, d.Assists...)
		seen := map[string]bool{}
		for _, u := range units {
			require.False(t, excluded[u] || u != "" && seen[u], u)
			seen[u] = true
		}
		if d.Proposed != nil {
			called := append([]string{d.Proposed.Lead}, d.Proposed.Targets...)
			for i, u := range called {
				require.False(t, excluded[u], u)
				require.NotContains(t, called[i+1:], u)
			}
		}
	})
}

// A rule survives JSON: what is stored routes as what was written.
func TestRulesRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rules, f := genRules().Draw(t, "rules"), genFacts().Draw(t, "facts")
		b, err := json.Marshal(rules)
		require.NoError(t, err)
		var back []Rule
		require.NoError(t, strictJSON(b, &back))
		s, err := NewSet(rules, nil, fixture())
		require.NoError(t, err)
		s2, err := NewSet(back, nil, fixture())
		require.NoError(t, err)
		require.Equal(t, s.Route(f, nil), s2.Route(f, nil))
	})
}

func TestGeo(t *testing.T) {
	t.Parallel()
	ring, err := parseArea(map[string]any{"ring": []any{[]any{0, 0}, []any{2, 0}, []any{2, 2}, []any{0, 2}}})
	require.NoError(t, err)
	require.True(t, ring.holds(1, 1))
	require.False(t, ring.holds(3, 1))
	one := area{lon: 119.3, lat: 26.08, m: 111.3}
	require.True(t, one.holds(119.3, 26.081), "0.001° of latitude is 111.2 m")
	require.False(t, area{lon: 119.3, lat: 26.08, m: 111.1}.holds(119.3, 26.081))
	require.True(t, area{lon: 119.3, lat: 26.08, m: 99.9}.holds(119.301, 26.08), "0.001° of longitude is 99.87 m at 26.08° N")
	require.False(t, area{lon: 119.3, lat: 26.08, m: 99.8}.holds(119.301, 26.08))
}

func TestTraceHoldsNoWords(t *testing.T) {
	t.Parallel()
	d := demoSet(t, fixture()).Route(at("06013", func(f *Facts) { f.Text = "我是张三电话13900000001路坏了" }), nil)
	b, err := json.Marshal(d)
	require.NoError(t, err)
	require.NotContains(t, string(b), "张三")
	require.NotContains(t, string(b), "139")
}

func FuzzPredicate(f *testing.F) {
	for _, r := range DemoRules() {
		b, _ := json.Marshal(r.When)
		f.Add(b)
	}
	f.Add([]byte(`{"op":"geo_within","value":{"ring":[[0,0],[1,0],[1,1]]}}`))
	f.Add([]byte(`{"op":"is_workday","value":false}`))
	facts := at("01002", facet("cover_missing", true), func(f *Facts) { f.HasPoint, f.Lon, f.Lat, f.norm = true, 0.5, 0.4, "燃气味" })
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePredicate(b)
		if err != nil {
			if _, ok := fault.As(err); !ok {
				t.Fatalf("not a fault: %v", err)
			}
			return
		}
		c, err := compilePredicate(p, "")
		if err != nil {
			t.Fatalf("parsed but does not compile: %v", err)
		}
		again, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		q, err := ParsePredicate(again)
		if err != nil {
			t.Fatalf("does not survive JSON: %s: %v", again, err)
		}
		d, _ := compilePredicate(q, "")
		if c.eval(&facts, nil) != d.eval(&facts, nil) {
			t.Fatalf("means something else after JSON: %s", again)
		}
		if pins := c.pins(); pins.matters != nil && c.eval(&facts, nil) {
			found := false
			for _, m := range pins.matters {
				found = found || m == facts.Matter
			}
			if !found {
				t.Fatalf("the index would miss %s", again)
			}
		}
	})
}

// manyRules is n rules spread over the matters of the demo catalogue, after R01–R14.
func manyRules(n int) []Rule {
	rules := DemoRules()
	codes := DemoCatalog("350102").Matters()
	for i := len(rules); i < n; i++ {
		it := codes[i%len(codes)]
		rules = append(rules, simple(fmt.Sprintf("M%05d", i), All(Eq("matter", it.Code), Eq("street", fmt.Sprintf("350102%03d", 100+i%50)), Predicate{Op: "gte", Var: "reporter_count", Value: i % 7}), "unit:D-CG"))
	}
	return rules
}

func benchmarkRoute(b *testing.B, rules []Rule) {
	b.Helper()
	s, err := NewSet(rules, DemoCatalog("350102"), fixture())
	require.NoError(b, err)
	f := at("06013", func(f *Facts) { f.Text = "路面坑坑洼洼下雨天积水" })
	b.ReportAllocs()
	for b.Loop() {
		s.Route(f, nil)
	}
}

func BenchmarkRoute50(b *testing.B)   { benchmarkRoute(b, manyRules(50)) }
func BenchmarkRoute1000(b *testing.B) { benchmarkRoute(b, manyRules(1000)) }
func BenchmarkRoute5000(b *testing.B) { benchmarkRoute(b, manyRules(5000)) }

// BenchmarkRouteWorst examines all 1,000 rules for one case: none is limited to a matter, none matches.
func BenchmarkRouteWorst(b *testing.B) {
	rules := DemoRules()
	for i := len(rules); i < 1000; i++ {
		r := simple(fmt.Sprintf("W%05d", i), All(Eq("street", "350102004"), Predicate{Op: "gte", Var: "reporter_count", Value: 5}), "unit:D-CG")
		r.Tier = TierItem
		rules = append(rules, r)
	}
	benchmarkRoute(b, rules)
}

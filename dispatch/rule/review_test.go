package rule

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var (
	spots   = []Spot{{"350102004", "350102004001", "350102004001001", "道路"}, {"350102003", "350102003001", "350102003001001", "道路"}}
	someDay = time.Date(2026, 6, 8, 1, 0, 0, 0, time.UTC)
)

func codes(r *Review) map[string][]string {
	out := map[string][]string{}
	for _, f := range r.Findings {
		out[f.Code] = append(out[f.Code], f.Rule)
	}
	return out
}

func TestReviewOfTheDemoRules(t *testing.T) {
	t.Parallel()
	r := Check(DemoRules(), DemoCatalog("350102"), richer(), "350102", spots, someDay)
	for _, f := range r.Findings {
		t.Log(f.Severity, f.Code, f.Rule, f.Text)
	}
	require.False(t, r.Refused())
	for _, code := range []string{"SHADOWED", "UNREACHABLE", "CONFLICT", "UNKNOWN_MATTER"} {
		require.Empty(t, codes(r)[code], code)
	}
	require.Equal(t, 2*len(DemoCatalog("350102").Matters()), r.Coverage.Pairs)
	require.Equal(t, r.Coverage.Pairs, r.Coverage.Covered+r.Coverage.NoRule+r.Coverage.NoUnit)

	poor := Check(nil, DemoCatalog("350102"), fixture(), "350102", spots, someDay)
	require.Less(t, poor.Coverage.Covered, poor.Coverage.Pairs)
	require.NotEmpty(t, poor.Coverage.Gaps)
	require.Contains(t, codes(poor), "COVERAGE")
}

func TestReviewFinds(t *testing.T) {
	t.Parallel()
	light := All(Eq("matter", "01037"))
	edit := func(r Rule, e func(*Rule)) Rule { e(&r); return r }
	gone := fixture()
	u := gone.Units["D-CG"]
	u.Active = false
	gone.Units["D-CG"] = u
	for _, c := range []struct {
		name  string
		code  string
		rule  string
		error bool
		dir   Directory
		rules []Rule
	}{
		{"two outcomes of one condition", "CONFLICT", "B", true, fixture(), []Rule{simple("A", light, "unit:D-CG"), simple("B", Eq("matter", "01037"), "unit:D-JS")}},
		{"an earlier rule takes all", "SHADOWED", "B", false, fixture(), []Rule{edit(simple("A", Any(light, Eq("matter", "01038")), "unit:D-CG"), func(r *Rule) { r.Priority = 5 }), simple("B", All(light, Predicate{Op: "time_in", Value: []any{8, 9}}), "unit:D-JS")}},
		{"a major takes an item", "SHADOWED", "B", false, fixture(), []Rule{edit(simple("A", Eq("major", "01"), "unit:D-CG"), func(r *Rule) { r.Tier = TierOwner }), simple("B", light, "unit:D-JS")}},
		{"a street takes a grid", "SHADOWED", "B", false, fixture(), []Rule{edit(simple("A", All(light, Eq("street", "350102004")), "unit:D-CG"), func(r *Rule) { r.Priority = 1 }), simple("B", All(light, Eq("grid", "350102004001001")), "unit:D-JS")}},
		{"a cell takes an item", "SHADOWED", "B", false, fixture(), []Rule{edit(advanced("A", `matter in ["01037", "01038"]`, "unit:D-CG"), func(r *Rule) { r.Priority = 1 }), simple("B", light, "unit:D-JS")}},
		{"two that may meet", "MAY_CONFLICT", "B", false, fixture(), []Rule{simple("A", All(light, Eq("source", "DEVICE")), "unit:D-CG"), simple("B", All(light, Eq("facets.x", true)), "unit:D-JS")}},
		{"contradiction", "UNREACHABLE", "A", false, fixture(), []Rule{simple("A", All(light, Eq("matter", "06010")), "unit:D-CG")}},
		{"contradiction by class", "UNREACHABLE", "A", false, fixture(), []Rule{simple("A", All(light, Eq("major", "06")), "unit:D-CG")}},
		{"another district", "UNREACHABLE", "A", false, fixture(), []Rule{edit(simple("A", light, "unit:D-CG"), func(r *Rule) { r.Scope = "350103" })}},
		{"over", "EXPIRED", "A", false, fixture(), []Rule{edit(simple("A", light, "unit:D-CG"), func(r *Rule) { r.ValidTo = &someDay })}},
		{"no such matter", "UNKNOWN_MATTER", "A", false, fixture(), []Rule{simple("A", Eq("matter", "01999"), "unit:D-CG")}},
		{"after the catalogue", "WEAK", "A", false, fixture(), []Rule{simple("A", Eq("source", "DEVICE"), "unit:D-CG")}},
		{"retired unit", "DEAD_TARGET", "A", true, gone, []Rule{simple("A", light, "unit:D-CG")}},
		{"unknown variable", "RULE_INVALID", "A", true, fixture(), []Rule{simple("A", Eq("wether", "x"), "unit:D-CG")}},
		{"switched off and broken", "RULE_INVALID", "A", true, fixture(), []Rule{edit(simple("A", Eq("wether", "x"), "unit:D-CG"), func(r *Rule) { r.Status = StatusOff })}},
		{"twice", "DUPLICATE_ID", "A", true, fixture(), []Rule{simple("A", light, "unit:D-CG"), simple("A", light, "unit:D-CG")}},
		{"a precedent in a set", "SOURCE", "A", true, fixture(), []Rule{edit(simple("A", light, "unit:D-CG"), func(r *Rule) { r.Source = SourcePrecedent })}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := Check(c.rules, DemoCatalog("350102"), c.dir, "350102", spots, someDay)
			require.Equal(t, []string{c.rule}, codes(r)[c.code], "%+v", r.Findings)
			require.Equal(t, c.error, r.Refused())
		})
	}
}

// What must not be reported.
func TestReviewIsSilent(t *testing.T) {
	t.Parallel()
	light := Eq("matter", "01037")
	later := someDay.AddDate(0, 1, 0)
	edit := func(r Rule, e func(*Rule)) Rule { e(&r); return r }
	for name, rules := range map[string][]Rule{
		"other land use":   {simple("A", All(light, Eq("land_use", "道路")), "unit:D-CG"), simple("B", All(light, Eq("land_use", "小区")), "unit:D-JS")},
		"other hours":      {simple("A", All(light, Predicate{Op: "time_in", Value: []any{22, 6}}), "unit:D-CG"), simple("B", All(light, Predicate{Op: "time_in", Value: []any{6, 22}}), "unit:D-JS")},
		"one and its not":  {simple("A", All(light, Predicate{Op: "exists", Var: "component"}), "unit:D-CG"), simple("B", All(light, Not(Predicate{Op: "exists", Var: "component"})), "unit:D-JS")},
		"far apart":        {simple("A", All(light, Within(119.30, 26.08, 50)), "unit:D-CG"), simple("B", All(light, Within(119.31, 26.08, 50)), "unit:D-JS")},
		"one after one":    {edit(simple("A", light, "unit:D-CG"), func(r *Rule) { r.ValidTo = &later }), edit(simple("B", light, "unit:D-JS"), func(r *Rule) { r.ValidFrom = &later })},
		"the other's time": {edit(simple("A", light, "unit:D-CG"), func(r *Rule) { r.Priority, r.ValidTo = 1, &later }), simple("B", light, "unit:D-JS")},
		"shadow":           {edit(simple("A", light, "unit:D-CG"), func(r *Rule) { r.Status = StatusShadow }), simple("B", light, "unit:D-JS")},
		"same outcome":     {simple("A", light, "unit:D-CG"), simple("B", All(light, Eq("source", "DEVICE")), "unit:D-CG")},
	} {
		r := codes(Check(rules, DemoCatalog("350102"), fixture(), "350102", nil, someDay))
		for _, code := range []string{"CONFLICT", "MAY_CONFLICT", "UNREACHABLE"} {
			require.Empty(t, r[code], name)
		}
		if name != "same outcome" {
			require.Empty(t, r["SHADOWED"], name)
		}
	}
}

// Proofs must be true: where implies, disjoint or impossible say so, no case contradicts them.
func TestProofsAreSound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		read := func(name string) cond {
			c, err := compilePredicate(genAnyPredicate(2).Draw(t, name), "")
			require.NoError(t, err)
			return c
		}
		p, q := read("p"), read("q")
		if rapid.Bool().Draw(t, "as a cell") {
			text := p.cel()
			c, err := compileCell(text, "")
			require.NoError(t, err)
			p = c.shape
			// A shape says less than its cell; what it proves of the cell must hold where the cell does.
			defer func(cell *cell) {
				for range 20 {
					f := drawFacts(t)
					if ok, _ := cell.eval(t.Context(), &f); ok {
						require.False(t, p.impossible(), text)
						require.False(t, disjoint(&p, &q) && q.eval(&f, nil), text)
						require.False(t, implies(&p, &q) && !q.eval(&f, nil), text)
					}
				}
			}(c)
			return
		}
		one, two, never := implies(&p, &q), disjoint(&p, &q), p.impossible()
		for range 20 {
			f := drawFacts(t)
			a, b := p.eval(&f, nil), q.eval(&f, nil)
			require.False(t, one && a && !b, "implies")
			require.False(t, two && a && b, "disjoint")
			require.False(t, never && a, "impossible")
		}
	})
}

func drawFacts(t *rapid.T) Facts {
	f := genFacts().Draw(t, "facts")
	f.Facets = map[string]any{"a": rapid.SampledFrom([]any{"X", "", true, 2.0, 2.5, 3}).Draw(t, "a")}
	f.HasPoint, f.Lon, f.Lat = rapid.Bool().Draw(t, "placed"), rapid.Float64Range(119.30, 119.31).Draw(t, "lon"), 26.0875
	f.IsWorkday, f.norm = rapid.Bool().Draw(t, "workday"), rapid.SampledFrom([]string{"", "燃气味", "路灯不亮"}).Draw(t, "words")
	return f
}

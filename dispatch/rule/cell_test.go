package rule

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"yixian/internal/fault"
)

func advanced(id, cel string, lead Expr) Rule {
	r := simple(id, All(), lead)
	r.Cel = cel
	return r
}

func TestCells(t *testing.T) {
	t.Parallel()
	f := at("06013", facet("deep", 3), func(f *Facts) {
		f.Component, f.ComponentOwner, f.HasPoint, f.Lon, f.Lat, f.norm, f.Hour = "35010201002000001", "D-CG", true, 119.3080, 26.0875, "路面积水", 23
	})
	f.Facets["topic"] = "HEALTH"
	for text, want := range map[string]bool{
		`matter == "06013"`: true,
		`matter.startsWith("06") && land_use in ["道路", "广场"]`: true,
		`component.owner == "D-CG"`:                           true,
		`component != "" && component.maintainer == ""`:       true,
		`hour >= 22 || hour < 6`:                              true,
		`text.contains("积水") && !text.contains("燃气")`:         true,
		`text.matches("积.$")`:                                 true,
		`facets.deep > 2.0`:                                   true,
		`has(facets.topic) && facets.topic == "HEALTH"`:       true,
		`facets.topic == "MARKET"`:                            false,
		`facets.nothing == "x"`:                               false, // not answered: not known, not an error
		`facets.topic > 2.0`:                                  false, // not comparable
		`!has(facets.nothing)`:                                true,
		`point.near(119.3080, 26.0875, 50)`:                   true,
		`point.near(119.3080, 26.0890, 50.0)`:                 false,
		`point.inside([[119.30, 26.08], [119.31, 26.08], [119.31, 26.09], [119.30, 26.09]])`: true,
		"street == \"350102004\"\n  && community == \"350102004001\"":                        true,
		`is_workday && reporter_count == 0 && level < 2`:                                     true,
	} {
		c, err := compileCell(text, "/cel")
		require.NoError(t, err, text)
		ok, _ := c.eval(t.Context(), &f)
		require.Equal(t, want, ok, text)
	}
}

func TestCellRefusals(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		`mater == "06010"`: {"第 1 行第 1 列", "没有变量或函数 mater，您是不是要写 matter？", "  mater == \"06010\"\n  ^"},
		"matter == \"06010\"\n&& land_us == \"道路\"": {"第 2 行第 4 列", "land_use", "\n     ^"},
		`"道路" == land_use && streat == "350102004"`: {"第 1 行第 21 列", "street", "\n   　　                 ^"},
		`matter == 6010`:                 {"类型不符", "第 1 行第 8 列"},
		`matter == "06010" &&`:           {"语法错误", "第 1 行"},
		`[1, 2].all(x, x > 0)`:           {"不能使用循环 all()"},
		`facets.exists(k, k == "x")`:     {"不能使用循环 exists()"},
		`["a"].map(x, x + x).size() > 0`: {"不能使用循环 map()"},
		`"06010"`:                        {"true 或 false"},
		`component.ownr == "x"`:          {"第 1 行"},
		`shell("rm")`:                    {"没有变量或函数 shell"},
		strings.Repeat("text.contains(text) || ", 80) + "true":       {"计算量超过上限"},
		strings.Repeat("(", 200) + "true" + strings.Repeat(")", 200): {"第 1 行"},
		strings.Repeat("x", maxCell+1):                               {"过长"},
	} {
		_, err := NewSet([]Rule{advanced("X", text, "unit:D-CG")}, nil, fixture())
		e, ok := fault.As(err)
		require.True(t, ok, "%s: %v", text, err)
		require.Equal(t, "RULE_INVALID", e.Code)
		require.Equal(t, "/rules/X/cel", e.Fields[0].Pointer)
		for _, part := range want {
			require.Contains(t, e.Fields[0].Detail, part, text)
		}
	}
	_, err := NewSet([]Rule{simple("X", Eq("mater", "06010"), "unit:D-CG")}, nil, fixture())
	require.ErrorContains(t, err, "RULE_INVALID")
	e, _ := fault.As(err)
	require.Contains(t, e.Fields[0].Detail, "matter？")
}

// A cell ranks and is indexed by what it certainly demands, as a typed condition would.
func TestCellRank(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Tier{
		`matter == "06010"`: TierItem,
		`matter in ["06010", "06013"] && street == "350102004"`: TierItemArea,
		`matter.startsWith("06")`:                               TierMajor,
		`component.owner == "C-LD" && hour > 3`:                 TierOwner,
		`matter == "06010" || major == "07"`:                    TierMajor,
		`text.contains("燃气")`:                                   TierFallback,
		`!(matter == "06010")`:                                  TierFallback,
		`matter != "06010"`:                                     TierFallback,
	} {
		s, err := NewSet([]Rule{advanced("X", text, "unit:D-CG")}, nil, fixture())
		require.NoError(t, err, text)
		require.Equal(t, want, s.rules[0].tier, text)
	}
	s, err := NewSet(append(DemoRules(), advanced("X", `matter == "06010" && land_use == "道路" && text.contains("蟑螂")`, "unit:D-SJ")), DemoCatalog("350102"), fixture())
	require.NoError(t, err)
	f := at("06010", func(f *Facts) { f.Text = "垃圾堆里有蟑螂" })
	d := s.Route(f, nil)
	require.Equal(t, "R05", d.Rule, "R05 has a higher priority")
	require.Len(t, s.byMatter["06010"], 3, "and it is examined for its matter only")
}

// Cells cost bounded work: one that comes after the deadline holds for nothing, and the case is flagged.
func TestCellDeadline(t *testing.T) {
	t.Parallel()
	late, cancel := context.WithCancel(t.Context())
	cancel()
	r := advanced("X", `matter == "06010"`, "unit:D-CG")
	r.Tier = TierOwner
	s, err := NewSet(append(DemoRules(), r), DemoCatalog("350102"), fixture())
	require.NoError(t, err)
	require.Equal(t, "X", s.Route(at("06010"), nil).Rule)
	d := s.RouteWithin(late, at("06010"), nil)
	require.Equal(t, "R05", d.Rule)
	require.True(t, d.NeedsCatalogReview)
	why := ""
	for _, step := range d.Trace {
		if step.Rule == "X" {
			why = step.Why
		}
	}
	require.Contains(t, why, "✗CEL matter == \"06010\"(超时)")
}

// A typed condition and the CEL it is written as mean the same.
func TestConditionsAsCEL(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, f := genAnyPredicate(3).Draw(t, "when"), genFacts().Draw(t, "facts")
		if rapid.Bool().Draw(t, "answered") {
			f.Facets = map[string]any{"a": rapid.SampledFrom([]any{"X", "", true, 2.0, 2.5, 3}).Draw(t, "a")}
		}
		if rapid.Bool().Draw(t, "placed") {
			f.HasPoint, f.Lon, f.Lat = true, rapid.Float64Range(119.30, 119.31).Draw(t, "lon"), 26.0875
		}
		f.norm = rapid.SampledFrom([]string{"", "燃气味", "路灯不亮"}).Draw(t, "words")
		c, err := compilePredicate(p, "")
		require.NoError(t, err)
		text, err := p.CEL()
		require.NoError(t, err)
		cell, err := compileCell(text, "/cel")
		require.NoError(t, err, text)
		got, trouble := cell.eval(context.Background(), &f)
		require.Empty(t, trouble, text)
		require.Equal(t, c.eval(&f, nil), got, text)
	})
	for _, r := range DemoRules() {
		text, err := r.When.CEL()
		require.NoError(t, err)
		_, err = compileCell(text, "/cel")
		require.NoError(t, err, text)
	}
}

// genAnyPredicate draws every operator on every kind of variable.
func genAnyPredicate(depth int) *rapid.Generator[Predicate] {
	return rapid.Custom(func(t *rapid.T) Predicate {
		if depth > 0 && rapid.IntRange(0, 2).Draw(t, "nest") == 0 {
			sub := rapid.SliceOfN(genAnyPredicate(depth-1), 1, 3).Draw(t, "of")
			switch rapid.IntRange(0, 2).Draw(t, "join") {
			case 0:
				return All(sub...)
			case 1:
				return Any(sub...)
			}
			return Not(sub[0])
		}
		switch rapid.IntRange(0, 9).Draw(t, "leaf") {
		case 0:
			return Eq("facets.a", rapid.SampledFrom([]any{"X", "", true, 2.0, 2.5}).Draw(t, "v"))
		case 1:
			return In("facets.a", "X", true, 3.0)
		case 2:
			return Predicate{Op: "gte", Var: "facets.a", Value: rapid.SampledFrom([]any{2.0, 2.5}).Draw(t, "v")}
		case 3:
			return Predicate{Op: "exists", Var: rapid.SampledFrom([]string{"facets.a", "component", "component.owner", "hour", "is_workday"}).Draw(t, "var")}
		case 4:
			return Predicate{Op: "text_any", Value: []any{"燃气味", "漏气"}}
		case 5:
			from := rapid.IntRange(0, 23).Draw(t, "from")
			return Predicate{Op: "time_in", Value: []any{from, (from + 7) % 24}}
		case 6:
			return Predicate{Op: "is_workday", Value: rapid.Bool().Draw(t, "v")}
		case 7:
			return Within(119.305, 26.0875, rapid.Float64Range(1, 800).Draw(t, "m"))
		case 8:
			return Predicate{Op: rapid.SampledFrom([]string{"gte", "lte"}).Draw(t, "op"), Var: "hour", Value: rapid.SampledFrom([]any{9.0, 9.5}).Draw(t, "v")}
		}
		return genPredicate(0).Draw(t, "simple")
	})
}

// FuzzCell: no text brings the compiler or the evaluation down, a refusal is a fault with a caret, and what compiles
// answers within its cost.
func FuzzCell(f *testing.F) {
	for _, r := range DemoRules() {
		text, _ := r.When.CEL()
		f.Add(text)
	}
	for _, text := range []string{`matter == `, `facets["a"] == 1`, `[1].all(x, true)`, `text.matches("(a+)+$")`, "\"\\u0000\" in facets", `point.near(1.0, 2.0, -1)`, `component.owner.x`, `1/0 == 1`, `text + text + text == ""`} {
		f.Add(text)
	}
	seen := at("01002", facet("a", "X"), func(f *Facts) { f.HasPoint, f.Lon, f.Lat, f.norm = true, 0.5, 0.4, strings.Repeat("井盖", 500) })
	f.Fuzz(func(t *testing.T, text string) {
		r := advanced("X", text, "unit:D-CG")
		s, err := NewSet([]Rule{r}, nil, fixture())
		if err != nil {
			e, ok := fault.As(err)
			if !ok || e.Code != "RULE_INVALID" {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		d := s.Route(seen, nil)
		if d.Lead == "" && !d.Queue {
			t.Fatal("neither a lead nor the queue")
		}
		if _, err := json.Marshal(d); err != nil {
			t.Fatal(err)
		}
		if s.rules[0].cell == nil {
			return
		}
		if p := s.rules[0].shape.pins(); p.matters != nil && d.Rule == "X" {
			found := false
			for _, m := range p.matters {
				found = found || m == seen.Matter
			}
			if !found {
				t.Fatalf("the index would miss %s", text)
			}
		}
		ok, _ := s.rules[0].cell.eval(context.Background(), &seen)
		if p := s.rules[0].shape.pins(); ok && p.matters != nil {
			found := false
			for _, m := range p.matters {
				found = found || m == seen.Matter
			}
			if !found {
				t.Fatalf("the index would miss %s", text)
			}
		}
	})
}

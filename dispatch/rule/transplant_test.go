package rule

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// elsewhere is the organisation of richer in another district: other codes, the same fields of work.
func elsewhere() (Directory, func(string) string) {
	name := func(code string) string {
		if code == "" {
			return ""
		}
		if rest, ok := strings.CutPrefix(code, "350102"); ok {
			return "350122" + rest
		}
		return "L-" + code
	}
	d := Directory{Units: map[string]Unit{}, StreetOf: map[string]string{}, CommunityOf: map[string]string{}}
	for _, u := range richer().Units {
		u.Code = name(u.Code)
		d.Units[u.Code] = u
	}
	for area, unit := range richer().StreetOf {
		d.StreetOf[name(area)] = name(unit)
	}
	for area, unit := range richer().CommunityOf {
		d.CommunityOf[name(area)] = name(unit)
	}
	return d, name
}

// Every matter goes to the same place in a district that was cloned: the unit of the same field of work, the street of the
// same ground, for the same reason.
func TestTransplantDecidesAlike(t *testing.T) {
	t.Parallel()
	here := demoSet(t, richer())
	m := NewTransplant(DemoItems("350102"), DemoRules(), richer(), "350102", "350122")
	require.Empty(t, m.Unresolved)
	require.Empty(t, m.LeftOut)
	require.Len(t, m.Rules, len(DemoRules()))
	require.Equal(t, Expr("unit:D-WX"), DemoRules()[len(DemoRules())-2].Then.Lead, "the template itself is untouched")
	require.Contains(t, m.Lines, "LIGHTING")
	for _, x := range m.Targets {
		require.NotEmpty(t, x.In)
		require.True(t, strings.HasPrefix(string(x.To), "line:"), "%+v", x)
	}
	dir, name := elsewhere()
	catalog, err := NewCatalog(m.Items)
	require.NoError(t, err)
	there, err := NewSet(m.Rules, catalog, dir)
	require.NoError(t, err)
	_, err = NewSet(m.Rules, catalog, Directory{})
	require.NoError(t, err, "it also stands before there are units")

	moved := func(list []string) []string {
		out := []string{}
		for _, u := range list {
			out = append(out, name(u))
		}
		return out
	}
	asked := 0
	compare := func(f Facts) {
		g := f
		g.Grid, g.Component, g.ComponentOwner, g.ComponentMaintainer = name(f.Grid), name(f.Component), name(f.ComponentOwner), name(f.ComponentMaintainer)
		a, b := here.Route(f, nil), there.Route(g, nil)
		require.Equal(t, name(a.Lead), b.Lead, "%s %s", f.Matter, a.Rule)
		require.ElementsMatch(t, moved(a.Assists), b.Assists, f.Matter)
		require.Equal(t, []any{a.Rule, a.Path, a.Priority, a.SLA, a.Tier, a.Fallback, a.NeedsCatalogReview}, []any{b.Rule, b.Path, b.Priority, b.SLA, b.Tier, b.Fallback, b.NeedsCatalogReview}, f.Matter)
		if a.Proposed != nil {
			require.Equal(t, name(a.Proposed.Lead), b.Proposed.Lead, f.Matter)
		}
		asked++
	}
	for _, it := range DemoCatalog("350102").Matters() {
		compare(at(it.Code))
		compare(at(it.Code, func(f *Facts) { f.LandUse = "小区" }))
		compare(at(it.Code, func(f *Facts) {
			f.Component, f.ComponentOwner, f.ComponentMaintainer = "35010201002000001", "C-LD", "D-JS"
		}))
		compare(at(it.Code, func(f *Facts) { f.Facets = map[string]any{"cover_missing": true, "vehicle": true, "topic": "HEALTH"} }))
	}
	require.Greater(t, asked, 1900)
}

// What holds in a place of the template only is left out and says why; a unit without a field of work is named.
func TestTransplantLeavesOutWhatIsLocal(t *testing.T) {
	t.Parallel()
	dir := richer()
	dir.Units["D-OLD"] = Unit{Code: "D-OLD", Name: "旧局", Kind: "DEPARTMENT", Line: "TAX"}
	dir.Units["N-ZY"] = Unit{Code: "N-ZY", Name: "志愿者协会", Kind: "NGO", Active: true}
	dir.Units["D-CG2"] = Unit{Code: "D-CG2", Name: "城管二队", Kind: "DEPARTMENT", Line: "CITY_MGMT", Active: true}
	to := func(id string, lead Expr, more func(*Rule)) Rule {
		r := Rule{ID: id, Version: 7, Status: StatusActive, Source: SourceManual, When: All(), Then: Outcome{Lead: lead}}
		more(&r)
		return r
	}
	plain := func(*Rule) {}
	rules := []Rule{
		to("street", "unit:S-DJ", plain), to("community", "unit:350102004001", plain), to("retired", "unit:D-OLD", plain), to("club", "unit:N-ZY", plain), to("second", "unit:D-CG2", plain),
		to("area", StreetOfGrid, func(r *Rule) { r.When = All(Eq("matter", "06010"), Not(Eq("street", "350102004"))) }),
		to("near", StreetOfGrid, func(r *Rule) { r.When = Within(119.3, 26.08, 50) }),
		to("scope", StreetOfGrid, func(r *Rule) { r.Scope = "350102004" }),
		to("whole", StreetOfGrid, func(r *Rule) { r.Scope = "350102" }),
		to("thing", StreetOfGrid, func(r *Rule) { r.When = Eq("component", "35010201002000001") }),
		to("any thing", StreetOfGrid, func(r *Rule) { r.When = Predicate{Op: "exists", Var: "component"} }),
		to("owners", StreetOfGrid, func(r *Rule) { r.When = In("component.owner", "C-LD", "D-JS") }),
		to("owner club", StreetOfGrid, func(r *Rule) { r.When = Eq("component.owner", "N-ZY") }),
		to("owner prefix", StreetOfGrid, func(r *Rule) { r.When = Predicate{Op: "prefix", Var: "component.maintainer", Value: "D-"} }),
		to("cell", StreetOfGrid, func(r *Rule) { r.Cel = `hour > 6 && text.contains("灯")` }),
		to("cell line", StreetOfGrid, func(r *Rule) { r.Cel = `component.owner.line == "LIGHTING"` }),
		to("cell place", StreetOfGrid, func(r *Rule) { r.Cel = `hour > 6 || point.near(119.3, 26.08, 50)` }),
		to("cell unit", StreetOfGrid, func(r *Rule) { r.Cel = `component.owner == "C-LD"` }),
		to("cell code", StreetOfGrid, func(r *Rule) { r.Cel = `component == "35010201002000001"` }),
		to("broken", "line:NOWHERE", plain),
	}
	local := DemoItems("350102")[0]
	local.Area = "350102004"
	m := NewTransplant([]Item{local}, rules, dir, "350102", "350122")
	require.Empty(t, m.Items)
	leads := map[string]Expr{}
	for _, r := range m.Rules {
		leads[r.ID] = r.Then.Lead
		require.Equal(t, 1, r.Version)
	}
	require.Equal(t, map[string]Expr{"street": StreetOfGrid, "community": CommunityOfGrid, "retired": StreetOfGrid, "club": StreetOfGrid, "second": "line:CITY_MGMT",
		"whole": StreetOfGrid, "any thing": StreetOfGrid, "owners": StreetOfGrid, "cell": StreetOfGrid, "cell line": StreetOfGrid}, leads)
	var left []string
	for _, l := range m.LeftOut {
		left = append(left, l.ID)
		require.NotEmpty(t, l.Why)
	}
	require.Equal(t, []string{local.Code, "area", "near", "scope", "thing", "owner club", "owner prefix", "cell place", "cell unit", "cell code", "broken"}, left)
	var open []string
	for _, x := range m.Unresolved {
		open = append(open, x.Unit+" "+strings.Join(x.In, ","))
		require.NotEmpty(t, x.Why)
	}
	require.Equal(t, []string{"D-OLD retired", "N-ZY club"}, open)
	for _, x := range m.Targets {
		require.Equal(t, x.Unit == "D-CG2", x.Why != "", "%+v: that two units share a field of work is said", x)
	}
	for _, r := range m.Rules {
		if r.ID == "owners" {
			require.Equal(t, In("component.owner.line", "LIGHTING", "CONSTRUCTION"), r.When)
		}
		if r.ID == "whole" {
			require.Equal(t, "350122", r.Scope)
		}
	}
}

package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"text/tabwriter"
	"time"

	"yixian/api"
	"yixian/dispatch/rule"
	"yixian/grid"
)

// The goals of a case on its way to a desk: CPU from the point that a phone sends to the decision with its trace.
const (
	routeGoal   = 250 * time.Microsecond
	routeRatio  = 2.0
	routeSlices = 15     // pairs of slices
	routeCases  = 10_000 // of a slice
)

// town is a made-up district of a size: its map, its rules and what is reported there.
type town struct {
	index *grid.Index
	rules *rule.Set
	cases []townCase
}

type townCase struct {
	point grid.Point // as a phone gives it, GCJ-02
	facts rule.Facts
}

// benchRoute places and routes reports in districts of three sizes. A large one against a small one takes turns in the same run,
// and beside both stands what the mere decoding of the same requests costs.
func benchRoute(_ context.Context, _ Config, _ *slog.Logger, w io.Writer) error {
	towns := map[int]*town{}
	for _, size := range [][2]int{{1_000, 50}, {30_000, 1_000}, {100_000, 5_000}} {
		t, err := newTown(size[0], size[1])
		if err != nil {
			return err
		}
		towns[size[0]] = t
	}
	small, middle, large := towns[1_000], towns[30_000], towns[100_000]
	bodies, err := requestsOf(middle.cases)
	if err != nil {
		return err
	}
	var locating, routing, decoding []float64
	for range routeSlices {
		cost, err := middle.cost(locateOnly)
		if err != nil {
			return err
		}
		locating = append(locating, cost)
		if cost, err = middle.cost(routeOnly); err != nil {
			return err
		}
		routing = append(routing, cost)
		if cost, err = decodeCost(bodies); err != nil {
			return err
		}
		decoding = append(decoding, cost)
	}
	var ratios, less, more []float64
	for _, pair := range abba(routeSlices) {
		var cost [2]float64
		for _, first := range pair {
			side, t := 1, large
			if first {
				side, t = 0, small
			}
			if cost[side], err = t.cost(wholeWay); err != nil {
				return err
			}
		}
		less, more, ratios = append(less, cost[0]), append(more, cost[1]), append(ratios, cost[1]/cost[0])
	}
	ratio, route := median(ratios), median(routing)
	low, high := bootstrap(ratios)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "CPU µs per case\tmedian\t\n")
	fmt.Fprintf(t, "locate, 30,000 polygons of 60 corners, from GCJ-02\t%.2f\tgoal ≤ %d\n", median(locating), locateGoal.Microseconds())
	fmt.Fprintf(t, "route with trace, 1,000 rules\t%.2f\tgoal ≤ %d\n", route, routeGoal.Microseconds())
	fmt.Fprintf(t, "decoding the same request as JSON\t%.2f\tlocate and route are %.2f × of it, not gated\n", median(decoding), (route+median(locating))/median(decoding))
	fmt.Fprintf(t, "both, 50 rules and 1,000 grids\t%.2f\t\n", median(less))
	fmt.Fprintf(t, "both, 5,000 rules and 100,000 grids\t%.2f\tratio %.2f, 95 %% interval %.2f–%.2f, goal ≤ %.2f\n", median(more), ratio, low, high, routeRatio)
	if err := t.Flush(); err != nil {
		return err
	}
	ok := ratio <= routeRatio && route <= float64(routeGoal.Microseconds()) && median(locating) <= float64(locateGoal.Microseconds())
	fmt.Fprintf(w, "RESULT name=route ratio=%.2f goal=%.2f route_us=%.1f route_goal_us=%d locate_us=%.2f ok=%t\n", ratio, routeRatio, route, routeGoal.Microseconds(), median(locating), ok)
	if !ok {
		return ErrRefused
	}
	return nil
}

// newTown makes a map of so many grids and so many rules over the demo catalogue: the demo rules, and beyond them what a district
// writes down in time, rules about one matter in one street.
func newTown(grids, rules int) (*town, error) {
	s := sampleMap(grids, 60)
	areas := s.Areas()
	x, err := grid.NewIndex(areas)
	if err != nil {
		return nil, err
	}
	dir := rule.Directory{Units: map[string]rule.Unit{}, StreetOf: map[string]string{}, CommunityOf: map[string]string{}}
	var streets []string
	for i := range areas {
		switch a := &areas[i]; a.Level {
		case grid.LevelStreet:
			streets = append(streets, a.Code)
			dir.StreetOf[a.Code], dir.Units["S-"+a.Code] = "S-"+a.Code, rule.Unit{Code: "S-" + a.Code, Kind: grid.UnitStreet, Active: true}
		case grid.LevelCommunity:
			dir.CommunityOf[a.Code], dir.Units[a.Code] = a.Code, rule.Unit{Code: a.Code, Kind: grid.UnitCommunity, Active: true}
		}
	}
	for _, l := range rule.Lines() {
		dir.Units["D-"+l.Code] = rule.Unit{Code: "D-" + l.Code, Kind: grid.UnitDepartment, Line: l.Code, Active: true}
	}
	catalog := rule.DemoCatalog(benchMap)
	table := townRules(rules, streets, catalog.Matters())
	set, err := rule.NewSet(table, catalog, dir)
	if err != nil {
		return nil, err
	}
	t := &town{index: x, rules: set}
	random := rand.New(rand.NewPCG(3, 4))
	matters := catalog.Matters()
	for _, p := range scattered(x, s, routeCases) {
		f := rule.Facts{Matter: matters[random.IntN(len(matters))].Code, LandUse: []string{"道路", "广场", "小区"}[random.IntN(3)], HasPoint: true, Lon: p.Lon, Lat: p.Lat, Source: "RESIDENT",
			Mode: "NORMAL", Text: words, ReporterCount: 1, Hour: random.IntN(24), IsWorkday: true, At: time.Date(2026, 6, 8, 9, 0, 0, 0, time.UTC)}
		if random.IntN(4) == 0 {
			f.Facets = map[string]any{"vehicle": true, "source": "SOCIAL"}
		}
		t.cases = append(t.cases, townCase{grid.FromWGS84(p, grid.GCJ02), f})
	}
	return t, nil
}

// townRules are the demo rules and, up to n, rules about a matter in a street; some ask for the land use, the hour or the words.
func townRules(n int, streets []string, matters []*rule.Item) []rule.Rule {
	template := rule.NewTransplant(nil, rule.DemoRules(), demoOffices(), grid.DemoDistrict, benchMap)
	return localRules(template.Rules, n, streets, matters)
}

// localRules adds to some rules, up to n, rules about a matter in a street.
func localRules(out []rule.Rule, n int, streets []string, matters []*rule.Item) []rule.Rule {
	lines := rule.Lines()
	for i := 0; len(out) < n; i++ {
		when := []rule.Predicate{rule.Eq("matter", matters[i%len(matters)].Code), rule.Eq("street", streets[(i/len(matters)+i)%len(streets)])}
		r := rule.Rule{ID: fmt.Sprintf("T%05d", i), Version: 1, Status: rule.StatusActive, Source: rule.SourceManual, Title: "本街道的约定", Priority: 100 + i%7,
			Then: rule.Outcome{Lead: rule.Expr("line:" + lines[i%len(lines)].Code), Path: rule.PathDirect}}
		switch i % 5 {
		case 1:
			when = append(when, rule.Eq("land_use", "小区"))
		case 2:
			when = append(when, rule.Predicate{Op: "time_in", Value: []any{22.0, 6.0}})
		case 3:
			when = append(when, rule.Predicate{Op: "text_any", Value: []any{"井盖", "路灯"}})
		case 4:
			if i%20 == 4 {
				r.Cel = `hour >= 6 && hour < 23`
			}
		}
		r.When = rule.All(when...)
		out = append(out, r)
	}
	return out
}

// demoOffices are the units that the demo rules name.
func demoOffices() rule.Directory {
	dir := rule.Directory{Units: map[string]rule.Unit{}}
	_, units := grid.Fixture()
	for _, u := range units {
		dir.Units[u.Code] = rule.Unit{Code: u.Code, Kind: u.Kind, Line: u.Line, Active: u.Active}
	}
	return dir
}

// The parts of a case's way.
func locateOnly(t *town, c *townCase) error {
	t.index.Locate(grid.ToWGS84(c.point, grid.GCJ02))
	return nil
}

func routeOnly(t *town, c *townCase) error { return t.route(c.facts, c) }

func wholeWay(t *town, c *townCase) error {
	f := c.facts
	p := grid.ToWGS84(c.point, grid.GCJ02)
	f.Lon, f.Lat = p.Lon, p.Lat
	if place, ok := t.index.Locate(p); ok {
		f.Grid, f.Community, f.Street = place.GridCode, place.CommunityCode, place.StreetCode
	}
	return t.route(f, c)
}

var errNoTrace = errors.New("a case was routed without a trace")

func (t *town) route(f rule.Facts, _ *townCase) error {
	if d := t.rules.Route(f, nil); len(d.Trace) == 0 {
		return errNoTrace
	}
	return nil
}

// cost is the CPU of one part in µs per case, over every case once.
func (t *town) cost(part func(*town, *townCase) error) (float64, error) {
	from := selfCPU()
	for i := range t.cases {
		if err := part(t, &t.cases[i]); err != nil {
			return 0, err
		}
	}
	return float64((selfCPU() - from).Nanoseconds()) / 1e3 / float64(len(t.cases)), nil
}

// requestsOf are the bodies of POST /reports that these cases came by.
func requestsOf(cases []townCase) ([][]byte, error) {
	out := make([][]byte, len(cases))
	for i := range cases {
		c := &cases[i]
		answers := map[string]string{}
		for key, v := range c.facts.Facets {
			answers[key] = fmt.Sprint(v)
		}
		raw, err := json.Marshal(map[string]any{"text": words, "matter": c.facts.Matter, "address": "东街口天桥东北侧", "facets": answers, "contact_name": "林先生",
			"point": map[string]any{"lon": c.point.Lon, "lat": c.point.Lat, "datum": "GCJ02", "accuracy_m": 12.5}})
		if err != nil {
			return nil, err
		}
		out[i] = raw
	}
	return out, nil
}

func decodeCost(bodies [][]byte) (float64, error) {
	from := selfCPU()
	for _, raw := range bodies {
		var in api.SubmitReportJSONRequestBody
		if err := json.Unmarshal(raw, &in); err != nil {
			return 0, err
		}
	}
	return float64((selfCPU() - from).Nanoseconds()) / 1e3 / float64(len(bodies)), nil
}

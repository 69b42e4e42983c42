package dispatch

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/dispatch/rule"
	"yixian/grid"
	"yixian/internal/auth"
)

// twoAdmins are two administrators.
func (d *testDistrict) twoAdmins() (one, two auth.Actor) {
	one, two = d.accounts["admin"], d.accounts["admin"]
	two.Account, two.Username = uuid.New(), "admin-two"
	one.Now, two.Now = d.now(), d.now()
	return one, two
}

// lights sends street lamps to one unit in every rule that speaks of them, so that a mixture of two such sets shows.
func lights(unit string) []rule.Rule {
	to := func(id string, when rule.Predicate) rule.Rule {
		return rule.Rule{ID: id, Title: unit, When: when, Then: rule.Outcome{Lead: rule.Expr("unit:" + unit), Path: rule.PathDirect}}
	}
	return []rule.Rule{
		to("X1", rule.All(rule.Eq("matter", matterLight), rule.Eq("land_use", "nowhere"))),
		to("X2", rule.All(rule.Eq("matter", matterLight), rule.Eq("street", "350102004"))),
		to("X3", rule.Eq("matter", matterLight)),
	}
}

// Reports stream in through two processes while two administrators publish and roll back contradictory sets: every case is
// routed by one whole set, and its trace says by which.
func TestPublishingAmidReports(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	ctx := context.Background()
	one, two := d.twoAdmins()
	elsewhere := NewWorlds(d.db.Engine) // the second process: it hears of a change by looking, as a program does
	require.NoError(t, elsewhere.Load(ctx))
	watching, end := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { elsewhere.Watch(watching, time.Millisecond, slog.New(slog.DiscardHandler)) })
	t.Cleanup(func() { end(); watch.Wait() })
	sees := func(set int) {
		t.Helper()
		require.Eventually(t, func() bool { return elsewhere.Get(grid.DemoDistrict).Rules.Version() == set }, time.Minute, time.Millisecond)
	}
	desks := []*Desk{d.desk, NewDesk(d.db.App, d.keys, elsewhere, nil)}

	leads := map[int]string{}
	for _, unit := range []string{"D-CG", "D-SJ"} {
		s, err := d.desk.DraftSet(ctx, one, DraftRules{Rules: lights(unit)}, Once{})
		require.NoError(t, err)
		_, err = d.desk.PublishSet(ctx, two, Publication{Version: s.Version, Overtake: true}, Once{})
		require.NoError(t, err)
		leads[s.Version] = unit
	}
	require.Equal(t, map[int]string{2: "D-CG", 3: "D-SJ"}, leads)
	sees(3)

	const each = 40
	var wg sync.WaitGroup
	var done atomic.Int32
	var failed atomic.Bool
	errs := make([]error, len(desks))
	for n, desk := range desks {
		wg.Go(func() {
			a := d.accounts["dj-officer"]
			a.Now = d.now()
			for i := range each {
				if _, _, errs[n] = desk.Submit(ctx, a, &Submission{Text: "这里的路灯不亮", Matter: matterLight, Point: inJunmen, Source: "STAFF", Key: fmt.Sprintf("s%d-%d", n, i)}); errs[n] != nil {
					failed.Store(true)
					return
				}
				done.Add(1)
			}
		})
	}
	switches := 0
	for done.Load() < 2*each && !failed.Load() {
		_, err := d.desk.RollBack(ctx, []auth.Actor{one, two}[switches%2], 2+switches%2, "来回切换的演练", Once{})
		require.NoError(t, err)
		sees(2 + switches%2)
		switches++
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Positive(t, switches)

	rows, err := d.db.Engine.Pool.Query(ctx, "select (r.decision->>'rule_set')::int, r.decision->>'lead', c.lead_unit, (select string_agg(distinct s->>'title', ',') from jsonb_array_elements(r.decision->'trace') s) from case_route r join cases c on c.district = r.district and c.id = r.case_id")
	require.NoError(t, err)
	defer rows.Close()
	seen := map[int]int{}
	for rows.Next() {
		var set int
		var lead, stands, titles string
		require.NoError(t, rows.Scan(&set, &lead, &stands, &titles))
		require.Equal(t, []string{leads[set], leads[set], leads[set]}, []string{lead, stands, titles}, "rule set %d", set)
		seen[set]++
	}
	require.NoError(t, rows.Err())
	require.Equal(t, 2*each, seen[2]+seen[3])
}

// Fault 35: somebody deletes every rule. No case is lost or unassigned; each stands with its street and is flagged.
func TestEveryRuleDeleted(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	ctx := context.Background()
	one, two := d.twoAdmins()
	s, err := d.desk.DraftSet(ctx, one, DraftRules{Rules: []rule.Rule{}}, Once{})
	require.NoError(t, err)
	_, err = d.desk.PublishSet(ctx, two, Publication{Version: s.Version, Overtake: true}, Once{})
	require.NoError(t, err)
	a := d.accounts["dj-officer"]
	a.Now = d.now()
	const reports = 50
	matters := d.worlds.Get(grid.DemoDistrict).Catalog.Matters()
	for i := range reports {
		_, _, err := d.desk.Submit(ctx, a, &Submission{Text: "请尽快派人来看一下", Matter: matters[i*7%len(matters)].Code, Point: inJunmen, Source: "STAFF", Key: fmt.Sprintf("n%d", i)})
		require.NoError(t, err)
	}
	var cases, unassigned, unflagged int
	require.NoError(t, d.db.Engine.Pool.QueryRow(ctx, "select count(*), count(*) filter (where lead_unit = '' or queued), count(*) filter (where not needs_catalog_review) from cases").Scan(&cases, &unassigned, &unflagged))
	require.Equal(t, []int{reports, 0, 0}, []int{cases, unassigned, unflagged})
}

// A published set is immutable for whoever holds the connection.
func TestPublishedSetIsImmutable(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	for _, sql := range []string{
		"update rule_row set status = 'OFF' where set_version = 1", "delete from rule_row where set_version = 1",
		"insert into rule_row (district, set_version, id, version, status, body) values ('350102', 1, 'X', 1, 'ACTIVE', '{\"source\":\"MANUAL\"}')",
		"update rule_set set note = 'x' where version = 1", "delete from rule_set where version = 1",
	} {
		_, err := d.db.Engine.Pool.Exec(t.Context(), sql)
		require.Error(t, err, sql)
	}
	one, _ := d.twoAdmins()
	s, err := d.desk.DraftSet(t.Context(), one, DraftRules{}, Once{})
	require.NoError(t, err)
	_, err = d.db.Engine.Pool.Exec(t.Context(), "update rule_row set status = 'OFF' where set_version = $1", s.Version)
	require.NoError(t, err, "a draft is not")
	_, err = d.db.Engine.Pool.Exec(t.Context(), "update rule_set set published_by = $1, published_at = yx_now(), status = 'PUBLISHED' where version = $2", one.Account, s.Version)
	require.Error(t, err, "the author publishes")
}

// What is kept with a case for a replay holds no words of the reporter and nothing that was typed.
func TestKeptFactsHoldNoWords(t *testing.T) {
	t.Parallel()
	s, err := rule.NewSet([]rule.Rule{{ID: "T", Status: rule.StatusActive, Source: rule.SourceManual, When: rule.Predicate{Op: "text_any", Value: []any{"漏气"}}, Then: rule.Outcome{Lead: rule.StreetOfGrid}}}, nil, rule.Directory{})
	require.NoError(t, err)
	k := keep(rule.Facts{Matter: "06010", Text: "我是张三电话13900000001，家里漏气", Facets: map[string]any{"source": "SOCIAL", "vehicle": true, "who": "张三", "tel": "13900000001"}}, s)
	raw := string(encode(k))
	require.NotContains(t, raw, "张三")
	require.NotContains(t, raw, "13900000001")
	require.Equal(t, map[string]any{"source": "SOCIAL", "vehicle": true}, k.Facets)
	require.Equal(t, []string{"漏气"}, k.Said)
	require.Equal(t, "T", s.Route(k.facts(morning), nil).Rule, "and the words that rules look for still count")
}

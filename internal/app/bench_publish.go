package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"yixian/dispatch"
	"yixian/dispatch/rule"
	"yixian/grid"
	"yixian/internal/auth"
)

const (
	publishGoal  = time.Second // from the commit until every node routes by the set
	publishNodes = 3
	publishTimes = 60
	publishRules = 1000
)

// benchPublish measures how soon a published set of rules holds on every node while reports stream in on each of them, and
// whether intake waits for it. A node is what a process keeps, its rules and the loop that looks for others' changes at the
// program's own interval; its desk files reports the whole time. Two sets of 1,000 rules take turns.
func benchPublish(ctx context.Context, cfg Config, log *slog.Logger, w io.Writer) error {
	a, _, done, err := benchRoom(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer done()
	one, two, officer, err := a.publishers(ctx)
	if err != nil {
		return err
	}
	var nodes []*dispatch.Worlds
	var desks []*dispatch.Desk
	watching, end := context.WithCancel(ctx)
	var watch sync.WaitGroup
	defer func() { end(); watch.Wait() }()
	for range publishNodes {
		ws := dispatch.NewWorlds(a.Engine)
		if err := ws.Load(ctx); err != nil {
			return err
		}
		if err := ws.LoadMap(ctx); err != nil {
			return err
		}
		watch.Go(func() { ws.Watch(watching, configEvery, log) })
		nodes, desks = append(nodes, ws), append(desks, dispatch.NewDesk(a.App, a.keys, ws, nil))
	}
	var streets []string
	for _, area := range nodes[0].Index().Children(grid.DemoDistrict) {
		streets = append(streets, area.Code)
	}
	var sets [2]int
	for i := range sets {
		s, err := desks[0].DraftSet(ctx, one, dispatch.DraftRules{Rules: localRules(rule.DemoRules(), publishRules, streets, nodes[0].Get(grid.DemoDistrict).Catalog.Matters())}, dispatch.Once{})
		if err != nil {
			return err
		}
		if _, err := desks[0].PublishSet(ctx, two, dispatch.Publication{Version: s.Version, Overtake: true}, dispatch.Once{}); err != nil {
			return err
		}
		sets[i] = s.Version
	}

	calm, err := intake(ctx, desks, officer, "calm", func() error { return nil }, 100)
	if err != nil {
		return err
	}
	var calls, delays []time.Duration
	amid, err := intake(ctx, desks, officer, "amid", func() error {
		for i := range publishTimes {
			click, version := time.Now(), sets[i%2]
			if _, err := desks[0].RollBack(ctx, []auth.Actor{one, two}[i%2], version, "来回切换的测量", dispatch.Once{}); err != nil {
				return err
			}
			calls = append(calls, time.Since(click))
			committed := time.Now()
			for _, n := range nodes {
				for n.Get(grid.DemoDistrict).Rules.Version() != version {
					select {
					case <-ctx.Done():
						return ctx.Err()
					case <-time.After(time.Millisecond):
					}
				}
			}
			delays = append(delays, time.Since(committed))
		}
		return nil
	}, 0)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "ms, wall\tmedian\tp99\tlongest\t\n")
	row := func(what string, d []time.Duration) {
		slices.Sort(d)
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t\n", what, d[len(d)/2].Milliseconds(), d[len(d)*99/100].Milliseconds(), d[len(d)-1].Milliseconds())
	}
	row("the click itself, with its checks", calls)
	row(fmt.Sprintf("%d sets of %d rules, from there until %d nodes route by them", publishTimes, publishRules, publishNodes), delays)
	row(fmt.Sprintf("a report, nothing published (%d)", len(calm)), calm)
	row(fmt.Sprintf("a report while sets are published (%d)", len(amid)), amid)
	if err := t.Flush(); err != nil {
		return err
	}
	longest := slices.Max(delays)
	ok := longest <= publishGoal
	fmt.Fprintf(w, "RESULT name=publish longest_ms=%d goal_ms=%d reports=%d failed=0 ok=%t\n", longest.Milliseconds(), publishGoal.Milliseconds(), len(amid), ok)
	if !ok {
		return ErrRefused
	}
	return nil
}

// intake files reports on every desk, one after the other, until what happens meanwhile has ended and each has filed at least so
// many; it gives how long each took. The first report that fails ends it.
func intake(ctx context.Context, desks []*dispatch.Desk, a auth.Actor, name string, meanwhile func() error, least int) ([]time.Duration, error) {
	var over atomic.Bool
	var wg sync.WaitGroup
	took, errs := make([][]time.Duration, len(desks)), make([]error, len(desks))
	for n, desk := range desks {
		wg.Go(func() {
			for i := 0; i < least || !over.Load(); i++ {
				before := time.Now()
				if _, _, errs[n] = desk.Submit(ctx, a, &dispatch.Submission{Text: words, Matter: "06010", Point: dispatch.PointIn{Lon: 119.3, Lat: 26.08, Datum: string(grid.WGS84)}, Source: "STAFF", Key: name + strconv.Itoa(n) + "-" + strconv.Itoa(i)}); errs[n] != nil {
					return
				}
				took[n] = append(took[n], time.Since(before))
			}
		})
	}
	err := meanwhile()
	over.Store(true)
	wg.Wait()
	for _, e := range errs {
		if err == nil {
			err = e
		}
	}
	return slices.Concat(took...), err
}

// publishers are two administrators and an officer who files reports.
func (a *App) publishers(ctx context.Context) (one, two, officer auth.Actor, err error) {
	now, err := a.now(ctx)
	if err != nil {
		return one, two, officer, err
	}
	account := func(name string, b auth.Binding) (who auth.Actor) {
		var id uuid.UUID
		if err == nil {
			err = a.Engine.Pool.QueryRow(ctx, "select id from account where district = $1 and username = $2", grid.DemoDistrict, name).Scan(&id)
		}
		return auth.Actor{District: grid.DemoDistrict, Account: id, Username: name, Kind: auth.Staff, Now: now, Bindings: []auth.Binding{b}}
	}
	one, two = account("adm1", auth.Binding{Role: auth.RoleTenantAdmin}), account("adm2", auth.Binding{Role: auth.RoleTenantAdmin})
	return one, two, account("so1", auth.Binding{Role: auth.RoleStreetOfficer, Unit: "350102004"}), err
}

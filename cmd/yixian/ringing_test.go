package main_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"yixian/internal/local"
	"yixian/internal/pg"
)

// ring is one firing that must happen, or one that did: a clock, a level, the instant it was due, the instant it rang.
type ring struct {
	Clock   uuid.UUID
	Level   int
	Due, At time.Time
}

// outage is a span in which nobody could ring: PostgreSQL was away, or no engine was alive and running.
type outage struct{ from, to time.Time }

// ringVerdict is what judgeRings found.
type ringVerdict struct {
	Due, Rung, Missing, Twice, Early, Unasked int
	P50, P99, Worst                           time.Duration // lateness minus outage
}

func (v ringVerdict) String() string {
	return fmt.Sprintf("due=%d rung=%d missing=%d twice=%d early=%d unasked=%d lateness-outage p50=%v p99=%v worst=%v", v.Due, v.Rung, v.Missing, v.Twice, v.Early, v.Unasked, v.P50.Round(time.Millisecond), v.P99.Round(time.Millisecond), v.Worst.Round(time.Millisecond))
}

// clean says that every due ring rang once and none before its time.
func (v ringVerdict) clean() bool {
	return v.Missing == 0 && v.Twice == 0 && v.Early == 0 && v.Unasked == 0 && v.Rung == v.Due
}

// judgeRings compares what was due with what rang. The lateness of a ring is the time from its due instant to its event
// in which somebody could have rung it.
func judgeRings(due, rung []ring, outages []outage) ringVerdict {
	v := ringVerdict{Due: len(due), Rung: len(rung)}
	type key struct {
		clock uuid.UUID
		level int
	}
	seen := map[key]int{}
	want := map[key]time.Time{}
	for _, d := range due {
		want[key{d.Clock, d.Level}] = d.Due
	}
	var late []time.Duration
	for _, r := range rung {
		k := key{r.Clock, r.Level}
		at, asked := want[k]
		if !asked {
			v.Unasked++
			continue
		}
		if seen[k]++; seen[k] > 1 {
			v.Twice++
		}
		if r.At.Before(at) {
			v.Early++
		}
		late = append(late, max(0, r.At.Sub(at)-overlap(at, r.At, outages)))
	}
	for k := range want {
		if seen[k] == 0 {
			v.Missing++
		}
	}
	if n := len(late); n > 0 {
		slices.Sort(late)
		v.P50, v.P99, v.Worst = late[n/2], late[min(n-1, n*99/100)], late[n-1]
	}
	return v
}

// overlap is how much of a span lies in the union of the outages.
func overlap(from, to time.Time, outages []outage) (sum time.Duration) {
	sorted := slices.SortedFunc(slices.Values(outages), func(a, b outage) int { return a.from.Compare(b.from) })
	for _, o := range sorted {
		begin, end := o.from, o.to
		if begin.Before(from) {
			begin = from
		}
		if end.After(to) {
			end = to
		}
		if end.After(begin) {
			sum += end.Sub(begin)
			from = end
		}
	}
	return sum
}

// belfry is a private PostgreSQL with the demo district and the engines of the real program on it.
type belfry struct {
	t       *testing.T
	pg      *local.Postgres
	env     []string
	keyFile string
	engines []*server
	mu      sync.Mutex
	down    []outage   // of PostgreSQL
	silent  [][]outage // of each engine
	faults  map[string]int
}

func newBelfry(t *testing.T, engines int, env ...string) *belfry {
	t.Helper()
	dir := folder(t)
	b := &belfry{t: t, faults: map[string]int{}, silent: make([][]outage, engines)}
	var err error
	b.pg, err = local.StartPostgres(t.Context(), local.PostgresOptions{Dir: filepath.Join(dir, "pg"), RunDir: dir, Fast: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = b.pg.Stop(context.Background()) })
	b.keyFile = filepath.Join(dir, "keys.json")
	b.env = append(slices.Clone(env), "DATABASE_URL="+b.pg.URL(pg.RoleApp), "DATABASE_OWNER_URL="+b.pg.URL(pg.RoleOwner), "DATABASE_ENGINE_URL="+b.pg.URL(pg.RoleEngine),
		"KEY_FILE="+b.keyFile, "SMS_FILE="+filepath.Join(dir, "sms.jsonl"))
	runWith(t, b.env, "migrate", "up").is(t, 0)
	runWith(t, b.env, "demo").is(t, 0)
	for range engines {
		b.engines = append(b.engines, serve(t, b.env, folder(t), "--role=engine"))
	}
	return b
}

func (b *belfry) connect() *pgx.Conn {
	b.t.Helper()
	c, err := pgx.Connect(b.t.Context(), b.pg.URLFor(local.Superuser, local.Database))
	require.NoError(b.t, err)
	b.t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// hang makes clocks of five rungs each that come due between first and last, on cases of their own with real chains, and
// gives every ring that must be heard. Each tenth clock is one of which people are told.
func (b *belfry) hang(clocks int, first, last time.Time) (due []ring) {
	b.t.Helper()
	c := b.connect()
	draw := rand.New(rand.NewPCG(uint64(clocks), 7))
	rows := make([][]any, clocks)
	for i := range rows {
		at := make([]time.Time, 5)
		for j := range at {
			at[j] = first.Add(time.Duration(draw.Int64N(int64(last.Sub(first))))).Truncate(time.Microsecond)
		}
		slices.SortFunc(at, time.Time.Compare)
		id := uuid.Must(uuid.NewV7())
		for j, level := range []int{50, 80, 100, 150, 200} {
			due = append(due, ring{Clock: id, Level: level, Due: at[j]})
		}
		rows[i] = []any{i + 1, uuid.Must(uuid.NewV7()), id, at}
	}
	_, err := c.Exec(b.t.Context(), "create temp table hung (n int, case_id uuid, clock_id uuid, ladder timestamptz[])")
	require.NoError(b.t, err)
	_, err = c.CopyFrom(b.t.Context(), pgx.Identifier{"hung"}, []string{"n", "case_id", "clock_id", "ladder"}, pgx.CopyFromRows(rows))
	require.NoError(b.t, err)
	for _, sql := range []string{
		`create temp table begun as select h.*, format('{"v":1,"district":"350102","case":"%s","seq":1,"at":"2026-06-08T01:00:00.000000Z","actor":"SYSTEM","role":"SYSTEM","unit":"","action":"submit","from":"","to":"DISPATCHED","version":1,"data":{}}', case_id) as fact,
			sha256(convert_to('yixian/1/350102/' || case_id, 'UTF8')) as start from hung h`,
		`insert into cases (district, id, case_no, state, version, head_seq, head_hash, last_at, matter, grid_code, community_code, street_code, lon, lat, datum, cell, priority, source, owner_unit, lead_unit, created_at, updated_at, due_at)
			select '350102', case_id, 'F-' || n, 'DISPATCHED', 1, 1, sha256(start || convert_to(fact, 'UTF8')), '2026-06-08 09:00+08', '06010', '350102004001001', '350102004001', '350102004', 119.308, 26.0875, 'WGS84', n, 'P3', 'RESIDENT', 'S-DJ', 'S-DJ', '2026-06-08 09:00+08', '2026-06-08 09:00+08', ladder[3] from begun`,
		`insert into case_event (district, case_id, seq, id, at, actor, role, unit, action, from_state, to_state, version, fact, prev_hash, hash)
			select '350102', case_id, 1, yx_uuid7(), '2026-06-08 09:00+08', 'SYSTEM', 'SYSTEM', '', 'submit', '', 'DISPATCHED', 1, fact, start, sha256(start || convert_to(fact, 'UTF8')) from begun`,
		`insert into sla_clock (district, id, case_id, kind, owner_type, owner_id, unit, round, budget, budget_s, working, state, started_at, due_at, level, ladder, next_at)
			select '350102', clock_id, case_id, 'HANDLE', case when n % 10 = 0 then 'ASSIGNMENT' else 'CASE' end, case_id, case when n % 10 = 0 then 'S-DJ' else '' end, 1, '5WD', 144000, true, 'RUNNING', '2026-06-08 09:00+08', ladder[3], 0, ladder, ladder[1] from begun`,
	} {
		_, err := c.Exec(b.t.Context(), sql)
		require.NoError(b.t, err)
	}
	return due
}

// strike does one random harm and undoes it: an engine is killed and started again, an engine is stopped for a while,
// or every process of PostgreSQL is killed (its keeper starts it again).
func (b *belfry) strike(draw *rand.Rand, kind string) {
	b.t.Helper()
	b.mu.Lock()
	b.faults[kind]++
	b.mu.Unlock()
	i := draw.IntN(len(b.engines))
	begin := time.Now()
	silence := func(end time.Time) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.silent[i] = append(b.silent[i], outage{begin, end})
	}
	switch kind {
	case "kill engine":
		b.engines[i].kill()
		b.engines[i] = serve(b.t, b.env, b.engines[i].data, "--role=engine")
		silence(time.Now())
	case "stop engine":
		pid := b.engines[i].cmd.Process.Pid
		require.NoError(b.t, syscall.Kill(pid, syscall.SIGSTOP))
		<-time.After(time.Duration(500+draw.IntN(2500)) * time.Millisecond) // a fault of a length, not a wait for something
		require.NoError(b.t, syscall.Kill(pid, syscall.SIGCONT))
		silence(time.Now())
	case "kill postgres":
		killPostgres(b.t, b.pg)
		b.mu.Lock()
		b.down = append(b.down, outage{begin, time.Now()})
		b.mu.Unlock()
	}
}

// killPostgres kills every process of a private PostgreSQL at once and waits until its keeper has started it again.
func killPostgres(t *testing.T, p *local.Postgres) {
	t.Helper()
	old := p.PID()
	for _, pid := range append(children(t, old), old) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
	}
	eventually(t, "PostgreSQL comes back", func() bool {
		c, err := pgx.Connect(t.Context(), p.URLFor(local.Superuser, local.Database))
		if err != nil {
			return false
		}
		return c.Close(t.Context()) == nil && p.PID() != old
	})
}

// outages are the spans in which PostgreSQL was away or all engines were silent at once.
func (b *belfry) outages() []outage {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := slices.Clone(b.down)
	var all []outage
	if len(b.silent) > 0 {
		all = b.silent[0]
	}
	for _, other := range b.silent[1:] {
		var both []outage
		for _, x := range all {
			for _, y := range other {
				from, to := x.from, x.to
				if y.from.After(from) {
					from = y.from
				}
				if y.to.Before(to) {
					to = y.to
				}
				if to.After(from) {
					both = append(both, outage{from, to})
				}
			}
		}
		all = both
	}
	return append(out, all...)
}

// heard waits until no clock is left to ring and (told) no event untold, and gives every ring.
func (b *belfry) heard(last time.Time, told bool) (rung []ring) {
	b.t.Helper()
	c := b.connect()
	eventually(b.t, "the last clock rings and is told", func() bool {
		var left int
		require.NoError(b.t, c.QueryRow(b.t.Context(), "select (select count(*) from sla_clock where next_at is not null) + (select count(*) from outbox where $1)", told).Scan(&left))
		return left == 0 && time.Now().After(last)
	})
	rows, err := c.Query(b.t.Context(), "select clock_id, clock_level, at from case_event where action = 'clock_due'")
	require.NoError(b.t, err)
	rung, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (r ring, err error) {
		return r, row.Scan(&r.Clock, &r.Level, &r.At)
	})
	require.NoError(b.t, err)
	return rung
}

// ringing lets engines ring under faults and gives the verdict. kinds are the faults in their order, one after another
// over the span in which clocks come due.
func ringing(t *testing.T, engines, clocks int, span time.Duration, kinds []string, seed uint64, sabotage string) ringVerdict {
	t.Helper()
	b := newBelfry(t, engines)
	if sabotage != "" {
		_, err := b.connect().Exec(t.Context(), sabotage)
		require.NoError(t, err)
	}
	first := time.Now().Add(2 * time.Second)
	last := first.Add(span)
	due := b.hang(clocks, first, last)
	draw := rand.New(rand.NewPCG(seed, 3))
	for i, kind := range kinds {
		<-time.After(time.Until(first.Add(span * time.Duration(i) / time.Duration(len(kinds)))))
		b.strike(draw, kind)
	}
	<-time.After(time.Until(last))
	v := judgeRings(due, b.heard(last, sabotage == ""), b.outages())
	var away time.Duration
	for _, o := range b.outages() {
		away += o.to.Sub(o.from)
	}
	t.Logf("RESULT name=fault-engine engines=%d faults=%v outage=%v %v", engines, b.faults, away.Round(time.Millisecond), v)
	if sabotage == "" {
		require.Contains(t, runWith(t, b.env, "verify").is(t, 0).Out, "OK cases="+strconv.Itoa(clocks))
	}
	return v
}

// faultKinds draws n faults; every kind comes.
func faultKinds(n int, seed uint64) []string {
	draw := rand.New(rand.NewPCG(seed, 4))
	kinds := []string{"kill engine", "stop engine", "kill postgres"}
	out := slices.Clone(kinds)
	for len(out) < n {
		out = append(out, kinds[draw.IntN(len(kinds))])
	}
	draw.Shuffle(n, func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out[:n]
}

// A twentieth of make fault-engine: 450 rings, three engines, one fault of each kind. The lateness is printed; it is
// gated in the long run only, which has the machine to itself.
func TestRingingUnderFaults(t *testing.T) {
	t.Parallel()
	v := ringing(t, 3, 90, 8*time.Second, faultKinds(3, 11), 11, "")
	require.True(t, v.clean(), "%v", v)
}

// The negative control: rings that come twice, never or early are seen for what they are, by the same harness, with the
// protection of yx_fire_due taken away.
func TestRingingHarnessSeesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		old, new string
		seen     func(ringVerdict) bool
	}{
		"twice":   {"update sla_clock k set level = d.new_level, next_at = d.after from done d where", "update sla_clock k set level = d.new_level, next_at = d.after from done d where d.seq % 5 <> 0 and", func(v ringVerdict) bool { return v.Twice > 0 && v.Missing == 0 && v.Early == 0 }},
		"missing": {"d.hash, d.id, d.new_level from done d", "d.hash, d.id, d.new_level from done d where d.seq % 3 <> 0", func(v ringVerdict) bool { return v.Missing > 0 && v.Twice == 0 && v.Early == 0 }},
		"early":   {"<= yx_now()", "<= yx_now() + interval '400 ms'", func(v ringVerdict) bool { return v.Early > 0 && v.Twice == 0 && v.Missing == 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := ringing(t, 1, 20, 3*time.Second, nil, 5, fmt.Sprintf(`drop index case_event_clock_once;
				do $body$ declare old text; begin
				  select pg_get_functiondef('yx_fire_due(int)'::regprocedure) into old;
				  if position(%[1]s in old) = 0 then raise exception 'nothing to sabotage'; end if;
				  execute replace(old, %[1]s, %[2]s);
				end $body$`, literal(c.old), literal(c.new)))
			require.True(t, c.seen(v), "%v", v)
			require.False(t, v.clean())
		})
	}
}

// The judge itself, on a handful of rings by hand.
func TestJudgeRings(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	a, b := uuid.New(), uuid.New()
	due := []ring{{Clock: a, Level: 50, Due: at(10)}, {Clock: a, Level: 80, Due: at(20)}, {Clock: b, Level: 50, Due: at(30)}}
	fine := []ring{{Clock: a, Level: 50, At: at(11)}, {Clock: a, Level: 80, At: at(29)}, {Clock: b, Level: 50, At: at(30)}}
	v := judgeRings(due, fine, []outage{{at(15), at(25)}, {at(22), at(28)}})
	require.True(t, v.clean())
	require.Equal(t, time.Second, v.Worst, "20 to 28 was an outage, counted once")
	require.Equal(t, 1, judgeRings(due, fine[:2], nil).Missing)
	require.Equal(t, 1, judgeRings(due, append(slices.Clone(fine), fine[1]), nil).Twice)
	require.Equal(t, 1, judgeRings(due, append(slices.Clone(fine), ring{Clock: b, Level: 200, At: at(1)}), nil).Unasked)
	require.Equal(t, 1, judgeRings(due, []ring{fine[0], fine[1], {Clock: b, Level: 50, At: at(29)}}, nil).Early)
}

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

package dispatch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/notify"
)

// engineRoom is a planner and an engine on a pool, with everything they publish and log.
type engineRoom struct {
	*Engine
	planner *Planner
	post    *notify.Post
	log     *bytes.Buffer
	mu      sync.Mutex
	notices []Notice
}

// newEngineRoom builds one as a process would; several may share a district.
func newEngineRoom(d *testDistrict, db *pg.DB) *engineRoom {
	d.t.Helper()
	r := &engineRoom{log: &bytes.Buffer{}}
	client, err := river.NewClient(riverpgxv5.New(db.Pool), &river.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(d.t, err)
	log := slog.New(slog.NewJSONHandler(&lockedWriter{w: r.log}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r.post = notify.New(notify.Config{DB: db, River: client, Keys: d.keys, Links: "https://yixian.example/", Log: log})
	r.planner = NewPlanner(db, NewDesk(db, d.keys, d.worlds, nil), r.post, d.keys, func(_ context.Context, n Notice) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.notices = append(r.notices, n)
	}, log)
	r.Engine = NewEngine(db, r.planner, r.post, log)
	return r
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// plan works the outbox off. A planner that died may hold the lock until PostgreSQL has noticed.
func (r *engineRoom) plan(d *testDistrict) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), time.Minute)
	defer cancel()
	for d.count("select count(*) from outbox") > 0 {
		_, err := r.planner.Step(ctx)
		require.NoError(d.t, err)
	}
}

// work does everything that is due.
func (r *engineRoom) work(d *testDistrict) {
	d.t.Helper()
	require.NoError(d.t, r.once(d.t.Context()))
	require.Zero(d.t, d.count("select count(*) from outbox"))
	require.Zero(d.t, d.count("select count(*) from outbox_parked"))
}

// crashing is the engine's pool as a process sees it that dies at its n-th statement.
func crashing(d *testDistrict, n int) (*pg.DB, context.Context, func() bool) {
	d.t.Helper()
	ctx, cancel := context.WithCancel(d.t.Context())
	tracer := &crash{left: n, kill: cancel}
	config := d.db.Engine.Pool.Config()
	config.ConnConfig.Tracer = tracer
	pool, err := pgxpool.NewWithConfig(d.t.Context(), config)
	require.NoError(d.t, err)
	return &pg.DB{Pool: pool, Gorm: d.db.Engine.Gorm}, ctx, func() bool { pool.Close(); return tracer.fired() }
}

type crash struct {
	mu   sync.Mutex
	left int
	kill context.CancelFunc
}

func (c *crash) fired() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.left <= 0 }

func (c *crash) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left == 0 {
		c.kill()
	}
	return ctx
}

func (c *crash) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// A planner that dies at any of its statements loses nothing and tells nothing twice.
func TestPlannerDiesAtEveryStatement(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	whole := newEngineRoom(d, d.db.Engine)
	total, n := 0, 0
	for died := true; died; {
		n++
		r := d.submit("lin", matterLight, inJunmen)
		d.do("js-officer", r.CaseID, ActSign, nil)
		db, ctx, fired := crashing(d, n)
		room := newEngineRoom(d, db)
		settled, err := room.planner.Step(ctx)
		died = fired()
		if died && settled == 0 {
			require.Error(t, err)
			require.Equal(t, 4, d.count("select count(*) from outbox"), "statement %d: all or nothing", n)
			require.Empty(t, room.notices, "nothing is published before its commit")
		}
		whole.plan(d)
		total++
		require.Zero(t, d.count("select count(*) from outbox"))
		require.Equal(t, total, d.count("select count(*) from message where event = 'submitted' and channel = 'SMS'"), "statement %d", n)
		require.Equal(t, total, d.count("select count(*) from message where event = 'dispatched' and template = 'dispatched.unit.SMS'"), "statement %d", n)
	}
	require.Greater(t, n, 8, "the step has more statements than that")
	require.Zero(t, d.count("select count(*) from outbox_parked"))
	require.Equal(t, d.count("select count(*) from message where channel = 'SMS'"), d.count("select count(*) from river_job"), "one delivery for each message")
	d.verify()
}

// Any number of planners at once: each event is told once and published once.
func TestPlannersTogether(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	const cases = 60
	for range cases {
		d.submit("lin", matterLight, inJunmen)
	}
	var rooms []*engineRoom
	var group sync.WaitGroup
	for range 3 {
		room := newEngineRoom(d, d.db.Engine)
		rooms = append(rooms, room)
		group.Go(func() {
			for d.count("select count(*) from outbox") > 0 {
				if _, err := room.planner.Step(t.Context()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	require.Equal(t, cases, d.count("select count(*) from message where template = 'dispatched.unit.SMS'"))
	require.Equal(t, cases, d.count("select count(distinct event_id) from message where template = 'submitted.reporter.SMS'"))
	seen := map[uuid.UUID]int{}
	for _, r := range rooms {
		for _, n := range r.notices {
			seen[n.EventID]++
		}
	}
	require.Len(t, seen, d.count("select count(*) from case_event"))
	for id, n := range seen {
		require.Equal(t, 1, n, id)
	}
}

// One event that cannot be told parks alone; mended, it is told after all.
func TestPoisonParksAlone(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	bad := d.submit("lin", matterLight, inJunmen)
	good := d.submit("chen", matterLight, inJunmen)
	_, err := d.db.Owner.Pool.Exec(t.Context(), fmt.Sprintf("alter table message add constraint poison check (case_id <> '%s' or event <> 'dispatched')", bad.CaseID))
	require.NoError(t, err)
	room.plan(d)
	require.Zero(t, d.count("select count(*) from outbox"))
	require.Equal(t, 1, d.count("select count(*) from outbox_parked"))
	require.Equal(t, 1, d.count("select count(*) from message where case_id = $1 and template = 'submitted.reporter.SMS'", bad.CaseID), "its other events go their way")
	require.Equal(t, 1, d.count("select count(*) from message where case_id = $1 and template = 'dispatched.unit.SMS'", good.CaseID))
	require.Contains(t, room.log.String(), "event parked")
	n, err := room.planner.Parked(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)

	_, err = d.db.Owner.Pool.Exec(t.Context(), "alter table message drop constraint poison")
	require.NoError(t, err)
	n, err = room.planner.Redrive(t.Context(), d.actor("lin").District)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	room.plan(d)
	require.Equal(t, 1, d.count("select count(*) from message where case_id = $1 and template = 'dispatched.unit.SMS'", bad.CaseID))
	require.Zero(t, d.count("select count(*) from outbox_parked"))
}

// A failure of the surroundings parks nothing.
func TestPlannerWithoutDatabase(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.submit("lin", matterLight, inJunmen)
	_, err := d.db.Owner.Pool.Exec(t.Context(), `create function away() returns trigger language plpgsql as $$ begin raise exception 'no room' using errcode = '53100'; end $$`)
	require.NoError(t, err)
	_, err = d.db.Owner.Pool.Exec(t.Context(), `create trigger away before insert on message execute function away()`)
	require.NoError(t, err)
	room := newEngineRoom(d, d.db.Engine)
	waiting := d.count("select count(*) from outbox")
	n, err := room.planner.Step(t.Context())
	require.Zero(t, n)
	require.True(t, fault.Is(err, "UNAVAILABLE"), err)
	require.Equal(t, waiting, d.count("select count(*) from outbox"))
	require.Zero(t, d.count("select count(*) from outbox_parked"))
}

// T25: the archive comes by itself when the rating window is over, and once, whoever dies on the way.
func TestArchiveOnceAfterSevenDays(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	r := d.closedCase()
	room.work(d)
	closed := d.now()
	d.setClock(closed.Add(7*24*time.Hour - time.Second))
	room.work(d)
	require.Zero(t, d.count("select count(*) from cases where state = 'ARCHIVED'"), "the window is still open")
	d.setClock(closed.Add(7 * 24 * time.Hour))
	n, err := room.Fire(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)

	// The first planner dies after the consequence and before its own commit.
	lost := errors.New("lost")
	batch := []*happening{}
	err = pgx.BeginFunc(t.Context(), d.db.Engine.Pool, func(tx pgx.Tx) error {
		var err error
		batch, err = room.planner.read(t.Context(), tx)
		require.NoError(t, err)
		require.NoError(t, room.planner.follow(t.Context(), batch))
		return lost
	})
	require.ErrorIs(t, err, lost)
	require.Len(t, batch, 1)
	require.NoError(t, batch[0].failed)
	require.Equal(t, 1, d.count("select count(*) from cases where state = 'ARCHIVED'"))
	for range 3 {
		room.work(d)
	}
	require.Equal(t, 1, d.count("select count(*) from case_event where action = 'archive' and case_id = $1", r.CaseID))
	require.Equal(t, 1, d.count("select count(*) from case_event where action = 'clock_due' and clock_level = 100 and fact like '%RATING%'"))
	require.Equal(t, 1, d.count("select count(*) from idempotency where actor = 'SYSTEM' and key like 'due:%:100'"))
	d.verify()
}

// A request that a supervisor has to decide holds the archive up; the refusal is no failure.
func TestArchiveWaitsForARequest(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	r := d.closedCase()
	for range 2 {
		d.rate("lin", r, false, 1)
		d.resolve("js-officer", r.CaseID)
		d.pass("junmen-worker", r.CaseID)
	}
	d.rate("lin", r, false, 1)
	room.work(d)
	require.Equal(t, []string{"supervisor APP"}, d.told(r.CaseID, "supervisor_task"))
	d.advance(7 * 24 * time.Hour)
	room.work(d)
	require.Zero(t, d.count("select count(*) from cases where state = 'ARCHIVED'"))
	require.Contains(t, room.log.String(), "REQUEST_OPEN")
	d.verify()
}

// A district whose configuration is missing holds up nobody; when it is back, its events are told and its consequences
// come, once. Before any configuration is loaded nothing is touched.
func TestDistrictWithoutConfiguration(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	d.closedCase()
	room.work(d)
	d.advance(8 * 24 * time.Hour)
	n, err := room.Fire(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	d.submit("lin", matterLight, inJunmen)
	good := d.worlds.current.Load()
	d.worlds.current.Store(&map[string]*World{})
	n, err = room.planner.Step(t.Context())
	require.NoError(t, err)
	require.Equal(t, 4, n)
	require.Equal(t, 4, d.count("select count(*) from outbox_parked"))
	d.worlds.current.Store(good)
	_, err = room.planner.Redrive(t.Context(), "350102")
	require.NoError(t, err)
	room.work(d)
	require.Equal(t, 1, d.count("select count(*) from case_event where action = 'archive'"))
	require.Equal(t, 2, d.count("select count(*) from message where template = 'dispatched.unit.SMS'"))

	d.submit("lin", matterLight, inJunmen)
	early := newEngineRoom(&testDistrict{t: t, keys: d.keys, worlds: NewWorlds(d.db.Engine)}, d.db.Engine)
	_, err = early.planner.Step(t.Context())
	require.ErrorContains(t, err, "not loaded")
	require.Equal(t, 3, d.count("select count(*) from outbox"))
}

// What a person's phone number is stands sealed in three places and nowhere else.
func TestNoPhoneInTheOpen(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	r := d.closedCase()
	d.rate("lin", r, false, 1)
	room.work(d)
	d.advance(30 * 24 * time.Hour)
	room.work(d)
	var dump strings.Builder
	for _, table := range []string{"case_event", "outbox", "message", "case_route", "idempotency", "river_job", "cases", "outbox_parked"} {
		rows, err := d.db.Engine.Pool.Query(t.Context(), "select to_jsonb(x)::text from "+table+" x")
		require.NoError(t, err)
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		dump.WriteString(strings.Join(lines, "\n"))
	}
	dump.WriteString(room.log.String())
	require.Greater(t, dump.Len(), 10_000)
	for _, phone := range residentPhones {
		require.NotContains(t, dump.String(), phone)
	}
	for _, s := range staffOf {
		require.NotContains(t, dump.String(), s.phone)
	}
	require.NotContains(t, dump.String(), r.TrackToken, "the link opens the case")
}

// closedCase is a street light reported by lin, mended by D-JS and checked.
func (d *testDistrict) closedCase() *Receipt {
	d.t.Helper()
	r := d.submit("lin", matterLight, inJunmen)
	d.do("js-officer", r.CaseID, ActSign, nil)
	d.resolve("js-officer", r.CaseID)
	d.pass("junmen-worker", r.CaseID)
	return r
}

// told lists "who channel" of a case's messages of an event ("" all), sorted; "+2m" marks a later one.
func (d *testDistrict) told(caseID uuid.UUID, event string) []string {
	d.t.Helper()
	rows, err := d.db.Engine.Pool.Query(context.Background(), `select m.recipient, m.channel, m.state, m.error, extract(epoch from m.due_at - e.at)::int from message m
		join case_event e on e.district = m.district and e.id = m.event_id where m.case_id = $1 and ($2 = '' or m.event = $2)`, caseID, event)
	require.NoError(d.t, err)
	names := map[string]string{}
	for name, a := range d.accounts {
		names[a.Account.String()] = name
	}
	out := []string{}
	var recipient, channel, state, reason string
	var later int
	_, err = pgx.ForEachRow(rows, []any{&recipient, &channel, &state, &reason, &later}, func() error {
		name, ok := names[recipient]
		if !ok {
			name = "somebody"
		}
		line := name + " " + channel
		if later > 0 {
			line += fmt.Sprintf("+%dm", later/60)
		}
		if reason != "" || state == notify.Cancelled {
			line += " " + state + reason
		}
		out = append(out, line)
		return nil
	})
	require.NoError(d.t, err)
	slices.Sort(out)
	return out
}

// BenchmarkStep is one full batch: 66 submissions with their filing and dispatch, about 198 events.
func BenchmarkStep(b *testing.B) {
	d := newDistrict(b)
	room := newEngineRoom(d, d.db.Engine)
	events := 0
	for b.Loop() {
		b.StopTimer()
		for range 66 {
			d.submit("lin", matterLight, inJunmen)
		}
		b.StartTimer()
		n, err := room.planner.Step(b.Context())
		require.NoError(b, err)
		events += n
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkArchive is the heaviest kind of event: each has a consequence.
func BenchmarkArchive(b *testing.B) {
	d := newDistrict(b)
	room := newEngineRoom(d, d.db.Engine)
	cases := 0
	for b.Loop() {
		b.StopTimer()
		for range 20 {
			d.closedCase()
		}
		require.NoError(b, room.once(b.Context()))
		d.advance(8 * 24 * time.Hour)
		b.StartTimer()
		require.NoError(b, room.once(b.Context()))
		cases += 20
	}
	b.ReportMetric(float64(cases)/b.Elapsed().Seconds(), "archived/s")
}

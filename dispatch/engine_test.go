package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"yixian/internal/pg"
	"yixian/notify"
)

// Two months pass at once, three engines wake together while people go on writing: every rung rings once, in order,
// with its true instant, and the chains hold.
func TestEnginesTogetherRingOnce(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	var ids []uuid.UUID
	for range 25 {
		ids = append(ids, d.submit("lin", matterLight, inJunmen).CaseID)
	}
	rungs := d.count("select count(*) from sla_clock k, unnest(k.ladder) as at where at is not null and k.state = 'RUNNING'")
	require.Greater(t, rungs, 200)
	d.advance(60 * 24 * time.Hour)

	var group sync.WaitGroup
	for range 3 {
		room := newEngineRoom(d, d.db.Engine)
		group.Go(func() {
			for d.count("select (select count(*) from sla_clock where next_at <= yx_now()) + (select count(*) from outbox)") > 0 {
				if err := room.once(t.Context()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	dispatcher := d.actor("dispatcher")
	group.Go(func() {
		for _, id := range ids {
			cmd, _ := ParseCommand(ActNote, []byte(`{"text":"请抓紧办理"}`))
			if _, err := d.desk.Do(t.Context(), dispatcher, id, cmd, nil); err != nil {
				t.Error(err)
			}
		}
	})
	group.Wait()
	require.Equal(t, rungs, d.count("select count(*) from case_event where action = 'clock_due'"))
	require.Equal(t, rungs, d.count("select count(distinct (clock_id, clock_level)) from case_event where action = 'clock_due'"))
	require.Equal(t, len(ids), d.count("select count(*) from case_event where action = 'note'"))
	require.Zero(t, d.count(`select count(*) from (select clock_level - lag(clock_level) over (partition by clock_id order by seq) as step from case_event where clock_id is not null) x where step <= 0`), "rungs in order")
	require.Zero(t, d.count(`select count(*) from case_event e join sla_clock k on k.district = e.district and k.id = e.clock_id
		where (e.fact::jsonb->'data'->>'due')::timestamptz <> k.ladder[array_position(array[50,80,100,150,200], e.clock_level)]`), "each with its true instant")
	require.Zero(t, d.count("select count(*) from case_event e where e.clock_id is not null and e.at < (e.fact::jsonb->'data'->>'due')::timestamptz"), "none early")
	require.Equal(t, len(ids), d.count("select count(*) from message where event = 'overdue_100' and template = 'overdue_100.reporter.APP'"))
	v := d.verify()
	require.EqualValues(t, len(ids), v.Cases)
}

// After two months without an engine nobody's phone is stormed: of each clock the last rung alone is said by SMS, the
// others are in the inbox.
func TestNoStormAfterAnOutage(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	id := d.submit("lin", matterLight, inJunmen).CaseID
	d.do("js-officer", id, ActSign, nil)
	d.do("js-officer", id, ActContact, map[string]any{"method": "PHONE"})
	room.work(d)
	d.advance(60 * 24 * time.Hour)
	room.work(d)
	require.NotContains(t, d.told(id, "reminder_80"), "js-officer SMS")
	require.NotContains(t, d.told(id, "overdue_100"), "js-officer SMS")
	require.NotContains(t, d.told(id, "overdue_150"), "js-leader SMS")
	require.Subset(t, d.told(id, "overdue_200"), []string{"js-officer SMS", "js-leader SMS", "supervisor SMS"})
	for _, event := range []string{"reminder_50", "reminder_80", "overdue_100", "overdue_150"} {
		require.Contains(t, d.told(id, event), "js-officer APP", event)
	}
}

// bell is a provider that remembers, and does what it is told first.
type bell struct {
	mu   sync.Mutex
	sent []notify.Outgoing
	then func() error
}

func (*bell) ID() string { return "bell" }

func (b *bell) Send(_ context.Context, m notify.Outgoing) (notify.Receipt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent = append(b.sent, m)
	if b.then != nil {
		return notify.Receipt{}, b.then()
	}
	return notify.Receipt{Ref: m.ID.String()}, nil
}

// deliver starts River for the room's messages.
func (r *engineRoom) deliver(d *testDistrict, b *bell) {
	d.t.Helper()
	workers := river.NewWorkers()
	river.AddWorker(workers, notify.NewDeliverWorker(d.db.Engine, d.keys, notify.NewProviders(d.keys, nil, notify.Channels{notify.SMS: b, notify.Voice: b}, time.Now), nil, nil))
	client, err := river.NewClient(riverpgxv5.New(d.db.App.Pool), &river.Config{Workers: workers, Queues: map[string]river.QueueConfig{notify.Queue: {MaxWorkers: 2}},
		PollOnly: true, FetchCooldown: time.Millisecond, FetchPollInterval: 5 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(d.t, err)
	require.NoError(d.t, client.Start(context.Background()))
	d.t.Cleanup(func() { _ = client.Stop(context.Background()) })
}

// Settle leaves nothing that is due: at every stop of the clock all is rung, told and delivered.
func TestSettle(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	b := &bell{}
	room.deliver(d, b)
	id := d.submit("lin", matterBuilding, inJunmen).CaseID
	d.do("dj-officer", id, ActSign, nil)
	d.do("dj-leader", id, ActCall, map[string]any{"level": "L2", "reason": "NO_POWER", "targets": []map[string]any{{"unit": "D-CG", "lead": true}}})
	require.NoError(t, room.Settle(t.Context()))
	require.Len(t, b.sent, 2, "the receipt, and the street's new case; a call waits two minutes")
	start := d.now()
	for _, want := range []struct {
		after time.Duration
		sent  int
	}{{2 * time.Minute, 4}, {5 * time.Minute, 6}} {
		next, ok, err := room.NextDue(t.Context())
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, want.after, next.Sub(start))
		d.setClock(next)
		require.NoError(t, room.Settle(t.Context()))
		require.Len(t, b.sent, want.sent)
	}
	require.Zero(t, d.count("select count(*) from outbox"))
	require.Zero(t, d.count("select count(*) from message where state = 'PENDING' and due_at <= yx_now()"))
}

// A delivery that keeps failing does not hold Settle for ever: its caller decides.
func TestSettleGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	ctx, cancel := context.WithCancel(t.Context())
	room.deliver(d, &bell{then: func() error { cancel(); return errors.New("gateway is down") }})
	d.submit("lin", matterLight, inJunmen)
	require.ErrorIs(t, room.Settle(ctx), context.Canceled)
	require.Zero(t, d.count("select count(*) from sla_clock where next_at <= yx_now()"))
}

// signal is a log that says so when something is written.
type signal chan string

func (s signal) Write(p []byte) (int, error) {
	select {
	case s <- string(p):
	default:
	}
	return len(p), nil
}

// Run never ends by itself: a database that refuses is waited for, and then all is done.
func TestRunOutlivesTheDatabase(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	_, err := d.db.Owner.Pool.Exec(t.Context(), `create function away() returns trigger language plpgsql as $$ begin raise exception 'no room' using errcode = '53100'; end $$`)
	require.NoError(t, err)
	_, err = d.db.Owner.Pool.Exec(t.Context(), `create trigger away before insert on message execute function away()`)
	require.NoError(t, err)
	room := newEngineRoom(d, d.db.Engine)
	said, told := make(signal, 1), make(chan Notice, 100)
	room.Engine.log = slog.New(slog.NewTextHandler(said, nil))
	room.planner.publish = func(_ context.Context, n Notice) { told <- n }
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); room.Run(ctx) }()
	caseID := d.submit("lin", matterLight, inJunmen).CaseID
	room.Poke()
	line := <-said
	require.Contains(t, line, "no room")
	require.Contains(t, line, "planner")
	_, err = d.db.Owner.Pool.Exec(t.Context(), "drop trigger away on message")
	require.NoError(t, err)
	for _, want := range []Action{ActSubmit, ActFile, ActDispatch} {
		n := <-told
		require.Equal(t, want, n.Kind)
		require.Equal(t, caseID, n.CaseID)
		require.Equal(t, []string{"D-JS"}, n.Units)
		require.Equal(t, "350102004", n.Street)
	}
	stop()
	<-ended
}

// A part that panics is one line in the log; the other parts go on.
func TestAPanicIsAnError(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	room := newEngineRoom(d, d.db.Engine)
	room.planner.db = &pg.DB{} // no pool at all
	d.submit("lin", matterLight, inJunmen)
	d.advance(time.Hour * 24)
	err := room.once(t.Context())
	require.ErrorContains(t, err, "planner: panic")
	require.Positive(t, d.count("select count(*) from case_event where action = 'clock_due'"), "clocks rang all the same")
	require.NotContains(t, err.Error(), "clocks")
}

// The statement that rings reads one index, however many clocks there are.
func TestRingingReadsTheIndex(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	rows, err := d.db.Engine.Pool.Query(t.Context(), "explain select min(next_at) from sla_clock where next_at is not null")
	require.NoError(t, err)
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Contains(t, strings.Join(plan, "\n"), "sla_clock_next")
}

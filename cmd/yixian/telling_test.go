package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"yixian/internal/auth"
	"yixian/internal/channel"
	"yixian/internal/pg"
	"yixian/internal/seal"
	"yixian/notify"
)

// gateway is a faithful SMS gateway that misbehaves on demand: it checks signatures, knows messages by their key, and for a
// share of the requests is busy, answers HTML, or takes the message and then breaks the connection.
type gateway struct {
	*httptest.Server
	mu     sync.Mutex
	draw   *rand.Rand
	share  float64
	down   bool
	taken  map[string]int  // by key: how often it was taken
	torn   map[string]bool // taken at least once without an answer that the sender can have read
	forged int
	first  time.Time // the first message taken since set
	failed time.Time // the first failure since set
}

const gatewaySecret = "a secret of the test's own"

func newGateway(t *testing.T, share float64, seed uint64) *gateway {
	t.Helper()
	g := &gateway{draw: rand.New(rand.NewPCG(seed, 5)), share: share, taken: map[string]int{}, torn: map[string]bool{}}
	g.Server = httptest.NewServer(http.HandlerFunc(g.serve))
	t.Cleanup(g.Close)
	return g
}

func (g *gateway) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	key, stamp := r.Header.Get(channel.HeaderIdempotency), r.Header.Get(channel.HeaderTimestamp)
	var m struct{ ID string }
	g.mu.Lock()
	defer g.mu.Unlock()
	if json.Unmarshal(body, &m) != nil || m.ID != key || r.Header.Get(channel.HeaderSignature) != channel.Sign([]byte(gatewaySecret), stamp, key, body) {
		g.forged++
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	sort := g.draw.Float64()
	bad := g.down || sort < g.share
	if bad && g.failed.IsZero() {
		g.failed = time.Now()
	}
	switch {
	case g.down, bad && sort < g.share/3:
		w.WriteHeader(http.StatusServiceUnavailable)
	case bad && sort < 2*g.share/3:
		_, _ = io.WriteString(w, "<html>please sign in</html>")
		g.torn[key] = true // it may have gone out for all the sender knows
		g.take(key)
	case bad:
		g.torn[key] = true
		g.take(key)
		panic(http.ErrAbortHandler) // taken, and the line breaks
	default:
		g.take(key)
		_, _ = fmt.Fprintf(w, `{"id":"ref-%s"}`, key)
	}
}

func (g *gateway) take(key string) {
	if g.taken[key]++; g.first.IsZero() {
		g.first = time.Now()
	}
}

func (g *gateway) set(share float64, down bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.share, g.down, g.first, g.failed = share, down, time.Time{}, time.Time{}
}

// teller plans messages as the planner does: in the program's own way, from outside the program.
type teller struct {
	t    *testing.T
	b    *belfry
	db   *pg.DB
	post *notify.Post
}

// newTeller sets two gateways up as the district's providers, the first before the second.
func newTeller(t *testing.T, b *belfry, gateways ...*gateway) *teller {
	t.Helper()
	keys, err := seal.Open(b.keyFile)
	require.NoError(t, err)
	db, err := pg.Open(t.Context(), pg.Config{URL: b.pg.URL(pg.RoleEngine)})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	rc, err := river.NewClient(riverpgxv5.New(db.Pool), &river.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	providers := notify.NewProviders(keys, channel.Kinds(channel.Guard{Inside: []string{"127.0.0.1"}}), notify.Channels{}, time.Now)
	post := notify.New(notify.Config{DB: db, River: rc, Keys: keys, Providers: providers})
	var admin uuid.UUID
	require.NoError(t, b.connect().QueryRow(t.Context(), "select account_id from role_binding where district = '350102' and role = 'TENANT_ADMIN' limit 1").Scan(&admin))
	for i, g := range gateways {
		_, err := post.Save(t.Context(), db, auth.Actor{District: "350102", Account: admin, Kind: auth.Staff, Bindings: []auth.Binding{{Role: auth.RoleTenantAdmin}}},
			notify.Setup{Sort: notify.SortProvider, Name: fmt.Sprintf("gateway %d", i+1), Kind: "sms_http", Position: i + 1, Active: true, Settings: notify.Settings{"url": g.URL, "secret": gatewaySecret}})
		require.NoError(t, err)
	}
	return &teller{t: t, b: b, db: db, post: post}
}

// tell plans a message for each event and gives their ids.
func (x *teller) tell(events []uuid.UUID) {
	x.t.Helper()
	const batch = 200
	for len(events) > 0 {
		n := min(batch, len(events))
		var drafts []notify.Draft
		for _, id := range events[:n] {
			drafts = append(drafts, notify.Draft{District: "350102", EventID: id, Event: "called", Template: "called.target.SMS", Recipient: id.String(), Channel: notify.SMS, To: "13900000001", Urgent: true,
				Data: map[string]string{"place": "东街街道", "matter": "道路破损", "unit": "东街街道", "level": "L1", "case_no": "350102-20260608-000001", "ack_due": "2026-06-08T01:00:00Z", "due": "2026-06-08T01:30:00Z"}})
		}
		eventually(x.t, "messages are planned", func() bool { // PostgreSQL may be coming back
			return pgx.BeginFunc(pg.WithDistrict(x.t.Context(), "350102"), x.db.Pool, func(tx pgx.Tx) error { return x.post.Enqueue(x.t.Context(), tx, drafts) }) == nil
		})
		events = events[n:]
	}
}

func someEvents(n int) []uuid.UUID {
	out := make([]uuid.UUID, n)
	for i := range out {
		out[i] = uuid.New()
	}
	return out
}

// telling is what came of it.
type telling struct{ Asked, Sent, Missing, Twice, Unexplained int }

func (v telling) String() string {
	return fmt.Sprintf("asked=%d sent=%d missing=%d twice=%d unexplained=%d", v.Asked, v.Sent, v.Missing, v.Twice, v.Unexplained)
}

// heard waits until nothing is on its way and compares what the gateways took with what was asked. killed says that senders
// were killed meanwhile: one that dies between a gateway's answer and its own record sends again under the same key.
func (x *teller) heard(events []uuid.UUID, killed bool, gateways ...*gateway) telling {
	x.t.Helper()
	c := x.b.connect()
	eventually(x.t, "every message ends", func() bool {
		var left int
		require.NoError(x.t, c.QueryRow(x.t.Context(), "select count(*) from message where channel = 'SMS' and state = 'PENDING'").Scan(&left))
		return left == 0
	})
	rows, err := c.Query(x.t.Context(), "select id::text, event_id, state from message where channel = 'SMS'")
	require.NoError(x.t, err)
	v := telling{Asked: len(events)}
	sent := map[uuid.UUID]int{}
	var key, state string
	var event uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&key, &event, &state}, func() error {
		taken, torn := 0, false
		for _, g := range gateways {
			taken, torn = taken+g.taken[key], torn || g.torn[key]
		}
		if state == "SENT" && taken > 0 {
			v.Sent++
			sent[event]++
		}
		if taken > 1 && !torn && !killed {
			v.Unexplained++
		}
		return nil
	})
	require.NoError(x.t, err)
	for _, id := range events {
		switch {
		case sent[id] == 0:
			v.Missing++
		case sent[id] > 1:
			v.Twice++
		}
	}
	for _, g := range gateways {
		require.Zero(x.t, g.forged, "every request was signed")
	}
	return v
}

// tellingFaults are two engines of the real program and two gateways of which each fails for 30 % of the requests.
type tellingFaults struct {
	*teller
	one, two *gateway
	draw     *rand.Rand
	events   []uuid.UUID
}

func newTellingFaults(t *testing.T, seed uint64) *tellingFaults {
	t.Helper()
	b := newBelfry(t, 2, "OUTBOUND_HOSTS=127.0.0.1")
	f := &tellingFaults{one: newGateway(t, 0.3, seed), two: newGateway(t, 0.3, seed+1), draw: rand.New(rand.NewPCG(seed, 6))}
	f.teller = newTeller(t, b, f.one, f.two)
	return f
}

// run plans n messages while senders are killed one after another; then the first gateway goes down for good, and the time
// until the second has taken over is the answer's second part.
func (f *tellingFaults) run(n, kills int) (telling, time.Duration) {
	f.t.Helper()
	f.events = someEvents(n)
	share := n / (kills + 1)
	for i := range kills {
		f.tell(f.events[i*share : (i+1)*share])
		f.b.strike(f.draw, "kill engine")
	}
	f.tell(f.events[kills*share:])
	v := f.heard(f.events, kills > 0, f.one, f.two)
	f.one.set(0, true)
	f.two.set(0, false)
	f.tell(someEvents(20))
	f.heard(f.events, kills > 0, f.one, f.two)
	return v, max(0, f.two.first.Sub(f.one.failed))
}

// A twentieth of make fault-notify, without the kills: what a killed sender held is only taken up again a minute later.
// Then the negative control: with the unique key defeated the same events, planned again, are told again, and the harness
// sees it.
func TestTellingUnderFaults(t *testing.T) {
	t.Parallel()
	f := newTellingFaults(t, 21)
	v, over := f.run(500, 0)
	t.Logf("RESULT name=fault-notify %v fail-over=%v", v, over.Round(time.Millisecond))
	require.Equal(t, telling{Asked: 500, Sent: 500}, v)

	again := f.events[:20]
	f.tell(again)
	require.Zero(t, f.heard(f.events, false, f.one, f.two).Twice, "with the key a second plan changes nothing")
	_, err := f.b.connect().Exec(t.Context(), `create function yx_control() returns trigger language plpgsql as $$ begin new.recipient = left(new.recipient || new.id, 60); return new; end $$;
		create trigger control before insert on message for each row execute function yx_control()`)
	require.NoError(t, err)
	f.tell(again)
	require.Equal(t, 20, f.heard(f.events, false, f.one, f.two).Twice)
}

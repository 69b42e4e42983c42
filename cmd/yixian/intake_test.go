package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"yixian/internal/local"
	"yixian/internal/pg"
)

// intake is the real program taking reports on a PostgreSQL of its own, with residents who are signed in and clients who send each
// report again under its key until it is acknowledged. The program and PostgreSQL may be killed at any instant.
type intake struct {
	t      *testing.T
	pg     *local.Postgres
	env    []string
	data   string
	app    *server
	base   atomic.Pointer[string]
	client *http.Client

	people int
	next   atomic.Int64
	mu     sync.Mutex
	acked  map[string]string // key → case that the client was told
	resent int               // sendings that were not acknowledged
	faults map[string]int
}

// newIntake starts PostgreSQL (fast: it acknowledges before anything is on the disk, the negative control) and the program.
// people residents are signed in; each sends few enough reports a day.
func newIntake(t *testing.T, people int, fast bool, env ...string) *intake {
	t.Helper()
	dir := folder(t)
	k := &intake{t: t, people: people, data: folder(t), acked: map[string]string{}, faults: map[string]int{}, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 20 * time.Second}}
	var err error
	k.pg, err = local.StartPostgres(t.Context(), local.PostgresOptions{Dir: filepath.Join(dir, "pg"), RunDir: dir, Fast: fast})
	require.NoError(t, err)
	t.Cleanup(func() { _ = k.pg.Stop(context.Background()) })
	k.env = append([]string{"DATABASE_URL=" + k.pg.URL(pg.RoleApp), "DATABASE_OWNER_URL=" + k.pg.URL(pg.RoleOwner), "DATABASE_ENGINE_URL=" + k.pg.URL(pg.RoleEngine),
		"KEY_FILE=" + filepath.Join(dir, "keys.json"), "SMS_FILE=" + filepath.Join(dir, "sms.jsonl"), "TRUSTED_PROXIES=127.0.0.1"}, env...)
	runWith(t, k.env, "migrate", "up").is(t, 0)
	runWith(t, k.env, "demo").is(t, 0)
	k.exec(`insert into account (district, id, kind) select '350102', ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'RESIDENT' from generate_series(1, $1::int) n`, people)
	k.exec(`insert into session (district, hash, account_id, kind, device, expires_at, idle_seconds) select '350102', sha256(convert_to(lpad(n::text, 43, '0'), 'UTF8')), a, 'RESIDENT', a, now() + interval '1 day', 86400
		from generate_series(1, $1::int) n cross join lateral (select ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as a) x`, people)
	if fast { // what was made so far is to survive
		k.exec("checkpoint")
	}
	k.start()
	return k
}

// start runs the program; events stay in the outbox, because no engine takes them.
func (k *intake) start() {
	k.t.Helper()
	k.app = serve(k.t, k.env, k.data, "--role=api")
	k.base.Store(&k.app.base)
}

func (k *intake) exec(sql string, args ...any) {
	k.t.Helper()
	c, err := pgx.Connect(k.t.Context(), k.pg.URLFor(local.Superuser, local.Database))
	require.NoError(k.t, err)
	defer func() { _ = c.Close(k.t.Context()) }()
	_, err = c.Exec(k.t.Context(), sql, args...)
	require.NoError(k.t, err)
}

func (k *intake) count(sql string) (n int) {
	k.t.Helper()
	c, err := pgx.Connect(k.t.Context(), k.pg.URLFor(local.Superuser, local.Database))
	require.NoError(k.t, err)
	defer func() { _ = c.Close(k.t.Context()) }()
	require.NoError(k.t, c.QueryRow(k.t.Context(), sql).Scan(&n))
	return n
}

// sending is one report with its key.
type sending struct {
	person int
	key    string
	body   []byte
}

// draft makes a report somewhere in the district.
func (k *intake) draft(draw *rand.Rand) sending {
	body, err := json.Marshal(obj{"text": "路面井盖松动，车辆经过时响声很大", "matter": "06010", "point": obj{"lon": 119.285 + draw.Float64()*0.03, "lat": 26.07 + draw.Float64()*0.03, "datum": "WGS84"}})
	if err != nil {
		panic(err)
	}
	return sending{int(k.next.Add(1))%k.people + 1, uuid.NewString(), body}
}

// post sends once: status 0 when nothing came back.
func (k *intake) post(ctx context.Context, s sending) (status int, header http.Header, answer []byte) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, *k.base.Load()+"/api/v1/reports", bytes.NewReader(s.body))
	if err != nil {
		return 0, nil, nil
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", fmt.Sprintf("Bearer 350102.%043d", s.person))
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("10.0.%d.%d", s.person/250, s.person%250)) // residents are not one address
	req.Header.Set("Idempotency-Key", s.key)
	resp, err := k.client.Do(req)
	if err != nil {
		return 0, nil, nil
	}
	defer func() { _ = resp.Body.Close() }()
	if answer, err = io.ReadAll(resp.Body); err != nil {
		return 0, nil, nil // it was cut: not acknowledged
	}
	return resp.StatusCode, resp.Header, answer
}

// submit sends a report until it is acknowledged; false when the place lies outside or nobody waits any more.
func (k *intake) submit(ctx context.Context, s sending) bool {
	for {
		status, _, answer := k.post(ctx, s)
		switch {
		case status == http.StatusCreated:
			var r struct {
				CaseID string `json:"case_id"`
			}
			if json.Unmarshal(answer, &r) != nil || r.CaseID == "" {
				k.t.Errorf("an acknowledgement without a case: %s", answer)
				return false
			}
			k.mu.Lock()
			defer k.mu.Unlock()
			k.acked[s.key] = r.CaseID
			return true
		case status == http.StatusUnprocessableEntity && bytes.Contains(answer, []byte("OUT_OF_AREA")):
			return false
		case status != 0 && status < 500:
			k.t.Errorf("refused with %d: %s", status, answer)
			return false
		}
		k.mu.Lock()
		k.resent++
		k.mu.Unlock()
		select {
		case <-ctx.Done():
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// load lets clients send until stop is closed; who is still waiting for an acknowledgement waits on.
func (k *intake) load(clients int, stop <-chan struct{}) *sync.WaitGroup {
	var all sync.WaitGroup
	ctx, cancel := context.WithTimeout(k.t.Context(), 25*time.Minute)
	k.t.Cleanup(cancel)
	for i := range clients {
		all.Go(func() {
			draw := rand.New(rand.NewPCG(uint64(i), uint64(k.next.Load())))
			for ctx.Err() == nil {
				select {
				case <-stop:
					return
				default:
					k.submit(ctx, k.draft(draw))
				}
			}
		})
	}
	return &all
}

func (k *intake) done() int { k.mu.Lock(); defer k.mu.Unlock(); return len(k.acked) }

// strike does the faults one after another, each after a random while of work.
func (k *intake) strike(kinds []string, draw *rand.Rand, least, most time.Duration) {
	k.t.Helper()
	for _, kind := range kinds {
		before := k.done()
		eventually(k.t, "reports are acknowledged", func() bool { return k.done() > before })
		<-time.After(least + time.Duration(draw.Int64N(int64(most-least)))) // a span of work, not a wait for something
		switch kind {
		case "program":
			k.app.kill()
			k.start()
		case "postgres":
			killPostgres(k.t, k.pg)
		}
		k.faults[kind]++
	}
}

// tally is what the database holds against what clients were told.
type tally struct {
	Acked, Lost, Double, Reports, Cases, Events, Outbox, Submits, Foreign int
}

func (v tally) String() string {
	return fmt.Sprintf("acked=%d lost=%d double=%d reports=%d cases=%d events=%d outbox=%d", v.Acked, v.Lost, v.Double, v.Reports, v.Cases, v.Events, v.Outbox)
}

// clean says that everything acknowledged is there once, and nothing else.
func (v tally) clean() bool {
	return v.Lost == 0 && v.Double == 0 && v.Foreign == 0 && v.Reports == v.Acked && v.Cases == v.Reports && v.Submits == v.Cases && v.Events == v.Outbox
}

func (k *intake) tally() tally {
	k.t.Helper()
	c, err := pgx.Connect(k.t.Context(), k.pg.URLFor(local.Superuser, local.Database))
	require.NoError(k.t, err)
	defer func() { _ = c.Close(k.t.Context()) }()
	rows, err := c.Query(k.t.Context(), "select split_part(submission_key, ':', 2), case_id::text from report")
	require.NoError(k.t, err)
	stored := map[string][]string{}
	var key, id string
	_, err = pgx.ForEachRow(rows, []any{&key, &id}, func() error { stored[key] = append(stored[key], id); return nil })
	require.NoError(k.t, err)
	v := tally{Acked: len(k.acked)}
	for key, told := range k.acked {
		switch there := stored[key]; {
		case len(there) == 0:
			v.Lost++
		case len(there) > 1:
			v.Double++
		case there[0] != told:
			v.Lost++ // the case that the client knows is not there
		}
	}
	for key := range stored {
		if _, ok := k.acked[key]; !ok {
			v.Foreign++
		}
	}
	v.Reports, v.Cases, v.Events, v.Outbox = k.count("select count(*) from report"), k.count("select count(*) from cases"), k.count("select count(*) from case_event"), k.count("select count(*) from outbox")
	v.Submits = k.count("select count(*) from (select case_id from case_event where action = 'submit' and seq = 1 group by case_id having count(*) = 1) x")
	return v
}

// suffer loads the program, lets faults happen, waits until enough was acknowledged, and gives the tally.
func (k *intake) suffer(clients, enough int, kinds []string, draw *rand.Rand, least, most time.Duration) tally {
	k.t.Helper()
	stop := make(chan struct{})
	clientele := k.load(clients, stop)
	k.strike(kinds, draw, least, most)
	for limit := time.After(25 * time.Minute); k.done() < enough; {
		select {
		case <-k.app.end:
			k.t.Fatalf("the program ended by itself after %d reports: %v\n%s", k.done(), k.app.cmd.ProcessState, k.app.errs)
		case <-limit:
			k.t.Fatalf("only %d of %d reports were acknowledged", k.done(), enough)
		case <-time.After(100 * time.Millisecond):
		}
	}
	close(stop)
	clientele.Wait()
	v := k.tally()
	k.t.Logf("RESULT name=fault-intake faults=%v resent=%d %v", k.faults, k.resent, v)
	return v
}

// alternate gives n faults of each kind, drawn.
func alternate(n int, draw *rand.Rand) (out []string) {
	for range n {
		out = append(out, "program", "postgres")
	}
	draw.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// A small part of make fault-intake: what was acknowledged is there once, whoever was killed; and while Redis dies, forgets, is slow by
// five seconds or refuses, no report fails. What that costs is gated in the long run, which has the machine to itself.
func TestIntakeUnderKills(t *testing.T) {
	t.Parallel()
	draw := rand.New(rand.NewPCG(17, 5))
	r, gate, url := newRedis(t)
	k := newIntake(t, 1500, false, "REDIS_URL="+url)
	v := k.suffer(6, 250, alternate(2, draw), draw, 200*time.Millisecond, 500*time.Millisecond)
	require.True(t, v.clean(), "%v", v)
	runWith(t, k.env, "verify").is(t, 0)
	k.withoutRedis(r, gate, 25, 0)
}

// The negative control: a PostgreSQL that acknowledges before it has written loses what clients were told is safe, and the same
// tally sees it.
func TestIntakeHarnessSeesLoss(t *testing.T) {
	t.Parallel()
	draw := rand.New(rand.NewPCG(18, 5))
	k := newIntake(t, 1500, true)
	v := k.suffer(6, 60, []string{"postgres", "postgres", "postgres"}, draw, 200*time.Millisecond, 500*time.Millisecond)
	require.False(t, v.clean(), "%v", v)
	require.Positive(t, v.Lost, "%v", v)
}

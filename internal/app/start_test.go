package app

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"yixian/dispatch"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/pg"
	"yixian/internal/pg/pgtest"
)

// gate is a TCP address in front of a database that can be shut: whoever calls is refused, and calls in progress end.
type gate struct {
	t      *testing.T
	addr   string
	socket string

	mu    sync.Mutex
	open  net.Listener
	calls []net.Conn
}

func newGate(t *testing.T, db *pgtest.Database) *gate {
	t.Helper()
	u, err := url.Parse(db.URL(pg.RoleApp))
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := &gate{t: t, addr: l.Addr().String(), socket: filepath.Join(u.Query().Get("host"), ".s.PGSQL.5432")}
	require.NoError(t, l.Close())
	t.Cleanup(g.shut)
	return g
}

// url is the way of a role through the gate.
func (g *gate) url(db *pgtest.Database, role string) string {
	return "postgres://" + role + "@" + g.addr + "/" + db.Name + "?sslmode=disable"
}

func (g *gate) opens() {
	g.t.Helper()
	l, err := net.Listen("tcp", g.addr)
	require.NoError(g.t, err)
	g.mu.Lock()
	g.open = l
	g.mu.Unlock()
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := (&net.Dialer{}).DialContext(g.t.Context(), "unix", g.socket)
			if err != nil {
				_ = in.Close()
				continue
			}
			g.mu.Lock()
			g.calls = append(g.calls, in, out)
			g.mu.Unlock()
			go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
			go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
		}
	}()
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open != nil {
		_ = g.open.Close()
		g.open = nil
	}
	for _, c := range g.calls {
		_ = c.Close()
	}
	g.calls = nil
}

// Quality row 13: without its database the program waits, is alive but not ready, serves the pages and tells the API's
// callers when to come again; it becomes ready by itself, and so it does after the database was away in between.
func TestStartWithoutDatabase(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	g := newGate(t, db)
	// The address is taken now, so that it is known before the program says it.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	base := "http://" + l.Addr().String()
	require.NoError(t, l.Close())
	cfg, err := ReadConfig()
	require.NoError(t, err)
	cfg.Listen, cfg.AdminListen, cfg.Data, cfg.Demo = strings.TrimPrefix(base, "http://"), "", t.TempDir(), true
	cfg.DatabaseURL, cfg.DatabaseOwnerURL, cfg.DatabaseEngineURL = g.url(db, pg.RoleApp), g.url(db, pg.RoleOwner), g.url(db, pg.RoleEngine)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, cfg, slog.New(slog.DiscardHandler), nil) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	get := func(path string) (int, http.Header, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, nil, ""
		}
		defer func() { _ = resp.Body.Close() }()
		raw, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, resp.Header, string(raw)
	}
	until := func(path string, want int) (http.Header, string) {
		t.Helper()
		limit := time.After(time.Minute)
		for {
			status, header, body := get(path)
			if status == want {
				return header, body
			}
			select {
			case err := <-ended:
				ended <- err
				t.Fatalf("the program ended: %v", err)
			case <-limit:
				t.Fatalf("%s answers %d and never %d", path, status, want)
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	away := func() {
		t.Helper()
		until("/healthz", 200)
		until("/readyz", 503)
		header, body := until("/api/v1/reports/nearby?lon=119.308&lat=26.0875&datum=WGS84", 503)
		require.NotEmpty(t, header.Get("Retry-After"))
		require.Equal(t, "application/problem+json", strings.TrimSuffix(header.Get("Content-Type"), "; charset=utf-8"))
		var problem struct{ Code, Detail string }
		require.NoError(t, json.Unmarshal([]byte(body), &problem))
		require.Equal(t, "UNAVAILABLE", problem.Code)
		require.NotEmpty(t, problem.Detail)
	}
	until("/healthz", 200)
	before, _, page := get("/")
	away()
	g.opens()
	until("/readyz", 200)
	until("/api/v1/reports/nearby?lon=119.308&lat=26.0875&datum=WGS84", 401) // the program itself answers
	after, _, samePage := get("/")
	require.Equal(t, after, before, "the pages are there before the database is")
	require.Equal(t, samePage, page)

	guest := guestOf(t, base)
	g.shut()
	until("/readyz", 503)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/v1/me", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+guest)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 503, resp.StatusCode)
	require.NotEmpty(t, resp.Header.Get("Retry-After"))
	g.opens()
	until("/readyz", 200)
	resp, err = http.DefaultClient.Do(req.Clone(t.Context()))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 200, resp.StatusCode, "the session is still good")
}

func guestOf(t *testing.T, base string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/api/v1/auth/guest", nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	var out struct{ Token string }
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&out))
	require.NotEmpty(t, out.Token)
	return out.Token
}

// statements counts what goes to the database.
type statements struct {
	mu   sync.Mutex
	list []string
}

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, strings.Join(strings.Fields(d.SQL), " "))
	return ctx
}

func (*statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (s *statements) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.list
	s.list = nil
	return out
}

// A submission reads once (look-alikes) and writes once, outside any transaction of its own; a page of a list is one
// query, whatever is on it.
func TestStatementsOfTheHotPaths(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	cfg, err := ReadConfig()
	require.NoError(t, err)
	cfg.Data = t.TempDir()
	cfg.DatabaseURL, cfg.DatabaseOwnerURL, cfg.DatabaseEngineURL = db.URL(pg.RoleApp), db.URL(pg.RoleOwner), db.URL(pg.RoleEngine)
	require.NoError(t, cfg.finish())
	ctx := t.Context()
	a, err := Open(ctx, cfg, slog.New(slog.DiscardHandler), false)
	require.NoError(t, err)
	t.Cleanup(func() { a.Close(context.Background()) })
	require.NoError(t, a.people())
	f, err := fixtureSeed("F")
	require.NoError(t, err)
	require.NoError(t, a.load(ctx, f, func(string) string { return "" }))

	pc, err := pgxpool.ParseConfig(db.URL(pg.RoleApp))
	require.NoError(t, err)
	seen := &statements{}
	pc.ConnConfig.Tracer, pc.ConnConfig.RuntimeParams["app.district"], pc.MaxConns = seen, grid.DemoDistrict, 1
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	desk := dispatch.NewDesk(&pg.DB{Pool: pool}, a.keys, a.worlds, nil)

	now, err := a.now(ctx)
	require.NoError(t, err)
	worker := auth.Actor{District: grid.DemoDistrict, Kind: auth.Staff, Account: uuid.Must(uuid.NewV7()), Now: now, Bindings: []auth.Binding{{Role: auth.RoleGridWorker, Unit: "350102004001"}}}
	for n := range 5 {
		in := &dispatch.Submission{Text: "路面井盖松动，请尽快处理", Matter: "06010", Point: dispatch.PointIn{Lon: 119.3080, Lat: 26.0875, Datum: "WGS84"}}
		receipt, replayed, err := desk.Submit(ctx, worker, in)
		require.NoError(t, err)
		require.False(t, replayed)
		require.Equal(t, dispatch.Dispatched, receipt.CaseState)
		require.Len(t, receipt.Duplicates, n)
		list := seen.take()
		if n == 0 { // once in fifty: the next block of case numbers
			require.Len(t, list, 3)
			require.Contains(t, list[1], "case_no_block")
			list = append(list[:1], list[2])
		}
		require.Len(t, list, 2, "%v", list)
		require.True(t, strings.HasPrefix(list[0], "select "), list[0])
		require.True(t, strings.HasPrefix(list[1], "with p as "), list[1])
		for _, table := range []string{"report", "cases", "case_event", "sla_clock", "assignment", "outbox"} {
			require.Contains(t, list[1], "insert into "+table+" ")
		}
	}
	dispatcher := auth.Actor{District: grid.DemoDistrict, Kind: auth.Staff, Account: uuid.Must(uuid.NewV7()), Now: now, Bindings: []auth.Binding{{Role: auth.RoleDispatcher}}}
	for _, filter := range []dispatch.Filter{{}, {Limit: 2}, {Words: "井盖", Sort: "newest"}, {States: []string{"DISPATCHED"}, Light: "green"}} {
		page, err := desk.List(ctx, dispatcher, filter)
		require.NoError(t, err)
		require.NotEmpty(t, page.Rows)
		require.Len(t, seen.take(), 1)
	}
}

func TestRatioOfSlices(t *testing.T) {
	t.Parallel()
	require.Equal(t, [][2]bool{{true, false}, {false, true}, {true, false}}, abba(3))
	require.InDelta(t, 2.0, median([]float64{9, 1, 2}), 1e-9)
	require.InDelta(t, 2.5, median([]float64{3, 1, 9, 2}), 1e-9)
	low, high := bootstrap([]float64{2, 2, 2, 2})
	require.InDelta(t, 2, low, 1e-9)
	require.InDelta(t, 2, high, 1e-9)
	list := []float64{1, 1.2, 1.1, 0.9, 1.3, 1.05, 40, 1.15, 0.95, 1.25, 1, 1.1, 1.2, 1.02, 0.98}
	low, high = bootstrap(list)
	require.Less(t, low, median(list))
	require.Greater(t, high, low)
	require.Less(t, high, 2.0, "one wild slice does not move the median")
}

// The meter sees the time that this very process burns, and nothing of one that sleeps.
func TestCPUOfAProcess(t *testing.T) {
	t.Parallel()
	before, err := cpuOf(os.Getpid())
	require.NoError(t, err)
	x := 0.0
	for range 50_000_000 {
		x += 1 / (x + 1)
	}
	require.Positive(t, x)
	after, err := cpuOf(os.Getpid())
	require.NoError(t, err)
	require.Greater(t, after, before)
	_, err = cpuOf(1 << 30)
	require.Error(t, err)
}

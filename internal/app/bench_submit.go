package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"yixian/dispatch"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/local"
	"yixian/internal/pg"
	"yixian/internal/seal"
)

const (
	webName  = "yixian-web" // application_name of the web pool
	bareName = "yixian-bench-bare"
	sameName = "yixian-bench-same"

	submitGoal  = 3.0
	benchSlices = 16 // pairs
	sliceTime   = time.Second
	benchCrowd  = 8 // connections on each side during the slices

	residentCount = 20_000
	perResident   = 10 // domain 4b: reports of a resident a day
)

// benchSubmit measures what a submission costs over the least that any program would have to do: CPU of `yixian serve
// --role=api` and of its PostgreSQL backends for a full HTTP submission (session, limit, contract, idempotency, place,
// look-alikes, rules, clocks, chained events, outbox), over CPU of the backends for the bare three-row statement. A third
// side is the submission's own statement with the same arguments and nothing around it: it tells how much of the ratio is
// the rows that a case consists of, and how much is what the program does besides. The sides take turns on one private
// PostgreSQL with fsync. The engine runs as a process of its own and is shown apart:
// its work (planning, messages) is not part of the answer that the resident waits for. The client's CPU counts nowhere.
func benchSubmit(ctx context.Context, cfg Config, log *slog.Logger, w io.Writer) (err error) {
	a, admin, done, err := benchRoom(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer done()
	if _, err := admin.Exec(ctx, bareSchema); err != nil {
		return err
	}
	s := &submitter{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	if s.tokens, err = a.crowdOfResidents(ctx, admin, residentCount); err != nil {
		return err
	}
	if s.cases, err = a.benchCases(ctx, 2000); err != nil {
		return err
	}
	m := cpuMeter{admin: admin}
	for role, pid := range map[string]*int{"api": &m.server, "engine": &m.engine} {
		p, err := a.child(ctx, role)
		if err != nil {
			return err
		}
		defer p.stop()
		*pid = p.cmd.Process.Pid
		if role == "api" {
			s.url = p.url
		}
	}
	pc, err := pgxpool.ParseConfig(a.postgres.URLFor(local.Superuser, local.Database))
	if err != nil {
		return err
	}
	pc.MaxConns, pc.ConnConfig.RuntimeParams["application_name"] = benchCrowd, bareName
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return err
	}
	defer pool.Close()
	same, err := pg.Open(ctx, pg.Config{URL: a.postgres.URL(pg.RoleApp), AppName: sameName, MaxConns: benchCrowd})
	if err != nil {
		return err
	}
	defer same.Close()
	if s.photo, err = phonePhoto(); err != nil {
		return err
	}
	return measureSubmit(ctx, w, &m, s.post, s.postWithPhoto, bare(pool), a.sameStatement(same, s))
}

// sameStatement writes a submission by its own statement, as the web role and behind the walls between districts. What decides
// it runs in this process, whose CPU counts nowhere.
func (a *App) sameStatement(same *pg.DB, s *submitter) operation {
	desk := dispatch.NewDesk(a.App, a.keys, a.worlds, nil)
	return func(ctx context.Context, random *rand.Rand) error {
		token, err := s.turn()
		if err != nil {
			return err
		}
		actor, err := a.auth.Authenticate(ctx, token)
		if err != nil {
			return err
		}
		at := s.cases[random.IntN(len(s.cases))]
		accuracy := 12.5
		made, err := desk.Compose(ctx, actor, &dispatch.Submission{Text: words, Matter: at.matter, Address: benchAddress,
			Point: dispatch.PointIn{Lon: at.point.Lon, Lat: at.point.Lat, Datum: "WGS84", AccuracyM: &accuracy}})
		if err != nil {
			return err
		}
		var fresh bool
		var id uuid.UUID
		var hash, answer []byte
		if err := same.Pool.QueryRow(pg.WithDistrict(ctx, grid.DemoDistrict), made.SQL, made.Args...).Scan(&fresh, &id, &hash, &answer); err != nil {
			return err
		}
		if !fresh {
			return errors.New("the statement wrote nothing")
		}
		return nil
	}
}

type operation = func(context.Context, *rand.Rand) error

// side is one of the operations that take turns.
type side struct {
	op   operation
	cost func(cpuTimes) time.Duration // what of a reading is its own
	per  []float64                    // µs of an operation, by slice
	sum  cpuTimes
	n    int
}

func (s *side) slice(ctx context.Context, m *cpuMeter) error {
	before, err := m.read(ctx)
	if err != nil {
		return err
	}
	n, err := drive(ctx, benchCrowd, sliceTime, s.op)
	if err != nil {
		return err
	}
	after, err := m.read(ctx)
	if err != nil {
		return err
	}
	used := after.minus(before)
	s.per = append(s.per, float64(s.cost(used).Nanoseconds())/1e3/float64(max(n, 1)))
	s.sum, s.n = s.sum.plus(used), s.n+n
	return nil
}

// over gives this side's cost over another's, slice by slice.
func (s *side) over(o *side) []float64 {
	out := make([]float64, len(s.per))
	for i := range out {
		out[i] = s.per[i] / o.per[i]
	}
	return out
}

func measureSubmit(ctx context.Context, w io.Writer, m *cpuMeter, submit, withPhoto, bare, same operation) error {
	for _, op := range []operation{submit, bare, same} { // connections, plans and caches
		if _, err := drive(ctx, benchCrowd, 2*time.Second, op); err != nil {
			return err
		}
	}
	full := side{op: submit, cost: func(t cpuTimes) time.Duration { return t.App + t.Web }}
	least := side{op: bare, cost: func(t cpuTimes) time.Duration { return t.Bare }}
	own := side{op: same, cost: func(t cpuTimes) time.Duration { return t.Same }}
	for _, pair := range abba(benchSlices) {
		turn := []*side{&least, &own, &full}
		if pair[0] {
			slices.Reverse(turn)
		}
		for _, s := range turn {
			if err := s.slice(ctx, m); err != nil {
				return err
			}
		}
	}
	ratios, around := full.over(&least), full.over(&own)
	each := func(d time.Duration, n int) float64 { return float64(d.Microseconds()) / float64(n) }
	ratio := median(ratios)
	low, high := bootstrap(ratios)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "CPU µs of one\tmedian\tprogram\tPostgreSQL\n")
	fmt.Fprintf(t, "full HTTP submit\t%.0f\t%.0f\t%.0f\n", median(full.per), each(full.sum.App, full.n), each(full.sum.Web, full.n))
	fmt.Fprintf(t, "its statement by itself\t%.0f\t-\t%.0f\n", median(own.per), each(own.sum.Same, own.n))
	fmt.Fprintf(t, "bare three-row statement\t%.0f\t-\t%.0f\n", median(least.per), each(least.sum.Bare, least.n))
	fmt.Fprintf(t, "not counted: engine\t%.0f\t\t\n", each(full.sum.Engine+least.sum.Engine+own.sum.Engine, full.n+own.n))
	fmt.Fprintf(t, "not counted: PostgreSQL's own writers and vacuum\t%.0f\t\t\n", each(full.sum.Background+least.sum.Background+own.sum.Background, full.n+least.n+own.n))
	fmt.Fprintf(t, "ratio\t%.2f\t95 %% interval %.2f–%.2f, %d ABBA pairs of %v at %d connections\n", ratio, low, high, len(ratios), sliceTime, benchCrowd)
	sameLow, sameHigh := bootstrap(around)
	fmt.Fprintf(t, "ratio to its own statement\t%.2f\t95 %% interval %.2f–%.2f: what session, limits, contract, place, look-alikes, rules and JSON add\n", median(around), sameLow, sameHigh)
	photo, err := measurePhoto(ctx, m, withPhoto)
	if err != nil {
		return err
	}
	fmt.Fprintf(t, "with a photo of the phone's size (uploaded, then reported)\t%.0f\t%.1f × the bare statement, no goal\n", photo, photo/median(least.per))
	for _, clients := range []int{1, 8, 32} {
		const d = 3 * time.Second
		begin := time.Now()
		n, err := drive(ctx, clients, d, submit)
		if err != nil {
			return err
		}
		fmt.Fprintf(t, "creations per second, %d clients\t%.0f\n", clients, float64(n)/time.Since(begin).Seconds())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "RESULT name=submit ratio=%.2f goal=%.1f ok=%t\n", ratio, submitGoal, ratio <= submitGoal)
	if ratio > submitGoal {
		return ErrRefused
	}
	return nil
}

// measurePhoto gives the CPU µs of a submission with one photo.
func measurePhoto(ctx context.Context, m *cpuMeter, op operation) (float64, error) {
	if _, err := drive(ctx, benchCrowd, time.Second, op); err != nil {
		return 0, err
	}
	before, err := m.read(ctx)
	if err != nil {
		return 0, err
	}
	n, err := drive(ctx, benchCrowd, 4*time.Second, op)
	if err != nil {
		return 0, err
	}
	after, err := m.read(ctx)
	if err != nil {
		return 0, err
	}
	used := after.minus(before)
	return float64((used.App + used.Web).Nanoseconds()) / 1e3 / float64(max(n, 1)), nil
}

// crowdOfResidents writes n signed-in residents with sealed numbers, as sign-in by one-time code would have left them.
func (a *App) crowdOfResidents(ctx context.Context, admin *pgx.Conn, n int) ([]string, error) {
	tokens := make([]string, n)
	accounts, sessions := make([][]any, n), make([][]any, n)
	for i := range n {
		phone := fmt.Sprintf("139%08d", i)
		sealed, err := a.keys.Seal(grid.DemoDistrict, auth.FieldPhone, phone)
		if err != nil {
			return nil, err
		}
		id, secret := uuid.Must(uuid.NewV7()), seal.Token()
		tokens[i] = grid.DemoDistrict + "." + secret
		accounts[i] = []any{grid.DemoDistrict, id, "RESIDENT", sealed, a.keys.Blind(grid.DemoDistrict, auth.FieldPhone, phone)}
		sessions[i] = []any{grid.DemoDistrict, seal.TokenHash(secret), id, "RESIDENT", uuid.Must(uuid.NewV7()), time.Now().Add(24 * time.Hour), int32(86400)}
	}
	_, err := admin.CopyFrom(ctx, pgx.Identifier{"account"}, []string{"district", "id", "kind", "phone_enc", "phone_bidx"}, pgx.CopyFromRows(accounts))
	if err != nil {
		return nil, err
	}
	if _, err := admin.CopyFrom(ctx, pgx.Identifier{"session"}, []string{"district", "hash", "account_id", "kind", "device", "expires_at", "idle_seconds"}, pgx.CopyFromRows(sessions)); err != nil {
		return nil, err
	}
	_, err = admin.Exec(ctx, "vacuum analyze account, session")
	return tokens, err
}

// benchCases draws places all over the district and matters that the rules route without a person: 06010 and what else
// there is, as a real day has them. On one matter alone look-alikes would pile up as they never do.
func (a *App) benchCases(ctx context.Context, n int) ([]benchCase, error) {
	now, err := a.now(ctx)
	if err != nil {
		return nil, err
	}
	world, ix := a.worlds.Get(grid.DemoDistrict), a.worlds.Index()
	matters := routedMatters(world)
	random := rand.New(rand.NewPCG(1, 2))
	out := make([]benchCase, 0, n)
	for tries := 0; len(out) < n; tries++ {
		if tries > 1000*n {
			return nil, errors.New("the demo district has too few places that a rule routes")
		}
		p := grid.Point{Lon: 119.26 + random.Float64()*0.06, Lat: 26.05 + random.Float64()*0.07}
		place, ok := ix.Locate(p)
		if !ok {
			continue
		}
		matter := matters[random.IntN(len(matters))]
		if dec := world.RouteAt(place, p, matter, "RESIDENT", words, nil, now); dec.Lead != "" && !dec.Queue {
			out = append(out, benchCase{matter, p})
		}
	}
	return out, nil
}

func routedMatters(w *dispatch.World) []string {
	out := []string{"06010"}
	for major := 1; major < 100; major++ {
		for minor := range 1000 {
			code := fmt.Sprintf("%02d%03d", major, minor)
			if item, ok := w.Catalog.Matter(code); ok && !item.VerifyBeforeFile && code != "06010" {
				out = append(out, code)
			}
		}
	}
	return out
}

// childProcess is a program of the same kind that runs one role.
type childProcess struct {
	cmd   *exec.Cmd
	url   string
	ended chan struct{}
}

// child starts `yixian serve --role=…` on the database of a and waits until it answers.
func (a *App) child(ctx context.Context, role string) (*childProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	admin := "127.0.0.1:0"
	if role == "api" {
		admin = a.cfg.AdminListen // set ADMIN_LISTEN to profile the measured process
	}
	c := &childProcess{cmd: exec.Command(self, "serve", "--role="+role, "--listen=127.0.0.1:0", "--data="+a.cfg.Data), ended: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), "YIXIAN_DATABASE_URL="+a.postgres.URL(pg.RoleApp), "YIXIAN_DATABASE_OWNER_URL="+a.postgres.URL(pg.RoleOwner),
		"YIXIAN_DATABASE_ENGINE_URL="+a.postgres.URL(pg.RoleEngine), "YIXIAN_KEY_FILE="+a.cfg.KeyFile, "YIXIAN_TRUSTED_PROXIES=127.0.0.1", "YIXIAN_SANDBOX=false", "YIXIAN_DEMO=false", "YIXIAN_ADMIN_LISTEN="+admin,
		"YIXIAN_SMS_FILE="+filepath.Join(a.cfg.Data, "sms.jsonl"), "YIXIAN_LOG_LEVEL=warn")
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches us first; stop ends them
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	address := make(chan string, 1)
	go func() {
		defer close(c.ended)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if _, rest, ok := strings.Cut(lines.Text(), "http://"); ok {
				host, _, _ := strings.Cut(rest, "/")
				select {
				case address <- "http://" + host:
				default:
				}
			}
		}
		_ = c.cmd.Wait()
	}()
	select {
	case c.url = <-address:
		return c, nil
	case <-c.ended:
		return nil, fmt.Errorf("serve --role=%s ended at its start", role)
	case <-ctx.Done():
	case <-time.After(time.Minute):
	}
	c.stop()
	return nil, fmt.Errorf("serve --role=%s did not start", role)
}

func (c *childProcess) stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(15 * time.Second):
		_ = c.cmd.Process.Kill()
		<-c.ended
	}
}

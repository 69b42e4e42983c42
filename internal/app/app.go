package app

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/url"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/redis/go-redis/v9"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"yixian/dispatch"
	"yixian/frontend"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/cache"
	"yixian/internal/channel"
	"yixian/internal/local"
	"yixian/internal/media"
	"yixian/internal/pg"
	"yixian/internal/seal"
	"yixian/internal/sticker"
	"yixian/internal/web"
	"yixian/internal/worktime"
	"yixian/notify"
)

// App is the running program.
type App struct {
	cfg      Config
	log      *slog.Logger
	closers  []func(context.Context)
	postgres *local.Postgres
	owner    string // address of the schema's owner
	App      *pg.DB
	Engine   *pg.DB
	keys     *seal.Keyring
	redis    *redis.Client
	limits   *cache.Limits
	fanout   *cache.Fanout
	worlds   *dispatch.Worlds
	auth     *auth.Store
	river    *river.Client[pgx.Tx]
	post     *notify.Post
	engine   *dispatch.Engine
	planner  *dispatch.Planner
	auditor  *dispatch.Auditor
	push     string // public key of Web Push
	desk     *dispatch.Desk
	sysDesk  *dispatch.Desk
	wide     atomic.Bool // limits are wide (sandbox)
	ready    atomic.Bool
	box      sandboxState
	photos   media.Store
	Addr     string
}

// NewLog writes JSON lines without personal data; level from the configuration.
func NewLog(c Config, w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: c.level()}))
}

// Open builds the parts below the web: database, keys, configuration of the districts. migrate brings the schema up to
// date first (a private server always; an external database when the command asks for it).
func Open(ctx context.Context, cfg Config, log *slog.Logger, migrate bool) (a *App, err error) {
	a = &App{cfg: cfg, log: log}
	defer func() {
		if err != nil {
			a.Close(context.WithoutCancel(ctx))
		}
	}()
	if err := os.MkdirAll(cfg.Data, 0o755); err != nil {
		return a, fmt.Errorf("无法创建数据目录 %s：请检查权限，或用 --data 指定其他目录 / cannot create the data directory: %w", cfg.Data, err)
	}
	web, engine := cfg.DatabaseURL, cfg.DatabaseEngineURL
	a.owner = cfg.DatabaseOwnerURL
	if web == "" {
		if a.postgres, err = local.StartPostgres(ctx, local.PostgresOptions{Dir: cfg.postgresDir(), Log: log}); err != nil {
			return a, err
		}
		a.closers = append(a.closers, func(ctx context.Context) { _ = a.postgres.Stop(ctx) })
		web, engine, a.owner = a.postgres.URL(pg.RoleApp), a.postgres.URL(pg.RoleEngine), a.postgres.URL(pg.RoleOwner)
		migrate = true
	}
	if migrate {
		if err := pg.Migrate(ctx, a.owner); err != nil {
			return a, err
		}
	}
	if a.keys, err = seal.Open(cfg.KeyFile); err != nil {
		return a, err
	}
	if a.App, err = pg.Open(ctx, pg.Config{URL: web, Role: pg.RoleApp, AppName: "yixian-web", MaxConns: cfg.DatabaseConns, Log: log}); err != nil {
		return a, err
	}
	a.closers = append(a.closers, func(context.Context) { a.App.Close() })
	if a.Engine, err = pg.Open(ctx, pg.Config{URL: engine, Role: pg.RoleEngine, AppName: "yixian-engine", MaxConns: 8, StatementTimeout: 30 * time.Second, Log: log}); err != nil {
		return a, err
	}
	a.closers = append(a.closers, func(context.Context) { a.Engine.Close() })
	if err := a.App.CheckSchema(ctx); err != nil {
		return a, err
	}
	if err := a.checkKeys(ctx); err != nil {
		return a, err
	}
	a.worlds = dispatch.NewWorlds(a.Engine)
	return a, a.worlds.Load(ctx)
}

// checkKeys refuses to go on with a key file that is not the one the database was sealed with: a lost file must not
// be replaced by a fresh one without a word.
func (a *App) checkKeys(ctx context.Context) error {
	check := a.keys.Check()
	var stored []byte
	err := a.Engine.Pool.QueryRow(ctx, `insert into key_check as k (one, value) values (true, $1) on conflict (one) do update set value = k.value returning value`, check).Scan(&stored)
	if err != nil {
		return pg.Fault(err)
	}
	if subtle.ConstantTimeCompare(stored, check) != 1 {
		return fmt.Errorf("密钥文件 %s 与数据库不匹配：请恢复原来的密钥文件（备份），否则姓名、电话将无法读取 / the key file does not belong to this database: restore the original one", a.cfg.KeyFile)
	}
	return nil
}

// Close stops everything in reverse order.
func (a *App) Close(ctx context.Context) {
	for _, v := range slices.Backward(a.closers) {
		v(ctx)
	}
	a.closers = nil
}

// deliverers is how many messages are on their way to providers at once. River takes at most so many jobs at each of its fetches, and one
// provider that answers nobody may hold all of them: eight made 160 messages a second the most.
const deliverers = 128

// wire builds the moving parts on top of Open: Redis, messages, engine, the door.
func (a *App) wire(ctx context.Context) error {
	if a.cfg.RedisURL != "" {
		client, err := cache.Connect(a.cfg.RedisURL)
		if err != nil {
			return err
		}
		a.redis = client
	} else {
		server, err := local.StartRedis(ctx, local.RedisOptions{Log: a.log})
		if err != nil {
			a.log.Warn("no redis: limits and live updates stay in this process", "cause", err.Error())
		} else {
			a.closers = append(a.closers, func(ctx context.Context) { _ = server.Stop(ctx) })
			o := server.Options()
			address := url.URL{Scheme: "redis", User: url.UserPassword("", o.Password), Host: o.Addr}
			if o.Network == "unix" {
				address = url.URL{Scheme: "unix", Path: o.Addr}
			}
			client, err := cache.Connect(address.String())
			if err != nil {
				return err
			}
			a.redis = client
		}
	}
	if a.redis != nil {
		a.closers = append(a.closers, func(context.Context) { _ = a.redis.Close() })
	}
	a.limits = cache.NewLimits(a.redis)
	if a.cfg.Sandbox {
		a.limits.Patient(time.Second) // limits that are practised count to the number, however busy the machine is
	}
	a.fanout = cache.NewFanout(ctx, a.redis)
	if err := a.people(); err != nil {
		return err
	}
	a.wide.Store(a.cfg.Sandbox)

	channels, err := a.channels()
	if err != nil {
		return err
	}
	guard := channel.Guard{Inside: a.cfg.OutboundHosts}
	if err := a.pushKey(ctx, guard, channels); err != nil {
		return err
	}
	providers := notify.NewProviders(a.keys, channel.Kinds(guard), channels, time.Now)
	workers := river.NewWorkers()
	river.AddWorker(workers, notify.NewDeliverWorker(a.Engine, a.keys, providers, observeDelivery, a.log))
	rc := &river.Config{Workers: workers, Queues: map[string]river.QueueConfig{notify.Queue: {MaxWorkers: deliverers}}, JobTimeout: 30 * time.Second, RescueStuckJobsAfter: 60 * time.Second,
		FetchCooldown: 50 * time.Millisecond, FetchPollInterval: 5 * time.Second, ReindexerSchedule: never{}, Logger: slog.New(slog.DiscardHandler)}
	if a.cfg.Sandbox {
		rc.FetchCooldown, rc.FetchPollInterval = 5*time.Millisecond, 50*time.Millisecond
	}
	if a.river, err = river.NewClient(riverpgxv5.New(a.Engine.Pool), rc); err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	a.post = notify.New(notify.Config{DB: a.Engine, River: a.river, Keys: a.keys, Links: a.cfg.PublicURL, KeepCodes: a.cfg.Sandbox, Log: a.log, Providers: providers})
	a.watchParked()
	a.sysDesk = dispatch.NewDesk(a.Engine, a.keys, a.worlds, nil)
	a.planner = dispatch.NewPlanner(a.Engine, a.sysDesk, a.post, a.keys, a.publish, a.log)
	a.engine = dispatch.NewEngine(a.Engine, a.planner, a.post, a.log)
	a.auditor = dispatch.NewAuditor(a.Engine, a.log)
	a.desk = dispatch.NewDesk(a.App, a.keys, a.worlds, a.engine.Poke)
	return nil
}

// office is where administrators keep who answers for what.
func (a *App) office() *grid.Office {
	return grid.NewOffice(a.App, a.worlds.Index, dispatch.UnitWork, func(ctx context.Context) error { return a.worlds.Load(context.WithoutCancel(ctx)) })
}

// people builds sign-in; commands that only load accounts need no more than this.
func (a *App) people() error {
	if a.limits == nil {
		a.limits = cache.NewLimits(a.redis)
	}
	a.auth = auth.NewStore(a.App, a.keys, a.limits, auth.Options{Sandbox: a.cfg.Sandbox, OTPBudget: cache.Rate{Count: a.cfg.OTPPerHour, Per: time.Hour}, Log: a.log})
	return nil
}

// never is a schedule that does not come: River's reindexer needs to own the tables, which the engine's role does not.
type never struct{}

func (never) Next(t time.Time) time.Time { return t.AddDate(100, 0, 0) }

func (a *App) channels() (notify.Channels, error) {
	switch {
	case a.cfg.SMSURL != "":
		c, err := channel.NewHTTPSMS(a.cfg.SMSURL, []byte(a.cfg.SMSSecret))
		if err != nil {
			return nil, err
		}
		return notify.Channels{notify.SMS: c, notify.Voice: channel.NewConsoleSMS(a.log, a.cfg.Sandbox)}, nil
	case a.cfg.SMSFile != "":
		c, err := channel.OpenFileSMS(a.cfg.SMSFile)
		if err != nil {
			return nil, err
		}
		a.closers = append(a.closers, func(context.Context) { _ = c.Close() })
		return notify.Channels{notify.SMS: c, notify.Voice: c}, nil
	}
	// With neither set, demo and practice print the text: somebody has to read the code.
	c := channel.NewConsoleSMS(a.log, a.cfg.Sandbox || a.cfg.Demo)
	return notify.Channels{notify.SMS: c, notify.Voice: c}, nil
}

func (a *App) publish(ctx context.Context, n dispatch.Notice) {
	raw, err := json.Marshal(n)
	if err != nil {
		return
	}
	a.fanout.Publish(ctx, web.LiveChannel(n.District), raw)
}

// Serve runs until ctx ends; started is called with the address once requests are answered.
func Serve(ctx context.Context, cfg Config, log *slog.Logger, started func(*App)) error {
	if err := cfg.finish(); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("无法监听 %s（端口可能被占用）：请先停止占用者，或用 --listen 换一个端口 / cannot listen: %w", cfg.Listen, err)
	}
	defer func() { _ = listener.Close() }()
	run, cancel := context.WithCancel(ctx)
	defer cancel()
	front := newFront()
	server := &http.Server{Handler: front, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return run }}
	defer func() { _ = server.Close() }()
	errs := make(chan error, 1)
	go func() { errs <- server.Serve(listener) }()
	a, err := openWaiting(run, cfg, log)
	if ctx.Err() != nil && err != nil {
		return nil // stopped while it waited
	}
	if err != nil {
		return err
	}
	defer a.Close(context.WithoutCancel(ctx))
	a.Addr = listener.Addr().String()
	if err := a.wire(run); err != nil {
		return err
	}
	if err := a.firstLoad(run); err != nil {
		return err
	}
	debug.FreeOSMemory() // a first load hashes many passwords at 19 MB each; the idle program gives that back at once
	if cfg.Role != "api" {
		if err := a.river.Start(run); err != nil {
			return err
		}
		a.closers = append(a.closers, func(ctx context.Context) {
			stop, done := context.WithTimeout(ctx, 10*time.Second)
			defer done()
			_ = a.river.Stop(stop)
		})
		done := make(chan struct{})
		go func() { defer close(done); a.engine.Run(run) }()
		go a.auditor.Run(run)
		a.closers = append(a.closers, func(context.Context) { cancel(); <-done })
	}
	if missing := worktime.Default().Missing(time.Now(), time.Now().AddDate(0, 2, 0)); len(missing) > 0 {
		log.Warn("the working calendar has no data for these years: Mon–Fri is used until it has", "years", missing)
	}
	go a.worlds.Watch(run, configEvery, log)
	if err := a.admin(); err != nil {
		return err
	}
	store, closeStore, err := media.OpenStore(cfg.PhotoStore)
	if err != nil {
		return err
	}
	a.photos = store
	a.closers = append(a.closers, func(context.Context) { closeStore() })
	if cfg.Role != "engine" { // only who stores photos can tell what became of them
		go a.keepPhotos(run)
	}
	h, err := a.handler(run.Done(), front.pages)
	if err != nil {
		return err
	}
	front.switchTo(h)
	a.ready.Store(true)
	if started != nil {
		started(a)
	}
	select {
	case err := <-errs:
		return err
	case <-ctx.Done():
	}
	a.ready.Store(false)
	stop, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer done()
	cancel() // streams end, the engine finishes its step
	if err := server.Shutdown(stop); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

func (a *App) handler(done <-chan struct{}, pages http.Handler) (http.Handler, error) {
	if frontend.Missing() {
		a.log.Warn("the pages are not built into this program: run `make` first, then build again")
	}
	d := web.Deps{DB: a.App, Desk: a.desk, Office: a.office(), Auth: a.auth, Keys: a.keys, Limits: a.limits, Fanout: a.fanout, Presence: cache.NewPresence(a.redis), Media: a.photos, Photos: media.NewProcessor(media.Limits{}), Font: sync.OnceValues(func() (*sticker.Font, error) { return sticker.FindFont(a.cfg.FontFile) }), Post: a.post, Maps: grid.NewMaps(a.App), Planner: a.planner, Push: a.push,
		Pages: pages, Secure: a.cfg.SecureCookies, TrustedProxies: a.cfg.TrustedProxies, Hosts: a.cfg.Hosts, Log: a.log, Done: done, WideLimits: a.wide.Load,
		Ready: func(ctx context.Context) error {
			if !a.ready.Load() {
				return errors.New("stopping")
			}
			return a.App.Pool.Ping(ctx)
		}}
	d.Deep = a.deep
	if a.cfg.Sandbox {
		d.Sandbox = &web.Sandbox{Clock: a.moveClock, Reset: a.reset, Wait: a.engine.Settle, Counted: a.engine.Work}
	}
	return web.New(d)
}

// configEvery is how often a process looks whether another one changed the configuration: one tiny query.
const configEvery = 250 * time.Millisecond

// admin serves metrics and pprof on a listener of its own.
func (a *App) admin() error {
	if a.cfg.AdminListen == "" {
		return nil
	}
	l, err := net.Listen("tcp", a.cfg.AdminListen)
	if err != nil {
		return fmt.Errorf("无法监听管理端口 %s / cannot listen on ADMIN_LISTEN: %w", a.cfg.AdminListen, err)
	}
	mux := http.NewServeMux()
	reg := prometheus.NewRegistry() // beside the default one: a test runs several programs in one process
	reg.MustRegister(newGauges(a))
	mux.Handle("/metrics", promhttp.HandlerFor(prometheus.Gatherers{prometheus.DefaultGatherer, reg}, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.Serve(l) }()
	a.log.Info("admin listener", "addr", l.Addr().String())
	a.closers = append(a.closers, func(context.Context) { _ = s.Close() })
	return nil
}

package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"yixian/frontend"
	"yixian/grid"
	"yixian/internal/cache"
	"yixian/internal/media"
	"yixian/internal/sticker"
	"yixian/internal/web"
	"yixian/internal/worktime"
)

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

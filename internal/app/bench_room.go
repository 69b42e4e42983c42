package app

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/jackc/pgx/v5"

	"yixian/internal/local"
)

// benchRoom is the place of a benchmark: a private PostgreSQL with fsync, the demo district in it, and a superuser's
// connection that sees every backend. done ends the server and removes the directory.
func benchRoom(ctx context.Context, cfg Config, log *slog.Logger) (a *App, admin *pgx.Conn, done func(), err error) {
	if cfg.DatabaseURL != "" {
		return nil, nil, nil, usage("基准测试需要自己的 PostgreSQL，请去掉 DATABASE_URL / the benchmark starts a PostgreSQL of its own: unset DATABASE_URL")
	}
	cfg.Sandbox, cfg.Demo = false, false
	if err := cfg.finish(); err != nil {
		return nil, nil, nil, err
	}
	if err := os.MkdirAll(cfg.Data, 0o755); err != nil {
		return nil, nil, nil, err
	}
	var closers []func()
	done = func() {
		for _, end := range slices.Backward(closers) {
			end()
		}
	}
	defer func() {
		if err != nil {
			done()
		}
	}()
	// Beside the real data: a temporary directory may lie in memory, where a commit costs nothing.
	if cfg.Data, err = os.MkdirTemp(cfg.Data, "bench-"); err != nil {
		return nil, nil, nil, err
	}
	closers = append(closers, func() { _ = os.RemoveAll(cfg.Data) })
	if err := os.Chmod(cfg.Data, 0o755); err != nil { // root's PostgreSQL must walk through
		return nil, nil, nil, err
	}
	cfg.KeyFile = filepath.Join(cfg.Data, "keys.json")
	if a, err = Open(ctx, cfg, log, true); err != nil {
		return nil, nil, nil, err
	}
	closers = append(closers, func() {
		a.Close(context.WithoutCancel(ctx))
		_ = os.RemoveAll(a.postgres.Dir) // elsewhere when root could not use the wanted place
	})
	if err := a.people(); err != nil {
		return nil, nil, nil, err
	}
	if err := a.loadDemo(ctx); err != nil {
		return nil, nil, nil, err
	}
	if admin, err = pgx.Connect(ctx, a.postgres.URLFor(local.Superuser, local.Database)); err != nil {
		return nil, nil, nil, err
	}
	closers = append(closers, func() { _ = admin.Close(context.WithoutCancel(ctx)) })
	return a, admin, done, nil
}

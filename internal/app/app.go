package app

import (
	"context"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/riverqueue/river"

	"yixian/dispatch"
	"yixian/internal/auth"
	"yixian/internal/cache"
	"yixian/internal/local"
	"yixian/internal/media"
	"yixian/internal/pg"
	"yixian/internal/seal"
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

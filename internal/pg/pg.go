// Package pg owns the way to PostgreSQL: one pool per role for hand-written SQL, River and gorm, the district
// that row-level security sees, the schema's version, and what a database failure means to a caller. It
// does not own tables (they live beside their users) nor a server (internal/local).
package pg

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/schema"
)

// The program's database and its roles. None is a superuser and none bypasses row-level security.
const (
	Database   = "yixian"
	RoleOwner  = "yixian_owner"  // owns the schema; only migrations
	RoleApp    = "yixian_app"    // requests: sees the district of the context
	RoleEngine = "yixian_engine" // clocks, planner, River: its own policies
)

// Zone is the zone that sessions write times in; instants are the same in any.
const Zone = "Asia/Shanghai"

// slow is the time after which a gorm query is worth a line in the log.
const slow = 200 * time.Millisecond

// Config of one pool. Only URL is needed.
type Config struct {
	URL     string // postgres://… or key=value
	Role    string // becomes the current role of every connection, for databases with a single login
	AppName string // in pg_stat_activity; "yixian" when empty

	MaxConns         int32         // 10 when 0
	StatementTimeout time.Duration // per statement; 3 s when 0, none when negative
	Log              *slog.Logger  // slow gorm queries, without their values; nil: nowhere
}

// DB is one pool with both of its faces. Gorm runs on Pool, so both obey the same limits, the same timeout and the
// district of the context.
type DB struct {
	Pool *pgxpool.Pool
	Gorm *gorm.DB
	URL  string
}

// Open makes the pool and proves that it connects. A district in ctx plays no part here.
func Open(ctx context.Context, c Config) (*DB, error) {
	pc, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("database address: %w", err)
	}
	params := pc.ConnConfig.RuntimeParams
	params["application_name"] = c.AppName
	if c.AppName == "" {
		params["application_name"] = "yixian"
	}
	params["timezone"] = Zone // times in JSON carry the people's offset
	// A forgotten transaction must not hold its rows for ever.
	params["idle_in_transaction_session_timeout"] = "60000"
	switch {
	case c.StatementTimeout > 0:
		params["statement_timeout"] = fmt.Sprint(c.StatementTimeout.Milliseconds())
	case c.StatementTimeout == 0:
		params["statement_timeout"] = "3000"
	default:
		params["statement_timeout"] = "0"
	}
	if c.Role != "" {
		params["role"] = c.Role // SET ROLE before the first statement; harmless when it is the login itself
	}
	pc.MaxConns = 10
	if c.MaxConns > 0 {
		pc.MaxConns = c.MaxConns
	}
	pc.MinConns = 0
	pc.MaxConnIdleTime = 5 * time.Minute
	pc.PrepareConn = prepareConn
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, err
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	g, err := openGorm(pool, c.Log)
	if err != nil {
		pool.Close()
		return nil, err
	}
	return &DB{Pool: pool, Gorm: g, URL: c.URL}, nil
}

func openGorm(pool *pgxpool.Pool, log *slog.Logger) (*gorm.DB, error) {
	gl := logger.Discard
	if log != nil {
		// Warn is the level of slow queries; errors belong to the caller. Values never reach the log.
		gl = logger.NewSlogLogger(log, logger.Config{LogLevel: logger.Warn, SlowThreshold: slow, ParameterizedQueries: true})
	}
	return gorm.Open(postgres.New(postgres.Config{Conn: stdlib.OpenDBFromPool(pool)}), &gorm.Config{
		SkipDefaultTransaction: true,
		TranslateError:         true,
		PrepareStmt:            false, // pgx caches plans per connection; gorm's cache would halve the rate
		DisableAutomaticPing:   true,
		NamingStrategy:         schema.NamingStrategy{SingularTable: true},
		NowFunc:                func() time.Time { return time.Now().UTC() }, // only for tables outside the domain's time
		Logger:                 gl,
	})
}

// Close waits for borrowed connections and closes them all.
func (db *DB) Close() { db.Pool.Close() }

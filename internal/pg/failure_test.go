package pg_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"yixian/internal/fault"
	"yixian/internal/local"
	"yixian/internal/pg"
	"yixian/internal/pg/pgtest"
)

func TestFaultByCode(t *testing.T) {
	t.Parallel()
	for code, unavailable := range map[string]bool{
		"57P01": true, "57P02": true, "57P03": true, "57014": true, "53300": true, "53100": true, "53200": true, "08006": true, "58030": true,
		"23505": false, "42501": false, "40001": false, "22P02": false, "42P01": false,
	} {
		err := fmt.Errorf("save: %w", &pgconn.PgError{Code: code})
		require.Equal(t, unavailable, fault.Is(pg.Fault(err), "UNAVAILABLE"), code)
		require.ErrorIs(t, pg.Fault(err), err, "the cause stays for the log")
	}
	require.NoError(t, pg.Fault(nil))
	require.Equal(t, context.Canceled, pg.Fault(context.Canceled), "the caller went away")
	require.Equal(t, pgx.ErrNoRows, pg.Fault(pgx.ErrNoRows))
	require.True(t, fault.Is(pg.Fault(context.DeadlineExceeded), "UNAVAILABLE"))
	conflict := fault.Conflict("STALE", "x")
	require.Equal(t, error(conflict), pg.Fault(conflict))
}

func TestRetryable(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{"40001": true, "40P01": true, "57P01": false, "23505": false, "57014": false} {
		require.Equal(t, want, pg.Retryable(fmt.Errorf("x: %w", &pgconn.PgError{Code: code})), code)
	}
	require.False(t, pg.Retryable(nil))
	require.False(t, pg.Retryable(errors.New("x")))
	conn, err := pgx.Connect(t.Context(), pgtest.NewEmpty(t).URL(pg.RoleApp))
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	_, err = conn.Exec(t.Context(), "select 1")
	require.True(t, pg.Retryable(err), "nothing was sent: %v", err)
	require.True(t, fault.Is(pg.Fault(err), "UNAVAILABLE"))
}

func TestStatementTimeoutIsUnavailable(t *testing.T) {
	t.Parallel()
	d := pgtest.NewEmpty(t)
	db, err := pg.Open(t.Context(), pg.Config{URL: d.URL(pg.RoleApp), StatementTimeout: 20 * time.Millisecond})
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Pool.Exec(t.Context(), "select pg_sleep(60)")
	require.True(t, fault.Is(pg.Fault(err), "UNAVAILABLE"), "%v", err)
	require.False(t, pg.Retryable(err))
}

func TestLockedOutOfTheServer(t *testing.T) {
	t.Parallel()
	d := pgtest.NewEmpty(t)
	admin, err := pgxpool.New(t.Context(), d.URL(local.Superuser))
	require.NoError(t, err)
	defer admin.Close()
	_, err = admin.Exec(t.Context(), "alter database "+d.Name+" connection limit 0")
	require.NoError(t, err)
	_, err = pg.Open(t.Context(), pg.Config{URL: d.URL(pg.RoleApp)})
	require.True(t, fault.Is(pg.Fault(err), "UNAVAILABLE"), "too many connections: %v", err)
}

// TestServerKilled walks through the life of a killed server: in the middle of a query, while away, and back.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	server, err := local.StartPostgres(ctx, local.PostgresOptions{Dir: filepath.Join(shmDir(t), "pg"), Fast: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Stop(context.Background()) })
	db, err := pg.Open(ctx, pg.Config{URL: server.URL(pg.RoleApp), MaxConns: 4, StatementTimeout: -1})
	require.NoError(t, err)
	defer db.Close()

	conn, err := db.Pool.Acquire(ctx)
	require.NoError(t, err)
	before := server.PID()
	require.NoError(t, conn.Conn().PgConn().Ping(ctx))
	running := make(chan error, 1)
	go func() { _, err := conn.Exec(ctx, "select pg_sleep(600)"); running <- err }()
	require.NoError(t, syscall.Kill(before, syscall.SIGKILL))
	err = <-running
	require.True(t, fault.Is(pg.Fault(err), "UNAVAILABLE"), "in the middle of a query: %v", err)
	conn.Release()

	// From here until it is back, every failure must be a 503, in pgx and in gorm.
	for {
		_, errPool := db.Pool.Exec(ctx, "select 1")
		errGorm := db.Gorm.WithContext(ctx).Exec("select 1").Error
		for _, err := range []error{errPool, errGorm} {
			if err != nil {
				require.True(t, fault.Is(pg.Fault(err), "UNAVAILABLE"), "while away: %v", err)
			}
		}
		if errPool == nil && errGorm == nil {
			break
		}
		require.NoError(t, ctx.Err())
	}
	require.NotEqual(t, before, server.PID(), "a new incarnation under the same address")

	require.NoError(t, server.Stop(ctx))
	_, err = db.Pool.Exec(ctx, "select 1")
	require.True(t, fault.Is(pg.Fault(err), "UNAVAILABLE"), "stopped: %v", err)
}

package local

import (
	"context"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

func startRedis(t *testing.T, program string) (*Redis, *redis.Client) {
	t.Helper()
	r, err := StartRedis(t.Context(), RedisOptions{Program: program})
	require.NoError(t, err)
	client := redis.NewClient(r.Options())
	t.Cleanup(func() { _ = client.Close() })
	return r, client
}

func TestRedisServer(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("no redis-server on this machine")
	}
	r, client := startRedis(t, "")
	ctx := t.Context()
	require.Equal(t, "redis-server", r.Kind())
	require.NoError(t, client.Set(ctx, "k", "v", 0).Err())
	before := r.PID()
	require.NoError(t, syscall.Kill(before, syscall.SIGKILL))
	require.Eventually(t, func() bool { return r.PID() != before && client.Ping(ctx).Err() == nil }, time.Minute, time.Millisecond, "it comes back")
	require.ErrorIs(t, client.Get(ctx, "k").Err(), redis.Nil, "what it held was allowed to be lost")
	require.NoError(t, r.Stop(context.Background()))
	require.Error(t, client.Ping(ctx).Err())
	require.NoDirExists(t, r.socket)
}

func TestStandInForRedis(t *testing.T) {
	t.Parallel()
	r, client := startRedis(t, "no-such-redis-server")
	ctx := t.Context()
	require.Equal(t, "miniredis", r.Kind())
	require.Zero(t, r.PID())
	stranger := r.Options()
	stranger.Password = ""
	other := redis.NewClient(stranger)
	require.Error(t, other.Ping(ctx).Err(), "not open to the machine")
	require.NoError(t, other.Close())
	require.NoError(t, client.Set(ctx, "short", "v", time.Second).Err())
	require.NoError(t, client.Set(ctx, "long", "v", time.Hour).Err())
	require.Eventually(t, func() bool { return client.Exists(ctx, "short").Val() == 0 }, time.Minute, 10*time.Millisecond, "time passes")
	require.EqualValues(t, 1, client.Exists(ctx, "long").Val())
	require.NoError(t, r.Stop(ctx))
	require.Error(t, client.Ping(ctx).Err())
}

// A program that is there but does not run must not stop the start.
func TestBrokenRedisServer(t *testing.T) {
	t.Parallel()
	r, client := startRedis(t, "false")
	require.Equal(t, "miniredis", r.Kind())
	require.NoError(t, client.Ping(t.Context()).Err())
	require.NoError(t, r.Stop(t.Context()))
}

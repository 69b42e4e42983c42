package local

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"yixian/internal/pg"
)

func TestColdThenWarm(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(memory(t), "deep", "er", "pg")
	p := up(t, PostgresOptions{Dir: dir})
	require.Equal(t, dir, p.Dir)
	require.GreaterOrEqual(t, p.Major, oldest)
	require.Empty(t, query[string](t, p.URL(pg.RoleApp), "show listen_addresses"), "no TCP")
	require.Equal(t, "C.UTF-8", query[string](t, p.URL(pg.RoleApp), "select datcollate from pg_database where datname = current_database()"))
	require.Equal(t, pg.RoleOwner, query[string](t, p.URL(pg.RoleApp), "select pg_get_userbyid(datdba) from pg_database where datname = current_database()"))
	info, err := os.Stat(p.socket)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	run(t, p.URL(pg.RoleOwner), "create table kept (x int)")

	require.NoError(t, p.Stop(t.Context()))
	require.NoDirExists(t, p.socket)
	require.NoFileExists(t, filepath.Join(dir, dataName, "postmaster.pid"), "a clean end")

	again := up(t, PostgresOptions{Dir: dir})
	require.True(t, query[bool](t, again.URL(pg.RoleOwner), "select to_regclass('kept') is not null"))
}

func TestSecondStartIsToldWhereTheFirstOneIs(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(memory(t), "pg")
	up(t, PostgresOptions{Dir: dir, Fast: true})
	_, err := StartPostgres(t.Context(), PostgresOptions{Dir: dir, Fast: true})
	e := refused(t, err, CodeRunning)
	url, _ := e.Extra["url"].(string)
	require.Contains(t, e.Detail, url)
	require.Equal(t, pg.RoleApp, query[string](t, url, "select current_user::text"), "the address in the sentence works")
}

func TestKill9AndStartAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(memory(t), "pg")
	first := startPlayer(t, dir, nil)
	s := first.says(t)
	require.Empty(t, s.Detail)
	owner := strings.Replace(s.URL, pg.RoleApp, pg.RoleOwner, 1)
	run(t, owner, "create table kept (x int)")
	first.kill9(t)

	p := up(t, PostgresOptions{Dir: dir})
	require.True(t, query[bool](t, p.URL(pg.RoleOwner), "select to_regclass('kept') is not null"))
	require.NotEqual(t, s.PID, p.PID())
	require.False(t, isPostmaster(t.Context(), s.PID, filepath.Join(dir, dataName)), "the server died with its parent")
	left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "yx-*"))
	require.NoError(t, err)
	require.Empty(t, left, "the socket directory of the killed one is gone")
}

func TestServerAndParentKilledTogether(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(memory(t), "pg")
	first := startPlayer(t, dir, nil)
	s := first.says(t)
	require.Empty(t, s.Detail)
	require.NoError(t, syscall.Kill(s.PID, syscall.SIGKILL))
	first.kill9(t)
	require.FileExists(t, filepath.Join(dir, dataName, "postmaster.pid"), "stale")
	p := up(t, PostgresOptions{Dir: dir})
	require.Equal(t, "ok", query[string](t, p.URL(pg.RoleApp), "select 'ok'"))
}

// After a container came back, the number of the old server may belong to anybody of the same user.
func TestTheOldProcessNumberBelongsToSomebodyElse(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(memory(t), "pg")
	p := up(t, PostgresOptions{Dir: dir, Fast: true})
	pidFile := filepath.Join(dir, dataName, "postmaster.pid")
	b, err := os.ReadFile(pidFile)
	require.NoError(t, err)
	require.NoError(t, p.Stop(t.Context()))

	who, err := accountFor(filepath.Join(dir, dataName), "postgres", "nobody")
	require.NoError(t, err)
	stranger := exec.Command("cat")
	who.dress(stranger)
	in, err := stranger.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, stranger.Start())
	_, rest, _ := strings.Cut(string(b), "\n")
	require.NoError(t, os.WriteFile(pidFile, fmt.Appendf(nil, "%d\n%s", stranger.Process.Pid, rest), 0o600))
	require.NoError(t, who.own(pidFile))

	again := up(t, PostgresOptions{Dir: dir, Fast: true})
	require.Equal(t, "ok", query[string](t, again.URL(pg.RoleApp), "select 'ok'"))
	require.NoError(t, in.Close())
	require.NoError(t, stranger.Wait(), "the stranger was not harmed")
}

func TestAnOrphanIsEndedFirst(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(memory(t), "pg")
	p := up(t, PostgresOptions{Dir: dir, Fast: true})
	require.NoError(t, p.Stop(t.Context()))

	// A server nobody ties to its parent, as kill -9 leaves it where there is no parent-death signal.
	who, err := accountFor(filepath.Join(dir, dataName), "postgres", "nobody")
	require.NoError(t, err)
	bin, err := findBinaries(t.Context(), "", 0)
	require.NoError(t, err)
	socket, err := socketDir(t.Context(), who, bin.path("postgres"), "", ".s.PGSQL.5432")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(socket) })
	orphan := exec.Command(bin.path("postgres"), "-D", filepath.Join(dir, dataName), "-k", socket, "-c", "listen_addresses=")
	who.dress(orphan)
	orphan.Dir, orphan.Env = dir, environment()
	require.NoError(t, orphan.Start())
	ended := make(chan error, 1)
	go func() { ended <- orphan.Wait() }()
	require.NoError(t, pg.Wait(t.Context(), dsn(socket, Superuser, Superuser), 1<<36))

	again := up(t, PostgresOptions{Dir: dir, Fast: true})
	require.NoError(t, <-ended, "ended by a clean shutdown")
	require.Equal(t, "ok", query[string](t, again.URL(pg.RoleApp), "select 'ok'"))
}

func TestKill9DuringInitdb(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(memory(t), "pg")
	first := startPlayer(t, dir, nil)
	for { // until initdb has begun to write
		found, err := filepath.Glob(filepath.Join(dir, initPrefix+"*", "PG_VERSION"))
		require.NoError(t, err)
		if len(found) > 0 {
			break
		}
		require.NoDirExists(t, filepath.Join(dir, dataName))
	}
	first.kill9(t)
	require.NoDirExists(t, filepath.Join(dir, dataName), "half a cluster never has the name of a whole one")
	p := up(t, PostgresOptions{Dir: dir, Fast: true})
	require.Equal(t, "ok", query[string](t, p.URL(pg.RoleApp), "select 'ok'"))
}

func TestWhatIsNotOursIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, content, code string
		ours                bool // with our lock file beside it
	}{
		"somebody's papers":     {"letter.txt", "dear", CodeForeignDir, false},
		"a raw cluster":         {"PG_VERSION", "15\n", CodeForeignDir, false},
		"an older version":      {"data/PG_VERSION", "9.6\n", CodeVersion, true},
		"a newer version":       {"data/PG_VERSION", "99\n", CodeVersion, true},
		"a cluster without end": {"data/base/1", "x", CodeForeignDir, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(memory(t), "pg")
			path := filepath.Join(dir, c.file)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, []byte(c.content), 0o644))
			if c.ours {
				require.NoError(t, os.WriteFile(filepath.Join(dir, lockName), nil, 0o600))
			}
			before := tree(t, dir)
			_, err := StartPostgres(t.Context(), PostgresOptions{Dir: dir})
			refused(t, err, c.code)
			require.Equal(t, before, tree(t, dir))
		})
	}
}

func TestNoPrograms(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(memory(t), "pg")
	_, err := StartPostgres(t.Context(), PostgresOptions{Dir: dir, Bin: t.TempDir()})
	e := refused(t, err, CodeMissing)
	for _, way := range []string{"apt-get", "PG_BIN", "@embedded-postgres", "DATABASE_URL"} {
		require.Contains(t, e.Detail, way)
	}
	require.NoDirExists(t, dir, "nothing was begun")
}

func TestCanceledStartLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(memory(t), "pg")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := StartPostgres(ctx, PostgresOptions{Dir: dir, Fast: true})
	require.Error(t, err)
	up(t, PostgresOptions{Dir: dir, Fast: true})
}

func TestALongRunDirIsPassedOver(t *testing.T) {
	t.Parallel()
	base := memory(t)
	long := filepath.Join(base, strings.Repeat("long/", 30))
	p := up(t, PostgresOptions{Dir: filepath.Join(base, "pg"), RunDir: long, Fast: true})
	require.LessOrEqual(t, len(filepath.Join(p.socket, ".s.PGSQL.5432")), socketLimit)
	require.Equal(t, "ok", query[string](t, p.URL(pg.RoleApp), "select 'ok'"))
}

func TestDSN(t *testing.T) {
	t.Parallel()
	require.Equal(t, "postgres://a@/b?host=%2Ftmp%2Fx&sslmode=disable", dsn("/tmp/x", "a", "b"))
}

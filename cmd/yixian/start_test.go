package main_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// One practice installation lives through what an operator does to it: commands beside the server, a second start, kill
// -9, a killed PostgreSQL, Ctrl-C, commands without the server, and somebody who changes an event by SQL.
func TestLifeOfAnInstallation(t *testing.T) {
	t.Parallel()
	life := t // a server outlives the step that starts it
	data := folder(t)
	here := []string{"--sandbox", "--data=" + data}
	with := func(args ...string) []string { return append(args, here...) }
	s := serve(t, nil, data, "--sandbox")
	require.Less(t, rss(t, s.cmd.Process.Pid), 150<<10, "kB after it has loaded the fixture and hashed the passwords")

	commands := func(t *testing.T) {
		t.Helper()
		r := run(t, with("route", "--matter=06010", "--lon=119.3080", "--lat=26.0875")...).is(t, 0)
		require.Contains(t, r.Out, `"R05"`)
		require.Contains(t, run(t, with("route", "--matter=06010", "--lon=1", "--lat=2")...).is(t, 1).Err, "OUT_OF_AREA")
		require.Contains(t, run(t, with("route", "--matter=99999", "--lon=119.3080", "--lat=26.0875")...).is(t, 1).Err, "UNKNOWN_MATTER")
		require.Contains(t, run(t, with("locate", "119.3080", "26.0875")...).is(t, 0).Out, `"350102004001001"`)
		require.Contains(t, run(t, with("locate", "1", "2")...).is(t, 1).Err, "OUT_OF_AREA")
		require.Contains(t, run(t, with("migrate", "status")...).is(t, 0).Out, "{")
		run(t, with("migrate", "up")...).is(t, 0)
		d := run(t, with("doctor")...)
		require.Contains(t, d.Out, "✓ 数据库 database, schema ")
		require.Contains(t, d.Out, "districts: 1")
		code := 0
		if strings.Contains(d.Out, "✗") { // the pages may not be built into this program
			code = 1
		}
		d.is(t, code)
		require.Contains(t, run(t, with("verify")...).is(t, 0).Out, "OK cases=")
		require.Contains(t, run(t, with("audit")...).is(t, 0).Out, "RESULT name=audit findings=0")
		run(t, with("demo")...).refusal(t, "NOT_EMPTY")
	}
	t.Run("commands beside the running server", commands)

	t.Run("a second start", func(t *testing.T) {
		run(t, with("serve")...).refusal(t, "POSTGRES_RUNNING", "DATABASE_URL")
		require.Equal(t, 200, s.call("GET", "/readyz", "", nil).Status, "the first one was not harmed")
	})
	t.Run("a busy port", func(t *testing.T) {
		run(t, "serve", "--data="+folder(t), "--listen="+strings.TrimPrefix(s.base, "http://")).refusal(t, "--listen")
	})

	worker := s.signIn("gw1")
	kept := s.report(worker)
	t.Run("kill -9", func(t *testing.T) {
		pg, mine := s.postgres(), children(t, s.cmd.Process.Pid)
		require.Contains(t, mine, pg)
		s.kill()
		for _, pid := range mine {
			eventually(t, "a child of the killed program ends", func() bool { return !alive(pid) })
		}
		s = serve(life, nil, data, "--sandbox")
		r := s.call("GET", "/api/v1/cases/"+kept, s.signIn("dis1"), nil)
		require.Equal(t, 200, r.Status, r.Raw)
		require.Equal(t, 200, s.call("GET", "/api/v1/me", worker, nil).Status, "nobody was signed out")
	})
	t.Run("PostgreSQL is killed", func(t *testing.T) {
		dispatcher := s.signIn("dis1")
		require.NoError(t, syscall.Kill(s.postgres(), syscall.SIGKILL))
		eventually(t, "the program works again by itself", func() bool {
			r := s.call("GET", "/api/v1/cases/"+kept, dispatcher, nil)
			if r.Status != 200 { // on the way there is one answer only
				require.Equal(t, 503, r.Status, r.Raw)
				require.NotEmpty(t, r.Header.Get("Retry-After"))
			}
			return r.Status == 200
		})
		again := map[string]string{"username": "gw1", "password": "sandbox-gw1"} // other pooled connections find out one by one
		eventually(t, "everybody works again", func() bool { return s.call("POST", "/api/v1/auth/login", "", again).Status == 200 })
		eventually(t, "reports come in", func() bool {
			return s.call("POST", "/api/v1/reports", worker, obj{"text": "路面井盖松动，请尽快处理", "matter": "06010", "point": obj{"lon": 119.3080, "lat": 26.0875, "datum": "WGS84"}}).Status == 201
		})
	})
	t.Run("Ctrl-C", func(t *testing.T) {
		mine := children(t, s.cmd.Process.Pid)
		require.NotEmpty(t, mine)
		socket := s.socket()
		require.Zero(t, s.interrupt(), "%s", s.errs)
		for _, pid := range mine {
			require.False(t, alive(pid), "process %d is still there", pid)
		}
		require.NoDirExists(t, socket)
		require.NoFileExists(t, filepath.Join(s.data, "postgres", "data", "postmaster.pid"))
	})
	t.Run("commands without the server", commands)

	t.Run("an event changed by SQL", func(t *testing.T) {
		s = serve(life, nil, data, "--sandbox")
		conn, err := pgx.Connect(t.Context(), "host="+s.socket()+" user=postgres dbname=yixian")
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close(t.Context()) })
		require.Contains(t, run(t, with("verify", "--tenant=350102")...).is(t, 0).Out, "OK cases=2")
		tag, err := conn.Exec(t.Context(), `update case_event set fact = replace(fact, '06010', '06011') where case_id = $1 and seq = 1`, kept)
		require.NoError(t, err)
		require.EqualValues(t, 1, tag.RowsAffected())
		r := run(t, with("verify")...).is(t, 1)
		require.Contains(t, run(t, with("audit")...).is(t, 1).Out, "BROKEN district=350102")
		require.Contains(t, r.Out, "BROKEN district=350102 case="+kept+" event=1 ")
		require.Regexp(t, `expected=[0-9a-f]{64} actual=[0-9a-f]{64}`, r.Out)
		require.Contains(t, run(t, with("verify", "--tenant=350103")...).is(t, 0).Out, "OK cases=0", "another district")
		_, err = conn.Exec(t.Context(), `delete from case_event where case_id = $1`, kept)
		require.NoError(t, err)
		require.Contains(t, run(t, with("verify")...).is(t, 1).Out, kept)
		_, err = conn.Exec(t.Context(), `set session_replication_role = replica`) // whoever owns the database can turn its triggers off
		require.NoError(t, err)
		_, err = conn.Exec(t.Context(), `delete from cases where id <> $1`, kept)
		require.NoError(t, err)
		_, err = conn.Exec(t.Context(), `delete from report where case_id = $1; `, kept)
		require.NoError(t, err)
		_, err = conn.Exec(t.Context(), `delete from cases where id = $1`, kept)
		require.NoError(t, err)
		require.Contains(t, run(t, with("verify")...).is(t, 1).Out, "the case of this event is gone")
	})
}

// The demo: loaded once, refused the second time, served with a memory that fits a small machine, and its keys.
func TestDemo(t *testing.T) {
	t.Parallel()
	data := folder(t)
	require.Contains(t, run(t, "migrate", "status", "--data="+data).is(t, 0).Out, "{")
	r := run(t, "demo", "--data="+data).is(t, 0)
	require.Contains(t, r.Out, "password: yx-")
	run(t, "demo", "--data="+data).refusal(t, "NOT_EMPTY")

	s := serve(t, nil, data, "--demo")
	require.Equal(t, 200, s.call("GET", "/api/v1/locate?lon=119.3080&lat=26.0875&datum=WGS84", guest(s), nil).Status)
	require.Less(t, rss(t, s.cmd.Process.Pid), 150<<10, "kB of the idle program without PostgreSQL and Redis")
	require.Zero(t, s.interrupt())

	// Somebody lost the key file and put another one in its place.
	keys := filepath.Join(data, "keys.json")
	own, err := os.ReadFile(keys)
	require.NoError(t, err)
	require.NoError(t, os.Remove(keys))
	run(t, "serve", "--data="+data).refusal(t, keys, "恢复")
	require.NoError(t, os.WriteFile(keys, own, 0o600))
	run(t, "verify", "--data="+data).is(t, 0)
}

// A district that is loaded while the program runs is served without a restart.
func TestDemoBesideAnEmptyServer(t *testing.T) {
	t.Parallel()
	data := folder(t)
	s := serve(t, nil, data)
	require.Equal(t, 503, s.call("POST", "/api/v1/auth/guest", "", obj{}).Status)
	run(t, "demo", "--data="+data).is(t, 0)
	eventually(t, "the new district is served", func() bool { return s.call("POST", "/api/v1/auth/guest", "", obj{}).Status == 200 })
}

func guest(s *server) string {
	s.t.Helper()
	r := s.call("POST", "/api/v1/auth/guest", "", obj{})
	require.Equal(s.t, 200, r.Status, r.Raw)
	return r.Body["token"].(string)
}

// rss is the resident memory in kB.
func rss(t *testing.T, pid int) int {
	t.Helper()
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(raw), "VmRSS:")
	require.True(t, ok)
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	require.NoError(t, err)
	return kb
}

// Each of these surroundings ends the start with one sentence that names the way out.
func TestStartIsRefused(t *testing.T) {
	t.Parallel()
	t.Run("foreign directory", func(t *testing.T) {
		t.Parallel()
		data := folder(t)
		mine := filepath.Join(data, "postgres", "my-own-file")
		require.NoError(t, os.MkdirAll(filepath.Dir(mine), 0o755))
		require.NoError(t, os.WriteFile(mine, []byte("mine"), 0o600))
		run(t, "serve", "--data="+data).refusal(t, "POSTGRES_FOREIGN_DIR", "DATABASE_URL")
		kept, err := os.ReadFile(mine)
		require.NoError(t, err)
		require.Equal(t, "mine", string(kept))
	})
	t.Run("no PostgreSQL", func(t *testing.T) {
		t.Parallel()
		empty := t.TempDir()
		runWith(t, []string{"PG_BIN=" + empty, "PATH=" + empty}, "serve", "--data="+folder(t)).refusal(t, "POSTGRES_MISSING", "DATABASE_URL", "apt-get")
	})
	t.Run("no write permission", func(t *testing.T) {
		t.Parallel()
		for _, data := range []string{filepath.Join(closed(t), "data"), closed(t)} {
			cmd := command(t, nil, "serve", "--data="+data)
			dropped(cmd)
			r := finish(t, cmd)
			r.refusal(t, data)
			require.Regexp(t, "--data|chown", r.Err)
		}
	})
	t.Run("sandbox on DATABASE_URL", func(t *testing.T) {
		t.Parallel()
		r := runWith(t, []string{"DATABASE_URL=postgres://nobody@127.0.0.1:1/none"}, "serve", "--sandbox", "--data="+folder(t)).is(t, 2)
		require.Contains(t, r.Err, "--sandbox-on-this-database")
	})
	t.Run("busy port", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		t.Cleanup(func() { _ = l.Close() })
		data := filepath.Join(t.TempDir(), "data")
		run(t, "serve", "--data="+data, "--listen="+l.Addr().String()).refusal(t, "--listen")
		require.NoDirExists(t, data, "nothing was begun")
	})
}

// closed is a directory that everybody may read and nobody but root may write.
func closed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o555))
	t.Cleanup(func() { _ = os.Chmod(dir, 0o755) })
	return dir
}

// dropped runs a command as nobody when the tests run as root, for whom no directory is closed.
func dropped(cmd *exec.Cmd) {
	if os.Geteuid() == 0 {
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
}

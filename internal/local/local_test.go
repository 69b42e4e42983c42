package local

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"yixian/internal/fault"
	"yixian/internal/pg"
)

// The test program plays the program that is killed, or that runs under another account: with this variable
// set it starts a cluster, says one line about it and lives until its input ends.
const playEnv = "YIXIAN_LOCAL_TEST_PLAY"

type said struct {
	URL, Dir, Code, Detail string
	PID                    int
}

func TestMain(m *testing.M) {
	if dir := os.Getenv(playEnv); dir != "" {
		play(dir)
		return
	}
	os.Exit(m.Run())
}

func play(dir string) {
	p, err := StartPostgres(context.Background(), PostgresOptions{Dir: dir, RunDir: os.Getenv("YIXIAN_LOCAL_TEST_RUN")})
	var s said
	if err != nil {
		s.Detail = err.Error()
		if e, ok := fault.As(err); ok {
			s.Code = e.Code
		}
	} else {
		s = said{URL: p.URL(pg.RoleApp), Dir: p.Dir, PID: p.PID()}
	}
	_ = json.NewEncoder(os.Stdout).Encode(s)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = p.Stop(context.Background())
}

// player is such a program.
type player struct {
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Reader
}

func startPlayer(t *testing.T, dir string, credential *syscall.Credential) *player {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	if credential != nil { // go test builds into a directory that is closed to others
		self = copyOf(t, self)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), playEnv+"="+dir, "YIXIAN_LOCAL_TEST_RUN="+filepath.Dir(dir))
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return &player{cmd: cmd, stdin: stdin, out: bufio.NewReader(stdout)}
}

func (p *player) says(t *testing.T) said {
	t.Helper()
	line, err := p.out.ReadBytes('\n')
	require.NoError(t, err)
	var s said
	require.NoError(t, json.Unmarshal(line, &s))
	return s
}

func (p *player) kill9(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Kill())
	_ = p.cmd.Wait() // its error says that it was killed
}

func copyOf(t *testing.T, program string) string {
	t.Helper()
	b, err := os.ReadFile(program)
	require.NoError(t, err)
	path := filepath.Join(memory(t), "play")
	require.NoError(t, os.WriteFile(path, b, 0o755))
	return path
}

// memory is t.TempDir on tmpfs, with a short name and within reach of the account root's server runs under.
func memory(t *testing.T) string {
	t.Helper()
	base := "/dev/shm"
	if _, err := os.Stat(base); err != nil {
		base = os.TempDir()
	}
	dir, err := os.MkdirTemp(base, "yixian-test-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func up(t *testing.T, o PostgresOptions) *Postgres {
	t.Helper()
	p, err := StartPostgres(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.Stop(context.Background()) })
	return p
}

func query[T any](t *testing.T, url, sql string) (v T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.Background())) }()
	require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&v))
	return v
}

func run(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.Background())) }()
	_, err = conn.Exec(t.Context(), sql)
	require.NoError(t, err)
}

func refused(t *testing.T, err error, code string) *fault.Error {
	t.Helper()
	e, ok := fault.As(err)
	require.True(t, ok, "want %s, got %v", code, err)
	require.Equal(t, code, e.Code, "%v", err)
	require.Contains(t, e.Detail, "\n", "Chinese first, English second")
	return e
}

// tree lists every path under dir with its content, to prove that nothing was touched.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		uid, _, err := owner(path)
		if err != nil {
			return err
		}
		var content []byte
		if info.Mode().IsRegular() && d.Name() != lockName {
			content, err = os.ReadFile(path)
		}
		if d.Name() != lockName {
			fmt.Fprintf(&b, "%s %s %d %q\n", path, info.Mode(), uid, content)
		}
		return err
	}))
	return b.String()
}

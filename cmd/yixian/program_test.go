package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience bounds every wait of these tests; nothing here measures time.
const patience = 90 * time.Second

// binary is the built program: exit codes, signals and process trees are only real from outside.
var binary string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "yixian-cli-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Chmod(dir, 0o755); err != nil { // one test runs it as another user
		panic(err)
	}
	binary = filepath.Join(dir, "yixian")
	cmd := exec.Command("go", "build", "-tags", "nomsgpack", "-o", binary, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		panic(string(out))
	}
	return m.Run()
}

// folder is an empty data directory that the database's own account can reach: below t.TempDir root would fall back to a
// directory of the system.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "yixian-data-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// command is a call of the program in a clean environment: no setting of the machine leaks in, ports are free ones.
func command(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute) // a refusal that does not come must not hang the tests
	t.Cleanup(cancel)
	return commandUntil(ctx, t, env, args...)
}

// commandUntil is command for as long as ctx lasts.
func commandUntil(ctx context.Context, t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = folder(t) // the default data directory is ./data
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "PG_BIN=" + os.Getenv("PG_BIN"), "HOME=" + os.Getenv("HOME"), "LISTEN=127.0.0.1:0", "ADMIN_LISTEN=", "LOG_LEVEL=warn"}, env...)
	return cmd
}

// result is how a call ended.
type result struct {
	Out, Err string
	Code     int
}

func run(t *testing.T, args ...string) result { t.Helper(); return runWith(t, nil, args...) }

func runWith(t *testing.T, env []string, args ...string) result {
	t.Helper()
	return finish(t, command(t, env, args...))
}

func finish(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// is expects an exit code and gives the result back.
func (r result) is(t *testing.T, code int) result {
	t.Helper()
	require.Equal(t, code, r.Code, "stdout: %s\nstderr: %s", r.Out, r.Err)
	return r
}

// refusal expects one clear ending: exit code 1, the code or words asked for, both languages, and no stack.
func (r result) refusal(t *testing.T, words ...string) {
	t.Helper()
	r.is(t, 1)
	for _, w := range words {
		require.Contains(t, r.Err, w)
	}
	require.NotContains(t, r.Err, "goroutine ")
	require.NotContains(t, r.Err, "panic")
}

// server is `yixian serve`, running.
type server struct {
	t    *testing.T
	cmd  *exec.Cmd
	base string
	data string // where its files are (with --sandbox the folder of that name)
	end  chan struct{}
	errs *bytes.Buffer
}

// serve starts the program on a data directory and waits until it says where it listens. It runs as long as the test does: faults under load
// take longer than any command.
func serve(t *testing.T, env []string, data string, args ...string) *server {
	t.Helper()
	s := &server{t: t, cmd: commandUntil(t.Context(), t, env, append([]string{"serve", "--data=" + data}, args...)...), data: data, end: make(chan struct{}), errs: &bytes.Buffer{}}
	if strings.Contains(strings.Join(args, " "), "--sandbox") {
		s.data = filepath.Join(data, "sandbox")
	}
	out, err := s.cmd.StdoutPipe()
	require.NoError(t, err)
	s.cmd.Stderr = s.errs
	require.NoError(t, s.cmd.Start())
	t.Cleanup(func() { s.kill() })
	address := make(chan string, 1)
	go func() {
		defer close(s.end)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if _, rest, ok := strings.Cut(lines.Text(), "http://"); ok && len(address) == 0 {
				host, _, _ := strings.Cut(rest, "/")
				address <- "http://" + host
			}
		}
		_ = s.cmd.Wait()
	}()
	select {
	case s.base = <-address:
	case <-s.end:
		t.Fatalf("serve ended at its start: %s", s.errs)
	case <-time.After(patience):
		t.Fatal("serve did not start")
	}
	return s
}

// kill is kill -9.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	<-s.end
}

// interrupt is Ctrl-C; it gives the exit code.
func (s *server) interrupt() int {
	s.t.Helper()
	require.NoError(s.t, s.cmd.Process.Signal(syscall.SIGINT))
	select {
	case <-s.end:
	case <-time.After(patience):
		s.t.Fatal("Ctrl-C does not end the program")
	}
	return s.cmd.ProcessState.ExitCode()
}

// socket is the directory of the private PostgreSQL's socket, as its lock file names it.
func (s *server) socket() string {
	s.t.Helper()
	_, dir := s.lock()
	return dir
}

func (s *server) lock() (pid int, socket string) {
	s.t.Helper()
	raw, err := os.ReadFile(filepath.Join(s.data, "postgres", "yixian.lock"))
	require.NoError(s.t, err)
	first, rest, _ := strings.Cut(string(raw), "\n")
	pid, err = strconv.Atoi(first)
	require.NoError(s.t, err)
	return pid, strings.TrimSpace(rest)
}

// postgres is the process id of the private server.
func (s *server) postgres() int {
	s.t.Helper()
	raw, err := os.ReadFile(filepath.Join(s.data, "postgres", "data", "postmaster.pid"))
	require.NoError(s.t, err)
	first, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(first)
	require.NoError(s.t, err)
	return pid
}

type obj = map[string]any

type reply struct {
	Status int
	Body   obj
	Raw    string
	Header http.Header
}

// call sends one request; a connection that is refused is a status of 0.
func (s *server) call(method, path, token string, body any) reply {
	s.t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(s.t, err)
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, bytes.NewReader(raw))
	require.NoError(s.t, err)
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{Raw: err.Error()}
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	r := reply{Status: resp.StatusCode, Raw: string(text), Header: resp.Header, Body: obj{}}
	_ = json.Unmarshal(text, &r.Body)
	return r
}

// signIn gives the token of one of the sandbox's people.
func (s *server) signIn(name string) string {
	s.t.Helper()
	r := s.call("POST", "/api/v1/auth/login", "", obj{"username": name, "password": "sandbox-" + name})
	require.Equal(s.t, 200, r.Status, r.Raw)
	return r.Body["token"].(string)
}

// report submits as a grid worker and gives the case.
func (s *server) report(token string) (caseID string) {
	s.t.Helper()
	r := s.call("POST", "/api/v1/reports", token, obj{"text": "路面井盖松动，请尽快处理", "matter": "06010", "point": obj{"lon": 119.3080, "lat": 26.0875, "datum": "WGS84"}})
	require.Equal(s.t, 201, r.Status, r.Raw)
	return r.Body["case_id"].(string)
}

// eventually polls until what it is given holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("in vain: %s", what)
		}
	}
}

// alive reports whether a process is there and no zombie.
func alive(pid int) bool {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(raw), ") ")
	return !strings.HasPrefix(after, "Z")
}

// children are the processes that a process has started.
func children(t *testing.T, pid int) (out []int) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	for _, path := range all {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		_, after, _ := strings.Cut(string(raw), ") ")
		if f := strings.Fields(after); len(f) > 1 && f[1] == strconv.Itoa(pid) {
			child, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			require.NoError(t, err)
			out = append(out, child)
		}
	}
	return out
}

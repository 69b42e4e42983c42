// Package pgtest gives every test a real database of its own: a clone of a migrated template in a private
// cluster in memory, one cluster per test process. Nothing is mocked and nothing is shared, so all tests run in parallel.
package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"yixian/internal/local"
	"yixian/internal/pg"
)

// Database is one test's own database, signed in as each of the three roles.
type Database struct {
	App    *pg.DB // up to 8 connections
	Engine *pg.DB // up to 4
	Owner  *pg.DB // up to 2; row-level security is forced, so it sees no rows of a district either
	Name   string
}

// New clones the migrated template. The database goes when the test ends.
func New(t testing.TB) *Database {
	t.Helper()
	return start(t).clone(t, true)
}

// NewEmpty gives a database with roles and extension, but without any table.
func NewEmpty(t testing.TB) *Database {
	t.Helper()
	return start(t).clone(t, false)
}

// URL is the address of the database for a role: pg.RoleApp, pg.RoleEngine, pg.RoleOwner or local.Superuser.
func (d *Database) URL(role string) string { return shared.server.URLFor(role, d.Name) }

const (
	prefix   = "yixian-pgtest-"
	migrated = "template_migrated"
)

// cluster is the one of this process. Nothing stops it by hand: the kernel ends it with us, and a small
// shell removes its directory then.
type cluster struct {
	server   *local.Postgres
	admin    *pgxpool.Pool
	migrate  sync.Once
	migrated error
	number   sync.Mutex
	next     int
}

var (
	shared  *cluster
	failure error
	once    sync.Once
)

func start(t testing.TB) *cluster {
	t.Helper()
	once.Do(func() { shared, failure = newCluster() })
	if failure != nil {
		t.Fatalf("test cluster: %v", failure)
	}
	return shared
}

func newCluster() (*cluster, error) {
	base := "/dev/shm"
	if probe, err := os.MkdirTemp(base, prefix+"probe-"); err != nil {
		base = os.TempDir()
	} else {
		_ = os.Remove(probe)
	}
	sweep(base)
	dir, err := os.MkdirTemp(base, fmt.Sprintf("%s%d-", prefix, os.Getpid()))
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o711); err != nil { // root's server runs under another account and must walk through
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	server, err := local.StartPostgres(ctx, local.PostgresOptions{Dir: filepath.Join(dir, "pg"), RunDir: dir, Fast: true})
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	if err := removeAfterUs(dir, server.PID()); err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(server.URLFor(local.Superuser, local.Superuser))
	if err != nil {
		return nil, err
	}
	config.MaxConns = 4
	admin, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return &cluster{server: server, admin: admin}, nil
}

// removeAfterUs leaves a shell behind that waits on a pipe for our end, however it comes, then for the
// server's, and removes the directory: memory is not to be given away between two test runs.
func removeAfterUs(dir string, server int) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	const script = `read -r _; n=0; while kill -0 "$2" 2>/dev/null && [ $n -lt 100 ]; do sleep 0.05; n=$((n+1)); done; rm -rf "$1"`
	cmd := exec.Command("/bin/sh", "-c", script, "sh", dir, strconv.Itoa(server))
	cmd.Stdin = r
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the tests, not for the one who tidies up
	err = cmd.Start()
	_ = r.Close()
	if err != nil {
		_ = w.Close()
		return err
	}
	keepOpen = w
	go func() { _ = cmd.Wait() }()
	return nil
}

// keepOpen is the writing end that closes with us; a garbage-collected file would close too early.
var keepOpen *os.File //nolint:unused // held, not read

// sweep removes directories whose process is gone and whose lock is free (the shell was killed as well).
func sweep(base string) {
	found, _ := filepath.Glob(filepath.Join(base, prefix+"[0-9]*"))
	for _, dir := range found {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), prefix), "-")
		n, err := strconv.Atoi(pid)
		if err != nil || syscall.Kill(n, 0) == nil {
			continue
		}
		// Another PID namespace may share the directory: the lock knows better.
		if f, err := os.Open(filepath.Join(dir, "pg", "yixian.lock")); err == nil {
			held := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
			_ = f.Close()
			if held {
				continue
			}
		}
		_ = os.RemoveAll(dir)
	}
}

func (c *cluster) clone(t testing.TB, withSchema bool) *Database {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	template := pg.Database
	if withSchema {
		c.migrate.Do(func() { c.migrated = c.makeTemplate(ctx) })
		if c.migrated != nil {
			t.Fatalf("migrated template: %v", c.migrated)
		}
		template = migrated
	}
	c.number.Lock()
	c.next++
	d := &Database{Name: fmt.Sprintf("t%d", c.next)}
	c.number.Unlock()
	if err := c.create(ctx, d.Name, template); err != nil {
		t.Fatalf("clone: %v", err)
	}
	open := func(role string, conns int32) *pg.DB {
		db, err := pg.Open(ctx, pg.Config{URL: d.URL(role), MaxConns: conns, AppName: t.Name(), StatementTimeout: 30 * time.Second})
		if err != nil {
			t.Fatalf("open as %s: %v", role, err)
		}
		return db
	}
	d.App, d.Engine, d.Owner = open(pg.RoleApp, 8), open(pg.RoleEngine, 4), open(pg.RoleOwner, 2)
	t.Cleanup(func() {
		// A leaked connection must not hang the test that leaked it: FORCE ends it at the server, and Close,
		// which waits for it, goes on by itself.
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, err := c.admin.Exec(ctx, "drop database if exists "+d.Name+" with (force)"); err != nil {
			t.Errorf("drop %s: %v", d.Name, err)
		}
		for _, db := range []*pg.DB{d.App, d.Engine, d.Owner} {
			go db.Close()
		}
	})
	return d
}

// create copies a template. Without fsync a checkpoint costs nothing, so FILE_COPY takes half the time of WAL_LOG
// (BenchmarkClone).
func (c *cluster) create(ctx context.Context, name, template string) error {
	_, err := c.admin.Exec(ctx, "create database "+name+" template "+template+" owner "+pg.RoleOwner+" strategy file_copy")
	return err
}

func (c *cluster) makeTemplate(ctx context.Context) error {
	if err := c.create(ctx, migrated, pg.Database); err != nil {
		return err
	}
	return pg.Migrate(ctx, c.server.URLFor(pg.RoleOwner, migrated))
}

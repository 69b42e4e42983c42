// Package local owns the servers a single machine brings along: a private PostgreSQL cluster and a private
// redis-server (miniredis when there is none). Both live behind Unix sockets in a 0700 directory, end with
// us and come back when they die. It does not own the schema (migrations, internal/pg) nor the choice
// between these servers and a DATABASE_URL (internal/app).
package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"yixian/internal/pg"
)

const (
	Database  = pg.Database // the database of the program
	Superuser = "postgres"  // only for bootstrap and tests; the program signs in as a role of internal/pg

	systemDir = "/var/lib/yixian" // where root keeps data when the wanted place is closed to the server's account
)

// PostgresOptions says where the cluster lives.
type PostgresOptions struct {
	Dir    string // our directory; made when missing, refused when it holds anything not ours
	RunDir string // parent of the socket directory; empty: the runtime or temporary directory
	Fast   bool   // for tests: no fsync, many connections, ends without a checkpoint
	Bin    string // directory of the server programs; empty: $PG_BIN, then a search
	Log    *slog.Logger

	fallback string // tests: instead of systemDir
}

// Postgres is a running private cluster.
type Postgres struct {
	Dir   string // the directory in use; differs from the wanted one when root had to move it
	Major int    // major version of the server

	socket  string
	process *process
	lock    *os.File
}

// StartPostgres brings the cluster up: it makes it on the first start (about 0.9 s, later 0.1 s), takes the lock,
// ends the orphan of a killed predecessor, starts the server and prepares roles, database and
// extension (pg.Bootstrap). Refusals are fault errors of this package's codes.
func StartPostgres(ctx context.Context, o PostgresOptions) (_ *Postgres, err error) {
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	bin, who, dir, err := o.place(ctx, log)
	if err != nil {
		return nil, err
	}
	if err := makeDir(dir); err != nil {
		return nil, noAccess(dir, err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	p := &Postgres{Dir: dir, Major: bin.major, lock: lock}
	defer func() {
		if err != nil {
			p.release()
		}
	}()
	if err := who.own(dir); err != nil { // only now: it is certain that the directory is ours
		return nil, noAccess(dir, err)
	}
	if _, old := readLock(lock.Name()); strings.HasPrefix(filepath.Base(old), "yx-") {
		defer func() { _ = os.RemoveAll(old) }() // after endOrphan: its socket goes with it
	}
	data := filepath.Join(dir, dataName)
	if err := endOrphan(ctx, who, data, log); err != nil {
		return nil, err
	}
	if _, err := os.Stat(data); errors.Is(err, os.ErrNotExist) {
		log.Info("making the database cluster", slog.String("dir", data), slog.Int("major", bin.major))
		if err := initCluster(ctx, dir, who, bin, o.Fast, log); err != nil {
			return nil, err
		}
	}
	if p.socket, err = socketDir(ctx, who, bin.path("postgres"), o.RunDir, ".s.PGSQL.5432"); err != nil {
		return nil, err
	}
	if err := writeLock(lock, p.socket); err != nil {
		return nil, noAccess(dir, err)
	}
	if err := p.launch(ctx, who, bin, o.Fast, log); err != nil {
		return nil, err
	}
	if err := pg.Bootstrap(ctx, p.URLFor(Superuser, Superuser), Database); err != nil {
		_ = p.process.stop(context.WithoutCancel(ctx))
		if errors.Is(err, pg.ErrNoTrigram) {
			err = refuse(CodeNoTrigram, "PostgreSQL 缺少扩展 pg_trgm 或 btree_gist；请安装 postgresql-contrib（与服务器同版本）。",
				"PostgreSQL lacks the extension pg_trgm or btree_gist; install postgresql-contrib of the server's version.").Because(err)
		}
		return nil, err
	}
	return p, nil
}

// place chooses programs, account and directory: each depends on the cluster that may be there already.
func (o PostgresOptions) place(ctx context.Context, log *slog.Logger) (bin binaries, who account, dir string, err error) {
	if dir, err = filepath.Abs(o.Dir); err != nil {
		return bin, who, dir, err
	}
	explicit := o.Bin
	if explicit == "" {
		explicit = os.Getenv("PG_BIN")
	}
	if who, err = accountFor(filepath.Join(dir, dataName), "postgres", "nobody"); err != nil {
		return bin, who, dir, refuse(CodeNoAccess, "PostgreSQL 不能以 root 运行，而本机没有 postgres 或 nobody 用户；请以普通用户启动。",
			"PostgreSQL does not run as root and there is no account postgres or nobody here; start as an ordinary user.").Because(err)
	}
	// The probe needs a program the account may run; any will do, but "postgres" is what it must run anyway.
	want, err := majorOf(dir)
	if err != nil {
		return bin, who, dir, err
	}
	if bin, err = findBinaries(ctx, explicit, want); err != nil || who.reaches(ctx, bin.path("postgres"), dir) {
		return bin, who, dir, err
	}
	if !who.reaches(ctx, bin.path("postgres"), "/") {
		return bin, who, dir, refuse(CodeNoAccess,
			fmt.Sprintf("用户 %d 不能执行 %s；请把 PostgreSQL 装在所有用户可读的位置。", who.uid, bin.path("postgres")),
			fmt.Sprintf("User %d may not run %s; install PostgreSQL where every user can read it.", who.uid, bin.path("postgres")))
	}
	wanted := dir
	system := systemDir
	if o.fallback != "" {
		system = o.fallback
	}
	// One folder per wanted path: two checkouts of root must not share their data.
	dir = filepath.Join(system, strings.ReplaceAll(strings.Trim(wanted, "/"), "/", "-"))
	log.Warn("the database account cannot reach the data directory (a parent is closed to it); using another one",
		slog.String("wanted", wanted), slog.String("using", dir))
	if who, err = accountFor(filepath.Join(dir, dataName), "postgres", "nobody"); err != nil {
		return bin, who, dir, err
	}
	if want, err = majorOf(dir); err == nil && want != 0 && want != bin.major {
		bin, err = findBinaries(ctx, explicit, want)
	}
	return bin, who, dir, err
}

// launch starts the server and waits until it answers.
func (p *Postgres) launch(ctx context.Context, who account, bin binaries, fast bool, log *slog.Logger) error {
	data := filepath.Join(p.Dir, dataName)
	args := append([]string{"-D", data, "-k", p.socket}, settings(fast)...)
	p.process = &process{name: "postgres", log: log, onDie: syscall.SIGINT,
		onStop: []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT},
		build: func() *exec.Cmd {
			cmd := exec.Command(bin.path("postgres"), args...)
			who.dress(cmd)
			cmd.Dir, cmd.Env = p.Dir, environment()
			return cmd
		}}
	if fast {
		p.process.onDie, p.process.onStop = syscall.SIGQUIT, []syscall.Signal{syscall.SIGQUIT}
	}
	// Backends of a killed server may hold its shared memory for a moment; PostgreSQL refuses until they end.
	for deadline := time.Now().Add(10 * time.Second); ; {
		err := p.process.start()
		if err == nil {
			err = p.awaitReady(ctx)
		}
		if err == nil {
			p.process.settle()
			return nil
		}
		words := p.process.lastWords()
		if strings.Contains(words, "pre-existing shared memory block") && time.Now().Before(deadline) && ctx.Err() == nil {
			time.Sleep(200 * time.Millisecond)
			p.process.forget()
			continue
		}
		if ctx.Err() != nil {
			_ = p.process.stop(context.WithoutCancel(ctx))
			return ctx.Err()
		}
		return refuse(CodeNotStarted, "PostgreSQL 没有启动成功；它的最后几行输出见下。", "PostgreSQL did not start; its last words follow.").
			Because(fmt.Errorf("%w: %s", err, words))
	}
}

// awaitReady waits until the server answers a query; recovery after a kill may take a while.
func (p *Postgres) awaitReady(ctx context.Context) error {
	for {
		conn, err := pgx.Connect(ctx, p.URLFor(Superuser, Superuser))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-p.process.died:
			return errors.New("the server ended")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// URL is the address of the program's database for a role, for example pg.App.
func (p *Postgres) URL(role string) string { return p.URLFor(role, Database) }

// URLFor is the address of any database of the cluster.
func (p *Postgres) URLFor(role, database string) string { return dsn(p.socket, role, database) }

// PID is the process id of the running server; it changes when the server had to be started again.
func (p *Postgres) PID() int { return p.process.pid() }

// Stop ends the server cleanly (at once when ctx ends) and gives the directory free.
func (p *Postgres) Stop(ctx context.Context) error {
	err := p.process.stop(ctx)
	p.release()
	return err
}

func (p *Postgres) release() {
	if p.socket != "" {
		_ = os.RemoveAll(p.socket)
	}
	_ = p.lock.Close() // gives the flock back
}

// settings are passed on the command line: they follow the program, not the day the cluster was made. They
// fit two cores and a small machine; a larger one has a DATABASE_URL.
func settings(fast bool) []string {
	set := []string{
		"listen_addresses=", "unix_socket_permissions=0700", "timezone=UTC", "log_timezone=UTC",
		"max_connections=80", "shared_buffers=128MB", "work_mem=8MB", "maintenance_work_mem=64MB",
		"effective_cache_size=512MB", "random_page_cost=1.1", "jit=off", "huge_pages=off",
		"max_worker_processes=4", "max_parallel_workers=2", "max_parallel_workers_per_gather=0",
		"max_wal_size=512MB", "checkpoint_timeout=15min", "wal_compression=on",
		"autovacuum_max_workers=2", "autovacuum_naptime=20s", "autovacuum_vacuum_scale_factor=0.05",
		// Statements and their details may hold personal data: only the server's own notes are logged.
		"log_min_messages=log", "log_min_error_statement=panic", "log_error_verbosity=terse",
		"log_checkpoints=off", "log_autovacuum_min_duration=-1",
	}
	if fast {
		set = append(set, "fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0",
			"max_connections=400", "shared_buffers=64MB", "autovacuum=off", "max_wal_size=2GB", "wal_compression=off",
			"dynamic_shared_memory_type=mmap") // in the data directory, so that nothing outlives it
	}
	args := make([]string, 0, 2*len(set))
	for _, s := range set {
		args = append(args, "-c", s)
	}
	return args
}

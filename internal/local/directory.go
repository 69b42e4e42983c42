package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"yixian/internal/pg"
)

// The layout of our directory. The lock file comes first, so whatever lies beside it is ours; a cluster is
// made under a temporary name and renamed when complete, so "data" is never half of one.
//
//	yixian.lock   held by flock while we live; holds our process id and the socket directory
//	data/         the cluster (PGDATA)
//	init-*/       an initdb that did not finish; removed by the next start
const (
	lockName   = "yixian.lock"
	dataName   = "data"
	initPrefix = "init-"
)

// lockDir takes the directory or refuses with the reason.
func lockDir(dir string) (*os.File, error) {
	path := filepath.Join(dir, lockName)
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		if err := mustBeEmpty(dir); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, noAccess(dir, err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		pid, socket := readLock(path)
		_ = f.Close()
		url := dsn(socket, pg.RoleApp, Database)
		return nil, refuse(CodeRunning,
			fmt.Sprintf("数据目录 %s 已有一个实例在运行（进程 %d）；请先停止它，或用 DATABASE_URL=%s 连接它。", dir, pid, url),
			fmt.Sprintf("An instance is already running on %s (process %d); stop it, or use it with DATABASE_URL=%s.", dir, pid, url)).
			With("url", url).With("socket", socket)
	}
	if err != nil {
		_ = f.Close()
		return nil, noAccess(dir, err)
	}
	return f, nil
}

func mustBeEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return noAccess(dir, err)
	}
	for _, e := range entries {
		if e.Name() == "lost+found" { // a fresh volume
			continue
		}
		return refuse(CodeForeignDir,
			fmt.Sprintf("目录 %s 不是空的，也不是一线建立的数据目录；未作任何改动。请换一个空目录；若其中是您自己的 PostgreSQL 数据，请启动它并设置 DATABASE_URL。", dir),
			fmt.Sprintf("Directory %s is not empty and was not made by Yixian; nothing was changed. Choose an empty one; if it holds a PostgreSQL of your own, start that and set DATABASE_URL.", dir))
	}
	return nil
}

func noAccess(dir string, err error) error {
	return refuse(CodeNoAccess,
		fmt.Sprintf("当前用户不能写数据目录 %s。请换一个可写的目录，或把它的属主改为当前用户（chown -R）。", dir),
		fmt.Sprintf("The current user cannot write the data directory %s. Choose a writable one, or make the current user its owner (chown -R).", dir)).
		Because(err)
}

func readLock(path string) (pid int, socket string) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, ""
	}
	first, rest, _ := strings.Cut(string(b), "\n")
	pid, _ = strconv.Atoi(first)
	return pid, strings.TrimSpace(rest)
}

func writeLock(f *os.File, socket string) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt(fmt.Appendf(nil, "%d\n%s\n", os.Getpid(), socket), 0)
	return err
}

// majorOf returns the major version of the cluster in dir, 0 when there is none yet.
func majorOf(dir string) (int, error) {
	b, err := os.ReadFile(filepath.Join(dir, dataName, "PG_VERSION"))
	if err == nil {
		return number(string(b)), nil
	}
	if _, statErr := os.Lstat(filepath.Join(dir, dataName)); errors.Is(statErr, os.ErrNotExist) {
		return 0, nil
	}
	if errors.Is(err, os.ErrNotExist) {
		// "data" only ever appears complete: somebody else put or damaged it, and it is not ours to clear.
		return 0, refuse(CodeForeignDir,
			fmt.Sprintf("目录 %s 不是完整的 PostgreSQL 数据目录（缺 PG_VERSION）；未作任何改动。请从备份恢复它，或换一个空目录。", filepath.Join(dir, dataName)),
			fmt.Sprintf("%s is not a complete PostgreSQL data directory (no PG_VERSION); nothing was changed. Restore it from a backup, or choose an empty directory.", filepath.Join(dir, dataName)))
	}
	return 0, noAccess(dir, err)
}

// initCluster makes the cluster in dir/data.
func initCluster(ctx context.Context, dir string, who account, bin binaries, fast bool, log *slog.Logger) error {
	left, _ := filepath.Glob(filepath.Join(dir, initPrefix+"*"))
	for _, old := range left {
		log.Info("removing an unfinished initdb", slog.String("dir", old))
		_ = os.RemoveAll(old) // a straggler of the killed initdb may still write; the new one has another name
	}
	made, err := os.MkdirTemp(dir, initPrefix)
	if err != nil {
		return noAccess(dir, err)
	}
	if err := who.own(made); err != nil {
		return noAccess(dir, err)
	}
	args := []string{"-D", made, "-U", Superuser, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"}
	if fast {
		args = append(args, "--no-sync")
	}
	if out, err := runOnce(ctx, who, dir, bin.path("initdb"), args...); err != nil {
		_ = os.RemoveAll(made)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return refuse(CodeNotStarted, "initdb 没有成功，目录已还原；原因见下。", "initdb failed, the directory is as before; its words follow.").
			Because(fmt.Errorf("%w: %s", err, strings.TrimSpace(out)))
	}
	if err := os.Rename(made, filepath.Join(dir, dataName)); err != nil {
		return noAccess(dir, err)
	}
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync() // makes the rename durable; not every file system offers it
		_ = d.Close()
	}
	return nil
}

// runOnce runs a program to its end on a locked thread, so that it dies with us.
func runOnce(ctx context.Context, who account, dir, program string, args ...string) (string, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, program, args...)
	who.dress(cmd)
	dieWithParent(cmd, syscall.SIGKILL)
	cmd.Dir, cmd.Env = dir, environment()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// environment is ours without what would change a server behind our back.
func environment() []string {
	var env []string
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "PG") || strings.HasPrefix(kv, "LC_") || strings.HasPrefix(kv, "LANG") || strings.HasPrefix(kv, "TZ=") {
			continue
		}
		env = append(env, kv)
	}
	return append(env, "LC_ALL=C.UTF-8", "TZ=UTC")
}

// endOrphan ends a server that outlived its parent (no parent-death signal there, or still shutting down).
// A postmaster.pid without a living server is made void: see voidPID.
func endOrphan(ctx context.Context, who account, data string, log *slog.Logger) error {
	b, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return nil //nolint:nilerr // no file, no server
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 {
		return nil //nolint:nilerr // it names no process
	}
	for round := 0; isPostmaster(ctx, pid, data); round++ {
		switch round {
		case 0:
			log.Info("ending the server of a killed instance", slog.Int("pid", pid))
			_ = syscall.Kill(pid, syscall.SIGINT)
		case 250:
			_ = syscall.Kill(pid, syscall.SIGQUIT)
		case 500:
			return refuse(CodeRunning,
				fmt.Sprintf("上一个实例留下的 PostgreSQL（进程 %d）没有结束；请结束它后再启动。", pid),
				fmt.Sprintf("The PostgreSQL of a former instance (process %d) does not end; end it and start again.", pid))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return voidPID(who, data)
}

// voidPID writes our own process id into a postmaster.pid whose server is gone. PostgreSQL takes any living
// process of the same user under that number for the old server and would refuse for ever — a zombie that
// nobody collects, or, after a container came back, whoever got the number — but it exempts its parent. The
// file is not removed: it names the shared memory by which PostgreSQL finds backends that still live.
func voidPID(who account, data string) error {
	path := filepath.Join(data, "postmaster.pid")
	b, err := os.ReadFile(path)
	if err != nil {
		return nil //nolint:nilerr // a clean end removed it
	}
	_, rest, _ := strings.Cut(string(b), "\n")
	next := path + ".void"
	if err := os.WriteFile(next, fmt.Appendf(nil, "%d\n%s", os.Getpid(), rest), 0o600); err != nil {
		return noAccess(data, err)
	}
	if err := who.own(next); err != nil {
		return noAccess(data, err)
	}
	return os.Rename(next, path)
}

// isPostmaster guards against a process id that was given to somebody else since.
func isPostmaster(ctx context.Context, pid int, data string) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil && runtime.GOOS != "linux" {
		line, err = exec.CommandContext(ctx, "ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	}
	if err != nil {
		return false
	}
	return strings.Contains(string(line), "postgres") && strings.Contains(string(line), data)
}

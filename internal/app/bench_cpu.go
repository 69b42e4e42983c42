package app

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// clockTick is what /proc/<pid>/stat counts in: USER_HZ, 100 per second on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// cpuOf is the CPU time (user and system) that a process has used so far: schedstat of its threads in nanoseconds,
// where the kernel keeps none /proc/<pid>/stat in ticks. A thread that ends takes its share along, which is why both
// ends of a measurement must see the same threads; Go and PostgreSQL keep theirs.
func cpuOf(pid int) (time.Duration, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err == nil && len(threads) > 0 {
		var sum time.Duration
		for _, path := range threads {
			raw, err := os.ReadFile(path)
			if err != nil {
				continue // the thread has just ended
			}
			first, _, _ := strings.Cut(string(raw), " ")
			ns, err := strconv.ParseInt(first, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", path, err)
			}
			sum += time.Duration(ns)
		}
		if sum > 0 {
			return sum, nil
		}
	}
	fields, err := statOf(pid)
	if err != nil {
		return 0, err
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("/proc/%d/stat: not two numbers: %s %s", pid, fields[11], fields[12])
	}
	return time.Duration(user+system) * clockTick, nil
}

// statOf gives the fields of /proc/<pid>/stat after the name in brackets, which may itself hold spaces.
func statOf(pid int) ([]string, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	if len(fields) < 13 {
		return nil, fmt.Errorf("/proc/%d/stat: %d fields", pid, len(fields))
	}
	return fields, nil
}

// childrenOf lists the direct children of a process.
func childrenOf(pid int) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var out []int
	for _, e := range entries {
		child, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if fields, err := statOf(child); err == nil && fields[1] == strconv.Itoa(pid) {
			out = append(out, child)
		}
	}
	return out, nil
}

// cpuMeter reads what each part of the installation has used. Backends are told apart by the names that the pools give
// themselves; what PostgreSQL does by itself (writers, checkpoints, vacuum) is background.
type cpuMeter struct {
	admin          *pgx.Conn // superuser: sees every backend
	server, engine int       // process ids of `yixian serve --role=api` and `--role=engine`
}

// cpuTimes is one reading.
type cpuTimes struct {
	App        time.Duration // API process and its redis-server
	Web        time.Duration // its PostgreSQL backends
	Bare       time.Duration // backends of the bare statement
	Same       time.Duration // backends that run a submission's statement by itself
	Engine     time.Duration // engine process, its redis-server and its backends
	Background time.Duration
}

func (m *cpuMeter) read(ctx context.Context) (t cpuTimes, err error) {
	for _, p := range []struct {
		pid  int
		into *time.Duration
	}{{m.server, &t.App}, {m.engine, &t.Engine}} {
		children, err := childrenOf(p.pid)
		if err != nil {
			return t, err
		}
		for _, pid := range append(children, p.pid) {
			used, err := cpuOf(pid)
			if err != nil {
				return t, err
			}
			*p.into += used
		}
	}
	rows, err := m.admin.Query(ctx, "select pid, coalesce(application_name, ''), backend_type from pg_stat_activity where pid <> pg_backend_pid()")
	if err != nil {
		return t, err
	}
	defer rows.Close()
	for rows.Next() {
		var pid int
		var name, kind string
		if err := rows.Scan(&pid, &name, &kind); err != nil {
			return t, err
		}
		used, err := cpuOf(pid)
		if err != nil {
			continue // it has just ended
		}
		switch {
		case kind != "client backend":
			t.Background += used
		case name == bareName:
			t.Bare += used
		case name == sameName:
			t.Same += used
		case name == webName:
			t.Web += used
		default:
			t.Engine += used
		}
	}
	return t, rows.Err()
}

func (t cpuTimes) minus(o cpuTimes) cpuTimes {
	return cpuTimes{t.App - o.App, t.Web - o.Web, t.Bare - o.Bare, t.Same - o.Same, t.Engine - o.Engine, t.Background - o.Background}
}

func (t cpuTimes) plus(o cpuTimes) cpuTimes {
	return cpuTimes{t.App + o.App, t.Web + o.Web, t.Bare + o.Bare, t.Same + o.Same, t.Engine + o.Engine, t.Background + o.Background}
}

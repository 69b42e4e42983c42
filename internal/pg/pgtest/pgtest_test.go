package pgtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"yixian/internal/pg"
)

func TestEveryTestHasItsOwnDatabase(t *testing.T) {
	t.Parallel()
	for range 12 {
		t.Run("clone", func(t *testing.T) {
			t.Parallel()
			d := New(t)
			ctx := t.Context()
			_, err := d.Owner.Pool.Exec(ctx, "create table mine (id int primary key)")
			require.NoError(t, err, "another test's table would be in the way")
			version, err := d.App.SchemaVersion(ctx)
			require.NoError(t, err)
			expected, err := pg.ExpectedVersion()
			require.NoError(t, err)
			require.Equal(t, expected, version)
			require.Positive(t, version)
		})
	}
}

func TestRolesAreWhoTheySay(t *testing.T) {
	t.Parallel()
	d := New(t)
	for role, db := range map[string]*pg.DB{pg.RoleApp: d.App, pg.RoleEngine: d.Engine, pg.RoleOwner: d.Owner} {
		var name string
		var strong bool
		require.NoError(t, db.Pool.QueryRow(t.Context(), `select current_user, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb
			from pg_roles where rolname = current_user`).Scan(&name, &strong))
		require.Equal(t, role, name)
		require.False(t, strong)
	}
	for _, db := range []*pg.DB{d.App, d.Engine} {
		_, err := db.Pool.Exec(t.Context(), "create table intruder (id int)")
		require.ErrorContains(t, err, "permission denied")
		_, err = db.Pool.Exec(t.Context(), `insert into river_queue (name, updated_at) values ($1, now())`, db.URL)
		require.NoError(t, err, "both roles work with the job tables")
	}
}

func TestTheDatabaseGoesWithTheTest(t *testing.T) {
	t.Parallel()
	var name string
	t.Run("inner", func(t *testing.T) {
		d := NewEmpty(t)
		name = d.Name
		conn, err := d.App.Pool.Acquire(t.Context()) // never released: the drop must not wait for it
		require.NoError(t, err)
		t.Cleanup(func() { go conn.Release() })
	})
	var left int
	require.NoError(t, shared.admin.QueryRow(t.Context(), "select count(*) from pg_database where datname = $1", name).Scan(&left))
	require.Zero(t, left)
}

// TestSweep needs a process id that is certainly dead: that of a child we have waited for.
func TestSweep(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	child := exec.Command("true")
	require.NoError(t, child.Run())
	dead := filepath.Join(base, prefix+strconv.Itoa(child.Process.Pid)+"-1")
	alive := filepath.Join(base, prefix+strconv.Itoa(os.Getpid())+"-1")
	other := filepath.Join(base, "somebody-else")
	for _, dir := range []string{dead, alive, other} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "pg"), 0o700))
	}
	sweep(base)
	require.NoDirExists(t, dead)
	require.DirExists(t, alive)
	require.DirExists(t, other)
}

func BenchmarkClone(b *testing.B) {
	c := start(b)
	New(b)
	for _, strategy := range []string{"wal_log", "file_copy"} {
		b.Run(strategy, func(b *testing.B) {
			for b.Loop() {
				_, err := c.admin.Exec(b.Context(), "create database bench template "+migrated+" owner "+pg.RoleOwner+" strategy "+strategy)
				require.NoError(b, err)
				b.StopTimer()
				_, err = c.admin.Exec(b.Context(), "drop database bench with (force)")
				require.NoError(b, err)
				b.StartTimer()
			}
		})
	}
	b.Run("parallel_with_drop", func(b *testing.B) {
		var n atomic.Int64
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				name := "bench" + strconv.FormatInt(n.Add(1), 10)
				require.NoError(b, c.create(b.Context(), name, migrated))
				_, err := c.admin.Exec(b.Context(), "drop database "+name+" with (force)")
				require.NoError(b, err)
			}
		})
	})
}

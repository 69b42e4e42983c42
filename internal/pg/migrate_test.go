package pg_test

import (
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/pg/pgtest"
)

func file(sql string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("-- +goose Up\n" + sql)}
}

func TestMigrateManyAtOnceThenNewerThenOlder(t *testing.T) {
	t.Parallel()
	d := pgtest.NewEmpty(t)
	ctx, owner := t.Context(), d.URL(pg.RoleOwner)
	first := fstest.MapFS{"00001_one.sql": file("create table one (id int);")}
	errs := make([]error, 4)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = pg.MigrateFS(ctx, owner, first) })
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(t, err, "one works, the others wait")
	}
	version := func() int64 {
		v, err := d.App.SchemaVersion(ctx)
		require.NoError(t, err)
		return v
	}
	require.EqualValues(t, 1, version())

	second := fstest.MapFS{"00001_one.sql": first["00001_one.sql"], "00002_two.sql": file("create table two (id int);"),
		"00003_bad.sql": file("create table three (id int); select no_such_function();")}
	require.ErrorContains(t, pg.MigrateFS(ctx, owner, second), "no_such_function")
	require.EqualValues(t, 2, version(), "what was complete stays, what failed left nothing")
	var half bool
	require.NoError(t, d.Owner.Pool.QueryRow(ctx, "select to_regclass('three') is not null").Scan(&half))
	require.False(t, half)

	second["00003_bad.sql"] = file("create table three (id int);")
	require.NoError(t, pg.MigrateFS(ctx, owner, second))
	require.EqualValues(t, 3, version())

	// A later program brings a number below the highest one: it is applied all the same.
	between := fstest.MapFS{"00001_one.sql": second["00001_one.sql"], "00003_bad.sql": second["00003_bad.sql"]}
	other := pgtest.NewEmpty(t)
	require.NoError(t, pg.MigrateFS(ctx, other.URL(pg.RoleOwner), between))
	require.NoError(t, pg.MigrateFS(ctx, other.URL(pg.RoleOwner), second))
	require.NoError(t, other.Owner.Pool.QueryRow(ctx, "select to_regclass('two') is not null").Scan(&half))
	require.True(t, half, "number 2 came after number 3")

	err := pg.MigrateFS(ctx, owner, first)
	require.True(t, fault.Is(err, pg.CodeSchemaNewer), "an old program met a newer schema: %v", err)
}

func TestMigrateNeedsTheOwner(t *testing.T) {
	t.Parallel()
	d := pgtest.NewEmpty(t)
	require.ErrorContains(t, pg.Migrate(t.Context(), d.URL(pg.RoleApp)), "permission denied")
}

func TestCheckSchemaAndStatus(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	empty, full := pgtest.NewEmpty(t), pgtest.New(t)
	expected, err := pg.ExpectedVersion()
	require.NoError(t, err)

	require.NoError(t, full.App.CheckSchema(ctx))
	require.NoError(t, full.Engine.CheckSchema(ctx))
	require.True(t, fault.Is(empty.App.CheckSchema(ctx), pg.CodeSchemaOlder))

	status, err := pg.MigrationStatus(ctx, full.URL(pg.RoleApp))
	require.NoError(t, err)
	require.Equal(t, pg.Status{Database: expected, Binary: expected}, status)
	status, err = pg.MigrationStatus(ctx, empty.URL(pg.RoleApp))
	require.NoError(t, err)
	require.Zero(t, status.Database)
	require.Equal(t, expected, status.Binary)
	require.NotEmpty(t, status.Pending)

	_, err = full.Owner.Pool.Exec(ctx, "insert into goose_db_version (version_id, is_applied) values (40, false)")
	require.NoError(t, err)
	require.True(t, fault.Is(full.App.CheckSchema(ctx), pg.CodeSchemaOlder), "one below the highest is missing")
	status, err = pg.MigrationStatus(ctx, full.URL(pg.RoleApp))
	require.NoError(t, err)
	require.Equal(t, pg.Status{Database: expected, Binary: expected, Pending: []string{"00040_ring"}}, status)
	_, err = full.Owner.Pool.Exec(ctx, "delete from goose_db_version where version_id = 40 and not is_applied")
	require.NoError(t, err)
	_, err = full.Owner.Pool.Exec(ctx, "insert into goose_db_version (version_id, is_applied) values (99999, true)")
	require.NoError(t, err)
	require.True(t, fault.Is(full.App.CheckSchema(ctx), pg.CodeSchemaNewer))
	require.True(t, fault.Is(pg.Migrate(ctx, full.URL(pg.RoleOwner)), pg.CodeSchemaNewer))
	_, err = full.Owner.Pool.Exec(ctx, "insert into goose_db_version (version_id, is_applied) values (99999, false)")
	require.NoError(t, err)
	require.NoError(t, full.App.CheckSchema(ctx), "a version taken back does not count")
}

package pg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"yixian/internal/fault"
	"yixian/migrations"
)

// Codes of a schema that does not fit the program.
const (
	CodeSchemaNewer = "SCHEMA_NEWER"
	CodeSchemaOlder = "SCHEMA_OLDER"
)

// migrationLock is the advisory lock under which only one program changes the schema ("yixian" in ASCII).
const migrationLock = 0x79697869616e

// Status compares the schema of a database with what this program brings.
type Status struct {
	Database int64    // highest version of the schema, 0 for an empty database
	Binary   int64    // highest version this program expects
	Pending  []string // file names not applied yet, whatever their number
}

// Migrate brings the schema to this program's version: River's tables, then migrations/*.sql, then the rights on
// River's tables and on the version table. ownerURL signs in as the owner (for a single login add
// "?role=yixian_owner"). Several programs may start at once: one works, the others wait and find nothing to
// do. A schema newer than the program is refused.
func Migrate(ctx context.Context, ownerURL string) error {
	return MigrateFS(ctx, ownerURL, migrations.FS)
}

// MigrateFS is Migrate with the files of another file system.
func MigrateFS(ctx context.Context, ownerURL string, files fs.FS) error {
	config, err := pgxpool.ParseConfig(ownerURL)
	if err != nil {
		return fmt.Errorf("database address: %w", err)
	}
	config.MaxConns = 3
	config.ConnConfig.RuntimeParams["application_name"] = "yixian migrate"
	config.ConnConfig.OnNotice = func(*pgconn.PgConn, *pgconn.Notice) {}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	// The lock belongs to this connection and goes with it, however we end.
	locked, err := pool.Acquire(ctx)
	if err != nil {
		return Fault(err)
	}
	defer func() { _ = locked.Conn().Close(context.WithoutCancel(ctx)); locked.Release() }()
	if _, err := locked.Exec(ctx, "select pg_advisory_lock($1)", int64(migrationLock)); err != nil {
		return Fault(err)
	}
	expected, err := versionOf(files)
	if err != nil {
		return err
	}
	have, err := appliedTo(ctx, locked)
	if err != nil {
		return Fault(err)
	}
	if highest(have) > expected {
		return newer(highest(have), expected)
	}
	missing, err := missingOf(files, have)
	if err != nil {
		return err
	}
	if err := migrateRiver(ctx, pool); err != nil {
		return err
	}
	if len(missing) > 0 {
		if err := up(ctx, pool, files); err != nil {
			return err
		}
	}
	if _, err := locked.Exec(ctx, grantsSQL); err != nil {
		return fmt.Errorf("rights on the job tables: %w", err)
	}
	return nil
}

func migrateRiver(ctx context.Context, pool *pgxpool.Pool) error {
	river, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if _, err := river.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("job tables: %w", err)
	}
	return nil
}

func up(ctx context.Context, pool *pgxpool.Pool, files fs.FS) error {
	db := stdlib.OpenDBFromPool(pool)
	defer func() { _ = db.Close() }()
	// Out of order: missingOf says why.
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithAllowOutofOrder(true))
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// grantsSQL gives both working roles River's tables. PostgreSQL checks ownership, not rights, for REINDEX.
const grantsSQL = `
do $$
declare t record;
begin
	for t in select c.oid::regclass as name, c.relkind from pg_class c
		where c.relnamespace = current_schema()::regnamespace and c.relname like 'river\_%' and c.relkind in ('r', 'p', 'S')
	loop
		if t.relkind = 'S' then
			execute format('grant usage, select on sequence %s to ` + RoleApp + `, ` + RoleEngine + `', t.name);
		else
			execute format('grant select, insert, update, delete on %s to ` + RoleApp + `, ` + RoleEngine + `', t.name);
		end if;
	end loop;
	if to_regclass('goose_db_version') is not null then
		grant select on goose_db_version to ` + RoleApp + `, ` + RoleEngine + `;
	end if;
end $$`

// ExpectedVersion is the schema version this program was built for.
func ExpectedVersion() (int64, error) { return versionOf(migrations.FS) }

func versionOf(files fs.FS) (int64, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return 0, err
	}
	var last int64
	for _, name := range names {
		v, err := goose.NumericComponent(name)
		if err != nil {
			return 0, err
		}
		last = max(last, v)
	}
	return last, nil
}

type queryer interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// appliedTo reads goose's table; a version that was taken back does not count.
func appliedTo(ctx context.Context, q queryer) (versions []int64, err error) {
	err = q.QueryRow(ctx, `select coalesce(array_agg(distinct version_id), '{}') from goose_db_version g where is_applied
		and not exists (select from goose_db_version l where l.version_id = g.version_id and l.id > g.id and not l.is_applied)`).Scan(&versions)
	var answer *pgconn.PgError
	if errors.As(err, &answer) && answer.Code == "42P01" { // no such table: an empty database
		return nil, nil
	}
	return versions, err
}

func highest(versions []int64) int64 { return slices.Max(append(versions, 0)) }

// missingOf names the files that a schema lacks. Capabilities own ranges of numbers, so it may lack one below its highest: the
// highest number alone says nothing.
func missingOf(files fs.FS, have []int64) (names []string, err error) {
	all, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	for _, name := range all {
		v, err := goose.NumericComponent(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(have, v) {
			names = append(names, strings.TrimSuffix(name, ".sql"))
		}
	}
	return names, nil
}

// SchemaVersion is the highest version of the schema the pool is connected to, 0 before the first migration.
func (db *DB) SchemaVersion(ctx context.Context) (int64, error) {
	have, err := appliedTo(ctx, db.Pool)
	return highest(have), err
}

// CheckSchema refuses to work on a schema of another version: an old program must not write into a newer one.
func (db *DB) CheckSchema(ctx context.Context) error {
	expected, err := ExpectedVersion()
	if err != nil {
		return err
	}
	have, err := appliedTo(ctx, db.Pool)
	if err != nil {
		return Fault(err)
	}
	missing, err := missingOf(migrations.FS, have)
	switch {
	case err != nil:
		return err
	case highest(have) > expected:
		return newer(highest(have), expected)
	case len(missing) > 0:
		return fault.New(http.StatusServiceUnavailable, CodeSchemaOlder,
			"数据库结构版本 %d 低于本程序所需的 %d（还缺 %d 步，如 %s）；请先运行 yixian migrate up。", highest(have), expected, len(missing), missing[0])
	}
	return nil
}

func newer(have, expected int64) error {
	return fault.New(http.StatusServiceUnavailable, CodeSchemaNewer,
		"数据库结构版本 %d 比本程序所知的 %d 新；请升级程序，旧程序不会改动数据。", have, expected)
}

// MigrationStatus compares without changing anything.
func MigrationStatus(ctx context.Context, url string) (Status, error) {
	return statusFS(ctx, url, migrations.FS)
}

func statusFS(ctx context.Context, url string, files fs.FS) (s Status, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return s, Fault(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if s.Binary, err = versionOf(files); err != nil {
		return s, err
	}
	have, err := appliedTo(ctx, conn)
	if err != nil {
		return s, Fault(err)
	}
	s.Database = highest(have)
	s.Pending, err = missingOf(files, have)
	return s, err
}

package pg

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrNoTrigram says that the server has no pg_trgm or btree_gist to offer (package postgresql-contrib).
var ErrNoTrigram = errors.New("extension pg_trgm or btree_gist is not available")

// Bootstrap makes the three roles, the database and its extensions, as a superuser. It may run any number of times:
// it also repairs a former run that was cut short. Passwords are not its business.
func Bootstrap(ctx context.Context, superuserURL, database string) error {
	server, err := pgx.Connect(ctx, superuserURL)
	if err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	defer func() { _ = server.Close(ctx) }()
	if _, err := server.Exec(ctx, rolesSQL); err != nil {
		return fmt.Errorf("bootstrap roles: %w", err)
	}
	name := pgx.Identifier{database}.Sanitize()
	var exists bool
	if err := server.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", database).Scan(&exists); err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	if !exists {
		if _, err := server.Exec(ctx, "create database "+name+" owner "+RoleOwner); err != nil {
			return fmt.Errorf("bootstrap database: %w", err)
		}
	}
	config := server.Config().Copy()
	config.Database = database
	inside, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	defer func() { _ = inside.Close(ctx) }()
	if _, err := inside.Exec(ctx, strings.ReplaceAll(insideSQL, "DATABASE", name)); err != nil {
		var answer *pgconn.PgError
		if errors.As(err, &answer) && (strings.Contains(answer.Message, "pg_trgm") || strings.Contains(answer.Message, "btree_gist")) {
			return fmt.Errorf("%w: %w", ErrNoTrigram, err)
		}
		return fmt.Errorf("bootstrap extension: %w", err)
	}
	return nil
}

// "alter" repeats what must hold: a role that somebody made by hand before us is brought into line.
const rolesSQL = `
do $$
declare r text;
begin
	foreach r in array array['` + RoleOwner + `', '` + RoleApp + `', '` + RoleEngine + `'] loop
		if not exists (select from pg_roles where rolname = r) then
			execute format('create role %I', r);
		end if;
		if not exists (select from pg_roles where rolname = r and rolcanlogin
				and not (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)) then
			execute format('alter role %I login nosuperuser nobypassrls nocreaterole nocreatedb noreplication', r);
		end if;
	end loop;
end $$`

const insideSQL = `
set client_min_messages = warning;
create extension if not exists pg_trgm;
create extension if not exists btree_gist;
revoke all on database DATABASE from public;
grant connect, temporary on database DATABASE to ` + RoleApp + `, ` + RoleEngine + `;
revoke create on schema public from public;
grant usage on schema public to ` + RoleApp + `, ` + RoleEngine + `;
grant create, usage on schema public to ` + RoleOwner

// Wait returns when the server takes connections, and the last refusal when it does not within the timeout. A
// wrong name, password or database is returned at once: waiting does not mend it.
func Wait(ctx context.Context, url string, timeout time.Duration) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("database address: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		conn, err := pgx.ConnectConfig(ctx, config)
		if err == nil {
			return conn.Close(ctx)
		}
		var answer *pgconn.PgError
		if errors.As(err, &answer) && (strings.HasPrefix(answer.Code, "28") || strings.HasPrefix(answer.Code, "3D") || answer.Code == "42501") {
			return err
		}
		select {
		case <-ctx.Done():
			return Fault(err)
		case <-time.After(pause):
		}
	}
}

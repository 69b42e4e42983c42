package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"yixian/grid"
	"yixian/internal/fault"
)

// fixtureStart is the test clock's beginning (domain 4h), a Monday.
var fixtureStart = time.Date(2026, 6, 8, 9, 0, 0, 0, time.FixedZone("CST", 8*3600))

// settleLimit bounds how long a move of the practice clock may take.
const settleLimit = 60 * time.Second

// bench is the sandbox's own state: one move or reset at a time.
type sandboxState struct {
	mu    sync.Mutex
	fresh bool // nothing happened since the reset: the clock may go back
}

// asOwner runs SQL as the schema's owner: only the sandbox does.
func (a *App) asOwner(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, a.owner)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	for try := 0; ; try++ {
		_, err = conn.Exec(ctx, sql)
		var pe *pgconn.PgError
		if try < 5 && errors.As(err, &pe) && (pe.Code == "40P01" || strings.Contains(pe.Message, "tuple concurrently updated")) {
			continue // the engine was at work: it has let go by now
		}
		return err
	}
}

// stand lets the practice clock stand at an instant; it is yx_jump of the architecture page.
func (a *App) stand(ctx context.Context, at time.Time) error { return a.asOwner(ctx, standSQL(at)) }

func standSQL(at time.Time) string {
	return fmt.Sprintf("create or replace function yx_now() returns timestamptz language sql stable parallel safe as $$select timestamptz '%s'$$", at.UTC().Format("2006-01-02 15:04:05.000000+00"))
}

func (a *App) now(ctx context.Context) (now time.Time, err error) {
	err = a.Engine.Pool.QueryRow(ctx, "select yx_now()").Scan(&now)
	return now, err
}

// moveClock sets or advances the practice clock. Due clocks and planned messages happen one instant after another, the
// clock standing at each one's own due time; it answers when nothing is left to do.
func (a *App) moveClock(ctx context.Context, set *time.Time, advance time.Duration, run bool) (time.Time, error) {
	a.box.mu.Lock()
	defer a.box.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleLimit)
	defer cancel()
	now, err := a.now(ctx)
	if err != nil {
		return now, err
	}
	target := now.Add(advance)
	if set != nil {
		target = *set
		if target.Before(now) {
			if !a.box.fresh {
				return now, fault.Conflict("CLOCK_BACK", "练习时钟只能在重置后立即往回拨")
			}
		}
	}
	back := target.Before(now)
	a.box.fresh = false
	if back {
		now = target
	}
	if err := a.stand(ctx, now); err != nil { // a running clock stands still while it is moved
		return now, err
	}
	for {
		if err := a.engine.Settle(ctx); err != nil {
			return now, err
		}
		next, ok, err := a.engine.NextDue(ctx)
		if err != nil {
			return now, err
		}
		if at, change := a.worlds.NextChange(); change && (!ok || at.Before(next)) {
			next, ok = at, true
		}
		if !ok || next.After(target) {
			break
		}
		if next.Before(now) {
			next = now
		}
		if err := a.stand(ctx, next); err != nil {
			return now, err
		}
		if err := a.worlds.Refresh(ctx, next); err != nil {
			return now, err
		}
		now = next
	}
	if err := a.stand(ctx, target); err != nil {
		return now, err
	}
	if err := a.worlds.LoadMap(ctx); err != nil { // a version may have begun or ended on the way
		return now, err
	}
	if err := a.engine.Settle(ctx); err != nil {
		return now, err
	}
	if run {
		offset := time.Until(target)
		err := a.asOwner(ctx, fmt.Sprintf("create or replace function yx_now() returns timestamptz language sql stable parallel safe as $$select statement_timestamp() + interval '%d microseconds'$$", offset.Microseconds()))
		if err != nil {
			return now, err
		}
	}
	return target.In(fixtureStart.Location()), nil
}

// reset empties the database and loads a fixture at its starting instant.
func (a *App) reset(ctx context.Context, fixture string, mfa, limits bool) (time.Time, []string, error) {
	a.box.mu.Lock()
	defer a.box.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleLimit)
	defer cancel()
	s, err := fixtureSeed(fixture)
	if err != nil {
		return time.Time{}, nil, err
	}
	err = a.asOwner(ctx, `do $$
declare list text;
begin
  select string_agg(quote_ident(c.relname), ', ') into list from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = 'public' and c.relkind = 'r' and c.relname not in ('goose_db_version', 'key_check', 'push_key', 'river_migration', 'river_leader', 'river_queue', 'river_client', 'river_client_queue');
  execute 'truncate ' || list;
end $$`)
	if err != nil {
		return time.Time{}, nil, err
	}
	if err := a.stand(ctx, fixtureStart); err != nil {
		return time.Time{}, nil, err
	}
	a.desk.Forget()
	a.sysDesk.Forget()
	a.auth.Drill(limits, mfa)
	a.wide.Store(!limits)
	if err := a.load(ctx, s, func(u string) string { return "sandbox-" + u }); err != nil {
		return time.Time{}, nil, err
	}
	users := residents()
	for _, p := range s.people() {
		users = append(users, p.Username)
	}
	a.box.fresh = true
	// The heartbeat went with the rest; a monitor that asks now must not be told that nobody looks.
	if _, err := a.auditor.Look(ctx); err != nil {
		return time.Time{}, nil, err
	}
	if fixture == assessmentFixture {
		at, err := a.loadExample(ctx)
		return at, users, err
	}
	return fixtureStart, users, nil
}

// firstLoad fills an empty database: the sandbox with fixture F, --demo with the demo district.
func (a *App) firstLoad(ctx context.Context) error {
	if len(a.worlds.Tenants()) > 0 {
		return nil
	}
	switch {
	case a.cfg.Sandbox:
		_, _, err := a.reset(ctx, "F", false, false)
		return err
	case a.cfg.Demo:
		return a.loadDemo(ctx)
	}
	return nil
}

// loadDemo loads the demo district with one random password for its named people.
func (a *App) loadDemo(ctx context.Context) error {
	s, err := fixtureSeed("demo")
	if err != nil {
		return err
	}
	if len(a.worlds.Tenants()) > 0 {
		return fault.Conflict("NOT_EMPTY", "数据库中已有辖区 %s，演示数据不会覆盖它", grid.DemoDistrict)
	}
	password, err := a.demoPassword()
	if err != nil {
		return err
	}
	return a.load(ctx, s, func(string) string { return password })
}

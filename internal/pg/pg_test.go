package pg_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"yixian/internal/local"
	"yixian/internal/pg"
	"yixian/internal/pg/pgtest"
)

// wallNote is a table behind the wall, as every table of a district is.
type wallNote struct {
	District string `gorm:"primaryKey"`
	ID       int    `gorm:"primaryKey"`
}

// walled returns a database with two notes in 320106 and one in 320102.
func walled(t *testing.T) *pgtest.Database {
	t.Helper()
	d := pgtest.NewEmpty(t)
	_, err := d.Owner.Pool.Exec(t.Context(), `
		create table wall_note (district text not null, id int not null, primary key (district, id));
		alter table wall_note enable row level security, force row level security;
		create policy wall on wall_note using (district = current_setting('app.district', true));
		grant select, insert on wall_note to yixian_app`)
	require.NoError(t, err)
	for district, n := range map[string]int{"320106": 2, "320102": 1} {
		for id := 1; id <= n; id++ {
			_, err := d.App.Pool.Exec(pg.WithDistrict(t.Context(), district), "insert into wall_note values ($1, $2)", district, id)
			require.NoError(t, err)
		}
	}
	return d
}

func TestOneConnectionNeverCarriesTheFormerDistrict(t *testing.T) {
	t.Parallel()
	d := walled(t)
	one, err := pg.Open(t.Context(), pg.Config{URL: d.URL(pg.RoleApp), MaxConns: 1})
	require.NoError(t, err)
	defer one.Close()
	for _, step := range []struct {
		district string
		want     int
	}{{"320106", 2}, {"320102", 1}, {"", 0}, {"320102", 1}, {"320106", 2}, {"999999", 0}, {"", 0}} {
		ctx := t.Context()
		if step.district != "" {
			ctx = pg.WithDistrict(ctx, step.district)
		}
		require.Equal(t, step.district, pg.District(ctx))
		var n int
		require.NoError(t, one.Pool.QueryRow(ctx, "select count(*) from wall_note").Scan(&n))
		require.Equal(t, step.want, n, "pgx in %q", step.district)
		var notes []wallNote
		require.NoError(t, one.Gorm.WithContext(ctx).Find(&notes).Error)
		require.Len(t, notes, step.want, "gorm in %q", step.district)
		require.NoError(t, one.Gorm.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return tx.Find(&notes).Error }))
		require.Len(t, notes, step.want, "gorm transaction in %q", step.district)
	}
}

func TestTheWallHoldsAfterRollbackAndUnderCrossfire(t *testing.T) {
	t.Parallel()
	d := walled(t)
	want := map[string]int{"320106": 2, "320102": 1, "": 0}
	codes := []string{"320106", "320102", ""}
	var all sync.WaitGroup
	failures := make(chan string, 16)
	for worker := range 16 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(worker), 1))
			for range 60 {
				code := codes[r.IntN(len(codes))]
				ctx := pg.WithDistrict(t.Context(), code)
				n := -1
				var err error
				switch r.IntN(3) {
				case 0:
					err = d.App.Pool.QueryRow(ctx, "select count(*) from wall_note").Scan(&n)
				case 1:
					var notes []wallNote
					err = d.App.Gorm.WithContext(ctx).Find(&notes).Error
					n = len(notes)
				default: // a transaction that fails and one that changes the setting for itself alone
					_ = pgx.BeginFunc(ctx, d.App.Pool, func(tx pgx.Tx) error {
						_, _ = tx.Exec(ctx, "select set_config('app.district', '320106', true)")
						_, err := tx.Exec(ctx, "select 1/0")
						return err
					})
					err = d.App.Pool.QueryRow(ctx, "select count(*) from wall_note").Scan(&n)
				}
				if err != nil || n != want[code] {
					failures <- fmt.Sprintf("district %q: %d rows, %v", code, n, err)
					return
				}
			}
		})
	}
	all.Wait()
	close(failures)
	for f := range failures {
		t.Error(f)
	}
}

func TestWritingIntoAnotherDistrictIsRefused(t *testing.T) {
	t.Parallel()
	d := walled(t)
	ctx := pg.WithDistrict(t.Context(), "320102")
	_, err := d.App.Pool.Exec(ctx, "insert into wall_note values ('320106', 9)")
	require.ErrorContains(t, err, "row-level security")
	require.ErrorContains(t, d.App.Gorm.WithContext(ctx).Create(&wallNote{District: "320106", ID: 9}).Error, "row-level security")
	require.ErrorIs(t, d.App.Gorm.WithContext(ctx).Create(&wallNote{District: "320102", ID: 1}).Error, gorm.ErrDuplicatedKey)
}

func TestADeadConnectionOfThePoolIsReplaced(t *testing.T) {
	t.Parallel()
	d := walled(t)
	one, err := pg.Open(t.Context(), pg.Config{URL: d.URL(pg.RoleApp), MaxConns: 2})
	require.NoError(t, err)
	defer one.Close()
	ctx := pg.WithDistrict(t.Context(), "320106")
	var pid int
	require.NoError(t, one.Pool.QueryRow(ctx, "select pg_backend_pid()").Scan(&pid))
	admin, err := pgxpool.New(t.Context(), d.URL(local.Superuser))
	require.NoError(t, err)
	defer admin.Close()
	// pg_terminate_backend with a timeout returns when the backend has ended.
	_, err = admin.Exec(t.Context(), "select pg_terminate_backend($1, 5000)", pid)
	require.NoError(t, err)
	// A change of district touches the connection before the query: the pool must notice and take another.
	var n int
	require.NoError(t, one.Pool.QueryRow(pg.WithDistrict(t.Context(), "320102"), "select count(*) from wall_note").Scan(&n))
	require.Equal(t, 1, n)
}

func TestOpenSetsRoleTimeoutAndZone(t *testing.T) {
	t.Parallel()
	d := pgtest.NewEmpty(t)
	for want, timeout := range map[string]time.Duration{"3s": 0, "0": -1, "250ms": 250 * time.Millisecond} {
		db, err := pg.Open(t.Context(), pg.Config{URL: d.URL(local.Superuser), Role: pg.RoleApp, StatementTimeout: timeout, AppName: "probe"})
		require.NoError(t, err)
		var user, zone, name, got string
		require.NoError(t, db.Pool.QueryRow(t.Context(), `select current_user, current_setting('TimeZone'),
			current_setting('application_name'), current_setting('statement_timeout')`).Scan(&user, &zone, &name, &got))
		require.Equal(t, []string{pg.RoleApp, pg.Zone, "probe", want}, []string{user, zone, name, got})
		db.Close()
	}
	_, err := pg.Open(t.Context(), pg.Config{URL: d.URL(pg.RoleApp), Role: local.Superuser})
	require.Error(t, err, "a role may not raise itself")
	_, err = pg.Open(t.Context(), pg.Config{URL: "postgres://%zz"})
	require.Error(t, err)
}

func TestChineseTrigrams(t *testing.T) {
	t.Parallel()
	d := pgtest.NewEmpty(t)
	var n int
	require.NoError(t, d.App.Pool.QueryRow(t.Context(), "select array_length(show_trgm('井盖破损'), 1)").Scan(&n))
	require.Equal(t, 5, n, "in a C database this would be nothing at all")
}

func TestWait(t *testing.T) {
	t.Parallel()
	d := pgtest.NewEmpty(t)
	require.NoError(t, pg.Wait(t.Context(), d.URL(pg.RoleApp), time.Minute))
	require.Error(t, pg.Wait(t.Context(), "postgres://x@/y?host="+t.TempDir(), 30*time.Millisecond))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, pg.Wait(ctx, d.URL(pg.RoleApp), time.Minute))
	// An unknown database is said at once, not after an hour.
	require.ErrorContains(t, pg.Wait(t.Context(), "postgres://postgres@/nowhere?host="+host(t, d), time.Hour), "nowhere")
}

func host(t *testing.T, d *pgtest.Database) string {
	t.Helper()
	config, err := pgx.ParseConfig(d.URL(pg.RoleApp))
	require.NoError(t, err)
	return config.Host
}

package auth

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/internal/cache"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/pg/pgtest"
	"yixian/internal/seal"
)

const (
	here  = "350102"
	there = "350103"
	phone = "19900001111" // the canary of quality §3
)

// bundle is one test's own store on its own database.
type bundle struct {
	*Store
	t  *testing.T
	db *pgtest.Database
}

func newBundle(t *testing.T, limits *cache.Limits, opts Options) *bundle {
	t.Helper()
	db := pgtest.New(t)
	keys, err := seal.Open(filepath.Join(t.TempDir(), "keys.json"))
	require.NoError(t, err)
	if limits == nil {
		limits = cache.NewLimits(nil)
	}
	_, err = db.Engine.Pool.Exec(t.Context(), "insert into tenant (district, name) values ($1, '鼓楼区'), ($2, '台江区')", here, there)
	require.NoError(t, err)
	return &bundle{Store: NewStore(db.App, keys, limits, opts), t: t, db: db}
}

// sandbox is a store with cheap hashes but production limits.
func sandbox(t *testing.T) *bundle {
	t.Helper()
	b := newBundle(t, nil, Options{Sandbox: true})
	b.Drill(true, true)
	return b
}

func (b *bundle) staff(username string, more ...func(*NewStaff)) uuid.UUID {
	b.t.Helper()
	n := NewStaff{District: here, Username: username, DisplayName: "测试", Password: "sandbox-" + username,
		Bindings: []Binding{{Role: RoleDeptOfficer, Unit: "D-CG"}}}
	for _, m := range more {
		m(&n)
	}
	ids, err := b.CreateStaff(b.t.Context(), n)
	require.NoError(b.t, err)
	return ids[0]
}

func (b *bundle) login(username, password string) (string, Actor, error) {
	return b.Login(b.t.Context(), Actor{}, Credentials{District: here, Username: username, Password: password, IP: "203.0.113.7"})
}

func (b *bundle) signedIn(username string) (string, Actor) {
	b.t.Helper()
	token, a, err := b.login(username, "sandbox-"+username)
	require.NoError(b.t, err)
	return token, a
}

// later is two minutes on: the number may have another code.
func (b *bundle) later() {
	b.t.Helper()
	b.exec("update otp set created_at = created_at - interval '2 minutes'")
	b.limits = cache.NewLimits(nil)
}

// exec changes rows as time or an administrator would.
func (b *bundle) exec(sql string, args ...any) {
	b.t.Helper()
	_, err := b.db.Engine.Pool.Exec(b.t.Context(), sql, args...)
	require.NoError(b.t, err)
}

func (b *bundle) count(sql string, args ...any) (n int) {
	b.t.Helper()
	require.NoError(b.t, b.db.Engine.Pool.QueryRow(b.t.Context(), sql, args...).Scan(&n))
	return n
}

func (b *bundle) dead(token string) {
	b.t.Helper()
	_, err := b.Authenticate(b.t.Context(), token)
	refused(b.t, err, "UNAUTHENTICATED")
}

func (b *bundle) alive(token string) Actor {
	b.t.Helper()
	a, err := b.Authenticate(b.t.Context(), token)
	require.NoError(b.t, err)
	return a
}

func refused(t *testing.T, err error, code string) *fault.Error {
	t.Helper()
	e, ok := fault.As(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, code, e.Code)
	return e
}

func TestGuest(t *testing.T) {
	t.Parallel()
	b := sandbox(t)
	token, a, err := b.Guest(t.Context(), here)
	require.NoError(t, err)
	require.Equal(t, here, District(token))
	same := b.alive(token)
	require.False(t, a.Now.IsZero())
	a.Now = same.Now
	require.Equal(t, a, same)
	require.Equal(t, Guest, a.Kind)
	require.Empty(t, a.Bindings)
	_, _, err = b.Guest(t.Context(), "999999")
	refused(t, err, "NOT_FOUND")
}

func TestTokensThatAreNone(t *testing.T) {
	t.Parallel()
	b := sandbox(t)
	token, _, err := b.Guest(t.Context(), here)
	require.NoError(t, err)
	_, secret := token[:7], token[7:]
	for _, bad := range []string{"", "x", token[:len(token)-1], token + "A", " " + token, token + "\n", "350102" + secret, "35010." + secret, here + "." + secret[:42] + "=",
		there + "." + secret, // another district's prefix: behind the wall there is no such session
		here + "." + seal.Token()} {
		b.dead(bad)
	}
	b.alive(token)
}

func TestTheWallHidesSessions(t *testing.T) {
	t.Parallel()
	b := sandbox(t)
	_, _, err := b.Guest(t.Context(), here)
	require.NoError(t, err)
	seen := func(ctx context.Context) (n int) {
		require.NoError(t, b.db.App.Pool.QueryRow(ctx, "select count(*) from session").Scan(&n))
		return n
	}
	require.Equal(t, 1, seen(pg.WithDistrict(t.Context(), here)))
	require.Zero(t, seen(pg.WithDistrict(t.Context(), there)))
	require.Zero(t, seen(t.Context()))
}

func TestActorOfAnOfficer(t *testing.T) {
	t.Parallel()
	b := sandbox(t)
	id := b.staff("cg1", func(n *NewStaff) {
		n.Bindings = []Binding{{Role: RoleGridWorker, Unit: "C-JM", Grids: []string{"350102004001001"}}, {Role: RoleDeptOfficer, Unit: "D-CG"}}
	})
	token, _ := b.signedIn("cg1")
	a := b.alive(token)
	require.Equal(t, Staff, a.Kind)
	require.Equal(t, id, a.Account)
	require.Equal(t, "cg1", a.Username)
	require.Equal(t, "测试", a.Name)
	require.Equal(t, []Binding{{Role: RoleGridWorker, Unit: "C-JM", Grids: []string{"350102004001001"}}, {Role: RoleDeptOfficer, Unit: "D-CG", Grids: []string{}}}, a.Bindings)
	require.Nil(t, a.StepUpAt)
	require.NoError(t, b.MarkStepUp(t.Context(), a))
	require.NotNil(t, b.alive(token).StepUpAt)
}

// Only Actor.Now is the domain's time: a sandbox that jumps logs nobody out, and a step-up is as old as it really is.
func TestSessionsIgnoreTheDomainClock(t *testing.T) {
	t.Parallel()
	b := sandbox(t)
	b.staff("cg1")
	token, a := b.signedIn("cg1")
	require.NoError(t, b.MarkStepUp(t.Context(), a))
	_, err := b.db.Owner.Pool.Exec(t.Context(), "create or replace function yx_now() returns timestamptz language sql stable parallel safe as $$select '2031-01-01T00:00:00Z'::timestamptz$$")
	require.NoError(t, err)
	a = b.alive(token)
	require.Equal(t, time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC), a.Now.UTC())
	require.InDelta(t, 0, a.Now.Sub(*a.StepUpAt), float64(time.Minute))
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	b := sandbox(t)
	admin := Actor{District: here, Kind: Staff, Account: uuid.New(), Bindings: []Binding{{Role: RoleTenantAdmin}}}
	for name, end := range map[string]func(string, Actor){
		"logout":   func(_ string, a Actor) { require.NoError(t, b.Logout(t.Context(), a)) },
		"revoked":  func(_ string, a Actor) { require.NoError(t, b.RevokeAccount(t.Context(), admin, a.Account)) },
		"disabled": func(_ string, a Actor) { require.NoError(t, b.Disable(t.Context(), admin, a.Account)) },
		"password": func(_ string, a Actor) { require.NoError(t, b.SetPassword(t.Context(), a, a.Account, "another")) },
		"shut by":  func(_ string, a Actor) { b.exec("update account set disabled_at = now() where id = $1", a.Account) }, // no session touched
		"idle": func(_ string, a Actor) {
			b.exec("update session set seen_at = now() - interval '31 minutes' where hash = $1", a.session)
		},
		"absolute": func(_ string, a Actor) {
			b.exec("update session set expires_at = expires_at - interval '12 hours' where hash = $1", a.session)
		},
		"deleted": func(_ string, a Actor) { b.exec("delete from account where id = $1", a.Account) },
	} {
		b.staff("u-" + name[:4]) // a user each
		token, a := b.signedIn("u-" + name[:4])
		b.alive(token)
		end(token, a)
		b.dead(token)
	}
}

func TestSeenIsWrittenOnceAMinute(t *testing.T) {
	t.Parallel()
	b := sandbox(t)
	b.staff("cg1")
	token, a := b.signedIn("cg1")
	age := func() (minutes int) {
		return b.count("select floor(extract(epoch from now() - seen_at) / 60)::int from session where hash = $1", a.session)
	}
	version := func() int { return b.count("select xmin::text::int from session where hash = $1", a.session) }
	before := version()
	b.alive(token)
	require.Equal(t, before, version(), "fresh: nothing is written")
	b.exec("update session set seen_at = now() - interval '29 minutes' where hash = $1", a.session)
	b.alive(token)
	require.Zero(t, age())
	// Somebody who holds the row is not waited for.
	b.exec("update session set seen_at = now() - interval '5 minutes' where hash = $1", a.session)
	tx, err := b.db.Engine.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = tx.Exec(t.Context(), "select from session where hash = $1 for update", a.session)
	require.NoError(t, err)
	b.alive(token)
	require.Equal(t, 5, age())
}

func TestPurge(t *testing.T) {
	t.Parallel()
	b := sandbox(t)
	b.staff("cg1")
	old, a := b.signedIn("cg1")
	live, _ := b.signedIn("cg1")
	b.exec("update session set revoked_at = now() - interval '40 days' where hash = $1", a.session)
	require.NoError(t, b.Purge(t.Context(), here, 30*day))
	require.Equal(t, 1, b.count("select count(*) from session"))
	b.alive(live)
	b.dead(old)
}

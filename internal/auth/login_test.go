package auth

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/internal/fault"
)

func TestLoginAnswersAlikeAfterTheSameWork(t *testing.T) {
	t.Parallel()
	b := newBundle(t, nil, Options{}) // production costs
	good := "Tangerine-rowboat-1987"
	b.staff("cg1", func(n *NewStaff) { n.Password = good })
	b.staff("closed", func(n *NewStaff) { n.Password = "" })
	off := b.staff("gone", func(n *NewStaff) { n.Password = good })
	require.NoError(t, b.Disable(t.Context(), SystemActor(here, time.Time{}), off))
	c, _, _, err := decode(b.hash.dummy)
	require.NoError(t, err)
	require.Equal(t, production, c, "the dummy costs as much as a real one")
	var answers []string
	for _, try := range [][2]string{{"cg1", "wrong"}, {"nobody", "wrong"}, {"nobody", good}, {"closed", ""}, {"closed", good}, {"gone", good}, {"", ""}} {
		before := b.hash.runs.Load()
		_, _, err := b.login(try[0], try[1])
		refused(t, err, "BAD_CREDENTIALS")
		answers = append(answers, err.Error())
		require.EqualValues(t, 1, b.hash.runs.Load()-before, try[0])
	}
	for _, a := range answers {
		require.Equal(t, answers[0], a)
	}
	_, _, err = b.login(" cg1 ", good)
	require.NoError(t, err)
}

func TestTenFailuresLockAKnownAndAnUnknownName(t *testing.T) {
	t.Parallel()
	b := sandbox(t)
	b.staff("cg1")
	for _, name := range []string{"cg1", "nobody"} {
		for range 10 {
			_, _, err := b.login(name, "wrong")
			refused(t, err, "BAD_CREDENTIALS")
		}
		before := b.hash.runs.Load()
		_, _, err := b.login(name, "sandbox-cg1")
		e := refused(t, err, "LOCKED")
		require.Equal(t, 429, e.Status)
		require.InDelta(t, 15*time.Minute, e.RetryAfter, float64(time.Minute))
		require.Equal(t, before, b.hash.runs.Load(), "no work while locked")
	}
	b.exec("update account set locked_until = now() - interval '1 second'")
	_, _, err := b.login("cg1", "wrong")
	refused(t, err, "BAD_CREDENTIALS") // counting began anew
	b.signedIn("cg1")
	require.Zero(t, b.count("select failed_logins from account"))
}

func TestGuessesAtOnceGetNoFurther(t *testing.T) {
	t.Parallel()
	b := sandbox(t)
	b.staff("cg1")
	before := b.hash.runs.Load()
	var tried atomic.Int64
	var wg sync.WaitGroup
	for range 60 {
		wg.Go(func() {
			if _, _, err := b.login("cg1", "wrong"); fault.Is(err, "BAD_CREDENTIALS") {
				tried.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 10, tried.Load())
	require.EqualValues(t, 10, b.hash.runs.Load()-before)
}

// Without drills a sandbox lets many tests sign in as one user at once.
func TestWideLimitsInTheSandbox(t *testing.T) {
	t.Parallel()
	b := newBundle(t, nil, Options{Sandbox: true})
	b.staff("cg1", func(n *NewStaff) { n.MFARequired = true })
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			_, _, err := b.login("cg1", "sandbox-cg1")
			require.NoError(t, err)
		})
	}
	wg.Wait()
	for range 30 {
		b.code(phone)
	}
	b.Drill(true, true)
	_, _, err := b.login("cg1", "sandbox-cg1")
	refused(t, err, "MFA_NOT_SET_UP")
	_, err = b.RequestOTP(t.Context(), here, phone, "203.0.113.7", nil)
	refused(t, err, "TOO_MANY_REQUESTS")

	p := newBundle(t, nil, Options{})
	p.Drill(false, false)
	require.Equal(t, 10, p.bounds().failures, "production cannot be softened")
}

func TestLoginEndsTheFormerSession(t *testing.T) {
	t.Parallel()
	b := sandbox(t)
	b.staff("cg1")
	b.staff("cg2")
	guest, g, err := b.Guest(t.Context(), here)
	require.NoError(t, err)
	first, a, err := b.Login(t.Context(), g, Credentials{District: here, Username: "cg1", Password: "sandbox-cg1"})
	require.NoError(t, err)
	require.Equal(t, g.Device, a.Device)
	b.dead(guest)
	second, a2, err := b.Login(t.Context(), a, Credentials{District: here, Username: "cg2", Password: "sandbox-cg2"})
	require.NoError(t, err)
	require.NotEqual(t, a.Device, a2.Device)
	b.dead(first)
	_, _, err = b.Login(t.Context(), a2, Credentials{District: here, Username: "cg1", Password: "wrong"})
	refused(t, err, "BAD_CREDENTIALS")
	b.alive(second) // a failed sign-in ends nothing
	// A session of another district is not the caller's to end.
	elsewhere, g2, err := b.Guest(t.Context(), there)
	require.NoError(t, err)
	_, a3, err := b.Login(t.Context(), g2, Credentials{District: here, Username: "cg1", Password: "sandbox-cg1"})
	require.NoError(t, err)
	require.NotEqual(t, g2.Device, a3.Device)
	b.alive(elsewhere)
}

func TestSecondFactor(t *testing.T) {
	t.Parallel()
	b := sandbox(t)
	const secret = "JBSW Y3DP EHPK 3PXP"
	b.staff("sup1", func(n *NewStaff) { n.MFARequired, n.TOTPSecret = true, secret })
	login := func(code string) error {
		_, _, err := b.Login(t.Context(), Actor{}, Credentials{District: here, Username: "sup1", Password: "sandbox-sup1", TOTP: code})
		return err
	}
	for range 20 { // asking is no failure
		refused(t, login(""), "MFA_REQUIRED")
	}
	require.Zero(t, b.count("select failed_logins from account"))
	raw, err := totpSecret(secret)
	require.NoError(t, err)
	now := int64(b.count("select floor(extract(epoch from now()) / 30)::int"))
	refused(t, login(totpCode(raw, now+20, 6)), "MFA_WRONG")
	require.Equal(t, 1, b.count("select failed_logins from account"))
	code := totpCode(raw, now, 6)
	for range cap(b.hash.slots) { // nobody gets to hash until all eight have read the account
		b.hash.slots <- struct{}{}
	}
	var won atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if login(code) == nil {
				won.Add(1)
			}
		})
	}
	for b.count("select failed_logins from account") < 9 {
		require.NoError(t, t.Context().Err())
	}
	for range cap(b.hash.slots) {
		<-b.hash.slots
	}
	wg.Wait()
	require.EqualValues(t, 1, won.Load(), "a code works once, even at the same moment")
	refused(t, login(code), "MFA_WRONG")
	require.Equal(t, 1, b.count("select count(*) from session where mfa_at is not null"))
	require.Zero(t, b.count("select position('JBSW'::bytea in mfa_secret_enc) from account"), "sealed")
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	b := newBundle(t, nil, Options{})
	good, better := "Tangerine-rowboat-1987", "七个字的密码很长很好记"+"啊"
	id := b.staff("cg1", func(n *NewStaff) { n.Password = good })
	other := b.staff("cg2", func(n *NewStaff) { n.Password = good })
	_, a, err := b.login("cg1", good)
	require.NoError(t, err)
	for _, bad := range []string{"", "short-one-1", "password1234", "P@ssw0rd2026!", "123456789012", "aaaaaaaaaaaaaaa", "qwertyuiop123", "1qaz2wsx3edc", "abcdefghijkl",
		"abc123abc123", "admin@123456", "gulou@350102", "cg1-cg1-cg1-cg1", "woaini5201314", "q1w2e3r4t5y6", strings.Repeat("long", 33)} {
		require.Equal(t, "/password", refused(t, b.SetPassword(t.Context(), a, id, bad), "INVALID").Fields[0].Pointer, bad)
		if bad == "" {
			continue // an account without a password may be made
		}
		_, err := b.CreateStaff(t.Context(), NewStaff{District: here, Username: "cg1", Password: bad})
		require.Equal(t, "/0/password", refused(t, err, "INVALID").Fields[0].Pointer, bad)
	}
	refused(t, b.SetPassword(t.Context(), a, other, better), "FORBIDDEN")
	refused(t, b.SetPassword(t.Context(), Actor{}, id, better), "UNAUTHENTICATED")
	require.NoError(t, b.SetPassword(t.Context(), a, id, better))
	_, _, err = b.login("cg1", good)
	refused(t, err, "BAD_CREDENTIALS")
	_, _, err = b.login("cg1", better)
	require.NoError(t, err)
	refused(t, b.SetPassword(t.Context(), SystemActor(here, a.Now), uuid.New(), better), "NOT_FOUND")
	refused(t, b.SetPassword(t.Context(), SystemActor(there, a.Now), id, better), "NOT_FOUND") // behind the wall
	var stored string
	require.NoError(t, b.db.Engine.Pool.QueryRow(t.Context(), "select password_hash from account where username = 'cg1'").Scan(&stored))
	require.True(t, strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$"), stored)
}

func TestStrangePasswordHashes(t *testing.T) {
	t.Parallel()
	h := newHasher(practice, 1)
	for _, bad := range []string{"x", "$argon2i$v=19$m=64,t=1,p=1$AAAA$AAAA", "$argon2id$v=19$m=64,t=0,p=1$AAAA$AAAA", "$argon2id$v=19$m=64,t=1,p=1$AAAA", strings.TrimRight(h.dummy, "=")[:len(h.dummy)-4]} {
		ok, err := h.matches(t.Context(), bad, "x")
		require.Error(t, err)
		require.False(t, ok)
	}
}

func TestCreateManyStaff(t *testing.T) {
	t.Parallel()
	b := newBundle(t, nil, Options{Sandbox: true})
	const n = 3000
	staff := make([]NewStaff, n)
	for i := range staff {
		district := here
		if i%3 == 0 {
			district = there
		}
		name := fmt.Sprintf("u%d", i)
		staff[i] = NewStaff{District: district, Username: name, DisplayName: "人" + name, Phone: fmt.Sprintf("138%08d", i), Password: "sandbox-" + name,
			Bindings: []Binding{{Role: RoleDeptOfficer, Unit: "D-CG"}, {Role: RoleGridWorker, Unit: "C-JM", Grids: []string{"g1", "g2"}}}}
	}
	ids, err := b.CreateStaff(t.Context(), staff...)
	require.NoError(t, err)
	require.Len(t, ids, n)
	require.Equal(t, n, b.count("select count(*) from account where password_hash is not null and phone_enc is not null"))
	require.Equal(t, 2*n, b.count("select count(*) from role_binding"))
	_, a := b.signedIn("u2999")
	require.Equal(t, ids[2999], a.Account)
	require.Equal(t, []string{"g1", "g2"}, a.Grids())

	_, err = b.CreateStaff(t.Context(), NewStaff{District: here, Username: "new"}, NewStaff{District: here, Username: "u2999"})
	refused(t, err, "USERNAME_TAKEN")
	require.Zero(t, b.count("select count(*) from account where username = 'new'"), "all or none")
	for pointer, bad := range map[string]NewStaff{"/0/username": {District: here, Username: "a b"}, "/0/phone": {District: here, Username: "x", Phone: "12"},
		"/0/totp_secret": {District: here, Username: "x", TOTPSecret: "1"}} {
		_, err := b.CreateStaff(t.Context(), bad)
		require.Equal(t, pointer, refused(t, err, "INVALID").Fields[0].Pointer)
	}
}

// Test vectors of RFC 6238 appendix B (SHA-1, eight digits).
func TestTOTPVectors(t *testing.T) {
	t.Parallel()
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{59: "94287082", 1111111109: "07081804", 1111111111: "14050471", 1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130"} {
		require.Equal(t, want, totpCode(secret, at/totpStep, 8))
	}
	for _, d := range []int64{-1, 0, 1} {
		require.Equal(t, 100+d, totpMatch(secret, totpCode(secret, 100+d, 6), 100, 0))
		require.Zero(t, totpMatch(secret, totpCode(secret, 100+d, 6), 100, 101), "used already")
	}
	require.Zero(t, totpMatch(secret, totpCode(secret, 102, 6), 100, 0))
	require.Zero(t, totpMatch(secret, "", 100, 0))
}

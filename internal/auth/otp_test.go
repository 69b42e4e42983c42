package auth

import (
	"bytes"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/internal/cache"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

func (b *bundle) code(number string) string {
	b.t.Helper()
	code, err := b.RequestOTP(b.t.Context(), here, number, "203.0.113.7", nil)
	require.NoError(b.t, err)
	require.Regexp(b.t, `^[0-9]{6}$`, code)
	return code
}

// wrong is a code that is not this one.
func wrong(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

func TestResidentSignsIn(t *testing.T) {
	t.Parallel()
	b := sandbox(t)
	guest, g, err := b.Guest(t.Context(), here)
	require.NoError(t, err)
	token, a, err := b.VerifyOTP(t.Context(), g, here, "+86 199-0000-1111", b.code(phone))
	require.NoError(t, err)
	require.Equal(t, Resident, a.Kind)
	require.True(t, a.Has(RoleResident))
	require.Equal(t, g.Device, a.Device, "its photos stay reachable")
	require.Equal(t, a.session, b.alive(token).session)
	b.dead(guest) // fixation: who planted the guest's token has nothing

	plain, err := b.PhoneOf(pg.WithDistrict(t.Context(), here), a.Account)
	require.NoError(t, err)
	require.Equal(t, phone, plain)
	_, err = b.PhoneOf(pg.WithDistrict(t.Context(), there), a.Account)
	refused(t, err, "NOT_FOUND")

	b.later()
	_, again, err := b.VerifyOTP(t.Context(), a, here, phone, b.code(phone))
	require.NoError(t, err)
	require.Equal(t, a.Account, again.Account, "one number, one account")
	require.NotEqual(t, a.Device, again.Device, "a shared telephone hands over nobody's photos")
	b.dead(token)
}

func TestFiftyRightCodesAtOnceMakeOneSession(t *testing.T) {
	t.Parallel()
	b := sandbox(t)
	code := b.code(phone)
	var won, lost atomic.Int64
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			switch _, _, err := b.VerifyOTP(t.Context(), Actor{}, here, phone, code); {
			case err == nil:
				won.Add(1)
			case fault.Is(err, "OTP_WRONG"):
				lost.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, won.Load())
	require.EqualValues(t, 49, lost.Load())
	require.Equal(t, 1, b.count("select count(*) from session"))
	require.Equal(t, 1, b.count("select count(*) from account"))
}

func TestFiveWrongCodesBurnIt(t *testing.T) {
	t.Parallel()
	b := sandbox(t)
	code := b.code(phone)
	var wg sync.WaitGroup
	for range 50 { // at once: counting is under the row's lock
		wg.Go(func() { _, _, _ = b.VerifyOTP(t.Context(), Actor{}, here, phone, wrong(code)) })
	}
	wg.Wait()
	require.Equal(t, otpTries, b.count("select tries from otp"))
	_, _, err := b.VerifyOTP(t.Context(), Actor{}, here, phone, code)
	refused(t, err, "OTP_WRONG")
	require.Zero(t, b.count("select count(*) from session"))
}

func TestCodesThatDoNotWork(t *testing.T) {
	t.Parallel()
	b := sandbox(t)
	verify := func(district, number, code string) error {
		_, _, err := b.VerifyOTP(t.Context(), Actor{}, district, number, code)
		return err
	}
	first := b.code(phone)
	refused(t, verify(here, "13900000001", first), "OTP_WRONG") // another number
	refused(t, verify(there, phone, first), "OTP_WRONG")        // another district
	b.later()
	second := b.code(phone)
	if first != second {
		refused(t, verify(here, phone, first), "OTP_WRONG") // only the latest
	}
	for range 4 {
		refused(t, verify(here, phone, wrong(second)), "OTP_WRONG")
	}
	if first != second {
		refused(t, verify(here, phone, second), "OTP_WRONG") // the former code was the fifth wrong one
	} else {
		require.NoError(t, verify(here, phone, second))
	}

	code := b.code("13900000002")
	b.exec("update otp set expires_at = expires_at - interval '5 minutes'")
	refused(t, verify(here, "13900000002", code), "OTP_WRONG")
	code = b.code("13900000003")
	require.NoError(t, verify(here, "13900000003", code))
	refused(t, verify(here, "13900000003", code), "OTP_WRONG") // single use
	for _, no := range []string{"", "12900000001", "1390000000", "139000000011", "0591-87654321", "+8613900000o01"} {
		refused(t, verify(here, no, code), "INVALID")
		_, err := b.RequestOTP(t.Context(), here, no, "203.0.113.7", nil)
		require.Equal(t, "/phone", refused(t, err, "INVALID").Fields[0].Pointer)
	}
}

func TestDisabledResident(t *testing.T) {
	t.Parallel()
	b := sandbox(t)
	token, a, err := b.VerifyOTP(t.Context(), Actor{}, here, phone, b.code(phone))
	require.NoError(t, err)
	require.NoError(t, b.Disable(t.Context(), SystemActor(here, a.Now), a.Account))
	b.dead(token)
	b.later()
	_, _, err = b.VerifyOTP(t.Context(), Actor{}, here, phone, b.code(phone))
	refused(t, err, "ACCOUNT_DISABLED")
	require.NoError(t, b.Enable(t.Context(), SystemActor(here, a.Now), a.Account))
	b.dead(token)
}

func TestSMSLimits(t *testing.T) {
	t.Parallel()
	b := sandbox(t)
	ask := func(number, ip string) error {
		_, err := b.RequestOTP(t.Context(), here, number, ip, nil)
		return err
	}
	require.NoError(t, ask(phone, "198.51.100.1"))
	e := refused(t, ask(phone, "198.51.100.2"), "TOO_MANY_REQUESTS")
	require.InDelta(t, time.Minute, e.RetryAfter, float64(2*time.Second))

	for i := range 25 { // one address, 25 numbers
		err := ask(fmt.Sprintf("138000000%02d", i), "198.51.100.9")
		if i < 20 {
			require.NoError(t, err)
		} else {
			refused(t, err, "TOO_MANY_REQUESTS")
		}
	}
	var sent int
	for i := range 200 { // one network, many addresses
		if ask(fmt.Sprintf("137000%05d", i), fmt.Sprintf("192.0.2.%d", i)) == nil {
			sent++
		}
	}
	require.Equal(t, 100, sent)
}

// The daily limit is counted on rows: no lost Redis forgets it.
func TestFiveCodesADay(t *testing.T) {
	t.Parallel()
	b := newBundle(t, cache.NewLimits(nil), Options{})
	for i := range 7 {
		_, err := b.RequestOTP(t.Context(), here, phone, "203.0.113.7", nil)
		if i < 5 {
			require.NoError(t, err)
		} else {
			require.Greater(t, refused(t, err, "TOO_MANY_REQUESTS").RetryAfter, 20*time.Hour)
		}
		b.later() // Redis forgot everything
	}
}

func TestBudgetOfTheInstallation(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	b := newBundle(t, nil, Options{OTPBudget: cache.Rate{Count: 30, Per: time.Hour}, Log: slog.New(slog.NewJSONHandler(&log, nil))})
	ask := func(i int, p *Proof) error {
		_, err := b.RequestOTP(t.Context(), here, fmt.Sprintf("136%08d", i), fmt.Sprintf("10.%d.0.1", i), p)
		return err
	}
	var sent, asked int
	for i := range 100 {
		err := ask(i, nil)
		if fault.Is(err, "PROOF_NEEDED") {
			asked++
			err = ask(i, solve(t, err))
		}
		if err == nil {
			sent++
		}
	}
	require.Equal(t, 30, sent)
	require.Equal(t, 9, asked, "while 30 % are left, and no longer when none is")
	require.Contains(t, log.String(), "budget")
}

// solve does what a phone does.
func solve(t *testing.T, err error) *Proof {
	t.Helper()
	f, ok := fault.As(err)
	require.True(t, ok)
	c := f.Extra["challenge"].(Challenge)
	for n := 0; ; n++ {
		if p := (Proof{c.Token, strconv.Itoa(n)}); p.solves(c.Bits) {
			return &p
		}
	}
}

// A proof is good once, for the number that it was asked for, and only as long as it says.
func TestProofsOfWork(t *testing.T) {
	t.Parallel()
	b := newBundle(t, nil, Options{OTPBudget: cache.Rate{Count: 10, Per: time.Hour}})
	ask := func(number string, p *Proof) error {
		_, err := b.RequestOTP(t.Context(), here, number, "10.1.0.1", p)
		return err
	}
	for i := range 7 {
		require.NoError(t, ask(fmt.Sprintf("1360000000%d", i), nil))
	}
	needed := func(err error) error {
		t.Helper()
		refused(t, err, "PROOF_NEEDED")
		return err
	}
	p := solve(t, needed(ask("13700000001", nil)))
	wrong := *p
	for wrong.Nonce = "0"; wrong.solves(proofBits); wrong.Nonce += "0" {
	}
	needed(ask("13700000001", &wrong))
	needed(ask("13700000001", &Proof{"", "1"}))
	needed(ask("13700000002", p)) // somebody else's
	bidx := b.keys.Blind(here, FieldPhone, "13700000001")
	old := b.challenge(here, bidx, 0, time.Now().Add(-proofLife-time.Minute))
	needed(ask("13700000001", &Proof{old.Token, "1"}))
	easy := b.challenge(there, bidx, 0, time.Now())
	needed(ask("13700000001", &Proof{easy.Token, "1"})) // of another district
	var all sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		all.Go(func() { errs[i] = ask("13700000001", p) })
	}
	all.Wait()
	through := 0
	for _, err := range errs {
		if err == nil {
			through++
			continue
		}
		refused(t, err, "PROOF_NEEDED")
	}
	require.Equal(t, 1, through, "of two at once one is let through")
}

// Nothing of a person may stand in a log, an error, Redis or in clear in the database.
func TestCanary(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	m := miniredis.RunT(t)
	rdb, err := cache.Connect("redis://" + m.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { _ = rdb.Close() })
	b := newBundle(t, cache.NewLimits(rdb).Patient(time.Minute), Options{OTPBudget: cache.Rate{Count: 1, Per: time.Hour},
		Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	const address = "203.0.113.77"
	code, err := b.RequestOTP(t.Context(), here, phone, address, nil)
	require.NoError(t, err)
	_, errMinute := b.RequestOTP(t.Context(), here, phone, address, nil)
	_, errBudget := b.RequestOTP(t.Context(), here, "19900002222", address, nil)
	_, _, errWrong := b.VerifyOTP(t.Context(), Actor{}, here, phone, wrong(code))
	_, _, errBad := b.VerifyOTP(t.Context(), Actor{}, here, phone+"0", code)
	_, a, err := b.VerifyOTP(t.Context(), Actor{}, here, phone, code)
	require.NoError(t, err)
	var rows string
	require.NoError(t, b.db.Engine.Pool.QueryRow(t.Context(), `select concat(
		(select string_agg(a::text, ' ') from account a), (select string_agg(o::text, ' ') from otp o), (select string_agg(s::text, ' ') from session s))`).Scan(&rows))
	require.NotEmpty(t, log.String())
	require.Contains(t, m.Dump(), "rate:auth:otp:phone:")
	all := fmt.Sprint(log.String(), errMinute, errBudget, errWrong, errBad, m.Dump(), fmt.Sprintf("%+v", a), rows)
	for _, secret := range []string{phone, "1990000", "00001111", "19900002222", address, fmt.Sprintf("%x", phone)} {
		require.NotContains(t, all, secret)
	}
	require.NotEqual(t, uuid.Nil, a.Account)
}

// Redis gone in the middle of the day: people still sign in and the limits still hold.
func TestRedisDown(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	rdb, err := cache.Connect("redis://" + m.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { _ = rdb.Close() })
	b := newBundle(t, cache.NewLimits(rdb).Patient(time.Minute), Options{Sandbox: true})
	b.Drill(true, true)
	b.staff("cg1")
	token, _ := b.signedIn("cg1")
	m.Close()
	b.alive(token)
	b.signedIn("cg1")
	_, _, err = b.VerifyOTP(t.Context(), Actor{}, here, phone, b.code(phone))
	require.NoError(t, err)
	_, err = b.RequestOTP(t.Context(), here, phone, "203.0.113.7", nil)
	refused(t, err, "TOO_MANY_REQUESTS")
	require.Positive(t, b.limits.Fallbacks())
}

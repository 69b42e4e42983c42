package auth

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"yixian/internal/cache"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
)

// The names of sealed fields: whoever opens a value must know under which it was sealed.
const (
	FieldPhone     = "phone"
	FieldMFASecret = "mfa_secret"
)

var mobile = regexp.MustCompile(`^1[3-9][0-9]{9}$`)

// Phone brings a mainland mobile number into its one form, eleven digits; ok is false for anything else.
func Phone(s string) (phone string, ok bool) {
	s = strings.NewReplacer(" ", "", "-", "", "\u00a0", "", "\u3000", "").Replace(s)
	s = strings.TrimPrefix(s, "+86")
	return s, mobile.MatchString(s)
}

func badPhone() error { return fault.Invalid("/phone", "请输入 11 位中国大陆手机号") }

// RequestOTP makes a six-digit code for a phone; the caller sends it and must not log it. Whether somebody with that
// number exists is not looked at, so nobody learns it here. Only the latest code of a number works. ip is the client's
// address from a trusted hop. proof is nil unless a challenge was solved. Refusals: INVALID for a number that is no mobile,
// PROOF_NEEDED with a challenge while the installation's budget runs low, TOO_MANY_REQUESTS.
func (s *Store) RequestOTP(ctx context.Context, district, phone, ip string, proof *Proof) (code string, err error) {
	phone, ok := Phone(phone)
	if !ok {
		return "", badPhone()
	}
	b := s.bounds()
	bidx := s.keys.Blind(district, FieldPhone, phone)
	if err := s.demand(ctx, district, bidx, s.budget(b), proof, time.Now()); err != nil {
		return "", err
	}
	// The address first: who is over its own limit must not use up a stranger's.
	if err := s.allowOTP(ctx, district, bidx, ip, b); err != nil {
		return "", err
	}
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", err
	}
	code = fmt.Sprintf("%06d", n)
	salt := seal.NewSalt()
	minute := time.Minute
	if b.phoneMinute > 1 {
		minute = 0
	}
	var known, made bool
	var after float64
	// Counted here as well: rows survive a lost Redis, and a day's count is exact.
	err = s.db.Pool.QueryRow(pg.WithDistrict(ctx, district), `
		with recent as (
		  select count(*) as n, min(created_at) as first, max(created_at) as last from otp where district = $1 and phone_bidx = $2 and created_at > now() - interval '1 day'
		), made as (
		  insert into otp (district, id, phone_bidx, salt, code_hash, expires_at)
		  select t.district, $3, $2, $4, sha256($4::bytea || $5::bytea), now() + $6::interval from tenant t, recent r
		  where t.district = $1 and r.n < $7 and coalesce(r.last <= now() - $8::interval, true)
		  returning id
		), former as (
		  update otp set used_at = now() where district = $1 and phone_bidx = $2 and used_at is null and exists (select from made)
		)
		select exists (select from tenant where district = $1), exists (select from made),
		  coalesce(extract(epoch from case when r.n >= $7 then r.first + interval '1 day' else r.last + $8::interval end - now()), 0)::float8 from recent r`,
		district, bidx, id, salt, s.pepper(district, phone, code), otpLife, b.phoneDay, minute).Scan(&known, &made, &after)
	switch {
	case err != nil:
		return "", pg.Fault(fmt.Errorf("one-time code: %w", err))
	case !known:
		return "", fault.NotFound()
	case !made:
		return "", tooMany(time.Duration(after * float64(time.Second)))
	}
	return code, nil
}

func (s *Store) allowOTP(ctx context.Context, district string, bidx []byte, ip string, b bounds) error {
	host, net := s.address(district, ip)
	for _, l := range []struct {
		key string
		r   cache.Rate
	}{
		{"otp:ip:" + host, cache.Rate{Count: b.addressHour, Per: time.Hour}},
		{"otp:net:" + net, cache.Rate{Count: b.netHour, Per: time.Hour}},
		{"otp:phone:" + hex.EncodeToString(bidx), cache.Rate{Count: b.phoneMinute, Per: time.Minute}},
	} {
		if err := s.allow(ctx, l.key, l.r); err != nil {
			return err
		}
	}
	budget := s.budget(b)
	if err := s.allow(ctx, "otp:all", budget); err != nil {
		s.opts.Log.ErrorContext(ctx, "one-time codes: the budget of the whole installation is spent", "count", budget.Count, "per", budget.Per)
		return err
	}
	return nil
}

// budget is that of the whole installation.
func (s *Store) budget(b bounds) cache.Rate {
	if s.opts.Sandbox && !s.drill.Load().limits {
		return cache.Rate{Count: b.netHour, Per: time.Hour}
	}
	return s.opts.OTPBudget
}

// address gives names for an address and for its network that do not reveal them.
func (s *Store) address(district, ip string) (host, net string) {
	h, n := ip, ip
	if a, err := netip.ParseAddr(ip); err == nil {
		a = a.Unmap().WithZone("")
		hostBits, netBits := 32, 24
		if a.Is6() {
			hostBits, netBits = 64, 48 // one household is given a /64
		}
		hp, _ := a.Prefix(hostBits)
		np, _ := a.Prefix(netBits)
		h, n = hp.String(), np.String()
	}
	return hex.EncodeToString(s.keys.Blind(district, "address", h)[:16]), hex.EncodeToString(s.keys.Blind(district, "address", n)[:16])
}

// pepper binds a code to its number under a key outside the database: a stolen table of a million possible codes
// is no use.
func (s *Store) pepper(district, phone, code string) []byte {
	return s.keys.Blind(district, "otp", phone+"/"+code)
}

// verifySQL is the whole sign-in: of parallel right codes the row lock lets exactly one see used_at null, and the tries
// are counted under the same lock.
const verifySQL = `
with hit as (
  update otp set tries = tries + 1, used_at = case when code_hash = sha256(salt || $3::bytea) then now() end
  where district = $1 and used_at is null and expires_at > now() and tries < $4
    and id = (select id from otp where district = $1 and phone_bidx = $2 order by created_at desc, id desc limit 1)
  returning code_hash = sha256(salt || $3::bytea) as good
), who as (
  insert into account (district, id, kind, phone_enc, phone_bidx) select $1, $5, 'RESIDENT', $6, $2 from hit where good
  on conflict (district, kind, phone_bidx) where phone_bidx is not null and kind = 'RESIDENT' do update set phone_enc = excluded.phone_enc
  returning id, disabled_at
), replaced as (
  update session set revoked_at = now() from who where session.district = $1 and session.hash = $7 and session.revoked_at is null and who.disabled_at is null
), begun as (
  insert into session (district, hash, account_id, kind, device, expires_at, idle_seconds)
  select $1, $8, id, 'RESIDENT', $9, now() + $10::interval, $11 from who where disabled_at is null
)
select coalesce((select good from hit), false), exists (select from who where disabled_at is not null)`

// VerifyOTP signs a resident in. The account is made at the first time; the current session — usually a guest's — ends
// and the new one keeps the guest's device. A code that is wrong, used, burned by five tries or older than five minutes
// is OTP_WRONG, all alike; ACCOUNT_DISABLED is only told to the owner of the phone.
func (s *Store) VerifyOTP(ctx context.Context, current Actor, district, phone, code string) (token string, a Actor, err error) {
	phone, ok := Phone(phone)
	if !ok {
		return "", Actor{}, badPhone()
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", Actor{}, err
	}
	device, replaced, err := current.succeed(district)
	if err != nil {
		return "", Actor{}, err
	}
	sealed, err := s.keys.Seal(district, FieldPhone, phone)
	if err != nil {
		return "", Actor{}, err
	}
	token, hash := newToken(district)
	var good, off bool
	err = s.db.Pool.QueryRow(pg.WithDistrict(ctx, district), verifySQL, district, s.keys.Blind(district, FieldPhone, phone), s.pepper(district, phone, strings.TrimSpace(code)), otpTries,
		id, sealed, replaced, hash, device, residentLife.absolute, seconds32(residentLife.idle)).Scan(&good, &off)
	switch {
	case err != nil:
		return "", Actor{}, pg.Fault(fmt.Errorf("verify one-time code: %w", err))
	case !good:
		return "", Actor{}, fault.New(http.StatusUnauthorized, "OTP_WRONG", "验证码不正确或已失效，请核对或重新获取")
	case off:
		return "", Actor{}, disabled()
	}
	a, err = s.Authenticate(ctx, token)
	return token, a, err
}

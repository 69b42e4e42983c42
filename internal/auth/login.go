package auth

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/fault"
	"yixian/internal/pg"
)

// Credentials of a member of staff. TOTP is empty unless the account has a second factor; IP comes from a trusted hop.
type Credentials struct {
	District, Username, Password, TOTP, IP string
}

// attempt is what one look at the account finds.
type attempt struct {
	id       uuid.UUID
	counted  bool // false: locked
	hash     string
	disabled bool
	mfa      bool
	secret   []byte
	lastStep int64
	left     float64 // seconds of the lock
	step     int64   // of now
}

// A try is counted before the password is looked at and given back when it was right: a hundred guesses at once get no
// further than ten one after another. The commit does not wait for the disk: that wait would tell a known name from an
// unknown one.
const attemptSQL = `
with tried as (
  update account set
    failed_logins = case when locked_until <= now() then 1 else failed_logins + 1 end,
    locked_until = case when (case when locked_until <= now() then 1 else failed_logins + 1 end) >= $3 then now() + $4::interval end
  where district = $1 and username = $2 and kind = 'STAFF' and (locked_until is null or locked_until <= now())
  returning id
)
select a.id, t.id is not null, coalesce(a.password_hash, ''), a.disabled_at is not null, a.mfa_required, a.mfa_secret_enc, a.mfa_last_step,
  coalesce(extract(epoch from a.locked_until - now()), 0)::float8, floor(extract(epoch from now()) / $5)::bigint,
  set_config('synchronous_commit', 'off', true)
from account a left join tried t on t.id = a.id where a.district = $1 and a.username = $2 and a.kind = 'STAFF'`

// Login signs a member of staff in. BAD_CREDENTIALS answers an unknown, a disabled and a wrongly spelled one after the
// same work, and all are LOCKED (429) for 15 minutes after ten failures. With a second factor MFA_REQUIRED asks for the
// code, MFA_WRONG refuses it, each code works once. The current session ends; a guest's device is kept.
func (s *Store) Login(ctx context.Context, current Actor, c Credentials) (token string, a Actor, err error) {
	b := s.bounds()
	c.Username = strings.TrimSpace(c.Username)
	host, _ := s.address(c.District, c.IP)
	if err := s.allow(ctx, "login:ip:"+host, b.loginsPerAddress); err != nil {
		return "", Actor{}, err
	}
	try, err := s.attempt(ctx, c, b)
	if err != nil {
		return "", Actor{}, err
	}
	good, err := s.hash.matches(ctx, try.hash, c.Password)
	if err != nil {
		return "", Actor{}, err
	}
	if !good || try.disabled {
		return "", Actor{}, badCredentials()
	}
	step, err := s.secondFactor(ctx, c, try, b)
	if err != nil {
		return "", Actor{}, err
	}
	device, replaced, err := current.succeed(c.District)
	if err != nil {
		return "", Actor{}, err
	}
	token, hash := newToken(c.District)
	// Between the look and here the password may have changed, the account been disabled, the code been used.
	tag, err := s.db.Pool.Exec(pg.WithDistrict(ctx, c.District), `
		with who as (
		  update account set failed_logins = 0, locked_until = null, mfa_last_step = greatest(mfa_last_step, $4)
		  where district = $1 and id = $2 and disabled_at is null and password_hash = $3 and ($4 = 0 or mfa_last_step < $4)
		  returning id
		), replaced as (
		  update session set revoked_at = now() from who where session.district = $1 and session.hash = $5 and session.revoked_at is null
		)
		insert into session (district, hash, account_id, kind, device, expires_at, idle_seconds, mfa_at)
		select $1, $6, id, 'STAFF', $7, now() + $8::interval, $9, case when $4 > 0 then now() end from who`,
		c.District, try.id, try.hash, step, replaced, hash, device, staffLife.absolute, seconds32(staffLife.idle))
	switch {
	case err != nil:
		return "", Actor{}, pg.Fault(fmt.Errorf("sign in: %w", err))
	case tag.RowsAffected() == 0 && step > 0:
		return "", Actor{}, wrongCode()
	case tag.RowsAffected() == 0:
		return "", Actor{}, badCredentials()
	}
	a, err = s.Authenticate(ctx, token)
	return token, a, err
}

// attempt counts the try and reads the account. Unknown names are counted too, or the lock would tell who exists; their
// attempt is empty.
func (s *Store) attempt(ctx context.Context, c Credentials, b bounds) (attempt, error) {
	var t attempt
	var off string
	err := s.db.Pool.QueryRow(pg.WithDistrict(ctx, c.District), attemptSQL, c.District, c.Username, b.failures, lockTime, totpStep).
		Scan(&t.id, &t.counted, &t.hash, &t.disabled, &t.mfa, &t.secret, &t.lastStep, &t.left, &t.step, &off)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		name := hex.EncodeToString(s.keys.Blind(c.District, "username", c.Username)[:16])
		if left := s.limits.Strike(ctx, "auth:login:"+name, b.failures, lockTime); left > 0 {
			return t, locked(left)
		}
		return t, nil
	case err != nil:
		return t, pg.Fault(fmt.Errorf("sign in: %w", err))
	case !t.counted && t.left <= 0: // locked by a neighbour a moment ago
		return t, locked(lockTime)
	case !t.counted:
		return t, locked(time.Duration(t.left * float64(time.Second)))
	}
	return t, nil
}

// secondFactor returns the time step of the code, 0 when none is asked for. The password was right.
func (s *Store) secondFactor(ctx context.Context, c Credentials, t attempt, b bounds) (step int64, err error) {
	if !t.mfa || !s.drill.Load().mfa {
		return 0, nil
	}
	if len(t.secret) == 0 {
		return 0, fault.Forbidden("MFA_NOT_SET_UP", "该账号须使用动态口令，但尚未绑定，请联系管理员")
	}
	code := strings.TrimSpace(c.TOTP)
	if code == "" {
		// The page asks for the code only now: this try was none.
		_, err := s.db.Pool.Exec(pg.WithDistrict(ctx, c.District), `
			update account set failed_logins = greatest(failed_logins - 1, 0), locked_until = case when failed_logins - 1 >= $3 then locked_until end
			where district = $1 and id = $2`, c.District, t.id, b.failures)
		if err != nil {
			return 0, pg.Fault(fmt.Errorf("sign in: %w", err))
		}
		return 0, fault.New(http.StatusUnauthorized, "MFA_REQUIRED", "请输入动态口令")
	}
	plain, err := s.keys.Open(c.District, FieldMFASecret, t.secret)
	if err != nil {
		return 0, fmt.Errorf("second factor: %w", err)
	}
	secret, err := totpSecret(plain)
	if err != nil {
		return 0, err
	}
	if step = totpMatch(secret, code, t.step, t.lastStep); step == 0 {
		return 0, wrongCode()
	}
	return step, nil
}

func badCredentials() error {
	return fault.New(http.StatusUnauthorized, "BAD_CREDENTIALS", "用户名或密码不正确")
}

func wrongCode() error {
	return fault.New(http.StatusUnauthorized, "MFA_WRONG", "动态口令不正确或已使用，请等待下一个")
}

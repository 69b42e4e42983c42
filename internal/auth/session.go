package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
)

// life is how long a session of a kind may stay unused and live at all.
type life struct{ idle, absolute time.Duration }

const day = 24 * time.Hour

var (
	guestLife    = life{idle: 30 * day, absolute: 90 * day}
	residentLife = life{idle: 90 * day, absolute: 365 * day}
	staffLife    = life{idle: 30 * time.Minute, absolute: 12 * time.Hour}
)

// A token is "<district>.<secret>": the district says where to look, the secret is 256 random bits. The database keeps the
// secret's SHA-256 only.
var tokenForm = regexp.MustCompile(`^([0-9]{6})\.([A-Za-z0-9_-]{43})$`)

func newToken(district string) (token string, hash []byte) {
	secret := seal.Token()
	return district + "." + secret, seal.TokenHash(secret)
}

// District reads the district of a token without looking it up; "" when it is no token.
func District(token string) string {
	if m := tokenForm.FindStringSubmatch(token); m != nil {
		return m[1]
	}
	return ""
}

// Guest begins a session for a new device that nobody has signed in on. An unknown district is NOT_FOUND. The caller
// limits how often an address may ask.
func (s *Store) Guest(ctx context.Context, district string) (token string, a Actor, err error) {
	device, err := uuid.NewV7()
	if err != nil {
		return "", Actor{}, err
	}
	token, hash := newToken(district)
	a = Actor{District: district, Device: device, Kind: Guest, session: hash}
	err = s.db.Pool.QueryRow(pg.WithDistrict(ctx, district), `
		insert into session (district, hash, kind, device, expires_at, idle_seconds)
		select district, $2, 'GUEST', $3, now() + $4::interval, $5 from tenant where district = $1
		returning yx_now()`, district, hash, device, guestLife.absolute, seconds32(guestLife.idle)).Scan(&a.Now)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", Actor{}, fault.NotFound()
	}
	if err != nil {
		return "", Actor{}, pg.Fault(fmt.Errorf("guest session: %w", err))
	}
	return token, a, nil
}

func seconds32(d time.Duration) int32 { return int32(d / time.Second) }

// whoSQL is one trip on every request's way. step_up_at is moved onto the domain's clock so that Actor.Now minus StepUpAt
// is the real time since.
const whoSQL = `
select s.kind, s.account_id, s.device, yx_now() - (now() - s.step_up_at), coalesce(a.username, ''), case when s.kind = 'STAFF' then coalesce(a.display_name, '') else '' end,
  (select json_agg(json_build_object('role', b.role, 'unit', b.unit, 'grids', b.grids) order by b.unit, b.role) from role_binding b where b.district = $1 and b.account_id = s.account_id),
  s.seen_at < now() - interval '1 minute', yx_now(),
  case when s.kind = 'PARTNER' then (select json_build_object('source', p.source, 'scopes', p.scopes, 'per_hour', p.per_hour) from partner p where p.district = $1 and p.account_id = s.account_id) end
from session s left join account a on a.district = $1 and a.id = s.account_id
where s.district = $1 and s.hash = $2 and s.revoked_at is null and s.expires_at > now() and s.seen_at + make_interval(secs => s.idle_seconds) > now()
  and (s.account_id is null or (a.id is not null and a.disabled_at is null))`

// touchSQL runs once a minute and session, waiting neither for a lock nor for the disk. As a part of whoSQL it would make
// every look-up a writing statement, which costs as much again as the look-up (measured: 130 against 75 µs).
const touchSQL = `
update session set seen_at = now() where district = $1 and hash = (
  select hash from session where district = $1 and hash = $2 and seen_at < now() - interval '1 minute' for update skip locked)
returning set_config('synchronous_commit', 'off', true)`

// Authenticate says whose session a token is. A token that is malformed, unknown, revoked, over or of a disabled account,
// or that carries another district's code, is UNAUTHENTICATED — all alike.
func (s *Store) Authenticate(ctx context.Context, token string) (Actor, error) {
	m := tokenForm.FindStringSubmatch(token)
	if m == nil {
		return Actor{}, fault.Unauthorized()
	}
	return s.who(ctx, m[1], m[2])
}

// who looks up whose session a secret is.
func (s *Store) who(ctx context.Context, district, secret string) (Actor, error) {
	a := Actor{District: district, session: seal.TokenHash(secret)}
	var account *uuid.UUID
	var bindings, grant []byte
	var stale bool
	ctx = pg.WithDistrict(ctx, a.District)
	err := s.db.Pool.QueryRow(ctx, whoSQL, a.District, a.session).
		Scan(&a.Kind, &account, &a.Device, &a.StepUpAt, &a.Username, &a.Name, &bindings, &stale, &a.Now, &grant)
	if errors.Is(err, pgx.ErrNoRows) {
		return Actor{}, fault.Unauthorized()
	}
	if err != nil {
		return Actor{}, pg.Fault(fmt.Errorf("session: %w", err))
	}
	if stale {
		if _, err := s.db.Pool.Exec(ctx, touchSQL, a.District, a.session); err != nil {
			return Actor{}, pg.Fault(fmt.Errorf("session: %w", err))
		}
	}
	if account != nil {
		a.Account = *account
	}
	if bindings != nil {
		if err := json.Unmarshal(bindings, &a.Bindings); err != nil {
			return Actor{}, fmt.Errorf("session: role bindings: %w", err)
		}
	}
	if grant != nil {
		if err := json.Unmarshal(grant, &a.Grant); err != nil {
			return Actor{}, fmt.Errorf("session: grant: %w", err)
		}
	}
	if a.Kind == Resident {
		a.Bindings = append(a.Bindings, Binding{Role: RoleResident}) // every resident is one; no row says so
	}
	return a, nil
}

// Logout ends the actor's session at once, on every node.
func (s *Store) Logout(ctx context.Context, a Actor) error {
	if a.session == nil {
		return nil
	}
	_, err := s.db.Pool.Exec(pg.WithDistrict(ctx, a.District), `update session set revoked_at = now() where district = $1 and hash = $2 and revoked_at is null`, a.District, a.session)
	return pg.Fault(err)
}

// MarkStepUp notes that the actor has just proved again who they are. The caller has checked the proof.
func (s *Store) MarkStepUp(ctx context.Context, a Actor) error {
	tag, err := s.db.Pool.Exec(pg.WithDistrict(ctx, a.District), `update session set step_up_at = now() where district = $1 and hash = $2 and revoked_at is null and kind = 'STAFF'`, a.District, a.session)
	if err == nil && tag.RowsAffected() == 0 {
		return fault.Unauthorized()
	}
	return pg.Fault(err)
}

// Purge deletes the district's sessions and codes that ended more than keep ago. A code counts for its number's daily
// limit, so keep is at least two days.
func (s *Store) Purge(ctx context.Context, district string, keep time.Duration) error {
	keep = max(keep, 2*day)
	_, err := s.db.Pool.Exec(pg.WithDistrict(ctx, district), `
		with codes as (delete from otp where district = $1 and created_at < now() - $2::interval)
		delete from session where district = $1 and least(expires_at, seen_at + make_interval(secs => idle_seconds), revoked_at) < now() - $2::interval`, district, keep)
	return pg.Fault(err)
}

// succeed is what a new session takes over from the one it replaces: of a guest the device, and with it the photos
// that the device uploaded; of somebody who was signed in nothing. The replaced session's hash is revoked either way.
func (a Actor) succeed(district string) (device uuid.UUID, replaced []byte, err error) {
	if a.District != district {
		a = Actor{}
	}
	if a.Kind == Guest && a.Device != uuid.Nil {
		return a.Device, a.session, nil
	}
	device, err = uuid.NewV7()
	return device, a.session, err
}

func disabled() error {
	return fault.New(http.StatusForbidden, "ACCOUNT_DISABLED", "该账号已停用，请联系所在区的管理员")
}

package auth

import (
	"context"
	"fmt"
	"math"

	"github.com/google/uuid"

	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
)

// partnerLife is the end written on a partner's key; what really ends it is Disable or RevokeAccount.
const partnerLife = 100 * 365 * day

// NewPartner makes a partner's account with its first API key, which is shown once: only its hash is kept. The username
// names the partner in events; whoever manages accounts may do it. USERNAME_TAKEN when there is one of that name.
func (s *Store) NewPartner(ctx context.Context, a Actor, username, name string) (key string, id uuid.UUID, err error) {
	if a.Kind != System && !a.Has(RoleTenantAdmin) {
		return "", id, fault.Forbidden("FORBIDDEN", "只有管理员可以登记合作方")
	}
	ids, err := s.CreateStaff(ctx, NewStaff{District: a.District, Username: username, DisplayName: name, Bindings: []Binding{{Role: RolePartner}}})
	if err != nil {
		return "", id, err
	}
	key, hash := newToken(a.District)
	if s.opts.Sandbox { // like the passwords of a sandbox: everybody who practises knows it
		key = "sandbox-" + username
		hash = seal.TokenHash(key)
	}
	_, err = s.db.Pool.Exec(pg.WithDistrict(ctx, a.District), `
		with p as (update account set kind = 'PARTNER' where district = $1 and id = $2 returning id)
		insert into session (district, hash, account_id, kind, device, expires_at, idle_seconds)
		select $1, $3, p.id, 'PARTNER', p.id, now() + $4::interval, $5 from p`, a.District, ids[0], hash, partnerLife, int32(math.MaxInt32))
	if err != nil {
		return "", id, pg.Fault(fmt.Errorf("partner key: %w", err))
	}
	return key, ids[0], nil
}

// Partner says whose API key it is: UNAUTHENTICATED for anything else, a person's session included.
func (s *Store) Partner(ctx context.Context, district, key string) (a Actor, err error) {
	if s.opts.Sandbox && !tokenForm.MatchString(key) {
		a, err = s.who(ctx, district, key)
	} else {
		a, err = s.Authenticate(ctx, key)
	}
	if err == nil && (a.Kind != Partner || a.District != district) {
		return Actor{}, fault.Unauthorized()
	}
	return a, err
}

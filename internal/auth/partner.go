package auth

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
)

// What a partner may do with its keys.
const (
	ScopeSubmit = "submit" // send reports and photos in
	ScopeUpdate = "update" // add to its own reports
	ScopeStatus = "status" // read where its own reports stand
)

// Scopes lists them.
var Scopes = []string{ScopeSubmit, ScopeUpdate, ScopeStatus}

// Sources lists what a partner's reports may count as: of its own, or of the city's hotline.
var Sources = []string{"PARTNER", "HOTLINE_12345"}

// Grant is what the administrator allows a partner.
type Grant struct {
	Source  string   `json:"source"`
	Scopes  []string `json:"scopes"`
	PerHour int      `json:"per_hour"` // calls that write, of all its keys together
}

// PartnerAccount is another system that comes in by API keys: a city's app, the 12345 platform.
type PartnerAccount struct {
	ID         uuid.UUID
	Username   string // names it in events and in webhooks
	Name       string
	Contact    string // who to call when it misbehaves; no personal data beyond an office's
	DisabledAt *time.Time
	CreatedAt  time.Time
	Version    int
	Keys       []PartnerKey
	Grant
}

// PartnerKey is what may be known of a key: never the key. Hint is its last four characters.
type PartnerKey struct {
	ID         uuid.UUID
	Label      string
	Hint       string
	MadeAt     time.Time
	ExpiresAt  *time.Time
	RevokedAt  *time.Time
	LastUsedAt *time.Time // to the minute
}

// Live reports whether the key opens anything now.
func (k *PartnerKey) Live(now time.Time) bool {
	return k.RevokedAt == nil && (k.ExpiresAt == nil || k.ExpiresAt.After(now))
}

const (
	// partnerLife is the end written on a key without one; what really ends it is to revoke it or to disable its partner.
	partnerLife = 100 * 365 * day
	liveKeys    = 5 // of one partner at once: one in use, one to come, and a test's
	mostGrace   = 30 * day
)

const partnerSQL = `select w.id, w.username, w.display_name, p.contact, w.disabled_at, w.created_at, p.version, p.source, p.scopes, p.per_hour
  from partner p join account w on w.district = p.district and w.id = p.account_id where p.district = $1`

func scanPartner(row pgx.CollectableRow) (p PartnerAccount, err error) {
	err = row.Scan(&p.ID, &p.Username, &p.Name, &p.Contact, &p.DisabledAt, &p.CreatedAt, &p.Version, &p.Source, &p.Scopes, &p.PerHour)
	return p, err
}

type rowsOf interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// keysInto reads the keys of partners, the newest first.
func keysInto(ctx context.Context, q rowsOf, district string, list []PartnerAccount) error {
	ids := make([]uuid.UUID, len(list))
	for i := range list {
		ids[i], list[i].Keys = list[i].ID, []PartnerKey{}
	}
	rows, err := q.Query(ctx, `select k.account_id, k.id, k.label, k.hint, k.made_at, k.expires_at, coalesce(k.revoked_at, s.revoked_at), nullif(s.seen_at, s.created_at)
		from partner_key k left join session s on s.district = k.district and s.hash = k.hash where k.district = $1 and k.account_id = any($2) order by k.made_at desc, k.id desc`, district, ids)
	if err != nil {
		return err
	}
	var of uuid.UUID
	var k PartnerKey
	_, err = pgx.ForEachRow(rows, []any{&of, &k.ID, &k.Label, &k.Hint, &k.MadeAt, &k.ExpiresAt, &k.RevokedAt, &k.LastUsedAt}, func() error {
		i := slices.Index(ids, of)
		list[i].Keys = append(list[i].Keys, k)
		return nil
	})
	return err
}

// Partners lists the district's partners by name of account, with their keys.
func (s *Store) Partners(ctx context.Context, a Actor, limit int, after string) (list []PartnerAccount, next string, err error) {
	if err := a.administers(); err != nil {
		return nil, "", err
	}
	ctx = pg.WithDistrict(ctx, a.District)
	rows, err := s.db.Pool.Query(ctx, partnerSQL+" and w.username > $2 order by w.username limit $3", a.District, after, limit+1)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	if list, err = pgx.CollectRows(rows, scanPartner); err != nil {
		return nil, "", pg.Fault(err)
	}
	if len(list) > limit {
		list = list[:limit]
		next = list[limit-1].Username
	}
	return list, next, pg.Fault(keysInto(ctx, s.db.Pool, a.District, list))
}

// PartnerAccount is one of them.
func (s *Store) PartnerAccount(ctx context.Context, a Actor, id uuid.UUID) (*PartnerAccount, error) {
	if err := a.administers(); err != nil {
		return nil, err
	}
	ctx = pg.WithDistrict(ctx, a.District)
	return partnerOf(ctx, s.db.Pool, a.District, id, "")
}

func partnerOf(ctx context.Context, q rowsOf, district string, id uuid.UUID, lock string) (*PartnerAccount, error) {
	rows, err := q.Query(ctx, partnerSQL+" and p.account_id = $2"+lock, district, id)
	if err != nil {
		return nil, pg.Fault(err)
	}
	list, err := pgx.CollectRows(rows, scanPartner)
	if err == nil && len(list) == 0 {
		return nil, fault.NotFound()
	}
	if err == nil {
		err = keysInto(ctx, q, district, list)
	}
	if err != nil {
		return nil, pg.Fault(err)
	}
	return &list[0], nil
}

// check says what is wrong with a partner; it fills in defaults.
func (p *PartnerAccount) check() error {
	if p.Source == "" {
		p.Source = Sources[0]
	}
	if p.Scopes == nil {
		p.Scopes = Scopes
	}
	if p.PerHour == 0 {
		p.PerHour = 600
	}
	p.Scopes = slices.Compact(slices.Sorted(slices.Values(p.Scopes)))
	switch n := utf8.RuneCountInString(p.Name); {
	case n == 0 || n > 40:
		return fault.Invalid("/name", "合作方名称应为 1–40 个字")
	case !slices.Contains(Sources, p.Source):
		return fault.Invalid("/source", "来源应为 %v 之一", Sources)
	case len(p.Scopes) == 0 || slices.ContainsFunc(p.Scopes, func(x string) bool { return !slices.Contains(Scopes, x) }):
		return fault.Invalid("/scopes", "权限应取自 %v，至少一项", Scopes)
	case p.PerHour < 1 || p.PerHour > 100_000:
		return fault.Invalid("/per_hour", "每小时次数应为 1–100000")
	case utf8.RuneCountInString(p.Contact) > 100:
		return fault.Invalid("/contact", "联系方式不能超过 100 个字")
	}
	return nil
}

// audited is a partner in the audit: all but its keys.
func (p *PartnerAccount) audited() map[string]any {
	return map[string]any{"name": p.Name, "source": p.Source, "scopes": p.Scopes, "per_hour": p.PerHour, "contact": p.Contact, "disabled": p.DisabledAt != nil}
}

// NewPartner registers a partner with its first key, which is shown once: only its hash is kept. USERNAME_TAKEN when there is
// an account of that name.
func (s *Store) NewPartner(ctx context.Context, a Actor, p PartnerAccount) (key string, made *PartnerAccount, err error) {
	if err := p.check(); err != nil {
		return "", nil, err
	}
	if !usernameForm.MatchString(p.Username) {
		return "", nil, fault.Invalid("/username", "代号为 1–64 个字母、数字、点、横线或下划线")
	}
	p.ID = uuid.Must(uuid.NewV7())
	err = s.employ(ctx, a, func(tx pgx.Tx) error {
		taken, err := words(ctx, tx, "select username from account where district = $1 and username = any($2)", a.District, []string{p.Username})
		if err != nil {
			return err
		}
		if taken[p.Username] {
			return fault.Conflict("USERNAME_TAKEN", "代号已被使用")
		}
		if _, err := tx.Exec(ctx, `with w as (insert into account (district, id, kind, username, display_name) values ($1, $2, 'PARTNER', $3, $4)),
			b as (insert into role_binding (district, account_id, role) values ($1, $2, 'PARTNER'))
			insert into partner (district, account_id, source, scopes, per_hour, contact) values ($1, $2, $5, $6, $7, $8)`, a.District, p.ID, p.Username, p.Name, p.Source, p.Scopes, p.PerHour, p.Contact); err != nil {
			return err
		}
		if key, _, err = s.cut(ctx, tx, a, &p, "", nil); err != nil {
			return err
		}
		if err := note(ctx, tx, a, "create", p.Username, nil, p.audited()); err != nil {
			return err
		}
		made, err = partnerOf(ctx, tx, a.District, p.ID, "")
		return err
	})
	return key, made, err
}

func note(ctx context.Context, tx pgx.Tx, a Actor, action, key string, before, after any) error {
	c, err := AuditChange(action, "partner", key, before, after)
	if err != nil {
		return err
	}
	return Audit(ctx, tx, a, c)
}

// cut makes a key: a session that does not end by itself, and the row that tells of it.
func (s *Store) cut(ctx context.Context, tx pgx.Tx, a Actor, p *PartnerAccount, label string, expires *time.Time) (key string, id uuid.UUID, err error) {
	key, hash := newToken(a.District)
	if s.opts.Sandbox && a.Kind == System { // of the fixture's partner, like its passwords: everybody who practises knows it
		key = "sandbox-" + p.Username
		hash = seal.TokenHash(key)
	}
	id = uuid.Must(uuid.NewV7())
	_, err = tx.Exec(ctx, `with s as (insert into session (district, hash, account_id, kind, device, expires_at, idle_seconds) values ($1, $2, $3, 'PARTNER', $3, coalesce($4, now() + $5::interval), $6))
		insert into partner_key (district, id, account_id, hash, label, hint, made_by, expires_at) values ($1, $7, $3, $2, $8, $9, $10, $4)`,
		a.District, hash, p.ID, expires, partnerLife, int32(math.MaxInt32), id, label, key[len(key)-4:], a.ID())
	if err != nil {
		return "", id, fmt.Errorf("partner key: %w", err)
	}
	return key, id, nil
}

// changing runs a change of one partner: 409 STALE when the version that was read is not the current one.
func (s *Store) changing(ctx context.Context, a Actor, id uuid.UUID, version *int, change func(pgx.Tx, *PartnerAccount) error) (out *PartnerAccount, err error) {
	err = s.employ(ctx, a, func(tx pgx.Tx) error {
		old, err := partnerOf(ctx, tx, a.District, id, " for update of p")
		if err != nil {
			return err
		}
		if version != nil && *version != old.Version {
			return fault.Conflict("STALE", "其他人刚刚修改过，请刷新后再改").With("version", old.Version)
		}
		if err := change(tx, old); err != nil {
			return err
		}
		out, err = partnerOf(ctx, tx, a.District, id, "")
		return err
	})
	return out, err
}

// ChangePartner changes name, contact, source, scopes, limit and whether it is switched off, which all its keys feel at once.
func (s *Store) ChangePartner(ctx context.Context, a Actor, id uuid.UUID, version int, p PartnerAccount, disabled bool) (*PartnerAccount, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	return s.changing(ctx, a, id, &version, func(tx pgx.Tx, old *PartnerAccount) error {
		if _, err := tx.Exec(ctx, `with w as (update account set display_name = $3, disabled_at = case when $4 then coalesce(disabled_at, now()) end where district = $1 and id = $2)
			update partner set source = $5, scopes = $6, per_hour = $7, contact = $8, version = version + 1, updated_at = yx_now() where district = $1 and account_id = $2`,
			a.District, id, p.Name, disabled, p.Source, p.Scopes, p.PerHour, p.Contact); err != nil {
			return err
		}
		after := p.audited()
		after["disabled"] = disabled
		return note(ctx, tx, a, "change", old.Username, old.audited(), after)
	})
}

// NewKey makes another key. With replace the keys in use end grace later (at once when it is 0), so that the partner's
// operators have time to exchange them. 409 TOO_MANY_KEYS beyond five that live on.
func (s *Store) NewKey(ctx context.Context, a Actor, id uuid.UUID, label string, expires *time.Time, replace bool, grace time.Duration) (key string, made *PartnerKey, err error) {
	switch {
	case utf8.RuneCountInString(label) > 60:
		return "", nil, fault.Invalid("/label", "名称不能超过 60 个字")
	case grace < 0 || grace > mostGrace:
		return "", nil, fault.Invalid("/grace_hours", "旧密钥最多再用 %d 小时", int(mostGrace/time.Hour))
	}
	var keyID uuid.UUID
	p, err := s.changing(ctx, a, id, nil, func(tx pgx.Tx, old *PartnerAccount) error {
		var now time.Time
		if err := tx.QueryRow(ctx, "select now()").Scan(&now); err != nil {
			return err
		}
		if expires != nil && !expires.After(now) {
			return fault.Invalid("/expires_at", "到期时间应在将来")
		}
		live := 0
		for i := range old.Keys {
			if old.Keys[i].Live(now) {
				live++
			}
		}
		action := "create_key"
		if replace {
			if action, live = "rotate_keys", 0; grace > 0 {
				live = 1
			}
			if err := endKeys(ctx, tx, a.District, id, nil, now.Add(grace)); err != nil {
				return err
			}
		}
		if live >= liveKeys {
			return fault.Conflict("TOO_MANY_KEYS", "一个合作方最多 %d 个有效密钥，请先停用不再使用的", liveKeys)
		}
		if key, keyID, err = s.cut(ctx, tx, a, old, label, expires); err != nil {
			return err
		}
		return note(ctx, tx, a, action, old.Username, nil, map[string]any{"key": keyID, "label": label, "expires_at": expires, "grace_hours": grace.Hours()})
	})
	if err != nil {
		return "", nil, err
	}
	made = &p.Keys[slices.IndexFunc(p.Keys, func(k PartnerKey) bool { return k.ID == keyID })]
	return key, made, nil
}

// RevokeKey ends one key at once, on every node; ending it twice changes nothing.
func (s *Store) RevokeKey(ctx context.Context, a Actor, id, key uuid.UUID) error {
	_, err := s.changing(ctx, a, id, nil, func(tx pgx.Tx, old *PartnerAccount) error {
		i := slices.IndexFunc(old.Keys, func(k PartnerKey) bool { return k.ID == key })
		if i < 0 {
			return fault.NotFound()
		}
		if old.Keys[i].RevokedAt != nil {
			return nil
		}
		if err := endKeys(ctx, tx, a.District, id, &key, time.Time{}); err != nil {
			return err
		}
		return note(ctx, tx, a, "revoke_key", old.Username, map[string]any{"key": key, "label": old.Keys[i].Label}, nil)
	})
	return err
}

// endKeys ends the keys of a partner (one, or all) at an instant, never later than they would end anyway; before now means now.
func endKeys(ctx context.Context, tx pgx.Tx, district string, account uuid.UUID, key *uuid.UUID, at time.Time) error {
	_, err := tx.Exec(ctx, `with k as (
		  update partner_key set expires_at = case when $4 > now() then least(expires_at, $4) else expires_at end, revoked_at = case when $4 <= now() then coalesce(revoked_at, now()) else revoked_at end
		  where district = $1 and account_id = $2 and ($3::uuid is null or id = $3) and revoked_at is null returning hash)
		update session s set expires_at = case when $4 > now() then least(s.expires_at, $4) else s.expires_at end, revoked_at = case when $4 <= now() then coalesce(s.revoked_at, now()) else s.revoked_at end
		from k where s.district = $1 and s.hash = k.hash`, district, account, key, at)
	return err
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

// Scoped reports whether the actor is a partner that may do this.
func (a Actor) Scoped(scope string) bool {
	return a.Kind == Partner && a.Grant != nil && slices.Contains(a.Grant.Scopes, scope)
}

// PartnerLimit names the count of a partner's writing calls, one for all doors that it comes in by.
func PartnerLimit(a Actor) string { return "partner:" + a.ID() }

package auth

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"

	"yixian/internal/fault"
	"yixian/internal/pg"
)

// NewStaff is one account to make. Without a password nobody can sign in to it; Phone may be empty.
type NewStaff struct {
	District, Username, DisplayName, Phone, Password string
	Bindings                                         []Binding
	MFARequired                                      bool
	TOTPSecret                                       string // base32, empty until enrolled
}

var usernameForm = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$`)

// staffRow is NewStaff as the statement takes it; bytea travels in PostgreSQL's hex form.
type staffRow struct {
	ID       uuid.UUID `json:"id"`
	Username string    `json:"username"`
	Name     string    `json:"name"`
	Phone    *string   `json:"phone"`
	Bidx     *string   `json:"bidx"`
	Hash     *string   `json:"hash"`
	MFA      bool      `json:"mfa"`
	Secret   *string   `json:"secret"`
	Bindings []Binding `json:"bindings"`
}

// CreateStaff makes accounts, any number of them by one statement per district, and returns their ids in the same
// order. Passwords are hashed Options.Hashes at a time. Refusals: INVALID with the place in the list
// ("/3/password"), USERNAME_TAKEN. Of a district either all are made or none; whose right it is to make them, the
// caller has asked.
func (s *Store) CreateStaff(ctx context.Context, staff ...NewStaff) ([]uuid.UUID, error) {
	rows := make([]staffRow, len(staff))
	work, hashing := errgroup.WithContext(ctx)
	work.SetLimit(s.opts.Hashes)
	for i, n := range staff {
		if err := s.prepare(i, n, &rows[i]); err != nil {
			_ = work.Wait()
			return nil, err
		}
		if n.Password == "" {
			continue
		}
		work.Go(func() error {
			hash, err := s.hash.make(hashing, n.Password)
			rows[i].Hash = &hash
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(staff))
	byDistrict := map[string][]staffRow{}
	for i, n := range staff {
		ids[i] = rows[i].ID
		byDistrict[n.District] = append(byDistrict[n.District], rows[i])
	}
	for district, rows := range byDistrict {
		if err := s.insertStaff(ctx, district, rows); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

func (s *Store) prepare(i int, n NewStaff, row *staffRow) (err error) {
	at := func(field string) string { return fmt.Sprintf("/%d/%s", i, field) }
	if !usernameForm.MatchString(n.Username) {
		return fault.Invalid(at("username"), "用户名为 1–64 个字母、数字、点、横线或下划线")
	}
	if !s.opts.Sandbox && n.Password != "" {
		if err := checkPassword(at("password"), n.Username, n.Password); err != nil {
			return err
		}
	}
	*row = staffRow{Username: n.Username, Name: n.DisplayName, MFA: n.MFARequired, Bindings: n.Bindings}
	for k := range row.Bindings {
		if row.Bindings[k].Grids == nil {
			row.Bindings = append([]Binding(nil), row.Bindings...) // the caller's slice stays as it is
			row.Bindings[k].Grids = []string{}
		}
	}
	if row.Bindings == nil {
		row.Bindings = []Binding{}
	}
	if row.ID, err = uuid.NewV7(); err != nil {
		return err
	}
	if n.Phone != "" {
		phone, ok := Phone(n.Phone)
		if !ok {
			return fault.Invalid(at("phone"), "请输入 11 位中国大陆手机号")
		}
		if row.Phone, err = s.sealed(n.District, FieldPhone, phone); err != nil {
			return err
		}
		row.Bidx = hexed(s.keys.Blind(n.District, FieldPhone, phone))
	}
	if n.TOTPSecret != "" {
		if _, err := totpSecret(n.TOTPSecret); err != nil {
			return fault.Invalid(at("totp_secret"), "动态口令密钥格式不正确")
		}
		row.Secret, err = s.sealed(n.District, FieldMFASecret, n.TOTPSecret)
	}
	return err
}

func (s *Store) sealed(district, field, plain string) (*string, error) {
	b, err := s.keys.Seal(district, field, plain)
	if err != nil {
		return nil, err
	}
	return hexed(b), nil
}

func hexed(b []byte) *string {
	t := `\x` + hex.EncodeToString(b)
	return &t
}

func (s *Store) insertStaff(ctx context.Context, district string, rows []staffRow) error {
	list, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	_, err = s.db.Pool.Exec(pg.WithDistrict(ctx, district), `
		with n as materialized (
		  select * from jsonb_to_recordset($2::jsonb) as n(id uuid, username text, name text, phone bytea, bidx bytea, hash text, mfa boolean, secret bytea, bindings jsonb)
		), made as (
		  insert into account (district, id, kind, username, display_name, phone_enc, phone_bidx, password_hash, password_changed_at, mfa_required, mfa_secret_enc)
		  select $1, id, 'STAFF', username, name, phone, bidx, hash, case when hash is not null then now() end, mfa, secret from n
		)
		insert into role_binding (district, account_id, role, unit, grids, post)
		select $1, n.id, b.role, b.unit, b.grids, coalesce(b.post, '') from n, jsonb_to_recordset(n.bindings) as b(role text, unit text, grids text[], post text)`, district, string(list))
	var answer *pgconn.PgError
	if errors.As(err, &answer) && answer.Code == "23505" && answer.ConstraintName == "account_username" {
		return fault.Conflict("USERNAME_TAKEN", "用户名已被使用") // the driver's text holds the row: it is no cause
	}
	if errors.As(err, &answer) {
		return pg.Fault(fmt.Errorf("make accounts: %w", err))
	}
	return pg.Fault(err)
}

// manages allows what one does to one's own account, and what the administrator and the program do to any.
func (a Actor) manages(account uuid.UUID) error {
	switch {
	case a.Kind == "":
		return fault.Unauthorized()
	case a.Kind == System, a.Has(RoleTenantAdmin), a.Account != uuid.Nil && a.Account == account:
		return nil
	}
	return fault.Forbidden("FORBIDDEN", "您没有管理该账号的权限")
}

// SetPassword changes a staff password — one's own, or anybody's for the administrator — and ends every session of the
// account, the one that asks included. Outside a sandbox it is at least twelve characters and not a common one.
func (s *Store) SetPassword(ctx context.Context, a Actor, account uuid.UUID, password string) error {
	if err := a.manages(account); err != nil {
		return err
	}
	ctx = pg.WithDistrict(ctx, a.District)
	var username string
	err := s.db.Pool.QueryRow(ctx, `select username from account where district = $1 and id = $2 and kind = 'STAFF'`, a.District, account).Scan(&username)
	if errors.Is(err, pgx.ErrNoRows) {
		return fault.NotFound()
	}
	if err != nil {
		return pg.Fault(err)
	}
	if !s.opts.Sandbox {
		if err := checkPassword("/password", username, password); err != nil {
			return err
		}
	}
	hash, err := s.hash.make(ctx, password)
	if err != nil {
		return err
	}
	return pg.Fault(pgx.BeginFunc(ctx, s.db.Pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `update account set password_hash = $3, password_changed_at = now(), failed_logins = 0, locked_until = null where district = $1 and id = $2`, a.District, account, hash)
		if err != nil {
			return err
		}
		return endSessions(ctx, tx, a.District, account)
	}))
}

// endSessions is a statement of its own after the account's row is locked: one statement with both would not see the
// session of a sign-in that it had to wait for.
func endSessions(ctx context.Context, tx pgx.Tx, district string, account uuid.UUID) error {
	_, err := tx.Exec(ctx, `update session set revoked_at = now() where district = $1 and account_id = $2 and revoked_at is null`, district, account)
	return err
}

// RevokeAccount ends every session of an account at once; the person may sign in again.
func (s *Store) RevokeAccount(ctx context.Context, a Actor, account uuid.UUID) error {
	if err := a.manages(account); err != nil {
		return err
	}
	_, err := s.db.Pool.Exec(pg.WithDistrict(ctx, a.District), `update session set revoked_at = now() where district = $1 and account_id = $2 and revoked_at is null`, a.District, account)
	return pg.Fault(err)
}

// Disable closes an account: its sessions end at once and it cannot sign in until Enable.
func (s *Store) Disable(ctx context.Context, a Actor, account uuid.UUID) error {
	return s.shut(ctx, a, account, true)
}

// Enable opens a disabled account again; its former sessions stay ended.
func (s *Store) Enable(ctx context.Context, a Actor, account uuid.UUID) error {
	return s.shut(ctx, a, account, false)
}

func (s *Store) shut(ctx context.Context, a Actor, account uuid.UUID, shut bool) error {
	if err := a.manages(account); err != nil {
		return err
	}
	if a.Kind != System && a.Account == account {
		return fault.Forbidden("OWN_ACCOUNT", "不能停用或启用自己的账号")
	}
	ctx = pg.WithDistrict(ctx, a.District)
	return pg.Fault(pgx.BeginFunc(ctx, s.db.Pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `update account set disabled_at = case when $3 then coalesce(disabled_at, now()) end where district = $1 and id = $2`, a.District, account, shut)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return fault.NotFound()
		}
		return endSessions(ctx, tx, a.District, account)
	}))
}

// PhoneOf opens the phone of an account in the district of ctx (pg.WithDistrict), for whoever sends a message: never
// log it. "" when the account has none.
func (s *Store) PhoneOf(ctx context.Context, account uuid.UUID) (string, error) {
	district := pg.District(ctx)
	var sealed []byte
	err := s.db.Pool.QueryRow(ctx, `select phone_enc from account where district = $1 and id = $2`, district, account).Scan(&sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", fault.NotFound()
	}
	if err != nil {
		return "", pg.Fault(err)
	}
	return s.keys.Open(district, FieldPhone, sealed)
}

package auth

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
)

// StaffUser is an account of the staff as an administrator sees it. Phone is masked on the way out and, on the way in, a
// number, the masked one (unchanged) or "" (none; of a change: unchanged).
type StaffUser struct {
	ID          uuid.UUID  `json:"id"`
	Username    string     `json:"username"`
	Name        string     `json:"name"`
	Phone       string     `json:"phone"`
	Bindings    []Binding  `json:"bindings"`
	MFARequired bool       `json:"mfa"`
	HasPassword bool       `json:"has_password"`
	DisabledAt  *time.Time `json:"disabled_at"`
	CreatedAt   time.Time  `json:"created_at"`
	Version     int        `json:"version"`

	phoneEnc []byte
}

// StaffFilter narrows a list of staff; empty members do not.
type StaffFilter struct {
	Unit, Grid, Words string
	Role              Role
	Disabled          *bool
	ID                *uuid.UUID
}

const staffSQL = `select w.id, w.username, w.display_name, w.phone_enc, w.mfa_required, w.password_hash is not null, w.disabled_at, w.created_at, w.version,
  (select coalesce(jsonb_agg(jsonb_build_object('role', b.role, 'unit', b.unit, 'grids', b.grids, 'post', b.post) order by b.unit, b.role), '[]') from role_binding b where b.district = w.district and b.account_id = w.id)
from account w where w.district = $1 and w.kind = 'STAFF'`

func (s *Store) staff(ctx context.Context, q interface {
	Query(context.Context, string, ...any) (pgx.Rows, error)
}, district, more string, args ...any) ([]StaffUser, error) {
	rows, err := q.Query(ctx, staffSQL+more, append([]any{district}, args...)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (u StaffUser, err error) {
		if err = row.Scan(&u.ID, &u.Username, &u.Name, &u.phoneEnc, &u.MFARequired, &u.HasPassword, &u.DisabledAt, &u.CreatedAt, &u.Version, &u.Bindings); err != nil || len(u.phoneEnc) == 0 {
			return u, err
		}
		phone, err := s.keys.Open(district, FieldPhone, u.phoneEnc)
		u.Phone = seal.MaskPhone(phone)
		return u, err
	})
}

func (a Actor) administers() error {
	if a.Kind == System {
		return nil
	}
	return a.Need(PermAdmin, "您没有管理该账号的权限")
}

// Staff lists accounts of the staff by username.
func (s *Store) Staff(ctx context.Context, a Actor, f StaffFilter, limit int, cursor string) (list []StaffUser, next string, err error) {
	if err := a.administers(); err != nil {
		return nil, "", err
	}
	list, err = s.staff(pg.WithDistrict(ctx, a.District), s.db.Pool, a.District, ` and w.username > $2 and ($3::uuid is null or w.id = $3)
		and (($4 = '' and $5 = '' and $6 = '') or exists (select from role_binding b where b.district = w.district and b.account_id = w.id and ($4 = '' or b.unit = $4) and ($5 = '' or b.role = $5) and ($6 = '' or $6 = any(b.grids))))
		and ($7 = '' or strpos(w.username || ' ' || w.display_name, $7) > 0) and ($8::bool is null or (w.disabled_at is not null) = $8) order by w.username limit $9`,
		cursor, f.ID, f.Unit, string(f.Role), f.Grid, f.Words, f.Disabled, limit+1)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	if len(list) > limit {
		return list[:limit], list[limit-1].Username, nil
	}
	return list, "", nil
}

// StaffUser is one account of the staff.
func (s *Store) StaffUser(ctx context.Context, a Actor, id uuid.UUID) (*StaffUser, error) {
	list, _, err := s.Staff(ctx, a, StaffFilter{ID: &id}, 1, "")
	if err == nil && len(list) == 0 {
		err = fault.NotFound()
	}
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

// hiring is one account that is to be written; old is nil for a new one.
type hiring struct {
	line int
	new  StaffUser
	old  *StaffUser
}

// say notes what is wrong with account i.
type say func(i int, key, what, mend string)

// employ runs a change of accounts: one at a time in a district, and only while whoever makes it is still an administrator
// (of two who switch each other off, the second finds that they no longer are).
func (s *Store) employ(ctx context.Context, a Actor, work func(pgx.Tx) error) error {
	if err := a.administers(); err != nil {
		return err
	}
	return pg.Fault(pgx.BeginFunc(pg.WithDistrict(ctx, a.District), s.db.Pool, func(tx pgx.Tx) error {
		var still bool
		if _, err := tx.Exec(ctx, "select set_config('statement_timeout', '60000', true), pg_advisory_xact_lock(hashtextextended($1, 0))", "staff:"+a.District); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "select exists (select from role_binding b join account w on w.district = b.district and w.id = b.account_id where b.district = $1 and w.id = $2 and b.role = 'TENANT_ADMIN' and w.disabled_at is null)",
			a.District, a.Account).Scan(&still); err != nil {
			return err
		}
		if !still && a.Kind != System {
			return fault.Unauthorized()
		}
		return work(tx)
	}))
}

// NewUser makes an account and gives the one-time link's ticket by which its owner sets the password; it is never shown again.
func (s *Store) NewUser(ctx context.Context, a Actor, u StaffUser) (made *StaffUser, ticket *Ticket, err error) {
	u.ID, u.DisabledAt, u.Version = uuid.Must(uuid.NewV7()), nil, 0
	err = s.employ(ctx, a, func(tx pgx.Tx) error {
		if err := s.hire(ctx, tx, a, "create", hiring{new: u}); err != nil {
			return err
		}
		ticket, err = s.ticket(ctx, tx, a, u.ID, u.Username)
		if err != nil {
			return err
		}
		made, err = s.one(ctx, tx, a.District, u.ID)
		return err
	})
	return made, ticket, err
}

func (s *Store) one(ctx context.Context, tx pgx.Tx, district string, id uuid.UUID) (*StaffUser, error) {
	list, err := s.staff(ctx, tx, district, " and w.id = $2 for update of w", id)
	if err == nil && len(list) == 0 {
		err = fault.NotFound()
	}
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

// ChangeUser changes name, phone, second factor and bindings; 409 STALE when the version is another one. Nobody changes their
// own bindings.
func (s *Store) ChangeUser(ctx context.Context, a Actor, id uuid.UUID, version int, u StaffUser) (out *StaffUser, err error) {
	err = s.employ(ctx, a, func(tx pgx.Tx) error {
		old, err := s.current(ctx, tx, a, id, version)
		if err != nil {
			return err
		}
		u.ID, u.Username, u.DisabledAt = old.ID, old.Username, old.DisabledAt
		if err := s.hire(ctx, tx, a, "change", hiring{new: u, old: old}); err != nil {
			return err
		}
		out, err = s.one(ctx, tx, a.District, id)
		return err
	})
	return out, err
}

func (s *Store) current(ctx context.Context, tx pgx.Tx, a Actor, id uuid.UUID, version int) (*StaffUser, error) {
	old, err := s.one(ctx, tx, a.District, id)
	if err == nil && old.Version != version {
		return nil, fault.Conflict("STALE", "其他人刚刚修改过，请刷新后再改").With("version", old.Version)
	}
	return old, err
}

// ShutUser switches an account off, which ends its sessions at once, or on again.
func (s *Store) ShutUser(ctx context.Context, a Actor, id uuid.UUID, version int, shut bool) (out *StaffUser, err error) {
	err = s.employ(ctx, a, func(tx pgx.Tx) error {
		old, err := s.current(ctx, tx, a, id, version)
		if err != nil {
			return err
		}
		if a.Kind != System && a.Account == id {
			return fault.Forbidden("OWN_ACCOUNT", "不能停用或启用自己的账号")
		}
		next := *old
		if next.DisabledAt = nil; shut {
			next.DisabledAt = &a.Now
		}
		if shut { // whatever else is wrong with the account
			err = s.writeStaff(ctx, tx, a, "disable", []hiring{{new: next, old: old}})
		} else {
			err = s.hire(ctx, tx, a, "enable", hiring{new: next, old: old})
		}
		if err != nil {
			return err
		}
		out, err = s.one(ctx, tx, a.District, id)
		return err
	})
	return out, err
}

// hire checks and writes one account.
func (s *Store) hire(ctx context.Context, tx pgx.Tx, a Actor, action string, h hiring) error {
	list := []hiring{h}
	var wrong *fault.Error
	if err := s.checkStaff(ctx, tx, a, list, func(_ int, key, what, mend string) {
		if wrong == nil {
			wrong = fault.Invalid("/"+key, "%s；%s", what, mend)
		} else {
			wrong = wrong.At("/"+key, "%s；%s", what, mend)
		}
		if key == "bindings" && strings.HasPrefix(what, "管理员不能兼任") {
			wrong = wrong.Coded("ROLE_CONFLICT")
		}
	}); err != nil {
		return err
	}
	if wrong != nil {
		return wrong
	}
	return s.writeStaff(ctx, tx, a, action, list)
}

// writeStaff upserts accounts with their bindings, ends the sessions of those that were switched off, and tells the audit —
// without name and number, of which it only says that they changed.
func (s *Store) writeStaff(ctx context.Context, tx pgx.Tx, a Actor, action string, list []hiring) error {
	type row struct {
		ID       uuid.UUID  `json:"id"`
		Username string     `json:"username"`
		Name     string     `json:"name"`
		Phone    *string    `json:"phone"`
		Bidx     *string    `json:"bidx"`
		MFA      bool       `json:"mfa"`
		Off      *time.Time `json:"off"`
		Bindings []Binding  `json:"bindings"`
	}
	rows := make([]row, len(list))
	var changes []Change
	for i := range list {
		u, old := &list[i].new, list[i].old
		r := row{ID: u.ID, Username: u.Username, Name: u.Name, MFA: u.MFARequired, Off: u.DisabledAt, Bindings: u.Bindings}
		fresh := u.Phone != "" && (old == nil || u.Phone != old.Phone)
		if fresh {
			var err error
			if r.Phone, err = s.sealed(a.District, FieldPhone, u.Phone); err != nil {
				return err
			}
			r.Bidx = hexed(s.keys.Blind(a.District, FieldPhone, u.Phone))
		}
		rows[i] = r
		shown := func(x *StaffUser, changed []string) any {
			if x == nil {
				return nil
			}
			out := map[string]any{"username": x.Username, "bindings": x.Bindings, "mfa_required": x.MFARequired, "disabled": x.DisabledAt != nil}
			if len(changed) > 0 {
				out["changed"] = changed
			}
			return out
		}
		var personal []string
		if old != nil && old.Name != u.Name {
			personal = append(personal, "display_name")
		}
		if old != nil && fresh {
			personal = append(personal, "phone")
		}
		c, err := AuditChange(action, "user", u.ID.String(), shown(old, nil), shown(u, personal))
		if err != nil {
			return err
		}
		changes = append(changes, c)
	}
	raw, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	for _, sql := range []string{
		`insert into account as w (district, id, kind, username, display_name, phone_enc, phone_bidx, mfa_required, disabled_at)
			select $1, n.id, 'STAFF', n.username, n.name, n.phone, n.bidx, n.mfa, n.off from jsonb_to_recordset($2::jsonb) n(id uuid, username text, name text, phone bytea, bidx bytea, mfa boolean, off timestamptz)
			on conflict (district, id) do update set display_name = excluded.display_name, phone_enc = coalesce(excluded.phone_enc, w.phone_enc), phone_bidx = coalesce(excluded.phone_bidx, w.phone_bidx),
				mfa_required = excluded.mfa_required, disabled_at = excluded.disabled_at, version = w.version + 1`,
		`delete from role_binding b using jsonb_to_recordset($2::jsonb) n(id uuid) where b.district = $1 and b.account_id = n.id`,
		`insert into role_binding (district, account_id, role, unit, grids, post)
			select $1, n.id, b.role, b.unit, b.grids, coalesce(b.post, '') from jsonb_to_recordset($2::jsonb) n(id uuid, bindings jsonb), jsonb_to_recordset(n.bindings) b(role text, unit text, grids text[], post text)`,
		`update session set revoked_at = now() from jsonb_to_recordset($2::jsonb) n(id uuid, off timestamptz) where session.district = $1 and session.account_id = n.id and n.off is not null and session.revoked_at is null`,
	} {
		if _, err := tx.Exec(ctx, sql, a.District, string(raw)); err != nil {
			return plainly("write accounts", err) // the driver's text may hold the row
		}
	}
	return Audit(ctx, tx, a, changes...)
}

package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
	"yixian/internal/sheet"
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

// checkStaff looks at accounts together with the units, grids and posts they name; nobody retires those units meanwhile.
func (s *Store) checkStaff(ctx context.Context, tx pgx.Tx, a Actor, list []hiring, say say) error {
	codes, grids, names := []string{}, []string{}, []string{}
	for i := range list {
		names = append(names, list[i].new.Username)
		for _, b := range list[i].new.Bindings {
			codes, grids = append(codes, b.Unit), append(grids, b.Grids...)
		}
	}
	units, err := unitsOf(ctx, tx, a.District, codes)
	if err != nil {
		return err
	}
	known, err := words(ctx, tx, "select distinct code from area where district = $1 and code = any($2) and level = 'grid' and (valid_to is null or valid_to > yx_now())", a.District, grids)
	if err != nil {
		return err
	}
	taken, err := words(ctx, tx, "select username from account where district = $1 and username = any($2)", a.District, names)
	if err != nil {
		return err
	}
	for i := range list {
		u, old := &list[i].new, list[i].old
		tell := func(key, what, mend string) { say(i, key, what, mend) }
		switch {
		case !usernameForm.MatchString(u.Username):
			tell("username", fmt.Sprintf("用户名 %q 不符合要求", u.Username), "用 1–64 个字母、数字、点、横线或下划线")
		case old == nil && taken[u.Username]:
			tell("username", "用户名 "+u.Username+" 已被使用", "换一个用户名")
		}
		if n := utf8.RuneCountInString(u.Name); n == 0 || n > 40 {
			tell("display_name", "姓名应为 1–40 个字", "填写姓名")
		}
		s.checkPhone(u, old, tell)
		if len(u.Bindings) == 0 {
			tell("bindings", "没有岗位", "至少给一个角色")
		}
		for k := range u.Bindings {
			checkBinding(u, k, units, known, tell)
		}
		if r := conflicting(u.Bindings); r != "" {
			tell("bindings", "管理员不能兼任"+sheet.NameOf(string(r), StaffRoles...), "管理与办案须由不同的人承担，请分成两个账号、两个人")
		}
		if old != nil && a.Kind != System && old.ID == a.Account && (!sameBindings(old.Bindings, u.Bindings) || u.DisabledAt != nil) {
			tell("bindings", "不能修改自己的岗位", "请另一位管理员修改")
		}
	}
	return nil
}

func (s *Store) checkPhone(u, old *StaffUser, tell func(key, what, mend string)) {
	if u.Phone == "" || old != nil && u.Phone == old.Phone {
		return
	}
	if strings.Contains(u.Phone, "*") {
		tell("phone", "手机号带有 *，与现有号码不一致", "填写完整的手机号，或留空不改")
		return
	}
	phone, ok := Phone(u.Phone)
	if !ok {
		tell("phone", "不是 11 位中国大陆手机号", "核对手机号")
		return
	}
	u.Phone = phone
}

type unitOf struct {
	kind, name string
	active     bool
	posts      []string
}

func unitsOf(ctx context.Context, tx pgx.Tx, district string, codes []string) (map[string]unitOf, error) {
	rows, err := tx.Query(ctx, "select code, kind, short_name, active, posts from org_unit where district = $1 and code = any($2) order by code for key share", district, codes)
	if err != nil {
		return nil, err
	}
	out := map[string]unitOf{}
	var code string
	var u unitOf
	_, err = pgx.ForEachRow(rows, []any{&code, &u.kind, &u.name, &u.active, &u.posts}, func() error { out[code] = u; u.posts = nil; return nil })
	return out, err
}

func words(ctx context.Context, tx pgx.Tx, sql string, args ...any) (map[string]bool, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	out := map[string]bool{}
	for _, w := range list {
		out[w] = true
	}
	return out, err
}

func checkBinding(u *StaffUser, k int, units map[string]unitOf, grids map[string]bool, tell func(key, what, mend string)) {
	b := &u.Bindings[k]
	kinds, known := roleUnits[b.Role]
	unit, there := units[b.Unit]
	role := sheet.NameOf(string(b.Role), StaffRoles...)
	switch {
	case !known:
		tell("role", fmt.Sprintf("没有角色 %q", b.Role), "从角色列表中选择")
		return
	case slices.ContainsFunc(u.Bindings[:k], func(x Binding) bool { return x.Role == b.Role && x.Unit == b.Unit }):
		tell("role", role+"在同一单位重复", "删除其中一个")
	case b.Unit == "" && !slices.Contains(kinds, ""):
		tell("unit", role+"须有单位", "填写单位编码")
	case b.Unit != "" && !there:
		tell("unit", "没有单位 "+b.Unit, "先导入单位，或核对编码")
	case b.Unit != "" && !unit.active && u.DisabledAt == nil:
		tell("unit", "单位 "+unit.name+" 已停用", "改为启用的单位")
	case !slices.Contains(kinds, unit.kind):
		tell("unit", role+"不能属于 "+unit.name, "核对角色和单位")
	}
	if b.Grids == nil {
		b.Grids = []string{}
	}
	for _, g := range b.Grids {
		if !grids[g] {
			tell("grids", "没有网格 "+g, "核对 15 位网格编码")
		}
	}
	switch {
	case b.Role == RoleGridWorker && len(b.Grids) == 0:
		tell("grids", "网格员没有网格", "填写所负责网格的编码")
	case b.Role != RoleGridWorker && len(b.Grids) > 0:
		tell("grids", "只有网格员才有网格", "清空网格")
	}
	if b.Post != "" && !slices.Contains(unit.posts, b.Post) {
		tell("post", fmt.Sprintf("单位没有岗位 %q", b.Post), "先在单位的岗位中加上它，或清空")
	}
	slices.Sort(b.Grids)
}

func sameBindings(a, b []Binding) bool {
	order := func(list []Binding) []Binding {
		out := slices.Clone(list)
		for i := range out {
			out[i].Grids = append([]string{}, out[i].Grids...)
			slices.Sort(out[i].Grids)
		}
		slices.SortFunc(out, func(x, y Binding) int { return strings.Compare(x.Unit+"|"+string(x.Role), y.Unit+"|"+string(y.Role)) })
		return out
	}
	return reflect.DeepEqual(order(a), order(b))
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

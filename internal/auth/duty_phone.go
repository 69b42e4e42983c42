package auth

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
)

// MaskedPhones are the masked numbers of staff by account, in one query; who has none is not in it.
func (s *Store) MaskedPhones(ctx context.Context, district string, accounts []uuid.UUID) (map[uuid.UUID]string, error) {
	rows, err := s.db.Pool.Query(pg.WithDistrict(ctx, district), "select id, phone_enc from account where district = $1 and id = any($2) and kind = 'STAFF' and phone_enc is not null", district, accounts)
	if err != nil {
		return nil, pg.Fault(err)
	}
	out := map[uuid.UUID]string{}
	var id uuid.UUID
	var sealed []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &sealed}, func() error {
		phone, err := s.keys.Open(district, FieldPhone, sealed)
		out[id] = seal.MaskPhone(phone)
		return err
	})
	return out, pg.Fault(err)
}

// RingPhone opens the number of a member of staff for somebody who is about to ring them, and leaves in the audit who read whose
// number for which unit, in the same transaction. The caller has made sure that the account is on duty. 409 NO_PHONE.
func (s *Store) RingPhone(ctx context.Context, a Actor, unit string, account uuid.UUID) (phone string, err error) {
	if err := a.Need(PermCaseAct, "只有办理案件的工作人员可以查看值班电话"); err != nil {
		return "", err
	}
	err = pg.Fault(pgx.BeginFunc(pg.WithDistrict(ctx, a.District), s.db.Pool, func(tx pgx.Tx) error {
		var sealed []byte
		err := tx.QueryRow(ctx, "select phone_enc from account where district = $1 and id = $2 and kind = 'STAFF' and disabled_at is null", a.District, account).Scan(&sealed)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return fault.NotFound()
		case err != nil:
			return err
		case len(sealed) == 0:
			return fault.Conflict("NO_PHONE", "值班人员没有登记手机号，请联系管理员补登")
		}
		if phone, err = s.keys.Open(a.District, FieldPhone, sealed); err != nil {
			return err
		}
		change, err := AuditChange("reveal", "duty_phone", unit, nil, map[string]any{"account": account})
		if err != nil {
			return err
		}
		return Audit(ctx, tx, a, change)
	}))
	return phone, err
}

// NamedStaff is a member of staff as colleagues see them; Unit is the one that they mainly work for.
type NamedStaff struct{ Name, Unit string }

// Named are the names of staff by account, in one query and by name.
func (s *Store) Named(ctx context.Context, district string, accounts []uuid.UUID) ([]NamedStaff, error) {
	rows, err := s.db.Pool.Query(pg.WithDistrict(ctx, district), `select w.display_name, coalesce((select b.unit from role_binding b where b.district = w.district and b.account_id = w.id and b.unit <> '' order by b.unit limit 1), '')
		from account w where w.district = $1 and w.id = any($2) and w.kind = 'STAFF' order by w.display_name, w.id`, district, accounts)
	if err != nil {
		return nil, pg.Fault(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[NamedStaff])
	return list, pg.Fault(err)
}

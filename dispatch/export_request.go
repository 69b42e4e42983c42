package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

const exportRequestColumns = `id, what, params, reason, state, asked_by, asked_at, decided_by, decided_at, expires_at,
	coalesce((select a.display_name from account a where a.district = export_request.district and a.id = export_request.asked_by), ''),
	coalesce((select a.display_name from account a where a.district = export_request.district and a.id = export_request.decided_by), '')`

func (r *ExportRequest) into(raw *[]byte) []any {
	return []any{&r.ID, &r.What, raw, &r.Reason, &r.State, &r.AskedBy, &r.AskedAt, &r.DecidedBy, &r.DecidedAt, &r.ExpiresAt, &r.AskerName, &r.DeciderName}
}

func (r *ExportRequest) span(raw []byte) error {
	var s exportSpan
	err := json.Unmarshal(raw, &s)
	r.From, r.To = s.From, s.To
	return err
}

// AskExport asks for the cases of a span beyond ExportCap rows.
func (k *Desk) AskExport(ctx context.Context, a auth.Actor, from, to time.Time, reason string) (*ExportRequest, error) {
	switch {
	case !from.Before(to) || to.Sub(from) > 400*24*time.Hour:
		return nil, fault.Invalid("/to", "时间范围应在 1 天到 400 天之间，且 to 晚于 from")
	case utf8.RuneCountInString(reason) < 5:
		return nil, fault.Invalid("/reason", "请说明用途（至少 5 个字）")
	}
	r := ExportRequest{}
	var raw []byte
	err := k.db.Pool.QueryRow(pg.WithDistrict(ctx, a.District), `insert into export_request (district, id, what, params, reason, asked_by, asked_at) values ($1, $2, 'cases', $3, $4, $5, yx_now()) returning `+exportRequestColumns,
		a.District, uuid.Must(uuid.NewV7()), exportSpan{from, to}, reason, a.Account).Scan(r.into(&raw)...)
	if err != nil {
		return nil, pg.Fault(err)
	}
	return &r, r.span(raw)
}

// DecideExport is the auditor's word; who asked may not decide (SAME_PERSON), a decided one stays (ALREADY_DECIDED).
func (k *Desk) DecideExport(ctx context.Context, a auth.Actor, id uuid.UUID, approve bool) (*ExportRequest, error) {
	var asked uuid.UUID
	ctx = pg.WithDistrict(ctx, a.District)
	if err := k.db.Pool.QueryRow(ctx, "select asked_by from export_request where district = $1 and id = $2", a.District, id).Scan(&asked); errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.NotFound()
	} else if err != nil {
		return nil, pg.Fault(err)
	}
	if asked == a.Account {
		return nil, fault.Forbidden("SAME_PERSON", "申请人不能审批自己的导出申请")
	}
	r := ExportRequest{}
	var raw []byte
	err := k.db.Pool.QueryRow(ctx, `update export_request set state = case when $4 then 'APPROVED' else 'DECLINED' end, decided_by = $3, decided_at = yx_now(), expires_at = case when $4 then yx_now() + $5::interval end
		where district = $1 and id = $2 and state = 'PENDING' returning `+exportRequestColumns, a.District, id, a.Account, approve, exportValid).Scan(r.into(&raw)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.Conflict("ALREADY_DECIDED", "该申请已有结论")
	}
	if err != nil {
		return nil, pg.Fault(err)
	}
	return &r, r.span(raw)
}

// ExportRequests lists them, the newest first: an auditor sees all, others their own.
func (k *Desk) ExportRequests(ctx context.Context, a auth.Actor, limit int) ([]ExportRequest, error) {
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), `select `+exportRequestColumns+` from export_request where district = $1 and ($2 or asked_by = $3) order by asked_at desc, id desc limit $4`,
		a.District, a.Has(auth.RoleAuditor), a.Account, limit)
	if err != nil {
		return nil, pg.Fault(err)
	}
	defer rows.Close()
	out := []ExportRequest{}
	for rows.Next() {
		var r ExportRequest
		var raw []byte
		if err := rows.Scan(r.into(&raw)...); err != nil {
			return nil, pg.Fault(err)
		}
		if err := r.span(raw); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, pg.Fault(rows.Err())
}

// allowed reports that the actor's own approved request covers the span and still holds.
func (k *Desk) allowed(ctx context.Context, a auth.Actor, id uuid.UUID, from, to time.Time) error {
	var r ExportRequest
	var raw []byte
	err := k.db.Pool.QueryRow(pg.WithDistrict(ctx, a.District), `select `+exportRequestColumns+` from export_request where district = $1 and id = $2 and asked_by = $3 and state = 'APPROVED' and expires_at > yx_now()`,
		a.District, id, a.Account).Scan(r.into(&raw)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return fault.Forbidden("NOT_APPROVED", "导出申请不存在、未获批准或已过期（批准后 24 小时内有效）")
	}
	if err != nil {
		return pg.Fault(err)
	}
	if err := r.span(raw); err != nil {
		return err
	}
	if from.Before(r.From) || to.After(r.To) {
		return fault.Forbidden("NOT_APPROVED", "时间范围超出已批准的申请")
	}
	return nil
}

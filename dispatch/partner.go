package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// PartnerReport is where one report of a partner stands: neither words nor a person (domain 4g).
type PartnerReport struct {
	ReportID    uuid.UUID
	ExternalRef string
	CaseID      uuid.UUID
	CaseNo      *string
	State       State
	StatusText  string // what the resident reads
	Matter      string
	Unit        string // in charge
	PromiseAt   *time.Time
	ReceivedAt  time.Time
	UpdatedAt   time.Time
	Closed      bool
	ClosedAt    *time.Time
	Outcome     *string
}

// PartnerReports lists the actor's own reports by the last change of their cases, oldest first, so that a partner which asks again
// from the last instant that it saw misses nothing: the pull form of what its webhook is told.
func (k *Desk) PartnerReports(ctx context.Context, a auth.Actor, externalRef string, updatedAfter *time.Time, limit int, cursor, lang string) (out []PartnerReport, next string, err error) {
	if !a.Scoped(auth.ScopeStatus) {
		return nil, "", fault.Forbidden("FORBIDDEN", "该密钥没有查询办理状态的权限")
	}
	w := k.worlds.Get(a.District)
	if w == nil {
		return nil, "", fault.NotFound()
	}
	after, id := "-infinity", uuid.Nil
	if updatedAfter != nil {
		after = updatedAfter.Format(time.RFC3339Nano)
	}
	if cursor != "" {
		if after, id, err = readCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), `select r.id, coalesce(r.external_ref, ''), c.id, c.case_no, c.state, c.matter, c.lead_unit, c.promise_at, r.received_at, c.updated_at, c.updated_at::text, c.closed_at, c.outcome
		from report r join cases c on c.district = r.district and c.id = r.case_id
		where r.district = $1 and r.account_id = $2 and ($3 = '' or r.external_ref = $3) and (c.updated_at, r.id) > ($4::timestamptz, $5::uuid) order by c.updated_at, r.id limit $6`,
		a.District, a.Account, externalRef, after, id, limit+1)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	defer rows.Close()
	at := ""
	for rows.Next() {
		var r PartnerReport
		var stamp string
		if err := rows.Scan(&r.ReportID, &r.ExternalRef, &r.CaseID, &r.CaseNo, &r.State, &r.Matter, &r.Unit, &r.PromiseAt, &r.ReceivedAt, &r.UpdatedAt, &stamp, &r.ClosedAt, &r.Outcome); err != nil {
			return nil, "", pg.Fault(err)
		}
		if len(out) == limit {
			next = writeCursor(at, out[limit-1].ReportID)
			break
		}
		at = stamp
		r.StatusText, _ = w.ResidentStatus(&Case{State: r.State, LeadUnit: r.Unit}, lang)
		r.Closed = (&OpenRequest{Status: r.State}).Closed()
		out = append(out, r)
	}
	return out, next, pg.Fault(rows.Err())
}

// externalTaken is the refusal of a second report with the same external number. Whoever sent the first is told which it was, and
// so are the desks of a hotline whose list of orders is one.
func (k *Desk) externalTaken(ctx context.Context, a auth.Actor, source, ref string) error {
	e := fault.Conflict("EXTERNAL_REF", "该外部编号已登记过")
	var report, caseID uuid.UUID
	var receipt string
	err := k.db.Pool.QueryRow(ctx, `select id, case_id, receipt_code from report where district = $1 and source = $2 and external_ref = $3 and (account_id = $4 or $5)`, a.District, source, ref, a.Account, a.Has(auth.RoleHotline)).Scan(&report, &caseID, &receipt)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return e
	case err != nil:
		return pg.Fault(err)
	}
	return e.With("report_id", report.String()).With("case_id", caseID.String()).With("receipt_code", receipt)
}

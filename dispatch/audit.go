package dispatch

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"yixian/internal/pg"
)

// Finding is one row that breaks a check of the auditor. Thing is a case or a report; "" stands for the whole district.
type Finding struct {
	Check    string `json:"check"`
	District string `json:"district"`
	Thing    string `json:"thing,omitempty"`
	Detail   string `json:"detail"`
}

// Law is the conservation law of a district: every report that ever came in is in exactly one place.
//
//	received = routed + fallback + rejected + awaiting_review
//
// Received counts the first events of the chains (submit, self_handle): they can only be added to. The right side counts
// the reports themselves, each by the case it belongs to now; a merge carries a report to its master, so that a merged
// case has none. Rejected: the case ended without handling (REJECTED with its reason; VOIDED by the centre or withdrawn).
// AwaitingReview: a person must look first (SUBMITTED, VERIFYING). Fallback: the rules found no responsible unit of their
// own, so that the street's backstop or the dispatchers' queue has it. Routed: a unit was made to answer for it, or it was
// handled on the spot. Lost is what is in none of these places: a report whose case is gone, a filed case that nobody has
// and that waits in no queue. It is on no side of the law, so that any of it breaks it.
type Law struct {
	District       string `json:"district"`
	Received       int64  `json:"received"`
	Routed         int64  `json:"routed"`
	Fallback       int64  `json:"fallback"`
	Rejected       int64  `json:"rejected"`
	AwaitingReview int64  `json:"awaiting_review"`
	Lost           int64  `json:"lost"`
}

// Holds says whether the law is true.
func (l *Law) Holds() bool {
	return l.Lost == 0 && l.Received == l.Routed+l.Fallback+l.Rejected+l.AwaitingReview
}

func (l *Law) String() string {
	return fmt.Sprintf("LAW district=%s received=%d = routed=%d + fallback=%d + rejected=%d + awaiting_review=%d lost=%d ok=%t", l.District, l.Received, l.Routed, l.Fallback, l.Rejected, l.AwaitingReview, l.Lost, l.Holds())
}

const lawSQL = `with r as (
  select r.district, c.state, c.queued, c.lead_unit <> '' or c.dispatched_at is not null or c.self_handled as placed,
    coalesce((select (d.decision->>'fallback')::bool from case_route d where d.district = c.district and d.case_id = c.id order by d.seq desc limit 1), false) as backstop
  from report r left join cases c on c.district = r.district and c.id = r.case_id where $1 = '' or r.district = $1
), p as (
  select district, case when state is null then 'lost' when state in ('REJECTED','VOIDED') then 'rejected' when state in ('SUBMITTED','VERIFYING') then 'awaiting'
    when state = 'FILED' and queued or placed and backstop then 'fallback' when placed then 'routed' else 'lost' end as place from r
)
select t.district, (select count(*) from case_event e where e.district = t.district and e.action in ('submit','self_handle') and e.seq = 1),
  count(*) filter (where place = 'routed'), count(*) filter (where place = 'fallback'), count(*) filter (where place = 'rejected'), count(*) filter (where place = 'awaiting'), count(*) filter (where place = 'lost')
from tenant t left join p on p.district = t.district where $1 = '' or t.district = $1 group by t.district order by t.district`

// Audited is what one look at everything found.
type Audited struct {
	Now      time.Time
	Findings []Finding // at most perCheck of each check
	Laws     []Law
}

// AuditChecks is how many things an audit looks at, the law included.
func AuditChecks() int { return len(auditChecks) + 1 }

// perCheck bounds how many rows of one check are named.
const perCheck = 50

// Audit looks at everything that must hold of the rows of a district ("" all) and names what does not. It is one snapshot
// and reads only. It walks no hash chain: VerifyChains does. db's role must see the districts asked for (engine).
func Audit(ctx context.Context, db *pg.DB, district string) (*Audited, error) {
	return auditIn(ctx, db, district, true)
}

func auditIn(ctx context.Context, db *pg.DB, district string, deep bool) (*Audited, error) {
	if district != "" {
		ctx = pg.WithDistrict(ctx, district)
	}
	var out *Audited
	err := pgx.BeginTxFunc(ctx, db.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) (err error) {
		if _, err := tx.Exec(ctx, "set local statement_timeout = 0"); err != nil {
			return err
		}
		out, err = audit(ctx, tx, district, deep)
		return err
	})
	return out, pg.Fault(err)
}

func audit(ctx context.Context, tx pgx.Tx, district string, deep bool) (*Audited, error) {
	out := &Audited{}
	if err := tx.QueryRow(ctx, "select yx_now()").Scan(&out.Now); err != nil {
		return nil, err
	}
	if err := out.ask(ctx, tx, auditChecks, district, deep); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, lawSQL, district)
	if err != nil {
		return nil, err
	}
	out.Laws, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (l Law, err error) {
		return l, row.Scan(&l.District, &l.Received, &l.Routed, &l.Fallback, &l.Rejected, &l.AwaitingReview, &l.Lost)
	})
	if err != nil {
		return nil, err
	}
	for i := range out.Laws {
		if l := &out.Laws[i]; !l.Holds() {
			out.Findings = append(out.Findings, Finding{Check: "LAW", District: l.District, Detail: l.String()})
		}
	}
	return out, nil
}

// ask looks at what checks name.
func (out *Audited) ask(ctx context.Context, tx pgx.Tx, checks []auditCheck, district string, deep bool) error {
	for _, c := range checks {
		sql := c.sql
		if deep && c.deep != "" {
			sql = c.deep
		}
		rows, err := tx.Query(ctx, sql+fmt.Sprintf(" limit %d", perCheck), district)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		f := Finding{Check: c.name}
		if _, err := pgx.ForEachRow(rows, []any{&f.District, &f.Thing, &f.Detail}, func() error {
			out.Findings = append(out.Findings, f)
			return nil
		}); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// AuditRollups recounts every case of a district ("" all) and names what is counted as something else.
func AuditRollups(ctx context.Context, db *pg.DB, district string) ([]Finding, error) {
	if district != "" {
		ctx = pg.WithDistrict(ctx, district)
	}
	out := &Audited{}
	err := pgx.BeginTxFunc(ctx, db.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local statement_timeout = 0"); err != nil {
			return err
		}
		return out.ask(ctx, tx, rollupChecks, district, true)
	})
	return out.Findings, pg.Fault(err)
}

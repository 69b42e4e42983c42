package dispatch

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/notify"
)

// award writes the points of a batch's closings and rejections in its transaction: once for each case, kind and resident, however often a
// case is closed again and whoever dies. Exercises give none. An event whose points cannot be written is parked, where operators see it.
func (p *Planner) award(ctx context.Context, tx pgx.Tx, batch []*happening) error {
	for _, h := range batch {
		if h.failed != nil || h.view == nil || h.view.Case.Drill {
			continue
		}
		kind := ""
		switch {
		case h.event.ToState == Closed:
			kind = PointsReport
		case h.event.Action == ActReject && h.data.Reason == "FALSE_REPORT":
			kind = PointsFalse
		default:
			continue
		}
		err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
			drafts, err := p.awardOne(ctx, tx, h, kind)
			if err != nil {
				return err
			}
			return p.post.Enqueue(ctx, tx, drafts)
		})
		if err != nil {
			if passing(err) {
				return err
			}
			h.failed = fmt.Errorf("points: %w", err)
		}
	}
	return nil
}

func (p *Planner) awardOne(ctx context.Context, tx pgx.Tx, h *happening, kind string) (drafts []notify.Draft, err error) {
	w := p.desk.worlds.Get(h.district)
	if w == nil {
		return nil, nil
	}
	rules, err := readPointsRules(ctx, tx, h.district)
	if err != nil {
		return nil, err
	}
	pols, _, err := p.post.Policies(ctx, tx, h.district)
	if err != nil {
		return nil, err
	}
	change := rules.Report
	if kind == PointsFalse {
		change = -rules.False
	}
	var accounts []uuid.UUID
	for _, r := range h.view.Reports {
		if r.Account != nil && r.AccountKind == "RESIDENT" && !r.OnBehalf && !slices.Contains(accounts, *r.Account) {
			accounts = append(accounts, *r.Account)
		}
	}
	slices.SortFunc(accounts, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }) // two at once lock in one order
	for _, account := range accounts {
		if _, err := tx.Exec(ctx, "insert into points_account (district, account_id) values ($1, $2) on conflict do nothing", h.district, account); err != nil {
			return nil, err
		}
		var moved, balance int
		err := tx.QueryRow(ctx, awardSQL, h.district, account, change, kind, h.caseID, uuid.Must(uuid.NewV7()), h.event.At, w.firstOfMonth(h.event.At), rules.MonthCap).Scan(&moved, &balance)
		if err != nil {
			return nil, err
		}
		if moved == 0 {
			continue
		}
		said := map[string]string{"matter": w.MatterName(h.view.Case.Matter), "change": fmt.Sprintf("%+d", moved), "count": strconv.Itoa(balance)}
		id := uuid.NewSHA1(account, []byte("points "+kind+" "+h.caseID.String()))
		for _, way := range pols[h.district].Ways("points", "reporter", nil) {
			drafts = append(drafts, p.draftTo(h.district, id, "points", "reporter", way.Channel, &member{ID: account}, said, &h.caseID, false))
		}
	}
	return drafts, nil
}

// awardSQL moves points between the district's fund and a resident: $3 the change, given up to the cap $9 of the month $8, taken down to
// nothing. It answers what was moved and the balance after it.
const awardSQL = `with a as (select balance, case when month = $8::date then earned else 0 end as earned from points_account where district = $1 and account_id = $2 for update),
	n as (select case when $3::int > 0 then greatest(0, least($3::int, $9::int - a.earned)) else -least(-$3::int, a.balance) end as change from a),
	e as (insert into points_entry (district, id, account_id, at, kind, giver, taker, amount, case_id)
		select $1, $6, $2, $7, $4, case when n.change > 0 then 'FUND' else 'RESIDENT' end, case when n.change > 0 then 'RESIDENT' else 'FUND' end, abs(n.change), $5 from n where n.change <> 0
		on conflict (district, account_id, case_id, kind) where case_id is not null do nothing returning case when taker = 'RESIDENT' then amount else -amount end as change),
	u as (update points_account p set balance = p.balance + e.change, month = case when e.change > 0 then $8::date else p.month end,
		earned = case when e.change > 0 then a.earned + e.change else p.earned end from e, a where p.district = $1 and p.account_id = $2 returning p.balance)
select coalesce((select change from e), 0), coalesce((select balance from u), (select balance from a))`

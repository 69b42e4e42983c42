package dispatch

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// nearbyReportSQL finds the report by which a case that Nearby shows may be followed: the same cases as nearbySQL, no others.
const nearbyReportSQL = `select r.id from report r join cases c on c.district = r.district and c.id = r.case_id
where c.district = $1 and c.id = $2 and not c.drill and c.sensitivity in ('PUBLIC', 'NORMAL') and c.state not in ('CLOSED', 'ARCHIVED', 'REJECTED', 'MERGED', 'VOIDED')
order by r.received_at, r.id limit 1`

// FollowNearby is "somebody has reported it already, I met it too": a resident who was shown an open case near by hears of it as
// its reporter does. They learn nothing of the report. Following twice is done, not wrong.
func (k *Desk) FollowNearby(ctx context.Context, a auth.Actor, caseID uuid.UUID, cmd Command) (*Tracked, error) {
	var report uuid.UUID
	err := k.db.Pool.QueryRow(pg.WithDistrict(ctx, a.District), nearbyReportSQL, a.District, caseID).Scan(&report)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.NotFound()
	}
	if err != nil {
		return nil, pg.Fault(err)
	}
	cmd.Action = ActFollow
	if _, err := k.DoAsReporter(ctx, a, caseID, report, cmd, nil); err != nil && !fault.Is(err, "ALREADY_FOLLOWING") {
		return nil, err
	}
	list, err := k.trackedBy(ctx, a.District, trackedSQL+"where r.district = $1 and r.id = $2", report)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fault.NotFound()
	}
	return list[0], nil
}

// Followed are the cases that a resident follows without having reported them, the latest first.
func (k *Desk) Followed(ctx context.Context, a auth.Actor, limit int) ([]*Tracked, error) {
	return k.trackedBy(ctx, a.District, trackedSQL+`join case_follower f on f.district = r.district and f.report_id = r.id
where r.district = $1 and f.account_id = $2 order by f.followed_at desc, r.id limit $3`, a.Account, limit)
}

func (k *Desk) trackedBy(ctx context.Context, district, query string, args ...any) ([]*Tracked, error) {
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, district), query, append([]any{district}, args...)...)
	if err != nil {
		return nil, pg.Fault(err)
	}
	defer rows.Close()
	var out []*Tracked
	for rows.Next() {
		var raw []byte
		var at string
		if err := rows.Scan(&raw, &at); err != nil {
			return nil, pg.Fault(err)
		}
		t, err := k.tracked(district, raw)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, pg.Fault(rows.Err())
}

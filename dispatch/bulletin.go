package dispatch

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/dispatch/score"
	"yixian/internal/auth"
	"yixian/notify"
)

// bulletinFor is how long a frozen month is news. A person is told of it once all the same.
const bulletinFor = 72 * time.Hour

// monthNews is a unit's line in a month that was frozen lately.
type monthNews struct {
	Period string
	Frozen time.Time
	Sheet  score.Sheet
}

// bulletins reads the first sheets of the months that were frozen within bulletinFor.
func bulletins(ctx context.Context, tx pgx.Tx, district string, now time.Time) ([]monthNews, error) {
	rows, err := tx.Query(ctx, `select s.period, s.frozen_at, s.payload::jsonb from assessment_sheet s join assessment_due d on d.district = s.district and d.period = s.period
		where s.district = $1 and d.done_at > $2::timestamptz - $3::interval and s.revision = 1 order by s.period, s.unit`, district, now, bulletinFor)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[monthNews])
}

// bulletin tells a leader his unit's result, and the district's desks that the month is out. A unit objects with its sheet
// in front of it, so the message only says where to look.
func (p *Planner) bulletin(w *World, pol *notify.Policy, d *digestPerson, news []monthNews) []notify.Draft {
	var out []notify.Draft
	units := map[string]int{}
	for i := range news {
		units[news[i].Period]++
	}
	for i := range news {
		s := &news[i].Sheet
		if !slices.ContainsFunc(d.Bindings, func(b auth.Binding) bool { return b.Unit == s.Unit && slices.Contains(leaderRoles, b.Role) }) {
			continue
		}
		result := s.Score
		if !s.Sufficient {
			result = "样本不足 / too few cases"
		}
		id := uuid.NewSHA1(d.Account, []byte("bulletin "+s.Period+" "+s.Unit))
		out = append(out, p.digestDrafts(w, pol, id, "bulletin", "leader", d, s.Unit, map[string]string{"unit": w.UnitName(s.Unit), "month": s.Period, "result": result})...)
	}
	if slices.ContainsFunc(d.Bindings, func(b auth.Binding) bool { return slices.Contains(officeRoles, b.Role) }) {
		for month, n := range units {
			id := uuid.NewSHA1(d.Account, []byte("bulletin "+month))
			out = append(out, p.digestDrafts(w, pol, id, "bulletin", "office", d, "", map[string]string{"month": month, "count": strconv.Itoa(n)})...)
		}
	}
	return out
}

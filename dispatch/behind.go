package dispatch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// Behind is one thing that a figure has counted: a case, a call target, an assignment or a rating, with its case. Holds says
// that it is in the numerator too; Value is what a mean adds up (seconds of a check-in, hops of a case).
type Behind struct {
	CaseID uuid.UUID
	CaseNo string
	ID     uuid.UUID
	Unit   string
	At     time.Time
	Holds  bool
	Value  *int64
}

// counted says what a figure counts: one row for each thing in its denominator. The conditions are those of the rollups.
type counted struct{ join, cond, at, unit, id, holds, value string }

const fromTargets = " join call_target t on t.district = c.district and t.case_id = c.id join call q on q.district = t.district and q.id = t.call_id"

// unansweredTarget (aliases t and its call q): a unit that was called and owes its answer at this moment.
const unansweredTarget = "q.state in ('OPEN','ONSITE') and t.acked_at is null and t.checked_in_at is null and not t.withdrawn and not t.released"

// countedBy are the figures by name. $3 is the end of the span.
var countedBy = map[string]counted{
	"received":          {"", "true", "c.created_at", chargedUnit, "c.id", "true", "null::bigint"},
	"open":              {"", openCase, "c.created_at", chargedUnit, "c.id", "true", "null::bigint"},
	"overdue":           {"", lateCase, "c.created_at", chargedUnit, "c.id", "true", "null::bigint"},
	"yellow":            {"", openCase + " and c.yellow_at <= n.now and c.due_at >= n.now", "c.created_at", chargedUnit, "c.id", "true", "null::bigint"},
	"red":               {"", openCase + " and c.due_at < n.now", "c.created_at", chargedUnit, "c.id", "true", "null::bigint"},
	"green":             {"", openCase + " and (c.yellow_at is null or c.yellow_at > n.now)", "c.created_at", chargedUnit, "c.id", "true", "null::bigint"},
	"recent":            {"", "c.created_at > n.now - interval '30 days'", "c.created_at", chargedUnit, "c.id", "true", "null::bigint"},
	"closed":            {"", "c.closed_at is not null", "c.closed_at", chargedUnit, "c.id", "true", "null::bigint"},
	"solved":            {"", "c.closed_at is not null and c.outcome = 'RESOLVED'", "c.closed_at", chargedUnit, "c.id", "true", "null::bigint"},
	"hops":              {"", "c.closed_at is not null and c.lead_unit <> ''", "c.closed_at", chargedUnit, "c.id", "true", caseHops},
	"call_response":     {fromTargets, targetCounts + " and " + targetDone, targetSettle, "t.unit", "t.id", "coalesce(t.checked_in_at < $3, false)", "null::bigint"},
	"on_time_checkin":   {fromTargets, targetCounts + " and " + targetDone, targetSettle, "t.unit", "t.id", "coalesce(" + targetOnTime + ", false)", "null::bigint"},
	"checkin_time":      {fromTargets, targetCounts + " and t.checked_in_at < $3", targetSettle, "t.unit", "t.id", "true", "extract(epoch from t.checked_in_at - q.called_at)::bigint"},
	"remote":            {fromTargets, targetCounts + " and t.checked_in_at < $3 and t.mode = 'REMOTE'", targetSettle, "t.unit", "t.id", "true", "null::bigint"},
	"unanswered":        {fromTargets, unansweredTarget, "q.called_at", "t.unit", "t.id", "true", "null::bigint"},
	"on_time_disposal":  {" join assignment a on a.district = c.district and a.case_id = c.id", dutyCounts + " and " + dutyDone, dutySettle, "a.unit", "a.id", "coalesce(" + dutyOnTime + ", false)", "null::bigint"},
	"resolution":        {" join rating r on r.district = c.district and r.case_id = c.id", "r.valid", "r.rated_at", ratedUnit, "r.id", "r.resolved", "null::bigint"},
	"satisfied":         {" join rating r on r.district = c.district and r.case_id = c.id", "r.valid", "r.rated_at", ratedUnit, "r.id", "r.grade >= 3", "r.grade::bigint"},
	"accept_on_time":    {"", "c.filed_at is not null and " + acceptDue + " is not null", "c.filed_at", "c.owner_unit", "c.id", "date_trunc('second', c.filed_at) <= " + acceptDue, "null::bigint"},
	"accurate_dispatch": {"", "c.dispatched_at is not null", "c.dispatched_at", "c.owner_unit", "c.id", accurateCase, "null::bigint"},
	"feedback_on_time":  {"", toldCounts, toldSettle, chargedUnit, "c.id", "coalesce(" + toldOnTime + ", false)", "null::bigint"},
}

// Figure names a figure that can be asked what is behind it.
type Figure struct {
	Name, By, Key string // Key "" with By "": all
	From, To      time.Time
}

func (f *Figure) key(c counted) string {
	switch f.By {
	case "unit":
		return c.unit
	case "street":
		return "c.street_code"
	case "matter":
		return "c.matter"
	case "source":
		return "c.source"
	case "grid":
		return "c.grid_code"
	case "problem":
		return "c.grid_code || '|' || c.matter"
	case "day":
		return fmt.Sprintf(localDay, c.at)
	}
	return "''"
}

var figureKeys = []string{"", "unit", "street", "matter", "source", "grid", "problem", "day"}

// WhatIsBehind lists exactly what a figure has counted, in the actor's scope, in the order in which it settled: as many lines as its
// denominator, and as many that hold as its numerator.
func (k *Desk) WhatIsBehind(ctx context.Context, a auth.Actor, f Figure, limit int, cursor string) (list []Behind, next string, err error) {
	c, ok := countedBy[f.Name]
	switch {
	case !ok:
		return nil, "", fault.Invalid("/figure", "没有这个指标")
	case !slices.Contains(figureKeys, f.By):
		return nil, "", fault.Invalid("/by", "应为 %s 之一", strings.Join(figureKeys[1:], " / "))
	}
	cond, more := scope(a, 8)
	after, id := "-infinity", uuid.Nil
	if cursor != "" {
		if after, id, err = readCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	if limit < 1 || limit > 200 {
		limit = 50
	}
	sql := "with n as (select yx_now() as now) select c.id, coalesce(c.case_no, ''), " + c.id + ", " + c.unit + ", " + c.at + ", (" + c.at + ")::text, " + c.holds + ", " + c.value + " from n, cases c" + c.join +
		" where c.district = $1 and " + liveCase + " and " + cond + " and " + c.cond + " and " + c.at + " >= $2 and " + c.at + " < $3 and " + f.key(c) + " = $4 and (" + c.at + ", " + c.id + ") > ($5::timestamptz, $6::uuid) order by " + c.at + ", " + c.id + " limit $7"
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), sql, append([]any{a.District, f.From, f.To, f.Key, after, id, limit + 1}, more...)...)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	list = []Behind{}
	var b Behind
	var at, last string
	if _, err := pgx.ForEachRow(rows, []any{&b.CaseID, &b.CaseNo, &b.ID, &b.Unit, &b.At, &at, &b.Holds, &b.Value}, func() error {
		if len(list) == limit {
			next = writeCursor(last, list[limit-1].ID)
			return nil
		}
		list, last = append(list, b), at
		b.Value = nil
		return nil
	}); err != nil {
		return nil, "", pg.Fault(err)
	}
	return list, next, nil
}

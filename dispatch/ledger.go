package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"yixian/dispatch/score"
	"yixian/grid"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
)

// The open ledger (公示) is what everybody may read of a district: closed cases without a person, frozen rankings, notices and
// clarifications, counts of a month. Nothing sensitive, no exercise, no id that opens anything else.

// OpenCase is one closed case in the ledger. Point is the middle of its grid: the public map is no finer (domain 4f).
type OpenCase struct {
	CaseNo            string
	Matter            string
	Text              string // the first report's words, masked
	Street, Community string // names
	Grid              string
	Point             grid.Point
	Unit              string // name of who handled it
	Outcome           string
	Reports           int
	CreatedAt         time.Time
	PromiseAt         *time.Time
	ResolvedAt        *time.Time
	ClosedAt          time.Time
	OnTime            bool
	Before, After     []string // ids of the copies that were approved for everybody
	id                uuid.UUID
}

// LedgerFilter narrows PublicCases; empty members do not.
type LedgerFilter struct {
	Matter, Street, Cursor string
	Limit                  int
}

const ledgerSQL = `select to_jsonb(c), coalesce((select r.text from report r where r.district = c.district and r.case_id = c.id order by r.received_at, r.id limit 1), ''), c.closed_at::text,
  (select coalesce(array_agg(p.id order by p.made_at, p.id) filter (where p.stage = 'BEFORE'), '{}') from public_photo p where p.district = c.district and p.case_id = c.id and p.withdrawn_at is null),
  (select coalesce(array_agg(p.id order by p.made_at, p.id) filter (where p.stage = 'AFTER'), '{}') from public_photo p where p.district = c.district and p.case_id = c.id and p.withdrawn_at is null)
from cases c where c.district = $1 and ` + publicCase + `
  and ($2 = '' or c.matter = $2) and ($3 = '' or c.street_code = $3) and ($4::timestamptz is null or (c.closed_at, c.id) < ($4::timestamptz, $5::uuid))
order by c.closed_at desc, c.id desc limit $6`

// PublicCases lists closed cases, the last closed first; next continues the list.
func (k *Desk) PublicCases(ctx context.Context, district string, f LedgerFilter) (out []OpenCase, next string, err error) {
	w := k.worlds.Get(district)
	if w == nil {
		return nil, "", fault.NotFound()
	}
	var after *string
	var id uuid.UUID
	if f.Cursor != "" {
		at, last, err := readCursor(f.Cursor)
		if err != nil {
			return nil, "", err
		}
		after, id = &at, last
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, district), ledgerSQL, district, f.Matter, f.Street, after, id, f.Limit+1)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	defer rows.Close()
	out = []OpenCase{}
	var last string
	for rows.Next() {
		var raw []byte
		var words, at string
		var before, after []string
		if err := rows.Scan(&raw, &words, &at, &before, &after); err != nil {
			return nil, "", pg.Fault(err)
		}
		if len(out) == f.Limit {
			return out, writeCursor(last, out[len(out)-1].id), nil
		}
		var c Case
		if err := json.Unmarshal(raw, &c); err != nil {
			return nil, "", err
		}
		o := w.openCase(&c, words)
		o.Before, o.After = before, after
		out, last = append(out, o), at
	}
	return out, "", pg.Fault(rows.Err())
}

func (w *World) openCase(c *Case, words string) OpenCase {
	o := OpenCase{Matter: c.Matter, Text: seal.MaskText(words), Grid: c.GridCode, Unit: w.UnitName(c.LeadUnit), Reports: c.ReporterCount, CreatedAt: c.CreatedAt, PromiseAt: c.PromiseAt, ResolvedAt: c.ResolvedAt,
		ClosedAt: *c.ClosedAt, OnTime: c.PromiseAt == nil || !c.ClosedAt.Truncate(time.Second).After(*c.PromiseAt), id: c.ID}
	if c.ResolvedAt != nil && c.PromiseAt != nil {
		o.OnTime = !c.ResolvedAt.Truncate(time.Second).After(*c.PromiseAt) // the promise ends with the work, not with its check
	}
	if c.CaseNo != nil {
		o.CaseNo = *c.CaseNo
	}
	if c.Outcome != nil {
		o.Outcome = *c.Outcome
	}
	if at, ok := w.Grid(c.GridCode); ok {
		o.Street, o.Community = at.StreetName, at.CommunityName
	}
	if middle, ok := w.Index.Centre(c.GridCode); ok {
		o.Point = middle
	}
	return o
}

// Ranking is a frozen period's standing of the units of one kind each, best first; units below the minimum sample come last,
// without rank and score.
type Ranking struct {
	Period string
	Sheets []StoredSheet
}

// PublicRankings gives a frozen period, "" the last one; nothing is frozen yet: an empty ranking.
func (k *Desk) PublicRankings(ctx context.Context, district, period string) (*Ranking, error) {
	w := k.worlds.Get(district)
	if w == nil {
		return nil, fault.NotFound()
	}
	if period != "" {
		if _, err := w.period(period); err != nil {
			return nil, err
		}
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, district), `select distinct on (unit) unit, payload, hash, frozen_at, cause, exclusion_id, applied from assessment_sheet
		where district = $1 and period = coalesce(nullif($2, ''), (select max(period) from assessment_sheet where district = $1)) order by unit, revision desc`, district, period)
	if err != nil {
		return nil, pg.Fault(err)
	}
	list, err := readSheets(rows)
	if err != nil {
		return nil, err
	}
	rank(list)
	if len(list) > 0 {
		period = list[0].Period
	}
	return &Ranking{Period: period, Sheets: list}, nil
}

// OpenData is what happened in one month, street by matter: how many cases were received in it, and how many closed. A nil count
// is suppressed (score.Suppress).
type OpenData struct {
	Period          string
	From, To        time.Time
	Streets         []Named
	Matters         []Named
	Received        score.Published
	Closed          score.Published
	AsOf            time.Time
	District, Title string
}

// Named is a code with its name.
type Named struct{ Code, Name string }

const openDataSQL = `with n as (select yx_now() as now)
select street_code, matter, count(*) filter (where created_at >= $2 and created_at < $3), count(*) filter (where closed_at >= $2 and closed_at < $3), n.now
from n left join lateral (
  select c.street_code, c.matter, c.created_at, c.closed_at from cases c where c.district = $1 and c.created_at >= $2 and c.created_at < $3 and %[1]s
  union all
  select c.street_code, c.matter, c.created_at, c.closed_at from cases c where c.district = $1 and c.closed_at >= $2 and c.closed_at < $3 and not (c.created_at >= $2 and c.created_at < $3) and %[1]s
) x on true group by street_code, matter, n.now`

const openDataWhere = `c.sensitivity in ('PUBLIC', 'NORMAL') and not c.drill and c.state not in ('VOIDED', 'MERGED') and c.matter <> ''`

// OpenMonth counts a month that is over; "" is the last one. A month that still runs is refused (PERIOD_OPEN): two counts of it
// on two days would tell what came in between.
func (k *Desk) OpenMonth(ctx context.Context, district, period string) (*OpenData, error) {
	w := k.worlds.Get(district)
	if w == nil {
		return nil, fault.NotFound()
	}
	now, err := k.Now(ctx)
	if err != nil {
		return nil, err
	}
	if period == "" {
		period = now.In(w.Calendar.Location()).AddDate(0, 0, -now.In(w.Calendar.Location()).Day()).Format("2006-01")
	}
	p, err := w.period(period)
	if err != nil {
		return nil, err
	}
	if now.Before(p.End) {
		return nil, fault.New(404, "PERIOD_OPEN", "%s 尚未结束，月末之后公布", period)
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, district), fmt.Sprintf(openDataSQL, openDataWhere), district, p.Start, p.End)
	if err != nil {
		return nil, pg.Fault(err)
	}
	defer rows.Close()
	type cell struct{ street, matter string }
	type counts struct{ received, closed int }
	seen := map[cell]counts{}
	out := &OpenData{Period: p.Name, From: p.Start, To: p.End, District: district, Title: w.Name}
	matters := map[string]bool{}
	for rows.Next() {
		var street, matter *string
		var n counts
		if err := rows.Scan(&street, &matter, &n.received, &n.closed, &out.AsOf); err != nil {
			return nil, pg.Fault(err)
		}
		if street != nil {
			seen[cell{*street, *matter}], matters[*matter] = n, true
		}
	}
	if err := rows.Err(); err != nil {
		return nil, pg.Fault(err)
	}
	for _, s := range w.Index.Children(district) {
		out.Streets = append(out.Streets, Named{s.Code, s.Name})
	}
	for code := range matters {
		out.Matters = append(out.Matters, Named{code, w.MatterName(code)})
	}
	for _, list := range [][]Named{out.Streets, out.Matters} {
		slices.SortFunc(list, func(a, b Named) int { return strings.Compare(a.Code, b.Code) })
	}
	received, closed := make([][]int, len(out.Streets)), make([][]int, len(out.Streets))
	for r, s := range out.Streets {
		received[r], closed[r] = make([]int, len(out.Matters)), make([]int, len(out.Matters))
		for c, m := range out.Matters {
			n := seen[cell{s.Code, m.Code}]
			received[r][c], closed[r][c] = n.received, n.closed
		}
	}
	out.Received, out.Closed = score.Suppress(received, score.K), score.Suppress(closed, score.K)
	return out, nil
}

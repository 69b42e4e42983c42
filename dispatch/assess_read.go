package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"math/big"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/dispatch/score"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// StoredSheet is a sheet as it stands: frozen with its hash, or (Revision 0) as the facts are at this moment.
type StoredSheet struct {
	score.Sheet
	Payload   string
	Hash      string
	Frozen    bool
	FrozenAt  *time.Time
	Cause     string // FREEZE, EXCLUSION; PROVISIONAL
	Exclusion *uuid.UUID
	Applied   []uuid.UUID // the exclusions that bear on it
	Rank      int         // among units of its kind; 0: insufficient data
}

// everySheet may read the sheets of all units; others read their own unit's.
func everySheet(a auth.Actor) bool {
	return a.Has(auth.RoleSupervisor, auth.RoleAuditor, auth.RoleCommander, auth.RoleDispatcher, auth.RoleCityViewer)
}

// Assessments lists the latest sheets of a period, best first, with shared ranks for ties and the unranked last. A unit
// sees its own line with its rank among all.
func (k *Desk) Assessments(ctx context.Context, a auth.Actor, period string) (list []StoredSheet, frozen bool, err error) {
	w := k.worlds.Get(a.District)
	p, err := w.span(period)
	if err != nil {
		return nil, false, err
	}
	ctx = pg.WithDistrict(ctx, a.District)
	if quarterly(p) {
		if list, frozen, err = k.quarter(ctx, w, p, a.Now); err != nil {
			return nil, false, pg.Fault(err)
		}
		return ranked(list, a), frozen, nil
	}
	rows, err := k.db.Pool.Query(ctx, `select distinct on (unit) unit, payload, hash, frozen_at, cause, exclusion_id, applied from assessment_sheet where district = $1 and period = $2 order by unit, revision desc`, a.District, p.Name)
	if err != nil {
		return nil, false, pg.Fault(err)
	}
	if list, err = readSheets(rows); err != nil {
		return nil, false, err
	}
	if frozen = len(list) > 0; !frozen {
		if list, err = k.provisional(ctx, w, p, a.Now); err != nil {
			return nil, false, pg.Fault(err)
		}
	}
	return ranked(list, a), frozen, nil
}

// ranked ranks sheets among all and leaves a unit its own line.
func ranked(list []StoredSheet, a auth.Actor) []StoredSheet {
	rank(list)
	if !everySheet(a) {
		list = slices.DeleteFunc(list, func(s StoredSheet) bool { return !slices.Contains(a.Units(), s.Unit) })
	}
	return list
}

func readSheets(rows pgx.Rows) ([]StoredSheet, error) {
	list := []StoredSheet{}
	var s StoredSheet
	_, err := pgx.ForEachRow(rows, []any{&s.Unit, &s.Payload, &s.Hash, &s.FrozenAt, &s.Cause, &s.Exclusion, &s.Applied}, func() error {
		one := StoredSheet{Payload: s.Payload, Hash: s.Hash, FrozenAt: s.FrozenAt, Cause: s.Cause, Exclusion: s.Exclusion, Applied: s.Applied, Frozen: true}
		s.FrozenAt, s.Exclusion, s.Applied = nil, nil, nil
		if err := json.Unmarshal([]byte(one.Payload), &one.Sheet); err != nil {
			return err
		}
		list = append(list, one)
		return nil
	})
	return list, pg.Fault(err)
}

// provisional makes the sheets of a period that is not frozen, as things stand now.
func (k *Desk) provisional(ctx context.Context, w *World, p score.Period, now time.Time) ([]StoredSheet, error) {
	facts, err := k.liveFacts(ctx, w, &p, now)
	if err != nil {
		return nil, err
	}
	list := []StoredSheet{}
	for _, s := range w.sheets(p, 0, facts) {
		payload := s.Payload()
		list = append(list, StoredSheet{Sheet: *s, Payload: string(payload), Hash: score.Hash(payload), Cause: "PROVISIONAL"})
	}
	return list, nil
}

// readTime is how long a page may wait for what is made of a whole month: seconds in a large district, where a statement of a
// page otherwise has three. freezeTime is how long the job may take that puts a month down.
const (
	readTime   = "60s"
	freezeTime = "10min"
)

// reading gives such a page its time and one view of the rows.
func (k *Desk) reading(ctx context.Context, do func(q rowsQuerier) error) error {
	return pgx.BeginTxFunc(ctx, k.db.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local statement_timeout = '"+readTime+"'"); err != nil {
			return err
		}
		return do(tx)
	})
}

// liveFacts are those of a period that is not frozen; the period is cut off at now.
func (k *Desk) liveFacts(ctx context.Context, w *World, p *score.Period, now time.Time) (facts []unitFact, err error) {
	return facts, k.reading(ctx, func(q rowsQuerier) error {
		facts, err = w.liveFacts(ctx, q, p, now)
		return err
	})
}

func (w *World) liveFacts(ctx context.Context, q rowsQuerier, p *score.Period, now time.Time) ([]unitFact, error) {
	if now.Before(p.Cut) {
		p.Cut = now
	}
	facts, err := collect(ctx, q, w.District, *p, w.Calendar)
	if err != nil {
		return nil, err
	}
	if facts, err = w.onlyOnce(ctx, q, *p, facts); err != nil {
		return nil, err
	}
	list, err := approved(ctx, q, w.District)
	exclude(facts, list)
	return facts, err
}

// rank orders by kind (departments, then streets) and score.
func rank(list []StoredSheet) {
	order := map[string]int{}
	for _, kind := range []string{score.KindDepartment, score.KindStreet} {
		var standing []score.Standing
		for i := range list {
			if s := &list[i]; s.Kind == kind {
				x := score.Standing{Unit: s.Unit}
				if s.Sufficient {
					x.Score, _ = new(big.Rat).SetString(s.Score)
				}
				standing = append(standing, x)
			}
		}
		score.Rank(standing)
		for _, x := range standing {
			order[x.Unit] = len(order)
			for i := range list {
				if list[i].Unit == x.Unit {
					list[i].Rank = x.Rank
				}
			}
		}
	}
	slices.SortFunc(list, func(a, b StoredSheet) int { return order[a.Unit] - order[b.Unit] })
}

// mayRead refuses the sheets of other units as if they were not there.
func mayRead(a auth.Actor, unit string) error {
	if everySheet(a) || slices.Contains(a.Units(), unit) {
		return nil
	}
	return fault.NotFound()
}

// Sheet is one sheet; revision 0 asks for the latest, which is provisional until the period is frozen. Revisions lists all
// that there are.
func (k *Desk) Sheet(ctx context.Context, a auth.Actor, unit, period string, revision int) (s *StoredSheet, revisions []int, err error) {
	w := k.worlds.Get(a.District)
	p, err := w.span(period)
	if err != nil {
		return nil, nil, err
	}
	if err := mayRead(a, unit); err != nil {
		return nil, nil, err
	}
	if _, known := w.Units[unit]; !known {
		return nil, nil, fault.NotFound()
	}
	ctx = pg.WithDistrict(ctx, a.District)
	if quarterly(p) {
		all, _, err := k.quarter(ctx, w, p, a.Now)
		if err != nil {
			return nil, nil, pg.Fault(err)
		}
		for i := range all {
			if all[i].Unit == unit && revision == 0 {
				return &all[i], []int{}, nil
			}
		}
		return nil, nil, fault.NotFound()
	}
	rows, err := k.db.Pool.Query(ctx, `select unit, payload, hash, frozen_at, cause, exclusion_id, applied from assessment_sheet where district = $1 and period = $2 and unit = $3 order by revision`, a.District, p.Name, unit)
	if err != nil {
		return nil, nil, pg.Fault(err)
	}
	list, err := readSheets(rows)
	if err != nil {
		return nil, nil, err
	}
	for i := range list {
		revisions = append(revisions, list[i].Revision)
	}
	switch {
	case revision == 0 && len(list) > 0:
		return &list[len(list)-1], revisions, nil
	case revision == 0:
		all, err := k.provisional(ctx, w, p, a.Now)
		if err != nil {
			return nil, nil, pg.Fault(err)
		}
		for i := range all {
			if all[i].Unit == unit {
				return &all[i], []int{}, nil
			}
		}
	}
	for i := range list {
		if list[i].Revision == revision {
			return &list[i], revisions, nil
		}
	}
	return nil, nil, fault.NotFound()
}

// FactRow is one fact behind a figure, with its case.
type FactRow struct {
	score.Fact
	CaseNo  string
	Counted bool // in the denominator
	Holds   bool // in the numerator
}

// SheetFacts is one page of what a figure of a sheet was made of (indicator "": everything), ordered by kind and id. For a
// frozen period it is what was frozen, with the exclusions of the latest revision.
func (k *Desk) SheetFacts(ctx context.Context, a auth.Actor, unit, period, indicator string, limit int, cursor string) (out []FactRow, next string, err error) {
	s, _, err := k.Sheet(ctx, a, unit, period, 0)
	if err != nil {
		return nil, "", err
	}
	w := k.worlds.Get(a.District)
	p, err := w.span(period)
	if err != nil {
		return nil, "", err
	}
	var of *score.Indicator
	if indicator != "" {
		if of = score.ByID(indicator); of == nil {
			return nil, "", fault.Invalid("/indicator", "没有这个指标，可选的见考核单")
		}
	}
	ctx = pg.WithDistrict(ctx, a.District)
	var facts []unitFact
	switch {
	case quarterly(p):
		facts, _, err = k.quarterFacts(ctx, w, &p, a.Now)
	case s.Frozen:
		var list []excluding
		facts, list, err = frozenWith(ctx, k.db.Pool, a.District, p.Name, unit, s.Applied)
		exclude(facts, list)
	default:
		facts, err = k.liveFacts(ctx, w, &p, a.Now)
	}
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	facts = slices.DeleteFunc(facts, func(f unitFact) bool { return f.unit != unit || (of != nil && !slices.Contains(of.Kinds, f.Kind)) })
	slices.SortFunc(facts, func(a, b unitFact) int { return compareText(a.Kind+a.ID, b.Kind+b.ID) })
	if limit < 1 || limit > 200 {
		limit = 50
	}
	var ids []uuid.UUID
	out = []FactRow{}
	for i := range facts {
		f := &facts[i]
		if f.Kind+f.ID <= cursor {
			continue
		}
		if len(out) == limit {
			next = out[limit-1].Kind + out[limit-1].ID
			break
		}
		row := FactRow{Fact: f.Fact}
		if of != nil {
			r := of.Count(p, []score.Fact{f.Fact})
			row.Counted, row.Holds = r.Den > 0, r.Num > 0
		} else {
			row.Counted = f.Excluded == "" && p.Concerns(&f.Fact)
		}
		out, ids = append(out, row), append(ids, f.caseID)
	}
	rows, err := k.db.Pool.Query(ctx, "select id, coalesce(case_no, '') from cases where district = $1 and id = any($2)", a.District, ids)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	numbers := map[string]string{}
	var id uuid.UUID
	var no string
	if _, err := pgx.ForEachRow(rows, []any{&id, &no}, func() error { numbers[id.String()] = no; return nil }); err != nil {
		return nil, "", pg.Fault(err)
	}
	for i := range out {
		out[i].CaseNo = numbers[out[i].Case]
	}
	return out, next, nil
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// CheckSheet recomputes a frozen sheet and refuses when a byte differs.
func (k *Desk) CheckSheet(ctx context.Context, district, unit, period string, revision int) error {
	w := k.worlds.Get(district)
	p, err := w.period(period)
	if err != nil {
		return err
	}
	ctx = pg.WithDistrict(ctx, district)
	var payload, hash string
	var applied []uuid.UUID
	err = k.db.Pool.QueryRow(ctx, "select payload, hash, applied from assessment_sheet where district = $1 and period = $2 and unit = $3 and revision = $4", district, p.Name, unit, revision).Scan(&payload, &hash, &applied)
	if errors.Is(err, pgx.ErrNoRows) {
		return fault.NotFound()
	}
	if err != nil {
		return pg.Fault(err)
	}
	facts, list, err := frozenWith(ctx, k.db.Pool, district, p.Name, unit, applied)
	if err != nil {
		return pg.Fault(err)
	}
	s := w.recompute(p, unit, revision, facts, list)
	if again := s.Payload(); string(again) != payload || score.Hash(again) != hash {
		return fault.Conflict("SHEET_DIFFERS", "考核单 %s %s 第 %d 版与其数据不一致", unit, p.Name, revision)
	}
	return nil
}

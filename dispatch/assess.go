package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"yixian/dispatch/score"
	"yixian/grid"
	"yixian/internal/pg"
	"yixian/internal/worktime"
)

// freezeDay is the working day of the following month on which a period is frozen (domain 4d).
const freezeDay = 5

// freezeAt is the first instant of the fifth working day after a period.
func freezeAt(p score.Period, cal *worktime.Calendar) time.Time {
	day := p.End
	for n := 0; ; day = day.AddDate(0, 0, 1) {
		if cal.IsWorkingDay(day) {
			if n++; n == freezeDay {
				return day
			}
		}
	}
}

// period reads "2026-06" in the district's zone.
func (w *World) period(name string) (score.Period, error) {
	return score.Month(name, w.Calendar.Location())
}

// Freeze freezes one period that is due and returns how many it froze (0 or 1). The row of the period is its own lock: of
// any number of engines one does it, and whatever kills that one leaves all or nothing. It also sees to it that every
// district has the row of its current month.
func (k *Desk) Freeze(ctx context.Context) (n int, err error) {
	var now time.Time
	var have []string
	var due bool
	err = k.db.Pool.QueryRow(ctx, `select yx_now(), coalesce(array_agg(district), '{}'), coalesce(bool_or(due_at <= yx_now()), false) from assessment_due where done_at is null`).Scan(&now, &have, &due)
	if err != nil {
		return 0, pg.Fault(err)
	}
	fresh := slices.DeleteFunc(slices.Clone(k.worlds.Tenants()), func(t Tenant) bool { return slices.Contains(have, t.District) })
	if !due && len(fresh) == 0 {
		return 0, nil
	}
	err = pgx.BeginFunc(ctx, k.db.Pool, func(tx pgx.Tx) error {
		for _, t := range fresh {
			w := k.worlds.Get(t.District)
			var first time.Time // a district that is new here begins with the month of its oldest case
			if err := tx.QueryRow(ctx, "select least(yx_now(), (select min(created_at) from cases where district = $1))", t.District).Scan(&first); err != nil {
				return err
			}
			if err := w.schedule(ctx, tx, first); err != nil {
				return err
			}
		}
		var district, name string
		err := tx.QueryRow(ctx, `select district, period from assessment_due where done_at is null and due_at <= yx_now() order by due_at, district limit 1 for update skip locked`).Scan(&district, &name)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		w := k.worlds.Get(district)
		if w == nil {
			return fmt.Errorf("freeze %s: no configuration of district %s", name, district)
		}
		p, err := w.period(name)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "select set_config('statement_timeout', $1, true), set_config('idle_in_transaction_session_timeout', $1, true)", freezeTime); err != nil {
			return err
		}
		if err := w.freeze(ctx, tx, p, now); err != nil {
			return fmt.Errorf("freeze %s of %s: %w", name, district, err)
		}
		if _, err := tx.Exec(ctx, "update assessment_due set done_at = yx_now() where district = $1 and period = $2", district, name); err != nil {
			return err
		}
		n = 1
		return w.schedule(ctx, tx, p.End)
	})
	return n, pg.Fault(err)
}

// schedule writes when the month that holds an instant will be frozen.
func (w *World) schedule(ctx context.Context, tx pgx.Tx, at time.Time) error {
	p, err := w.period(at.In(w.Calendar.Location()).Format("2006-01"))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "insert into assessment_due (district, period, due_at) values ($1, $2, $3) on conflict do nothing", w.District, p.Name, freezeAt(p, w.Calendar))
	return err
}

// settledKinds are the duties that belong to exactly one period for ever.
var settledKinds = map[string]bool{score.KindAssignment: true, score.KindTarget: true, score.KindContact: true}

// freeze collects a period's facts, puts them down for ever and makes revision 1 of every sheet.
func (w *World) freeze(ctx context.Context, tx pgx.Tx, p score.Period, now time.Time) error {
	facts, err := collect(ctx, tx, w.District, p, w.Calendar)
	if err != nil {
		return err
	}
	if facts, err = w.onlyOnce(ctx, tx, p, facts); err != nil {
		return err
	}
	n := len(facts)
	units, kinds, bodies := make([]string, n), make([]string, n), make([]string, n)
	ids, cases, settled := make([]string, n), make([]string, n), make([]bool, n) // ids as text: an array of uuid.UUID is slow to encode
	for i := range facts {
		f := &facts[i]
		body, err := json.Marshal(f.Fact)
		if err != nil {
			return err
		}
		units[i], kinds[i], bodies[i], ids[i], cases[i], settled[i] = f.unit, f.Kind, string(body), f.ID, f.Case, settledKinds[f.Kind] && p.Concerns(&f.Fact)
	}
	if _, err := tx.Exec(ctx, `insert into assessment_fact (district, period, unit, kind, id, case_id, settled, body)
		select $1, $2, unit, kind, id, case_id, settled, body::jsonb from unnest($3::text[], $4::text[], $5::text[]::uuid[], $6::text[]::uuid[], $7::bool[], $8::text[]) f(unit, kind, id, case_id, settled, body)`,
		w.District, p.Name, units, kinds, ids, cases, settled, bodies); err != nil {
		return err
	}
	list, err := approved(ctx, tx, w.District)
	if err != nil {
		return err
	}
	exclude(facts, list)
	for _, s := range w.sheets(p, 1, facts) {
		if err := store(ctx, tx, s, now, nil, bearing(facts, s.Unit, list)); err != nil {
			return err
		}
	}
	return nil
}

// onlyOnce keeps the rule that a duty is in exactly one period for ever, whatever is done to it afterwards: what a frozen
// sheet has settled counts nowhere again, and what settles in the frozen period before but was not known there (it arrived
// late, or a calendar moved its due) counts here.
func (w *World) onlyOnce(ctx context.Context, q rowsQuerier, p score.Period, facts []unitFact) ([]unitFact, error) {
	before, err := w.period(p.Start.AddDate(0, -1, 0).Format("2006-01"))
	if err != nil {
		return nil, err
	}
	var frozen []string
	if err := scalars(ctx, q, &frozen, "select period from assessment_due where district = $1 and period = $2 and done_at is not null", w.District, before.Name); err != nil {
		return nil, err
	}
	if len(frozen) > 0 {
		late, err := collect(ctx, q, w.District, before, w.Calendar)
		if err != nil {
			return nil, err
		}
		late = slices.DeleteFunc(late, func(f unitFact) bool { return !settledKinds[f.Kind] || !before.Concerns(&f.Fact) })
		for i := range late {
			late[i].Late = true
		}
		facts = append(late, facts...)
	}
	var ids []string
	for i := range facts {
		if settledKinds[facts[i].Kind] {
			ids = append(ids, facts[i].ID)
		}
	}
	var settled []string
	if err := scalars(ctx, q, &settled, "select distinct kind || id from assessment_fact where district = $1 and id = any($2::text[]::uuid[]) and settled and period <> $3", w.District, ids, p.Name); err != nil {
		return nil, err
	}
	gone := make(map[string]bool, len(settled))
	for _, key := range settled {
		gone[key] = true
	}
	for i := range facts {
		if f := &facts[i]; settledKinds[f.Kind] && gone[f.Kind+f.ID] {
			f.Elsewhere, f.Late = true, false
		}
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(facts, func(f unitFact) bool {
		key := f.Kind + f.ID
		if !settledKinds[f.Kind] || seen[key] { // reworked here, and late as well: the first one says both
			return settledKinds[f.Kind]
		}
		seen[key] = true
		return f.Elsewhere && !slices.ContainsFunc(f.Again, func(at time.Time) bool { return !at.Before(p.Start) && at.Before(p.End) })
	}), nil
}

func scalars[T any](ctx context.Context, q rowsQuerier, into *[]T, sql string, args ...any) error {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	*into, err = pgx.CollectRows(rows, pgx.RowTo[T])
	return err
}

// measured are the kinds of units that get a sheet. A unit that was closed in mid-period gets one as long as it has facts.
func (w *World) measured(facts map[string][]score.Fact) []grid.OrgUnit {
	var out []grid.OrgUnit
	for _, u := range w.Units {
		if u.Kind != grid.UnitDistrictCenter && (u.Active || len(facts[u.Code]) > 0) {
			out = append(out, u)
		}
	}
	for code := range facts { // a unit that was merged away and is not in the directory any more
		if _, known := w.Units[code]; !known && code != "" {
			out = append(out, grid.OrgUnit{Code: code, Kind: grid.UnitDepartment})
		}
	}
	slices.SortFunc(out, func(a, b grid.OrgUnit) int {
		if a.Code < b.Code {
			return -1
		}
		return 1
	})
	return out
}

// sheets makes the sheets of all units.
func (w *World) sheets(p score.Period, revision int, facts []unitFact) []*score.Sheet {
	many := map[string]int{}
	for i := range facts {
		many[facts[i].unit]++
	}
	by := make(map[string][]score.Fact, len(many))
	for unit, n := range many {
		by[unit] = make([]score.Fact, 0, n)
	}
	for i := range facts {
		by[facts[i].unit] = append(by[facts[i].unit], facts[i].Fact)
	}
	units := w.measured(by)
	out := make([]*score.Sheet, len(units))
	var all errgroup.Group
	all.SetLimit(runtime.GOMAXPROCS(0))
	for i, u := range units {
		all.Go(func() error {
			out[i] = score.Make(w.District, u.Code, sheetKind(u.Kind), p, revision, by[u.Code])
			return nil
		})
	}
	_ = all.Wait()
	return out
}

func sheetKind(unitKind string) string {
	if unitKind == grid.UnitStreet {
		return score.KindStreet
	}
	return score.KindDepartment
}

func store(ctx context.Context, tx pgx.Tx, s *score.Sheet, at time.Time, exclusion *uuid.UUID, applied []uuid.UUID) error {
	payload, cause := s.Payload(), "FREEZE"
	if exclusion != nil {
		cause = "EXCLUSION"
	}
	_, err := tx.Exec(ctx, `insert into assessment_sheet (district, period, unit, revision, payload, hash, frozen_at, cause, exclusion_id, applied) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		s.District, s.Period, s.Unit, s.Revision, string(payload), score.Hash(payload), at, cause, exclusion, applied)
	return err
}

// frozenFacts reads the facts of a frozen period, of one unit or (unit "") of all.
func frozenFacts(ctx context.Context, q rowsQuerier, district, period, unit string) ([]unitFact, error) {
	rows, err := q.Query(ctx, "select unit, id, coalesce(case_id, '00000000-0000-0000-0000-000000000000'), body from assessment_fact where district = $1 and period = $2 and ($3 = '' or unit = $3) order by kind, id", district, period, unit)
	if err != nil {
		return nil, err
	}
	var out []unitFact
	var f unitFact
	var raw []byte
	_, err = pgx.ForEachRow(rows, []any{&f.unit, &f.id, &f.caseID, &raw}, func() error {
		one := unitFact{unit: f.unit, id: f.id, caseID: f.caseID}
		if err := json.Unmarshal(raw, &one.Fact); err != nil {
			return err
		}
		out = append(out, one)
		return nil
	})
	return out, err
}

// recompute makes a sheet from its frozen facts and the exclusions that are named (those of a stored sheet: the same bytes).
func (w *World) recompute(p score.Period, unit string, revision int, facts []unitFact, list []excluding) *score.Sheet {
	exclude(facts, list)
	plain := make([]score.Fact, 0, len(facts))
	for i := range facts {
		plain = append(plain, facts[i].Fact)
	}
	return score.Make(w.District, unit, sheetKind(w.Units[unit].Kind), p, revision, plain)
}

// frozenWith reads a unit's frozen facts and those exclusions in force that are among the applied (nil: all).
func frozenWith(ctx context.Context, q rowsQuerier, district, period, unit string, applied []uuid.UUID) ([]unitFact, []excluding, error) {
	facts, err := frozenFacts(ctx, q, district, period, unit)
	if err != nil {
		return nil, nil, err
	}
	list, err := approved(ctx, q, district)
	if applied != nil {
		list = slices.DeleteFunc(list, func(e excluding) bool { return !slices.Contains(applied, e.ID) })
	}
	return facts, list, err
}

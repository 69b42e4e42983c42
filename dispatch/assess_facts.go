package dispatch

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/dispatch/score"
	"yixian/grid"
	"yixian/internal/worktime"
)

// unitFact is a fact with the unit that it is charged to.
type unitFact struct {
	unit       string
	caseID, id uuid.UUID
	score.Fact
}

type rowsQuerier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// collect reads the facts of a period from what the cases record, by unit.
func collect(ctx context.Context, q rowsQuerier, district string, p score.Period, cal *worktime.Calendar) ([]unitFact, error) {
	var parts []string
	for _, b := range factBranches {
		parts = append(parts, b.sql())
	}
	for _, b := range laterBranches {
		var there []bool
		if err := scalars(ctx, q, &there, "select to_regclass($1) is not null", b.table); err != nil {
			return nil, err
		}
		if there[0] {
			parts = append(parts, b.sql())
		}
	}
	// Some six facts come of a duty.
	var duties []int
	if err := scalars(ctx, q, &duties, "select count(*) from assignment where district = $1 and received_at >= $2 and received_at < $3", district, p.Start, p.End); err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, strings.Join(parts, "\nunion all\n"), district, p.Start, p.End)
	if err != nil {
		return nil, err
	}
	out := make([]unitFact, 0, 6*duties[0]) // half a million in a large month: grown bit by bit they would be copied five times
	var f unitFact
	if _, err := pgx.ForEachRow(rows, []any{&f.unit, &f.Kind, &f.id, &f.caseID, &f.Role, &f.At, &f.Due, &f.Done, &f.Again, &f.Extended, &f.Paused, &f.Valid, &f.Yes, &f.Grade, &f.Excluded}, func() error {
		one := f
		f.At, f.Due, f.Done, f.Again = nil, nil, nil, nil // each row's own
		one.ID, one.Case = one.id.String(), one.caseID.String()
		for _, t := range []*time.Time{one.At, one.Due, one.Done} { // frozen facts are bytes that another machine must make again
			if t != nil {
				*t = t.UTC()
			}
		}
		for i := range one.Again {
			one.Again[i] = one.Again[i].UTC()
		}
		if one.Kind == score.KindAssignment && one.Done != nil {
			one.Seconds = cal.Between(*one.At, *one.Done, true)
		}
		if p.Concerns(&one.Fact) || len(one.Again) > 0 {
			out = append(out, one)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	return out, repeats(ctx, q, district, p, out)
}

const (
	repeatMetres = 100.0
	repeatAge    = 30 * 24 * time.Hour
)

// repeats marks the cases closed in a period after which the same minor class came again within 100 m and 30 natural days. What came is
// read once in the order of time and looked for among the closed cases of the cells around it: asked for case by case in the database,
// a month of a large district takes ten times as long.
func repeats(ctx context.Context, q rowsQuerier, district string, p score.Period, facts []unitFact) error {
	closed := map[uuid.UUID]*unitFact{}
	for i := range facts {
		if facts[i].Kind == score.KindClosed {
			closed[facts[i].id] = &facts[i]
		}
	}
	if len(closed) == 0 {
		return nil
	}
	type place struct {
		matter string
		cell   int64
	}
	type end struct {
		at   grid.Point
		when time.Time
		fact *unitFact
	}
	ends := map[place][]end{}
	var id uuid.UUID
	var matter string
	var at grid.Point
	var when time.Time
	into := []any{&id, &matter, &at.Lon, &at.Lat, &when}
	rows, err := q.Query(ctx, "select c.id, c.matter, c.lon, c.lat, c.closed_at from cases c where "+closedIn, district, p.Start, p.End)
	if err != nil {
		return err
	}
	if _, err := pgx.ForEachRow(rows, into, func() error {
		if f := closed[id]; f != nil {
			key := place{matter, grid.Cell(at)}
			ends[key] = append(ends[key], end{at, when, f})
		}
		return nil
	}); err != nil {
		return err
	}
	rows, err = q.Query(ctx, `select id, matter, lon, lat, created_at from cases
		where district = $1 and created_at > $2 and created_at < $3 and state not in ('MERGED', 'VOIDED', 'REJECTED') and not drill`, district, p.Start, p.End.Add(repeatAge))
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, into, func() error {
		for _, cell := range grid.CellsAround(at, repeatMetres) {
			for _, e := range ends[place{matter, cell}] {
				if !e.fact.Yes && when.After(e.when) && !when.After(e.when.Add(repeatAge)) && e.fact.id != id && grid.Distance(e.at, at) <= repeatMetres {
					e.fact.Yes = true
				}
			}
		}
		return nil
	})
	return err
}

// excluding is one approved exclusion as it bears on facts.
type excluding struct {
	ID       uuid.UUID
	Case     uuid.UUID
	Subject  *uuid.UUID
	Unit     string
	Reason   string
	Scope    string
	LegalDue *time.Time
}

var ratingKinds = map[string]bool{score.KindRating: true, score.KindCaller: true}

// bears reports whether the exclusion takes the fact out. Cards are not taken out: they are waived by their own rules.
func (e *excluding) bears(f *unitFact) bool {
	switch {
	case f.caseID != e.Case, f.Kind == score.KindCard, e.Subject != nil && f.id != *e.Subject, e.Unit != "" && f.unit != e.Unit:
		return false
	case e.Scope == "RATING":
		return ratingKinds[f.Kind]
	case e.Scope == "TIMELINESS":
		return !ratingKinds[f.Kind] && f.Kind != score.KindReturn && f.Kind != score.KindReceived
	}
	return true
}

// exclude applies approved exclusions. EX2 does not take out: it puts the lawful deadline in place of the promised one.
func exclude(facts []unitFact, list []excluding) {
	for i := range facts {
		f := &facts[i]
		for k := range list {
			switch e := &list[k]; {
			case f.Excluded != "" || !e.bears(f):
			case e.Reason == "EX2":
				f.LegalDue = e.LegalDue
			default:
				f.Excluded = e.Reason
			}
		}
	}
}

// approved reads the exclusions in force.
func approved(ctx context.Context, q rowsQuerier, district string) ([]excluding, error) {
	rows, err := q.Query(ctx, "select id, case_id, subject, unit, reason, scope, legal_due from exclusion where district = $1 and state = 'APPROVED' order by id", district)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[excluding])
}

// bearing lists those of the exclusions that bear on at least one fact of a unit: they are named on its sheet's row.
func bearing(facts []unitFact, unit string, list []excluding) []uuid.UUID {
	out := []uuid.UUID{}
	for k := range list {
		if slices.ContainsFunc(facts, func(f unitFact) bool { return f.unit == unit && list[k].bears(&f) }) {
			out = append(out, list[k].ID)
		}
	}
	return out
}

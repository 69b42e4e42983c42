package dispatch

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

func itoa(n int) string { return strconv.Itoa(n) }

// cardScope says which cards (alias c) an actor sees: the supervising offices and the centre all, everybody else those of their own
// units.
func cardScope(a auth.Actor, n int) (string, []any) {
	if a.Has(auth.RoleDispatcher, auth.RoleSupervisor, auth.RoleAuditor, auth.RoleCommander) {
		return "true", nil
	}
	if units := a.Units(); a.Kind == auth.Staff && len(units) > 0 && a.Has(unitRoles...) {
		return fmt.Sprintf("c.unit = any($%d)", n), []any{units}
	}
	return "false", nil
}

// CardFilter narrows a list of cards; empty members are any.
type CardFilter struct{ State, Unit, Color string }

// Cards is a page in the actor's scope, newest first.
func (k *Desk) Cards(ctx context.Context, a auth.Actor, f CardFilter, limit int, cursor string) ([]Card, string, error) {
	at, id := "infinity", uuid.Max
	if cursor != "" {
		var err error
		if at, id, err = readCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	cond, args := cardScope(a, 8)
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), `select `+cardSQL+`, c.created_at::text from card c where c.district = $1 and ($2 = '' or c.state = $2) and ($3 = '' or c.unit = $3) and ($4 = '' or c.color = $4)
		and (c.created_at, c.id) < ($5::timestamptz, $6::uuid) and `+cond+` order by c.created_at desc, c.id desc limit $7`, append([]any{a.District, f.State, f.Unit, f.Color, at, id, limit + 1}, args...)...)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	defer rows.Close()
	out, next := []Card{}, ""
	for rows.Next() {
		var c Card
		var at string
		if err := rows.Scan(&c, &at); err != nil {
			return nil, "", err
		}
		if len(out) == limit {
			return out, next, nil
		}
		out, next = append(out, c), writeCursor(at, c.ID)
	}
	return out, "", pg.Fault(rows.Err())
}

// CardOf is one card in scope with its acts.
func (k *Desk) CardOf(ctx context.Context, a auth.Actor, id uuid.UUID) (*Card, []OfficeEvent, error) {
	ctx = pg.WithDistrict(ctx, a.District)
	cond, args := cardScope(a, 3)
	var c Card
	err := k.db.Pool.QueryRow(ctx, "select "+cardSQL+" from card c where c.district = $1 and c.id = $2 and "+cond, append([]any{a.District, id}, args...)...).Scan(&c)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil, fault.NotFound()
	}
	if err != nil {
		return nil, nil, pg.Fault(err)
	}
	events, err := k.officeEvents(ctx, a.District, id)
	return &c, events, err
}

// Can lists what the actor may do to a card now.
func (c *Card) Can(a auth.Actor, now time.Time) []string {
	out := []string{}
	for _, verb := range []string{"confirm", "waive", "object", "answer"} {
		copied, no := *c, false
		if _, err := copied.apply(a, CardAct{Verb: verb, Reason: "-", Upheld: &no}, now); err == nil {
			out = append(out, verb)
		}
	}
	return out
}

// Systemic is a recurring problem: at least five cases of one matter in one grid in 30 days.
type Systemic struct {
	ID         uuid.UUID
	GridCode   string
	Matter     string
	FoundAt    time.Time
	StreetUnit string
	Count      int
}

// SystemicProblems is a page, newest first: the street's own, all for the offices of the district.
func (k *Desk) SystemicProblems(ctx context.Context, a auth.Actor, limit int, cursor string) ([]Systemic, string, error) {
	at, id := "infinity", uuid.Max
	if cursor != "" {
		var err error
		if at, id, err = readCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	units := a.Units()
	if a.Has(districtRoles...) {
		units = nil
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), `select s.id, s.grid_code, s.matter, s.found_at, s.street_unit, s.count, s.found_at::text from systemic_problem s
		where s.district = $1 and ($2::text[] is null or s.street_unit = any($2)) and (s.found_at, s.id) < ($3::timestamptz, $4::uuid) order by s.found_at desc, s.id desc limit $5`, a.District, units, at, id, limit+1)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	out, next := []Systemic{}, ""
	var s Systemic
	var cut bool
	var text string
	_, err = pgx.ForEachRow(rows, []any{&s.ID, &s.GridCode, &s.Matter, &s.FoundAt, &s.StreetUnit, &s.Count, &text}, func() error {
		if cut = len(out) == limit; !cut {
			out, next = append(out, s), writeCursor(text, s.ID)
		}
		return nil
	})
	if !cut {
		next = ""
	}
	return out, next, pg.Fault(err)
}

package grid

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
	"yixian/internal/sheet"
)

// Shift is a span of duty of one person of a unit: every week on Weekday (1 Monday … 7 Sunday) or on one Day. From and To are
// minutes after the midnight with which the day begins; To lies beyond 1440 when the night ends on the next day. Rows of a
// day stand in for the weekly ones of that day; a row without a person says that nobody is on duty then.
type Shift struct {
	Unit      string     `json:"unit"`
	AccountID *uuid.UUID `json:"account_id"`
	Username  string     `json:"username"`
	Name      string     `json:"name"`
	Weekday   int        `json:"weekday"`
	Day       string     `json:"day"`
	From      int        `json:"from_min"`
	To        int        `json:"to_min"`
	ValidFrom string     `json:"valid_from"`
	ValidTo   string     `json:"valid_to"`
}

// Roster is a unit's duty roster. Version 0: there is none yet.
type Roster struct {
	Unit    string  `json:"unit"`
	Version int     `json:"version"`
	Shifts  []Shift `json:"shifts"`
}

const always = "2020-01-01" // of a weekly row that does not say from when

func (s *Shift) order() string {
	return fmt.Sprintf("%s|%s|%d|%04d|%04d|%s|%s|%s", s.Unit, s.Day, s.Weekday, s.From, s.To, s.Username, s.ValidFrom, s.ValidTo)
}

// clockOf is the time of day of minutes that may lie beyond midnight; a full day ends at 24:00.
func clockOf(minutes int) int {
	if minutes > 1440 {
		return minutes - 1440
	}
	return minutes
}

// settle brings a shift to its one form: a time of ending that is not after the beginning is on the next day.
func (s *Shift) settle() {
	if s.To <= s.From && s.To >= 0 {
		s.To += 1440
	}
	if s.ValidFrom == "" {
		s.ValidFrom = always
	}
}

// rosterRowsSQL reads shifts in the order of Shift.order's first members.
const rosterRowsSQL = `select r.unit, r.version, s.account_id, coalesce(w.username, ''), coalesce(w.display_name, ''), coalesce(s.weekday, 0), coalesce(s.day::text, ''), s.from_min, s.to_min, s.valid_from::text, coalesce(s.valid_to::text, ''), s.id is not null
from roster r left join duty_shift s on s.district = r.district and s.unit = r.unit left join account w on w.district = s.district and w.id = s.account_id
where r.district = $1 and `

func rosters(ctx context.Context, q querier, where string, args ...any) ([]Roster, error) {
	rows, err := q.Query(ctx, rosterRowsSQL+where+" order by r.unit, s.day nulls first, s.weekday, s.from_min, w.username, s.id", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Roster
	for rows.Next() {
		var s Shift
		var version int
		var from, to, weekday *int
		var validFrom *string
		var there bool
		if err := rows.Scan(&s.Unit, &version, &s.AccountID, &s.Username, &s.Name, &weekday, &s.Day, &from, &to, &validFrom, &s.ValidTo, &there); err != nil {
			return nil, err
		}
		if len(out) == 0 || out[len(out)-1].Unit != s.Unit {
			out = append(out, Roster{Unit: s.Unit, Version: version, Shifts: []Shift{}})
		}
		if there {
			s.Weekday, s.From, s.To, s.ValidFrom = *weekday, *from, *to, *validFrom
			out[len(out)-1].Shifts = append(out[len(out)-1].Shifts, s)
		}
	}
	return out, rows.Err()
}

// Rosters lists the units' rosters by unit.
func (o *Office) Rosters(ctx context.Context, a auth.Actor, limit int, cursor string) ([]Roster, string, error) {
	if err := admin(a); err != nil {
		return nil, "", err
	}
	list, err := rosters(pg.WithDistrict(ctx, a.District), o.db.Pool, "r.unit in (select unit from roster where district = $1 and unit > $2 order by unit limit $3)", a.District, cursor, limit+1)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	if len(list) > limit {
		return list[:limit], list[limit-1].Unit, nil
	}
	return list, "", nil
}

// keepsRoster lets administrators keep every roster and leaders that of their own unit; another unit's does not exist for them.
func keepsRoster(a auth.Actor, unit string) error {
	if admin(a) == nil {
		return nil
	}
	if err := a.Need(auth.PermRoster, "只有管理员和本单位的领导可以维护值班表"); err != nil {
		return err
	}
	if a.In(unit, auth.RoleStreetLeader, auth.RoleStreetSecretary, auth.RoleDeptLeader) == "" {
		return fault.NotFound()
	}
	return nil
}

// Roster is a unit's roster; an empty one of version 0 when it has none yet.
func (o *Office) Roster(ctx context.Context, a auth.Actor, unit string) (*Roster, error) {
	if err := keepsRoster(a, unit); err != nil {
		return nil, err
	}
	list, err := rosters(pg.WithDistrict(ctx, a.District), o.db.Pool, "r.unit = $2", a.District, unit)
	if err != nil {
		return nil, pg.Fault(err)
	}
	if len(list) == 0 {
		return &Roster{Unit: unit, Shifts: []Shift{}}, nil
	}
	return &list[0], nil
}

// SetRoster makes a unit's roster exactly these shifts; 409 STALE when its version is another one.
func (o *Office) SetRoster(ctx context.Context, a auth.Actor, unit string, version int, shifts []Shift) (*Roster, error) {
	if err := keepsRoster(a, unit); err != nil {
		return nil, err
	}
	next := Roster{Unit: unit, Shifts: shifts}
	for i := range next.Shifts {
		next.Shifts[i].Unit = unit
	}
	r := register[Shift]{kind: "roster"}
	err := r.permitted(ctx, o, a, func(tx pgx.Tx) error {
		old, err := rosters(ctx, tx, "r.unit = $2", a.District, unit)
		if err != nil {
			return err
		}
		have := 0
		if len(old) > 0 {
			have = old[0].Version
		}
		if have != version {
			return fault.Conflict("STALE", "其他人刚刚修改过，请刷新后再改").With("version", have)
		}
		var wrong *fault.Error
		if err := o.checkShifts(ctx, tx, a.District, next.Shifts, func(i int, key, what, mend string) {
			pointer := fmt.Sprintf("/shifts/%d/%s", i, key)
			if key == "unit" {
				pointer = "/unit"
			}
			if wrong == nil {
				wrong = fault.Invalid(pointer, "%s；%s", what, mend)
			} else {
				wrong = wrong.At(pointer, "%s；%s", what, mend)
			}
		}); err != nil {
			return err
		}
		if len(next.Shifts) == 0 {
			if units, err := o.unitsNamed(ctx, tx, a.District, func(yield func(string)) { yield(unit) }); err != nil || units[unit] == nil {
				return orNotFound(err)
			}
		}
		if wrong != nil {
			return wrong
		}
		return o.writeRosters(ctx, tx, a, "change", old, []Roster{next})
	})
	if err != nil {
		return nil, err
	}
	return o.Roster(ctx, a, unit)
}

func orNotFound(err error) error {
	if err != nil {
		return err
	}
	return fault.NotFound()
}

func (o *Office) rosterChange(ctx context.Context, a auth.Actor, work func(pgx.Tx) error) error {
	r := register[Shift]{kind: "roster"}
	return r.begin(ctx, o, a, work)
}

// writeRosters replaces whole rosters and writes the audit, with usernames only.
func (o *Office) writeRosters(ctx context.Context, tx pgx.Tx, a auth.Actor, action string, old, next []Roster) error {
	shown := func(list []Roster, unit string) any {
		for i := range list {
			if list[i].Unit == unit {
				out := []map[string]any{}
				for _, s := range list[i].Shifts {
					out = append(out, map[string]any{"username": s.Username, "weekday": s.Weekday, "day": s.Day, "from": sheet.ClockText(s.From), "to": sheet.ClockText(clockOf(s.To)), "valid_from": s.ValidFrom, "valid_to": s.ValidTo})
				}
				return map[string]any{"shifts": out}
			}
		}
		return nil
	}
	var changes []auth.Change
	for i := range next {
		unit := next[i].Unit
		if _, err := tx.Exec(ctx, "insert into roster as r (district, unit) values ($1, $2) on conflict (district, unit) do update set version = r.version + 1", a.District, unit); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "delete from duty_shift where district = $1 and unit = $2", a.District, unit); err != nil {
			return err
		}
		rows := make([][]any, 0, len(next[i].Shifts))
		for _, s := range next[i].Shifts {
			var weekday, day, validTo any
			if s.Weekday != 0 {
				weekday = int16(s.Weekday)
			}
			if s.Day != "" {
				day, _ = time.Parse(time.DateOnly, s.Day)
			}
			if s.ValidTo != "" {
				validTo, _ = time.Parse(time.DateOnly, s.ValidTo)
			}
			validFrom, _ := time.Parse(time.DateOnly, s.ValidFrom)
			rows = append(rows, []any{a.District, uuid.Must(uuid.NewV7()), unit, s.AccountID, weekday, day, s.From, s.To, validFrom, validTo})
		}
		if err := insertShifts(ctx, tx, rows); err != nil {
			return err
		}
		c, err := auth.AuditChange(action, "roster", unit, shown(old, unit), shown(next, unit))
		if err != nil {
			return err
		}
		changes = append(changes, c)
	}
	return auth.Audit(ctx, tx, a, changes...)
}

func insertShifts(ctx context.Context, tx pgx.Tx, rows [][]any) error {
	batch := &pgx.Batch{}
	for _, r := range rows {
		batch.Queue("insert into duty_shift (district, id, unit, account_id, weekday, day, from_min, to_min, valid_from, valid_to) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", r...)
	}
	return tx.SendBatch(ctx, batch).Close()
}

func sameShifts(a, b []Shift) bool {
	keys := func(list []Shift) []string {
		var out []string
		for i := range list {
			out = append(out, list[i].order())
		}
		slices.Sort(out)
		return out
	}
	return strings.Join(keys(a), "\n") == strings.Join(keys(b), "\n")
}

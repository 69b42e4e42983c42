package grid

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
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

var weekdays = []string{"1", "周一", "2", "周二", "3", "周三", "4", "周四", "5", "周五", "6", "周六", "7", "周日"}

var rosterSheet = sheet.Table[Shift]{
	Name: "值班表", ID: (*Shift).order,
	Columns: []sheet.Column[Shift]{
		{Key: "unit", Name: "单位编码", Required: true, Get: func(s *Shift) string { return s.Unit }, Set: func(s *Shift, c string) error { s.Unit = c; return nil }},
		{Key: "username", Name: "用户名", Get: func(s *Shift) string { return s.Username }, Set: func(s *Shift, c string) error { s.Username = c; return nil }},
		{Key: "weekday", Name: "星期", Get: func(s *Shift) string {
			if s.Weekday == 0 {
				return ""
			}
			return sheet.NameOf(strconv.Itoa(s.Weekday), weekdays...)
		}, Set: func(s *Shift, c string) error {
			code, err := sheet.OneOf(c, weekdays...)
			s.Weekday, _ = strconv.Atoi(code)
			return err
		}},
		{Key: "day", Name: "日期", Get: func(s *Shift) string { return s.Day }, Set: func(s *Shift, c string) (err error) { s.Day, err = sheet.Date(c); return err }},
		{Key: "from", Name: "开始", Required: true, Get: func(s *Shift) string { return sheet.ClockText(s.From) }, Set: func(s *Shift, c string) (err error) { s.From, err = sheet.Clock(c); return err }},
		{Key: "to", Name: "结束", Required: true, Get: func(s *Shift) string { return sheet.ClockText(clockOf(s.To)) }, Set: func(s *Shift, c string) (err error) { s.To, err = sheet.Clock(c); return err }},
		{Key: "valid_from", Name: "起效日期", Get: func(s *Shift) string {
			if s.ValidFrom == always {
				return ""
			}
			return s.ValidFrom
		}, Set: func(s *Shift, c string) (err error) { s.ValidFrom, err = sheet.Date(c); return err }},
		{Key: "valid_to", Name: "失效日期", Get: func(s *Shift) string { return s.ValidTo }, Set: func(s *Shift, c string) (err error) { s.ValidTo, err = sheet.Date(c); return err }},
	},
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

// Roster is a unit's roster; an empty one of version 0 when it has none yet.
func (o *Office) Roster(ctx context.Context, a auth.Actor, unit string) (*Roster, error) {
	if err := admin(a); err != nil {
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
	next := Roster{Unit: unit, Shifts: shifts}
	for i := range next.Shifts {
		next.Shifts[i].Unit = unit
	}
	err := o.rosterChange(ctx, a, func(tx pgx.Tx) error {
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

// checkShifts finds each shift's person and says what is wrong.
func (o *Office) checkShifts(ctx context.Context, tx pgx.Tx, district string, shifts []Shift, say func(i int, key, what, mend string)) error {
	units, err := o.unitsNamed(ctx, tx, district, func(yield func(string)) {
		for i := range shifts {
			yield(shifts[i].Unit)
		}
	})
	if err != nil {
		return err
	}
	names := []string{}
	for i := range shifts {
		names = append(names, shifts[i].Username)
	}
	rows, err := tx.Query(ctx, `select w.username, w.id, w.disabled_at is not null, array(select b.unit from role_binding b where b.district = w.district and b.account_id = w.id)
		from account w where w.district = $1 and w.kind = 'STAFF' and w.username = any($2)`, district, names)
	if err != nil {
		return err
	}
	type person struct {
		id    uuid.UUID
		off   bool
		units []string
	}
	people := map[string]person{}
	var name string
	var p person
	if _, err := pgx.ForEachRow(rows, []any{&name, &p.id, &p.off, &p.units}, func() error { people[name] = p; p.units = nil; return nil }); err != nil {
		return err
	}
	for i := range shifts {
		s := &shifts[i]
		s.settle()
		checkUnitNamed(units, "unit", s.Unit, true, func(key, what, mend string) { say(i, key, what, mend) })
		who, known := people[s.Username]
		switch {
		case s.Username == "" && s.Day == "":
			say(i, "username", "没有填写值班人员", "填写用户名；某一天无人值班时填日期、不填用户名")
		case s.Username == "":
		case !known:
			say(i, "username", "没有用户 "+s.Username, "先添加用户，或核对用户名")
		case who.off:
			say(i, "username", "用户 "+s.Username+" 已停用", "换一名在岗人员")
		case !slices.Contains(who.units, s.Unit):
			say(i, "username", "用户 "+s.Username+" 不在单位 "+s.Unit+" 任职", "先在用户中加上该单位的岗位")
		}
		if s.AccountID = nil; known {
			s.AccountID = &who.id
		}
		switch {
		case (s.Weekday == 0) == (s.Day == ""):
			say(i, "weekday", "星期和日期应填且只填一个", "每周重复填星期，某一天填日期")
		case s.Weekday < 0 || s.Weekday > 7:
			say(i, "weekday", "星期应为 1–7", "周一为 1，周日为 7")
		}
		for _, d := range []struct{ key, day string }{{"day", s.Day}, {"valid_from", s.ValidFrom}, {"valid_to", s.ValidTo}} {
			if _, err := time.Parse(time.DateOnly, d.day); d.day != "" && err != nil {
				say(i, d.key, d.day+" 不是日期", "写成 2026-07-01 的形式")
			}
		}
		if s.ValidTo != "" && s.ValidTo < s.ValidFrom {
			say(i, "valid_to", "失效日期早于起效日期", "核对两个日期")
		}
		if s.From < 0 || s.From >= 1440 || s.To <= s.From || s.To > s.From+1440 {
			say(i, "from", "时间不在 00:00–24:00 之间", "写成 08:30 的形式；结束不晚于开始表示到次日")
		}
	}
	return nil
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
				weekday = int16(s.Weekday) //nolint:gosec // 1–7
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

// ImportRosters takes a file of shifts in: for each unit that it names, it is the whole roster. Others stay as they are.
func (o *Office) ImportRosters(ctx context.Context, a auth.Actor, file io.Reader, dry bool) (*Imported, error) {
	if err := admin(a); err != nil {
		return nil, err
	}
	rows, problems, err := rosterSheet.Read(file)
	if err != nil {
		return nil, err
	}
	if err := problems.Fault(); err != nil {
		return nil, err
	}
	out := &Imported{DryRun: dry, Lines: len(rows)}
	err = o.rosterChange(ctx, a, func(tx pgx.Tx) error {
		shifts := make([]Shift, len(rows))
		units := []string{}
		for i := range rows {
			shifts[i] = rows[i].Value
			if !slices.Contains(units, shifts[i].Unit) {
				units = append(units, shifts[i].Unit)
			}
		}
		if err := o.checkShifts(ctx, tx, a.District, shifts, func(i int, key, what, mend string) {
			problems.Add(rows[i].Line, rosterColumn(key), what, mend)
		}); err != nil {
			return err
		}
		if err := problems.Fault(); err != nil {
			return err
		}
		old, err := rosters(ctx, tx, "r.unit = any($2)", a.District, units)
		if err != nil {
			return err
		}
		var write []Roster
		for _, unit := range units {
			next := Roster{Unit: unit}
			for i := range shifts {
				if shifts[i].Unit == unit {
					next.Shifts = append(next.Shifts, shifts[i])
				}
			}
			i := slices.IndexFunc(old, func(r Roster) bool { return r.Unit == unit })
			switch {
			case i < 0:
				out.Created++
			case sameShifts(old[i].Shifts, next.Shifts):
				out.Unchanged++
				continue
			default:
				out.Changed++
			}
			write = append(write, next)
		}
		if dry {
			return nil
		}
		return o.writeRosters(ctx, tx, a, "import", old, write)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func rosterColumn(key string) string {
	for _, c := range rosterSheet.Columns {
		if c.Key == key {
			return c.Name
		}
	}
	return key
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

// ExportRosters writes the file that ImportRosters finds nothing to change in.
func (o *Office) ExportRosters(ctx context.Context, a auth.Actor, to io.Writer, format sheet.Format) error {
	if err := admin(a); err != nil {
		return err
	}
	list, err := rosters(pg.WithDistrict(ctx, a.District), o.db.Pool, "true", a.District)
	if err != nil {
		return pg.Fault(err)
	}
	var shifts []Shift
	for i := range list {
		shifts = append(shifts, list[i].Shifts...)
	}
	return rosterSheet.Write(to, format, shifts)
}

// Duty is one person's duty for a unit from an instant until, but not at, another.
type Duty struct {
	District, Unit string
	Account        uuid.UUID
	Name           string
	From, Until    time.Time
}

// onDutySQL: $1 districts, $2 units, $3 and $4 the first and last instant that are asked for. A night begins on the day
// before. The session's zone is the people's.
const onDutySQL = `with days as (select d::date as day from generate_series(($3::timestamptz)::date - 1, ($4::timestamptz)::date, interval '1 day') d)
select s.district, s.unit, s.account_id, w.display_name, (d.day + make_interval(mins => s.from_min))::timestamptz, (d.day + make_interval(mins => s.to_min))::timestamptz
from duty_shift s join days d on s.day = d.day or s.weekday = extract(isodow from d.day) and d.day >= s.valid_from and (s.valid_to is null or d.day <= s.valid_to)
  and not exists (select from duty_shift o where o.district = s.district and o.unit = s.unit and o.day = d.day)
  join account w on w.district = s.district and w.id = s.account_id and w.disabled_at is null
where s.district = any($1) and s.unit = any($2)
  and (d.day + make_interval(mins => s.from_min))::timestamptz <= $4 and (d.day + make_interval(mins => s.to_min))::timestamptz > $3
order by 1, 2, 5, 3`

// OnDuty lists who of the units is on duty at some instant between from and to (both included; equal for one instant): one
// query. A unit without a roster, or with nobody on it then, has no row.
func OnDuty(ctx context.Context, q querier, districts, units []string, from, to time.Time) ([]Duty, error) {
	rows, err := q.Query(ctx, onDutySQL, districts, units, from, to)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Duty])
}

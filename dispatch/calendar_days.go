package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/sheet"
)

// CalendarDay is a day of the district's own calendar, 2026-10-10, which stands before the shipped holidays.
type CalendarDay struct {
	Day    string `json:"day"`
	IsWork bool   `json:"is_work"`
}

var calendarSheet = sheet.Table[CalendarDay]{
	Name: "日历", ID: func(d *CalendarDay) string { return d.Day },
	Columns: []sheet.Column[CalendarDay]{
		{Key: "day", Name: "日期", Required: true, Get: func(d *CalendarDay) string { return d.Day }, Set: func(d *CalendarDay, c string) (err error) { d.Day, err = sheet.Date(c); return err }},
		{Key: "is_work", Name: "上班", Required: true, Get: func(d *CalendarDay) string { return sheet.YesNo(d.IsWork) }, Set: func(d *CalendarDay, c string) (err error) { d.IsWork, err = sheet.Bool(c); return err }},
	},
}

func maySetDays(a auth.Actor) error {
	if a.Kind == auth.System {
		return nil
	}
	return a.Need(auth.PermAdmin, "只有本区管理员可以修改配置")
}

// Days lists the days that the district set by itself in a year (0: in all), in order.
func (ws *Worlds) Days(ctx context.Context, db *pg.DB, a auth.Actor, year int) ([]CalendarDay, error) {
	if err := maySetDays(a); err != nil {
		return nil, err
	}
	rows, err := db.Pool.Query(pg.WithDistrict(ctx, a.District), "select day::text, is_work from calendar_day where district = $1 and ($2 = 0 or extract(year from day) = $2) order by day", a.District, year)
	if err != nil {
		return nil, pg.Fault(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[CalendarDay])
	return list, pg.Fault(err)
}

// SetDays sets days and takes others back to the shipped calendar, in one transaction with its audit. Open working clocks are
// measured again (Planner.Recompute). The answer says how many days differ from before.
func (ws *Worlds) SetDays(ctx context.Context, db *pg.DB, a auth.Actor, action string, set []CalendarDay, remove []string, dry bool) (*sheet.Imported, error) {
	if err := maySetDays(a); err != nil {
		return nil, err
	}
	for i, d := range set {
		if _, err := time.Parse(time.DateOnly, d.Day); err != nil {
			return nil, fault.Invalid(fmt.Sprintf("/days/%d/day", i), "%q 不是日期，写成 2026-10-10 的形式", d.Day)
		}
	}
	for i, day := range remove {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return nil, fault.Invalid(fmt.Sprintf("/remove/%d", i), "%q 不是日期，写成 2026-10-10 的形式", day)
		}
	}
	out := &sheet.Imported{DryRun: dry, Lines: len(set) + len(remove)}
	err := pgx.BeginFunc(pg.WithDistrict(ctx, a.District), db.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended($1, 0))", "calendar:"+a.District); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, "select day::text, is_work from calendar_day where district = $1", a.District)
		if err != nil {
			return err
		}
		there := map[string]bool{}
		var day string
		var work bool
		if _, err := pgx.ForEachRow(rows, []any{&day, &work}, func() error { there[day] = work; return nil }); err != nil {
			return err
		}
		var changes []auth.Change
		note := func(day string, before, after any) error {
			c, err := auth.AuditChange(action, "calendar", day, before, after)
			changes = append(changes, c)
			return err
		}
		write := []CalendarDay{}
		for _, d := range set {
			old, known := there[d.Day]
			var before any
			switch {
			case known && old == d.IsWork:
				out.Unchanged++
				continue
			case known:
				out.Changed++
				before = map[string]bool{"is_work": old}
			default:
				out.Created++
			}
			write = append(write, d)
			if err := note(d.Day, before, map[string]bool{"is_work": d.IsWork}); err != nil {
				return err
			}
		}
		for _, d := range remove {
			old, known := there[d]
			if !known {
				out.Unchanged++
				continue
			}
			out.Changed++
			if err := note(d, map[string]bool{"is_work": old}, nil); err != nil {
				return err
			}
		}
		if dry || len(changes) == 0 {
			return nil
		}
		raw, err := json.Marshal(write)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into calendar_day (district, day, is_work) select $1, d.day, d.is_work from jsonb_to_recordset($2::jsonb) d(day date, is_work boolean) order by d.day
			on conflict (district, day) do update set is_work = excluded.is_work`, a.District, string(raw)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "delete from calendar_day where district = $1 and day::text = any($2)", a.District, remove); err != nil {
			return err
		}
		return auth.Audit(ctx, tx, a, changes...)
	})
	if err != nil {
		return nil, pg.Fault(err)
	}
	if dry || out.Changes() == 0 {
		return out, nil
	}
	return out, pg.Fault(ws.Load(context.WithoutCancel(ctx)))
}

// ImportDays takes a file of days in; days that it does not name stay as they are.
func (ws *Worlds) ImportDays(ctx context.Context, db *pg.DB, a auth.Actor, file io.Reader, dry bool) (*sheet.Imported, error) {
	if err := maySetDays(a); err != nil {
		return nil, err
	}
	rows, problems, err := calendarSheet.Read(file)
	if err != nil {
		return nil, err
	}
	if err := problems.Fault(); err != nil {
		return nil, err
	}
	days := make([]CalendarDay, len(rows))
	for i := range rows {
		days[i] = rows[i].Value
	}
	return ws.SetDays(ctx, db, a, "import", days, []string{}, dry)
}

// ExportDays writes the file that ImportDays finds nothing to change in.
func (ws *Worlds) ExportDays(ctx context.Context, db *pg.DB, a auth.Actor, to io.Writer, format sheet.Format) error {
	days, err := ws.Days(ctx, db, a, 0)
	if err != nil {
		return err
	}
	return calendarSheet.Write(to, format, days)
}

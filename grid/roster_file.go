package grid

import (
	"context"
	"io"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/pg"
	"yixian/internal/sheet"
)

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

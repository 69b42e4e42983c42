package auth

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/pg"
	"yixian/internal/sheet"
)

// staffLine is a line of a file of users: one binding of one account. An account with several bindings has as many lines.
type staffLine struct {
	Username, Name, Phone, Role, Unit string
	Grids                             []string
	Post                              string
	Active                            bool
}

var staffSheet = sheet.Table[staffLine]{
	Name: "用户", ID: func(l *staffLine) string { return l.Username + "|" + l.Role + "|" + l.Unit },
	Columns: []sheet.Column[staffLine]{
		{Key: "username", Name: "用户名", Required: true, Get: func(l *staffLine) string { return l.Username }, Set: func(l *staffLine, c string) error { l.Username = c; return nil }},
		{Key: "display_name", Name: "姓名", Required: true, Get: func(l *staffLine) string { return l.Name }, Set: func(l *staffLine, c string) (err error) { l.Name, err = sheet.Text(c, 40); return err }},
		{Key: "phone", Name: "手机号", Get: func(l *staffLine) string { return l.Phone }, Set: func(l *staffLine, c string) error { l.Phone = c; return nil }},
		{Key: "role", Name: "角色", Required: true, Get: func(l *staffLine) string { return sheet.NameOf(l.Role, StaffRoles...) }, Set: func(l *staffLine, c string) (err error) {
			l.Role, err = sheet.OneOf(c, StaffRoles...)
			return err
		}},
		{Key: "unit", Name: "单位编码", Get: func(l *staffLine) string { return l.Unit }, Set: func(l *staffLine, c string) error { l.Unit = c; return nil }},
		{Key: "grids", Name: "网格", Get: func(l *staffLine) string { return sheet.Join(l.Grids) }, Set: func(l *staffLine, c string) error { l.Grids = sheet.List(c); return nil }},
		{Key: "post", Name: "岗位", Get: func(l *staffLine) string { return l.Post }, Set: func(l *staffLine, c string) (err error) { l.Post, err = sheet.Text(c, 20); return err }},
		{Key: "active", Name: "启用", Required: true, Get: func(l *staffLine) string { return sheet.YesNo(l.Active) }, Set: func(l *staffLine, c string) (err error) {
			l.Active, err = sheet.Bool(c)
			return err
		}},
	},
}

// ImportStaff takes a file of users in: all or none. The bindings of a user that it names become those of the file; users that
// it does not name stay as they are. New users get a one-time link each, shown now and never again.
func (s *Store) ImportStaff(ctx context.Context, a Actor, file io.Reader, dry bool) (out *sheet.Imported, tickets []Ticket, err error) {
	if err := a.administers(); err != nil {
		return nil, nil, err
	}
	rows, problems, err := staffSheet.Read(file)
	if err != nil {
		return nil, nil, err
	}
	list := gather(rows, problems)
	if err := problems.Fault(); err != nil {
		return nil, nil, err
	}
	out = &sheet.Imported{DryRun: dry, Lines: len(rows)}
	err = s.employ(ctx, a, func(tx pgx.Tx) error {
		names := make([]string, len(list))
		for i := range list {
			names[i] = list[i].new.Username
		}
		there, err := s.staff(ctx, tx, a.District, " and w.username = any($2) for update of w", names)
		if err != nil {
			return err
		}
		for i := range list {
			u := &list[i].new
			if k := slices.IndexFunc(there, func(o StaffUser) bool { return o.Username == u.Username }); k >= 0 {
				list[i].old = &there[k]
				u.ID, u.MFARequired = there[k].ID, there[k].MFARequired
			} else {
				u.ID = uuid.Must(uuid.NewV7())
			}
			if u.DisabledAt != nil {
				if u.DisabledAt = &a.Now; list[i].old != nil && list[i].old.DisabledAt != nil {
					u.DisabledAt = list[i].old.DisabledAt
				}
			}
		}
		if err := s.checkStaff(ctx, tx, a, list, func(i int, key, what, mend string) {
			problems.Add(list[i].line, staffColumn(key), what, mend)
		}); err != nil {
			return err
		}
		if err := problems.Fault(); err != nil {
			return err
		}
		var write []hiring
		for i := range list {
			switch old := list[i].old; {
			case old == nil:
				out.Created++
			case old.same(&list[i].new):
				out.Unchanged++
				continue
			default:
				out.Changed++
			}
			write = append(write, list[i])
		}
		if dry || len(write) == 0 {
			return nil
		}
		if err := s.writeStaff(ctx, tx, a, "import", write); err != nil {
			return err
		}
		for i := range write {
			if write[i].old != nil || write[i].new.DisabledAt != nil {
				continue
			}
			t, err := s.ticket(ctx, tx, a, write[i].new.ID, write[i].new.Username)
			if err != nil {
				return err
			}
			tickets = append(tickets, *t)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return out, tickets, nil
}

func (u *StaffUser) same(n *StaffUser) bool {
	return u.Name == n.Name && (n.Phone == "" || n.Phone == u.Phone) && u.MFARequired == n.MFARequired && (u.DisabledAt == nil) == (n.DisabledAt == nil) && sameBindings(u.Bindings, n.Bindings)
}

// gather makes one account of all lines with its name; they must agree about the person.
func gather(rows []sheet.Row[staffLine], problems *sheet.Problems) []hiring {
	var list []hiring
	at := map[string]int{}
	for _, r := range rows {
		l := r.Value
		i, seen := at[l.Username]
		if !seen {
			i = len(list)
			at[l.Username] = i
			u := StaffUser{Username: l.Username, Name: l.Name, Phone: l.Phone}
			if !l.Active {
				u.DisabledAt = new(time.Time)
			}
			list = append(list, hiring{line: r.Line, new: u})
		}
		u := &list[i].new
		if u.Name != l.Name || u.Phone != l.Phone || (u.DisabledAt == nil) != l.Active {
			problems.Add(r.Line, "用户名", "与前面同一用户的姓名、手机号或启用不一致", "同一用户的各行只有角色、单位、网格、岗位可以不同")
		}
		u.Bindings = append(u.Bindings, Binding{Role: Role(l.Role), Unit: l.Unit, Grids: l.Grids, Post: l.Post})
	}
	return list
}

func staffColumn(key string) string {
	if key == "bindings" {
		key = "role"
	}
	for _, c := range staffSheet.Columns {
		if c.Key == key {
			return c.Name
		}
	}
	return key
}

// ExportStaff writes the file that ImportStaff finds nothing to change in. Numbers are masked.
func (s *Store) ExportStaff(ctx context.Context, a Actor, to io.Writer, format sheet.Format) error {
	if err := a.administers(); err != nil {
		return err
	}
	list, err := s.staff(pg.WithDistrict(ctx, a.District), s.db.Pool, a.District, " order by w.username")
	if err != nil {
		return pg.Fault(err)
	}
	var lines []staffLine
	for i := range list {
		u := &list[i]
		for _, b := range u.Bindings {
			lines = append(lines, staffLine{u.Username, u.Name, u.Phone, string(b.Role), b.Unit, b.Grids, b.Post, u.DisabledAt == nil})
		}
	}
	return staffSheet.Write(to, format, lines)
}

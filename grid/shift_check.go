package grid

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

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

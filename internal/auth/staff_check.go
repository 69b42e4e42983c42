package auth

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"yixian/internal/sheet"
)

// checkStaff looks at accounts together with the units, grids and posts they name; nobody retires those units meanwhile.
func (s *Store) checkStaff(ctx context.Context, tx pgx.Tx, a Actor, list []hiring, say say) error {
	codes, grids, names := []string{}, []string{}, []string{}
	for i := range list {
		names = append(names, list[i].new.Username)
		for _, b := range list[i].new.Bindings {
			codes, grids = append(codes, b.Unit), append(grids, b.Grids...)
		}
	}
	units, err := unitsOf(ctx, tx, a.District, codes)
	if err != nil {
		return err
	}
	known, err := words(ctx, tx, "select distinct code from area where district = $1 and code = any($2) and level = 'grid' and (valid_to is null or valid_to > yx_now())", a.District, grids)
	if err != nil {
		return err
	}
	taken, err := words(ctx, tx, "select username from account where district = $1 and username = any($2)", a.District, names)
	if err != nil {
		return err
	}
	for i := range list {
		u, old := &list[i].new, list[i].old
		tell := func(key, what, mend string) { say(i, key, what, mend) }
		switch {
		case !usernameForm.MatchString(u.Username):
			tell("username", fmt.Sprintf("用户名 %q 不符合要求", u.Username), "用 1–64 个字母、数字、点、横线或下划线")
		case old == nil && taken[u.Username]:
			tell("username", "用户名 "+u.Username+" 已被使用", "换一个用户名")
		}
		if n := utf8.RuneCountInString(u.Name); n == 0 || n > 40 {
			tell("display_name", "姓名应为 1–40 个字", "填写姓名")
		}
		s.checkPhone(u, old, tell)
		if len(u.Bindings) == 0 {
			tell("bindings", "没有岗位", "至少给一个角色")
		}
		for k := range u.Bindings {
			checkBinding(u, k, units, known, tell)
		}
		if r := conflicting(u.Bindings); r != "" {
			tell("bindings", "管理员不能兼任"+sheet.NameOf(string(r), StaffRoles...), "管理与办案须由不同的人承担，请分成两个账号、两个人")
		}
		if old != nil && a.Kind != System && old.ID == a.Account && (!sameBindings(old.Bindings, u.Bindings) || u.DisabledAt != nil) {
			tell("bindings", "不能修改自己的岗位", "请另一位管理员修改")
		}
	}
	return nil
}

func (s *Store) checkPhone(u, old *StaffUser, tell func(key, what, mend string)) {
	if u.Phone == "" || old != nil && u.Phone == old.Phone {
		return
	}
	if strings.Contains(u.Phone, "*") {
		tell("phone", "手机号带有 *，与现有号码不一致", "填写完整的手机号，或留空不改")
		return
	}
	phone, ok := Phone(u.Phone)
	if !ok {
		tell("phone", "不是 11 位中国大陆手机号", "核对手机号")
		return
	}
	u.Phone = phone
}

type unitOf struct {
	kind, name string
	active     bool
	posts      []string
}

func unitsOf(ctx context.Context, tx pgx.Tx, district string, codes []string) (map[string]unitOf, error) {
	rows, err := tx.Query(ctx, "select code, kind, short_name, active, posts from org_unit where district = $1 and code = any($2) order by code for key share", district, codes)
	if err != nil {
		return nil, err
	}
	out := map[string]unitOf{}
	var code string
	var u unitOf
	_, err = pgx.ForEachRow(rows, []any{&code, &u.kind, &u.name, &u.active, &u.posts}, func() error { out[code] = u; u.posts = nil; return nil })
	return out, err
}

func words(ctx context.Context, tx pgx.Tx, sql string, args ...any) (map[string]bool, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	out := map[string]bool{}
	for _, w := range list {
		out[w] = true
	}
	return out, err
}

func checkBinding(u *StaffUser, k int, units map[string]unitOf, grids map[string]bool, tell func(key, what, mend string)) {
	b := &u.Bindings[k]
	kinds, known := roleUnits[b.Role]
	unit, there := units[b.Unit]
	role := sheet.NameOf(string(b.Role), StaffRoles...)
	switch {
	case !known:
		tell("role", fmt.Sprintf("没有角色 %q", b.Role), "从角色列表中选择")
		return
	case slices.ContainsFunc(u.Bindings[:k], func(x Binding) bool { return x.Role == b.Role && x.Unit == b.Unit }):
		tell("role", role+"在同一单位重复", "删除其中一个")
	case b.Unit == "" && !slices.Contains(kinds, ""):
		tell("unit", role+"须有单位", "填写单位编码")
	case b.Unit != "" && !there:
		tell("unit", "没有单位 "+b.Unit, "先导入单位，或核对编码")
	case b.Unit != "" && !unit.active && u.DisabledAt == nil:
		tell("unit", "单位 "+unit.name+" 已停用", "改为启用的单位")
	case !slices.Contains(kinds, unit.kind):
		tell("unit", role+"不能属于 "+unit.name, "核对角色和单位")
	}
	if b.Grids == nil {
		b.Grids = []string{}
	}
	for _, g := range b.Grids {
		if !grids[g] {
			tell("grids", "没有网格 "+g, "核对 15 位网格编码")
		}
	}
	switch {
	case b.Role == RoleGridWorker && len(b.Grids) == 0:
		tell("grids", "网格员没有网格", "填写所负责网格的编码")
	case b.Role != RoleGridWorker && len(b.Grids) > 0:
		tell("grids", "只有网格员才有网格", "清空网格")
	}
	if b.Post != "" && !slices.Contains(unit.posts, b.Post) {
		tell("post", fmt.Sprintf("单位没有岗位 %q", b.Post), "先在单位的岗位中加上它，或清空")
	}
	slices.Sort(b.Grids)
}

func sameBindings(a, b []Binding) bool {
	order := func(list []Binding) []Binding {
		out := slices.Clone(list)
		for i := range out {
			out[i].Grids = append([]string{}, out[i].Grids...)
			slices.Sort(out[i].Grids)
		}
		slices.SortFunc(out, func(x, y Binding) int { return strings.Compare(x.Unit+"|"+string(x.Role), y.Unit+"|"+string(y.Role)) })
		return out
	}
	return reflect.DeepEqual(order(a), order(b))
}

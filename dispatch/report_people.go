package dispatch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
)

// reportPerson is a recipient as he is now.
type reportPerson struct {
	Account  uuid.UUID
	Username string
	Name     string
	Phone    []byte
	Active   bool
	Bindings []auth.Binding
}

// actor is the person as if he asked himself.
func (p *reportPerson) actor(district string, now time.Time) auth.Actor {
	return auth.Actor{District: district, Account: p.Account, Kind: auth.Staff, Username: p.Username, Name: p.Name, Bindings: p.Bindings, Now: now}
}

// readReportPeople reads members of staff by a condition whose only argument is $2.
func readReportPeople(ctx context.Context, q rowsQuerier, district, where string, arg any) ([]reportPerson, error) {
	rows, err := q.Query(ctx, `select a.id, coalesce(a.username, ''), a.display_name, a.phone_enc, a.disabled_at is null,
		(select coalesce(jsonb_agg(jsonb_build_object('role', b.role, 'unit', b.unit, 'grids', b.grids) order by b.role, b.unit), '[]') from role_binding b where b.district = a.district and b.account_id = a.id)
		from account a where a.district = $1 and a.kind = 'STAFF' and `+where+` order by a.id`, district, arg)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[reportPerson])
}

// checkRecipients names the first one who is not there, or may not have the table.
func checkRecipients(people []reportPerson, usernames []string, kind reportKind) error {
	for i, name := range usernames {
		at := fmt.Sprintf("/recipients/%d", i)
		n := slices.IndexFunc(people, func(p reportPerson) bool { return p.Username == name })
		if n < 0 || !people[n].Active {
			return fault.Invalid(at, "没有在用的工作人员账号 %s", name)
		}
		if lacks := kind.missing(auth.Actor{Kind: auth.Staff, Bindings: people[n].Bindings}); lacks != "" {
			return fault.Invalid(at, "%s 没有查看此报表的权限（%s）：请先由管理员授权，或从接收人中去掉", name, lacks)
		}
	}
	return nil
}

package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// DeskView is a filter of the queue with a name. A shared one is offered to the people of its owner's unit; who belongs to no
// unit shares with the others of the centre. A filter opens nothing: each reader's own scope decides what it lists.
type DeskView struct {
	ID     uuid.UUID
	Name   string
	Query  map[string]string
	Shared bool
	Mine   bool
	Owner  string // who made it
	At     time.Time
}

const (
	viewsMost    = 50 // of one person
	viewName     = 20 // characters
	viewParts    = 12
	viewPartSize = 200
)

var viewPart = regexp.MustCompile(`^[a-z_]{1,20}$`)

// DeskViews are the actor's own views and those that are shared with the actor's units, by name.
func (k *Desk) DeskViews(ctx context.Context, a auth.Actor) ([]DeskView, error) {
	if err := a.Need(auth.PermCaseRead, "只有办理案件的工作人员有筛选视图"); err != nil {
		return nil, err
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), `select v.id, v.name, v.query, v.shared, v.account_id = $2, w.display_name, v.created_at from desk_view v join account w on w.district = v.district and w.id = v.account_id
		where v.district = $1 and (v.account_id = $2 or v.shared and v.unit = any($3)) order by v.account_id = $2 desc, v.name, v.id limit 200`, a.District, a.Account, sharing(a))
	if err != nil {
		return nil, pg.Fault(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[DeskView])
	return list, pg.Fault(err)
}

// sharing are the units whose shared views an actor is offered; "" is the centre's.
func sharing(a auth.Actor) []string {
	if units := a.Units(); len(units) > 0 {
		return units
	}
	return []string{""}
}

// KeepView keeps a filter under a name; the same name replaces the actor's own of it. 409 TOO_MANY beyond 50.
func (k *Desk) KeepView(ctx context.Context, a auth.Actor, name string, query map[string]string, shared bool) (*DeskView, error) {
	if err := a.Need(auth.PermCaseRead, "只有办理案件的工作人员有筛选视图"); err != nil {
		return nil, err
	}
	name = strings.TrimSpace(name)
	if n := utf8.RuneCountInString(name); n < 1 || n > viewName {
		return nil, fault.Invalid("/name", "视图名称应为 1 到 %d 个字", viewName)
	}
	if len(query) > viewParts {
		return nil, fault.Invalid("/query", "筛选条件最多 %d 项", viewParts)
	}
	for key, v := range query {
		if !viewPart.MatchString(key) || len(v) > viewPartSize {
			return nil, fault.Invalid("/query", "筛选条件只能是页面地址中的参数，每项不超过 %d 个字符", viewPartSize)
		}
	}
	kept, err := json.Marshal(query)
	if err != nil {
		return nil, err
	}
	v := DeskView{Name: name, Query: query, Shared: shared, Mine: true, Owner: a.Name}
	err = pg.Fault(pgx.BeginFunc(pg.WithDistrict(ctx, a.District), k.db.Pool, func(tx pgx.Tx) error {
		var n int
		// One at a time for one person, so that two windows cannot both keep the last one that is allowed.
		if err := tx.QueryRow(ctx, `with l as (select pg_advisory_xact_lock(hashtextextended($1::text || ($2::uuid)::text, 0))) select count(v.id) from l left join desk_view v on v.district = $1 and v.account_id = $2 and v.name <> $3`, a.District, a.Account, name).Scan(&n); err != nil {
			return err
		}
		if n >= viewsMost {
			return fault.Conflict("TOO_MANY", "%s", fmt.Sprintf("每人最多保存 %d 个视图，请先删除不用的", viewsMost))
		}
		return tx.QueryRow(ctx, `insert into desk_view as v (district, id, account_id, unit, name, query, shared) values ($1, yx_uuid7(), $2, $3, $4, $5, $6)
			on conflict (district, account_id, name) do update set query = excluded.query, shared = excluded.shared, unit = excluded.unit returning v.id, v.created_at`, a.District, a.Account, sharing(a)[0], name, string(kept), shared).Scan(&v.ID, &v.At)
	}))
	return &v, err
}

// DropView forgets one of the actor's own views; somebody else's is 404.
func (k *Desk) DropView(ctx context.Context, a auth.Actor, id uuid.UUID) error {
	tag, err := k.db.Pool.Exec(pg.WithDistrict(ctx, a.District), "delete from desk_view where district = $1 and id = $2 and account_id = $3", a.District, id, a.Account)
	if err == nil && tag.RowsAffected() == 0 {
		return fault.NotFound()
	}
	return pg.Fault(err)
}

// Sees is nil for who has the case in their scope, else 404.
func (k *Desk) Sees(ctx context.Context, a auth.Actor, id uuid.UUID) error {
	cond, more := scope(a, 3)
	var there bool
	err := k.db.Pool.QueryRow(pg.WithDistrict(ctx, a.District), "select exists (select 1 from cases c where c.district = $1 and c.id = $2 and "+cond+")", append([]any{a.District, id}, more...)...).Scan(&there)
	if err == nil && !there {
		return fault.NotFound()
	}
	return pg.Fault(err)
}

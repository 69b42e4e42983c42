package grid

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/sheet"
)

// finding is what is wrong with one field of a thing and how to mend it.
type finding struct{ key, what, mend string }

// item is one thing that is to be written. Old is what is there, nil for a new one.
type item[T any] struct {
	Line int
	New  T
	Old  *T
}

// register is a table that people keep by hand, key (district, key), with a version that rises with every change.
type register[T any] struct {
	kind, table, key string
	columns          []string // written by people, without district, key and version
	sheet            sheet.Table[T]
	id               func(*T) string
	version          func(*T) *int
	audit            func(*T) any  // what the audit shows; nil: the thing itself
	first            func(*T) bool // written before the others, so that what it gives up is free for them; nil: none
	// check looks at all things of one change together; say notes what is wrong with item i.
	check func(ctx context.Context, tx pgx.Tx, a auth.Actor, items []item[T], say func(i int, key, what, mend string)) error
}

// Imported is what an import did or, on a dry run, would do.
type Imported = sheet.Imported

// begin runs a change: one at a time per kind and district, so that what check saw still holds when it is written.
func (r *register[T]) begin(ctx context.Context, o *Office, a auth.Actor, work func(pgx.Tx) error) error {
	if err := admin(a); err != nil {
		return err
	}
	return r.permitted(ctx, o, a, work)
}

// permitted is begin for a caller that has asked for the permission by itself.
func (r *register[T]) permitted(ctx context.Context, o *Office, a auth.Actor, work func(pgx.Tx) error) error {
	return pg.Fault(pgx.BeginFunc(pg.WithDistrict(ctx, a.District), o.db.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select set_config('statement_timeout', '60000', true), pg_advisory_xact_lock(hashtextextended($1, 0))", "office:"+a.District+":"+r.kind); err != nil {
			return err
		}
		return work(tx)
	}))
}

// fill reads what is there of the items, and locks it.
func (r *register[T]) fill(ctx context.Context, tx pgx.Tx, district string, items []item[T]) error {
	keys := make([]string, len(items))
	for i := range items {
		keys[i] = r.id(&items[i].New)
	}
	rows, err := tx.Query(ctx, fmt.Sprintf("select to_jsonb(x) from %s x where x.district = $1 and x.%s = any($2) for update", r.table, r.key), district, keys)
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		return err
	}
	found := map[string]*T{}
	for i := range list {
		found[r.id(&list[i])] = &list[i]
	}
	for i := range items {
		items[i].Old = found[keys[i]]
	}
	return nil
}

// rows reads things in the order of their keys.
func (r *register[T]) rows(ctx context.Context, q querier, where string, limit int, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, fmt.Sprintf("select to_jsonb(x) from %s x where %s order by x.%s limit %d", r.table, where, r.key, limit), args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}

// list is one page, by key. cond narrows it; its parameters begin at $3.
func (r *register[T]) list(ctx context.Context, o *Office, a auth.Actor, cond string, args []any, limit int, cursor string) ([]T, string, error) {
	if err := admin(a); err != nil {
		return nil, "", err
	}
	where := "x.district = $1 and x." + r.key + " > $2"
	if cond != "" {
		where += " and " + cond
	}
	list, err := r.rows(pg.WithDistrict(ctx, a.District), o.db.Pool, where, limit+1, append([]any{a.District, cursor}, args...)...)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	if len(list) > limit {
		return list[:limit], r.id(&list[limit-1]), nil
	}
	return list, "", nil
}

func (r *register[T]) get(ctx context.Context, o *Office, a auth.Actor, key string) (*T, error) {
	if err := admin(a); err != nil {
		return nil, err
	}
	list, err := r.rows(pg.WithDistrict(ctx, a.District), o.db.Pool, "x.district = $1 and x."+r.key+" = $2", 1, a.District, key)
	if err != nil {
		return nil, pg.Fault(err)
	}
	if len(list) == 0 {
		return nil, fault.NotFound()
	}
	return &list[0], nil
}

// create makes one; 409 EXISTS when there is one of that key.
func (r *register[T]) create(ctx context.Context, o *Office, a auth.Actor, v T) (*T, error) {
	return r.put(ctx, o, a, "create", v, func(old *T) (T, error) {
		if old != nil {
			return v, fault.Conflict("EXISTS", "%s 已存在，请换一个编码", r.id(&v))
		}
		return v, nil
	})
}

// change makes the thing of that key what edit returns; 404 when there is none, 409 STALE when its version is another one.
func (r *register[T]) change(ctx context.Context, o *Office, a auth.Actor, action, key string, version int, edit func(T) (T, error)) (*T, error) {
	var probe T
	if err := r.setKey(&probe, key); err != nil {
		return nil, err
	}
	return r.put(ctx, o, a, action, probe, func(old *T) (v T, err error) {
		if old == nil {
			return v, fault.NotFound()
		}
		if have := *r.version(old); version != have {
			return v, fault.Conflict("STALE", "其他人刚刚修改过，请刷新后再改").With("version", have)
		}
		return edit(*old)
	})
}

// shut takes a thing out of use from now on, or back into it; since is where a thing says since when it is out of use.
func (r *register[T]) shut(ctx context.Context, o *Office, a auth.Actor, key string, version int, shut bool, since func(*T) **time.Time) (*T, error) {
	return r.change(ctx, o, a, map[bool]string{true: "disable", false: "enable"}[shut], key, version, func(old T) (T, error) {
		if *since(&old) = nil; shut {
			*since(&old) = &a.Now
		}
		return old, nil
	})
}

// setKey fills the key by its JSON name.
func (r *register[T]) setKey(v *T, key string) error {
	raw, err := json.Marshal(map[string]string{r.key: key})
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}

func (r *register[T]) put(ctx context.Context, o *Office, a auth.Actor, action string, probe T, decide func(old *T) (T, error)) (*T, error) {
	var out *T
	err := r.begin(ctx, o, a, func(tx pgx.Tx) error {
		items := []item[T]{{New: probe}}
		if err := r.fill(ctx, tx, a.District, items); err != nil {
			return err
		}
		v, err := decide(items[0].Old)
		if err != nil {
			return err
		}
		items[0].New = v
		var wrong *fault.Error
		if err := r.check(ctx, tx, a, items, func(_ int, key, what, mend string) {
			if wrong == nil {
				wrong = fault.Invalid("/"+key, "%s；%s", what, mend)
			} else {
				wrong = wrong.At("/"+key, "%s；%s", what, mend)
			}
		}); err != nil {
			return err
		}
		if wrong != nil {
			return wrong
		}
		if err := r.write(ctx, tx, a, items); err != nil {
			return err
		}
		if err := r.tell(ctx, tx, a, action, items); err != nil {
			return err
		}
		list, err := r.rows(ctx, tx, "x.district = $1 and x."+r.key+" = $2", 1, a.District, r.id(&v))
		if err != nil || len(list) == 0 {
			return errors.Join(err, errors.New("the row that was written is not there"))
		}
		out = &list[0]
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, o.changed(ctx)
}

// write upserts in one statement.
func (r *register[T]) write(ctx context.Context, tx pgx.Tx, a auth.Actor, items []item[T]) error {
	list := make([]T, len(items))
	for i := range items {
		list[i] = items[i].New
	}
	raw, err := json.Marshal(list)
	if err != nil {
		return err
	}
	var set []string
	for _, c := range r.columns {
		set = append(set, c+" = excluded."+c)
	}
	cols := strings.Join(r.columns, ", ")
	_, err = tx.Exec(ctx, fmt.Sprintf(`insert into %s as t (district, %s, %s) select $1, r.%s, r.%s from jsonb_populate_recordset(null::%s, $2) r
		on conflict (district, %s) do update set %s, version = t.version + 1`, r.table, r.key, cols, r.key, strings.ReplaceAll(cols, ", ", ", r."), r.table, r.key, strings.Join(set, ", ")), a.District, string(raw))
	var answer *pgconn.PgError
	if errors.As(err, &answer) && (answer.Code == "23505" || answer.Code == "23503" || answer.Code == "23514") {
		return fault.Conflict("CONFLICT", "与现有数据冲突（%s），请刷新后再试", answer.ConstraintName) // check has missed it: nothing is half-written
	}
	return err
}

// tell writes the audit of all items that differ.
func (r *register[T]) tell(ctx context.Context, tx pgx.Tx, a auth.Actor, action string, items []item[T]) error {
	var changes []auth.Change
	for i := range items {
		var before, after any = nil, r.shown(&items[i].New)
		act := action
		if items[i].Old != nil {
			before = r.shown(items[i].Old)
		}
		c, err := auth.AuditChange(act, r.kind, r.id(&items[i].New), before, after)
		if err != nil {
			return err
		}
		changes = append(changes, c)
	}
	return auth.Audit(ctx, tx, a, changes...)
}

func (r *register[T]) shown(v *T) any {
	if r.audit != nil {
		return r.audit(v)
	}
	return v
}

// same reports whether a person's columns are equal.
func (r *register[T]) same(a, b *T) bool {
	x, y := r.people(a), r.people(b)
	return reflect.DeepEqual(x, y)
}

// people are the values of the columns that people write.
func (r *register[T]) people(v *T) map[string]any {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	var all map[string]any
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil
	}
	maps.DeleteFunc(all, func(k string, _ any) bool { return !slices.Contains(r.columns, k) })
	return all
}

package dispatch

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"yixian/dispatch/rule"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// CodeMap is one page of the codes of older standards; standard "" is all.
func (k *Desk) CodeMap(ctx context.Context, a auth.Actor, standard string, limit int, cursor string) (list []rule.Mapping, next string, err error) {
	if err := mayConfigure(a); err != nil {
		return nil, "", err
	}
	var last [3]string
	if cursor != "" {
		if last, err = readKey(cursor); err != nil {
			return nil, "", err
		}
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), `select standard_from, code_from, standard_to, code_to from code_map
		where district = $1 and ($2 = '' or standard_from = $2) and (standard_from, code_from) > ($3, $4) order by standard_from, code_from limit $5`, a.District, standard, last[0], last[1], limit+1)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	if list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[rule.Mapping]); err != nil {
		return nil, "", pg.Fault(err)
	}
	if len(list) > limit {
		list = list[:limit]
		next = writeKey(list[limit-1].StandardFrom, list[limit-1].CodeFrom, "")
	}
	return list, next, nil
}

// codeMapSQL sets mappings of different codes.
const codeMapSQL = `insert into code_map (district, standard_from, code_from, standard_to, code_to)
select $1, m.standard_from, m.code_from, m.standard_to, m.code_to from jsonb_populate_recordset(null::code_map, $2::jsonb) m
on conflict (district, standard_from, code_from) do update set standard_to = excluded.standard_to, code_to = excluded.code_to`

// PutCodeMap sets mappings, and removes those whose CodeTo is empty. A mapping to a matter that the catalogue does not have
// is refused (422), and then nothing is set.
func (k *Desk) PutCodeMap(ctx context.Context, a auth.Actor, list []rule.Mapping) (set, removed int, err error) {
	if err := mayConfigure(a); err != nil {
		return 0, 0, err
	}
	w, err := k.configured(a.District)
	if err != nil {
		return 0, 0, err
	}
	var put, drop []rule.Mapping
	seen := map[rule.OldCode]bool{}
	bad := fault.New(422, "INVALID", "输入有误，请按提示修改")
	for i, m := range list {
		if m.StandardTo == "" {
			m.StandardTo = rule.StandardNational
		}
		key := rule.OldCode{Standard: m.StandardFrom, Code: m.CodeFrom}
		at := "/items/" + strconv.Itoa(i)
		switch {
		case seen[key]:
			bad = bad.At(at, "%s %s 重复", m.StandardFrom, m.CodeFrom)
		case m.CodeTo == "":
			drop = append(drop, m)
		default:
			if err := m.Check(); err != nil {
				f, _ := fault.As(err)
				bad = bad.At(at+f.Fields[0].Pointer, "%s", f.Fields[0].Detail)
				continue
			}
			if _, ok := w.Catalog.Matter(m.CodeTo); !ok {
				bad = bad.At(at+"/code_to", "责任清单中没有事项 %s", m.CodeTo)
				continue
			}
			put = append(put, m)
		}
		seen[key] = true
	}
	if len(bad.Fields) > 0 {
		return 0, 0, bad
	}
	type done struct{ Set, Removed int }
	r, err := changeCatalogue(ctx, k, a, Once{}, func(ctx context.Context, tx pgx.Tx, _ time.Time) (*done, error) {
		var r done
		for _, step := range []struct {
			sql  string
			list []rule.Mapping
			n    *int
		}{{codeMapSQL, put, &r.Set}, {`delete from code_map c using jsonb_populate_recordset(null::code_map, $2::jsonb) m where c.district = $1 and c.standard_from = m.standard_from and c.code_from = m.code_from`, drop, &r.Removed}} {
			if len(step.list) == 0 {
				continue
			}
			raw, err := json.Marshal(step.list)
			if err != nil {
				return nil, err
			}
			tag, err := tx.Exec(ctx, step.sql, a.District, string(raw))
			if err != nil {
				return nil, err
			}
			*step.n = int(tag.RowsAffected())
		}
		row, err := auth.AuditChange("change", "code_map", a.District, nil, data{"set": put, "removed": drop})
		if err != nil {
			return nil, err
		}
		return &r, auth.Audit(ctx, tx, a, row)
	})
	if err != nil {
		return 0, 0, err
	}
	return r.Set, r.Removed, nil
}

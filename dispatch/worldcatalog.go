package dispatch

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"yixian/dispatch/rule"
)

// catalogColumns are a version of an item as the row has it: what the columns say goes before what the body says.
const catalogColumns = "i.district, i.standard, i.kind, i.code, i.version, i.active, i.area, i.valid_from, i.valid_to, i.body"

func scanItem(row pgx.CollectableRow) (it rule.Item, err error) {
	var row1 rule.Item
	var body []byte
	if err := row.Scan(&row1.District, &row1.Standard, &row1.Kind, &row1.Code, &row1.Version, &row1.Active, &row1.Area, &row1.ValidFrom, &row1.ValidTo, &body); err != nil {
		return it, err
	}
	if err := json.Unmarshal(body, &it); err != nil {
		return it, err
	}
	it.District, it.Standard, it.Kind, it.Code, it.Version, it.Active, it.Area, it.ValidFrom, it.ValidTo =
		row1.District, row1.Standard, row1.Kind, row1.Code, row1.Version, row1.Active, row1.Area, row1.ValidFrom, row1.ValidTo
	return it, nil
}

// catalog reads a district's items that are in force or will be, the names of those that were, the codes of older
// standards, and when the next version begins or ends.
func (ws *Worlds) catalog(ctx context.Context, district string, now time.Time) (*rule.Catalog, error) {
	rows, err := ws.db.Pool.Query(ctx, "select "+catalogColumns+" from catalog_item i where i.district = $1 and i.active and (i.valid_to is null or i.valid_to > $2)", district, now)
	if err != nil {
		return nil, err
	}
	items, err := pgx.CollectRows(rows, scanItem)
	if err != nil {
		return nil, err
	}
	items = slices.DeleteFunc(items, func(it rule.Item) bool { // nothing may stop a report from being routed
		err := it.Check()
		if err != nil {
			slog.WarnContext(ctx, "an item of the catalogue cannot be used and is left out", "district", district, "code", it.Code, "version", it.Version, "reason", err.Error())
		}
		return err != nil
	})
	for i := range items {
		ws.wakeAt(items[i].ValidFrom, now)
		ws.wakeAt(items[i].ValidTo, now)
	}
	c, err := rule.NewCatalogAt(items, now)
	if err != nil {
		return nil, err
	}
	past, codes := map[string]string{}, map[rule.OldCode]string{}
	rows, err = ws.db.Pool.Query(ctx, "select distinct on (code) code, body->>'name' from catalog_item where district = $1 and kind = 'matter' and valid_to <= $2 order by code, version desc", district, now)
	if err != nil {
		return nil, err
	}
	var from, to string
	if _, err = pgx.ForEachRow(rows, []any{&from, &to}, func() error { past[from] = to; return nil }); err != nil {
		return nil, err
	}
	rows, err = ws.db.Pool.Query(ctx, "select standard_from, code_from, code_to from code_map where district = $1", district)
	if err != nil {
		return nil, err
	}
	var old rule.OldCode
	if _, err = pgx.ForEachRow(rows, []any{&old.Standard, &old.Code, &to}, func() error { codes[old] = to; return nil }); err != nil {
		return nil, err
	}
	return c.WithPast(past, codes), nil
}

// wakeAt remembers the earliest instant ahead at which what was loaded is in force no more, or something else is.
func (ws *Worlds) wakeAt(at *time.Time, now time.Time) {
	if at != nil && at.After(now) && (ws.wake == nil || at.Before(*ws.wake)) {
		ws.wake = at
	}
}

// NextChange is the instant at which the configuration changes by itself and Load is due; ok is false when there is none.
func (ws *Worlds) NextChange() (at time.Time, ok bool) {
	if p := ws.next.Load(); p != nil {
		return *p, true
	}
	return time.Time{}, false
}

// Refresh loads the configuration again when an instant has come at which some of it begins or ends.
func (ws *Worlds) Refresh(ctx context.Context, now time.Time) error {
	if at, ok := ws.NextChange(); !ok || now.Before(at) {
		return nil
	}
	return ws.Load(ctx)
}

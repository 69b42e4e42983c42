package dispatch

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"yixian/dispatch/rule"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/sheet"
)

// CatalogImport is what an import did, or with DryRun would do.
type CatalogImport struct {
	DryRun    bool     `json:"dry_run"`
	Added     int      `json:"added"`
	Changed   int      `json:"changed"`
	Unchanged int      `json:"unchanged"`
	Codes     []string `json:"codes"` // what was added or changed
}

// errDry rolls back what was only tried.
var errDry = fault.Conflict("DRY_RUN", "仅检查，未导入")

// ImportCatalog takes a table of items whole or refuses it with every wrong line (422 IMPORT_REFUSED). A line that says what
// is in force already changes nothing, any other makes a new version or a new item; what the file does not name stays.
// effective is when lines without an instant of their own take force, nil at once. With dryRun nothing is changed.
func (k *Desk) ImportCatalog(ctx context.Context, a auth.Actor, file io.Reader, effective *time.Time, dryRun bool) (*CatalogImport, error) {
	if err := mayConfigure(a); err != nil {
		return nil, err
	}
	w, err := k.configured(a.District)
	if err != nil {
		return nil, err
	}
	table := catalogSheet(w.Calendar.Location())
	rows, problems, err := table.Read(file)
	if err != nil {
		return nil, err
	}
	in := catalogImport{w: w, table: &table, rows: rows, problems: problems, effective: effective}
	out, err := changeCatalogue(ctx, k, a, Once{}, func(ctx context.Context, tx pgx.Tx, now time.Time) (*CatalogImport, error) {
		r, err := in.run(ctx, tx, a, now)
		if err != nil {
			return nil, err
		}
		if r.DryRun = dryRun; dryRun {
			in.result = r
			return nil, errDry
		}
		return r, nil
	})
	if fault.Is(err, errDry.Code) {
		return in.result, nil
	}
	return out, err
}

type catalogImport struct {
	w         *World
	table     *sheet.Table[rule.Item]
	rows      []sheet.Row[rule.Item]
	problems  *sheet.Problems
	effective *time.Time
	result    *CatalogImport
}

func (in *catalogImport) run(ctx context.Context, tx pgx.Tx, a auth.Actor, now time.Time) (*CatalogImport, error) {
	have, err := in.living(ctx, tx, a.District, now)
	if err != nil {
		return nil, err
	}
	r := &CatalogImport{Codes: []string{}}
	var changes []ItemChange
	var items []rule.Item
	lines := map[string]int{}
	spoilt := map[int]bool{} // a cell of it could not be read, which is said already
	for _, p := range in.problems.List {
		spoilt[p.Line] = true
	}
	for i := range in.rows {
		row := &in.rows[i]
		if spoilt[row.Line] {
			continue
		}
		it := row.Value
		if it.ValidFrom == nil {
			it.ValidFrom = in.effective
		}
		if it.ValidFrom == nil || it.ValidFrom.Before(now) {
			it.ValidFrom = &now // what a table says of the past is how it is now
		}
		if err := in.w.prepare(&it); err != nil {
			in.refuse(row.Line, err)
			continue
		}
		if it.Area != "" && !in.district(have, it) {
			in.problems.Add(row.Line, "适用范围", "该事项还没有全区条目", "先加一行适用范围为空的全区条目")
			continue
		}
		was := at(have[itemKey(it)], *it.ValidFrom)
		switch {
		case was != nil && sameItem(*was, it) && (it.ValidTo == nil || was.ValidTo != nil && was.ValidTo.Equal(*it.ValidTo)):
			r.Unchanged++
			continue
		case was != nil:
			r.Changed++
		default:
			r.Added++
		}
		lines[it.Code] = row.Line
		r.Codes = append(r.Codes, it.Code)
		changes, items = append(changes, ItemChange{Item: it, Note: "导入"}), append(items, it)
	}
	if fresh, used, limit, err := beyond(ctx, tx, a.District, items, now); err != nil {
		return nil, err
	} else if used > limit {
		for _, code := range fresh {
			in.problems.Add(lines[code], "层级", fmt.Sprintf("社区事项准入清单最多 %d 项，导入后为 %d 项（COMMUNITY_LIMIT）", limit, used), "改为其他层级，或先提交准入申请，由另一人批准")
		}
	}
	if err := in.problems.Fault(); err != nil {
		return nil, err
	}
	slices.Sort(r.Codes)
	if len(changes) == 0 {
		return r, nil
	}
	if err := putItems(ctx, tx, a.District, changes, accountOf(a), nil, now); err != nil {
		return nil, err
	}
	audited, err := auth.AuditChange("import", "catalog", a.District, nil, r)
	if err != nil {
		return nil, err
	}
	return r, auth.Audit(ctx, tx, a, audited)
}

func itemKey(it rule.Item) string { return string(it.Kind) + " " + it.Code + " " + it.Area }

// living are the versions that are in force or will be, by item and area.
func (in *catalogImport) living(ctx context.Context, tx pgx.Tx, district string, now time.Time) (map[string][]rule.Item, error) {
	rows, err := tx.Query(ctx, "select "+catalogColumns+" from catalog_item i where i.district = $1 and i.active and (i.valid_to is null or i.valid_to > $2)", district, now)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, scanItem)
	out := map[string][]rule.Item{}
	for _, it := range list {
		out[itemKey(it)] = append(out[itemKey(it)], it)
	}
	return out, err
}

// district: the item holds in the whole district, or will by this file.
func (in *catalogImport) district(have map[string][]rule.Item, it rule.Item) bool {
	it.Area = ""
	return len(have[itemKey(it)]) > 0 || slices.ContainsFunc(in.rows, func(r sheet.Row[rule.Item]) bool { return itemKey(r.Value) == itemKey(it) })
}

func at(versions []rule.Item, when time.Time) *rule.Item {
	for i := range versions {
		if versions[i].InForce(when) {
			return &versions[i]
		}
	}
	return nil
}

// refuse names the cell of a line that an item's own check refused.
func (in *catalogImport) refuse(line int, err error) {
	f, ok := fault.As(err)
	if !ok || len(f.Fields) == 0 {
		in.problems.Add(line, "", err.Error(), "请修改")
		return
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(f.Fields[0].Pointer, "/"), "/")
	column := ""
	for _, c := range in.table.Columns {
		if c.Key == name || c.Key+"_expr" == name || c.Key == name+"s" || name == "assist_expr" && c.Key == "assists" {
			column = c.Name
		}
	}
	in.problems.Add(line, column, f.Fields[0].Detail, "请修改后重新导入")
}

// ExportCatalog writes the items in force as a table that ImportCatalog takes; an end that is planned stands in it.
func (k *Desk) ExportCatalog(ctx context.Context, a auth.Actor, format sheet.Format, to io.Writer) error {
	if err := mayConfigure(a); err != nil {
		return err
	}
	w, err := k.configured(a.District)
	if err != nil {
		return err
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), "select "+catalogColumns+", exists (select from catalog_item n where n.district = i.district and n.kind = i.kind and n.code = i.code and n.area = i.area and n.active and n.valid_from = i.valid_to)"+
		" from catalog_item i where i.district = $1 and i.active and i.valid_from <= yx_now() and (i.valid_to is null or i.valid_to > yx_now()) order by i.kind desc, i.code, i.area", a.District)
	if err != nil {
		return pg.Fault(err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (it rule.Item, err error) {
		var followed bool
		it, err = scanItem(tail{row, []any{&followed}})
		it.ValidFrom = nil
		if followed {
			it.ValidTo = nil // its successor is no part of the table
		}
		return it, err
	})
	if err != nil {
		return pg.Fault(err)
	}
	return catalogSheet(w.Calendar.Location()).Write(to, format, list)
}

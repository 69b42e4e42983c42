package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"

	"yixian/internal/pg"
)

// ImportQuery is what `yixian import` is asked. Effective is a day (2026-07-01) or empty for at once.
type ImportQuery struct {
	What, File       string
	DryRun, Repair   bool
	Datum, Effective string
	District         string
	Accept           []string
}

// importer reads one file into the district of ctx in one transaction, or refuses it whole: the reasons go to refused
// and the error is ErrRefused. What was done, or would be, goes to out as one JSON line. The file is never read whole
// without a bound.
type importer func(ctx context.Context, a *App, q ImportQuery, file io.Reader, out, refused io.Writer) error

// imports gives what `yixian import` knows; each importer lives in a file of its own.
func imports() map[string]importer {
	all := map[string]importer{"catalog": importCatalog, "grids": importGrids, "rules": importRules}
	maps.Copy(all, whoImports)
	return all
}

// ImportNames lists what can be imported.
func ImportNames() string {
	return strings.Join(slices.Sorted(maps.Keys(imports())), "|")
}

// Import is `yixian import WHAT FILE`: exit code 0 when it was done (or, with --dry-run, could be), 1 when it was refused.
func Import(ctx context.Context, cfg Config, log *slog.Logger, out, refused io.Writer, q ImportQuery) error {
	run, ok := imports()[q.What]
	if !ok {
		return usage("不能导入 %q，可选 %s / cannot be imported", q.What, ImportNames())
	}
	f, err := os.Open(q.File)
	if err != nil {
		return fmt.Errorf("无法读取文件 / cannot read the file: %w", err)
	}
	defer func() { _ = f.Close() }()
	a, err := attach(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer a.Close(context.WithoutCancel(ctx))
	if q.District, err = a.oneDistrict(q.District); err != nil {
		return err
	}
	return run(pg.WithDistrict(ctx, q.District), a, q, f, out, refused)
}

// oneDistrict is the district that was named, or the only one there is.
func (a *App) oneDistrict(named string) (string, error) {
	var codes []string
	for _, t := range a.worlds.Tenants() {
		codes = append(codes, t.District)
	}
	switch {
	case named == "" && len(codes) == 1:
		return codes[0], nil
	case slices.Contains(codes, named):
		return named, nil
	case named == "":
		return "", usage("请用 --tenant 指定辖区：%s / name the district", strings.Join(codes, "、"))
	}
	return "", usage("没有辖区 %s，可选 %s / no such district", named, strings.Join(codes, "、"))
}

package main

import (
	"context"
	"flag"
	"os"
	"strings"

	"yixian/internal/app"
)

// importFile is `yixian import WHAT FILE`; what can be imported is the table in internal/app/import.go.
func importFile(ctx context.Context, cfg app.Config, args []string) error {
	var q app.ImportQuery
	accept := ""
	words, err := flags("import", args, func(fs *flag.FlagSet) {
		settings(fs, &cfg)
		fs.BoolVar(&q.DryRun, "dry-run", false, "check only, change nothing")
		fs.BoolVar(&q.Repair, "repair", false, "mend what can be mended (grids)")
		fs.StringVar(&q.Datum, "datum", "", "datum of the file: WGS84, GCJ02, BD09 or EPSG:4490 (grids)")
		fs.StringVar(&q.Effective, "effective", "", "day from which the new versions hold, 2026-07-01; empty: at once")
		fs.StringVar(&q.District, "tenant", "", "district code; needed when the installation has several")
		fs.StringVar(&accept, "accept", "", "findings that are accepted knowingly, by code, comma separated (grids)")
	})
	if err != nil {
		return err
	}
	if len(words) != 2 {
		return app.Usage("用法 / usage: yixian import " + app.ImportNames() + " FILE [--dry-run] [--repair] [--datum=GCJ02] [--effective=2026-07-01] [--tenant=350102]")
	}
	q.What, q.File = words[0], words[1]
	q.Accept = strings.FieldsFunc(accept, func(r rune) bool { return r == ',' })
	return app.Import(ctx, cfg, app.NewLog(cfg, os.Stderr), os.Stdout, os.Stderr, q)
}

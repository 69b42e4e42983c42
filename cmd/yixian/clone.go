package main

import (
	"context"
	"flag"
	"os"

	"yixian/internal/app"
)

func clone(ctx context.Context, cfg app.Config, args []string) error {
	var q app.CloneQuery
	words, err := flags("clone", args, func(fs *flag.FlagSet) {
		settings(fs, &cfg)
		fs.StringVar(&q.From, "from", "", "template district, 6 digits")
		fs.StringVar(&q.To, "to", "", "new district, 6 digits (GB/T 2260)")
		fs.StringVar(&q.Name, "name", "", "name of the new district")
		fs.StringVar(&q.City, "city", "", "its city; empty: the template's when both lie in one")
		fs.BoolVar(&q.DryRun, "dry-run", false, "say what would be made, change nothing")
	})
	if err != nil {
		return err
	}
	if len(words) > 0 || q.From == "" || q.To == "" || q.Name == "" {
		return app.Usage("用法 / usage: yixian clone --from=350102 --to=350122 --name=连江县 [--city=福州市] [--dry-run]")
	}
	return app.Clone(ctx, cfg, app.NewLog(cfg, os.Stderr), os.Stdout, os.Stderr, q)
}

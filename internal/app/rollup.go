package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"yixian/dispatch"
)

// Rollup is `yixian rollup`: the response figures of a district (tenant "": of all) counted again from their rows. It may run
// beside the server: who reads meanwhile sees the figures as they were.
func Rollup(ctx context.Context, cfg Config, log *slog.Logger, w io.Writer, tenant string) error {
	a, err := attach(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer a.Close(context.WithoutCancel(ctx))
	found := false
	for _, t := range a.worlds.Tenants() {
		if tenant != "" && t.District != tenant {
			continue
		}
		found = true
		n, err := dispatch.Rebuild(ctx, a.Engine, t.District, nil)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "OK district=%s cases=%d\n", t.District, n)
	}
	if !found {
		return usage("没有辖区 %s / no such district", tenant)
	}
	return nil
}

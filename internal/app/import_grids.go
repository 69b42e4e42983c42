package app

import (
	"context"
	"fmt"
	"io"

	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
)

// importGrids is `yixian import grids FILE`: the report goes to out as one JSON line, what refuses the file to refused, one line each.
func importGrids(ctx context.Context, a *App, q ImportQuery, file io.Reader, out, refused io.Writer) error {
	in := grid.Import{DryRun: q.DryRun, Repair: q.Repair, Accept: q.Accept}
	var err error
	if q.Datum != "" {
		if in.Datum, err = grid.ParseDatum(q.Datum); err != nil {
			return err
		}
	}
	if in.Effective, err = grid.ParseEffective(q.Effective); err != nil {
		return err
	}
	now, err := a.now(ctx)
	if err != nil {
		return err
	}
	r, err := grid.NewMaps(a.App).Import(ctx, auth.SystemActor(q.District, now), file, in)
	if err != nil && !fault.Is(err, "MAP_REFUSED") {
		return err
	}
	if err := answer(out, r); err != nil {
		return err
	}
	if !r.Refused {
		return nil
	}
	fmt.Fprintf(refused, "MAP_REFUSED: %d 个要素的地图未导入，现有网格没有变化 / the file was not taken, nothing has changed\n", r.Features)
	for _, line := range r.Reasons() {
		fmt.Fprintln(refused, "  "+line)
	}
	return ErrRefused
}

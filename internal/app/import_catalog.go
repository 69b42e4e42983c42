package app

import (
	"context"
	"fmt"
	"io"
	"time"

	"yixian/dispatch"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/sheet"
)

// importCatalog is `yixian import catalog FILE`: what was added and changed goes to out, each wrong line to refused.
func importCatalog(ctx context.Context, a *App, q ImportQuery, file io.Reader, out, refused io.Writer) error {
	var effective *time.Time
	if q.Effective != "" {
		at, err := a.worlds.Get(q.District).Calendar.ParseTime(q.Effective + "T00:00:00")
		if err != nil {
			return usage("--effective 应为 2026-07-01 的形式 / --effective takes a day")
		}
		effective = &at
	}
	now, err := a.now(ctx)
	if err != nil {
		return err
	}
	done, err := dispatch.NewDesk(a.App, a.keys, a.worlds, nil).ImportCatalog(ctx, auth.SystemActor(q.District, now), file, effective, q.DryRun)
	if err != nil {
		return refusal(refused, err)
	}
	return answer(out, done)
}

// refusal writes each wrong line of a file for people; an error that is none of the file's is given back.
func refusal(w io.Writer, err error) error {
	f, ok := fault.As(err)
	if !ok {
		return err
	}
	lines, ok := f.Extra["problems"].([]sheet.Problem)
	if !ok {
		return err
	}
	fmt.Fprintf(w, "%s: %s / nothing was imported\n", f.Code, f.Detail)
	for _, p := range lines {
		where := fmt.Sprintf("第 %d 行", p.Line)
		if p.Column != "" {
			where += "「" + p.Column + "」"
		}
		fmt.Fprintf(w, "%s：%s；%s\n", where, p.What, p.Mend)
	}
	if more, _ := f.Extra["more"].(int); more > 0 {
		fmt.Fprintf(w, "另有 %d 处 / and %d more\n", more, more)
	}
	return ErrRefused
}

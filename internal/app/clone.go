package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"yixian/dispatch"
)

// CloneQuery is what `yixian clone` is asked.
type CloneQuery = dispatch.Clone

// Clone is `yixian clone`: a new district after a template. What was done goes to out as one JSON line, what a person has to see
// to goes to told in words.
func Clone(ctx context.Context, cfg Config, log *slog.Logger, out, told io.Writer, q CloneQuery) error {
	a, err := attach(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer a.Close(context.WithoutCancel(ctx))
	c, err := dispatch.CloneDistrict(ctx, a.Engine, q)
	if err != nil {
		return err
	}
	for _, l := range c.LeftOut {
		fmt.Fprintf(told, "未带入 %s %s %s：%s\n", l.Kind, l.ID, l.Title, l.Why)
	}
	for _, x := range c.Targets {
		if x.Why != "" {
			fmt.Fprintf(told, "单位 %s %s → %s：%s\n", x.Unit, x.Name, x.To, x.Why)
		}
	}
	for _, x := range c.Unresolved {
		fmt.Fprintf(told, "未能对应 unit:%s %s：%s；暂由街道承担，涉及 %s\n", x.Unit, x.Name, x.Why, strings.Join(x.In, "、"))
	}
	lines := make([]string, len(c.Lines))
	for i, l := range c.Lines {
		lines[i] = l.Line + " " + l.Name
	}
	fmt.Fprintf(told, "新辖区需要承担下列条线的单位（单位文件的“条线”列），缺少的由街道承担：%s\n", strings.Join(lines, "、"))
	if !c.DryRun {
		fmt.Fprintf(told, "下一步 next: yixian import units|grids|users FILE --tenant=%s；主机名与辖区的对应见 HOSTS\n", c.To)
	}
	return answer(out, c)
}

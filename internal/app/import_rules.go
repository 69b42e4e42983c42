package app

import (
	"context"
	"fmt"
	"io"

	"yixian/dispatch"
	"yixian/dispatch/rule"
	"yixian/internal/fault"
)

// maxRulesFile bounds a file of rules in bytes.
const maxRulesFile = 32 << 20

// importRules is `yixian import rules FILE`: JSON as GET /admin/rules/{version} answers it, or a list of rules. A refusal
// names file, line, column and rule, with a caret.
func importRules(ctx context.Context, a *App, q ImportQuery, file io.Reader, out, refused io.Writer) error {
	raw, err := io.ReadAll(io.LimitReader(file, maxRulesFile+1))
	if err != nil {
		return err
	}
	if len(raw) > maxRulesFile {
		fmt.Fprintf(refused, "%s: 文件超过 %d MB / the file is too large\n", q.File, maxRulesFile>>20)
		return ErrRefused
	}
	rules, err := rule.ReadRules(raw)
	var done *dispatch.RulesImported
	if err == nil {
		done, err = dispatch.ImportRules(ctx, a.Engine, a.worlds, q.District, rules, q.DryRun)
	}
	e, isRefusal := fault.As(err)
	switch {
	case err == nil:
		return answer(out, done)
	case !isRefusal || e.Status >= 500:
		return err
	}
	for _, f := range e.Fields {
		line, column := rule.Position(raw, f.Pointer)
		fmt.Fprintf(refused, "%s:%d:%d: %s %s\n%s\n", q.File, line, column, f.Pointer, f.Detail, rule.Caret(string(raw), line, column))
	}
	fmt.Fprintf(refused, "%s: %s，未导入任何规则 / refused, nothing was imported\n", e.Code, e.Detail)
	return ErrRefused
}

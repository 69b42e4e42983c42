package app

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
)

var benches = map[string]func(context.Context, Config, *slog.Logger, io.Writer) error{
	"dashboard": benchDashboard,
	"escalate":  benchEscalate,
	"import":    benchImport,
	"lists":     benchLists,
	"live":      benchLive,
	"locate":    benchLocate,
	"notify":    benchNotify,
	"photo":     benchPhoto,
	"publish":   benchPublish,
	"route":     benchRoute,
	"submit":    benchSubmit,
	"suggest":   benchSuggest,
}

// BenchNames lists what `yixian bench` can measure.
func BenchNames() string {
	return strings.Join(slices.Sorted(maps.Keys(benches)), "|")
}

// Bench runs one benchmark. Each measures its own denominator in the same run and ends with one line
// "RESULT name=… ratio=… goal=… ok=…"; a goal that was missed is ErrRefused.
func Bench(ctx context.Context, cfg Config, log *slog.Logger, w io.Writer, name string) error {
	b, ok := benches[name]
	if name == photoRoomName { // a part of bench photo that wants a process of its own
		b, ok = benchPhotoRoom, true
	}
	if !ok {
		return usage("没有基准 %q，可选 %s / no such benchmark", name, BenchNames())
	}
	return b(ctx, cfg, log, w)
}

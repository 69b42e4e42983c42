package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"yixian/dispatch"
	"yixian/dispatch/rule"
	"yixian/grid"
	"yixian/internal/fault"
	"yixian/internal/local"
	"yixian/internal/pg"
	"yixian/internal/worktime"
)

// ErrRefused: a check failed or the input was refused; the text has been written already. Exit code 1.
var ErrRefused = errors.New("refused")

// answer writes one JSON line.
func answer(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// deadlineQuery is one question to `yixian deadline`.
type deadlineQuery struct {
	Start   string          `json:"start"`
	Budget  string          `json:"budget"`
	Suspend json.RawMessage `json:"suspend"`
}

func (q deadlineQuery) answer(cal *worktime.Calendar) (map[string]string, error) {
	start, err := cal.ParseTime(q.Start)
	if err != nil {
		return nil, err
	}
	budget, err := worktime.ParseBudget(q.Budget)
	if err != nil {
		return nil, err
	}
	var texts []string
	if len(q.Suspend) > 0 && string(q.Suspend) != "null" {
		var one string
		if json.Unmarshal(q.Suspend, &one) == nil {
			texts = strings.FieldsFunc(one, func(r rune) bool { return r == ',' })
		} else if err := json.Unmarshal(q.Suspend, &texts); err != nil {
			return nil, usage("suspend 应为 \"A..B\" 或其数组 / suspend must be \"A..B\" or a list of them")
		}
	}
	var spans []worktime.Span
	for _, t := range texts {
		span, err := cal.ParseSpan(t)
		if err != nil {
			return nil, err
		}
		spans = append(spans, span)
	}
	return map[string]string{"due": cal.Deadline(start, budget, spans).Format(time.RFC3339)}, nil
}

// Deadline is `yixian deadline`: the shipped calendar, no database. file takes a JSON array of questions.
func Deadline(w io.Writer, start, budget string, suspend []string, file string) error {
	cal := worktime.Default()
	if file == "" {
		raw, err := json.Marshal(suspend)
		if err != nil {
			return err
		}
		out, err := deadlineQuery{start, budget, raw}.answer(cal)
		if err != nil {
			return err
		}
		return answer(w, out)
	}
	var list []deadlineQuery
	if err := readJSON(file, &list); err != nil {
		return err
	}
	out := make([]map[string]string, 0, len(list))
	for i, q := range list {
		due, err := q.answer(cal)
		if err != nil {
			return entry(i, err)
		}
		out = append(out, due)
	}
	return answer(w, out)
}

// entry says which entry of a file an error is about.
func entry(i int, err error) error {
	e, ok := fault.As(err)
	if !ok {
		return fmt.Errorf("/%d: %w", i, err)
	}
	c := *e
	c.Fields = make([]fault.Field, 0, len(e.Fields))
	for _, f := range e.Fields {
		c.Fields = append(c.Fields, fault.Field{Pointer: fmt.Sprintf("/%d%s", i, f.Pointer), Detail: f.Detail})
	}
	if len(c.Fields) == 0 {
		c.Fields = append(c.Fields, fault.Field{Pointer: fmt.Sprintf("/%d", i), Detail: e.Detail})
	}
	return &c
}

func readJSON(file string, into any) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("无法读取文件 / cannot read the file: %w", err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s: 不是有效的 JSON / not valid JSON: %w", file, err)
	}
	return nil
}

// attach opens the installation's data for a command; when its server runs already in another process, it uses that one.
func attach(ctx context.Context, cfg Config, log *slog.Logger) (*App, error) {
	if err := cfg.finish(); err != nil {
		return nil, err
	}
	a, err := Open(ctx, cfg, log, false)
	if err == nil {
		return a, nil
	}
	url, running := local.RunningURL(err)
	if !running {
		return nil, err
	}
	cfg.DatabaseURL, cfg.DatabaseOwnerURL, cfg.DatabaseEngineURL = url(pg.RoleApp), url(pg.RoleOwner), url(pg.RoleEngine)
	return Open(ctx, cfg, log, false)
}

// RouteQuery is what `yixian route` is asked.
type RouteQuery struct {
	Matter, Lon, Lat, Datum, Source, At, Text string
	Facets                                    map[string]string
	Explain                                   bool // for people: every rule examined, condition by condition
}

// Route says which unit would get a report and why, without creating anything.
func Route(ctx context.Context, cfg Config, log *slog.Logger, w io.Writer, q RouteQuery) error {
	lon, err1 := strconv.ParseFloat(q.Lon, 64)
	lat, err2 := strconv.ParseFloat(q.Lat, 64)
	if err1 != nil || err2 != nil || q.Matter == "" {
		return usage("用法 / usage: yixian route --matter=06010 --lon=119.3080 --lat=26.0875 [--datum=WGS84] [--set facet.x=y] [--at=T]")
	}
	a, err := attach(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer a.Close(context.WithoutCancel(ctx))
	name := q.Datum
	if name == "" {
		name = "WGS84"
	}
	datum, err := grid.ParseDatum(name)
	if err != nil {
		return err
	}
	p := grid.ToWGS84(grid.Point{Lon: lon, Lat: lat}, datum)
	place, ok := a.worlds.Index().Locate(p)
	if !ok {
		fmt.Fprintln(os.Stderr, "OUT_OF_AREA: 该位置不在任何网格内 / the point lies in no grid")
		return ErrRefused
	}
	world := a.worlds.Get(place.DistrictCode)
	item, ok := world.Catalog.Matter(q.Matter)
	if !ok {
		fmt.Fprintf(os.Stderr, "UNKNOWN_MATTER: 责任清单中没有事项 %s / the catalogue has no such matter\n", q.Matter)
		return ErrRefused
	}
	at, err := a.now(ctx)
	if err != nil {
		return err
	}
	if q.At != "" {
		if at, err = world.Calendar.ParseTime(q.At); err != nil {
			return err
		}
	}
	if q.Explain {
		dec, examined := world.ExplainAt(place, p, q.Matter, q.Source, q.Text, q.Facets, at)
		explain(w, world, place, item, dec, examined)
		return nil
	}
	dec := world.RouteAt(place, p, q.Matter, q.Source, q.Text, q.Facets, at)
	return answer(w, struct {
		Grid string `json:"grid"`
		Name string `json:"lead_name"`
		Item string `json:"matter_name"`
		rule.Decision
	}{place.GridCode, world.UnitName(dec.Lead), item.Name, dec})
}

// Verify is `yixian verify`: every hash chain; the first broken event is named and the exit code is 1.
func Verify(ctx context.Context, cfg Config, log *slog.Logger, w io.Writer, tenant string) error {
	a, err := attach(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer a.Close(context.WithoutCancel(ctx))
	v, err := dispatch.VerifyChains(ctx, a.Engine, tenant)
	if broken, ok := errors.AsType[*dispatch.Broken](err); ok {
		fmt.Fprintf(w, "BROKEN district=%s case=%s event=%d reason=%q expected=%s actual=%s\n", broken.District, broken.Case, broken.Seq, broken.Reason, broken.Expected, broken.Got)
		return ErrRefused
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "OK cases=%d events=%d\n", v.Cases, v.Events)
	wrong, err := dispatch.AuditRollups(ctx, a.Engine, tenant)
	if err != nil {
		return err
	}
	for _, f := range wrong {
		fmt.Fprintf(w, "ROLLUP check=%s district=%s thing=%s detail=%q\n", f.Check, f.District, f.Thing, f.Detail)
	}
	if len(wrong) > 0 {
		return ErrRefused
	}
	return nil
}

// Migrate is `yixian migrate up|status`.
func Migrate(ctx context.Context, cfg Config, log *slog.Logger, w io.Writer, what string) error {
	if err := cfg.finish(); err != nil {
		return err
	}
	owner := cfg.DatabaseOwnerURL
	if owner == "" {
		p, err := local.StartPostgres(ctx, local.PostgresOptions{Dir: cfg.postgresDir(), Log: log})
		if err != nil {
			if url, ok := local.RunningURL(err); ok {
				owner = url(pg.RoleOwner)
			} else {
				return err
			}
		} else {
			defer func() { _ = p.Stop(context.WithoutCancel(ctx)) }()
			owner = p.URL(pg.RoleOwner)
		}
	}
	if what == "up" {
		if err := pg.Migrate(ctx, owner); err != nil {
			return err
		}
	}
	status, err := pg.MigrationStatus(ctx, owner)
	if err != nil {
		return err
	}
	return answer(w, status)
}

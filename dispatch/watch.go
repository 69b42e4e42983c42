package dispatch

import (
	"context"
	"log/slog"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"
)

// learnEvery is when corrections of the suggestion, made in another process, count here.
const learnEvery = time.Minute

// Watch loads the districts' configuration again when another process changed it, looking so often until ctx ends. When only the
// rules of a district changed, only they are read again: a published set holds everywhere at the next look, however many grids
// there are, and nothing waits for it. Load comes before.
func (ws *Worlds) Watch(ctx context.Context, every time.Duration, log *slog.Logger) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	seen, rules := map[string]int64{}, map[string]int64{} // as the configuration in force was read
	for _, t := range ws.Tenants() {
		seen[t.District], rules[t.District] = t.ConfigVersion, t.RulesVersion
	}
	for ticks := 1; ; ticks++ {
		if err := ws.LoadMap(ctx); err != nil {
			log.ErrorContext(ctx, "map not loaded; the old one stays in force", "cause", err.Error())
		}
		ws.awake(ctx, log)
		now, nowRules, err := ws.versions(ctx)
		switch {
		case err != nil:
		case !maps.Equal(now, seen):
			if err := ws.Load(ctx); err != nil {
				log.ErrorContext(ctx, "configuration not loaded; the old one stays in force", "cause", err.Error())
				now, nowRules = seen, rules
			}
		default:
			for district, n := range nowRules {
				if n == rules[district] {
					continue
				}
				if err := ws.LoadRules(ctx, district); err != nil {
					log.ErrorContext(ctx, "rules not loaded; the old ones stay in force", "district", district, "cause", err.Error())
					nowRules[district] = rules[district]
				}
			}
		}
		if err == nil {
			seen, rules = now, nowRules
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if ticks%max(1, int(learnEvery/every)) == 0 {
			for _, t := range ws.Tenants() {
				if err := ws.Learn(ctx, t.District); err != nil {
					log.WarnContext(ctx, "what dispatchers taught is not read", "cause", err.Error())
				}
			}
		}
	}
}

// versions reads both counters of every district.
func (ws *Worlds) versions(ctx context.Context) (config, rules map[string]int64, err error) {
	rows, err := ws.db.Pool.Query(ctx, "select district, config_version, rules_version from tenant")
	if err != nil {
		return nil, nil, err
	}
	config, rules = map[string]int64{}, map[string]int64{}
	var district string
	var c, r int64
	_, err = pgx.ForEachRow(rows, []any{&district, &c, &r}, func() error {
		config[district], rules[district] = c, r
		return nil
	})
	return config, rules, err
}

// awake takes configuration into force whose instant has come, such as a new version of an item of the catalogue.
func (ws *Worlds) awake(ctx context.Context, log *slog.Logger) {
	if _, ok := ws.NextChange(); !ok {
		return
	}
	var now time.Time
	err := ws.db.Pool.QueryRow(ctx, "select yx_now()").Scan(&now)
	if err == nil {
		err = ws.Refresh(ctx, now)
	}
	if err != nil {
		log.ErrorContext(ctx, "configuration not loaded at its instant; the old one stays in force", "cause", err.Error())
	}
}

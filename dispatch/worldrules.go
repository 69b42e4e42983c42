package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"

	"github.com/jackc/pgx/v5"

	"yixian/dispatch/rule"
)

// rules reads what routes a district's cases: the set in force, and the rules that the program wrote (precedents and
// incidents), which no set holds. A published set never changes, so that its number and its rows belong together however
// many statements read them.
func (ws *Worlds) rules(ctx context.Context, district string, catalog *rule.Catalog, dir rule.Directory) (*rule.Set, error) {
	var version int
	err := ws.db.Pool.QueryRow(ctx, "select version from rule_set where district = $1 and status = 'PUBLISHED'", district).Scan(&version)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, err
	}
	rows, err := ws.db.Pool.Query(ctx, `select body from rule_row where district = $1 and set_version = $2 and status <> 'OFF' union all select body from rule where district = $1 and status <> 'OFF'`, district, version)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, readRule)
	if err != nil {
		return nil, err
	}
	set, bad := rule.Load(version, list, catalog, dir)
	for _, err := range bad {
		slog.WarnContext(ctx, "a rule in force cannot be used and is left out", "district", district, "rule_set", version, "reason", err.Error())
	}
	return set, nil
}

func readRule(row pgx.CollectableRow) (r rule.Rule, err error) {
	var raw []byte
	if err := row.Scan(&raw); err != nil {
		return r, err
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("a stored rule: %w", err)
	}
	return r, nil
}

// LoadRules takes a district's rules into force without reading anything else again: a case is routed by the old set or
// by the new one, never by parts of both.
func (ws *Worlds) LoadRules(ctx context.Context, district string) error {
	ws.change.Lock()
	defer ws.change.Unlock()
	w := ws.Get(district)
	if w == nil {
		return nil
	}
	set, err := ws.rules(ctx, district, w.Catalog, w.dir)
	if err != nil {
		return fmt.Errorf("rules of district %s: %w", district, err)
	}
	changed := *w
	changed.Rules = set
	next := maps.Clone(*ws.current.Load())
	next[district] = &changed
	ws.current.Store(&next)
	return nil
}

package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"yixian/dispatch/rule"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// RulesImported is what an import did, or (DryRun) would do.
type RulesImported struct {
	DryRun   bool           `json:"dry_run"`
	Version  int            `json:"version,omitempty"`
	Status   string         `json:"status,omitempty"` // DRAFT; PUBLISHED for the first set of a district
	Rules    int            `json:"rules"`
	Findings []rule.Finding `json:"findings"`
}

// ImportRules makes a set of the rules of a file: a draft that an administrator publishes, since importing is the first of
// the two persons. A district that has no rules in force yet takes them at once: there is nothing to protect. The pool is
// the engine's. An error refuses all of it (422 RULES_REFUSED).
func ImportRules(ctx context.Context, db *pg.DB, ws *Worlds, district string, rules []rule.Rule, dryRun bool) (*RulesImported, error) {
	w := ws.Get(district)
	if w == nil {
		return nil, fault.Unavailable(errors.New("no configuration of district " + district))
	}
	if err := w.checkRows(rules); err != nil {
		return nil, err
	}
	out := &RulesImported{DryRun: dryRun, Rules: len(rules)}
	ctx = pg.WithDistrict(ctx, district)
	var now time.Time
	if err := db.Pool.QueryRow(ctx, "select yx_now()").Scan(&now); err != nil {
		return nil, pg.Fault(err)
	}
	review := rule.Check(rules, w.Catalog, w.dir, district, w.spots(), now)
	if err := refusal(review); err != nil {
		return nil, err
	}
	out.Findings = review.Findings
	if dryRun {
		return out, nil
	}
	err := pgx.BeginFunc(ctx, db.Pool, func(tx pgx.Tx) error {
		if err := lockSets(ctx, tx, district); err != nil {
			return err
		}
		var there bool
		if err := tx.QueryRow(ctx, "select exists (select from rule_set where district = $1)", district).Scan(&there); err != nil {
			return err
		}
		if !there {
			body, err := json.Marshal(rules)
			if err != nil {
				return err
			}
			out.Version, out.Status = 1, SetPublished
			if _, err := tx.Exec(ctx, "select yx_first_rules($1, $2, '导入')", district, body); err != nil {
				return err
			}
		} else {
			var err error
			if out.Version, _, err = newSetRow(ctx, tx, district, DraftRules{Note: "导入", Rules: rules}); err != nil {
				return err
			}
			out.Status = SetDraft
		}
		row, err := auth.AuditChange("import", "rule_set", strconv.Itoa(out.Version), nil, data{"rules": len(rules), "status": out.Status})
		if err != nil {
			return err
		}
		return auth.Audit(ctx, tx, auth.SystemActor(district, now), row)
	})
	return out, pg.Fault(err)
}

package dispatch

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"yixian/dispatch/score"
	"yixian/internal/auth"
	"yixian/internal/pg"
)

// riskSteps reads a district's own steps from its settings; what are none leaves the default in force.
func riskSteps(settings json.RawMessage) score.RiskSteps {
	var own struct {
		Steps []int64 `json:"risk_steps"`
	}
	if json.Unmarshal(settings, &own) == nil {
		if steps, err := score.CheckRiskSteps(own.Steps); err == nil {
			return steps
		}
	}
	return score.DefaultRiskSteps
}

// RiskSteps are those in force in the actor's district.
func (k *Desk) RiskSteps(ctx context.Context, a auth.Actor) (score.RiskSteps, error) {
	var settings json.RawMessage
	err := k.db.Pool.QueryRow(pg.WithDistrict(ctx, a.District), "select settings from tenant where district = $1", a.District).Scan(&settings)
	return riskSteps(settings), pg.Fault(err)
}

// SetRiskSteps changes from how many points a grid is of level 2, 3, 4 and 5. Levels are counted when they are read, so the change holds at
// once for every page; it stands in the audit with what was before.
func (k *Desk) SetRiskSteps(ctx context.Context, a auth.Actor, in []int64) (score.RiskSteps, error) {
	if err := mayConfigure(a); err != nil {
		return score.RiskSteps{}, err
	}
	steps, err := score.CheckRiskSteps(in)
	if err != nil {
		return steps, err
	}
	err = pgx.BeginFunc(pg.WithDistrict(ctx, a.District), k.db.Pool, func(tx pgx.Tx) error {
		var settings json.RawMessage
		if err := tx.QueryRow(ctx, "select settings from tenant where district = $1", a.District).Scan(&settings); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "select yx_set_risk_steps($1)", in); err != nil {
			return err
		}
		row, err := auth.AuditChange("change", "risk_steps", "risk_steps", data{"steps": riskSteps(settings)}, data{"steps": steps})
		if err != nil {
			return err
		}
		return auth.Audit(ctx, tx, a, row)
	})
	if err != nil {
		return steps, pg.Fault(err)
	}
	return steps, k.worlds.Load(context.WithoutCancel(ctx))
}

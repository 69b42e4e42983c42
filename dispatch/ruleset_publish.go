package dispatch

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"yixian/dispatch/rule"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// noTime is the instant of checks that do not depend on one.
var noTime time.Time

// spots are the places of the coverage: one grid of each street for each land use there.
func (w *World) spots() []rule.Spot {
	var out []rule.Spot
	for area, unit := range w.ByArea {
		if len(area) != 9 || w.Units[unit].Kind != "STREET" {
			continue
		}
		uses := map[string]bool{}
		for _, community := range w.Index.Children(area) {
			for _, g := range w.Index.Children(community.Code) {
				if !uses[g.LandUse] {
					uses[g.LandUse] = true
					out = append(out, rule.Spot{Street: area, Community: community.Code, Grid: g.Code, LandUse: g.LandUse})
				}
			}
		}
		if len(uses) == 0 {
			out = append(out, rule.Spot{Street: area})
		}
	}
	slices.SortFunc(out, func(a, b rule.Spot) int { return strings.Compare(a.Street+a.Grid, b.Street+b.Grid) })
	return out
}

// CheckSet reviews a set as publishing would.
func (k *Desk) CheckSet(ctx context.Context, a auth.Actor, version string) (*rule.Review, int, error) {
	if err := administers(a); err != nil {
		return nil, 0, err
	}
	ctx = pg.WithDistrict(ctx, a.District)
	w := k.worlds.Get(a.District)
	if w == nil {
		return nil, 0, fault.Unavailable(errors.New("no configuration of district " + a.District))
	}
	n, err := k.setNumber(ctx, a.District, version)
	if err != nil {
		return nil, 0, err
	}
	if _, err := readSet(ctx, k.db.Pool, a.District, n, ""); err != nil {
		return nil, 0, err
	}
	rules, err := setRules(ctx, k.db.Pool, a.District, n)
	if err != nil {
		return nil, 0, err
	}
	return rule.Check(rules, w.Catalog, w.dir, a.District, w.spots(), a.Now), n, nil
}

// Publication asks for a draft to come into force.
type Publication struct {
	Version  int
	Revision *int // the draft as the publisher saw it; a newer one is 409 STALE
	Note     string
	// Overtake publishes a draft whose base is no longer in force: what others published since is given up knowingly.
	Overtake bool
}

// PublishSet brings a draft into force for every process within a second. The publisher is nobody who wrote in it (403
// SAME_PERSON). A set with an error is refused (422 RULES_REFUSED) and nothing changes.
func (k *Desk) PublishSet(ctx context.Context, a auth.Actor, in Publication, once Once) (*RuleSet, error) {
	return k.onSets(ctx, a, once, func(ctx context.Context, tx pgx.Tx, w *World) (did, error) {
		s, err := draftOf(ctx, tx, a, in.Version, in.Revision)
		if err != nil {
			return did{}, err
		}
		if slices.Contains(s.Editors, a.Account) {
			return did{}, fault.Forbidden("SAME_PERSON", "起草或修改过这份规则集的人不能发布它，须由另一位管理员发布")
		}
		var inForce int
		if err := tx.QueryRow(ctx, "select coalesce(max(version), 0) from rule_set where district = $1 and status = 'PUBLISHED'", a.District).Scan(&inForce); err != nil {
			return did{}, err
		}
		base := 0
		if s.BasedOn != nil {
			base = *s.BasedOn
		}
		if base != inForce && !in.Overtake {
			return did{}, fault.Conflict("OUTDATED_BASE", "草稿以规则集 %d 为基础，而现行的是 %d：发布会丢掉其间的改动。请以现行规则集重新起草，或确认后带 overtake 发布", base, inForce).With("based_on", base).With("in_force", inForce)
		}
		rules, err := setRules(ctx, tx, a.District, in.Version)
		if err != nil {
			return did{}, err
		}
		review := rule.Check(rules, w.Catalog, w.dir, a.District, w.spots(), a.Now)
		if err := refusal(review); err != nil {
			return did{}, err
		}
		if err := bringIntoForce(ctx, tx, a, in.Version); err != nil {
			return did{}, err
		}
		facts := data{"replaces": inForce, "warnings": len(review.Findings), "rules": len(rules)}
		if note := strings.TrimSpace(in.Note); note != "" {
			facts["note"] = note
		}
		return did{set: in.Version, action: "publish", after: facts}, nil
	})
}

// bringIntoForce moves the one pointer. A draft gets its publisher; a set that was in force before keeps its own.
func bringIntoForce(ctx context.Context, tx pgx.Tx, a auth.Actor, version int) error {
	if _, err := tx.Exec(ctx, "update rule_set set status = 'RETIRED' where district = $1 and status = 'PUBLISHED'", a.District); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `update rule_set set status = 'PUBLISHED', published_by = case when status = 'DRAFT' then $3 else published_by end, published_at = case when status = 'DRAFT' then yx_now() else published_at end
		where district = $1 and version = $2`, a.District, version, a.Account)
	return err
}

// RollBack brings an earlier set back into force: one administrator, at once, with a reason, since two people have
// approved it before (docs/adr/0200). A unit retired since then counts as missing: the street stands in.
func (k *Desk) RollBack(ctx context.Context, a auth.Actor, version int, reason string, once Once) (*RuleSet, error) {
	return k.onSets(ctx, a, once, func(ctx context.Context, tx pgx.Tx, w *World) (did, error) {
		if len([]rune(strings.TrimSpace(reason))) < 5 {
			return did{}, fault.Invalid("/reason", "请写明回退的理由，至少 5 个字")
		}
		s, err := readSet(ctx, tx, a.District, version, "for update of s")
		switch {
		case err != nil:
			return did{}, err
		case s.Status == SetPublished:
			return did{}, fault.Conflict("ALREADY_IN_FORCE", "规则集 %d 就是现行的", version)
		case s.Status != SetRetired:
			return did{}, fault.Conflict("NEVER_PUBLISHED", "规则集 %d 没有发布过，不能回退到它", version)
		}
		var inForce int
		if err := tx.QueryRow(ctx, "select coalesce(max(version), 0) from rule_set where district = $1 and status = 'PUBLISHED'", a.District).Scan(&inForce); err != nil {
			return did{}, err
		}
		rules, err := setRules(ctx, tx, a.District, version)
		if err != nil {
			return did{}, err
		}
		dead := []string{}
		for _, f := range rule.Check(rules, w.Catalog, w.dir, a.District, nil, a.Now).Findings {
			if f.Code == "DEAD_TARGET" {
				dead = append(dead, f.Rule)
			}
		}
		return did{set: version, action: "rollback", after: data{"replaces": inForce, "reason": strings.TrimSpace(reason), "dead_targets": dead}}, bringIntoForce(ctx, tx, a, version)
	})
}

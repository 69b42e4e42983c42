package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"yixian/dispatch/rule"
	"yixian/internal/auth"
	"yixian/internal/fault"
)

// maxSetRules bounds a set.
const maxSetRules = 10_000

// DraftRules begins a draft: a copy of the set BasedOn (nil: the one in force), or the Rules given (an import).
type DraftRules struct {
	BasedOn *int
	Note    string
	Rules   []rule.Rule // nil: copy
}

// DraftSet makes a new set in state DRAFT; several drafts may stand side by side.
func (k *Desk) DraftSet(ctx context.Context, a auth.Actor, in DraftRules, once Once) (*RuleSet, error) {
	return k.onSets(ctx, a, once, func(ctx context.Context, tx pgx.Tx, w *World) (did, error) {
		if in.Rules != nil {
			if err := w.checkRows(in.Rules); err != nil {
				return did{}, err
			}
		}
		version, base, err := newSetRow(ctx, tx, a.District, in)
		if err != nil {
			return did{}, err
		}
		if _, err := tx.Exec(ctx, "update rule_set set author = $3, editors = array[$3::uuid] where district = $1 and version = $2", a.District, version, a.Account); err != nil {
			return did{}, err
		}
		facts := data{"based_on": base}
		if in.Rules != nil {
			facts = data{"rules": len(in.Rules)}
		}
		return did{set: version, action: "create", after: facts}, nil
	})
}

// newSetRow writes a draft with its rows; the caller holds the district's lock.
func newSetRow(ctx context.Context, tx pgx.Tx, district string, in DraftRules) (version, base int, err error) {
	if err := tx.QueryRow(ctx, "select coalesce(max(version), 0) + 1, coalesce(max(version) filter (where status = 'PUBLISHED'), 0) from rule_set where district = $1", district).Scan(&version, &base); err != nil {
		return 0, 0, err
	}
	if in.BasedOn != nil {
		if base = *in.BasedOn; base < 1 {
			return 0, 0, fault.Invalid("/based_on", "没有规则集 %d", base)
		}
		if _, err := readSet(ctx, tx, district, base, ""); fault.Is(err, "NOT_FOUND") {
			return 0, 0, fault.Invalid("/based_on", "没有规则集 %d", base)
		} else if err != nil {
			return 0, 0, err
		}
	}
	if _, err := tx.Exec(ctx, "insert into rule_set (district, version, status, based_on, note) values ($1, $2, 'DRAFT', nullif($3, 0), $4)", district, version, base, strings.TrimSpace(in.Note)); err != nil {
		return 0, 0, err
	}
	if in.Rules == nil {
		_, err = tx.Exec(ctx, "insert into rule_row (district, set_version, id, version, status, body) select district, $3, id, version, status, body from rule_row where district = $1 and set_version = $2", district, base, version)
		return version, base, err
	}
	for i := range in.Rules {
		r := in.Rules[i]
		if err := putRow(ctx, tx, district, version, &r); err != nil {
			return 0, 0, err
		}
	}
	return version, base, nil
}

// checkRows refuses rules that could not be published for what they are: 422 RULES_REFUSED, one field for each finding.
func (w *World) checkRows(rules []rule.Rule) error {
	if len(rules) > maxSetRules {
		return fault.Invalid("/rules", "规则过多，最多 %d 条", maxSetRules)
	}
	e := fault.New(422, "RULES_REFUSED", "规则有误，未作任何改动")
	for i := range rules {
		if err := prepare(&rules[i], ""); err != nil {
			f, _ := fault.As(err)
			for _, field := range f.Fields {
				e = e.At("/rules/"+rules[i].ID+field.Pointer, "%s", field.Detail)
			}
		}
	}
	if len(e.Fields) > 0 {
		return e
	}
	return refusal(rule.Check(rules, nil, w.dir, w.District, nil, noTime))
}

// refusal turns the errors of a review into one fault, nil without any.
func refusal(r *rule.Review) error {
	e := fault.New(422, "RULES_REFUSED", "规则有误，未作任何改动")
	for _, f := range r.Findings {
		if f.Severity == rule.SevError {
			e = e.At(f.Pointer, "%s", f.Text)
		}
	}
	if len(e.Fields) == 0 {
		return nil
	}
	return e
}

var ruleID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// reserved are the names under which the trace shows what is no rule: the catalogue's lead and the backstop.
var reserved = regexp.MustCompile(`^(C[0-9]{5}|FALLBACK)$`)

// prepare fills what a row may leave out and refuses what no set may hold. id "" takes the rule's own.
func prepare(r *rule.Rule, id string) error {
	if id != "" && r.ID != "" && r.ID != id {
		return fault.Invalid("/id", "编号 %s 与路径中的 %s 不一致", r.ID, id)
	}
	if id != "" {
		r.ID = id
	}
	r.District = ""
	if r.Status == "" {
		r.Status = rule.StatusActive
	}
	if r.Source == "" {
		r.Source = rule.SourceManual
	}
	if r.Version < 1 {
		r.Version = 1
	}
	if r.When.Op == "" && strings.TrimSpace(r.Cel) != "" {
		r.When = rule.All()
	}
	switch {
	case !ruleID.MatchString(r.ID):
		return fault.Invalid("/id", "编号应为 1–64 个字母、数字或 . _ -")
	case reserved.MatchString(r.ID):
		return fault.Invalid("/id", "编号 %s 由系统保留", r.ID)
	case r.Source != rule.SourceManual && r.Source != rule.SourceCatalog:
		return fault.Invalid("/source", "规则集里只能有 MANUAL 或 CATALOG 来源的规则")
	}
	return nil
}

// putRow writes a row; its version goes on from the newest of its id in any other set, so that a trace tells two texts of
// one rule apart.
func putRow(ctx context.Context, tx pgx.Tx, district string, set int, r *rule.Rule) error {
	var same bool
	err := tx.QueryRow(ctx, `select coalesce(max(x.version), 0), coalesce((array_agg(x.body - 'version' order by x.version desc))[1] = $4::jsonb - 'version', false) from rule_row x where x.district = $1 and x.id = $2 and x.set_version <> $3`,
		district, r.ID, set, encode(r)).Scan(&r.Version, &same)
	if err != nil {
		return err
	}
	if !same || r.Version == 0 {
		r.Version++
	}
	_, err = tx.Exec(ctx, `insert into rule_row (district, set_version, id, version, status, body) values ($1, $2, $3, $4, $5, $6)
		on conflict (district, set_version, id) do update set version = excluded.version, status = excluded.status, body = excluded.body`, district, set, r.ID, r.Version, string(r.Status), encode(r))
	return err
}

// draftOf locks a draft for a change: 409 NOT_DRAFT, or STALE with the revision that stands now.
func draftOf(ctx context.Context, tx pgx.Tx, a auth.Actor, version int, revision *int) (*RuleSet, error) {
	s, err := readSet(ctx, tx, a.District, version, "for update of s")
	switch {
	case err != nil:
		return nil, err
	case s.Status != SetDraft:
		return nil, fault.Conflict("NOT_DRAFT", "规则集 %d 不是草稿，不能修改；请以它为基础新建草稿", version).With("status", s.Status)
	case revision != nil && *revision != s.Revision:
		return nil, fault.Conflict("STALE", "草稿已被他人修改，请刷新后再试").With("revision", s.Revision)
	}
	return s, nil
}

func ruleBody(ctx context.Context, tx pgx.Tx, district string, set int, id string) (raw json.RawMessage, err error) {
	err = tx.QueryRow(ctx, "select body from rule_row where district = $1 and set_version = $2 and id = $3", district, set, id).Scan(&raw)
	return raw, err
}

func touchDraft(ctx context.Context, tx pgx.Tx, a auth.Actor, s *RuleSet) error {
	if !slices.Contains(s.Editors, a.Account) {
		s.Editors = append(s.Editors, a.Account)
	}
	_, err := tx.Exec(ctx, "update rule_set set revision = revision + 1, editors = $3 where district = $1 and version = $2", a.District, s.Version, s.Editors)
	return err
}

// PutRule writes one rule of a draft. revision, when given, is the draft's as the caller saw it: of two who change one
// draft at once the second gets 409 STALE.
func (k *Desk) PutRule(ctx context.Context, a auth.Actor, version int, id string, r rule.Rule, revision *int, once Once) (*RuleSet, error) {
	return k.onSets(ctx, a, once, func(ctx context.Context, tx pgx.Tx, w *World) (did, error) {
		if err := prepare(&r, id); err != nil {
			return did{}, err
		}
		s, err := draftOf(ctx, tx, a, version, revision)
		if err != nil {
			return did{}, err
		}
		if err := rule.CheckOne(r, w.dir); err != nil {
			return did{}, err
		}
		if s.Rules >= maxSetRules {
			return did{}, fault.Conflict("RULES_LIMIT", "规则过多，最多 %d 条", maxSetRules)
		}
		before, err := ruleBody(ctx, tx, a.District, version, r.ID)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return did{}, err
		}
		if err := putRow(ctx, tx, a.District, version, &r); err != nil {
			return did{}, err
		}
		return did{version, "put_rule", before, r}, touchDraft(ctx, tx, a, s)
	})
}

// DropRule takes a rule out of a draft.
func (k *Desk) DropRule(ctx context.Context, a auth.Actor, version int, id string, revision *int, once Once) (*RuleSet, error) {
	return k.onSets(ctx, a, once, func(ctx context.Context, tx pgx.Tx, _ *World) (did, error) {
		s, err := draftOf(ctx, tx, a, version, revision)
		if err != nil {
			return did{}, err
		}
		before, err := ruleBody(ctx, tx, a.District, version, id)
		if errors.Is(err, pgx.ErrNoRows) {
			return did{}, fault.NotFound()
		}
		if err != nil {
			return did{}, err
		}
		if _, err := tx.Exec(ctx, "delete from rule_row where district = $1 and set_version = $2 and id = $3", a.District, version, id); err != nil {
			return did{}, err
		}
		return did{set: version, action: "delete_rule", before: before}, touchDraft(ctx, tx, a, s)
	})
}

// DiscardSet gives a draft up.
func (k *Desk) DiscardSet(ctx context.Context, a auth.Actor, version int, revision *int, once Once) (*RuleSet, error) {
	return k.onSets(ctx, a, once, func(ctx context.Context, tx pgx.Tx, _ *World) (did, error) {
		if _, err := draftOf(ctx, tx, a, version, revision); err != nil {
			return did{}, err
		}
		_, err := tx.Exec(ctx, "update rule_set set status = 'DISCARDED' where district = $1 and version = $2", a.District, version)
		return did{set: version, action: "discard"}, err
	})
}

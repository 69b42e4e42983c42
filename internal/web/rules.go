package web

import (
	"context"
	"encoding/json"
	"strconv"

	"yixian/api"
	"yixian/dispatch"
	"yixian/dispatch/rule"
	"yixian/internal/auth"
	"yixian/internal/fault"
)

func setVersion(p *int) string {
	if p == nil {
		return "current"
	}
	return strconv.Itoa(*p)
}

// numbered reads the number of a set from a path where "current" makes no sense.
func numbered(version string) (int, error) {
	n, err := strconv.Atoi(version)
	if err != nil || n < 1 {
		return 0, fault.NotFound()
	}
	return n, nil
}

func (s *server) ListRuleSets(ctx context.Context, r api.ListRuleSetsRequestObject) (api.ListRuleSetsResponseObject, error) {
	a := actorOf(ctx)
	list, next, inForce, err := s.Desk.RuleSets(ctx, a, limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	out := api.RuleSetList{Items: []api.RuleSet{}, NextCursor: some(next), InForce: some(inForce)}
	for i := range list {
		out.Items = append(out.Items, ruleSetView(a, &list[i]))
	}
	return api.ListRuleSets200JSONResponse(out), nil
}

func ruleSetView(a auth.Actor, x *dispatch.RuleSet) api.RuleSet {
	mine := false
	for _, id := range x.Editors {
		mine = mine || id == a.Account
	}
	return api.RuleSet{Version: x.Version, Status: api.RuleSetStatus(x.Status), InForce: x.Status == dispatch.SetPublished, Revision: x.Revision, BasedOn: x.BasedOn, Note: some(x.Note), AuthorName: some(x.AuthorName),
		CreatedAt: x.CreatedAt, PublishedByName: some(x.Publisher), PublishedAt: x.PublishedAt, RuleCount: x.Rules, Mine: &mine}
}

func (s *server) GetRuleSet(ctx context.Context, r api.GetRuleSetRequestObject) (api.GetRuleSetResponseObject, error) {
	a := actorOf(ctx)
	d, err := s.Desk.RuleSetOf(ctx, a, r.Version)
	if err != nil {
		return nil, err
	}
	v := ruleSetView(a, &d.RuleSet)
	out := api.RuleSetDetail{Version: v.Version, Status: api.RuleSetDetailStatus(v.Status), InForce: v.InForce, Revision: v.Revision, BasedOn: v.BasedOn, Note: v.Note, AuthorName: v.AuthorName, CreatedAt: v.CreatedAt,
		PublishedByName: v.PublishedByName, PublishedAt: v.PublishedAt, RuleCount: v.RuleCount, Mine: v.Mine, Rules: []api.RuleBody{}, Events: []api.AuditEvent{}}
	for i := range d.Rows {
		var row api.RuleBody
		if err := reshape(d.Rows[i], &row); err != nil {
			return nil, err
		}
		out.Rules = append(out.Rules, row)
	}
	for i := range d.Events {
		e, err := auditView(&d.Events[i])
		if err != nil {
			return nil, err
		}
		out.Events = append(out.Events, e)
	}
	return api.GetRuleSet200JSONResponse(out), nil
}

// reshape maps between two types of one JSON.
func reshape(from, to any) error {
	raw, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, to)
}

func (s *server) DraftRuleSet(ctx context.Context, r api.DraftRuleSetRequestObject) (api.DraftRuleSetResponseObject, error) {
	a := actorOf(ctx)
	in := dispatch.DraftRules{}
	if b := r.Body; b != nil {
		in.BasedOn, in.Note = b.BasedOn, deref(b.Note)
		if b.Rules != nil {
			raw, err := json.Marshal(*b.Rules)
			if err != nil {
				return nil, err
			}
			if in.Rules, err = rule.ReadRules(raw); err != nil {
				return nil, err
			}
		}
	}
	x, err := s.Desk.DraftSet(ctx, a, in, once(r.Params.IdempotencyKey, "rules draft", r.Body))
	if err != nil {
		return nil, err
	}
	return api.DraftRuleSet201JSONResponse(ruleSetView(a, x)), nil
}

func (s *server) DiscardRuleSet(ctx context.Context, r api.DiscardRuleSetRequestObject) (api.DiscardRuleSetResponseObject, error) {
	a := actorOf(ctx)
	n, err := numbered(r.Version)
	if err != nil {
		return nil, err
	}
	x, err := s.Desk.DiscardSet(ctx, a, n, r.Params.Revision, dispatch.Once{})
	if err != nil {
		return nil, err
	}
	return api.DiscardRuleSet200JSONResponse(ruleSetView(a, x)), nil
}

func (s *server) PutRule(ctx context.Context, r api.PutRuleRequestObject) (api.PutRuleResponseObject, error) {
	a := actorOf(ctx)
	n, err := numbered(r.Version)
	if err != nil {
		return nil, err
	}
	revision := r.Params.Revision
	if v, ok := (*r.Body)["revision"]; ok {
		number, isNumber := v.(float64)
		if !isNumber || number != float64(int(number)) {
			return nil, fault.Invalid("/revision", "应为整数")
		}
		revision = new(int(number))
		delete(*r.Body, "revision")
	}
	raw, err := json.Marshal(*r.Body)
	if err != nil {
		return nil, err
	}
	one, err := rule.ReadRule(raw)
	if err != nil {
		return nil, err
	}
	x, err := s.Desk.PutRule(ctx, a, n, r.Id, one, revision, dispatch.Once{})
	if err != nil {
		return nil, err
	}
	return api.PutRule200JSONResponse(ruleSetView(a, x)), nil
}

func (s *server) DeleteRule(ctx context.Context, r api.DeleteRuleRequestObject) (api.DeleteRuleResponseObject, error) {
	a := actorOf(ctx)
	n, err := numbered(r.Version)
	if err != nil {
		return nil, err
	}
	x, err := s.Desk.DropRule(ctx, a, n, r.Id, r.Params.Revision, dispatch.Once{})
	if err != nil {
		return nil, err
	}
	return api.DeleteRule200JSONResponse(ruleSetView(a, x)), nil
}

func (s *server) CheckRuleSet(ctx context.Context, r api.CheckRuleSetRequestObject) (api.CheckRuleSetResponseObject, error) {
	review, n, err := s.Desk.CheckSet(ctx, actorOf(ctx), r.Version)
	if err != nil {
		return nil, err
	}
	var out api.RuleReview
	if err := reshape(review, &out); err != nil {
		return nil, err
	}
	out.Version, out.Publishable = n, !review.Refused()
	return api.CheckRuleSet200JSONResponse(out), nil
}

func (s *server) PublishRuleSet(ctx context.Context, r api.PublishRuleSetRequestObject) (api.PublishRuleSetResponseObject, error) {
	a, b := actorOf(ctx), r.Body
	x, err := s.Desk.PublishSet(ctx, a, dispatch.Publication{Version: b.Version, Revision: b.Revision, Note: deref(b.Note), Overtake: deref(b.Overtake)}, once(r.Params.IdempotencyKey, "rules publish", b))
	if err != nil {
		return nil, err
	}
	return api.PublishRuleSet200JSONResponse(ruleSetView(a, x)), nil
}

func (s *server) RollBackRules(ctx context.Context, r api.RollBackRulesRequestObject) (api.RollBackRulesResponseObject, error) {
	a := actorOf(ctx)
	n, err := numbered(r.Version)
	if err != nil {
		return nil, err
	}
	x, err := s.Desk.RollBack(ctx, a, n, r.Body.Reason, once(r.Params.IdempotencyKey, "rules rollback "+r.Version, r.Body))
	if err != nil {
		return nil, err
	}
	return api.RollBackRules200JSONResponse(ruleSetView(a, x)), nil
}

package web

import (
	"context"

	"yixian/api"
	"yixian/dispatch"
)

// inLang is a name in the reader's language, in Chinese where there is no English.
func inLang(ctx context.Context, zh, en string) string {
	if lang(ctx) == "en" && en != "" {
		return en
	}
	return zh
}

func (s *server) MyPoints(ctx context.Context, r api.MyPointsRequestObject) (api.MyPointsResponseObject, error) {
	a := actorOf(ctx)
	p, err := s.Desk.MyPoints(ctx, a, limitOf(r.Params.Limit), deref(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	w := s.world(a.District)
	out := api.MyPoints200JSONResponse{Balance: p.Balance, Earned: p.Earned, MonthCap: p.Rules.MonthCap, PerReport: p.Rules.Report, Items: []api.PointsEntry{}, NextCursor: some(p.Next)}
	for i := range p.Entries {
		e := &p.Entries[i]
		row := api.PointsEntry{Id: e.ID.String(), At: e.At, Kind: api.PointsEntryKind(e.Kind), Change: e.Change, ReceiptCode: some(e.Receipt), RewardName: some(inLang(ctx, e.Reward, e.RewardEN)), RedemptionId: idText(e.Redemption)}
		if e.Matter != "" {
			row.MatterName = some(w.MatterNameIn(e.Matter, lang(ctx)))
		}
		out.Items = append(out.Items, row)
	}
	return out, nil
}

func rewardView(ctx context.Context, r *dispatch.Reward, whole bool) api.Reward {
	out := api.Reward{Id: r.ID.String(), Name: r.Name, NameEn: some(r.NameEN), Place: some(r.Place), Cost: r.Cost, Stock: r.Stock, Active: r.Active, Version: r.Version}
	if !whole {
		out.Name = inLang(ctx, r.Name, r.NameEN)
	}
	return out
}

func (s *server) rewards(ctx context.Context, all bool) ([]api.Reward, error) {
	list, err := s.Desk.Rewards(ctx, actorOf(ctx), all)
	out := []api.Reward{}
	for i := range list {
		out = append(out, rewardView(ctx, &list[i], all))
	}
	return out, err
}

func (s *server) PointsRewards(ctx context.Context, _ api.PointsRewardsRequestObject) (api.PointsRewardsResponseObject, error) {
	list, err := s.rewards(ctx, false)
	return api.PointsRewards200JSONResponse{Items: list}, err
}

func (s *server) ListRewards(ctx context.Context, _ api.ListRewardsRequestObject) (api.ListRewardsResponseObject, error) {
	list, err := s.rewards(ctx, true)
	return api.ListRewards200JSONResponse{Items: list}, err
}

func rewardIn(b *api.RewardIn) dispatch.Reward {
	return dispatch.Reward{Name: b.Name, NameEN: deref(b.NameEn), Place: deref(b.Place), Cost: b.Cost, Stock: b.Stock, Active: b.Active == nil || *b.Active}
}

func (s *server) CreateReward(ctx context.Context, r api.CreateRewardRequestObject) (api.CreateRewardResponseObject, error) {
	made, err := s.Desk.SetReward(ctx, actorOf(ctx), rewardIn(r.Body))
	if err != nil {
		return nil, err
	}
	return api.CreateReward201JSONResponse(rewardView(ctx, made, true)), nil
}

func (s *server) ChangeReward(ctx context.Context, r api.ChangeRewardRequestObject) (api.ChangeRewardResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	in := rewardIn(r.Body)
	if in.Version, err = versionOf(r.Body.Version, r.Params.IfMatch); err != nil {
		return nil, err
	}
	in.ID = id
	made, err := s.Desk.SetReward(ctx, actorOf(ctx), in)
	if err != nil {
		return nil, err
	}
	return api.ChangeReward200JSONResponse(rewardView(ctx, made, true)), nil
}

func redemptionView(ctx context.Context, d *dispatch.Redemption) api.Redemption {
	return api.Redemption{Id: d.ID.String(), RewardName: inLang(ctx, d.Reward, d.RewardEN), Place: some(d.Place), Cost: d.Cost, Code: d.Code, State: api.RedemptionState(d.State), MadeAt: d.MadeAt, ExpiresAt: d.ExpiresAt, DoneAt: d.DoneAt}
}

func (s *server) MyRedemptions(ctx context.Context, _ api.MyRedemptionsRequestObject) (api.MyRedemptionsResponseObject, error) {
	list, err := s.Desk.MyRedemptions(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	out := api.MyRedemptions200JSONResponse{Items: []api.Redemption{}}
	for i := range list {
		out.Items = append(out.Items, redemptionView(ctx, &list[i]))
	}
	return out, nil
}

func (s *server) RedeemPoints(ctx context.Context, r api.RedeemPointsRequestObject) (api.RedeemPointsResponseObject, error) {
	d, err := s.Desk.Redeem(ctx, actorOf(ctx), r.Body.RewardId, deref(r.Params.IdempotencyKey))
	if err != nil {
		return nil, err
	}
	return api.RedeemPoints201JSONResponse(redemptionView(ctx, d)), nil
}

func (s *server) CancelRedemption(ctx context.Context, r api.CancelRedemptionRequestObject) (api.CancelRedemptionResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	d, err := s.Desk.CancelRedemption(ctx, actorOf(ctx), id)
	if err != nil {
		return nil, err
	}
	return api.CancelRedemption200JSONResponse(redemptionView(ctx, d)), nil
}

func (s *server) HandOverReward(ctx context.Context, r api.HandOverRewardRequestObject) (api.HandOverRewardResponseObject, error) {
	d, err := s.Desk.HandOver(ctx, actorOf(ctx), r.Body.Code)
	if err != nil {
		return nil, err
	}
	return api.HandOverReward200JSONResponse(redemptionView(ctx, d)), nil
}

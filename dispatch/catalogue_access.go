package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/dispatch/rule"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// maxCommunityLimit bounds the limit itself: a list that is not a list any more protects nobody.
const maxCommunityLimit = 499

// checkAccess refuses matters that the community access list has no room for. What is on the list may stay and change;
// what leaves it now makes room.
func checkAccess(ctx context.Context, tx pgx.Tx, district string, list []rule.Item, now time.Time) error {
	fresh, used, limit, err := beyond(ctx, tx, district, list, now)
	if err != nil || len(fresh) == 0 || used <= limit {
		return err
	}
	return fault.Conflict("COMMUNITY_LIMIT", "社区事项准入清单最多 %d 项，加入 %s 后为 %d 项：请提交准入申请，由另一人批准", limit, strings.Join(fresh, "、"), used).
		With("limit", limit).With("used", used).With("codes", fresh)
}

// beyond gives the codes that would be new on the access list, and how many it would have.
func beyond(ctx context.Context, tx pgx.Tx, district string, list []rule.Item, now time.Time) (fresh []string, used, limit int, err error) {
	if limit, err = communityLimit(ctx, tx, district); err != nil {
		return nil, 0, 0, err
	}
	type place struct{ Code, Area string }
	rows, err := tx.Query(ctx, "select distinct code, area from catalog_item where district = $1 and active and kind = 'matter' and body->>'level' = 'COMMUNITY' and (valid_to is null or valid_to > $2)", district, now)
	if err != nil {
		return nil, 0, 0, err
	}
	had, err := pgx.CollectRows(rows, pgx.RowToStructByPos[place])
	if err != nil {
		return nil, 0, 0, err
	}
	known := map[string]bool{}
	for _, p := range had {
		known[p.Code] = true
	}
	on := slices.Clone(had)
	for i := range list {
		it := &list[i]
		if it.Kind != rule.KindMatter {
			continue
		}
		p := place{it.Code, it.Area}
		switch {
		case it.Level == rule.LevelCommunity:
			if on = append(on, p); !known[it.Code] {
				fresh, known[it.Code] = append(fresh, it.Code), true
			}
		case !it.ValidFrom.After(now):
			on = slices.DeleteFunc(on, func(o place) bool { return o == p })
		}
	}
	left := map[string]bool{}
	for _, p := range on {
		left[p.Code] = true
	}
	return fresh, len(left), limit, nil
}

// Ask requests what needs a second person: an item beyond the limit of the access list, or with item nil another limit.
func (k *Desk) Ask(ctx context.Context, a auth.Actor, item *ItemChange, limit int, reason string) (*CatalogRequest, error) {
	if err := mayConfigure(a); err != nil {
		return nil, err
	}
	if len([]rune(strings.TrimSpace(reason))) < 5 {
		return nil, fault.Invalid("/reason", "请写明理由，至少 5 个字")
	}
	w, err := k.configured(a.District)
	if err != nil {
		return nil, err
	}
	kind, body := "LIMIT", requested{Limit: limit}
	if item != nil {
		kind, body = "ITEM", requested{Item: &item.Item, Base: item.Base, Note: item.Note}
		if err := w.prepare(body.Item); err != nil {
			return nil, err
		}
		if body.Item.Kind != rule.KindMatter || body.Item.Level != rule.LevelCommunity {
			return nil, fault.Invalid("/item/level", "只有社区层级（COMMUNITY）的事项需要准入申请，其他事项可直接保存")
		}
	} else if limit < 1 || limit > maxCommunityLimit {
		return nil, fault.Invalid("/limit", "应为 1 到 %d 之间的整数", maxCommunityLimit)
	}
	ctx = pg.WithDistrict(ctx, a.District)
	id := uuid.Must(uuid.NewV7())
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	if _, err := k.db.Pool.Exec(ctx, "insert into catalog_request (district, id, kind, body, reason, requested_by) values ($1, $2, $3, $4, $5, $6)", a.District, id, kind, raw, strings.TrimSpace(reason), a.Account); err != nil {
		return nil, pg.Fault(err)
	}
	r, err := request(ctx, k.db.Pool, a.District, id, "")
	return r, pg.Fault(err)
}

func scanRequest(row pgx.CollectableRow) (r CatalogRequest, err error) {
	var body []byte
	if err := row.Scan(&r.ID, &r.Kind, &body, &r.Reason, &r.State, &r.RequestedBy, &r.Requester, &r.RequestedAt, &r.Decider, &r.DecidedAt, &r.Answer); err != nil {
		return r, err
	}
	return r, json.Unmarshal(body, &r.Body)
}

func request(ctx context.Context, q rowsQuerier, district string, id uuid.UUID, lock string) (*CatalogRequest, error) {
	rows, err := q.Query(ctx, requestSQL+"and r.id = $2 "+lock, district, id)
	if err != nil {
		return nil, err
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanRequest)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.NotFound()
	}
	return &r, err
}

// mayDecide is who may approve what an administrator asks for.
func mayDecide(a auth.Actor) error {
	return a.Need(auth.PermCatalogAgree, "清单准入由督查人员或另一位管理员批准")
}

// Requests is one page of requests, newest first; state "" is any.
func (k *Desk) Requests(ctx context.Context, a auth.Actor, state string, limit int, cursor string) (list []CatalogRequest, next string, err error) {
	if err := mayDecide(a); err != nil {
		return nil, "", err
	}
	at, last := "infinity", uuid.Max
	if cursor != "" {
		if at, last, err = readCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), requestSQL+"and ($2 = '' or r.state = $2) and (r.requested_at, r.id) < ($3::timestamptz, $4) order by r.requested_at desc, r.id desc limit $5", a.District, state, at, last, limit+1)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	if list, err = pgx.CollectRows(rows, scanRequest); err != nil {
		return nil, "", pg.Fault(err)
	}
	if len(list) > limit {
		list = list[:limit]
		e := &list[limit-1]
		next = writeCursor(e.RequestedAt.Format("2006-01-02 15:04:05.999999999-07"), e.ID)
	}
	return list, next, nil
}

// DecideRequest answers a request: never who asked (403 SAME_PERSON), and once (409 ALREADY_DECIDED). An approval is carried out in
// the same transaction, or refused with the reason why it cannot be any more.
func (k *Desk) DecideRequest(ctx context.Context, a auth.Actor, id uuid.UUID, approve bool, answer string) (*CatalogRequest, error) {
	if err := mayDecide(a); err != nil {
		return nil, err
	}
	w, err := k.configured(a.District)
	if err != nil {
		return nil, err
	}
	if !approve && len([]rune(strings.TrimSpace(answer))) < 5 {
		return nil, fault.Invalid("/text", "不批准时请写明理由，至少 5 个字")
	}
	var r *CatalogRequest
	_, err = changeCatalogue(ctx, k, a, Once{}, func(ctx context.Context, tx pgx.Tx, now time.Time) (v *CatalogVersion, err error) {
		if r, err = request(ctx, tx, a.District, id, "for update of r"); err != nil {
			return nil, err
		}
		switch {
		case r.RequestedBy == a.Account:
			return nil, fault.Forbidden("SAME_PERSON", "提出申请的人不能批准它，须由另一人决定")
		case r.State != "PENDING":
			return nil, fault.Conflict("ALREADY_DECIDED", "这项申请已有决定")
		}
		state := "DECLINED"
		if approve {
			state = "APPROVED"
			if v, err = w.carryOut(ctx, tx, r, a, now); err != nil {
				return nil, err
			}
		}
		if _, err := tx.Exec(ctx, "update catalog_request set state = $3, decided_by = $4, decided_at = $5, answer = $6 where district = $1 and id = $2", a.District, id, state, a.Account, now, strings.TrimSpace(answer)); err != nil {
			return nil, err
		}
		r, err = request(ctx, tx, a.District, id, "")
		return v, err
	})
	return r, err
}

// carryOut does what was asked for, as it stands now: a unit may have been retired meanwhile, the item changed.
func (w *World) carryOut(ctx context.Context, tx pgx.Tx, r *CatalogRequest, a auth.Actor, now time.Time) (*CatalogVersion, error) {
	if r.Kind == "LIMIT" {
		was, err := communityLimit(ctx, tx, w.District)
		if err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, "select yx_set_community_items($1)", r.Body.Limit); err != nil {
			return nil, err
		}
		row, err := auth.AuditChange("change", "catalog_limit", w.District, data{"limit": was}, data{"limit": r.Body.Limit})
		if err != nil {
			return nil, err
		}
		return nil, auth.Audit(ctx, tx, a, row)
	}
	in := ItemChange{Item: *r.Body.Item, Base: r.Body.Base, Note: r.Body.Note}
	if in.Item.ValidFrom != nil && in.Item.ValidFrom.Before(now) {
		in.Item.ValidFrom = nil // the day passed while it was waiting
	}
	if err := w.prepare(&in.Item); err != nil {
		return nil, fmt.Errorf("request %s: %w", r.ID, err)
	}
	if err := checkBase(ctx, tx, &in); err != nil {
		return nil, err
	}
	if err := checkBegin(&in.Item, now); err != nil {
		return nil, err
	}
	return putOne(ctx, tx, a, in, &r.RequestedBy, &a.Account, now)
}

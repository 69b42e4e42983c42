package dispatch

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
	"yixian/notify"
)

// redeemSQL takes a reward in one statement: points, stock, code and entry, or nothing at all. $3 reward, $4 key, $5 redemption, $6 code,
// $7 entry, $8 now, $9 until. The account's row is locked before the reward's, as everywhere.
const redeemSQL = `with a as (select balance from points_account where district = $1 and account_id = $2 for update),
	x as (select r.id, r.cost, r.stock from reward r, (select count(*) from a) locked where r.district = $1 and r.id = $3 and r.active for update of r),
	d as (insert into redemption (district, id, account_id, reward_id, cost, code, key, made_at, expires_at) select $1, $5, $2, x.id, x.cost, $6, $4, $8, $9 from x, a where a.balance >= x.cost and x.stock > 0 returning id, cost),
	s as (update reward set stock = stock - 1, version = version + 1 from d where district = $1 and reward.id = $3),
	p as (update points_account set balance = balance - d.cost from d where district = $1 and account_id = $2),
	e as (insert into points_entry (district, id, account_id, at, kind, giver, taker, amount, redemption_id) select $1, $7, $2, $8, 'REDEEM', 'RESIDENT', 'REWARD', d.cost, d.id from d)
select (select count(*) from d) = 1, (select cost from x), (select stock from x), coalesce((select balance from a), 0)`

// Redeem takes a reward for points. The key makes a retry give the same code: 409 POINTS_SHORT, SOLD_OUT; 404 for what is not offered.
func (k *Desk) Redeem(ctx context.Context, a auth.Actor, reward uuid.UUID, key string) (*Redemption, error) {
	if _, err := k.pointsWorld(a); err != nil {
		return nil, err
	}
	ctx = pg.WithDistrict(ctx, a.District)
	if key == "" {
		key = uuid.NewString()
	}
	if again, err := k.taken(ctx, a, reward, key); !fault.Is(err, "NOT_FOUND") {
		return again, err
	}
	rules, err := readPointsRules(ctx, k.db.Pool, a.District)
	if err != nil {
		return nil, pg.Fault(err)
	}
	var done bool
	var cost, stock *int
	var balance int
	err = k.db.Pool.QueryRow(ctx, redeemSQL, a.District, a.Account, reward, key, uuid.Must(uuid.NewV7()), seal.ReceiptCode(), uuid.Must(uuid.NewV7()), a.Now, a.Now.Add(time.Duration(rules.RedeemDays)*24*time.Hour)).Scan(&done, &cost, &stock, &balance)
	switch {
	case constraint(err) != "": // the same key at the same moment
	case err != nil:
		return nil, pg.Fault(err)
	case done:
	case cost == nil:
		return nil, fault.NotFound()
	case balance < *cost:
		return nil, fault.Conflict("POINTS_SHORT", "积分不够：需要 %d 分，现有 %d 分", *cost, balance).With("balance", balance)
	default:
		return nil, fault.Conflict("SOLD_OUT", "这一项已经换完了，请看看别的")
	}
	return k.taken(ctx, a, reward, key)
}

// taken is what a key was used for; 422 IDEMPOTENCY_MISMATCH when that was another reward.
func (k *Desk) taken(ctx context.Context, a auth.Actor, reward uuid.UUID, key string) (*Redemption, error) {
	r, err := k.redemption(ctx, a, "d.account_id = $2 and d.key = $3", a.Account, key)
	if err == nil && r.RewardID != reward {
		return nil, mismatch()
	}
	return r, err
}

func (k *Desk) redemption(ctx context.Context, a auth.Actor, where string, args ...any) (*Redemption, error) {
	return oneRedemption(k.db.Pool.Query(ctx, "select "+redemptionColumns+redemptionFrom+" where d.district = $1 and "+where, append([]any{a.District}, args...)...))
}

// MyRedemptions are the signed-in resident's latest hundred.
func (k *Desk) MyRedemptions(ctx context.Context, a auth.Actor) ([]Redemption, error) {
	if _, err := k.pointsWorld(a); err != nil {
		return nil, err
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), "select "+redemptionColumns+redemptionFrom+" where d.district = $1 and d.account_id = $2 order by d.made_at desc, d.id desc limit 100", a.District, a.Account)
	if err != nil {
		return nil, pg.Fault(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Redemption])
	return list, pg.Fault(err)
}

// backSQL ends open redemptions (alias d) and gives points and stock back: $2 the state they end in, $3 now. Accounts are locked before
// rewards, as by redeemSQL.
const backSQL = `with o as (select d.district, d.id, d.account_id, d.reward_id, d.cost from redemption d join points_account q on q.district = d.district and q.account_id = d.account_id where d.district = $1 and d.state = 'OPEN' and `

const backTail = ` order by d.account_id, d.reward_id for update of d, q),
	d as (update redemption x set state = $2, done_at = $3 from o where x.district = o.district and x.id = o.id returning x.id),
	p as (update points_account p set balance = p.balance + s.cost from (select account_id, sum(cost) as cost from o group by 1) s where p.district = $1 and p.account_id = s.account_id returning p.account_id, p.balance),
	r as (update reward r set stock = r.stock + s.n, version = r.version + 1 from (select reward_id, count(*) as n from o group by 1) s where r.district = $1 and r.id = s.reward_id),
	e as (insert into points_entry (district, id, account_id, at, kind, giver, taker, amount, redemption_id) select $1, gen_random_uuid(), o.account_id, $3, 'BACK', 'REWARD', 'RESIDENT', o.cost, o.id from o)
`

// CancelRedemption gives an own reward back before it was handed over; 409 DONE afterwards.
func (k *Desk) CancelRedemption(ctx context.Context, a auth.Actor, id uuid.UUID) (*Redemption, error) {
	if _, err := k.pointsWorld(a); err != nil {
		return nil, err
	}
	ctx = pg.WithDistrict(ctx, a.District)
	var n int
	if err := k.db.Pool.QueryRow(ctx, backSQL+"d.id = $4 and d.account_id = $5"+backTail+"select count(*) from o", a.District, "CANCELLED", a.Now, id, a.Account).Scan(&n); err != nil {
		return nil, pg.Fault(err)
	}
	r, err := k.redemption(ctx, a, "d.account_id = $2 and d.id = $3", a.Account, id)
	if err == nil && n == 0 && r.State != "CANCELLED" {
		return nil, fault.Conflict("DONE", "这一项已经领取或过期，不能取消").With("state", r.State)
	}
	return r, err
}

// HandOver notes that whoever showed the code has the reward: once, however often it is shown. 404 for an unknown code, 409 DONE.
func (k *Desk) HandOver(ctx context.Context, a auth.Actor, code string) (*Redemption, error) {
	if err := a.Need(auth.PermRedeem, "您没有核销积分兑换的权限"); err != nil {
		return nil, err
	}
	ctx = pg.WithDistrict(ctx, a.District)
	tag, err := k.db.Pool.Exec(ctx, "update redemption set state = 'HANDED', done_at = $3, done_by = $4 where district = $1 and code = $2 and state = 'OPEN' and expires_at > $3", a.District, code, a.Now, a.Account)
	if err != nil {
		return nil, pg.Fault(err)
	}
	r, err := k.redemption(ctx, a, "d.code = $2", code)
	if err == nil && tag.RowsAffected() == 0 {
		return nil, fault.Conflict("DONE", "这个兑换码已经用过、取消或过期").With("state", r.State)
	}
	return r, err
}

// unfetched is a reward whose time is over: what went back, and what its taker has now.
type unfetched struct {
	ID, Account   uuid.UUID
	Name          string
	Cost, Balance int
}

// ExpiredRewards ends redemptions that nobody has fetched in time; the points go back, and whoever took them is told. It returns how many.
func (p *Planner) ExpiredRewards(ctx context.Context) (n int, err error) {
	rows, err := p.db.Pool.Query(ctx, "select distinct district from redemption where state = 'OPEN' and expires_at <= yx_now() and district = any($1) order by district", p.districts())
	if err != nil {
		return 0, pg.Fault(err)
	}
	due, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return 0, pg.Fault(err)
	}
	for _, district := range due {
		if err := pgx.BeginFunc(ctx, p.db.Pool, func(tx pgx.Tx) error {
			m, err := p.expire(ctx, tx, district)
			n += m
			return err
		}); err != nil {
			return n, pg.Fault(err)
		}
	}
	return n, nil
}

func (p *Planner) expire(ctx context.Context, tx pgx.Tx, district string) (int, error) {
	pols, now, err := p.post.Policies(ctx, tx, district)
	if err != nil {
		return 0, err
	}
	rows, err := tx.Query(ctx, backSQL+"d.expires_at <= $3"+backTail+"select o.id, o.account_id, x.name, o.cost, p.balance from o join p using (account_id) join reward x on x.district = $1 and x.id = o.reward_id order by o.id", district, "EXPIRED", now)
	if err != nil {
		return 0, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[unfetched])
	if err != nil {
		return 0, err
	}
	var drafts []notify.Draft
	for _, u := range list {
		said := map[string]string{"matter": u.Name + "（过期未领，已退回）", "change": fmt.Sprintf("%+d", u.Cost), "count": strconv.Itoa(u.Balance)}
		for _, way := range pols[district].Ways("points", "reporter", nil) {
			drafts = append(drafts, p.draftTo(district, uuid.NewSHA1(u.ID, []byte("back")), "points", "reporter", way.Channel, &member{ID: u.Account}, said, nil, false))
		}
	}
	return len(list), p.post.Enqueue(ctx, tx, drafts)
}

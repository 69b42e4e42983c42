package notify

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"regexp"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
)

// OpenIDs is a WeChat channel that can learn who somebody is there: by a page of WeChat's that sends the person back with a code.
type OpenIDs interface {
	Channel
	Authorize(back, state string) (url string)
	OpenID(ctx context.Context, code string) (openid string, err error)
}

// stateLife is how long the way through WeChat's page may take.
const stateLife = 10 * time.Minute

const stateHead = 16 // bytes before the mark: end of life, randomness

// openid is what WeChat calls a person of one account.
var openid = regexp.MustCompile(`^[0-9A-Za-z_-]{16,64}$`)

// BindWeChat begins the way: the address of WeChat's page, which sends the person back to back with ?code= and ?state=. The state is
// sealed for this account: a link that somebody else made binds nobody.
func (p *Post) BindWeChat(ctx context.Context, db *pg.DB, a auth.Actor, back string, now time.Time) (url, state string, err error) {
	if a.Account == uuid.Nil {
		return "", "", fault.Unauthorized()
	}
	c, err := p.wechat(ctx, db, a.District)
	if err != nil {
		return "", "", err
	}
	head := append(binary.BigEndian.AppendUint64(nil, uint64(now.Add(stateLife).Unix())), seal.NewSalt()[:8]...)
	state = base64.RawURLEncoding.EncodeToString(append(head, p.stateMark(a, head)...))
	return c.Authorize(back, state), state, nil
}

func (p *Post) stateMark(a auth.Actor, head []byte) []byte {
	return p.c.Keys.Blind(a.District, "wechat.state", a.Account.String()+string(head))[:16]
}

// BoundWeChat ends the way: the code is exchanged for the person's openid, which from then on is where template messages go. The code
// of WeChat works once, so a state that comes back twice binds nothing new. An account has one openid.
func (p *Post) BoundWeChat(ctx context.Context, db *pg.DB, a auth.Actor, code, state string, now time.Time) error {
	raw, err := base64.RawURLEncoding.DecodeString(state)
	if err != nil || a.Account == uuid.Nil || len(raw) != stateHead+16 || !hmac.Equal(raw[stateHead:], p.stateMark(a, raw[:stateHead])) {
		return fault.Forbidden("WECHAT_STATE", "该链接不是由您当前的账号发起的，请重新点击“绑定微信”")
	}
	if int64(binary.BigEndian.Uint64(raw)) < now.Unix() {
		return fault.Forbidden("WECHAT_STATE", "绑定已超过 10 分钟，请重新点击“绑定微信”")
	}
	c, err := p.wechat(ctx, db, a.District)
	if err != nil {
		return err
	}
	id, err := c.OpenID(ctx, code)
	switch {
	case IsPermanent(err):
		return fault.Invalid("/code", "微信没有确认您的身份，请重新点击“绑定微信”")
	case err != nil || !openid.MatchString(id):
		return fault.Unavailable(err)
	}
	return pg.Fault(pgx.BeginFunc(pg.WithDistrict(ctx, a.District), db.Pool, func(tx pgx.Tx) error {
		if err := forgetWeChat(ctx, tx, a); err != nil {
			return err
		}
		return p.remember(ctx, tx, a, WeChat, id)
	}))
}

// ForgetWeChat ends it: text messages take over.
func (p *Post) ForgetWeChat(ctx context.Context, db *pg.DB, a auth.Actor) error {
	return pg.Fault(forgetWeChat(pg.WithDistrict(ctx, a.District), db.Pool, a))
}

func forgetWeChat(ctx context.Context, q interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}, a auth.Actor) error {
	_, err := q.Exec(ctx, "delete from notice_address where district = $1 and account_id = $2 and channel = 'WECHAT'", a.District, a.Account)
	return err
}

// wechat is the district's official account; without one the answer is 404 WECHAT_NOT_SET_UP.
func (p *Post) wechat(ctx context.Context, db *pg.DB, district string) (OpenIDs, error) {
	ctx = pg.WithDistrict(ctx, district)
	var version int64
	if err := db.Pool.QueryRow(ctx, "select coalesce((select version from notice_setting where district = $1), 0)", district).Scan(&version); err != nil {
		return nil, pg.Fault(err)
	}
	list, err := p.c.Providers.of(ctx, db.Pool, district, WeChat, "", version)
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, x := range list {
		if w, ok := x.channel.(OpenIDs); ok {
			return w, nil
		}
	}
	e := fault.NotFound().Coded("WECHAT_NOT_SET_UP")
	e.Detail = "本区没有接入微信公众号"
	return nil, e
}

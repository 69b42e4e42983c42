package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"yixian/internal/cache"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
)

// ticketLife is how long a one-time link for a password works.
const ticketLife = 72 * time.Hour

// Ticket is a one-time link's secret for one account: it sets the password once.
type Ticket struct {
	Username  string
	Token     string // "<district>.<secret>"; only its hash is kept
	ExpiresAt time.Time
}

// ticket makes a link; former ones of the account end.
func (s *Store) ticket(ctx context.Context, tx pgx.Tx, a Actor, account uuid.UUID, username string) (*Ticket, error) {
	t := &Ticket{Username: username}
	var hash []byte
	t.Token, hash = newToken(a.District)
	err := tx.QueryRow(ctx, `with former as (update account_ticket set used_at = now() where district = $1 and account_id = $3 and used_at is null)
		insert into account_ticket (district, hash, account_id, expires_at) values ($1, $2, $3, now() + $4::interval) returning expires_at`, a.District, hash, account, ticketLife).Scan(&t.ExpiresAt)
	return t, err
}

// Invite gives an account a new one-time link. Until it is used, the old password works; whoever forgot theirs, or never had
// one, sets it by the link.
func (s *Store) Invite(ctx context.Context, a Actor, id uuid.UUID) (t *Ticket, err error) {
	err = s.employ(ctx, a, func(tx pgx.Tx) error {
		u, err := s.one(ctx, tx, a.District, id)
		if err != nil {
			return err
		}
		if a.Kind != System && a.Account == id {
			return fault.Forbidden("OWN_ACCOUNT", "不能为自己生成设置密码的链接，请另一位管理员操作")
		}
		if u.DisabledAt != nil {
			return fault.Conflict("WRONG_STATE", "账号已停用，请先启用")
		}
		if t, err = s.ticket(ctx, tx, a, id, u.Username); err != nil {
			return err
		}
		c, err := AuditChange("invite", "user", id.String(), nil, nil)
		if err != nil {
			return err
		}
		return Audit(ctx, tx, a, c)
	})
	return t, err
}

// Redeem sets the password of the account that a link was made for and ends its sessions; 401 TICKET_WRONG for a link that is
// unknown, used, over, or of an account that is switched off. A password that is refused leaves the link as it is.
func (s *Store) Redeem(ctx context.Context, token, password, ip string) (username string, err error) {
	wrong := fault.New(http.StatusUnauthorized, "TICKET_WRONG", "链接不正确、已使用或已过期，请联系管理员重新生成")
	m := tokenForm.FindStringSubmatch(token)
	if m == nil {
		return "", wrong
	}
	district := m[1]
	host, _ := s.address(district, ip)
	if err := s.allow(ctx, "ticket:ip:"+host, cache.Rate{Count: 60, Per: time.Hour}); err != nil && s.drill.Load().limits {
		return "", err
	}
	ctx = pg.WithDistrict(ctx, district)
	hash := seal.TokenHash(m[2])
	var account uuid.UUID
	err = s.db.Pool.QueryRow(ctx, `select w.id, w.username from account_ticket t join account w on w.district = t.district and w.id = t.account_id
		where t.district = $1 and t.hash = $2 and t.used_at is null and t.expires_at > now() and w.disabled_at is null`, district, hash).Scan(&account, &username)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", wrong
	}
	if err != nil {
		return "", pg.Fault(err)
	}
	if !s.opts.Sandbox {
		if err := checkPassword("/password", username, password); err != nil {
			return "", err
		}
	}
	made, err := s.hash.make(ctx, password)
	if err != nil {
		return "", err
	}
	err = pgx.BeginFunc(ctx, s.db.Pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `update account_ticket set used_at = now() where district = $1 and hash = $2 and used_at is null and expires_at > now()`, district, hash)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return wrong // somebody was first
		}
		if _, err := tx.Exec(ctx, `update account set password_hash = $3, password_changed_at = now(), failed_logins = 0, locked_until = null where district = $1 and id = $2`, district, account, made); err != nil {
			return err
		}
		return endSessions(ctx, tx, district, account)
	})
	return username, pg.Fault(err)
}

// plainly is a database error without the row that the driver quotes.
func plainly(what string, err error) error {
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		if answer.Code == "23505" && answer.ConstraintName == "account_username" {
			return fault.Conflict("USERNAME_TAKEN", "用户名已被使用")
		}
		return pg.Fault(fmt.Errorf("%s: %s %s", what, answer.Code, answer.ConstraintName))
	}
	return pg.Fault(err)
}

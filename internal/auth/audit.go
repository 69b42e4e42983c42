package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"yixian/internal/fault"
	"yixian/internal/pg"
)

// Change is one change of the configuration for the audit: of a thing (Kind "unit", Key its code) before and after. Either
// may be nil (made, removed). They hold no personal data: the caller leaves it out and names the field in "changed".
type Change struct {
	Action string          `json:"action"` // create, change, retire, disable, enable, import …
	Kind   string          `json:"kind"`
	Key    string          `json:"key"`
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
}

// execer is a transaction, or a pool for a change that is one statement.
type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// AuditChange is the row of a change as one value: v before and after are encoded as JSON; nil stays null.
func AuditChange(action, kind, key string, before, after any) (Change, error) {
	c := Change{Action: action, Kind: kind, Key: key}
	for _, x := range []struct {
		from any
		to   *json.RawMessage
	}{{before, &c.Before}, {after, &c.After}} {
		if x.from == nil {
			continue
		}
		raw, err := json.Marshal(x.from)
		if err != nil {
			return c, err
		}
		if string(raw) != "null" {
			*x.to = raw
		}
	}
	return c, nil
}

// Audit writes changes of the configuration into the audit, in the transaction that makes them.
func Audit(ctx context.Context, tx execer, a Actor, changes ...Change) error {
	if len(changes) == 0 {
		return nil
	}
	role := ""
	if len(a.Bindings) > 0 {
		role = string(a.Bindings[0].Role)
	}
	for _, b := range a.Bindings {
		if b.Role == RoleTenantAdmin {
			role = string(b.Role)
		}
	}
	list, err := json.Marshal(changes)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into audit_event (district, id, actor, role, action, kind, key, before, after)
		select $1, yx_uuid7(), $2, $3, c.action, c.kind, c.key, c.before, c.after from jsonb_to_recordset($4::jsonb) c(action text, kind text, key text, before jsonb, after jsonb)`,
		a.District, a.ID(), role, string(list))
	return pg.Fault(err)
}

// Audited is one row of the audit; ActorName is empty for the program itself.
type Audited struct {
	ID uuid.UUID `json:"id"`
	At time.Time `json:"at"`
	Change
	Actor     string `json:"actor"`
	ActorName string `json:"actor_name"`
	Role      string `json:"role"`
}

// AuditFilter narrows AuditTrail; empty members do not.
type AuditFilter struct{ Kind, Key, Actor string }

// AuditTrail lists what was changed, newest first, for administrators and auditors.
func (s *Store) AuditTrail(ctx context.Context, a Actor, f AuditFilter, limit int, cursor string) (list []Audited, next string, err error) {
	if err := a.Need(PermAuditRead, "只有管理员和审计员可以查看变更记录"); err != nil {
		return nil, "", err
	}
	at, id := "infinity", uuid.Max
	if cursor != "" {
		raw, err := base64.RawURLEncoding.DecodeString(cursor)
		when, last, ok := strings.Cut(string(raw), "|")
		if err == nil && ok {
			id, err = uuid.Parse(last)
		}
		if _, parsed := time.Parse(time.RFC3339Nano, when); err != nil || !ok || parsed != nil {
			return nil, "", fault.Invalid("/cursor", "游标无效，请从第一页重新开始")
		}
		at = when
	}
	rows, err := s.db.Pool.Query(pg.WithDistrict(ctx, a.District), `
		select e.id, e.at, e.action, e.kind, e.key, e.before, e.after, e.actor, coalesce(w.display_name, ''), e.role
		from audit_event e left join account w on w.district = e.district and w.id::text = e.actor
		where e.district = $1 and ($2 = '' or e.kind = $2) and ($3 = '' or e.key = $3) and ($4 = '' or e.actor = $4) and (e.at, e.id) < ($5::timestamptz, $6::uuid)
		order by e.at desc, e.id desc limit $7`, a.District, f.Kind, f.Key, f.Actor, at, id, limit+1)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (x Audited, err error) {
		err = row.Scan(&x.ID, &x.At, &x.Action, &x.Kind, &x.Key, &x.Before, &x.After, &x.Actor, &x.ActorName, &x.Role)
		return x, err
	})
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	if len(list) > limit {
		list = list[:limit]
		last := list[limit-1]
		next = base64.RawURLEncoding.EncodeToString([]byte(last.At.UTC().Format(time.RFC3339Nano) + "|" + last.ID.String()))
	}
	return list, next, nil
}

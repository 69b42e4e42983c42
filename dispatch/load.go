package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
)

type loadKey struct {
	Case   uuid.UUID
	Report *uuid.UUID
}

type stored struct {
	Hash   Bytes           `json:"payload_hash"`
	Answer json.RawMessage `json:"answer"`
}

type loaded struct {
	Snapshot
	Idem *stored   `json:"idem"`
	Now  time.Time `json:"now"`
}

// loadSQL reads a case with everything a decision needs in one round trip. $1 district, $2 case, $3 actor,
// $4 idempotency key, $5 photos named by the command, $6 account, $7 device, $8 hash of a check-in code, $9 a person named by the command.
const loadSQL = `select jsonb_build_object(
 'case', to_jsonb(c),
 'assignments', (select coalesce(jsonb_agg(to_jsonb(x) order by x.received_at, x.id), '[]') from assignment x where x.district = c.district and x.case_id = c.id),
 'calls', (select coalesce(jsonb_agg(to_jsonb(x) order by x.called_at, x.id), '[]') from call x where x.district = c.district and x.case_id = c.id),
 'targets', (select coalesce(jsonb_agg(to_jsonb(x) order by x.is_lead desc, x.unit), '[]') from call_target x where x.district = c.district and x.case_id = c.id),
 'clocks', (select coalesce(jsonb_agg(to_jsonb(x) order by x.started_at, x.id), '[]') from sla_clock x where x.district = c.district and x.case_id = c.id),
 'returns', (select coalesce(jsonb_agg(to_jsonb(x) order by x.at), '[]') from case_return x where x.district = c.district and x.case_id = c.id),
 'requests', (select coalesce(jsonb_agg(to_jsonb(x) order by x.created_at), '[]') from case_request x where x.district = c.district and x.case_id = c.id),
 'handlers', (select coalesce(jsonb_agg(to_jsonb(x)), '[]') from case_handler x where x.district = c.district and x.case_id = c.id),
 'ratings', (select coalesce(jsonb_agg(to_jsonb(x) order by x.rated_at), '[]') from rating x where x.district = c.district and x.case_id = c.id),
 'parties', (select coalesce(jsonb_agg(to_jsonb(x)), '[]') from case_party x where x.district = c.district and x.case_id = c.id),
 'results', (select coalesce(jsonb_agg(to_jsonb(x) order by x.at), '[]') from case_result x where x.district = c.district and x.case_id = c.id),
 'reports', (select coalesce(jsonb_agg(jsonb_build_object('id', x.id, 'account_id', x.account_id, 'anonymous', x.anonymous, 'no_contact', x.no_contact, 'source', x.source, 'on_behalf', x.on_behalf, 'has_phone', exists (select from reporter_vault v where v.district = x.district and v.id = x.reporter_id and v.phone_enc is not null),
   'has_name', exists (select from reporter_vault v where v.district = x.district and v.id = x.reporter_id and v.name_enc is not null), 'words', x.text, 'facets', x.facets, 'alert', x.alert) order by x.received_at), '[]') from report x where x.district = c.district and x.case_id = c.id),
 'unit_ratings', (select coalesce(jsonb_agg(to_jsonb(x)), '[]') from unit_rating x where x.district = c.district and x.case_id = c.id),
 'followers', (select coalesce(jsonb_agg(to_jsonb(x) order by x.followed_at), '[]') from case_follower x where x.district = c.district and x.case_id = c.id),
 'callbacks', (select coalesce(jsonb_agg(to_jsonb(x) order by x.called_at, x.attempt), '[]') from callback x where x.district = c.district and x.case_id = c.id),
 'reveals', (select coalesce(jsonb_agg(to_jsonb(x) order by x.at), '[]') from reveal x where x.district = c.district and x.case_id = c.id and x.reason = 'CALLBACK'),
 'reveals_day', coalesce((select x.n from reveal_quota x where x.district = c.district and x.account_id = $6 and x.day = (yx_now() at time zone 'Asia/Shanghai')::date), 0),
 'photo_places', (select coalesce(jsonb_agg(jsonb_build_object('lon', x.lon, 'lat', x.lat)), '[]') from media x where x.district = c.district and x.id = any($5::text[]) and x.lon is not null),
 'component', (select jsonb_build_object('id', x.id, 'item', x.item, 'name', x.name, 'owner', x.owner_unit, 'maintainer', coalesce(nullif(x.maintainer_unit, ''), x.owner_unit)) from component x where x.district = c.district and x.id = c.component),
 'proposed', (select x.decision->'proposed' from case_route x where x.district = c.district and x.case_id = c.id order by x.seq desc limit 1),
 'qr', (select to_jsonb(x) from call_qr x where x.district = c.district and x.token_hash = $8 and x.case_id = c.id),
 'media_owned', (select count(distinct x.id) from media x where x.district = c.district and x.id = any($5::text[]) and (x.account_id = $6 or x.device = $7) and (x.case_id is null or x.case_id = c.id)),
 'last_urge', (select max(x.at) from case_event x where x.district = c.district and x.case_id = c.id and x.action = 'urge'),
 'idem', (select jsonb_build_object('payload_hash', x.payload_hash, 'answer', x.answer) from idempotency x where x.district = c.district and x.actor = $3 and x.key = $4),
 'people', (select coalesce(jsonb_agg(jsonb_build_object('id', w.id, 'name', w.display_name, 'active', w.disabled_at is null, 'bindings', (select coalesce(jsonb_agg(jsonb_build_object('role', b.role, 'unit', b.unit)), '[]') from role_binding b where b.district = w.district and b.account_id = w.id))), '[]')
   from (select $9::uuid as id union select x.handler from assignment x where x.district = c.district and x.case_id = c.id and x.handler is not null) h join account w on w.district = c.district and w.id = h.id and w.kind = 'STAFF'),
 'now', yx_now())
from cases c where c.district = $1 and c.id = $2`

// load reads the case if it is in the actor's scope; otherwise it is not there.
func (k *Desk) load(ctx context.Context, a auth.Actor, key loadKey, cmd *Command) (*loaded, error) {
	l, _, err := k.loadFor(ctx, a, key, cmd)
	return l, err
}

// loadFor is load with the master of a merge, which comes in the same trip; nil when there is none in the actor's scope.
func (k *Desk) loadFor(ctx context.Context, a auth.Actor, key loadKey, cmd *Command) (l, master *loaded, err error) {
	sql, args := loadSQL, []any{a.District, key.Case, a.ID(), nil, []string{}, a.Account, a.Device, nil, nil}
	if cmd != nil {
		if cmd.Key != "" {
			args[3] = cmd.Key
		}
		if cmd.Body.MediaIDs != nil {
			args[4] = cmd.Body.MediaIDs
		}
		if cmd.Body.QR != "" {
			args[7] = seal.TokenHash(cmd.Body.QR)
		}
		if id, err := uuid.Parse(cmd.Body.Account); err == nil && cmd.Action == ActAssign {
			args[8] = id
		}
		if id, err := uuid.Parse(cmd.Body.MasterCaseID); err == nil && cmd.Action == ActMerge && id != key.Case {
			args = append(args, id)
			sql = strings.Replace(sql, "c.id = $2", "c.id in ($2, $10)", 1)
		}
	}
	if key.Report == nil && a.Kind != auth.System {
		cond, more := scope(a, len(args)+1)
		sql += " and " + cond
		args = append(args, more...)
	}
	rows, err := k.db.Pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, nil, pg.Fault(err)
	}
	var raw []byte
	if _, err := pgx.ForEachRow(rows, []any{&raw}, func() error {
		one := &loaded{}
		if err := json.Unmarshal(raw, one); err != nil {
			return err
		}
		if one.Case.ID == key.Case {
			l = one
		} else {
			master = one
		}
		return nil
	}); err != nil {
		return nil, nil, pg.Fault(err)
	}
	if l == nil {
		return nil, nil, fault.NotFound()
	}
	return l, master, nil
}

// View loads a case for showing it.
func (k *Desk) View(ctx context.Context, a auth.Actor, caseID uuid.UUID) (*Outcome, error) {
	w := k.worlds.Get(a.District)
	if w == nil {
		return nil, fault.Unavailable(errors.New("no configuration of district " + a.District))
	}
	l, err := k.load(pg.WithDistrict(ctx, a.District), a, loadKey{Case: caseID}, nil)
	if err != nil {
		return nil, err
	}
	return &Outcome{Snapshot: &l.Snapshot, World: w, Now: l.Now}, nil
}

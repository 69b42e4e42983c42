package dispatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"yixian/dispatch/rule"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// ItemChange is a new version of an item. Base is the version it was made from, 0 for a new item. ValidFrom of the item nil
// is at once. A version in force ends where the new one begins; one planned for later stays.
type ItemChange struct {
	Item rule.Item
	Base int
	Note string
}

// PutItem makes a new version of an item or, with Base 0, a new item. Refused: a stale Base (409 STALE with the newest
// version), an item that exists (409 ITEM_EXISTS), a beginning in the past, a dead unit (422 UNIT_RETIRED), a full community
// access list (409 COMMUNITY_LIMIT).
func (k *Desk) PutItem(ctx context.Context, a auth.Actor, in ItemChange, once Once) (*CatalogVersion, error) {
	if err := mayConfigure(a); err != nil {
		return nil, err
	}
	w, err := k.configured(a.District)
	if err != nil {
		return nil, err
	}
	if err := w.prepare(&in.Item); err != nil {
		return nil, err
	}
	return changeCatalogue(ctx, k, a, once, func(ctx context.Context, tx pgx.Tx, now time.Time) (*CatalogVersion, error) {
		if err := checkBase(ctx, tx, &in); err != nil {
			return nil, err
		}
		if err := checkBegin(&in.Item, now); err != nil {
			return nil, err
		}
		if err := checkAccess(ctx, tx, a.District, []rule.Item{in.Item}, now); err != nil {
			return nil, err
		}
		return putOne(ctx, tx, a, in, accountOf(a), nil, now)
	})
}

func (k *Desk) configured(district string) (*World, error) {
	if w := k.worlds.Get(district); w != nil {
		return w, nil
	}
	return nil, fault.Unavailable(errors.New("no configuration of district " + district))
}

// prepare fills in what the catalogue knows itself and refuses what could not be routed here.
func (w *World) prepare(it *rule.Item) error {
	it.District, it.Active, it.Version = w.District, true, 0
	if len(it.Code) == 5 {
		it.Major = it.Code[:2]
		if zh, en := rule.MajorName(it.Major); zh != "" {
			it.MajorName, it.MajorNameEN = zh, en
		}
	}
	it.Normalize()
	if err := it.Check(); err != nil {
		return err
	}
	if it.MajorName == "" {
		return fault.Invalid("/major_name", "大类 %s 不是标准大类，请填写大类名称", it.Major)
	}
	if it.Area != "" {
		if a, ok := w.Index.ByCode(it.Area); !ok || a.District != w.District {
			return fault.Invalid("/area", "本区没有街镇或社区 %s", it.Area)
		}
	}
	return w.Rules.CheckItem(it)
}

func checkBegin(it *rule.Item, now time.Time) error {
	if it.ValidFrom == nil {
		it.ValidFrom = &now
	}
	switch {
	case it.ValidFrom.Before(now):
		return fault.Invalid("/valid_from", "不能早于现在：已按旧版立案的案件不会改变；立即生效请留空")
	case it.ValidTo != nil && !it.ValidFrom.Before(*it.ValidTo):
		return fault.Invalid("/valid_to", "应晚于生效时间")
	}
	return nil
}

// checkBase compares the version that a change was made from with the newest one.
func checkBase(ctx context.Context, tx pgx.Tx, in *ItemChange) error {
	var latest *int
	var living, district bool
	var begun *time.Time
	err := tx.QueryRow(ctx, `select max(version) filter (where area = $4), coalesce(bool_or(area = $4 and (valid_to is null or valid_to > yx_now())), false), coalesce(bool_or(area = '' and (valid_to is null or valid_to > yx_now())), false),
		max(valid_from) filter (where area = $4 and version = $5 and valid_from < yx_now()) from catalog_item where district = $1 and kind = $2 and code = $3 and active`, in.Item.District, in.Item.Kind, in.Item.Code, in.Item.Area, in.Base).Scan(&latest, &living, &district, &begun)
	switch {
	case err != nil:
		return err
	case in.Base == 0 && living:
		return fault.Conflict("ITEM_EXISTS", "%s 已在清单中，请在最新一版的基础上修改", in.Item.Code).With("version", *latest)
	case in.Base != 0 && latest == nil:
		return fault.NotFound()
	case in.Base != 0 && *latest != in.Base:
		return fault.Conflict("STALE", "%s 已有第 %d 版，请刷新后再修改", in.Item.Code, *latest).With("version", *latest)
	case in.Item.Area != "" && !district:
		return fault.Invalid("/area", "%s 还没有全区条目，请先建立全区条目", in.Item.Code)
	}
	if begun != nil && in.Item.ValidFrom != nil && begun.Equal(*in.Item.ValidFrom) {
		in.Item.ValidFrom = nil // sent back as it was read: no new instant is meant
	}
	return nil
}

// putSQL ends what the new versions replace and writes them. $2 is an array of {item, note, valid_from, valid_to}; $3 maker,
// $4 approver, $5 now. A version without an end ends where one that is planned for later begins.
const endSQL = `update catalog_item i set valid_to = n.valid_from from jsonb_to_recordset($2::jsonb) n(kind text, code text, area text, valid_from timestamptz)
where i.district = $1 and i.kind = n.kind and i.code = n.code and i.area = n.area and i.active and i.valid_from <= n.valid_from and (i.valid_to is null or i.valid_to > n.valid_from)`

const putSQL = `insert into catalog_item (district, standard, kind, code, area, version, active, valid_from, valid_to, body, made_at, made_by, approved_by, note)
select $1, n.item->>'standard', n.kind, n.code, n.area, v.version, true, n.valid_from,
  least(n.valid_to, (select min(o.valid_from) from catalog_item o where o.district = $1 and o.kind = n.kind and o.code = n.code and o.area = n.area and o.active and o.valid_from > n.valid_from and o.valid_to is distinct from o.valid_from)),
  n.item || jsonb_build_object('version', v.version), $5, $3, $4, n.note
from jsonb_to_recordset($2::jsonb) n(kind text, code text, area text, valid_from timestamptz, valid_to timestamptz, item jsonb, note text)
cross join lateral (select coalesce((select max(o.version) from catalog_item o where o.district = $1 and o.kind = n.kind and o.code = n.code), 0)
  + (select count(*) from jsonb_to_recordset($2::jsonb) m(kind text, code text, area text) where m.kind = n.kind and m.code = n.code and m.area <= n.area)::int as version) v`

// newVersion is a row of putSQL.
type newVersion struct {
	Kind      rule.Kind  `json:"kind"`
	Code      string     `json:"code"`
	Area      string     `json:"area"`
	ValidFrom time.Time  `json:"valid_from"`
	ValidTo   *time.Time `json:"valid_to"`
	Item      rule.Item  `json:"item"`
	Note      string     `json:"note"`
}

// putItems writes new versions of different items in two statements, however many there are.
func putItems(ctx context.Context, tx pgx.Tx, district string, list []ItemChange, by, approved *uuid.UUID, now time.Time) error {
	rows := make([]newVersion, 0, len(list))
	for i := range list {
		it := list[i].Item
		row := newVersion{it.Kind, it.Code, it.Area, *it.ValidFrom, it.ValidTo, it, list[i].Note}
		row.Item.ValidFrom, row.Item.ValidTo = nil, nil // the columns say it
		rows = append(rows, row)
	}
	body, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, endSQL, district, string(body)); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, putSQL, district, string(body), by, approved, now)
	return err
}

// putOne writes one new version with its row of the audit; approver is set when a second person agreed.
func putOne(ctx context.Context, tx pgx.Tx, a auth.Actor, in ItemChange, by *uuid.UUID, approver *uuid.UUID, now time.Time) (*CatalogVersion, error) {
	was, err := newest(ctx, tx, a.District, in.Item.Kind, in.Item.Code, in.Item.Area)
	if err != nil {
		return nil, err
	}
	if err := putItems(ctx, tx, a.District, []ItemChange{in}, by, approver, now); err != nil {
		return nil, err
	}
	v, err := newest(ctx, tx, a.District, in.Item.Kind, in.Item.Code, in.Item.Area)
	if err != nil {
		return nil, err
	}
	return v, auditItem(ctx, tx, a, "change", was, v)
}

// auditItem tells what an administrator did to an item; was is nil for a new one.
func auditItem(ctx context.Context, tx pgx.Tx, a auth.Actor, action string, was, v *CatalogVersion) error {
	var before any
	if was == nil {
		action = "create"
	} else {
		before = was.Item
	}
	key := string(v.Kind) + " " + v.Code
	if v.Area != "" {
		key += " " + v.Area
	}
	row, err := auth.AuditChange(action, "catalog", key, before, v.Item)
	if err != nil {
		return err
	}
	return auth.Audit(ctx, tx, a, row)
}

// newest is the newest version of an item in its area; nil when there is none.
func newest(ctx context.Context, tx pgx.Tx, district string, kind rule.Kind, code, area string) (*CatalogVersion, error) {
	rows, err := tx.Query(ctx, versionSQL+"and i.kind = $2 and i.code = $3 and i.area = $4 order by i.active desc, i.version desc limit 1", district, kind, code, area)
	if err != nil {
		return nil, err
	}
	v, err := pgx.CollectExactlyOneRow(rows, scanVersion)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return &v, err
}

// changeCatalogue runs a change with the district's catalogue to itself and takes it into force in this process; the others
// load it within a second. A repeated request gets its first answer.
func changeCatalogue[T any](ctx context.Context, k *Desk, a auth.Actor, once Once, do func(ctx context.Context, tx pgx.Tx, now time.Time) (*T, error)) (v *T, err error) {
	ctx = pg.WithDistrict(ctx, a.District)
	err = pgx.BeginFunc(ctx, k.db.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended('catalogue:' || $1, 0))", a.District); err != nil {
			return err
		}
		answer, err := first(ctx, tx, a, once)
		if err != nil {
			return err
		}
		if answer != nil {
			return json.Unmarshal(answer, &v)
		}
		var now time.Time
		if err := tx.QueryRow(ctx, "select yx_now()").Scan(&now); err != nil {
			return err
		}
		if v, err = do(ctx, tx, now); err != nil {
			return err
		}
		return remember(ctx, tx, a, once, v)
	})
	switch {
	case excluded(err):
		return nil, fault.Conflict("TWO_LEADS", "同一事项在同一范围、同一时间只能有一个主办条目，请检查生效时间")
	case constraint(err) == "catalog_item_version" || constraint(err) == "catalog_item_pkey":
		return nil, fault.Conflict("STALE", "清单刚被他人修改，请刷新后再试")
	case err != nil:
		return nil, pg.Fault(err)
	}
	return v, pg.Fault(k.worlds.Load(context.WithoutCancel(ctx)))
}

// remember stores an answer with the key of its request.
func remember(ctx context.Context, tx pgx.Tx, a auth.Actor, once Once, answer any) error {
	if once.Key == "" {
		return nil
	}
	raw, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "insert into idempotency (district, actor, key, payload_hash, status, answer) values ($1, $2, $3, $4, 200, $5::jsonb)", a.District, a.ID(), once.Key, once.Hash, string(raw))
	return err
}

// excluded: an exclusion constraint refused the row.
func excluded(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && pe.Code == "23P01"
}

// sameItem reports whether two versions say the same, their validity and number aside.
func sameItem(a, b rule.Item) bool {
	return bytes.Equal(said(a), said(b))
}

func said(it rule.Item) []byte {
	it.District, it.Version, it.Active, it.ValidFrom, it.ValidTo = "", 0, true, nil, nil
	it.Normalize()
	raw, _ := json.Marshal(it) // plain data always encodes
	return raw
}

// Retire ends an item in its area: at once when at is nil. Versions planned for later are taken back. The district's item
// cannot end before those of its streets and communities (409 LOCAL_ITEMS).
func (k *Desk) Retire(ctx context.Context, a auth.Actor, kind rule.Kind, code, area string, base int, at *time.Time, once Once) (*CatalogVersion, error) {
	if base < 1 {
		return nil, fault.Invalid("/version", "请给出当前最新的版本号")
	}
	return k.endVersion(ctx, a, "retire", kind, code, area, base, once, func(ctx context.Context, tx pgx.Tx, now time.Time) error {
		end := now
		if at != nil {
			end = *at
		}
		if end.Before(now) {
			return fault.Invalid("/valid_to", "不能早于现在")
		}
		if area == "" {
			var local bool
			if err := tx.QueryRow(ctx, "select exists (select from catalog_item where district = $1 and kind = $2 and code = $3 and area <> '' and active and (valid_to is null or valid_to > $4))", a.District, kind, code, end).Scan(&local); err != nil {
				return err
			}
			if local {
				return fault.Conflict("LOCAL_ITEMS", "%s 还有街镇或社区条目，请先停用它们", code)
			}
		}
		if _, err := tx.Exec(ctx, "update catalog_item set active = false where district = $1 and kind = $2 and code = $3 and area = $4 and active and valid_from > $5 and valid_from >= $6", a.District, kind, code, area, now, end); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, "update catalog_item set valid_to = $5 where district = $1 and kind = $2 and code = $3 and area = $4 and active and valid_from <= $5 and (valid_to is null or valid_to > $5)", a.District, kind, code, area, end)
		if err == nil && tag.RowsAffected() == 0 {
			return fault.Conflict("ENDED", "%s 已停用", code)
		}
		return err
	})
}

// Withdraw takes back a version while it is still ahead; the one before goes on.
func (k *Desk) Withdraw(ctx context.Context, a auth.Actor, kind rule.Kind, code, area string, version int, once Once) (*CatalogVersion, error) {
	return k.endVersion(ctx, a, "withdraw", kind, code, area, 0, once, func(ctx context.Context, tx pgx.Tx, _ time.Time) error {
		var from time.Time
		var to *time.Time
		err := tx.QueryRow(ctx, "update catalog_item set active = false where district = $1 and kind = $2 and code = $3 and area = $4 and version = $5 and active and valid_from > yx_now() returning valid_from, valid_to", a.District, kind, code, area, version).Scan(&from, &to)
		if errors.Is(err, pgx.ErrNoRows) {
			return fault.Conflict("IN_FORCE", "没有尚未生效的第 %d 版：已生效的版本不能撤回，请修改或停用", version)
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "update catalog_item set valid_to = $6 where district = $1 and kind = $2 and code = $3 and area = $4 and active and valid_to = $5 and valid_from < $5", a.District, kind, code, area, from, to)
		return err
	})
}

// endVersion is a change that writes no new version; base, unless it is 0, must be the newest one.
func (k *Desk) endVersion(ctx context.Context, a auth.Actor, action string, kind rule.Kind, code, area string, base int, once Once, do func(context.Context, pgx.Tx, time.Time) error) (*CatalogVersion, error) {
	if err := mayConfigure(a); err != nil {
		return nil, err
	}
	if !slices.Contains([]rule.Kind{rule.KindMatter, rule.KindComponent}, kind) {
		return nil, fault.Invalid("/kind", "应为 component（部件）或 matter（事项）")
	}
	return changeCatalogue(ctx, k, a, once, func(ctx context.Context, tx pgx.Tx, now time.Time) (*CatalogVersion, error) {
		in := ItemChange{Item: rule.Item{District: a.District, Kind: kind, Code: code}, Base: base}
		in.Item.Area = area
		if base != 0 {
			if err := checkBase(ctx, tx, &in); err != nil {
				return nil, err
			}
		}
		was, err := newest(ctx, tx, a.District, kind, code, area)
		if err != nil {
			return nil, err
		}
		if was == nil {
			return nil, fault.NotFound()
		}
		if err := do(ctx, tx, now); err != nil {
			return nil, err
		}
		v, err := newest(ctx, tx, a.District, kind, code, area)
		if err != nil {
			return nil, err
		}
		return v, auditItem(ctx, tx, a, action, was, v)
	})
}

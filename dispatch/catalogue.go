package dispatch

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/dispatch/rule"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// CatalogVersion is one version of an item with its maker. MadeBy is empty for what came with the first load; ApprovedBy is
// who let an item onto a full community access list.
type CatalogVersion struct {
	rule.Item
	MadeAt     time.Time
	MadeBy     string
	ApprovedBy string
	Note       string
	Latest     int // the newest version of the item in its area: what a change must name
}

// CatalogFilter narrows Catalogue; empty members do not. State is in_force (the default), upcoming or ended.
type CatalogFilter struct {
	Query, Kind, Level, Major, Area, State string
}

// versionSQL is a version with the names of its people.
const versionSQL = "select " + catalogColumns + `, i.made_at, coalesce(m.display_name, ''), coalesce(p.display_name, ''), i.note,
  (select max(l.version) from catalog_item l where l.district = i.district and l.kind = i.kind and l.code = i.code and l.area = i.area and l.active)
from catalog_item i left join account m on m.district = i.district and m.id = i.made_by left join account p on p.district = i.district and p.id = i.approved_by
where i.district = $1 `

func scanVersion(row pgx.CollectableRow) (v CatalogVersion, err error) {
	var latest *int
	v.Item, err = scanItem(tail{row, []any{&v.MadeAt, &v.MadeBy, &v.ApprovedBy, &v.Note, &latest}})
	if latest != nil {
		v.Latest = *latest
	}
	return v, err
}

// tail is a row whose first columns somebody else reads.
type tail struct {
	pgx.CollectableRow
	rest []any
}

func (t tail) Scan(dest ...any) error { return t.CollectableRow.Scan(append(dest, t.rest...)...) }

// mayConfigure is the first line of everything an administrator does with the catalogue.
func mayConfigure(a auth.Actor) error {
	if a.Kind == auth.System {
		return nil // a command on the machine itself
	}
	return a.Need(auth.PermAdmin, "只有本区管理员可以维护责任清单")
}

// Catalogue is one page of items by code, with the version that the filter's state asks for.
func (k *Desk) Catalogue(ctx context.Context, a auth.Actor, f CatalogFilter, limit int, cursor string) (list []CatalogVersion, next string, err error) {
	if err := mayConfigure(a); err != nil {
		return nil, "", err
	}
	var last [3]string
	if cursor != "" {
		if last, err = readKey(cursor); err != nil {
			return nil, "", err
		}
	}
	if f.State == "" {
		f.State = "in_force"
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), versionSQL+`and i.active
  and case $2 when 'upcoming' then i.valid_from > yx_now() and i.valid_to is distinct from i.valid_from
      when 'ended' then i.valid_to <= yx_now() and not exists (select from catalog_item l where l.district = i.district and l.kind = i.kind and l.code = i.code and l.area = i.area and l.active and l.version > i.version)
      else i.valid_from <= yx_now() and (i.valid_to is null or i.valid_to > yx_now()) end
  and ($3 = '' or position($3 in lower(i.code || ' ' || (i.body->>'name') || ' ' || (i.body->>'name_en') || ' ' || coalesce(i.body->>'synonyms', ''))) > 0)
  and ($4 = '' or i.kind = $4) and ($5 = '' or i.body->>'level' = $5) and ($6 = '' or left(i.code, 2) = $6) and ($7 = '' or i.area = $7)
  and (i.code, i.kind, i.area) > ($8, $9, $10)
order by i.code, i.kind, i.area, i.version limit $11`,
		a.District, f.State, strings.ToLower(strings.TrimSpace(f.Query)), f.Kind, f.Level, f.Major, f.Area, last[0], last[1], last[2], limit+1)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	if list, err = pgx.CollectRows(rows, scanVersion); err != nil {
		return nil, "", pg.Fault(err)
	}
	if len(list) > limit {
		list = list[:limit]
		e := &list[limit-1]
		next = writeKey(e.Code, string(e.Kind), e.Area)
	}
	return list, next, nil
}

// Versions lists every version of a code, newest first: also those that are over and those taken back. kind "" is both.
func (k *Desk) Versions(ctx context.Context, a auth.Actor, kind, code string) ([]CatalogVersion, error) {
	if err := mayConfigure(a); err != nil {
		return nil, err
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), versionSQL+"and i.code = $2 and ($3 = '' or i.kind = $3) order by i.kind desc, i.version desc", a.District, code, kind)
	if err != nil {
		return nil, pg.Fault(err)
	}
	list, err := pgx.CollectRows(rows, scanVersion)
	if err == nil && len(list) == 0 {
		return nil, fault.NotFound()
	}
	return list, pg.Fault(err)
}

func writeKey(parts ...string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join(parts, "|")))
}

func readKey(s string) (key [3]string, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	parts := strings.Split(string(raw), "|")
	if err != nil || len(parts) != 3 {
		return key, fault.Invalid("/cursor", "游标无效，请从第一页重新开始")
	}
	return [3]string(parts), nil
}

// CatalogRequest is what a second person decides: an item that the community access list has no room for (ITEM), or
// another limit of that list (LIMIT).
type CatalogRequest struct {
	ID          uuid.UUID
	Kind        string
	Body        requested
	Reason      string
	State       string
	RequestedBy uuid.UUID
	Requester   string
	RequestedAt time.Time
	Decider     string
	DecidedAt   *time.Time
	Answer      string
}

// requested is the body of a request: Item with the version it was made from and its remark, or Limit.
type requested struct {
	Item  *rule.Item `json:"item,omitempty"`
	Base  int        `json:"base,omitempty"`
	Note  string     `json:"note,omitempty"`
	Limit int        `json:"limit,omitempty"`
}

const requestSQL = `select r.id, r.kind, r.body, r.reason, r.state, r.requested_by, coalesce(m.display_name, ''), r.requested_at, coalesce(p.display_name, ''), r.decided_at, r.answer
from catalog_request r left join account m on m.district = r.district and m.id = r.requested_by left join account p on p.district = r.district and p.id = r.decided_by where r.district = $1 `

// defaultCommunityLimit is how many matters a community may be asked to finish (domain 0: cut from 106 to 34).
const defaultCommunityLimit = 34

// AccessList is what communities may be asked to do: matters of level COMMUNITY that are in force or will be.
type AccessList struct {
	Limit int
	Items []CatalogVersion
}

// Access is the community access list with its limit.
func (k *Desk) Access(ctx context.Context, a auth.Actor) (*AccessList, error) {
	if err := mayConfigure(a); err != nil {
		return nil, err
	}
	ctx = pg.WithDistrict(ctx, a.District)
	var out AccessList
	var err error
	if out.Limit, err = communityLimit(ctx, k.db.Pool, a.District); err != nil {
		return nil, pg.Fault(err)
	}
	rows, err := k.db.Pool.Query(ctx, versionSQL+"and i.active and i.kind = 'matter' and i.body->>'level' = 'COMMUNITY' and (i.valid_to is null or i.valid_to > yx_now()) order by i.code, i.area, i.version", a.District)
	if err != nil {
		return nil, pg.Fault(err)
	}
	out.Items, err = pgx.CollectRows(rows, scanVersion)
	return &out, pg.Fault(err)
}

func communityLimit(ctx context.Context, q querier, district string) (n int, err error) {
	err = q.QueryRow(ctx, "select coalesce((settings->>'community_items')::int, $2) from tenant where district = $1", district, defaultCommunityLimit).Scan(&n)
	if errors.Is(err, pgx.ErrNoRows) {
		return defaultCommunityLimit, nil
	}
	return n, err
}

package grid

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// The states of a version at an instant.
const (
	StateInForce = "in_force"
	StatePlanned = "planned"
	StateEnded   = "ended"
)

// StateAt tells where a version stands.
func (a *Area) StateAt(at time.Time) string {
	switch {
	case a.ValidAt(at):
		return StateInForce
	case at.Before(a.ValidFrom) && (a.ValidTo == nil || a.ValidTo.After(a.ValidFrom)):
		return StatePlanned
	}
	return StateEnded
}

// Filter narrows Versions. Empty members do not, but State is in force when empty and "all" for all.
type Filter struct{ Level, Parent, State, Code string }

func mayRead(a auth.Actor) error {
	if ok, signedIn := a.May(auth.PermAdmin); !ok {
		if !signedIn {
			return fault.Unauthorized()
		}
		return fault.Forbidden("FORBIDDEN", "您没有使用该功能的权限")
	}
	return nil
}

// Versions lists versions by code, the newest of each first. now is the instant that their states are told for.
func (m *Maps) Versions(ctx context.Context, a auth.Actor, f Filter, limit int, cursor string) (list []Area, now time.Time, next string, err error) {
	if err := mayRead(a); err != nil {
		return nil, now, "", err
	}
	ctx = pg.WithDistrict(ctx, a.District)
	after, version := "", 0
	if cursor != "" {
		raw, err := base64.RawURLEncoding.DecodeString(cursor)
		code, number, ok := strings.Cut(string(raw), ".")
		if version, _ = strconv.Atoi(number); err != nil || !ok || version < 1 {
			return nil, now, "", fault.Invalid("/cursor", "游标无效")
		}
		after = code
	}
	if err := m.db.Pool.QueryRow(ctx, "select yx_now()").Scan(&now); err != nil {
		return nil, now, "", pg.Fault(err)
	}
	state := f.State
	if state == "" {
		state = StateInForce
	}
	list, err = readAreas(ctx, m.db.Pool, areasSQL+` where a.district = $1 and ($2 = '' or a.level = $2) and ($3 = '' or a.parent = $3) and ($4 = '' or a.code = $4)
		and case $5 when 'in_force' then a.valid_from <= $6 and (a.valid_to is null or a.valid_to > $6)
		            when 'planned' then a.valid_from > $6 and (a.valid_to is null or a.valid_to > a.valid_from)
		            when 'ended' then a.valid_to <= $6 or a.valid_to = a.valid_from else true end
		and ($7 = '' or a.code > $7 or a.code = $7 and a.version < $8)
		order by a.code, a.version desc limit $9`, a.District, f.Level, f.Parent, f.Code, state, now, after, version, limit+1)
	if err != nil {
		return nil, now, "", pg.Fault(err)
	}
	if len(list) > limit {
		list = list[:limit]
		last := list[limit-1]
		next = base64.RawURLEncoding.EncodeToString([]byte(last.Code + "." + strconv.Itoa(last.Version)))
	}
	return list, now, next, nil
}

// MapChange is one row of area_change.
type MapChange struct {
	ID            uuid.UUID
	Kind          string
	At, Effective time.Time
	Actor, Name   string
	Note          string
	Report        Report
}

// Changes lists what was changed, newest first.
func (m *Maps) Changes(ctx context.Context, a auth.Actor, limit int, cursor string) (list []MapChange, next string, err error) {
	if err := mayRead(a); err != nil {
		return nil, "", err
	}
	before, id := time.Time{}, uuid.Nil
	if cursor != "" {
		raw, err := base64.RawURLEncoding.DecodeString(cursor)
		at, key, ok := strings.Cut(string(raw), " ")
		if err == nil && ok {
			if before, err = time.Parse(time.RFC3339Nano, at); err == nil {
				id, err = uuid.Parse(key)
			}
		}
		if err != nil || !ok {
			return nil, "", fault.Invalid("/cursor", "游标无效")
		}
	}
	rows, err := m.db.Pool.Query(pg.WithDistrict(ctx, a.District), `select c.id, c.kind, c.at, c.effective, c.actor, coalesce(w.display_name, ''), c.note, c.report
		from area_change c left join account w on w.district = c.district and w.id::text = c.actor
		where c.district = $1 and ($2 or (c.at, c.id) < ($3, $4)) order by c.at desc, c.id desc limit $5`, a.District, cursor == "", before, id, limit+1)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c MapChange, err error) {
		var raw []byte
		if err = row.Scan(&c.ID, &c.Kind, &c.At, &c.Effective, &c.Actor, &c.Name, &c.Note, &raw); err == nil {
			err = json.Unmarshal(raw, &c.Report)
		}
		return c, err
	})
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	if len(list) > limit {
		list = list[:limit]
		last := list[limit-1]
		next = base64.RawURLEncoding.EncodeToString([]byte(last.At.UTC().Format(time.RFC3339Nano) + " " + last.ID.String()))
	}
	return list, next, nil
}

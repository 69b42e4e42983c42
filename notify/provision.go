package notify

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// Setup is a provider, a chat group or a webhook as a district has set it up. Secrets in Settings are never answered.
type Setup struct {
	ID       uuid.UUID
	Sort     string // provider, group, webhook
	Name     string
	Channel  string
	Kind     string
	Unit     string     // of a group
	Partner  *uuid.UUID // of a webhook: whose cases; nil: all
	Position int
	Active   bool
	Settings Settings
}

// Sorts of a Setup.
const (
	SortProvider = "provider"
	SortGroup    = "group"
	SortWebhook  = "webhook"
)

var setupSQL = map[string]string{
	SortProvider: "select id, name, channel, kind, '', null::uuid, position, active, settings_enc from channel_provider where district = $1 and ($2::uuid is null or id = $2) order by channel, position, id",
	SortGroup:    "select id, name, 'GROUP', kind, unit, null::uuid, 0, active, settings_enc from notice_group where district = $1 and ($2::uuid is null or id = $2) order by unit, id",
	SortWebhook:  "select id, name, 'WEBHOOK', 'webhook', '', partner_id, 0, active, settings_enc from webhook where district = $1 and ($2::uuid is null or id = $2) order by name",
}

// Setups lists what a district has set up of one sort, secrets left out.
func (p *Post) Setups(ctx context.Context, db *pg.DB, district, sort string) ([]Setup, error) {
	list, err := p.setups(pg.WithDistrict(ctx, district), db.Pool, district, sort, nil)
	if err != nil {
		return nil, pg.Fault(err)
	}
	for i := range list {
		list[i].Settings = p.open(&list[i])
	}
	return list, nil
}

// open gives the settings without their secrets; a secret that is set reads "set".
func (p *Post) open(s *Setup) Settings {
	out := Settings{}
	k, ok := p.c.Providers.kind(s.Kind)
	if !ok {
		return out
	}
	for _, f := range k.Fields {
		switch v := s.Settings[f.Name]; {
		case v == "":
		case f.Type == FieldSecret:
			out[f.Name] = secretSet
		default:
			out[f.Name] = v
		}
	}
	return out
}

// secretSet stands for a secret that is kept: sent back unchanged, it keeps it.
const secretSet = "******"

func (p *Post) setups(ctx context.Context, q querier, district, sort string, id *uuid.UUID) ([]Setup, error) {
	rows, err := q.Query(ctx, setupSQL[sort], district, id)
	if err != nil {
		return nil, err
	}
	out := []Setup{}
	s := Setup{Sort: sort}
	var sealed []byte
	_, err = pgx.ForEachRow(rows, []any{&s.ID, &s.Name, &s.Channel, &s.Kind, &s.Unit, &s.Partner, &s.Position, &s.Active, &sealed}, func() error {
		var err error
		if s.Settings, err = p.c.Providers.settings(district, sealed); err != nil {
			s.Settings = Settings{} // sealed by a key that is gone: it can be typed in anew
		}
		out = append(out, s)
		s.Partner = nil
		return nil
	})
	return out, err
}

// Save creates (zero ID) or changes a setup. Settings are tried before they are kept: what cannot work is 422 BAD_SETTINGS.
func (p *Post) Save(ctx context.Context, db *pg.DB, a auth.Actor, s Setup) (uuid.UUID, error) {
	k, ok := p.c.Providers.kind(s.Kind)
	if !ok || (k.Channel == Group) != (s.Sort == SortGroup) || (k.Channel == Webhook) != (s.Sort == SortWebhook) {
		return s.ID, fault.Invalid("/kind", "没有这种服务商")
	}
	if s.Name = strings.TrimSpace(s.Name); s.Name == "" || len([]rune(s.Name)) > 60 {
		return s.ID, fault.Invalid("/name", "应为 1 到 60 字的名称")
	}
	fresh := s.ID == uuid.Nil
	err := p.change(ctx, db, a, func(ctx context.Context, tx pgx.Tx) error {
		var before *Setup
		if fresh {
			s.ID = uuid.Must(uuid.NewV7())
		} else {
			list, err := p.setups(ctx, tx, a.District, s.Sort, &s.ID)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				return fault.NotFound()
			}
			before = &list[0]
			for name, v := range s.Settings {
				if v == secretSet {
					s.Settings[name] = before.Settings[name]
				}
			}
		}
		if err := p.checkSettings(ctx, tx, a.District, k, &s); err != nil {
			return err
		}
		raw, err := json.Marshal(map[string]string(s.Settings))
		if err != nil {
			return err
		}
		sealed, err := p.c.Keys.Seal(a.District, fieldSettings, string(raw))
		if err != nil {
			return err
		}
		if err := put(ctx, tx, a.District, &s, k.Channel, sealed); err != nil {
			return err
		}
		after := s
		after.Settings = p.open(&s)
		if before != nil {
			before.Settings = p.open(before)
		}
		return audit(ctx, tx, a, s.Sort, s.ID.String(), before, after)
	})
	return s.ID, err
}

func (p *Post) checkSettings(ctx context.Context, tx pgx.Tx, district string, k Kind, s *Setup) error {
	names := map[string]bool{}
	for _, f := range k.Fields {
		if names[f.Name] = true; f.Required && strings.TrimSpace(s.Settings[f.Name]) == "" {
			return fault.Invalid("/settings/"+f.Name, "%s必填", f.Chinese)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Settings)) {
		if !names[name] {
			return fault.Invalid("/settings/"+name, "不认识的设置")
		}
	}
	if s.Sort == SortWebhook {
		u, err := url.Parse(s.Settings["url"])
		if err != nil || u.Hostname() == "" {
			return fault.Invalid("/settings/url", "应为 https 地址")
		}
		var listed bool
		if err := tx.QueryRow(ctx, "select coalesce((select $2 = any(webhook_hosts) from notice_setting where district = $1), false)", district, u.Hostname()).Scan(&listed); err != nil {
			return err
		}
		if !listed {
			return fault.Invalid("/settings/url", "主机 %s 不在允许名单中：请先在通知设置的 webhook_hosts 中加入", u.Hostname())
		}
	}
	if _, err := k.Open(s.Settings); err != nil {
		return fault.New(422, "BAD_SETTINGS", "设置无法使用：%s", err.Error()).At("/settings", "%s", err.Error())
	}
	return nil
}

func put(ctx context.Context, tx pgx.Tx, district string, s *Setup, channel string, sealed []byte) (err error) {
	switch s.Sort {
	case SortProvider:
		_, err = tx.Exec(ctx, `insert into channel_provider (district, id, name, channel, kind, position, active, settings_enc) values ($1, $2, $3, $4, $5, $6, $7, $8)
			on conflict (district, id) do update set name = excluded.name, position = excluded.position, active = excluded.active, kind = excluded.kind, channel = excluded.channel, settings_enc = excluded.settings_enc, updated_at = yx_now()`,
			district, s.ID, s.Name, channel, s.Kind, s.Position, s.Active, sealed)
	case SortGroup:
		_, err = tx.Exec(ctx, `insert into notice_group (district, id, unit, name, kind, active, settings_enc) values ($1, $2, $3, $4, $5, $6, $7)
			on conflict (district, id) do update set unit = excluded.unit, name = excluded.name, kind = excluded.kind, active = excluded.active, settings_enc = excluded.settings_enc`,
			district, s.ID, s.Unit, s.Name, s.Kind, s.Active, sealed)
	default:
		u, _ := url.Parse(s.Settings["url"])
		_, err = tx.Exec(ctx, `insert into webhook (district, id, name, host, partner_id, active, settings_enc) values ($1, $2, $3, $4, $5, $6, $7)
			on conflict (district, id) do update set name = excluded.name, host = excluded.host, partner_id = excluded.partner_id, active = excluded.active, settings_enc = excluded.settings_enc, updated_at = yx_now()`,
			district, s.ID, s.Name, u.Hostname(), s.Partner, s.Active, sealed)
	}
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "foreign key"):
		return fault.Invalid(map[string]string{SortGroup: "/unit", SortWebhook: "/partner"}[s.Sort], "没有这个单位或合作方")
	case strings.Contains(err.Error(), "unique"):
		return fault.Conflict("NAME_TAKEN", "已有同名的设置，请换一个名称")
	}
	return err
}

// Remove takes a setup out of use for good; messages that waited for it park visibly.
func (p *Post) Remove(ctx context.Context, db *pg.DB, a auth.Actor, sort string, id uuid.UUID) error {
	table := map[string]string{SortProvider: "channel_provider", SortGroup: "notice_group", SortWebhook: "webhook"}[sort]
	return p.change(ctx, db, a, func(ctx context.Context, tx pgx.Tx) error {
		var name string
		err := tx.QueryRow(ctx, "delete from "+table+" where district = $1 and id = $2 returning name", a.District, id).Scan(&name)
		if errors.Is(err, pgx.ErrNoRows) {
			return fault.NotFound()
		}
		if err != nil {
			return err
		}
		return audit(ctx, tx, a, sort, id.String(), map[string]string{"name": name}, nil)
	})
}

// Try sends one harmless text by a provider to an address that the administrator names, at once and outside of any queue: it
// says whether the settings work. 502 PROVIDER_FAILED with the provider's reason when they do not.
func (p *Post) Try(ctx context.Context, db *pg.DB, a auth.Actor, sort string, id uuid.UUID, to string) error {
	if err := a.Need(auth.PermAdmin, "只有管理员可以更改通知设置"); err != nil {
		return err
	}
	list, err := p.setups(pg.WithDistrict(ctx, a.District), db.Pool, a.District, sort, &id)
	switch {
	case err != nil:
		return pg.Fault(err)
	case len(list) == 0:
		return fault.NotFound()
	}
	s := list[0]
	if (s.Channel == SMS || s.Channel == Voice) && !mobile.MatchString(to) {
		return fault.Invalid("/to", "应为手机号")
	}
	k, _ := p.c.Providers.kind(s.Kind)
	c, err := k.Open(s.Settings)
	if err == nil {
		m := Outgoing{ID: uuid.Must(uuid.NewV7()), To: to, Title: "通道测试", Text: "这是一条通道测试消息，无需处理。", Template: "*"}
		if s.Channel == Webhook {
			m.Text = `{"kind":"test"}`
		}
		if _, err = c.Send(ctx, m); err != nil {
			err = errors.New(safeReason(err, m))
		}
	}
	if err != nil {
		return fault.New(502, "PROVIDER_FAILED", "测试未成功：%s", err.Error())
	}
	return nil
}

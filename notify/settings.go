package notify

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// audit is one change of the district's way of telling people; secrets are left out of before and after by whoever calls.
func audit(ctx context.Context, tx pgx.Tx, a auth.Actor, what, thing string, before, after any) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	b, err := json.Marshal(before)
	if err != nil {
		return err
	}
	f, err := json.Marshal(after)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "insert into notice_change (district, id, actor, what, thing, before, after) values ($1, $2, $3, $4, $5, $6, $7)", a.District, id, a.ID(), what, thing, b, f)
	return err
}

// change is one change by an administrator: permission first, then one transaction with its audit row and a new version of
// the district's policy.
func (p *Post) change(ctx context.Context, db *pg.DB, a auth.Actor, do func(context.Context, pgx.Tx) error) error {
	if err := a.Need(auth.PermAdmin, "只有管理员可以更改通知设置"); err != nil {
		return err
	}
	ctx = pg.WithDistrict(ctx, a.District)
	err := pgx.BeginFunc(ctx, db.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `insert into notice_setting (district, version) values ($1, (extract(epoch from clock_timestamp()) * 1e6)::bigint)
			on conflict (district) do update set version = greatest(notice_setting.version + 1, excluded.version)`, a.District); err != nil {
			return err
		}
		return do(ctx, tx)
	})
	if _, ok := fault.As(err); ok {
		return err
	}
	return pg.Fault(err)
}

// StoredTemplate is the wording in force of one key. Own says that the district wrote it; Allowed are the placeholders that
// its event fills.
type StoredTemplate struct {
	Key      string
	Event    string
	Audience string
	Channel  string
	Chinese  Wording
	English  Wording
	Own      bool
	Version  int
	Allowed  []string
}

// Wordings lists the templates of a district, sorted by key.
func (p *Post) Wordings(ctx context.Context, db *pg.DB, district string) ([]StoredTemplate, error) {
	ctx = pg.WithDistrict(ctx, district)
	pols, _, err := p.Policies(ctx, db.Pool, district)
	if err != nil {
		return nil, pg.Fault(err)
	}
	versions := map[string]int{}
	rows, err := db.Pool.Query(ctx, "select key, version from notice_template where district = $1", district)
	if err != nil {
		return nil, pg.Fault(err)
	}
	var key string
	var v int
	if _, err := pgx.ForEachRow(rows, []any{&key, &v}, func() error { versions[key] = v; return nil }); err != nil {
		return nil, pg.Fault(err)
	}
	set := pols[district].Templates
	var out []StoredTemplate
	for _, key := range set.Keys() {
		t, part := set.byKey[key], strings.Split(key, ".")
		out = append(out, StoredTemplate{Key: key, Event: part[0], Audience: part[1], Channel: part[2], Chinese: t.Chinese, English: t.English, Own: versions[key] > 0, Version: versions[key], Allowed: p.Allowed(part[0], part[1])})
	}
	return out, nil
}

// everywhere are the placeholders that every event of a case fills.
var everywhere = []string{"matter", "place"}

// Allowed lists the placeholders that an event fills for an audience: those that the built-in wordings use, and those that
// every case has. What is not in it would have no value when the message is written.
func (p *Post) Allowed(event, audience string) []string {
	out := slices.Clone(everywhere)
	if event == EventOTP {
		out = nil
	}
	for key, t := range p.c.Templates.byKey {
		if strings.HasPrefix(key, event+"."+audience+".") {
			out = append(out, slots(t.Chinese.Title+t.Chinese.Text)...)
		}
	}
	sort.Strings(out)
	return slices.Compact(out)
}

// foreign is whatever a phone or a mail program would turn into a link or a picture. Links come from {link} alone, which
// leads to our own host.
var foreign = regexp.MustCompile(`(?i)://|www\.|[<>]|\b[a-z0-9-]+\.(com|cn|net|org|top|xyz|cc|vip|info|io)\b`)

// known says whether a key is one that the program can ever use.
func (p *Post) known(key string) (event, audience, channel string, ok bool) {
	part := strings.Split(key, ".")
	if len(part) != 3 || !slices.Contains([]string{App, SMS, Voice, WeChat, Email, Push, Group}, part[2]) {
		return "", "", "", false
	}
	for k := range p.c.Templates.byKey {
		if strings.HasPrefix(k, part[0]+"."+part[1]+".") {
			return part[0], part[1], part[2], true
		}
	}
	return "", "", "", false
}

// CheckWording refuses a wording that could not be sent as it stands: 422 with a pointer to the field.
func (p *Post) CheckWording(key string, zh, en Wording) (Template, error) {
	event, audience, channel, ok := p.known(key)
	if !ok {
		return Template{}, fault.NotFound()
	}
	allowed := p.Allowed(event, audience)
	bad := fault.New(422, "BAD_TEMPLATE", "模板有误，未保存；请按提示修改后重试")
	found := false
	wrong := func(pointer, format string, args ...any) { found, bad = true, bad.At(pointer, format, args...) }
	for _, f := range []struct{ pointer, text string }{{"/zh/title", zh.Title}, {"/zh/text", zh.Text}, {"/en/title", en.Title}, {"/en/text", en.Text}} {
		switch {
		case strings.TrimSpace(f.text) == "":
			wrong(f.pointer, "不能为空")
		case len([]rune(f.text)) > maxText:
			wrong(f.pointer, "最多 %d 字", maxText)
		case foreign.MatchString(f.text):
			wrong(f.pointer, "不能包含网址或 HTML；本系统的链接请写 {link}")
		case strings.ContainsAny(slot.ReplaceAllString(f.text, ""), "{}"):
			wrong(f.pointer, "花括号没有成对，例如 {matter}")
		}
		for _, name := range slots(f.text) {
			if !slices.Contains(allowed, name) {
				wrong(f.pointer, "没有占位符 {%s}；此通知可用：%s", name, "{"+strings.Join(allowed, "} {")+"}")
			}
		}
	}
	if found {
		return Template{}, bad
	}
	t := Template{Event: event, Audiences: []string{audience}, Channels: []string{channel}, Chinese: zh, English: en}
	if err := t.check(); err != nil { // the rules that the built-in set obeys: same placeholders in both languages, no secret in a title or in the inbox
		return Template{}, bad.At("/zh/text", "%s", plain(err))
	}
	return t, nil
}

func plain(err error) string {
	switch text := err.Error(); {
	case strings.HasPrefix(text, "placeholders differ"):
		return "中英文使用的占位符必须相同（" + strings.TrimPrefix(text, "placeholders differ: ") + "）"
	case strings.HasPrefix(text, "secret"):
		return "链接和验证码不能写在标题里，也不能写在站内消息里"
	default:
		return "模板不符合规则：" + text
	}
}

// SaveTemplate gives a district its own wording of a key. version is the one that was read (0: the default); another one in
// the meantime is 409 STALE.
func (p *Post) SaveTemplate(ctx context.Context, db *pg.DB, a auth.Actor, key string, zh, en Wording, version int) error {
	if _, err := p.CheckWording(key, zh, en); err != nil {
		return err
	}
	return p.change(ctx, db, a, func(ctx context.Context, tx pgx.Tx) error {
		var before json.RawMessage
		err := tx.QueryRow(ctx, "select to_jsonb(t) from notice_template t where district = $1 and key = $2 for update", a.District, key).Scan(&before)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		tag, err := tx.Exec(ctx, `insert into notice_template as t (district, key, title_zh, text_zh, title_en, text_en, version, updated_by) select $1, $2, $3, $4, $5, $6, $7 + 1, $8
			where $7 = 0 or exists (select from notice_template where district = $1 and key = $2)
			on conflict (district, key) do update set title_zh = excluded.title_zh, text_zh = excluded.text_zh, title_en = excluded.title_en, text_en = excluded.text_en, version = t.version + 1,
			updated_at = yx_now(), updated_by = excluded.updated_by where t.version = $7`, a.District, key, zh.Title, zh.Text, en.Title, en.Text, version, a.Account)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return fault.Conflict("STALE", "模板已被他人修改，请刷新后重试")
		}
		return audit(ctx, tx, a, "template", key, before, map[string]Wording{"zh": zh, "en": en})
	})
}

// ResetTemplate takes a district's own wording back; the default is in force again.
func (p *Post) ResetTemplate(ctx context.Context, db *pg.DB, a auth.Actor, key string) error {
	return p.change(ctx, db, a, func(ctx context.Context, tx pgx.Tx) error {
		var before json.RawMessage
		err := tx.QueryRow(ctx, "delete from notice_template t where district = $1 and key = $2 returning to_jsonb(t)", a.District, key).Scan(&before)
		if errors.Is(err, pgx.ErrNoRows) {
			return fault.NotFound()
		}
		if err != nil {
			return err
		}
		return audit(ctx, tx, a, "template", key, before, nil)
	})
}

// Line is a line of the matrix as the administrator sees it.
type Line struct {
	Row
	On      bool
	Default bool // the district changed nothing
}

// Lines lists everything that can be told: the rows in force, those that are switched off, and those that have a wording and
// could be switched on.
func (p *Post) Lines(ctx context.Context, db *pg.DB, district string) ([]Line, error) {
	pols, _, err := p.Policies(pg.WithDistrict(ctx, district), db.Pool, district)
	if err != nil {
		return nil, pg.Fault(err)
	}
	pol := pols[district]
	var out []Line
	seen := map[string]bool{}
	for _, rows := range pol.matrix {
		for _, r := range rows {
			_, own := pol.own[r.Key()]
			out = append(out, Line{Row: r, On: true, Default: !own})
			seen[r.Key()] = true
		}
	}
	for _, r := range DefaultRows() {
		if !seen[r.Key()] {
			out = append(out, Line{Row: r})
			seen[r.Key()] = true
		}
	}
	for _, key := range p.c.Templates.Keys() {
		if part := strings.Split(key, "."); !seen[key] {
			_, own := pol.own[key]
			out = append(out, Line{Row: Row{Event: part[0], Audience: part[1], Channel: part[2]}, Default: !own})
		}
	}
	slices.SortFunc(out, func(a, b Line) int { return strings.Compare(a.Key(), b.Key()) })
	return out, nil
}

// SetRow switches a row of the matrix on or off, or moves it in time. One-time codes cannot be switched off.
func (p *Post) SetRow(ctx context.Context, db *pg.DB, a auth.Actor, key string, on bool, after *time.Duration) error {
	event, audience, channel, ok := p.known(key)
	switch {
	case !ok:
		return fault.NotFound()
	case event == EventOTP:
		return fault.Invalid("/on", "验证码通知不能更改")
	case after != nil && (*after < 0 || *after > 24*time.Hour):
		return fault.Invalid("/after", "应在 0 到 24 小时之间")
	case on && p.c.Templates.keyFor(event, audience, channel) == key && !p.c.Templates.Has(key):
		return fault.Invalid("/on", "%s 渠道没有这项通知的模板，请先保存模板", channel)
	}
	var seconds *int
	if after != nil {
		seconds = new(int(*after / time.Second))
	}
	return p.change(ctx, db, a, func(ctx context.Context, tx pgx.Tx) error {
		var before json.RawMessage
		err := tx.QueryRow(ctx, "select to_jsonb(r) from notice_rule r where district = $1 and event = $2 and audience = $3 and channel = $4 for update", a.District, event, audience, channel).Scan(&before)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into notice_rule (district, event, audience, channel, enabled, after_s) values ($1, $2, $3, $4, $5, $6)
			on conflict (district, event, audience, channel) do update set enabled = excluded.enabled, after_s = excluded.after_s`, a.District, event, audience, channel, on, seconds); err != nil {
			return err
		}
		return audit(ctx, tx, a, "row", key, before, map[string]any{"on": on, "after_s": seconds})
	})
}

// Hours are a district's settings besides wording and matrix; minutes of the local day.
type Hours struct {
	Quiet        Window
	DigestAt     int
	FoldOver     int
	WebhookHosts []string
}

var hostForm = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}$`)

// SetHours saves the settings as a whole.
func (p *Post) SetHours(ctx context.Context, db *pg.DB, a auth.Actor, h Hours) error {
	const day = 24 * 60
	for pointer, m := range map[string]int{"/quiet_from": h.Quiet.From, "/quiet_to": h.Quiet.To, "/digest_at": h.DigestAt} {
		if m < 0 || m >= day {
			return fault.Invalid(pointer, "应为一天中的时刻，如 22:00")
		}
	}
	if h.FoldOver < 1 || h.FoldOver > 1000 {
		return fault.Invalid("/fold_over", "应在 1 到 1000 之间")
	}
	for i, host := range h.WebhookHosts {
		if !hostForm.MatchString(host) {
			return fault.Invalid("/webhook_hosts/"+itoa(i), "应为域名，如 api.example.gov.cn；不接受 IP 地址、端口和通配符")
		}
	}
	if h.WebhookHosts == nil {
		h.WebhookHosts = []string{}
	}
	return p.change(ctx, db, a, func(ctx context.Context, tx pgx.Tx) error {
		var before json.RawMessage
		if err := tx.QueryRow(ctx, "select to_jsonb(s) from notice_setting s where district = $1 for update", a.District).Scan(&before); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "update notice_setting set quiet_from = $2, quiet_to = $3, digest_at = $4, fold_over = $5, webhook_hosts = $6 where district = $1",
			a.District, h.Quiet.From, h.Quiet.To, h.DigestAt, h.FoldOver, h.WebhookHosts); err != nil {
			return err
		}
		// A change of the hour holds from the next digest on: the engine plans it anew.
		if _, err := tx.Exec(ctx, "delete from digest_due where district = $1 and after is null", a.District); err != nil {
			return err
		}
		return audit(ctx, tx, a, "hours", "hours", before, h)
	})
}

// Preview writes a draft with the district's wording in force, or with another one that is not saved yet. Nothing is
// stored. Secrets are starred: it is shown to somebody who is not the recipient.
func (p *Post) Preview(ctx context.Context, q querier, d Draft, zh, en *Wording) (title, text string, err error) {
	pols, _, err := p.Policies(ctx, q, d.District)
	if err != nil {
		return "", "", pg.Fault(err)
	}
	set := pols[d.District].Templates
	if zh != nil && en != nil {
		part := strings.Split(d.Template, ".")
		t, err := p.CheckWording(d.Template, *zh, *en)
		if err != nil {
			return "", "", err
		}
		set = &Templates{byKey: map[string]Template{Key(part[0], part[1], part[2]): t}}
	}
	r, err := set.compose(&d)
	if err != nil {
		return "", "", fault.New(422, "BAD_TEMPLATE", "模板无法生成文本").Because(err)
	}
	return r.title, r.kept, nil
}

func itoa(n int) string { return strconv.Itoa(n) }

// Hours reads a district's settings.
func (p *Post) Hours(ctx context.Context, db *pg.DB, district string) (Hours, error) {
	pols, _, err := p.Policies(pg.WithDistrict(ctx, district), db.Pool, district)
	if err != nil {
		return Hours{}, pg.Fault(err)
	}
	pol := pols[district]
	return Hours{Quiet: pol.Quiet, DigestAt: pol.DigestAt, FoldOver: pol.FoldOver, WebhookHosts: append([]string{}, pol.Hosts...)}, nil
}

package notify

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Window is a span of the local day in minutes; it may go over midnight. From = To: no span.
type Window struct{ From, To int }

// until gives the end of the window that an instant lies in; ok is false when it lies in none.
func (w Window) until(at time.Time) (end time.Time, ok bool) {
	local := at.In(china)
	minute := local.Hour()*60 + local.Minute()
	inside := w.From <= minute && minute < w.To
	if w.From > w.To {
		inside = minute >= w.From || minute < w.To
	}
	if w.From == w.To || !inside {
		return at, false
	}
	end = time.Date(local.Year(), local.Month(), local.Day(), w.To/60, w.To%60, 0, 0, china)
	if !end.After(at) {
		end = end.AddDate(0, 0, 1)
	}
	return end, true
}

// The figures of domain 4e for a district that has set none.
var (
	DefaultQuiet    = Window{From: 22 * 60, To: 7 * 60}
	DefaultDigestAt = 8 * 60
)

// DefaultFoldOver is how many messages of one channel a person gets in a minute before more are folded.
const DefaultFoldOver = 5

// Policy is how one district tells people: immutable, read again when its version rises.
type Policy struct {
	District  string
	Version   int64
	Templates *Templates
	Quiet     Window
	DigestAt  int
	FoldOver  int
	Hosts     []string // that webhooks may call
	own       map[string]Change
	matrix    matrix
}

// Change is what a district has set about a row: On false switches it off; After nil keeps the default.
type Change struct {
	On    bool
	After *time.Duration
}

// defaultPolicy is that of a district without settings.
func (p *Post) defaultPolicy(district string) *Policy {
	return &Policy{District: district, Templates: p.c.Templates, Quiet: DefaultQuiet, DigestAt: DefaultDigestAt, FoldOver: DefaultFoldOver, matrix: defaultMatrix()}
}

// Ways lists the rows by which an event is told to an audience in these circumstances.
func (p *Policy) Ways(event, audience string, facts map[string]bool) []Row {
	var out []Row
	for _, r := range p.matrix[[2]string{event, audience}] {
		if r.holds(facts) {
			out = append(out, r)
		}
	}
	return out
}

// on tells whether an event is told to an audience by a channel at all.
func (p *Policy) on(event, audience, channel string) bool {
	return slices.ContainsFunc(p.matrix[[2]string{event, audience}], func(r Row) bool { return r.Channel == channel })
}

// off tells whether the district switched a row off.
func (p *Policy) off(event, audience, channel string) bool {
	c, own := p.own[Key(event, audience, channel)]
	return own && !c.On
}

// apply puts the district's changes over the default matrix.
func (p *Policy) apply(changes map[string]Change) {
	p.own = changes
	if len(changes) == 0 {
		return
	}
	m := maps.Clone(p.matrix)
	for key, c := range changes {
		part := strings.Split(key, ".")
		k := [2]string{part[0], part[1]}
		rows := slices.Clone(m[k])
		at := slices.IndexFunc(rows, func(r Row) bool { return r.Channel == part[2] })
		switch {
		case !c.On && at >= 0:
			rows = slices.Delete(rows, at, at+1)
		case c.On && at < 0:
			rows = append(rows, Row{Event: part[0], Audience: part[1], Channel: part[2]})
			at = len(rows) - 1
		}
		if c.On && c.After != nil {
			rows[at].After = *c.After
		}
		m[k] = rows
	}
	p.matrix = m
}

// policies remembers the last version of each district.
type policies struct {
	mu    sync.Mutex
	known map[string]*Policy
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Policies reads how districts tell people, and the instant. Only what has changed is read in full.
func (p *Post) Policies(ctx context.Context, q querier, districts ...string) (out map[string]*Policy, now time.Time, err error) {
	versions := map[string]int64{}
	rows, err := q.Query(ctx, "select d, coalesce(s.version, 0), yx_now() from unnest($1::text[]) d left join notice_setting s on s.district = d", districts)
	if err != nil {
		return nil, now, err
	}
	var d string
	var v int64
	if _, err := pgx.ForEachRow(rows, []any{&d, &v, &now}, func() error { versions[d] = v; return nil }); err != nil {
		return nil, now, err
	}
	out = map[string]*Policy{}
	for d, v := range versions {
		p.read.mu.Lock()
		have := p.read.known[d]
		p.read.mu.Unlock()
		if have == nil || have.Version != v {
			if have, err = p.readPolicy(ctx, q, d, v); err != nil {
				return nil, now, err
			}
			p.read.mu.Lock()
			if p.read.known == nil {
				p.read.known = map[string]*Policy{}
			}
			p.read.known[d] = have
			p.read.mu.Unlock()
		}
		out[d] = have
	}
	return out, now, nil
}

func (p *Post) readPolicy(ctx context.Context, q querier, district string, version int64) (*Policy, error) {
	pol := p.defaultPolicy(district)
	if pol.Version = version; version == 0 {
		return pol, nil
	}
	var from, to, digest, fold *int
	if err := q.QueryRow(ctx, "select quiet_from, quiet_to, digest_at, fold_over, webhook_hosts from notice_setting where district = $1", district).Scan(&from, &to, &digest, &fold, &pol.Hosts); err != nil {
		return nil, fmt.Errorf("settings of telling: %w", err)
	}
	if from != nil && to != nil {
		pol.Quiet = Window{*from, *to}
	}
	if digest != nil {
		pol.DigestAt = *digest
	}
	if fold != nil {
		pol.FoldOver = *fold
	}
	rows, err := q.Query(ctx, "select event, audience, channel, enabled, after_s from notice_rule where district = $1", district)
	if err != nil {
		return nil, err
	}
	changes := map[string]Change{}
	var event, audience, channel string
	var on bool
	var after *int
	if _, err := pgx.ForEachRow(rows, []any{&event, &audience, &channel, &on, &after}, func() error {
		c := Change{On: on}
		if after != nil {
			c.After = new(time.Duration(*after) * time.Second)
		}
		changes[Key(event, audience, channel)] = c
		return nil
	}); err != nil {
		return nil, err
	}
	pol.apply(changes)
	return pol, p.readWording(ctx, q, pol)
}

func (p *Post) readWording(ctx context.Context, q querier, pol *Policy) error {
	rows, err := q.Query(ctx, "select key, title_zh, text_zh, title_en, text_en from notice_template where district = $1", pol.District)
	if err != nil {
		return err
	}
	byKey := map[string]Template{}
	var key string
	var zh, en Wording
	if _, err := pgx.ForEachRow(rows, []any{&key, &zh.Title, &zh.Text, &en.Title, &en.Text}, func() error {
		part := strings.Split(key, ".")
		byKey[key] = Template{Event: part[0], Audiences: part[1:2], Channels: part[2:3], Chinese: zh, English: en}
		return nil
	}); err != nil {
		return err
	}
	if len(byKey) > 0 {
		all := maps.Clone(p.c.Templates.byKey)
		maps.Copy(all, byKey)
		pol.Templates = &Templates{byKey: all}
	}
	return nil
}

package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Settings are what an administrator typed into a provider's form. Format keeps them out of every log.
type Settings map[string]string

// Format shows nothing.
func (Settings) Format(f fmt.State, _ rune) { fmt.Fprint(f, "notify.Settings(hidden)") }

// Types of a Field.
const (
	FieldText   = "text"
	FieldSecret = "secret" // never answered back
	FieldURL    = "url"
	FieldNumber = "number"
	FieldLines  = "lines" // several "name=value" lines
)

// Field is one line of a provider's settings form, described by the provider itself.
type Field struct {
	Name, Type           string
	Chinese, English     string // label
	HelpChinese, HelpEng string
	Required             bool
}

// Kind is a sort of provider that a district can set up: the form of its settings, and how a channel is made of them. Open
// refuses settings that cannot work, with a text for people.
type Kind struct {
	ID               string // "sms_aliyun"
	Channel          string // SMS
	Chinese, English string
	Fields           []Field
	Open             func(Settings) (Channel, error)
}

// Callback is a provider's receipt as it came in, before anybody believed it.
type Callback struct {
	Header func(name string) string
	Query  func(name string) string
	Body   []byte
	At     time.Time
}

// Report is what a provider says became of a message: ID is our own, else Ref the provider's. Seq orders the reports of one
// message: an older one never overwrites a newer.
type Report struct {
	ID    uuid.UUID
	Ref   string
	State string // Accepted, Delivered, Undelivered, Read
	Seq   int64
}

// States that a provider reports.
const (
	Accepted    = "ACCEPTED"
	Delivered   = "DELIVERED"
	Undelivered = "UNDELIVERED"
	ReadByThem  = "READ"
)

// Reporting is a Channel whose provider calls back. Reports verifies the callback: the error of one that is forged, stale or
// unreadable is ErrForged or ErrGarbled. key names the callback, so that the same one is taken once.
type Reporting interface {
	Reports(c Callback) (list []Report, key string, err error)
}

// provider is a channel that is set up, with its name for logs, figures and the delivery log.
type provider struct {
	name    string
	channel Channel
}

// fleet is what a district has set up, by channel in its order, and its groups by id.
type fleet struct {
	version   int64
	byChannel map[string][]provider
	byGroup   map[string]provider
	byID      map[string]provider
}

// Providers finds who delivers a message: the district's own providers first, else the installation's. It knows how each is
// doing: one that failed thrice in a row rests, and the next one takes its place. It is safe for concurrent use.
type Providers struct {
	keys     Keys
	kinds    []Kind
	fallback Channels
	clock    func() time.Time

	mu     sync.Mutex
	fleets map[string]*fleet
	health map[string]*health
}

// NewProviders needs a clock of real time: how providers are doing has nothing to do with the instants of cases.
func NewProviders(keys Keys, kinds []Kind, fallback Channels, clock func() time.Time) *Providers {
	return &Providers{keys: keys, kinds: kinds, fallback: fallback, clock: clock, fleets: map[string]*fleet{}, health: map[string]*health{}}
}

// Kinds lists the sorts of providers that a district can set up.
func (p *Post) Kinds() []Kind { return p.c.Providers.kinds }

func (r *Providers) kind(id string) (Kind, bool) {
	i := slices.IndexFunc(r.kinds, func(k Kind) bool { return k.ID == id })
	if i < 0 {
		return Kind{}, false
	}
	return r.kinds[i], true
}

const (
	strikes  = 3
	rest     = 10 * time.Second
	restMost = 2 * time.Minute
)

// health of one provider in this process.
type health struct {
	failed int
	until  time.Time
}

func (r *Providers) note(district, name string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := district + "/" + name
	h := r.health[k]
	if h == nil {
		h = &health{}
		r.health[k] = h
	}
	if ok {
		*h = health{}
		return
	}
	if h.failed++; h.failed >= strikes {
		h.until = r.clock().Add(min(rest<<min(h.failed-strikes, 8), restMost))
	}
}

// resting says that a provider failed lately; it is tried only when there is no other.
func (r *Providers) resting(district, name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.health[district+"/"+name]
	return h != nil && r.clock().Before(h.until)
}

// of lists who may deliver by a channel, the most promising first; to is a group's id for channel Group.
func (r *Providers) of(ctx context.Context, q querier, district, channel, to string, version int64) ([]provider, error) {
	f, err := r.fleet(ctx, q, district, version)
	if err != nil {
		return nil, err
	}
	if channel == Group || channel == Webhook {
		if p, ok := f.byGroup[to]; ok {
			return []provider{p}, nil
		}
	}
	list := slices.Clone(f.byChannel[channel])
	if len(list) == 0 {
		if c, ok := r.fallback[channel]; ok {
			list = []provider{{name: c.ID(), channel: c}}
		}
	}
	slices.SortStableFunc(list, func(a, b provider) int {
		switch x, y := r.resting(district, a.name), r.resting(district, b.name); {
		case x == y:
			return 0
		case x:
			return 1
		}
		return -1
	})
	return list, nil
}

func (r *Providers) fleet(ctx context.Context, q querier, district string, version int64) (*fleet, error) {
	r.mu.Lock()
	f := r.fleets[district]
	r.mu.Unlock()
	if f != nil && f.version == version {
		return f, nil
	}
	f = &fleet{version: version, byChannel: map[string][]provider{}, byGroup: map[string]provider{}, byID: map[string]provider{}}
	if version != 0 {
		rows, err := q.Query(ctx, `select 'P', id::text, name, channel, kind, settings_enc from (select * from channel_provider where district = $1 and active order by position, id) p
			union all select 'G', id::text, name, 'GROUP', kind, settings_enc from notice_group where district = $1 and active
			union all select 'G', w.id::text, w.name, 'WEBHOOK', 'webhook', w.settings_enc from webhook w join notice_setting s on s.district = w.district where w.district = $1 and w.active and w.host = any(s.webhook_hosts)`, district)
		if err != nil {
			return nil, fmt.Errorf("providers: %w", err)
		}
		var sort, id, name, channel, kind string
		var sealed []byte
		if _, err := pgx.ForEachRow(rows, []any{&sort, &id, &name, &channel, &kind, &sealed}, func() error {
			c, err := r.open(district, kind, sealed)
			if err != nil {
				//nolint:nilerr // for the reason beside it
				return nil // it was checked when it was saved; a provider that no longer opens is as good as none, and what it should deliver parks visibly
			}
			p := provider{name: name, channel: c}
			if f.byID[id] = p; sort == "G" {
				f.byGroup[id] = p
			} else {
				f.byChannel[channel] = append(f.byChannel[channel], p)
			}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	r.mu.Lock()
	r.fleets[district] = f
	r.mu.Unlock()
	return f, nil
}

func (r *Providers) open(district, kind string, sealed []byte) (Channel, error) {
	k, ok := r.kind(kind)
	if !ok {
		return nil, fmt.Errorf("no kind of provider %q", kind)
	}
	s, err := r.settings(district, sealed)
	if err != nil {
		return nil, err
	}
	return k.Open(s)
}

func (r *Providers) settings(district string, sealed []byte) (Settings, error) {
	plain, err := r.keys.Open(district, fieldSettings, sealed)
	if err != nil {
		return nil, err
	}
	s := Settings{}
	return s, json.Unmarshal([]byte(plain), &s)
}

// Package notify owns telling people: what a message says (templates), that it exists once (the message table),
// that it arrives (River deliveries through a Channel), the in-app inbox and the record of what was sent. It knows
// neither cases nor rosters: who is told of which event is decided by the planner in dispatch, which hands Drafts
// over in its own transaction. An APP message is its row; every other channel is delivered by a job.
package notify

import (
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"yixian/internal/pg"
)

// The channels that templates are written for. A Channel implementation serves every one but APP.
const (
	App     = "APP"
	SMS     = "SMS"
	Voice   = "VOICE"
	WeChat  = "WECHAT" // template message of an Official Account
	Email   = "EMAIL"
	Push    = "PUSH"    // Web Push, beside every APP message
	Group   = "GROUP"   // robot of a unit's chat group
	Webhook = "WEBHOOK" // another system
)

// States of a message.
const (
	Pending   = "PENDING"   // not due yet, or under way
	Sent      = "SENT"      // handed to the provider; for APP: visible in the inbox
	Failed    = "FAILED"    // parked with a reason; Redrive tries again
	Cancelled = "CANCELLED" // overtaken before it went out
	Folded    = "FOLDED"    // told by a digest instead
)

// EventOTP is the event of one-time codes: they are tried for as long as the code lives and never re-driven.
const EventOTP = "otp"

// Message is a row of table message. Text is what was said, except that a secret in it (a code, a link that opens a
// case) is starred unless Config.KeepCodes; what goes out is then TextEnc, which is erased once sent. Title and
// Text hold no address.
type Message struct {
	District    string    `gorm:"primaryKey"`
	ID          uuid.UUID `gorm:"primaryKey;type:uuid"`
	EventID     uuid.UUID `gorm:"type:uuid"`
	Event       string
	Template    string
	Recipient   string
	AccountID   *uuid.UUID `gorm:"type:uuid"`
	Channel     string
	ToEnc       []byte
	TextEnc     []byte
	Title       string
	Text        string
	CaseID      *uuid.UUID `gorm:"type:uuid"`
	State       string
	CreatedAt   time.Time
	DueAt       time.Time
	SentAt      *time.Time
	ReadAt      *time.Time
	Attempts    int
	Error       string
	Queued      bool
	ProviderRef string
	ValuesEnc   []byte // values of the placeholders, sealed; gone once sent
	Urgent      bool
	Fold        bool
	FoldedInto  *uuid.UUID `gorm:"type:uuid"`
	WrittenAt   time.Time  `gorm:"->"` // real time, the database's own
	HandedAt    *time.Time // real time of the provider's acceptance
	Provider    string
	ReportState string
	ReportSeq   int64
	ReportAt    *time.Time
}

// TableName is gorm's.
func (Message) TableName() string { return "message" }

// Draft is one message to one recipient by one channel, before it is rendered.
type Draft struct {
	District  string
	EventID   uuid.UUID // with Recipient and Channel: the key under which it is told once
	Event     string    // name of the event, "called"
	Template  string    // Key(event, audience, channel)
	Recipient string    // stable handle: id of the account, or of the reporter vault
	AccountID *uuid.UUID
	Channel   string
	To        string            // address: a phone number; empty for APP
	Data      map[string]string // values of placeholders; instants as RFC 3339
	CaseID    *uuid.UUID
	DueAt     time.Time // zero: now (yx_now)
	Locale    string    // zh-CN when empty
	Drill     bool      // the text begins with 【演练】
	Unit      string    // of staff: the unit that is told; a group is found by it
	Urgent    bool      // quiet hours do not hold it back, nor may staff refuse it
	Fold      bool      // after an outage many of its kind become one digest
	Body      string    // of a WEBHOOK: what is posted, instead of a template

	sealed [][]byte // addresses, as notice_address keeps them
}

// Keys seals and opens what may not lie open in the database (internal/seal.Keyring).
type Keys interface {
	Seal(district, field, plain string) ([]byte, error)
	Open(district, field string, sealed []byte) (string, error)
	Blind(district, field, value string) []byte
}

// Fields that the sealed columns are bound to. An account's phone is sealed by internal/auth.
const (
	fieldTo       = "message.to"
	fieldText     = "message.text"
	fieldPhone    = "phone"
	fieldAddress  = "notice.address"
	fieldValues   = "message.values"
	fieldSettings = "channel.settings"
)

// Config of a Post.
type Config struct {
	DB    *pg.DB // the engine's pool; a web process may give its own and then only enqueues and reads
	River *river.Client[pgx.Tx]
	Keys  Keys
	// Templates is Default() when nil.
	Templates *Templates
	// Links is the beginning of every link in a message ("https://example.cn/"): others are refused. Empty: any.
	Links string
	// KeepCodes stores codes and links readable. Only a sandbox does.
	KeepCodes bool
	Log       *slog.Logger
	// Providers are shared with the DeliverWorker; nil where nothing is delivered or set up.
	Providers *Providers
}

// Post takes drafts and keeps account of what was sent. It is safe for concurrent use.
type Post struct {
	c    Config
	read policies
}

// New makes a Post.
func New(c Config) *Post {
	if c.Templates == nil {
		c.Templates = Default()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Post{c: c}
}

// Link is the absolute address of a path of ours ("c/<token>"), as {link} takes it. Without Config.Links, which only
// tests leave out, it leads to this machine.
func (p *Post) Link(path string) string {
	base := p.c.Links
	if base == "" {
		base = "http://localhost/"
	}
	return strings.TrimSuffix(base, "/") + "/" + strings.TrimPrefix(path, "/")
}

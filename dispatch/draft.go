package dispatch

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"

	"yixian/dispatch/rule"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/seal"
)

// Snapshot is a case with everything a decision about it may read.
type Snapshot struct {
	Case        Case         `json:"case"`
	Assignments []Assignment `json:"assignments"`
	Calls       []Call       `json:"calls"`
	Targets     []CallTarget `json:"targets"`
	Clocks      []Clock      `json:"clocks"`
	Returns     []Return     `json:"returns"`
	Requests    []Request    `json:"requests"`
	Handlers    []Handler    `json:"handlers"`
	Ratings     []Rating     `json:"ratings"`
	Parties     []Party      `json:"parties"`
	Results     []Result     `json:"results"`
	Reports     []ReportRef  `json:"reports"`
	QR          *QR          `json:"qr"`
	MediaOwned  int          `json:"media_owned"`
	LastUrge    *time.Time   `json:"last_urge"`
	UnitRatings []UnitRating `json:"unit_ratings"`
	Followers   []Follower   `json:"followers"`
	Callbacks   []Callback   `json:"callbacks"`
	Reveals     []Reveal     `json:"reveals"`      // for callbacks: how often a phone was opened
	RevealsDay  int          `json:"reveals_day"`  // by the actor on this day, on any case
	PhotoPlaces []grid.Point `json:"photo_places"` // of the photos that the command names, where they tell it

	Component *grid.ComponentRef `json:"component"` // what the case is about, when the ledger knows it
	Proposed  *rule.Call         `json:"proposed"`  // by the rules, when they were last asked about this case

	People []Person `json:"people"` // to whom assignments of the case are given, and whom the command names

	ReportID *uuid.UUID `json:"-"` // set when the actor speaks as the reporter of this report
}

// ReportRef is what a decision needs of a report.
type ReportRef struct {
	ID        uuid.UUID  `json:"id"`
	AccountID *uuid.UUID `json:"account_id"`
	Anonymous bool       `json:"anonymous"`
	NoContact bool       `json:"no_contact"`
	Source    string     `json:"source"`
	OnBehalf  bool       `json:"on_behalf"`
	HasPhone  bool       `json:"has_phone"`
	HasName   bool       `json:"has_name"`
	Words     string     `json:"words"`

	Facets map[string]string `json:"facets"`
	Alert  *AlertFacts       `json:"alert"` // of a device's report
}

// Change is what one command does to a case: the new case row and the rows that go with it. It is written by
// one SQL statement guarded by the head_seq that was read.
type Change struct {
	Case        Case           `json:"case"`
	Events      []Event        `json:"events"`
	Texts       []Text         `json:"texts"`
	Assignments []Assignment   `json:"assignments"`
	Calls       []Call         `json:"calls"`
	Targets     []CallTarget   `json:"targets"`
	Clocks      []Clock        `json:"clocks"`
	Returns     []Return       `json:"returns"`
	Requests    []Request      `json:"requests"`
	Ratings     []Rating       `json:"ratings"`
	Results     []Result       `json:"results"`
	Checks      []Check        `json:"checks"`
	Handlers    []Handler      `json:"handlers"`
	Parties     []Party        `json:"parties"`
	Routes      []RouteRecord  `json:"routes"`
	QRs         []QR           `json:"qrs"`
	Media       []string       `json:"media"`
	Rules       []rule.Rule    `json:"rules,omitempty"`
	UnitRatings []UnitRating   `json:"unit_ratings,omitempty"`
	Followers   []Follower     `json:"followers,omitempty"`
	Callbacks   []Callback     `json:"callbacks,omitempty"`
	Reveals     []Reveal       `json:"reveals,omitempty"`
	Quota       *Quota         `json:"quota,omitempty"`
	Learned     []rule.Count   `json:"learned,omitempty"`
	Notices     []PublicNotice `json:"notices,omitempty"`
	Relink      bool           `json:"-"` // the case's reports go to its master
	Reports     []Report       `json:"reports,omitempty"`
	Reporters   []Reporter     `json:"reporters,omitempty"`

	after  Snapshot
	master *absorbed // a merge changes two cases
}

// After is the case as it stands once the change is written.
func (c *Change) After() *Snapshot { return &c.after }

type dirty struct {
	assignments, calls, targets, clocks, requests, returns []uuid.UUID
	partyUnits                                             []string
}

// draft is the working copy of a decision: verbs edit it, finish turns it into a Change. It reads nothing but
// the snapshot, the world (configuration) and the instant it was given.
type draft struct {
	w     *World
	s     Snapshot
	now   time.Time
	salt  []byte
	ids   uint32
	dirty dirty
	out   Change

	was      Case // before anything was decided
	lastFact data // of the last event, for tell
	last     Fact // the same event whole: tell need not read back what was just written
}

func newDraft(w *World, s *Snapshot, now time.Time, salt []byte) *draft {
	c := *s
	c.Assignments = slices.Clone(s.Assignments)
	c.Calls = slices.Clone(s.Calls)
	c.Targets = slices.Clone(s.Targets)
	c.Clocks = slices.Clone(s.Clocks)
	c.Returns = slices.Clone(s.Returns)
	c.Requests = slices.Clone(s.Requests)
	c.Handlers = slices.Clone(s.Handlers)
	c.Ratings = slices.Clone(s.Ratings)
	c.Parties = slices.Clone(s.Parties)
	c.Results = slices.Clone(s.Results)
	c.UnitRatings = slices.Clone(s.UnitRatings)
	c.Followers = slices.Clone(s.Followers)
	c.Callbacks = slices.Clone(s.Callbacks)
	c.Reveals = slices.Clone(s.Reveals)
	return &draft{w: w, s: c, now: now, salt: salt, was: s.Case}
}

func (d *draft) touch(set *[]uuid.UUID, id uuid.UUID) {
	if !slices.Contains(*set, id) {
		*set = append(*set, id)
	}
}

// newID derives a UUIDv7 from the case, the head that was read and a counter: the same decision gives the same ids, and the next one others,
// even at the same instant and with the same salt.
func (d *draft) newID() uuid.UUID {
	d.ids++
	head := d.was.HeadSeq
	var n [12]byte
	binary.BigEndian.PutUint64(n[:8], uint64(head))
	binary.BigEndian.PutUint32(n[8:], d.ids)
	sum := sha256.Sum256(append(append(append([]byte{}, d.s.Case.ID[:]...), n[:]...), d.salt...))
	id := uuid7(d.now, sum[:])
	order := uint16(min(head, 255))<<4 | uint16(min(d.ids, 15)) // rows of one instant sort as they were made
	id[6], id[7] = 0x70|byte(order>>8), byte(order)
	return id
}

func uuid7(at time.Time, random []byte) uuid.UUID {
	var id uuid.UUID
	copy(id[:], random)
	ms := uint64(at.UnixMilli())
	id[0], id[1], id[2], id[3], id[4], id[5] = byte(ms>>40), byte(ms>>32), byte(ms>>24), byte(ms>>16), byte(ms>>8), byte(ms)
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

// Fact is the content of an event in its hashed order; yx_fire_due in SQL writes the same bytes.
type Fact struct {
	V        int             `json:"v"`
	District string          `json:"district"`
	Case     string          `json:"case"`
	Seq      int64           `json:"seq"`
	At       string          `json:"at"`
	Actor    string          `json:"actor"`
	Role     string          `json:"role"`
	Unit     string          `json:"unit"`
	Action   Action          `json:"action"`
	From     State           `json:"from"`
	To       State           `json:"to"`
	Version  int             `json:"version"`
	Data     json.RawMessage `json:"data"`
}

// factTime is UTC with microseconds: PostgreSQL's own precision.
const factTime = "2006-01-02T15:04:05.000000Z"

// data is what an event tells without personal data and without free text.
type data map[string]any

// event appends to the chain and moves the case to state to ("" keeps it). texts are stored erasably; the fact
// keeps their salted hashes.
func (d *draft) event(a auth.Actor, as standing, act Action, to State, facts data, texts map[string]string) {
	c := &d.s.Case
	from := c.State
	if to == None {
		to = from
	}
	at := d.now
	if at.Before(c.LastAt) {
		at = c.LastAt
	}
	seq := c.HeadSeq + 1
	if facts == nil {
		facts = data{}
	}
	for _, field := range sortedKeys(texts) {
		if texts[field] == "" {
			continue
		}
		salt := sha256.Sum256(append(append([]byte{}, d.salt...), []byte(field)...))
		facts[field+"_hash"] = hex.EncodeToString(seal.SaltedHash(salt[:16], texts[field]))
		d.out.Texts = append(d.out.Texts, Text{Seq: seq, Field: field, Salt: salt[:16], Text: texts[field]})
	}
	c.Version++
	d.lastFact = facts
	d.last = Fact{V: 1, District: c.District, Case: c.ID.String(), Seq: seq, At: at.UTC().Format(factTime), Actor: a.ID(), Role: string(as.Role), Unit: as.Unit,
		Action: act, From: from, To: to, Version: c.Version, Data: encode(facts)}
	fact := encode(d.last)
	prev := c.HeadHash
	hash := seal.ChainNext(prev, string(fact))
	d.out.Events = append(d.out.Events, Event{Seq: seq, ID: d.streamID(seq), At: at, Actor: a.ID(), Role: string(as.Role), Unit: as.Unit, Action: act,
		FromState: from, ToState: to, Version: c.Version, Fact: string(fact), PrevHash: prev, Hash: hash})
	c.HeadSeq, c.HeadHash, c.LastAt, c.UpdatedAt, c.State = seq, hash, at, at, to
}

// streamID is replaced by a real-time UUIDv7 when the change is written: the stream goes by real time.
func (d *draft) streamID(seq int64) uuid.UUID { return uuid.Nil }

func encode(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("dispatch: a fact that cannot be encoded: " + err.Error()) // facts are built here from plain values
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

func sortedKeys(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// setParty records a unit's claim to see the case.
func (d *draft) setParty(unit string, open bool) {
	if unit == "" {
		return
	}
	if !slices.Contains(d.dirty.partyUnits, unit) {
		d.dirty.partyUnits = append(d.dirty.partyUnits, unit)
	}
	for i := range d.s.Parties {
		if d.s.Parties[i].Unit == unit {
			d.s.Parties[i].Open = open
			return
		}
	}
	d.s.Parties = append(d.s.Parties, Party{Unit: unit, Open: open})
}

func (d *draft) handled(a auth.Actor, unit, how string) {
	h := Handler{Round: d.s.Case.Round, AccountID: a.Account, Unit: unit, How: how}
	if !slices.Contains(d.s.Handlers, h) {
		d.s.Handlers = append(d.s.Handlers, h)
		d.out.Handlers = append(d.out.Handlers, h)
	}
}

func pick[T any](all []T, ids []uuid.UUID, id func(*T) uuid.UUID) []T {
	out := make([]T, 0, len(ids))
	for i := range all {
		if slices.Contains(ids, id(&all[i])) {
			out = append(out, all[i])
		}
	}
	return out
}

func sameInstant(a, b *time.Time) bool {
	return a == b || a != nil && b != nil && a.Equal(*b)
}

// finish settles what follows from the rows and returns the change.
func (d *draft) finish() *Change {
	d.settleDue()
	d.tell()
	o := &d.out
	o.Case = d.s.Case
	o.Assignments = pick(d.s.Assignments, d.dirty.assignments, func(a *Assignment) uuid.UUID { return a.ID })
	o.Calls = pick(d.s.Calls, d.dirty.calls, func(a *Call) uuid.UUID { return a.ID })
	o.Targets = pick(d.s.Targets, d.dirty.targets, func(a *CallTarget) uuid.UUID { return a.ID })
	o.Clocks = pick(d.s.Clocks, d.dirty.clocks, func(a *Clock) uuid.UUID { return a.ID })
	o.Requests = pick(d.s.Requests, d.dirty.requests, func(a *Request) uuid.UUID { return a.ID })
	o.Returns = pick(d.s.Returns, d.dirty.returns, func(a *Return) uuid.UUID { return a.ID })
	for i := range d.s.Parties {
		p := &d.s.Parties[i]
		if slices.Contains(d.dirty.partyUnits, p.Unit) || !sameInstant(p.DueAt, o.Case.DueAt) {
			p.DueAt = o.Case.DueAt
			o.Parties = append(o.Parties, *p)
		}
	}
	o.after = d.s
	return o
}

// Package score is the arithmetic of the assessment (domain 4d): indicators, composites, deductions, ranking, the
// sheet of a unit. It is pure: facts come in, figures go out; it knows no database and no clock. All figures are
// exact rationals (math/big) and are rounded once, for display.
package score

import (
	"time"
)

// Period is a span of assessment [Start, End) as it is seen at Cut: nothing at or after Cut counts as done. A frozen
// sheet has Cut = End.
type Period struct {
	Name       string // "2026-06", "2026-Q2"
	Start, End time.Time
	Cut        time.Time
}

// holds reports whether an instant belongs to the period as far as it is known.
func (p Period) holds(at time.Time) bool { return !at.Before(p.Start) && at.Before(p.Cut) }

// done reports whether something happened before the period was cut off.
func (p Period) done(at *time.Time) bool { return at != nil && at.Before(p.Cut) }

// settle is min(done, due): the one instant that decides to which period an assignment or a call target belongs. A due
// of nil (its clock stands still) settles only by being done.
func settle(due, done *time.Time) *time.Time {
	switch {
	case done == nil:
		return due
	case due == nil, done.Before(*due):
		return done
	}
	return due
}

// settled reports whether a duty belongs to the period: neither due nor done before Cut is 按时待处置 and counts nowhere.
func (p Period) settled(due, done *time.Time) bool {
	if !p.done(done) {
		done = nil
	}
	at := settle(due, done)
	return at != nil && p.holds(*at)
}

// punctual is on time: done ≤ due, inclusive, to the second (domain 2.5).
func punctual(done, due *time.Time) bool {
	return done != nil && (due == nil || done.Unix() <= due.Unix())
}

// Kinds of facts.
const (
	KindAssignment = "ASSIGNMENT" // Due, Done = resolved; Role LEAD or ASSIST; At = received; Again = rework events; Hours
	KindReceived   = "RECEIVED"   // At = received; every assignment, also a returned one
	KindTarget     = "TARGET"     // Due = check-in due, Done = checked in
	KindRating     = "RATING"     // At = rated at; Valid, Yes = resolved, Grade
	KindCaller     = "CALLER"     // At; Grade: the calling street's 1–5
	KindReturn     = "RETURN"     // At = judged at; Yes = unfounded
	KindContact    = "CONTACT"    // Due, Done
	KindCall       = "CALL"       // At = called at; Yes = inside the RETURN window
	KindAccept     = "ACCEPT"     // At = accepted at; Due
	KindDispatch   = "DISPATCH"   // At = dispatched at; Yes = no founded return
	KindMediation  = "MEDIATION"  // At = closed at; Yes = success
	KindClosed     = "CLOSED"     // At = closed at; Yes = the same matter came again ≤ 100 m, ≤ 30 ND
	KindCard       = "CARD"       // At = confirmed at; Yes = red
	KindReport     = "REPORT"     // worker: At = reported at; Yes = filed
	KindVerify     = "VERIFY"     // worker: Due, Done
	KindCheck      = "CHECK"      // worker: Due, Done
)

// Fact is one recorded thing that figures are made of. Which members mean what, the kinds above say. Excluded names
// the exclusion (EX1–EX9) that takes it out of the figures; LegalDue (EX2) replaces Due in the judgement of punctuality.
type Fact struct {
	Kind      string      `json:"kind"`
	ID        string      `json:"id"`
	Case      string      `json:"case,omitempty"`
	Role      string      `json:"role,omitempty"`
	At        *time.Time  `json:"at,omitempty"`
	Due       *time.Time  `json:"due,omitempty"`
	Done      *time.Time  `json:"done,omitempty"`
	Again     []time.Time `json:"again,omitempty"`
	Extended  bool        `json:"extended,omitempty"`
	Paused    bool        `json:"paused,omitempty"` // a suspension was granted
	Valid     bool        `json:"valid,omitempty"`
	Yes       bool        `json:"yes,omitempty"`
	Grade     int         `json:"grade,omitempty"`
	Seconds   int64       `json:"seconds,omitempty"` // working time from dispatch to resolve
	LegalDue  *time.Time  `json:"legal_due,omitempty"`
	Excluded  string      `json:"excluded,omitempty"`
	Elsewhere bool        `json:"elsewhere,omitempty"` // settled in another period's frozen sheet: only its rework counts here
	Late      bool        `json:"late,omitempty"`      // settles in a frozen period that did not know of it: counts here
}

// counts reports whether the fact is in the figures: not taken out, and by its own kind of instant in the period.
func (p Period) counts(f *Fact) bool {
	if f.Excluded != "" {
		return false
	}
	if f.LegalDue != nil && !p.done(f.Done) && !f.LegalDue.Before(p.Cut) {
		return false // EX2: the lawful deadline has not come
	}
	return p.Concerns(f)
}

// Concerns reports whether a fact belongs to the period, taken out or not.
func (p Period) Concerns(f *Fact) bool {
	switch f.Kind {
	case KindAssignment, KindTarget, KindContact, KindVerify, KindCheck:
		return !f.Elsewhere && (f.Late || p.settled(f.Due, f.Done))
	}
	return f.At != nil && p.holds(*f.At)
}

// due is what punctuality is judged by.
func (f *Fact) due() *time.Time {
	if f.LegalDue != nil {
		return f.LegalDue
	}
	return f.Due
}

// of lists the facts of a kind that count.
func (p Period) of(kind string, facts []Fact) []*Fact {
	var out []*Fact
	for i := range facts {
		if f := &facts[i]; f.Kind == kind && p.counts(f) {
			out = append(out, f)
		}
	}
	return out
}

func count(list []*Fact, yes func(*Fact) bool) int64 {
	var n int64
	for _, f := range list {
		if yes(f) {
			n++
		}
	}
	return n
}

// share is the plain kind of indicator: of the facts of one kind, those that hold.
func share(kind string, yes func(Period, *Fact) bool) func(Period, []Fact) Ratio {
	return func(p Period, facts []Fact) Ratio {
		list := p.of(kind, facts)
		return Ratio{count(list, func(f *Fact) bool { return yes(p, f) }), int64(len(list))}
	}
}

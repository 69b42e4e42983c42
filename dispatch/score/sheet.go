package score

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
)

// Line is one indicator of a sheet. Value has 4 decimals, "" is N/A; Num and Den are what was counted, also when the
// sample is too small to say anything. Text is for people.
type Line struct {
	ID    string `json:"id"`
	Num   int64  `json:"num"`
	Den   int64  `json:"den"`
	Value string `json:"value"`
	Text  string `json:"text"`
}

// Taken counts what an exclusion took out of the figures.
type Taken struct {
	Reason string `json:"reason"`
	N      int64  `json:"n"`
}

// Sheet is what a unit is measured by in a period: version 1 of the payload that is stored, hashed and never changed. The
// same facts give the same bytes.
type Sheet struct {
	V              int        `json:"v"`
	District       string     `json:"district"`
	Unit           string     `json:"unit"`
	Kind           string     `json:"kind"` // DEPARTMENT or STREET: which composite
	Period         string     `json:"period"`
	From           string     `json:"from"`
	To             string     `json:"to"`
	Revision       int        `json:"revision"`
	Facts          int        `json:"facts"`
	FactsHash      string     `json:"facts_hash"`
	NeedDispose    int64      `json:"need_dispose"`
	CallTargetsDue int64      `json:"call_targets_due"`
	ValidRatings   int64      `json:"valid_ratings"`
	Lines          []Line     `json:"indicators"`
	Hours          Hours      `json:"handling_hours"`
	Weight         string     `json:"weight"`
	Composite      string     `json:"composite"`
	Deductions     Deductions `json:"deductions"`
	Points         string     `json:"deducted"`
	Score          string     `json:"after_deductions"`
	Sufficient     bool       `json:"sufficient"`
	Taken          []Taken    `json:"excluded"`
	ExclusionRate  Line       `json:"exclusion_rate"`
	ExclusionFlag  bool       `json:"exclusion_flag"` // more than 5 %

	exact Composite
}

// automatic exclusions follow from what happened; nobody asks for them, and they do not raise the exclusion rate.
var automatic = []string{"EX4", "EX7", "EX8"}

// Make computes a unit's sheet. The order of the facts does not matter.
func Make(district, unit, kind string, p Period, revision int, facts []Fact) *Sheet {
	facts = sorted(facts)
	s := &Sheet{V: 1, District: district, Unit: unit, Kind: kind, Period: p.Name, From: p.Start.Format(time.RFC3339), To: p.End.Format(time.RFC3339), Revision: revision,
		Facts: len(facts), FactsHash: hashOf(facts), Taken: []Taken{}}
	of := map[string]Ratio{}
	for _, i := range Indicators {
		r, raw := i.Of(p, facts)
		of[i.ID] = r
		s.Lines = append(s.Lines, Line{i.ID, raw.Num, raw.Den, r.Decimal(), r.Text()})
	}
	s.NeedDispose, s.CallTargetsDue = int64(len(p.of(KindAssignment, facts))), int64(len(p.of(KindTarget, facts)))
	s.ValidRatings = count(p.of(KindRating, facts), func(f *Fact) bool { return f.Valid })
	s.Hours = handlingHours(p, facts)
	weights := Department
	if kind == KindStreet {
		weights = Street
	}
	c := Compose(weights, of)
	s.exact, s.Deductions = c, deductions(p, facts)
	s.Weight = decimal(big.NewRat(c.Weight, 100))
	s.Composite, s.Score, s.Sufficient = decimal(c.Value), decimal(c.After(s.Deductions)), c.Sufficient()
	s.Points = decimal(s.Deductions.Points())
	s.exclusions(p, facts)
	return s
}

// sorted is a copy by kind and id. Facts are long rows: their places are sorted, and each is copied once.
func sorted(facts []Fact) []Fact {
	places := make([]int, len(facts))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(i, k int) int {
		if c := strings.Compare(facts[i].Kind, facts[k].Kind); c != 0 {
			return c
		}
		return strings.Compare(facts[i].ID, facts[k].ID)
	})
	out := make([]Fact, len(facts))
	for i, at := range places {
		out[i] = facts[at]
	}
	return out
}

// Kinds of sheets.
const (
	KindDepartment = "DEPARTMENT"
	KindStreet     = "STREET"
)

func (s *Sheet) exclusions(p Period, facts []Fact) {
	taken := map[string]int64{}
	var r Ratio
	for i := range facts {
		f := &facts[i]
		if (f.Kind != KindAssignment && f.Kind != KindTarget && f.Kind != KindRating) || !p.Concerns(f) {
			continue
		}
		if f.Excluded != "" {
			taken[f.Excluded]++
		}
		if slices.Contains(automatic, f.Excluded) {
			continue
		}
		r.Den++
		if f.Excluded != "" {
			r.Num++
		}
	}
	for _, reason := range Reasons {
		if n := taken[reason]; n > 0 {
			s.Taken = append(s.Taken, Taken{reason, n})
		}
	}
	s.ExclusionRate = Line{"exclusion_rate", r.Num, r.Den, r.Decimal(), r.Text()}
	s.ExclusionFlag = r.Num*20 > r.Den
}

// Reasons are the exclusions of domain 4d: EX1 force majeure; EX2 statutory procedure longer than the SLA; EX3 demand not
// lawful, not reasonable or not government duty; EX4 merged duplicate; EX5 platform outage; EX6 emergency policy; EX7
// drill; EX8 withdrawn call or voided case; EX9 malicious.
var Reasons = []string{"EX1", "EX2", "EX3", "EX4", "EX5", "EX6", "EX7", "EX8", "EX9"}

// Line finds an indicator's line; nil when there is none.
func (s *Sheet) Line(id string) *Line {
	for i := range s.Lines {
		if s.Lines[i].ID == id {
			return &s.Lines[i]
		}
	}
	return nil
}

// Payload is the sheet as it is stored; Hash is printed on it.
func (s *Sheet) Payload() []byte {
	raw, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("score: a sheet that cannot be encoded: %v", err)) // plain values only
	}
	return raw
}

// Hash is the hex sha-256 of a payload.
func Hash(payload []byte) string {
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:])
}

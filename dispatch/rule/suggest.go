package rule

import (
	"cmp"
	"math"
	"slices"
)

// Suggestion is a matter that may be meant. Confidence is in [0,1): how often such a suggestion was right on
// sentences that the catalogue's words were not made for. Reasons list what counted, strongest first.
type Suggestion struct {
	Item       *Item
	Confidence float64
	Score      float64
	Reasons    []Reason
	Confusable []*Item // matters often taken for this one, to be shown beside it
}

// Sure is θ of the lifecycle (T5): below it a person decides the matter.
const Sure = 0.80

// How a word was met.
const (
	Said    = "SAID"        // as written in the catalogue
	Sounded = "SOUNDS_LIKE" // written with other characters of the same sound
	InPart  = "IN_PART"     // most of its pairs of characters
	Against = "AGAINST"     // an exclusion term
	Learned = "LEARNED"     // dispatchers filed such words under this matter
)

// Reason is one word that counted and by how much.
type Reason struct {
	Word   string  `json:"word"`
	How    string  `json:"how"`
	Weight float64 `json:"weight"`
}

const (
	maxSuggestText = 500  // runes that are read
	excluded       = 0.35 // what an exclusion term leaves of a matter's score
	fewestInPart   = 0.5  // share of a word's pairs below which it was not said
	inPart         = 0.62 // how much a word counts at most that was said in part
	oneSlot        = 0.3  // how much a piece counts of a phrase whose other slots stayed empty
	usual          = 0.8  // head start of the matters reported most
	leastScore     = 1.2  // below it nothing is suggested
)

// alike is the share of the best score from which a second matter is as good as said.
const alike = 0.8

// further is what the second, third … word of a matter adds: ten synonyms of one thing are not ten proofs.
var further = [...]float64{1, 0.55, 0.35, 0.2, 0.1}

// Suggest gives up to three public matters for a resident's words, best first. A matter's score is the weight of its
// words found in the text, each next one counting less and none twice inside a longer one, plus what was learned.
func (c *Catalog) Suggest(words string) []Suggestion {
	all := c.scores(words)
	out := make([]Suggestion, 0, 3)
	for i := range min(3, len(all)) {
		s := all[i]
		s.Confidence = confidence(all, i)
		s.Confusable = c.confusable(s.Item)
		out = append(out, s)
	}
	return out
}

func (c *Catalog) scores(words string) []Suggestion {
	text := []rune(normal(spoken().Replace(words)))
	text = text[:min(len(text), maxSuggestText)]
	if len(text) == 0 {
		return nil
	}
	v := c.vocab
	found := v.find(text)
	hits := map[int32][]hit{}
	tried := map[int32]bool{}
	for p := range found {
		for _, wi := range v.pieces[p].words {
			if tried[wi] {
				continue
			}
			tried[wi] = true
			if m, ok := v.fill(&v.words[wi], found); ok {
				how := Said
				if !m.exact {
					how = Sounded
				}
				item := v.words[wi].item
				hits[item] = append(hits[item], hit{m.pieces, Reason{m.label, how, m.weight}})
			} else if w := &v.words[wi]; len(v.pieces[p].runes) > 1 && len(w.slots) > 1 {
				hits[w.item] = append(hits[w.item], hit{[]int32{p}, Reason{string(v.pieces[p].runes), InPart, v.pieces[p].weight * found[p] * oneSlot}})
			}
		}
	}
	for wi, share := range v.inPart(text, found) {
		w := &v.words[wi]
		p := w.slots[0][0]
		hits[w.item] = append(hits[w.item], hit{w.slots[0], Reason{w.label, InPart, v.pieces[p].weight * inPart * share * share}})
	}
	c.learned.add(text, v, hits)
	var all []Suggestion
	for item, hs := range hits {
		if s := v.settle(item, hs, found); s.Score >= leastScore {
			if slices.Contains(common, s.Item.Code) {
				s.Score += usual
			}
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b Suggestion) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Item.Code, b.Item.Code))
	})
	return all
}

type hit struct {
	pieces []int32 // none: learned
	Reason
}

// inPart gives the words of which the text has most pairs of characters, with their share by idf.
func (v *vocabulary) inPart(text []rune, found map[int32]float64) map[int32]float64 {
	got, seen := map[int32]float64{}, map[[2]rune]bool{}
	for i := range len(text) - 1 {
		b := [2]rune{text[i], text[i+1]}
		if seen[b] {
			continue
		}
		seen[b] = true
		for _, wi := range v.byPair[b] {
			got[wi] += v.idf[b]
		}
	}
	for wi := range got {
		got[wi] /= v.words[wi].pairs
		if got[wi] < fewestInPart || found[v.words[wi].slots[0][0]] > 0 {
			delete(got, wi)
		}
	}
	return got
}

// settle adds up what was met of one matter.
func (v *vocabulary) settle(item int32, hs []hit, found map[int32]float64) Suggestion {
	s := Suggestion{Item: v.items[item]}
	slices.SortFunc(hs, func(a, b hit) int { return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(a.Word, b.Word)) })
	var taken []int32 // pieces that have counted
	n := 0
	for _, h := range hs {
		if len(h.pieces) == 0 {
			s.Score += h.Weight
			s.Reasons = append(s.Reasons, h.Reason)
			continue
		}
		fresh := false
		for _, p := range h.pieces {
			fresh = fresh || !slices.ContainsFunc(taken, func(t int32) bool { return overlaps(v.pieces[t].runes, v.pieces[p].runes) })
		}
		if !fresh || n == len(further) {
			continue
		}
		taken = append(taken, h.pieces...)
		h.Weight *= further[n]
		n++
		s.Score += h.Weight
		s.Reasons = append(s.Reasons, h.Reason)
	}
	for _, p := range v.exclude[item] {
		if found[p] == 1 {
			s.Reasons = append(s.Reasons, Reason{string(v.pieces[p].runes), Against, -s.Score * (1 - excluded)})
			s.Score *= excluded
			break
		}
	}
	for i := range s.Reasons {
		s.Reasons[i].Weight = math.Round(s.Reasons[i].Weight*100) / 100
	}
	return s
}

// overlaps: one stands in the other.
func overlaps(a, b []rune) bool {
	if len(a) < len(b) {
		a, b = b, a
	}
	for i := range len(a) - len(b) + 1 {
		if slices.Equal(a[i:i+len(b)], b) {
			return true
		}
	}
	return false
}

// confidence is a logistic curve over the score and its lead. It was fitted on the tuning sentences while a quarter of them
// was still unknown to the phrases, and moved so that nine in ten of these unknown ones are right at Sure;
// TestSuggestionsAreRight prints how it holds. Two equal candidates never look certain.
func confidence(all []Suggestion, i int) float64 {
	rival := 0.0
	switch {
	case i > 0:
		rival = all[0].Score
	case len(all) > 1:
		rival = all[1].Score
	}
	s := all[i].Score
	z := -5.46 + 0.90*min(s, 14) + 2.25*(s-rival)/max(s, rival)
	sure := math.Floor(100/(1+math.Exp(-z))) / 100
	if rival >= alike*s { // two things were said: a person decides which is the case
		sure = min(sure, Sure-0.01)
	}
	return sure
}

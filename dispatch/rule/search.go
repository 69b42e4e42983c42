package rule

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Suggestion is a matter that may be meant. Confidence is in [0,1); Because lists what spoke for it.
type Suggestion struct {
	Item       *Item    `json:"item"`
	Confidence float64  `json:"confidence"`
	Because    []string `json:"because"`
}

// terms is what Suggest compares of one matter, all in normal form.
type terms struct {
	item    *Item
	words   []string // name, then synonyms
	exclude []string
}

// normal is the form in which words are compared: lower case, full-width folded, letters and digits only.
func normal(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			r -= '！' - '!'
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

func bigrams(s string) [][2]rune {
	rs := []rune(s)
	var out [][2]rune
	for i := 0; i+1 < len(rs); i++ {
		out = append(out, [2]rune{rs[i], rs[i+1]})
	}
	return out
}

func (c *Catalog) indexTerms() {
	seenIn := map[[2]rune]int{}
	for _, it := range c.matters {
		if !it.Public {
			continue
		}
		t := terms{item: it}
		for _, w := range append([]string{strings.TrimSuffix(it.Name, "异常"), it.Name}, it.Synonyms...) {
			if n := normal(w); n != "" && !slices.Contains(t.words, n) {
				t.words = append(t.words, n)
			}
		}
		for _, w := range it.ExcludeTerms {
			t.exclude = append(t.exclude, normal(w))
		}
		c.terms = append(c.terms, t)
		own := map[[2]rune]bool{}
		for _, w := range t.words {
			for _, b := range bigrams(w) {
				own[b] = true
			}
		}
		for b := range own {
			seenIn[b]++
		}
	}
	c.idf = make(map[[2]rune]float64, len(seenIn))
	for b, n := range seenIn {
		c.idf[b] = math.Log1p(float64(len(c.terms)) / float64(n))
	}
}

// maxSuggestText is how many runes of the text Suggest reads.
const maxSuggestText = 500

// Suggest gives up to three public matters for a resident's words, best first. The score of a matter is
// the weight of its terms found in the text (longer terms weigh more, a term inside a longer one found is
// not counted again) plus the share of the rare letter pairs of its best term that the text has; a matter
// one of whose exclusion terms is found is out. Confidence grows with the score and shrinks with the lead
// over the next matter: two equal candidates never look certain.
func (c *Catalog) Suggest(words string) []Suggestion {
	q := normal(words)
	if utf8.RuneCountInString(q) > maxSuggestText {
		q = string([]rune(q)[:maxSuggestText])
	}
	if q == "" {
		return nil
	}
	have := map[[2]rune]bool{}
	for _, b := range bigrams(q) {
		have[b] = true
	}
	type scored struct {
		Suggestion
		score float64
	}
	var all []scored
	for i := range c.terms {
		t := &c.terms[i]
		if slices.ContainsFunc(t.exclude, func(x string) bool { return strings.Contains(q, x) }) {
			continue
		}
		score, because := c.score(t, q, have)
		if score >= 0.35 {
			all = append(all, scored{Suggestion{Item: t.item, Because: because}, score})
		}
	}
	slices.SortFunc(all, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.Item.Code, b.Item.Code))
	})
	var out []Suggestion
	for i := range min(3, len(all)) {
		rival := 0.0
		if len(all) > 1 {
			rival = all[0].score
			if i == 0 {
				rival = all[1].score
			}
		}
		s := all[i]
		certain := 1 - math.Exp(-s.score/1.2)
		s.Confidence = math.Round(certain*s.score/(s.score+rival*rival/(s.score+rival)*0.6)*100) / 100
		out = append(out, s.Suggestion)
	}
	return out
}

func (c *Catalog) score(t *terms, q string, have map[[2]rune]bool) (float64, []string) {
	var found []string
	best := 0.0
	for _, w := range t.words {
		if strings.Contains(q, w) {
			found = append(found, w)
			continue
		}
		var got, sum float64
		for _, b := range bigrams(w) {
			sum += c.idf[b]
			if have[b] {
				got += c.idf[b]
			}
		}
		if sum > 0 {
			best = math.Max(best, got/sum)
		}
	}
	slices.SortStableFunc(found, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	score := 0.8 * best * best // half a term says little, nearly all of it much
	var because []string
	for _, w := range found {
		if slices.ContainsFunc(because, func(x string) bool { return strings.Contains(x, w) }) {
			continue
		}
		because = append(because, w)
		score += 0.35 + 0.55*float64(utf8.RuneCountInString(w)-1)
	}
	return score, because
}

// Search finds public matters by code, name (Chinese or English) or synonym for the matter list of residents;
// SearchAll also those raised by devices only. Best first, at most limit; an empty q gives nothing.
func (c *Catalog) Search(q string, limit int) []*Item { return c.search(q, limit, true) }

// SearchAll is Search over every active matter.
func (c *Catalog) SearchAll(q string, limit int) []*Item { return c.search(q, limit, false) }

func (c *Catalog) search(q string, limit int, public bool) []*Item {
	q = normal(q)
	if q == "" || limit <= 0 {
		return nil
	}
	type hit struct {
		item *Item
		rank int
	}
	var hits []hit
	for _, it := range c.matters {
		if public && !it.Public {
			continue
		}
		if r := it.rank(q); r > 0 {
			hits = append(hits, hit{it, r})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(a.rank, b.rank) })
	out := make([]*Item, 0, min(limit, len(hits)))
	for _, h := range hits[:min(limit, len(hits))] {
		out = append(out, h.item)
	}
	if len(out) == 0 { // a whole sentence was typed
		for _, s := range c.Suggest(q) {
			if len(out) < limit {
				out = append(out, s.Item)
			}
		}
	}
	return out
}

// rank is how well the item answers q (normal form): 1 best, 0 not at all.
func (it *Item) rank(q string) int {
	name, en := normal(it.Name), normal(it.NameEN)
	switch {
	case it.Code == q || name == q:
		return 1
	case slices.ContainsFunc(it.Synonyms, func(s string) bool { return normal(s) == q }):
		return 2
	case strings.HasPrefix(it.Code, q) || strings.HasPrefix(name, q):
		return 3
	case strings.Contains(name, q) || strings.HasPrefix(en, q):
		return 4
	case slices.ContainsFunc(it.Synonyms, func(s string) bool { return strings.Contains(normal(s), q) }):
		return 5
	case utf8.RuneCountInString(q) >= 3 && strings.Contains(en, q):
		return 6
	}
	return 0
}

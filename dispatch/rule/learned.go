package rule

import (
	"cmp"
	"math"
	"slices"
)

// Count says how often dispatchers filed cases whose words held the pair of characters Term under the matter Item after
// another one had been suggested (N counts up), less how often Item was the suggestion that they put aside (down).
type Count struct {
	Term string `json:"term"`
	Item string `json:"item"`
	N    int    `json:"n"`
}

const (
	fewestLearned = 3    // corrections before a pair says anything
	halfLearned   = 12.0 // corrections at which a pair says half of what it can
	mostPerPair   = 2.4  // weight of one learned pair at most
	mostLearned   = 2.4  // weight of all that was learned for one matter at most; against one half as much
)

// learnedCounts are a district's counts by pair; the zero value has learned nothing.
type learnedCounts struct {
	byTerm map[string][]learnedOf
}

type learnedOf struct {
	item string
	n    int
	told float64 // share of the pair's corrections that went to this matter, in (0,1]
}

// WithLearned is the catalogue that also counts what dispatchers taught. It shares everything else with c.
func (c *Catalog) WithLearned(counts []Count) *Catalog {
	next := *c
	next.learned = learnedCounts{byTerm: map[string][]learnedOf{}}
	total := map[string]int{}
	for _, n := range counts {
		total[n.Term] += max(n.N, 0)
	}
	for _, n := range counts {
		told := 1.0
		if n.N > 0 {
			told = float64(n.N) / float64(total[n.Term])
		}
		if max(n.N, -n.N) >= fewestLearned {
			next.learned.byTerm[n.Term] = append(next.learned.byTerm[n.Term], learnedOf{n.Item, n.N, told})
		}
	}
	return &next
}

// add puts the learned reasons beside the words that were said. A pair that many matters share counts for little, and
// the sum is bounded: a few corrections cannot turn a word that the catalogue knows well.
func (l learnedCounts) add(text []rune, v *vocabulary, hits map[int32][]hit) {
	if len(l.byTerm) == 0 {
		return
	}
	room := map[int32]float64{}
	for _, term := range Pairs(string(text)) {
		for _, o := range l.byTerm[term] {
			item, ok := v.at[o.item]
			if !ok {
				continue
			}
			n := float64(max(o.n, -o.n))
			weight := math.Copysign(mostPerPair*o.told*n/(n+halfLearned), float64(o.n))
			sum := max(-mostLearned/2, min(mostLearned, room[item]+weight))
			if weight = sum - room[item]; weight != 0 {
				room[item] = sum
				hits[item] = append(hits[item], hit{nil, Reason{term, Learned, weight}})
			}
		}
	}
}

// Pairs are the different pairs of Chinese characters in a text as Suggest reads it, sorted. Digits and Latin letters
// are left out: what is kept of a text must not hold numbers of people.
func Pairs(words string) []string {
	text := []rune(normal(spoken().Replace(words)))
	text = text[:min(len(text), maxSuggestText)]
	var out []string
	for i := range len(text) - 1 {
		if han(text[i]) && han(text[i+1]) {
			out = append(out, string(text[i:i+2]))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func han(r rune) bool { return r >= 0x4e00 && r <= 0x9fff }

// Correction is what is counted when a dispatcher filed words under chosen: nothing when the first suggestion was
// chosen or there was none to put aside and no word to learn.
func (c *Catalog) Correction(words, chosen string) []Count {
	suggested := ""
	if s := c.Suggest(words); len(s) > 0 {
		suggested = s[0].Item.Code
	}
	if suggested == chosen || chosen == "" {
		return nil
	}
	var out []Count
	for _, p := range Pairs(words) {
		out = append(out, Count{p, chosen, 1})
		if suggested != "" {
			out = append(out, Count{p, suggested, -1})
		}
	}
	slices.SortFunc(out, func(a, b Count) int { return cmp.Or(cmp.Compare(a.Term, b.Term), cmp.Compare(a.Item, b.Item)) })
	return out
}

package rule

import (
	"math"
	"slices"
	"strings"
	"sync"
)

// A word of the catalogue is a name or a synonym of one matter, or one of the phrases that come with the program
// (data/phrases.csv). It has slots that must all be filled, wherever they stand; a slot is filled by any of its pieces:
// "井盖/窨井+响/晃" is met by 晃 and 窨井 in one text. Pieces are shared by the words that use them.
type word struct {
	item   int32 // position in vocabulary.items
	slots  [][]int32
	label  string  // of a word of one piece
	phrase bool    // says less than a name or a synonym
	pairs  float64 // sum of idf over the pairs of the only piece; 0: never matched in part
}

type piece struct {
	runes, sound []rune
	idf, weight  float64 // weight: idf by length
	words        []int32
}

// vocabulary finds the catalogue's words in a text; immutable.
type vocabulary struct {
	items   []*Item
	exclude [][]int32 // pieces per item that speak against it
	words   []word
	pieces  []piece
	byRunes map[[2]rune][]int32 // pieces by their first two characters
	bySound map[[2]rune][]int32
	byPair  map[[2]rune][]int32 // words of one piece by each pair of characters in them
	idf     map[[2]rune]float64
	at      map[string]int32 // position of an item by code
	ids     map[string]int32 // pieces by text, while the vocabulary is built
}

// firstTwo is the key of an index: a piece of one character has no second one.
func firstTwo(rs []rune) [2]rune {
	if len(rs) == 1 {
		return [2]rune{rs[0], 0}
	}
	return [2]rune{rs[0], rs[1]}
}

// reach says by how much the length of a piece, in characters, multiplies its idf.
var reach = [...]float64{0, 0.45, 0.7, 0.85, 1, 1.1}

// phrases are how residents put the matters of the template catalogue, by code; $ rows name lists that slots use.
var phrases = sync.OnceValue(func() map[string][]string {
	lists, out := []string{}, map[string][]string{}
	err := eachRow("phrases.csv", func(r []string) {
		if strings.HasPrefix(r[0], "$") {
			lists = append(lists, r[0], strings.ReplaceAll(r[1], "|", "/"))
		} else {
			out[r[0]] = split(strings.NewReplacer(lists...).Replace(r[1]))
		}
	})
	if err != nil {
		panic("rule: embedded phrases: " + err.Error()) // caught by every test of this package
	}
	return out
})

func newVocabulary(matters []*Item) *vocabulary {
	v := &vocabulary{byRunes: map[[2]rune][]int32{}, bySound: map[[2]rune][]int32{}, byPair: map[[2]rune][]int32{}, idf: map[[2]rune]float64{}, at: map[string]int32{}, ids: map[string]int32{}}
	for _, it := range matters {
		if !it.Public {
			continue
		}
		at := int32(len(v.items))
		v.items, v.at[it.Code] = append(v.items, it), at
		seen := map[string]bool{}
		for _, w := range append([]string{strings.TrimSuffix(it.Name, "异常"), it.Name}, it.Synonyms...) {
			v.take(at, w, false, seen)
		}
		for _, w := range phrases()[it.Code] {
			v.take(at, w, true, seen)
		}
		var against []int32
		for _, w := range it.ExcludeTerms {
			if n := normal(spoken().Replace(w)); n != "" {
				against = append(against, v.piece(n))
			}
		}
		v.exclude = append(v.exclude, against)
	}
	v.ids = nil
	v.weigh()
	return v
}

// take adds a word of an item once.
func (v *vocabulary) take(item int32, text string, phrase bool, seen map[string]bool) {
	w := word{item: item, phrase: phrase}
	id := int32(len(v.words))
	for slot := range strings.SplitSeq(text, "+") {
		var choices []int32
		for part := range strings.SplitSeq(slot, "/") {
			if n := normal(spoken().Replace(part)); n != "" {
				if p := v.piece(n); !slices.Contains(choices, p) {
					choices = append(choices, p)
				}
				w.label = n
			}
		}
		if len(choices) > 0 {
			w.slots = append(w.slots, choices)
		}
	}
	if len(w.slots) == 0 {
		return
	}
	if len(w.slots) == 1 && len(w.slots[0]) == 1 {
		if seen[w.label] {
			return
		}
		seen[w.label] = true
	}
	for _, slot := range w.slots {
		for _, p := range slot {
			if of := v.pieces[p].words; len(of) == 0 || of[len(of)-1] != id {
				v.pieces[p].words = append(v.pieces[p].words, id)
			}
		}
	}
	v.words = append(v.words, w)
}

func (v *vocabulary) piece(text string) int32 {
	n, ok := v.ids[text]
	if ok {
		return n
	}
	n = int32(len(v.pieces))
	v.ids[text] = n
	rs := []rune(text)
	p := piece{runes: rs, sound: sounds(rs)}
	v.pieces = append(v.pieces, p)
	v.byRunes[firstTwo(rs)] = append(v.byRunes[firstTwo(rs)], n)
	if len(rs) > 1 {
		v.bySound[firstTwo(p.sound)] = append(v.bySound[firstTwo(p.sound)], n)
	}
	return n
}

// weigh sets the weights: idf is ln(1 + matters / matters that use the piece or pair), as in Robertson and Spärck Jones.
func (v *vocabulary) weigh() {
	users := make([]map[int32]bool, len(v.pieces))
	pairUsers := map[[2]rune]map[int32]bool{}
	for p := range v.pieces {
		rs := v.pieces[p].runes
		for from := range rs { // every piece that stands inside this one is used by its matters as well
			for _, inner := range v.startingAt(v.byRunes, rs, from) {
				if !hasPrefix(rs[from:], v.pieces[inner].runes) {
					continue
				}
				if users[inner] == nil {
					users[inner] = map[int32]bool{}
				}
				for _, wi := range v.pieces[p].words {
					users[inner][v.words[wi].item] = true
				}
			}
			if from+1 < len(rs) {
				b := [2]rune{rs[from], rs[from+1]}
				if pairUsers[b] == nil {
					pairUsers[b] = map[int32]bool{}
				}
				for _, wi := range v.pieces[p].words {
					pairUsers[b][v.words[wi].item] = true
				}
			}
		}
	}
	n := float64(len(v.items))
	for i := range v.pieces {
		p := &v.pieces[i]
		p.idf = math.Log1p(n / float64(max(1, len(users[i]))))
		p.weight = p.idf * reach[min(len(p.runes), len(reach)-1)]
	}
	for b, in := range pairUsers {
		v.idf[b] = math.Log1p(n / float64(len(in)))
	}
	for wi := range v.words {
		w := &v.words[wi]
		if len(w.slots) > 1 || len(w.slots[0]) > 1 {
			continue
		}
		rs := v.pieces[w.slots[0][0]].runes
		if len(rs) < 3 {
			continue
		}
		for i := range rs[1:] {
			b := [2]rune{rs[i], rs[i+1]}
			w.pairs += v.idf[b]
			if !slices.Contains(v.byPair[b], int32(wi)) {
				v.byPair[b] = append(v.byPair[b], int32(wi))
			}
		}
	}
}

func (v *vocabulary) startingAt(index map[[2]rune][]int32, rs []rune, at int) []int32 {
	one := index[[2]rune{rs[at], 0}]
	if at+1 >= len(rs) {
		return one
	}
	two := index[[2]rune{rs[at], rs[at+1]}]
	if len(one) == 0 {
		return two
	}
	return append(slices.Clone(one), two...)
}

func hasPrefix(rs, prefix []rune) bool {
	return len(rs) >= len(prefix) && slices.Equal(rs[:len(prefix)], prefix)
}

// How much a piece counts that was written with other characters of the same sound; two characters are soon alike.
const (
	soundsLike    = 0.75
	soundsLikeTwo = 0.5
)

// find gives each piece that stands in the text its strength: 1 as written, less where at least one character is right
// and the others sound the same.
func (v *vocabulary) find(text []rune) map[int32]float64 {
	found := map[int32]float64{}
	heard := sounds(text)
	for at := range text {
		for _, p := range v.startingAt(v.byRunes, text, at) {
			if hasPrefix(text[at:], v.pieces[p].runes) {
				found[p] = 1
			}
		}
		if at+1 >= len(text) {
			continue
		}
		for _, p := range v.bySound[[2]rune{heard[at], heard[at+1]}] {
			if pc := &v.pieces[p]; found[p] == 0 && hasPrefix(heard[at:], pc.sound) && someEqual(text[at:], pc.runes) {
				found[p] = soundsLike
				if len(pc.runes) == 2 {
					found[p] = soundsLikeTwo
				}
			}
		}
	}
	return found
}

func someEqual(text, rs []rune) bool {
	for i, r := range rs {
		if text[i] == r {
			return true
		}
	}
	return false
}

// met is a word as a text filled it.
type met struct {
	pieces []int32 // one a slot
	weight float64
	exact  bool
	label  string
}

// apart is what two pieces said apart are worth of their sum.
const apart = 0.8

// fill looks for the heaviest way to fill every slot; false when a slot stays empty. A piece inside another one that has
// been used does not fill a second slot.
func (v *vocabulary) fill(w *word, found map[int32]float64) (m met, ok bool) {
	m.exact = true
	for _, slot := range w.slots {
		best, weight := int32(-1), 0.0
		for _, p := range slot {
			if got := found[p] * v.pieces[p].weight; got > weight && !slices.ContainsFunc(m.pieces, func(t int32) bool { return overlaps(v.pieces[t].runes, v.pieces[p].runes) }) {
				best, weight = p, got
			}
		}
		if best < 0 {
			return m, false
		}
		m.pieces = append(m.pieces, best)
		m.weight += weight
		m.exact = m.exact && found[best] == 1
		if m.label != "" {
			m.label += "…"
		}
		m.label += string(v.pieces[best].runes)
	}
	if len(w.slots) > 1 {
		m.weight *= apart
	}
	return m, true
}

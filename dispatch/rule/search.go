package rule

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

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

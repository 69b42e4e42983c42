package rule

import (
	"slices"
	"strings"

	"yixian/internal/fault"
)

// Catalog is the active items of one district: immutable, safe for concurrent use. The items it hands out
// are shared and must not be changed.
type Catalog struct {
	byCode  map[Kind]map[string]*Item
	matters []*Item     // by code
	vocab   *vocabulary // of the public matters, for Suggest
	learned learnedCounts
}

// NewCatalog checks and indexes items; inactive ones are left out. It refuses an invalid item and two
// active items of one kind and code (422 INVALID).
func NewCatalog(items []Item) (*Catalog, error) {
	c := &Catalog{byCode: map[Kind]map[string]*Item{KindComponent: {}, KindMatter: {}}}
	items = slices.Clone(items)
	for i := range items {
		it := &items[i]
		if !it.Active {
			continue
		}
		if err := it.Check(); err != nil {
			return nil, err
		}
		if c.byCode[it.Kind][it.Code] != nil {
			return nil, fault.Invalid("/code", "%s %s 重复", it.Kind, it.Code)
		}
		c.byCode[it.Kind][it.Code] = it
		if it.Kind == KindMatter {
			c.matters = append(c.matters, it)
		}
	}
	slices.SortFunc(c.matters, func(a, b *Item) int { return strings.Compare(a.Code, b.Code) })
	c.vocab = newVocabulary(c.matters)
	return c, nil
}

// ByCode finds an active item.
func (c *Catalog) ByCode(kind Kind, code string) (*Item, bool) {
	it, ok := c.byCode[kind][code]
	return it, ok
}

// Matter finds an active matter; for majors 01–05 its code is also that of the component.
func (c *Catalog) Matter(code string) (*Item, bool) { return c.ByCode(KindMatter, code) }

// Matters lists the active matters by code.
func (c *Catalog) Matters() []*Item { return slices.Clone(c.matters) }

// Components lists the active components by code.
func (c *Catalog) Components() []*Item {
	out := make([]*Item, 0, len(c.byCode[KindComponent]))
	for _, it := range c.byCode[KindComponent] {
		out = append(out, it)
	}
	slices.SortFunc(out, func(a, b *Item) int { return strings.Compare(a.Code, b.Code) })
	return out
}

// common are the matters residents report most, in the order of the chips on the report page.
var common = []string{"06010", "09009", "01037", "06013", "01002", "06028", "09006", "07001", "09012", "06042", "09011", "06001"}

// Common lists the codes of the most reported matters that this catalogue has.
func (c *Catalog) Common() []string {
	out := make([]string, 0, len(common))
	for _, code := range common {
		if _, ok := c.Matter(code); ok {
			out = append(out, code)
		}
	}
	return out
}

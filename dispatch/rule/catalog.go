package rule

import (
	"slices"
	"strings"
	"time"

	"yixian/internal/fault"
)

// Catalog is the items of one district: immutable, safe for concurrent use. The items it hands out are shared and must
// not be changed. Lists, search and suggestion know what is in force at one instant; a decision asks for its own (MatterAt).
type Catalog struct {
	at      time.Time
	byCode  map[Kind]map[string]*Item // district-wide, in force at the instant
	spans   map[span][]*Item          // every version that is not over by then, earliest first
	local   bool                      // some item holds in a part of the district only
	matters []*Item                   // by code
	vocab   *vocabulary               // of the public matters, for Suggest
	learned learnedCounts
	renamed map[string]string // matters that are in force no more: code → name
	codes   map[OldCode]string
}

// span is what one version after another answers for.
type span struct {
	kind       Kind
	code, area string
}

// NewCatalog is NewCatalogAt for items without a validity.
func NewCatalog(items []Item) (*Catalog, error) { return NewCatalogAt(items, time.Time{}) }

// NewCatalogAt checks and indexes the versions that are in force at an instant or will be; inactive ones and those that
// are over are left out. It refuses an invalid item and two versions of one kind, code and area that hold at once (422 INVALID).
func NewCatalogAt(items []Item, at time.Time) (*Catalog, error) {
	c := &Catalog{at: at, byCode: map[Kind]map[string]*Item{KindComponent: {}, KindMatter: {}}, spans: make(map[span][]*Item, len(items))}
	items = slices.Clone(items)
	for i := range items {
		it := &items[i]
		if !it.Active || it.ValidTo != nil && !at.Before(*it.ValidTo) {
			continue
		}
		if err := it.Check(); err != nil {
			return nil, err
		}
		k := span{it.Kind, it.Code, it.Area}
		c.spans[k] = append(c.spans[k], it)
		if c.local = c.local || it.Area != ""; it.Area != "" || !it.InForce(at) {
			continue
		}
		if c.byCode[it.Kind][it.Code] != nil {
			return nil, fault.Invalid("/code", "%s %s 重复", it.Kind, it.Code)
		}
		c.byCode[it.Kind][it.Code] = it
		if it.Kind == KindMatter {
			c.matters = append(c.matters, it)
		}
	}
	for k, list := range c.spans {
		slices.SortFunc(list, func(a, b *Item) int { return a.begin().Compare(b.begin()) })
		for i, it := range list[1:] {
			if end := list[i].ValidTo; end == nil || it.begin().Before(*end) {
				return nil, fault.Invalid("/valid_from", "%s %s 的第 %d 版与第 %d 版的有效期重叠", k.kind, k.code, list[i].Version, it.Version)
			}
		}
	}
	slices.SortFunc(c.matters, func(a, b *Item) int { return strings.Compare(a.Code, b.Code) })
	c.vocab = newVocabulary(c.matters)
	return c, nil
}

func (it *Item) begin() time.Time {
	if it.ValidFrom == nil {
		return time.Time{}
	}
	return *it.ValidFrom
}

// ByCode finds the district's item that is in force.
func (c *Catalog) ByCode(kind Kind, code string) (*Item, bool) {
	it, ok := c.byCode[kind][code]
	return it, ok
}

// Matter finds the district's matter that is in force; for majors 01–05 its code is also that of the component.
func (c *Catalog) Matter(code string) (*Item, bool) { return c.ByCode(KindMatter, code) }

// MatterAt finds the matter that holds at a place and an instant: the community's, else the street's, else the district's.
// The zero instant, and any before the catalogue was read, is when it was read.
func (c *Catalog) MatterAt(code, community, street string, at time.Time) (*Item, bool) {
	if at.Before(c.at) {
		at = c.at
	}
	if c.local {
		for _, area := range [...]string{community, street} {
			if area == "" {
				continue
			}
			if it := c.version(span{KindMatter, code, area}, at); it != nil {
				return it, true
			}
		}
	}
	it := c.version(span{kind: KindMatter, code: code}, at)
	return it, it != nil
}

func (c *Catalog) version(k span, at time.Time) *Item {
	for _, it := range c.spans[k] {
		if it.InForce(at) {
			return it
		}
	}
	return nil
}

// everyMatter lists each version of a matter that is in force or will be.
func (c *Catalog) everyMatter() (out []*Item) {
	for k, list := range c.spans {
		if k.kind == KindMatter {
			out = append(out, list...)
		}
	}
	return out
}

// Matters lists the district's matters that are in force by code.
func (c *Catalog) Matters() []*Item { return slices.Clone(c.matters) }

// Components lists the district's components that are in force by code.
func (c *Catalog) Components() []*Item {
	out := make([]*Item, 0, len(c.byCode[KindComponent]))
	for _, it := range c.byCode[KindComponent] {
		out = append(out, it)
	}
	slices.SortFunc(out, func(a, b *Item) int { return strings.Compare(a.Code, b.Code) })
	return out
}

// Name is what a matter is called, also one that is in force no more; "" when it was never known.
func (c *Catalog) Name(code string) string {
	if it, ok := c.Matter(code); ok {
		return it.Name
	}
	return c.renamed[code]
}

// WithPast is the catalogue with the names of matters that are in force no more, and with the codes of older standards.
func (c *Catalog) WithPast(names map[string]string, codes map[OldCode]string) *Catalog {
	x := *c
	x.renamed, x.codes = names, codes
	return &x
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

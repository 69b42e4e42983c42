package rule

import "sync"

// confused are groups of matters that are taken for one another (data/confusable.csv: one group a row, codes by "|").
var confused = sync.OnceValue(func() map[string][]string {
	out := map[string][]string{}
	err := eachRow("confusable.csv", func(r []string) {
		group := split(r[0])
		for _, code := range group {
			for _, other := range group {
				if other != code {
					out[code] = append(out[code], other)
				}
			}
		}
	})
	if err != nil {
		panic("rule: embedded confusable matters: " + err.Error()) // caught by every test of this package
	}
	return out
})

// Confusable lists the codes of matters that are often taken for code; the list is shared and must not be changed.
func Confusable(code string) []string { return confused()[code] }

func (c *Catalog) confusable(it *Item) []*Item {
	var out []*Item
	for _, code := range Confusable(it.Code) {
		if other, ok := c.Matter(code); ok && other.Public {
			out = append(out, other)
		}
	}
	return out
}

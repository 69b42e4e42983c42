package rule

import (
	"embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// The demo data. Codes and Chinese names of majors 01–10 are those of GB/T 47678.5-2026; English names,
// majors 21–30, words, levels, limits and responsible lines are the project's own.
//
//go:embed data
var data embed.FS

var majors = map[string][2]string{
	"01": {"市政公用设施", "Public works and utilities"}, "02": {"交通设施", "Traffic facilities"},
	"03": {"市容环卫设施", "Cleansing and street scene facilities"}, "04": {"园林绿化设施", "Parks and greenery facilities"},
	"05": {"其他管理部件", "Other managed components"}, "06": {"市容环境类", "Street scene and environment"},
	"07": {"宣传广告类", "Advertising and publicity"}, "08": {"施工管理类", "Building sites"},
	"09": {"街面秩序类", "Order in the street"}, "10": {"其他事项类", "Other matters"},
	"21": {"网络餐饮与食品安全", "Online catering and food safety"}, "22": {"物业与住房", "Property management and housing"},
	"23": {"社区治安与消防", "Neighbourhood security and fire safety"}, "24": {"矛盾纠纷调解", "Mediation of disputes"},
	"25": {"民政救助与养老", "Social assistance and elderly care"}, "26": {"政务服务", "Government services"},
	"27": {"生态环境预警", "Environmental warnings"}, "28": {"网络谣言与信息澄清", "Rumours and clarification"},
	"29": {"智能感知告警", "Sensor alarms"}, "30": {"突发公共事件", "Public emergencies"},
}

var demo = sync.OnceValue(func() []Item {
	items, err := readDemo()
	if err != nil {
		panic("rule: embedded catalogue: " + err.Error()) // caught by every test of this package
	}
	return items
})

// DemoItems is the demo catalogue for a district: 153 components and 499 matters (250 national, 249 local).
func DemoItems(district string) []Item {
	items := slices.Clone(demo())
	for i := range items {
		items[i].District = district
	}
	return items
}

// DemoCatalog is the indexed demo catalogue.
func DemoCatalog(district string) *Catalog {
	c, err := NewCatalog(DemoItems(district))
	if err != nil {
		panic("rule: embedded catalogue: " + err.Error())
	}
	return c
}

func readDemo() ([]Item, error) {
	defaults, err := readDefaults()
	if err != nil {
		return nil, err
	}
	words := map[string][]string{}
	if err := eachRow("terms.csv", func(r []string) { words[r[0]] = r[1:] }); err != nil {
		return nil, err
	}
	var items []Item
	add := func(standard string, kind Kind, code, zh, en string) {
		it := Item{Standard: standard, Kind: kind, Code: code, Major: code[:2], MajorName: majors[code[:2]][0], MajorNameEN: majors[code[:2]][1], Name: zh, NameEN: en, Version: 1, Active: true}
		for _, d := range defaults {
			d.apply(&it)
		}
		if w := words[code]; kind == KindMatter && w != nil {
			it.Synonyms, it.ExcludeTerms = split(w[0]), split(w[1])
		}
		items = append(items, it)
	}
	err = eachRow("components.csv", func(r []string) {
		add(StandardNational, KindComponent, r[0], r[1], r[2])
		add(StandardNational, KindMatter, r[0], r[1]+"异常", r[2]+" defective")
	})
	if err != nil {
		return nil, err
	}
	if err := eachRow("matters.csv", func(r []string) { add(StandardNational, KindMatter, r[0], r[1], r[2]) }); err != nil {
		return nil, err
	}
	err = eachRow("local.csv", func(r []string) {
		add(StandardLocal, KindMatter, r[0], r[1], r[2])
		it := &items[len(items)-1]
		it.Synonyms = append(split(r[3]), it.Synonyms...)
	})
	return items, err
}

func split(s string) []string {
	if s == "" {
		return []string{}
	}
	return strings.Split(s, "|")
}

func eachRow(file string, row func([]string)) error {
	f, err := data.Open("data/" + file)
	if err != nil {
		return err
	}
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, r := range rows[1:] {
		row(r)
	}
	return nil
}

// def sets fields of every item whose code begins with one of the prefixes; later ones win.
type def struct {
	Matter    []string `json:"matter"`
	Component []string `json:"component"`
	Set       struct {
		Level       Level       `json:"level"`
		Lead        Expr        `json:"lead"`
		Assists     *[]Expr     `json:"assists"`
		Enforcement *bool       `json:"enforcement"`
		Basis       []string    `json:"basis"`
		Priority    Priority    `json:"priority"`
		SLA         []string    `json:"sla"` // "name budget"
		Filing      string      `json:"filing"`
		Closing     string      `json:"closing"`
		Check       CheckMode   `json:"check"`
		Verify      *bool       `json:"verify"`
		Sensitivity Sensitivity `json:"sensitivity"`
		Path        Path        `json:"path"`
		Facets      []string    `json:"facets"`
		Public      *bool       `json:"public"`
	} `json:"set"`
}

func readDefaults() ([]def, error) {
	b, err := data.ReadFile("data/defaults.json")
	if err != nil {
		return nil, err
	}
	var ds []def
	return ds, strictJSON(b, &ds)
}

func (d *def) apply(it *Item) {
	prefixes := d.Matter
	if it.Kind == KindComponent {
		prefixes = d.Component
	}
	if !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(it.Code, p) }) {
		return
	}
	set(&it.Level, d.Set.Level)
	set(&it.LeadExpr, d.Set.Lead)
	set(&it.Priority, d.Set.Priority)
	set(&it.FilingCondition, d.Set.Filing)
	set(&it.ClosingCondition, d.Set.Closing)
	set(&it.CheckMode, d.Set.Check)
	set(&it.Sensitivity, d.Set.Sensitivity)
	set(&it.Path, d.Set.Path)
	setPtr(&it.AssistExpr, d.Set.Assists)
	setPtr(&it.NeedsEnforcement, d.Set.Enforcement)
	setPtr(&it.VerifyBeforeFile, d.Set.Verify)
	setPtr(&it.Public, d.Set.Public)
	if d.Set.Basis != nil {
		it.LegalBasis = d.Set.Basis
	}
	if d.Set.Facets != nil {
		it.Facets = d.Set.Facets
	}
	if d.Set.SLA != nil {
		it.SLA = nil
		for _, s := range d.Set.SLA {
			name, budget, _ := strings.Cut(s, " ")
			it.SLA = append(it.SLA, Stage{name, budget})
		}
	}
}

func set[T comparable](into *T, v T) {
	var zero T
	if v != zero {
		*into = v
	}
}

func setPtr[T any](into *T, v *T) {
	if v != nil {
		*into = *v
	}
}

// Facet is a question whose answer decides between units.
type Facet struct {
	Key     string        `json:"key"`
	Zh      string        `json:"zh"`
	En      string        `json:"en"`
	Options []FacetOption `json:"options"`
}

// FacetOption is one answer; Value is a string or a bool.
type FacetOption struct {
	Value any    `json:"value"`
	Zh    string `json:"zh"`
	En    string `json:"en"`
}

// Facets lists the questions that items refer to by key.
func Facets() []Facet {
	var out []Facet
	b, err := data.ReadFile("data/facets.json")
	if err == nil {
		err = strictJSON(b, &out)
	}
	if err != nil {
		panic("rule: embedded facets: " + err.Error())
	}
	return out
}

// DemoRules are R01–R14 of the domain page, bound to the units D-CG, D-JS, D-SJ, D-XF, D-WX, C-LD and U-RQ;
// departments the fixture lacks are named by line and fall to the street there. A row with several
// branches has one rule per branch (R04 ledger, R04b estate, R04c no ledger).
func DemoRules() []Rule {
	var out []Rule
	b, err := data.ReadFile("data/rules.json")
	if err == nil {
		err = strictJSON(b, &out)
	}
	if err != nil {
		panic("rule: embedded rules: " + err.Error())
	}
	return out
}

// Adapt makes template rules fit a district: each `unit:` that dir lacks becomes street_of(grid), since the
// street stands in for a missing unit. It returns the codes that were replaced, sorted.
func Adapt(rules []Rule, dir Directory) ([]Rule, []string) {
	var gone []string
	fix := func(e Expr) Expr {
		code, ok := strings.CutPrefix(string(e), "unit:")
		if u, known := dir.Units[code]; !ok || known && u.Active {
			return e
		}
		if !slices.Contains(gone, code) {
			gone = append(gone, code)
		}
		return StreetOfGrid
	}
	rules = slices.Clone(rules)
	for i := range rules {
		rules[i].Then = rules[i].Then.retarget(fix)
	}
	slices.Sort(gone)
	return rules, gone
}

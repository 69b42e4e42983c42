package dispatch

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"yixian/dispatch/rule"
	"yixian/internal/sheet"
)

// Words of the catalogue as people write them in a table; a file may use the codes too.
var (
	kindWords  = []string{"matter", "事项", "component", "部件"}
	levelWords = []string{"COMMUNITY", "社区", "STREET", "街镇", "DISTRICT", "区", "CITY", "市"}
	pathWords  = []string{"STREET_FIRST", "街镇先办", "DIRECT", "直派部门"}
	sensWords  = []string{"PUBLIC", "公开", "NORMAL", "一般", "SENSITIVE", "敏感", "WHISTLEBLOWER", "举报保护"}
)

// catalogSheet is the catalogue as a table. zone is that of days without an hour.
func catalogSheet(zone *time.Location) sheet.Table[rule.Item] {
	type column = sheet.Column[rule.Item]
	text := func(key, name string, most int, required bool, at func(*rule.Item) *string) column {
		return column{Key: key, Name: name, Required: required, Get: func(i *rule.Item) string { return *at(i) }, Set: func(i *rule.Item, s string) (err error) {
			*at(i), err = sheet.Text(s, most)
			return err
		}}
	}
	list := func(key, name string, at func(*rule.Item) *[]string) column {
		return column{Key: key, Name: name, Get: func(i *rule.Item) string { return joinCell(*at(i)) }, Set: func(i *rule.Item, s string) error { *at(i) = splitCell(s); return nil }}
	}
	word := func(key, name string, pairs []string, get func(*rule.Item) string, set func(*rule.Item, string)) column {
		return column{Key: key, Name: name, Required: true, Get: func(i *rule.Item) string { return sheet.NameOf(get(i), pairs...) }, Set: func(i *rule.Item, s string) error {
			v, err := sheet.OneOf(s, pairs...)
			set(i, v)
			return err
		}}
	}
	yes := func(key, name string, at func(*rule.Item) *bool) column {
		return column{Key: key, Name: name, Get: func(i *rule.Item) string { return sheet.YesNo(*at(i)) }, Set: func(i *rule.Item, s string) (err error) { *at(i), err = sheet.Bool(s); return err }}
	}
	instant := func(key, name string, at func(*rule.Item) **time.Time) column {
		return column{Key: key, Name: name, Get: func(i *rule.Item) string {
			if t := *at(i); t != nil {
				return t.In(zone).Format(time.RFC3339Nano)
			}
			return ""
		}, Set: func(i *rule.Item, s string) error {
			t, err := time.Parse(time.RFC3339Nano, s)
			if err != nil {
				day, err := sheet.Date(s)
				if err != nil {
					return err
				}
				if t, err = time.ParseInLocation(time.DateOnly, day, zone); err != nil {
					return err
				}
			}
			*at(i) = &t
			return nil
		}}
	}
	return sheet.Table[rule.Item]{Name: "责任清单", ID: func(i *rule.Item) string { return string(i.Kind) + " " + i.Code + " " + i.Area }, Columns: []column{
		word("kind", "类别", kindWords, func(i *rule.Item) string { return string(i.Kind) }, func(i *rule.Item, s string) { i.Kind = rule.Kind(s) }),
		{Key: "code", Name: "编码", Required: true, Get: func(i *rule.Item) string { return i.Code }, Set: func(i *rule.Item, s string) (err error) {
			if len(s) == 4 && strings.Trim(s, "0123456789") == "" {
				s = "0" + s // a spreadsheet took the leading zero for a number's
			}
			i.Code, err = sheet.Digits(s, 5)
			return err
		}},
		{Key: "area", Name: "适用范围", Get: func(i *rule.Item) string { return i.Area }, Set: func(i *rule.Item, s string) (err error) { i.Area, err = sheet.Digits(s, 9, 12); return err }},
		text("standard", "标准号", 100, true, func(i *rule.Item) *string { return &i.Standard }),
		text("name", "名称", 100, true, func(i *rule.Item) *string { return &i.Name }),
		text("name_en", "英文名称", 100, true, func(i *rule.Item) *string { return &i.NameEN }),
		text("major_name", "大类名称", 100, false, func(i *rule.Item) *string { return &i.MajorName }),
		text("major_name_en", "大类英文名称", 100, false, func(i *rule.Item) *string { return &i.MajorNameEN }),
		word("level", "层级", levelWords, func(i *rule.Item) string { return string(i.Level) }, func(i *rule.Item, s string) { i.Level = rule.Level(s) }),
		text("lead", "主办", 200, false, func(i *rule.Item) *string { return (*string)(&i.LeadExpr) }),
		{Key: "assists", Name: "协办", Get: func(i *rule.Item) string { return joinCell(i.AssistExpr) }, Set: func(i *rule.Item, s string) error {
			for _, e := range splitCell(s) {
				i.AssistExpr = append(i.AssistExpr, rule.Expr(e))
			}
			return nil
		}},
		yes("needs_enforcement", "需要执法", func(i *rule.Item) *bool { return &i.NeedsEnforcement }),
		list("legal_basis", "法律依据", func(i *rule.Item) *[]string { return &i.LegalBasis }),
		word("priority", "优先级", []string{"P1", "P1", "P2", "P2", "P3", "P3", "P4", "P4"}, func(i *rule.Item) string { return string(i.Priority) }, func(i *rule.Item, s string) { i.Priority = rule.Priority(s) }),
		{Key: "sla", Name: "时限", Get: func(i *rule.Item) string {
			var out []string
			for _, s := range i.SLA {
				out = append(out, s.Name+" "+s.Budget)
			}
			return joinCell(out)
		}, Set: setSLA},
		text("filing_condition", "立案条件", 1000, false, func(i *rule.Item) *string { return &i.FilingCondition }),
		text("closing_condition", "结案条件", 1000, false, func(i *rule.Item) *string { return &i.ClosingCondition }),
		{Key: "check_mode", Name: "核查方式", Required: true, Get: func(i *rule.Item) string { return string(i.CheckMode) }, Set: func(i *rule.Item, s string) error {
			i.CheckMode = rule.CheckMode(strings.ToUpper(s))
			return nil
		}},
		yes("verify_before_file", "立案前核实", func(i *rule.Item) *bool { return &i.VerifyBeforeFile }),
		word("sensitivity", "敏感级别", sensWords, func(i *rule.Item) string { return string(i.Sensitivity) }, func(i *rule.Item, s string) { i.Sensitivity = rule.Sensitivity(s) }),
		word("path", "派遣路径", pathWords, func(i *rule.Item) string { return string(i.Path) }, func(i *rule.Item, s string) { i.Path = rule.Path(s) }),
		list("facets", "追问", func(i *rule.Item) *[]string { return &i.Facets }),
		list("synonyms", "同义词", func(i *rule.Item) *[]string { return &i.Synonyms }),
		list("exclude_terms", "排除词", func(i *rule.Item) *[]string { return &i.ExcludeTerms }),
		yes("public", "居民可选", func(i *rule.Item) *bool { return &i.Public }),
		instant("valid_from", "生效时间", func(i *rule.Item) **time.Time { return &i.ValidFrom }),
		instant("valid_to", "失效时间", func(i *rule.Item) **time.Time { return &i.ValidTo }),
	}}
}

func setSLA(i *rule.Item, cell string) error {
	for _, part := range splitCell(cell) {
		words := strings.Fields(part)
		switch len(words) {
		case 1:
			words = []string{"handle", words[0]}
		case 2:
		default:
			return sheet.Wrong(fmt.Sprintf("看不懂时限 %q", part), "写成 4WH，或分阶段写成 stop 4WH; penalty 7WD; demolish 20WD")
		}
		i.SLA = append(i.SLA, rule.Stage{Name: words[0], Budget: words[1]})
	}
	return nil
}

// joinCell writes words with a semicolon between them; a semicolon inside a word gets a backslash.
func joinCell[T ~string](words []T) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(';')
		}
		for _, r := range string(w) {
			if r == ';' || r == '；' || r == '\\' {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}

// splitCell reads what joinCell writes, and the Chinese semicolon; blanks around a word and empty words are dropped.
func splitCell(cell string) []string {
	out := []string{}
	var b strings.Builder
	end := func() {
		if w := strings.TrimSpace(b.String()); w != "" && !slices.Contains(out, w) {
			out = append(out, w)
		}
		b.Reset()
	}
	escaped := false
	for _, r := range cell {
		switch {
		case escaped:
			b.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped = true
		case r == ';' || r == '；':
			end()
		default:
			b.WriteRune(r)
		}
	}
	end()
	return out
}

package rule

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"yixian/internal/fault"
)

var (
	codeForm  = regexp.MustCompile(`^[0-9]{5}$`)
	areaForm  = regexp.MustCompile(`^([0-9]{9}|[0-9]{12})?$`)
	stageForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,29}$`)
)

// What an item may hold at most, in runes and entries: the catalogue is read into memory whole.
const (
	maxName  = 100
	maxWords = 1000
	maxList  = 200
	maxBytes = 3800 // of a list: it has to fit a cell of a table
)

// Check refuses an item that could not be routed or promised; the pointer names the wrong field. Without an SLA the
// budget of its priority is promised. It does not know the organisation: see Set.CheckItem.
func (it *Item) Check() error {
	switch {
	case it.Kind != KindComponent && it.Kind != KindMatter:
		return fault.Invalid("/kind", "应为 component（部件）或 matter（事项）")
	case !codeForm.MatchString(it.Code):
		return fault.Invalid("/code", "应为 5 位数字（大类 2 位 + 小类 3 位）")
	case it.Standard == "" || tooLong(it.Standard, maxName):
		return fault.Invalid("/standard", "%s 缺少标准号", it.Code)
	case it.Major != it.Code[:2]:
		return fault.Invalid("/major", "应为编码 %s 的前两位", it.Code)
	case it.Name == "" || tooLong(it.Name, maxName):
		return fault.Invalid("/name", "%s 缺少中文名称，或超过 %d 字", it.Code, maxName)
	case it.NameEN == "" || tooLong(it.NameEN, maxName):
		return fault.Invalid("/name_en", "%s 缺少英文名称，或超过 %d 字", it.Code, maxName)
	case !areaForm.MatchString(it.Area):
		return fault.Invalid("/area", "应为 9 位街镇编码或 12 位社区编码，全区留空")
	case it.Level.Rank() == 0:
		return fault.Invalid("/level", "%s 的层级 %q 无效，应为 COMMUNITY、STREET、DISTRICT、CITY 之一", it.Code, it.Level)
	case !it.Priority.Valid():
		return fault.Invalid("/priority", "%s 的优先级 %q 无效，应为 P1、P2、P3、P4 之一", it.Code, it.Priority)
	case !it.CheckMode.valid():
		return fault.Invalid("/check_mode", "%s 的核查方式 %q 无效，应为 ALL、SAMPLE(30)、PHONE、NONE 之一", it.Code, it.CheckMode)
	case !it.Sensitivity.valid():
		return fault.Invalid("/sensitivity", "%s 的敏感级别 %q 无效，应为 PUBLIC、NORMAL、SENSITIVE、WHISTLEBLOWER 之一", it.Code, it.Sensitivity)
	case it.Path != PathStreetFirst && it.Path != PathDirect:
		return fault.Invalid("/path", "%s 的派遣路径 %q 无效，应为 STREET_FIRST 或 DIRECT", it.Code, it.Path)
	case tooLong(it.FilingCondition, maxWords):
		return fault.Invalid("/filing_condition", "超过 %d 字", maxWords)
	case tooLong(it.ClosingCondition, maxWords):
		return fault.Invalid("/closing_condition", "超过 %d 字", maxWords)
	case !oneLine(it.Standard + it.Name + it.NameEN + it.MajorName + it.MajorNameEN + it.FilingCondition + it.ClosingCondition):
		return fault.Invalid("/name", "%s 的文字中有换行或其他控制字符，请改为一行", it.Code)
	case it.ValidFrom != nil && it.ValidTo != nil && !it.ValidFrom.Before(*it.ValidTo):
		return fault.Invalid("/valid_to", "应晚于生效时间")
	}
	if err := it.SLA.check("/sla"); err != nil {
		return err
	}
	return it.checkLists()
}

// Normalize trims what people typed and makes every list present.
func (it *Item) Normalize() {
	for _, s := range []*string{&it.Standard, &it.Code, &it.Name, &it.NameEN, &it.MajorName, &it.MajorNameEN, &it.FilingCondition, &it.ClosingCondition, &it.Area, (*string)(&it.LeadExpr)} {
		*s = strings.TrimSpace(*s)
	}
	for _, l := range []*[]string{&it.LegalBasis, &it.Facets, &it.Synonyms, &it.ExcludeTerms} {
		*l = once(*l)
	}
	it.AssistExpr = once(it.AssistExpr)
	it.SLA = append(SLA{}, it.SLA...)
}

func (it *Item) checkLists() error {
	if it.LeadExpr != "" || len(it.AssistExpr) > 0 { // no lead named: the street backstop
		if err := it.checkExpr("/lead_expr", it.LeadExpr); err != nil {
			return err
		}
	}
	for i, e := range it.AssistExpr {
		if err := it.checkExpr("/assist_expr/"+strconv.Itoa(i), e); err != nil {
			return err
		}
	}
	for i, key := range it.Facets {
		if !facetKeys()[key] {
			return fault.Invalid("/facets/"+strconv.Itoa(i), "没有追问 %q", key)
		}
	}
	for _, l := range []struct {
		at   string
		list []string
	}{{"/legal_basis", it.LegalBasis}, {"/synonyms", it.Synonyms}, {"/exclude_terms", it.ExcludeTerms}} {
		bytes := 0
		for i, s := range l.list {
			if bytes += 2*len(s) + 1; strings.TrimSpace(s) == "" || tooLong(s, maxName) || !oneLine(s) {
				return fault.Invalid(l.at+"/"+strconv.Itoa(i), "不能为空、不能换行，最多 %d 字", maxName)
			}
		}
		if len(l.list) > maxList || bytes > 2*maxBytes {
			return fault.Invalid(l.at, "最多 %d 条、共 %d 字", maxList, maxBytes/3)
		}
	}
	if i := slices.IndexFunc(it.ExcludeTerms, func(s string) bool { return slices.Contains(it.Synonyms, s) }); i >= 0 {
		return fault.Invalid("/exclude_terms/"+strconv.Itoa(i), "%q 不能既是同义词又是排除词", it.ExcludeTerms[i])
	}
	return nil
}

func (it *Item) checkExpr(at string, e Expr) error {
	x, err := parseExpr(e)
	if err != nil {
		return fault.Invalid(at, "%s：%s；应为 street_of(grid)、community_of(grid)、owner_of(component)、maintainer_of(component)、line:条线 或 unit:单位编码", it.Code, err)
	}
	if x.kind == exprFacetLine && !slices.Contains(it.Facets, x.arg) {
		return fault.Invalid(at, "%s：由追问 %q 决定条线，但该事项没有这个追问", it.Code, x.arg)
	}
	return nil
}

// check names the first stage that cannot be promised, below the pointer at.
func (s SLA) check(at string) error {
	if len(s) > 9 {
		return fault.Invalid(at, "最多 9 个阶段")
	}
	for i, st := range s {
		here := at + "/" + strconv.Itoa(i)
		if !stageForm.MatchString(st.Name) {
			return fault.Invalid(here+"/name", "阶段名 %q 应为小写字母、数字和下划线", st.Name)
		}
		if b, err := st.Parsed(); err != nil || b.N <= 0 {
			return fault.Invalid(here+"/budget", "时限 %q 无效，应为正整数加单位，如 30NM、4WH、5WD（NM NH ND 为自然时间，WM WH WD 为工作时间）", st.Budget)
		}
		if slices.ContainsFunc(s[:i], func(o Stage) bool { return o.Name == st.Name }) {
			return fault.Invalid(here+"/name", "阶段 %q 重复", st.Name)
		}
	}
	return nil
}

// CheckItem refuses an item whose lead or assistance names a unit that the district does not have or has retired.
func (s *Set) CheckItem(it *Item) error {
	for i, e := range append([]Expr{it.LeadExpr}, it.AssistExpr...) {
		code, ok := strings.CutPrefix(string(e), "unit:")
		if !ok || s.dir.live(code) != "" {
			continue
		}
		at, say := "/lead_expr", "没有单位 %s"
		if i > 0 {
			at = "/assist_expr/" + strconv.Itoa(i-1)
		}
		if _, known := s.dir.Units[code]; known {
			say = "单位 %s 已停用，请改为仍在使用的单位"
		}
		return fault.Invalid(at, say, code).Coded("UNIT_RETIRED")
	}
	return nil
}

// once trims words and drops what stands there twice.
func once[T ~string](list []T) []T {
	out := make([]T, 0, len(list))
	for _, s := range list {
		if s = T(strings.TrimSpace(string(s))); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func oneLine(s string) bool { return !strings.ContainsFunc(s, unicode.IsControl) }

func tooLong(s string, runes int) bool { return len(s) > runes && utf8.RuneCountInString(s) > runes }

var facetKeys = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for _, f := range Facets() {
		m[f.Key] = true
	}
	return m
})

// MajorName is the Chinese and English name of a major class of the shipped standards; empty when it is not one of them.
func MajorName(major string) (zh, en string) { return majors[major][0], majors[major][1] }

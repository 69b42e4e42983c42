package rule

import (
	"regexp"

	"yixian/internal/fault"
)

// Standards whose codes are older than the catalogue's; they have four digits, two of the class and two of the kind.
const (
	Standard2007 = "CJ/T 214-2007"
	Standard2013 = "GB/T 30428.2-2013"
)

// OldCode is a code as an older standard writes it.
type OldCode struct{ Standard, Code string }

// Mapping says what a code of an older standard is called now.
type Mapping struct {
	StandardFrom string `json:"standard_from"`
	CodeFrom     string `json:"code_from"`
	StandardTo   string `json:"standard_to"`
	CodeTo       string `json:"code_to"`
}

var oldCodeForm = regexp.MustCompile(`^[0-9A-Za-z]{1,17}$`)

// Check refuses a mapping that could not be used.
func (m *Mapping) Check() error {
	switch {
	case m.StandardFrom == "" || tooLong(m.StandardFrom, maxName):
		return fault.Invalid("/standard_from", "请填写原标准号")
	case !oldCodeForm.MatchString(m.CodeFrom):
		return fault.Invalid("/code_from", "应为字母或数字，最多 17 位")
	case m.StandardFrom == StandardNational || m.StandardFrom == StandardLocal:
		return fault.Invalid("/standard_from", "%s 是现行清单的标准，不需要对照", m.StandardFrom)
	case m.StandardTo == "" || tooLong(m.StandardTo, maxName):
		return fault.Invalid("/standard_to", "请填写现标准号")
	case !codeForm.MatchString(m.CodeTo):
		return fault.Invalid("/code_to", "应为 5 位数字")
	}
	return nil
}

// DemoMappings are the mappings that the project knows for certain; a district adds its own.
func DemoMappings() (out []Mapping) {
	err := eachRow("codemap.csv", func(r []string) { out = append(out, Mapping{r[0], r[1], r[2], r[3]}) })
	if err != nil {
		panic("rule: embedded code map: " + err.Error()) // caught by every test of this package
	}
	return out
}

// Translate gives the catalogue's code for one that names its standard; without a standard, and for the catalogue's own, a
// code is itself. Errors (INVALID, UNKNOWN_OLD_CODE) point to /matter or /standard_ref.
func (c *Catalog) Translate(standard, code string) (string, error) {
	if now, ok := c.codes[OldCode{standard, code}]; ok {
		return now, nil
	}
	switch {
	case code == "" && standard != "":
		return "", fault.Invalid("/standard_ref", "给出标准时须同时给出事项编码")
	case code == "" || codeForm.MatchString(code) && (standard == "" || standard == StandardNational || standard == StandardLocal):
		return code, nil
	case standard == "":
		return "", fault.Invalid("/matter", "编码 %s 不是现行的 5 位编码；旧标准的编码请同时在 standard_ref 中给出它的标准，如 %s", code, Standard2013)
	}
	return "", fault.Invalid("/matter", "对照表中没有 %s 的编码 %s，请由管理员在编码对照表中补充", standard, code).Coded("UNKNOWN_OLD_CODE")
}

package grid

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"yixian/internal/fault"
)

// The kinds of organisation. Everything but the city and the district centre can receive an assignment.
const (
	UnitCity           = "CITY"
	UnitDistrictCenter = "DISTRICT_CENTER"
	UnitStreet         = "STREET"
	UnitCommunity      = "COMMUNITY"
	UnitDepartment     = "DEPARTMENT"
	UnitCityDepartment = "CITY_DEPARTMENT"
	UnitUtility        = "UTILITY"
	UnitProperty       = "PROPERTY"
	UnitNGO            = "NGO"
)

// UnitKinds are all kinds, in the order in which a list shows them.
var UnitKinds = []string{
	UnitCity, UnitDistrictCenter, UnitStreet, UnitCommunity, UnitDepartment,
	UnitCityDepartment, UnitUtility, UnitProperty, UnitNGO,
}

// unitKindNames are the words of files, code and name in turn.
var unitKindNames = []string{
	UnitCity, "市级平台", UnitDistrictCenter, "区指挥中心", UnitStreet, "街镇", UnitCommunity, "社区", UnitDepartment, "区级部门",
	UnitCityDepartment, "市级部门", UnitUtility, "公共企业", UnitProperty, "物业", UnitNGO, "社会组织",
}

// OrgUnit is one organisation that answers for a place or a trade: table org_unit, key (district, code).
// Line is the trade (条: 城管, 建设 …) by which a rule finds it in any district; AreaCode is the ground it
// answers for (块: a street, a community, the district). Posts are the positions that its people may hold. A unit that is
// retired stays for ever: cases and sheets name it.
type OrgUnit struct {
	District  string     `gorm:"primaryKey" json:"district"`
	Code      string     `gorm:"primaryKey" json:"code"`
	Name      string     `json:"name"`
	ShortName string     `json:"short_name"`
	Kind      string     `json:"kind"`
	Line      string     `json:"line"`
	Parent    string     `json:"parent"`
	AreaCode  string     `json:"area_code"`
	Active    bool       `json:"active"`
	Posts     []string   `gorm:"-" json:"posts"`
	Version   int        `gorm:"default:1" json:"version"`
	RetiredAt *time.Time `json:"retired_at"`
}

// TableName is the table of the organisations of all districts.
func (OrgUnit) TableName() string { return "org_unit" }

// Axis tells whether the unit belongs to a block (BLOCK, 块: it answers for a place) or to a line (LINE, 条: for a trade).
func (u OrgUnit) Axis() string {
	switch u.Kind {
	case UnitCity, UnitDistrictCenter, UnitStreet, UnitCommunity:
		return "BLOCK"
	}
	return "LINE"
}

// parentKinds are the kinds that may stand above a kind. A kind that is not in it may stand under any but a community's.
var parentKinds = map[string][]string{
	UnitCity: {}, UnitDistrictCenter: {UnitCity}, UnitStreet: {UnitDistrictCenter}, UnitCommunity: {UnitStreet}, UnitCityDepartment: {UnitCity},
	UnitDepartment: {UnitDistrictCenter, UnitDepartment}, UnitUtility: {UnitCity, UnitDistrictCenter, UnitDepartment, UnitUtility},
}

func mayStandUnder(kind, parent string) bool {
	allowed, strict := parentKinds[kind]
	return !strict || slices.Contains(allowed, parent)
}

// UnitCode is the form of a unit's code; it never changes.
var UnitCode = regexp.MustCompile(`^[A-Z0-9][A-Z0-9-]{0,31}$`)

// Validate checks the fields of one unit; the error names the field below /units/<code>.
func (u OrgUnit) Validate() error {
	if len(u.District) != 6 || !digits(u.District) {
		return fault.Invalid("/units/"+u.Code+"/district", "所属区划应为 6 位数字")
	}
	for _, f := range u.findings() {
		return fault.Invalid("/units/"+u.Code+"/"+f.key, "%s；%s", f.what, f.mend)
	}
	return nil
}

// findings are what is wrong with the unit by itself.
func (u *OrgUnit) findings() (out []finding) {
	add := func(key, what, mend string) { out = append(out, finding{key, what, mend}) }
	if !UnitCode.MatchString(u.Code) {
		add("code", fmt.Sprintf("单位编码 %q 不符合要求", u.Code), "用 1–32 位大写字母、数字或横线，例如 D-CG")
	}
	if u.Name == "" {
		add("name", "单位名称为空", "填写单位全称")
	}
	if u.ShortName == "" {
		add("short_name", "单位简称为空", "填写简称")
	}
	if !slices.Contains(UnitKinds, u.Kind) {
		add("kind", fmt.Sprintf("单位类型 %q 不存在", u.Kind), "从列出的类型中选择")
	}
	switch level := LevelOf(u.AreaCode); {
	case u.AreaCode == "":
		if u.Kind == UnitStreet || u.Kind == UnitCommunity {
			if u.Active {
				add("area_code", "街镇和社区须填写辖区编码", "街镇填 9 位、社区填 12 位区划编码")
			}
		}
	case level == "":
		add("area_code", fmt.Sprintf("辖区编码 %q 不是 6、9、12 或 15 位数字", u.AreaCode), "核对区划编码")
	case u.District != "" && !strings.HasPrefix(u.AreaCode, u.District):
		add("area_code", "辖区 "+u.AreaCode+" 不在本区", "应以 "+u.District+" 开头")
	case u.Kind == UnitStreet && level != LevelStreet, u.Kind == UnitCommunity && level != LevelCommunity:
		add("area_code", "辖区编码的级别与单位类型不符", "街镇填 9 位、社区填 12 位区划编码")
	}
	return out
}

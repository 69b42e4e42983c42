package grid

import (
	"slices"

	"yixian/internal/fault"
)

// The kinds of organisation. Everything but the district centre can receive an assignment.
const (
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
	UnitDistrictCenter, UnitStreet, UnitCommunity, UnitDepartment,
	UnitCityDepartment, UnitUtility, UnitProperty, UnitNGO,
}

// OrgUnit is one organisation that answers for a place or a trade: table org_unit, key (district, code).
// Line is the trade (城管, 建设 …) by which a rule finds it in any district; AreaCode is the ground it
// answers for (a street, a community, the district).
type OrgUnit struct {
	District  string `gorm:"primaryKey" json:"district"`
	Code      string `gorm:"primaryKey" json:"code"`
	Name      string `json:"name"`
	ShortName string `json:"short_name"`
	Kind      string `json:"kind"`
	Line      string `json:"line"`
	Parent    string `json:"parent"`
	AreaCode  string `json:"area_code"`
	Active    bool   `json:"active"`
}

// TableName is the table of the organisations of all districts.
func (OrgUnit) TableName() string { return "org_unit" }

// Validate checks the fields of one unit; the error names the field below /units/<code>.
func (u OrgUnit) Validate() error {
	field := "/units/" + u.Code
	switch {
	case len(u.District) != 6 || !digits(u.District):
		return fault.Invalid(field+"/district", "所属区划应为 6 位数字")
	case u.Code == "":
		return fault.Invalid(field+"/code", "单位编码不能为空")
	case u.Name == "" || u.ShortName == "":
		return fault.Invalid(field+"/name", "单位名称和简称不能为空")
	case !slices.Contains(UnitKinds, u.Kind):
		return fault.Invalid(field+"/kind", "单位类型 %q 不存在", u.Kind)
	case u.AreaCode != "" && LevelOf(u.AreaCode) == "":
		return fault.Invalid(field+"/area_code", "辖区编码应为 6、9、12 或 15 位数字")
	}
	return nil
}

package grid

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"yixian/internal/fault"
)

// The four levels of ground, from wide to narrow.
const (
	LevelDistrict  = "district"
	LevelStreet    = "street"
	LevelCommunity = "community"
	LevelGrid      = "grid"
)

// The kinds of grid. Only unit grids decide where a case belongs; the others may lie across them.
const (
	KindUnit    = "unit"
	KindDuty    = "duty"
	KindMicro   = "micro"
	KindSpecial = "special"
)

// ApproxNotice is shown wherever a boundary is not official.
const ApproxNotice = "示意边界，非官方"

// Area is one named piece of ground in one version: table area, key (district, code, version). Codes are
// 6 digits for a district (GB/T 2260), 9 for a street, 12 for a community and 15 for a grid; each begins
// with the code of its parent. A community whose boundary is not known has no polygon and no grids.
type Area struct {
	District  string     `gorm:"primaryKey" json:"district"`
	Code      string     `gorm:"primaryKey" json:"code"`
	Version   int        `gorm:"primaryKey" json:"version"`
	Level     string     `json:"level"`
	Kind      string     `json:"kind"` // grids only: unit, duty, micro, special
	Name      string     `json:"name"`
	Parent    string     `json:"parent"`
	LandUse   string     `json:"land_use"`
	Approx    bool       `json:"approx"`
	Polygon   Polygon    `gorm:"column:ground" json:"polygon"`
	ValidFrom time.Time  `json:"valid_from"`
	ValidTo   *time.Time `json:"valid_to"`
	BegunBy   *uuid.UUID `json:"begun_by,omitempty"` // the change (area_change) that began this version, nil for what came with the district
	EndedBy   *uuid.UUID `json:"ended_by,omitempty"`
}

// TableName is the table of the areas of all districts.
func (Area) TableName() string { return "area" }

// CodeLength is the number of digits of a level's codes, 0 for an unknown level.
func CodeLength(level string) int {
	switch level {
	case LevelDistrict:
		return 6
	case LevelStreet:
		return 9
	case LevelCommunity:
		return 12
	case LevelGrid:
		return 15
	}
	return 0
}

// LevelOf tells the level of a code by its length, "" when it is no area code.
func LevelOf(code string) string {
	if !digits(code) {
		return ""
	}
	for _, level := range []string{LevelDistrict, LevelStreet, LevelCommunity, LevelGrid} {
		if len(code) == CodeLength(level) {
			return level
		}
	}
	return ""
}

// ParentOf is the code of the area one level up, "" for a district.
func ParentOf(code string) string {
	if len(code) <= 6 {
		return ""
	}
	return code[:len(code)-3]
}

// Validate checks codes, level, kind and the polygon: well formed, no ring that crosses itself. The error
// names the field below /areas/<code>.
func (a Area) Validate() error {
	if err := a.checkCodes(); err != nil {
		return err
	}
	if at, crossed := a.Polygon.s.crossing(); crossed {
		return fault.Invalid("/areas/"+a.Code+"/polygon", "边界在 %s 附近自相交", at)
	}
	return nil
}

func (a Area) checkCodes() error {
	field := "/areas/" + a.Code
	want := CodeLength(a.Level)
	switch {
	case want == 0:
		return fault.Invalid(field+"/level", "层级只能是 district、street、community 或 grid")
	case len(a.Code) != want || !digits(a.Code):
		return fault.Invalid(field+"/code", "%s 的编码应为 %d 位数字", a.Level, want)
	case a.District != a.Code[:6]:
		return fault.Invalid(field+"/district", "编码应以所属区划 %s 开头", a.District)
	case a.Level != LevelDistrict && a.Parent != ParentOf(a.Code):
		return fault.Invalid(field+"/parent", "上级编码应为 %s", ParentOf(a.Code))
	case a.Version < 1:
		return fault.Invalid(field+"/version", "版本号从 1 开始")
	}
	if a.Level != LevelGrid {
		return nil
	}
	switch a.Kind {
	case KindUnit, KindDuty, KindMicro, KindSpecial:
	default:
		return fault.Invalid(field+"/kind", "网格类型只能是 unit、duty、micro 或 special")
	}
	if !a.Polygon.Known() {
		return fault.Invalid(field+"/polygon", "网格必须有边界")
	}
	return nil
}

// ValidAt tells whether this version is in force at the instant: from ValidFrom up to, not including, ValidTo.
func (a Area) ValidAt(at time.Time) bool {
	return !at.Before(a.ValidFrom) && (a.ValidTo == nil || at.Before(*a.ValidTo))
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// pointedAt puts the fields of a fault below another pointer.
func pointedAt(err error, pointer string) error {
	e, ok := fault.As(err)
	if !ok {
		return fmt.Errorf("%s: %w", pointer, err)
	}
	moved := *e
	moved.Fields = nil
	for _, f := range e.Fields {
		f.Pointer = pointer + f.Pointer
		moved.Fields = append(moved.Fields, f)
	}
	return &moved
}

package grid

import "strings"

// demoUnits makes a unit for the district centre, every street and every community of the areas, and
// reads the departments, enterprises and city units, whose names are this project's own.
func demoUnits(areas []Area) ([]OrgUnit, error) {
	units := []OrgUnit{demoCenter()}
	for _, a := range areas {
		switch a.Level {
		case LevelStreet:
			units = append(units, streetUnit("S-"+a.Code, a))
		case LevelCommunity:
			units = append(units, communityUnit("S-"+a.Parent, a))
		}
	}
	rows, err := demoTable("units.csv")
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		units = append(units, OrgUnit{
			District: DemoDistrict, Code: row["code"], Name: row["name"], ShortName: row["short_name"],
			Kind: row["kind"], Line: row["line"], Parent: row["parent"], AreaCode: row["area_code"], Active: true,
		})
	}
	return units, nil
}

func demoCenter() OrgUnit {
	return OrgUnit{
		District: DemoDistrict, Code: "D-CENTER", Name: "鼓楼区一线处置指挥中心", ShortName: "区指挥中心",
		Kind: UnitDistrictCenter, AreaCode: DemoDistrict, Active: true,
	}
}

// streetUnit answers for a street; its short name drops 街道 or 镇.
func streetUnit(code string, a Area) OrgUnit {
	office := a.Name + "办事处"
	if strings.HasSuffix(a.Name, "镇") {
		office = a.Name + "人民政府"
	}
	return OrgUnit{
		District: a.District, Code: code, Name: office, ShortName: a.Name,
		Kind: UnitStreet, Parent: "D-CENTER", AreaCode: a.Code, Active: true,
	}
}

func communityUnit(street string, a Area) OrgUnit {
	return OrgUnit{
		District: a.District, Code: a.Code, Name: a.Name + "居民委员会", ShortName: a.Name,
		Kind: UnitCommunity, Parent: street, AreaCode: a.Code, Active: true,
	}
}

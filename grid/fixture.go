package grid

import "fmt"

// Fixture is the small district of the acceptance scenarios: two streets, three communities with one
// square grid each, and ten units beside their own. It stands in for the demo district, never beside it.
//
//	26.0920 ┌──────────┐
//	        │ 003001001│ 温泉
//	26.0890 ├──────────┼──────────┐
//	        │ 004001001│ 004002001│ 东街
//	26.0860 └──────────┴──────────┘
//	    119.3060    119.3100   119.3140
func Fixture() ([]Area, []OrgUnit) {
	const lonW, lonM, lonE = "119.3060", "119.3100", "119.3140"
	const latS, latM, latN = "26.0860", "26.0890", "26.0920"
	junmen := outline(lonW, latS, lonM, latS, lonM, latM, lonW, latM)
	second := outline(lonM, latS, lonE, latS, lonE, latM, lonM, latM)
	springs := outline(lonW, latM, lonM, latM, lonM, latN, lonW, latN)
	east := outline(lonW, latS, lonM, latS, lonE, latS, lonE, latM, lonM, latM, lonW, latM)
	whole := outline(lonW, latS, lonM, latS, lonE, latS, lonE, latM, lonM, latM, lonM, latN, lonW, latN, lonW, latM)

	eastStreet := demoArea(LevelStreet, "350102004", "东街街道", east)
	springStreet := demoArea(LevelStreet, "350102003", "温泉街道", springs)
	areas := []Area{demoArea(LevelDistrict, DemoDistrict, "鼓楼区", whole), springStreet, eastStreet}
	units := []OrgUnit{demoCenter(), streetUnit("S-WQ", springStreet), streetUnit("S-DJ", eastStreet)}

	for _, c := range []struct {
		code, name, street string
		polygon            Polygon
	}{
		{"350102003001", "琼河社区", "S-WQ", springs},
		{"350102004001", "军门社区", "S-DJ", junmen},
		{"350102004002", "花园社区", "S-DJ", second},
	} {
		community := demoArea(LevelCommunity, c.code, c.name, c.polygon)
		g := demoArea(LevelGrid, c.code+"001", c.name+"001网格", c.polygon)
		g.Kind, g.LandUse = KindUnit, "道路"
		areas = append(areas, community, g)
		units = append(units, communityUnit(c.street, community))
	}
	return areas, append(units,
		department("D-CG", "鼓楼区城市管理局", "城管局", "CITY_MGMT"),
		department("D-JS", "鼓楼区建设局", "建设局", "CONSTRUCTION"),
		department("D-SJ", "鼓楼区市场监督管理局", "市监局", "MARKET"),
		department("D-XF", "鼓楼区消防救援大队", "消防大队", "FIRE"),
		department("D-WX", "鼓楼区互联网信息办公室", "网信办", "CYBER"),
		OrgUnit{District: DemoDistrict, Code: "C-LD", Name: "福州市路灯管理处", ShortName: "市路灯处",
			Kind: UnitCityDepartment, Line: "LIGHTING", Active: true},
		OrgUnit{District: DemoDistrict, Code: "U-RQ", Name: "华润燃气鼓楼服务部", ShortName: "燃气",
			Kind: UnitUtility, Line: "GAS", Parent: "D-CENTER", AreaCode: DemoDistrict, Active: true},
	)
}

func department(code, name, short, line string) OrgUnit {
	return OrgUnit{
		District: DemoDistrict, Code: code, Name: name, ShortName: short,
		Kind: UnitDepartment, Line: line, Parent: "D-CENTER", AreaCode: DemoDistrict, Active: true,
	}
}

// outline makes a polygon of longitudes and latitudes in turn.
func outline(degrees ...string) Polygon {
	b := []byte(`{"type":"Polygon","coordinates":[[`)
	for i := 0; i < len(degrees); i += 2 {
		b = fmt.Appendf(b, "[%s,%s],", degrees[i], degrees[i+1]) //nolint:gosec // they come in pairs
	}
	p, err := ParsePolygon(fmt.Appendf(b, "[%s,%s]]]}", degrees[0], degrees[1]), WGS84)
	if err != nil {
		panic(err) // a mistake in this file
	}
	return p
}

package grid

import (
	"bytes"
	"embed"
	"encoding/csv"
	"fmt"
	"hash/fnv"
	"path"
	"time"
)

// DemoDistrict is 鼓楼区 of 福州市, the district of the demo and of the fixture.
const DemoDistrict = "350102"

// demoFrom is the day from which demo areas hold: before everything that demo data tells.
var demoFrom = time.Date(2019, 8, 1, 0, 0, 0, 0, time.FixedZone("Asia/Shanghai", 8*3600))

// The files' sources and licences are listed in NOTICE.
//
//go:embed demo/*.geojson demo/*.csv
var demoFiles embed.FS

// Demo is the demo district: its outline, 10 streets, 69 communities and unit grids of about 200 m cut
// from the 47 communities that have a polygon, with the organisations of the district. The streets,
// communities and grids are approximations of this project, not official boundaries (Area.Approx).
// The 22 communities without a polygon exist as areas and units without grids.
func Demo() ([]Area, []OrgUnit, error) {
	district, err := demoAreas("gulou_district.geojson", LevelDistrict)
	if err != nil {
		return nil, nil, err
	}
	streets, err := demoAreas("gulou_streets.geojson", LevelStreet)
	if err != nil {
		return nil, nil, err
	}
	communities, err := demoCommunities()
	if err != nil {
		return nil, nil, err
	}
	areas := append(append(district, streets...), communities...)
	units, err := demoUnits(areas)
	if err != nil {
		return nil, nil, err
	}
	return append(areas, demoGrids(communities)...), units, nil
}

// Outlines are the simplified outlines of the other districts of 福州市. They only tell a resident whose
// district a point is in; nothing is filed by them.
func Outlines() ([]Area, error) {
	return demoAreas("fuzhou_outlines.geojson", LevelDistrict)
}

func demoAreas(file, level string) ([]Area, error) {
	data, err := demoFiles.ReadFile(path.Join("demo", file))
	if err != nil {
		return nil, fmt.Errorf("demo data: %w", err)
	}
	features, err := ReadFeatures(bytes.NewReader(data), WGS84)
	if err != nil {
		return nil, fmt.Errorf("demo data %s: %w", file, err)
	}
	areas := make([]Area, len(features))
	for i, f := range features {
		areas[i] = demoArea(level, f.Code, f.Name, f.Polygon)
		areas[i].Approx = f.Approx
	}
	return areas, nil
}

func demoArea(level, code, name string, polygon Polygon) Area {
	return Area{
		District: code[:6], Code: code, Version: 1, Level: level, Name: name,
		Parent: ParentOf(code), Polygon: polygon, ValidFrom: demoFrom,
	}
}

// demoCommunities joins the list of all communities to the polygons that are known.
func demoCommunities() ([]Area, error) {
	known, err := demoAreas("gulou_communities_approx.geojson", LevelCommunity)
	if err != nil {
		return nil, err
	}
	rings := make([]ring, len(known))
	for i, a := range known {
		rings[i] = a.Polygon.s.polygons[0][0]
	}
	polygons := map[string]Polygon{}
	for i, r := range stitch(rings, stitchReach) {
		polygons[known[i].Code] = Polygon{newShape([][]ring{{r}})}
	}
	rows, err := demoTable("gulou_communities.csv")
	if err != nil {
		return nil, err
	}
	areas := make([]Area, len(rows))
	for i, row := range rows {
		code := row["community_code"]
		areas[i] = demoArea(LevelCommunity, code, row["community"], polygons[code])
		areas[i].Approx = true
	}
	return areas, nil
}

const (
	stitchReach = 20    // units, 20 cm: twice the rounding of the source
	cellWidth   = 20000 // units of longitude, 200 m at the latitude of Gulou
	cellHeight  = 18050 // units of latitude, 200 m
)

func demoGrids(communities []Area) []Area {
	var grids []Area
	net := newLattice(snap(Point{119.20, 26.13}), cellWidth, cellHeight)
	const leastTwiceArea = 2 * cellWidth * cellHeight * 3 / 10
	for _, c := range communities {
		if !c.Polygon.Known() {
			continue
		}
		for i, p := range mergeSlivers(net.cut(c.Polygon.s.polygons[0][0]), leastTwiceArea) {
			code := fmt.Sprintf("%s%03d", c.Code, i+1)
			g := demoArea(LevelGrid, code, fmt.Sprintf("%s%03d网格", c.Name, i+1), Polygon{newShape([][]ring{{p.outline}})})
			g.Kind, g.LandUse, g.Approx = KindUnit, demoLandUse(code), true
			grids = append(grids, g)
		}
	}
	return grids
}

// demoLandUse picks a use by the code, so that every build of the demo is the same: about as many grids
// of each kind as an inner city has.
func demoLandUse(code string) string {
	uses := []string{"小区", "小区", "小区", "小区", "道路", "道路", "道路", "商业", "商业", "广场", "公园", "学校", "机关", "河道"}
	sum := fnv.New32a()
	sum.Write([]byte(code))
	return uses[sum.Sum32()%uint32(len(uses))]
}

// demoTable reads a CSV file with a header into one map per row.
func demoTable(file string) ([]map[string]string, error) {
	data, err := demoFiles.ReadFile(path.Join("demo", file))
	if err != nil {
		return nil, fmt.Errorf("demo data: %w", err)
	}
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff")))).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("demo data %s: %w", file, err)
	}
	table := make([]map[string]string, len(rows)-1)
	for i, row := range rows[1:] {
		table[i] = make(map[string]string, len(row))
		for j, cell := range row {
			table[i][rows[0][j]] = cell
		}
	}
	return table, nil
}

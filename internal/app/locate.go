package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"

	"yixian/grid"
)

// LocateQuery is what `yixian locate` is asked: a point or a file of points; grids from a file or from the database.
type LocateQuery struct {
	Lon, Lat           string
	Datum, Grids, File string
	Explain            bool // for people: which areas were compared, which edge decided
}

type locatePoint struct {
	Lon   float64 `json:"lon"`
	Lat   float64 `json:"lat"`
	Datum string  `json:"datum"`
}

// Locate answers {"grid","community","street"}, with --grids {"code"}; OUT_OF_AREA is a refusal.
func Locate(ctx context.Context, cfg Config, log *slog.Logger, w io.Writer, q LocateQuery) error {
	var points []locatePoint
	if q.File != "" {
		if err := readJSON(q.File, &points); err != nil {
			return err
		}
	} else {
		lon, err1 := strconv.ParseFloat(q.Lon, 64)
		lat, err2 := strconv.ParseFloat(q.Lat, 64)
		if err1 != nil || err2 != nil {
			return usage("用法 / usage: yixian locate LON LAT [--datum=GCJ02] [--grids=FILE] [--file=FILE]")
		}
		points = []locatePoint{{lon, lat, q.Datum}}
	}
	find, done, err := locator(ctx, cfg, log, q.Grids)
	if err != nil {
		return err
	}
	defer done()
	if q.Explain && q.File != "" {
		return usage("--explain 只用于一个点 / --explain takes one point")
	}
	out := make([]any, 0, len(points))
	for i, p := range points {
		name := p.Datum
		if name == "" {
			name = q.Datum
		}
		if name == "" {
			name = "WGS84"
		}
		datum, err := grid.ParseDatum(name)
		if err != nil {
			return entry(i, err)
		}
		point := grid.Point{Lon: p.Lon, Lat: p.Lat}
		if err := point.Validate(); err != nil {
			return entry(i, err)
		}
		wgs := grid.ToWGS84(point, datum)
		if q.Explain {
			return explainPlace(w, find, point, wgs, datum)
		}
		found, ok := find.answer(wgs)
		if !ok {
			found = map[string]string{"error": "OUT_OF_AREA"}
			if q.File == "" {
				fmt.Fprintln(os.Stderr, "OUT_OF_AREA: 该位置不在任何网格内 / the point lies in no grid")
				return ErrRefused
			}
		}
		out = append(out, found)
	}
	if q.File == "" {
		return answer(w, out[0])
	}
	return answer(w, out)
}

// finder answers from a file or from the database.
type finder struct {
	answer  func(grid.Point) (any, bool)
	explain func(grid.Point) (grid.Point, []grid.Trial)
	hint    func(grid.Point) (code, name string, ok bool) // the district of a point outside
}

func locator(ctx context.Context, cfg Config, log *slog.Logger, file string) (find finder, done func(), err error) {
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return find, nil, fmt.Errorf("无法读取网格文件 / cannot read the grid file: %w", err)
		}
		defer func() { _ = f.Close() }()
		l, err := grid.ReadLocator(f, grid.WGS84)
		if err != nil {
			return find, nil, err
		}
		return finder{func(p grid.Point) (any, bool) {
			code, ok := l.Locate(p)
			return map[string]string{"code": code}, ok
		}, l.Explain, func(grid.Point) (string, string, bool) { return "", "", false }}, func() {}, nil
	}
	a, err := attach(ctx, cfg, log)
	if err != nil {
		return find, nil, err
	}
	x := a.worlds.Index()
	return finder{func(p grid.Point) (any, bool) {
		place, ok := x.Locate(p)
		return map[string]string{"grid": place.GridCode, "community": place.CommunityCode, "street": place.StreetCode}, ok
	}, x.Explain, x.LocateDistrict}, func() { a.Close(context.WithoutCancel(ctx)) }, nil
}

// explainPlace writes a look-up for people: the point in every form, each area that was compared and why it holds the point or not.
func explainPlace(w io.Writer, find finder, given, wgs grid.Point, datum grid.Datum) error {
	at, trials := find.explain(wgs)
	fmt.Fprintf(w, "%s %.7f,%.7f → WGS84 %.7f,%.7f（地图精度 1e-7 度）\n", datum, given.Lon, given.Lat, at.Lon, at.Lat)
	decided := ""
	for i, t := range trials {
		verdict := "在外"
		switch t.Lies {
		case grid.LiesFilled:
			verdict = "整个索引单元都在其内，附近没有边界"
		case grid.LiesInside:
			verdict = "在内"
		case grid.LiesOnEdge:
			verdict = "在边界上"
		}
		switch {
		case t.Decides:
			decided, verdict = t.Code, verdict+" → 决定"
		case t.Holds():
			verdict += "，但编码较大，不采用"
		}
		version := ""
		if t.Version > 0 {
			version = fmt.Sprintf(" v%d", t.Version)
		}
		fmt.Fprintf(w, "%2d. %s%s %s：%s\n", i+1, t.Code, version, t.Name, verdict)
		if t.Lies != grid.LiesFilled {
			fmt.Fprintf(w, "      向东的射线与边界相交 %d 次；最近的边 %.7f,%.7f — %.7f,%.7f，相距 %.2f 米\n", t.Crossings, t.Edge[0].Lon, t.Edge[0].Lat, t.Edge[1].Lon, t.Edge[1].Lat, t.Metres)
		}
	}
	if decided != "" {
		fmt.Fprintf(w, "结果：%s\n", decided)
		return nil
	}
	if len(trials) == 0 {
		fmt.Fprintln(w, "附近没有网格")
	}
	if code, name, ok := find.hint(wgs); ok {
		fmt.Fprintf(w, "该点在 %s %s 境内\n", code, name)
	}
	fmt.Fprintln(w, "结果：OUT_OF_AREA")
	return ErrRefused
}

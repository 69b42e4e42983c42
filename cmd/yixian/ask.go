package main

import (
	"context"
	"flag"
	"os"
	"strings"

	"yixian/internal/app"
)

func deadline(_ context.Context, _ app.Config, args []string) error {
	var start, budget, file string
	var suspend list
	_, err := flags("deadline", args, func(fs *flag.FlagSet) {
		fs.StringVar(&start, "start", "", "instant, RFC 3339 or 2026-06-08T09:00:00 in the calendar's zone")
		fs.StringVar(&budget, "budget", "", "<n> NM|NH|ND|WM|WH|WD")
		fs.Var(&suspend, "suspend", "A..B; may be given more than once")
		fs.StringVar(&file, "file", "", "JSON array of {start, budget, suspend?}")
	})
	if err != nil {
		return err
	}
	if file == "" && (start == "" || budget == "") {
		return app.Usage("用法 / usage: yixian deadline --start=T --budget=3WD [--suspend=A..B] [--file=F]")
	}
	return app.Deadline(os.Stdout, start, budget, suspend, file)
}

func locate(ctx context.Context, cfg app.Config, args []string) error {
	var q app.LocateQuery
	words, err := flags("locate", args, func(fs *flag.FlagSet) {
		settings(fs, &cfg)
		fs.StringVar(&q.Datum, "datum", "WGS84", "WGS84, GCJ02 or BD09")
		fs.StringVar(&q.Grids, "grids", "", "GeoJSON file with property code, instead of the database")
		fs.StringVar(&q.File, "file", "", "JSON array of {lon, lat, datum?}")
		fs.BoolVar(&q.Explain, "explain", false, "which areas were compared and which edge decided, for people")
	})
	if err != nil {
		return err
	}
	if q.File == "" {
		if len(words) != 2 {
			return app.Usage("用法 / usage: yixian locate LON LAT [--datum=GCJ02] [--grids=FILE] [--file=FILE] [--explain]")
		}
		q.Lon, q.Lat = words[0], words[1]
	}
	return app.Locate(ctx, cfg, app.NewLog(cfg, os.Stderr), os.Stdout, q)
}

func route(ctx context.Context, cfg app.Config, args []string) error {
	q := app.RouteQuery{Facets: map[string]string{}}
	var set list
	_, err := flags("route", args, func(fs *flag.FlagSet) {
		settings(fs, &cfg)
		fs.StringVar(&q.Matter, "matter", "", "5-digit code")
		fs.StringVar(&q.Lon, "lon", "", "longitude")
		fs.StringVar(&q.Lat, "lat", "", "latitude")
		fs.StringVar(&q.Datum, "datum", "WGS84", "WGS84, GCJ02 or BD09")
		fs.StringVar(&q.Source, "source", "", "RESIDENT, GRID_WORKER, …")
		fs.StringVar(&q.Text, "text", "", "the resident's words")
		fs.StringVar(&q.At, "at", "", "instant")
		fs.BoolVar(&q.Explain, "explain", false, "every rule examined, condition by condition, for people")
		fs.Var(&set, "set", "facet.name=value; may be given more than once")
	})
	if err != nil {
		return err
	}
	for _, kv := range set {
		k, v, ok := strings.Cut(strings.TrimPrefix(kv, "facet."), "=")
		if !ok {
			return app.Usage("--set 应为 facet.x=y / --set takes facet.x=y")
		}
		q.Facets[k] = v
	}
	return app.Route(ctx, cfg, app.NewLog(cfg, os.Stderr), os.Stdout, q)
}

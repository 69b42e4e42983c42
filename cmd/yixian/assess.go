package main

import (
	"context"
	"flag"
	"os"

	"yixian/internal/app"
)

func assess(_ context.Context, _ app.Config, args []string) error {
	var file string
	_, err := flags("assess", args, func(fs *flag.FlagSet) {
		fs.StringVar(&file, "fixture", "", "JSON file of facts: assignments, call_targets, ratings, street_scores; period?, as_of?, cards?, unfounded_returns?")
	})
	if err != nil {
		return err
	}
	if file == "" {
		return app.Usage("用法 / usage: yixian assess --fixture FILE")
	}
	return app.Assess(os.Stdout, file)
}

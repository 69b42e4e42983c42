package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"

	"yixian/internal/app"
)

// settings adds the flags that every command with a data directory has.
func settings(fs *flag.FlagSet, cfg *app.Config) {
	fs.StringVar(&cfg.Data, "data", cfg.Data, "data directory")
	fs.BoolVar(&cfg.Sandbox, "sandbox", cfg.Sandbox, "practice mode, in a data directory of its own")
}

func serve(ctx context.Context, cfg app.Config, args []string) error {
	_, err := flags("serve", args, func(fs *flag.FlagSet) {
		settings(fs, &cfg)
		fs.StringVar(&cfg.Listen, "listen", cfg.Listen, "address")
		fs.BoolVar(&cfg.SandboxHere, "sandbox-on-this-database", cfg.SandboxHere, "let the sandbox replace what is in DATABASE_URL")
		fs.BoolVar(&cfg.Demo, "demo", cfg.Demo, "load the demo district into an empty database")
		fs.StringVar(&cfg.Role, "role", cfg.Role, "all, api or engine")
	})
	if err != nil {
		return err
	}
	return app.Serve(ctx, cfg, app.NewLog(cfg, os.Stderr), func(a *app.App) {
		fmt.Printf("\n  一线 Yixian: http://%s/  居民 residents · /w/ 一线 field · /desk/ 工作台 desk\n", a.Addr)
		a.SignIns(os.Stdout)
		fmt.Println()
	})
}

func migrate(ctx context.Context, cfg app.Config, args []string) error {
	words, err := flags("migrate", args, func(fs *flag.FlagSet) { settings(fs, &cfg) })
	if err != nil {
		return err
	}
	if len(words) != 1 || (words[0] != "up" && words[0] != "status") {
		return app.Usage("用法 / usage: yixian migrate up|status")
	}
	return app.Migrate(ctx, cfg, app.NewLog(cfg, os.Stderr), os.Stdout, words[0])
}

func demo(ctx context.Context, cfg app.Config, args []string) error {
	days, s := "", app.Simulation{}
	_, err := flags("demo", args, func(fs *flag.FlagSet) {
		settings(fs, &cfg)
		fs.StringVar(&days, "simulate", "", "days that the district lives through, such as 60d, in the sandbox's data")
		fs.IntVar(&s.PerDay, "per-day", 64, "reports of a simulated working day")
		fs.Uint64Var(&s.Seed, "seed", 1, "of all chance in a simulated life")
	})
	if err != nil {
		return err
	}
	if days != "" {
		if n, ok := strings.CutSuffix(days, "d"); ok {
			s.Days, _ = strconv.Atoi(n) // 0 is refused with the form that it should have
		}
		return app.Simulate(ctx, cfg, app.NewLog(cfg, os.Stderr), os.Stdout, s)
	}
	return app.Demo(ctx, cfg, app.NewLog(cfg, os.Stderr), os.Stdout)
}

func verify(ctx context.Context, cfg app.Config, args []string) error {
	tenant := ""
	_, err := flags("verify", args, func(fs *flag.FlagSet) {
		settings(fs, &cfg)
		fs.StringVar(&tenant, "tenant", "", "district code; empty: all")
	})
	if err != nil {
		return err
	}
	return app.Verify(ctx, cfg, app.NewLog(cfg, os.Stderr), os.Stdout, tenant)
}

func audit(ctx context.Context, cfg app.Config, args []string) error {
	tenant := ""
	_, err := flags("audit", args, func(fs *flag.FlagSet) {
		settings(fs, &cfg)
		fs.StringVar(&tenant, "tenant", "", "district code; empty: all")
	})
	if err != nil {
		return err
	}
	return app.Audit(ctx, cfg, app.NewLog(cfg, os.Stderr), os.Stdout, tenant)
}

func rollup(ctx context.Context, cfg app.Config, args []string) error {
	tenant := ""
	_, err := flags("rollup", args, func(fs *flag.FlagSet) {
		settings(fs, &cfg)
		fs.StringVar(&tenant, "tenant", "", "district code; empty: all")
	})
	if err != nil {
		return err
	}
	return app.Rollup(ctx, cfg, app.NewLog(cfg, os.Stderr), os.Stdout, tenant)
}

func doctor(ctx context.Context, cfg app.Config, args []string) error {
	_, err := flags("doctor", args, func(fs *flag.FlagSet) {
		settings(fs, &cfg)
		fs.StringVar(&cfg.Listen, "listen", cfg.Listen, "address")
	})
	if err != nil {
		return err
	}
	return app.Doctor(ctx, cfg, app.NewLog(cfg, os.Stderr), os.Stdout)
}

func bench(ctx context.Context, cfg app.Config, args []string) error {
	words, err := flags("bench", args, func(fs *flag.FlagSet) {
		settings(fs, &cfg)
		fs.IntVar(&app.BenchCases, "cases", app.BenchCases, "how many cases `bench dashboard` works on")
	})
	if err != nil {
		return err
	}
	if len(words) != 1 {
		return app.Usage("用法 / usage: yixian bench " + app.BenchNames())
	}
	return app.Bench(ctx, cfg, app.NewLog(cfg, os.Stderr), os.Stdout, words[0])
}

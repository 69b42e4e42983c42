// Command yixian is the whole program: server, engine, pages and tools in one binary.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"yixian/internal/app"
	"yixian/internal/fault"
)

type command struct {
	name, help string
	run        func(ctx context.Context, cfg app.Config, args []string) error
}

var commands = []command{
	{"serve", "API, engine and web pages", serve},
	{"migrate", "schema: migrate up|status", migrate},
	{"demo", "load the demo district and print who can sign in", demo},
	{"import", "import WHAT FILE [--dry-run] [--repair] [--effective=DAY]", importFile},
	{"clone", "clone --from=DISTRICT --to=DISTRICT --name=NAME [--dry-run]: a new district after a template", clone},
	{"deadline", "deadline --start=T --budget=3WD [--suspend=A..B] [--file=F]", deadline},
	{"locate", "locate LON LAT [--datum=GCJ02] [--grids=FILE.geojson] [--file=F] [--explain]", locate},
	{"route", "route --matter=06010 --lon= --lat= [--set facet.x=y] [--at=T] [--explain]", route},
	{"assess", "assess --fixture FILE: the sheet of a file of facts", assess},
	{"verify", "check every evidence chain [--tenant=]", verify},
	{"audit", "check everything that must hold of the rows, and the conservation law [--tenant=]", audit},
	{"rollup", "count the response figures again from the rows [--tenant=]", rollup},
	{"bench", "bench NAME: benchmarks against their own denominators", bench},
	{"doctor", "check the surroundings and the configuration", doctor},
}

func main() {
	// Everybody who reads a time here lives in this zone: answers carry its offset.
	if zone, err := time.LoadLocation(app.Zone); err == nil {
		time.Local = zone
	}
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	if len(args) == 0 {
		help(os.Stderr)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		help(os.Stdout)
		return 0
	}
	for _, c := range commands {
		if c.name != args[0] {
			continue
		}
		cfg, err := app.ReadConfig()
		if err == nil {
			err = c.run(ctx, cfg, args[1:])
		}
		return code(err)
	}
	fmt.Fprintf(os.Stderr, "没有命令 %q / unknown command\n", args[0])
	help(os.Stderr)
	return 2
}

// code turns an error into its exit code: 0 done, 1 failed or refused, 2 usage.
func code(err error) int {
	var wrong app.UsageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, app.ErrRefused):
		return 1
	case errors.As(err, &wrong):
		fmt.Fprintln(os.Stderr, wrong.Error())
		return 2
	}
	fmt.Fprintln(os.Stderr, text(err))
	return 1
}

// text prefers the sentence meant for people.
func text(err error) string {
	if e, ok := fault.As(err); ok {
		var out strings.Builder
		out.WriteString(strings.TrimSuffix(err.Error(), e.Error())) // the place in a list: "/3: "
		out.WriteString(e.Code + ": " + e.Detail)
		for _, f := range e.Fields {
			out.WriteString("\n  " + f.Pointer + " " + f.Detail)
		}
		if cause := errors.Unwrap(e); cause != nil {
			out.WriteString("\n  " + cause.Error())
		}
		return out.String()
	}
	return err.Error()
}

func help(f *os.File) {
	fmt.Fprintln(f, "yixian — 一线呼叫、一线报到、一线处置")
	for _, c := range commands {
		fmt.Fprintf(f, "  %-9s %s\n", c.name, c.help)
	}
}

// flags parses a command's flags; flags and words may come in any order.
func flags(name string, args []string, define func(*flag.FlagSet)) ([]string, error) {
	fs := flag.NewFlagSet("yixian "+name, flag.ContinueOnError)
	define(fs)
	var words []string
	for len(args) > 0 {
		if !strings.HasPrefix(args[0], "-") || isNumber(args[0]) {
			words, args = append(words, args[0]), args[1:]
			continue
		}
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, usageError(err)
		}
		args = fs.Args()
	}
	return words, nil
}

func isNumber(s string) bool { return len(s) > 1 && s[0] == '-' && s[1] >= '0' && s[1] <= '9' }

func usageError(err error) error { return app.Usage(err.Error()) }

// list is a flag that may be given more than once.
type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(v string) error { *l = append(*l, v); return nil }

package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"text/tabwriter"
	"time"

	"yixian/dispatch/rule"
	"yixian/grid"
)

// The goals of suggesting the matter from a resident's words.
const (
	suggestGoal   = 2 * time.Millisecond
	suggestFirst  = 0.65
	suggestTop3   = 0.85
	suggestRounds = 9
)

// benchSuggest asks the demo catalogue for the matter of every sentence of the scored part, which nothing was tuned against: what
// one suggestion costs in CPU, and how often it is right.
func benchSuggest(_ context.Context, _ Config, _ *slog.Logger, w io.Writer) error {
	c := rule.DemoCatalog(grid.DemoDistrict)
	said := rule.Sentences("scored")
	whole, each := make([]float64, suggestRounds), make([]time.Duration, len(said))
	for round := range whole {
		begin := selfCPU()
		for i, s := range said {
			from := time.Now()
			c.Suggest(s.Words)
			if took := time.Since(from); round == 0 || took < each[i] {
				each[i] = took
			}
		}
		whole[round] = float64((selfCPU() - begin).Microseconds()) / 1e3 / float64(len(said))
	}
	a := c.Measure(said)
	slices.Sort(each)
	cost := median(whole)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "CPU ms of one suggestion\t%.3f\tgoal ≤ %.0f, %d sentences × %d\n", cost, suggestGoal.Seconds()*1e3, len(said), suggestRounds)
	fmt.Fprintf(t, "slowest sentence, best of %d\t%.3f ms\t95 %% under %.3f ms\n", suggestRounds, each[len(each)-1].Seconds()*1e3, each[len(each)*95/100].Seconds()*1e3)
	fmt.Fprintf(t, "right matter first\t%.1f %%\tgoal ≥ %.0f %%\n", 100*a.First, 100*suggestFirst)
	fmt.Fprintf(t, "right matter among three\t%.1f %%\tgoal ≥ %.0f %%\n", 100*a.InTop3, 100*suggestTop3)
	fmt.Fprintf(t, "sure enough to file by itself\t%.1f %%\tof these right: %.1f %%\n", 100*a.Sure, 100*a.SureRight)
	if err := t.Flush(); err != nil {
		return err
	}
	ratio := cost / (suggestGoal.Seconds() * 1e3)
	ok := ratio <= 1 && a.First >= suggestFirst && a.InTop3 >= suggestTop3
	fmt.Fprintf(w, "RESULT name=suggest ratio=%.3f goal=1.00 first=%.3f top3=%.3f ok=%t\n", ratio, a.First, a.InTop3, ok)
	if !ok {
		return ErrRefused
	}
	return nil
}

package dispatch

import (
	"context"
	"slices"
	"strings"
	"time"

	"yixian/dispatch/score"
	"yixian/internal/fault"
)

// quarterly tells a quarter from a month.
func quarterly(p score.Period) bool { return strings.Contains(p.Name, "Q") }

// span reads a month "2026-06" or a quarter "2026-Q2" in the district's zone.
func (w *World) span(name string) (score.Period, error) {
	year, quarter, ok := strings.Cut(name, "-Q")
	if !ok {
		return w.period(name)
	}
	start, err := time.ParseInLocation("2006", year, w.Calendar.Location())
	if err != nil || len(quarter) != 1 || quarter < "1" || quarter > "4" {
		return score.Period{}, fault.Invalid("/period", "考核周期应写成 2026-06 或 2026-Q2 / a period is written 2026-06 or 2026-Q2")
	}
	start = start.AddDate(0, 3*int(quarter[0]-'1'), 0)
	end := start.AddDate(0, 3, 0)
	return score.Period{Name: name, Start: start, End: end, Cut: end}, nil
}

// quarterFacts are those of the three months together: what is frozen as it was frozen with the exclusions in force, what is not as
// things stand. A duty that one month settled and another reworked is one fact. frozen: all three months are.
func (k *Desk) quarterFacts(ctx context.Context, w *World, p *score.Period, now time.Time) (facts []unitFact, frozen bool, err error) {
	err = k.reading(ctx, func(q rowsQuerier) (err error) {
		facts, frozen, err = w.quarterFacts(ctx, q, p, now)
		return err
	})
	return facts, frozen, err
}

func (w *World) quarterFacts(ctx context.Context, q rowsQuerier, p *score.Period, now time.Time) (facts []unitFact, frozen bool, err error) {
	if now.Before(p.Cut) {
		p.Cut = now
	}
	var done []string
	if err := scalars(ctx, q, &done, "select period from assessment_due where district = $1 and done_at is not null and period >= $2 and period < $3", w.District, p.Start.Format("2006-01"), p.End.Format("2006-01")); err != nil {
		return nil, false, err
	}
	isDone := map[string]bool{}
	for _, name := range done {
		isDone[name] = true
	}
	list, err := approved(ctx, q, w.District)
	if err != nil {
		return nil, false, err
	}
	at := map[string]int{}
	for start := p.Start; start.Before(p.End) && start.Before(now); start = start.AddDate(0, 1, 0) {
		month, err := w.period(start.Format("2006-01"))
		if err != nil {
			return nil, false, err
		}
		var of []unitFact
		if isDone[month.Name] {
			of, err = frozenFacts(ctx, q, w.District, month.Name, "")
			exclude(of, list)
		} else {
			of, err = w.liveFacts(ctx, q, &month, now)
		}
		if err != nil {
			return nil, false, err
		}
		for _, f := range of {
			key := f.unit + f.Kind + f.ID
			i, seen := at[key]
			if !seen || !settledKinds[f.Kind] {
				at[key] = len(facts)
				facts = append(facts, f)
				continue
			}
			again := slices.Concat(facts[i].Again, f.Again)
			if facts[i].Elsewhere { // the month that settled it says the rest
				facts[i] = f
			}
			facts[i].Again = again
		}
	}
	return facts, len(done) == 3, nil
}

// quarter makes the sheets of a quarter. They are not stored: the months' facts are, and the same facts give the same bytes.
func (k *Desk) quarter(ctx context.Context, w *World, p score.Period, now time.Time) ([]StoredSheet, bool, error) {
	facts, frozen, err := k.quarterFacts(ctx, w, &p, now)
	if err != nil {
		return nil, false, err
	}
	cause := "PROVISIONAL"
	if frozen {
		cause = "FREEZE"
	}
	list := []StoredSheet{}
	for _, s := range w.sheets(p, 0, facts) {
		payload := s.Payload()
		list = append(list, StoredSheet{Sheet: *s, Payload: string(payload), Hash: score.Hash(payload), Frozen: frozen, Cause: cause})
	}
	return list, frozen, nil
}

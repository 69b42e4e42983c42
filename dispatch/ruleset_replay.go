package dispatch

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"yixian/dispatch/rule"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// Bounds of a replay.
const (
	maxReplay     = 5000
	defaultReplay = 500
	maxMoved      = 200
	replayTime    = "15s" // of the one statement
)

// Replayed asks what a set would have made of cases that were filed: the last Last of them, or those of a span of time (by
// filing, To exclusive; the newest Last of it). Against is the set to compare with, "" the one in force.
type Replayed struct {
	Version, Against string
	Last             int
	From, To         *time.Time
}

// Moved is a case that would go elsewhere: no content, only its number, matter and grid.
type Moved struct {
	CaseNo   string `json:"case_no"`
	Matter   string `json:"matter"`
	Grid     string `json:"grid"`
	From     string `json:"from"` // lead unit, "" the dispatchers' queue
	To       string `json:"to"`
	FromCall string `json:"from_call"` // unit that is proposed to be called
	ToCall   string `json:"to_call"`
	FromRule string `json:"from_rule"`
	ToRule   string `json:"to_rule"`
}

// UnitLoad is how many cases a unit leads before and after.
type UnitLoad struct {
	Unit   string `json:"unit"`
	Before int    `json:"before"`
	After  int    `json:"after"`
	Gained int    `json:"gained"`
	Lost   int    `json:"lost"`
}

// Diff is the answer of a replay.
type Diff struct {
	Version, Against int
	Cases            int // looked at
	Moved            int // would go elsewhere
	OtherRule        int // decided by another rule, with the same units
	Queued           int // would wait for a dispatcher, of Cases
	Fallback         int // would fall to the street backstop
	FromRow          int // filed before facts were kept: told from the case's row, without answers and words
	Items            []Moved
	Truncated        bool
	Units            []UnitLoad
	// NewWords are words that only the replayed set looks for: whether they occurred was not kept with the cases.
	NewWords  []string
	ReadsText bool // an advanced cell asks for the words themselves, of which only known ones are kept
}

// Replay compares two sets on filed cases, drills left out. It keeps no more than the answer in memory and changes nothing.
func (k *Desk) Replay(ctx context.Context, a auth.Actor, in Replayed) (*Diff, error) {
	if err := administers(a); err != nil {
		return nil, err
	}
	w := k.worlds.Get(a.District)
	switch {
	case w == nil:
		return nil, fault.Unavailable(errors.New("no configuration of district " + a.District))
	case in.Last < 0 || in.Last > maxReplay:
		return nil, fault.Invalid("/last", "最多回放 %d 件", maxReplay)
	case in.From != nil && in.To != nil && !in.From.Before(*in.To):
		return nil, fault.Invalid("/to", "结束时间须晚于开始时间")
	case in.Last == 0:
		in.Last = defaultReplay
		if in.From != nil || in.To != nil {
			in.Last = maxReplay
		}
	}
	ctx = pg.WithDistrict(ctx, a.District)
	before, err := k.compiled(ctx, w, in.Against)
	if err != nil {
		return nil, err
	}
	after, err := k.compiled(ctx, w, in.Version)
	if err != nil {
		return nil, err
	}
	d := &Diff{Version: after.Version(), Against: before.Version(), Items: []Moved{}, Units: []UnitLoad{}, NewWords: []string{}, ReadsText: after.ReadsText()}
	for _, word := range after.Words() {
		if !slices.Contains(before.Words(), word) {
			d.NewWords = append(d.NewWords, word)
		}
	}
	load := map[string]*UnitLoad{}
	err = pgx.BeginTxFunc(ctx, k.db.Pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local statement_timeout = '"+replayTime+"'"); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `with c as (select * from cases where district = $1 and filed_at is not null and not drill and ($2::timestamptz is null or filed_at >= $2) and ($3::timestamptz is null or filed_at < $3)
			and ($2::timestamptz is null or created_at >= $2 - interval '60 days') and ($3::timestamptz is null or created_at < $3) order by created_at desc, id desc limit $4) `+keptSQL, a.District, in.From, in.To, in.Last)
		if err != nil {
			return err
		}
		var no string
		var raw []byte
		var kept bool
		_, err = pgx.ForEachRow(rows, []any{&no, &raw, &kept}, func() error {
			var f keptFacts
			if err := json.Unmarshal(raw, &f); err != nil {
				return err
			}
			if !kept {
				d.FromRow++
			}
			d.compare(before, after, no, f.facts(a.Now), load)
			return nil
		})
		return err
	})
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, u := range load {
		d.Units = append(d.Units, *u)
	}
	slices.SortFunc(d.Units, func(x, y UnitLoad) int {
		return cmp.Or(cmp.Compare(y.Gained+y.Lost, x.Gained+x.Lost), strings.Compare(x.Unit, y.Unit))
	})
	return d, nil
}

func (d *Diff) compare(before, after *rule.Set, no string, f rule.Facts, load map[string]*UnitLoad) {
	x, y := before.Route(f, nil), after.Route(f, nil)
	at := func(unit string) *UnitLoad {
		if load[unit] == nil {
			load[unit] = &UnitLoad{Unit: unit}
		}
		return load[unit]
	}
	d.Cases++
	at(x.Lead).Before++
	at(y.Lead).After++
	if y.Queue {
		d.Queued++
	}
	if y.Fallback {
		d.Fallback++
	}
	m := Moved{CaseNo: no, Matter: f.Matter, Grid: f.Grid, From: x.Lead, To: y.Lead, FromCall: called(x), ToCall: called(y), FromRule: x.Rule, ToRule: y.Rule}
	switch {
	case m.From == m.To && m.FromCall == m.ToCall:
		if m.FromRule != m.ToRule {
			d.OtherRule++
		}
		return
	case m.From != m.To:
		at(m.From).Lost++
		at(m.To).Gained++
	}
	d.Moved++
	if len(d.Items) == maxMoved {
		d.Truncated = true
		return
	}
	d.Items = append(d.Items, m)
}

func called(d rule.Decision) string {
	if d.Proposed == nil {
		return ""
	}
	return d.Proposed.Lead
}

package notify

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Row is one line of the matrix of domain 4e: an event is told to an audience by a channel, After the event (0: at
// once). When names circumstances of which one must hold ("L3", "P1", "HANDLE"); empty: always.
type Row struct {
	Event    string
	Audience string
	Channel  string
	After    time.Duration
	When     []string
}

// Key names the row's template.
func (r Row) Key() string { return Key(r.Event, r.Audience, r.Channel) }

func (r Row) holds(facts map[string]bool) bool {
	return len(r.When) == 0 || slices.ContainsFunc(r.When, func(w string) bool { return facts[w] })
}

// rowsOf are the lines of an event and audience in the order in which people are told.
type matrix map[[2]string][]Row

//go:embed matrix.csv
var builtInMatrix string

// defaultMatrix is what a district begins with.
var defaultMatrix = sync.OnceValue(func() matrix {
	m, err := parseMatrix(builtInMatrix)
	if err != nil {
		panic(err) // part of the program: its test fails first
	}
	return m
})

// DefaultRows lists the built-in matrix in its own order.
func DefaultRows() []Row {
	records, _ := csv.NewReader(strings.NewReader(builtInMatrix)).ReadAll()
	var out []Row
	for _, r := range records[1:] {
		row, _ := parseRow(r)
		out = append(out, row)
	}
	return out
}

func parseMatrix(text string) (matrix, error) {
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("matrix: %w", err)
	}
	m, seen := matrix{}, map[string]bool{}
	for i, r := range records[1:] {
		row, err := parseRow(r)
		if err != nil {
			return nil, fmt.Errorf("matrix line %d: %w", i+2, err)
		}
		if seen[row.Key()] {
			return nil, fmt.Errorf("matrix line %d: %s is there twice", i+2, row.Key())
		}
		seen[row.Key()] = true
		k := [2]string{row.Event, row.Audience}
		m[k] = append(m[k], row)
	}
	return m, nil
}

func parseRow(r []string) (Row, error) {
	row := Row{Event: r[0], Audience: r[1], Channel: r[2], When: strings.Fields(r[4])}
	if r[3] != "" {
		after, err := time.ParseDuration(r[3])
		if err != nil || after < 0 {
			return row, fmt.Errorf("after %q", r[3])
		}
		row.After = after
	}
	if !Default().Has(templateKey(row.Event, row.Audience, row.Channel)) {
		return row, fmt.Errorf("%s has no template", row.Key())
	}
	return row, nil
}

// borrowed says whose wording a channel without one of its own uses: a push is the inbox's message on the lock screen, a
// WeChat message and a group's say what the text message says.
var borrowed = map[string][]string{WeChat: {SMS, App}, Push: {App}, Email: {App}, Group: {SMS, App}}

// templateKey is the key under which the wording of a row is found: its own, or that of the channel it borrows from.
func templateKey(event, audience, channel string) string {
	return Default().keyFor(event, audience, channel)
}

func (s *Templates) keyFor(event, audience, channel string) string {
	own := Key(event, audience, channel)
	if s.Has(own) {
		return own
	}
	for _, c := range borrowed[channel] {
		if k := Key(event, audience, c); s.Has(k) {
			return k
		}
	}
	return own
}

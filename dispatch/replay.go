package dispatch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"yixian/internal/seal"
)

// untold are the columns of a case that its facts do not repeat: the key and what every fact's header says anyway, and
// what a fact may not hold (the address is personal, the filing condition is free text of the catalogue).
var untold = []string{"district", "id", "state", "version", "head_seq", "head_hash", "last_at", "updated_at", "address", "filing_condition"}

// caseColumn is one column of the case row that events tell.
type caseColumn struct {
	name  string
	field int
}

var told = func() (out []caseColumn) {
	t := reflect.TypeFor[Case]()
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); !slices.Contains(untold, name) {
			out = append(out, caseColumn{name, i})
		}
	}
	return out
}()

// rowOf gives the columns that differ between two versions of a case, with their new values; nil when none does. It is
// what the last event of every change carries as data.row, so that a case can be rebuilt from its events alone.
func rowOf(before, after *Case) map[string]any {
	var out map[string]any
	b, a := reflect.ValueOf(before).Elem(), reflect.ValueOf(after).Elem()
	for _, c := range told {
		old, now := plain(b.Field(c.field)), plain(a.Field(c.field))
		if old != now {
			if out == nil {
				out = map[string]any{}
			}
			out[c.name] = now
		}
	}
	return out
}

// plain is a column's value as a fact writes it: comparable, instants in UTC with microseconds.
func plain(v reflect.Value) any {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	switch x := v.Interface().(type) {
	case time.Time:
		return x.UTC().Format(factTime)
	case State:
		return string(x)
	case Priority:
		return string(x)
	default:
		return x
	}
}

// tell puts the changed columns into the last event of a change, which thereby gets its final fact and hash.
func (d *draft) tell() {
	n := len(d.out.Events)
	if n == 0 {
		return
	}
	row := rowOf(&d.was, &d.s.Case)
	if row == nil {
		return
	}
	e := &d.out.Events[n-1]
	d.lastFact["row"] = row
	d.last.Data = encode(d.lastFact)
	e.Fact = string(encode(d.last))
	e.Hash = seal.ChainNext(e.PrevHash, e.Fact)
	d.s.Case.HeadHash = e.Hash
}

// Replay rebuilds the case row from its events alone; it is pure. It refuses a gap, a broken link and a state that does
// not follow. The columns that facts may not hold (untold) stay empty, apart from the head, which the events themselves give.
// whole is false for a case that was begun before facts told the row: then only the head is rebuilt.
func Replay(events []Event) (c Case, whole bool, err error) {
	var r replay
	for i := range events {
		if err := r.next(&events[i]); err != nil {
			return r.c, r.whole, err
		}
	}
	return r.c, r.whole, nil
}

type replay struct {
	c     Case
	whole bool
}

func (r *replay) next(e *Event) error {
	f, data := factOf(e.Fact)
	c := &r.c
	if c.HeadSeq == 0 {
		start := seal.ChainStart(f.District, f.Case)
		c.District, c.HeadHash = f.District, start[:]
		if err := c.ID.UnmarshalText([]byte(f.Case)); err != nil {
			return fmt.Errorf("event %d: %w", e.Seq, err)
		}
	}
	switch {
	case f.Seq != c.HeadSeq+1 || e.Seq != f.Seq:
		return fmt.Errorf("event %d follows event %d", e.Seq, c.HeadSeq)
	case f.From != c.State:
		return fmt.Errorf("event %d begins in %q, the case was in %q", e.Seq, f.From, c.State)
	case !bytes.Equal(e.Hash, seal.ChainNext(c.HeadHash, e.Fact)):
		return fmt.Errorf("event %d is not chained to the one before", e.Seq)
	}
	if len(data.Row) > 0 {
		if err := json.Unmarshal(data.Row, c); err != nil {
			return fmt.Errorf("event %d: %w", e.Seq, err)
		}
		r.whole = !c.CreatedAt.IsZero() // the first change told it all
	}
	if f.Version != c.Version {
		c.UpdatedAt = e.At // a reminder changes nothing
	}
	c.State, c.Version, c.HeadSeq, c.HeadHash, c.LastAt = f.To, f.Version, f.Seq, e.Hash, e.At
	return nil
}

// differs names the first column of a row that is not what its events tell; "" when all are.
func (r *replay) differs(row *Case) string {
	if c := &r.c; c.State != row.State || c.Version != row.Version || c.HeadSeq != row.HeadSeq || !bytes.Equal(c.HeadHash, row.HeadHash) || !c.LastAt.Equal(row.LastAt) {
		return "head"
	}
	if !r.whole {
		return ""
	}
	if !r.c.UpdatedAt.Equal(row.UpdatedAt) {
		return "updated_at"
	}
	if diff := rowOf(&r.c, row); diff != nil {
		return slices.Min(keysIn(diff))
	}
	return ""
}

func keysIn(m map[string]any) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	return out
}

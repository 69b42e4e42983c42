package score

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"
)

// hashOf covers every member of every fact, instants in UTC with microseconds: SHA-256 over one line of JSON for each. A month of a
// large district has half a million: the lines are written by hand, byte for byte what encoding/json makes of a Fact.
func hashOf(facts []Fact) string {
	sum := sha256.New()
	b := make([]byte, 0, 64<<10)
	for i := range facts {
		if b = appendFact(b, &facts[i]); len(b) > 60<<10 {
			sum.Write(b)
			b = b[:0]
		}
	}
	sum.Write(b)
	return hex.EncodeToString(sum.Sum(nil))
}

func appendFact(b []byte, f *Fact) []byte {
	b = appendText(append(b, `{"kind":`...), f.Kind)
	b = appendText(append(b, `,"id":`...), f.ID)
	text := func(name, v string) {
		if v != "" {
			b = appendText(append(b, name...), v)
		}
	}
	instant := func(name string, at *time.Time) {
		if at != nil {
			b = appendInstant(append(b, name...), *at)
		}
	}
	truth := func(name string, v bool) {
		if v {
			b = append(b, name...)
		}
	}
	text(`,"case":`, f.Case)
	text(`,"role":`, f.Role)
	instant(`,"at":`, f.At)
	instant(`,"due":`, f.Due)
	instant(`,"done":`, f.Done)
	for i, at := range f.Again {
		if i == 0 {
			b = append(b, `,"again":[`...)
		} else {
			b = append(b, ',')
		}
		b = appendInstant(b, at)
	}
	truth("]", len(f.Again) > 0)
	truth(`,"extended":true`, f.Extended)
	truth(`,"paused":true`, f.Paused)
	truth(`,"valid":true`, f.Valid)
	truth(`,"yes":true`, f.Yes)
	if f.Grade != 0 {
		b = strconv.AppendInt(append(b, `,"grade":`...), int64(f.Grade), 10)
	}
	if f.Seconds != 0 {
		b = strconv.AppendInt(append(b, `,"seconds":`...), f.Seconds, 10)
	}
	instant(`,"legal_due":`, f.LegalDue)
	text(`,"excluded":`, f.Excluded)
	truth(`,"elsewhere":true`, f.Elsewhere)
	truth(`,"late":true`, f.Late)
	return append(b, "}\n"...)
}

func appendInstant(b []byte, at time.Time) []byte {
	b = append(b, '"')
	b = at.UTC().Truncate(time.Microsecond).AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

func appendText(b []byte, s string) []byte {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(s) // every string encodes
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

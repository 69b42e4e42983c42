package rule

import (
	"embed"
	"encoding/csv"
	"fmt"
	"strings"
)

//go:embed testdata/residents_*.csv
var residents embed.FS

// Sentence is what a resident said and the matter that was meant.
type Sentence struct{ Code, Words string }

// Sentences reads a part of the labelled set: "tuning" or "scored".
func Sentences(part string) []Sentence {
	f, err := residents.Open("testdata/residents_" + part + ".csv")
	if err != nil {
		panic("rule: no labelled part " + part)
	}
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		panic("rule: labelled part " + part + ": " + err.Error()) // caught by every test of this package
	}
	var out []Sentence
	for _, r := range rows[1:] {
		out = append(out, Sentence{r[0], r[1]})
	}
	return out
}

// Accuracy is how a catalogue does on labelled sentences; shares in [0,1].
type Accuracy struct {
	N             int
	First, InTop3 float64
	Sure          float64 // share of the first suggestions with a confidence of at least Sure
	SureRight     float64 // share of these that was right
	Bands         [5]Band // by confidence: under 0.2, 0.4, 0.6, 0.8, 1
	Missed        []string
}

// Band is a range of confidence: how many first suggestions fell into it and how many of them were right.
type Band struct{ N, Right int }

// Measure asks for every sentence.
func (c *Catalog) Measure(of []Sentence) Accuracy {
	r := Accuracy{N: len(of)}
	first, top3, sure, sureRight := 0, 0, 0, 0
	for _, s := range of {
		got := c.Suggest(s.Words)
		at := -1
		for i, g := range got {
			if g.Item.Code == s.Code {
				at = i
			}
		}
		if at == 0 {
			first++
		}
		if at >= 0 {
			top3++
		}
		if len(got) > 0 {
			b := &r.Bands[min(4, int(got[0].Confidence*5))]
			b.N++
			if at == 0 {
				b.Right++
			}
			if got[0].Confidence >= Sure {
				sure++
				if at == 0 {
					sureRight++
				}
			}
		}
		if at != 0 {
			var miss strings.Builder
			fmt.Fprintf(&miss, "%s %s (%d):", s.Code, s.Words, at)
			for _, g := range got {
				fmt.Fprintf(&miss, " | %s %s %.2f %.2f %v", g.Item.Code, g.Item.Name, g.Score, g.Confidence, g.Reasons)
			}
			r.Missed = append(r.Missed, miss.String())
		}
	}
	n := float64(max(1, len(of)))
	r.First, r.InTop3, r.Sure = float64(first)/n, float64(top3)/n, float64(sure)/n
	r.SureRight = float64(sureRight) / float64(max(1, sure))
	return r
}

func (a Accuracy) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "sentences=%d first=%.3f top3=%.3f sure=%.3f sure_right=%.3f bands", a.N, a.First, a.InTop3, a.Sure, a.SureRight)
	for i, b := range a.Bands {
		fmt.Fprintf(&s, " [%.1f,%.1f):%d/%d", float64(i)/5, float64(i+1)/5, b.Right, b.N)
	}
	return s.String()
}

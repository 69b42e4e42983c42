package rule

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// names of variables, for the hint in a refusal.
var variableNames = func() []string {
	var out []string
	for name := range variables {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}()

// vocabularyOfCells is what a cell may call.
var vocabularyOfCells = append(slices.Clone(variableNames), "facets", "has", "contains", "startsWith", "endsWith", "matches", "size", "near", "inside", "true", "false", "in",
	"owner", "maintainer", "kind", "line")

// maybe is the hint for a word that is not known: the nearest known one, "" when none is near.
func maybe(word string, known []string) string {
	if n := nearest(word, known); n != "" {
		return "，您是不是要写 " + n + "？"
	}
	return ""
}

// nearest finds the known word with the fewest edits, at most a third of the word's length and at least one; the first in
// order wins.
func nearest(word string, known []string) string {
	best, low := "", max(1, utf8.RuneCountInString(word)/3)+1
	for _, k := range known {
		if n := edits(strings.ToLower(word), strings.ToLower(k)); n < low {
			best, low = k, n
		}
	}
	return best
}

// edits is the Damerau–Levenshtein distance with adjacent swaps (optimal string alignment).
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			same := 1
			if x[i-1] == y[j-1] {
				same = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+same)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}

// caretWidth bounds how much of a long line is shown, in characters.
const caretWidth = 96

// Caret shows a line (from 1) of a text with a caret under a column (from 1, in characters). Wide characters are padded
// with wide spaces, so that the caret stands right in a fixed-width font.
func Caret(text string, line, column int) string {
	lines := strings.Split(text, "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	shown := []rune(strings.TrimRight(strings.ReplaceAll(lines[line-1], "\t", " "), "\r"))
	at := min(max(column-1, 0), len(shown))
	if from := at - caretWidth/2; from > 0 && len(shown) > caretWidth {
		shown, at = shown[from:], at-from
	}
	if len(shown) > caretWidth {
		shown = shown[:caretWidth]
	}
	var pad strings.Builder
	for _, r := range shown[:at] {
		if r >= 0x2E80 {
			pad.WriteRune('　')
		} else {
			pad.WriteByte(' ')
		}
	}
	return "  " + string(shown) + "\n  " + pad.String() + "^"
}

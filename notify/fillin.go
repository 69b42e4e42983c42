package notify

import (
	"fmt"
	"slices"
	"strings"
)

// gap stands for what has no value: whoever sends the text fills it in.
const gap = "____"

// FillIn writes the placeholders of a text as messages are written: checked, cleaned, without numbers of people. One without a
// value becomes a gap. It fails on a value that is not of its placeholder's form.
func FillIn(text, locale string, data map[string]string) (string, error) {
	known := map[string]string{}
	for _, name := range slots(text) {
		if v, ok := data[name]; ok {
			known[name] = v
			continue
		}
		text = strings.ReplaceAll(text, "{"+name+"}", gap)
	}
	said, _, err := fill(text, locale, known, map[string]string{})
	if err != nil {
		return "", fmt.Errorf("fill in: %w", err)
	}
	return said, nil
}

// Unknown names a placeholder of the text that is not among those allowed, or a brace without its partner; ok when there is none.
func Unknown(text string, allowed []string) (name string, ok bool) {
	for _, s := range slots(text) {
		if _, known := placeholders[s]; !known || !slices.Contains(allowed, s) {
			return s, false
		}
	}
	if rest := slot.ReplaceAllString(text, ""); strings.ContainsAny(rest, "{}") {
		return rest[strings.IndexAny(rest, "{}"):][:1], false
	}
	return "", true
}

package notify

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
)

// Wording is a template in one language.
type Wording struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Template is the wording of one event for some audiences and channels.
type Template struct {
	Event     string   `json:"event"`
	Audiences []string `json:"audiences"`
	Channels  []string `json:"channels"`
	Chinese   Wording  `json:"zh-CN"` //nolint:tagliatelle // a language tag (BCP 47)
	English   Wording  `json:"en"`
}

// Templates is a checked set, immutable and safe for concurrent use.
type Templates struct{ byKey map[string]Template }

// Key names one template: event, role of the audience, channel ("called.target.SMS").
func Key(event, audience, channel string) string { return event + "." + audience + "." + channel }

var (
	namePattern = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	slot        = regexp.MustCompile(`\{([^{}]*)\}`)
)

// maxText keeps a rendered text within a few parts of a long SMS.
const maxText = 500

// NewTemplates checks a set: names, both languages, the same known placeholders in each, no secret in a title or in
// the inbox, codes only in one-time codes, no key twice.
func NewTemplates(list []Template) (*Templates, error) {
	set := &Templates{byKey: map[string]Template{}}
	var errs []error
	for _, t := range list {
		if err := t.check(); err != nil {
			errs = append(errs, fmt.Errorf("template %s %v %v: %w", t.Event, t.Audiences, t.Channels, err))
			continue
		}
		for _, audience := range t.Audiences {
			for _, channel := range t.Channels {
				key := Key(t.Event, audience, channel)
				if _, twice := set.byKey[key]; twice {
					errs = append(errs, fmt.Errorf("template %s is there twice", key))
				}
				set.byKey[key] = t
			}
		}
	}
	return set, errors.Join(errs...)
}

func (t Template) check() error {
	if !namePattern.MatchString(t.Event) || len(t.Audiences) == 0 || len(t.Channels) == 0 {
		return errors.New("needs an event, an audience and a channel")
	}
	for _, a := range t.Audiences {
		if !namePattern.MatchString(a) {
			return fmt.Errorf("audience %q", a)
		}
	}
	for _, c := range t.Channels {
		if c == "" || strings.ToUpper(c) != c {
			return fmt.Errorf("channel %q", c)
		}
	}
	for _, w := range []Wording{t.Chinese, t.English} {
		if w.Title == "" || w.Text == "" {
			return errors.New("needs title and text in zh-CN and en")
		}
		if strings.ContainsAny(slot.ReplaceAllString(w.Title+w.Text, ""), "{}") {
			return errors.New("has a brace without its partner")
		}
		for _, name := range slots(w.Title + w.Text) {
			k, known := placeholders[name]
			switch {
			case !known:
				return fmt.Errorf("unknown placeholder {%s}", name)
			case k == code && t.Event != EventOTP:
				return errors.New("{code} belongs to one-time codes only")
			case (k == code || k == link) && (slices.Contains(slots(w.Title), name) || slices.Contains(t.Channels, App)):
				return fmt.Errorf("secret {%s} in a title or in the inbox", name)
			}
		}
	}
	if zh, en := slots(t.Chinese.Title+t.Chinese.Text), slots(t.English.Title+t.English.Text); !slices.Equal(zh, en) {
		return fmt.Errorf("placeholders differ: zh-CN %v, en %v", zh, en)
	}
	return nil
}

// slots lists the placeholders of a text, sorted, each once.
func slots(s string) []string {
	var names []string
	for _, m := range slot.FindAllStringSubmatch(s, -1) {
		names = append(names, m[1])
	}
	sort.Strings(names)
	return slices.Compact(names)
}

// Has says whether there is a template of that key.
func (s *Templates) Has(key string) bool { _, ok := s.byKey[key]; return ok }

// Keys lists all keys, sorted.
func (s *Templates) Keys() []string {
	keys := make([]string, 0, len(s.byKey))
	for k := range s.byKey {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// Placeholders lists what a template needs, sorted.
func (s *Templates) Placeholders(key string) []string {
	t := s.byKey[key]
	return slots(t.Chinese.Title + t.Chinese.Text)
}

// Render writes a template in a language (unknown or empty: zh-CN). Every placeholder of the template needs a value
// of its type; data may hold more known names than this template uses, but no unknown one.
func (s *Templates) Render(key, locale string, data map[string]string) (title, text string, err error) {
	r, err := s.render(key, locale, data)
	return r.title, r.text, err
}

// Render uses the built-in templates.
func Render(key, locale string, data map[string]string) (title, text string, err error) {
	return Default().Render(key, locale, data)
}

// rendered is a text as it is said and as it is kept; they differ when it holds a secret.
type rendered struct {
	title, text, kept string
	values            map[string]string // what stands for each placeholder
}

func (s *Templates) render(key, locale string, data map[string]string) (rendered, error) {
	t, ok := s.byKey[key]
	if !ok {
		return rendered{}, fmt.Errorf("no template %q", key)
	}
	for name := range data {
		if _, known := placeholders[name]; !known {
			return rendered{}, fmt.Errorf("template %s: unknown placeholder {%s}", key, name)
		}
	}
	w := t.Chinese
	if locale == English {
		w = t.English
	} else {
		locale = Chinese
	}
	values := map[string]string{}
	title, _, err := fill(w.Title, locale, data, values)
	if err != nil {
		return rendered{}, fmt.Errorf("template %s: %w", key, err)
	}
	text, kept, err := fill(w.Text, locale, data, values)
	if err != nil {
		return rendered{}, fmt.Errorf("template %s: %w", key, err)
	}
	if len([]rune(text)) > maxText {
		return rendered{}, fmt.Errorf("template %s: text is longer than %d characters", key, maxText)
	}
	return rendered{title: title, text: text, kept: kept, values: values}, nil
}

// fill never puts a value into an error: errors are logged and stored.
func fill(s, locale string, data, values map[string]string) (said, kept string, err error) {
	var a, b strings.Builder
	at := 0
	for _, m := range slot.FindAllStringSubmatchIndex(s, -1) {
		name := s[m[2]:m[3]]
		value, ok := data[name]
		if !ok {
			return "", "", fmt.Errorf("{%s} has no value", name)
		}
		x, y, err := placeholders[name].write(locale, value)
		if err != nil {
			return "", "", fmt.Errorf("{%s} %w", name, err)
		}
		values[name] = x
		a.WriteString(s[at:m[0]] + x)
		b.WriteString(s[at:m[0]] + y)
		at = m[1]
	}
	return a.String() + s[at:], b.String() + s[at:], nil
}

//go:embed templates.json
var builtIn []byte

// ParseTemplates reads and checks a JSON list of templates; an unknown member is an error.
func ParseTemplates(raw []byte) (*Templates, error) {
	var list []Template
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&list); err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	return NewTemplates(list)
}

// Default is the built-in set.
var Default = sync.OnceValue(func() *Templates {
	set, err := ParseTemplates(builtIn)
	if err != nil {
		panic(err) // part of the program: its test fails first
	}
	return set
})

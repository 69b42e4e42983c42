package rule

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"yixian/internal/fault"
)

// shown are the members that an answer of the program adds to a rule; a file that came from it may be read again.
var shown = []string{"rank", "as_cel"}

// ReadRules reads a file of rules: {"rules": […]} (further members of a set are passed over) or the list itself. Every
// unknown field is refused with its pointer and the nearest known one. Whether the rules make sense is not looked at.
func ReadRules(raw []byte) ([]Rule, error) {
	var doc any
	dec := json.NewDecoder(bytes.NewReader(raw))
	if err := dec.Decode(&doc); err != nil {
		return nil, jsonFault(err, "")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, invalidRule("", "文件末尾有多余内容")
	}
	if m, ok := doc.(map[string]any); ok {
		if doc, ok = m["rules"]; !ok {
			return nil, invalidRule("/rules", "缺少 rules 列表")
		}
	}
	list, ok := doc.([]any)
	if !ok {
		return nil, invalidRule("/rules", "rules 应为列表")
	}
	out := make([]Rule, 0, len(list))
	e := invalidRule("", "")
	e.Fields = nil
	for i, one := range list {
		at := "/rules/" + strconv.Itoa(i)
		if m, ok := one.(map[string]any); ok {
			if id, _ := m["id"].(string); id != "" {
				at = "/rules/" + id
			}
		}
		r, err := readRule(one, at)
		if f, ok := fault.As(err); ok {
			e.Fields = append(e.Fields, f.Fields...)
			continue
		}
		out = append(out, r)
	}
	if len(e.Fields) > 0 {
		return nil, e
	}
	return out, nil
}

// ReadRule reads one rule from JSON, with pointers from the rule itself.
func ReadRule(raw []byte) (Rule, error) {
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		return Rule{}, jsonFault(err, "")
	}
	return readRule(doc, "")
}

func readRule(doc any, at string) (r Rule, err error) {
	m, ok := doc.(map[string]any)
	if !ok {
		return r, invalidRule(at, "规则应为一个对象")
	}
	for _, name := range shown {
		delete(m, name)
	}
	if err := known(m, reflect.TypeFor[Rule](), at); err != nil {
		return r, err
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, jsonFault(err, at)
	}
	return r, nil
}

// known refuses the first member that the type does not have, at any depth.
func known(v any, t reflect.Type, at string) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := v.(type) {
	case map[string]any:
		if t.Kind() != reflect.Struct || t.PkgPath() == "time" {
			return nil
		}
		fields := map[string]reflect.Type{}
		var names []string
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			fields[name] = f.Type
			names = append(names, name)
		}
		slices.Sort(names)
		for _, key := range sortedKeys(v) {
			ft, ok := fields[key]
			if !ok || key == "-" || key == "" {
				return invalidRule(at+"/"+key, "没有字段 %q%s", key, maybe(key, names))
			}
			if err := known(v[key], ft, at+"/"+key); err != nil {
				return err
			}
		}
	case []any:
		if t.Kind() != reflect.Slice {
			return nil
		}
		for i := range v {
			if err := known(v[i], t.Elem(), at+"/"+strconv.Itoa(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func jsonFault(err error, at string) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return invalidRule(at+"/"+strings.ReplaceAll(wrong.Field, ".", "/"), "类型不对，应为 %s 而不是 %s", plainType(wrong.Type), wrong.Value)
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return invalidRule(at, "第 %d 个字节处不是有效的 JSON", syntax.Offset).With("offset", syntax.Offset).Because(err)
	}
	return invalidRule(at, "不是有效的 JSON").Because(err)
}

func plainType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "文字"
	case reflect.Int:
		return "整数"
	case reflect.Bool:
		return "true 或 false"
	case reflect.Slice:
		return "列表"
	case reflect.Struct, reflect.Pointer:
		return "对象"
	}
	return t.String()
}

// Position says where a pointer of a finding (/rules/<id or index>/when/of/0/var) stands in the text of a file: line and
// column from 1, of the value, or of the last part of the pointer that the file has.
func Position(raw []byte, pointer string) (line, column int) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	root, err := readNode(dec, raw)
	if err != nil {
		return lineOf(raw, int(dec.InputOffset()))
	}
	at := root
	for i, part := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		if i == 0 && part == "rules" && at.list != nil {
			continue // the file is the list itself
		}
		next := at.members[part]
		if next == nil && at.list != nil {
			if n, err := strconv.Atoi(part); err == nil && n >= 0 && n < len(at.list) {
				next = at.list[n]
			}
			for _, one := range at.list {
				if id := one.members["id"]; id != nil && id.text == part {
					next = one
					break
				}
			}
		}
		if next == nil {
			break
		}
		at = next
	}
	return lineOf(raw, at.start)
}

type node struct {
	start   int
	text    string
	members map[string]*node
	list    []*node
}

func readNode(dec *json.Decoder, raw []byte) (*node, error) {
	start := int(dec.InputOffset())
	for start < len(raw) && strings.IndexByte(" \t\r\n,:", raw[start]) >= 0 {
		start++
	}
	n := &node{start: start}
	tok, err := dec.Token()
	if err != nil {
		return n, err
	}
	switch v := tok.(type) {
	case string:
		n.text = v
	case json.Delim:
		if v == '{' {
			n.members = map[string]*node{}
		} else {
			n.list = []*node{}
		}
		for dec.More() {
			name := ""
			if v == '{' {
				key, err := dec.Token()
				if err != nil {
					return n, err
				}
				name, _ = key.(string)
			}
			child, err := readNode(dec, raw)
			if err != nil {
				return n, err
			}
			if v == '{' {
				n.members[name] = child
			} else {
				n.list = append(n.list, child)
			}
		}
		_, err = dec.Token()
	}
	return n, err
}

func lineOf(raw []byte, offset int) (line, column int) {
	before := raw[:min(max(offset, 0), len(raw))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte{'\n'}) + 1, len([]rune(string(before[start:]))) + 1
}

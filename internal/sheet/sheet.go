// Package sheet reads and writes tables that people keep in a spreadsheet: CSV in UTF-8, UTF-16 or GBK, and XLSX. It names
// what is wrong by line and column and says how to mend it, it bounds what a file may cost, and what it writes reads back
// the same. It knows nothing of what the tables mean.
package sheet

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"yixian/internal/fault"
)

// Column is one column of a table of T. Name is its header in Chinese, Key the one in English; a file may use either.
// Set reads a cell, trimmed of blanks; its error is what the person reads. Make one with Wrong to say how to mend it.
type Column[T any] struct {
	Key, Name string
	Required  bool // the column must be there and no cell of it empty
	Get       func(*T) string
	Set       func(*T, string) error
}

// Table describes the lines of a file. ID gives what may stand in a file only once ("" is not compared); nil: anything may.
type Table[T any] struct {
	Name    string // for the sheet's tab and the file's name
	Columns []Column[T]
	ID      func(*T) string
}

// Row is one line of a file with where it stood, counted from 1 as a spreadsheet shows it.
type Row[T any] struct {
	Line  int
	Value T
}

// Problem says what is wrong where and how to mend it. Column is the header as the file has it, "" for the whole line.
type Problem struct {
	Line   int    `json:"line"`
	Column string `json:"column"`
	What   string `json:"what"`
	Mend   string `json:"mend"`
}

// Problems collects what is wrong with a file; only the first maxProblems are kept, the rest is counted. The zero value is
// ready.
type Problems struct {
	List []Problem
	More int
}

const maxProblems = 200

// Add notes a problem.
func (p *Problems) Add(line int, column, what, mend string) {
	if len(p.List) >= maxProblems {
		p.More++
		return
	}
	p.List = append(p.List, Problem{line, column, what, mend})
}

// None reports that nothing is wrong.
func (p *Problems) None() bool { return len(p.List) == 0 }

// Sort puts them in the order of the file.
func (p *Problems) Sort() {
	slices.SortStableFunc(p.List, func(a, b Problem) int { return a.Line - b.Line })
}

// Fault is the refusal of the file: 422 IMPORT_REFUSED with every problem as member "problems", nil when there is none.
func (p *Problems) Fault() error {
	if p.None() {
		return nil
	}
	p.Sort()
	e := fault.New(http.StatusUnprocessableEntity, "IMPORT_REFUSED", "文件有 %d 处需要修改，未导入任何内容", len(p.List)+p.More).With("problems", p.List).With("more", p.More)
	for _, x := range p.List {
		e = e.At(fmt.Sprintf("/%d/%s", x.Line, x.Column), "%s；%s", x.What, x.Mend)
	}
	return e
}

// wrong is a refused cell.
type wrong struct{ what, mend string }

func (w *wrong) Error() string { return w.what + "；" + w.mend }

// Wrong refuses a cell: what is wrong with it and how to mend it.
func Wrong(what, mend string) error { return &wrong{what, mend} }

// header matches a file's first line with the columns. Every column of the file must be known and stand there once.
func (t *Table[T]) header(line int, cells []string, p *Problems) []*Column[T] {
	if len(cells) > MaxColumns {
		p.Add(line, "", fmt.Sprintf("有 %d 列，超过上限 %d 列", len(cells), MaxColumns), "只保留需要的列："+t.names())
		return nil
	}
	out := make([]*Column[T], len(cells))
	seen := map[*Column[T]]int{}
	for i, cell := range cells {
		name := strings.TrimSpace(cell)
		if name == "" {
			continue // a column without a name may only be empty
		}
		for j := range t.Columns {
			if c := &t.Columns[j]; strings.EqualFold(name, c.Key) || name == c.Name {
				out[i] = c
			}
		}
		switch c := out[i]; {
		case c == nil:
			p.Add(line, clip(name), "不认识的列", "删除该列，或改为下列之一："+t.names())
		case seen[c] > 0:
			p.Add(line, clip(name), fmt.Sprintf("列名重复（第 %d 列已经是它）", seen[c]), "删除或改名其中一列")
		default:
			seen[c] = i + 1
		}
	}
	for j := range t.Columns {
		if c := &t.Columns[j]; c.Required && seen[c] == 0 {
			p.Add(line, c.Name, "缺少必填的列", "在第一行加上列名 "+c.Name+"（或 "+c.Key+"）")
		}
	}
	return out
}

func (t *Table[T]) names() string {
	var out []string
	for _, c := range t.Columns {
		out = append(out, c.Name)
	}
	return strings.Join(out, "、")
}

// clip keeps a message short whatever the file holds.
func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// line reads the cells of one line. It notes every wrong cell and reports whether there was anything in the line.
func (t *Table[T]) line(no int, head []*Column[T], cells []string, p *Problems) (value T, filled bool) {
	for i, cell := range cells {
		cell = strings.TrimSpace(cell)
		if cell == "" {
			continue
		}
		filled = true
		switch {
		case i >= len(head):
			p.Add(no, "", fmt.Sprintf("比表头多出内容 %q", clip(cell)), "检查是否多写了分隔符，含逗号的内容请用引号括起")
			return value, true
		case head[i] == nil:
			p.Add(no, fmt.Sprintf("第 %d 列", i+1), fmt.Sprintf("该列没有列名，却有内容 %q", clip(cell)), "补上列名或清空该列")
			continue
		}
		if len(cell) > MaxCell {
			p.Add(no, head[i].Name, fmt.Sprintf("内容过长（%d 字节）", len(cell)), fmt.Sprintf("缩短到 %d 字节以内", MaxCell))
			continue
		}
		if err := head[i].Set(&value, unguard(cell)); err != nil {
			w, ok := err.(*wrong) //nolint:errorlint // Set's own error
			if !ok {
				w = &wrong{err.Error(), "请按说明修改"}
			}
			p.Add(no, head[i].Name, w.what, w.mend)
		}
	}
	if !filled {
		return value, false
	}
	for i, c := range head {
		if c != nil && c.Required && (i >= len(cells) || strings.TrimSpace(cells[i]) == "") {
			p.Add(no, c.Name, "必填，不能为空", "填写"+c.Name)
		}
	}
	return value, true
}

// Safe keeps a text from being taken for a formula by a spreadsheet that opens the file: an apostrophe goes before it. Reading takes
// it away again.
func Safe(s string) string {
	if formula(s) {
		return "'" + s
	}
	return s
}

func unguard(s string) string {
	if strings.HasPrefix(s, "'") && formula(s[1:]) {
		return s[1:]
	}
	return s
}

func formula(s string) bool {
	rest := strings.TrimLeft(s, "'")
	first, _ := utf8.DecodeRuneInString(rest)
	return rest != "" && strings.ContainsRune("=+-@\t\r＝＋－＠", first)
}

// Imported is what an import did or, on a dry run, would do.
type Imported struct {
	DryRun    bool `json:"dry_run"`
	Lines     int  `json:"lines"`
	Created   int  `json:"created"`
	Changed   int  `json:"changed"`
	Unchanged int  `json:"unchanged"`
}

// Changes is how many things differ from what is there.
func (r Imported) Changes() int { return r.Created + r.Changed }

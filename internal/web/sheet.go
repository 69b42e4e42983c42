package web

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"yixian/dispatch"
)

// sheet writes an export as a table. Its last column says in every row who took it, when, and under which number of the log of
// exports, so that a row that was copied elsewhere still tells where it came from.
type sheet struct {
	export *dispatch.Export
	zone   *time.Location
	lang   string
}

func (t *sheet) mark() string {
	return fmt.Sprintf("%s %s %s", t.export.By, t.export.At.In(t.zone).Format(time.RFC3339), t.export.ID)
}

// title names a column for people: in the language of who asks.
func (t *sheet) titles() []string {
	var out []string
	for _, c := range t.export.Columns {
		if t.lang == "en" {
			out = append(out, c.En)
		} else {
			out = append(out, c.Zh)
		}
	}
	if t.lang == "en" {
		return append(out, "Exported by")
	}
	return append(out, "导出人")
}

// value is a cell: times in the district's zone, what is not there as nothing.
func (t *sheet) value(v any) any {
	switch v := v.(type) {
	case time.Time:
		return v.In(t.zone).Format(time.RFC3339)
	case *time.Time:
		if v == nil {
			return nil
		}
		return v.In(t.zone).Format(time.RFC3339)
	}
	return v
}

// spreadsheetSafe keeps a text from being taken for a formula by a spreadsheet that opens a CSV file.
func spreadsheetSafe(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r＝＋－＠", []rune(s)[0]) {
		return "'" + s
	}
	return s
}

// csv is RFC 4180 in UTF-8 with a byte order mark, without which a spreadsheet takes Chinese for something else.
func (t *sheet) csv(w io.Writer) error {
	if _, err := io.WriteString(w, "\uFEFF"); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(t.titles()); err != nil {
		return err
	}
	mark := t.mark()
	err := t.export.Each(func(row []any) error {
		line := make([]string, 0, len(row)+1)
		for _, v := range row {
			switch v := t.value(v).(type) {
			case nil:
				line = append(line, "")
			case string:
				line = append(line, spreadsheetSafe(v))
			default:
				line = append(line, fmt.Sprint(v))
			}
		}
		return out.Write(append(line, mark))
	})
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	return err
}

// json is {what, exported_by, exported_at, export_id, columns, items}; items are objects by the columns' names.
func (t *sheet) json(w io.Writer) error {
	type column struct {
		Name string `json:"name"`
		Zh   string `json:"zh"`
		En   string `json:"en"`
	}
	var columns []column
	for _, c := range t.export.Columns {
		columns = append(columns, column(c))
	}
	head, err := json.Marshal(columns)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, `{"what":%q,"exported_by":%q,"exported_at":%q,"export_id":%q,"columns":%s,"items":[`, t.export.What, t.export.By, t.export.At.In(t.zone).Format(time.RFC3339), t.export.ID, head); err != nil {
		return err
	}
	comma := ""
	err = t.export.Each(func(row []any) error {
		item := make(map[string]any, len(row))
		for i, v := range row {
			item[t.export.Columns[i].Name] = t.value(v)
		}
		raw, err := json.Marshal(item)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s%s", comma, raw)
		comma = ","
		return err
	})
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, "]}\n")
	return err
}

// xlsx writes row after row; texts are string cells, which no spreadsheet takes for formulas. Figures get a chart of their own.
func (t *sheet) xlsx(w io.Writer) (err error) {
	const name = "Sheet1"
	f := excelize.NewFile()
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	out, err := f.NewStreamWriter(name)
	if err != nil {
		return err
	}
	write := func(n int, row []any) error {
		at, err := excelize.CoordinatesToCellName(1, n)
		if err != nil {
			return err
		}
		return out.SetRow(at, row)
	}
	var head []any
	for _, s := range t.titles() {
		head = append(head, s)
	}
	if err := write(1, head); err != nil {
		return err
	}
	mark, n := t.mark(), 1
	if err := t.export.Each(func(row []any) error {
		n++
		line := make([]any, 0, len(row)+1)
		for _, v := range row {
			line = append(line, t.value(v))
		}
		return write(n, append(line, mark))
	}); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if t.export.What == "metrics" && n > 2 {
		if err := t.chart(f, name, n-1); err != nil { // the last row is the total
			return err
		}
	}
	if err := f.SetHeaderFooter(name, &excelize.HeaderFooterOptions{OddFooter: "&L" + mark + "&R&P/&N"}); err != nil {
		return err
	}
	return f.Write(w)
}

// chart draws what came in and what was closed, of every row but the total.
func (t *sheet) chart(f *excelize.File, from string, last int) error {
	const name = "Chart"
	if _, err := f.NewSheet(name); err != nil {
		return err
	}
	titles := t.titles()
	series := func(column string, title string) excelize.ChartSeries {
		return excelize.ChartSeries{Name: title, Categories: fmt.Sprintf("%s!$B$2:$B$%d", from, last), Values: fmt.Sprintf("%s!$%s$2:$%s$%d", from, column, column, last)}
	}
	return f.AddChart(name, "A1", &excelize.Chart{Type: excelize.Col, Series: []excelize.ChartSeries{series("C", titles[2]), series("D", titles[3])}, Dimension: excelize.ChartDimension{Width: 960, Height: 480}})
}

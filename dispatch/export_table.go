package dispatch

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/xuri/excelize/v2"

	tables "yixian/internal/sheet"
)

// table writes an export as a table. Its last column says in every row who took it, when, and under which number of the log of
// exports, so that a row that was copied elsewhere still tells where it came from.
type table struct {
	export *Export
	zone   *time.Location
	lang   string
}

// Write writes the export as csv, xlsx or json; times in a zone, titles in zh or en.
func (e *Export) Write(w io.Writer, format string, zone *time.Location, lang string) error {
	t := table{export: e, zone: zone, lang: lang}
	switch format {
	case "xlsx":
		return t.xlsx(w)
	case "json":
		return t.json(w)
	}
	return t.csv(w)
}

func (t *table) mark() string {
	return fmt.Sprintf("%s %s %s", t.export.By, t.export.At.In(t.zone).Format(time.RFC3339), t.export.ID)
}

// title names a column for people: in the language of who asks.
func (t *table) titles() []string {
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
func (t *table) value(v any) any {
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

// csv is RFC 4180 in UTF-8 with a byte order mark, without which a spreadsheet takes Chinese for something else.
func (t *table) csv(w io.Writer) error {
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
				line = append(line, tables.Safe(v))
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
func (t *table) json(w io.Writer) error {
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
func (t *table) xlsx(w io.Writer) error {
	if t.export.What == "metrics" {
		return t.charted(w)
	}
	out, err := tables.NewBook(w, sheetName)
	if err != nil {
		return err
	}
	if err := t.each(out.Row); err != nil {
		return err
	}
	return out.Close(t.mark())
}

// each gives the header and then row after row as cells, the mark last. The slice is used again.
func (t *table) each(write func(row []any) error) error {
	line := make([]any, 0, len(t.export.Columns)+1)
	for _, s := range t.titles() {
		line = append(line, s)
	}
	if err := write(line); err != nil {
		return err
	}
	mark := t.mark()
	return t.export.Each(func(row []any) error {
		line = line[:0]
		for _, v := range row {
			line = append(line, t.value(v))
		}
		return write(append(line, mark))
	})
}

const sheetName = "Sheet1"

// charted is a workbook of figures, some dozens of rows, with their chart.
func (t *table) charted(w io.Writer) (err error) {
	f := excelize.NewFile()
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	out, err := f.NewStreamWriter(sheetName)
	if err != nil {
		return err
	}
	n := 0
	if err := t.each(func(row []any) error {
		n++
		at, err := excelize.CoordinatesToCellName(1, n)
		if err != nil {
			return err
		}
		return out.SetRow(at, row)
	}); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if n > 2 {
		if err := t.chart(f, sheetName, n-1); err != nil { // the last row is the total
			return err
		}
	}
	if err := f.SetHeaderFooter(sheetName, &excelize.HeaderFooterOptions{OddFooter: "&L" + t.mark() + "&R&P/&N"}); err != nil {
		return err
	}
	return f.Write(w)
}

// chart draws what came in and what was closed, of every row but the total.
func (t *table) chart(f *excelize.File, from string, last int) error {
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

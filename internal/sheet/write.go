package sheet

import (
	"encoding/csv"
	"io"
	"strings"

	"github.com/xuri/excelize/v2"
)

// Format of a file.
type Format string

// The formats that Write knows.
const (
	CSV  Format = "csv"
	XLSX Format = "xlsx"
)

// ContentType is the media type of a file of the format.
func (f Format) ContentType() string {
	if f == XLSX {
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	return "text/csv; charset=utf-8"
}

// Write writes a file that Read reads back to the same values. A CSV begins with the mark by which spreadsheets know UTF-8.
func (t Table[T]) Write(to io.Writer, format Format, values []T) error {
	if format == XLSX {
		return t.writeBook(to, values)
	}
	if _, err := io.WriteString(to, "\ufeff"); err != nil {
		return err
	}
	out := csv.NewWriter(to)
	out.UseCRLF = true
	if err := out.Write(t.head()); err != nil {
		return err
	}
	for i := range values {
		if err := out.Write(t.cells(&values[i])); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func (t *Table[T]) head() []string {
	out := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		out[i] = c.Name
	}
	return out
}

func (t *Table[T]) cells(v *T) []string {
	out := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		out[i] = Safe(strings.TrimSpace(c.Get(v)))
	}
	return out
}

func (t *Table[T]) writeBook(to io.Writer, values []T) error {
	book := excelize.NewFile()
	defer func() { _ = book.Close() }()
	if err := book.SetSheetName("Sheet1", t.Name); err != nil {
		return err
	}
	text, err := book.NewStyle(&excelize.Style{NumFmt: 49}) // as text, so that no spreadsheet rounds a code
	if err != nil {
		return err
	}
	stream, err := book.NewStreamWriter(t.Name)
	if err != nil {
		return err
	}
	if err := stream.SetColWidth(1, len(t.Columns), 18); err != nil {
		return err
	}
	row := func(no int, cells []string) error {
		at, err := excelize.CoordinatesToCellName(1, no)
		if err != nil {
			return err
		}
		out := make([]any, len(cells))
		for i, c := range cells {
			out[i] = excelize.Cell{StyleID: text, Value: c}
		}
		return stream.SetRow(at, out)
	}
	if err := row(1, t.head()); err != nil {
		return err
	}
	for i := range values {
		if err := row(i+2, t.cells(&values[i])); err != nil {
			return err
		}
	}
	if err := stream.Flush(); err != nil {
		return err
	}
	_, err = book.WriteTo(to)
	return err
}

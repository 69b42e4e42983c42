package sheet

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"yixian/internal/fault"
)

// What a file may cost. A file that is larger is refused before it is parsed; what a workbook unpacks to is counted too.
const (
	MaxBytes   = 64 << 20  // of the file
	MaxUnzip   = 256 << 20 // of an XLSX unpacked
	MaxRows    = 200_000
	MaxColumns = 64
	MaxCell    = 4 << 10 // bytes of a cell
	maxRecord  = 1 << 20 // bytes of a line of a CSV, line breaks in quotes included
	inMemory   = 8 << 20 // a larger part of an XLSX is unpacked to a temporary file
	maxEntries = 1000    // parts of an XLSX
)

// Read reads a whole file. problems is what is wrong with its lines (never nil); err is a file that cannot be read at all:
// 413 TOO_LARGE, 415 UNSUPPORTED_MEDIA, 422 for one that is broken. With problems or an error no row may be used.
func (t Table[T]) Read(from io.Reader) (rows []Row[T], problems *Problems, err error) {
	f, size, err := spool(from)
	if err != nil {
		return nil, &Problems{}, err
	}
	defer func() { _ = f.Close() }()
	r := reader[T]{table: &t, problems: &Problems{}, ids: map[string]int{}}
	lead := make([]byte, 8)
	n, _ := f.ReadAt(lead, 0)
	switch lead = lead[:n]; {
	case bytes.HasPrefix(lead, []byte("PK\x03\x04")):
		err = r.workbook(f, size)
	case bytes.HasPrefix(lead, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
		return nil, r.problems, fault.New(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA", "这是旧版 .xls 或加了密码的文件：请在 Excel 中取消密码，另存为 .xlsx 或 CSV 后再导入")
	default:
		err = r.text(f)
	}
	if err != nil {
		return nil, r.problems, err
	}
	if r.head == nil && r.problems.None() {
		r.problems.Add(1, "", "文件是空的", "第一行写列名："+t.names())
	}
	return r.rows, r.problems, nil
}

// spool copies the file to a temporary one without a name, so that it can be read twice and costs no memory.
func spool(from io.Reader) (f *os.File, size int64, err error) {
	if f, err = os.CreateTemp("", "yixian-import-"); err != nil {
		return nil, 0, err
	}
	_ = os.Remove(f.Name())
	size, err = io.Copy(f, io.LimitReader(from, MaxBytes+1))
	if err == nil && size > MaxBytes {
		err = fault.New(http.StatusRequestEntityTooLarge, "TOO_LARGE", "文件超过上限 %d MB：请拆成几个文件分别导入", MaxBytes>>20)
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, size, nil
}

type reader[T any] struct {
	table    *Table[T]
	head     []*Column[T]
	rows     []Row[T]
	ids      map[string]int
	problems *Problems
}

// errEnough ends the reading of a file whose header is wrong or which has too many lines: the problem is noted.
var errEnough = errors.New("enough")

func (r *reader[T]) add(line int, cells []string) error {
	if r.head == nil {
		if strings.TrimSpace(strings.Join(cells, "")) == "" {
			return nil
		}
		before := len(r.problems.List)
		if r.head = r.table.header(line, cells, r.problems); len(r.problems.List) > before {
			return errEnough
		}
		return nil
	}
	v, filled := r.table.line(line, r.head, cells, r.problems)
	if !filled {
		return nil
	}
	if len(r.rows) == MaxRows {
		r.problems.Add(line, "", fmt.Sprintf("超过上限 %d 行", MaxRows), "拆成几个文件分别导入")
		return errEnough
	}
	if r.table.ID != nil {
		if id := r.table.ID(&v); id != "" {
			if first := r.ids[id]; first > 0 {
				r.problems.Add(line, "", fmt.Sprintf("与第 %d 行重复（%s）", first, clip(id)), "删除其中一行")
			} else {
				r.ids[id] = line
			}
		}
	}
	r.rows = append(r.rows, Row[T]{line, v})
	return nil
}

// text reads a CSV in UTF-8, UTF-16 (by its mark) or GB 18030.
func (r *reader[T]) text(f *os.File) error {
	decoder, err := encodingOf(f)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	limit := &recordLimit{from: transform.NewReader(f, decoder)}
	limit.refill()
	in := csv.NewReader(limit)
	in.FieldsPerRecord, in.ReuseRecord = -1, true
	first := true
	for {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && first {
			first = false
			if len(cells) == 1 && strings.Contains(cells[0], "\t") { // saved as "text (tab delimited)"
				in.Comma = '\t'
				cells = strings.Split(cells[0], "\t")
			}
		}
		var broken *csv.ParseError
		switch {
		case errors.Is(err, errRecord):
			line, _ := in.FieldPos(0)
			r.problems.Add(max(1, line), "", fmt.Sprintf("一行超过 %d KB", maxRecord>>10), "检查引号是否成对，或该文件是否为表格")
			return nil
		case errors.As(err, &broken):
			r.problems.Add(broken.StartLine, "", fmt.Sprintf("第 %d 行第 %d 个字节处的引号不成对", broken.Line, broken.Column), "内容含引号时写成两个引号，并用引号括起整格")
			return nil
		case err != nil:
			return err
		}
		line, _ := in.FieldPos(0)
		if err := r.add(line, cells); errors.Is(err, errEnough) {
			return nil
		}
		limit.refill()
	}
}

// recordLimit refuses a record that goes on for ever, before it is in memory.
type recordLimit struct {
	from io.Reader
	left int
}

var errRecord = errors.New("record too long")

func (l *recordLimit) refill() { l.left = maxRecord }

func (l *recordLimit) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errRecord
	}
	n, err := l.from.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

// encodingOf looks at the whole file once.
func encodingOf(f io.ReadSeeker) (transform.Transformer, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	lead := make([]byte, 2)
	n, _ := io.ReadFull(f, lead)
	if s := string(lead[:n]); s == "\xff\xfe" || s == "\xfe\xff" {
		return unicode.BOMOverride(encoding.Nop.NewDecoder()), nil
	}
	for _, try := range []struct {
		check, use transform.Transformer
	}{{encoding.UTF8Validator, unicode.BOMOverride(encoding.Nop.NewDecoder())}, {simplifiedchinese.GB18030.NewDecoder(), simplifiedchinese.GB18030.NewDecoder()}} {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		if good, err := readable(transform.NewReader(f, try.check)); err != nil {
			return nil, err
		} else if good {
			return try.use, nil
		}
	}
	return nil, fault.New(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA", "无法识别文件：请用 Excel 另存为 .xlsx，或另存为 CSV UTF-8（GBK 也可以）")
}

// readable reports whether decoded text is text: no character that could not be decoded, no control character.
func readable(r io.Reader) (bool, error) {
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		part := buf[:n]
		if bytes.IndexByte(part, 0) >= 0 || bytes.Contains(part, []byte(string(utf8.RuneError))) {
			return false, nil
		}
		switch {
		case errors.Is(err, io.EOF):
			return true, nil
		case errors.Is(err, encoding.ErrInvalidUTF8):
			return false, nil
		case err != nil:
			return false, err
		}
	}
}

// workbook reads the first sheet of an XLSX. What its parts say they unpack to is added up first, and the unpacking is
// bounded by the same figure, so that a small file cannot become a large one.
func (r *reader[T]) workbook(f *os.File, size int64) error {
	broken := func(err error) error {
		return fault.New(http.StatusUnprocessableEntity, "INVALID", "这个 .xlsx 文件已损坏，无法读取：请用 Excel 打开后重新另存").Because(err)
	}
	z, err := zip.NewReader(f, size)
	if err != nil {
		return broken(err)
	}
	var total uint64
	for _, part := range z.File {
		if total += part.UncompressedSize64; total > MaxUnzip || part.UncompressedSize64 > MaxUnzip || len(z.File) > maxEntries {
			return fault.New(http.StatusRequestEntityTooLarge, "TOO_LARGE", "该 .xlsx 解压后超过上限 %d MB，已拒绝：请删除多余的工作表和图片，或另存为 CSV", MaxUnzip>>20)
		}
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	book, err := excelize.OpenReader(f, excelize.Options{UnzipSizeLimit: MaxUnzip, UnzipXMLSizeLimit: inMemory, RawCellValue: true})
	if err != nil {
		return broken(err)
	}
	defer func() { _ = book.Close() }()
	names := book.GetSheetList()
	if len(names) == 0 {
		return broken(nil)
	}
	rows, err := book.Rows(names[0])
	if err != nil {
		return broken(err)
	}
	defer func() { _ = rows.Close() }()
	for line := 1; rows.Next(); line++ {
		cells, err := rows.Columns()
		if err != nil {
			return broken(err)
		}
		if err := r.add(line, cells); errors.Is(err, errEnough) {
			return nil
		}
		if line > 2*MaxRows { // empty lines without end
			r.problems.Add(line, "", fmt.Sprintf("超过上限 %d 行", 2*MaxRows), "删除末尾的空行后重新保存")
			return nil
		}
	}
	if err := rows.Error(); err != nil {
		return broken(err)
	}
	return nil
}

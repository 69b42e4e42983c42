package sheet

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/flate"
)

const (
	bookRows   = 1 << 20 // what the format allows
	bookText   = 32767   // characters of a cell, likewise
	bookShared = 1 << 14 // texts that are kept to be written once; further ones stand in their cells
	bookFlush  = 64 << 10
)

// ErrBookFull: more rows than a workbook can hold.
var ErrBookFull = errors.New("sheet: more than 1048576 rows")

// Book streams a workbook with one sheet: whatever number of rows goes out row by row, in memory of a bounded size. It is for
// large tables of plain values; what has charts or styles is excelize's. A text that comes again is written once.
type Book struct {
	zip    *zip.Writer
	part   io.Writer
	buf    []byte
	rows   int
	shared map[string]int
	most   int    // how many are shared
	texts  []byte // the shared ones, as they go into their part
	uses   int
}

// NewBook begins a workbook whose only sheet has a name that needs no escaping.
func NewBook(w io.Writer, name string) (*Book, error) {
	b := &Book{zip: zip.NewWriter(w), shared: map[string]int{}, most: bookShared}
	b.zip.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	for _, p := range []struct{ name, text string }{
		{"[Content_Types].xml", xmlHead + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>` +
			`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>` +
			`<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>`},
		{"_rels/.rels", xmlHead + `<Relationships xmlns="` + relations + `"><Relationship Id="rId1" Type="` + officeRel + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"xl/workbook.xml", xmlHead + `<workbook xmlns="` + sheetSpace + `" xmlns:r="` + officeRel + `"><sheets><sheet name="` + name + `" sheetId="1" r:id="rId1"/></sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", xmlHead + `<Relationships xmlns="` + relations + `"><Relationship Id="rId1" Type="` + officeRel + `/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="` + officeRel + `/sharedStrings" Target="sharedStrings.xml"/></Relationships>`},
	} {
		if err := b.add(p.name, []byte(p.text)); err != nil {
			return nil, err
		}
	}
	var err error
	if b.part, err = b.zip.Create("xl/worksheets/sheet1.xml"); err != nil {
		return nil, err
	}
	b.buf = append(make([]byte, 0, 2*bookFlush), xmlHead+`<worksheet xmlns="`+sheetSpace+`"><sheetData>`...)
	return b, nil
}

const (
	xmlHead    = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	sheetSpace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	relations  = "http://schemas.openxmlformats.org/package/2006/relationships"
	officeRel  = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
)

func (b *Book) add(name string, text []byte) error {
	w, err := b.zip.Create(name)
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}

// Row writes the next row. A cell is a string, a number, a bool or nil; anything else is written as text. Texts are never formulas.
func (b *Book) Row(cells []any) error {
	if b.rows++; b.rows > bookRows {
		return ErrBookFull
	}
	b.buf = append(b.buf, `<row r="`...)
	b.buf = strconv.AppendInt(b.buf, int64(b.rows), 10)
	b.buf = append(b.buf, '"', '>')
	for _, v := range cells {
		switch v := v.(type) {
		case nil:
			b.buf = append(b.buf, `<c/>`...)
		case string:
			b.text(v)
		case int:
			b.number(int64(v))
		case int64:
			b.number(v)
		case float64:
			b.buf = append(b.buf, `<c><v>`...)
			b.buf = strconv.AppendFloat(b.buf, v, 'g', -1, 64)
			b.buf = append(b.buf, `</v></c>`...)
		case bool:
			n := byte('0')
			if v {
				n = '1'
			}
			b.buf = append(append(append(b.buf, `<c t="b"><v>`...), n), `</v></c>`...)
		default:
			b.text(fmt.Sprint(v))
		}
	}
	b.buf = append(b.buf, `</row>`...)
	return b.flush(bookFlush)
}

func (b *Book) flush(from int) error {
	if len(b.buf) < from {
		return nil
	}
	_, err := b.part.Write(b.buf)
	b.buf = b.buf[:0]
	return err
}

func (b *Book) number(v int64) {
	b.buf = append(b.buf, `<c><v>`...)
	b.buf = strconv.AppendInt(b.buf, v, 10)
	b.buf = append(b.buf, `</v></c>`...)
}

func (b *Book) text(s string) {
	if s == "" {
		b.buf = append(b.buf, `<c/>`...)
		return
	}
	n, ok := b.shared[s]
	if !ok && len(b.shared) < b.most {
		n, ok = len(b.shared), true
		b.shared[strings.Clone(s)] = n
		b.texts = append(appendText(append(b.texts, `<si>`...), s), `</si>`...)
	}
	if !ok {
		b.buf = append(appendText(append(b.buf, `<c t="inlineStr"><is>`...), s), `</is></c>`...)
		return
	}
	b.uses++
	b.buf = append(b.buf, `<c t="s"><v>`...)
	b.buf = strconv.AppendInt(b.buf, int64(n), 10)
	b.buf = append(b.buf, `</v></c>`...)
}

// Close ends the workbook; footer stands on the left below each printed page, its number on the right.
func (b *Book) Close(footer string) error {
	b.buf = append(b.buf, `</sheetData><headerFooter><oddFooter>`...)
	b.buf = appendEscaped(b.buf, "&L"+strings.ReplaceAll(footer, "&", "&&")+"&R&P/&N")
	b.buf = append(b.buf, `</oddFooter></headerFooter></worksheet>`...)
	if err := b.flush(0); err != nil {
		return err
	}
	w, err := b.zip.Create("xl/sharedStrings.xml")
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, `%s<sst xmlns="%s" count="%d" uniqueCount="%d">%s</sst>`, xmlHead, sheetSpace, b.uses, len(b.shared), b.texts); err != nil {
		return err
	}
	return b.zip.Close()
}

// appendText is the element of a text, its spaces kept.
func appendText(to []byte, s string) []byte {
	if len(s) > bookText && utf8.RuneCountInString(s) > bookText {
		s = string([]rune(s)[:bookText])
	}
	if c, d := s[0], s[len(s)-1]; c <= ' ' || d <= ' ' {
		to = append(to, `<t xml:space="preserve">`...)
	} else {
		to = append(to, `<t>`...)
	}
	return append(appendEscaped(to, s), `</t>`...)
}

// appendEscaped writes a text into XML: marks as entities, what XML cannot hold as a replacement character, and what the format
// would take for a coded character ("_x0041_") so that it is read back as it was.
func appendEscaped(to []byte, s string) []byte {
	for i, r := range s {
		switch {
		case r == '&':
			to = append(to, `&amp;`...)
		case r == '<':
			to = append(to, `&lt;`...)
		case r == '>':
			to = append(to, `&gt;`...)
		case r == '\r':
			to = append(to, `&#13;`...)
		case r == '_' && coded(s[i:]):
			to = append(to, `_x005F_`...)
		case r < ' ' && r != '\t' && r != '\n', r == 0xFFFE, r == 0xFFFF:
			to = utf8.AppendRune(to, utf8.RuneError)
		default:
			to = utf8.AppendRune(to, r)
		}
	}
	return to
}

func coded(s string) bool {
	if len(s) < 7 || s[1] != 'x' || s[6] != '_' {
		return false
	}
	_, err := strconv.ParseUint(s[2:6], 16, 16)
	return err == nil
}

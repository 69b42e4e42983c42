package sheet

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"yixian/internal/fault"
)

type sample struct {
	Code, Name string
	Day        string
	From       int
	On         bool
	Words      []string
}

var table = Table[sample]{
	Name: "样表", ID: func(s *sample) string { return s.Code },
	Columns: []Column[sample]{
		{"code", "编码", true, func(s *sample) string { return s.Code }, func(s *sample, c string) (err error) { s.Code, err = Digits(c, 5, 17); return err }},
		{"name", "名称", true, func(s *sample) string { return s.Name }, func(s *sample, c string) (err error) { s.Name, err = Text(c, 20); return err }},
		{"day", "日期", false, func(s *sample) string { return s.Day }, func(s *sample, c string) (err error) { s.Day, err = Date(c); return err }},
		{"from", "开始", false, func(s *sample) string { return ClockText(s.From) }, func(s *sample, c string) (err error) { s.From, err = Clock(c); return err }},
		{"on", "启用", false, func(s *sample) string { return YesNo(s.On) }, func(s *sample, c string) (err error) { s.On, err = Bool(c); return err }},
		{"words", "说法", false, func(s *sample) string { return Join(s.Words) }, func(s *sample, c string) error { s.Words = List(c); return nil }},
	},
}

func values(rows []Row[sample]) []sample {
	out := []sample{}
	for _, r := range rows {
		out = append(out, r.Value)
	}
	return out
}

// What is written reads back the same, whatever the words look like: formulas, quotes, commas, apostrophes.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 12).Draw(t, "n")
		list := []sample{}
		for i := range n {
			s := sample{Code: fmt.Sprintf("%05d", i), On: rapid.Bool().Draw(t, "on"), From: rapid.IntRange(0, 1440).Draw(t, "from")}
			s.Name = strings.TrimSpace(rapid.StringMatching(`['=+@\-]{0,3}[ -~一-龥]{1,12}`).Draw(t, "name"))
			if s.Name == "" {
				s.Name = "名"
			}
			if rapid.Bool().Draw(t, "dated") {
				s.Day = fmt.Sprintf("2026-%02d-%02d", rapid.IntRange(1, 12).Draw(t, "month"), rapid.IntRange(1, 28).Draw(t, "day"))
			}
			for range rapid.IntRange(0, 3).Draw(t, "words") {
				if w := rapid.StringMatching(`[a-z一-龥]{1,4}`).Draw(t, "word"); !slices.Contains(s.Words, w) {
					s.Words = append(s.Words, w)
				}
			}
			list = append(list, s)
		}
		for _, f := range []Format{CSV, XLSX} {
			var file bytes.Buffer
			if err := table.Write(&file, f, list); err != nil {
				t.Fatal(err)
			}
			rows, problems, err := table.Read(&file)
			if err != nil || !problems.None() {
				t.Fatalf("%s: %v %v", f, err, problems.List)
			}
			if got := values(rows); fmt.Sprint(got) != fmt.Sprint(list) {
				t.Fatalf("%s: wrote %+v, read %+v", f, list, got)
			}
		}
	})
}

// A cell that a spreadsheet would compute is written with an apostrophe.
func TestFormulasAreWords(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	require.NoError(t, table.Write(&file, CSV, []sample{{Code: "00001", Name: `=HYPERLINK("x")`}, {Code: "00002", Name: "'+1"}}))
	require.Contains(t, file.String(), `"'=HYPERLINK(""x"")"`)
	require.Contains(t, file.String(), "''+1")
}

const good = "编码,名称,日期,开始\n00001,东街,2026/7/1,8:30\n\n00002,\"温泉,\n街道\",,\n"

func TestEncodings(t *testing.T) {
	t.Parallel()
	gbk, err := simplifiedchinese.GBK.NewEncoder().String("编码,名称,开始\n00001,东街街道办事处,08：30\n")
	require.NoError(t, err)
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("编码,名称\n00001,东街街道办事处\n")
	require.NoError(t, err)
	for name, file := range map[string]string{"utf-8": "编码,名称\n00001,东街街道办事处", "mark": "\ufeffcode,NAME\r\n00001,东街街道办事处\r\n", "gbk": gbk, "utf-16": utf16, "tabs": "编码\t名称\n00001\t东街街道办事处\n"} {
		rows, problems, err := table.Read(strings.NewReader(file))
		require.NoError(t, err, name)
		require.True(t, problems.None(), "%s: %v", name, problems.List)
		require.Equal(t, "东街街道办事处", rows[0].Value.Name, name)
		require.Equal(t, 2, rows[0].Line, name)
	}
}

// Each thing that is wrong is named with its line and column, all at once.
func TestProblemsAreNamed(t *testing.T) {
	t.Parallel()
	for file, want := range map[string][]string{
		"":               {"1  文件是空的"},
		"编码,名称,编码\n":     {"1 编码 列名重复（第 1 列已经是它）"},
		"编码,名称,单位负责人\n":  {"1 单位负责人 不认识的列"},
		"名称\n东街\n":       {"1 编码 缺少必填的列"},
		"编码,名称\n00001\n": {"2 名称 必填，不能为空"},
		good:             {"4 名称 含有换行或其他控制字符"},
		"编码,名称,日期,开始,启用\n1,东街,明天,25:00,也许\n00002,温泉,,,,多\n00003,甲,,,\n00003,乙,,,\n": {"2 编码 \"1\" 不是 5、17 位数字", "2 日期 \"明天\" 不是日期", "2 开始 \"25:00\" 不是时间", "2 启用 \"也许\" 不在可选范围内",
			"3  比表头多出内容 \"多\"", "5  与第 4 行重复（00003）"},
		"编码,名称\n3.50102E+16,东街\n":       {"2 编码 编号被表格软件改成了 3.50102E+16，已丢失数字"},
		"编码,名称\n00001,\"东街\n00002,温泉\n": {"2  第 3 行第 14 个字节处的引号不成对"},
		"编码,,名称\n00001,x,东街\n":          {"2 第 2 列 该列没有列名，却有内容 \"x\""},
	} {
		_, problems, err := table.Read(strings.NewReader(file))
		require.NoError(t, err, "%q", file)
		var got []string
		for _, p := range problems.List {
			require.NotEmpty(t, p.Mend)
			got = append(got, fmt.Sprintf("%d %s %s", p.Line, p.Column, p.What))
		}
		require.Equal(t, want, got, "%q", file)
		require.True(t, fault.Is(problems.Fault(), "IMPORT_REFUSED"))
	}
}

// endless gives n bytes and counts what was taken.
type endless struct {
	left int64
	fill byte
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), e.left)
	for i := range p[:n] {
		p[i] = e.fill
	}
	e.left -= n
	return int(n), nil
}

func bomb(t *testing.T, size int) []byte {
	t.Helper()
	book := excelize.NewFile()
	require.NoError(t, book.SetCellStr("Sheet1", "A1", "编码"))
	var file bytes.Buffer
	require.NoError(t, book.Write(&file))
	from, err := zip.NewReader(bytes.NewReader(file.Bytes()), int64(file.Len()))
	require.NoError(t, err)
	var out bytes.Buffer
	to := zip.NewWriter(&out)
	for _, f := range from.File {
		w, err := to.Create(f.Name)
		require.NoError(t, err)
		r, err := f.Open()
		require.NoError(t, err)
		_, err = io.Copy(w, r)
		require.NoError(t, err)
	}
	w, err := to.Create("xl/media/image1.png")
	require.NoError(t, err)
	_, err = io.Copy(w, &endless{left: int64(size)})
	require.NoError(t, err)
	require.NoError(t, to.Close())
	return out.Bytes()
}

// wide is a workbook with a word in the last column that there can be.
func wide(t testing.TB) []byte {
	t.Helper()
	book := excelize.NewFile()
	require.NoError(t, book.SetCellStr("Sheet1", "A1", "编码"))
	require.NoError(t, book.SetCellStr("Sheet1", "XFD1", "名称"))
	var file bytes.Buffer
	require.NoError(t, book.Write(&file))
	return file.Bytes()
}

// A file of 1 GB, a zip bomb, a million columns, one endless line: refused, and the memory stays small. Not parallel: it
// reads the allocations of the process.
func TestHostileFilesAreCheap(t *testing.T) {
	columns := strings.Repeat("x,", 1_000_000)
	for _, c := range []struct {
		name, code string
		file       func() io.Reader
	}{
		{"1 GB", "TOO_LARGE", func() io.Reader { return &endless{1 << 30, 'a'} }},
		{"zip bomb", "TOO_LARGE", func() io.Reader { return bytes.NewReader(bomb(t, MaxUnzip+1)) }},
		{"a workbook's last column", "IMPORT_REFUSED", func() io.Reader { return bytes.NewReader(wide(t)) }},
		{"old Excel", "UNSUPPORTED_MEDIA", func() io.Reader {
			return strings.NewReader("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("x", 4096))
		}},
		{"a picture", "UNSUPPORTED_MEDIA", func() io.Reader { return strings.NewReader("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR") }},
		{"broken zip", "INVALID", func() io.Reader { return strings.NewReader("PK\x03\x04" + strings.Repeat("x", 400)) }},
		{"a million columns", "IMPORT_REFUSED", func() io.Reader { return strings.NewReader(columns) }},
		{"many columns", "IMPORT_REFUSED", func() io.Reader { return strings.NewReader(columns[:2*MaxColumns+2]) }},
		{"one endless line", "IMPORT_REFUSED", func() io.Reader {
			return io.MultiReader(strings.NewReader("编码,名称\n00001,\""), &endless{50 << 20, 'a'})
		}},
		{"many lines", "IMPORT_REFUSED", func() io.Reader {
			var b strings.Builder
			b.WriteString("编码,名称\n")
			for i := range MaxRows + 5 {
				b.WriteString(strconv.Itoa(10_000+i%80_000) + ",a\n")
			}
			return strings.NewReader(b.String())
		}},
	} {
		file := c.file()
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		_, problems, err := table.Read(file)
		runtime.ReadMemStats(&after)
		if err == nil {
			err = problems.Fault()
		}
		require.Error(t, err, c.name)
		require.True(t, fault.Is(err, c.code), "%s: %v", c.name, err)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256<<20), c.name)
	}
}

// A fair file of the same make as the bomb is read.
func TestFairWorkbook(t *testing.T) {
	t.Parallel()
	book := excelize.NewFile()
	for i, row := range [][]any{{"编码", "名称", "日期", "开始"}, {350102.0, "x"}, {"35010", "东街", 46204, 0.3541666666666667}} {
		require.NoError(t, book.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row))
	}
	var file bytes.Buffer
	require.NoError(t, book.Write(&file))
	rows, problems, err := table.Read(&file)
	require.NoError(t, err)
	require.Len(t, problems.List, 1)
	require.Equal(t, 2, problems.List[0].Line)
	require.Equal(t, sample{Code: "35010", Name: "东街", Day: "2026-07-01", From: 510}, rows[1].Value)
	_, problems, err = table.Read(bytes.NewReader(bomb(t, 1000)))
	require.NoError(t, err)
	require.Equal(t, "缺少必填的列", problems.List[0].What)
}

// Whatever a file holds, it is read or refused; what is read without a problem reads the same after writing it.
func FuzzRead(f *testing.F) {
	for _, s := range []string{good, "编码,名称\n00001,=1\n", "code\tname\n00001\ta", "\ufeff编码,名称\r\n\"00001\",\"a\"\"b\"\r\n", "\xff\xfe\x16\x7f", "\xb1\xe0\xc2\xeb,a", "PK\x03\x04x", "编码,名称,说法\n00001,a,b;c、d\n"} {
		f.Add([]byte(s))
	}
	f.Add(wide(f))
	var book bytes.Buffer
	if err := table.Write(&book, XLSX, []sample{{Code: "00001", Name: "东街", Day: "2026-07-01", From: 510, Words: []string{"灯"}}}); err != nil {
		f.Fatal(err)
	}
	f.Add(book.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		rows, problems, err := table.Read(bytes.NewReader(raw))
		if err != nil || !problems.None() {
			return
		}
		var file bytes.Buffer
		if err := table.Write(&file, CSV, values(rows)); err != nil {
			t.Fatal(err)
		}
		again, problems, err := table.Read(&file)
		if err != nil || !problems.None() || fmt.Sprint(values(again)) != fmt.Sprint(values(rows)) {
			t.Fatalf("%+v became %+v: %v %v", values(rows), values(again), err, problems.List)
		}
	})
}

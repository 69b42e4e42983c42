package sheet

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// What was written is read back cell by cell by a program that is not ours: shared and own texts, marks, spaces, line ends,
// texts that look like formulas or coded characters, numbers, and cells without anything.
func TestBookIsReadBackCellByCell(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	b, err := NewBook(&file, "Sheet1")
	require.NoError(t, err)
	special := []any{"=1+1", "<a href=\"x\">&amp;</a>", " 前后空格 ", "两\n行", "_x0041_", "𠮷野家", "-5", int64(-7), 3, 0.25, true, nil, "末"}
	read := []string{"=1+1", "<a href=\"x\">&amp;</a>", " 前后空格 ", "两\n行", "_x0041_", "𠮷野家", "-5", "-7", "3", "0.25", "TRUE", "", "末"}
	require.NoError(t, b.Row(special))
	b.most = 500
	const rows = 1000 // beyond what is shared
	for i := range rows {
		require.NoError(t, b.Row([]any{fmt.Sprintf("行 %d & %d", i, i), "同一文字", i}))
	}
	require.NoError(t, b.Row([]any{"\x01坏\xff字", strings.Repeat("长", bookText+9)}))
	require.NoError(t, b.Close("谁 & 何时"))

	book, err := excelize.OpenReader(bytes.NewReader(file.Bytes()))
	require.NoError(t, err)
	defer func() { _ = book.Close() }()
	got, err := book.GetRows("Sheet1")
	require.NoError(t, err)
	require.Len(t, got, rows+2)
	require.Equal(t, read, got[0])
	for i := range rows {
		require.Equal(t, []string{fmt.Sprintf("行 %d & %d", i, i), "同一文字", fmt.Sprint(i)}, got[i+1])
	}
	require.Equal(t, "\uFFFD坏\uFFFD字", got[rows+1][0])
	require.Equal(t, strings.Repeat("长", bookText), got[rows+1][1])
	formula, err := book.GetCellFormula("Sheet1", "A1")
	require.NoError(t, err)
	require.Empty(t, formula)
	footer, err := book.GetHeaderFooter("Sheet1")
	require.NoError(t, err)
	require.Equal(t, "&L谁 && 何时&R&P/&N", footer.OddFooter)
}

// BenchmarkBook writes a table of the size of the promise: 50,000 rows of 23 columns, six of them different in every row.
func BenchmarkBook(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		book, err := NewBook(io.Discard, "Sheet1")
		if err != nil {
			b.Fatal(err)
		}
		row := make([]any, 23)
		for i := range 50_000 {
			for c := range row {
				switch {
				case c < 6:
					row[c] = fmt.Sprintf("2026-06-%02dT%02d:%02d:%02d+08:00", i%28+1, i%24, i%60, (i+c)%60)
				case c < 10:
					row[c] = i % 7
				default:
					row[c] = "东街街道"
				}
			}
			if err := book.Row(row); err != nil {
				b.Fatal(err)
			}
		}
		if err := book.Close("x"); err != nil {
			b.Fatal(err)
		}
	}
}

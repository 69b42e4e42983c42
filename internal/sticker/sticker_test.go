package sticker

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"yixian/internal/fault"
)

func some(n int) []Sticker {
	var out []Sticker
	for i := range n {
		out = append(out, Sticker{Link: fmt.Sprintf("https://example.gov.cn/p/350102-%010d", i), Lines: []string{"东街街道军门社区<001>网格", "扫码上报身边事", "350102-0000000000"}})
	}
	return out
}

func TestSVG(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, SVG(&b, some(PerPage)))
	require.Equal(t, PerPage, strings.Count(b.String(), "<path"))
	require.Contains(t, b.String(), "军门社区&lt;001&gt;网格")
	require.Equal(t, 3*PerPage, strings.Count(b.String(), "<text"))
}

// A PDF has as many pages as it needs, and the words are in it as outlines: with the font taken away it is much smaller.
func TestPDF(t *testing.T) {
	t.Parallel()
	f, err := FindFont(os.Getenv("FONT_FILE"))
	if fault.Is(err, "NO_FONT") {
		t.Skip("no font with Chinese characters on this machine")
	}
	require.NoError(t, err)
	at := time.Date(2026, 6, 8, 9, 0, 0, 0, time.UTC)
	var b, again, wordless bytes.Buffer
	require.NoError(t, PDF(&b, f, some(PerPage+1), at))
	require.True(t, bytes.HasPrefix(b.Bytes(), []byte("%PDF-")))
	require.Contains(t, b.String(), "/Count 2")
	require.NoError(t, PDF(&again, f, some(PerPage+1), at))
	require.True(t, bytes.Equal(b.Bytes(), again.Bytes()), "the same stickers make the same file")
	bare := some(PerPage + 1)
	for i := range bare {
		bare[i].Lines = nil
	}
	require.NoError(t, PDF(&wordless, f, bare, at))
	require.Greater(t, b.Len(), wordless.Len()+5000)
}

func TestNoFont(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x.ttf")
	require.NoError(t, os.WriteFile(file, []byte("not a font"), 0o600))
	_, err := FindFont(file)
	require.True(t, fault.Is(err, "NO_FONT"))
}

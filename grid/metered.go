package grid

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"unicode/utf8"

	"yixian/internal/fault"
)

// meteredReader stops a file that is too large, is not UTF-8, or has one endless token.
type meteredReader struct {
	from  *bufio.Reader
	read  int64 // handed out
	taken int64 // of these, up to the last whole token
	tail  []byte
}

// begin looks at the first bytes: a mark of UTF-8 is passed over, an archive or UTF-16 is refused by name.
func (m *meteredReader) begin() error {
	head, _ := m.from.Peek(4)
	for _, c := range []struct{ magic, what string }{
		{"PK\x03\x04", "这是 ZIP 压缩包，请先解压"}, {"\x1f\x8b", "这是 GZIP 压缩文件，请先解压"}, {"\xff\xfe", "文件是 UTF-16 编码，请另存为 UTF-8"}, {"\xfe\xff", "文件是 UTF-16 编码，请另存为 UTF-8"},
	} {
		if bytes.HasPrefix(head, []byte(c.magic)) {
			return fault.New(422, "ENCODING", "%s", c.what)
		}
	}
	if bytes.HasPrefix(head, []byte("\ufeff")) {
		_, _ = m.from.Discard(3)
	}
	return nil
}

func (m *meteredReader) Read(b []byte) (int, error) {
	if m.read-m.taken > maxToken+1<<17 {
		return 0, fault.New(422, "TOO_LARGE", "文件中有一处超过 %d KB 的文字或空白，这不是地图文件", maxToken>>10).At("", "第 %d 字节起", m.taken)
	}
	// No more than a piece at a time, so that the decoder's buffer shows how long the token is.
	n, err := m.from.Read(b[:min(len(b), 64<<10)])
	if m.read += int64(n); m.read > MaxMapBytes {
		return 0, fault.New(413, "TOO_LARGE", "文件超过 %d MB，请分批导入", MaxMapBytes>>20)
	}
	if !m.utf8(b[:n]) || errors.Is(err, io.EOF) && len(m.tail) > 0 {
		return 0, fault.New(422, "ENCODING", "文件不是 UTF-8 编码（可能是 GBK），请另存为 UTF-8").At("", "第 %d 字节附近", m.read-int64(n))
	}
	return n, err
}

// utf8 checks one piece; a letter that the piece cuts is kept for the next one.
func (m *meteredReader) utf8(b []byte) bool {
	if len(m.tail) > 0 {
		need := min(utf8.UTFMax-len(m.tail), len(b))
		letter := slices.Concat(m.tail, b[:need])
		if !utf8.FullRune(letter) {
			m.tail = letter
			return true
		}
		r, size := utf8.DecodeRune(letter)
		if r == utf8.RuneError && size <= 1 {
			return false
		}
		b = b[size-len(m.tail):]
		m.tail = nil
	}
	whole := len(b)
	for back := 1; back < utf8.UTFMax && back <= len(b); back++ {
		if c := b[len(b)-back]; utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-back:]) {
				whole = len(b) - back
			}
			break
		}
	}
	m.tail = append([]byte(nil), b[whole:]...)
	return utf8.Valid(b[:whole])
}

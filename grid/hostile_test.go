package grid

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"yixian/internal/fault"
)

// features is a file of n features, made while it is read.
type features struct {
	left, n int
	piece   bytes.Buffer
}

func (f *features) Read(b []byte) (int, error) {
	for f.piece.Len() == 0 {
		if f.left == 0 {
			return 0, io.EOF
		}
		f.left--
		f.n++
		fmt.Fprintf(&f.piece, `,{"type":"Feature","properties":{"code":"350102%03d%03d%03d","name":"甲"},"geometry":{"type":"Polygon","coordinates":[[[119,26],[119.1,26],[119.1,26.1],[119,26]]]}}`, f.n/1_000_000, f.n/1000%1000, f.n%1000)
	}
	return f.piece.Read(b)
}

// repeat gives the same words for ever.
func repeat(words string) io.Reader { return &repeated{words: words} }

type repeated struct {
	words string
	at    int
}

func (r *repeated) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = r.words[r.at]
		r.at = (r.at + 1) % len(r.words)
	}
	return len(b), nil
}

// A map file of a gigabyte, whatever fills it, is refused within bounds of memory. Not parallel: it reads the memory of the process.
func TestHostileMapsAreCheap(t *testing.T) {
	const gigabyte, begin = 1 << 30, `{"type":"FeatureCollection","features":[{"properties":{"code":"350102"},"geometry":null}`
	whole := func(r io.Reader) io.Reader { return io.LimitReader(r, gigabyte) }
	files := map[string]io.Reader{
		"one text":        whole(io.MultiReader(strings.NewReader(`{"type":"`), repeat("x"))),
		"blanks":          whole(repeat(" \n")),
		"one name":        whole(io.MultiReader(strings.NewReader(`{"`), repeat("x"))),
		"one number":      whole(io.MultiReader(strings.NewReader(begin+`,{"geometry":{"type":"Polygon","coordinates":[[[`), repeat("1"))),
		"many features":   whole(io.MultiReader(strings.NewReader(begin), &features{left: gigabyte})),
		"blank in a text": whole(io.MultiReader(strings.NewReader(`{"type":"FeatureCollection","x":`), repeat("\t"))),
	}
	if os.Getenv("YIXIAN_FULL") == "1" { // eight million corners take some seconds
		files["many corners"] = whole(io.MultiReader(strings.NewReader(begin+`,{"geometry":{"type":"Polygon","coordinates":[[[1,2]`), repeat(",[1,2]")))
	}
	for name, file := range files {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		b := &batch{found: newFindings(false, nil), district: DemoDistrict, byCode: map[string]*candidate{}}
		err := b.read(file, "")
		runtime.ReadMemStats(&after)
		require.True(t, fault.Is(err, "TOO_LARGE"), "%s: %v", name, err)
		require.Less(t, int64(after.Sys)-int64(before.Sys), int64(1<<30), name)
		runtime.KeepAlive(b)
	}
}

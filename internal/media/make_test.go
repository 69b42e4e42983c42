package media

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"
)

// Pictures and metadata made by the tests themselves.

type field struct {
	tag, format uint16
	count       uint32
	value       []byte
}

func ascii(tag uint16, s string) field {
	return field{tag, 2, uint32(len(s) + 1), append([]byte(s), 0)}
}

func rationals(o binary.AppendByteOrder, tag uint16, v ...uint32) field {
	var b []byte
	for _, n := range v {
		b = o.AppendUint32(b, n)
	}
	return field{tag, 5, uint32(len(v) / 2), b}
}

type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// exifOf writes a TIFF block with an orientation, Exif fields and GPS fields.
func exifOf(o byteOrder, orientation uint16, exif, gps []field) []byte {
	head := []byte("II")
	if o == byteOrder(binary.BigEndian) {
		head = []byte("MM")
	}
	head = o.AppendUint32(o.AppendUint16(head, 42), 8)
	dir := func(at int, fields []field) []byte {
		out := o.AppendUint16(nil, uint16(len(fields)))
		extra := []byte{}
		for _, f := range fields {
			out = o.AppendUint32(o.AppendUint16(o.AppendUint16(out, f.tag), f.format), f.count)
			if len(f.value) <= 4 {
				out = append(out, append(bytes.Clone(f.value), 0, 0, 0, 0)[:4]...)
				continue
			}
			out = o.AppendUint32(out, uint32(at+2+12*len(fields)+4+len(extra)))
			extra = append(extra, f.value...)
		}
		return append(o.AppendUint32(out, 0), extra...)
	}
	at := 8 + 2 + 3*12 + 4
	sub := dir(at, exif)
	place := dir(at+len(sub), gps)
	main := dir(8, []field{
		{tagOrientation, 3, 1, o.AppendUint16(nil, orientation)},
		{tagExif, 4, 1, o.AppendUint32(nil, uint32(at))},
		{tagGPS, 4, 1, o.AppendUint32(nil, uint32(at+len(sub)))},
	})
	return append(append(append(head, main...), sub...), place...)
}

// segment puts an APPn segment behind the start of a JPEG.
func segment(file []byte, marker byte, body string) []byte {
	out := append([]byte{}, file[:2]...)
	out = binary.BigEndian.AppendUint16(append(out, 0xff, marker), uint16(len(body)+2))
	return append(append(out, body...), file[2:]...)
}

// chunk makes a PNG chunk.
func chunk(name string, body []byte) []byte {
	out := append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), name...)
	out = append(out, body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// ihdr is a PNG that consists of its header only.
func ihdr(w, h uint32, depth, colour byte, interlace byte) []byte {
	body := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	return append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(body, depth, colour, 0, 0, interlace))...)
}

// solidWebP is a lossless WebP of one colour: codes of a single symbol take no bits, so any size is tiny.
func solidWebP(w, h int, c color.NRGBA, before ...[]byte) []byte {
	var bits []byte
	at := 0
	put := func(v uint32, n int) {
		for ; n > 0; n-- {
			if at%8 == 0 {
				bits = append(bits, 0)
			}
			bits[at/8] |= byte(v&1) << (at % 8)
			v >>= 1
			at++
		}
	}
	put(0x2f, 8)
	put(uint32(w-1), 14)
	put(uint32(h-1), 14)
	put(1, 1) // alpha in use
	put(0, 3) // version
	put(0, 3) // no transform, no colour cache, one set of codes
	for _, v := range []byte{c.G, c.R, c.B, c.A, 0} {
		put(1, 1) // simple code
		put(0, 1) // of one symbol
		put(1, 1) // of eight bits
		put(uint32(v), 8)
	}
	bits = append(bits, make([]byte, 4+len(bits)%2)...)
	body := []byte("WEBP")
	for _, b := range before {
		body = append(body, b...)
	}
	body = append(binary.LittleEndian.AppendUint32(append(body, "VP8L"...), uint32(len(bits))), bits...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func toJPEG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, m, &jpeg.Options{Quality: 92}))
	return b.Bytes()
}

func toPNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, m))
	return b.Bytes()
}

// scene is a photo-like picture: gradients, a pattern and some noise.
func scene(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	seed := uint32(1)
	for y := range h {
		for x := range w {
			seed = seed*1664525 + 1013904223
			n := byte(seed >> 28)
			m.SetRGBA(x, y, color.RGBA{byte(x*200/w) + n, byte(y*200/h) + n, byte((x/37+y/23)%2*90) + n, 255})
		}
	}
	return m
}

// corners are the colours of the four quarters of quarters, clockwise from the upper left.
var corners = [4]color.RGBA{{220, 30, 30, 255}, {30, 200, 30, 255}, {30, 30, 220, 255}, {230, 220, 40, 255}}

// quarter says which corner a place of a w×h picture belongs to.
func quarter(x, y, w, h int) color.RGBA {
	switch {
	case y < h/2 && x < w/2:
		return corners[0]
	case y < h/2:
		return corners[1]
	case x >= w/2:
		return corners[2]
	}
	return corners[3]
}

func near(t testing.TB, want, got color.Color, tolerance int, msg string) {
	t.Helper()
	r, g, b, _ := want.RGBA()
	r2, g2, b2, _ := got.RGBA()
	for _, d := range []int{int(r>>8) - int(r2>>8), int(g>>8) - int(g2>>8), int(b>>8) - int(b2>>8)} {
		if d > tolerance || d < -tolerance {
			t.Fatalf("%s: colour %v, want %v ± %d", msg, got, want, tolerance)
		}
	}
}

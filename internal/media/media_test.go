package media

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"go/build"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"yixian/internal/fault"
)

func process(t testing.TB, raw []byte) (*Photo, error) {
	t.Helper()
	return NewProcessor(Limits{}).Process(t.Context(), bytes.NewReader(raw))
}

func mustProcess(t testing.TB, raw []byte) *Photo {
	t.Helper()
	p, err := process(t, raw)
	require.NoError(t, err)
	require.Equal(t, raw, p.Original)
	clean(t, p.Full)
	clean(t, p.Thumb)
	return p
}

func refused(t testing.TB, err error, status int, code string) {
	t.Helper()
	e, ok := fault.As(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, []any{status, code}, []any{e.Status, e.Code}, "%v", err)
	require.Regexp(t, `\p{Han}`, e.Detail)
}

// clean checks that a served JPEG has only the segments that pixels need, ends at its end, and decodes.
func clean(t testing.TB, file []byte) image.Image {
	t.Helper()
	at := 2
	for file[at+1] != 0xda {
		require.Contains(t, []byte{0xdb, 0xc0, 0xc4}, file[at+1], "segment %x", file[at+1])
		at += 2 + int(binary.BigEndian.Uint16(file[at+2:]))
	}
	require.Equal(t, len(file)-2, bytes.LastIndex(file, []byte{0xff, 0xd9}))
	require.Equal(t, 1, bytes.Count(file, []byte{0xff, 0xd9}))
	m, err := jpeg.Decode(bytes.NewReader(file))
	require.NoError(t, err)
	return m
}

// shared opens the test pictures of the project, which are not part of this repository.
func shared(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "images", name))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the shared picture set is not here: " + name)
	}
	require.NoError(t, err)
	return raw
}

func TestManifest(t *testing.T) {
	t.Parallel()
	rows, err := csv.NewReader(bytes.NewReader(shared(t, "MANIFEST.csv"))).ReadAll()
	require.NoError(t, err)
	for _, row := range rows[1:] {
		t.Run(row[0], func(t *testing.T) {
			t.Parallel()
			photo, err := process(t, shared(t, row[0]))
			switch {
			case row[0] == "truncated.jpg":
				refused(t, err, 422, "BROKEN_IMAGE")
			case row[0] == "tiny.heif":
				refused(t, err, 415, "UNSUPPORTED_MEDIA")
				require.Contains(t, err.Error(), "HEIC")
			default:
				require.True(t, strings.HasPrefix(row[7], "accept"), "a row this test does not know: %v", row)
				require.NoError(t, err)
				clean(t, photo.Full)
				clean(t, photo.Thumb)
			}
			switch row[0] {
			case "landscape_1.jpg", "landscape_6.jpg":
				require.Equal(t, [2]int{600, 450}, [2]int{photo.Width, photo.Height}, "upright")
			case "portrait_8.jpg":
				require.Equal(t, [2]int{450, 600}, [2]int{photo.Width, photo.Height}, "upright")
			case "gps_arezzo.jpg":
				require.InDelta(t, 43.467448, photo.Point.Lat, 1e-5)
				require.InDelta(t, 11.885126, photo.Point.Lon, 1e-5)
				require.Equal(t, "2008-10-22T16:28:39+08:00", photo.TakenAt.Format(time.RFC3339))
			case "gps_gulou_wgs84.jpg":
				require.InDelta(t, 26.08, photo.Point.Lat, 0.1)
				require.InDelta(t, 119.3, photo.Point.Lon, 0.1)
			case "plain.jpg":
				require.Nil(t, photo.Point)
				require.Nil(t, photo.TakenAt)
			}
		})
	}
}

// landscape_1 and landscape_6 show the same scene, held differently.
func TestManifestOrientationsAgree(t *testing.T) {
	t.Parallel()
	a := clean(t, mustProcess(t, shared(t, "landscape_1.jpg")).Full)
	b := clean(t, mustProcess(t, shared(t, "landscape_6.jpg")).Full)
	turned := upright(shrink(b, 1600), 3)
	var right, wrong int
	for y := 25; y < 450; y += 25 {
		for x := 25; x < 600; x += 25 {
			right += distance(mean(a, x, y), mean(b, x, y))
			wrong += distance(mean(a, x, y), mean(turned, x, y))
		}
	}
	require.Less(t, right*3, wrong, "far nearer to each other than to the same picture upside down")
}

func distance(a, b color.Color) int {
	r, g, bl, _ := a.RGBA()
	r2, g2, bl2, _ := b.RGBA()
	d := 0
	for _, v := range []int{int(r>>8) - int(r2>>8), int(g>>8) - int(g2>>8), int(bl>>8) - int(bl2>>8)} {
		d += max(v, -v)
	}
	return d
}

func mean(m image.Image, x, y int) color.Color {
	var r, g, b, n uint32
	for dy := -8; dy <= 8; dy++ {
		for dx := -8; dx <= 8; dx++ {
			cr, cg, cb, _ := m.At(x+dx, y+dy).RGBA()
			r, g, b, n = r+cr>>8, g+cg>>8, b+cb>>8, n+1
		}
	}
	return color.RGBA{byte(r / n), byte(g / n), byte(b / n), 255}
}

func TestOrientations(t *testing.T) {
	t.Parallel()
	// The definition of the tag: the visible side of row 0 and of column 0.
	sides := map[uint16][2]string{
		0: {"top", "left"}, 1: {"top", "left"}, 2: {"top", "right"}, 3: {"bottom", "right"}, 4: {"bottom", "left"},
		5: {"left", "top"}, 6: {"right", "top"}, 7: {"right", "bottom"}, 8: {"left", "bottom"}, 9: {"top", "left"},
	}
	for _, size := range [][2]int{{64, 48}, {61, 47}, {3200, 2400}} {
		w, h := size[0], size[1]
		for o, side := range sides {
			stored := image.NewRGBA(image.Rect(0, 0, w, h))
			if o >= 5 && o <= 8 {
				stored = image.NewRGBA(image.Rect(0, 0, h, w))
			}
			for row := range stored.Rect.Dy() {
				for col := range stored.Rect.Dx() {
					var x, y int
					for i, s := range side {
						v := [2]int{row, col}[i]
						switch s {
						case "top":
							y = v
						case "bottom":
							y = h - 1 - v
						case "left":
							x = v
						case "right":
							x = w - 1 - v
						}
					}
					stored.SetRGBA(col, row, quarter(x, y, w, h))
				}
			}
			exif := exifOf(binary.LittleEndian, o, nil, nil)
			p := mustProcess(t, segment(toJPEG(t, stored), 0xe1, "Exif\x00\x00"+string(exif)))
			for _, file := range [][]byte{p.Full, p.Thumb} {
				m := clean(t, file)
				mw, mh := m.Bounds().Dx(), m.Bounds().Dy()
				require.Equal(t, w > h, mw > mh)
				for i, at := range [][2]int{{mw / 4, mh / 4}, {mw * 3 / 4, mh / 4}, {mw * 3 / 4, mh * 3 / 4}, {mw / 4, mh * 3 / 4}} {
					near(t, corners[i], m.At(at[0], at[1]), 14, fmt.Sprintf("orientation %d %v corner %d", o, size, i))
				}
			}
		}
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for _, c := range [][6]int{ // in, full, thumb
		{4000, 3000, 1600, 1200, 320, 240}, {3000, 4000, 1200, 1600, 240, 320}, {1600, 1200, 1600, 1200, 320, 240},
		{320, 240, 320, 240, 320, 240}, {100, 40, 100, 40, 100, 40}, {1, 1, 1, 1, 1, 1}, {1601, 2, 1600, 2, 320, 1}, {9000, 1, 1600, 1, 320, 1}, {1, 9000, 1, 1600, 1, 320},
	} {
		p := mustProcess(t, toPNG(t, image.NewGray(image.Rect(0, 0, c[0], c[1]))))
		require.Equal(t, [2]int{c[2], c[3]}, [2]int{p.Width, p.Height}, "%v", c)
		require.Equal(t, image.Rect(0, 0, c[2], c[3]), clean(t, p.Full).Bounds())
		require.Equal(t, image.Rect(0, 0, c[4], c[5]), clean(t, p.Thumb).Bounds())
	}
}

// Markers of every kind of foreign byte go in; none may come out.
func TestNothingForeignSurvives(t *testing.T) {
	t.Parallel()
	const marker = "YIXIAN-CANARY-19900001111"
	base := toJPEG(t, scene(300, 200))
	exif := "Exif\x00\x00" + string(exifOf(binary.BigEndian, 1, []field{ascii(tagTimeOriginal, "2026:06:08 09:00:00"), ascii(0x927c, marker)}, nil))
	dirty := base
	for _, s := range []struct {
		marker byte
		body   string
	}{
		{0xe1, exif}, {0xe1, "http://ns.adobe.com/xap/1.0/\x00<x>" + marker + "</x>"}, {0xe2, "ICC_PROFILE\x00\x01\x01" + marker},
		{0xed, "Photoshop 3.0\x008BIM" + marker}, {0xfe, marker}, {0xe0, "JFXX\x00\x10" + marker}, {0xef, "<script>" + marker},
	} {
		dirty = segment(dirty, s.marker, s.body)
	}
	dirty = append(dirty, "PK\x03\x04"+marker+"<html><script>alert(1)</script>"+marker+"PK\x05\x06"...)
	pngFile := toPNG(t, scene(300, 200))
	dirtyPNG := append(bytes.Clone(pngFile[:33]), chunk("tEXt", []byte("Comment\x00"+marker))...)
	dirtyPNG = append(append(dirtyPNG, pngFile[33:]...), marker...)
	webpFile := append(solidWebP(30, 20, color.NRGBA{9, 99, 200, 255}), "XMP \x19\x00\x00\x00"+marker+"\x00"...)
	for name, raw := range map[string][]byte{"jpeg": dirty, "png": dirtyPNG, "webp": webpFile, "gifar": append(bytes.Clone(base), "PK\x03\x04"+marker...)} {
		require.Contains(t, string(raw), marker)
		p := mustProcess(t, raw)
		for _, file := range [][]byte{p.Full, p.Thumb} {
			for _, foreign := range []string{marker, "<script", "PK\x03\x04", "Exif", "ICC", "adobe"} {
				require.NotContains(t, string(file), foreign, name)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	good := toJPEG(t, scene(300, 200))
	goodPNG := toPNG(t, scene(300, 200))
	frames := append(append(bytes.Clone(goodPNG[:33]), chunk("acTL", []byte{0, 0, 0, 2, 0, 0, 0, 0})...), goodPNG[33:]...)
	giantJPEG := bytes.Clone(good)
	sof := bytes.Index(giantJPEG, []byte{0xff, 0xc0})
	copy(giantJPEG[sof+5:], []byte{0x1b, 0x58, 0x1b, 0x58}) // 7000 × 7000, within the limits, but without data
	for _, c := range []struct {
		name   string
		raw    []byte
		status int
		code   string
	}{
		{"nothing", nil, 422, "BROKEN_IMAGE"},
		{"text named .jpg", []byte("this is not a picture"), 415, "UNSUPPORTED_MEDIA"},
		{"svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), 415, "UNSUPPORTED_MEDIA"},
		{"html", []byte("<!doctype html><script>alert(1)</script>"), 415, "UNSUPPORTED_MEDIA"},
		{"gif", []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"), 415, "UNSUPPORTED_MEDIA"},
		{"mp4", []byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"), 415, "UNSUPPORTED_MEDIA"},
		{"avif", []byte("\x00\x00\x00\x18ftypavif\x00\x00\x00\x00mif1"), 415, "UNSUPPORTED_MEDIA"},
		{"heic", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1"), 415, "UNSUPPORTED_MEDIA"},
		{"pdf", []byte("%PDF-1.7\n"), 415, "UNSUPPORTED_MEDIA"},
		{"zip", []byte("PK\x03\x04"), 415, "UNSUPPORTED_MEDIA"},
		{"cut jpeg", good[:len(good)/2], 422, "BROKEN_IMAGE"},
		{"jpeg start only", good[:4], 422, "BROKEN_IMAGE"},
		{"jpeg of 12 bits", bytes.Replace(good, []byte{0xff, 0xc0, 0, 17, 8}, []byte{0xff, 0xc0, 0, 17, 12}, 1), 415, "UNSUPPORTED_MEDIA"},
		{"cut png", goodPNG[:len(goodPNG)/2], 422, "BROKEN_IMAGE"},
		{"cut webp", solidWebP(30, 20, color.NRGBA{})[:24], 422, "BROKEN_IMAGE"},
		{"webp of nothing", []byte("RIFF\x04\x00\x00\x00WEBP"), 422, "BROKEN_IMAGE"},
		{"animated png", frames, 422, "IMAGE_TOO_BIG"},
		{"animated webp", append([]byte("RIFF\x24\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00\x0f\x00\x00\x0f\x00\x00"), "ANIM\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00"...), 422, "IMAGE_TOO_BIG"},
		{"wide png", ihdr(12_001, 10, 8, 2, 0), 422, "IMAGE_TOO_BIG"},
		{"many pixels", ihdr(7072, 7072, 8, 0, 0), 422, "IMAGE_TOO_BIG"},
		{"deep interlaced png", ihdr(7000, 7000, 16, 6, 1), 422, "IMAGE_TOO_BIG"},
		{"png header without data", ihdr(7000, 7000, 8, 6, 0), 422, "BROKEN_IMAGE"},
		{"jpeg header without data", giantJPEG, 422, "BROKEN_IMAGE"},
		{"png without width", ihdr(0, 7, 8, 6, 0), 422, "BROKEN_IMAGE"},
		{"big webp", solidWebP(16_000, 16_000, color.NRGBA{}), 422, "IMAGE_TOO_BIG"},
	} {
		_, err := process(t, c.raw)
		require.Error(t, err, c.name)
		t.Run(c.name, func(t *testing.T) { refused(t, err, c.status, c.code) })
	}
}

// A progressive JPEG with a thousand scans costs a thousand passes.
func TestManyScansAreRefused(t *testing.T) {
	t.Parallel()
	good := toJPEG(t, scene(64, 64))
	progressive := bytes.Replace(good, []byte{0xff, 0xc0}, []byte{0xff, 0xc2}, 1)
	head, _, _ := bytes.Cut(progressive, []byte{0xff, 0xda})
	scan := progressive[len(head):]
	_, err := process(t, append(progressive, bytes.Repeat(scan[:14], 1000)...))
	refused(t, err, 422, "IMAGE_TOO_BIG")
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	p := NewProcessor(Limits{Bytes: 5000})
	good := toJPEG(t, scene(40, 30))
	padded := func(n int) []byte { return append(bytes.Clone(good), make([]byte, n-len(good))...) }
	_, err := p.Process(t.Context(), bytes.NewReader(padded(5000)))
	require.NoError(t, err)
	_, err = p.Process(t.Context(), bytes.NewReader(padded(5001)))
	refused(t, err, 413, "TOO_LARGE")
	body := http.MaxBytesReader(httptest.NewRecorder(), io.NopCloser(bytes.NewReader(padded(4000))), 3999)
	_, err = p.Process(t.Context(), body)
	refused(t, err, 413, "TOO_LARGE")
}

func TestInterruptedUpload(t *testing.T) {
	t.Parallel()
	p := NewProcessor(Limits{Bodies: 30_000})
	good := toJPEG(t, scene(40, 30))
	for range 100 { // more bytes than Bodies: what broke off is given back
		_, err := p.Process(t.Context(), io.MultiReader(bytes.NewReader(good[:600]), iotest.ErrReader(io.ErrUnexpectedEOF)))
		refused(t, err, 400, "UPLOAD_INTERRUPTED")
	}
	_, err := p.Process(t.Context(), bytes.NewReader(good))
	require.NoError(t, err)
}

// Bombs are refused by their header. Not parallel: it counts what the whole program allocates.
func TestBombsAreCheap(t *testing.T) {
	endless := func(head []byte) io.Reader { return io.MultiReader(bytes.NewReader(head), neverEnds{}) }
	hundredMB := binary.BigEndian.AppendUint32(ihdr(300, 200, 8, 2, 0), 100<<20)
	jpegGiant := bytes.Clone(toJPEG(t, scene(300, 200)))
	copy(jpegGiant[bytes.Index(jpegGiant, []byte{0xff, 0xc0})+5:], []byte{0xff, 0xff, 0xff, 0xff})
	for name, c := range map[string]struct {
		body io.Reader
		code string
	}{
		"png 50k × 50k":          {bytes.NewReader(ihdr(50_000, 50_000, 8, 6, 0)), "IMAGE_TOO_BIG"},
		"png 50k × 50k, endless": {endless(ihdr(50_000, 50_000, 8, 6, 0)), "IMAGE_TOO_BIG"},
		"png 2^31":               {bytes.NewReader(ihdr(1<<31-1, 1<<31-1, 16, 6, 1)), "IMAGE_TOO_BIG"},
		"png, 100 MB of text":    {endless(append(hundredMB, "zTXt"...)), "TOO_LARGE"},
		"png 7000² without data": {bytes.NewReader(ihdr(7000, 7000, 8, 6, 0)), "BROKEN_IMAGE"},
		"webp 16k × 16k":         {endless(solidWebP(16_384, 16_384, color.NRGBA{})), "IMAGE_TOO_BIG"},
		"jpeg 65535²":            {endless(jpegGiant), "IMAGE_TOO_BIG"},
		"endless text":           {endless([]byte("x")), "UNSUPPORTED_MEDIA"},
	} {
		var before, after runtime.MemStats
		p := NewProcessor(Limits{})
		runtime.ReadMemStats(&before)
		_, err := p.Process(t.Context(), c.body)
		runtime.ReadMemStats(&after)
		require.True(t, fault.Is(err, c.code), "%s: %v", name, err)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), name)
	}
}

type neverEnds struct{}

func (neverEnds) Read(b []byte) (int, error) { return len(b), nil }

func TestAtMostWorkersDecode(t *testing.T) {
	t.Parallel()
	const workers, uploads = 2, 12
	p := NewProcessor(Limits{Workers: workers})
	var mu sync.Mutex
	inside, most := 0, 0
	both := make(chan struct{}) // closes when two are inside at once
	var once sync.Once
	p.decode = func(ctx context.Context, raw []byte, k kind) (image.Image, error) {
		mu.Lock()
		inside++
		most = max(most, inside)
		if inside == workers {
			once.Do(func() { close(both) })
		}
		mu.Unlock()
		<-both
		img, err := decode(ctx, raw, k)
		mu.Lock()
		inside--
		mu.Unlock()
		return img, err
	}
	raw := toJPEG(t, scene(64, 48))
	var wg sync.WaitGroup
	for range uploads {
		wg.Go(func() {
			if _, err := p.Process(t.Context(), bytes.NewReader(raw)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, workers, most)
}

// One big picture takes the memory of all workers; who waits for it can give up.
func TestMemoryIsShared(t *testing.T) {
	t.Parallel()
	p := NewProcessor(Limits{Workers: 8, Memory: 8 << 20})
	entered, leave := make(chan struct{}), make(chan struct{})
	p.decode = func(context.Context, []byte, kind) (image.Image, error) {
		close(entered)
		<-leave
		return image.NewGray(image.Rect(0, 0, 1, 1)), nil
	}
	big := toPNG(t, image.NewNRGBA(image.Rect(0, 0, 2000, 1000))) // 7.6 of 8 MiB
	done := make(chan error)
	go func() {
		_, err := p.Process(t.Context(), bytes.NewReader(big))
		done <- err
	}()
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := p.Process(ctx, bytes.NewReader(toPNG(t, image.NewGray(image.Rect(0, 0, 8, 8)))))
	require.ErrorIs(t, err, context.Canceled)
	close(leave)
	require.NoError(t, <-done)
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	raw := toJPEG(t, scene(200, 150))
	p := NewProcessor(Limits{Bodies: int64(len(raw)) + 100})
	r, w := io.Pipe()
	done := make(chan error)
	go func() {
		_, err := p.Process(t.Context(), r)
		done <- err
	}()
	// A write returns when it was read, before it was counted; the one after it is read only then. So a slow sender
	// now holds all bytes but perhaps the last.
	last := len(raw) - 1
	for _, part := range [][]byte{raw[:last], raw[last:]} {
		_, err := w.Write(part)
		require.NoError(t, err)
	}
	_, err := p.Process(t.Context(), bytes.NewReader(raw))
	refused(t, err, 503, "BUSY")
	require.NoError(t, w.Close())
	require.NoError(t, <-done)
	_, err = p.Process(t.Context(), bytes.NewReader(raw))
	require.NoError(t, err)
}

func TestDecoderPanicIsABrokenImage(t *testing.T) {
	t.Parallel()
	_, err := decode(nil, []byte{1}, kindJPEG) //nolint:staticcheck // a nil context makes the reader panic
	refused(t, err, 422, "BROKEN_IMAGE")
}

func TestEndedContextStopsDecoding(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := decode(ctx, toJPEG(t, scene(64, 48)), kindJPEG)
	require.ErrorIs(t, err, context.Canceled)
}

func TestTransparencyBecomesWhite(t *testing.T) {
	t.Parallel()
	deep := image.NewNRGBA64(image.Rect(0, 0, 80, 40)) // 16 bits; left transparent, right half-transparent red
	for y := range 40 {
		for x := range 40 {
			deep.SetNRGBA64(x, y, color.NRGBA64{0, 0, 0, 0})
			deep.SetNRGBA64(x+40, y, color.NRGBA64{0xffff, 0, 0, 0x8000})
		}
	}
	m := clean(t, mustProcess(t, toPNG(t, deep)).Full)
	near(t, color.White, m.At(10, 20), 3, "transparent")
	near(t, color.RGBA{255, 127, 127, 255}, m.At(70, 20), 6, "half-transparent red")

	m = clean(t, mustProcess(t, solidWebP(50, 40, color.NRGBA{0, 0, 255, 0})).Full)
	near(t, color.White, m.At(20, 20), 3, "transparent webp")
	m = clean(t, mustProcess(t, solidWebP(1800, 40, color.NRGBA{10, 120, 220, 255})).Full)
	near(t, color.RGBA{10, 120, 220, 255}, m.At(900, 20), 4, "opaque webp")
}

func TestLossyWebP(t *testing.T) {
	t.Parallel()
	raw, err := base64.StdEncoding.DecodeString("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")
	require.NoError(t, err)
	require.Equal(t, 1, mustProcess(t, raw).Width)
}

func TestWidenMapsVideoRange(t *testing.T) {
	t.Parallel()
	m := image.NewYCbCr(image.Rect(0, 0, 4, 1), image.YCbCrSubsampleRatio444)
	copy(m.Y, []byte{16, 235, 0, 255})
	copy(m.Cb, []byte{16, 240, 128, 0})
	copy(m.Cr, []byte{128, 128, 128, 255})
	widen(m)
	require.Equal(t, []byte{0, 255, 0, 255}, m.Y)
	require.Equal(t, []byte{1, 255, 128, 0}, m.Cb) // -112·255/224 is -127.5
	require.Equal(t, []byte{128, 128, 128, 255}, m.Cr)
}

// The Go tree has one picture in every coding a JPEG can have, each with its true pixels.
func TestEveryJPEGCoding(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(build.Default.GOROOT, "src", "image", "testdata")
	files, err := filepath.Glob(filepath.Join(folder, "video-00*.jpeg"))
	require.NoError(t, err)
	if len(files) == 0 {
		t.Skip("the Go tree is not here")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			truth := filepath.Join(folder, "video-001.png")
			if strings.Contains(file, "video-005") {
				truth = filepath.Join(folder, "video-005.gray.png")
			}
			if strings.Contains(file, "cmyk") {
				truth = filepath.Join(folder, "video-001.cmyk.png")
			}
			if strings.Contains(file, "truncated") { // what came shows the whole scene, only coarser: it is kept
				truth = filepath.Join(folder, "video-001.progressive.truncated.png")
			}
			f, err := os.Open(truth)
			require.NoError(t, err)
			defer func() { _ = f.Close() }()
			want, err := png.Decode(f)
			require.NoError(t, err)
			got := clean(t, mustProcess(t, raw).Full)
			require.Equal(t, want.Bounds(), got.Bounds())
			for y := 10; y < want.Bounds().Dy()-10; y += 15 {
				for x := 10; x < want.Bounds().Dx()-10; x += 15 {
					near(t, mean(want, x, y), mean(got, x, y), 12, fmt.Sprint(x, ",", y))
				}
			}
		})
	}
}

func FuzzProcess(f *testing.F) {
	small := scene(20, 14)
	exif := "Exif\x00\x00" + string(exifOf(binary.LittleEndian, 6, []field{ascii(tagTimeOriginal, "2026:06:08 09:00:00")}, nil))
	f.Add(segment(toJPEG(f, small), 0xe1, exif))
	f.Add(bytes.Replace(toJPEG(f, small), []byte{0xff, 0xc0}, []byte{0xff, 0xc2}, 1))
	f.Add(toPNG(f, small))
	f.Add(toPNG(f, image.NewGray16(image.Rect(0, 0, 5, 9))))
	f.Add(solidWebP(20, 14, color.NRGBA{1, 2, 3, 200}))
	f.Add([]byte("\x00\x00\x00\x18ftypheic"))
	p := NewProcessor(Limits{Pixels: 1 << 20, Memory: 32 << 20})
	f.Fuzz(func(t *testing.T, raw []byte) {
		photo, err := p.Process(t.Context(), bytes.NewReader(raw))
		if err != nil {
			_, ok := fault.As(err)
			require.True(t, ok, "%v", err)
			return
		}
		require.LessOrEqual(t, max(photo.Width, photo.Height), 1600)
		clean(t, photo.Full)
		clean(t, photo.Thumb)
	})
}

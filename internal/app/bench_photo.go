package app

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image"
	"image/jpeg"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"

	"yixian/internal/media"
)

const (
	photoGoal     = 1.6       // CPU of a photo over jpeg.Decode alone
	photoPlanes   = 3.0       // peak memory of one over its decoded planes
	crowdBytes    = 512 << 20 // of a program that takes eight at once
	bombBytes     = 20 << 20
	bombTime      = 50 * time.Millisecond
	photoPairs    = 15
	photosASlice  = 3
	photoWidth    = 4000
	photoHeight   = 3000
	photoRoomName = "photo-room" // a process of its own that measures its memory
	envPhotos     = "YIXIAN_BENCH_PHOTOS"
	envPhoto      = "YIXIAN_BENCH_PHOTO"
)

// benchPhoto measures what a photo of 12 megapixels costs on its way to 1,600 px, thumbnail, likeness and stripped metadata, over
// jpeg.Decode alone of the same bytes: CPU in ABBA slices of this process, memory in processes of their own (peak resident size as
// the kernel counts it), one photo, eight at once, and bombs.
func benchPhoto(ctx context.Context, cfg Config, _ *slog.Logger, w io.Writer) error {
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return err
	}
	raw, err := scenery()
	if err != nil {
		return err
	}
	file := filepath.Join(cfg.Data, "bench-photo.jpg")
	defer func() { _ = os.Remove(file) }()
	ratio, low, high, each, err := photoCPU(ctx, raw)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	const planes = photoWidth * photoHeight * 3 / 2
	fmt.Fprintf(t, "photo\t%d × %d, %.1f MB\n", photoWidth, photoHeight, float64(len(raw))/1e6)
	fmt.Fprintf(t, "CPU ms of one\twhole %.0f\tjpeg.Decode alone %.0f\tratio %.2f\t95 %% interval %.2f–%.2f, %d ABBA pairs of %d\n", each[0], each[1], ratio, low, high, photoPairs, photosASlice)
	ok := ratio <= photoGoal
	say := func(good bool, format string, args ...any) {
		ok = ok && good
		fmt.Fprintf(t, format+"\n", args...)
	}
	one, err := inRoom(ctx, file, raw, 1)
	if err != nil {
		return err
	}
	rise := float64(one.Peak-one.Before) / planes
	say(rise <= photoPlanes, "memory of one\t%.0f MB more at the peak\t%.2f × the decoded planes\tgoal %.1f", float64(one.Peak-one.Before)/1e6, rise, photoPlanes)
	eight, err := inRoom(ctx, file, raw, 8)
	if err != nil {
		return err
	}
	say(eight.Peak <= crowdBytes, "memory of eight at once\t%.0f MB, the whole process\tgoal %d MB", float64(eight.Peak)/(1<<20), crowdBytes>>20)
	for _, b := range bombs() {
		got, err := inRoom(ctx, file, b.raw, 1)
		if err != nil {
			return err
		}
		say(got.Refused != "" && got.Took <= bombTime && got.Peak-got.Before <= bombBytes, "%s\trefused %s\t%.1f ms CPU\t%.1f MB more", b.name, got.Refused, float64(got.Took.Microseconds())/1e3, float64(got.Peak-got.Before)/(1<<20))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "RESULT name=photo ratio=%.2f goal=%.1f memory=%.2f eight_mb=%d ok=%t\n", ratio, photoGoal, rise, eight.Peak>>20, ok)
	if !ok {
		return ErrRefused
	}
	return nil
}

// photoCPU is the median ratio of CPU with its interval, and the milliseconds of one of each.
func photoCPU(ctx context.Context, raw []byte) (ratio, low, high float64, each [2]float64, err error) {
	processor := media.NewProcessor(media.Limits{})
	whole := func() error {
		_, err := processor.Process(ctx, bytes.NewReader(raw))
		return err
	}
	decode := func() error {
		_, err := jpeg.Decode(bytes.NewReader(raw))
		return err
	}
	var ratios []float64
	var per [2][]float64
	for _, pair := range abba(photoPairs) {
		var cost [2]float64
		for _, first := range pair {
			op, i := decode, 1
			if first {
				op, i = whole, 0
			}
			before := ownCPU()
			for range photosASlice {
				if err := op(); err != nil {
					return 0, 0, 0, each, err
				}
			}
			cost[i] = float64((ownCPU() - before).Microseconds()) / 1e3 / photosASlice
			per[i] = append(per[i], cost[i])
		}
		ratios = append(ratios, cost[0]/cost[1])
	}
	low, high = bootstrap(ratios)
	return median(ratios), low, high, [2]float64{median(per[0]), median(per[1])}, nil
}

// ownCPU is what this process has used so far, user and system.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// roomReading is what a process of its own has measured of itself.
type roomReading struct {
	Before  int64         `json:"before"` // resident bytes
	Peak    int64         `json:"peak"`
	Took    time.Duration `json:"took"`
	Refused string        `json:"refused"`
}

// inRoom lets another process of this program take n photos at once.
func inRoom(ctx context.Context, file string, raw []byte, n int) (r roomReading, err error) {
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		return r, err
	}
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	cmd := exec.CommandContext(ctx, self, "bench", photoRoomName)
	cmd.Env = append(os.Environ(), envPhoto+"="+file, envPhotos+"="+strconv.Itoa(n))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return r, fmt.Errorf("%s: %w", photoRoomName, err)
	}
	return r, json.Unmarshal(out, &r)
}

// benchPhotoRoom is that other process.
func benchPhotoRoom(ctx context.Context, _ Config, _ *slog.Logger, w io.Writer) error {
	n, err := strconv.Atoi(os.Getenv(envPhotos))
	if err != nil {
		return usage("%s 由 bench photo 自己启动 / %s is started by bench photo", photoRoomName, photoRoomName)
	}
	processor := media.NewProcessor(media.Limits{})
	r := roomReading{Before: resident("VmRSS:")}
	before := ownCPU()
	var all sync.WaitGroup
	refusals := make([]error, n)
	for i := range n {
		all.Go(func() { // each upload is read from its own stream, as over HTTP
			f, err := os.Open(os.Getenv(envPhoto))
			if err != nil {
				refusals[i] = err
				return
			}
			defer func() { _ = f.Close() }()
			_, refusals[i] = processor.Process(ctx, f)
		})
	}
	all.Wait()
	r.Took, r.Peak = ownCPU()-before, resident("VmHWM:")
	if refusals[0] != nil {
		r.Refused, _, _ = strings.Cut(refusals[0].Error(), ":")
	}
	return json.NewEncoder(w).Encode(r)
}

// resident reads a size of this process from the kernel, in bytes.
func resident(field string) int64 {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, field); ok {
			kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10
		}
	}
	return 0
}

// scenery is a photo-like picture: soft fields of colour with detail of several sizes, as a street has.
func scenery() ([]byte, error) {
	m := image.NewYCbCr(image.Rect(0, 0, photoWidth, photoHeight), image.YCbCrSubsampleRatio420)
	random := rand.New(rand.NewPCG(12, 34))
	layers := []struct{ size, weight int }{{512, 90}, {97, 50}, {23, 26}, {7, 14}, {2, 8}}
	at := make([][]byte, len(layers))
	for i, l := range layers {
		at[i] = make([]byte, (photoWidth/l.size+2)*(photoHeight/l.size+2))
		for k := range at[i] {
			at[i][k] = byte(random.IntN(256))
		}
	}
	sample := func(i, x, y int) int {
		l := layers[i]
		w := photoWidth/l.size + 2
		cx, cy, fx, fy := x/l.size, y/l.size, x%l.size, y%l.size
		a, b := int(at[i][cy*w+cx]), int(at[i][cy*w+cx+1])
		c, d := int(at[i][(cy+1)*w+cx]), int(at[i][(cy+1)*w+cx+1])
		top, bottom := a*(l.size-fx)+b*fx, c*(l.size-fx)+d*fx
		return (top*(l.size-fy) + bottom*fy) / (l.size * l.size)
	}
	for y := range photoHeight {
		for x := range photoWidth {
			v := 0
			for i, l := range layers {
				v += sample(i, x, y) * l.weight
			}
			m.Y[y*m.YStride+x] = byte(min(v/188, 255))
		}
	}
	for y := range photoHeight / 2 {
		for x := range photoWidth / 2 {
			m.Cb[y*m.CStride+x] = byte(96 + sample(0, 2*x, 2*y)/4 + sample(2, 2*x, 2*y)/16)
			m.Cr[y*m.CStride+x] = byte(160 - sample(1, 2*x, 2*y)/4)
		}
	}
	var out bytes.Buffer
	err := jpeg.Encode(&out, m, &jpeg.Options{Quality: 90})
	return out.Bytes(), err
}

type bomb struct {
	name string
	raw  []byte
}

// bombs are files that promise more than they hold.
func bombs() []bomb {
	header := func(w, h uint32) []byte {
		body := append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h), 8, 6, 0, 0, 0)
		return append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", body)...)
	}
	return []bomb{
		{"PNG 50,000 × 50,000", append(header(50_000, 50_000), pngChunk("IDAT", bytes.Repeat([]byte{0}, 4096))...)},
		{"PNG header alone, 2³¹", header(1<<31-1, 1<<31-1)},
		{"PNG header alone, 7,000 × 7,000", header(7000, 7000)},
		{"PNG with 100 MB of text", append(append(header(300, 200), pngChunk("tEXt", append([]byte("Comment\x00"), bytes.Repeat([]byte("x"), 100<<20)...))...), pngChunk("IEND", nil)...)},
		{"GIF and HTML", append([]byte("GIF89a"), "<script>alert(1)</script>"...)},
	}
}

func pngChunk(name string, body []byte) []byte {
	out := append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), name...)
	out = append(out, body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

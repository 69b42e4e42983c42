// Package media owns photos: it turns an upload from anywhere into two clean JPEGs, reads the place and time
// the camera noted once, and keeps blobs under unguessable ids. It does not know cases or accounts, and
// decides neither who may see a photo nor which row points to it.
package media

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"runtime"
	"time"

	"golang.org/x/sync/semaphore"

	"yixian/internal/fault"
)

// Limits bound what one upload and all uploads together may cost. A zero field takes its default.
type Limits struct {
	Bytes  int64 // of one upload; 25 MiB
	Pixels int64 // of one picture; 50,000,000
	Side   int   // longest edge in pixels; 12,000
	// Memory is what all decoders may hold at once, in bytes; 384 MiB. A picture that needs more alone is
	// refused.
	Memory int64
	// Bodies is what uploads may hold that are read or wait for a decoder, in bytes; 96 MiB. More answers BUSY.
	Bodies    int64
	Workers   int // pictures decoded at once; the number of cores
	FullEdge  int // longest edge of Photo.Full; 1,600
	ThumbEdge int // longest edge of Photo.Thumb; 320
	Quality   int // of the JPEGs made; 82
}

func (l Limits) withDefaults() Limits {
	or(&l.Bytes, 25<<20)
	or(&l.Pixels, 50_000_000)
	or(&l.Side, 12_000)
	or(&l.Memory, 384<<20)
	or(&l.Bodies, 96<<20)
	or(&l.Workers, runtime.GOMAXPROCS(0))
	or(&l.FullEdge, 1600)
	or(&l.ThumbEdge, 320)
	or(&l.Quality, 82)
	return l
}

func or[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Point is a place on WGS-84, in degrees.
type Point struct{ Lon, Lat float64 }

// Photo is a processed upload. Full and Thumb are JPEGs without any metadata, upright, made anew from
// pixels: no byte of the upload survives in them.
type Photo struct {
	Full, Thumb   []byte
	Width, Height int // of Full
	// TakenAt and Point are what the camera noted, nil when it did not or when it cannot be true. They are
	// private evidence of the sender's word, never proof.
	TakenAt *time.Time
	Point   *Point
	// Hints say why something the camera noted was ignored: GPS_ZERO, GPS_INVALID, TIME_INVALID.
	Hints []string
	// Original is the upload as it came, with all its metadata: private, for the expiring store of
	// originals, never to be served.
	Original []byte
	SHA256   [sha256.Size]byte // of Original
	Likeness Likeness          // of Full: finds the same scene again
}

// Processor makes photos, a bounded number at a time.
type Processor struct {
	limits Limits
	slots  *semaphore.Weighted // decoder memory; the least share of a picture bounds their number
	bodies *semaphore.Weighted
	decode func(context.Context, []byte, kind) (image.Image, error) // a test counts here
}

// NewProcessor makes a Processor. One per program: the bounds hold per Processor.
func NewProcessor(limits Limits) *Processor {
	l := limits.withDefaults()
	return &Processor{limits: l, slots: semaphore.NewWeighted(l.Memory), bodies: semaphore.NewWeighted(l.Bodies), decode: decode}
}

// Process reads one upload to its end and makes a Photo of it. It waits for a free decoder; a slow sender
// holds none. Refusals are *fault.Error: 413 TOO_LARGE, 415 UNSUPPORTED_MEDIA, 422 BROKEN_IMAGE, 422
// IMAGE_TOO_BIG (pixels, sides, memory, animation), 400 UPLOAD_INTERRUPTED, 503 BUSY. When ctx ends first,
// its error comes back.
func (p *Processor) Process(ctx context.Context, r io.Reader) (*Photo, error) {
	body := &meter{from: r, bodies: p.bodies}
	defer body.release()
	raw, err := p.read(ctx, body)
	if err != nil {
		return nil, err
	}
	head, err := inspect(raw, p.limits)
	if err != nil {
		return nil, err
	}
	weight := max(head.memory, p.limits.Memory/int64(p.limits.Workers))
	if err := p.slots.Acquire(ctx, weight); err != nil {
		return nil, fmt.Errorf("wait for a photo worker: %w", err)
	}
	defer p.slots.Release(weight)
	return p.develop(ctx, raw, head)
}

func (p *Processor) develop(ctx context.Context, raw []byte, head *header) (*Photo, error) {
	img, err := p.decode(ctx, raw, head.kind)
	if err != nil {
		return nil, err
	}
	note := readEXIF(head.exif)
	full := upright(shrink(img, p.limits.FullEdge), note.orientation)
	thumb := shrink(full, p.limits.ThumbEdge)
	photo := &Photo{
		Width: full.Bounds().Dx(), Height: full.Bounds().Dy(),
		TakenAt: note.taken, Point: note.point, Hints: note.hints,
		Original: raw, SHA256: sha256.Sum256(raw), Likeness: likeness(full),
	}
	var out [2]bytes.Buffer
	options := &jpeg.Options{Quality: p.limits.Quality}
	if err := errors.Join(jpeg.Encode(&out[0], full, options), jpeg.Encode(&out[1], thumb, options)); err != nil {
		return nil, fmt.Errorf("encode photo: %w", err)
	}
	photo.Full, photo.Thumb = out[0].Bytes(), out[1].Bytes()
	return photo, nil
}

func (p *Processor) read(ctx context.Context, r io.Reader) ([]byte, error) {
	var body bytes.Buffer
	r = io.LimitReader(r, p.limits.Bytes+1)
	n, err := io.CopyN(&body, r, prefix)
	if n == prefix {
		if err := glance(body.Bytes(), p.limits); err != nil {
			return nil, err
		}
		_, err = body.ReadFrom(r)
	} else if errors.Is(err, io.EOF) {
		err = nil
	}
	var tooLong *http.MaxBytesError
	switch _, refused := fault.As(err); {
	case errors.As(err, &tooLong) || int64(body.Len()) > p.limits.Bytes:
		return nil, tooLarge(p.limits).Because(err)
	case refused:
		return nil, err
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fault.New(http.StatusBadRequest, "UPLOAD_INTERRUPTED", "照片没有传完，请重新上传").Because(err)
	}
	return body.Bytes(), nil
}

// meter counts what an upload holds in memory against what all may hold.
type meter struct {
	from   io.Reader
	bodies *semaphore.Weighted
	held   int64
}

func (m *meter) Read(b []byte) (int, error) {
	n, err := m.from.Read(b)
	if n > 0 {
		if !m.bodies.TryAcquire(int64(n)) {
			return 0, fault.New(http.StatusServiceUnavailable, "BUSY", "同时上传的照片太多，请稍后重试；您填写的内容不会丢失").After(2 * time.Second)
		}
		m.held += int64(n)
	}
	return n, err
}

func (m *meter) release() { m.bodies.Release(m.held) }

// NewID is a new unguessable blob id: 128 random bits as 32 lower-case hexadecimal digits.
func NewID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

package media

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"
)

// decode makes pixels. A decoder that panics over hostile bytes is an unreadable photo, not a dead
// program: decoders are large, written by others, and read what anybody sends.
func decode(ctx context.Context, raw []byte, k kind) (img image.Image, err error) {
	defer func() {
		if p := recover(); p != nil {
			img, err = nil, broken(fmt.Errorf("decoder panic: %v", p))
		}
	}()
	r := &stoppable{ctx, bytes.NewReader(raw)}
	switch k {
	case kindJPEG:
		img, err = jpeg.Decode(r)
	case kindPNG:
		img, err = png.Decode(r)
	case kindWebP:
		img, err = webp.Decode(r)
		widen(img)
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, unreadable(err)
	}
	return img, nil
}

// stoppable ends a decode early when nobody waits for it any more.
type stoppable struct {
	ctx  context.Context //nolint:containedctx // an io.Reader is given none
	from io.Reader
}

func (s *stoppable) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.from.Read(b)
}

// widen stretches lossy WebP from video range (Y 16–235, C 16–240: RFC 6386 means BT.601) to the full
// range that image.YCbCr and JPEG mean; x/image hands the raw samples over, which look washed out.
func widen(img image.Image) {
	var m *image.YCbCr
	switch img := img.(type) {
	case *image.YCbCr:
		m = img
	case *image.NYCbCrA:
		m = &img.YCbCr
	default:
		return
	}
	var luma, chroma [256]byte
	for i := range 256 {
		luma[i] = clamp(float64(i-16) * 255 / 219)
		chroma[i] = clamp(float64(i-128)*255/224 + 128)
	}
	for i, v := range m.Y {
		m.Y[i] = luma[v]
	}
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = chroma[m.Cb[i]], chroma[m.Cr[i]]
	}
}

func clamp(v float64) byte { return byte(min(max(v, 0), 255) + 0.5) }

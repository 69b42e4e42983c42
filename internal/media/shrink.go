package media

import (
	"image"
	"image/color"
)

// shrink brings the longest edge down to edge pixels by area average (each new pixel is the exact mean of
// what it covers) and never enlarges. The answer is an *image.Gray or a 4:2:0 *image.YCbCr at origin
// (0,0); transparent parts become white. The planes of a JPEG are averaged as they are: converting 12
// million pixels to RGB and back costs more than decoding them.
func shrink(src image.Image, edge int) image.Image {
	b := src.Bounds()
	w, h := fit(b.Dx(), b.Dy(), edge)
	if gray, ok := src.(*image.Gray); ok {
		dst := image.NewGray(image.Rect(0, 0, w, h))
		shrinkPlane(gray.Pix[gray.PixOffset(b.Min.X, b.Min.Y):], gray.Stride, b.Dx(), b.Dy(), dst.Pix, dst.Stride, w, h)
		return dst
	}
	dst := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	cw, ch := (w+1)/2, (h+1)/2
	if m, ok := src.(*image.YCbCr); ok && b.Min == (image.Point{}) {
		shrinkPlane(m.Y, m.YStride, b.Dx(), b.Dy(), dst.Y, dst.YStride, w, h)
		sw, sh := chromaSize(m)
		shrinkPlane(m.Cb, m.CStride, sw, sh, dst.Cb, dst.CStride, cw, ch)
		shrinkPlane(m.Cr, m.CStride, sw, sh, dst.Cr, dst.CStride, cw, ch)
		return dst
	}
	rows := [3][]byte{}
	for i := range rows {
		rows[i] = make([]byte, b.Dx())
	}
	luma := newShrinker(b.Dx(), b.Dy(), dst.Y, dst.YStride, w, h)
	blue := newShrinker(b.Dx(), b.Dy(), dst.Cb, dst.CStride, cw, ch)
	red := newShrinker(b.Dx(), b.Dy(), dst.Cr, dst.CStride, cw, ch)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		readRow(src, y, rows)
		luma.feed(rows[0])
		blue.feed(rows[1])
		red.feed(rows[2])
	}
	return dst
}

// fit keeps the proportions; no edge falls below one pixel.
func fit(w, h, edge int) (int, int) {
	long := max(w, h)
	if long <= edge {
		return w, h
	}
	return max(1, (w*edge+long/2)/long), max(1, (h*edge+long/2)/long)
}

// chromaSize is the size of the colour planes of a picture whose bounds begin at (0,0).
func chromaSize(m *image.YCbCr) (w, h int) {
	w, h = m.Rect.Dx(), m.Rect.Dy()
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		return ceil(w, 2), h
	case image.YCbCrSubsampleRatio420:
		return ceil(w, 2), ceil(h, 2)
	case image.YCbCrSubsampleRatio440:
		return w, ceil(h, 2)
	case image.YCbCrSubsampleRatio411:
		return ceil(w, 4), h
	case image.YCbCrSubsampleRatio410:
		return ceil(w, 4), ceil(h, 2)
	}
	return w, h
}

// readRow lays one line of any picture on white and splits it into Y, Cb and Cr.
func readRow(src image.Image, y int, rows [3][]byte) {
	b := src.Bounds()
	at, fast := src.(image.RGBA64Image)
	for x := range rows[0] {
		var c color.RGBA64
		if fast {
			c = at.RGBA64At(b.Min.X+x, y)
		} else {
			r, g, bl, a := src.At(b.Min.X+x, y).RGBA()
			c = color.RGBA64{R: uint16(r), G: uint16(g), B: uint16(bl), A: uint16(a)}
		}
		white := 0xffff - c.A // colours come multiplied by alpha
		rows[0][x], rows[1][x], rows[2][x] = color.RGBToYCbCr(byte((c.R+white)>>8), byte((c.G+white)>>8), byte((c.B+white)>>8))
	}
}

func shrinkPlane(src []byte, srcStride, srcW, srcH int, dst []byte, dstStride, dstW, dstH int) {
	s := newShrinker(srcW, srcH, dst, dstStride, dstW, dstH)
	for y := range srcH {
		s.feed(src[y*srcStride:][:srcW])
	}
}

// shrinker averages one plane line by line, in whole numbers: along an axis a source pixel is dst units
// long and a new pixel src units, so every overlap is an integer and nothing is rounded before the end.
// It also stretches (chroma of 4:1:1 without change of size): the overlaps stay right.
type shrinker struct {
	srcW, srcH, dstW, dstH int
	dst                    []byte
	stride                 int
	sum                    []uint32 // the new line so far, in source columns; ≤ 255 × srcH
	empty                  bool
	y, line                int
}

func newShrinker(srcW, srcH int, dst []byte, stride, dstW, dstH int) *shrinker {
	return &shrinker{srcW: srcW, srcH: srcH, dstW: dstW, dstH: dstH, dst: dst, stride: stride, sum: make([]uint32, srcW), empty: true}
}

func (s *shrinker) feed(row []byte) {
	if s.srcW == s.dstW && s.srcH == s.dstH {
		copy(s.dst[s.line*s.stride:], row)
		s.line++
		return
	}
	top, bottom := s.y*s.dstH, (s.y+1)*s.dstH
	s.y++
	for s.line < s.dstH {
		from, to := s.line*s.srcH, (s.line+1)*s.srcH
		s.add(row, uint32(min(to, bottom)-max(from, top)))
		if to > bottom {
			return
		}
		s.emit(s.dst[s.line*s.stride:][:s.dstW])
		s.line++
		s.empty = true
		if to == bottom {
			return
		}
	}
}

func (s *shrinker) add(row []byte, weight uint32) {
	sum := s.sum[:len(row)]
	if s.empty {
		for x, v := range row {
			sum[x] = weight * uint32(v)
		}
		s.empty = false
		return
	}
	for x, v := range row {
		sum[x] += weight * uint32(v)
	}
}

// emit averages the collected line along x.
func (s *shrinker) emit(dst []byte) {
	area := uint64(s.srcW) * uint64(s.srcH)
	inner := uint64(s.dstW)
	x, left := 0, s.dstW // left: units of column x not yet used
	for i := range dst {
		need := s.srcW
		var total uint64
		if left < need {
			total = uint64(left) * uint64(s.sum[x])
			need -= left
			x++
			var whole uint64
			for ; need >= s.dstW; need -= s.dstW {
				whole += uint64(s.sum[x])
				x++
			}
			total += whole * inner
			left = s.dstW
		}
		if need > 0 {
			total += uint64(need) * uint64(s.sum[x])
			left -= need
		}
		dst[i] = byte((total + area/2) / area)
	}
}

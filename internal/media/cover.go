package media

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"math"

	"yixian/internal/fault"
)

// Region is a rectangle of a picture in shares of its width and height: 0 is left and top, 1 right and bottom.
type Region struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
	W float64 `json:"w"`
	H float64 `json:"h"`
}

// maxRegions of one picture: a person marks them by hand.
const maxRegions = 50

// coarse is how many blocks a covered region keeps along its longer side. A face of 6 × 6 grey blocks is nobody's.
const coarse = 6

// CheckRegions refuses regions that do not lie in the picture: 422 with the pointer of the first one.
func CheckRegions(regions []Region) error {
	if len(regions) > maxRegions {
		return fault.Invalid("/regions", "最多遮盖 %d 处", maxRegions)
	}
	for i, r := range regions {
		const slack = 1e-9
		if !(r.X >= 0 && r.Y >= 0 && r.W > 0 && r.H > 0 && r.X+r.W <= 1+slack && r.Y+r.H <= 1+slack) { // NaN fails too
			return fault.Invalid(fmt.Sprintf("/regions/%d", i), "遮盖区域须在照片之内：x、y、w、h 为 0 到 1 之间的比例")
		}
	}
	return nil
}

// Cover makes the public copy of a photo that Process made: the regions become coarse blocks of their own mean, everything
// else stays, and the JPEG is encoded anew from pixels. It takes a decoder's place like Process.
func (p *Processor) Cover(ctx context.Context, full io.Reader, regions []Region) ([]byte, error) {
	if err := CheckRegions(regions); err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(full, p.limits.Bytes))
	if err != nil {
		return nil, fmt.Errorf("read photo: %w", err)
	}
	weight := p.limits.Memory / int64(p.limits.Workers)
	if err := p.slots.Acquire(ctx, weight); err != nil {
		return nil, fmt.Errorf("wait for a photo worker: %w", err)
	}
	defer p.slots.Release(weight)
	img, err := p.decode(ctx, raw, kindJPEG)
	if err != nil {
		return nil, err
	}
	b := img.Bounds()
	for _, r := range regions {
		hide(img, image.Rect(int(math.Floor(r.X*float64(b.Dx()))), int(math.Floor(r.Y*float64(b.Dy()))), int(math.Ceil((r.X+r.W)*float64(b.Dx()))), int(math.Ceil((r.Y+r.H)*float64(b.Dy())))).Intersect(b))
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: p.limits.Quality}); err != nil {
		return nil, fmt.Errorf("encode photo: %w", err)
	}
	return out.Bytes(), nil
}

// hide replaces a rectangle of a decoded JPEG that Process made (grey or 4:2:0) by blocks of their mean, in all planes.
func hide(img image.Image, r image.Rectangle) {
	side := max(16, ceil(max(r.Dx(), r.Dy()), coarse))
	switch m := img.(type) {
	case *image.Gray:
		blocks(m.Pix, m.Stride, r, side)
	case *image.YCbCr:
		blocks(m.Y, m.YStride, r, side)
		half := image.Rect(r.Min.X/2, r.Min.Y/2, (r.Max.X+1)/2, (r.Max.Y+1)/2)
		if w, h := chromaSize(m); half.In(image.Rect(0, 0, w, h)) {
			blocks(m.Cb, m.CStride, half, side/2)
			blocks(m.Cr, m.CStride, half, side/2)
		}
	}
}

func blocks(pix []byte, stride int, r image.Rectangle, side int) {
	for y := r.Min.Y; y < r.Max.Y; y += side {
		for x := r.Min.X; x < r.Max.X; x += side {
			right, bottom := min(x+side, r.Max.X), min(y+side, r.Max.Y)
			sum := 0
			for line := y; line < bottom; line++ {
				for _, v := range pix[line*stride+x : line*stride+right] {
					sum += int(v)
				}
			}
			n := (right - x) * (bottom - y)
			mean := byte((sum + n/2) / n)
			for line := y; line < bottom; line++ {
				row := pix[line*stride+x : line*stride+right]
				for i := range row {
					row[i] = mean
				}
			}
		}
	}
}

package media

import (
	"image"
	"math/bits"
)

// Likeness is a perceptual hash: 64 bits, one for each pair of neighbours of a 9 × 8 picture of brightness, set where it
// falls to the right. Another size, another quality and a brighter light leave it almost as it is.
type Likeness uint64

// Alike is the number of differing bits (0–64) up to which two pictures count as showing the same. Of two foreign pictures
// half of the bits differ, with a deviation of 4: this is five deviations below.
const Alike = 10

// Distance is the number of bits that differ.
func (l Likeness) Distance(o Likeness) int { return bits.OnesCount64(uint64(l ^ o)) }

// flat is the least number of set bits, and of unset ones, of a picture that shows something: a wall or a covered lens
// looks like any other.
const flat = 8

// Tells reports whether there is enough in the picture to compare it.
func (l Likeness) Tells() bool {
	n := bits.OnesCount64(uint64(l))
	return n >= flat && n <= 64-flat
}

const (
	likenessWidth  = 9
	likenessHeight = 8
)

// likeness of a picture that shrink made.
func likeness(img image.Image) Likeness {
	var pix []byte
	var stride int
	switch m := img.(type) {
	case *image.Gray:
		pix, stride = m.Pix, m.Stride
	case *image.YCbCr:
		pix, stride = m.Y, m.YStride
	default:
		return 0
	}
	var small [likenessWidth * likenessHeight]byte
	shrinkPlane(pix, stride, img.Bounds().Dx(), img.Bounds().Dy(), small[:], likenessWidth, likenessWidth, likenessHeight)
	var out Likeness
	for y := range likenessHeight {
		for x := range likenessWidth - 1 {
			out <<= 1
			if small[y*likenessWidth+x] > small[y*likenessWidth+x+1] {
				out |= 1
			}
		}
	}
	return out
}

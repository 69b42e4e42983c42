package media

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// view is a picture with something to see: patches of light and shade drawn from seed.
func view(w, h, seed int) image.Image {
	random := rand.New(rand.NewPCG(uint64(seed), 7))
	var patches [12][14]uint8
	for y := range patches {
		for x := range patches[y] {
			patches[y][x] = uint8(20 + random.IntN(215))
		}
	}
	m := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Pix[y*m.Stride+x] = patches[y*12/h][x*14/w]
		}
	}
	return m
}

func encoded(t testing.TB, m image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}))
	return b.Bytes()
}

func TestLikenessSurvivesSizeQualityAndLight(t *testing.T) {
	t.Parallel()
	const scenes = 10
	var near, far [scenes]Likeness
	for seed := range scenes {
		near[seed] = mustProcess(t, encoded(t, view(400, 300, seed), 92)).Likeness
		far[seed] = mustProcess(t, encoded(t, view(640, 480, seed), 55)).Likeness
	}
	for seed := range scenes {
		for other := range scenes {
			if same := near[seed].Distance(far[other]) <= Alike; same != (seed == other) {
				t.Errorf("scenes %d and %d: distance %d", seed, other, near[seed].Distance(far[other]))
			}
		}
	}
	blank := mustProcess(t, encoded(t, image.NewGray(image.Rect(0, 0, 300, 300)), 80)).Likeness
	require.False(t, blank.Tells(), "a covered lens looks like any other")
}

func TestCoverHidesTheRegionAndNothingElse(t *testing.T) {
	t.Parallel()
	p := NewProcessor(Limits{})
	source := mustProcess(t, encoded(t, view(640, 480, 3), 95))
	region := Region{X: 0.25, Y: 0.25, W: 0.25, H: 0.25}
	out, err := p.Cover(t.Context(), bytes.NewReader(source.Full), []Region{region})
	require.NoError(t, err)
	before, after := clean(t, source.Full), clean(t, out)
	require.Equal(t, before.Bounds(), after.Bounds())
	luma := func(m image.Image, x, y int) int { return int(color.GrayModel.Convert(m.At(x, y)).(color.Gray).Y) }
	const side = 27 // 160 pixels in 6 blocks
	for y := range 4 {
		for x := range 5 {
			one, two := luma(after, 160+x*side+8, 120+y*side+8), luma(after, 160+x*side+18, 120+y*side+18)
			require.InDelta(t, one, two, 6, "block %d, %d", x, y)
		}
	}
	var worst int
	for y := 0; y < 480; y += 3 {
		for x := 0; x < 640; x += 3 {
			if x < 140 || x > 340 || y < 100 || y > 260 {
				worst = max(worst, int(math.Abs(float64(luma(before, x, y)-luma(after, x, y)))))
			}
		}
	}
	require.Less(t, worst, 12, "the rest stays")

	grey := mustProcess(t, encoded(t, func() image.Image { m := image.NewGray(image.Rect(0, 0, 64, 64)); return m }(), 90))
	out, err = p.Cover(t.Context(), bytes.NewReader(grey.Full), []Region{{0, 0, 1, 1}})
	require.NoError(t, err)
	clean(t, out)
}

func TestRegionsLieInThePicture(t *testing.T) {
	t.Parallel()
	for _, bad := range []Region{{-0.1, 0, 0.5, 0.5}, {0, 0, 0, 0.5}, {0.6, 0, 0.5, 0.5}, {0, 0.9, 0.1, 0.2}, {math.NaN(), 0, 1, 1}, {0, 0, math.Inf(1), 1}} {
		refused(t, CheckRegions([]Region{{0, 0, 1, 1}, bad}), 422, "INVALID")
	}
	require.Error(t, CheckRegions(make([]Region, 51)))
	require.NoError(t, CheckRegions([]Region{{0, 0, 1, 1}, {0.999, 0.999, 0.001, 0.001}}))
}

package media

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The fast shrinker equals the definition: the mean of the covered area, computed naively with fractions.
func TestShrinkIsTheAreaMean(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sw, sh := rapid.IntRange(1, 40).Draw(t, "sw"), rapid.IntRange(1, 40).Draw(t, "sh")
		dw, dh := rapid.IntRange(1, 40).Draw(t, "dw"), rapid.IntRange(1, 40).Draw(t, "dh")
		src := rapid.SliceOfN(rapid.Byte(), sw*sh, sw*sh).Draw(t, "src")
		got := make([]byte, dw*dh)
		shrinkPlane(src, sw, sw, sh, got, dw, dw, dh)
		for y := range dh {
			for x := range dw {
				var sum float64
				for v := range sh {
					for u := range sw {
						sum += cover(x, dw, u, sw) * cover(y, dh, v, sh) * float64(src[v*sw+u])
					}
				}
				if math.Abs(sum-float64(got[y*dw+x])) > 0.5+1e-9 {
					t.Fatalf("%d×%d → %d×%d at %d,%d: %d, mean %.3f", sw, sh, dw, dh, x, y, got[y*dw+x], sum)
				}
			}
		}
	})
}

// cover is the share of new pixel i of n that old pixel k of m covers, along one axis.
func cover(i, n, k, m int) float64 {
	overlap := min((i+1)*m, (k+1)*n) - max(i*m, k*n)
	return float64(max(overlap, 0)) / float64(m)
}

func TestShrinkKeepsAFlatPicture(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{12_000, 3}, {3, 12_000}, {1999, 1601}} {
		src := image.NewGray(image.Rect(0, 0, size[0], size[1]))
		for i := range src.Pix {
			src.Pix[i] = 255
		}
		for _, v := range shrink(src, 1600).(*image.Gray).Pix {
			require.Equal(t, byte(255), v)
		}
	}
}

func TestShrinkOfAPartOfAPicture(t *testing.T) {
	t.Parallel()
	whole := image.NewYCbCr(image.Rect(0, 0, 64, 64), image.YCbCrSubsampleRatio420)
	for i := range whole.Y {
		whole.Y[i] = byte(i % 64)
	}
	for i := range whole.Cb {
		whole.Cb[i], whole.Cr[i] = 128, 128
	}
	part := whole.SubImage(image.Rect(32, 0, 64, 64))
	got := shrink(part, 1600).(*image.YCbCr)
	require.InDelta(t, 32, int(got.Y[0]), 2, "begins at the left of the part")
}

// The ratio of the CPU of Process and of Decode alone is the figure of the quality page (≤ 1.6). Slices in
// turn ABBA, the median of their ratios: the machine is shared.
func BenchmarkPhoto(b *testing.B) {
	raw := toJPEG(b, scene(4000, 3000))
	p := NewProcessor(Limits{})
	decodeOnly := func() {
		_, err := jpeg.Decode(bytes.NewReader(raw))
		require.NoError(b, err)
	}
	whole := func() {
		_, err := p.Process(b.Context(), bytes.NewReader(raw))
		require.NoError(b, err)
	}
	var ratios, costs []float64
	for b.Loop() {
		decode, process := cpu(b, decodeOnly), cpu(b, whole)
		process += cpu(b, whole)
		decode += cpu(b, decodeOnly)
		ratios, costs = append(ratios, process/decode), append(costs, process/2)
	}
	slices.Sort(ratios)
	slices.Sort(costs)
	b.ReportMetric(ratios[len(ratios)/2], "process/decode")
	b.ReportMetric(costs[len(costs)/2]*1000, "cpu-ms/photo")
	b.ReportMetric(float64(len(raw)>>10), "kB")
}

// cpu is the processor time in seconds that the program spends while f runs.
func cpu(b *testing.B, f func()) float64 {
	b.Helper()
	var before, after syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &before))
	f()
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &after))
	return float64(after.Utime.Nano()+after.Stime.Nano()-before.Utime.Nano()-before.Stime.Nano()) / 1e9
}

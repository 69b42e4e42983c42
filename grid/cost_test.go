package grid

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func BenchmarkLocate(b *testing.B) {
	for _, n := range []int{1_000, 30_000, 100_000} {
		s := Sample{District: "350199", Grids: n, Corners: 60, West: Point{117, 24}}
		x, err := NewIndex(s.Areas())
		if err != nil {
			b.Fatal(err)
		}
		h := s.hull()
		random := rand.New(rand.NewPCG(1, 2))
		points := make([]Point, 1<<16)
		for i := range points {
			points[i] = vertex{h.low.x + random.Int32N(h.top.x-h.low.x), h.low.y + random.Int32N(h.top.y-h.low.y)}.point()
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for i := range b.N {
				x.Locate(points[i&(1<<16-1)])
			}
		})
	}
}

func BenchmarkNewIndex(b *testing.B) {
	areas := Sample{District: "350199", Grids: 100_000, Corners: 60, West: Point{117, 24}}.Areas()
	b.ResetTimer()
	for range b.N {
		if _, err := NewIndex(areas); err != nil {
			b.Fatal(err)
		}
	}
}

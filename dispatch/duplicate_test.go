package dispatch

import (
	"encoding/csv"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"yixian/grid"
)

// couple is a row of testdata/pairs.csv, written by ourselves: two reports and whether they are about one thing.
type couple struct {
	part string
	same bool
	a, b Look
}

func pairs(t *testing.T) (out []couple) {
	t.Helper()
	f, err := os.Open("testdata/pairs.csv")
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	for _, r := range rows[1:] {
		metres, err := strconv.ParseFloat(r[4], 64)
		require.NoError(t, err)
		here := grid.Point{Lon: 119.3080, Lat: 26.0875}
		there := grid.Point{Lon: here.Lon, Lat: here.Lat + metres/111195}
		p := couple{part: r[0], same: r[1] == "1", a: Look{Matter: r[2], At: here, Words: r[7]}, b: Look{Matter: r[3], At: there, Words: r[8], Crowded: r[5] == "yes"}}
		if r[6] == "yes" {
			p.a.Photos, p.b.Photos = []int64{0x0f0f33cc5a5a1234}, []int64{0x0f0f33cc5a5a1235}
		}
		out = append(out, p)
	}
	return out
}

// measure gives precision and recall of one part.
func measure(t *testing.T, part string, judge func(couple) bool) (precision, recall float64) {
	t.Helper()
	var hit, wrong, missed int
	for _, p := range pairs(t) {
		if p.part != part {
			continue
		}
		switch said := judge(p); {
		case said && p.same:
			hit++
		case said:
			wrong++
			t.Logf("taken for the same: %q %q (%.2f)", p.a.Words, p.b.Words, resemble(p.a, p.b, 100).Score)
		case p.same:
			missed++
			t.Logf("missed: %q %q (%.2f)", p.a.Words, p.b.Words, resemble(p.a, p.b, 100).Score)
		}
	}
	return float64(hit) / float64(hit+wrong), float64(hit) / float64(hit+missed)
}

func TestDuplicatesOfThePairSet(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"tune", "score"} {
		precision, recall := measure(t, part, func(p couple) bool { return resemble(p.a, p.b, 100).Likely })
		t.Logf("duplicates, part %s: precision %.3f, recall %.3f", part, precision, recall)
		if part == "score" {
			require.GreaterOrEqual(t, precision, 0.9)
			require.GreaterOrEqual(t, recall, 0.8)
		}
	}
	// The control: place and matter alone, which is what the lifecycle's T1 asks for, do not reach it.
	precision, _ := measure(t, "score", func(p couple) bool { return p.a.Matter == p.b.Matter })
	require.Less(t, precision, 0.9)
}

func TestResemblanceIsSymmetricAndSaysWhy(t *testing.T) {
	t.Parallel()
	all := pairs(t)
	rapid.Check(t, func(t *rapid.T) {
		p, q := all[rapid.IntRange(0, len(all)-1).Draw(t, "a")], all[rapid.IntRange(0, len(all)-1).Draw(t, "b")]
		x, y := resemble(p.a, q.b, 100), resemble(q.b, p.a, 100)
		if x.Score != y.Score || x.Likely && len(x.Reasons) == 0 {
			t.Fatalf("%v %v", x, y)
		}
	})
}

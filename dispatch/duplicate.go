package dispatch

import (
	"context"
	"fmt"
	"math/bits"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"yixian/dispatch/rule"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/pg"
)

// Look is what tells whether two reports are about one thing: where, what, in which words, with which pictures.
type Look struct {
	Matter string
	At     grid.Point
	Words  string
	Photos []int64 // perceptual hashes, 64 bits each
	// Crowded says that so many open cases stand on exactly this point that it is a default and no place: the middle of a map, a
	// counter, the district's own coordinate.
	Crowded bool
}

// The weights of a resemblance. They were chosen before the pairs of testdata/pairs.csv were scored with them for the first time; who
// changes them looks at the part "tune" only, and the part "score" is what counts.
const (
	weightPlace      = 0.30 // falls to 0 at the edge of the radius
	weightMatter     = 0.30
	weightConfusable = 0.18
	weightWords      = 0.45
	weightPhoto      = 0.40
	otherHouse       = -0.40 // both name a house, a number, a lane, and not the same one
	likelyFrom       = 0.58
	alikeBits        = 10 // of 64; internal/media says why
	tellingBits      = 8
	// crowdedFrom is how many open cases on one identical coordinate make it a default point.
	crowdedFrom = 4
)

// Resemblance of two reports: score from 0, likely from likelyFrom, and why in words for people.
type Resemblance struct {
	Score   float64
	Likely  bool
	Reasons []string
}

// resemble judges two reports. It is pure and symmetric.
func resemble(a, b Look, radius float64) Resemblance {
	var r Resemblance
	say := func(weight float64, format string, args ...any) {
		r.Score += weight
		r.Reasons = append(r.Reasons, fmt.Sprintf(format, args...))
	}
	switch d := grid.Distance(a.At, b.At); {
	case a.Crowded || b.Crowded:
		r.Reasons = append(r.Reasons, "定位为默认点，不按距离判断")
	case d < radius:
		say(weightPlace*(1-d/radius), "相距 %.0f 米", d)
	}
	switch {
	case a.Matter == "" || b.Matter == "":
	case a.Matter == b.Matter:
		say(weightMatter, "同一事项")
	case slices.Contains(rule.Confusable(a.Matter), b.Matter):
		say(weightConfusable, "事项易混淆")
	}
	if s := likeWords(a.Words, b.Words); s >= 0.15 {
		say(weightWords*s, "描述相近 %.0f%%", 100*s)
	}
	if likePhotos(a.Photos, b.Photos) {
		say(weightPhoto, "照片相似")
	}
	if otherAddress(a.Words, b.Words) {
		say(otherHouse, "门牌不同")
	}
	r.Score = max(0, r.Score)
	r.Likely = r.Score >= likelyFrom
	return r
}

func likePhotos(a, b []int64) bool {
	for _, x := range a {
		for _, y := range b {
			telling := func(v int64) bool { n := bits.OnesCount64(uint64(v)); return n >= tellingBits && n <= 64-tellingBits }
			if telling(x) && telling(y) && bits.OnesCount64(uint64(x^y)) <= alikeBits {
				return true
			}
		}
	}
	return false
}

// idle are words that everybody uses whatever the matter is.
var idle = regexp.MustCompile(`请(你们|您)?|尽快|赶紧|赶快|处理|解决|一下|希望|麻烦|有人|这里|那里|旁边|附近|门口|已经|好几天|很多|没人管|没有人|怎么|什么|我们|你们|小区|社区|有关部门|相关部门|来看看|看看|反映|投诉|非常|特别|真的|影响|居民|出行|安全`)

// pairsOf are the pairs of neighbouring letters of the words that say something.
func pairsOf(words string) map[string]bool {
	out := map[string]bool{}
	for _, part := range strings.FieldsFunc(idle.ReplaceAllString(words, " "), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		letters := []rune(strings.ToLower(part))
		for i := 0; i+1 < len(letters); i++ {
			out[string(letters[i:i+2])] = true
		}
	}
	return out
}

// likeWords is the share of pairs that both have of those that the shorter one has.
func likeWords(a, b string) float64 {
	x, y := pairsOf(a), pairsOf(b)
	if len(x) > len(y) {
		x, y = y, x
	}
	if len(x) < 2 {
		return 0
	}
	n := 0
	for p := range x {
		if y[p] {
			n++
		}
	}
	return float64(n) / float64(len(x))
}

// house finds house numbers, buildings, entrances, floors and stalls.
var house = regexp.MustCompile(`([0-9０-９A-Za-z]+|[一二三四五六七八九十]+)\s*(号楼|栋|幢|座|单元|号|层|楼|巷|弄)`)

func otherAddress(a, b string) bool {
	x, y := house.FindAllStringSubmatch(a, -1), house.FindAllStringSubmatch(b, -1)
	kinds := map[string][2][]string{}
	for i, list := range [][][]string{x, y} {
		for _, m := range list {
			k := kinds[m[2]]
			k[i] = append(k[i], digits(m[1]))
			kinds[m[2]] = k
		}
	}
	for _, k := range kinds {
		if len(k[0]) > 0 && len(k[1]) > 0 && !slices.ContainsFunc(k[0], func(n string) bool { return slices.Contains(k[1], n) }) {
			return true
		}
	}
	return false
}

// digits writes 三 as 3, full-width digits as plain ones; larger Chinese numbers stay as they are.
func digits(s string) string {
	if i := strings.Index("一二三四五六七八九", s); i >= 0 && len(s) == len("一") {
		return string(rune('1' + i/len("一")))
	}
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r >= '０' && r <= '９' {
			return r - '０' + '0'
		}
		return r
	}, s))
}

// nearbySQL walks the index (district, cell, created_at) cell by cell. Asked for all cells at once the planner may take
// the index by time instead, because that gives the order, and read every recent case of the district (measured: 2 ms).
// Words and pictures are read for what it found only. crowd counts the open cases on exactly the same point.
const nearbySQL = `
select n.id, coalesce(n.case_no, ''), n.matter, n.state, n.lon, n.lat, n.created_at, n.reporter_count, n.lead_unit,
  coalesce((select r.text from report r where r.district = $1 and r.case_id = n.id order by r.received_at, r.id limit 1), ''),
  coalesce((select array_agg(m.likeness) from media m where m.district = $1 and m.case_id = n.id and m.likeness is not null), '{}'),
  count(*) over (partition by n.lon, n.lat)
from unnest($2::bigint[]) as around (cell) cross join lateral (
  select * from cases c where c.district = $1 and c.cell = around.cell and not c.drill and c.created_at > $3 and c.created_at <= $5 and c.sensitivity in ('PUBLIC', 'NORMAL')
    and c.state not in ('CLOSED', 'ARCHIVED', 'REJECTED', 'MERGED', 'VOIDED')
  order by c.created_at desc limit 200
) n where $4::text[] is null or n.matter = any($4) or n.matter = '' order by n.created_at desc limit 200`

// Nearby finds open look-alikes of a report, the likeliest first: cases of the same matter within its radius and time, and those of
// a matter that is taken for it, or of none yet, that are likely to be the same. Nothing sensitive is among them.
func (k *Desk) Nearby(ctx context.Context, district string, look Look, now time.Time, limit int) ([]Duplicate, error) {
	return k.lookAlikes(ctx, district, look, now, now, uuid.Nil, limit)
}

// MergeCandidates are the open cases that a case of the actor's scope looks like, with reasons, whichever was first.
func (k *Desk) MergeCandidates(ctx context.Context, a auth.Actor, caseID uuid.UUID, limit int) ([]Duplicate, error) {
	o, err := k.View(ctx, a, caseID)
	if err != nil {
		return nil, err
	}
	c := &o.Snapshot.Case
	look := Look{Matter: c.Matter, At: grid.Point{Lon: c.Lon, Lat: c.Lat}}
	if len(o.Snapshot.Reports) > 0 {
		look.Words = o.Snapshot.Reports[0].Words
	}
	if err := k.db.Pool.QueryRow(pg.WithDistrict(ctx, a.District), `select coalesce(array_agg(likeness), '{}') from media where district = $1 and case_id = $2 and likeness is not null`, a.District, caseID).Scan(&look.Photos); err != nil {
		return nil, pg.Fault(err)
	}
	return k.lookAlikes(ctx, a.District, look, c.CreatedAt, c.CreatedAt.Add(o.World.Limits.DuplicateAge), caseID, limit)
}

func (k *Desk) lookAlikes(ctx context.Context, district string, look Look, at, until time.Time, but uuid.UUID, limit int) ([]Duplicate, error) {
	w := k.worlds.Get(district)
	if w == nil {
		return []Duplicate{}, nil
	}
	radius, age := w.Limits.DuplicateM, w.Limits.DuplicateAge
	var matters []string
	if look.Matter != "" {
		matters = append([]string{look.Matter}, rule.Confusable(look.Matter)...)
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, district), nearbySQL, district, grid.CellsAround(look.At, radius), at.Add(-age), matters, until)
	if err != nil {
		return nil, pg.Fault(err)
	}
	defer rows.Close()
	out := []Duplicate{}
	for rows.Next() {
		var d Duplicate
		var other Look
		var c Case
		var crowd int
		if err := rows.Scan(&d.CaseID, &d.CaseNo, &d.Matter, &d.State, &other.At.Lon, &other.At.Lat, &d.CreatedAt, &d.ReporterCount, &c.LeadUnit, &other.Words, &other.Photos, &crowd); err != nil {
			return nil, pg.Fault(err)
		}
		if d.DistanceM = grid.Distance(look.At, other.At); d.DistanceM > radius || d.CaseID == but {
			continue
		}
		other.Matter, other.Crowded = d.Matter, crowd >= crowdedFrom && d.DistanceM < 1
		like := resemble(look, other, radius)
		if d.Score, d.Likely, d.Reasons = like.Score, like.Likely, like.Reasons; !d.Likely && (look.Matter != "" && d.Matter != look.Matter || other.Crowded) {
			continue
		}
		c.State = d.State
		d.LeadUnit = c.LeadUnit
		d.StatusText, _ = w.ResidentStatus(&c, "zh")
		d.MatterName = w.MatterName(d.Matter)
		out = append(out, d)
	}
	if err := rows.Err(); err != nil {
		return nil, pg.Fault(err)
	}
	slices.SortStableFunc(out, func(x, y Duplicate) int {
		switch {
		case x.Score > y.Score:
			return -1
		case x.Score < y.Score:
			return 1
		}
		return 0
	})
	return out[:min(limit, len(out))], nil
}

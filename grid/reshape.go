package grid

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// Part is one of the grids that a split leaves. Polygon is asked where parts are given instead of a line.
type Part struct {
	Code    string          `json:"code"`
	Name    string          `json:"name"`
	LandUse string          `json:"land_use"`
	Polygon json.RawMessage `json:"polygon"`
}

// Split cuts a unit grid along a line, or into parts that are given. Version is the version that the administrator saw.
type Split struct {
	Code      string
	Version   int // 0: whichever is in force
	Line      []Point
	Datum     Datum
	Parts     []Part // with a line: codes and names of the parts, from the west; may be empty
	Effective time.Time
	DryRun    bool
	Note      string
	Once      Once
}

// Merge joins grids that touch into one, which may be one of them or a new code of the same community.
type Merge struct {
	Codes     []string
	Into      string
	Name      string
	Effective time.Time
	DryRun    bool
	Note      string
	Once      Once
}

// Retire ends a grid. AbsorbedBy is the neighbour that takes over its ground and its workers; without one the ground belongs to nobody.
type Retire struct {
	Code       string
	Version    int
	AbsorbedBy string
	Effective  time.Time
	DryRun     bool
	Note       string
	Once       Once
}

// Split ends the grid and begins its parts; one part may keep the code with a new version. Whoever worked the grid works all parts.
func (m *Maps) Split(ctx context.Context, a auth.Actor, in Split) (*Report, error) {
	return m.reshape(ctx, a, ChangeSplit, in.Effective, in.DryRun, in.Note, in.Once, func(c *change) (map[string][]string, error) {
		old, err := c.unitGrid("/code", in.Code, in.Version)
		if err != nil {
			return nil, err
		}
		var shapes []*shape
		if len(in.Line) > 0 {
			line := make([]vertex, len(in.Line))
			for i, p := range in.Line {
				if err := p.Validate(); err != nil {
					return nil, fault.Invalid(fmt.Sprintf("/line/%d", i), "坐标超出范围")
				}
				line[i] = snap(ToWGS84(p, in.Datum))
			}
			if shapes, err = old.Polygon.s.cutAlong(line); err != nil {
				return nil, err
			}
		} else if shapes, err = givenParts(old.Polygon.s, in.Parts, in.Datum); err != nil {
			return nil, err
		}
		if len(in.Parts) > 0 && len(in.Parts) != len(shapes) {
			return nil, fault.Invalid("/parts", "切分后有 %d 块，给出了 %d 个编码", len(shapes), len(in.Parts))
		}
		parts := in.Parts
		if len(parts) == 0 {
			parts = make([]Part, len(shapes))
		}
		c.ends(old)
		var codes []string
		for i, s := range shapes {
			part := parts[i]
			if part.Code == "" && i == 0 {
				part.Code = old.Code
			} else if part.Code == "" {
				if part.Code, err = c.freeCode(old.Parent, codes); err != nil {
					return nil, err
				}
			}
			if err := c.newCode(fmt.Sprintf("/parts/%d/code", i), part.Code, old.Parent, []string{old.Code}); err != nil {
				return nil, err
			}
			if slices.Contains(codes, part.Code) {
				return nil, fault.Invalid(fmt.Sprintf("/parts/%d/code", i), "编码 %s 重复", part.Code)
			}
			codes = append(codes, part.Code)
			next := *old
			next.Code, next.Polygon = part.Code, Polygon{s}
			next.Name = cmp.Or(part.Name, old.Name)
			if part.Name == "" && part.Code != old.Code {
				next.Name = fmt.Sprintf("%s（%d）", old.Name, i+1)
			}
			next.LandUse = cmp.Or(part.LandUse, old.LandUse)
			c.starts(next)
		}
		return map[string][]string{old.Code: codes}, nil
	})
}

// Merge ends the grids and begins their union. Whoever worked one of them works the union.
func (m *Maps) Merge(ctx context.Context, a auth.Actor, in Merge) (*Report, error) {
	return m.reshape(ctx, a, ChangeMerge, in.Effective, in.DryRun, in.Note, in.Once, func(c *change) (map[string][]string, error) {
		if len(in.Codes) < 2 {
			return nil, fault.Invalid("/codes", "至少给出两个网格")
		}
		moves := map[string][]string{}
		var grids []*Area
		var shapes []*shape
		for i, code := range in.Codes {
			g, err := c.unitGrid(fmt.Sprintf("/codes/%d", i), code, 0)
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(grids, func(o *Area) bool { return o.Code == code }) {
				return nil, fault.Invalid(fmt.Sprintf("/codes/%d", i), "编码 %s 重复", code)
			}
			grids, shapes = append(grids, g), append(shapes, g.Polygon.s)
			moves[code] = []string{in.Into}
		}
		if err := c.newCode("/into", in.Into, ParentOf(in.Into), in.Codes); err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(grids, func(g *Area) bool { return g.Parent == ParentOf(in.Into) }) {
			return nil, fault.Invalid("/into", "合并后的编码应属于其中一个网格的社区")
		}
		joined, err := joinShapes(shapes)
		if err != nil {
			return nil, err
		}
		next := *grids[0]
		for _, g := range grids {
			if g.Code == in.Into {
				next = *g
			}
			c.ends(g)
		}
		next.Code, next.Parent, next.Polygon = in.Into, ParentOf(in.Into), Polygon{joined}
		next.Name = cmp.Or(in.Name, next.Name)
		c.starts(next)
		return moves, nil
	})
}

// Retire ends the grid, and lets a neighbour take it over.
func (m *Maps) Retire(ctx context.Context, a auth.Actor, in Retire) (*Report, error) {
	return m.reshape(ctx, a, ChangeRetire, in.Effective, in.DryRun, in.Note, in.Once, func(c *change) (map[string][]string, error) {
		old, err := c.grid("/code", in.Code, in.Version)
		if err != nil {
			return nil, err
		}
		c.ends(old)
		if in.AbsorbedBy == "" {
			return map[string][]string{old.Code: nil}, nil
		}
		heir, err := c.grid("/absorbed_by", in.AbsorbedBy, 0)
		switch {
		case err != nil:
			return nil, err
		case heir.Code == old.Code || heir.Kind != old.Kind:
			return nil, fault.Invalid("/absorbed_by", "应为另一个同类网格")
		}
		joined, err := joinShapes([]*shape{old.Polygon.s, heir.Polygon.s})
		if err != nil {
			return nil, err
		}
		c.ends(heir)
		next := *heir
		next.Polygon = Polygon{joined}
		c.starts(next)
		return map[string][]string{old.Code: {heir.Code}}, nil
	})
}

// reshape is one change by hand: act says which codes follow which, and the workers follow.
func (m *Maps) reshape(ctx context.Context, a auth.Actor, kind string, effective time.Time, dry bool, note string, once Once, act func(*change) (map[string][]string, error)) (*Report, error) {
	c, err := m.open(ctx, a, effective)
	if err != nil {
		return nil, err
	}
	defer c.close(ctx)
	if !dry {
		if done, err := c.first(ctx, once); done != nil || err != nil {
			return done, err
		}
	}
	moves, err := act(c)
	if err != nil {
		return nil, err
	}
	r := &Report{Kind: kind, DryRun: dry, Effective: c.effective, Counts: map[string]int{}, Findings: []Finding{}, Begun: []VersionRef{}, Ended: []VersionRef{}, Workers: []WorkerEffect{}}
	for i := range c.begin {
		r.begun(VersionRef{c.begin[i].Code, c.begin[i].Version})
		r.Corners += c.begin[i].Polygon.Vertices()
	}
	was := map[string]bool{}
	for i := range c.end {
		r.ended(VersionRef{c.end[i].Code, c.end[i].Version})
		was[c.end[i].Code] = true
	}
	for i := range c.begin {
		if was[c.begin[i].Code] {
			r.Changed++
		} else {
			r.Added++
		}
	}
	if err := c.follow(ctx, r, moves, dry); err != nil {
		return nil, err
	}
	if err := c.idle(ctx, r); err != nil {
		return nil, err
	}
	if dry {
		return r, nil
	}
	return r, c.write(ctx, r, note, once)
}

// follow gives the workers of what ends the grids that follow it. They keep what ended: running cases still stand on it.
func (c *change) follow(ctx context.Context, r *Report, moves map[string][]string, dry bool) error {
	from := make([]string, 0, len(moves))
	for code := range moves {
		from = append(from, code)
	}
	list, err := c.workers(ctx, from)
	if err != nil {
		return err
	}
	at, _ := c.standing()
	after := map[string]bool{}
	for code := range at {
		after[code] = true
	}
	for i := range c.end {
		delete(after, c.end[i].Code)
	}
	for i := range c.begin {
		after[c.begin[i].Code] = true
	}
	for _, w := range list {
		e := WorkerEffect{Username: w.username, Name: w.name, Unit: w.unit, Gains: []string{}, Ends: []string{}}
		grids := slices.Clone(w.grids)
		for _, code := range w.grids {
			next, moved := moves[code]
			if !moved {
				continue
			}
			if !after[code] {
				e.Ends = append(e.Ends, code)
			}
			for _, n := range next {
				if !slices.Contains(grids, n) {
					grids, e.Gains = append(grids, n), append(e.Gains, n)
				}
			}
		}
		for _, code := range grids {
			if after[code] {
				e.Left++
			}
		}
		slices.Sort(e.Gains)
		r.Workers = append(r.Workers, e)
		if len(e.Gains) == 0 || dry {
			continue
		}
		slices.Sort(grids)
		if _, err := c.tx.Exec(ctx, "update role_binding set grids = $4 where district = $1 and account_id = $2 and role = 'GRID_WORKER' and unit = $3", c.district, w.account, w.unit, grids); err != nil {
			return pg.Fault(err)
		}
	}
	return nil
}

// grid finds a grid that may be changed: in force when the change holds, nothing else planned for it, in the version that was seen.
func (c *change) grid(pointer, code string, version int) (*Area, error) {
	at, planned := c.standing()
	a := at[code]
	switch {
	case len(code) != CodeLength(LevelGrid) || !digits(code):
		return nil, fault.Invalid(pointer, "应为 15 位网格编码")
	case a == nil && c.latest[code] > 0:
		return nil, fault.Conflict("GRID_ENDED", "网格 %s 已经停用，或届时不再有效；请刷新后重试", code).At(pointer, "没有有效的版本")
	case a == nil:
		return nil, fault.NotFound()
	case version != 0 && version != a.Version:
		return nil, fault.Conflict("STALE", "网格 %s 已由他人修改，现在是第 %d 版；请刷新后重试", code, a.Version).With("version", a.Version)
	case len(planned[code]) > 0:
		return nil, fault.Conflict("GRID_PLANNED", "网格 %s 已安排了以后的变更，请先等它生效，或用导入取代它", code).At(pointer, "已有安排")
	}
	return a, nil
}

func (c *change) unitGrid(pointer, code string, version int) (*Area, error) {
	a, err := c.grid(pointer, code, version)
	if err == nil && a.Kind != KindUnit {
		return nil, fault.Invalid(pointer, "只有单元网格（unit）可以切分或合并")
	}
	return a, err
}

func (c *change) ends(a *Area) { c.stops(a) }

// newCode wants a code of the community that nobody uses: never before, or one of those that this change ends.
func (c *change) newCode(pointer, code, parent string, ending []string) error {
	switch {
	case len(code) != CodeLength(LevelGrid) || !digits(code) || strings.HasSuffix(code, "000"):
		return fault.Invalid(pointer, "应为 15 位网格编码")
	case ParentOf(code) != parent:
		return fault.Invalid(pointer, "编码应属于社区 %s", parent)
	case code[:6] != c.district:
		return fault.Invalid(pointer, "编码应属于本区 %s", c.district)
	case slices.Contains(ending, code):
		return nil
	case c.latest[code] > 0:
		return fault.Invalid(pointer, "编码 %s 已经用过，历史案件仍指向它，请换一个", code).Coded("CODE_USED")
	}
	return nil
}

// freeCode is the lowest code of the community that was never used.
func (c *change) freeCode(parent string, taken []string) (string, error) {
	for n := 1; n < 1000; n++ {
		code := parent + strconv.Itoa(1000 + n)[1:]
		if c.latest[code] == 0 && !slices.Contains(taken, code) {
			return code, nil
		}
	}
	return "", fault.Conflict("CODES_EXHAUSTED", "社区 %s 的网格编码已用完", parent)
}

// givenParts checks that parts make up the whole: each valid, inside, none over another, nothing left over but a strip of centimetres.
func givenParts(whole *shape, parts []Part, d Datum) ([]*shape, error) {
	if len(parts) < 2 {
		return nil, fault.Invalid("/parts", "请给出切分线 line，或至少两个部分 parts")
	}
	lines := newStrips(whole)
	shapes := make([]*shape, len(parts))
	sum := 0.0
	for i, p := range parts {
		pointer := fmt.Sprintf("/parts/%d/polygon", i)
		s, err := parseGeometry(p.Polygon, cmp.Or(d, WGS84))
		if err != nil {
			return nil, pointedAt(err, pointer)
		}
		if s == nil {
			return nil, fault.Invalid(pointer, "缺少边界")
		}
		s.orient()
		c := &candidate{}
		found := newFindings(false, nil)
		if !c.form(s, found) {
			return nil, fault.Invalid(pointer, "%s", found.list[0].Detail)
		}
		for _, e := range s.edges() {
			if !lines.about(e.a) {
				return nil, fault.Invalid(pointer, "坐标 %s 在原网格之外", e.a)
			}
		}
		shapes[i] = s
		sum += Polygon{s}.SquareMetres()
	}
	for i := range shapes {
		for k := range i {
			if area := overlapArea(shapes[i], shapes[k]); area > sliverArea(shapes[i], shapes[k]) {
				return nil, fault.Invalid(fmt.Sprintf("/parts/%d/polygon", i), "与第 %d 部分重叠 %.1f 平方米", k+1, area)
			}
		}
	}
	around := 0.0
	for _, rings := range whole.polygons {
		for _, r := range rings {
			around += perimeter(r)
		}
	}
	if rest := (Polygon{whole}).SquareMetres() - sum; rest > max(1, around*0.05) || rest < -max(1, around*0.05) {
		return nil, fault.Invalid("/parts", "各部分合计与原网格相差 %.1f 平方米，应恰好铺满", rest)
	}
	return shapes, nil
}

// orient turns every ring as RFC 7946 wants.
func (s *shape) orient() {
	for _, rings := range s.polygons {
		for i, r := range rings {
			if (r.twiceArea() > 0) != (i == 0) {
				slices.Reverse(r)
			}
		}
	}
}

// joinShapes is the union of shapes that touch: edges that two of them walk in opposite directions fall away, the others are chained
// into rings. Corners stay where they are, so that no neighbour's border moves.
func joinShapes(shapes []*shape) (*shape, error) {
	members := make([]*member, len(shapes))
	for i, s := range shapes {
		members[i] = &member{code: fmt.Sprintf("%03d", i), s: s}
	}
	b := newBorders(members)
	if twins := b.strike(); len(twins) > 0 {
		return nil, fault.Invalid("/codes", "网格互相重叠，请先修正边界")
	}
	rings, err := chain(b.free)
	if err != nil {
		return nil, err
	}
	joined := assemble(rings)
	before := 0.0
	for _, s := range shapes {
		before += Polygon{s}.SquareMetres()
	}
	after := Polygon{joined}.SquareMetres()
	c := &candidate{}
	if found := newFindings(false, nil); !c.form(joined, found) || after < before*0.999 || after > before*1.001 {
		return nil, fault.Invalid("/codes", "网格之间有缝隙或重叠，不能直接合并，请先用导入修正边界")
	}
	if len(joined.polygons) > 1 && len(joined.polygons) >= countParts(shapes) {
		return nil, fault.Invalid("/codes", "这些网格不相邻，不能合并")
	}
	return joined, nil
}

func countParts(shapes []*shape) (n int) {
	for _, s := range shapes {
		n += len(s.polygons)
	}
	return n
}

// chain links directed edges into rings; where several leave a corner, the sharpest left turn keeps rings apart that only touch there.
func chain(free []freeEdge) ([]ring, error) {
	from := make(map[vertex][]int, len(free))
	for i, e := range free {
		from[e.a] = append(from[e.a], i)
	}
	used := make([]bool, len(free))
	var rings []ring
	for start := range free {
		if used[start] {
			continue
		}
		var r ring
		for i := start; ; {
			used[i] = true
			r = append(r, free[i].a)
			next, best := -1, -10.0
			for _, k := range from[free[i].b] {
				if turn := turnOf(free[i].edge, free[k].edge); (!used[k] || k == start) && turn > best {
					best, next = turn, k
				}
			}
			if next == start {
				break
			}
			if next < 0 {
				return nil, fault.Invalid("/codes", "边界不闭合，请先用导入修正边界")
			}
			i = next
		}
		rings = append(rings, r)
	}
	return rings, nil
}

// assemble sorts rings into polygons: counter-clockwise ones are outlines, a clockwise one is a hole of the smallest outline around it.
func assemble(rings []ring) *shape {
	var outlines, holes []ring
	for _, r := range rings {
		if r = tidy(r); len(r) < 3 {
			continue
		}
		switch turn := r.twiceArea(); {
		case turn > 0:
			outlines = append(outlines, r)
		case turn < 0:
			holes = append(holes, r)
		}
	}
	slices.SortStableFunc(outlines, func(a, b ring) int { return cmp.Compare(a.twiceArea(), b.twiceArea()) })
	polygons := make([][]ring, len(outlines))
	for i, r := range outlines {
		polygons[i] = []ring{r}
	}
	for _, h := range holes {
		for i, r := range outlines {
			if h.within(r) >= 0 {
				polygons[i] = append(polygons[i], h)
				break
			}
		}
	}
	return newShape(polygons)
}

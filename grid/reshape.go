package grid

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"yixian/internal/auth"
	"yixian/internal/fault"
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

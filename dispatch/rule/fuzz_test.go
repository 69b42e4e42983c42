package rule

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"yixian/internal/fault"
)

// certainly judges what a cell is known to demand: -1 it cannot hold, 1 it holds, 0 nobody knows.
func (c *cond) certainly(f *Facts) int {
	switch c.op {
	case "all":
		worst := 1
		for i := range c.of {
			worst = min(worst, c.of[i].certainly(f))
		}
		return worst
	case "any":
		best := -1
		for i := range c.of {
			best = max(best, c.of[i].certainly(f))
		}
		return best
	case "not":
		return -c.of[0].certainly(f)
	case opaque:
		return 0
	}
	known := *c
	v, _ := lookup(c.name)
	known.get = v.get
	if ok, _ := known.test(f); ok {
		return 1
	}
	return -1
}

// Whatever is typed into an advanced cell: it is refused with its place, line and caret, or it compiles, gives the same answer twice
// within the cost limit, and never holds against what the index and the rank believe that it demands.
func FuzzCellShape(f *testing.F) {
	for _, s := range []string{
		"", "true", `matter == "06010" && land_use == "道路"`, `hour >= 22 || hour < 6`, `!(street == "350102004")`, `street in ["350102004", "350102003"]`, `grid.startsWith("350102")`,
		`facets.vehicle == true`, `"vehicle" in facets && facets["vehicle"] == true`, `has(facets.x) && facets.x == 3`, `text.contains("灯")`, `text.matches("(a+)+$")`,
		`point.near(119.3, 26.08, 50)`, `point.inside([[119.0, 26.0], [120.0, 26.0], [120.0, 27.0]])`, `component.owner == "C-LD"`, `component.owner.line == "LIGHTING"`, `level > 1 ? true : is_workday`,
		`[1, 2, 3].all(x, x > 0)`, `[1].map(x, x * 2)[0] == 2`, "matter ==\n  \"06010\" &&\n\thuor > 3", `"` + strings.Repeat("字", 300) + `" == text`, `1 / 0 == 1`, `reporter_count == 1.5`, `((((((((((true))))))))))`, "\x00", "\xff\xfe", `matter`, `device.kind == 'SMOKE'`,
	} {
		f.Add(s)
	}
	samples := []Facts{
		{}, at("06010"), at("01037", facet("vehicle", true), func(f *Facts) {
			f.Component, f.ComponentOwner, f.ComponentMaintainer, f.ownerLine, f.HasPoint, f.Lon, f.Lat = "35010201037000001", "C-LD", "D-JS", "LIGHTING", true, 119.308, 26.0875
		}),
		at("09012", func(f *Facts) {
			f.norm, f.AlertLevel, f.Hour, f.IsWorkday, f.Facets = normal("路灯不亮aaaaaaaaaaaaaaaa"), 3, 23, false, map[string]any{"vehicle": "yes", "x": 3.0}
		}),
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := compileCell(text, "/rules/X/cel")
		if err != nil {
			e, ok := fault.As(err)
			require.True(t, ok, "no fault: %v", err)
			require.Equal(t, []any{422, "RULE_INVALID"}, []any{e.Status, e.Code})
			require.NotEmpty(t, e.Fields)
			for _, at := range e.Fields {
				require.Equal(t, "/rules/X/cel", at.Pointer)
			}
			if line, ok := e.Extra["line"].(int); ok {
				require.LessOrEqual(t, line, strings.Count(text, "\n")+strings.Count(text, "\r")+1)
				require.Contains(t, e.Fields[0].Detail, "^")
			}
			return
		}
		c.shape.pins()
		c.shape.width()
		for i := range samples {
			ok, trouble := c.eval(context.Background(), &samples[i])
			again, troubled := c.eval(context.Background(), &samples[i])
			require.Equal(t, []any{ok, trouble}, []any{again, troubled})
			require.False(t, ok && trouble != "")
			require.False(t, ok && c.shape.certainly(&samples[i]) < 0, "%q holds for %d against its shape %+v", text, i, c.shape)
		}
	})
}

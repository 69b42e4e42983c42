package app

import (
	"fmt"
	"io"

	"yixian/dispatch"
	"yixian/dispatch/rule"
	"yixian/grid"
)

// explain writes a routing for people: which unit, by which rule, and why not by the others.
func explain(w io.Writer, world *dispatch.World, place grid.Place, item *rule.Item, d rule.Decision, examined []rule.Examined) {
	fmt.Fprintf(w, "%s %s，网格 %s %s，规则集 %d\n", item.Code, item.Name, place.GridCode, place.GridName, d.RuleSet)
	for i, e := range examined {
		verdict := "不适用"
		switch {
		case e.Matched && e.Shadow:
			verdict = "影子规则：成立，只记录"
		case e.Matched:
			verdict = "决定"
		case e.Shadow:
			verdict = "影子规则：不成立"
		}
		fmt.Fprintf(w, "%2d. %s v%d [%s %s] %s → %s\n", i+1, e.Rule, e.Version, e.Source, e.Tier, e.Title, verdict)
		if len(e.Conditions) == 0 {
			fmt.Fprintf(w, "      %s\n", e.Why)
		}
		for _, c := range e.Conditions {
			mark, not, seen := "✗", "", ""
			if c.Holds {
				mark = "✓"
			}
			if c.Negated {
				not = "非 "
			}
			if c.Seen != "" {
				seen = "  实际 " + c.Seen
			}
			if c.Trouble != "" {
				seen += "  (" + c.Trouble + ")"
			}
			fmt.Fprintf(w, "      %s %s%s%s\n", mark, not, c.Condition, seen)
		}
	}
	lead := world.UnitName(d.Lead)
	if d.Lead == "" {
		lead = "（调度员队列）"
	}
	fmt.Fprintf(w, "结果：%s %s，路径 %s，优先级 %s，时限 %s\n", d.Lead, lead, d.Path, d.Priority, d.SLA.Handle())
	if d.Proposed != nil && d.Proposed.Lead != "" {
		fmt.Fprintf(w, "建议呼叫：%s %s %s\n", d.Proposed.Level, d.Proposed.Lead, world.UnitName(d.Proposed.Lead))
	}
	if d.NeedsCatalogReview {
		fmt.Fprintln(w, "街镇托底：责任清单或规则在这里有缺口 needs_catalog_review")
	}
}

package score

import (
	"fmt"

	"yixian/internal/fault"
)

// RiskSteps are the points from which levels 2 to 5 begin. A district may set its own.
type RiskSteps [4]int64

// DefaultRiskSteps hold where a district has set none.
var DefaultRiskSteps = RiskSteps{5, 15, 30, 60}

// riskMost bounds a step: more points than a grid has cases.
const riskMost = 100_000

// RepeatLeast is how often one matter comes in one grid within 30 days before it is a problem (C28).
const RepeatLeast = 5

// CheckRiskSteps refuses what are not four rising numbers of points: 422 INVALID at /steps.
func CheckRiskSteps(steps []int64) (out RiskSteps, err error) {
	if len(steps) != len(out) {
		return out, fault.Invalid("/steps", "应有 %d 个分数，依次为 2、3、4、5 级的起点，例如 5, 15, 30, 60", len(out))
	}
	for i, s := range steps {
		switch {
		case s < 1 || s > riskMost:
			return out, fault.Invalid(fmt.Sprintf("/steps/%d", i), "起点分数应为 1 到 %d", riskMost)
		case i > 0 && s <= steps[i-1]:
			return out, fault.Invalid(fmt.Sprintf("/steps/%d", i), "%d 级的起点（%d）应大于 %d 级的起点（%d）", i+2, s, i+1, steps[i-1])
		}
		out[i] = s
	}
	return out, nil
}

// Formula is how the risk of a grid is told, as it is published (S19).
func (s RiskSteps) Formula() string {
	return fmt.Sprintf("points = open + 2 × overdue + 3 × repeat; repeat = cases of the last 30 days that belong to a problem (the same matter at least %d times in the grid); level 1 below %d points, 2 from %d, 3 from %d, 4 from %d, 5 from %d",
		RepeatLeast, s[0], s[0], s[1], s[2], s[3])
}

// Risk is the level 1 to 5 of a grid and the points that make it.
func (s RiskSteps) Risk(open, overdue, repeat int64) (level int, points int64) {
	points = open + 2*overdue + 3*repeat
	for level = 1; level <= len(s) && points >= s[level-1]; level++ {
	}
	return level, points
}

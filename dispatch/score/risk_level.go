package score

// RiskFormula is how the risk of a grid is told, as it is published (S19).
const RiskFormula = "points = open + 2 × overdue + 3 × repeat; repeat = cases of the last 30 days that belong to a problem (the same matter at least 5 times in the grid); level 1 below 5 points, 2 from 5, 3 from 15, 4 from 30, 5 from 60"

// riskSteps are the points from which levels 2 to 5 begin.
var riskSteps = []int64{5, 15, 30, 60}

// RepeatLeast is how often one matter comes in one grid within 30 days before it is a problem (C28).
const RepeatLeast = 5

// Risk is the level 1 to 5 of a grid and the points that make it.
func Risk(open, overdue, repeat int64) (level int, points int64) {
	points = open + 2*overdue + 3*repeat
	for level = 1; level <= len(riskSteps) && points >= riskSteps[level-1]; level++ {
	}
	return level, points
}

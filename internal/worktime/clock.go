package worktime

import "time"

// Places in the ladder of a clock, in percent of its total: reminders at 50 and 80, due at 100, escalations at
// 100, 150 and 200.
const (
	At50 = iota
	At80
	At100
	At150
	At200
)

// Percents returns the percentage of each place in a ladder.
func Percents() [5]int { return [5]int{50, 80, 100, 150, 200} }

// Ladder gives the instants at which a clock of totalSecs, of which usedSecs were already used, reaches
// 50, 80, 100, 150 and 200 % when it starts (or resumes) at start and is not paused again. The entry At100
// is the due instant. A level already reached at start is the zero time: it has rung, or must ring at once. A
// total ≤ 0 has reached everything; a negative usedSecs counts as 0. Fractions of a second round up, so a
// level never rings early.
func (c *Calendar) Ladder(start time.Time, totalSecs, usedSecs int64, working bool) [5]time.Time {
	var ladder [5]time.Time
	total, used := min(max(totalSecs, 0), maxSeconds), max(usedSecs, 0)
	for i, percent := range Percents() {
		if left := (total*int64(percent)+99)/100 - used; left > 0 {
			ladder[i] = c.AddSeconds(start, left, working)
		}
	}
	return ladder
}

// Light is the colour of a clock as the API and the screens write it.
type Light string

// Green below 80 %, yellow from 80 %, red above 100 %.
const (
	Green  Light = "green"
	Yellow Light = "yellow"
	Red    Light = "red"
)

// LightAt is the light of a running clock: red after its due instant — during lunch too — and still yellow in
// the due second itself, which is on time. A zero entry means "already reached", so the zero ladder is red.
func LightAt(now time.Time, ladder [5]time.Time) Light {
	switch {
	case !OnTime(now, ladder[At100]):
		return Red
	case now.Unix() >= ladder[At80].Unix():
		return Yellow
	}
	return Green
}

// LightOf is the light of a paused or stopped clock, by the seconds it has used.
func LightOf(totalSecs, usedSecs int64) Light {
	total, used := min(max(totalSecs, 0), maxSeconds), min(max(usedSecs, 0), 2*maxSeconds)
	switch {
	case used > total:
		return Red
	case used*100 >= total*80:
		return Yellow
	}
	return Green
}

// OnTime is the one rule of punctuality: done ≤ due, the due second included, in whole seconds.
func OnTime(done, due time.Time) bool { return done.Unix() <= due.Unix() }

// Package life plays the everyday of a district through its real door: residents, grid workers, officers, dispatchers and
// departments who report, sign, call, return, dispute, handle, check and rate, each after a time of their own. It owns who does
// what next and when. It owns neither the clock nor the engine: whoever lets time pass asks Next for the next instant at which
// somebody acts, and calls Act when it has come.
//
// All chance comes from one seed, a stream of its own for each report, so that the same plan gives the same people, places, days
// and intentions. Ids are the door's own; what is drawn from them (checks by sample) differs from run to run.
package life

import (
	"cmp"
	"container/heap"
	"context"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"yixian/dispatch"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/worktime"
)

// Plan is how long a life lasts and how much happens. Days are calendar days from From on, weekends and holidays included.
type Plan struct {
	From   time.Time
	Days   int
	PerDay int // reports of a working day; other days have about half
	Seed   uint64
}

// District is where a life is played and through which door.
type District struct {
	Code string
	Desk *dispatch.Desk
	DB   *pg.DB // the engine's role: who there is

	SignIn func(ctx context.Context, phone string) (auth.Actor, error)             // a resident, by one-time code
	Photo  func(ctx context.Context, a auth.Actor, picture uint64) (string, error) // an upload of the actor's own
}

// Count is what has been done in a life so far.
type Count struct {
	Reports int            // that became cases or joined one
	Acts    map[string]int // carried out, by action
	Refused map[string]int // by code: people try what is not allowed, or somebody was first
}

// Life is one simulated life of one district.
type Life struct {
	District
	Count

	plan   Plan
	world  *dispatch.World
	cal    *worktime.Calendar
	people people
	agenda agenda
	seen   []sight
	asked  int // ever entered into the agenda
}

// New plans a life: every report and every day's office work stands in the agenda, what follows from them does not yet.
func New(ctx context.Context, d District, plan Plan) (*Life, error) {
	w := d.Desk.Worlds().Get(d.Code)
	if w == nil {
		return nil, fault.NotFound()
	}
	l := &Life{District: d, plan: plan, world: w, cal: w.Calendar, Count: Count{Acts: map[string]int{}, Refused: map[string]int{}}}
	var err error
	if l.people, err = l.meet(ctx, max(20, plan.Days*plan.PerDay/12)); err != nil {
		return nil, err
	}
	l.planReports()
	l.planOffices()
	return l, nil
}

// planReports spreads the reports over the days: fewer when nobody works, most by day, few at night.
func (l *Life) planReports() {
	n := uint64(0)
	for day := range l.plan.Days {
		midnight := midnightOf(l.plan.From, l.cal).AddDate(0, 0, day)
		draw := rand.New(rand.NewPCG(l.plan.Seed, uint64(day)<<32))
		want := l.plan.PerDay
		if !l.cal.IsWorkingDay(midnight) {
			want = want * 11 / 20
		}
		want += draw.IntN(want/4+1) - want/8
		for range want {
			at := midnight.Add(hourOf(draw))
			n++
			if at.After(l.plan.From) {
				l.at(at, l.report(n))
			}
		}
	}
}

// hourOf draws a time of day: three in a hundred come at night, the others between seven and ten with a hump at noon.
func hourOf(draw *rand.Rand) time.Duration {
	day := 24 * time.Hour
	if draw.IntN(100) < 3 {
		return time.Duration(draw.Int64N(int64(day)))
	}
	span := 15 * time.Hour
	return 7*time.Hour + time.Duration(draw.Int64N(int64(span))+draw.Int64N(int64(span)))/2
}

func midnightOf(t time.Time, cal *worktime.Calendar) time.Time {
	y, m, d := t.In(cal.Location()).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, cal.Location())
}

// Next is when somebody acts next; ok is false when nobody means to any more.
func (l *Life) Next() (at time.Time, ok bool) {
	if len(l.agenda) == 0 {
		return at, false
	}
	return l.agenda[0].at, true
}

// Act lets everybody act whose time has come by now, in the order of their times. What is refused is counted; an error is a
// failure of the program.
func (l *Life) Act(ctx context.Context, now time.Time) error {
	for len(l.agenda) > 0 && !l.agenda[0].at.After(now) {
		e, _ := heap.Pop(&l.agenda).(*entry)
		if err := e.do(ctx, now); err != nil {
			return err
		}
	}
	return nil
}

// done takes the answer to something that was tried: nil and refusals are counted, anything else is a failure.
func (l *Life) done(what string, err error) (bool, error) {
	switch f, ok := fault.As(err); {
	case err == nil:
		l.Acts[what]++
		return true, nil
	case ok && f.Status < 500:
		l.Refused[f.Code]++
		return false, nil
	}
	return false, err
}

// entry is one intention.
type entry struct {
	at time.Time
	n  int // of two at one instant, the one that was meant first
	do func(ctx context.Context, now time.Time) error
}

func (l *Life) at(at time.Time, do func(context.Context, time.Time) error) {
	l.asked++
	heap.Push(&l.agenda, &entry{at.Truncate(time.Second), l.asked, do})
}

// agenda is a heap of intentions, earliest first.
type agenda []*entry

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return cmp.Or(a[i].at.Compare(a[j].at), cmp.Compare(a[i].n, a[j].n)) < 0
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push and Pop are heap.Interface.
func (a *agenda) Push(x any) { e, _ := x.(*entry); *a = append(*a, e) }

// Pop takes the last entry.
func (a *agenda) Pop() any {
	e := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return e
}

// as is the actor as a session would give them now.
func as(a auth.Actor, now time.Time) auth.Actor { a.Now = now; return a }

func isZero(a auth.Actor) bool {
	return a.Kind == "" || (a.Account == uuid.Nil && a.Device == uuid.Nil)
}

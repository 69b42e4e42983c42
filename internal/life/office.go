package life

import (
	"context"
	"math/rand/v2"
	"time"

	"yixian/dispatch"
	"yixian/internal/auth"
)

// planOffices enters what is no case's: one exercise and one emergency of a life, and the supervisors' look at cards.
func (l *Life) planOffices() {
	first := midnightOf(l.plan.From, l.cal)
	on := func(day int, at time.Duration) time.Time { return first.AddDate(0, 0, day).Add(at) }
	l.at(on(l.plan.Days/5, 15*hour), l.incident("消防疏散演练", true, []string{"S-WQ"}, nil, 2*hour))
	l.at(on(l.plan.Days*2/5, 16*hour), l.incident("防汛", false, []string{"S-DJ", "D-CG"}, []string{"06", "01"}, 26*hour))
	for day := range l.plan.Days {
		l.at(on(day, 16*hour+30*minute), l.cards(uint64(day)))
	}
}

// incident is declared by one person, confirmed by another and stood down after a while.
func (l *Life) incident(name string, drill bool, units, matters []string, lasts time.Duration) func(context.Context, time.Time) error {
	return func(ctx context.Context, now time.Time) error {
		commanders, others := l.people.having(auth.RoleCommander), l.people.having(auth.RoleSupervisor)
		if len(commanders) == 0 || len(others) == 0 {
			return nil
		}
		i, err := l.Desk.Declare(ctx, as(commanders[0], now), dispatch.Declaration{Name: name, Drill: drill, Units: units, Matters: matters}, dispatch.Once{})
		if ok, err := l.done("declare", err); !ok {
			return err
		}
		l.at(now.Add(12*minute), func(ctx context.Context, now time.Time) error {
			_, err := l.Desk.Confirm(ctx, as(others[0], now), i.ID, dispatch.Once{})
			_, err = l.done("confirm", err)
			return err
		})
		l.at(now.Add(lasts), func(ctx context.Context, now time.Time) error {
			_, err := l.Desk.StandDown(ctx, as(commanders[0], now), i.ID, "险情已解除", dispatch.Once{})
			_, err = l.done("stand_down", err)
			return err
		})
		return nil
	}
}

// cards: candidates are confirmed or waived; a third of the leaders whose unit gets one objects, and is answered the next day.
func (l *Life) cards(day uint64) func(context.Context, time.Time) error {
	return func(ctx context.Context, now time.Time) error {
		draw := rand.New(rand.NewPCG(l.plan.Seed, 1<<60|day))
		supervisor := as(one(draw, l.people.having(auth.RoleSupervisor)), now)
		if isZero(supervisor) || !l.cal.IsWorkingDay(now) {
			return nil
		}
		act := func(who auth.Actor, c *dispatch.Card, in dispatch.CardAct) (bool, error) {
			_, err := l.Desk.ActOnCard(ctx, as(who, now), c.ID, in, dispatch.Once{})
			return l.done("card_"+in.Verb, err)
		}
		list, _, err := l.Desk.Cards(ctx, supervisor, dispatch.CardFilter{State: dispatch.CardCandidate}, 50, "")
		if err != nil {
			return err
		}
		for i := range list {
			c := &list[i]
			if c.ObjectedAt != nil {
				upheld := draw.IntN(2) == 0
				if _, err := act(supervisor, c, dispatch.CardAct{Verb: "answer", Reason: "已复核当事双方材料", Upheld: &upheld}); err != nil {
					return err
				}
				if upheld {
					continue
				}
			} else if who := one(draw, l.people.of(c.Unit, leaders...)); !isZero(who) && draw.IntN(3) == 0 {
				if _, err := act(who, c, dispatch.CardAct{Verb: "object", Reason: "当日已到场，系信号原因未能上传"}); err != nil {
					return err
				}
				continue
			}
			in := dispatch.CardAct{Verb: "confirm"}
			if draw.IntN(3) == 0 {
				in = dispatch.CardAct{Verb: "waive", Reason: "客观原因，首次发生，提醒改正"}
			}
			if _, err := act(supervisor, c, in); err != nil {
				return err
			}
		}
		return nil
	}
}

package life

import (
	"context"
	"math/rand/v2"
	"time"

	"yixian/dispatch"
	"yixian/grid"
	"yixian/internal/auth"
)

// report is one report of the plan: who sees what where, and by which way it comes in.
func (l *Life) report(n uint64) func(context.Context, time.Time) error {
	return func(ctx context.Context, now time.Time) error {
		draw := rand.New(rand.NewPCG(l.plan.Seed, n))
		t := &thread{Life: l, draw: draw, asked: map[string]bool{}}
		t.topic = drawTopic(draw)
		place, p, ok := l.somewhere(draw)
		if again := l.recent(now); again != nil && draw.IntN(12) == 0 { // others see it, too
			t.topic, p = again.topic, again.p
			place, ok = l.world.Index.Locate(p)
		}
		if !ok {
			return nil
		}
		in := &dispatch.Submission{Text: t.topic.words[draw.IntN(len(t.topic.words))], Matter: t.topic.matter, Facets: t.topic.facets}
		var who auth.Actor
		photos := draw.IntN(2)
		switch way := draw.IntN(100); {
		case way < 54: // a resident, mostly by name
			who = one(draw, l.people.residents)
			t.reporter = who
			in.Anonymous = draw.IntN(10) == 0
			in.NoContact = !in.Anonymous && draw.IntN(8) == 0
			if draw.IntN(6) == 0 {
				in.Matter, in.Facets = "", nil
			}
		case way < 70: // by telephone
			who, photos = one(draw, l.people.having(auth.RoleHotline)), 0
			in.Source, in.OnBehalf, in.Phone, in.ContactName = "HOTLINE_12345", true, l.phone(draw), "来电人"
		case way < 92: // a worker on their round
			if list := l.people.walking(place.GridCode); len(list) > 0 {
				who = one(draw, list)
			} else {
				who = one(draw, l.people.of(l.world.UnitOf(place.StreetCode), street...))
			}
			photos = 1
			if in.SelfHandled = who.Has(auth.RoleGridWorker) && draw.IntN(3) == 0; in.SelfHandled {
				in.Matter, in.Facets, in.Text = "06036", nil, "楼道杂物，已当场清走"
			}
		default: // at the counter of a street
			who, photos = one(draw, l.people.of(l.world.UnitOf(place.StreetCode), street...)), 0
			in.Source, in.OnBehalf, in.Phone, in.ContactName = "COUNTER", true, l.phone(draw), "来访人"
		}
		if isZero(who) {
			return nil
		}
		in.Point = dispatch.PointIn{Lon: p.Lon, Lat: p.Lat, Datum: "WGS84"}
		who = as(who, now)
		var err error
		if in.MediaIDs, err = t.photos(ctx, who, photos); err != nil {
			return err
		}
		if in.SelfHandled {
			if in.AfterMediaIDs, err = t.photos(ctx, who, 1); err != nil {
				return err
			}
		}
		r, _, err := l.Desk.Submit(ctx, who, in)
		if ok, err := l.done("submit", err); !ok {
			return err
		}
		l.Reports++
		l.seen = append(l.seen, sight{t.topic, p, now})
		t.id, t.reportID = r.CaseID, r.ReportID
		for _, d := range r.Duplicates {
			if d.Likely && t.master == nil {
				t.master = &d.CaseID
			}
		}
		return t.look(ctx, now)
	}
}

func drawTopic(draw *rand.Rand) *topic {
	sum := 0
	for i := range topics {
		sum += topics[i].weight
	}
	n := draw.IntN(sum)
	for i := range topics {
		if n -= topics[i].weight; n < 0 {
			return &topics[i]
		}
	}
	return &topics[0]
}

// phone is somebody's who has no account here.
func (l *Life) phone(draw *rand.Rand) string {
	const digits = "0123456789"
	out := []byte("1395")
	for range 7 {
		out = append(out, digits[draw.IntN(10)])
	}
	return string(out)
}

// somewhere draws a place: a third of what is reported lies in two streets, whose people are all there.
func (l *Life) somewhere(draw *rand.Rand) (place grid.Place, p grid.Point, ok bool) {
	streets := l.world.Index.Children(l.Code)
	var busy []string
	for _, unit := range []string{"S-DJ", "S-WQ"} {
		busy = append(busy, l.world.Units[unit].AreaCode)
	}
	for range 20 {
		area := streets[draw.IntN(len(streets))].Code
		if draw.IntN(3) == 0 {
			area = busy[draw.IntN(len(busy))]
		}
		for range 2 { // street → community → grid
			below := l.world.Index.Children(area)
			if len(below) == 0 {
				break
			}
			area = below[draw.IntN(len(below))].Code
		}
		if p, ok = l.world.Index.Centre(area); !ok {
			continue
		}
		near := grid.Point{Lon: p.Lon + (draw.Float64()-0.5)/400, Lat: p.Lat + (draw.Float64()-0.5)/400}
		if there, in := l.world.Index.Locate(near); in && there.DistrictCode == l.Code {
			return there, near, true
		}
		if place, ok = l.world.Index.Locate(p); ok && place.DistrictCode == l.Code {
			return place, p, true
		}
	}
	return place, p, false
}

// sight is what somebody has reported.
type sight struct {
	topic *topic
	p     grid.Point
	at    time.Time
}

// recent is the latest sight of the last two hours.
func (l *Life) recent(now time.Time) *sight {
	if n := len(l.seen); n > 0 && now.Sub(l.seen[n-1].at) < 2*time.Hour {
		return &l.seen[n-1]
	}
	return nil
}

package rule

import (
	"strconv"
	"sync"
)

// DeviceKind is what the alerts of a kind of device mean (data/devices.csv). Source is the channel that figures show; Matter is
// what the alert is about unless it says so itself, "" leaves it to a dispatcher; alerts below LeastLevel are kept and open no case.
type DeviceKind struct {
	Kind, Source, Matter, Name string
	LeastLevel                 int
}

var deviceKinds = sync.OnceValue(func() map[string]DeviceKind {
	out := map[string]DeviceKind{}
	err := eachRow("devices.csv", func(r []string) {
		level, err := strconv.Atoi(r[3])
		if err != nil {
			panic("rule: embedded kinds of devices: " + err.Error())
		}
		out[r[0]] = DeviceKind{Kind: r[0], Source: r[1], Matter: r[2], LeastLevel: level, Name: r[4]}
	})
	if err != nil {
		panic("rule: embedded kinds of devices: " + err.Error()) // caught by every test of this package
	}
	return out
})

// Device says what the alerts of a kind mean; those of a kind that nobody described go to a dispatcher.
func Device(kind string) DeviceKind {
	if k, ok := deviceKinds()[kind]; ok {
		return k
	}
	return DeviceKind{Kind: kind, Source: "DEVICE", Name: kind}
}

package worktime

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"time"
)

// holidaysCN holds the State Council notices; the file names its sources. A new year is added there,
// days and entry in "years" together.
//
//go:embed holidays_cn.json
var holidaysCN []byte

type notices struct {
	Years []int      `json:"years"`
	Days  []Override `json:"days"`
}

var shipped = sync.OnceValue(func() notices {
	var n notices
	if err := json.Unmarshal(holidaysCN, &n); err != nil {
		panic("worktime: embedded holidays_cn.json: " + err.Error()) // a build mistake, caught by every test
	}
	return n
})

// Shipped returns copies of the embedded holidays and of the years they cover, to be extended and
// passed to New.
func Shipped() (overrides []Override, years []int) {
	n := shipped()
	return slices.Clone(n.Days), slices.Clone(n.Years)
}

// Default is the calendar of the program: Asia/Shanghai, 08:00–12:00 and 14:00–18:00, Mon–Fri with the
// shipped holidays. All callers share one, so its year tables are built once per process.
func Default() *Calendar { return shared() }

var shared = sync.OnceValue(func() *Calendar {
	overrides, years := Shipped()
	c, err := New(Options{Overrides: overrides, Years: years})
	if err != nil {
		panic("worktime: embedded holidays_cn.json: " + err.Error())
	}
	return c
})

var shanghai = sync.OnceValue(func() *time.Location {
	loc, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		panic("worktime: " + err.Error()) // impossible: time/tzdata is linked in
	}
	return loc
})

// at is the JSON pointer of an element.
func at(list string, i int) string { return list + "/" + strconv.Itoa(i) }

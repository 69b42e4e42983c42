package media

import (
	"encoding/binary"
	"math"
	"strings"
	"time"
)

// note is what the camera wrote down and we use.
type note struct {
	orientation int // 1–8
	taken       *time.Time
	point       *Point
	hints       []string
}

// shanghai is the zone of a time without one. China has had no summer time since 1991; a fixed zone needs
// no time-zone files.
var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

const (
	tagOrientation    = 0x0112
	tagExif           = 0x8769
	tagGPS            = 0x8825
	tagTimeOriginal   = 0x9003
	tagOffsetOriginal = 0x9011
	tagLatRef         = 1
	tagLat            = 2
	tagLonRef         = 3
	tagLon            = 4
	maxEntries        = 512
)

// readEXIF reads the four things we use from a TIFF block (CIPA DC-008). It follows no chain and no
// nesting: at most three directories of 512 entries, so hostile bytes cost nothing. Nonsense is ignored.
func readEXIF(raw []byte) note {
	n := note{orientation: 1}
	t, first, ok := newTIFF(raw)
	if !ok {
		return n
	}
	main := t.directory(first)
	if v, ok := main.number(tagOrientation); ok && v >= 1 && v <= 8 {
		n.orientation = int(v)
	}
	if at, ok := main.number(tagExif); ok {
		n.readTime(t.directory(at))
	}
	if at, ok := main.number(tagGPS); ok {
		n.readPoint(t.directory(at))
	}
	return n
}

// readTime takes years before 2000 for a clock that was never set.
func (n *note) readTime(d directory) {
	text := d.text(tagTimeOriginal)
	if text == "" {
		return
	}
	taken, err := time.ParseInLocation("2006:01:02 15:04:05", text, shanghai)
	if err != nil || taken.Year() < 2000 {
		n.hints = append(n.hints, "TIME_INVALID")
		return
	}
	if zone, err := time.Parse("-07:00", d.text(tagOffsetOriginal)); err == nil {
		_, offset := zone.Zone()
		_, assumed := taken.Zone()
		taken = taken.Add(time.Duration(assumed-offset) * time.Second).In(time.FixedZone("", offset))
	}
	n.taken = &taken
}

func (n *note) readPoint(d directory) {
	if _, ok := d.entries[tagLat]; !ok {
		return
	}
	lat, latOK := d.degrees(tagLat, d.text(tagLatRef), "N", "S", 90)
	lon, lonOK := d.degrees(tagLon, d.text(tagLonRef), "E", "W", 180)
	switch {
	case !latOK || !lonOK:
		n.hints = append(n.hints, "GPS_INVALID")
	case lat == 0 && lon == 0: // the sea off Ghana: a receiver without a fix
		n.hints = append(n.hints, "GPS_ZERO")
	default:
		n.point = &Point{Lon: lon, Lat: lat}
	}
}

type tiff struct {
	raw   []byte
	order binary.ByteOrder
}

func newTIFF(raw []byte) (t tiff, first uint32, ok bool) {
	if len(raw) < 8 {
		return t, 0, false
	}
	t.raw = raw
	switch string(raw[:2]) {
	case "II":
		t.order = binary.LittleEndian
	case "MM":
		t.order = binary.BigEndian
	default:
		return t, 0, false
	}
	return t, t.order.Uint32(raw[4:]), t.order.Uint16(raw[2:]) == 42
}

// entry is one field: its TIFF type and its bytes.
type entry struct {
	format uint16
	value  []byte
}

type directory struct {
	order   binary.ByteOrder
	entries map[uint16]entry
}

// bytes of the TIFF types we read: ASCII, SHORT, LONG, RATIONAL.
var formatSize = map[uint16]uint64{2: 1, 3: 2, 4: 4, 5: 8}

func (t tiff) directory(at uint32) directory {
	d := directory{order: t.order, entries: map[uint16]entry{}}
	if uint64(at)+2 > uint64(len(t.raw)) {
		return d
	}
	list := t.raw[at+2:]
	count := min(int(t.order.Uint16(t.raw[at:])), maxEntries, len(list)/12)
	for i := range count {
		field := list[12*i : 12*i+12]
		tag, format := t.order.Uint16(field), t.order.Uint16(field[2:])
		size := formatSize[format] * uint64(t.order.Uint32(field[4:]))
		value := field[8:]
		if size > 4 {
			from := uint64(t.order.Uint32(field[8:]))
			if from+size > uint64(len(t.raw)) {
				continue
			}
			value = t.raw[from : from+size]
		}
		if _, twice := d.entries[tag]; !twice && size > 0 {
			d.entries[tag] = entry{format, value[:size]}
		}
	}
	return d
}

func (d directory) number(tag uint16) (uint32, bool) {
	switch e := d.entries[tag]; e.format {
	case 3:
		return uint32(d.order.Uint16(e.value)), true
	case 4:
		return d.order.Uint32(e.value), true
	}
	return 0, false
}

func (d directory) text(tag uint16) string {
	e := d.entries[tag]
	if e.format != 2 || len(e.value) > 64 {
		return ""
	}
	return strings.Trim(string(e.value), " \x00")
}

// degrees reads degrees, minutes and seconds with their hemisphere. Some cameras write 0/0 for no seconds.
func (d directory) degrees(tag uint16, ref, plus, minus string, limit float64) (float64, bool) {
	e := d.entries[tag]
	if e.format != 5 || len(e.value) != 24 || ref != plus && ref != minus {
		return 0, false
	}
	var sum float64
	for i, unit := range []float64{1, 60, 3600} {
		num, den := d.order.Uint32(e.value[8*i:]), d.order.Uint32(e.value[8*i+4:])
		if den == 0 {
			if num == 0 && i == 2 {
				continue
			}
			return 0, false
		}
		part := float64(num) / float64(den)
		if i > 0 && part > 60 {
			return 0, false
		}
		sum += part / unit
	}
	if math.IsNaN(sum) || sum > limit {
		return 0, false
	}
	if ref == minus {
		sum = -sum
	}
	return sum, true
}

package media

import (
	"encoding/binary"
	"fmt"
	"image/color"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEXIFPlaces(t *testing.T) {
	t.Parallel()
	for _, o := range []byteOrder{binary.LittleEndian, binary.BigEndian} {
		gps := func(latRef, lonRef string, v ...uint32) []field {
			return []field{ascii(tagLatRef, latRef), rationals(o, tagLat, v[:6]...), ascii(tagLonRef, lonRef), rationals(o, tagLon, v[6:]...)}
		}
		for name, c := range map[string]struct {
			gps  []field
			want *Point
			hint string
		}{
			"Gulou":            {gps("N", "E", 26, 1, 5, 1, 1500, 100, 119, 1, 18, 1, 2880, 100), &Point{119 + 18.0/60 + 28.8/3600, 26 + 5.0/60 + 15.0/3600}, ""},
			"decimal degrees":  {gps("N", "E", 260875, 10000, 0, 1, 0, 1, 1193080, 10000, 0, 1, 0, 1), &Point{119.308, 26.0875}, ""},
			"no seconds":       {gps("N", "E", 26, 1, 525, 100, 0, 0, 119, 1, 1848, 100, 0, 0), &Point{119.308, 26.0875}, ""},
			"southern, west":   {gps("S", "W", 33, 1, 30, 1, 0, 1, 70, 1, 30, 1, 0, 1), &Point{-70.5, -33.5}, ""},
			"zero":             {gps("N", "E", 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1), nil, "GPS_ZERO"},
			"mirrored":         {gps("N", "E", 119, 1, 18, 1, 0, 1, 26, 1, 5, 1, 0, 1), nil, "GPS_INVALID"},
			"too far east":     {gps("N", "E", 26, 1, 5, 1, 0, 1, 181, 1, 0, 1, 0, 1), nil, "GPS_INVALID"},
			"divided by zero":  {gps("N", "E", 26, 0, 5, 1, 0, 1, 119, 1, 18, 1, 0, 1), nil, "GPS_INVALID"},
			"zero over zero":   {gps("N", "E", 26, 1, 0, 0, 0, 1, 119, 1, 18, 1, 0, 1), nil, "GPS_INVALID"},
			"90 minutes":       {gps("N", "E", 26, 1, 90, 1, 0, 1, 119, 1, 18, 1, 0, 1), nil, "GPS_INVALID"},
			"no hemisphere":    {gps("", "E", 26, 1, 5, 1, 0, 1, 119, 1, 18, 1, 0, 1), nil, "GPS_INVALID"},
			"no longitude":     {gps("N", "E", 26, 1, 5, 1, 0, 1, 119, 1, 18, 1, 0, 1)[:2], nil, "GPS_INVALID"},
			"hemispheres only": {[]field{ascii(tagLatRef, "N"), ascii(tagLonRef, "E")}, nil, ""},
		} {
			got := readEXIF(exifOf(o, 6, nil, c.gps))
			require.Equal(t, 6, got.orientation, name)
			if c.hint != "" {
				require.Equal(t, []string{c.hint}, got.hints, name)
			} else {
				require.Empty(t, got.hints, name)
			}
			if c.want == nil {
				require.Nil(t, got.point, name)
				continue
			}
			require.InDelta(t, c.want.Lat, got.point.Lat, 1e-9, name)
			require.InDelta(t, c.want.Lon, got.point.Lon, 1e-9, name)
		}
	}
}

func TestEXIFTimes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ at, zone, want, hint string }{
		{"2026:06:08 09:00:00", "", "2026-06-08T09:00:00+08:00", ""},
		{"2026:06:08 09:00:00", "+08:00", "2026-06-08T09:00:00+08:00", ""},
		{"2026:06:08 09:00:00", "+01:00", "2026-06-08T09:00:00+01:00", ""},
		{"2026:06:08 09:00:00", "-03:30", "2026-06-08T09:00:00-03:30", ""},
		{"2026:06:08 09:00:00", "Peking", "2026-06-08T09:00:00+08:00", ""},
		{"1970:01:01 00:00:00", "", "", "TIME_INVALID"},
		{"0000:00:00 00:00:00", "", "", "TIME_INVALID"},
		{"2026:02:30 09:00:00", "", "", "TIME_INVALID"},
		{"yesterday", "", "", "TIME_INVALID"},
		{"", "+08:00", "", ""},
	} {
		fields := []field{}
		if c.at != "" {
			fields = append(fields, ascii(tagTimeOriginal, c.at))
		}
		if c.zone != "" {
			fields = append(fields, ascii(tagOffsetOriginal, c.zone))
		}
		got := readEXIF(exifOf(binary.BigEndian, 1, fields, nil))
		if c.hint != "" {
			require.Equal(t, []string{c.hint}, got.hints, c)
		}
		if c.want == "" {
			require.Nil(t, got.taken, c)
			continue
		}
		require.Equal(t, c.want, got.taken.Format(time.RFC3339), c)
	}
}

// EXIF travels in all three kinds of file.
func TestEXIFContainers(t *testing.T) {
	t.Parallel()
	exif := exifOf(binary.LittleEndian, 6, []field{ascii(tagTimeOriginal, "2026:06:08 09:00:00")}, nil)
	picture := toPNG(t, scene(60, 40))
	inPNG := append(append([]byte{}, picture[:33]...), chunk("eXIf", exif)...)
	inPNG = append(inPNG, picture[33:]...)
	block := append(binary.LittleEndian.AppendUint32([]byte("EXIF"), uint32(len(exif)+6)), "Exif\x00\x00"...)
	block = append(append(block, exif...), make([]byte, len(exif)%2)...)
	for name, raw := range map[string][]byte{
		"jpeg": segment(toJPEG(t, scene(60, 40)), 0xe1, "Exif\x00\x00"+string(exif)),
		"png":  inPNG,
		"webp": append(solidWebP(60, 40, color.NRGBA{1, 2, 3, 255}), block...),
	} {
		p := mustProcess(t, raw)
		require.Equal(t, [2]int{40, 60}, [2]int{p.Width, p.Height}, name)
		require.NotNil(t, p.TakenAt, name)
	}
}

// A directory that points at itself, counts of 2^32-1 and cut blocks end at once.
func TestEXIFHostile(t *testing.T) {
	t.Parallel()
	good := exifOf(binary.LittleEndian, 6, []field{ascii(tagTimeOriginal, "2026:06:08 09:00:00")},
		[]field{ascii(tagLatRef, "N"), rationals(binary.LittleEndian, tagLat, 26, 1, 5, 1, 0, 1)})
	for n := range good {
		got := readEXIF(good[:n])
		require.Nil(t, got.point, fmt.Sprint("cut at ", n))
	}
	for i := range good {
		for _, v := range []byte{0, 1, 0x7f, 0xff} {
			bad := append([]byte{}, good...)
			bad[i] = v
			got := readEXIF(bad)
			require.True(t, got.orientation >= 1 && got.orientation <= 8)
		}
	}
	loop := binary.LittleEndian.AppendUint32([]byte("II*\x00"), 8)
	loop = append(loop, 1, 0, 0x69, 0x87, 4, 0, 1, 0, 0, 0, 8, 0, 0, 0)
	require.Equal(t, note{orientation: 1}, readEXIF(loop))
}

func FuzzEXIF(f *testing.F) {
	for _, o := range []byteOrder{binary.LittleEndian, binary.BigEndian} {
		f.Add(exifOf(o, 6, []field{ascii(tagTimeOriginal, "2026:06:08 09:00:00"), ascii(tagOffsetOriginal, "+08:00")}, []field{
			ascii(tagLatRef, "N"), rationals(o, tagLat, 26, 1, 5, 1, 15, 1), ascii(tagLonRef, "E"), rationals(o, tagLon, 119, 1, 18, 1, 28, 1),
		}))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := readEXIF(raw)
		require.True(t, got.orientation >= 1 && got.orientation <= 8)
		require.LessOrEqual(t, len(got.hints), 2)
		if p := got.point; p != nil {
			require.True(t, p.Lat >= -90 && p.Lat <= 90 && p.Lon >= -180 && p.Lon <= 180, "%v", p)
			require.NotEqual(t, Point{}, *p)
		}
		if got.taken != nil {
			require.True(t, got.taken.Year() >= 2000 && got.taken.Year() <= 9999)
		}
	})
}

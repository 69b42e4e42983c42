package sheet

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Text reads words of at most max characters on one line.
func Text(cell string, most int) (string, error) {
	if n := utf8.RuneCountInString(cell); n > most {
		return "", Wrong(fmt.Sprintf("有 %d 个字，超过 %d 个", n, most), "请缩短")
	}
	if strings.ContainsFunc(cell, unicode.IsControl) {
		return "", Wrong("含有换行或其他控制字符", "请改为一行文字")
	}
	return cell, nil
}

// Digits reads a number that is a name, of exactly one of the lengths. What a spreadsheet turned into 3.5E+16 has lost digits.
func Digits(cell string, lengths ...int) (string, error) {
	if strings.ContainsAny(cell, "eE") {
		if f, err := strconv.ParseFloat(cell, 64); err == nil && f == math.Trunc(f) && f < 1e15 {
			cell = strconv.FormatFloat(f, 'f', 0, 64)
		} else {
			return "", Wrong("编号被表格软件改成了 "+clip(cell)+"，已丢失数字", "把该列设为“文本”格式后重新填写")
		}
	}
	if strings.Trim(cell, "0123456789") != "" || !slices.Contains(lengths, len(cell)) {
		return "", Wrong(fmt.Sprintf("%q 不是 %s 位数字", clip(cell), joined(lengths)), "请核对编号")
	}
	return cell, nil
}

func joined(lengths []int) string {
	var out []string
	for _, n := range lengths {
		out = append(out, strconv.Itoa(n))
	}
	return strings.Join(out, "、")
}

// OneOf reads a word of a list by its Chinese name or its code, and gives the code. pairs are code, name, code, name, …
func OneOf(cell string, pairs ...string) (string, error) {
	var names []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if strings.EqualFold(cell, pairs[i]) || cell == pairs[i+1] {
			return pairs[i], nil
		}
		names = append(names, pairs[i+1])
	}
	return "", Wrong(fmt.Sprintf("%q 不在可选范围内", clip(cell)), "应为："+strings.Join(names, "、"))
}

// NameOf gives the name that OneOf reads back to the code; an unknown code is shown as it is.
func NameOf(code string, pairs ...string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == code {
			return pairs[i+1]
		}
	}
	return code
}

// Bool reads 是 or 否.
func Bool(cell string) (bool, error) {
	code, err := OneOf(cell, "true", "是", "false", "否", "1", "1", "0", "0")
	return code == "true" || code == "1", err
}

// YesNo writes what Bool reads.
func YesNo(b bool) string {
	if b {
		return "是"
	}
	return "否"
}

// List reads words with a semicolon, comma or 、 between them.
func List(cell string) []string {
	parts := strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(";；,，、|", r) })
	out := []string{}
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// Join writes what List reads.
func Join(list []string) string { return strings.Join(list, ";") }

// epoch is day 0 of a spreadsheet's dates (its year 1900 has one day too many).
var epoch = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)

// Date reads a day, 2026-07-01, 2026/7/1 or a spreadsheet's own number, and gives it as 2026-07-01.
func Date(cell string) (string, error) {
	for _, layout := range []string{time.DateOnly, "2006-1-2", "2006/1/2", "2006.1.2", "2006年1月2日"} {
		if d, err := time.Parse(layout, cell); err == nil {
			return d.Format(time.DateOnly), nil
		}
	}
	if n, err := strconv.ParseFloat(cell, 64); err == nil && n == math.Trunc(n) && n > 20000 && n < 80000 {
		return epoch.AddDate(0, 0, int(n)).Format(time.DateOnly), nil
	}
	return "", Wrong(fmt.Sprintf("%q 不是日期", clip(cell)), "写成 2026-07-01 的形式")
}

// Clock reads a time of day, 08:30 or a spreadsheet's fraction of a day, as minutes after midnight; 24:00 is 1440.
func Clock(cell string) (int, error) {
	if h, m, ok := strings.Cut(strings.ReplaceAll(cell, "：", ":"), ":"); ok && len(h) <= 2 && len(m) >= 2 {
		m = strings.TrimSuffix(m, ":00")
		hour, err1 := strconv.Atoi(h)
		minute, err2 := strconv.Atoi(m)
		if err1 == nil && err2 == nil && hour >= 0 && minute >= 0 && minute < 60 && hour*60+minute <= 24*60 {
			return hour*60 + minute, nil
		}
	}
	if f, err := strconv.ParseFloat(cell, 64); err == nil && f >= 0 && f <= 1 {
		return int(math.Round(f * 24 * 60)), nil
	}
	return 0, Wrong(fmt.Sprintf("%q 不是时间", clip(cell)), "写成 08:30 的形式")
}

// ClockText writes what Clock reads.
func ClockText(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

// Degrees reads a longitude or latitude in degrees between the bounds.
func Degrees(cell string, low, top float64) (float64, error) {
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil || math.IsNaN(v) || v < low || v > top {
		return 0, Wrong(fmt.Sprintf("%q 不是 %g 到 %g 之间的度数", clip(cell), low, top), "写成小数形式的度，例如 119.3080")
	}
	return v, nil
}

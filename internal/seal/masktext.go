package seal

import "unicode"

// MaskText hides phone numbers, identity numbers, bank cards and number plates in free text for public
// and partner views. It keeps the number of characters and every other character.
//
// A phone keeps its first three digits only — its last four are half of the secret that opens a case by
// receipt code —, an identity number its first and last, a bank card nothing but its last four. Numbers
// split by single blanks, dashes or dots and full-width digits are found, invisible characters between
// digits are ignored. Rather too much is hidden than too little, but dates, amounts, 9-, 12- and 15-digit
// grid codes and case numbers (350102-20260608-000123) stay. Numbers spelled in Chinese characters and
// 7- or 8-digit line numbers without area code are not found.
func MaskText(s string) string {
	text := []rune(s)
	maskPlates(text)
	for at := 0; at < len(text); {
		var groups []group
		groups, at = cluster(text, at)
		maskCluster(text, groups)
	}
	return string(text)
}

// group is an unbroken run of digits: their values and places.
type group struct {
	digits []rune
	at     []int
}

// cluster reads the next chain of groups that are joined by single separators, and says where to go on.
func cluster(text []rune, at int) ([]group, int) {
	for at < len(text) {
		if _, ok := digit(text[at]); ok {
			break
		}
		at++
	}
	var groups []group
	var g group
	for ; at < len(text); at++ {
		r := text[at]
		if d, ok := digit(r); ok {
			g.digits, g.at = append(g.digits, d), append(g.at, at)
			continue
		}
		if letter(r) == 'X' && len(g.digits) > 0 { // check digit of an identity number
			if closes(groups, g) {
				g.digits, g.at = append(g.digits, 'X'), append(g.at, at)
				at++
			}
			break
		}
		if unicode.Is(unicode.Cf, r) { // zero-width and direction marks
			continue
		}
		if len(g.digits) == 0 || !joins(r) {
			break
		}
		groups = append(groups, g)
		g = group{}
	}
	if len(g.digits) > 0 {
		groups = append(groups, g)
	}
	return groups, at
}

// closes reports whether the open group and the last groups before it are the 17 digits before an X.
func closes(groups []group, open group) bool {
	sum := len(open.digits)
	for i := len(groups) - 1; i >= 0 && sum < 17; i-- {
		sum += len(groups[i].digits)
	}
	return sum == 17
}

// joins reports whether r may stand between the parts of one number.
func joins(r rune) bool {
	switch r {
	case ' ', '\u00a0', '\u3000', '-', '－', '–', '—', '.', '·', '•', '_', '/':
		return true
	}
	return false
}

// maskCluster hides the longest numbers first, from the left.
func maskCluster(text []rune, groups []group) {
	for i := 0; i < len(groups); {
		n, front, back := match(groups[i:])
		if n == 0 {
			i++
			continue
		}
		var at []int
		for _, g := range groups[i : i+n] {
			at = append(at, g.at...)
		}
		for _, p := range at[front : len(at)-back] {
			stars(text, p, p+1)
		}
		i += n
	}
}

// match says how many groups from the first on make one personal number (0: none) and how many digits
// may stay visible in front and at the back.
func match(groups []group) (n, front, back int) {
	var all []rune
	long := true // each group but the last has at least four digits: cards and split identity numbers
	for i, g := range groups {
		all = append(all, g.digits...)
		if len(all) > 19 && i > 0 {
			break
		}
		if f, b, ok := personal(all, len(groups[0].digits), i, long); ok {
			n, front, back = i+1, f, b
		}
		long = long && len(g.digits) >= 4
	}
	return n, front, back
}

// personal judges digits that were written in splits+1 groups, the first of them with lead digits.
func personal(d []rune, lead, splits int, long bool) (front, back int, ok bool) {
	n := len(d)
	whole := splits == 0
	switch {
	case isMobile(d):
		return 3, 0, true
	case n > 11 && n <= 15 && isMobile(d[n-11:]) && isPrefix(d[:n-11]):
		return n - 8, 0, true
	case n >= 10 && n <= 12 && d[0] == '0' && d[1] != '0' && (whole || (splits <= 2 && (lead == 3 || lead == 4))): // area code 3–4, line 7–8
		return 3, 0, true
	case n == 18 && (whole || long) && isDate(d[6:14], true), n == 15 && (whole || long) && isDate(d[6:12], false):
		return 1, 1, true
	case n >= 16 && n <= 19 && (whole || (long && !(lead == 8 && isDate(d[:8], true)))): // 20260608-20260609 is a span of days
		return 0, 4, true
	case whole && n > 19: // several numbers run together
		return 0, 0, true
	case whole && n >= 12 && holdsMobile(d):
		return 0, 0, true
	}
	return 0, 0, false
}

func isMobile(d []rune) bool { return len(d) == 11 && d[0] == '1' && d[1] >= '3' }

func holdsMobile(d []rune) bool {
	for i := 0; i+11 <= len(d); i++ {
		if isMobile(d[i : i+11]) {
			return true
		}
	}
	return false
}

// isPrefix knows 86, 086, 0086 and the trunk 0 before a mobile number.
func isPrefix(d []rune) bool {
	switch string(d) {
	case "86", "086", "0086", "0":
		return true
	}
	return false
}

// isDate reads the birth date in an identity number, YYYYMMDD or (before 1999) YYMMDD.
func isDate(d []rune, century bool) bool {
	if century {
		if c := string(d[:2]); c != "18" && c != "19" && c != "20" {
			return false
		}
		d = d[2:]
	}
	month, day := (d[2]-'0')*10+d[3]-'0', (d[4]-'0')*10+d[5]-'0'
	return month >= 1 && month <= 12 && day >= 1 && day <= 31
}

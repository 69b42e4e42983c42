package seal

import (
	"strings"
	"unicode"
)

// MaskPhone is a phone number as staff see it by default: a mobile keeps its first three and last four
// digits (138****5678), a longer line number two and two, anything short nothing. Blanks, dashes and +86
// are dropped.
func MaskPhone(phone string) string {
	var digits []rune
	for _, r := range phone {
		if d, ok := digit(r); ok {
			digits = append(digits, d)
		}
	}
	if len(digits) == 13 && digits[0] == '8' && digits[1] == '6' {
		digits = digits[2:]
	}
	switch n := len(digits); {
	case phone == "":
		return ""
	case n == 11:
		return string(digits[:3]) + "****" + string(digits[7:])
	case n >= 8:
		return string(digits[:2]) + "****" + string(digits[n-2:])
	default:
		return "****"
	}
}

// MaskName keeps the first character and hides the length of the rest: 张三 and 张三丰 both become 张*.
func MaskName(name string) string {
	for _, r := range name {
		if unicode.IsLetter(r) {
			return string(r) + "*"
		}
	}
	if name == "" {
		return ""
	}
	return "*"
}

// stars replaces characters [from, to) of a text that are digits or letters and leaves its separators.
func stars(text []rune, from, to int) {
	for i := from; i < to; i++ {
		if unicode.IsLetter(text[i]) || unicode.IsDigit(text[i]) {
			text[i] = '*'
		}
	}
}

// digit reads ASCII and full-width digits.
func digit(r rune) (rune, bool) {
	if r >= '０' && r <= '９' {
		r -= '０' - '0'
	}
	return r, r >= '0' && r <= '9'
}

// letter reads ASCII and full-width Latin letters as upper case; anything else gives 0.
func letter(r rune) rune {
	if (r >= 'Ａ' && r <= 'Ｚ') || (r >= 'ａ' && r <= 'ｚ') {
		r -= 'Ａ' - 'A'
	}
	if r >= 'a' && r <= 'z' {
		r -= 'a' - 'A'
	}
	if r < 'A' || r > 'Z' {
		return 0
	}
	return r
}

// provinces begin a number plate (GA 36); 使 and 领 are diplomatic and consular.
const provinces = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"

// maskPlates finds a province, a letter, at most one separator, then five or six letters and digits of
// which at least three are digits; province and letter stay (闽A*****).
func maskPlates(text []rune) {
	for i := 0; i+6 < len(text); i++ {
		if !strings.ContainsRune(provinces, text[i]) || letter(text[i+1]) == 0 {
			continue
		}
		from := i + 2
		if joins(text[from]) {
			from++
		}
		end, digits := from, 0
		for end < len(text) && end-from < 6 {
			_, isDigit := digit(text[end])
			if !isDigit && letter(text[end]) == 0 && !(end-from >= 4 && strings.ContainsRune("学警港澳挂领使", text[end])) {
				break
			}
			if isDigit {
				digits++
			}
			end++
		}
		if end-from >= 5 && digits >= 3 {
			stars(text, from, end)
			i = end - 1
		}
	}
}

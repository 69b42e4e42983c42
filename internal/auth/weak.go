package auth

import "strings"

// roots are what the passwords of leaked lists are made of, as people here type them: words, names of this place and
// office, and rows of the keyboard. With the digits and signs around them taken away, most of the top entries of twelve
// and more characters are one of these, or several in a row.
var roots = []string{
	"password", "passw0rd", "p@ssw0rd", "p@ssword", "passwd", "password!", "welcome", "letmein", "iloveyou", "woaini", "admin", "administrator", "root", "user",
	"test", "guest", "login", "default", "changeme", "secret", "master", "superman", "sunshine", "princess", "football", "dragon", "monkey", "shadow",
	"qwertyuiop", "qwerty", "qwert", "asdfghjkl", "asdfgh", "asdf", "zxcvbnm", "zxcvbn", "zxcv", "1qaz2wsx3edc4rfv", "1qaz2wsx3edc", "1qaz2wsx", "1qaz", "2wsx", "3edc", "4rfv",
	"1q2w3e4r5t6y", "1q2w3e4r5t", "1q2w3e4r", "q1w2e3r4t5y6", "q1w2e3r4", "qazwsxedc", "qazwsx", "zaq12wsx", "!qaz@wsx", "!qaz", "@wsx", "#edc", "abcd", "abc", "aaa", "5201314", "1314520", "woaiwojia",
	"yixian", "gulou", "fuzhou", "fujian", "jiedao", "wangge", "zhongguo", "china", "beijing", "huawei", "wechat", "weixin", "alibaba", "taobao", "sandbox",
}

// weak reports whether a password is one that is tried first: made of roots, of the user's own name, of a row of
// neighbouring characters, or of a short piece repeated, with nothing but a few digits and signs beside it.
func weak(username, password string) bool {
	p := strings.ToLower(password)
	if u := strings.ToLower(username); len(u) >= 3 {
		p = strings.ReplaceAll(p, u, "")
	}
	for _, r := range roots { // longest first within each family, so that a prefix does not spoil the longer one
		p = strings.ReplaceAll(p, r, "")
	}
	p = strings.Trim(p, "0123456789!@#$%^&*()-_=+.,?~ ")
	return different([]rune(p)) < 5
}

// different counts the characters that are not the one before, its neighbour in the alphabet, or what a short
// repetition foretells.
func different(p []rune) int {
	n := 0
	for i, r := range p {
		foretold := false
		for back := 1; back <= 4 && back <= i; back++ {
			foretold = foretold || p[i-back] == r
		}
		if i > 0 && (p[i-1]-r == 1 || r-p[i-1] == 1) {
			foretold = true
		}
		if !foretold {
			n++
		}
	}
	return n
}

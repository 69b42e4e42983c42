package notify

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"yixian/internal/seal"
)

// Locales that every template has.
const (
	Chinese = "zh-CN"
	English = "en"
)

// kind is the type of a placeholder: how its value is checked and written.
type kind int

const (
	words   kind = iota // a name or a coded reason; cleaned, at most maxWords characters
	receipt             // receipt code
	caseNo              // case number
	instant             // RFC 3339 → local wall time
	clock               // kind of a deadline, named in the reader's language
	level               // L1–L3
	link                // absolute URL that opens a case: secret
	code                // one-time code: secret
)

// placeholders is all that a template may ask for. There is no address, no name and no phone number of a person
// in it, and that is the point: what cannot be written in a template cannot leak by one.
var placeholders = map[string]kind{
	"matter": words, "place": words, "unit": words, "units": words, "reason": words,
	"result": words, "order": words, "request": words, "budget": words,
	"incident": words, "card": words, "count": words, "today": words, "overdue": words, "month": words, "change": words,
	"receipt_code": receipt, "case_no": caseNo,
	"promise": instant, "due": instant, "ack_due": instant, "until": instant,
	"clock": clock, "level": level, "link": link, "code": code,
}

// clockNames are the deadlines of domain 4b in both languages.
var clockNames = map[string]map[string]string{
	Chinese: {"ACCEPT": "受理", "VERIFY": "核实", "SIGN": "签收", "CONTACT": "先行联系", "RETURN": "退单", "ACK": "应答", "CHECKIN": "报到", "HANDLE": "处置",
		"CHECK": "核查", "ARBITRATE": "裁定", "SUPERVISE_REPLY": "督办回复", "RATING": "评价", "CALLBACK": "回访", "RESUME": "恢复", "CONFIRM": "呼叫确认", "STAGE": "阶段处置"},
	English: {"ACCEPT": "acceptance", "VERIFY": "verification", "SIGN": "signing", "CONTACT": "first contact", "RETURN": "return", "ACK": "acknowledgement", "CHECKIN": "check-in", "HANDLE": "handling",
		"CHECK": "the check", "ARBITRATE": "arbitration", "SUPERVISE_REPLY": "the supervision reply", "RATING": "rating", "CALLBACK": "callback", "RESUME": "resumption", "CONFIRM": "the confirmation of a call", "STAGE": "the stage"},
}

const maxWords = 60

var (
	receiptForm = regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{8}$`)
	caseNoForm  = regexp.MustCompile(`^[0-9A-Z-]{1,40}$`)
	levelForm   = regexp.MustCompile(`^L[123]$`)
	codeForm    = regexp.MustCompile(`^[0-9]{6}$`)
	linkForm    = regexp.MustCompile(`^https?://[^\s/?#]+/[A-Za-z0-9/_\-]{1,120}$`)
	// china has had no summer time since 1991: a fixed zone needs no zone data on the machine.
	china = time.FixedZone("CST", 8*3600)
)

// levelNames is how people say the level of a call.
var levelNames = map[string]string{"L1": "一级", "L2": "二级", "L3": "三级"}

// write gives the value as it stands in the text, and as it is kept: the same, but for secrets.
func (k kind) write(locale, value string) (said, kept string, err error) {
	switch k {
	case words:
		said = clean(value)
		if said == "" {
			return "", "", fmt.Errorf("is empty")
		}
		return said, said, nil
	case instant:
		t, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return "", "", fmt.Errorf("is not an RFC 3339 instant")
		}
		format := "1月2日15:04"
		if locale == English {
			format = "2 Jan 15:04"
		}
		said = t.In(china).Format(format)
		return said, said, nil
	case clock:
		name, ok := clockNames[locale][value]
		if !ok {
			return "", "", fmt.Errorf("is not a known clock")
		}
		return name, name, nil
	case link:
		if !linkForm.MatchString(value) {
			return "", "", fmt.Errorf("is not a plain link")
		}
		return value, value[:strings.LastIndexByte(value, '/')+1] + "******", nil
	case code:
		if !codeForm.MatchString(value) {
			return "", "", fmt.Errorf("is not a six-digit code")
		}
		return value, "******", nil
	case level:
		if !levelForm.MatchString(value) {
			return "", "", fmt.Errorf("is not a level of a call")
		}
		if locale == Chinese {
			value = levelNames[value]
		}
		return value, value, nil
	}
	form := map[kind]*regexp.Regexp{receipt: receiptForm, caseNo: caseNoForm}[k]
	if !form.MatchString(value) {
		return "", "", fmt.Errorf("has not the form %s", form)
	}
	return value, value, nil
}

// clean makes a name fit for one line of a text message: no line breaks or control characters, no phone or identity
// numbers, nothing that a phone would turn into a link, and not longer than a name is.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
	s = strings.NewReplacer("://", " ", "www.", "").Replace(s)
	s = strings.Join(strings.Fields(seal.MaskText(s)), " ")
	if r := []rune(s); len(r) > maxWords {
		s = string(r[:maxWords-1]) + "…"
	}
	return s
}

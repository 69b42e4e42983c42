package seal_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"yixian/internal/seal"
)

func TestMaskPhone(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"13812345678": "138****5678", "+86 138-1234-5678": "138****5678", "１３８１２３４５６７８": "138****5678",
		"0591-87654321": "05****21", "87654321": "87****21", "12345": "****", "110": "****", "": "", "电话": "****",
	} {
		require.Equal(t, want, seal.MaskPhone(in), in)
	}
}

func TestMaskName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"张三": "张*", "张三丰": "张*", " 李": "李*", "John Smith": "J*", "": "", "123": "*", "😀": "*"} {
		require.Equal(t, want, seal.MaskName(in), in)
	}
}

func TestMaskText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		// phones
		"联系13812345678谢谢":             "联系138********谢谢",
		"138 1234 5678、139-1234-5678": "138 **** ****、139-****-****",
		"电话１３８１２３４５６７８":               "电话１３８********",
		"+8613812345678":              "+86138********",
		"0086 138 1234 5678":          "0086 138 **** ****",
		"138\u200b1234\u200b5678":     "138\u200b****\u200b****",
		"0591-87654321转8":             "059*-********转8",
		"1.3.8.1.2.3.4.5.6.7.8":       "1.3.8.*.*.*.*.*.*.*.*",
		"1381234567813912345678":      "**********************",
		"3栋13812345678":               "3栋138********",
		"13812345678 13912345678":     "138******** 139********",
		"5-13812345678":               "5-138********",
		// identity numbers
		"身份证350102199001011234。": "身份证3****************4。",
		"35010219900101123X":     "3****************X",
		"350102 19900101 123x":   "3***** ******** ***x",
		"350102900101123":        "3*************3",
		"３５０１０２１９９００１０１１２３Ｘ": "３****************Ｘ",
		// bank cards
		"卡6222021234567890123":    "卡***************0123",
		"6222 0212 3456 7890 123": "**** **** **** ***0 123",
		"6222-0212-3456-7890":     "****-****-****-7890",
		// plates
		"闽A12345挡住通道": "闽A*****挡住通道", "闽A·D12345": "闽A·******", "闽ad12345": "闽a******", "粤Ｂ１２３４５": "粤Ｂ*****", "粤Z1234港": "粤Z*****",
		// what stays
		"案卷350102-20260608-000123":                  "案卷350102-20260608-000123",
		"网格350102004001001、社区350102004001":          "网格350102004001001、社区350102004001",
		"2026-06-08 09:00 到 2026-06-09 18:30":       "2026-06-08 09:00 到 2026-06-09 18:30",
		"20260608-20260609停水":                       "20260608-20260609停水",
		"五一北路128号3栋502,拨打12345或110":                 "五一北路128号3栋502,拨打12345或110",
		"(119.3080, 26.0875) 距 50 米,1,234,567.89 元": "(119.3080, 26.0875) 距 50 米,1,234,567.89 元",
		"新款AirPods京东PLUS":                           "新款AirPods京东PLUS",
		"":                                          "",
	} {
		require.Equal(t, want, seal.MaskText(in), in)
	}
}

func TestMaskTextIsLinear(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"1", "1 ", "13 ", "闽A", "闽A1234", "13812345678 ", "x", "1\u200b", "17 1X"} {
		s := strings.Repeat(unit, 1_000_000/len(unit))
		require.Equal(t, utf8.RuneCountInString(s), utf8.RuneCountInString(seal.MaskText(s)), unit)
	}
}

var (
	bareMobile = regexp.MustCompile(`(^|[^0-9])1[3-9][0-9]{9}([^0-9]|$)`)
	bareCard   = regexp.MustCompile(`[0-9]{16,}`)
)

func FuzzMaskText(f *testing.F) {
	for _, s := range []string{"联系13812345678", "138 1234 5678", "35010219900101123X", "闽A·12345", "6222 0212 3456 7890 123", "\xff1", "1-1-1-1X"} {
		f.Add(s, "前", "后")
	}
	f.Fuzz(func(t *testing.T, s, before, after string) {
		out := seal.MaskText(s)
		require.True(t, utf8.ValidString(out))
		require.Equal(t, len([]rune(s)), utf8.RuneCountInString(out), "one character for one")
		in, masked := []rune(s), []rune(out)
		for i := range in {
			require.True(t, masked[i] == in[i] || masked[i] == '*', "only stars are put in")
		}
		require.NotRegexp(t, bareMobile, out)
		require.NotRegexp(t, bareCard, out)
		// A number is found whatever non-digits stand around it.
		planted := seal.MaskText(before + "请13912345678打" + after)
		require.NotContains(t, planted, "13912345678")
	})
}

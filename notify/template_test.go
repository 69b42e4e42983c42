package notify_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"yixian/notify"
)

// values has one valid value for every placeholder, and what it looks like in either language.
var values = map[string][3]string{
	"matter": {"暴露垃圾", "暴露垃圾", "暴露垃圾"}, "place": {"东街街道军门社区", "东街街道军门社区", "东街街道军门社区"},
	"unit": {"区城管局", "区城管局", "区城管局"}, "units": {"区城管局、区建设局", "区城管局、区建设局", "区城管局、区建设局"}, "reason": {"不属于政府职责", "不属于政府职责", "不属于政府职责"},
	"receipt_code": {"7K2M9QXA", "7K2M9QXA", "7K2M9QXA"}, "case_no": {"350102-20260608-000123", "350102-20260608-000123", "350102-20260608-000123"},
	"promise": {"2026-06-08T07:00:00Z", "6月8日15:00", "8 Jun 15:00"}, "due": {"2026-06-09T18:30:00+08:00", "6月9日18:30", "9 Jun 18:30"}, "ack_due": {"2026-06-08T09:40:00+08:00", "6月8日09:40", "8 Jun 09:40"},
	"until": {"2026-06-15T06:00:00Z", "6月15日14:00", "15 Jun 14:00"}, "result": {"不属实", "不属实", "不属实"}, "order": {"督办", "督办", "督办"},
	"request": {"延期", "延期", "延期"}, "incident": {"防汛", "防汛", "防汛"}, "card": {"黄牌", "黄牌", "黄牌"}, "count": {"5", "5", "5"}, "today": {"2", "2", "2"}, "overdue": {"1", "1", "1"}, "change": {"+10", "+10", "+10"}, "month": {"2026-05", "2026-05", "2026-05"}, "budget": {"1 个工作日", "1 个工作日", "1 个工作日"},
	"clock": {"HANDLE", "处置", "handling"}, "level": {"L2", "二级", "L2"},
	"link": {"https://yixian.example/c/q3TzZ0aJ-_8yqkB2m1xYwA", "https://yixian.example/c/q3TzZ0aJ-_8yqkB2m1xYwA", "https://yixian.example/c/q3TzZ0aJ-_8yqkB2m1xYwA"},
	"code": {"246810", "246810", "246810"},
}

func allData() map[string]string {
	data := map[string]string{}
	for name, v := range values {
		data[name] = v[0]
	}
	return data
}

// All templates, both languages: every placeholder is written, none is left, and none may be missing.
func TestEveryTemplateRenders(t *testing.T) {
	t.Parallel()
	keys := notify.Default().Keys()
	require.Greater(t, len(keys), 100)
	for _, key := range keys {
		for i, locale := range []string{notify.Chinese, notify.English} {
			title, text, err := notify.Render(key, locale, allData())
			require.NoError(t, err, key)
			require.NotEmpty(t, title)
			require.NotContains(t, title+text, "{", key)
			for _, name := range notify.Default().Placeholders(key) {
				require.Contains(t, title+text, values[name][i+1], "%s %s {%s}", key, locale, name)
				data := allData()
				delete(data, name)
				_, _, err := notify.Render(key, locale, data)
				require.ErrorContains(t, err, "{"+name+"}", key)
			}
			require.LessOrEqual(t, len([]rune(text)), 280, "%s: more than four parts of a long SMS", key)
		}
	}
}

// Domain 4e as far as it is built: who is told of which event, by which channel.
func TestTheMatrixHasItsTemplates(t *testing.T) {
	t.Parallel()
	for key := range strings.FieldsSeq(`
		submitted.reporter.SMS submitted.reporter.APP submitted.worker.APP submitted.district.APP
		dispatched.reporter.APP dispatched.reporter.SMS dispatched.unit.APP dispatched.unit.SMS dispatched.follower.APP
		signed.reporter.APP contact.reporter.APP returned.reporter.APP returned.street.SMS disputed.reporter.APP disputed.district.SMS
		arbitrated.unit.SMS arbitrated.supervisor.APP called.target.APP called.target.SMS called.leader.APP called.leader.SMS called.reporter.APP
		acked.street.APP checked_in.reporter.APP checked_in.target.APP ack_overdue.leader.APP ack_overdue.leader.SMS
		checkin_overdue.target.SMS checkin_overdue.leader.SMS checkin_overdue.district.APP checkin_overdue.supervisor.APP
		resolved.reporter.APP resolved.checker.APP resolved.checker.SMS check_failed.unit.SMS closed.reporter.SMS closed.reporter.APP
		reopened.reporter.APP reopened.unit.SMS reminder_50.unit.APP reminder_80.unit.SMS overdue_100.reporter.APP overdue_100.leader.SMS
		overdue_150.supervisor.APP overdue_200.supervisor.SMS supervisor_task.supervisor.APP otp.resident.SMS
		rejected.reporter.SMS rejected.reporter.APP rejected.district.APP rejected_again.reporter.SMS appealed.reporter.APP appealed.district.APP appeal_accepted.reporter.SMS
		merged.reporter.APP merged.district.APP merged_unnumbered.reporter.APP merged_unnumbered.district.APP verify_task.worker.APP verify_task.worker.SMS verified.district.APP
		disputed.arbitrator.APP disputed.arbitrator.SMS disputed.street.SMS disputed.supervisor.APP arbitrate_overdue.arbitrator.SMS arbitrate_overdue.supervisor.APP
		suspend_requested.district.APP suspend_requested.supervisor.APP extend_requested.district.APP extend_requested.supervisor.APP
		suspended.reporter.SMS suspended.unit.APP suspended.street.APP suspended.district.APP extended.reporter.SMS extended.unit.APP extended.street.APP extended.district.APP
		request_declined.unit.APP answered.reporter.APP answered.reporter.SMS resumed.reporter.APP resumed.unit.APP
		supervised.unit.SMS supervised.leader.SMS supervised.street.APP supervised.district.APP replied.supervisor.APP urged.unit.SMS urged.street.APP urged.district.APP
		consulted.unit.SMS assist_done.unit.APP voided.reporter.APP withdrawn.reporter.APP verify_reminder_80.unit.SMS verify_overdue_100.unit.SMS verify_overdue_100.leader.SMS
		reminder_80.arbitrator.APP call_withdrawn.target.APP`) {
		require.True(t, notify.Default().Has(key), key)
	}
	require.Equal(t, "called.target.SMS", notify.Key("called", "target", notify.SMS))
}

func TestWordsOfTheContract(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"called.reporter.APP":     "已呼叫 区城管局、区建设局",
		"checked_in.reporter.APP": "区城管局 已到现场",
		"returned.reporter.APP":   "正在确定负责单位",
		"otp.resident.SMS":        "您的验证码是 246810，5 分钟内有效。",
	} {
		_, text, err := notify.Render(key, "", allData())
		require.NoError(t, err)
		require.Contains(t, text, want)
	}
}

func TestOTPHoldsNoOtherSixDigits(t *testing.T) {
	t.Parallel()
	digits := regexp.MustCompile(`[0-9]{6}`)
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.StringMatching(`[0-9]{6}`).Draw(t, "code")
		locale := rapid.SampledFrom([]string{notify.Chinese, notify.English}).Draw(t, "locale")
		title, text, err := notify.Render("otp.resident.SMS", locale, map[string]string{"code": code})
		if err != nil || len(digits.FindAllString(title+" "+text, -1)) != 1 || digits.FindString(text) != code {
			t.Fatalf("%q %q %v", title, text, err)
		}
	})
}

// Whatever stands in a name, a text message stays one line without numbers of persons or foreign links.
func TestWordsAreCleaned(t *testing.T) {
	t.Parallel()
	_, text, err := notify.Render("checked_in.reporter.APP", "", map[string]string{"matter": "垃圾\r\n【官方】 13912345678 http://evil.example", "unit": strings.Repeat("局", 200)})
	require.NoError(t, err)
	require.NotContains(t, text, "13912345678")
	require.NotContains(t, text, "://")
	require.NotContains(t, text, "\n")
	require.Less(t, len([]rune(text)), 140)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		_, text, err := notify.Render("contact.reporter.APP", "", map[string]string{"matter": "x", "unit": s})
		if err == nil && (strings.ContainsAny(text, "\r\n\x00") || strings.Contains(text, "://") || len([]rune(text)) > 100) {
			t.Fatalf("%q", text)
		}
	})
}

func TestBadValuesAreRefusedAndNotRepeated(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"matter": "\n ", "receipt_code": "7K2M9QXI", "case_no": "13912345678 张三", "promise": "2026-06-08 15:00", "due": "soon", "until": "15 Jun", "budget": "\n ", "result": "\n ", "order": "\n ", "request": "\n ", "incident": "\n ", "card": "\n ", "count": "\n ",
		"clock": "NOSUCH", "level": "L9", "link": "javascript:alert(1)", "code": "12345x",
	} {
		for _, key := range notify.Default().Keys() {
			for _, used := range notify.Default().Placeholders(key) {
				if used != name {
					continue
				}
				data := allData()
				data[name] = value
				_, _, err := notify.Render(key, "", data)
				require.ErrorContains(t, err, "{"+name+"}", key)
				require.NotContains(t, err.Error(), value)
			}
		}
	}
	_, _, err := notify.Render("called.target.SMS", "", map[string]string{"phone": "13912345678"})
	require.ErrorContains(t, err, "unknown placeholder {phone}")
	_, _, err = notify.Render("nothing.nobody.SMS", "", nil)
	require.Error(t, err)
}

func TestTemplatesAreCheckedAtSave(t *testing.T) {
	t.Parallel()
	ok := notify.Template{Event: "called", Audiences: []string{"target"}, Channels: []string{"SMS"},
		Chinese: notify.Wording{Title: "呼叫", Text: "{unit}"}, English: notify.Wording{Title: "Call", Text: "{unit}"}}
	_, err := notify.NewTemplates([]notify.Template{ok})
	require.NoError(t, err)
	_, err = notify.NewTemplates([]notify.Template{ok, ok})
	require.ErrorContains(t, err, "twice")
	for want, spoil := range map[string]func(*notify.Template){
		"unknown placeholder {address}": func(t *notify.Template) { t.Chinese.Text, t.English.Text = "{address}", "{address}" },
		"placeholders differ":           func(t *notify.Template) { t.English.Text = "{matter}" },
		"brace":                         func(t *notify.Template) { t.Chinese.Text = "{unit" },
		"one-time codes":                func(t *notify.Template) { t.Chinese.Text, t.English.Text = "{code}", "{code}" },
		"title or in the inbox": func(t *notify.Template) {
			t.Channels, t.Chinese.Text, t.English.Text = []string{"APP"}, "{link}", "{link}"
		},
		"zh-CN and en": func(t *notify.Template) { t.English = notify.Wording{} },
		"needs an":     func(t *notify.Template) { t.Audiences = nil },
		"channel":      func(t *notify.Template) { t.Channels = []string{"sms"} },
		"audience":     func(t *notify.Template) { t.Audiences = []string{"a.b"} },
	} {
		bad := ok
		spoil(&bad)
		_, err := notify.NewTemplates([]notify.Template{bad})
		require.ErrorContains(t, err, want)
	}
	_, err = notify.ParseTemplates([]byte(`[{"evnt":"x"}]`))
	require.Error(t, err)
}

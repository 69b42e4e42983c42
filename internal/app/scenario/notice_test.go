package scenario

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func wordings(zh, en string) obj {
	return obj{"zh": obj{"title": "呼叫", "text": zh}, "en": obj{"title": "Call", "text": en}}
}

// The administrator writes a wording, sees it of a real case as it would be sent, and the next call is told in it.
func TestOwnWordingIsPreviewedAndSent(t *testing.T) {
	p := start(t)
	adm, so := p.staff("adm1"), p.staff("so1")
	const key = "/admin/templates/dispatched.unit.SMS"
	own := wordings("【城运】案件 {case_no} 在{place}，请于 {promise} 前办结。", "[Centre] case {case_no} in {place}, due {promise}.")
	adm.post(key+"/preview", obj{"wording": own}).code(404, "NO_SAMPLE")
	id := p.resident(1).report("06010").ok(201).str("case_id")
	p.anyone().get("/sandbox/messages").ok(200)

	sent := p.messages("so1", "dispatched")
	require.NotEmpty(t, sent)
	shown := adm.post(key+"/preview", obj{}).ok(200)
	require.Contains(t, texts(sent), shown.str("text"), "the preview is what was sent")
	shown = adm.post(key+"/preview", obj{"wording": own}).ok(200)
	require.True(t, strings.HasPrefix(shown.str("text"), "【城运】案件 3501"), shown.str("text"))
	require.NotContains(t, texts(p.messages("so1", "dispatched")), shown.str("text"), "a preview is not sent")
	english := adm.post(key+"/preview", obj{"wording": own, "locale": "en"}).ok(200)
	require.Contains(t, english.str("text"), "[Centre] case")

	adm.do("PUT", key, own).ok(204)
	again := adm.do("PUT", key, own)
	again.code(409, "STALE")
	second := p.resident(2).report("06010", obj{"point": north(near(), 150)}).ok(201).str("case_id")
	require.NotEqual(t, id, second)
	require.Contains(t, strings.Join(texts(p.messages("so1", "dispatched")), "\n"), "【城运】案件 ")
	adm.do("DELETE", key, nil).ok(204)
	adm.do("DELETE", key, nil).code(404, "NOT_FOUND")
	so.do("PUT", key, own).code(403, "FORBIDDEN")
	p.staff("sup1").get("/admin/templates").code(403, "FORBIDDEN")

	for pointer, bad := range map[string]obj{
		"/zh/text":  wordings("{address}", "{address}"),
		"/en/text":  wordings("{matter}", "see https://evil.example/x"),
		"/zh/title": {"zh": obj{"title": "<b>", "text": "{matter}"}, "en": obj{"title": "x", "text": "{matter}"}},
	} {
		r := adm.do("PUT", key, bad).code(422, "BAD_TEMPLATE")
		require.Contains(t, string(r.Raw), `"pointer":"`+pointer+`"`)
	}
	adm.do("PUT", key, wordings("{budget}", "{budget}")).code(422, "BAD_TEMPLATE") // known, but a dispatch fills none
	adm.do("PUT", key, wordings("{matter}", "no placeholder")).code(422, "BAD_TEMPLATE")
	adm.do("PUT", "/admin/templates/dispatched.unit.APP", wordings("{link}", "{link}")).code(422, "BAD_TEMPLATE")
	adm.do("PUT", "/admin/templates/nothing.unit.APP", own).code(404, "NOT_FOUND")
}

func texts(list []obj) []string {
	var out []string
	for _, m := range list {
		out = append(out, m["text"].(string))
	}
	return out
}

// The matrix is the district's: a row that is switched off is told to nobody, one that is moved rings later.
func TestMatrixIsTheDistrictsOwn(t *testing.T) {
	p := start(t)
	adm := p.staff("adm1")
	row := func(key string) obj {
		for _, r := range adm.get("/admin/notices/matrix").ok(200).list("items") {
			if r["key"] == key {
				return r
			}
		}
		return nil
	}
	require.Equal(t, "2m0s", row("called.target.SMS")["after"])
	adm.do("PUT", "/admin/notices/matrix/called.target.SMS", obj{"on": true, "after": "4m"}).ok(204)
	adm.do("PUT", "/admin/notices/matrix/called.target.VOICE", obj{"on": false}).ok(204)
	adm.do("PUT", "/admin/notices/matrix/dispatched.reporter.SMS", obj{"on": true}).ok(204)
	require.Equal(t, "4m0s", row("called.target.SMS")["after"])
	require.Equal(t, false, row("called.target.VOICE")["on"])
	adm.do("PUT", "/admin/notices/matrix/otp.resident.SMS", obj{"on": false}).code(422, "INVALID")
	adm.do("PUT", "/admin/notices/matrix/called.target.SMS", obj{"on": true, "after": "soon"}).code(422, "INVALID")

	id := p.resident(1).report("06001").ok(201).str("case_id")
	require.Len(t, p.messages("13900000001", "dispatched"), 2, "inbox and, now, SMS")
	p.at("06-08 09:10")
	p.staff("so1").act(id, "sign", obj{}).ok(200)
	p.staff("sl1").act(id, "call", obj{"level": "L2", "reason": "NO_POWER", "targets": []obj{{"unit": "D-CG", "lead": true}}}).ok(200)
	p.at("06-08 09:13")
	require.Equal(t, []string{"APP"}, channels(p.messages("cg1", "called")))
	p.at("06-08 09:30")
	require.Equal(t, []string{"APP", "SMS"}, channels(p.messages("cg1", "called")))
}

func channels(list []obj) []string {
	var out []string
	for _, m := range list {
		out = append(out, m["channel"].(string))
	}
	return out
}

// Between 22:00 and 07:00 no resident's phone rings, but for P1; staff on duty are told at once.
func TestQuietHours(t *testing.T) {
	p := start(t)
	p.at("06-08 23:30")
	p.resident(1).report("06010").ok(201)
	require.Equal(t, []string{"APP"}, channels(p.messages("13900000001", "submitted")))
	require.Contains(t, channels(p.messages("so1", "dispatched")), "SMS")
	p.resident(2).report("01057", obj{"text": "燃气味很大，请马上来人"}).ok(201)
	require.Contains(t, channels(p.messages("13900000002", "submitted")), "SMS", "P1 wakes")
	p.at("06-09 06:59")
	require.Equal(t, []string{"APP"}, channels(p.messages("13900000001", "submitted")))
	p.at("06-09 07:00")
	require.Equal(t, []string{"APP", "SMS"}, channels(p.messages("13900000001", "submitted")))

	adm := p.staff("adm1")
	settings := adm.get("/admin/notices/settings").ok(200).Body
	require.Equal(t, "22:00", settings["quiet_from"])
	settings["quiet_from"] = "25:00"
	adm.do("PUT", "/admin/notices/settings", settings).code(422, "INVALID")
	settings["quiet_from"] = "21:00"
	settings["webhook_hosts"] = []string{"127.0.0.1"}
	adm.do("PUT", "/admin/notices/settings", settings).code(422, "INVALID")
	settings["webhook_hosts"] = []string{"api.example.gov.cn"}
	adm.do("PUT", "/admin/notices/settings", settings).ok(204)
	require.Equal(t, "21:00", adm.get("/admin/notices/settings").ok(200).str("quiet_from"))

	// At eight everybody with something to do hears how much: as many as the list behind it shows. Leaders hear on Mondays.
	so := p.staff("so1")
	so.do("PUT", "/me/notices", obj{"refused": []string{}, "email": "so1@example.org"}).ok(204)
	p.staff("adm1").do("PUT", "/admin/notices/settings", obj{"quiet_from": "22:00", "quiet_to": "07:00", "digest_at": "08:30", "fold_over": 5, "webhook_hosts": []string{}}).ok(204)
	p.at("06-09 08:29")
	require.Empty(t, p.messages("so1", "digest"))
	p.at("06-09 08:30")
	tasks := so.get("/tasks").ok(200).list("items")
	require.Len(t, tasks, 2)
	told := p.messages("so1", "digest")
	require.ElementsMatch(t, []string{"APP", "EMAIL"}, channels(told))
	require.Contains(t, told[0]["text"], "待办 2 件，其中已超期 ")
	require.Empty(t, p.messages("cg1", "digest"), "who has nothing to do is not disturbed")
	require.Empty(t, p.messages("sl1", "digest"))
	p.at("06-10 08:30")
	require.Len(t, p.messages("so1", "digest"), 4)
	p.at("06-15 08:30")
	require.Len(t, p.messages("sl1", "digest"), 1)
}

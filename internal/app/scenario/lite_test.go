package scenario

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// browser is somebody without JavaScript: cookies, links and forms.
type browser struct {
	p    *program
	http *http.Client
	root string
}

func (p *program) browser() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(p.t, err)
	return &browser{p, &http.Client{Jar: jar}, strings.TrimSuffix(p.base, "/api/v1")}
}

// page is an answer with the address it came from in the end.
type page struct {
	t      *testing.T
	status int
	body   string
	path   string
	header http.Header
}

func (g *page) says(status int, texts ...string) *page {
	g.t.Helper()
	require.Equal(g.t, status, g.status, "%s", g.body)
	for _, text := range texts {
		require.Contains(g.t, g.body, text)
	}
	return g
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)"`)

// form is the hidden fields of the form that is sent to an address, the token first.
func (g *page) form(action string) [][2]string {
	g.t.Helper()
	_, rest, ok := strings.Cut(g.body, `action="`+action+`"`)
	require.True(g.t, ok, "no form for %s in %s", action, g.body)
	rest, _, _ = strings.Cut(rest, "</form>")
	var out [][2]string
	for _, m := range hidden.FindAllStringSubmatch(rest, -1) {
		out = append(out, [2]string{m[1], strings.NewReplacer("&#34;", `"`, "&#43;", "+", "&amp;", "&").Replace(m[2])})
	}
	require.Equal(g.t, "csrf", out[0][0])
	return out
}

func (b *browser) do(req *http.Request) *page {
	b.p.t.Helper()
	resp, err := b.http.Do(req)
	require.NoError(b.p.t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(b.p.t, err)
	return &page{b.p.t, resp.StatusCode, string(raw), resp.Request.URL.RequestURI(), resp.Header}
}

func (b *browser) get(path string) *page {
	b.p.t.Helper()
	req, err := http.NewRequestWithContext(b.p.t.Context(), http.MethodGet, b.root+path, nil)
	require.NoError(b.p.t, err)
	return b.do(req)
}

// post sends fields as a form, or as multipart with photos; header pairs follow.
func (b *browser) post(path string, fields [][2]string, photos [][]byte, header ...string) *page {
	b.p.t.Helper()
	var body bytes.Buffer
	kind := "application/x-www-form-urlencoded"
	if photos == nil {
		v := url.Values{}
		for _, f := range fields {
			v.Add(f[0], f[1])
		}
		body.WriteString(v.Encode())
	} else {
		w := multipart.NewWriter(&body)
		for _, f := range fields {
			require.NoError(b.p.t, w.WriteField(f[0], f[1]))
		}
		for i, photo := range photos {
			part, err := w.CreateFormFile("photo", fmt.Sprintf("%d.jpg", i))
			require.NoError(b.p.t, err)
			_, err = part.Write(photo)
			require.NoError(b.p.t, err)
		}
		require.NoError(b.p.t, w.Close())
		kind = w.FormDataContentType()
	}
	req, err := http.NewRequestWithContext(b.p.t.Context(), http.MethodPost, b.root+path, &body)
	require.NoError(b.p.t, err)
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return b.do(req)
}

func with(form [][2]string, more ...string) [][2]string {
	for i := 0; i+1 < len(more); i += 2 {
		form = append(form, [2]string{more[i], more[i+1]})
	}
	return form
}

var receiptOf = regexp.MustCompile(`<dd class="code">([0-9A-Z]{8})</dd>`)

// TestLite: a report with a photo, its receipt, its progress and its rating by plain forms alone.
func TestLite(t *testing.T) {
	p := start(t)
	b := p.browser()
	dis := p.staff("dis1")
	cases := func() []obj { return dis.get("/cases").ok(200).list("items") }

	// Reading changes nothing and needs no session.
	first := b.get("/lite/").says(200, "反映身边的问题", "只用于告知办理结果", "东街")
	require.Contains(t, first.header.Get("Content-Security-Policy"), "default-src 'none'")
	require.NotContains(t, first.header.Get("Content-Security-Policy"), "script-src")
	b.get("/lite/?lang=en").says(200, "Report a problem nearby")
	b.get("/lite/?lang=zh")
	// Large letters for who asks for them, on every page after it, until taken back.
	b.get("/lite/?text=large").says(200, `class="large"`)
	b.get("/lite/c/").says(200, `class="large"`)
	b.get("/lite/c/?text=huge").says(200, `class="large"`)
	require.NotContains(t, b.get("/lite/?text=normal").body, `class="large"`)
	var sessions int
	count := func() int {
		require.NoError(t, p.db.Engine.Pool.QueryRow(t.Context(), "select count(*) from session").Scan(&sessions))
		return sessions
	}
	before := count()
	b.get("/lite/")
	b.get("/lite/c/")
	require.Equal(t, before, count())

	// Nothing is believed without the page's own token, from another site, or with another browser's token.
	blank := b.get("/lite/").form("/lite/")
	filled := []string{"text", "路边井盖坏了，很危险", "area", "350102004001", "address", "津泰路 12 号旁", "matter", "06010", "phone", "13900000001"}
	b.post("/lite/", with(blank[1:], filled...), [][]byte{}).says(403, "页面已过期")
	b.post("/lite/", with(blank, filled...), [][]byte{}, "Sec-Fetch-Site", "cross-site").says(403, "其他网站")
	p.browser().post("/lite/", with(blank, filled...), [][]byte{}).says(403, "页面已过期")
	require.Empty(t, cases())

	// What is wrong is said where it is wrong, everything that was right is kept.
	b.post("/lite/", with(b.get("/lite/").form("/lite/"), "text", "坏", "phone", "12"), [][]byte{}).says(422, "请选一张照片，或写至少 5 个字", "请选择所在社区", "请输入 11 位手机号", `value="12"`)
	b.post("/lite/", with(b.get("/lite/").form("/lite/"), filled...), [][]byte{[]byte("GIF89a no photo")}).says(422, `href="#photo"`, "津泰路 12 号旁")
	long := with(b.get("/lite/").form("/lite/"), "text", strings.Repeat("长", 2001), "area", "350102004001", "address", "x", "phone", "13900000001")
	b.post("/lite/", long, [][]byte{}).says(422, "太长")
	require.Empty(t, cases())

	// Photo, community, address, phone: a code is sent; a wrong one is refused and may be mended.
	ask := b.post("/lite/", with(b.get("/lite/").form("/lite/"), filled...), [][]byte{smallPhoto(t)}).says(200, "输入短信验证码", "13900000001")
	require.Empty(t, cases())
	wrong := b.post("/lite/code", with(ask.form("/lite/code"), "code", "000000"), nil).says(401, `id="code"`, "错误：")
	codes := p.messages("13900000001", "otp")
	code := sixDigits.FindString(codes[len(codes)-1]["text"].(string))
	done := b.post("/lite/code", with(wrong.form("/lite/code"), "code", code), nil).says(200, "已收到，马上办", "路边井盖坏了，很危险", "津泰路 12 号旁")
	require.Len(t, cases(), 1)
	require.Equal(t, "SUBMITTED", cases()[0]["state"], "the middle of a community is no place: a dispatcher puts it right")
	receipt := receiptOf.FindStringSubmatch(done.body)[1]

	// The same page sent again is the same report; a GET of a scanner changes nothing.
	again := b.post("/lite/code", with(wrong.form("/lite/code"), "code", code), nil).says(200)
	require.Equal(t, receipt, receiptOf.FindStringSubmatch(again.body)[1])
	require.Len(t, cases(), 1)
	link, _, _ := strings.Cut(done.path, "?")
	for _, verb := range []string{"urge", "withdraw", "rate"} {
		require.Equal(t, 405, b.get(link+"/"+verb).status)
	}

	// The page with scripts opens a session without losing one that was opened here.
	guest := p.anyone().post("/auth/guest?keep=true", nil).ok(200).str("token")
	(&who{p: p, token: guest}).post("/auth/guest?keep=true", nil).ok(204)
	(&who{p: p, token: guest}).get("/me").ok(200)

	// Another phone looks it up by receipt and tail, sees the photo, and knows nothing with a wrong tail.
	other := p.browser()
	other.post("/lite/c/", with(other.get("/lite/c/").form("/lite/c/"), "code", receipt, "tail", "9999"), nil).says(404, "没有找到")
	found := other.post("/lite/c/", with(other.get("/lite/c/").form("/lite/c/"), "code", strings.ToLower(receipt), "tail", "0001"), nil).says(200, receipt, "路边井盖坏了")
	photo := regexp.MustCompile(`<img src="(/lite/photo/[^"]+)"`).FindStringSubmatch(found.body)[1]
	require.Equal(t, "image/jpeg", other.get(photo).says(200).header.Get("Content-Type"))
	other.get(photo[:len(photo)-1] + "0x").says(404)
	other.get("/lite/c/"+strings.Repeat("A", 22)).says(404, "没有找到")

	// Add a photo, urge once a day, and rate once after the case was closed.
	found = other.post(link+"/add", with(found.form(link+"/add"), "text", "又下雨了，更危险"), [][]byte{smallPhoto(t)}).says(200, "已补充")
	urge := found.form(link + "/urge")
	found = other.post(link+"/urge", urge, nil).says(200, "已催办")
	require.NotContains(t, found.body, `action="`+link+`/urge"`)
	other.post(link+"/urge", with(found.form(link+"/add")), nil).says(429)

	id := cases()[0]["id"].(string)
	dis.act(id, "file", obj{"matter": "06010", "grid": "350102004001001"}).ok(200)
	so, gw := p.staff("so1"), p.staff("gw1")
	so.act(id, "sign", obj{}).ok(200)
	so.act(id, "contact", obj{"method": "PHONE"}).ok(200)
	so.act(id, "resolve", so.done()).ok(200)
	if dis.thing(id).str("state") == "RESOLVED" {
		gw.act(id, "check_pass", obj{"media_ids": []string{gw.photo()}, "point": dis.thing(id).Body["point"]}).ok(200)
	}
	closed := other.get(link).says(200, "这件事办得怎么样", "处置后照片")
	rate := closed.form(link + "/rate")
	other.post(link+"/rate", with(rate, "grade", "5"), nil).says(422, "并回答两个问题")
	other.post(link+"/rate", with(rate, "grade", "5", "contacted", "yes", "resolved", "yes"), nil).says(200, "谢谢您的评价")
	other.post(link+"/rate", with(rate, "grade", "5", "contacted", "yes", "resolved", "yes"), nil).says(200, "谢谢您的评价") // the same again
	other.post(link+"/rate", with(rate[:1], "grade", "1", "contacted", "yes", "resolved", "yes"), nil).says(409, "评价过")

	// "I met it too" from the page: told, without learning anything of the report.
	third := p.resident(3)
	near2 := p.resident(2).report("06010", obj{"text": "门牌 7 号家里的事不公开", "point": north(near(), 5)}).ok(201)
	near3 := third.get(fmt.Sprintf("/reports/nearby?lon=%v&lat=%v&datum=WGS84&matter=06010", near()["lon"], near()["lat"])).ok(200).list("items")
	require.Equal(t, near2.str("case_id"), near3[0]["case_id"])
	follow := "/reports/nearby/" + near2.str("case_id") + "/follow"
	p.anyone().post(follow, nil).ok(401)
	joined := third.post(follow, nil).ok(200)
	require.NotContains(t, string(joined.Raw), "门牌")
	third.post(follow, nil).ok(200)
	p.resident(2).post(follow, nil).code(409, "OWN_REPORT")
	third.post("/reports/nearby/"+id+"/follow", nil).code(404, "NOT_FOUND") // closed
	require.Len(t, third.get("/me/followed").ok(200).list("items"), 1)
}

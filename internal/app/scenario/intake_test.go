package scenario

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"hash/crc32"
	"maps"
	"math/bits"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"yixian/internal/app"
	"yixian/internal/pg"
)

// pictures is the folder of the project's test pictures, which are not part of this repository.
const pictures = "../../../../shared/data/images"

// jpegWith puts a segment behind the start of a JPEG.
func jpegWith(file []byte, marker byte, body string) []byte {
	out := append([]byte{}, file[:2]...)
	out = append(out, 0xff, marker, byte((len(body)+2)>>8), byte(len(body)+2))
	return append(append(out, body...), file[2:]...)
}

// pngHeader is a PNG that is nothing but the promise of its size.
func pngHeader(w, h uint32) []byte {
	body := append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("IHDR"), w), h), 8, 6, 0, 0, 0)
	out := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(body))
}

// gpsNote is an EXIF block with a place: degrees, minutes, seconds with their hemispheres.
func gpsNote(latRef string, lat [3]byte, lonRef string, lon [3]byte) string {
	var b bytes.Buffer
	le := func(v uint32, n int) {
		for range n {
			b.WriteByte(byte(v))
			v >>= 8
		}
	}
	b.WriteString("Exif\x00\x00II*\x00\x08\x00\x00\x00")
	le(1, 2) // one entry: the GPS directory at 26
	le(0x8825, 2)
	le(4, 2)
	le(1, 4)
	le(26, 4)
	le(0, 4)
	le(4, 2)
	for _, f := range []struct {
		tag   uint32
		ref   string
		value uint32
	}{{1, latRef, 0}, {2, "", 80}, {3, lonRef, 0}, {4, "", 104}} {
		le(f.tag, 2)
		if f.ref != "" {
			le(2, 2)
			le(2, 4)
			b.WriteString(f.ref + "\x00\x00\x00")
			continue
		}
		le(5, 2)
		le(3, 4)
		le(f.value, 4)
	}
	le(0, 4)
	for _, v := range [][3]byte{lat, lon} {
		for _, n := range v {
			le(uint32(n), 4)
			le(1, 4)
		}
	}
	return b.String()
}

// Photos of every kind: each of the shared set behaves as its row says; what is no photo is refused by its content, whatever it is
// called; nothing foreign comes back; places that cannot be are ignored and said so; and a photo is seen by whom it is for only.
// Security rows 5, 6, 7 and 8.
func TestPhotosFromAnywhere(t *testing.T) {
	p := start(t)
	res, other := p.resident(1), p.resident(2)
	const canary = "YIXIAN-CANARY-19900001111"
	base := smallPhoto(t)
	shown := func(m obj) (all []byte) {
		t.Helper()
		for _, size := range []string{"full", "thumb"} {
			r := res.get("/media/" + m["id"].(string) + "?size=" + size).ok(200)
			require.Equal(t, []string{"image/jpeg", "nosniff", "sandbox; default-src 'none'", `inline; filename="photo.jpg"`},
				[]string{r.Header.Get("Content-Type"), r.Header.Get("X-Content-Type-Options"), r.Header.Get("Content-Security-Policy"), r.Header.Get("Content-Disposition")})
			all = append(all, r.Raw...)
		}
		return all
	}
	for name, raw := range map[string][]byte{
		"jpeg and zip": append(bytes.Clone(base), "PK\x03\x04"+canary...), "jpeg and html": append(bytes.Clone(base), "<html><script>"+canary+"</script>"...), "comment": jpegWith(base, 0xfe, "<script>"+canary),
		"xmp": jpegWith(base, 0xe1, "http://ns.adobe.com/xap/1.0/\x00<x>"+canary+"</x>"), "icc": jpegWith(base, 0xe2, "ICC_PROFILE\x00\x01\x01"+canary), "iptc": jpegWith(base, 0xed, "Photoshop 3.0\x008BIM"+canary),
	} {
		require.Contains(t, string(raw), canary)
		out := shown(res.upload(name+".jpg", raw).ok(201).Body)
		for _, foreign := range []string{canary, "<script", "PK\x03\x04", "Exif", "adobe"} {
			require.NotContains(t, string(out), foreign, name)
		}
	}
	for name, raw := range map[string]string{"photo.jpg": `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`, "x.png": "<!doctype html><script>alert(1)</script>", "gifar.jpg": "GIF89a\x01\x00\x01\x00\x00\x00\x00;PK\x03\x04",
		"film.jpg": "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", "paper.jpg": "%PDF-1.7\n", "phone.heic": "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1"} {
		res.upload(name, []byte(raw)).code(415, "UNSUPPORTED_MEDIA")
	}
	res.upload("cut.jpg", base[:len(base)/2]).code(422, "BROKEN_IMAGE")
	res.upload("empty.jpg", nil).code(422, "BROKEN_IMAGE")
	res.upload("bomb.png", pngHeader(50_000, 50_000)).code(422, "IMAGE_TOO_BIG")
	// A gigabyte is refused by what it says of its size, before any of it is sent.
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimSuffix(strings.TrimPrefix(p.base, "http://"), "/api/v1"))
	require.NoError(t, err)
	_, err = fmt.Fprintf(conn, "POST /api/v1/media HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n", res.token, 1<<30)
	require.NoError(t, err)
	early, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusRequestEntityTooLarge, early.StatusCode)
	_ = early.Body.Close()
	_ = conn.Close()

	for name, c := range map[string]struct{ note, hint string }{
		"nowhere":       {gpsNote("N", [3]byte{}, "E", [3]byte{}), "GPS_ZERO"},
		"out of range":  {gpsNote("N", [3]byte{119, 18, 0}, "E", [3]byte{26, 5, 0}), "GPS_INVALID"},
		"other side":    {gpsNote("N", [3]byte{26, 5, 15}, "W", [3]byte{119, 18, 29}), "GPS_MIRRORED"},
		"southern half": {gpsNote("S", [3]byte{26, 5, 15}, "E", [3]byte{119, 18, 29}), "GPS_MIRRORED"},
	} {
		m := res.upload(name, jpegWith(base, 0xe1, c.note)).ok(201)
		require.Nil(t, m.Body["point"], name)
		require.Equal(t, []any{c.hint}, m.Body["hints"], name)
	}
	here := res.upload("here.jpg", jpegWith(base, 0xe1, gpsNote("N", [3]byte{26, 5, 15}, "E", [3]byte{119, 18, 29}))).ok(201)
	require.Nil(t, here.Body["hints"])
	require.InDelta(t, 26.0875, here.Body["point"].(obj)["lat"], 1e-6)

	// Nobody else's session opens it, not even with the link that was made for its owner; a link that was changed is 403.
	link := strings.TrimPrefix(here.str("url"), "/api/v1")
	res.get(link).ok(200)
	other.get("/media/"+here.str("id")).code(404, "NOT_FOUND")
	p.anyone().get("/media/"+here.str("id")).code(401, "UNAUTHENTICATED")
	other.get(strings.Replace(link, "&s=", "&s=x", 1)).code(403, "LINK_EXPIRED")
	other.get("/media/"+strings.Repeat("0", 32)).code(404, "NOT_FOUND")

	rows, err := os.ReadFile(filepath.Join(pictures, "MANIFEST.csv"))
	if err != nil {
		t.Log("the shared picture set is not here: its part is skipped")
		return
	}
	list, err := csv.NewReader(bytes.NewReader(rows)).ReadAll()
	require.NoError(t, err)
	for _, row := range list[1:] {
		raw, err := os.ReadFile(filepath.Join(pictures, row[0]))
		require.NoError(t, err)
		got := res.upload(row[0], raw)
		require.Less(t, got.Status, 500, row[0])
		switch row[0] {
		case "truncated.jpg":
			got.code(422, "BROKEN_IMAGE")
		case "tiny.heif":
			require.Contains(t, got.code(415, "UNSUPPORTED_MEDIA").str("detail"), "HEIC")
		case "portrait_8.jpg":
			require.EqualValues(t, 600, got.ok(201).Body["height"], "upright")
		case "gps_gulou_wgs84.jpg":
			at := got.ok(201).Body["point"].(obj)
			r := res.report("06010", obj{"point": at, "media_ids": []string{got.str("id")}})
			if r.Status == 422 { // fixture F has two streets of the real ten
				r.code(422, "OUT_OF_AREA")
				continue
			}
			require.True(t, strings.HasPrefix(r.ok(201).str("street"), "350102"), "routed to a street of 鼓楼")
		case "gps_arezzo.jpg":
			require.InDelta(t, 43.467448, got.ok(201).Body["point"].(obj)["lat"], 1e-4)
		default:
			got.ok(201)
		}
		if got.Status == 201 {
			require.NotContains(t, string(shown(got.Body)), "Exif", row[0])
		}
	}
}

// Whatever somebody types: no answer is a 500, and what is stored reads as it was meant. Security rows 9 (at the door) and 20.
func TestWordsFromAnywhere(t *testing.T) {
	log := &captured{}
	p := start(t, log)
	res, so, dis := p.resident(1), p.staff("so1"), p.staff("dis1")
	say := func(text string, more ...obj) *reply {
		t.Helper()
		r := res.report("06010", append([]obj{{"text": text}}, more...)...)
		require.Less(t, r.Status, 500, "%q", text[:min(len(text), 40)])
		return r
	}
	stored := func(r *reply) string {
		t.Helper()
		return dis.thing(r.ok(201).str("case_id")).str("text")
	}
	require.Contains(t, []int{413, 422}, say(strings.Repeat("长", 1_000_000)).Status)
	say(strings.Repeat("字", 2001)).code(422, "INVALID")
	for _, blank := range []string{"", "     ", "\t\n\r \u3000\u00a0", "\u202e\u202d\u202e\u202d\u202e", "\x01\x02\x03\x04\x05\x06"} {
		say(blank).code(422, "INVALID")
	}
	require.Equal(t, "井盖松动\n很危险", stored(say("井\x00盖\x07松\x1b动\r\n很危险\x00")))
	require.Equal(t, "路灯abc坏了很久", stored(say("路灯\u202eabc\u202c坏了\u2066很久\u2069")))
	require.Equal(t, "垃圾桶满了😷🗑️👨‍👩‍👧", stored(say("垃圾桶满了😷🗑️👨‍👩‍👧")))
	payload := `<img src=x onerror=alert(1)>'; drop table cases; --` + "\n{\"level\":\"ERROR\"}"
	require.Equal(t, payload, stored(say(payload)), "a text is a text")
	require.NotContains(t, log.String(), "drop table")
	for _, sql := range []string{"'", "' or 1=1 --", "\\", "%", "\x00", "{{7*7}}"} {
		for _, path := range []string{"/cases?q=", "/cases?cursor=", "/cases?unit=", "/matters?q=", "/reports/nearby?lon=119.3&lat=26.08&datum=WGS84&matter="} {
			require.Less(t, dis.get(path+strings.NewReplacer("%", "%25", " ", "%20", "'", "%27", "\\", "%5C", "\x00", "%00", "{", "%7B", "}", "%7D").Replace(sql)).Status, 500, "%s%q", path, sql)
		}
	}
	id := say("路面塌陷了一块").ok(201).str("case_id")
	for _, text := range []string{"\x00", "有\x00空字符", strings.Repeat("长", 300_000), "\ufeff\u200b"} {
		require.Less(t, so.act(id, "note", obj{"text": text}).Status, 500, "%q", text[:min(len(text), 20)])
	}
	for _, bad := range []obj{{"occurred_at": "2099-01-01T00:00:00Z"}, {"occurred_at": "1970-01-01T00:00:00Z"}, {"occurred_at": "gestern"}, {"contact_name": strings.Repeat("名", 41)}, {"phone": "12345"}, {"external_ref": strings.Repeat("9", 101)}} {
		r := say("井盖松动了请来看看", bad).code(422, "INVALID")
		for field := range bad {
			require.Equal(t, "/"+field, r.list("errors")[0]["pointer"])
		}
	}
	say("昨天就坏了没人来修", obj{"occurred_at": "2026-06-07T09:00:00+08:00"}).ok(201)
	say("网格里没有的\u0000地方", obj{"address": "五四路\x00一号", "contact_name": "张\x00三"}).ok(201)
	require.NotContains(t, log.String(), "level=ERROR")
	p.forge(log)
}

// forge writes a line of a log into every field, header and path that a request has: the log holds one line of each request and none
// that was forged (security row 20).
func (p *program) forge(log *captured) {
	p.t.Helper()
	const line = "\n{\"level\":\"ERROR\",\"msg\":\"forged\"}"
	const other = "\r\nlevel=ERROR msg=forged"
	requests := func() int { return strings.Count(log.String(), "msg=request ") }
	res := p.resident(1)
	before, n := requests(), 0
	ask := func(r *reply) { n++; require.Less(p.t, r.Status, 500, "%s", r.Raw) }
	for _, text := range []string{line, other} {
		for _, field := range []string{"text", "address", "contact_name", "phone", "matter", "external_ref", "occurred_at", "media_ids", "submission_key", text} {
			ask(res.report("06010", obj{field: text}))
		}
		for _, body := range []obj{{"username": text, "password": text}, {"phone": text, "code": text}, {"device": text, text: text}} {
			ask(p.anyone().post("/auth/login", body))
			ask(p.anyone().post("/auth/otp", body))
		}
		for _, path := range []string{"/cases/%s", "/cases?q=%s", "/reports/%s", "/nothing/%s", "/media/%s"} {
			ask(res.get(fmt.Sprintf(path, url.PathEscape(text))))
		}
	}
	require.Eventually(p.t, func() bool { return requests()-before == n }, time.Minute, 10*time.Millisecond, "one line of each request")
	for at := range strings.Lines(log.String()) {
		require.True(p.t, strings.HasPrefix(at, "time="), "a line that the program did not write: %s", at)
		require.NotRegexp(p.t, `^\S+ level=ERROR|^\S+ \S+ msg=forged`, at)
	}
}

// What limits are for, with the limits of every day: security rows 4, 13, 14, 15 and 23.
func TestLimitsAtTheDoor(t *testing.T) {
	t.Parallel()
	p := startWith(t, func(c *app.Config) { c.OTPPerHour = 20 })
	p.anyone().post("/sandbox/reset", obj{"limits": true}).ok(200)
	res, crowd := p.resident(1), p.resident(5)
	code := res.report("06010").ok(201).str("receipt_code")

	// 13: five wrong codes burn the right one; of many right ones at once exactly one signs in.
	p.anyone().post("/auth/otp", obj{"phone": "13900000002"}).ok(202)
	sent := p.messages("13900000002", "otp")
	right := sixDigits.FindString(sent[len(sent)-1]["text"].(string))
	for i := range 5 {
		p.anyone().post("/auth/otp/verify", obj{"phone": "13900000002", "code": fmt.Sprintf("%06d", (i+1)*111)}).ok(401)
	}
	p.anyone().post("/auth/otp/verify", obj{"phone": "13900000002", "code": right}).ok(401)
	p.anyone().post("/auth/otp", obj{"phone": "13900000003"}).ok(202)
	right = sixDigits.FindString(p.messages("13900000003", "otp")[0]["text"].(string))
	var wg sync.WaitGroup
	in := make([]int, 16)
	for i := range in {
		wg.Go(func() { in[i] = p.anyone().post("/auth/otp/verify", obj{"phone": "13900000003", "code": right}).Status })
	}
	wg.Wait()
	n := 0
	for _, s := range in {
		if s == 200 {
			n++
		}
	}
	require.Equal(t, 1, n, "%v", in)

	// 14, 15, 23: one a minute for a number; numbers that are none are refused; twenty an hour for an address whatever it says of
	// itself; and a number that nobody has is answered like one that somebody has.
	p.anyone().post("/auth/otp", obj{"phone": "13900000003"}).ok(429)
	for _, none := range []string{"12345678901", "10086", "+1 202 555 0100", "139000000031"} {
		p.anyone().post("/auth/otp", obj{"phone": none}).code(422, "INVALID")
	}
	strip := func(r *reply) string { delete(r.Body, "request_id"); return fmt.Sprint(r.Status, r.Body) }
	require.Equal(t, strip(p.anyone().post("/auth/otp", obj{"phone": "13900000004"})), strip(p.anyone().post("/auth/otp", obj{"phone": "13711112222"})), "known and unknown alike")
	let, proof := 0, obj(nil)
	for i := range 60 {
		r := p.anyone().do("POST", "/auth/otp", obj{"phone": fmt.Sprintf("1371111%04d", i)}, "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i), "X-Real-IP", fmt.Sprintf("203.0.113.%d", i))
		if r.Status == 202 {
			let++
			continue
		}
		require.Equal(t, 429, r.Status)
		require.NotEmpty(t, r.Header.Get("Retry-After"))
		if r.Body["code"] == "PROOF_NEEDED" && proof == nil {
			proof = obj{"phone": fmt.Sprintf("1371111%04d", i), "proof": solve(r.Body["challenge"].(obj))}
		}
	}
	require.LessOrEqual(t, let, 20)
	require.NotNil(t, proof, "with little left of the budget a code costs a little work")
	p.anyone().post("/auth/otp", proof).ok(202)
	p.anyone().post("/auth/otp", proof).code(429, "PROOF_NEEDED") // once

	// 4: a wrong tail and a code that does not exist are the same 404; after twenty the address is locked, and then not even the right
	// pair is told. Who is signed in as the reporter, and who holds the link, guess nothing.
	require.Equal(t, strip(p.anyone().get("/reports/"+code+"?phone_tail=9999")), strip(p.anyone().get("/reports/ZZZZZZZZ?phone_tail=0001")))
	p.anyone().get("/reports/" + code + "?phone_tail=0001").ok(200)
	last := 0
	for i := range 40 {
		last = p.anyone().get(fmt.Sprintf("/reports/%s?phone_tail=%04d", code, 2000+i)).Status
		require.Contains(t, []int{404, 429}, last)
	}
	require.Equal(t, 429, last)
	p.anyone().get("/reports/"+code+"?phone_tail=0001").code(429, "TOO_MANY")
	mine := res.get("/reports/" + code).ok(200)
	p.anyone().get("/reports/" + mine.str("track_token")).ok(200)

	// Ten reports a day; the retry of one that was taken is answered again, whatever the count says.
	body := obj{"text": "请尽快派人来看一下", "matter": "06010", "point": near()}
	kept := res.do("POST", "/reports", body, "Idempotency-Key", "kept").ok(201)
	for range 8 {
		res.report("06010").ok(201)
	}
	res.report("06010").code(429, "TOO_MANY")
	p.flood(crowd)
	require.Equal(t, kept.str("case_id"), res.do("POST", "/reports", body, "Idempotency-Key", "kept").ok(201).str("case_id"))
}

// solve finds the nonce of a challenge as the page does.
func solve(c obj) obj {
	token, want := c["token"].(string), int(c["bits"].(float64))
	for n := 0; ; n++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s.%d", token, n))
		if bits.LeadingZeros64(binary.BigEndian.Uint64(sum[:])) >= want {
			return obj{"token": token, "nonce": strconv.Itoa(n)}
		}
	}
}

// flood: what comes beyond the count of a grid is taken and waits; the dispatcher sees it in a list, lets it go on or ends it.
// Nothing is lost: received = gone on + refused with a reason + waiting.
func (p *program) flood(crowd *who) {
	t, dis := p.t, p.staff("dis1")
	db, err := pgx.Connect(t.Context(), p.db.URL(pg.RoleOwner))
	require.NoError(t, err)
	defer func() { _ = db.Close(context.WithoutCancel(t.Context())) }()
	_, err = db.Exec(t.Context(), `update tenant set settings = settings || '{"limits": {"flood_grid": 2}}', config_version = config_version + 1 where district = '350102'`)
	require.NoError(t, err)
	var held []string
	report := func() {
		c := dis.thing(crowd.report("06010").ok(201).str("case_id"))
		if c.str("held") == "" {
			require.Equal(t, "DISPATCHED", c.str("state"))
			return
		}
		require.Equal(t, "FLOOD_GRID", c.str("held"))
		require.Equal(t, "SUBMITTED", c.str("state"))
		held = append(held, c.str("id"))
	}
	require.Eventually(t, func() bool { report(); return len(held) > 0 }, 40*time.Second, 3*time.Second, "once the number is in force")
	report()
	report()
	require.Len(t, held, 3)
	waiting := func() []string {
		var ids []string
		for _, c := range dis.get("/cases?held=true&sort=newest").ok(200).list("items") {
			ids = append(ids, c["id"].(string))
		}
		return ids
	}
	require.ElementsMatch(t, held, waiting())
	crowd.get("/cases?held=true").code(403, "FORBIDDEN")
	require.Equal(t, "DISPATCHED", dis.act(held[0], "file", obj{"matter": "06010"}).ok(200).str("state"))
	require.Equal(t, "REJECTED", dis.act(held[1], "reject", obj{"reason": "FALSE_REPORT", "reply": "经核实为短时间内重复提交的内容，不再单独受理，如有新情况请再次反映。"}).ok(200).str("state"))
	require.ElementsMatch(t, held[2:], waiting())
}

// Who has no phone to report with is reported for: at a counter, by a grid worker on patrol, by the hotline. The receipt code can be
// read out or printed, and with the tail of their number they follow it like anybody else.
func TestReportsForSomebodyElse(t *testing.T) {
	p := start(t)
	dis := p.staff("dis1")
	for _, c := range []struct{ who, claimed, source string }{{"co1", "COUNTER", "COUNTER"}, {"so1", "", "STAFF"}, {"gw1", "", "GRID_WORKER"}, {"hot1", "", "HOTLINE_12345"}} {
		w := p.staff(c.who)
		phone := fmt.Sprintf("1990000%04d", len(c.source)*7)
		body := obj{"on_behalf": true, "phone": phone, "contact_name": "郑奶奶", "text": "楼道灯坏了，老人上下楼看不见"}
		if c.claimed != "" {
			body["source"] = c.claimed
		}
		r := w.report("06010", body).ok(201)
		require.Equal(t, c.source, dis.thing(r.str("case_id")).str("source"))
		code := r.str("receipt_code")
		require.Len(t, code, 8)
		seen := p.anyone().get("/reports/" + code + "?phone_tail=" + phone[7:]).ok(200)
		require.Equal(t, body["text"], seen.str("text"))
		p.anyone().get("/reports/"+code+"?phone_tail=0000").code(404, "NOT_FOUND")
		require.NotEmpty(t, p.messages(phone, "submitted"), "the receipt goes to whom it is for")
		require.Contains(t, seen.Body["can"], "urge")
		p.anyone().post("/reports/"+code+"/add?phone_tail="+phone[7:], obj{"text": "还有三楼的也不亮"}).ok(200)
	}
	p.resident(1).report("06010", obj{"source": "COUNTER"}).code(422, "INVALID") // residents claim no other channel
	p.staff("so1").report("06010", obj{"source": "HOTLINE_12345"}).code(422, "INVALID")
	silent := p.staff("hot1").report("06010", obj{"on_behalf": true, "contact_name": "郑奶奶"}).ok(201).str("case_id")
	require.Equal(t, []any{obj{"audience": "reporter", "reason": "NO_CHANNEL"}}, dis.thing(silent).Body["untold"], "nobody can tell her: the centre sees it")
	require.NotContains(t, p.staff("so1").thing(silent).Body, "untold")
	p.visits()
}

// visits: people who live alone are looked in on by a plan; a visit in vain is a case at once, one that nobody made is told to the
// community and the street. Only who visits reads whom.
func (p *program) visits() {
	t := p.t
	co, gw, sup := p.staff("co1"), p.staff("gw1"), p.staff("sup1")
	person := obj{"name": "郑奶奶", "phone": "13600001234", "address": "东街 12 号 3 单元 501", "point": near(), "every_days": 7, "first_at": "2026-06-08T10:00:00+08:00"}
	for _, bad := range []obj{{"every_days": 0}, {"phone": "110"}, {"first_at": "1970-01-01T00:00:00Z"}, {"point": obj{"lon": 119.3080, "lat": 26.0905, "datum": "WGS84"}}} {
		body := maps.Clone(person)
		maps.Copy(body, bad)
		require.Equal(t, 422, co.post("/visits", body).Status, "%v", bad)
	}
	p.anyone().post("/visits", person).ok(401)
	gw.post("/visits", person).code(403, "FORBIDDEN")
	plan := co.post("/visits", person).ok(201)
	id := plan.str("id")
	require.Equal(t, "郑奶奶", gw.get("/visits").ok(200).list("items")[0]["name"])
	require.Empty(t, gw.get("/visits?due=true").ok(200).list("items"))
	require.Empty(t, p.staff("gw2").get("/visits").ok(200).list("items"), "another community's")
	seen := string(sup.get("/visits").ok(200).Raw)
	for _, secret := range []string{"郑奶奶", "13600001234", "3 单元"} {
		require.NotContains(t, seen, secret)
	}
	p.staff("cg1").get("/visits").code(403, "FORBIDDEN")

	done := func(w *who, outcome string, version any, note string) *reply {
		return w.post("/visits/"+id+"/done", obj{"outcome": outcome, "version": version, "note": note})
	}
	done(p.staff("gw2"), "MET", 1, "").code(404, "NOT_FOUND")
	done(gw, "NEEDS_HELP", 1, "").code(422, "INVALID")
	met := done(gw, "MET", 1, "").ok(200).Body["visit"].(obj)
	require.Equal(t, "2026-06-15T09:00:00+08:00", met["due_at"])
	done(gw, "MET", 1, "").code(409, "STALE")

	var both sync.WaitGroup
	answers := make([]*reply, 2)
	for i, w := range []*who{gw, co} {
		both.Go(func() {
			answers[i] = done(w, "NOT_MET", met["version"], "敲门无人应答，邻居说两天没看见人")
		})
	}
	both.Wait()
	if answers[0].Status != 200 {
		answers[0], answers[1] = answers[1], answers[0]
	}
	answers[1].code(409, "STALE")
	c := p.staff("dis1").thing(answers[0].ok(200).str("case_id"))
	require.Equal(t, "25001", c.str("matter"))
	for _, secret := range []string{"郑奶奶", "13600001234", "3 单元"} {
		require.NotContains(t, string(c.Raw), secret)
	}

	p.anyone().post("/sandbox/clock", obj{"set": "2026-06-16T10:00:00+08:00"}).ok(200)
	co, gw = p.staff("co1"), p.staff("gw1")
	for _, name := range []string{"co1", "so1"} {
		told := p.messages(name, "visit_missed")
		require.Len(t, told, 1, name)
		require.NotContains(t, told[0]["text"], "郑奶奶")
	}
	missed := gw.get("/visits").ok(200).list("items")[0]
	require.Equal(t, "MISSED", missed["last_outcome"])
	require.Equal(t, "2026-06-22T09:00:00+08:00", missed["due_at"])
	co.post("/visits/"+id+"/end", obj{"version": 1}).code(409, "STALE")
	co.post("/visits/"+id+"/end", obj{"version": missed["version"]}).ok(204)
	require.Empty(t, gw.get("/visits").ok(200).list("items"))
}

package scenario

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// face is a picture whose middle is striped: what a covered copy must not show.
func face(t *testing.T) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 320, 240))
	for y := range 240 {
		for x := range 320 {
			v := uint8(200)
			if x >= 80 && x < 240 && y >= 60 && y < 180 && x/4%2 == 0 {
				v = 10
			}
			img.SetGray(x, y, color.Gray{Y: v})
		}
	}
	var raw bytes.Buffer
	require.NoError(t, jpeg.Encode(&raw, img, &jpeg.Options{Quality: 95}))
	return raw.Bytes()
}

// stripes is how much neighbours differ in the middle of a picture.
func stripes(t *testing.T, raw []byte) (sum int) {
	t.Helper()
	m, err := jpeg.Decode(bytes.NewReader(raw))
	require.NoError(t, err)
	at := func(x int) int { return int(color.GrayModel.Convert(m.At(x, 120)).(color.Gray).Y) }
	for x := 90; x < 230; x++ {
		d := at(x) - at(x+1)
		sum += max(d, -d)
	}
	return sum
}

// fetch gets an address of this program without a session.
func (p *program) fetch(url string) *reply {
	p.t.Helper()
	return p.anyone().get(strings.TrimPrefix(url, "/api/v1"))
}

func TestOnlyApprovedCopiesOfPhotosArePublic(t *testing.T) {
	p := start(t)
	res := p.resident(1)
	before := res.upload("face.jpg", face(t)).ok(201).str("id")
	id := res.report("06010", obj{"media_ids": []string{before}}).ok(201).str("case_id")
	so, dis := p.staff("so1"), p.staff("dis1")
	so.act(id, "sign", obj{}).ok(200)
	so.act(id, "contact", obj{"method": "PHONE"}).ok(200)
	publish := func(w *who, media string, regions ...obj) *reply {
		return w.post("/cases/"+id+"/photos/"+media+"/public", obj{"regions": append([]obj{}, regions...)})
	}
	middle := obj{"x": 0.25, "y": 0.25, "w": 0.5, "h": 0.5}
	publish(p.staff("cg1"), before, middle).code(404, "NOT_FOUND") // out of its scope
	publish(p.staff("sup1"), before, middle).code(403, "NOT_YOURS")
	publish(res, before, middle).code(403, "FORBIDDEN")
	publish(dis, before, obj{"x": 0.8, "y": 0.2, "w": 0.5, "h": 0.1}).code(422, "INVALID")
	publish(dis, before, obj{"x": -1, "y": 0.2, "w": 0.5, "h": 0.1}).ok(422)
	publish(dis, p.resident(2).photo(), middle).code(404, "NOT_FOUND") // of no case

	first := publish(dis, before, middle).ok(201)
	require.Equal(t, "BEFORE", first.str("stage"))
	p.fetch(first.str("url")).code(404, "NOT_FOUND") // the case is not in the ledger yet
	after := so.upload("after.jpg", face(t)).ok(201).str("id")
	done := so.done()
	done["media_ids"] = []string{after}
	so.act(id, "resolve", done).ok(200)
	second := publish(so, after, middle).ok(201)
	require.Equal(t, "AFTER", second.str("stage"))
	if dis.thing(id).str("state") == "RESOLVED" {
		gw := p.staff("gw1")
		gw.act(id, "check_pass", obj{"media_ids": []string{gw.photo()}, "point": near()}).ok(200)
	}
	one := p.anyone().get("/public/cases").ok(200).list("items")[0]
	require.Equal(t, []any{first.str("url")}, one["before_photos"])
	require.Equal(t, []any{second.str("url")}, one["after_photos"])
	require.NotContains(t, first.str("url"), id)
	require.NotContains(t, first.str("url"), before)

	shown := p.fetch(first.str("url")).ok(200)
	require.Equal(t, []string{"image/jpeg", "nosniff", "sandbox; default-src 'none'"}, []string{shown.Header.Get("Content-Type"), shown.Header.Get("X-Content-Type-Options"), shown.Header.Get("Content-Security-Policy")})
	require.Greater(t, stripes(t, face(t)), 2000, "the control: what was uploaded has a face")
	require.Less(t, stripes(t, shown.Raw), 700, "what is public has none")

	// Two people approve at once: one copy is public.
	var wg sync.WaitGroup
	for _, w := range []*who{dis, so, dis, so} {
		wg.Go(func() { publish(w, before, middle, obj{"x": 0, "y": 0, "w": 0.2, "h": 0.2}).ok(201) })
	}
	wg.Wait()
	list := dis.get("/cases/" + id + "/photos").ok(200).list("items")
	require.Len(t, list, 2)
	p.fetch(first.str("url")).code(404, "NOT_FOUND") // the former copy is gone

	dis.do(http.MethodDelete, "/cases/"+id+"/photos/"+before+"/public", nil).ok(204)
	dis.do(http.MethodDelete, "/cases/"+id+"/photos/"+before+"/public", nil).code(404, "NOT_FOUND")
	for _, x := range list {
		if x["media_id"] == before {
			p.fetch(x["url"].(string)).code(404, "NOT_FOUND")
		}
	}
	require.Empty(t, p.anyone().get("/public/cases").ok(200).list("items")[0]["before_photos"])
	require.Len(t, p.staff("aud1").get("/admin/audit?kind=public_photo").ok(200).list("items"), 7, "six times let out, once taken back")
}

func TestPhotosOfSensitiveCasesStayPrivate(t *testing.T) {
	p := start(t)
	res := p.resident(1)
	photo := res.photo()
	id := res.report("24001", obj{"media_ids": []string{photo}}).ok(201).str("case_id")
	p.staff("dis1").post("/cases/"+id+"/photos/"+photo+"/public", obj{"regions": []obj{}}).code(409, "SENSITIVE")
}

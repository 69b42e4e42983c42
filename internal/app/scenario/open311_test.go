package scenario

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// open311 is what a foreign client sees: status, headers, bytes.
func (p *program) open311(method, path string, form url.Values, more ...string) (*http.Response, string) {
	p.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, strings.TrimSuffix(p.base, "/api/v1")+strings.Replace("/open311/v2/"+path, "/v2/../", "/", 1), body)
	require.NoError(p.t, err)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(more); i += 2 {
		req.Header.Set(more[i], more[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(p.t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(p.t, err)
	require.Equal(p.t, "*", resp.Header.Get("Access-Control-Allow-Origin"), "a browser of another host may read %s", path)
	return resp, string(raw)
}

func jsonList(t *testing.T, raw string) []obj {
	t.Helper()
	var out []obj
	require.NoError(t, json.Unmarshal([]byte(raw), &out), "%s", raw)
	return out
}

const partnerKey = "sandbox-par1"

func lamp(more ...string) url.Values {
	v := url.Values{"api_key": {partnerKey}, "service_code": {"M-01037"}, "lat": {"26.0875"}, "long": {"119.3080"}, "description": {"路灯不亮，联系我 13812345678"}}
	for i := 0; i+1 < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return v
}

func TestOpen311Discovery(t *testing.T) {
	p := start(t)
	resp, raw := p.open311("GET", "discovery.xml", nil)
	require.Equal(t, "text/xml", resp.Header.Get("Content-Type"))
	var doc struct {
		Changeset string `xml:"changeset"`
		Contact   string `xml:"contact"`
		Key       string `xml:"key_service"`
		Endpoints []struct {
			Specification string   `xml:"specification"`
			URL           string   `xml:"url"`
			Type          string   `xml:"type"`
			Formats       []string `xml:"formats>format"`
		} `xml:"endpoints>endpoint"`
	}
	require.NoError(t, xml.Unmarshal([]byte(raw), &doc))
	require.Len(t, doc.Endpoints, 2)
	require.Equal(t, "http://wiki.open311.org/GeoReport_v2", doc.Endpoints[0].Specification)
	require.Equal(t, "test", doc.Endpoints[0].Type)
	require.Len(t, doc.Endpoints[1].Formats, 2)
	require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$`, doc.Changeset)
	resp, raw = p.open311("GET", "discovery.json", nil)
	require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
	require.Contains(t, raw, `"key_service":"http`)
}

func TestOpen311Services(t *testing.T) {
	p := start(t)
	resp, raw := p.open311("GET", "services.json", nil)
	require.Equal(t, "application/json; charset=utf-8", resp.Header.Get("Content-Type"))
	list := jsonList(t, raw)
	require.Greater(t, len(list), 200)
	codes := map[string]obj{}
	for _, s := range list {
		require.Regexp(t, `^M-\d{5}$`, s["service_code"], "never purely numeric")
		codes[s["service_code"].(string)] = s
	}
	require.Equal(t, true, codes["M-06028"]["metadata"])
	require.NotContains(t, codes, "M-24001", "mediation is nobody's business")
	require.NotContains(t, codes, "M-21001", "a whistle-blower's matter")

	resp, raw = p.open311("GET", "services/M-06028.xml", nil)
	require.Equal(t, "text/xml; charset=utf-8", resp.Header.Get("Content-Type"))
	require.True(t, strings.HasPrefix(raw, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<service_definition>"), raw)
	require.Contains(t, raw, "<key>SOCIAL</key>")
	require.Contains(t, raw, "<order>1</order>")
	resp, raw = p.open311("GET", "services/M-99999.json", nil)
	require.Equal(t, http.StatusNotFound, resp.StatusCode)
	require.Equal(t, "service_code M-99999 was not found", jsonList(t, raw)[0]["description"])
	resp, raw = p.open311("GET", "services.xml?jurisdiction_id=999999", nil)
	require.Equal(t, http.StatusNotFound, resp.StatusCode)
	require.Contains(t, raw, "<errors><error><code>404</code>")
}

func TestOpen311Request(t *testing.T) {
	p := start(t)
	resp, raw := p.open311("POST", "requests.json", lamp("api_key", "wrong"))
	require.Equal(t, http.StatusForbidden, resp.StatusCode, raw)
	resp, raw = p.open311("POST", "requests.json", url.Values{"api_key": {partnerKey}})
	require.Equal(t, http.StatusBadRequest, resp.StatusCode)
	require.Len(t, jsonList(t, raw), 2, "all that is missing at once: %s", raw)
	require.Contains(t, raw, "service_code required")
	resp, raw = p.open311("POST", "requests.xml", lamp("lat", "40", "long", "100"))
	require.Equal(t, http.StatusBadRequest, resp.StatusCode)
	require.Contains(t, raw, "OUT_OF_AREA")
	resp, _ = p.open311("POST", "requests.xml", lamp("service_code", "M-00000"))
	require.Equal(t, http.StatusNotFound, resp.StatusCode)

	_, raw = p.open311("POST", "requests.json", lamp("email", "null", "phone", "13900000009", "first_name", "三", "last_name", "张"), "Idempotency-Key", "k-1")
	first := jsonList(t, raw)[0]
	id := first["service_request_id"].(string)
	require.Regexp(t, `^R[0-9A-V]{26}$`, id)
	require.NotContains(t, first, "token")
	_, raw = p.open311("POST", "requests.json", lamp("email", "null", "phone", "13900000009", "first_name", "三", "last_name", "张"), "Idempotency-Key", "k-1")
	require.Equal(t, id, jsonList(t, raw)[0]["service_request_id"], "once")

	resp, raw = p.open311("GET", "requests/"+id+".json", nil, "Content-Type", "text/xml")
	require.Equal(t, http.StatusOK, resp.StatusCode)
	got := jsonList(t, raw)[0]
	require.Equal(t, "open", got["status"])
	require.Equal(t, "IN_PROCESS", got["detailed_status"])
	require.Equal(t, "建设局", got["agency_responsible"])
	require.InDelta(t, 26.0875, got["lat"], 1e-6)
	require.NotNil(t, got["expected_datetime"])
	require.NotContains(t, raw, "13812345678", "numbers in words are masked")
	require.NotContains(t, raw, "13900000009")
	require.Nil(t, got["zipcode"])
	_, raw = p.open311("GET", "requests.xml?start_date=1999-01-01T00:00:00Z&service_request_id="+id, nil)
	require.Contains(t, raw, "<service_request_id>"+id+"</service_request_id>", "an id overrides even wrong dates")
	require.Contains(t, raw, "<zipcode></zipcode>")
	resp, _ = p.open311("GET", "requests.xml?start_date=2026-01-01T00:00:00Z&end_date=2026-06-01T00:00:00Z", nil)
	require.Equal(t, http.StatusBadRequest, resp.StatusCode, "more than ninety days")
	_, raw = p.open311("GET", "requests.json?status=closed", nil)
	require.Equal(t, "[]", raw)
	_, raw = p.open311("GET", "requests.json?status=open&service_code=M-01037&lat=26.0875&long=119.3081&radius=200&extensions=true", nil)
	require.NotEmpty(t, jsonList(t, raw)[0]["notes"])
	_, raw = p.open311("GET", "requests.json?lat=26.0800&long=119.3081&radius=200", nil)
	require.Equal(t, "[]", raw)
	resp, raw = p.open311("GET", "requests.csv", nil)
	require.Equal(t, "text/csv; charset=utf-8", resp.Header.Get("Content-Type"))
	require.True(t, strings.HasPrefix(raw, "service_request_id,requested_datetime,"), raw)
	resp, _ = p.open311("GET", "requests/R123.xml", nil)
	require.Equal(t, http.StatusNotFound, resp.StatusCode)
}

// The boundary of a widespread app is not quoted although it has signs that want quotes; its photo comes as "media".
func TestOpen311MultipartAndUpdates(t *testing.T) {
	p := start(t)
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	require.NoError(t, w.SetBoundary("placeholder"))
	for name, v := range lamp() {
		require.NoError(t, w.WriteField(name, v[0]))
	}
	part, err := w.CreateFormFile("media", "a.jpg")
	require.NoError(t, err)
	_, err = part.Write(smallPhoto(t))
	require.NoError(t, err)
	part, err = w.CreateFormFile("photo2", "b.jpg")
	require.NoError(t, err)
	_, err = part.Write([]byte("no photo at all"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	const boundary = "====1795323783531==="
	raw := strings.ReplaceAll(body.String(), "placeholder", boundary)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, strings.TrimSuffix(p.base, "/api/v1")+"/open311/v2/requests.json", strings.NewReader(raw))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, "%s", answer)
	require.Contains(t, string(answer), "a photo could not be read")
	id := jsonList(t, string(answer))[0]["service_request_id"].(string)

	update := url.Values{"api_key": {partnerKey}, "service_request_id": {id}, "update_id": {"77"}, "status": {"OPEN"}, "description": {"还是不亮，请尽快"}, "updated_datetime": {"2026-06-08T09:00:00+08:00"}}
	for range 2 {
		resp, text := p.open311("POST", "servicerequestupdates.xml", update)
		require.Equal(t, http.StatusOK, resp.StatusCode, text)
		require.Contains(t, text, "<update_id>77</update_id>")
	}
	_, first := p.open311("GET", "servicerequestupdates.xml", nil)
	require.Contains(t, first, "<service_request_updates><request_update><update_id>U")
	require.NotContains(t, first, "还是不亮")
	p.at("06-08 10:00")
	_, again := p.open311("GET", "servicerequestupdates.xml?start_date=2026-06-08T01:30:00Z&end_date=2026-06-08T02:00:00Z", nil)
	require.NotContains(t, again, "<update_id>", "the window is half-open on the domain's clock")
	_, again = p.open311("GET", "servicerequestupdates.xml?service_request_id="+id, nil)
	require.Equal(t, first, again, "the same ids whenever it is asked for")
}

func TestOpen311TokenAndAddress(t *testing.T) {
	p := start(t)
	_, raw := p.open311("GET", "services.json", nil)
	batch := ""
	for _, s := range jsonList(t, raw) {
		if s["type"] == "batch" {
			batch = s["service_code"].(string)
		}
	}
	require.NotEmpty(t, batch)
	_, raw = p.open311("POST", "requests.json", lamp("service_code", batch))
	token := jsonList(t, raw)[0]["token"].(string)
	_, raw = p.open311("GET", "tokens/"+token+".json", nil)
	require.Equal(t, token, jsonList(t, raw)[0]["token"], raw)

	v := lamp("address_string", "军门社区津泰路 12 号")
	v.Del("lat")
	v.Del("long")
	_, raw = p.open311("POST", "requests.json", v)
	id := jsonList(t, raw)[0]["service_request_id"].(string)
	_, raw = p.open311("GET", "requests/"+id+".json", nil)
	got := jsonList(t, raw)[0]
	require.Equal(t, "RECEIVED", got["detailed_status"], "a dispatcher puts the place right first")
	require.NotNil(t, got["lat"])
	require.Equal(t, "军门社区津泰路 12 号", got["address"])
}

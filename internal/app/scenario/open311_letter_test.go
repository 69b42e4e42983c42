package scenario

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	zoned   = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$`) // whole seconds, always a zone
	anyText = regexp.MustCompile(`\S`)
)

// elements lists the names of an XML document's elements in their order, each once.
func elements(t *testing.T, raw string) (out []string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(raw))
	for {
		tok, err := d.Token()
		if err != nil {
			require.EqualError(t, err, "EOF", "%s", raw)
			return out
		}
		if e, ok := tok.(xml.StartElement); ok && !slices.Contains(out, e.Name.Local) {
			out = append(out, e.Name.Local)
		}
	}
}

// The whole conversation of a client with the door, row by row of the standard's table and trap by trap of what real clients trip
// over: one program for all.
func TestOpen311ToTheLetter(t *testing.T) {
	p := start(t)
	get := func(path string, status int) (string, string) {
		t.Helper()
		resp, raw := p.open311("GET", path, nil, "Content-Type", "text/xml") // some send it with every GET
		require.Equal(t, status, resp.StatusCode, "%s %s", path, raw)
		return resp.Header.Get("Content-Type"), raw
	}
	post := func(path string, form url.Values, status int, more ...string) string {
		t.Helper()
		resp, raw := p.open311("POST", path, form, more...)
		require.Equal(t, status, resp.StatusCode, "%s %s", path, raw)
		return raw
	}
	one := func(raw string) obj { t.Helper(); return jsonList(t, raw)[0] }

	// discovery, at the base with and without the version; both forms; every member; two endpoints with two formats each.
	for _, path := range []string{"discovery", "../discovery"} {
		kind, raw := get(path+".json", 200)
		require.Equal(t, "application/json", kind)
		var d obj
		require.NoError(t, json.Unmarshal([]byte(raw), &d))
		for _, name := range []string{"changeset", "contact", "key_service", "endpoints"} {
			require.NotEmpty(t, d[name], name)
		}
		require.Regexp(t, zoned, d["changeset"])
		ends := d["endpoints"].([]any)
		require.Len(t, ends, 2)
		for _, e := range ends {
			require.Equal(t, []any{"text/xml", "application/json"}, e.(obj)["formats"])
			require.Equal(t, []any{"http://wiki.open311.org/GeoReport_v2", "test"}, []any{e.(obj)["specification"], e.(obj)["type"]})
			require.Regexp(t, zoned, e.(obj)["changeset"])
		}
		require.True(t, strings.HasSuffix(ends[0].(obj)["url"].(string), "/open311/v2/"))
		kind, raw = get(path+".xml", 200)
		require.Equal(t, "text/xml", kind)
		require.Equal(t, []string{"discovery", "changeset", "contact", "key_service", "endpoints", "endpoint", "specification", "url", "type", "formats", "format"}, elements(t, raw))
	}

	// services and one of them; both forms say the same.
	kind, raw := get("services.xml", 200)
	require.Equal(t, "text/xml; charset=utf-8", kind)
	require.Equal(t, []string{"services", "service", "service_code", "service_name", "description", "metadata", "type", "keywords", "group"}, elements(t, raw))
	kind, raw = get("services.json?jurisdiction_id=350102", 200)
	require.Equal(t, "application/json; charset=utf-8", kind)
	batch, codes := "", 0
	for _, s := range jsonList(t, raw) {
		require.Regexp(t, `^M-\d{5}$`, s["service_code"], "never a number to a client")
		require.Regexp(t, anyText, s["description"])
		require.Contains(t, []any{"realtime", "batch", "blackbox"}, s["type"])
		require.IsType(t, true, s["metadata"])
		if codes++; s["type"] == "batch" {
			batch = s["service_code"].(string)
		}
	}
	require.Greater(t, codes, 200)
	_, raw = get("services/M-06028.json", 200)
	var def obj
	require.NoError(t, json.Unmarshal([]byte(raw), &def), "one object, no list")
	require.Equal(t, "M-06028", def["service_code"])
	orders := map[any]bool{}
	for _, x := range def["attributes"].([]any) {
		a := x.(obj)
		for _, name := range []string{"variable", "code", "datatype", "required", "datatype_description", "order", "description", "values"} {
			require.Contains(t, a, name)
		}
		require.Contains(t, []any{"string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"}, a["datatype"])
		require.Greater(t, a["order"], 0.0)
		require.False(t, orders[a["order"]], "orders are unique")
		orders[a["order"]] = true
		require.NotEmpty(t, a["values"].([]any)[0].(obj)["key"])
	}
	_, raw = get("services/M-06028.xml", 200)
	require.Equal(t, []string{"service_definition", "service_code", "attributes", "attribute", "variable", "code", "datatype", "required", "datatype_description", "order", "description", "values", "value", "key", "name"}, elements(t, raw))

	// What does not exist is 404, a key that is missing or wrong 403, all else 400; in both forms; with CORS (open311 asks for it).
	for path, status := range map[string]int{"services/M-99999": 404, "services?jurisdiction_id=999999": 404, "requests/Rnothing": 404, "requests/12345": 404, "tokens/T0": 404, "requests?service_code=06028": 404, "requests?jurisdiction_id=1": 404,
		"requests?status=pending": 400, "requests?start_date=gestern": 400, "requests?start_date=2026-01-01T00:00:00Z&end_date=2026-05-01T00:00:00Z": 400, "requests?lat=x&long=1": 400, "servicerequestupdates?start_date=x": 400,
		"inquiries": 404} {
		name, query, _ := strings.Cut(path, "?")
		_, raw := get(name+".json?"+query, status)
		require.NotEmpty(t, one(raw)["description"], path)
		require.EqualValues(t, status, one(raw)["code"], path)
		_, raw = get(name+".xml?"+query, status)
		require.Equal(t, []string{"errors", "error", "code", "description"}, elements(t, raw), path)
	}
	require.Contains(t, post("requests.xml", lamp("api_key", ""), 403), "<code>403</code>")
	require.Contains(t, post("servicerequestupdates.xml", url.Values{"api_key": {"wrong"}}, 403), "<code>403</code>")
	require.Contains(t, post("requests.json", lamp("api_key", "sandbox-so1"), 403), "403", "a person's session is no key")
	_, raw = p.open311("DELETE", "requests.json", nil)
	require.Contains(t, raw, "405")
	resp, _ := p.open311("OPTIONS", "requests.json", nil)
	require.Equal(t, http.StatusNoContent, resp.StatusCode)
	require.Contains(t, resp.Header.Get("Access-Control-Allow-Methods"), "POST")

	// Several things missing are several errors; "CODE required" is what a suite looks for. An empty parameter is none.
	raw = post("requests.json", url.Values{"api_key": {partnerKey}, "service_code": {""}, "lat": {" "}}, 400)
	require.Len(t, jsonList(t, raw), 2, "%s", raw)
	require.Contains(t, raw, `"service_code required"`)
	raw = post("servicerequestupdates.json", url.Values{"api_key": {partnerKey}}, 400)
	require.Len(t, jsonList(t, raw), 3, "%s", raw)
	require.Contains(t, post("requests.json", lamp("long", ""), 400), "lat and long are required together")
	require.Contains(t, post("requests.json", lamp("attribute[source]", "nothing like it", "service_code", "M-06028"), 400), "attribute[source]")
	require.Contains(t, post("requests.json", lamp("description", strings.Repeat("长", 4001)), 400), "longer than")
	post("requests.json", lamp("lat", "95", "long", "0"), 400)

	// A request: attributes by both spellings, what is not asked for is ignored; markup, line ends and control characters survive XML.
	words := "路灯 <b>不亮</b> & \"坏\"了\r\n第二行\x07"
	form := lamp("service_code", "M-06028", "description", words, "email", "null", "service_name", "x", "device_id", "d", "attribute[nobody_asked]", "1")
	form["attribute[source][]"] = []string{"SOCIAL"}
	raw = post("requests.xml", form, 200)
	require.Equal(t, []string{"service_requests", "request", "service_request_id", "service_notice", "account_id"}, elements(t, raw))
	_, raw = get("requests.json?service_code=M-06028&extensions=true", 200)
	first := one(raw)
	id := first["service_request_id"].(string)
	require.Equal(t, "路灯 <b>不亮</b> & \"坏\"了\n第二行", first["description"])
	require.NotContains(t, raw, "nobody_asked")
	require.Equal(t, []any{obj{"code": "source", "value": "SOCIAL"}}, first["attributes"])
	for _, name := range []string{"service_request_id", "status", "status_notes", "service_name", "service_code", "description", "agency_responsible", "service_notice", "requested_datetime", "updated_datetime",
		"expected_datetime", "address", "address_id", "zipcode", "lat", "long", "media_url", "extended_attributes", "notes"} {
		require.Contains(t, first, name)
	}
	for _, name := range []string{"requested_datetime", "updated_datetime", "expected_datetime"} {
		require.Regexp(t, zoned, first[name], name)
	}
	require.IsType(t, 1.0, first["lat"], "a position is never null")
	require.Nil(t, first["zipcode"])
	_, raw = get("requests/"+id+".xml", 200)
	require.Contains(t, raw, "<zipcode></zipcode><lat>26.0875</lat>")
	require.Contains(t, raw, "&lt;b&gt;")
	elements(t, raw)                                                                           // it parses
	p.open311("POST", "requests.json", lamp("description", "\xc2\xb7\xcc\xb5\xc6 iso-8859-1")) // bytes of another encoding crash nobody
	_, raw = get("requests.json?service_request_id="+id+",Rnothing&status=closed&start_date=1999-01-01T00:00:00Z", 200)
	require.Len(t, jsonList(t, raw), 1, "an id overrides everything else, dates too")

	// Its own number makes it once; so do photos as data: links, and several links.
	png := "data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(smallPhoto(t))
	form = lamp("attribute[fixmystreet_id]", "FMS-77", "description", "灯柱歪了请扶正")
	form["media_url"] = []string{png, "https://a.example/1.jpg", "https://a.example/2.jpg"}
	fms := one(post("requests.json", form, 200))["service_request_id"].(string)
	require.Equal(t, fms, one(post("requests.json", form, 200))["service_request_id"])
	require.Equal(t, 1, p.count("report where external_ref = 'FMS-77' and array_length(media, 1) = 1 and text like '%1.jpg%2.jpg'"))

	// A batch service answers a token, never both; the token has the id once the case is filed.
	token := one(post("requests.json", lamp("service_code", batch), 200))
	require.NotContains(t, token, "service_request_id")
	_, raw = get("tokens/"+token["token"].(string)+".xml", 200)
	require.Equal(t, []string{"service_requests", "request", "service_request_id", "token"}, elements(t, raw))

	// Lists: by status, place, change; by page; as Bulk. Closed: updated is the instant of closing.
	for i := range 5 {
		post("requests.json", lamp("lat", fmt.Sprint(26.0875+float64(i)/10000), "description", fmt.Sprint("第", i, "盏路灯不亮了")), 200)
	}
	var paged []string
	for page := 1; ; page++ {
		_, raw := get(fmt.Sprintf("requests.json?service_code=M-01037&page_size=2&page=%d", page), 200)
		list := jsonList(t, raw)
		for _, r := range list {
			paged = append(paged, r["service_request_id"].(string))
		}
		if len(list) < 2 {
			break
		}
	}
	_, raw = get("requests.json?service_code=M-01037", 200)
	require.Len(t, jsonList(t, raw), len(paged))
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(paged))), len(paged), "no page repeats another")
	_, raw = get("requests.csv?service_code=M-01037", 200)
	rows, err := csv.NewReader(strings.NewReader(raw)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, len(paged)+1)
	require.Equal(t, []string{"service_request_id", "requested_datetime", "updated_datetime", "closed_date", "status_description", "status_notes", "source", "service_name", "service_subtype", "description",
		"agency_responsible", "address", "lat", "long"}, rows[0])
	require.Contains(t, raw, "\r\n", "RFC 4180")
	p.at("06-08 10:00")
	dis := p.staff("dis1")
	caseID := ""
	for _, c := range dis.get("/cases?matter=06028").ok(200).list("items") {
		caseID = c["id"].(string)
	}
	dis.act(caseID, "void", obj{"reason": "重复测试"}).ok(200)
	_, raw = get("requests.json?status=closed", 200)
	closed := one(raw)
	require.Equal(t, []any{id, "closed", "ARCHIVED"}, []any{closed["service_request_id"], closed["status"], closed["detailed_status"]})
	_, raw = get("requests.json?status=open,closed&updated_after=2026-06-08T01:59:00Z", 200)
	require.Len(t, jsonList(t, raw), 1)

	// Updates: the same ids whenever they are asked for, each in one window only; what a client sends is taken once, in any case of its words.
	_, raw = get("servicerequestupdates.xml", 200)
	require.Equal(t, []string{"service_request_updates", "request_update", "update_id", "service_request_id", "status", "updated_datetime", "description", "media_url", "external_status_code"}, elements(t, raw))
	_, raw = get("servicerequestupdates.json", 200)
	all := map[any]bool{}
	for _, u := range jsonList(t, raw) {
		require.False(t, all[u["update_id"]])
		all[u["update_id"]] = true
		require.Regexp(t, zoned, u["updated_datetime"])
		require.Contains(t, []any{"open", "closed"}, u["status"])
	}
	n := 0
	for _, window := range []string{"start_date=2026-06-08T00:00:00Z&end_date=2026-06-08T01:30:00Z", "start_date=2026-06-08T01:30:00Z&end_date=2026-06-08T03:00:00Z"} {
		_, raw := get("servicerequestupdates.json?"+window, 200)
		for _, u := range jsonList(t, raw) {
			require.True(t, all[u["update_id"]], "stable")
			n++
		}
	}
	require.Len(t, all, n, "each is in one window")
	update := url.Values{"api_key": {partnerKey}, "service_request_id": {fms}, "update_id": {"u-1"}, "status": {"in progress"}, "description": {"还没有人来"}, "media_url": {"https://a.example/3.jpg"}, "updated_datetime": {"2026-06-08T10:00:00+08:00"}}
	before := p.count("case_event where action = 'add'")
	for range 3 {
		require.Equal(t, "u-1", one(post("servicerequestupdates.json", update, 200))["update_id"])
	}
	require.Equal(t, before+1, p.count("case_event where action = 'add'"))
	update.Set("status", "EATEN")
	post("servicerequestupdates.json", update, 400)
	update.Set("status", "OPEN")
	update.Set("service_request_id", "R00000000000000000000000000")
	post("servicerequestupdates.json", update, 404)

	// Nothing of a home's place is found by asking around points, and nothing sensitive at all.
	p.resident(2).report("24001", obj{"text": "邻里纠纷需要调解一下"}).ok(201)
	_, raw = get("requests.json?lat=26.0875&long=119.3080&radius=5000", 200)
	require.NotContains(t, raw, "M-24001")
	require.NotContains(t, raw, "13812345678")
}

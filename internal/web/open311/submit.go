package open311

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"encoding/xml"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"yixian/dispatch"
	"yixian/dispatch/rule"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
)

const (
	mostText   = 4000 // characters of a description
	mostPhotos = 6
	mostRef    = 100 // characters of a partner's own number
)

// externalNames are attributes by which clients give their own number of a report.
var externalNames = []string{"external_ref", "external_id", "fixmystreet_id"}

type accepted struct {
	XMLName xml.Name `xml:"request" json:"-"`
	ID      string   `xml:"service_request_id,omitempty" json:"service_request_id,omitempty"`
	Token   string   `xml:"token,omitempty" json:"token,omitempty"`
	Notice  word     `xml:"service_notice" json:"service_notice"`
	Account word     `xml:"account_id" json:"account_id"`
}

// submit is POST requests: another way in to the same desk.
func (k door) submit(c *gin.Context) {
	p, bad := form(c)
	defer p.done()
	if bad != nil {
		write(c, bad)
		return
	}
	district, bad := k.district(c, p)
	if bad != nil {
		write(c, bad)
		return
	}
	a, bad := k.partner(c, district, p, auth.ScopeSubmit)
	if bad != nil {
		write(c, bad)
		return
	}
	w := k.Desk.Worlds().Get(district)
	in, it, bad := k.submission(w, p)
	if bad != nil {
		write(c, bad)
		return
	}
	lost := 0
	take := func(from io.Reader) {
		if len(in.MediaIDs) == mostPhotos {
			return
		}
		// A report is never lost because a photo is broken.
		if id, err := k.Photo(c, a, from); err == nil {
			in.MediaIDs = append(in.MediaIDs, id)
		} else {
			_ = k.Fault(c, err) // logged; the answer counts it
			lost++
		}
	}
	for _, h := range photos(p.files) {
		f, err := h.Open()
		if err != nil {
			lost++
			continue
		}
		take(f)
		_ = f.Close()
	}
	for _, raw := range p.dataURIs() {
		take(bytes.NewReader(raw))
	}
	if in.Key = c.GetHeader("Idempotency-Key"); in.Key != "" {
		raw, err := json.Marshal(p.values)
		if err != nil {
			write(c, k.failed(c, err))
			return
		}
		sum := sha256.Sum256(raw)
		in.Hash = sum[:]
	}
	r, _, err := k.Desk.Submit(c, a, in)
	if e, ok := fault.As(err); ok && e.Code == "EXTERNAL_REF" { // sent again under its own number: the same request
		if id, given := e.Extra["report_id"].(string); given {
			r, err = &dispatch.Receipt{ReportID: uuid.MustParse(id)}, nil
		}
	}
	if err != nil {
		write(c, k.failed(c, err))
		return
	}
	out := accepted{Notice: word(notice(lost, in.Unplaced))}
	if batch(it) {
		out.Token = number("T", r.ReportID)
	} else {
		out.ID = number("R", r.ReportID)
	}
	write(c, listed("service_requests", []accepted{out}))
}

func notice(lost int, unplaced bool) string {
	var says []string
	if lost > 0 {
		says = append(says, "有照片无法读取，已忽略 / a photo could not be read and was left out")
	}
	if unplaced {
		says = append(says, "位置按地址估计，由调度员核定 / placed by its address, to be confirmed")
	}
	return strings.Join(says, "；")
}

// photos are the file parts in the order of their names: media, photo1 …, file_….
func photos(f *multipart.Form) []*multipart.FileHeader {
	if f == nil {
		return nil
	}
	var out []*multipart.FileHeader
	for _, name := range slices.Sorted(maps.Keys(f.File)) {
		out = append(out, f.File[name]...)
	}
	return out
}

var attributeName = regexp.MustCompile(`^attribute\[([^\]]+)\](\[\])?$`)

// submission reads what a report needs; everything that is wrong is said at once.
func (k door) submission(w *dispatch.World, p params) (in *dispatch.Submission, it *rule.Item, bad *answer) {
	code := p.get("service_code")
	if code == "" {
		bad = bad.also("service_code required")
	} else if found, ok := serviceOf(w, code); ok {
		it = found
	} else {
		return nil, nil, refuse(http.StatusNotFound, "service_code %s was not found", code)
	}
	in = &dispatch.Submission{OnBehalf: true, Address: p.get("address_string"), ContactName: strings.TrimSpace(p.get("last_name") + p.get("first_name")), Facets: map[string]string{}}
	lat, hasLat := p.number("lat", &bad)
	long, hasLong := p.number("long", &bad)
	switch {
	case hasLat && hasLong:
		in.Point = dispatch.PointIn{Lon: long, Lat: lat, Datum: "WGS84"}
	case hasLat != hasLong:
		bad = bad.also("lat and long are required together")
	case in.Address != "" || p.get("address_id") != "":
		if in.Address == "" {
			in.Address = p.get("address_id")
		}
		var at grid.Point
		at, _ = w.PlaceByWords(in.Address)
		in.Point, in.Unplaced = dispatch.PointIn{Lon: at.Lon, Lat: at.Lat, Datum: "WGS84"}, true
	case bad == nil || !slices.ContainsFunc(bad.errors, func(e problem) bool { return strings.Contains(e.Description, "not a number") }):
		bad = bad.also("lat and long, address_string or address_id required")
	}
	in.Text = p.get("description")
	if utf8.RuneCountInString(in.Text) > mostText {
		bad = bad.also("description is longer than %d characters", mostText)
	}
	if phone, ok := auth.Phone(p.get("phone")); ok {
		in.Phone = phone
	}
	given := map[string]string{}
	for name, values := range p.values {
		if m := attributeName.FindStringSubmatch(name); m != nil && strings.Join(values, "") != "" {
			given[m[1]] = strings.Join(values, ",")
		}
	}
	in.ExternalRef = p.get("external_ref")
	for _, name := range externalNames { // some clients can only send their number as an attribute
		if in.ExternalRef == "" {
			in.ExternalRef = given[name]
		}
	}
	if utf8.RuneCountInString(in.ExternalRef) > mostRef {
		bad = bad.also("external_ref is longer than %d characters", mostRef)
	}
	if it == nil || bad != nil {
		return nil, nil, bad
	}
	in.Matter = it.Code
	for _, f := range facetsOf(it) { // what the definition does not name is not kept
		v, ok := given[f.Key]
		if !ok {
			continue
		}
		if !slices.ContainsFunc(f.Options, func(o rule.FacetOption) bool { return text(o.Value) == v }) {
			bad = bad.also("attribute[%s] has no value %s", f.Key, v)
		}
		in.Facets[f.Key] = v
	}
	for _, link := range p.values["media_url"] { // never fetched: whoever reads the case may open it
		if link = strings.TrimSpace(link); link != "" && link != "null" && !strings.HasPrefix(link, "data:") {
			in.Text += "\n" + link
		}
	}
	if utf8.RuneCountInString(strings.TrimSpace(in.Text)) < 5 {
		in.Text = strings.TrimSpace(it.Name + "：" + in.Text)
	}
	return in, it, bad
}

func text(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case bool:
		if x {
			return "true"
		}
		return "false"
	}
	return ""
}

type tokened struct {
	XMLName xml.Name `xml:"request" json:"-"`
	ID      word     `xml:"service_request_id" json:"service_request_id"`
	Token   string   `xml:"token" json:"token"`
}

// token gives the id once somebody has looked at the place and the case is filed.
func (k door) token(c *gin.Context) {
	name, ok := named(c.Param("token"))
	p := query(c)
	district, bad := k.district(c, p)
	if !ok || bad != nil {
		write(c, orFormat(bad))
		return
	}
	report, ok := idOf("T", name)
	var found []dispatch.OpenRequest
	var err error
	if ok {
		found, err = k.Desk.OpenRequests(c, district, dispatch.OpenFilter{IDs: []uuid.UUID{report}, Limit: 1})
	}
	switch {
	case err != nil:
		write(c, k.failed(c, err))
	case len(found) == 0:
		write(c, refuse(http.StatusNotFound, "token %s was not found", name))
	default:
		out := tokened{Token: name}
		if s := found[0].Status; s != dispatch.Submitted && s != dispatch.Verifying {
			out.ID = word(number("R", report))
		}
		write(c, listed("service_requests", []tokened{out}))
	}
}

package open311

import (
	"crypto/sha256"
	"encoding/json"
	"encoding/xml"
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
)

const (
	mostText   = 4000 // characters of a description
	mostPhotos = 6
)

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
	a, bad := k.partner(c, district, p)
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
	for _, file := range photos(p.files) {
		if len(in.MediaIDs) == mostPhotos {
			break
		}
		// A report is never lost because a photo is broken.
		if id, err := k.photo(c, a, file); err == nil {
			in.MediaIDs = append(in.MediaIDs, id)
		} else {
			_ = k.Fault(c, err) // logged; the answer counts it
			lost++
		}
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

func (k door) photo(c *gin.Context, a auth.Actor, h *multipart.FileHeader) (string, error) {
	f, err := h.Open()
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	return k.Photo(c, a, f)
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
	for name, values := range p.values {
		if m := attributeName.FindStringSubmatch(name); m != nil && len(values) > 0 {
			in.Facets[m[1]] = strings.Join(values, ",")
		}
	}
	if it == nil || bad != nil {
		return nil, nil, bad
	}
	in.Matter = it.Code
	for _, f := range facetsOf(it) {
		v, ok := in.Facets[f.Key]
		if ok && !slices.ContainsFunc(f.Options, func(o rule.FacetOption) bool { return text(o.Value) == v }) {
			bad = bad.also("attribute[%s] has no value %s", f.Key, v)
		}
	}
	if link := p.get("media_url"); link != "" { // never fetched: whoever reads the case may open it
		in.Text += "\n" + link
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

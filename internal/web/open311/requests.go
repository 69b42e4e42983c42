package open311

import (
	"encoding/base32"
	"encoding/csv"
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"yixian/dispatch"
	"yixian/grid"
)

// published is when what this door offers changed last.
var published = stamp(time.Date(2026, 11, 25, 0, 0, 0, 0, time.FixedZone("CST", 8*3600)))

const (
	mostRows = 1000
	span     = 90 * 24 * time.Hour // of one listing
)

// number is a report's public number: it has a letter, so that no client reads it as a number, and it is not the receipt code,
// which is the resident's secret.
func number(letter string, id [16]byte) string { return letter + digits.EncodeToString(id[:]) }

var digits = base32.HexEncoding.WithPadding(base32.NoPadding)

func idOf(letter, text string) (uuid.UUID, bool) {
	raw, err := digits.DecodeString(strings.ToUpper(strings.TrimPrefix(text, letter)))
	if err != nil || len(raw) != 16 || !strings.HasPrefix(text, letter) {
		return uuid.Nil, false
	}
	return uuid.UUID(raw), true
}

type request struct {
	XMLName       xml.Name `xml:"request" json:"-"`
	ID            string   `xml:"service_request_id" json:"service_request_id"`
	Status        string   `xml:"status" json:"status"`
	StatusNotes   string   `xml:"status_notes" json:"status_notes"`
	ServiceName   string   `xml:"service_name" json:"service_name"`
	ServiceCode   string   `xml:"service_code" json:"service_code"`
	Description   string   `xml:"description" json:"description"`
	Agency        word     `xml:"agency_responsible" json:"agency_responsible"`
	ServiceNotice word     `xml:"service_notice" json:"service_notice"`
	Requested     stamp    `xml:"requested_datetime" json:"requested_datetime"`
	Updated       stamp    `xml:"updated_datetime" json:"updated_datetime"`
	Expected      stamp    `xml:"expected_datetime" json:"expected_datetime"`
	Address       word     `xml:"address" json:"address"`
	AddressID     word     `xml:"address_id" json:"address_id"`
	Zipcode       word     `xml:"zipcode" json:"zipcode"`
	Lat           float64  `xml:"lat" json:"lat"`
	Long          float64  `xml:"long" json:"long"`
	MediaURL      word     `xml:"media_url" json:"media_url"`

	DetailedStatus string    `xml:"detailed_status" json:"detailed_status"`
	Extended       *extended `xml:"extended_attributes,omitempty" json:"extended_attributes,omitempty"`
	Attributes     []given   `xml:"attributes>attribute,omitempty" json:"attributes,omitempty"`
	Notes          []note    `xml:"notes>note,omitempty" json:"notes,omitempty"`

	source string
	closed time.Time
}

type extended struct {
	CaseState string `xml:"case_state" json:"case_state"`
	Source    string `xml:"source" json:"source"`
}

type given struct {
	Code  string `xml:"code" json:"code"`
	Value string `xml:"value" json:"value"`
}

type note struct {
	At          stamp  `xml:"datetime" json:"datetime"`
	Description string `xml:"description" json:"description"`
	Type        string `xml:"type" json:"type"`
}

// detailed is CitySDK's word for a state.
func detailed(s dispatch.State) string {
	switch s {
	case dispatch.Submitted, dispatch.Verifying, dispatch.Filed:
		return "RECEIVED"
	case dispatch.Closed:
		return "PROCESSED"
	case dispatch.Archived, dispatch.Merged, dispatch.Voided:
		return "ARCHIVED"
	case dispatch.Rejected:
		return "REJECTED"
	}
	return "IN_PROCESS"
}

func status(closed bool) string {
	if closed {
		return "closed"
	}
	return "open"
}

// requestOf writes a report in the standard's words; base is the address of this host.
func (k door) requestOf(w *dispatch.World, r *dispatch.OpenRequest, base string, english, extensions bool) request {
	zone := w.Calendar.Location()
	out := request{ID: number("R", r.ID), Status: status(r.Closed()), StatusNotes: r.StatusText, ServiceCode: codeOf(r.Matter), ServiceName: w.MatterName(r.Matter), Description: r.Text,
		Agency: word(r.Lead), Requested: stamp(r.RequestedAt.In(zone)), Updated: stamp(r.UpdatedAt.In(zone)), Address: word(r.Address), Lat: r.Point.Lat, Long: r.Point.Lon,
		DetailedStatus: detailed(r.Status), source: r.Source}
	if r.Photo != "" {
		out.MediaURL = word(base + "/api/v1/public/photos/" + w.District + "/" + r.Photo)
	}
	if it, ok := w.Catalog.Matter(r.Matter); ok && english {
		out.ServiceName = it.NameEN
	}
	if r.PromiseAt != nil {
		out.Expected = stamp(r.PromiseAt.In(zone))
	}
	if r.ClosedAt != nil && r.Closed() {
		out.closed = r.ClosedAt.In(zone)
	}
	if extensions {
		out.Extended = &extended{string(r.Status), r.Source}
		for _, code := range slices.Sorted(maps.Keys(r.Facets)) {
			out.Attributes = append(out.Attributes, given{code, r.Facets[code]})
		}
		for _, n := range r.Notes {
			out.Notes = append(out.Notes, note{stamp(n.At.In(zone)), n.Text, n.Kind})
		}
	}
	return out
}

// requests is the list; as .csv it is the fourteen columns of GeoReport Bulk.
func (k door) requests(c *gin.Context) {
	p := query(c)
	district, bad := k.district(c, p)
	if bad != nil {
		write(c, bad)
		return
	}
	w := k.Desk.Worlds().Get(district)
	f, bad := k.filter(c, w, p)
	if bad != nil {
		write(c, bad)
		return
	}
	k.list(c, district, w, f)
}

func (k door) filter(c *gin.Context, w *dispatch.World, p params) (f dispatch.OpenFilter, bad *answer) {
	zone := w.Calendar.Location()
	f = dispatch.OpenFilter{Limit: mostRows, Lang: lang(c, p), Notes: p.get("extensions") == "true"}
	for _, text := range p.list("service_request_id") { // overrides all other arguments
		id, ok := idOf("R", text)
		if !ok {
			id = uuid.Nil // finds nothing
		}
		f.IDs = append(f.IDs, id)
	}
	if f.IDs != nil {
		f.Limit = len(f.IDs)
		return f, nil
	}
	f.Limit, f.Offset = p.page(mostRows, &bad)
	for _, code := range p.list("service_code") {
		if _, ok := serviceOf(w, code); !ok {
			return f, refuse(http.StatusNotFound, "service_code %s was not found", code)
		}
		f.Matters = append(f.Matters, strings.TrimPrefix(code, "M-"))
	}
	for _, s := range p.list("status") {
		f.Open, f.Closed = f.Open || s == "open", f.Closed || s == "closed"
		if s != "open" && s != "closed" {
			bad = bad.also("status is open or closed")
		}
	}
	from, to := p.instant("start_date", zone, &bad), p.instant("end_date", zone, &bad)
	f.UpdatedFrom, f.UpdatedTo = p.instant("updated_after", zone, &bad), p.instant("updated_before", zone, &bad)
	lat, near := p.number("lat", &bad)
	long, both := p.number("long", &bad)
	if near && both {
		f.Near = &grid.Point{Lon: long, Lat: lat}
		if f.RadiusM, near = p.number("radius", &bad); !near {
			f.RadiusM = 1000
		}
	}
	if bad != nil {
		return f, bad
	}
	now, err := k.Desk.Now(c)
	if err != nil {
		return f, k.failed(c, err)
	}
	f.From, f.To, bad = window(from, to, now)
	return f, bad
}

// window is at most ninety days: by default the last ninety.
func window(from, to *time.Time, now time.Time) (a, b time.Time, bad *answer) {
	switch {
	case from == nil && to == nil:
		return now.Add(-span), now.Add(time.Second), nil
	case from == nil:
		return to.Add(-span), *to, nil
	case to == nil:
		return *from, from.Add(span), nil
	case to.Before(*from):
		return a, b, refuse(http.StatusBadRequest, "end_date is before start_date")
	case to.Sub(*from) > span:
		return a, b, refuse(http.StatusBadRequest, "start_date and end_date are more than 90 days apart")
	}
	return *from, *to, nil
}

func (k door) list(c *gin.Context, district string, w *dispatch.World, f dispatch.OpenFilter) {
	found, err := k.Desk.OpenRequests(c, district, f)
	if err != nil {
		write(c, k.failed(c, err))
		return
	}
	out := make([]request, 0, len(found))
	for i := range found {
		out = append(out, k.requestOf(w, &found[i], host(c), f.Lang == "en", f.Notes))
	}
	if strings.HasSuffix(c.Request.URL.Path, ".csv") {
		bulk(c, out)
		return
	}
	write(c, listed("service_requests", out))
}

func (k door) request(c *gin.Context) {
	id, ok := named(c.Param("id"))
	p := query(c)
	district, bad := k.district(c, p)
	if !ok || bad != nil {
		write(c, orFormat(bad))
		return
	}
	report, ok := idOf("R", id)
	w := k.Desk.Worlds().Get(district)
	f := dispatch.OpenFilter{IDs: []uuid.UUID{report}, Limit: 1, Lang: lang(c, p), Notes: p.get("extensions") == "true"}
	var found []dispatch.OpenRequest
	var err error
	if ok {
		found, err = k.Desk.OpenRequests(c, district, f)
	}
	switch {
	case err != nil:
		write(c, k.failed(c, err))
	case len(found) == 0:
		write(c, refuse(http.StatusNotFound, "service_request_id %s was not found", id))
	default:
		write(c, listed("service_requests", []request{k.requestOf(w, &found[0], host(c), f.Lang == "en", f.Notes)}))
	}
}

var bulkColumns = []string{"service_request_id", "requested_datetime", "updated_datetime", "closed_date", "status_description", "status_notes", "source", "service_name", "service_subtype", "description",
	"agency_responsible", "address", "lat", "long"}

// bulk is RFC 4180 with a header. A text that a spreadsheet would take for a formula is kept a text.
func bulk(c *gin.Context, list []request) {
	c.Header("Content-Type", "text/csv; charset=utf-8")
	c.Status(http.StatusOK)
	out := csv.NewWriter(c.Writer)
	out.UseCRLF = true
	_ = out.Write(bulkColumns)
	for _, r := range list {
		row := []string{r.ID, r.Requested.text(), r.Updated.text(), stamp(r.closed).text(), r.Status, r.StatusNotes, r.source, r.ServiceName, r.ServiceCode, r.Description,
			string(r.Agency), string(r.Address), strconv.FormatFloat(r.Lat, 'f', -1, 64), strconv.FormatFloat(r.Long, 'f', -1, 64)}
		for i := range row[:12] {
			if strings.ContainsAny(first(row[i]), "=+-@\t\r＝＋－＠") {
				row[i] = "'" + row[i]
			}
		}
		_ = out.Write(row)
	}
	out.Flush()
}

func first(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

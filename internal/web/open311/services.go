package open311

import (
	"encoding/xml"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"yixian/dispatch"
	"yixian/dispatch/rule"
)

// codeOf is a matter's service code: never purely numeric, or clients drop its leading zeros.
func codeOf(matter string) string { return "M-" + matter }

// serviceOf finds the service of a code in the district.
func serviceOf(w *dispatch.World, code string) (*rule.Item, bool) {
	matter, ok := strings.CutPrefix(code, "M-")
	if !ok {
		return nil, false
	}
	it, ok := w.Catalog.Matter(matter)
	return it, ok && w.IsService(it)
}

type service struct {
	XMLName     xml.Name `xml:"service" json:"-"`
	Code        string   `xml:"service_code" json:"service_code"`
	Name        string   `xml:"service_name" json:"service_name"`
	Description string   `xml:"description" json:"description"`
	Metadata    bool     `xml:"metadata" json:"metadata"`
	Type        string   `xml:"type" json:"type"`
	Keywords    string   `xml:"keywords" json:"keywords"`
	Group       string   `xml:"group" json:"group"`
}

// batch services are looked at on the spot before they are filed: their id comes by token.
func batch(it *rule.Item) bool { return it.VerifyBeforeFile }

func (k door) services(c *gin.Context) {
	p := query(c)
	district, bad := k.district(c, p)
	if bad != nil {
		write(c, bad)
		return
	}
	list := []service{}
	for _, it := range k.Desk.Worlds().Get(district).Services() {
		s := service{Code: codeOf(it.Code), Name: it.Name, Description: it.FilingCondition, Metadata: len(it.Facets) > 0, Type: "realtime", Keywords: strings.Join(it.Synonyms, ","), Group: it.MajorName}
		if lang(c, p) == "en" {
			s.Name, s.Group = it.NameEN, it.MajorNameEN
		}
		if s.Description == "" {
			s.Description = s.Name
		}
		if batch(it) {
			s.Type = "batch"
		}
		list = append(list, s)
	}
	write(c, listed("services", list))
}

type definition struct {
	Code       string      `xml:"service_code" json:"service_code"`
	Attributes []attribute `xml:"attributes>attribute" json:"attributes"`
}

type attribute struct {
	Variable            bool    `xml:"variable" json:"variable"`
	Code                string  `xml:"code" json:"code"`
	Datatype            string  `xml:"datatype" json:"datatype"`
	Required            bool    `xml:"required" json:"required"`
	DatatypeDescription word    `xml:"datatype_description" json:"datatype_description"`
	Order               int     `xml:"order" json:"order"`
	Description         string  `xml:"description" json:"description"`
	Values              []value `xml:"values>value" json:"values"`
}

type value struct {
	Key  string `xml:"key" json:"key"`
	Name string `xml:"name" json:"name"`
}

func (k door) service(c *gin.Context) {
	code, ok := named(c.Param("code"))
	p := query(c)
	district, bad := k.district(c, p)
	if !ok || bad != nil {
		write(c, orFormat(bad))
		return
	}
	it, ok := serviceOf(k.Desk.Worlds().Get(district), code)
	if !ok {
		write(c, refuse(http.StatusNotFound, "service_code %s was not found", code))
		return
	}
	d := definition{Code: code, Attributes: []attribute{}}
	for _, f := range facetsOf(it) {
		a := attribute{Variable: true, Code: f.Key, Datatype: "singlevaluelist", Order: len(d.Attributes) + 1, Description: f.Zh, Values: []value{}}
		english := lang(c, p) == "en"
		if english {
			a.Description = f.En
		}
		for _, o := range f.Options {
			v := value{text(o.Value), o.Zh}
			if english {
				v.Name = o.En
			}
			a.Values = append(a.Values, v)
		}
		d.Attributes = append(d.Attributes, a)
	}
	write(c, &answer{status: http.StatusOK, root: "service_definition", body: d, single: true})
}

func orFormat(bad *answer) *answer {
	if bad == nil {
		bad = refuse(http.StatusNotFound, "only .xml and .json are served")
	}
	return bad
}

// facetsOf are the questions of an item, in its order.
func facetsOf(it *rule.Item) []rule.Facet {
	var out []rule.Facet
	for _, key := range it.Facets {
		for _, f := range rule.Facets() {
			if f.Key == key {
				out = append(out, f)
			}
		}
	}
	return out
}

type discovery struct {
	XMLName    xml.Name   `xml:"discovery" json:"-"`
	Changeset  stamp      `xml:"changeset" json:"changeset"`
	Contact    string     `xml:"contact" json:"contact"`
	KeyService string     `xml:"key_service" json:"key_service"`
	Endpoints  []endpoint `xml:"endpoints>endpoint" json:"endpoints"`
}

type endpoint struct {
	Specification string   `xml:"specification" json:"specification"`
	URL           string   `xml:"url" json:"url"`
	Changeset     stamp    `xml:"changeset" json:"changeset"`
	Type          string   `xml:"type" json:"type"`
	Formats       []string `xml:"formats>format" json:"formats"`
}

// host is the address by which the caller reached this program.
func host(c *gin.Context) string {
	scheme := "http"
	if c.Request.TLS != nil || c.GetHeader("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + c.Request.Host
}

// discovery names the door twice, in each form that clients look for: some read one endpoint only as an object.
func (k door) discovery(c *gin.Context) {
	base := host(c) + "/open311/v2/"
	e := endpoint{Specification: "http://wiki.open311.org/GeoReport_v2", URL: base, Changeset: published, Type: "production", Formats: []string{"text/xml", "application/json"}}
	if k.Sandbox {
		e.Type = "test"
	}
	second := e
	second.URL = strings.TrimSuffix(base, "/")
	d := discovery{Changeset: published, Contact: "12345", KeyService: host(c) + "/desk/", Endpoints: []endpoint{e, second}}
	a := &answer{status: http.StatusOK, root: "discovery", body: d, single: true}
	a.bare = true
	write(c, a)
}

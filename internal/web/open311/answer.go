package open311

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// stamp is a time as the standard writes it: whole seconds with a zone. The zero time is empty in XML and null in JSON.
type stamp time.Time

const stampForm = "2006-01-02T15:04:05Z07:00"

func (s stamp) text() string {
	if t := time.Time(s); !t.IsZero() {
		return t.Format(stampForm)
	}
	return ""
}

func (s stamp) MarshalText() ([]byte, error) { return []byte(s.text()), nil }

func (s stamp) MarshalJSON() ([]byte, error) { return word(s.text()).MarshalJSON() }

// word is a text that may be missing: an empty element in XML, null in JSON.
type word string

func (w word) MarshalJSON() ([]byte, error) {
	if w == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(w))
}

type problem struct {
	XMLName     xml.Name `xml:"error" json:"-"`
	Code        int      `xml:"code" json:"code"`
	Description string   `xml:"description" json:"description"`
}

// answer is what a call gives: errors, or a body with its XML root.
type answer struct {
	status int
	errors []problem
	root   string // of the XML document; the items are its children
	body   any    // a slice in JSON is bare ("Spark"), in XML its elements stand under root
	single bool   // the body is one object, not a list
	bare   bool   // discovery: clients compare its type to the letter, without a charset
}

func refuse(status int, format string, args ...any) *answer {
	return &answer{status: status, errors: []problem{{Code: status, Description: fmt.Sprintf(format, args...)}}}
}

// also adds a further error.
func (a *answer) also(format string, args ...any) *answer {
	if a == nil {
		return refuse(http.StatusBadRequest, format, args...)
	}
	a.errors = append(a.errors, problem{Code: a.status, Description: fmt.Sprintf(format, args...)})
	return a
}

func listed(root string, body any) *answer {
	return &answer{status: http.StatusOK, root: root, body: body}
}

// write sends an answer in the format that the path's extension names.
func write(c *gin.Context, a *answer) {
	if a.errors != nil {
		a.root, a.body, a.single = "errors", a.errors, false
	}
	if path.Ext(c.Request.URL.Path) == ".json" {
		raw, err := json.Marshal(a.body)
		if err != nil {
			c.Status(http.StatusInternalServerError)
			return
		}
		a.send(c, "application/json", raw)
		return
	}
	raw, err := document(a)
	if err != nil {
		c.Status(http.StatusInternalServerError)
		return
	}
	a.send(c, "text/xml", raw)
}

func (a *answer) send(c *gin.Context, kind string, raw []byte) {
	if !a.bare {
		kind += "; charset=utf-8"
	}
	c.Data(a.status, kind, raw)
}

func document(a *answer) ([]byte, error) {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?>` + "\n")
	e := xml.NewEncoder(&b)
	var err error
	if a.single {
		err = e.EncodeElement(a.body, xml.StartElement{Name: xml.Name{Local: a.root}})
	} else {
		err = e.EncodeElement(struct{ Items any }{a.body}, xml.StartElement{Name: xml.Name{Local: a.root}}) //nolint:musttag // a list's own element has no tag: each item names itself
	}
	return []byte(b.String()), err
}

// named splits "06010.xml" into what is named and the format; ok is false for another format.
func named(part string) (name string, ok bool) {
	ext := path.Ext(part)
	return strings.TrimSuffix(part, ext), ext == ".xml" || ext == ".json"
}

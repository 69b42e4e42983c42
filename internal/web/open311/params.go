package open311

import (
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// params are the arguments of a call, from the query and the body together. An empty one is as good as none.
type params struct {
	values url.Values
	files  *multipart.Form // the photos of a multipart body
}

func (p params) get(name string) string {
	for _, v := range p.values[name] {
		if v = strings.TrimSpace(v); v != "" && v != "null" { // some clients send the word for nothing
			return v
		}
	}
	return ""
}

// list is a comma list.
func (p params) list(name string) []string {
	var out []string
	for v := range strings.SplitSeq(p.get(name), ",") {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	return out
}

func query(c *gin.Context) params { return params{values: c.Request.URL.Query()} }

const (
	maxForm  = 1 << 20  // bytes of a form without photos
	maxMedia = 80 << 20 // of one with photos: three of the largest and the rest
)

// bareBoundary finds a boundary that is not quoted although it has characters that want quotes: an app of many cities sends
// "boundary====1795323783531===", which the standard library refuses to read.
var bareBoundary = regexp.MustCompile(`(?i)boundary=([^";,\s]+)`)

// form reads a POST: urlencoded, or multipart with photos, which wait on the disk until the key is known. The caller ends it
// with done.
func form(c *gin.Context) (params, *answer) {
	p := query(c)
	kind := bareBoundary.ReplaceAllString(c.GetHeader("Content-Type"), `boundary="$1"`)
	media, args, err := mime.ParseMediaType(kind)
	if err != nil || media != "multipart/form-data" {
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxForm)
		raw, err := io.ReadAll(c.Request.Body)
		if err != nil {
			return p, tooLarge(err)
		}
		values, err := url.ParseQuery(string(raw))
		if err != nil {
			return p, refuse(http.StatusBadRequest, "the body is not application/x-www-form-urlencoded")
		}
		p.merge(values)
		return p, nil
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxMedia)
	f, err := multipart.NewReader(c.Request.Body, args["boundary"]).ReadForm(maxForm)
	if err != nil {
		return p, tooLarge(err)
	}
	p.files = f
	p.merge(f.Value)
	return p, nil
}

// merge lets the body stand before the query.
func (p params) merge(values url.Values) {
	for name, v := range values {
		p.values[name] = append(v, p.values[name]...)
	}
}

func (p params) done() {
	if p.files != nil {
		_ = p.files.RemoveAll()
	}
}

func tooLarge(err error) *answer {
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return refuse(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", large.Limit)
	}
	return refuse(http.StatusBadRequest, "the body could not be read to its end")
}

// instant reads a time of the standard. A date alone is its midnight in the zone given.
func (p params) instant(name string, zone *time.Location, bad **answer) *time.Time {
	text := p.get(name)
	if text == "" {
		return nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05-0700", "2006-01-02T15:04:05", "2006-01-02"} {
		// A plus sign in a query is a blank by the time it is read.
		if t, err := time.ParseInLocation(form, strings.Replace(text, " ", "+", 1), zone); err == nil {
			return &t
		}
	}
	*bad = (*bad).also("%s is not a date and time of ISO 8601 with zone", name)
	return nil
}

func (p params) number(name string, bad **answer) (float64, bool) {
	text := p.get(name)
	if text == "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		*bad = (*bad).also("%s is not a number", name)
	}
	return n, err == nil
}

// page is limit and offset: no more than most rows a page.
func (p params) page(most int, bad **answer) (limit, offset int) {
	page, size := 1, most
	for name, into := range map[string]*int{"page": &page, "page_size": &size, "max_requests": &size} {
		if n, ok := p.number(name, bad); ok {
			*into = int(n)
		}
	}
	size = min(max(size, 1), most)
	page = min(max(page, 1), 10_000)
	return size, (page - 1) * size
}

// dataURIs are the photos that a client sends inside a field: "data:image/jpeg;base64,…".
func (p params) dataURIs() (out [][]byte) {
	for _, name := range []string{"media", "media_url"} {
		for _, v := range p.values[name] {
			head, body, ok := strings.Cut(strings.TrimSpace(v), ",")
			if !ok || !strings.HasPrefix(head, "data:image/") || !strings.HasSuffix(head, ";base64") {
				continue
			}
			// A plus sign of a careless client has become a blank.
			if raw, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(body, " ", "+")); err == nil {
				out = append(out, raw)
			}
		}
	}
	return out
}

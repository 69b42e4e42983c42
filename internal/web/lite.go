package web

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"yixian/api"
	"yixian/internal/fault"
)

// The pages below /lite/ are plain HTML forms for phones without (working) JavaScript: the same desk, the same limits, the
// same contract as the API. A GET changes nothing; a POST is believed only from these pages themselves.

//go:embed lite
var liteFiles embed.FS

var liteTemplates = template.Must(template.New("lite").ParseFS(liteFiles, "lite/*.html"))

const (
	litePhotos = 3        // a form is sent as a whole: more would outlast a slow net
	liteField  = 16 << 10 // bytes of one text field
	liteFields = 40
	liteCookie = "lite"
	// liteAll bounds the whole form: what a program's server allows for one photo, times the photos.
	liteAll = litePhotos * maxUpload
)

const litePolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; report-uri /csp"

func (s *server) mountLite(r *gin.Engine) {
	r.GET("/lite", func(c *gin.Context) { c.Redirect(http.StatusMovedPermanently, "/lite/") })
	r.GET("/lite/style.css", func(c *gin.Context) {
		c.Header("Cache-Control", "no-cache")
		c.FileFromFS("lite/style.css", http.FS(liteFiles))
	})
	g := r.Group("/lite", s.liteGate, s.identify)
	g.GET("/", s.liteReport)
	g.POST("/", s.liteSend)
	g.POST("/code", s.liteCode)
	g.GET("/c/", s.liteLook)
	g.POST("/c/", s.liteFind)
	g.GET("/c/:code", s.liteTrack)
	g.POST("/c/:code/:verb", s.liteVerb)
	g.GET("/photo/:code/:id", s.litePhoto)
	s.mountLiteOpen(g)
}

// liteGate sets the pages' own policy and language, and lets in only what these pages themselves sent.
func (s *server) liteGate(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", litePolicy)
	h.Set("Permissions-Policy", "geolocation=(), camera=(self), microphone=()")
	h.Set("Cache-Control", "no-store")
	if l := s.liteChoice(c, "lang", "en", "zh"); l != "" {
		c.Request.Header.Set("Accept-Language", l)
	}
	c.Set(liteLarge, s.liteChoice(c, "text", "large", "normal") == "large")
	if c.Request.Method == http.MethodPost && !sameOrigin(c.Request) {
		s.liteProblem(c, fault.Forbidden("CROSS_ORIGIN", "请求来自其他网站，已拒绝"))
	}
}

const liteLarge = "lite-large"

// liteChoice is what the reader of these pages chose by a link, now or within the last 90 days; "" for neither.
func (s *server) liteChoice(c *gin.Context, name string, values ...string) string {
	if v := c.Query(name); slices.Contains(values, v) {
		//nolint:gosec // says nothing about anybody
		http.SetCookie(c.Writer, &http.Cookie{Name: "lite-" + name, Value: v, Path: "/lite", MaxAge: 90 * 24 * 3600, HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode})
		return v
	}
	if v, err := c.Cookie("lite-" + name); err == nil && slices.Contains(values, v) {
		return v
	}
	return ""
}

// liteProblem is an error as a page; it ends the request.
func (s *server) liteProblem(c *gin.Context, err error) {
	e := s.faultOf(c, err)
	s.liteShow(c, e.Status, "message.html", litePage{Title: "oops", Errors: s.liteErrors(c, e)})
	c.Abort()
}

// litePage is what every page has; Body is its own.
type litePage struct {
	Lang   string
	Title  string // a key of liteWords
	CSRF   string
	Path   string // of this page, for the switches of language and size
	Large  bool   // letters of 22 px
	Errors []liteError
	Body   any
}

// liteError is one line of what is wrong; Field is the id of its control.
type liteError struct{ Field, Text string }

// T is a text of the pages in the page's language.
func (p litePage) T(key string, args ...any) string {
	w, ok := liteWords[key]
	if !ok {
		return key
	}
	text := w[0]
	if p.Lang == "en" {
		text = w[1]
	}
	if len(args) > 0 {
		return fmt.Sprintf(text, args...)
	}
	return text
}

// Wrong is what is wrong with one control.
func (p litePage) Wrong(field string) string {
	for _, e := range p.Errors {
		if e.Field == field {
			return e.Text
		}
	}
	return ""
}

func (s *server) liteShow(c *gin.Context, status int, name string, p litePage) {
	p.Lang, p.CSRF, p.Path, p.Large = lang(c), s.liteToken(c), c.Request.URL.Path, c.GetBool(liteLarge)
	if c.Request.Method == http.MethodPost {
		p.Path = "/lite/"
	}
	var page bytes.Buffer
	if err := liteTemplates.ExecuteTemplate(&page, name, p); err != nil {
		s.problem(c, err)
		return
	}
	c.Data(status, "text/html; charset=utf-8", page.Bytes())
}

// liteErrors words an error for a page; retry says when, a field where.
func (s *server) liteErrors(c *gin.Context, err error) []liteError {
	e := s.faultOf(c, err)
	if e.RetryAfter > 0 {
		c.Header("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	fields := map[string]string{"/text": "text", "/point": "area", "/media_ids": "photo", "/matter": "matter", "/phone": "phone", "/code": "code", "/address": "address", "/reason": "text", "/grade": "grade"}
	var out []liteError
	for _, f := range e.Fields {
		at := f.Pointer
		for at != "" && fields[at] == "" {
			at = at[:strings.LastIndexByte(at, '/')]
		}
		out = append(out, liteError{fields[at], f.Detail})
	}
	if len(out) == 0 {
		at := ""
		if e.Code == "OUT_OF_AREA" {
			at = "area"
		}
		out = []liteError{{at, e.Detail}}
	}
	return out
}

// liteToken is the signed double of a cookie of ours: another site can neither read the one nor set the other.
func (s *server) liteToken(c *gin.Context) string {
	nonce, err := c.Cookie(liteCookie)
	if err != nil || len(nonce) != 22 {
		var b [16]byte
		_, _ = rand.Read(b[:])
		nonce = base64.RawURLEncoding.EncodeToString(b[:])
		//nolint:gosec // Secure is off only for a trial without TLS
		http.SetCookie(c.Writer, &http.Cookie{Name: liteCookie, Value: nonce, Path: "/lite", HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode})
		//nolint:gosec // a request carries no attributes
		c.Request.AddCookie(&http.Cookie{Name: liteCookie, Value: nonce})
	}
	return s.liteSign(nonce)
}

func (s *server) liteSign(nonce string) string {
	return base64.RawURLEncoding.EncodeToString(s.Keys.Blind("000000", "lite", nonce)[:16])
}

// liteInput is a form that was sent: its texts, the photos that came with it and what was wrong with them.
type liteInput struct {
	url.Values
	Photos []string
	At     *api.Point // where the first photo that knows it was taken
	Bad    []liteError
}

// liteRead reads a form whose first field is the token; only after it a session is opened and photos are taken in.
func (s *server) liteRead(c *gin.Context) (*liteInput, error) {
	if c.Request.ContentLength > liteAll {
		return nil, fault.New(http.StatusRequestEntityTooLarge, "TOO_LARGE", "照片过大，每张上限 25 MB，最多 %d 张", litePhotos)
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, liteAll)
	in := &liteInput{Values: url.Values{}}
	if kind, _, _ := mime.ParseMediaType(c.GetHeader("Content-Type")); kind != "multipart/form-data" {
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxJSON)
		if err := c.Request.ParseForm(); err != nil {
			return nil, fault.Invalid("", "提交内容有误，无法读取").Because(err)
		}
		in.Values = c.Request.PostForm
		return in, s.liteBelieve(c, in)
	}
	parts, err := c.Request.MultipartReader()
	if err != nil {
		return nil, fault.Invalid("", "提交内容有误，无法读取").Because(err)
	}
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return in, s.liteBelieve(c, in)
		}
		if err != nil || n == liteFields {
			return nil, fault.New(http.StatusBadRequest, "UPLOAD_INTERRUPTED", "内容没有传完，请重新提交").Because(err)
		}
		if part.FileName() == "" {
			text, err := io.ReadAll(io.LimitReader(part, liteField))
			if err != nil {
				return nil, fault.New(http.StatusBadRequest, "UPLOAD_INTERRUPTED", "内容没有传完，请重新提交").Because(err)
			}
			if name := part.FormName(); name != "photo" && len(text) > 0 { // a file field without a file
				in.Add(name, string(text))
			}
			continue
		}
		if err := s.liteBelieve(c, in); err != nil {
			return nil, err
		}
		s.liteTake(c, in, part)
	}
}

// liteBelieve checks the token once and opens a session for whoever has none.
func (s *server) liteBelieve(c *gin.Context, in *liteInput) error {
	nonce, err := c.Cookie(liteCookie)
	if err != nil || !hmac.Equal([]byte(in.Get("csrf")), []byte(s.liteSign(nonce))) {
		return fault.Forbidden("FORM_OVER", "页面已过期，请返回上一页刷新后重新提交")
	}
	if actorOf(c).Kind != "" {
		return nil
	}
	answer, err := s.Guest(c, api.GuestRequestObject{})
	if err != nil {
		return err
	}
	return s.liteBecome(c, answer.(api.Guest200JSONResponse).Body.Token)
}

// liteBecome goes on as the owner of a session that was opened just now.
func (s *server) liteBecome(c *gin.Context, token string) error {
	a, err := s.Auth.Authenticate(c, token)
	if err == nil {
		c.Set(actorKey, a)
	}
	return err
}

// liteTake takes one photo in. What is wrong with it is told beside the others; the rest of the form goes on.
func (s *server) liteTake(c *gin.Context, in *liteInput, part io.Reader) {
	if len(in.Photos)+len(in.Values["media"]) >= litePhotos {
		if in.Bad == nil || in.Bad[len(in.Bad)-1].Field != "photo" {
			in.Bad = append(in.Bad, liteError{"photo", litePage{Lang: lang(c)}.T("tooMany", litePhotos)})
		}
		return
	}
	photo, err := s.Photos.Process(c, part)
	if err == nil {
		var id string
		if id, err = s.store(c, actorOf(c), photo); err == nil {
			in.Photos = append(in.Photos, id)
			if p := photo.Point; p != nil && in.At == nil {
				in.At = &api.Point{Lon: p.Lon, Lat: p.Lat, Datum: "WGS84"}
			}
			return
		}
	}
	in.Bad = append(in.Bad, liteError{"photo", s.liteErrors(c, err)[0].Text})
}

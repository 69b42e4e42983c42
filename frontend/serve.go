// Package frontend holds the three pages of Yixian (resident /, field /w/, desk /desk/) and serves their
// build from memory. It owns content negotiation, caching and the security headers of pages; it knows
// nothing of the API, of sessions or of what the pages show.
package frontend

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Options are the few things about pages that an operator may set. The zero value is the safe default.
type Options struct {
	// FrameAncestors lists origins that may embed the pages ("https://portal.example.gov.cn"); some cities
	// show them inside their own portal. Empty: none may.
	FrameAncestors []string
	// Dist replaces the embedded build, with index.html, w/index.html and desk/index.html at its root.
	Dist fs.FS
}

// variant is one encoding of a file, its strong ETag included.
type variant struct {
	body []byte
	etag string
}

// file is one path of the build with its encodings; br and gzip are nil when they would not be smaller.
type file struct {
	identity, br, gzip *variant
	contentType        string
}

type site struct {
	files map[string]*file
	csp   string
}

// Handler reads the build once into memory and serves it. Paths without a file fall back to the shell of
// their app; one that no app knows is a 404 with that shell, which says so in words. A missing path with an
// extension is a 404 that no cache keeps: a tab of an older version must never parse HTML as a script.
func Handler(o Options) http.Handler {
	dist := o.Dist
	if dist == nil {
		dist = embedded()
	}
	return &site{files: load(dist), csp: policy(o.FrameAncestors)}
}

// Missing reports that the program was built without its pages.
func Missing() bool {
	_, err := fs.Stat(embedded(), "index.html")
	return err != nil
}

func embedded() fs.FS {
	sub, err := fs.Sub(built, "dist")
	if err != nil { // "dist" is a constant and valid path
		panic(err)
	}
	return sub
}

func policy(ancestors []string) string {
	frames := "'none'"
	if len(ancestors) > 0 {
		frames = strings.Join(ancestors, " ")
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; " +
		"connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; " +
		"frame-ancestors " + frames + "; report-uri /csp"
}

// load reads every file; name.br and name.gz become variants of name. Unreadable entries are left out, so
// an empty or absent build yields a site that answers 404 and explains itself.
func load(dist fs.FS) map[string]*file {
	files := map[string]*file{}
	at := func(name string) *file {
		if files[name] == nil {
			files[name] = &file{contentType: typeOf(name)}
		}
		return files[name]
	}
	_ = fs.WalkDir(dist, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return nil //nolint:nilerr // left out
		}
		body, err := fs.ReadFile(dist, name)
		if err != nil {
			return nil //nolint:nilerr // left out
		}
		sum := sha256.Sum256(body)
		v := &variant{body: body, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
		switch path.Ext(name) {
		case ".br":
			at(strings.TrimSuffix(name, ".br")).br = v
		case ".gz":
			at(strings.TrimSuffix(name, ".gz")).gzip = v
		default:
			at(name).identity = v
		}
		return nil
	})
	return files
}

// typeOf does not trust the system's mime table for what browsers refuse when it is wrong.
func typeOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".webmanifest":
		return "application/manifest+json"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// residentPaths are the first parts of the addresses that the resident's router knows (src/resident/router.ts, a test compares).
var residentPaths = []string{"", "done", "c", "p", "me", "kit", "wechat", "r"}

// shell is the page that answers for a path without a file of its own, and whether its app knows the path.
func shell(p string) (name string, known bool) {
	switch first, _, _ := strings.Cut(p, "/"); first {
	case "desk":
		return "desk/index.html", true
	case "w":
		return "w/index.html", true
	default:
		return "index.html", slices.Contains(residentPaths, first)
	}
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	f, known := s.files[name], true
	if f == nil && path.Ext(name) == "" {
		name, known = shell(name)
		f = s.files[name]
	}
	if f == nil || f.identity == nil {
		h.Set("Cache-Control", "no-store")
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	s.headers(h, name, f)
	v, encoding := f.best(r.Header.Get("Accept-Encoding"))
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	if !known {
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Length", strconv.Itoa(len(v.body)))
		w.WriteHeader(http.StatusNotFound)
		if r.Method == http.MethodGet {
			_, _ = w.Write(v.body) // who has gone meanwhile needs no answer
		}
		return
	}
	h.Set("ETag", v.etag)
	// The zero time sends no Last-Modified: the ETag alone decides, and it survives a rebuild of equal bytes.
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(v.body))
}

func (s *site) headers(h http.Header, name string, f *file) {
	h.Set("Content-Type", f.contentType)
	h.Add("Vary", "Accept-Encoding")
	if strings.HasPrefix(name, "assets/") { // names carry a hash of the content
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	if path.Ext(name) == ".html" {
		h.Set("Content-Security-Policy", s.csp)
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Permissions-Policy", "geolocation=(self), camera=(self), microphone=()")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
}

// best picks br over gzip over identity among what the client accepts.
func (f *file) best(accept string) (v *variant, encoding string) {
	if f.br != nil && accepts(accept, "br") {
		return f.br, "br"
	}
	if f.gzip != nil && accepts(accept, "gzip") {
		return f.gzip, "gzip"
	}
	return f.identity, ""
}

// accepts reads an Accept-Encoding header (RFC 9110 §12.5.3): a coding named there with a weight above
// zero is accepted, "*" stands for every coding not named.
func accepts(header, coding string) bool {
	star := false
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		weight := 1.0
		if q, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			if x, err := strconv.ParseFloat(q, 64); err == nil {
				weight = x
			}
		}
		switch name {
		case coding:
			return weight > 0
		case "*":
			star = weight > 0
		}
	}
	return star
}

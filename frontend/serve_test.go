package frontend

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func demo() http.Handler {
	return Handler(Options{Dist: fstest.MapFS{
		".keep":                  {},
		"index.html":             {Data: []byte("<p>resident")},
		"index.html.br":          {Data: []byte("BR")},
		"index.html.gz":          {Data: []byte("GZ")},
		"w/index.html":           {Data: []byte("<p>worker")},
		"desk/index.html":        {Data: []byte("<p>desk")},
		"assets/a-123.js":        {Data: []byte("0123456789")},
		"w/manifest.webmanifest": {Data: []byte("{}")},
	}})
}

func get(t *testing.T, path string, header ...string) *http.Response {
	t.Helper()
	return do(t, http.MethodGet, path, header...)
}

func do(t *testing.T, method, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	demo().ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return string(b)
}

func TestShellOfLongestPrefix(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/": "<p>resident", "/c/7K3MQ9PX": "<p>resident", "/r/token": "<p>resident", "/me/seen": "<p>resident",
		"/w": "<p>worker", "/w/": "<p>worker", "/w/tasks/1": "<p>worker",
		"/desk/": "<p>desk", "/desk/cases/1": "<p>desk", "/w/../desk/": "<p>desk",
	} {
		res := get(t, path)
		require.Equal(t, http.StatusOK, res.StatusCode, path)
		require.Equal(t, want, body(t, res), path)
	}
}

func TestUnknownPathIsNotFoundInWords(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/wx", "/deskx", "/../../etc", "/.git/config", "/metrics", "/debug/pprof/", "/admin"} {
		res := get(t, path)
		require.Equal(t, http.StatusNotFound, res.StatusCode, path)
		require.Equal(t, "no-store", res.Header.Get("Cache-Control"), path)
		require.Equal(t, "<p>resident", body(t, res), path)
	}
	require.Empty(t, body(t, do(t, http.MethodHead, "/metrics")))
}

// Each address of the resident's router is known, and no other.
func TestResidentPathsAreTheRouters(t *testing.T) {
	t.Parallel()
	router, err := os.ReadFile("src/resident/router.ts")
	require.NoError(t, err)
	firsts := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\s*\[\/\^\\\/(\w*)`).FindAllSubmatch(router, -1) {
		firsts[string(m[1])] = true
	}
	require.Greater(t, len(firsts), 5)
	require.ElementsMatch(t, slices.Collect(maps.Keys(firsts)), residentPaths)
}

func TestMissingFileIsNeverTheShell(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/assets/old-1.js", "/w/sw.js", "/favicon.ico", "/.keep", "/index.html.br"} {
		res := get(t, path)
		require.Equal(t, http.StatusNotFound, res.StatusCode, path)
		require.Equal(t, "no-store", res.Header.Get("Cache-Control"), path)
	}
}

func TestVariantByAcceptEncoding(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"": "", "identity": "", "gzip": "gzip", "gzip, deflate, br": "br", "br;q=0, gzip": "gzip",
		"br; q=0.0, gzip;q=0": "", "*": "br", "*, br;q=0": "gzip", "GZIP": "gzip", "brx": "",
	} {
		res := get(t, "/", "Accept-Encoding", accept)
		require.Equal(t, want, res.Header.Get("Content-Encoding"), accept)
		require.Equal(t, "Accept-Encoding", res.Header.Get("Vary"), accept)
		require.Equal(t, map[string]string{"": "<p>resident", "br": "BR", "gzip": "GZ"}[want], body(t, res), accept)
	}
}

func TestETagIsStrongPerVariant(t *testing.T) {
	t.Parallel()
	plain, br := get(t, "/"), get(t, "/", "Accept-Encoding", "br")
	require.NotEqual(t, plain.Header.Get("ETag"), br.Header.Get("ETag"))
	again := get(t, "/", "Accept-Encoding", "br", "If-None-Match", br.Header.Get("ETag"))
	require.Equal(t, http.StatusNotModified, again.StatusCode)
	other := get(t, "/", "If-None-Match", br.Header.Get("ETag"))
	require.Equal(t, http.StatusOK, other.StatusCode)
}

func TestCachingAndSecurityHeaders(t *testing.T) {
	t.Parallel()
	asset := get(t, "/assets/a-123.js")
	require.Equal(t, "public, max-age=31536000, immutable", asset.Header.Get("Cache-Control"))
	require.Equal(t, "text/javascript; charset=utf-8", asset.Header.Get("Content-Type"))
	require.Empty(t, asset.Header.Get("Content-Security-Policy"))
	manifest := get(t, "/w/manifest.webmanifest")
	require.Equal(t, "application/manifest+json", manifest.Header.Get("Content-Type"))
	page := get(t, "/desk/queue")
	require.Equal(t, "no-cache", page.Header.Get("Cache-Control"))
	require.Equal(t, "nosniff", page.Header.Get("X-Content-Type-Options"))
	csp := page.Header.Get("Content-Security-Policy")
	require.Contains(t, csp, "frame-ancestors 'none'")
	require.NotContains(t, csp, "unsafe")
	require.Contains(t, policy([]string{"https://a.example", "https://b.example"}), "frame-ancestors https://a.example https://b.example;")
}

func TestHeadRangeAndMethod(t *testing.T) {
	t.Parallel()
	head := do(t, http.MethodHead, "/assets/a-123.js")
	require.Equal(t, "10", head.Header.Get("Content-Length"))
	require.Empty(t, body(t, head))
	part := get(t, "/assets/a-123.js", "Range", "bytes=2-4")
	require.Equal(t, http.StatusPartialContent, part.StatusCode)
	require.Equal(t, "234", body(t, part))
	post := do(t, http.MethodPost, "/")
	require.Equal(t, http.StatusMethodNotAllowed, post.StatusCode)
	require.Equal(t, "GET, HEAD", post.Header.Get("Allow"))
}

func TestWithoutPages(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	Handler(Options{Dist: fstest.MapFS{".keep": {}}}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	require.Equal(t, http.StatusNotFound, w.Code)
}

func FuzzAccepts(f *testing.F) {
	for _, s := range []string{"br;q=0.5, gzip", "*;q=0", ";;,,", "br;q=x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		// What is refused by name is refused, whatever else the header says after it.
		require.False(t, accepts("br;q=0,"+header, "br"))
		require.True(t, accepts("br,"+header, "br"))
	})
}

package channel_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"yixian/internal/channel"
	"yixian/notify"
)

var secret = []byte("0123456789abcdef0123456789abcdef")

func outgoing() notify.Outgoing {
	return notify.Outgoing{ID: uuid.New(), To: "13900000001", Title: "验证码", Text: "您的验证码是 246810，5 分钟内有效。", Template: "otp.resident.SMS"}
}

func TestConsoleHidesNumberAndText(t *testing.T) {
	t.Parallel()
	for _, sandbox := range []bool{false, true} {
		var out bytes.Buffer
		m := outgoing()
		_, err := channel.NewConsoleSMS(slog.New(slog.NewJSONHandler(&out, nil)), sandbox).Send(t.Context(), m)
		require.NoError(t, err)
		require.Contains(t, out.String(), m.ID.String())
		require.Contains(t, out.String(), "139****0001")
		require.NotContains(t, out.String(), m.To)
		require.Equal(t, sandbox, strings.Contains(out.String(), "246810"))
	}
}

func TestFileAppendsWholeLines(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sms.jsonl")
	const writers, each = 8, 25
	var wg sync.WaitGroup
	for range writers {
		sink, err := channel.OpenFileSMS(path) // each its own handle, as several processes would have
		require.NoError(t, err)
		t.Cleanup(func() { _ = sink.Close() })
		wg.Go(func() {
			for range each {
				if _, err := sink.Send(context.Background(), outgoing()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	require.Len(t, lines, writers*each)
	for _, line := range lines {
		var m struct {
			ID       uuid.UUID `json:"id"`
			To, Text string
		}
		require.NoError(t, json.Unmarshal([]byte(line), &m))
		require.Equal(t, "13900000001", m.To)
		require.NotEqual(t, uuid.Nil, m.ID)
	}
}

func TestFileRefusesAnOpenOne(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sms.jsonl")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Chmod(path, 0o644))
	_, err := channel.OpenFileSMS(path)
	require.ErrorContains(t, err, "chmod 600")
	_, err = channel.OpenFileSMS(os.DevNull)
	require.ErrorContains(t, err, "regular")
}

func TestFileReportsAFailedWrite(t *testing.T) {
	t.Parallel()
	sink, err := channel.OpenFileSMS(filepath.Join(t.TempDir(), "sms.jsonl"))
	require.NoError(t, err)
	require.NoError(t, sink.Close())
	_, err = sink.Send(t.Context(), outgoing())
	require.Error(t, err)
	require.False(t, notify.IsPermanent(err))
}

// gateway is a faithful SMS gateway: it checks signature, freshness and form, and sends once per key, however often
// it is asked.
type gateway struct {
	mu    sync.Mutex
	sent  map[string]string // key → text
	asked int
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	stamp, key := r.Header.Get(channel.HeaderTimestamp), r.Header.Get(channel.HeaderIdempotency)
	at, err := strconv.ParseInt(stamp, 10, 64)
	age := time.Since(time.Unix(at, 0))
	if r.Method != http.MethodPost || err != nil || age > 5*time.Minute || age < -5*time.Minute ||
		!hmac.Equal([]byte(r.Header.Get(channel.HeaderSignature)), []byte(channel.Sign(secret, stamp, key, body))) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var m struct{ ID, To, Title, Text, Template string }
	if json.Unmarshal(body, &m) != nil || m.ID != key || m.To == "" || m.Text == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked++
	g.sent[key] = m.Text
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"id": "gw-" + key})
}

func TestHTTPSignsAndRepeatsUnderOneKey(t *testing.T) {
	t.Parallel()
	g := &gateway{sent: map[string]string{}}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	sms, err := channel.NewHTTPSMS(server.URL+"/send", secret)
	require.NoError(t, err)
	m := outgoing()
	for range 2 {
		receipt, err := sms.Send(t.Context(), m)
		require.NoError(t, err)
		require.Equal(t, "gw-"+m.ID.String(), receipt.Ref)
	}
	require.Equal(t, 2, g.asked)
	require.Equal(t, map[string]string{m.ID.String(): m.Text}, g.sent)

	forged, err := channel.NewHTTPSMS(server.URL, []byte("another secret of some length"))
	require.NoError(t, err)
	_, err = forged.Send(t.Context(), m)
	require.True(t, notify.IsPermanent(err))
	require.Equal(t, 2, g.asked)
}

func TestHTTPMisbehavingGateways(t *testing.T) {
	t.Parallel()
	var elsewhere int
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	t.Cleanup(trap.Close)
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(code); _, _ = io.Copy(w, r.Body) }
	}
	for name, c := range map[string]struct {
		answer    http.HandlerFunc
		permanent bool
	}{
		"400":   {status(400), true},
		"403":   {status(403), true},
		"404":   {status(404), true},
		"408":   {status(408), false},
		"409":   {status(409), false},
		"429":   {status(429), false},
		"500":   {status(500), false},
		"503":   {status(503), false},
		"empty": {status(204), false},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, trap.URL, http.StatusTemporaryRedirect)
		}, false},
		"html":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>login</html>") }, false},
		"no id":   {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }, false},
		"10 MB":   {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte(" "), 10<<20)) }, false},
		"hang-up": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.answer)
			defer server.Close()
			sms, err := channel.NewHTTPSMS(server.URL+"/?token=hidden", secret)
			require.NoError(t, err)
			m := outgoing()
			_, err = sms.Send(t.Context(), m)
			require.Error(t, err)
			require.Equal(t, c.permanent, notify.IsPermanent(err))
			for _, hidden := range []string{m.To, "246810", "hidden", server.URL} {
				require.NotContains(t, err.Error(), hidden)
			}
		})
	}
	require.Zero(t, elsewhere)
}

func TestHTTPGivesUpOnASilentGateway(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	sms, err := channel.NewHTTPSMS(server.URL, secret)
	require.NoError(t, err)
	sms.SetTimeout(time.Millisecond)
	_, err = sms.Send(t.Context(), outgoing())
	require.ErrorContains(t, err, "in time")
	require.False(t, notify.IsPermanent(err))
}

func TestHTTPRefusesWeakSettings(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "gateway", "http://sms.example/send", "ftp://127.0.0.1/", "https://user:pw@sms.example/", "https:///send", "https://sms.example/#x", "http://127.0.0.1.sms.example/", ":%"} {
		_, err := channel.NewHTTPSMS(address, secret)
		require.Error(t, err, address)
		require.NotContains(t, err.Error(), "pw")
	}
	_, err := channel.NewHTTPSMS("https://sms.example/send", []byte("short"))
	require.ErrorContains(t, err, "16 bytes")
	_, err = channel.NewHTTPSMS("https://sms.example/send", secret)
	require.NoError(t, err)
}

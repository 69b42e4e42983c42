package channel_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"yixian/internal/channel"
	"yixian/notify"
)

// canary counts the connections that reach the loopback.
func canary(t *testing.T) (port string, reached *atomic.Int32) {
	t.Helper()
	reached = new(atomic.Int32)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			reached.Add(1)
			_ = conn.Close()
		}
	}()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port, reached
}

// flip is a resolver that answers every name with the loopback, as a rebinding name server does after the check.
func flip(t *testing.T) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = pc.Close() })
	go func() {
		buf := make([]byte, 512)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) == 0 {
				continue
			}
			q := m.Questions[0]
			m.Response, m.Authoritative, m.Additionals = true, true, nil
			if q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 0}, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
			}
			raw, err := m.Pack()
			if err == nil {
				_, _ = pc.WriteTo(raw, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

// A webhook that leads inside is refused when it is dialled: not one connection, whatever form the address has.
func TestNothingInsideIsCalled(t *testing.T) {
	t.Parallel()
	port, reached := canary(t)
	g := channel.Guard{Resolve: flip(t)}
	for _, host := range []string{"127.0.0.1", "127.1.2.3", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "[fe80::1]", "[fd00::1]",
		"[64:ff9b::7f00:1]", "[2002:7f00:1::]", "rebind.example", "localhost"} {
		hook, err := channel.NewHook(g, notify.Settings{"url": "https://" + host + ":" + port + "/hook", "secret": "0123456789abcdef"})
		require.NoError(t, err, host)
		_, err = hook.Send(t.Context(), outgoing())
		require.ErrorContains(t, err, "public net", host)
	}
	for _, address := range []string{"http://api.example.gov.cn/", "https://u:p@api.example.gov.cn/", "file:///etc/passwd", "gopher://127.0.0.1/", "https:///x"} {
		_, err := channel.NewHook(g, notify.Settings{"url": address, "secret": "0123456789abcdef"})
		require.Error(t, err, address)
	}
	for _, host := range []string{"0x7f.1", "2130706433", "127.1"} { // names to a resolver that knows no such forms; refused or unknown, never called
		hook, err := channel.NewHook(channel.Guard{}, notify.Settings{"url": "https://" + host + ":" + port + "/", "secret": "0123456789abcdef"})
		require.NoError(t, err)
		_, err = hook.Send(t.Context(), outgoing())
		require.Error(t, err)
	}
	require.Zero(t, reached.Load())

	// The control: with the guard off the same name reaches the canary.
	hook, err := channel.NewHook(channel.Guard{Resolve: flip(t), Inside: []string{"rebind.example"}}, notify.Settings{"url": "https://rebind.example:" + port + "/", "secret": "0123456789abcdef"})
	require.NoError(t, err)
	_, err = hook.Send(t.Context(), outgoing())
	require.Error(t, err)
	require.Positive(t, reached.Load())
}

// A redirect is an answer that is no receipt: its target is not asked.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var inner atomic.Int32
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inner.Add(1) }))
	t.Cleanup(trap.Close)
	outer := httptest.NewServer(http.RedirectHandler(trap.URL, http.StatusFound))
	t.Cleanup(outer.Close)
	hook, err := channel.NewHook(here, notify.Settings{"url": outer.URL, "secret": "0123456789abcdef"})
	require.NoError(t, err)
	_, err = hook.Send(t.Context(), outgoing())
	require.ErrorContains(t, err, "redirect")
	require.Zero(t, inner.Load())
}

// The receiver can prove a webhook by its own means: HMAC over timestamp, key and the bytes.
func TestHookIsSigned(t *testing.T) {
	t.Parallel()
	m := outgoing()
	m.Text = `{"kind":"dispatch"}`
	f := newFake(t, func(r *http.Request, body []byte) (string, error) {
		key := r.Header.Get(channel.HeaderIdempotency)
		if channel.Sign([]byte("0123456789abcdef"), r.Header.Get(channel.HeaderTimestamp), key, body) != r.Header.Get(channel.HeaderSignature) || string(body) != m.Text {
			return "", http.ErrNoCookie
		}
		return key, nil
	}, func(string) any { return nil })
	u, err := url.Parse(f.URL)
	require.NoError(t, err)
	hook, err := channel.NewHook(here, notify.Settings{"url": u.String(), "secret": "0123456789abcdef"})
	require.NoError(t, err)
	_, err = hook.Send(t.Context(), m)
	require.NoError(t, err)
	require.Equal(t, map[string]int{m.ID.String(): 1}, f.taken)
}

package web

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
)

// A client that does not wait is no failure of the program: no line of the log, no 500; the same error of one who waits is both.
func TestWhoDoesNotWaitIsNoFailure(t *testing.T) {
	t.Parallel()
	ask := func(ctx context.Context, err error) (status int, log string) {
		var lines bytes.Buffer
		s := &server{}
		s.Log = slog.New(slog.NewTextHandler(&lines, nil))
		answer := httptest.NewRecorder()
		c, _ := gin.CreateTestContext(answer)
		c.Request = httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/v1/cases", nil)
		s.problem(c, err)
		return answer.Code, lines.String()
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	status, log := ask(gone, context.Canceled)
	require.Equal(t, statusGone, status)
	require.Empty(t, log)
	status, log = ask(t.Context(), errors.New("write: broken pipe"))
	require.Equal(t, http.StatusInternalServerError, status)
	require.Contains(t, log, "broken pipe")
}

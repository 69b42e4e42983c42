package web

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"yixian/internal/fault"
	"yixian/internal/pg"
)

// problem answers any error as application/problem+json; what is not a fault becomes a 500 that tells nothing but
// the request id. The cause goes to the log.
func (s *server) problem(c *gin.Context, err error) {
	e := s.faultOf(c, err)
	writeProblem(c, e)
}

func (s *server) faultOf(c *gin.Context, err error) *fault.Error {
	e, ok := fault.As(err)
	if !ok {
		if e, ok = fault.As(pg.Fault(err)); !ok {
			e = internal(err)
		}
	}
	if e.Status >= 500 && errors.Is(c.Request.Context().Err(), context.Canceled) { // who asked has gone: nothing failed, and nobody reads the answer
		return fault.New(statusGone, "CLIENT_GONE", "请求方已离开")
	}
	if e.Status >= 500 {
		s.Log.LogAttrs(c, slog.LevelError, "request failed", slog.String("request_id", requestID(c)), slog.String("code", e.Code), slog.String("route", c.FullPath()), slog.String("cause", cause(e)))
	}
	return e
}

// statusGone counts a request whose client did not wait for the answer, as proxies do (499).
const statusGone = 499

func cause(e *fault.Error) string {
	if inner := errors.Unwrap(e); inner != nil {
		return inner.Error()
	}
	return e.Detail
}

func writeProblem(c *gin.Context, e *fault.Error) {
	body := map[string]any{"type": "about:blank", "title": http.StatusText(e.Status), "status": e.Status, "detail": e.Detail, "code": e.Code, "request_id": requestID(c)}
	maps.Copy(body, e.Extra)
	if len(e.Fields) > 0 {
		body["errors"] = e.Fields
		if e.Code != "INVALID" {
			body["detail"] = e.Fields[0].Detail
		}
	}
	if e.RetryAfter > 0 {
		c.Header("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	c.Header("Cache-Control", "no-store")
	if e.Status == http.StatusRequestEntityTooLarge { // what is left of the body must not be taken for the next request
		c.Header("Connection", "close")
	}
	raw, err := json.Marshal(body)
	if err != nil {
		raw = []byte(`{"type":"about:blank","title":"Internal Server Error","status":500,"code":"INTERNAL"}`)
	}
	c.Data(e.Status, "application/problem+json; charset=utf-8", raw)
	c.Abort()
}

// badRequest answers what could not be read as the contract's type.
func badRequest(c *gin.Context, err error) {
	var tooLarge *http.MaxBytesError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &tooLarge):
		writeProblem(c, fault.New(http.StatusRequestEntityTooLarge, "TOO_LARGE", "内容过大，上限 %d 字节", tooLarge.Limit))
	case errors.As(err, &wrong):
		writeProblem(c, fault.Invalid("/"+strings.ReplaceAll(wrong.Field, ".", "/"), "类型不对，应为 %s", wrong.Type.String()))
	default:
		writeProblem(c, fault.Invalid("", "请求格式有误，无法读取"))
	}
}

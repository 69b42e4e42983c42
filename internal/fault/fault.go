// Package fault owns the one error type that may reach a person: a stable code, an HTTP status and a
// text that is safe to show. What went wrong inside travels as the wrapped cause and is only logged.
package fault

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"
)

// Field names one wrong place of an input: Pointer is an RFC 6901 JSON pointer ("/point/lon"),
// Detail says what to mend.
type Field struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// Error is a refusal or a failure with a stable UPPER_SNAKE Code. Detail is shown to people: it holds
// no personal data, no SQL and no path. Extra adds members to the problem+json answer.
type Error struct {
	Code       string
	Status     int
	Detail     string
	Fields     []Field
	RetryAfter time.Duration
	Extra      map[string]any
	cause      error
}

// New makes an error with an HTTP status, a stable code and a safe text.
func New(status int, code, format string, args ...any) *Error {
	detail := format
	if len(args) > 0 {
		detail = fmt.Sprintf(format, args...)
	}
	return &Error{Code: code, Status: status, Detail: detail}
}

func (e *Error) Error() string {
	if e.cause != nil {
		return e.Code + ": " + e.Detail + ": " + e.cause.Error()
	}
	return e.Code + ": " + e.Detail
}

func (e *Error) Unwrap() error { return e.cause }

// Because keeps the inner cause for the log.
func (e *Error) Because(cause error) *Error { c := *e; c.cause = cause; return &c }

// At adds a wrong field; the text of the field becomes part of the answer.
func (e *Error) At(pointer, format string, args ...any) *Error {
	c := *e
	detail := format
	if len(args) > 0 {
		detail = fmt.Sprintf(format, args...)
	}
	c.Fields = append(append([]Field(nil), e.Fields...), Field{Pointer: pointer, Detail: detail})
	return &c
}

// Coded gives the error another stable code.
func (e *Error) Coded(code string) *Error { c := *e; c.Code = code; return &c }

// With adds a member to the problem+json answer (for example the current version of a case).
func (e *Error) With(key string, value any) *Error {
	c := *e
	c.Extra = make(map[string]any, len(e.Extra)+1)
	maps.Copy(c.Extra, e.Extra)
	c.Extra[key] = value
	return &c
}

// After asks the client to come again later.
func (e *Error) After(d time.Duration) *Error { c := *e; c.RetryAfter = d; return &c }

// Invalid is a 422 for one field of the input.
func Invalid(pointer, format string, args ...any) *Error {
	return New(http.StatusUnprocessableEntity, "INVALID", "输入有误，请按提示修改").At(pointer, format, args...)
}

// Unauthorized is a 401: nobody is signed in.
func Unauthorized() *Error { return New(http.StatusUnauthorized, "UNAUTHENTICATED", "请先登录") }

// Forbidden is a 403: signed in, but this is not theirs to do.
func Forbidden(code, format string, args ...any) *Error {
	return New(http.StatusForbidden, code, format, args...)
}

// NotFound is a 404: not there, or outside the caller's scope — the answer is the same on purpose.
func NotFound() *Error {
	return New(http.StatusNotFound, "NOT_FOUND", "没有找到，或不在您的查看范围内")
}

// Conflict is a 409: the state of the case does not allow it (any more).
func Conflict(code, format string, args ...any) *Error {
	return New(http.StatusConflict, code, format, args...)
}

// Unavailable is a 503 with Retry-After: a part of the system is away, nothing was lost.
func Unavailable(cause error) *Error {
	return New(http.StatusServiceUnavailable, "UNAVAILABLE", "系统暂时不可用，请稍后重试；您填写的内容不会丢失").
		After(2 * time.Second).Because(cause)
}

// As returns the Error inside err, if there is one.
func As(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// Is reports whether err carries the code.
func Is(err error, code string) bool {
	e, ok := As(err)
	return ok && e.Code == code
}

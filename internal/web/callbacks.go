package web

import (
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"yixian/internal/cache"
	"yixian/internal/fault"
	"yixian/notify"
)

// maxCallback bounds a provider's receipts.
const maxCallback = 256 << 10

// callback takes a provider's receipts: POST /callbacks/{district}/{provider}. It stands outside of the contract because what
// is signed are the bytes as they came; the provider proves itself, nobody is signed in.
func (s *server) callback(c *gin.Context) {
	if err := s.allow(c, "callback", cache.Rate{Count: 6000, Per: time.Minute}); err != nil {
		s.problem(c, err)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxCallback))
	if err != nil {
		s.problem(c, fault.New(http.StatusRequestEntityTooLarge, "TOO_LARGE", "内容过大"))
		return
	}
	district := c.Param("district")
	if s.world(district) == nil {
		s.problem(c, fault.NotFound())
		return
	}
	now, err := s.Desk.RealNow(c)
	if err != nil {
		s.problem(c, err)
		return
	}
	taken, err := s.Post.TakeReports(c, s.DB, district, c.Param("provider"), notify.Callback{Header: c.GetHeader, Query: c.Query, Body: body, At: now})
	if err != nil {
		s.problem(c, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"code": 0, "taken": taken}) // "code": 0 is what Alibaba Cloud waits for
}

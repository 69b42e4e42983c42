package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"yixian/internal/fault"
)

// deep is GET /healthz/deep: 200 while in every district somebody looks and everything that must hold holds, else 503. It
// tells figures by district and check and nothing about any case, so that a monitor needs no account.
func (s *server) deep(c *gin.Context) {
	list, healthy, err := s.Deep(c)
	if err != nil {
		s.problem(c, fault.Unavailable(err))
		return
	}
	status, word := http.StatusOK, "ok"
	if !healthy {
		status, word = http.StatusServiceUnavailable, "failing"
	}
	c.Header("Cache-Control", "no-store")
	c.JSON(status, gin.H{"status": word, "districts": list})
}

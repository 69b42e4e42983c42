package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"yixian/api"
	"yixian/internal/fault"
	"yixian/internal/media"
)

// liteLookup is the form that finds a report.
type liteLookup struct{ Code string }

func (s *server) liteLook(c *gin.Context) {
	s.liteShow(c, http.StatusOK, "look.html", litePage{Title: "trackTitle", Body: liteLookup{}})
}

func (s *server) liteFind(c *gin.Context) {
	in, err := s.liteRead(c)
	if err != nil {
		s.liteProblem(c, err)
		return
	}
	code, tail := strings.TrimSpace(in.Get("code")), strings.TrimSpace(in.Get("tail"))
	t, err := s.track(c, code, &tail)
	if err != nil {
		s.liteNone(c, err, code)
		return
	}
	c.Redirect(http.StatusSeeOther, "/lite/c/"+t.Track)
}

// liteNone answers a look-up that found nothing with the form, the code in it.
func (s *server) liteNone(c *gin.Context, err error, code string) {
	e := s.faultOf(c, err)
	wrong := s.liteErrors(c, e)
	if e.Status == http.StatusNotFound {
		wrong = []liteError{{"code", litePage{Lang: lang(c)}.T("none")}}
	}
	if _, short := strconv.Atoi(code); len(code) > 16 && short != nil {
		code = "" // a link's token is no code to be typed
	}
	s.liteShow(c, e.Status, "look.html", litePage{Title: "trackTitle", Errors: wrong, Body: liteLookup{code}})
}

// liteView is a report as its reporter sees it.
type liteView struct {
	api.ResidentView
	Link, Key string // of this page; of the next thing done
	Did       string // a key: what was just done
	zone      *time.Location
}

// When writes an instant on the district's wall clock.
func (v liteView) When(at any) string {
	switch t := at.(type) {
	case time.Time:
		return t.In(v.zone).Format("2006-01-02 15:04")
	case *time.Time:
		if t != nil {
			return t.In(v.zone).Format("2006-01-02 15:04")
		}
	}
	return ""
}

// Late says that the promised time has passed and the matter is not settled.
func (v liteView) Late() bool { return deref(v.Overdue) && v.StatusStep < 4 }

// May reports whether the reporter may do this now.
func (v liteView) May(verb string) bool { return slices.Contains(v.Can, api.ResidentViewCan(verb)) }

// Where is the place in words.
func (v liteView) Where() string {
	return strings.Join(slices.DeleteFunc([]string{v.Place.StreetName, deref(v.Place.CommunityName), deref(v.Place.Address)}, func(s string) bool { return s == "" }), " ")
}

var liteDids = []string{"report", "add", "urge", "withdraw", "rate", "appeal", "follow"}

func (s *server) liteTrack(c *gin.Context) {
	s.liteCase(c, http.StatusOK, c.Query("did"), nil)
}

// liteCase shows the report of the address, with what was wrong with something done to it.
func (s *server) liteCase(c *gin.Context, status int, did string, wrong []liteError) {
	t, err := s.track(c, c.Param("code"), nil)
	if err != nil {
		s.liteNone(c, err, c.Param("code"))
		return
	}
	if !slices.Contains(liteDids, did) {
		did = ""
	}
	v := liteView{ResidentView: s.residentView(c, actorOf(c), t, s.own(c, t)), Link: t.Track, Key: uuid.NewString(), Did: did, zone: t.World.Calendar.Location()}
	s.liteShow(c, status, "track.html", litePage{Title: "trackTitle", Errors: wrong, Body: v})
}

// liteVerb is one thing done with a report, by the same way as the API.
func (s *server) liteVerb(c *gin.Context) {
	in, err := s.liteRead(c)
	if err != nil {
		s.liteProblem(c, err)
		return
	}
	if len(in.Bad) > 0 {
		s.liteCase(c, http.StatusUnprocessableEntity, "", in.Bad)
		return
	}
	code, verb := c.Param("code"), c.Param("verb")
	key := in.Get("key")
	if _, err := uuid.Parse(key); err != nil {
		key = uuid.NewString()
	}
	b := &api.ReportVerbBody{}
	text := strings.TrimSpace(in.Get("text"))
	switch verb {
	case "add":
		b.Text = some(text)
		if len(in.Photos) > 0 {
			b.MediaIds = &in.Photos
		}
	case "appeal", "withdraw":
		b.Reason = some(text)
	case "rate":
		grade, err := strconv.Atoi(in.Get("grade"))
		if err != nil || in.Get("resolved") == "" || in.Get("contacted") == "" {
			s.liteCase(c, http.StatusUnprocessableEntity, "", []liteError{{"grade", litePage{Lang: lang(c)}.T("needRating")}})
			return
		}
		b.Grade, b.Resolved, b.Contacted, b.Text = &grade, new(in.Get("resolved") == "yes"), new(in.Get("contacted") == "yes"), some(text)
	}
	if err = s.doc.body("POST /api/v1/reports/:receipt_code/:verb", b); err == nil {
		_, err = s.ReportVerb(c, api.ReportVerbRequestObject{ReceiptCode: code, Verb: api.ReportVerbParamsVerb(verb), Params: api.ReportVerbParams{IdempotencyKey: &key}, Body: b})
	}
	if err != nil {
		e := s.faultOf(c, err)
		s.liteCase(c, e.Status, "", s.liteErrors(c, e))
		return
	}
	c.Redirect(http.StatusSeeOther, "/lite/c/"+code+"?did="+verb)
}

// litePhoto serves a photo of a report to whoever holds the report's link: no session is needed for that.
func (s *server) litePhoto(c *gin.Context) {
	t, err := s.track(c, c.Param("code"), nil)
	if err != nil {
		s.problem(c, err)
		return
	}
	v := s.residentView(c, actorOf(c), t, false)
	for _, m := range append(v.Media, v.AfterMedia...) {
		if m.Id == c.Param("id") {
			variant := media.Thumb
			if c.Query("size") == "full" {
				variant = media.Full
			}
			s.serve(c, media.Key(m.Id, variant), "private, max-age=600")
			return
		}
	}
	s.problem(c, fault.NotFound())
}

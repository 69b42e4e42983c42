package web

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"yixian/api"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// liteDraft is a report on its way through the two pages: what was filled in, with the photos as ids.
type liteDraft struct {
	Key, Text, Address, Area, Matter, Phone string
	Anonymous                               bool
	Media                                   []string
	Lon, Lat                                string // where a photo was taken
	Place                                   string // that place in words
	Known                                   bool   // a session that may report: no phone and no code are asked for
	Streets                                 []liteStreet
	Matters                                 []liteOption
}

type liteStreet struct {
	Name        string
	Communities []liteOption
}

type liteOption struct{ Code, Name string }

// liteChoices fills in what the page offers.
func (s *server) liteChoices(c *gin.Context, d *liteDraft) error {
	district, err := s.here(c)
	if err != nil {
		return err
	}
	d.Known, _ = actorOf(c).May(auth.PermReportSubmit)
	ix := s.Desk.Worlds().Index()
	for _, street := range ix.Children(district) {
		one := liteStreet{Name: street.Name}
		for _, community := range ix.Children(street.Code) {
			one.Communities = append(one.Communities, liteOption{community.Code, community.Name})
		}
		if len(one.Communities) > 0 {
			d.Streets = append(d.Streets, one)
		}
	}
	cat := s.world(district).Catalog
	for _, code := range cat.Common() {
		if it, ok := cat.Matter(code); ok {
			name := it.Name
			if lang(c) == "en" && it.NameEN != "" {
				name = it.NameEN
			}
			d.Matters = append(d.Matters, liteOption{code, name})
		}
	}
	if p, ok := d.taken(); ok {
		if at, err := pointIn(&p).WGS84(); err == nil {
			if place, ok := ix.Locate(at); ok {
				d.Place = place.StreetName + " " + place.CommunityName
			}
		}
	}
	return nil
}

// taken is where a photo says it was taken.
func (d *liteDraft) taken() (api.Point, bool) {
	lon, errLon := strconv.ParseFloat(d.Lon, 64)
	lat, errLat := strconv.ParseFloat(d.Lat, 64)
	return api.Point{Lon: lon, Lat: lat, Datum: "WGS84"}, errLon == nil && errLat == nil
}

func (s *server) liteReport(c *gin.Context) {
	s.liteForm(c, http.StatusOK, &liteDraft{Key: uuid.NewString()}, nil)
}

func (s *server) liteForm(c *gin.Context, status int, d *liteDraft, wrong []liteError) {
	if err := s.liteChoices(c, d); err != nil {
		s.liteProblem(c, err)
		return
	}
	s.liteShow(c, status, "report.html", litePage{Title: "title", Errors: wrong, Body: d})
}

func draftOf(in *liteInput) *liteDraft {
	d := &liteDraft{Key: in.Get("key"), Text: strings.TrimSpace(in.Get("text")), Address: strings.TrimSpace(in.Get("address")), Area: in.Get("area"), Matter: in.Get("matter"), Phone: strings.TrimSpace(in.Get("phone")),
		Anonymous: in.Get("anonymous") != "", Media: append(in.Values["media"], in.Photos...), Lon: in.Get("lon"), Lat: in.Get("lat")}
	if in.At != nil && d.Lon == "" {
		d.Lon, d.Lat = strconv.FormatFloat(in.At.Lon, 'f', 6, 64), strconv.FormatFloat(in.At.Lat, 'f', 6, 64)
	}
	if _, err := uuid.Parse(d.Key); err != nil {
		d.Key = uuid.NewString()
	}
	return d
}

var mobile = regexp.MustCompile(`^1[3-9][0-9]{9}$`)

// report is the draft as a report of the contract. A community chosen wins over the photo's place unless the photo was taken in
// it; then the point only stands for it and a dispatcher puts it right.
func (s *server) liteBody(c *gin.Context, d *liteDraft) (b *api.ReportNew, unplaced bool, wrong []liteError) {
	t := litePage{Lang: lang(c)}.T
	b = &api.ReportNew{Text: some(d.Text), Address: some(d.Address), Matter: some(d.Matter), Anonymous: some(d.Anonymous)}
	if len(d.Media) > 0 {
		b.MediaIds = &d.Media
	}
	if len(d.Media) == 0 && len([]rune(d.Text)) < 5 {
		wrong = append(wrong, liteError{"photo", t("needPhotoOrText")})
	}
	ix := s.Desk.Worlds().Index()
	taken, has := d.taken()
	if has && d.Area != "" {
		at, err := pointIn(&taken).WGS84()
		place, ok := ix.Locate(at)
		has = err == nil && ok && place.CommunityCode == d.Area
	}
	switch centre, ok := ix.Centre(d.Area); {
	case has:
		b.Point = taken
	case ok && d.Address == "":
		wrong = append(wrong, liteError{"address", t("needAddress")})
	case ok:
		b.Point, unplaced = api.Point{Lon: centre.Lon, Lat: centre.Lat, Datum: "WGS84"}, true
	default:
		wrong = append(wrong, liteError{"area", t("needPlace")})
	}
	if !d.Known && !mobile.MatchString(d.Phone) {
		wrong = append(wrong, liteError{"phone", t("needPhone")})
	}
	if len(wrong) == 0 {
		if err := s.doc.body("POST /api/v1/reports", b); err != nil {
			wrong = s.liteErrors(c, err)
		}
	}
	return b, unplaced, wrong
}

// liteSend is the first page sent: a known session reports at once, everybody else gets a code.
func (s *server) liteSend(c *gin.Context) {
	in, err := s.liteRead(c)
	if err != nil {
		s.liteProblem(c, err)
		return
	}
	d := draftOf(in)
	d.Known, _ = actorOf(c).May(auth.PermReportSubmit)
	_, _, wrong := s.liteBody(c, d)
	if wrong = append(in.Bad, wrong...); len(wrong) > 0 {
		s.liteForm(c, http.StatusUnprocessableEntity, d, wrong)
		return
	}
	if d.Known {
		s.liteSubmit(c, d)
		return
	}
	s.liteAskCode(c, d)
}

// liteAskCode sends a code and asks for it.
func (s *server) liteAskCode(c *gin.Context, d *liteDraft) {
	if _, err := s.RequestOtp(c, api.RequestOtpRequestObject{Body: &api.OtpRequest{Phone: d.Phone}}); err != nil {
		e := s.faultOf(c, err)
		s.liteForm(c, e.Status, d, s.liteErrors(c, e))
		return
	}
	s.liteShow(c, http.StatusOK, "code.html", litePage{Title: "codeTitle", Body: d})
}

// liteCode is the second page sent: the code opens the resident's session, and the report goes in.
func (s *server) liteCode(c *gin.Context) {
	in, err := s.liteRead(c)
	if err != nil {
		s.liteProblem(c, err)
		return
	}
	d := draftOf(in)
	if in.Get("again") != "" {
		s.liteAskCode(c, d)
		return
	}
	if s.liteKnows(c, d.Phone) { // sent twice: the code is used up, the session it opened is there
		s.liteSubmit(c, d)
		return
	}
	code := strings.Join(strings.Fields(in.Get("code")), "")
	answer, err := s.VerifyOtp(c, api.VerifyOtpRequestObject{Body: &api.OtpVerify{Phone: d.Phone, Code: code}})
	if err == nil {
		open := answer.(api.VerifyOtp200JSONResponse)
		err = s.liteBecome(c, open.Body.Token)
	}
	if err != nil {
		e := s.faultOf(c, err)
		wrong := s.liteErrors(c, e)
		wrong[0].Field = "code"
		s.liteShow(c, e.Status, "code.html", litePage{Title: "codeTitle", Errors: wrong, Body: d})
		return
	}
	s.liteSubmit(c, d)
}

// liteKnows reports whether the session is that phone's already.
func (s *server) liteKnows(c *gin.Context, phone string) bool {
	a := actorOf(c)
	if a.Kind != auth.Resident {
		return false
	}
	known, err := s.Auth.PhoneOf(pg.WithDistrict(c, a.District), a.Account)
	return err == nil && known == phone
}

func (s *server) liteSubmit(c *gin.Context, d *liteDraft) {
	d.Known = true
	b, unplaced, wrong := s.liteBody(c, d)
	if len(wrong) > 0 {
		s.liteForm(c, http.StatusUnprocessableEntity, d, wrong)
		return
	}
	receipt, _, err := s.submit(c, b, "lite:"+d.Key, unplaced)
	if err != nil {
		e := s.faultOf(c, err)
		if fault.Is(err, "IDEMPOTENCY_MISMATCH") { // gone back and changed something: another report
			d.Key = uuid.NewString()
		}
		s.liteForm(c, e.Status, d, s.liteErrors(c, e))
		return
	}
	c.Redirect(http.StatusSeeOther, "/lite/c/"+receipt.TrackToken+"?did=report")
}

package web

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"yixian/api"
)

// What everybody may read of a district (公开), as plain pages: notices and clarifications, the ranking of the last frozen month, closed
// cases and the counts to take away. They read the same operations as /api/v1/public/…, without a session.

const (
	openShort = 5  // of each list on the first page
	openLong  = 20 // on a page of its own
)

// liteOpenView is one page of it; Only names the list that has the page for itself.
type liteOpenView struct {
	Only          string // "", "notices", "ranking", "cases"
	Notices       []api.PublicNotice
	Cases         []api.PublicCase
	Period        string
	Before        string // the month before Period
	Ranked        []liteRanking
	NoticesCursor string
	CasesCursor   string
	zone          *time.Location
}

// liteRanking is the standing of one kind of unit: title is a key of liteWords.
type liteRanking struct {
	Title string
	Units []api.Standing
}

// Day writes an instant as a day of the district.
func (v liteOpenView) Day(at time.Time) string { return at.In(v.zone).Format("2006-01-02") }

// Score writes a score as it is printed on the sheet's page; "" for a unit with too few cases.
func (liteOpenView) Score(s *float64) string {
	if s == nil {
		return ""
	}
	return strconv.FormatFloat(*s, 'f', 2, 64)
}

// Verdict is the key of a clarification's verdict in liteWords, "" for a notice.
func (liteOpenView) Verdict(n api.PublicNotice) string {
	if n.Verdict == nil {
		return ""
	}
	return "verdict." + string(*n.Verdict)
}

// Shows says whether the page has a list.
func (v liteOpenView) Shows(list string) bool { return v.Only == "" || v.Only == list }

func (s *server) mountLiteOpen(g *gin.RouterGroup) {
	g.GET("/open/", s.liteOpen(""))
	g.GET("/open/notices", s.liteOpen("notices"))
	g.GET("/open/ranking", s.liteOpen("ranking"))
	g.GET("/open/cases", s.liteOpen("cases"))
}

func (s *server) liteOpen(only string) gin.HandlerFunc {
	return func(c *gin.Context) {
		v := &liteOpenView{Only: only}
		if err := s.openLists(c, v); err != nil {
			s.liteProblem(c, err)
			return
		}
		s.liteShow(c, http.StatusOK, "open.html", litePage{Title: "openTitle", Body: v})
	}
}

func (s *server) openLists(c *gin.Context, v *liteOpenView) error {
	district, err := s.district(c)
	if err != nil {
		return err
	}
	v.zone = s.world(district).Calendar.Location()
	limit := openLong
	if v.Only == "" {
		limit = openShort
	}
	cursor := some(c.Query("cursor"))
	if v.Shows("notices") {
		answer, err := s.PublicNotices(c, api.PublicNoticesRequestObject{Params: api.PublicNoticesParams{Limit: &limit, Cursor: cursor}})
		if err != nil {
			return err
		}
		if list, ok := answer.(api.PublicNotices200JSONResponse); ok {
			v.Notices, v.NoticesCursor = list.Items, url.QueryEscape(deref(list.NextCursor))
		}
	}
	if v.Shows("ranking") {
		if err := s.openRanking(c, v); err != nil {
			return err
		}
	}
	if v.Shows("cases") {
		answer, err := s.PublicCases(c, api.PublicCasesRequestObject{Params: api.PublicCasesParams{Limit: &limit, Cursor: cursor}})
		if err != nil {
			return err
		}
		if list, ok := answer.(api.PublicCases200JSONResponse); ok {
			v.Cases, v.CasesCursor = list.Items, url.QueryEscape(deref(list.NextCursor))
		}
	}
	return nil
}

func (s *server) openRanking(c *gin.Context, v *liteOpenView) error {
	answer, err := s.PublicRankings(c, api.PublicRankingsRequestObject{Params: api.PublicRankingsParams{Period: some(c.Query("period"))}})
	if err != nil {
		return err
	}
	list, ok := answer.(api.PublicRankings200JSONResponse)
	if !ok {
		return nil
	}
	v.Period = list.Period
	if month, err := time.Parse("2006-01", list.Period); err == nil {
		v.Before = month.AddDate(0, -1, 0).Format("2006-01")
	}
	at := map[api.StandingKind]int{}
	for _, unit := range list.Items {
		n, ok := at[unit.Kind]
		if !ok {
			n = len(v.Ranked)
			at[unit.Kind], v.Ranked = n, append(v.Ranked, liteRanking{Title: "open." + string(unit.Kind)})
		}
		v.Ranked[n].Units = append(v.Ranked[n].Units, unit)
	}
	return nil
}

package open311

import (
	"crypto/sha256"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"yixian/dispatch"
	"yixian/internal/auth"
)

type update struct {
	XMLName   xml.Name `xml:"request_update" json:"-"`
	ID        string   `xml:"update_id" json:"update_id"`
	Request   string   `xml:"service_request_id" json:"service_request_id"`
	Status    string   `xml:"status" json:"status"`
	Updated   stamp    `xml:"updated_datetime" json:"updated_datetime"`
	Text      string   `xml:"description" json:"description"`
	MediaURL  word     `xml:"media_url" json:"media_url"`
	CaseState string   `xml:"external_status_code" json:"external_status_code"`
}

// updates is mySociety's GET servicerequestupdates: public steps by the time they happened, written once.
func (k door) updates(c *gin.Context) {
	p := query(c)
	district, bad := k.district(c, p)
	if bad != nil {
		write(c, bad)
		return
	}
	w := k.Desk.Worlds().Get(district)
	zone := w.Calendar.Location()
	from, to := p.instant("start_date", zone, &bad), p.instant("end_date", zone, &bad)
	limit, offset := p.page(mostRows, &bad)
	var reports []uuid.UUID
	for _, text := range p.list("service_request_id") {
		id, _ := idOf("R", text)
		reports = append(reports, id)
	}
	if bad != nil {
		write(c, bad)
		return
	}
	now, err := k.Desk.Now(c)
	if err != nil {
		write(c, k.failed(c, err))
		return
	}
	a, b, bad := window(from, to, now)
	if bad != nil {
		write(c, bad)
		return
	}
	found, err := k.Desk.OpenUpdates(c, district, a, b, reports, lang(c, p), limit, offset)
	if err != nil {
		write(c, k.failed(c, err))
		return
	}
	out := make([]update, 0, len(found))
	for _, u := range found {
		closed := (&dispatch.OpenRequest{Status: u.Status}).Closed()
		out = append(out, update{ID: number("U", u.ID), Request: number("R", u.Request), Status: status(closed), Updated: stamp(u.At.In(zone)), Text: u.Text, CaseState: string(u.Status)})
	}
	write(c, listed("service_request_updates", out))
}

// statuses are the words of mySociety's extension that a partner may send; the state of a case is the district's own to set.
var statuses = map[string]bool{"": true, "UNCHANGED": true, "OPEN": true, "CLOSED": true, "FIXED": true, "IN_PROGRESS": true, "PLANNED": true, "ACTION_SCHEDULED": true, "INVESTIGATING": true, "DUPLICATE": true,
	"NOT_COUNCILS_RESPONSIBILITY": true, "NO_FURTHER_ACTION": true, "INTERNAL_REFERRAL": true, "CANCELLED": true, "REOPEN": true, "FOR_TRIAGE": true}

type updated struct {
	XMLName xml.Name `xml:"request_update" json:"-"`
	ID      string   `xml:"update_id" json:"update_id"`
}

// addUpdate is mySociety's POST servicerequestupdates: what the reporter adds in the partner's app reaches the case as an
// addition of the reporter. update_id makes it exactly once.
func (k door) addUpdate(c *gin.Context) {
	p, bad := form(c)
	defer p.done()
	if bad != nil {
		write(c, bad)
		return
	}
	district, bad := k.district(c, p)
	if bad != nil {
		write(c, bad)
		return
	}
	a, bad := k.partner(c, district, p, auth.ScopeUpdate)
	if bad != nil {
		write(c, bad)
		return
	}
	for _, name := range []string{"service_request_id", "update_id", "description"} {
		if p.get(name) == "" {
			bad = bad.also("%s required", name)
		}
	}
	if !statuses[strings.ReplaceAll(strings.ToUpper(p.get("status")), " ", "_")] {
		bad = bad.also("status %s is not known", p.get("status"))
	}
	if utf8.RuneCountInString(p.get("description")) > mostText {
		bad = bad.also("description is longer than %d characters", mostText)
	}
	if bad != nil {
		write(c, bad)
		return
	}
	report, ok := idOf("R", p.get("service_request_id"))
	caseID, err := k.Desk.ReportOf(c, district, a.Account, report)
	if !ok || err != nil {
		write(c, refuse(http.StatusNotFound, "service_request_id %s was not found", p.get("service_request_id")))
		return
	}
	var words strings.Builder
	words.WriteString(p.get("description"))
	for _, link := range p.values["media_url"] { // a link, never fetched
		if link = strings.TrimSpace(link); link != "" && link != "null" && !strings.HasPrefix(link, "data:") {
			words.WriteString("\n" + link)
		}
	}
	raw, err := json.Marshal(map[string]string{"text": words.String()})
	if err != nil {
		write(c, k.failed(c, err))
		return
	}
	cmd, err := dispatch.ParseCommand(dispatch.ActAdd, raw)
	if err != nil {
		write(c, k.failed(c, err))
		return
	}
	sum := sha256.Sum256(raw)
	cmd.Key, cmd.Hash = "update:"+p.get("update_id"), sum[:]
	if len(cmd.Key) > 128 {
		write(c, refuse(http.StatusBadRequest, "update_id is too long"))
		return
	}
	if _, err := k.Desk.DoAsReporter(c, a, caseID, report, cmd, nil); err != nil {
		write(c, k.failed(c, err))
		return
	}
	write(c, listed("service_request_updates", []updated{{ID: p.get("update_id")}}))
}

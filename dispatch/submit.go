package dispatch

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/seal"
)

// Submission is a report as it comes in through any channel.
type Submission struct {
	Text          string            `json:"text"`
	Matter        string            `json:"matter"`
	StandardRef   string            `json:"standard_ref,omitempty"` // of an older code in Matter
	Point         PointIn           `json:"point"`
	Address       string            `json:"address"`
	MediaIDs      []string          `json:"media_ids"`
	Phone         string            `json:"phone"`
	ContactName   string            `json:"contact_name"`
	Anonymous     bool              `json:"anonymous"`
	NoContact     bool              `json:"no_contact"`
	OnBehalf      bool              `json:"on_behalf"`
	OccurredAt    *time.Time        `json:"occurred_at"`
	Facets        map[string]string `json:"facets"`
	Source        string            `json:"source"`
	ExternalRef   string            `json:"external_ref"`
	SelfHandled   bool              `json:"self_handled"`
	AfterMediaIDs []string          `json:"after_media_ids,omitempty"` // of a self-handled matter: how it looks now
	Follow        bool              `json:"follow"`                    // the reporter says that it is the look-alike they were shown
	Unplaced      bool              `json:"unplaced"`                  // the point only stands for an address: a dispatcher puts it right before it is filed

	Held string `json:"-"` // too much comes from one place at once (FLOOD_…): taken, but a dispatcher looks before it goes on

	PlaceCode string `json:"place_code,omitempty"` // the sticker that was scanned
	Component string `json:"component,omitempty"`  // id in the ledger; of a sticker's component by itself

	Key  string `json:"-"` // idempotency key; one is drawn when the client sent none
	Hash []byte `json:"-"` // sha-256 of the payload

	component *grid.ComponentRef
	givenCode string      // what Matter was before it was translated
	alert     *AlertFacts // of a report that a device makes

	photoLooks  []int64      // perceptual hashes of the photos
	photoPlaces []grid.Point // where the photos were taken, of those that tell it
}

// Duplicate is an open case that looks like the report.
type Duplicate struct {
	CaseID        uuid.UUID `json:"case_id"`
	CaseNo        string    `json:"case_no,omitempty"`
	Matter        string    `json:"matter"`
	MatterName    string    `json:"matter_name"`
	State         State     `json:"state"`
	StatusText    string    `json:"status_text"`
	DistanceM     float64   `json:"distance_m"`
	CreatedAt     time.Time `json:"created_at"`
	ReporterCount int       `json:"reporter_count"`
	Score         float64   `json:"score"`   // how much it looks like the report
	Likely        bool      `json:"likely"`  // it is probably the same thing
	Reasons       []string  `json:"reasons"` // why, in words for people
	LeadUnit      string    `json:"-"`       // who has it
}

// Receipt is the answer to a submission; it is stored with the report and given again to every retry.
type Receipt struct {
	ReportID    uuid.UUID   `json:"report_id"`
	ReceiptCode string      `json:"receipt_code"`
	TrackToken  string      `json:"track_token"`
	CaseID      uuid.UUID   `json:"case_id"`
	CaseNo      string      `json:"case_no,omitempty"`
	CaseState   State       `json:"case_state"`
	GridCode    string      `json:"grid_code"`
	GridName    string      `json:"grid_name"`
	Street      string      `json:"street"`
	StreetName  string      `json:"street_name"`
	UnitName    string      `json:"unit_name,omitempty"`
	PromiseAt   *time.Time  `json:"promise_at"`
	ReceivedAt  time.Time   `json:"received_at"`
	Duplicates  []Duplicate `json:"duplicates"`

	source string // under which it was taken
}

// trusted sources are filed without a dispatcher when the matter is known (T5).
var trusted = map[string]bool{"GRID_WORKER": true, "STAFF": true, "HOTLINE_12345": true, "COUNTER": true, "PARTNER": true, "DEVICE": true, "ECO_CLOUD": true}

// sourceOf is where a report came from: residents cannot claim another channel.
func sourceOf(a auth.Actor, claimed string) (string, error) {
	switch {
	case a.Kind == auth.Device: // the door of devices has set it by their kind
		return claimed, nil
	case a.Kind == auth.Partner: // as its administrator has said
		own := "PARTNER"
		if a.Grant != nil {
			own = a.Grant.Source
		}
		if claimed != "" && claimed != own {
			return "", fault.Invalid("/source", "合作方上报不能使用来源 %s", claimed)
		}
		return own, nil
	case a.Kind == auth.Resident:
		if claimed != "" && claimed != "RESIDENT" && claimed != "PLACE_CODE" {
			return "", fault.Invalid("/source", "居民上报不能使用来源 %s", claimed)
		}
		if claimed == "" {
			return "RESIDENT", nil
		}
		return claimed, nil
	case claimed == "HOTLINE_12345" || (claimed == "" && a.Has(auth.RoleHotline)):
		if !a.Has(auth.RoleHotline) {
			return "", fault.Invalid("/source", "只有热线席位可以使用该来源")
		}
		return "HOTLINE_12345", nil
	case claimed == "COUNTER", claimed == "STAFF":
		return claimed, nil
	case claimed == "" && a.Has(auth.RoleGridWorker), claimed == "GRID_WORKER" && a.Has(auth.RoleGridWorker):
		return "GRID_WORKER", nil
	case claimed == "":
		return "STAFF", nil
	}
	return "", fault.Invalid("/source", "您不能使用来源 %s", claimed)
}

// legible takes out of a text what is no writing: control characters but for line ends and tabs, and marks that make a text read in
// another order than it is written.
func legible(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return r
		case r == '\r':
			return '\n'
		case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == utf8.RuneError:
			return -1
		}
		return r
	}, s))
}

// checkSubmission holds T1's guards that need no database; it cleans the words and converts the point.
func checkSubmission(in *Submission, a auth.Actor) (grid.Point, error) {
	in.Text, in.Address, in.ContactName, in.ExternalRef = legible(in.Text), legible(in.Address), legible(in.ContactName), legible(in.ExternalRef)
	p, err := in.Point.WGS84()
	if err != nil {
		return p, err
	}
	if len(in.MediaIDs) == 0 && utf8.RuneCountInString(strings.TrimSpace(in.Text)) < 5 {
		return p, fault.Invalid("/text", "请拍一张照片，或用至少 5 个字说明情况")
	}
	if in.OccurredAt != nil && in.OccurredAt.After(a.Now.Add(10*time.Minute)) {
		return p, fault.Invalid("/occurred_at", "发生时间不能晚于现在")
	}
	if in.OccurredAt != nil && in.OccurredAt.Before(a.Now.AddDate(-1, 0, 0)) {
		return p, fault.Invalid("/occurred_at", "发生时间早于一年前，请检查日期或手机的时钟；也可以不填")
	}
	if in.SelfHandled {
		return p, checkSelfHandled(in, a)
	}
	if len(in.AfterMediaIDs) > 0 {
		return p, fault.Invalid("/after_media_ids", "处置后照片只用于自行处置")
	}
	return p, nil
}

// decideSubmission turns a report into a case and carries it as far as the rules allow: SUBMITTED, FILED,
// DISPATCHED in one change. Pure but for the randomness it is handed: ids from salt, the receipt code.
func decideSubmission(w *World, in *Submission, a auth.Actor, source string, p grid.Point, place grid.Place, caseID uuid.UUID, receipt, track, caseNo string, salt []byte, dup []Duplicate) (*Change, *Receipt, error) {
	now := a.Now
	hasPhone := in.Phone != "" || a.Kind == auth.Resident
	start := seal.ChainStart(w.District, caseID.String())
	c := Case{District: w.District, ID: caseID, State: None, HeadHash: start[:], LastAt: now, Matter: in.Matter, Kind: "matter",
		GridCode: place.GridCode, GridVersion: place.GridVersion, CommunityCode: place.CommunityCode, StreetCode: place.StreetCode, LandUse: place.LandUse,
		Lon: p.Lon, Lat: p.Lat, Datum: in.Point.Datum, AccuracyM: in.Point.AccuracyM, Cell: grid.Cell(p), Address: in.Address,
		Priority: P3, Mode: "NORMAL", Source: source, Held: in.Held, Sensitivity: "NORMAL", CheckMode: "ALL", OwnerUnit: w.UnitOf(place.StreetCode),
		Round: 1, ReporterCount: 1, NoContact: in.NoContact || in.Anonymous || !hasPhone, IntakeAccount: accountOf(a), CreatedAt: now, UpdatedAt: now}
	d := newDraft(w, &Snapshot{Case: c, PhotoPlaces: in.photoPlaces, Component: in.component}, now, salt)
	if in.component != nil {
		d.s.Case.Component = in.component.ID
	}
	d.was = Case{} // its first facts tell the whole row
	reportID := d.newID()
	d.s.Reports = []ReportRef{{ID: reportID, AccountID: accountOf(a), Anonymous: in.Anonymous, NoContact: c.NoContact, Source: source, OnBehalf: in.OnBehalf, HasPhone: hasPhone, Words: in.Text, Facets: in.Facets, Alert: in.alert}}
	occurred := now
	if in.OccurredAt != nil {
		occurred = *in.OccurredAt
	}
	if b, ok := w.budget(ClockAccept, P3); ok {
		d.startClock(ClockAccept, "CASE", caseID, "", b)
	}
	as := standing{Role: auth.RoleResident}
	if len(a.Bindings) > 0 {
		as = standing{a.Bindings[0].Role, a.Bindings[0].Unit}
	}
	facts := data{"report": reportID, "source": source, "grid": place.GridCode, "grid_version": place.GridVersion, "matter": in.Matter, "photos": len(in.MediaIDs), "lon": p.Lon, "lat": p.Lat}
	if in.Held != "" {
		facts["held"] = in.Held
	}
	if in.Follow && len(dup) > 0 {
		facts["similar"] = dup[0].CaseID
	}
	if in.SelfHandled {
		if err := d.selfHandle(in, a, caseNo, facts); err != nil {
			return nil, nil, err
		}
	} else if d.event(a, as, ActSubmit, Submitted, facts, nil); !in.Unplaced && in.Held == "" {
		if err := d.autoFile(in.Matter, source, caseNo); err != nil {
			return nil, nil, err
		}
	}
	change := d.finish()
	c = change.Case
	r := &Receipt{ReportID: reportID, ReceiptCode: receipt, TrackToken: track, CaseID: caseID, CaseState: c.State, GridCode: c.GridCode, GridName: place.GridName,
		Street: c.StreetCode, StreetName: place.StreetName, PromiseAt: c.PromiseAt, ReceivedAt: now, Duplicates: dup}
	if c.CaseNo != nil {
		r.CaseNo = *c.CaseNo
	}
	if c.LeadUnit != "" {
		r.UnitName = w.UnitName(c.LeadUnit)
	}
	answer, err := json.Marshal(r)
	if err != nil {
		return nil, nil, err
	}
	report := Report{District: w.District, ID: reportID, CaseID: caseID, ReceiptCode: receipt, AccountID: accountOf(a), Device: &a.Device, Source: source, OnBehalf: in.OnBehalf,
		Anonymous: in.Anonymous, NoContact: in.NoContact, Text: in.Text, Matter: in.Matter, Facets: orEmpty(in.Facets), Media: append([]string{}, in.MediaIDs...), Lon: p.Lon, Lat: p.Lat,
		OccurredAt: occurred, ReceivedAt: now, PlaceCode: in.PlaceCode, StandardRef: in.StandardRef, GivenCode: in.givenCode, SubmissionKey: a.ID() + ":" + in.Key, PayloadHash: in.Hash, Answer: answer, Alert: in.alert}
	if in.ExternalRef != "" {
		report.ExternalRef = &in.ExternalRef
	}
	change.Reports = []Report{report}
	change.Media = append(append(change.Media, in.MediaIDs...), in.AfterMediaIDs...)
	return change, r, nil
}

// autoFile is T5 by SYSTEM: the matter is known (chosen by the reporter or given by a trusted source), the item
// asks for no verification, and nothing was appealed.
func (d *draft) autoFile(matter, source, caseNo string) error {
	if matter == "" {
		return nil
	}
	item, ok := d.w.Catalog.MatterAt(matter, d.s.Case.CommunityCode, d.s.Case.StreetCode, d.now)
	if !ok {
		return fault.Invalid("/matter", "责任清单中没有事项 %s", matter)
	}
	if item.VerifyBeforeFile && !trusted[source] {
		if !d.w.Workers[d.s.Case.GridCode] {
			return nil // nobody can go and look: the dispatcher decides
		}
		return requestVerify(d, &Command{Action: ActRequestVerify}, auth.SystemActor(d.s.Case.District, d.now), standing{Role: auth.RoleSystem})
	}
	return file(d, &Command{Action: ActFile, CaseNo: caseNo}, auth.SystemActor(d.s.Case.District, d.now), standing{Role: auth.RoleSystem})
}

// payloadHash is what decides whether a retry says the same thing.
func payloadHash(in *Submission) []byte {
	b, _ := json.Marshal(in)
	sum := sha256.Sum256(b)
	return sum[:]
}

// trackToken is the 128-bit link token of a report, derived so that it need not be stored; only its hash is.
func trackToken(keys *seal.Keyring, district, receipt string) string {
	return base64.RawURLEncoding.EncodeToString(keys.Blind(district, "track", receipt)[:16])
}

func directoryKey(token string) string { return hex.EncodeToString(seal.TokenHash(token)) }

// orEmpty: a column that is not null takes {} where a client sent nothing.
func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

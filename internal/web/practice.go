package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/api"
	"yixian/dispatch"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// The guided first task of the sandbox (S16): a case of the learner's street, on which the program plays everybody else.
// All that happens goes through the door like any other act.

// practiceMatter is led by the street, which may call a department at the lowest level: what an officer does alone.
const practiceMatter = "06013"

// practiceRef marks the report of a practice case; nothing is played on any other.
const practiceRef = "practice:"

const practiceStreet = "S-DJ" // of so1, where nobody is signed in

func (s *server) SandboxPractice(ctx context.Context, r api.SandboxPracticeRequestObject) (api.SandboxPracticeResponseObject, error) {
	if s.Sandbox == nil {
		return nil, fault.NotFound()
	}
	learner := actorOf(ctx)
	district, err := s.district(ginOf(ctx))
	if err != nil {
		return nil, err
	}
	if learner.District != "" {
		district = learner.District
	}
	w := s.world(district)
	if w == nil {
		return nil, fault.NotFound()
	}
	street := practiceStreet
	for _, u := range learner.Units() {
		if w.Units[u].Kind == grid.UnitStreet {
			street = u
		}
	}
	unit, ok := w.Units[street]
	if !ok {
		return nil, fault.Conflict("NO_STREET", "辖区没有街道 %s，不能练习", street)
	}
	p, place, ok := w.PlaceIn(unit.AreaCode)
	if !ok {
		return nil, fault.Conflict("NO_GRID", "街道 %s 没有网格，不能练习", unit.Name)
	}
	reporter, err := s.colleague(ctx, district, place.CommunityCode, auth.RoleGridWorker)
	if err != nil {
		return nil, err
	}
	decided := w.RouteAt(place, p, practiceMatter, "GRID_WORKER", "", nil, reporter.Now)
	if decided.Lead != street || decided.Proposed == nil || decided.Proposed.Lead == "" {
		return nil, fault.Conflict("NO_PRACTICE", "当前规则下事项 %s 不由街道先行处置，请重置练习环境", practiceMatter)
	}
	receipt, _, err := s.Desk.Submit(ctx, reporter, &dispatch.Submission{Text: "【练习】路面破损，有一处坑洞，请街道签收后呼叫部门", Matter: practiceMatter, NoContact: true,
		Point: dispatch.PointIn{Lon: p.Lon, Lat: p.Lat, Datum: "WGS84"}, ExternalRef: practiceRef + uuid.NewString()})
	if err != nil {
		return nil, err
	}
	return api.SandboxPractice201JSONResponse{CaseId: receipt.CaseID.String(), MatterName: w.MatterName(practiceMatter), PlaceName: place.CommunityName, StreetName: w.UnitName(street),
		Target: decided.Proposed.Lead, TargetName: w.UnitName(decided.Proposed.Lead), Level: string(decided.Proposed.Level)}, nil
}

// move is what somebody else does next.
type move struct {
	action dispatch.Action
	unit   string
	roles  []auth.Role
	body   string
	photo  bool
}

var (
	departments = []auth.Role{auth.RoleDeptOfficer, auth.RoleUtility, auth.RoleProperty, auth.RoleDeptLeader}
	checkers    = []auth.Role{auth.RoleCommunityOfficer, auth.RoleGridWorker, auth.RoleStreetOfficer}
)

func (s *server) SandboxPracticeNext(ctx context.Context, r api.SandboxPracticeNextRequestObject) (api.SandboxPracticeNextResponseObject, error) {
	id, err := caseID(r.Id)
	if err != nil {
		return nil, err
	}
	var district string
	for _, t := range s.Desk.Worlds().Tenants() {
		err = s.DB.Pool.QueryRow(pg.WithDistrict(ctx, t.District), "select district from report where district = $1 and case_id = $2 and external_ref like $3", t.District, id, practiceRef+"%").Scan(&district)
		if err == nil || !errors.Is(err, pgx.ErrNoRows) {
			break
		}
	}
	if s.Sandbox == nil || district == "" {
		return nil, fault.NotFound()
	}
	now, err := s.Desk.Now(pg.WithDistrict(ctx, district))
	if err != nil {
		return nil, err
	}
	view, err := s.Desk.View(ctx, auth.SystemActor(district, now), id)
	if err != nil {
		return nil, err
	}
	m, err := nextMove(view.Snapshot)
	if err != nil {
		return nil, err
	}
	who, err := s.colleague(ctx, district, m.unit, m.roles...)
	if err != nil {
		return nil, err
	}
	body := m.body
	if m.photo {
		photo, err := s.practicePhoto(ctx, who)
		if err != nil {
			return nil, err
		}
		body = strings.ReplaceAll(body, "$photo", photo)
	}
	cmd, err := dispatch.ParseCommand(m.action, []byte(strings.ReplaceAll(body, "$now", now.UTC().Format("2006-01-02T15:04:05Z"))))
	if err != nil {
		return nil, err
	}
	out, err := s.Desk.Do(ctx, who, id, cmd, nil)
	if err != nil {
		return nil, err
	}
	return api.SandboxPracticeNext200JSONResponse{Played: string(m.action), UnitName: s.world(district).UnitName(m.unit), State: some(string(out.Snapshot.Case.State))}, nil
}

// nextMove says what is played, or whose turn it is and what for.
func nextMove(c *dispatch.Snapshot) (move, error) {
	turn := func(whose string) (move, error) {
		return move{}, fault.Conflict("YOUR_TURN", "%s", whose).With("state", c.Case.State)
	}
	switch c.Case.State {
	case dispatch.Dispatched:
		return turn("现在轮到您：请先签收")
	case dispatch.Handling:
		return turn("现在轮到您：请发起一线呼叫")
	case dispatch.Calling:
		i := slices.IndexFunc(c.Targets, func(t dispatch.CallTarget) bool { return t.IsLead && !t.Withdrawn && t.CheckedInAt == nil })
		if i < 0 {
			return turn("没有在等的主责单位，请撤回后重新呼叫")
		}
		t := &c.Targets[i]
		if t.AckedAt == nil {
			return move{dispatch.ActAck, t.Unit, departments, `{"eta_minutes":20}`, false}, nil
		}
		at := c.Calls[len(c.Calls)-1]
		return move{dispatch.ActCheckIn, t.Unit, departments, fmt.Sprintf(`{"point":{"lon":%f,"lat":%f,"datum":"WGS84","accuracy_m":8}}`, at.Lon, at.Lat), false}, nil
	case dispatch.Onsite:
		if !slices.ContainsFunc(c.Handlers, func(h dispatch.Handler) bool { return h.How == "consult" && h.Round == c.Case.Round }) {
			return move{dispatch.ActConsult, c.Case.LeadUnit, departments, `{"participants":["街道经办","部门现场人员"],"conclusion":"当日围挡并修补路面"}`, false}, nil
		}
		return move{dispatch.ActResolve, c.Case.LeadUnit, departments, `{"outcome":"RESOLVED","accepted_at":"$now","talked_to":"街道经办","measures":"已围挡并修补路面","time_limit":"当日完成","media_ids":["$photo"]}`, true}, nil
	case dispatch.Resolved:
		return move{dispatch.ActCheckPass, c.Case.CheckUnit, checkers, `{"method":"PHONE"}`, false}, nil
	case dispatch.Closed:
		if len(c.UnitRatings) == 0 {
			return turn("现在轮到您：请评价到场的部门")
		}
		return move{}, fault.Conflict("PRACTICE_OVER", "练习已完成")
	}
	return move{}, fault.Conflict("PRACTICE_OVER", "这件练习案件已离开练习步骤（%s），请重新开始", dispatch.StateText(c.Case.State, "zh"))
}

// colleague is somebody of a unit in one of the roles, the first of the roles first.
func (s *server) colleague(ctx context.Context, district, unit string, roles ...auth.Role) (auth.Actor, error) {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	a := auth.Actor{District: district, Kind: auth.Staff, Bindings: make([]auth.Binding, 1)}
	b := &a.Bindings[0]
	err := s.DB.Pool.QueryRow(pg.WithDistrict(ctx, district), `select a.id, a.username, a.display_name, b.role, b.unit, b.grids, yx_now() from role_binding b join account a on a.district = b.district and a.id = b.account_id
		where b.district = $1 and b.unit = $2 and b.role = any($3) and a.disabled_at is null order by array_position($3, b.role), a.created_at, a.id limit 1`, district, unit, names).
		Scan(&a.Account, &a.Username, &a.Name, &b.Role, &b.Unit, &b.Grids, &a.Now)
	if errors.Is(err, pgx.ErrNoRows) {
		return a, fault.Conflict("NOBODY_THERE", "单位 %s 没有可以配合练习的人员，请用东街街道的账号（如 so1）练习，或载入演示辖区", unit)
	}
	return a, pg.Fault(err)
}

// practicePhoto stores a plain picture of a colleague's own: the result of a practice case shows it.
func (s *server) practicePhoto(ctx context.Context, a auth.Actor) (string, error) {
	const width, height = 320, 240
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(img, img.Bounds(), image.NewUniform(color.RGBA{120, 130, 140, 255}), image.Point{}, draw.Src)
	draw.Draw(img, image.Rect(0, height*2/3, width, height), image.NewUniform(color.RGBA{70, 74, 80, 255}), image.Point{}, draw.Src)
	var raw bytes.Buffer
	if err := jpeg.Encode(&raw, img, nil); err != nil {
		return "", err
	}
	photo, err := s.Photos.Process(ctx, &raw)
	if err != nil {
		return "", err
	}
	return s.store(ctx, a, photo)
}

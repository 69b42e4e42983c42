package auth

import (
	"maps"
	"slices"

	"yixian/internal/fault"
)

// Permission names what a route needs; api/openapi.yaml declares one for every operation (x-permission).
type Permission string

const (
	PermPublic       Permission = "public"            // anyone, even without a session
	PermSession      Permission = "session"           // any session
	PermMediaUpload  Permission = "media.upload"      // any session
	PermMediaRead    Permission = "media.read"        // any session; the object decides
	PermPlacesRead   Permission = "places.read"       // any session
	PermStaff        Permission = "staff"             // any staff
	PermDevice       Permission = "device"            // a registered device, by its key: the door asks for it
	PermReportSubmit Permission = "report.submit"     // residents with a verified phone and staff who may report
	PermReportOwn    Permission = "report.own"        // residents
	PermCaseRead     Permission = "case.read"         // staff with case content, within scope
	PermCaseAct      Permission = "case.act"          // the same; the lifecycle decides each action
	PermMetricsRead  Permission = "metrics.read"      // staff in scope
	PermFigures      Permission = "metrics.district"  // sums over the whole district
	PermCity         Permission = "metrics.city"      // the districts of a city beside each other: CITY_VIEWER
	PermAdmin        Permission = "admin"             // the district's configuration: TENANT_ADMIN only
	PermAuditRead    Permission = "audit.read"        // changes of the configuration: TENANT_ADMIN, AUDITOR
	PermDeclare      Permission = "incident.declare"  // COMMANDER
	PermConfirm      Permission = "incident.confirm"  // COMMANDER, SUPERVISOR
	PermCardRead     Permission = "card.read"         // the supervising offices and the centre; a unit's people, their own
	PermCardAct      Permission = "card.act"          // supervisors and the units' leaders
	PermCardDecide   Permission = "card.decide"       // SUPERVISOR
	PermAssessRead   Permission = "assessment.read"   // sheets: a unit its own, supervision all
	PermExclude      Permission = "exclusion.read"    // supervisors and auditors; who proposes and who decides, the exclusion says
	PermRoster       Permission = "roster.own"        // leaders: the duty roster of their own unit
	PermObject       Permission = "assessment.object" // leaders of units
	PermAnswer       Permission = "assessment.answer" // supervisors
	PermCatalogAgree Permission = "catalog.agree"     // who lets an item onto a full access list: never who asked for it
	PermExport       Permission = "export"            // officers and offices, within their scope
	PermExportAllow  Permission = "export.approve"    // AUDITOR
	PermSchedule     Permission = "report.schedule"   // reports that come by themselves: SUPERVISOR, TENANT_ADMIN
	PermPatrol       Permission = "patrol"            // GRID_WORKER: the round of the own grids
	PermNotice       Permission = "notice.publish"    // SUPERVISOR, COMMANDER, DISPATCHER
	PermVisitRead    Permission = "visit.read"        // people who live alone: who visits them, their community and street, the centre
	PermVisitPlan    Permission = "visit.plan"        // communities and streets
	PermVisitAct     Permission = "visit.act"         // grid workers and community officers
	PermRedeem       Permission = "points.hand_over"  // communities, streets and counters hand rewards over
	PermPartner      Permission = "partner.status"    // partners whose key may read where their own reports stand
	PermSandbox      Permission = "sandbox"           // only in the sandbox, then anyone
)

// noCaseContent are the roles that never see a case (domain 4f: the administrator configures, the city sees aggregates).
var noCaseContent = []Role{RoleTenantAdmin, RoleCityViewer}

var caseReaders = []Role{
	RoleGridWorker, RoleCommunityOfficer, RoleStreetOfficer, RoleStreetLeader, RoleStreetSecretary, RoleDeptOfficer, RoleDeptLeader,
	RoleUtility, RoleProperty, RoleNGO, RoleDispatcher, RoleArbitrator, RoleHotline, RoleCallback, RoleSupervisor, RoleCommander, RoleAuditor,
}

var submitters = []Role{
	RoleGridWorker, RoleCommunityOfficer, RoleStreetOfficer, RoleStreetLeader, RoleStreetSecretary, RoleDeptOfficer, RoleDeptLeader,
	RoleDispatcher, RoleHotline, RoleSupervisor, RoleCommander, RolePartner,
}

var metricsReaders = []Role{
	RoleCommunityOfficer, RoleStreetOfficer, RoleStreetLeader, RoleStreetSecretary, RoleDeptOfficer, RoleDeptLeader,
	RoleDispatcher, RoleSupervisor, RoleCommander, RoleAuditor, RoleCityViewer,
}

// cardReaders see cards: supervising offices and the centre, which is told of each (domain 4e), all; officers and leaders those of
// their own unit.
var cardReaders = []Role{
	RoleCommunityOfficer, RoleStreetOfficer, RoleStreetLeader, RoleStreetSecretary, RoleDeptOfficer, RoleDeptLeader, RoleUtility,
	RoleDispatcher, RoleSupervisor, RoleCommander, RoleAuditor,
}

var sheetReaders = []Role{
	RoleGridWorker, RoleCommunityOfficer, RoleStreetOfficer, RoleStreetLeader, RoleStreetSecretary, RoleDeptOfficer, RoleDeptLeader,
	RoleUtility, RoleProperty, RoleNGO, RoleDispatcher, RoleSupervisor, RoleCommander, RoleAuditor, RoleCityViewer,
}

var exporters = []Role{
	RoleCommunityOfficer, RoleStreetOfficer, RoleStreetLeader, RoleStreetSecretary, RoleDeptOfficer, RoleDeptLeader, RoleDispatcher, RoleSupervisor, RoleCommander, RoleAuditor,
}

// holders are the staff of domain 4f who hold a permission, one permission a line.
var holders = map[Permission][]Role{
	PermCaseRead:     caseReaders,
	PermCaseAct:      caseReaders,
	PermDeclare:      {RoleCommander},
	PermConfirm:      {RoleCommander, RoleSupervisor},
	PermCardRead:     cardReaders,
	PermCardAct:      {RoleSupervisor, RoleDeptLeader, RoleStreetLeader, RoleStreetSecretary},
	PermCardDecide:   {RoleSupervisor},
	PermAdmin:        {RoleTenantAdmin},
	PermAuditRead:    {RoleTenantAdmin, RoleAuditor},
	PermMetricsRead:  metricsReaders,
	PermFigures:      {RoleDispatcher, RoleSupervisor, RoleCommander, RoleAuditor, RoleCityViewer},
	PermCity:         {RoleCityViewer},
	PermAssessRead:   sheetReaders,
	PermExclude:      {RoleSupervisor, RoleAuditor},
	PermRoster:       {RoleStreetLeader, RoleStreetSecretary, RoleDeptLeader},
	PermObject:       {RoleStreetLeader, RoleStreetSecretary, RoleDeptLeader},
	PermCatalogAgree: {RoleTenantAdmin, RoleSupervisor},
	PermExport:       exporters,
	PermExportAllow:  {RoleAuditor},
	PermSchedule:     {RoleSupervisor, RoleTenantAdmin},
	PermPatrol:       {RoleGridWorker},
	PermNotice:       {RoleSupervisor, RoleCommander, RoleDispatcher},
	PermAnswer:       {RoleSupervisor},
	PermVisitRead:    {RoleGridWorker, RoleCommunityOfficer, RoleStreetOfficer, RoleStreetLeader, RoleStreetSecretary, RoleDispatcher, RoleSupervisor},
	PermVisitPlan:    {RoleCommunityOfficer, RoleStreetOfficer, RoleStreetLeader, RoleStreetSecretary},
	PermVisitAct:     {RoleGridWorker, RoleCommunityOfficer},
	PermRedeem:       {RoleCommunityOfficer, RoleStreetOfficer, RoleStreetLeader, RoleStreetSecretary},
}

// open are the permissions that no role decides.
var open = []Permission{PermPublic, PermDevice, PermSession, PermMediaUpload, PermMediaRead, PermPlacesRead, PermStaff, PermReportSubmit, PermReportOwn, PermPartner, PermSandbox}

// Declared reports whether there is such a permission; a route that declares another is refused at start.
func Declared(p Permission) bool {
	_, held := holders[p]
	return held || slices.Contains(open, p)
}

// Need is nil for who holds the permission, else 401 without a session and 403 FORBIDDEN with the words given.
func (a Actor) Need(p Permission, words string) error {
	switch ok, signedIn := a.May(p); {
	case ok:
		return nil
	case !signedIn:
		return fault.Unauthorized()
	}
	return fault.Forbidden("FORBIDDEN", "%s", words)
}

// May reports whether the actor holds the permission. An unknown permission is never held: deny by default.
// signedIn tells 401 from 403: false means that no session was given where one is needed.
func (a Actor) May(p Permission) (ok, signedIn bool) {
	signedIn = a.Kind != ""
	switch p {
	case PermPublic, PermSandbox, PermDevice:
		return true, signedIn
	case PermSession, PermMediaUpload, PermMediaRead, PermPlacesRead:
		return signedIn, signedIn
	case PermStaff:
		return a.Kind == Staff, signedIn
	case PermPartner:
		return a.Scoped(ScopeStatus), signedIn
	case PermReportSubmit:
		if a.Kind == Partner {
			return a.Scoped(ScopeSubmit), signedIn
		}
		return a.Kind == Resident || a.Has(submitters...), signedIn
	case PermReportOwn:
		return a.Kind == Resident, signedIn
	}
	return a.Kind == Staff && a.Has(holders[p]...), signedIn
}

// Permissions lists what the actor holds, for the pages.
func (a Actor) Permissions() []string {
	out := []string{}
	for _, p := range append(slices.Sorted(maps.Keys(holders)), PermSession, PermStaff, PermReportSubmit, PermReportOwn) {
		if ok, _ := a.May(p); ok {
			out = append(out, string(p))
		}
	}
	return out
}

// SeesNoCase reports whether the actor's every role is one that never sees case content.
func (a Actor) SeesNoCase() bool {
	return !slices.ContainsFunc(a.Bindings, func(b Binding) bool { return !slices.Contains(noCaseContent, b.Role) })
}

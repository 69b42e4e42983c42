package auth

import "slices"

// StaffRoles are the roles that an administrator may give, with their Chinese names, in the order of a list.
var StaffRoles = []string{
	string(RoleGridWorker), "网格员", string(RoleCommunityOfficer), "社区干部", string(RoleStreetOfficer), "街镇经办", string(RoleStreetLeader), "街镇领导", string(RoleStreetSecretary), "街镇书记",
	string(RoleDeptOfficer), "部门经办", string(RoleDeptLeader), "部门领导", string(RoleUtility), "公共企业", string(RoleProperty), "物业", string(RoleNGO), "社会组织",
	string(RoleDispatcher), "调度员", string(RoleArbitrator), "裁定员", string(RoleHotline), "热线席位", string(RoleCallback), "回访员", string(RoleSupervisor), "督查员", string(RoleCommander), "指挥长",
	string(RoleAuditor), "审计员", string(RoleTenantAdmin), "系统管理员", string(RoleCityViewer), "市级查看",
}

// roleUnits are the kinds of unit that a role belongs to (kinds of grid.OrgUnit); "" stands for no unit.
var roleUnits = map[Role][]string{
	RoleGridWorker: {"COMMUNITY", "STREET"}, RoleCommunityOfficer: {"COMMUNITY"}, RoleStreetOfficer: {"STREET"}, RoleStreetLeader: {"STREET"}, RoleStreetSecretary: {"STREET"},
	RoleDeptOfficer: {"DEPARTMENT", "CITY_DEPARTMENT"}, RoleDeptLeader: {"DEPARTMENT", "CITY_DEPARTMENT", "UTILITY", "PROPERTY", "NGO"},
	RoleUtility: {"UTILITY"}, RoleProperty: {"PROPERTY"}, RoleNGO: {"NGO"}, RoleCityViewer: {"", "CITY"},
	RoleDispatcher: central, RoleArbitrator: central, RoleHotline: central, RoleCallback: central, RoleSupervisor: central, RoleCommander: central, RoleAuditor: central, RoleTenantAdmin: central,
}

var central = []string{"", "DISTRICT_CENTER"}

// conflicting gives a role that may not be held together with the administrator's: who configures the district reads no case
// (domain 4f). "" when there is none.
func conflicting(list []Binding) Role {
	if !slices.ContainsFunc(list, func(b Binding) bool { return b.Role == RoleTenantAdmin }) {
		return ""
	}
	for _, b := range list {
		if slices.Contains(caseReaders, b.Role) {
			return b.Role
		}
	}
	return ""
}

package rule

// Line is a field of work (条线) that one unit of the district answers for.
type Line struct{ Code, Zh, En string }

var lines = []Line{
	{"CITY_MGMT", "城市管理", "City management"},
	{"CONSTRUCTION", "建设", "Construction"},
	{"MARKET", "市场监管", "Market supervision"},
	{"FIRE", "消防救援", "Fire and rescue"},
	{"CYBER", "网信", "Cyberspace affairs"},
	{"POLICE", "公安", "Police"},
	{"TRAFFIC_POLICE", "交警", "Traffic police"},
	{"ECOLOGY", "生态环境", "Ecology and environment"},
	{"WATER", "农水与联排联调", "Water affairs"},
	{"CIVIL", "民政", "Civil affairs"},
	{"HOUSING", "房管", "Housing"},
	{"GARDEN", "园林", "Parks and gardens"},
	{"EMERGENCY", "应急管理", "Emergency management"},
	{"RESOURCES", "资源规划", "Planning and natural resources"},
	{"JUSTICE", "司法行政", "Justice"},
	{"MEDIATION", "矛盾纠纷调处", "Dispute mediation centre"},
	{"HEALTH", "卫生健康", "Health"},
	{"GOV_SERVICE", "政务服务", "Government services"},
	{"HUMAN", "人力资源社保", "Labour and social security"},
	{"MEDICAL_INS", "医保", "Medical insurance"},
	{"EDUCATION", "教育", "Education"},
	{"TRANSPORT", "交通运输", "Transport"},
	{"CULTURE", "文体旅", "Culture and tourism"},
	{"SPORT", "体育", "Sport"},
	{"VETERANS", "退役军人事务", "Veterans affairs"},
	{"DISABLED", "残联", "Disabled persons' federation"},
	{"TAX", "税务", "Taxation"},
	{"LIGHTING", "市路灯", "Street lighting"},
	{"GAS", "燃气", "Gas"},
	{"POWER", "供电", "Power supply"},
	{"WATER_SUPPLY", "供水", "Water supply"},
	{"TELECOM", "通信", "Telecommunications"},
	{"BUS", "公交", "Buses"},
	{"POST", "邮政", "Post"},
	{"PROPERTY", "物业服务", "Property management"},
}

var lineByCode = func() map[string]Line {
	m := make(map[string]Line, len(lines))
	for _, l := range lines {
		m[l.Code] = l
	}
	return m
}()

// Lines lists the known lines; `line:<code>` in an expression must name one of them.
func Lines() []Line { return append([]Line(nil), lines...) }

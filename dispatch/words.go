package dispatch

// pair is a text in zh-CN and English.
type pair struct{ zh, en string }

func (p pair) in(lang string) string {
	if lang == "en" {
		return p.en
	}
	return p.zh
}

var stateWords = map[State]pair{
	Submitted: {"已上报", "Submitted"}, Verifying: {"核实中", "Being verified"}, Filed: {"已立案(待派)", "Filed, to be dispatched"},
	Dispatched: {"已派遣(待签收)", "Dispatched, to be signed"}, Handling: {"处置中", "Being handled"}, Calling: {"呼叫中(待报到)", "Calling, awaiting check-in"},
	Onsite: {"一线处置", "Handling on site"}, Disputed: {"争议裁定中", "In arbitration"}, Suspended: {"已挂起", "Suspended"},
	Resolved: {"已处置待核查", "Resolved, to be checked"}, Closed: {"已结案(评价期)", "Closed, rating open"}, Archived: {"已归档", "Archived"},
	Rejected: {"不予受理", "Rejected"}, Merged: {"已并案", "Merged"}, Voided: {"作废/撤回", "Voided"},
}

// StateText is a state's name for staff; lang is "zh" or "en".
func StateText(s State, lang string) string { return stateWords[s].in(lang) }

// residentWords maps a state to what a resident reads and to the step of the progress bar
// (0 received, 1 dispatched, 2 handling, 3 waiting for the check, 4 closed please rate, 5 ended).
var residentWords = map[State]struct {
	pair
	step int
}{
	Submitted: {pair{"已收到", "Received"}, 0}, Verifying: {pair{"已收到，正在核实", "Received, being verified"}, 0}, Filed: {pair{"已收到，正在派单", "Received, being dispatched"}, 0},
	Dispatched: {pair{"已派给%s", "Given to %s"}, 1}, Disputed: {pair{"正在确定负责单位", "Settling who is responsible"}, 1},
	Handling: {pair{"%s处理中", "%s is handling it"}, 2}, Calling: {pair{"处理中，已呼叫相关部门", "Being handled, departments called"}, 2},
	Onsite: {pair{"%s现场处理中", "%s is on site"}, 2}, Suspended: {pair{"暂缓处理", "On hold"}, 2},
	Resolved: {pair{"已处理，待核查", "Done, to be checked"}, 3}, Closed: {pair{"已办结，请评价", "Closed, please rate"}, 4},
	Archived: {pair{"已归档", "Archived"}, 5}, Rejected: {pair{"不予受理", "Not accepted"}, 5}, Merged: {pair{"已与同类问题合并处理", "Handled with a similar report"}, 5}, Voided: {pair{"已撤回", "Withdrawn"}, 5},
}

var actionWords = map[Action]pair{
	ActSubmit: {"上报", "Report"}, ActSelfHandle: {"自行处置", "Handle myself"}, ActRequestVerify: {"要求核实", "Ask to verify"}, ActVerify: {"反馈核实结果", "Verify"},
	ActFile: {"立案", "File"}, ActReject: {"不予受理", "Reject"}, ActAppeal: {"申诉", "Appeal"}, ActMerge: {"并案", "Merge"}, ActDispatch: {"派遣", "Dispatch"},
	ActSign: {"签收", "Sign"}, ActReturn: {"退单", "Return"}, ActDispute: {"提出争议", "Dispute"}, ActArbitrate: {"裁定", "Arbitrate"}, ActCall: {"一线呼叫", "Call"},
	ActAck: {"应答", "Acknowledge"}, ActCheckIn: {"到场报到", "Check in"}, ActWithdrawCall: {"撤回呼叫", "Withdraw the call"}, ActConsult: {"会商记录", "Consultation"},
	ActResolve: {"办结反馈", "Resolve"}, ActCheckPass: {"核查通过", "Pass the check"}, ActCheckFail: {"核查不通过", "Fail the check"}, ActRate: {"评价", "Rate"}, ActCallback: {"回访", "Call back"},
	ActReopen: {"重办", "Reopen"}, ActArchive: {"归档", "Archive"}, ActSuspend: {"申请挂起", "Ask to suspend"}, ActResume: {"恢复", "Resume"}, ActExtend: {"申请延期", "Ask for more time"},
	ActSupervise: {"督办", "Supervise"}, ActWithdraw: {"撤回", "Withdraw"}, ActVoid: {"作废", "Void"}, ActContact: {"联系报案人", "Contact the reporter"}, ActNote: {"备注", "Note"},
	ActReveal: {"查看原文", "Reveal"}, ActReply: {"回复督办", "Reply"}, ActApprove: {"批准", "Approve"}, ActDecline: {"不批准并答复", "Decline with an answer"}, ActRateUnit: {"评价部门", "Rate the department"},
	ActAdd: {"补充说明", "Add"}, ActFollow: {"关注", "Follow"}, ActUrge: {"催办", "Urge"}, ActIncident: {"启动应急", "Declare an incident"}, ActAttach: {"纳入应急", "Attached to an incident"}, ActRecompute: {"日历变更重算时限", "Clocks recomputed for a changed calendar"},
	ActAssign: {"指派经办人", "Give to a person"}, ActClarify: {"公开澄清", "Clarify in public"}, ActRevealAlert: {"查看超限", "Too many reveals"}, ActCheckinOver: {"报到超时", "Check-in overdue"}, ActClockDue: {"时限提醒", "Clock reminder"},
}

// ActClockDue is the event of a clock that rings; nobody can ask for it.
const ActClockDue Action = "clock_due"

// ActionText is an action's name on a button or in a timeline.
func ActionText(a Action, lang string) string {
	if p, ok := actionWords[a]; ok {
		return p.in(lang)
	}
	return string(a)
}

var fieldWords = map[string]pair{
	"matter": {"事项", "Matter"}, "grid": {"网格", "Grid"}, "priority": {"紧急程度", "Priority"}, "lead": {"主办单位", "Lead unit"}, "assists": {"协办单位", "Assisting units"},
	"method": {"方式", "How"}, "talked_to": {"与谁沟通", "Talked to"}, "legal_basis": {"法律依据", "Legal basis"}, "suggested_unit": {"建议单位", "Suggested unit"}, "reason": {"理由", "Reason"},
	"level": {"呼叫级别", "Level"}, "targets": {"呼叫单位", "Units to call"}, "meet_at": {"到场地点", "Where to meet"}, "agreed_time": {"约定时间", "Agreed time"}, "remote_allowed": {"允许远程报到", "Remote check-in allowed"},
	"eta_minutes": {"预计几分钟到", "Minutes until arrival"}, "point": {"定位", "Position"}, "qr": {"二维码", "QR code"}, "media_ids": {"照片", "Photos"}, "outcome": {"办理结果", "Outcome"},
	"accepted_at": {"受理时间", "Accepted at"}, "measures": {"解决措施", "Measures"}, "time_limit": {"解决时限", "Time limit"}, "contacted": {"是否联系", "Contacted"}, "resolved": {"是否解决", "Resolved"},
	"grade": {"满意度", "Grade"}, "text": {"说明", "Text"}, "fraud": {"涉嫌虚假", "Suspected false result"}, "note": {"备注", "Note"}, "request_id": {"申请", "Request"}, "verdict": {"核实结果", "Verdict"}, "reply": {"答复居民", "Answer to the resident"},
	"master_case_id": {"并入案件", "Merge into"}, "basis": {"裁定依据", "Basis"}, "verdicts": {"退单是否成立", "Verdicts on returns"}, "resume_at": {"恢复时间", "Resume at"}, "budget": {"时限", "Time"},
	"title": {"标题", "Title"}, "account": {"经办人", "Person"}, "reached": {"是否接通", "Reached"}, "unit": {"单位", "Unit"}, "field": {"查看内容", "What"}, "report_id": {"报案人", "Reporter"},
	"kind": {"督办方式", "Kind"}, "participants": {"参加人", "Participants"}, "conclusion": {"会商结论", "Conclusion"}, "tasks": {"任务分工", "Tasks"},
}

// FieldText is an input's label.
func FieldText(name, lang string) string {
	if p, ok := fieldWords[name]; ok {
		return p.in(lang)
	}
	return name
}

var optionWords = map[string]pair{
	"P1": {"特急", "P1 emergency"}, "P2": {"紧急", "P2 urgent"}, "P3": {"一般", "P3 normal"}, "P4": {"长期/复杂", "P4 long-term"},
	"PHONE": {"电话", "Phone"}, "VISIT": {"上门", "Visit"}, "MESSAGE": {"短信", "Message"}, "SITE": {"现场", "On site"},
	"L1": {"一级（街道经办）", "L1 (officer)"}, "L2": {"二级（街道领导）", "L2 (leader)"}, "L3": {"三级（街道书记）", "L3 (secretary)"},
	"NO_POWER": {"无执法权", "No power"}, "NO_CAPACITY": {"无能力", "No capacity"}, "JOINT": {"需协同", "Joint work"}, "EMERGENCY": {"紧急", "Emergency"},
	"REOPEN": {"要求重办", "Reopening"}, "EXTEND": {"延期", "Extension"}, "SUSPEND": {"挂起", "Suspension"}, "TRUE": {"属实", "True"}, "FALSE": {"不属实", "False"}, "GONE": {"已消失", "Gone"}, "MISLEADING": {"误导", "Misleading"},
	"NOT_GOV_DUTY": {"不属政府职责", "Not a government duty"}, "EMERGENCY_110_119_120": {"应拨打 110/119/120", "Call 110/119/120"}, "JUDICIAL_OR_DISCIPLINE": {"属司法或纪检事项", "Judicial or disciplinary"},
	"INSUFFICIENT_INFO": {"信息不足", "Not enough information"}, "FALSE_REPORT": {"上报不实", "Not true"}, "SAME_FACT_CLOSED": {"同一事项已办结", "Same matter already closed"}, "OUT_OF_AREA": {"不在本区", "Outside the district"},
	"WAIT_RESIDENT": {"等待居民配合", "Waiting for the resident"}, "WEATHER": {"天气原因", "Weather"}, "LEGAL_PROCEDURE": {"法定程序", "Legal procedure"}, "BUDGET_PLAN": {"列入预算计划", "Budget plan"}, "THIRD_PARTY": {"等待第三方", "Third party"},
	"STOOD_DOWN": {"指挥长结束", "Stood down by the commander"}, "UNCONFIRMED": {"逾期无第二人确认", "Not confirmed in time"}, "EXPIRED": {"到达预定结束时间", "Its planned end came"},
	"phone": {"电话", "phone"}, "name": {"姓名", "name"}, "CONTACT_REPORTER": {"联系报案人", "Contact the reporter"}, "VERIFY_FACTS": {"核实情况", "Verify the facts"}, "HOME_VISIT": {"上门处置", "Home visit"},
	"SAFETY": {"人身安全", "Safety"}, "OTHER": {"其他", "Other"}, "CALLBACK": {"回访", "Callback"}, "CALL": {"社区提请呼叫", "Proposed call"},
	"URGE": {"催办", "Urge"}, "SUPERVISE": {"督办", "Supervise"}, "LEADER": {"领导批示", "Leader's order"}, "RESOLVED": {"已解决", "Resolved"}, "EXPLAINED": {"解释说明", "Explained"}, "PLANNED": {"列入计划", "Planned"}, "NOT_FEASIBLE": {"无法解决", "Not feasible"},
	"SUCCESS": {"调解成功", "Agreement reached"}, "FAIL": {"调解不成", "No agreement"}, "TRANSFER": {"移交其他途径", "Handed to another institution"},
}

// OptionText is the label of a choice.
func OptionText(value, lang string) string {
	if p, ok := optionWords[value]; ok {
		return p.in(lang)
	}
	return value
}

// cardWords name cards and what made them, and how an incident ended.
var cardWords = map[string]pair{
	"YELLOW": {"黄牌", "yellow card"}, "RED": {"红牌", "red card"},
	"HANDLE_150": {"处置用时超过时限 150%", "handling took more than 150 % of its time"}, "LATE_CHECKINS": {"当月迟到报到达三次", "three late check-ins in a month"},
	"UNFOUNDED_RETURNS": {"当月不成立退单达三次", "three unfounded returns in a month"}, "NO_CHECKIN": {"被呼叫后逾期 24 小时未报到", "not there 24 hours after the check-in of a call was due"},
	"FALSE_RESULT": {"办理结果经核查不实", "a result was proven false"}, "PRIVACY_BREACH": {"泄露个人信息", "breach of privacy"}, "THREE_YELLOWS": {"季度内黄牌达三张", "three yellow cards in a quarter"},
	"CANDIDATE": {"待确认", "to be decided"}, "CONFIRMED": {"已确认", "confirmed"}, "WAIVED": {"已撤销", "waived"},
}

// CardText names a card's colour, kind or state; lang is "zh" or "en".
func CardText(value, lang string) string { return cardWords[value].in(lang) }

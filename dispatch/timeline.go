package dispatch

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"yixian/internal/worktime"
)

// Entry is one line of a resident's timeline: plain words, unit names, no person.
type Entry struct {
	At       time.Time `json:"at"`
	Kind     string    `json:"kind"`
	Text     string    `json:"text"`
	UnitName string    `json:"unit_name,omitempty"`
}

// factData are the members of a fact's data that the resident's words need.
type factData struct {
	Unit      string   `json:"unit"`
	Lead      any      `json:"lead"`
	Targets   []string `json:"targets"`
	Kind      string   `json:"kind"`
	Level     any      `json:"level"`
	CheckUnit string   `json:"check_unit"`
	Outcome   string   `json:"outcome"`
	ByRating  bool     `json:"by_rating"`
	Budget    string   `json:"budget"`
	CaseNo    string   `json:"case_no"`
	Report    string   `json:"report"`
	Call      string   `json:"call"`
	Suggested string   `json:"suggested"`
	Mode      string   `json:"mode"`
	Late      bool     `json:"late"`
	Due       string   `json:"due"`
	Resolved  *bool    `json:"resolved"`

	Verdict     string   `json:"verdict"`
	Reason      string   `json:"reason"`
	Why         string   `json:"why"` // of a suspension
	Until       string   `json:"until"`
	Merged      string   `json:"merged"` // the case that a master took in
	MasterNo    string   `json:"master_no"`
	Interim     string   `json:"interim"`
	ThirdReturn bool     `json:"third_return"`
	Tasks       []string `json:"tasks"`
	Assist      bool     `json:"assist"`
	Caller      string   `json:"caller"`
	Spot        bool     `json:"spot"`
	Reached     bool     `json:"reached"`
	Handler     string   `json:"handler"` // account that a duty was given to

	Row json.RawMessage `json:"row"` // columns of the case that the change set (replay.go)
}

func factOf(fact string) (Fact, factData) {
	var f Fact
	var d factData
	_ = json.Unmarshal([]byte(fact), &f)
	_ = json.Unmarshal(f.Data, &d)
	return f, d
}

// Timeline tells a case's events in the resident's words; steps that are nobody's business are left out.
func (w *World) Timeline(events []Event, lang string) []Entry {
	var out []Entry
	say := func(e *Event, unit, zh, en string, args ...any) {
		text := pair{zh, en}.in(lang)
		if len(args) > 0 {
			text = fmt.Sprintf(text, args...)
		}
		out = append(out, Entry{At: e.At, Kind: string(e.Action), Text: text, UnitName: unit})
	}
	for i := range events {
		e := &events[i]
		_, d := factOf(e.Fact)
		unit := w.UnitName(d.Unit)
		switch e.Action {
		case ActSubmit:
			say(e, "", "已收到您的上报", "Your report was received")
		case ActSelfHandle:
			say(e, unit, "%s的网格员已当场处置", "Settled on the spot by the grid worker of %s", unit)
		case ActCallback:
			if d.Reached {
				say(e, "", "已电话回访", "Asked by phone")
			}
		case ActRequestVerify:
			say(e, "", "正在核实", "Being verified")
		case ActVerify:
			say(e, "", "已核实", "Verified")
		case ActReject:
			say(e, "", "不予受理：%s", "Not accepted: %s", OptionText(d.Reason, lang))
		case ActAppeal:
			say(e, "", "已提出申诉，由另一位调度员处理", "Appealed, another dispatcher decides")
		case ActMerge:
			switch {
			case d.Merged != "":
				say(e, "", "与另一件相同的上报合并办理", "Handled together with another report of the same")
			case d.MasterNo != "":
				say(e, "", "与 %s 合并办理", "Handled together with %s", d.MasterNo)
			default:
				say(e, "", "已与同类问题合并办理", "Handled together with a similar report")
			}
		case ActVoid, ActWithdraw:
			say(e, "", "已撤回", "Withdrawn")
		case ActFile:
			say(e, "", "已立案，编号 %s", "Filed as %s", d.CaseNo)
		case ActDispatch:
			lead, _ := d.Lead.(string)
			say(e, w.UnitName(lead), "已派给 %s", "Given to %s", w.UnitName(lead))
		case ActSign:
			say(e, unit, "%s 已接件", "%s has taken it on", unit)
		case ActContact:
			say(e, w.UnitName(e.Unit), "%s 已与报案人联系", "%s has contacted the reporter", w.UnitName(e.Unit))
		case ActReturn, ActDispute:
			say(e, "", "正在确定负责单位", "Settling who is responsible")
		case ActArbitrate:
			lead, _ := d.Lead.(string)
			say(e, w.UnitName(lead), "已确定由 %s 负责", "%s is responsible", w.UnitName(lead))
		case ActApprove:
			if d.Kind == "CALL" {
				continue
			}
			zh, en, args := w.granted(&d, lang)
			say(e, unit, zh, en, args...)
		case ActDecline:
			if d.Kind == "REOPEN" {
				say(e, "", "督查员已书面答复", "The supervisor has answered in writing")
			}
		case ActResume:
			say(e, "", "已恢复办理", "Work goes on")
		case ActSupervise:
			say(e, unit, "区里已督办", "The district follows up")
		case ActConsult:
			say(e, w.UnitName(e.Unit), "各部门已现场会商", "The departments have conferred on site")
		case ActWithdrawCall:
			say(e, w.UnitName(e.Unit), "%s 已撤回呼叫", "%s has withdrawn the call", w.UnitName(e.Unit))
		case ActCall:
			if d.Call == "" {
				continue // only proposed
			}
			names := make([]string, len(d.Targets))
			for i, t := range d.Targets {
				names[i] = w.UnitName(t)
			}
			caller := d.Caller
			if caller == "" {
				caller = e.Unit
			}
			say(e, w.UnitName(caller), "%s 已呼叫 %s", "%s has called %s", w.UnitName(caller), strings.Join(names, "、"))
		case ActAck:
			say(e, unit, "%s 已应答", "%s has answered", unit)
		case ActCheckIn:
			if d.Mode == "REMOTE" {
				say(e, unit, "%s 已远程报到", "%s has checked in remotely", unit)
			} else {
				say(e, unit, "%s 已到现场", "%s is on site", unit)
			}
		case ActResolve:
			if d.Assist {
				say(e, unit, "%s 已完成协办任务", "%s has done its part", unit)
				continue
			}
			say(e, unit, "%s 已反馈处理结果：%s", "%s reports: %s", unit, OptionText(d.Outcome, lang))
		case ActCheckPass:
			if d.Spot {
				say(e, "", "区里已抽查，结果属实", "Looked at again by the district")
				continue
			}
			say(e, "", "核查通过，已办结，请评价", "Checked and closed, please rate")
		case ActCheckFail:
			say(e, unit, "核查未通过，%s 继续处理", "The check failed, %s goes on", unit)
		case ActRate:
			say(e, "", "您已评价，谢谢", "Rated, thank you")
		case ActReopen:
			say(e, "", "已重新办理", "Opened again")
		case ActAdd:
			say(e, "", "您补充了说明", "You added something")
		case ActUrge:
			say(e, "", "您催办了一次", "You sent a reminder")
		case ActClarify:
			say(e, unit, "%s 已公开澄清：%s", "%s has clarified in public: %s", unit, OptionText(d.Verdict, lang))
		case ActArchive:
			say(e, "", "已归档", "Archived")
		case ActClockDue:
			if level, _ := d.Level.(float64); d.Kind == string(ClockHandle) && level == 100 && d.Unit == "" {
				say(e, "", "已超过承诺时间，已督办", "Overdue, the district follows up")
			}
		}
	}
	return out
}

// granted tells of a suspension or an extension: why, how long, until when.
func (w *World) granted(d *factData, lang string) (zh, en string, args []any) {
	if d.Kind == "SUSPEND" {
		return "因%s暂缓，预计 %s 恢复", "On hold (%s), to go on at %s", []any{OptionText(d.Why, lang), w.when(d.Until, lang)}
	}
	if d.Due == "" {
		return "办理时限延长 %s", "Given %s more", []any{budgetText(d.Budget, lang)}
	}
	return "办理时限延长 %s，新的时限 %s", "Given %s more, now due %s", []any{budgetText(d.Budget, lang), w.when(d.Due, lang)}
}

// when is an instant of a fact on the district's wall clock.
func (w *World) when(at, lang string) string {
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return at
	}
	return t.In(w.Calendar.Location()).Format(pair{"1月2日15:04", "2 Jan 15:04"}.in(lang))
}

var budgetWords = map[worktime.Unit]pair{
	worktime.NM: {"分钟", "min"}, worktime.NH: {"小时", "h"}, worktime.ND: {"天", "d"},
	worktime.WM: {"个工作分钟", "working min"}, worktime.WH: {"个工作小时", "working h"}, worktime.WD: {"个工作日", "working d"},
}

// budgetText is a budget in words: "4WH" is "4 个工作小时"; what is none stays as it is.
func budgetText(text, lang string) string {
	b, ok := budgetOf(text)
	if !ok {
		return text
	}
	return fmt.Sprintf("%d %s", b.N, budgetWords[b.Unit].in(lang))
}

// ResidentStatus is the one line and the step a resident sees for a state.
func (w *World) ResidentStatus(c *Case, lang string) (text string, step int) {
	r := residentWords[c.State]
	text = r.in(lang)
	if strings.Contains(text, "%s") {
		text = fmt.Sprintf(text, w.UnitName(c.LeadUnit))
	}
	return text, r.step
}

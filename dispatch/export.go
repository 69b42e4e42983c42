package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// ExportCap is how many cases somebody may take away without an auditor's approval (domain 4g), ExportMost how many at all.
const (
	ExportCap  = 1000
	ExportMost = 100_000
)

// exportValid is how long an approved export may be fetched.
const exportValid = 24 * time.Hour

// Export is one table on its way out of the system. Each gives a row after the other; it may be called once.
type Export struct {
	ID      uuid.UUID // of the line in the log of exports; stands in every row of the file
	What    string
	Columns []ExportColumn
	Each    func(yield func(row []any) error) error
	At      time.Time
	By      string // who takes it away
}

// ExportColumn names one column: by Name in JSON, by both titles in the header of a table.
type ExportColumn struct{ Name, Zh, En string }

// ExportRequest asks an auditor for an export beyond ExportCap.
type ExportRequest struct {
	ID        uuid.UUID
	What      string
	From, To  time.Time
	Reason    string
	State     string // PENDING, APPROVED, DECLINED
	AskedBy   uuid.UUID
	AskedAt   time.Time
	DecidedBy *uuid.UUID
	DecidedAt *time.Time
	ExpiresAt *time.Time
	// The names of the two people, read beside it.
	AskerName, DeciderName string
}

type exportSpan struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

var caseColumns = []ExportColumn{
	{"case_no", "案卷号", "Case number"}, {"matter", "事项编码", "Matter code"}, {"matter_name", "事项", "Matter"}, {"street", "街道", "Street"}, {"community", "社区", "Community"}, {"grid_code", "网格", "Grid"},
	{"state", "状态", "State"}, {"priority", "紧急程度", "Priority"}, {"source", "来源", "Source"}, {"owner_unit", "属地", "Owner"}, {"lead_unit", "主办单位", "Lead"}, {"outcome", "办理结果", "Outcome"},
	{"created_at", "上报时间", "Received"}, {"filed_at", "立案时间", "Filed"}, {"dispatched_at", "派遣时间", "Dispatched"}, {"resolved_at", "处置完成", "Resolved"}, {"closed_at", "结案时间", "Closed"}, {"promise_at", "承诺时间", "Promised"},
	{"reports", "上报人数", "Reports"}, {"return_count", "退单", "Returns"}, {"rework_count", "返工", "Rework"}, {"reopen_count", "重办", "Reopened"},
}

const exportWhere = ` from cases c where c.district = $1 and not c.drill and c.state not in ('VOIDED', 'MERGED') and c.created_at >= $2 and c.created_at < $3 and `

// ExportCases is the actor's cases received in [from, to): the same that the overview counts as received. More than ExportCap rows
// need an approved request (EXPORT_TOO_LARGE). No column names or describes a person.
func (k *Desk) ExportCases(ctx context.Context, a auth.Actor, from, to time.Time, format string, request *uuid.UUID) (*Export, error) {
	if !from.Before(to) || to.Sub(from) > 400*24*time.Hour {
		return nil, fault.Invalid("/to", "时间范围应在 1 天到 400 天之间，且 to 晚于 from")
	}
	w := k.worlds.Get(a.District)
	most := ExportCap
	if request != nil {
		if err := k.allowed(ctx, a, *request, from, to); err != nil {
			return nil, err
		}
		most = ExportMost
	}
	cond, more := scope(a, 4)
	args := append([]any{a.District, from, to}, more...)
	ctx = pg.WithDistrict(ctx, a.District)
	var n int
	if err := k.db.Pool.QueryRow(ctx, fmt.Sprintf("select count(*) from (select 1%s%s limit %d) x", exportWhere, cond, most+1), args...).Scan(&n); err != nil {
		return nil, pg.Fault(err)
	}
	if n > most {
		return nil, fault.New(422, "EXPORT_TOO_LARGE", "超过 %d 行：请缩小时间范围，或提交导出申请，经审计人员批准后导出", most)
	}
	e, err := k.logExport(ctx, a, "cases", format, exportSpan{from, to}, n, request)
	if err != nil {
		return nil, err
	}
	e.Columns = caseColumns
	e.Each = func(yield func(row []any) error) error {
		rows, err := k.db.Pool.Query(ctx, fmt.Sprintf("select to_jsonb(c)%s%s order by c.created_at, c.id limit %d", exportWhere, cond, most), args...)
		if err != nil {
			return pg.Fault(err)
		}
		var raw []byte
		_, err = pgx.ForEachRow(rows, []any{&raw}, func() error {
			var c Case
			if err := json.Unmarshal(raw, &c); err != nil {
				return err
			}
			return yield(w.exportRow(&c))
		})
		return pg.Fault(err)
	}
	return e, nil
}

func (w *World) exportRow(c *Case) []any {
	at, _ := w.Grid(c.GridCode)
	return []any{text(c.CaseNo), c.Matter, w.MatterName(c.Matter), at.StreetName, at.CommunityName, c.GridCode, string(c.State), string(c.Priority), c.Source, w.UnitName(c.OwnerUnit), w.UnitName(c.LeadUnit), text(c.Outcome),
		c.CreatedAt, c.FiledAt, c.DispatchedAt, c.ResolvedAt, c.ClosedAt, c.PromiseAt, c.ReporterCount, c.ReturnCount, c.ReworkCount, c.ReopenCount}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// logExport writes down what is taken away before the first byte of it leaves.
func (k *Desk) logExport(ctx context.Context, a auth.Actor, what, format string, params any, rows int, request *uuid.UUID) (*Export, error) {
	e := &Export{ID: uuid.Must(uuid.NewV7()), What: what, By: a.Username}
	err := k.db.Pool.QueryRow(pg.WithDistrict(ctx, a.District), `insert into export_log (district, id, what, format, params, account_id, at, rows, request_id) values ($1, $2, $3, $4, $5, $6, yx_now(), $7, $8) returning at`,
		a.District, e.ID, what, format, params, a.Account, rows, request).Scan(&e.At)
	return e, pg.Fault(err)
}

// ExportOverview is the overview of a span as a table: the rows of the screen and their total.
func (k *Desk) ExportOverview(ctx context.Context, a auth.Actor, from, to time.Time, by, format string) (*Export, error) {
	o, err := k.Overview(ctx, a, from, to, by)
	if err != nil {
		return nil, err
	}
	e, err := k.logExport(ctx, a, "metrics", format, map[string]any{"from": from, "to": to, "by": by}, len(o.Rows), nil)
	if err != nil {
		return nil, err
	}
	e.Columns = []ExportColumn{{"key", "编码", "Key"}, {"name", "名称", "Name"}, {"received", "受理", "Received"}, {"closed", "办结", "Closed"}, {"open", "在办", "Open"}, {"overdue", "超期", "Overdue"}}
	for _, r := range ratioColumns {
		e.Columns = append(e.Columns, ExportColumn{r.name + "_numerator", r.zh + "（分子）", r.en + " (numerator)"}, ExportColumn{r.name + "_denominator", r.zh + "（分母）", r.en + " (denominator)"}, ExportColumn{r.name, r.zh, r.en})
	}
	e.Each = func(yield func(row []any) error) error {
		for _, f := range append(slices.Clone(o.Rows), o.Total) {
			row := []any{f.Key, f.Name, f.Received, f.Closed, f.Open, f.Overdue}
			for _, r := range ratioColumns {
				v := r.of(&f)
				row = append(row, v.Num, v.Den, v.Text())
			}
			if err := yield(row); err != nil {
				return err
			}
		}
		return nil
	}
	return e, nil
}

var ratioColumns = []struct {
	name, zh, en string
	of           func(f *Figures) Ratio
}{
	{"call_response", "呼叫响应率", "Call response", func(f *Figures) Ratio { return f.CallResponse }},
	{"on_time_checkin", "按时报到率", "On-time check-in", func(f *Figures) Ratio { return f.OnTimeCheckin }},
	{"on_time_disposal", "按期处置率", "On-time disposal", func(f *Figures) Ratio { return f.OnTimeDisposal }},
	{"resolution", "解决率", "Resolution", func(f *Figures) Ratio { return f.Resolution }},
	{"satisfied", "满意率", "Satisfied", func(f *Figures) Ratio { return f.Satisfied }},
}

// ExportAssessments is the latest sheets of a period that the actor may read, a line for each indicator.
func (k *Desk) ExportAssessments(ctx context.Context, a auth.Actor, period, format string) (*Export, error) {
	w := k.worlds.Get(a.District)
	list, _, err := k.Assessments(ctx, a, period)
	if err != nil {
		return nil, err
	}
	e, err := k.logExport(ctx, a, "assessments", format, map[string]any{"period": period}, len(list), nil)
	if err != nil {
		return nil, err
	}
	e.Columns = []ExportColumn{{"unit", "单位编码", "Unit"}, {"name", "单位", "Name"}, {"kind", "类别", "Kind"}, {"period", "月份", "Period"}, {"revision", "修订", "Revision"}, {"rank", "名次", "Rank"}, {"score", "得分", "Score"},
		{"indicator", "指标", "Indicator"}, {"numerator", "分子", "Numerator"}, {"denominator", "分母", "Denominator"}, {"value", "值", "Value"}, {"hash", "校验值", "Hash"}}
	e.Each = func(yield func(row []any) error) error {
		for i := range list {
			s := &list[i]
			for _, l := range s.Lines {
				if err := yield([]any{s.Unit, w.UnitName(s.Unit), s.Kind, s.Period, s.Revision, s.Rank, s.Score, l.ID, l.Num, l.Den, l.Value, s.Hash}); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return e, nil
}

// CaseColumns are the columns of an export of cases.
func CaseColumns() []ExportColumn { return slices.Clone(caseColumns) }

package dispatch

import (
	"context"
	"slices"
	"strings"

	"yixian/dispatch/rule"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// checkSelfHandled holds the guards of T2 that need neither the map nor the catalogue: a grid worker, a photo of before
// and another one of after.
func checkSelfHandled(in *Submission, a auth.Actor) error {
	switch {
	case !a.Has(auth.RoleGridWorker):
		return fault.Forbidden("NOT_YOURS", "只有网格员可以自行处置")
	case in.OnBehalf || in.Anonymous:
		return fault.Invalid("/self_handled", "自行处置不能代报或匿名")
	case in.Matter == "":
		return fault.Invalid("/matter", "请选择事项")
	case len(in.MediaIDs) == 0:
		return fault.Invalid("/media_ids", "请拍一张处置前的照片")
	case len(in.AfterMediaIDs) == 0:
		return fault.Invalid("/after_media_ids", "请拍一张处置后的照片")
	case slices.ContainsFunc(in.AfterMediaIDs, func(id string) bool { return slices.Contains(in.MediaIDs, id) }):
		return fault.Invalid("/after_media_ids", "处置前后须是不同的照片")
	}
	return nil
}

// selfHandle is T2: found and settled by the worker on the spot, closed in one step. Nobody is promised anything, no unit
// is charged and nobody rates; the district may look again (T21b), and the case is archived with its window.
func (d *draft) selfHandle(in *Submission, a auth.Actor, caseNo string, facts data) error {
	c := &d.s.Case
	var as standing
	for _, b := range a.Bindings {
		if b.Role == auth.RoleGridWorker && slices.Contains(b.Grids, c.GridCode) {
			as = standing{b.Role, b.Unit}
		}
	}
	if as.Unit == "" {
		return fault.Forbidden("NOT_YOUR_GRID", "只能自行处置本人网格内的事项")
	}
	item, ok := d.w.Catalog.MatterAt(c.Matter, c.CommunityCode, c.StreetCode, d.now)
	if !ok {
		return fault.Invalid("/matter", "责任清单中没有事项 %s", c.Matter)
	}
	dec := d.route()
	if dec.Level != rule.LevelCommunity {
		return fault.Invalid("/matter", "该事项不属社区可自行处置的事项，请按一般上报提交").Coded("NOT_COMMUNITY_LEVEL")
	}
	if err := d.photosNear("/after_media_ids"); err != nil {
		return err
	}
	if caseNo == "" {
		return fault.Unavailable(nil)
	}
	c.CaseNo, c.SelfHandled, c.LeadUnit, c.FirstReceiver = &caseNo, true, as.Unit, as.Unit
	c.Priority, c.Kind, c.FilingCondition, c.ItemVersion = dec.Priority, string(item.Kind), item.FilingCondition, item.Version
	c.Sensitivity, c.CheckMode = string(dec.Sensitivity), string(dec.CheckMode)
	c.SLABudget = d.handleBudget(item, dec)
	outcome := "RESOLVED"
	c.FiledAt, c.ResolvedAt, c.ClosedAt, c.ResolvedFrom, c.Outcome = &d.now, &d.now, &d.now, Handling, &outcome
	d.stopClock(ClockAccept, c.ID)
	if b, ok := d.w.budget(ClockRating, c.Priority); ok {
		d.startClock(ClockRating, "CASE", c.ID, "", b)
	}
	d.setParty(as.Unit, false)
	d.handled(a, as.Unit, "self_handle")
	r := Result{ID: d.newID(), CaseID: c.ID, Round: c.Round, Unit: as.Unit, ResolvedBy: &a.Account, Outcome: outcome, AcceptedAt: &d.now, Measures: strings.TrimSpace(in.Text), Media: slices.Clone(in.AfterMediaIDs), At: d.now}
	d.s.Results = append(d.s.Results, r)
	d.out.Results = append(d.out.Results, r)
	facts["case_no"], facts["unit"], facts["outcome"], facts["photos_after"] = caseNo, as.Unit, outcome, len(in.AfterMediaIDs)
	d.event(a, as, ActSelfHandle, Closed, facts, nil)
	return nil
}

// SelfHandled counts what the signed-in worker has settled on the spot.
func (k *Desk) SelfHandled(ctx context.Context, a auth.Actor) (n int, err error) {
	err = k.db.Pool.QueryRow(pg.WithDistrict(ctx, a.District), "select count(*) from cases where district = $1 and intake_account = $2 and self_handled and not drill", a.District, a.Account).Scan(&n)
	return n, pg.Fault(err)
}

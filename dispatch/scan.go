package dispatch

import (
	"context"

	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
)

// aboutComponent reports whether a matter is about a component: majors 01 to 05 (GB/T 47678.5).
func aboutComponent(matter string) bool { return len(matter) == 5 && matter >= "01" && matter < "06" }

// scan takes what the sticker that a report was made with tells, and finds the component that it is about: the sticker's, the
// one that was named, or the only one of the class at the point. A resident who scanned has reported by place code.
func (k *Desk) scan(ctx context.Context, w *World, a auth.Actor, in *Submission, p grid.Point, source *string) error {
	if in.PlaceCode != "" {
		code, err := grid.Scanned(ctx, k.db, in.PlaceCode)
		switch {
		case fault.Is(err, "NOT_FOUND"), fault.Is(err, "PLACE_CODE_DISABLED"):
			return fault.Invalid("/place_code", "没有这个场所码，或已停用：请不带场所码直接提交")
		case err != nil:
			return err
		case code.District != a.District:
			return fault.Invalid("/place_code", "这是其他区的场所码，请直接在地图上选择位置")
		}
		if in.Component = code.Component; a.Kind == auth.Resident {
			if *source = "PLACE_CODE"; code.Kind == grid.PlaceKiosk {
				*source = "KIOSK"
			}
		}
	}
	if in.Component == "" && !(w.Ledger && aboutComponent(in.Matter)) {
		return nil
	}
	var err error
	in.component, err = grid.ComponentNear(ctx, k.db, a.District, in.Component, in.Matter, p)
	if err == nil && in.component == nil && in.Component != "" && in.PlaceCode == "" {
		err = fault.Invalid("/component", "部件台账中没有 %s", in.Component)
	}
	return err
}

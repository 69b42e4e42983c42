package grid

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"yixian/internal/fault"
	"yixian/internal/pg"
)

// follow gives the workers of what ends the grids that follow it. They keep what ended: running cases still stand on it.
func (c *change) follow(ctx context.Context, r *Report, moves map[string][]string, dry bool) error {
	from := make([]string, 0, len(moves))
	for code := range moves {
		from = append(from, code)
	}
	list, err := c.workers(ctx, from)
	if err != nil {
		return err
	}
	at, _ := c.standing()
	after := map[string]bool{}
	for code := range at {
		after[code] = true
	}
	for i := range c.end {
		delete(after, c.end[i].Code)
	}
	for i := range c.begin {
		after[c.begin[i].Code] = true
	}
	for _, w := range list {
		e := WorkerEffect{Username: w.username, Name: w.name, Unit: w.unit, Gains: []string{}, Ends: []string{}}
		grids := slices.Clone(w.grids)
		for _, code := range w.grids {
			next, moved := moves[code]
			if !moved {
				continue
			}
			if !after[code] {
				e.Ends = append(e.Ends, code)
			}
			for _, n := range next {
				if !slices.Contains(grids, n) {
					grids, e.Gains = append(grids, n), append(e.Gains, n)
				}
			}
		}
		for _, code := range grids {
			if after[code] {
				e.Left++
			}
		}
		slices.Sort(e.Gains)
		r.Workers = append(r.Workers, e)
		if len(e.Gains) == 0 || dry {
			continue
		}
		slices.Sort(grids)
		if _, err := c.tx.Exec(ctx, "update role_binding set grids = $4 where district = $1 and account_id = $2 and role = 'GRID_WORKER' and unit = $3", c.district, w.account, w.unit, grids); err != nil {
			return pg.Fault(err)
		}
	}
	return nil
}

// grid finds a grid that may be changed: in force when the change holds, nothing else planned for it, in the version that was seen.
func (c *change) grid(pointer, code string, version int) (*Area, error) {
	at, planned := c.standing()
	a := at[code]
	switch {
	case len(code) != CodeLength(LevelGrid) || !digits(code):
		return nil, fault.Invalid(pointer, "应为 15 位网格编码")
	case a == nil && c.latest[code] > 0:
		return nil, fault.Conflict("GRID_ENDED", "网格 %s 已经停用，或届时不再有效；请刷新后重试", code).At(pointer, "没有有效的版本")
	case a == nil:
		return nil, fault.NotFound()
	case version != 0 && version != a.Version:
		return nil, fault.Conflict("STALE", "网格 %s 已由他人修改，现在是第 %d 版；请刷新后重试", code, a.Version).With("version", a.Version)
	case len(planned[code]) > 0:
		return nil, fault.Conflict("GRID_PLANNED", "网格 %s 已安排了以后的变更，请先等它生效，或用导入取代它", code).At(pointer, "已有安排")
	}
	return a, nil
}

func (c *change) unitGrid(pointer, code string, version int) (*Area, error) {
	a, err := c.grid(pointer, code, version)
	if err == nil && a.Kind != KindUnit {
		return nil, fault.Invalid(pointer, "只有单元网格（unit）可以切分或合并")
	}
	return a, err
}

func (c *change) ends(a *Area) { c.stops(a) }

// newCode wants a code of the community that nobody uses: never before, or one of those that this change ends.
func (c *change) newCode(pointer, code, parent string, ending []string) error {
	switch {
	case len(code) != CodeLength(LevelGrid) || !digits(code) || strings.HasSuffix(code, "000"):
		return fault.Invalid(pointer, "应为 15 位网格编码")
	case ParentOf(code) != parent:
		return fault.Invalid(pointer, "编码应属于社区 %s", parent)
	case code[:6] != c.district:
		return fault.Invalid(pointer, "编码应属于本区 %s", c.district)
	case slices.Contains(ending, code):
		return nil
	case c.latest[code] > 0:
		return fault.Invalid(pointer, "编码 %s 已经用过，历史案件仍指向它，请换一个", code).Coded("CODE_USED")
	}
	return nil
}

// freeCode is the lowest code of the community that was never used.
func (c *change) freeCode(parent string, taken []string) (string, error) {
	for n := 1; n < 1000; n++ {
		code := parent + strconv.Itoa(1000 + n)[1:]
		if c.latest[code] == 0 && !slices.Contains(taken, code) {
			return code, nil
		}
	}
	return "", fault.Conflict("CODES_EXHAUSTED", "社区 %s 的网格编码已用完", parent)
}

package dispatch

import (
	"fmt"
	"strings"
)

// What the auditor asks of the rollups (docs/adr/0090). The deep form recounts every case and adds up every cell: `yixian audit`
// asks it. The look that comes again and again recounts what was touched within a day, and compares the sums with each other.
var rollupChecks = []auditCheck{
	{name: "ROLLUP_STALE", sql: `select r.district, r.case_id::text, 'should have been counted again at ' || r.next_at from rollup_case r where r.next_at <= yx_now() - ` + stale + ` and ($1 = '' or r.district = $1)`},
	{name: "ROLLUP_CASE", sql: recountSQL("and c.updated_at > yx_now() - interval '1 day'"), deep: recountSQL("")},
	{name: "ROLLUP_SUM", sql: sumsSQL(false), deep: sumsSQL(true)},
}

// recountSQL counts cases from their rows and names those that are counted as something else. What waits to be counted again is left out.
func recountSQL(which string) string {
	return `with n as (select yx_now() as now), k as (select c.district, c.id from cases c where ($1 = '' or c.district = $1) ` + which + `
    and not exists (select from outbox o where o.district = c.district and o.case_id = c.id) and not exists (select from rollup_case r where r.district = c.district and r.case_id = c.id and r.next_at <= yx_now())), ` + cellsSQL + `
select new.district, new.id::text, 'counts as ' || new.cells::text || ', is counted as ' || coalesce(r.cells::text, 'nothing') from new left join rollup_case r on r.district = new.district and r.case_id = new.id
  where (r.cells, r.street, r.matter, r.grid, r.source) is distinct from (new.cells, new.street, new.matter, new.grid, new.source)`
}

// sumsSQL names the sums that are not what they add up: months against their days, and (deep) days against the cells of the cases, or else units, streets,
// matters and sources against the district.
func sumsSQL(deep bool) string {
	sum := func(cols []string) string {
		out := make([]string, len(cols))
		for i, c := range cols {
			out[i] = fmt.Sprintf("coalesce(sum(%s), 0) as %s", c, c)
		}
		return strings.Join(out, ", ")
	}
	row := func(alias string, cols []string) string {
		out := make([]string, len(cols))
		for i, c := range cols {
			out[i] = fmt.Sprintf("coalesce(%s.%s, 0)", alias, c)
		}
		return "(" + strings.Join(out, ", ") + ")"
	}
	differ := func(have, want string, cols []string, on string) string {
		return fmt.Sprintf("from %s h full join %s w using (district, dim, key%s) where ($1 = '' or district = $1) and %s <> %s", have, want, on, row("h", cols), row("w", cols))
	}
	sql := "with mw as (select district, dim, key, date_trunc('month', day)::date as day, " + sum(measures) + " from rollup_day group by 1, 2, 3, 4)"
	var last string
	if deep {
		cells := `(select r.district, x.* , v.dim, v.key from rollup_case r cross join lateral jsonb_populate_recordset(null::rollup_cell, r.cells) x
  cross join lateral (values ('A', ''), ('U', x.u), ('S', r.street), ('M', r.matter), ('O', r.source), ('G', r.grid), ('P', r.grid || '|' || r.matter)) v(dim, key) where $1 = '' or r.district = $1) z`
		sql += ", dw as (select district, dim, key, d as day, " + sum(measures) + " from " + cells + " where dim in ('A','U','S','M','O') group by 1, 2, 3, 4)" +
			", nw as (select district, dim, key, " + sum(snapshots) + " from " + cells + " where dim <> 'O' group by 1, 2, 3)"
		last = " union all select district, '', 'the day ' || day || ' of ' || dim || ' ' || key || ' is not what its cases are' " + differ("rollup_day", "dw", measures, ", day") +
			" union all select district, '', 'what stands open of ' || dim || ' ' || key || ' is not what its cases are' " + differ("rollup_now", "nw", snapshots, "")
	} else {
		sql += ", dw as (select district, dim, day, " + sum(measures) + " from rollup_day where dim <> 'A' group by 1, 2, 3)"
		last = " union all select w.district, '', 'the day ' || w.day || ' of all ' || w.dim || ' is not the day of the district' from dw w left join rollup_day h on h.district = w.district and h.dim = 'A' and h.day = w.day where ($1 = '' or w.district = $1) and " +
			row("h", measures) + " <> " + row("w", measures)
	}
	return "select * from (" + sql + " select district, '', 'the month ' || day || ' of ' || dim || ' ' || key || ' is not the sum of its days' " + differ("rollup_month", "mw", measures, ", day") + last + ") x(district, thing, detail) where true"
}

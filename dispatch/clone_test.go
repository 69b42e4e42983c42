package dispatch

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"yixian/dispatch/rule"
	"yixian/grid"
	"yixian/internal/fault"
)

// A clone takes the template's configuration and nothing of its places, people and secrets; a trial changes nothing, two at once
// make one district, and the template stays as it is.
func TestCloneDistrict(t *testing.T) {
	t.Parallel()
	d := newDistrict(t)
	d.admins()
	ctx := context.Background()
	owner := func(sql string, args ...any) {
		t.Helper()
		_, err := d.db.Engine.Pool.Exec(ctx, sql, args...)
		require.NoError(t, err)
	}
	local := d.item("06011").Item
	local.Area, local.ValidFrom = "350102004", nil
	_, err := d.put(local, 0)
	require.NoError(t, err)
	owner(`update tenant set settings = '{"community_items": 40}' where district = '350102'`)
	owner("insert into rule (district, id, version, status, body) select '350102', 'P-1', 1, 'ACTIVE', body || '{\"id\":\"P-1\",\"source\":\"PRECEDENT\"}' from rule_row where id = 'R04c'")
	owner("insert into calendar_day (district, day, is_work) values ('350102', '2027-01-01', false), ('350102', '2027-01-02', true)")
	owner("insert into code_map (district, standard_from, code_from, standard_to, code_to) values ('350102', 'OLD', '1', 'GB/T 47678.5-2026', '06010')")
	owner("insert into notice_setting (district, version, quiet_from, quiet_to, webhook_hosts) values ('350102', 7, 0, 60, '{hooks.example}')")
	owner("insert into notice_template (district, key, title_zh, text_zh, title_en, text_en, updated_by) values ('350102', 'otp.resident.SMS', '', '本区验证码', '', 'Code', yx_uuid7())")
	owner("insert into notice_rule (district, event, audience, channel, enabled) values ('350102', 'called', 'officer', 'SMS', false)")

	in := Clone{From: grid.DemoDistrict, To: "350122", Name: "连江县", DryRun: true}
	tried, err := CloneDistrict(ctx, d.db.Engine, in)
	require.NoError(t, err)
	require.True(t, tried.DryRun)
	require.Equal(t, 1, d.count("select count(*) from tenant"))
	require.Equal(t, 0, d.count("select count(*) from catalog_item where district = '350122'"))

	in.DryRun = false
	var both sync.WaitGroup
	codes, done := make([]string, 2), make([]*Cloned, 2)
	for i := range 2 {
		both.Go(func() {
			made, err := CloneDistrict(ctx, d.db.Engine, in)
			codes[i], done[i] = code(err), made
		})
	}
	both.Wait()
	require.ElementsMatch(t, []string{"", "EXISTS"}, codes)
	made := done[0]
	if made == nil {
		made = done[1]
	}
	tried.DryRun = false
	require.Equal(t, tried, made, "the trial said what would be done")
	require.Equal(t, "福州市", made.City, "both lie in one city")
	require.Len(t, made.LeftOut, 1)
	require.Equal(t, "06011", made.LeftOut[0].ID)
	require.Empty(t, made.Unresolved)

	count := func(sql string) int { t.Helper(); return d.count(sql + " district = '350122'") }
	require.Equal(t, made.Items, count("select count(*) from catalog_item where area = '' and version = 1 and body->>'district' = '350122' and"))
	require.Equal(t, d.count("select count(*) from catalog_item where district = '350102' and area = ''"), made.Items)
	require.Equal(t, len(rule.DemoRules()), count("select count(*) from rule_row where set_version = 1 and"))
	require.Equal(t, 1, count("select count(*) from rule_set where status = 'PUBLISHED' and"))
	require.Equal(t, 0, count("select count(*) from rule where"))
	require.Equal(t, 0, count(`select count(*) from rule_row where body::text like '%unit:%' and`))
	require.Equal(t, 40, count("select (settings->>'community_items')::int from tenant where"))
	require.Equal(t, 2, count("select count(*) from calendar_day where"))
	require.Equal(t, 1, count("select count(*) from code_map where"))
	require.Equal(t, 60, count("select quiet_to from notice_setting where webhook_hosts = '{}' and"))
	require.Equal(t, 1, count("select count(*) from notice_template where text_zh = '本区验证码' and"))
	require.Equal(t, 1, count("select count(*) from notice_rule where not enabled and"))
	require.Equal(t, 1, count("select count(*) from audit_event where action = 'clone' and"))
	require.Equal(t, 0, count("select count(*) from account where")+count("select count(*) from org_unit where"))
	require.Equal(t, 1, d.count("select count(*) from rule where district = '350102'"))

	require.NoError(t, d.worlds.Load(ctx))
	w := d.worlds.Get("350122")
	require.Equal(t, "连江县", w.Name)
	require.Equal(t, len(rule.DemoRules()), w.Rules.Len())

	for _, bad := range []struct {
		in      Clone
		code    string
		pointer string
	}{
		{Clone{From: "350199", To: "350123", Name: "某区"}, "INVALID", "/from"}, {Clone{From: grid.DemoDistrict, To: "350100", Name: "某市"}, "INVALID", "/to"},
		{Clone{From: grid.DemoDistrict, To: "35012", Name: "某区"}, "INVALID", "/to"}, {Clone{From: grid.DemoDistrict, To: grid.DemoDistrict, Name: "某区"}, "INVALID", "/to"},
		{Clone{From: grid.DemoDistrict, To: "350123", Name: "  "}, "INVALID", "/name"},
	} {
		_, err := CloneDistrict(ctx, d.db.Engine, bad.in)
		f, ok := fault.As(err)
		require.True(t, ok, "%+v %v", bad.in, err)
		require.Equal(t, bad.code, f.Code)
		require.Equal(t, bad.pointer, f.Fields[0].Pointer)
	}
	require.Equal(t, 2, d.count("select count(*) from tenant"))
}

// docs/catalogue.md names every column of a file of the catalogue, as a file may have it.
func TestCataloguePageNamesEveryColumn(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/catalogue.md")
	require.NoError(t, err)
	for _, c := range catalogSheet(time.UTC).Columns {
		require.Regexp(t, `(?m)^\|.*\b`+c.Key+`\b.*\|`, string(page))
		require.Regexp(t, `(?m)^\| (.* · )?`+c.Name+`( · .*)? \|`, string(page))
	}
}

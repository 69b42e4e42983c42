package app

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"yixian/internal/pg"
	"yixian/internal/pg/pgtest"
)

// yixian import units|users|components|calendar: a refused file names line and column and changes nothing; a dry run changes
// nothing; a file in GBK is taken.
func TestImportTables(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	cfg, err := ReadConfig()
	require.NoError(t, err)
	cfg.Data = t.TempDir()
	cfg.DatabaseURL, cfg.DatabaseOwnerURL, cfg.DatabaseEngineURL = db.URL(pg.RoleApp), db.URL(pg.RoleOwner), db.URL(pg.RoleEngine)
	log := slog.New(slog.DiscardHandler)
	var said bytes.Buffer
	require.NoError(t, Demo(t.Context(), cfg, log, &said))
	run := func(what, content string, dry bool) (string, string, error) {
		file := filepath.Join(cfg.Data, what+".csv")
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		var out, refused bytes.Buffer
		err := Import(t.Context(), cfg, log, &out, &refused, ImportQuery{What: what, File: file, DryRun: dry})
		return out.String(), refused.String(), err
	}
	count := func(sql string) (n int) {
		require.NoError(t, db.Engine.Pool.QueryRow(t.Context(), sql).Scan(&n))
		return n
	}
	const units = "单位编码,单位名称,简称,类型,上级编码,启用\nD-YLX,园林中心,园林,区级部门,D-CENTER,是\n"
	out, _, err := run("units", units, true)
	require.NoError(t, err)
	require.Contains(t, out, `"dry_run":true,"lines":1,"created":1`)
	require.Zero(t, count("select count(*) from org_unit where code = 'D-YLX'"))
	_, refused, err := run("units", units+"D-ZZ,丁,丁,区级部门,D-NONE,是\n", false)
	require.ErrorIs(t, err, ErrRefused)
	require.Contains(t, refused, "units.csv:3: “上级编码”列没有上级单位 D-NONE；")
	require.Zero(t, count("select count(*) from org_unit where code = 'D-YLX'"), "all or nothing")
	_, _, err = run("units", units, false)
	require.NoError(t, err)
	require.Equal(t, 1, count("select count(*) from audit_event where kind = 'unit' and key = 'D-YLX' and actor = 'SYSTEM'"))

	out, _, err = run("users", "username,display_name,phone,role,unit,active\nyl1,李园林,13712345678,DEPT_OFFICER,D-YLX,是\n", false)
	require.NoError(t, err)
	require.Contains(t, out, "/w/#/password/")
	require.NotContains(t, out, "13712345678")
	_, refused, err = run("users", "username,display_name,role,unit,active\nyl2,王,DEPT_OFFICER,S-DJ,是\n", false)
	require.ErrorIs(t, err, ErrRefused)
	require.Contains(t, refused, "users.csv:2: “单位编码”列")

	gbk := "\xc8\xd5\xc6\xda,\xc9\xcf\xb0\xe0\n2026-12-31,\xb7\xf1\n" // 日期,上班 … 否
	out, _, err = run("calendar", gbk, false)
	require.NoError(t, err)
	require.Contains(t, out, `"created":1`)
	_, refused, err = run("components", "部件编号,名称,权属单位,经度,纬度\n3.501E+16,灯,C-LD,119.3,26.08\n", false)
	require.ErrorIs(t, err, ErrRefused)
	require.Contains(t, refused, "已丢失数字")
}

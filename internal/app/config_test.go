package app

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the generated page docs/config.md instead of comparing it")

const configPage = "../../docs/config.md"

// docs/config.md is made from the fields of Config: a setting without words, or a page without the setting, fails.
func TestConfigPage(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# Settings\n\nEnvironment variables; every one may also be written with the prefix `YIXIAN_`, which wins. Flags of `yixian serve` override them; `yixian doctor` prints the values in force.\n\n" +
		"Generated from `internal/app/config.go` by `go test ./internal/app -run TestConfigPage -update`; a test compares it. Do not edit.\n\n| setting | default | meaning |\n|---|---|---|\n")
	seen := map[string]bool{}
	for _, s := range (Config{}).Settings() {
		require.NotEmpty(t, s.Name)
		require.NotEmpty(t, s.Doc, s.Name)
		require.False(t, seen[s.Name], "%s is declared twice", s.Name)
		seen[s.Name] = true
		byDefault := ""
		if s.Default != "" {
			byDefault = "`" + s.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.Name, byDefault, strings.ReplaceAll(s.Doc, "|", "\\|"))
	}
	if *update {
		require.NoError(t, os.WriteFile(configPage, []byte(b.String()), 0o644))
	}
	stored, err := os.ReadFile(configPage)
	require.NoError(t, err, "run: go test ./internal/app -run TestConfigPage -update")
	require.Equal(t, string(stored), b.String(), "docs/config.md is stale, run: go test ./internal/app -run TestConfigPage -update")
}

// Secrets are listed by whether they are set, never by what they are.
func TestSettingsHideSecrets(t *testing.T) {
	t.Parallel()
	c := Config{}
	v, n := reflect.ValueOf(&c).Elem(), 0
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("secret") == "true" {
			v.Field(i).SetString("canary-" + v.Type().Field(i).Name)
			n++
		}
	}
	require.NotZero(t, n)
	set := 0
	for _, s := range c.Settings() {
		require.NotContains(t, s.Value, "canary")
		if s.Value == "(set)" {
			set++
		}
	}
	require.Equal(t, n, set)
	for i := range v.NumField() { // whatever is named like a secret is one
		f := v.Type().Field(i)
		name := f.Tag.Get("env")
		if strings.Contains(name, "SECRET") || strings.Contains(name, "PASSWORD") || (strings.HasPrefix(name, "DATABASE_") && strings.HasSuffix(name, "URL")) {
			require.Equal(t, "true", f.Tag.Get("secret"), name)
		}
	}
}

// The longer name wins over the shorter one.
func TestPrefixedNamesWin(t *testing.T) {
	t.Parallel()
	got := prefixed([]string{"YIXIAN_LISTEN=a:1", "LISTEN=b:2", "DATA=c", "EMPTY"})
	require.Equal(t, "a:1", got["LISTEN"])
	require.Equal(t, "c", got["DATA"])
}

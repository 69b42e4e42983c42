package notify_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"yixian/notify"
)

var update = flag.Bool("update", false, "write testdata/texts.golden")

// Every text that goes out by itself, in both languages, as people read it: a change of wording is a change of this file.
func TestGoldenTexts(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	keys := slices.Sorted(slices.Values(notify.Default().Keys()))
	for _, key := range keys {
		for _, locale := range []string{notify.Chinese, notify.English} {
			title, text, err := notify.Render(key, locale, allData())
			require.NoError(t, err, key)
			fmt.Fprintf(&b, "%s %s\n  %s\n  %s\n", key, locale, title, text)
		}
	}
	const path = "testdata/texts.golden"
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String(), "go test ./notify -run GoldenTexts -update")
}

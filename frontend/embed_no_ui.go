//go:build no_ui

package frontend

import "embed"

// A program built with the tag no_ui serves the API alone.
var built embed.FS

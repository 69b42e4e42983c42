package app

import (
	"fmt"
	"io"
	"os"

	"yixian/dispatch/score"
	"yixian/internal/worktime"
)

// Assess is `yixian assess --fixture FILE`: the sheet of a file of facts, without a database.
func Assess(w io.Writer, file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("无法读取文件 / cannot read the file: %w", err)
	}
	f, err := score.ReadFixture(raw, worktime.Default())
	if err != nil {
		return err
	}
	return answer(w, f.Answer())
}

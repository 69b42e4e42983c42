package notify

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// CopySettings gives a new district the wordings, the rows of the matrix and the hours of another one. Whom messages go to and
// by whose providers, groups and webhooks is not copied: those are addresses and secrets of the other district.
func CopySettings(ctx context.Context, tx pgx.Tx, from, to string) (wordings, rows int64, err error) {
	if _, err = tx.Exec(ctx, `insert into notice_setting (district, version, quiet_from, quiet_to, digest_at, fold_over)
		select $2, 1, quiet_from, quiet_to, digest_at, fold_over from notice_setting where district = $1`, from, to); err != nil {
		return 0, 0, err
	}
	// Whoever wrote a wording is nobody in the new district.
	tag, err := tx.Exec(ctx, `insert into notice_template (district, key, title_zh, text_zh, title_en, text_en, updated_by)
		select $2, key, title_zh, text_zh, title_en, text_en, '00000000-0000-0000-0000-000000000000' from notice_template where district = $1`, from, to)
	if err != nil {
		return 0, 0, err
	}
	wordings = tag.RowsAffected()
	tag, err = tx.Exec(ctx, "insert into notice_rule (district, event, audience, channel, enabled, after_s) select $2, event, audience, channel, enabled, after_s from notice_rule where district = $1", from, to)
	return wordings, tag.RowsAffected(), err
}

package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// PublicPhoto is the copy of a photo that everybody may see once its case is in the ledger: a person of the dispatchers or of the
// unit in charge looked at it, covered what shows people and plates, and let it out. Stage is BEFORE for what a reporter sent, AFTER
// for what was done about it.
type PublicPhoto struct {
	ID      string    `json:"id"`
	CaseID  uuid.UUID `json:"case_id"`
	MediaID string    `json:"media_id"`
	Stage   string    `json:"stage"`
	Regions int       `json:"regions"` // how many were covered
	MadeBy  uuid.UUID `json:"made_by"`
	MadeAt  time.Time `json:"made_at"`
}

// publicPhotoSQL finds a photo of a case with its stage; a photo of another case is not there.
const publicPhotoSQL = `select case when exists (select 1 from case_result x where x.district = c.district and x.case_id = c.id and $3 = any(x.media))
    or exists (select 1 from case_check x where x.district = c.district and x.case_id = c.id and x.kind <> 'VERIFY' and $3 = any(x.media)) then 'AFTER' else 'BEFORE' end
  from cases c join media m on m.district = c.district and m.id = $3 and m.gone_at is null
  where c.district = $1 and c.id = $2 and (m.case_id = c.id or exists (select 1 from report r where r.district = c.district and r.case_id = c.id and $3 = any(r.media)))`

// mayPublish says whether the actor may decide what of a case everybody sees: dispatchers, and the unit in charge.
func (s *Snapshot) mayPublish(a auth.Actor) error {
	_, dispatcher := s.as(ByDispatcher, a)
	_, lead := s.as(ByLeadUnit, a)
	switch {
	case !dispatcher && !lead:
		return fault.Forbidden("NOT_YOURS", "只有调度员和主办单位可以决定照片是否公开")
	case s.Case.Sensitivity != "PUBLIC" && s.Case.Sensitivity != "NORMAL":
		return fault.Conflict("SENSITIVE", "涉密或敏感案件的照片不公开")
	case s.Case.Drill:
		return fault.Conflict("DRILL", "演练案件的照片不公开")
	}
	return nil
}

// PublishPhoto makes a copy of a case's photo public in place of a former copy. copied makes the blob after everything has been
// allowed and gives its id; what a failure leaves over has no row and is swept. 404 for a photo that is not of this case.
func (k *Desk) PublishPhoto(ctx context.Context, a auth.Actor, caseID uuid.UUID, media string, regions int, copied func(context.Context) (id string, err error)) (*PublicPhoto, error) {
	o, err := k.View(ctx, a, caseID)
	if err != nil {
		return nil, err
	}
	if err := o.Snapshot.mayPublish(a); err != nil {
		return nil, err
	}
	ctx = pg.WithDistrict(ctx, a.District)
	p := PublicPhoto{CaseID: caseID, MediaID: media, Regions: regions, MadeBy: a.Account}
	if err := k.db.Pool.QueryRow(ctx, publicPhotoSQL, a.District, caseID, media).Scan(&p.Stage); errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.NotFound()
	} else if err != nil {
		return nil, pg.Fault(err)
	}
	if p.ID, err = copied(ctx); err != nil {
		return nil, err
	}
	err = pgx.BeginFunc(ctx, k.db.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select 1 from media where district = $1 and id = $2 for update`, a.District, media); err != nil { // two at once: one after the other
			return err
		}
		if _, err := tx.Exec(ctx, `update public_photo set withdrawn_at = yx_now(), withdrawn_by = $3 where district = $1 and media_id = $2 and withdrawn_at is null`, a.District, media, a.Account); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `insert into public_photo (district, id, case_id, media_id, stage, regions, made_by) values ($1, $2, $3, $4, $5, $6, $7) returning made_at`,
			a.District, p.ID, p.CaseID, p.MediaID, p.Stage, p.Regions, p.MadeBy).Scan(&p.MadeAt); err != nil {
			return err
		}
		c, err := auth.AuditChange("publish", "public_photo", p.ID, nil, map[string]any{"stage": p.Stage, "regions": p.Regions})
		if err != nil {
			return err
		}
		return auth.Audit(ctx, tx, a, c)
	})
	if err != nil {
		return nil, pg.Fault(err)
	}
	return &p, nil
}

// WithdrawPhoto takes the public copy of a photo back; 404 when there is none. The address answers 404 at once.
func (k *Desk) WithdrawPhoto(ctx context.Context, a auth.Actor, caseID uuid.UUID, media string) error {
	o, err := k.View(ctx, a, caseID)
	if err != nil {
		return err
	}
	if err := o.Snapshot.mayPublish(a); err != nil && !fault.Is(err, "SENSITIVE") && !fault.Is(err, "DRILL") {
		return err
	}
	ctx = pg.WithDistrict(ctx, a.District)
	return pg.Fault(pgx.BeginFunc(ctx, k.db.Pool, func(tx pgx.Tx) error {
		var id string
		err := tx.QueryRow(ctx, `update public_photo set withdrawn_at = yx_now(), withdrawn_by = $4 where district = $1 and case_id = $2 and media_id = $3 and withdrawn_at is null returning id`, a.District, caseID, media, a.Account).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return fault.NotFound()
		}
		if err != nil {
			return err
		}
		c, err := auth.AuditChange("withdraw", "public_photo", id, nil, nil)
		if err != nil {
			return err
		}
		return auth.Audit(ctx, tx, a, c)
	}))
}

// PublicPhotos lists the copies of a case that the caller has already been shown.
func (k *Desk) PublicPhotos(ctx context.Context, district string, caseID uuid.UUID) ([]PublicPhoto, error) {
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, district), `select id, case_id, media_id, stage, regions, made_by, made_at from public_photo where district = $1 and case_id = $2 and withdrawn_at is null order by stage desc, made_at, id`, district, caseID)
	if err != nil {
		return nil, pg.Fault(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[PublicPhoto])
	return list, pg.Fault(err)
}

// publicCase is what the ledger shows (alias c): over, nothing sensitive, no exercise.
const publicCase = `c.closed_at is not null and c.state in ('CLOSED', 'ARCHIVED') and c.sensitivity in ('PUBLIC', 'NORMAL') and not c.drill`

// OpenPhoto says whether everybody may see the copy with this id now: it stands, and so does its case in the ledger.
func (k *Desk) OpenPhoto(ctx context.Context, district, id string) error {
	var one int
	err := k.db.Pool.QueryRow(pg.WithDistrict(ctx, district), `select 1 from public_photo p join cases c on c.district = p.district and c.id = p.case_id where p.district = $1 and p.id = $2 and p.withdrawn_at is null and `+publicCase, district, id).Scan(&one)
	if errors.Is(err, pgx.ErrNoRows) {
		return fault.NotFound()
	}
	return pg.Fault(err)
}

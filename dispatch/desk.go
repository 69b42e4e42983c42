package dispatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/seal"
)

// Desk is the one door: every change of a case goes through Submit or Do.
type Desk struct {
	db     *pg.DB
	keys   *seal.Keyring
	worlds *Worlds
	poke   func() // wakes the planner after a change
	shapes sync.Map
	build  func(parts []string, submit bool) string // statementFor; a test's negative control takes the guard out
	numbers
}

// NewDesk opens the door on a pool whose role is the district's (app) or the engine's. poke may be nil.
func NewDesk(db *pg.DB, keys *seal.Keyring, worlds *Worlds, poke func()) *Desk {
	if poke == nil {
		poke = func() {}
	}
	return &Desk{db: db, keys: keys, worlds: worlds, poke: poke, build: statementFor}
}

// Worlds gives the configuration in force.
func (k *Desk) Worlds() *Worlds { return k.worlds }

// Submit is T1. The same key with the same payload gives the first receipt again (replayed true); with another
// payload 422 IDEMPOTENCY_MISMATCH. Out of every district's grids: 422 OUT_OF_AREA.
func (k *Desk) Submit(ctx context.Context, a auth.Actor, in *Submission) (receipt *Receipt, replayed bool, err error) {
	s, err := k.Compose(ctx, a, in)
	if err != nil {
		return nil, false, err
	}
	var fresh bool
	var hash []byte
	var answer []byte
	var storedCase uuid.UUID
	err = k.db.Pool.QueryRow(pg.WithDistrict(ctx, a.District), s.SQL, s.Args...).Scan(&fresh, &storedCase, &hash, &answer)
	if err != nil {
		if constraint(err) == "report_external" {
			return nil, false, k.externalTaken(pg.WithDistrict(ctx, a.District), a, s.receipt.source, in.ExternalRef)
		}
		return nil, false, pg.Fault(err)
	}
	if !fresh {
		if !bytes.Equal(hash, in.Hash) {
			return nil, false, mismatch()
		}
		var first Receipt
		if err := json.Unmarshal(answer, &first); err != nil {
			return nil, false, err
		}
		return &first, true, nil
	}
	k.poke()
	return s.receipt, false, nil
}

// Composed is a submission that is decided but not written: the one statement that writes all of it, and its arguments.
type Composed struct {
	SQL     string
	Args    []any
	receipt *Receipt
}

// Compose decides a submission as Submit does, up to the statement that would write it. Only Submit writes; a benchmark runs the
// statement by itself, to tell what everything around it costs.
func (k *Desk) Compose(ctx context.Context, a auth.Actor, in *Submission) (*Composed, error) {
	p, err := checkSubmission(in, a)
	if err != nil {
		return nil, err
	}
	source, err := sourceOf(a, in.Source)
	if err != nil {
		return nil, err
	}
	w := k.worlds.Get(a.District)
	if w == nil {
		return nil, fault.Unavailable(errors.New("no configuration of district " + a.District))
	}
	place, ok := w.Index.Locate(p)
	if !ok || place.DistrictCode != a.District {
		return nil, outOfArea(w, p)
	}
	if in.Key == "" {
		in.Key = uuid.Must(uuid.NewV7()).String()
	}
	if in.Hash == nil {
		in.Hash = payloadHash(in)
	}
	if in.StandardRef != "" {
		in.givenCode = in.Matter
	}
	if in.Matter, err = w.Catalog.Translate(in.StandardRef, in.Matter); err != nil {
		return nil, err
	}
	ctx = pg.WithDistrict(ctx, a.District)
	if err := k.scan(ctx, w, a, in, p, &source); err != nil {
		return nil, err
	}
	if photos := slices.Concat(in.MediaIDs, in.AfterMediaIDs); len(photos) > 0 {
		var owned int
		// A photo proves one case only; the retry of a submission may name its own again.
		err := k.db.Pool.QueryRow(ctx, `select count(distinct id), coalesce(jsonb_agg(jsonb_build_object('lon', lon, 'lat', lat)) filter (where lon is not null), '[]'), coalesce(array_agg(likeness) filter (where likeness is not null), '{}') from media where district = $1 and id = any($2) and (account_id = $3 or device = $4)
			and (case_id is null or case_id = (select case_id from report where district = $1 and submission_key = $5))`,
			a.District, photos, a.Account, a.Device, a.ID()+":"+in.Key).Scan(&owned, &in.photoPlaces, &in.photoLooks)
		if err != nil {
			return nil, pg.Fault(err)
		}
		if owned < len(slices.Compact(slices.Sorted(slices.Values(photos)))) {
			return nil, fault.Invalid("/media_ids", "照片不存在或不是您上传的，请重新上传")
		}
	}
	caseID := uuid.Must(uuid.NewV7())
	code := seal.ReceiptCode()
	track := trackToken(k.keys, a.District, code)
	dup, err := k.Nearby(ctx, a.District, Look{Matter: in.Matter, At: p, Words: in.Text, Photos: in.photoLooks}, a.Now, 5)
	if err != nil {
		return nil, err
	}
	caseNo := ""
	if in.Matter != "" {
		if caseNo, err = k.draw(ctx, k.db, a.District, a.Now.In(w.Calendar.Location())); err != nil {
			return nil, pg.Fault(err)
		}
	}
	change, receipt, err := decideSubmission(w, in, a, source, p, place, caseID, code, track, caseNo, seal.NewSalt(), dup)
	if err != nil {
		return nil, err
	}
	if err := k.reporter(change, in, a); err != nil {
		return nil, err
	}
	stamp(change)
	body, err := json.Marshal(change)
	if err != nil {
		return nil, err
	}
	receipt.source = source
	return &Composed{k.shape(change.parts(), true), []any{body, a.District, caseID, []string{code, directoryKey(track)}}, receipt}, nil
}

// Taken reports whether the actor has sent a report under this key before: its retry costs nobody's allowance.
func (k *Desk) Taken(ctx context.Context, a auth.Actor, key string) (ok bool, err error) {
	if key == "" {
		return false, nil
	}
	err = k.db.Pool.QueryRow(pg.WithDistrict(ctx, a.District), `select exists (select from report where district = $1 and submission_key = $2)`, a.District, a.ID()+":"+key).Scan(&ok)
	return ok, pg.Fault(err)
}

func mismatch() error {
	return fault.New(422, "IDEMPOTENCY_MISMATCH", "相同的 Idempotency-Key 携带了不同的内容")
}

func outOfArea(w *World, p grid.Point) error {
	e := fault.Invalid("/point", "该位置不在%s的网格内；请检查位置，或拨打 12345 反映", w.Name).Coded("OUT_OF_AREA")
	if code, name, ok := w.Index.LocateDistrict(p); ok {
		e = e.With("district", map[string]string{"code": code, "name": name})
	}
	return e.With("hotline", "12345")
}

// reporter seals who reported; the resident's own phone is copied from the account by the statement.
func (k *Desk) reporter(c *Change, in *Submission, a auth.Actor) error {
	r := Reporter{District: a.District, ID: c.Reports[0].ID, AccountID: accountOf(a), CreatedAt: a.Now}
	var err error
	if r.NameEnc, err = k.keys.Seal(a.District, "name", in.ContactName); err != nil {
		return err
	}
	if in.Phone != "" {
		if r.PhoneEnc, err = k.keys.Seal(a.District, "phone", in.Phone); err != nil {
			return err
		}
		r.PhoneBidx = k.keys.Blind(a.District, "phone", in.Phone)
	}
	if a.Kind != auth.Resident && in.Phone == "" && in.ContactName == "" {
		return nil
	}
	c.Reporters = []Reporter{r}
	c.Reports[0].ReporterID = &r.ID
	return nil
}

// stamp gives the events their stream ids: real-time UUIDv7, so that a stream can catch up by time.
func stamp(c *Change) {
	for i := range c.Events {
		c.Events[i].ID = uuid.Must(uuid.NewV7())
	}
}

func (k *Desk) shape(parts []string, submit bool) string {
	slices.Sort(parts)
	key := strings.Join(parts, ",")
	if submit {
		key = "+" + key
	}
	if s, ok := k.shapes.Load(key); ok {
		return s.(string)
	}
	s, _ := k.shapes.LoadOrStore(key, k.build(parts, submit))
	return s.(string)
}

func constraint(err error) string {
	var pe *pgconn.PgError
	if errors.As(err, &pe) && (pe.Code == "23505" || pe.Code == "23514") {
		return pe.ConstraintName
	}
	return ""
}

// Outcome is what Do answers: the case as it stands now, or the stored first answer of a repeated command.
type Outcome struct {
	Snapshot *Snapshot
	World    *World
	Now      time.Time
	Was      int // the version that a change was decided upon
	Replayed bool
	Answer   json.RawMessage // what the first command was answered, when Replayed
}

// Render turns a decided case into the answer that is stored with an idempotency key.
type Render func(*Outcome) (json.RawMessage, error)

// Do carries a command out on a case in the actor's scope: load, decide, write in one statement. When somebody
// else was first it loads again: 409 STALE if a person moved the case, a silent retry if only a reminder did.
func (k *Desk) Do(ctx context.Context, a auth.Actor, caseID uuid.UUID, cmd Command, render Render) (*Outcome, error) {
	return k.do(ctx, a, loadKey{Case: caseID}, cmd, render)
}

// DoAsReporter is Do for the reporter of a report, known by session, receipt code and phone, or link token.
func (k *Desk) DoAsReporter(ctx context.Context, a auth.Actor, caseID, reportID uuid.UUID, cmd Command, render Render) (*Outcome, error) {
	return k.do(ctx, a, loadKey{Case: caseID, Report: &reportID}, cmd, render)
}

// errRestless: reminders came faster than the command could be written.
var errRestless = errors.New("the case never stood still")

func (k *Desk) do(ctx context.Context, a auth.Actor, key loadKey, cmd Command, render Render) (*Outcome, error) {
	w := k.worlds.Get(a.District)
	if w == nil {
		return nil, fault.Unavailable(errors.New("no configuration of district " + a.District))
	}
	ctx = pg.WithDistrict(ctx, a.District)
	if cmd.Salt == nil {
		cmd.Salt = seal.NewSalt()
	}
	seen := 0
	for range 64 { // after an outage all missed reminders of a case come at once: they cost a retry each
		l, master, err := k.loadFor(ctx, a, key, &cmd)
		if err != nil {
			return nil, err
		}
		if l.Idem != nil {
			if !bytes.Equal(l.Idem.Hash, cmd.Hash) {
				return nil, mismatch()
			}
			return &Outcome{Snapshot: &l.Snapshot, World: w, Now: l.Now, Replayed: true, Answer: l.Idem.Answer}, nil
		}
		l.ReportID = key.Report
		if seen != 0 && seen != l.Case.Version {
			return nil, Stale(l.Case.Version)
		}
		seen = l.Case.Version
		if (cmd.Action == ActFile || cmd.Action == ActVerify) && cmd.CaseNo == "" {
			if cmd.CaseNo, err = k.draw(ctx, k.db, a.District, l.Now.In(w.Calendar.Location())); err != nil {
				return nil, pg.Fault(err)
			}
		}
		if master != nil {
			cmd.Master = &master.Snapshot
		}
		change, err := Decide(w, &l.Snapshot, &cmd, a, l.Now)
		if err != nil {
			return nil, k.refused(ctx, a, key.Case, err, l.Now.In(w.Calendar.Location()))
		}
		if master != nil {
			if err := change.absorb(w, master, &l.Snapshot, a, l.Now, cmd.Salt); err != nil {
				return nil, err
			}
		}
		out := &Outcome{Snapshot: change.After(), World: w, Now: l.Now, Was: l.Case.Version}
		out.Snapshot.ReportID = key.Report
		won, err := k.write(ctx, a, l, change, &cmd, out, render)
		if err != nil {
			return nil, k.refused(ctx, a, key.Case, err, l.Now.In(w.Calendar.Location()))
		}
		if won {
			if len(change.Learned) > 0 {
				if err := k.worlds.Learn(context.WithoutCancel(ctx), a.District); err != nil {
					slog.WarnContext(ctx, "what was learned is not in force yet", "reason", err.Error()) // it is stored
				}
			}
			if len(change.Rules) > 0 { // the next report must meet the new precedent
				if err := k.worlds.LoadRules(context.WithoutCancel(ctx), a.District); err != nil {
					return nil, pg.Fault(err)
				}
			}
			k.poke()
			return out, nil
		}
	}
	return nil, fault.Unavailable(errRestless) // nobody moved it, so it is not STALE
}

// write is the one statement; false: somebody moved the case between load and write.
func (k *Desk) write(ctx context.Context, a auth.Actor, l *loaded, c *Change, cmd *Command, out *Outcome, render Render) (_ bool, err error) {
	var idemKey *string
	var answer []byte
	if cmd.Key != "" {
		idemKey = &cmd.Key
		answer = []byte("{}")
		if render != nil {
			if answer, err = render(out); err != nil {
				return false, err
			}
		}
	}
	put := func(c *Change, head int64, key *string) (sql string, args []any, err error) {
		stamp(c)
		body, err := json.Marshal(c)
		return k.shape(c.parts(), false), []any{body, a.District, c.Case.ID, head, a.ID(), key, cmd.Hash, answer}, err
	}
	var won bool
	if c.master == nil {
		sql, args, fail := put(c, l.Case.HeadSeq, idemKey)
		if fail != nil {
			return false, fail
		}
		var n int
		err = k.db.Pool.QueryRow(ctx, sql, args...).Scan(&n)
		won = n == 1
	} else {
		won, err = k.putBoth(ctx, put, c, l.Case.HeadSeq, idemKey)
	}
	switch name := constraint(err); {
	case err == nil:
		return won, nil
	case name == "reveal_quota_bound": // another reveal of the same officer was first
		return false, revealLimit(c.Quota.Most)
	case name == "idempotency_pkey", name == "case_event_pkey", errors.Is(err, pgx.ErrNoRows):
		return false, nil // the same command won elsewhere: load finds its answer
	}
	return false, pg.Fault(err)
}

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

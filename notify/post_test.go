package notify_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/require"

	"yixian/internal/fault"
	"yixian/internal/pg"
	"yixian/internal/pg/pgtest"
	"yixian/internal/seal"
	"yixian/notify"
)

const (
	district = "350102"
	phone    = "13900000001"
	secret   = "q3TzZ0aJ-_8yqkB2m1xYwA"
)

// house is a database with a Post and River on it. Deliveries run only after work().
type house struct {
	*notify.Post
	t     *testing.T
	db    *pgtest.Database
	keys  *seal.Keyring
	river *river.Client[pgx.Tx]
	sms   *fakeSMS
	done  <-chan *river.Event
}

// atOnce repeats a failed job without the real back-off. River takes its own policy when the instant has passed.
type atOnce struct{}

func (atOnce) NextRetry(*rivertype.JobRow) time.Time { return time.Now().Add(20 * time.Millisecond) }

func open(t *testing.T, set func(*notify.Config)) *house {
	t.Helper()
	h := &house{t: t, db: pgtest.New(t), sms: &fakeSMS{texts: map[uuid.UUID][]notify.Outgoing{}}}
	var err error
	h.keys, err = seal.Open(filepath.Join(t.TempDir(), "keys.json"))
	require.NoError(t, err)
	workers := river.NewWorkers()
	river.AddWorker(workers, notify.NewDeliverWorker(h.db.Engine, h.keys, notify.NewProviders(h.keys, nil, notify.Channels{notify.SMS: h.sms}, time.Now), nil, nil))
	h.river, err = river.NewClient(riverpgxv5.New(h.db.Engine.Pool), &river.Config{
		Workers: workers, Queues: map[string]river.QueueConfig{notify.Queue: {MaxWorkers: 4}}, PollOnly: true,
		FetchCooldown: time.Millisecond, FetchPollInterval: 5 * time.Millisecond, RetryPolicy: atOnce{}, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	c := notify.Config{DB: h.db.Engine, River: h.river, Keys: h.keys}
	if set != nil {
		set(&c)
	}
	h.Post = notify.New(c)
	return h
}

// work starts River; finished counts jobs to their end.
func (h *house) work() {
	h.t.Helper()
	done, stop := h.river.Subscribe(river.EventKindJobCompleted, river.EventKindJobCancelled)
	h.t.Cleanup(stop)
	h.done = done
	require.NoError(h.t, h.river.Start(context.Background()))
	h.t.Cleanup(func() { _ = h.river.Stop(context.Background()) })
}

// byDay moves the domain's clock to ten in the morning, from where it runs on: at night a resident's message waits.
func (h *house) byDay() {
	h.t.Helper()
	_, err := h.db.Owner.Pool.Exec(h.t.Context(), `do $$ begin
		execute format('create or replace function yx_now() returns timestamptz language sql stable parallel safe as %L',
			format('select statement_timestamp() + interval %L', date_trunc('day', now() at time zone 'Asia/Shanghai') + interval '10 hours' - now() at time zone 'Asia/Shanghai'));
	end $$`)
	require.NoError(h.t, err)
}

func (h *house) finished(n int) {
	h.t.Helper()
	patience, cancel := context.WithTimeout(h.t.Context(), time.Minute) // a guard against hanging, no measure
	defer cancel()
	for range n {
		select {
		case <-h.done:
		case <-patience.Done():
			h.t.Fatalf("jobs did not end: %+v", h.messages())
		}
	}
}

func (h *house) tell(drafts ...notify.Draft) {
	h.t.Helper()
	require.NoError(h.t, pgx.BeginFunc(h.t.Context(), h.db.Engine.Pool, func(tx pgx.Tx) error { return h.Enqueue(h.t.Context(), tx, drafts) }))
}

func (h *house) messages() []notify.Message {
	h.t.Helper()
	var list []notify.Message
	require.NoError(h.t, h.db.Engine.Gorm.WithContext(h.t.Context()).Order("id").Find(&list).Error)
	return list
}

func (h *house) jobs() (n int) {
	h.t.Helper()
	require.NoError(h.t, h.db.Engine.Pool.QueryRow(h.t.Context(), "select count(*) from river_job").Scan(&n))
	return n
}

func (h *house) pending() int {
	h.t.Helper()
	n, err := h.Pending(h.t.Context())
	require.NoError(h.t, err)
	return n
}

func (h *house) account(username, phone string) uuid.UUID {
	h.t.Helper()
	id := uuid.New()
	sealed, err := h.keys.Seal(district, "phone", phone)
	require.NoError(h.t, err)
	kind := "STAFF"
	if username == "" {
		kind = "RESIDENT"
	}
	_, err = h.db.Engine.Pool.Exec(h.t.Context(), "insert into account (district, id, kind, username, phone_enc) values ($1, $2, $3, nullif($4, ''), $5)", district, id, kind, username, sealed)
	require.NoError(h.t, err)
	return id
}

// dbNow is the database's instant.
func (h *house) dbNow() (now time.Time) {
	h.t.Helper()
	require.NoError(h.t, h.db.Engine.Pool.QueryRow(h.t.Context(), "select yx_now()").Scan(&now))
	return now
}

// jump lets the sandbox's clock stand an hour from now.
func (h *house) jump() {
	h.t.Helper()
	at := h.dbNow().Add(time.Hour).UTC().Format(time.RFC3339Nano)
	_, err := h.db.Owner.Pool.Exec(h.t.Context(), fmt.Sprintf("create or replace function yx_now() returns timestamptz language sql stable parallel safe as $$select timestamptz '%s'$$", at))
	require.NoError(h.t, err)
}

// fakeSMS is a provider: it remembers what it accepted by idempotency key and fails as it is told.
type fakeSMS struct {
	mu    sync.Mutex
	texts map[uuid.UUID][]notify.Outgoing
	tries int
	fail  func(try int, m notify.Outgoing) error // nil: accept
}

func (*fakeSMS) ID() string { return "fake" }

func (f *fakeSMS) Send(_ context.Context, m notify.Outgoing) (notify.Receipt, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tries++
	if f.fail != nil {
		if err := f.fail(f.tries, m); err != nil {
			return notify.Receipt{}, err
		}
	}
	f.texts[m.ID] = append(f.texts[m.ID], m)
	return notify.Receipt{Ref: "ref-" + m.ID.String()}, nil
}

func called(channel, to string) notify.Draft {
	data := allData()
	delete(data, "code")
	return notify.Draft{District: district, EventID: uuid.New(), Event: "called", Template: notify.Key("called", "target", channel),
		Recipient: uuid.NewString(), Channel: channel, To: to, Data: data}
}

func otp(code string) notify.Draft {
	id := uuid.New()
	return notify.Draft{District: district, EventID: id, Event: notify.EventOTP, Template: "otp.resident.SMS", Recipient: id.String(),
		Channel: notify.SMS, To: phone, Data: map[string]string{"code": code}}
}

func TestToldOnce(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	d := called(notify.SMS, phone)
	app := d
	app.Channel, app.Template, app.To = notify.App, "called.target.APP", ""
	h.tell(d, d, app)
	h.tell(d, app)
	require.Len(t, h.messages(), 2)
	require.Equal(t, 1, h.jobs(), "the inbox row is its own delivery")
	other := d
	other.District = "350103"
	h.tell(other)
	require.Len(t, h.messages(), 3, "another district knows nothing of it")
	h.tell()
}

func TestRollbackLeavesNothing(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	lost := errors.New("lost")
	err := pgx.BeginFunc(t.Context(), h.db.Engine.Pool, func(tx pgx.Tx) error {
		require.NoError(t, h.Enqueue(t.Context(), tx, []notify.Draft{called(notify.SMS, phone)}))
		return lost
	})
	require.ErrorIs(t, err, lost)
	require.Empty(t, h.messages())
	require.Zero(t, h.jobs())
}

func TestDeliveredOnceAfterFailures(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.sms.fail = func(try int, m notify.Outgoing) error {
		switch try {
		case 1:
			return fmt.Errorf("gateway says no to %s: %s", m.To, m.Text)
		case 2:
			panic("no " + m.To)
		}
		return nil
	}
	h.tell(called(notify.SMS, phone))
	require.Equal(t, 1, h.pending())
	h.work()
	h.finished(1)
	m := h.messages()[0]
	require.Equal(t, notify.Sent, m.State)
	require.Equal(t, 3, m.Attempts)
	require.NotNil(t, m.SentAt)
	require.Equal(t, "ref-"+m.ID.String(), m.ProviderRef)
	require.Zero(t, h.pending())
	require.Len(t, h.sms.texts[m.ID], 1)
	require.Equal(t, phone, h.sms.texts[m.ID][0].To)
	h.noPlain(phone)

	// A second job for the same message, as a rescued one would be, sends nothing.
	_, err := h.river.Insert(t.Context(), notify.DeliverArgs{District: district, MessageID: m.ID}, nil)
	require.NoError(t, err)
	_, err = h.river.Insert(t.Context(), notify.DeliverArgs{District: district, MessageID: uuid.New()}, nil)
	require.NoError(t, err)
	h.finished(2)
	require.Equal(t, 3, h.sms.tries)
}

func TestPoisonIsParkedAloneAndRedriven(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	const poison, hopeless = "13900000002", "13900000003"
	h.sms.fail = func(_ int, m notify.Outgoing) error {
		switch m.To {
		case poison:
			return notify.Permanent("number " + m.To + " is blocked")
		case hopeless:
			return errors.New("busy")
		}
		return nil
	}
	voice := called(notify.SMS, phone)
	voice.Channel = notify.Voice // nobody delivers it here
	h.tell(called(notify.SMS, phone), called(notify.SMS, poison), called(notify.SMS, hopeless), voice, called(notify.SMS, phone))
	h.work()
	h.finished(5)
	states := map[string]int{}
	var parked []uuid.UUID
	for _, m := range h.messages() {
		states[m.State+" "+m.Error]++
		if m.State == notify.Failed {
			parked = append(parked, m.ID)
		}
	}
	require.Equal(t, map[string]int{"SENT ": 2, "FAILED busy": 1, "FAILED no provider for channel VOICE": 1, "FAILED number 139****0002 is blocked": 1}, states)
	require.Zero(t, h.pending())
	h.noPlain(poison)

	h.sms.mu.Lock()
	h.sms.fail = nil
	h.sms.mu.Unlock()
	n, err := h.Redrive(t.Context(), district, parked)
	require.NoError(t, err)
	require.Equal(t, 3, n)
	released, err := h.ReleaseDue(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, released)
	h.finished(3)
	for _, m := range h.messages() {
		require.Equal(t, m.Channel == notify.SMS, m.State == notify.Sent, m.Error)
	}
}

// What cannot be told does not hold up the rest, and is not lost from sight either.
func TestBadDraftsAreParkedAtOnce(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *notify.Config) { c.Links = "https://yixian.example/" })
	noTemplate, badValue, foreign := called(notify.SMS, phone), called(notify.SMS, phone), called(notify.SMS, phone)
	noTemplate.Template = "called.nobody.SMS"
	badValue.Data["due"] = "tomorrow"
	foreign.Data["link"] = "https://evil.example/c/abc"
	h.tell(noTemplate, badValue, foreign, called(notify.SMS, ""), called(notify.SMS, "059187654321"), called(notify.SMS, phone))
	var reasons []string
	for _, m := range h.messages() {
		reasons = append(reasons, m.State+" "+m.Error)
	}
	require.Equal(t, []string{"FAILED TEMPLATE", "FAILED TEMPLATE", "FAILED TEMPLATE", "FAILED NO_ADDRESS", "FAILED BAD_NUMBER", "PENDING "}, reasons)
	require.Equal(t, 1, h.jobs())
	err := pgx.BeginFunc(t.Context(), h.db.Engine.Pool, func(tx pgx.Tx) error { return h.Enqueue(t.Context(), tx, []notify.Draft{{}}) })
	require.Error(t, err, "a draft without a key is a mistake of the program")
}

// noPlain looks for canaries in every column of the message and of River's jobs.
func (h *house) noPlain(canaries ...string) {
	h.t.Helper()
	rows, err := h.db.Engine.Pool.Query(h.t.Context(), `select m::text from message m
		union all select j::text from river_job j`)
	require.NoError(h.t, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(h.t, err)
	require.NotEmpty(h.t, all)
	for _, row := range all {
		for _, c := range canaries {
			require.NotRegexp(h.t, `(^|\W)`+regexp.QuoteMeta(c)+`(\W|$)`, row) // whole: six digits may occur within a hash
			require.NotContains(h.t, row, fmt.Sprintf("%x", c), "in the hex of a bytea")
		}
	}
}

func TestNeitherNumberNorSecretLiesOpen(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.byDay()
	h.sms.fail = func(try int, m notify.Outgoing) error {
		if try <= 2 {
			return fmt.Errorf("bad request: %+v %s %s", m, m.To, m.Text)
		}
		return nil
	}
	link := called(notify.SMS, phone)
	link.Event, link.Template = "closed", "closed.reporter.SMS"
	h.tell(otp("246810"), link)
	h.noPlain(phone, "246810", secret)
	h.work()
	h.finished(2)
	h.noPlain(phone, "246810", secret)
	var said []string
	for _, m := range h.messages() {
		require.Equal(t, notify.Sent, m.State)
		require.Empty(t, m.TextEnc, "erased once sent")
		require.Contains(t, m.Text, "******")
		said = append(said, h.sms.texts[m.ID][0].Text)
	}
	require.Contains(t, strings.Join(said, "|"), "您的验证码是 246810，5 分钟内有效。")
	require.Contains(t, strings.Join(said, "|"), "https://yixian.example/c/"+secret)
	require.NotContains(t, fmt.Sprintf("%v %+v %s %#v", h.sms.texts, notify.Outgoing{To: phone}, notify.Outgoing{To: phone}, notify.Outgoing{To: phone}), phone)
}

func TestSandboxKeepsCodes(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *notify.Config) { c.KeepCodes = true })
	h.tell(otp("135790"))
	sent, err := h.Sent(t.Context(), district, phone, time.Time{})
	require.NoError(t, err)
	require.Len(t, sent, 1)
	require.Contains(t, sent[0].Text, "135790")
	h.work()
	h.finished(1)
}

func TestOutdatedCodeIsNotSent(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.tell(otp("246810"))
	_, err := h.db.Engine.Pool.Exec(t.Context(), "update river_job set created_at = created_at - interval '6 minutes'")
	require.NoError(t, err)
	h.work()
	h.finished(1)
	m := h.messages()[0]
	require.Equal(t, notify.Failed, m.State)
	require.Zero(t, h.sms.tries)
	n, err := h.Redrive(t.Context(), district, []uuid.UUID{m.ID})
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestLaterMessagesWaitForTheirTime(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	acc := h.account("cg1", "")
	later := h.dbNow().Add(time.Minute)
	sms, app, stopped := called(notify.SMS, phone), called(notify.App, ""), called(notify.SMS, phone)
	sms.DueAt, app.DueAt, stopped.DueAt = later, later, later
	app.AccountID = &acc
	h.tell(sms, app, stopped)
	require.Zero(t, h.jobs())
	require.Zero(t, h.pending())
	n, err := h.ReleaseDue(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
	page, _, unread, err := notify.Inbox(t.Context(), h.db.App, district, acc, 0, "")
	require.NoError(t, err)
	require.Empty(t, page)
	require.Zero(t, unread)

	require.NoError(t, pgx.BeginFunc(t.Context(), h.db.Engine.Pool, func(tx pgx.Tx) error {
		none, err := h.Cancel(t.Context(), tx, district, stopped.EventID, "somebody else")
		require.NoError(t, err)
		require.Zero(t, none)
		one, err := h.Cancel(t.Context(), tx, district, stopped.EventID)
		require.Equal(t, 1, one)
		return err
	}))
	h.jump()
	require.Equal(t, 2, h.pending())
	var wg sync.WaitGroup
	var total [4]int
	for i := range total { // several engines at once
		wg.Go(func() { total[i], _ = h.ReleaseDue(context.Background()) })
	}
	wg.Wait()
	rest, err := h.ReleaseDue(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, total[0]+total[1]+total[2]+total[3]+rest)
	require.Equal(t, 1, h.jobs())
	page, _, unread, err = notify.Inbox(t.Context(), h.db.App, district, acc, 0, "")
	require.NoError(t, err)
	require.Len(t, page, 1)
	require.Equal(t, 1, unread)
	h.work()
	h.finished(1)
	require.Zero(t, h.pending())
	sent, err := h.Sent(t.Context(), district, "", time.Time{})
	require.NoError(t, err)
	require.Len(t, sent, 2, "the cancelled one was never said")
}

func TestDrillAndLanguage(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	d := called(notify.SMS, phone)
	d.Drill, d.Locale = true, notify.English
	h.tell(d)
	m := h.messages()[0]
	require.True(t, strings.HasPrefix(m.Text, "【演练】[L2 call]"), m.Text)
}

func TestInbox(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	mine, other := h.account("cg1", ""), h.account("js1", "")
	start := h.dbNow().Add(-time.Hour)
	var drafts []notify.Draft
	for i := range 130 {
		d := called(notify.App, "")
		d.AccountID, d.DueAt = &mine, start.Add(time.Duration(i/2)*time.Second) // pairs share an instant
		drafts = append(drafts, d)
	}
	foreign := called(notify.App, "")
	foreign.AccountID = &other
	h.tell(append(drafts, foreign, called(notify.SMS, phone))...)

	seen := map[uuid.UUID]bool{}
	cursor, pages := "", 0
	last := time.Now().Add(time.Hour)
	for {
		page, next, unread, err := notify.Inbox(t.Context(), h.db.App, district, mine, 40, cursor)
		require.NoError(t, err)
		require.Equal(t, notify.UnreadMax, unread)
		for _, m := range page {
			require.False(t, seen[m.ID])
			require.False(t, m.DueAt.After(last))
			seen[m.ID], last = true, m.DueAt
		}
		pages++
		if next == "" {
			break
		}
		cursor = next
	}
	require.Len(t, seen, 130)
	require.Equal(t, 4, pages)

	page, _, unread, err := notify.Inbox(t.Context(), h.db.App, district, other, 0, "")
	require.NoError(t, err)
	require.Len(t, page, 1)
	require.Equal(t, 1, unread)
	require.True(t, fault.Is(notify.MarkRead(t.Context(), h.db.App, district, mine, page[0].ID), "NOT_FOUND"), "another's message")
	require.True(t, fault.Is(notify.MarkRead(t.Context(), h.db.App, "350103", other, page[0].ID), "NOT_FOUND"), "another district")
	require.NoError(t, notify.MarkRead(t.Context(), h.db.App, district, other, page[0].ID))
	first, _, unread, err := notify.Inbox(t.Context(), h.db.App, district, other, 0, "")
	require.NoError(t, err)
	require.Zero(t, unread)
	require.NotNil(t, first[0].ReadAt)
	require.NoError(t, notify.MarkRead(t.Context(), h.db.App, district, other, page[0].ID))
	again, _, _, err := notify.Inbox(t.Context(), h.db.App, district, other, 0, "")
	require.NoError(t, err)
	require.Equal(t, first[0].ReadAt, again[0].ReadAt)

	for _, bad := range []string{"x", "e30", "!!"} {
		_, _, _, err = notify.Inbox(t.Context(), h.db.App, district, mine, 0, bad)
		require.True(t, fault.Is(err, "INVALID"), bad)
	}
	_, _, _, err = notify.Inbox(t.Context(), h.db.App, district, uuid.Nil, 0, "")
	require.True(t, fault.Is(err, "UNAUTHENTICATED"))
}

func TestInboxUsesItsIndexes(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	acc := h.account("cg1", "")
	_, err := h.db.Engine.Pool.Exec(t.Context(), `insert into message (district, id, event_id, event, template, recipient, account_id, channel, text, state)
		select $1, gen_random_uuid(), gen_random_uuid(), 'called', 't', 'r', case when i % 50 = 0 then $2 else gen_random_uuid() end, 'APP', 'x', 'SENT' from generate_series(1, 5000) i`, district, acc)
	require.NoError(t, err)
	_, err = h.db.Owner.Pool.Exec(t.Context(), "analyze message")
	require.NoError(t, err)
	rows, err := h.db.App.Pool.Query(pg.WithDistrict(t.Context(), district), "explain "+notify.InboxSQL, district, acc, nil, nil, 51)
	require.NoError(t, err)
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	all := strings.Join(plan, "\n")
	require.Contains(t, all, "message_inbox")
	require.Contains(t, all, "message_unread")
	require.NotContains(t, all, "Seq Scan")
}

func TestSentFilter(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	staff, resident := h.account("cg1", "13900000009"), h.account("", phone)
	start := h.dbNow().Add(-time.Hour)
	caseID := uuid.New()
	at := func(minute int, account *uuid.UUID, channel, to string) notify.Draft {
		d := called(channel, to)
		d.AccountID, d.DueAt, d.CaseID = account, start.Add(time.Duration(minute)*time.Minute), &caseID
		return d
	}
	h.tell(at(3, &staff, notify.SMS, "13900000009"), at(1, &staff, notify.App, ""), at(2, &resident, notify.App, ""), at(4, nil, notify.SMS, phone), at(90, nil, notify.SMS, phone))
	ask := func(to string, since time.Time) (got []string) {
		sent, err := h.Sent(t.Context(), district, to, since)
		require.NoError(t, err)
		for _, s := range sent {
			require.Equal(t, "called", s.Event)
			require.Equal(t, caseID, *s.CaseID)
			require.NotEmpty(t, s.Text)
			require.Equal(t, "called.target."+s.Channel, s.Template)
			got = append(got, fmt.Sprintf("%s %s %d", s.Channel, s.To, int(s.At.Sub(start).Round(time.Minute).Minutes())))
		}
		return got
	}
	all := []string{"APP cg1 1", "APP " + phone + " 2", "SMS 13900000009 3", "SMS " + phone + " 4"}
	require.Equal(t, all, ask("", time.Time{}))
	require.Equal(t, []string{all[0], all[2]}, ask("cg1", time.Time{}))
	require.Equal(t, []string{all[0], all[2]}, ask("13900000009", time.Time{}))
	require.Equal(t, []string{all[1], all[3]}, ask(phone, time.Time{}))
	require.Equal(t, all[2:], ask("", start.Add(3*time.Minute)))
	require.Empty(t, ask("nobody", time.Time{}))
	other, err := h.Sent(t.Context(), "350103", "", time.Time{})
	require.NoError(t, err)
	require.Empty(t, other)
}

// The web role writes one-time codes: it may, within its district.
func TestWebRoleEnqueuesItsOwnDistrictOnly(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	client, err := river.NewClient(riverpgxv5.New(h.db.App.Pool), &river.Config{})
	require.NoError(t, err)
	post := notify.New(notify.Config{DB: h.db.App, River: client, Keys: h.keys})
	write := func(d notify.Draft) error {
		return pgx.BeginFunc(pg.WithDistrict(t.Context(), district), h.db.App.Pool, func(tx pgx.Tx) error { return post.Enqueue(t.Context(), tx, []notify.Draft{d}) })
	}
	require.NoError(t, write(otp("246810")))
	foreign := otp("246810")
	foreign.District = "350103"
	require.ErrorContains(t, write(foreign), "row-level security")
	h.work()
	h.finished(1)
	require.Equal(t, notify.Sent, h.messages()[0].State)
}

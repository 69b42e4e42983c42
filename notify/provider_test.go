package notify_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"yixian/internal/auth"
	"yixian/notify"
)

// twin is one of two providers: it counts by key what it took, and its mood says what it answers.
type twin struct {
	name  string
	mu    sync.Mutex
	taken map[uuid.UUID]int
	mood  func(n int) (take bool, err error)
	asked int
}

func (w *twin) ID() string { return w.name }

func (w *twin) Send(_ context.Context, m notify.Outgoing) (notify.Receipt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	take, err := true, error(nil)
	if w.mood != nil {
		take, err = w.mood(w.asked)
	}
	if take {
		w.taken[m.ID]++
	}
	return notify.Receipt{Ref: w.name}, err
}

func (w *twin) set(mood func(int) (bool, error)) { w.mu.Lock(); defer w.mu.Unlock(); w.mood = mood }

// pair is a house with two SMS providers that the district set up, the first before the second.
func pair(t *testing.T) (*house, *twin, *twin) {
	t.Helper()
	h := open(t, nil)
	twins := map[string]*twin{"one": {name: "one", taken: map[uuid.UUID]int{}}, "two": {name: "two", taken: map[uuid.UUID]int{}}}
	kinds := []notify.Kind{{ID: "twin", Channel: notify.SMS, Fields: []notify.Field{{Name: "which", Type: notify.FieldText, Required: true}},
		Open: func(s notify.Settings) (notify.Channel, error) { return twins[s["which"]], nil }}}
	providers := notify.NewProviders(h.keys, kinds, notify.Channels{}, time.Now)
	workers := river.NewWorkers()
	river.AddWorker(workers, notify.NewDeliverWorker(h.db.Engine, h.keys, providers, nil, nil))
	var err error
	h.river, err = river.NewClient(riverpgxv5.New(h.db.Engine.Pool), &river.Config{Workers: workers, Queues: map[string]river.QueueConfig{notify.Queue: {MaxWorkers: 4}}, PollOnly: true,
		FetchCooldown: time.Millisecond, FetchPollInterval: 5 * time.Millisecond, RetryPolicy: atOnce{}, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	h.Post = notify.New(notify.Config{DB: h.db.Engine, River: h.river, Keys: h.keys, Providers: providers})
	admin := auth.Actor{District: district, Account: uuid.New(), Kind: auth.Staff, Bindings: []auth.Binding{{Role: auth.RoleTenantAdmin}}}
	for i, name := range []string{"one", "two"} {
		_, err := h.Save(t.Context(), h.db.App, admin, notify.Setup{Sort: notify.SortProvider, Name: name, Kind: "twin", Position: i + 1, Active: true, Settings: notify.Settings{"which": name}})
		require.NoError(t, err)
	}
	return h, twins["one"], twins["two"]
}

// A provider that refuses is passed over at once; one that fails again and again rests and is not asked any more; one that may
// have taken the message without saying so is asked again under the same key before the other.
func TestFailOver(t *testing.T) {
	t.Parallel()
	h, one, two := pair(t)
	one.set(func(int) (bool, error) { return false, errors.New("busy") })
	var drafts []notify.Draft
	for range 20 {
		drafts = append(drafts, called(notify.SMS, phone))
	}
	h.tell(drafts...)
	h.work()
	h.finished(20)
	require.Len(t, two.taken, 20, "every message found the second at its first attempt")
	for _, m := range h.messages() {
		require.Equal(t, []any{notify.Sent, "two", 1}, []any{m.State, m.Provider, m.Attempts})
	}
	require.Less(t, one.asked, 20, "who failed thrice rests")
}

func TestUnclearAsksTheSameFirst(t *testing.T) {
	t.Parallel()
	h, one, two := pair(t)
	one.set(func(n int) (bool, error) {
		if n == 1 {
			return true, notify.Unclear("no answer in time") // taken, and said nothing
		}
		return true, nil
	})
	h.tell(called(notify.SMS, phone))
	h.work()
	h.finished(1)
	m := h.messages()[0]
	require.Equal(t, []any{notify.Sent, "one"}, []any{m.State, m.Provider})
	require.Equal(t, map[uuid.UUID]int{m.ID: 2}, one.taken, "twice with one key: the provider sends once")
	require.Empty(t, two.taken)
	var tries []string
	rows, err := h.db.Engine.Pool.Query(t.Context(), "select outcome from delivery order by at, id")
	require.NoError(t, err)
	for rows.Next() {
		var s string
		require.NoError(t, rows.Scan(&s))
		tries = append(tries, s)
	}
	require.Equal(t, []string{"UNCLEAR", "OK"}, tries)
}

// Consent that is withdrawn between plan and send is heeded; a duty is not a matter of consent.
func TestConsentWithdrawnBeforeSending(t *testing.T) {
	t.Parallel()
	h, one, _ := pair(t)
	h.byDay()
	acc := h.account("", phone)
	told := called(notify.SMS, phone)
	told.Event, told.Template, told.Recipient, told.AccountID = "closed", "closed.reporter.SMS", acc.String(), &acc
	duty := called(notify.SMS, phone)
	duty.Urgent = true
	h.tell(told, duty)
	for _, who := range []string{told.Recipient, duty.Recipient} {
		_, err := h.db.Engine.Pool.Exec(t.Context(), "insert into notice_person (district, recipient, refused) values ($1, $2, '{SMS}')", district, who)
		require.NoError(t, err)
	}
	h.work()
	h.finished(2)
	for _, m := range h.messages() {
		if m.Recipient == duty.Recipient {
			require.Equal(t, notify.Sent, m.State)
		} else {
			require.Equal(t, []string{notify.Cancelled, notify.ReasonConsent}, []string{m.State, m.Error})
		}
	}
	require.Len(t, one.taken, 1)
	h.tell(func() notify.Draft { d := told; d.EventID = uuid.New(); return d }())
	require.Len(t, h.messages(), 2, "planned afterwards, it is not even written")
}

// A step of the duty chain is called back while it waits to be repeated; what a resident waits for until morning is not.
func TestCallingBack(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	start := h.dbNow().Truncate(time.Second)
	h.stand(start)
	later, now, resident := called(notify.SMS, phone), called(notify.SMS, phone), called(notify.SMS, phone)
	now.EventID, resident.EventID = later.EventID, later.EventID
	later.DueAt = start.Add(2 * time.Minute)
	resident.Event, resident.Template, resident.DueAt = "closed", "closed.reporter.SMS", start.Add(time.Hour)
	h.tell(later, now, resident)
	h.stand(later.DueAt)
	_, err := h.ReleaseDue(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, h.jobs())
	require.NoError(t, pgx.BeginFunc(t.Context(), h.db.Engine.Pool, func(tx pgx.Tx) error {
		n, err := h.Cancel(t.Context(), tx, district, later.EventID)
		require.Equal(t, 1, n)
		return err
	}))
	h.work()
	h.finished(2)
	states := map[string]string{}
	for _, m := range h.messages() {
		states[m.Recipient] = m.State
	}
	require.Equal(t, map[string]string{later.Recipient: notify.Cancelled, now.Recipient: notify.Sent, resident.Recipient: notify.Pending}, states)
}

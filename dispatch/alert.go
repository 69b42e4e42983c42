package dispatch

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"yixian/dispatch/rule"
	"yixian/grid"
	"yixian/internal/auth"
	"yixian/internal/fault"
	"yixian/internal/pg"
)

// AlertIn is one alert as a device sends it. SaidAt is its own clock, believed only when it is not far off. Key makes a repeated
// sending the same alert; without one every sending is an alert of its own.
type AlertIn struct {
	Kind     string // "" = the kind that the device was registered with
	Level    int
	SaidAt   *time.Time
	Text     string
	Matter   string // only for sources that see many things (ECO_CLOUD, VIDEO)
	MediaIDs []string
	Key      string
	Payload  json.RawMessage // as it came, kept with the row
}

// AlertFacts is what a report of a device tells the rules. BuildingAlarms counts the devices of one building that alarmed within
// alarmWindow; it is told once per wave of alarms, so that the building is called for once.
type AlertFacts struct {
	Device         string `json:"device"`
	Kind           string `json:"kind"`
	Level          int    `json:"level"`
	BuildingAlarms int    `json:"building_alarms,omitempty"`
}

// AlertTaken is the answer: CaseID is nil for an alert below its kind's threshold. Joined says that it belongs to a burst that has its case.
type AlertTaken struct {
	ID         uuid.UUID
	CaseID     *uuid.UUID
	CaseState  State
	Joined     bool
	ClockWrong bool // the device's clock was far off: the time of receipt counts
	ReceivedAt time.Time
	OccurredAt time.Time
}

const (
	// alarmWindow is the silence after which a device's next alert is another burst, and the span in which alarms of one building
	// belong together (domain R10: 10 min).
	alarmWindow = 10 * time.Minute
	// alarmWave is how many devices of a building call for it.
	alarmWave = 3
	// clockSlack is how far a device's clock may be off and still be believed.
	clockSlack = 10 * time.Minute
	// maxAlertText bounds the words of an alert, in characters.
	maxAlertText = 500
)

// deviceSpace is the namespace of the ids under which devices act.
var deviceSpace = uuid.MustParse("6f0f6b1e-6a57-5d0c-9f0e-0a4d7a3c1f29")

// DeviceActor is a device as it acts at the door.
func DeviceActor(d *grid.Device, now time.Time) auth.Actor {
	return auth.Actor{District: d.District, Kind: auth.Device, Device: uuid.NewSHA1(deviceSpace, []byte(d.District+"/"+d.ID)), Name: d.Name, Bindings: []auth.Binding{{Role: auth.RoleDevice}}, Now: now}
}

// burst is a row of alert_burst with its case's state.
type burst struct {
	ID       uuid.UUID
	OpenedAt time.Time
	LastAt   time.Time
	Alarms   int
	CaseID   *uuid.UUID
	Active   bool // it has no case yet, or one that somebody works on
}

// Alert takes an alert of a device in: it is stored first, then its burst has its case. The same burst makes one case however many
// alerts come at once, because the burst is the submission's key. The answer comes when both are durable; a device that got none
// sends again.
func (k *Desk) Alert(ctx context.Context, d *grid.Device, in AlertIn) (*AlertTaken, error) {
	w := k.worlds.Get(d.District)
	if w == nil {
		return nil, fault.Unavailable(errors.New("no configuration of district " + d.District))
	}
	if in.Kind == "" {
		in.Kind = d.Kind
	}
	kind := rule.Device(in.Kind)
	if in.Matter != "" {
		if kind.Source == "DEVICE" {
			return nil, fault.Invalid("/matter", "该类设备的事项由设备类型决定，请去掉 matter")
		}
		kind.Matter = in.Matter
		if w.MatterName(in.Matter) == "" {
			return nil, fault.Invalid("/matter", "责任清单中没有事项 %s", in.Matter)
		}
	}
	if in.Payload == nil {
		in.Payload = json.RawMessage("{}")
	}
	ctx = pg.WithDistrict(ctx, d.District)
	out := &AlertTaken{}
	var b *burst
	err := pgx.BeginFunc(ctx, k.db.Pool, func(tx pgx.Tx) (err error) {
		b, err = takeAlert(ctx, tx, d, &in, kind, out)
		return err
	})
	if err != nil || b == nil {
		return out, pg.Fault(err)
	}
	if b.CaseID != nil {
		out.CaseID, out.Joined = b.CaseID, true
		return out, nil
	}
	sum := sha256.Sum256(b.ID[:])
	text := []rune(in.Text)
	if len(text) > maxAlertText {
		text = text[:maxAlertText]
	}
	sub := Submission{Text: fmt.Sprintf("设备告警：%s %s %s", kind.Name, d.Name, string(text)), Matter: kind.Matter, Point: PointIn{Lon: d.Lon, Lat: d.Lat, Datum: string(grid.WGS84)}, Address: d.Building,
		MediaIDs: in.MediaIDs, NoContact: true, OccurredAt: &out.OccurredAt, Source: kind.Source, Key: "burst:" + b.ID.String(), Hash: sum[:],
		alert: &AlertFacts{Device: d.ID, Kind: in.Kind, Level: in.Level, BuildingAlarms: b.Alarms}}
	receipt, replayed, err := k.Submit(ctx, DeviceActor(d, out.ReceivedAt), &sub)
	if err != nil {
		return nil, err
	}
	if _, err := k.db.Pool.Exec(ctx, "update alert_burst set case_id = $3 where district = $1 and id = $2 and case_id is null", d.District, b.ID, receipt.CaseID); err != nil {
		return nil, pg.Fault(err)
	}
	out.CaseID, out.CaseState, out.Joined = &receipt.CaseID, receipt.CaseState, replayed
	return out, nil
}

// takeAlert stores the row and finds its burst: the open one of the device and kind while it is not silent for alarmWindow and its
// case is worked on, else a new one. nil: below the threshold. Alerts of one building, or of one device that is in none, go one by one.
func takeAlert(ctx context.Context, tx pgx.Tx, d *grid.Device, in *AlertIn, kind rule.DeviceKind, out *AlertTaken) (*burst, error) {
	place := "device:" + d.ID
	if d.Building != "" {
		place = "building:" + d.Building
	}
	if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended($1, 0))", "alert:"+d.District+":"+place); err != nil {
		return nil, err
	}
	if err := tx.QueryRow(ctx, "select yx_now()").Scan(&out.ReceivedAt); err != nil {
		return nil, err
	}
	out.OccurredAt = out.ReceivedAt
	if in.SaidAt != nil {
		off := in.SaidAt.Sub(out.ReceivedAt)
		if out.ClockWrong = off > clockSlack || off < -clockSlack; !out.ClockWrong && off < 0 {
			out.OccurredAt = *in.SaidAt
		}
	}
	if in.Key != "" { // sent again: the first row stands
		var id *uuid.UUID
		err := tx.QueryRow(ctx, "select id, burst, received_at, occurred_at, skewed from alert where district = $1 and device = $2 and key = $3", d.District, d.ID, in.Key).Scan(&out.ID, &id, &out.ReceivedAt, &out.OccurredAt, &out.ClockWrong)
		if err == nil && id != nil {
			return burstOf(ctx, tx, d, "b.id = $2", *id)
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			return nil, err
		}
	}
	var b *burst
	if in.Level >= kind.LeastLevel {
		var err error
		if b, err = joinBurst(ctx, tx, d, in, out.ReceivedAt); err != nil {
			return nil, err
		}
	}
	var id *uuid.UUID
	if b != nil {
		id = &b.ID
	}
	var key *string
	if in.Key != "" {
		key = &in.Key
	}
	err := tx.QueryRow(ctx, `insert into alert (district, device, building, kind, level, burst, said_at, skewed, occurred_at, received_at, key, payload) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12) returning id`,
		d.District, d.ID, d.Building, in.Kind, in.Level, id, in.SaidAt, out.ClockWrong, out.OccurredAt, out.ReceivedAt, key, in.Payload).Scan(&out.ID)
	return b, err
}

func burstOf(ctx context.Context, tx pgx.Tx, d *grid.Device, where string, args ...any) (*burst, error) {
	var b burst
	err := tx.QueryRow(ctx, `select b.id, b.opened_at, b.last_at, b.building_alarms, b.case_id, c.id is null or c.state = any($3) from alert_burst b left join cases c on c.district = b.district and c.id = b.case_id where b.district = $1 and `+where,
		append([]any{d.District, args[0], Active}, args[1:]...)...).Scan(&b.ID, &b.OpenedAt, &b.LastAt, &b.Alarms, &b.CaseID, &b.Active)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // none is open
	}
	return &b, err
}

func joinBurst(ctx context.Context, tx pgx.Tx, d *grid.Device, in *AlertIn, now time.Time) (*burst, error) {
	b, err := burstOf(ctx, tx, d, "b.device = $2 and b.kind = $4 and not b.over", d.ID, in.Kind)
	if err != nil {
		return nil, err
	}
	if b != nil && b.Active && now.Sub(b.LastAt) <= alarmWindow {
		_, err := tx.Exec(ctx, "update alert_burst set last_at = $3, n = n + 1, level = greatest(level, $4) where district = $1 and id = $2", d.District, b.ID, now, in.Level)
		return b, err
	}
	if b != nil {
		if _, err := tx.Exec(ctx, "update alert_burst set over = true where district = $1 and id = $2", d.District, b.ID); err != nil {
			return nil, err
		}
	}
	b = &burst{ID: uuid.Must(uuid.NewV7()), OpenedAt: now, LastAt: now, Active: true}
	if b.Alarms, err = wave(ctx, tx, d, in.Kind, now); err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, "insert into alert_burst (district, id, device, building, kind, level, opened_at, last_at, building_alarms) values ($1,$2,$3,$4,$5,$6,$7,$7,$8)", d.District, b.ID, d.ID, d.Building, in.Kind, in.Level, now, b.Alarms)
	return b, err
}

// wave counts the devices of the building that alarmed within alarmWindow, this one included. It is 0 below alarmWave, and when the
// wave has been told already: by a burst whose case is still worked on, or within the window.
func wave(ctx context.Context, tx pgx.Tx, d *grid.Device, kind string, now time.Time) (n int, err error) {
	if d.Building == "" {
		return 0, nil
	}
	var told bool
	err = tx.QueryRow(ctx, `select count(distinct a.device) filter (where a.device <> $4) + 1,
		exists (select 1 from alert_burst b left join cases c on c.district = b.district and c.id = b.case_id where b.district = $1 and b.building = $2 and b.kind = $3 and b.building_alarms > 0
			and (b.opened_at >= $5::timestamptz - $6::interval or c.state = any($7)))
		from alert a where a.district = $1 and a.building = $2 and a.kind = $3 and a.received_at >= $5::timestamptz - $6::interval`, d.District, d.Building, kind, d.ID, now, alarmWindow, Active).Scan(&n, &told)
	if told || n < alarmWave {
		n = 0
	}
	return n, err
}

// StoredAlert is one alert of a case.
type StoredAlert struct {
	ID         uuid.UUID       `json:"id"`
	Device     string          `json:"device"`
	Kind       string          `json:"kind"`
	Level      int             `json:"level"`
	SaidAt     *time.Time      `json:"said_at"`
	Skewed     bool            `json:"skewed"`
	ReceivedAt time.Time       `json:"received_at"`
	Payload    json.RawMessage `json:"payload"`
}

// Alerts lists the alerts of a case in scope, newest first.
func (k *Desk) Alerts(ctx context.Context, a auth.Actor, caseID uuid.UUID, limit int, cursor string) (list []StoredAlert, next string, err error) {
	at, id := "infinity", uuid.Max
	if cursor != "" {
		if at, id, err = readCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	if _, err := k.View(ctx, a, caseID); err != nil {
		return nil, "", err
	}
	rows, err := k.db.Pool.Query(pg.WithDistrict(ctx, a.District), `select x.id, x.device, x.kind, x.level, x.said_at, x.skewed, x.received_at, x.payload, x.received_at::text from alert_burst b join alert x on x.district = b.district and x.burst = b.id
		where b.district = $1 and b.case_id = $2 and (x.received_at, x.id) < ($3::timestamptz, $4::uuid) order by x.received_at desc, x.id desc limit $5`, a.District, caseID, at, id, limit+1)
	if err != nil {
		return nil, "", pg.Fault(err)
	}
	defer rows.Close()
	list = []StoredAlert{}
	last := ""
	for rows.Next() {
		var s StoredAlert
		var mark string
		if err := rows.Scan(&s.ID, &s.Device, &s.Kind, &s.Level, &s.SaidAt, &s.Skewed, &s.ReceivedAt, &s.Payload, &mark); err != nil {
			return nil, "", pg.Fault(err)
		}
		if len(list) == limit {
			return list, writeCursor(last, list[limit-1].ID), nil
		}
		list, last = append(list, s), mark
	}
	return list, "", pg.Fault(rows.Err())
}

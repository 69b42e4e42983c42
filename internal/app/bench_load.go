package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"yixian/grid"
	"yixian/internal/media"
	"yixian/internal/seal"
)

// drive lets n workers repeat one operation until the time is over and counts what they did; the first error stops
// all of them.
func drive(ctx context.Context, n int, d time.Duration, op func(context.Context, *rand.Rand) error) (int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var done atomic.Int64
	var all sync.WaitGroup
	end := time.Now().Add(d)
	for range n {
		all.Go(func() {
			random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
			for time.Now().Before(end) && ctx.Err() == nil {
				if err := op(ctx, random); err != nil {
					cancel(err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	return int(done.Load()), context.Cause(ctx)
}

// submitter posts reports as many different residents: the limiter of ten a day stays in the path, and so does the
// look-up of a session that is not the last one used.
type submitter struct {
	client *http.Client
	url    string
	cases  []benchCase // where and what: submissions that a rule routes
	tokens []string
	photo  []byte // as the phone sends it
	next   atomic.Int64
}

type benchCase struct {
	matter string
	point  grid.Point
}

// words are typical of what people write: the length matters for parsing, sealing and storing.
const words = "路口东北角的井盖松动，车辆经过时响声很大，晚上行人容易绊倒，请尽快派人来看一下。"

const benchAddress = "东街口天桥东北侧"

// turn gives the resident whose turn it is.
func (s *submitter) turn() (token string, err error) {
	turn := int(s.next.Add(1)) - 1
	if turn >= len(s.tokens)*perResident {
		return "", fmt.Errorf("the %d residents of the benchmark have used up their reports of the day", len(s.tokens))
	}
	return s.tokens[turn%len(s.tokens)], nil
}

func (s *submitter) post(ctx context.Context, random *rand.Rand) error {
	token, err := s.turn()
	if err != nil {
		return err
	}
	return s.submit(ctx, random, token, nil)
}

// postWithPhoto uploads a photo and reports with it, as the phone does.
func (s *submitter) postWithPhoto(ctx context.Context, random *rand.Rand) error {
	token, err := s.turn()
	if err != nil {
		return err
	}
	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	part, err := parts.CreateFormFile("file", "photo.jpg")
	if err != nil {
		return err
	}
	if _, err := part.Write(s.photo); err != nil {
		return err
	}
	if err := parts.Close(); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/api/v1/media", &form)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", parts.FormDataContentType())
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	var made struct {
		ID string `json:"id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil || resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("POST /media: %d %w", resp.StatusCode, err)
	}
	return s.submit(ctx, random, token, []string{made.ID})
}

// phonePhoto is a picture that the phone has already brought down to 1,600 px.
func phonePhoto() ([]byte, error) {
	raw, err := scenery()
	if err != nil {
		return nil, err
	}
	photo, err := media.NewProcessor(media.Limits{}).Process(context.Background(), bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	return photo.Full, nil
}

func (s *submitter) submit(ctx context.Context, random *rand.Rand, token string, photos []string) error {
	at := s.cases[random.IntN(len(s.cases))]
	body, err := json.Marshal(map[string]any{"text": words, "media_ids": append([]string{}, photos...), "matter": at.matter, "address": benchAddress,
		"point": map[string]any{"lon": at.point.Lon, "lat": at.point.Lat, "datum": "WGS84", "accuracy_m": 12.5}})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/api/v1/reports", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", random.IntN(256), random.IntN(256), random.IntN(256))) // residents are not one address
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Idempotency-Key", uuid.Must(uuid.NewV7()).String())
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	routed := strings.Contains(string(answer), `"DISPATCHED"`) || strings.Contains(string(answer), `"CALLING"`) // some matters call by themselves
	if resp.StatusCode != http.StatusCreated || !routed {
		return fmt.Errorf("POST /reports for matter %s: %d %s", at.matter, resp.StatusCode, answer)
	}
	return nil
}

// bareSchema is the denominator: what any program would have to store for a report, its case and its first event, on
// tables with a primary key and nothing else.
const bareSchema = `
create schema bare;
create table bare.report (district text, id uuid, case_id uuid not null, text text not null, matter text not null, lon double precision not null, lat double precision not null,
  account_id uuid, submission_key text not null, received_at timestamptz not null, primary key (district, id));
create table bare.cases (district text, id uuid, case_no text not null, state text not null, version int not null, matter text not null, grid_code text not null, address text not null,
  lon double precision not null, lat double precision not null, created_at timestamptz not null, due_at timestamptz, primary key (district, id));
create table bare.event (district text, case_id uuid, seq bigint, id uuid not null, at timestamptz not null, actor text not null, action text not null, fact text not null,
  prev_hash bytea not null, hash bytea not null, primary key (district, case_id, seq));`

const bareSQL = `
with c as (insert into bare.cases values ($1, $2, $3, 'DISPATCHED', 1, $4, $5, $6, $7, $8, now(), now() + interval '1 day')),
r as (insert into bare.report values ($1, $9, $2, $10, $4, $7, $8, $11, $12, now()))
insert into bare.event values ($1, $2, 1, $13, now(), $14, 'submit', $15, $16, $17)`

// bare writes the three rows through the same socket with a prepared statement.
func bare(pool *pgxpool.Pool) func(context.Context, *rand.Rand) error {
	return func(ctx context.Context, random *rand.Rand) error {
		id, report, account := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
		start := seal.ChainStart(grid.DemoDistrict, id.String())
		lon, lat := 119.29+random.Float64()/50, 26.07+random.Float64()/50
		fact := fmt.Sprintf(`{"v":1,"district":"%s","case":"%s","seq":1,"at":"2026-06-08T01:00:00.000000Z","actor":"%s","role":"RESIDENT","unit":"","action":"submit","from":"","to":"SUBMITTED","version":1,"data":{"grid":"350102004001001","lat":%f,"lon":%f,"matter":"06010","photos":0,"report":"%s","source":"RESIDENT"}}`,
			grid.DemoDistrict, id, account, lat, lon, report)
		_, err := pool.Exec(ctx, bareSQL, grid.DemoDistrict, id, "350102-20260608-000123", "06010", "350102004001001", "东街口天桥东北侧", lon, lat,
			report, words, account, account.String()+":"+report.String(), uuid.Must(uuid.NewV7()), account.String(), fact, start[:], seal.ChainNext(start[:], fact))
		return err
	}
}

package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"yixian/internal/fault"
)

// S3 is a Store in a bucket of any service that speaks S3: <prefix>/<2 hex>/<key>. A put object is durable and visible as a
// whole when the service says so; there is nothing unfinished to tidy, because photos are sent in one piece.
type S3 struct {
	client *minio.Client
	bucket string
	prefix string
	limit  int64
}

// NewS3 opens the store at s3://KEY:SECRET@host:port/bucket/prefix?region=…&tls=false. It does not ask the service anything:
// a store that is away refuses photos, not the start of the program.
func NewS3(address string) (*S3, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "s3" || u.Host == "" || u.User == nil {
		return nil, errors.New("photo store: the address must look like s3://KEY:SECRET@host/bucket/prefix?region=cn-north-1") // err would show the secret
	}
	bucket, prefix, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	secret, _ := u.User.Password()
	if bucket == "" || secret == "" {
		return nil, errors.New("photo store: the address names no bucket or no secret")
	}
	region := u.Query().Get("region")
	if region == "" {
		region = "us-east-1"
	}
	client, err := minio.New(u.Host, &minio.Options{Creds: credentials.NewStaticV4(u.User.Username(), secret, ""), Secure: u.Query().Get("tls") != "false", Region: region, BucketLookup: minio.BucketLookupPath, MaxRetries: 3})
	if err != nil {
		return nil, fmt.Errorf("photo store: %w", err)
	}
	return &S3{client: client, bucket: bucket, prefix: prefix, limit: 64 << 20}, nil
}

func (s *S3) name(key string) string {
	id, _, _ := strings.Cut(key, ".")
	return path.Join(s.prefix, id[len(id)-2:], key)
}

// Put sends the blob in one request with its MD5: what arrives otherwise is refused by the service.
func (s *S3) Put(ctx context.Context, key string, r io.Reader) error {
	if err := checkKey(key); err != nil {
		return err
	}
	var body bytes.Buffer
	if n, err := body.ReadFrom(io.LimitReader(&stoppable{ctx, r}, s.limit+1)); err != nil {
		return fmt.Errorf("store photo: %w", err)
	} else if n > s.limit {
		return fmt.Errorf("store photo: more than %d bytes", s.limit)
	}
	_, err := s.client.PutObject(ctx, s.bucket, s.name(key), &body, int64(body.Len()), minio.PutObjectOptions{ContentType: "application/octet-stream", SendContentMd5: true, DisableMultipart: true})
	if err != nil {
		return away(fmt.Errorf("store photo: %w", err))
	}
	return nil
}

// Open reads a blob; ranges are fetched as they are asked for.
func (s *S3) Open(ctx context.Context, key string) (io.ReadSeekCloser, Info, error) {
	if err := checkKey(key); err != nil {
		return nil, Info{}, fault.NotFound().Because(errors.Join(err, fs.ErrNotExist))
	}
	o, err := s.client.GetObject(ctx, s.bucket, s.name(key), minio.GetObjectOptions{})
	if err != nil {
		return nil, Info{}, away(fmt.Errorf("open photo: %w", err))
	}
	info, err := o.Stat()
	if err != nil {
		_ = o.Close()
		if minio.ToErrorResponse(err).StatusCode == http.StatusNotFound {
			return nil, Info{}, fault.NotFound().Because(errors.Join(err, fs.ErrNotExist))
		}
		return nil, Info{}, away(fmt.Errorf("open photo: %w", err))
	}
	return o, Info{Size: info.Size, ModTime: info.LastModified}, nil
}

// Delete removes a blob; the service says nothing about an absent one.
func (s *S3) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if err := s.client.RemoveObject(ctx, s.bucket, s.name(key), minio.RemoveObjectOptions{}); err != nil {
		return fmt.Errorf("delete photo: %w", err)
	}
	return nil
}

// Walk visits the blobs last written before an instant.
func (s *S3) Walk(ctx context.Context, before time.Time, fn func(key string) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop() // ends the listing when fn fails
	from := s.prefix
	if from != "" {
		from += "/"
	}
	for o := range s.client.ListObjects(ctx, s.bucket, minio.ListObjectsOptions{Prefix: from, Recursive: true}) {
		if o.Err != nil {
			return fmt.Errorf("list photos: %w", o.Err)
		}
		key := path.Base(o.Key)
		if checkKey(key) != nil || s.name(key) != o.Key || !o.LastModified.Before(before) {
			continue
		}
		if err := fn(key); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Tidy has nothing to do: see S3.
func (s *S3) Tidy(context.Context, time.Time) (int, error) { return 0, nil }

// away makes the phone keep the photo and try again: the report itself does not need the store.
func away(err error) error {
	return fault.New(http.StatusServiceUnavailable, "STORE_AWAY", "照片暂时无法保存或读取，上报内容不受影响，请稍后重试").After(30 * time.Second).Because(err)
}

// OpenStore opens the store that the address names: s3://… or a folder.
func OpenStore(address string) (Store, func(), error) {
	if strings.HasPrefix(address, "s3://") {
		s, err := NewS3(address)
		return s, func() {}, err
	}
	f, err := NewFiles(address)
	if err != nil {
		return nil, nil, err
	}
	return f, func() { _ = f.Close() }, nil
}

package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Bucket keeps files in a bucket of S3, or of a compatible service.
type Bucket struct {
	client *s3.Client
	upload *transfermanager.Client
	name   string
	// prefix is the beginning of the keys.
	prefix string
}

// NewBucket uses the bucket of that name. Keys begin with the prefix.
func NewBucket(client *s3.Client, name, prefix string) *Bucket {
	upload := transfermanager.New(client, func(o *transfermanager.Options) {
		o.RequestChecksumCalculation = client.Options().RequestChecksumCalculation
	})
	return &Bucket{client: client, upload: upload, name: name, prefix: prefix}
}

func (b *Bucket) String() string { return "s3://" + b.name + "/" + b.prefix }

func (b *Bucket) key(name string) *string { return aws.String(b.prefix + name) }

// Put uploads the file in parts as it is read. The bucket shows it once all have arrived. A failed
// upload is aborted; a rule of the bucket should delete the remains of uploads by killed
// processes.
func (b *Bucket) Put(ctx context.Context, name string, content io.Reader) error {
	_, err := b.upload.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: &b.name, Key: b.key(name), Body: content})
	if err != nil {
		return fmt.Errorf("sending %s to %s: %w", name, b, err)
	}
	return nil
}

// Get opens a file and reads it as needed.
func (b *Bucket) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	object, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: b.key(name)})
	if _, missing := errors.AsType[*types.NoSuchKey](err); missing {
		return nil, fmt.Errorf("%s in %s: %w", name, b, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s from %s: %w", name, b, err)
	}
	return object.Body, nil
}

// List lists the files directly under the prefix, with their sizes in bytes.
func (b *Bucket) List(ctx context.Context) (map[string]int64, error) {
	files := map[string]int64{}
	pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &b.prefix, Delimiter: aws.String("/")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", b, err)
		}
		for _, object := range page.Contents {
			files[strings.TrimPrefix(aws.ToString(object.Key), b.prefix)] = aws.ToInt64(object.Size)
		}
	}
	return files, nil
}

// Delete deletes a file; one that is gone already is no error.
func (b *Bucket) Delete(ctx context.Context, name string) error {
	if _, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: b.key(name)}); err != nil {
		return fmt.Errorf("deleting %s from %s: %w", name, b, err)
	}
	return nil
}

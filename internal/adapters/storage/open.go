// Package storage keeps backups: in a folder, or in a bucket of S3.
package storage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/internal/platform/config/secretfile"
)

// ErrNoPlace says that it is not known where to keep backups.
var ErrNoPlace = errors.New("no backup storage is configured: set BACKUP_DIR or BACKUP_S3_BUCKET")

// Open prepares a repository in the folder or the bucket that is set. It does not look whether the place is there.
func Open(ctx context.Context, s config.Config, now func() time.Time) (*backup.Repository, error) {
	v := &backup.Repository{Now: now}
	var err error
	if v.Storage, err = place(ctx, s); err != nil {
		return nil, err
	}
	if s.BackupAgeRecipient != "" {
		if v.Recipient, err = age.ParseX25519Recipient(s.BackupAgeRecipient); err != nil {
			return nil, fmt.Errorf("BACKUP_AGE_RECIPIENT: %w", err)
		}
	}
	if s.BackupAgeIdentityFile != "" {
		if v.Identities, err = identities(s.BackupAgeIdentityFile); err != nil {
			return nil, fmt.Errorf("BACKUP_AGE_IDENTITY_FILE: %w", err)
		}
	}
	return v, nil
}

func identities(path string) ([]age.Identity, error) {
	content, err := secretfile.Text(path)
	if err != nil {
		return nil, err
	}
	if !holdsKeys(content) {
		return nil, nil
	}
	keys, err := age.ParseIdentities(strings.NewReader(content))
	if err != nil {
		return nil, errors.New("holds no key of age") // its own error may repeat a line
	}
	return keys, nil
}

// holdsKeys reports whether a file has more than comments: before a key is put in, it has none.
func holdsKeys(content string) bool {
	for line := range strings.Lines(content) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return true
		}
	}
	return false
}

func place(ctx context.Context, s config.Config) (backup.Storage, error) {
	switch {
	case s.BackupDir != "" && s.BackupS3Bucket != "":
		return nil, errors.New("BACKUP_DIR and BACKUP_S3_BUCKET are both set: set one of them")
	case s.BackupDir != "":
		return Folder(s.BackupDir), nil
	case s.BackupS3Bucket == "":
		return nil, ErrNoPlace
	}
	settings, err := config.AWS(ctx)
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(settings, func(o *s3.Options) {
		if o.BaseEndpoint != nil { // AWS_ENDPOINT_URL_S3: not Amazon, who alone has a host for each bucket
			o.UsePathStyle = true
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired // not all others know them
		}
	})
	return NewBucket(client, s.BackupS3Bucket, s.BackupS3Prefix), nil
}

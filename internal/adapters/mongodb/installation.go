package mongodb

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/internal/adapters/backup"
)

// installationKey is where the installation's id is kept in idempotency_keys. It has blanks, which no vendor's id has.
const installationKey = "id of this installation"

// Origin names the database in its backups. The first call gives it the installation's id, once for all who call.
func (s *Store) Origin(ctx context.Context) (backup.Origin, error) {
	id, _, err := first(ctx, s, installationKey, rand.Text())
	return backup.Origin{Installation: id, Database: s.Database()}, err
}

// KnownOrigin is Origin where the database has an installation's id, and false where it has none.
func (s *Store) KnownOrigin(ctx context.Context) (backup.Origin, bool, error) {
	var doc firstDocument[string]
	err := s.idempotencyKeys.FindOne(ctx, byID(installationKey)).Decode(&doc)
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		return backup.Origin{}, false, failed("reading the installation's id", err)
	}
	return backup.Origin{Installation: doc.Value, Database: s.Database()}, err == nil, nil
}

// isInstallation tells whether a record is the installation's id.
func isInstallation(record backup.Record) bool {
	return record.Collection == idempotencyKeysCollection && text(bson.Raw(record.Document).Lookup("_id")) == installationKey
}

// Clock tells the time by the database server's clock.
func (s *Store) Clock(ctx context.Context) (time.Time, error) {
	var answer struct {
		LocalTime time.Time `json:"localTime"`
	}
	err := s.users.Database().RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&answer)
	if err != nil {
		return time.Time{}, failed("asking MongoDB for the time", err)
	}
	return answer.LocalTime, nil
}

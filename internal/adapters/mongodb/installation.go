package mongodb

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/recovery"
)

// KeepInstallation gives the installation an id unless it has one, and answers with the one that it has: the same to all
// who call.
func (s *Store) KeepInstallation(ctx context.Context, id string) (kept string, err error) {
	kept, _, err = first(ctx, s, recovery.InstallationKey, id)
	return kept, err
}

// Installation is the installation's id, empty where it has none.
func (s *Store) Installation(ctx context.Context) (string, error) {
	id, err := lookUp[string](ctx, s, recovery.InstallationKey)
	if id == nil {
		return "", err
	}
	return *id, err
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

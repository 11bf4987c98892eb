package mongodb

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/recovery"
)

const (
	sessionsCollection = recovery.Sessions
	// mostSessions bounds how many sessions are listed at once.
	mostSessions = 1000
)

// sessionDocument is a session as stored, under its key, as a token is.
type sessionDocument struct {
	Key            string `bson:"_id"`
	access.Session `bson:",inline"`
}

// Session is the session of a key, and whether there is one.
func (s *Store) Session(ctx context.Context, key access.Key) (access.Session, bool, error) {
	doc, found, err := find[sessionDocument](ctx, "reading session "+key.ID(), s.sessions, byID(string(key)))
	return doc.Session, found, err
}

// AddSession stores a new session under its key. It is forgotten once it ends, where the server can forget.
func (s *Store) AddSession(ctx context.Context, key access.Key, added access.Session) error {
	if _, err := s.sessions.InsertOne(ctx, sessionDocument{Key: string(key), Session: added}); err != nil {
		return failed("storing session "+added.ID, err)
	}
	return nil
}

// Sessions are all sessions, those that are over too, in the order of their ids.
func (s *Store) Sessions(ctx context.Context) ([]access.Session, error) {
	docs, err := list[sessionDocument](ctx, "listing the sessions", s.sessions, bson.D{}, options.Find().SetSort(ascending("_id")).SetLimit(mostSessions))
	return contents(docs, func(d sessionDocument) access.Session { return d.Session }), err
}

// ClaimRenewal lets one of several requests renew a session that all saw due at the same moment: it is due again at another one.
func (s *Store) ClaimRenewal(ctx context.Context, key access.Key, seen, next time.Time) (mine bool, err error) {
	due := append(byID(string(key)), bson.E{Key: "renewAt", Value: stored(seen)})
	result, err := s.sessions.UpdateOne(ctx, due, bson.D{{Key: "$set", Value: bson.D{{Key: "renewAt", Value: stored(next)}}}})
	if err != nil {
		return false, failed("renewing session "+key.ID(), err)
	}
	return result.ModifiedCount > 0, nil
}

// RenewSession stores a session that goes on, unless it was ended or removed meanwhile, and tells whether it goes on.
func (s *Store) RenewSession(ctx context.Context, key access.Key, r access.Session) (goesOn bool, err error) {
	renewed := bson.D{{Key: "$set", Value: bson.D{
		{Key: "role", Value: r.Role}, {Key: "sealed", Value: r.Sealed}, {Key: "renewedAt", Value: stored(r.RenewedAt)},
		{Key: "renewAt", Value: stored(r.RenewAt)}, {Key: "expiresAt", Value: stored(r.ExpiresAt)},
	}}}
	result, err := s.sessions.UpdateOne(ctx, append(byID(string(key)), unended()), renewed)
	if err != nil {
		return false, failed("renewing session "+key.ID(), err)
	}
	return result.MatchedCount > 0, nil
}

// unended is the filter of the sessions that no admin has ended.
func unended() bson.E {
	return bson.E{Key: "endedAt", Value: bson.D{{Key: "$exists", Value: false}}}
}

// EndSession has a session open nothing from now on, and answers with it. The first end counts. There is no such session: a
// *trial.Error with trial.CodeNotFound.
func (s *Store) EndSession(ctx context.Context, id, by string, at time.Time) (access.Session, error) {
	doc, found, err := find[sessionDocument](ctx, "reading session "+id, s.sessions, byBeginning(id))
	if err == nil && !found {
		err = access.NoSession(id)
	}
	if err != nil {
		return access.Session{}, err
	}
	ended := bson.D{{Key: "$set", Value: bson.D{{Key: "endedAt", Value: stored(at)}, {Key: "endedBy", Value: by}}}}
	if err := update(ctx, "ending session "+id, s.sessions, append(byID(doc.Key), unended()), ended); err != nil {
		return access.Session{}, err
	}
	doc, found, err = find[sessionDocument](ctx, "reading session "+id, s.sessions, byID(doc.Key))
	if err == nil && !found { // removed meanwhile
		err = access.NoSession(id)
	}
	return doc.Session, err
}

// DropSession removes a session whose person has signed out; there need not be one.
func (s *Store) DropSession(ctx context.Context, key access.Key) error {
	if _, err := s.sessions.DeleteOne(ctx, byID(string(key))); err != nil {
		return failed("removing session "+key.ID(), err)
	}
	return nil
}

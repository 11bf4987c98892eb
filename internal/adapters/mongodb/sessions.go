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
	// mostSessions bounds how many sessions of one person are read at once.
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

func (d sessionDocument) session() access.Session { return d.Session }

// Sessions are up to limit sessions that are good at a moment, those that began latest first. after is a page's next: where to go
// on, empty for the beginning, and at the end. A wrong after is a *trial.Error with CodeInvalid.
func (s *Store) Sessions(ctx context.Context, now time.Time, after string, limit int) (page []access.Session, next string, err error) {
	from, err := readPlace(after)
	if err != nil {
		return nil, "", err
	}
	// Those that began before then are over, however often they were renewed.
	alive := bson.E{Key: "since", Value: bson.D{{Key: "$gt", Value: stored(now.Add(-access.SessionLimit))}}}
	filter := append(bson.D{alive}, good(now)...)
	if from != (place{}) {
		filter = append(filter, bson.E{Key: "$or", Value: bson.A{
			bson.D{{Key: "since", Value: bson.D{{Key: "$lt", Value: from.at}}}},
			bson.D{{Key: "since", Value: from.at}, {Key: "_id", Value: bson.D{{Key: "$lt", Value: from.vendorID}}}}, // an id is what a key begins with
		}})
	}
	docs, err := list[sessionDocument](ctx, "listing the sessions", s.sessions, filter,
		options.Find().SetSort(bson.D{{Key: "since", Value: -1}, {Key: "_id", Value: -1}}).SetLimit(int64(limit)+1))
	page = contents(docs, sessionDocument.session)
	if len(page) > limit {
		page = page[:limit]
		next = place{page[limit-1].Since, page[limit-1].ID}.text()
	}
	return page, next, err
}

// good is the filter of the sessions that open something at a moment.
func good(now time.Time) bson.D {
	return bson.D{{Key: "expiresAt", Value: bson.D{{Key: "$gt", Value: stored(now)}}}, unended()}
}

// SessionsOf are the sessions of a person, by the subject, that are good at a moment, in the order of their ids.
func (s *Store) SessionsOf(ctx context.Context, subject string, now time.Time) ([]access.Session, error) {
	docs, err := list[sessionDocument](ctx, "listing a person's sessions", s.sessions, append(bson.D{{Key: "subject", Value: subject}}, good(now)...),
		options.Find().SetSort(ascending("_id")).SetLimit(mostSessions))
	return contents(docs, sessionDocument.session), err
}

// SessionByID is a session, good or over. There is no such session: a *trial.Error with trial.CodeNotFound.
func (s *Store) SessionByID(ctx context.Context, id string) (access.Session, error) {
	doc, err := s.sessionByID(ctx, id)
	return doc.Session, err
}

func (s *Store) sessionByID(ctx context.Context, id string) (sessionDocument, error) {
	doc, found, err := find[sessionDocument](ctx, "reading session "+id, s.sessions, byBeginning(id))
	if err == nil && !found {
		err = access.NoSession(id)
	}
	return doc, err
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
	doc, err := s.sessionByID(ctx, id)
	if err != nil {
		return access.Session{}, err
	}
	ended := bson.D{{Key: "$set", Value: bson.D{{Key: "endedAt", Value: stored(at)}, {Key: "endedBy", Value: by}}}}
	if err := update(ctx, "ending session "+id, s.sessions, append(byID(doc.Key), unended()), ended); err != nil {
		return access.Session{}, err
	}
	return s.SessionByID(ctx, id)
}

// DropSession removes a session whose person has signed out; there need not be one.
func (s *Store) DropSession(ctx context.Context, key access.Key) error {
	if _, err := s.sessions.DeleteOne(ctx, byID(string(key))); err != nil {
		return failed("removing session "+key.ID(), err)
	}
	return nil
}

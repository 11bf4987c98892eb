package mongodb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/lanes"
	"marketplace.example/trials/internal/domain/recovery"
)

// The collections.
const (
	usersCollection           = recovery.Users // the marketplace's
	trialsCollection          = recovery.Trials
	eventsCollection          = recovery.Events
	idempotencyKeysCollection = recovery.IdempotencyKeys
	messagesCollection        = "webhook_messages"
	observedCollection        = "observations"
	countersCollection        = "counters"
	decisionsCollection       = recovery.Decisions
	auditCollection           = "audit"
	bulkItemsCollection       = "bulk_items"
	suppressionsCollection    = recovery.Suppressions
	feedbackCollection        = "feedback"
	experimentsCollection     = "experiments"
)

const (
	// selectionLimit is how long a caller waits to learn that no server is there.
	selectionLimit = 2 * time.Second
	// operationLimit bounds one operation whose caller set no deadline.
	operationLimit = 5 * time.Second
	// scanLimit bounds a query that may read a whole collection.
	scanLimit = time.Minute
)

// Store keeps everything in one database. It is safe for concurrent use.
type Store struct {
	client *mongo.Client
	log    *zap.Logger

	users, trials, events, sends, flags, idempotencyKeys, messages      *mongo.Collection
	observed, rollouts, decisions, snapshots, ledgers, notices, reports *mongo.Collection
	counters, sweeps, processes, alerts, alertEvents, repairs, passes   *mongo.Collection
	tokens, auditLog, bulks, bulkItems, suppressions, canaryLog         *mongo.Collection
	answers, experiments, mailVersions, sessions                        *mongo.Collection

	// canaries keeps the synthetic vendors; nil in that store itself.
	canaries *Store

	appender     *audit.Appender
	flagTurns    *lanes.Lanes  // changes of the flags take turns
	observations *observations // nil: none are kept
	tallies      *tallies      // nil: none are kept
}

// Option changes how a Store works.
type Option func(*Store)

// WithLogger sets where a Store tells of documents it cannot use; without it,
// nowhere.
func WithLogger(log *zap.Logger) Option { return func(s *Store) { s.log = log } }

// Connect prepares a Store for the database of that name. It does not wait for
// a server: where none is there, Ping and every other method say so. The error
// is about the connection string.
func Connect(ctx context.Context, uri, database string, opts ...Option) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("connecting to MongoDB: %w", err)
	}
	client, err := mongo.Connect(clientOptions(uri))
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return nil, fmt.Errorf("MONGODB_URI: looking up its host: %w", dns)
	}
	if err != nil { // the driver's own error may repeat a part of the password
		return nil, errors.New("MONGODB_URI: cannot be read; in its name and password encode characters other than letters and digits as %XX, and check its options")
	}
	s := newStore(client, database)
	for _, o := range opts {
		o(s)
	}
	s.canaries.log = s.log
	return s, nil
}

func clientOptions(uri string) *options.ClientOptions {
	return options.Client().
		SetAppName("trials").
		SetServerSelectionTimeout(selectionLimit).
		SetConnectTimeout(selectionLimit).
		SetTimeout(operationLimit).
		SetBSONOptions(&options.BSONOptions{UseJSONStructTags: true}).
		ApplyURI(uri) // last, so that the connection string has the last word
}

func newStore(client *mongo.Client, database string) *Store {
	s := prefixed(client, database, "")
	s.canaries = prefixed(client, database, recovery.CanaryPrefix)
	return s
}

// prefixed is a store whose collections' names begin with a prefix.
func prefixed(client *mongo.Client, database, prefix string) *Store {
	db := client.Database(database)
	named := func(name string) *mongo.Collection { return db.Collection(prefix + name) }
	s := &Store{
		client: client, log: zap.NewNop(), flagTurns: lanes.New(1, mostFlagChanges),
		users: named(usersCollection), trials: named(trialsCollection), events: named(eventsCollection),
		sends: named("sends"), flags: named(recovery.Flags), idempotencyKeys: named(idempotencyKeysCollection),
		messages: named(messagesCollection), observed: named(observedCollection),
		rollouts: named(recovery.Rollouts), decisions: named(decisionsCollection),
		snapshots: named("snapshots"), ledgers: named("ledgers"),
		counters: named(countersCollection),
		notices:  named("notices"), reports: named("reports"),
		sweeps: named("sweeps"), processes: named(recovery.Processes),
		alerts: named("alerts"), alertEvents: named("alert_events"), repairs: named("repairs"),
		tokens: named(tokensCollection), sessions: named(sessionsCollection),
		auditLog: named(auditCollection),
		bulks:    named("bulk_operations"), bulkItems: named(bulkItemsCollection),
		passes: named("migrations"), suppressions: named(suppressionsCollection),
		canaryLog: named(recovery.Canaries), answers: named(feedbackCollection),
		experiments: named(experimentsCollection), mailVersions: named("mail_versions"),
	}
	s.appender = audit.NewAppender(s, func(seq int) {
		s.log.Error("the audit record ends before an entry that was there", zap.Int("missing", seq))
	})
	return s
}

// Database is the one that the Store keeps everything in.
func (s *Store) Database() *mongo.Database { return s.users.Database() }

// Close gives the connections back.
func (s *Store) Close(ctx context.Context) error {
	if s.observations != nil {
		s.observations.close(ctx)
	}
	if s.tallies != nil {
		s.tallies.close(ctx)
	}
	if err := s.client.Disconnect(ctx); err != nil {
		return failed("closing the connections to MongoDB", err)
	}
	return nil
}

// Ping asks whether the server answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.client.Ping(ctx, nil); err != nil {
		return failed("asking whether MongoDB answers", err)
	}
	return nil
}

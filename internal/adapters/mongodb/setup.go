package mongodb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/trial"
)

// messageRetention is how long a webhook message's id is remembered. SNS gives
// up delivering long before.
const messageRetention = 30 * 24 * time.Hour

// index is one index and the queries it is there for.
type index struct {
	collection string
	keys       bson.D
	options    *options.IndexOptionsBuilder
	serves     string
}

// indexes are all there are beside those over _id. Without them results are the same, and slower.
func indexes() []index {
	all := []index{
		{collection: usersCollection, keys: ascending("isVendor", "trialAutomation.status"), serves: "UnstartedVendors: a vendor without a status"},
		{collection: idempotencyKeysCollection, keys: ascending("value.recorded"), options: options.Index().SetSparse(true), serves: "UnrecordedConversions: recorded is false"},
		{collection: usersCollection, keys: ascending("isVendor", "trialStartDate"), serves: "VendorsWithoutStart: isVendor without trialStartDate"},
		{collection: usersCollection, keys: ascending("isVendor", "email"), options: options.Index().SetCollation(letters()), serves: "FindVendors by address"},
		{collection: usersCollection, keys: ascending("isVendor", "name"), options: options.Index().SetCollation(letters()), serves: "FindVendors by name, in its order"},
		{collection: trialsCollection, keys: ascending("nextAt"), serves: "OverdueTrials: nextAt below a moment, in its order"},
		{collection: trialsCollection, keys: ascending("held.reason", "_id"), serves: "HeldTrials, and Trials that are held or not: by reason, in the order of _id"},
		{collection: trialsCollection, keys: ascending("status", "_id"), serves: "Trials of one status, and TrialsElsewhere and RunningTrials of two, in the order of _id"},
		{collection: trialsCollection, keys: ascending("cohort", "_id"), serves: "Trials of one cohort, in the order of _id"},
		{collection: trialsCollection, keys: ascending("_id", "adoptedAt"), options: options.Index().SetPartialFilterExpression(bson.D{adopted()}),
			serves: "Trials that were adopted, in the order of _id"},
		{collection: trialsCollection, keys: ascending("policy.name", "_id"), serves: "Trials under one policy, in the order of _id"},
		{collection: trialsCollection, keys: ascending("experiment.experiment", "experiment.arm", "_id"), options: options.Index().SetSparse(true),
			serves: "Trials of an experiment's arms, in the order of _id"},
		{collection: trialsCollection, keys: ascending("experiment.experiment"), options: options.Index().SetSparse(true), serves: "ExperimentRows of one experiment"},
		{collection: auditCollection, keys: ascending("subject", "_id"), serves: "AuditEntries of one subject, in the order of _id"},
		{collection: auditCollection, keys: ascending("actor", "_id"), serves: "AuditEntries of one actor, in the order of _id"},
		{collection: auditCollection, keys: ascending("outcome", "_id"), serves: "AuditEntries of one outcome, in the order of _id"},
		{collection: bulkItemsCollection, keys: ascending("vendorId", "_id"), serves: "BulkParts of one vendor, in the order of _id"},
		{collection: feedbackCollection, keys: ascending("phase.rolloutId"), serves: "CountFeedback of one rollout"},
		{collection: feedbackCollection, keys: ascending("at"), serves: "CountFeedback of some time"},
		{collection: messagesCollection, keys: ascending("at"), options: options.Index().SetExpireAfterSeconds(int32(messageRetention.Seconds())), serves: "forgetting old ids of messages"},
		{collection: sessionsCollection, keys: ascending("endsAt"), options: options.Index().SetExpireAfterSeconds(0), serves: "forgetting sessions that are over"},
		{collection: sessionsCollection, keys: bson.D{{Key: "since", Value: -1}, {Key: "_id", Value: -1}}, serves: "Sessions, the latest first"},
		{collection: sessionsCollection, keys: ascending("subject", "_id"), serves: "SessionsOf a person, in the order of _id"},
	}
	for _, cause := range append(trial.Causes(), anyCause) {
		i := index{
			collection: suppressionsCollection, keys: bson.D{{Key: "latest." + string(cause), Value: -1}, {Key: "_id", Value: -1}},
			serves: "SuppressedVendors by cause: " + string(cause) + ", the latest first",
		}
		if cause != anyCause { // of that, those that have none are looked for too; sparse, with _id in it, would leave none out
			i.options = options.Index().SetPartialFilterExpression(bson.D{{Key: "latest." + string(cause), Value: bson.D{{Key: "$exists", Value: true}}}})
		}
		all = append(all, i)
	}
	return all
}

func ascending(fields ...string) bson.D {
	keys := make(bson.D, 0, len(fields))
	for _, field := range fields {
		keys = append(keys, bson.E{Key: field, Value: 1})
	}
	return keys
}

// make makes the index, anew where an earlier version of the product has made it with other options. Where others may have made it,
// theirs stays.
func (i index) make(ctx context.Context, all mongo.IndexView) error {
	ctx, cancel := context.WithTimeout(ctx, scanLimit)
	defer cancel()
	model := mongo.IndexModel{Keys: i.keys, Options: i.options}
	_, err := all.CreateOne(ctx, model)
	if isAnotherIndex(err) && i.collection != usersCollection {
		if dropErr := all.DropOne(ctx, i.name()); dropErr != nil && !isMissingIndex(dropErr) { // another setup may have dropped it
			return dropErr //nolint:wrapcheck // Setup says which one it is
		}
		_, err = all.CreateOne(ctx, model)
	}
	if notImplemented(err) {
		return nil
	}
	return err //nolint:wrapcheck // Setup says which one it is
}

// name is the one that servers and the driver give an index that has none of its own.
func (i index) name() string {
	parts := make([]string, 0, len(i.keys))
	for _, k := range i.keys {
		parts = append(parts, fmt.Sprintf("%s_%v", k.Key, k.Value))
	}
	return strings.Join(parts, "_")
}

// Setup makes the indexes and the first flag document. It may be repeated, and
// changes no documents that are there.
func (s *Store) Setup(ctx context.Context) error {
	for _, i := range indexes() {
		err := i.make(ctx, s.users.Database().Collection(i.collection).Indexes())
		if isAnotherIndex(err) {
			s.log.Warn("another index stands in the place of one of ours: what that serves is slower", zap.String("collection", i.collection), zap.String("serves", i.serves))
			continue
		}
		if err != nil {
			return failed(fmt.Sprintf("making the index of %s for %s", i.collection, i.serves), err)
		}
	}
	if err := s.listSuppressions(ctx); err != nil {
		return err
	}
	_, err := s.Flags(ctx)
	return err
}

// listSuppressions has the suppressions that were stored before there were lists be on them, since nobody else comes by them.
func (s *Store) listSuppressions(ctx context.Context) error {
	const batch = 500
	ofVendors := bson.D{{Key: "$gt", Value: vendorSuppressionPrefix}, {Key: "$lt", Value: "vendor0"}} // '0' is the character after '/'
	for {
		filter := bson.D{{Key: "latest." + string(anyCause), Value: nil}, {Key: "_id", Value: ofVendors}}
		docs, err := list[bson.Raw](ctx, "looking for suppressions that are on no list", s.suppressions, filter, options.Find().SetSort(ascending("_id")).SetLimit(batch))
		if err != nil || len(docs) == 0 {
			return err
		}
		for _, doc := range docs {
			if err := s.MergeSuppression(ctx, doc); err != nil { // one that cannot be read stops e-mail all the same
				s.log.Warn("a suppression is on no list", zap.Error(err))
			}
		}
		ofVendors[0].Value = docs[len(docs)-1].Lookup("_id")
	}
}

// isAnotherIndex tells whether the server has an index of the same keys, or of the same name, with other options.
func isAnotherIndex(err error) bool {
	const optionsConflict, keySpecsConflict = 85, 86
	var e mongo.ServerError
	return errors.As(err, &e) && (e.HasErrorCode(optionsConflict) || e.HasErrorCode(keySpecsConflict))
}

// isMissingIndex tells that the server has no index of that name.
func isMissingIndex(err error) bool {
	const code = 27
	var e mongo.ServerError
	return errors.As(err, &e) && e.HasErrorCode(code)
}

// notImplemented tells whether the server lacks a feature altogether, as
// FerretDB lacks indexes that expire documents, and those of some documents only.
func notImplemented(err error) bool {
	const code = 238
	var e mongo.ServerError
	return errors.As(err, &e) && e.HasErrorCode(code)
}
